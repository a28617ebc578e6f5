"""In Colab, which is played here: what the setup cell installs, and where files are found and kept."""

import os
import sys
import types
import zipfile

import numpy as np
import pytest
import stamp
from IPython.core.interactiveshell import InteractiveShell
from PIL import Image

import facesom
from facesom import notebook
from facesom.notebook import find_data, find_emotion_folder


class Colab:
    """Its Drive and its form: the form writes what is chosen into the working folder and hands it on."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.chosen, self.mounted, self.asked, self.installed = folder, [], 0, 0, []
        colab = types.ModuleType("google.colab")
        colab.drive = types.SimpleNamespace(mount=self.mount)
        colab.files = types.SimpleNamespace(upload=self.upload)
        monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
        monkeypatch.setitem(sys.modules, "google.colab", colab)
        monkeypatch.chdir(folder)

    def mount(self, place):
        assert place == f"{self.folder}/drive"
        self.mounted += 1

    def upload(self):
        self.asked += 1
        written = {}
        for name, content in self.chosen:
            stem, suffix = os.path.splitext(name)
            free = (f"{stem}{end}{suffix}" for end in ("", *(f" ({k})" for k in range(1, 9))))
            name = next(name for name in free if not os.path.exists(name))
            with open(name, "wb") as file:
                file.write(content)
            written[name] = content
        return written

    def run_setup(self, address="", drive_folder="facesom"):
        """Run the cell of a fresh notebook; returns the error, or None."""
        os.chdir(self.folder)
        source = stamp.setup_source(address).replace("/content", str(self.folder))
        source = source.replace('drive_folder = "facesom"', f'drive_folder = "{drive_folder}"')
        shell = InteractiveShell.instance()
        shell.register_magic_function(self.pip, magic_name="pip")
        return shell.run_cell(source).error_in_exec

    def pip(self, line):
        name = line.removeprefix('install --quiet "').removesuffix('"')
        with open(name, "rb") if os.path.exists(name) else open(os.devnull, "rb") as file:
            self.installed.append((name, file.read()))


@pytest.fixture
def colab(tmp_path, monkeypatch):
    yield Colab(tmp_path, monkeypatch)
    InteractiveShell.clear_instance()


def test_a_zip_in_drive_is_installed_without_asking(colab):
    drive = colab.folder / "drive" / "MyDrive" / "facesom"
    drive.mkdir(parents=True)
    (drive / "facesom.zip").write_bytes(b"first")
    assert colab.run_setup() is None
    assert (colab.mounted, colab.asked, colab.installed) == (1, 0, [("facesom.zip", b"first")])
    assert os.getcwd() == str(drive), "outputs are kept in Drive"


@pytest.mark.parametrize("name", ["facesom.zip", "facesom (1).zip", "facesom-0.2.zip"])
def test_a_newer_zip_is_installed_whatever_its_name(colab, name):
    drive = colab.folder / "drive" / "MyDrive" / "facesom"
    drive.mkdir(parents=True)
    (drive / "facesom.zip").write_bytes(b"first")
    os.utime(drive / "facesom.zip", (1e9, 1e9))
    assert colab.run_setup() is None
    (drive / name).write_bytes(b"second")
    assert colab.run_setup() is None
    assert colab.installed[-1] == (name, b"second")


def test_an_uploaded_zip_stays_in_drive_for_the_next_notebook(colab):
    colab.chosen = [("facesom.zip", b"first")]
    assert colab.run_setup() is None and colab.run_setup() is None
    assert colab.asked == 1
    assert colab.installed == [("facesom.zip", b"first")] * 2


def test_without_drive_nothing_is_mounted(colab):
    colab.chosen = [("facesom.zip", b"first")]
    assert colab.run_setup(drive_folder="") is None
    assert colab.mounted == 0 and colab.installed == [("facesom.zip", b"first")]
    assert os.getcwd() == str(colab.folder)


def test_a_cancelled_upload_is_a_sentence(colab):
    error = colab.run_setup()
    assert "No file was chosen: run this cell again" in str(error)
    assert colab.installed == []
    with pytest.raises(ValueError, match="data_path: no file was chosen; run the cell again"):
        find_data("upload")


def test_a_stamped_notebook_installs_from_its_address_unless_drive_has_a_zip(colab):
    assert colab.run_setup("https://git.example.org/someone/facesom") is None
    assert colab.installed == [("git+https://git.example.org/someone/facesom", b"")] and colab.asked == 0
    (colab.folder / "drive" / "MyDrive" / "facesom" / "facesom.zip").write_bytes(b"mine")
    assert colab.run_setup("https://git.example.org/someone/facesom") is None
    assert colab.installed[-1] == ("facesom.zip", b"mine")


def test_the_next_notebook_finds_what_this_one_wrote_and_the_users_file_first(colab):
    colab.chosen = [("facesom.zip", b"first")]
    colab.run_setup()
    drawn = find_data(n_persons=2, n_frames=8, folder="outputs").resolve()
    assert drawn.parent == colab.folder / "drive" / "MyDrive" / "facesom" / "outputs"
    colab.run_setup()
    assert find_data(n_persons=2, n_frames=8, folder="outputs").resolve() == drawn
    mine = facesom.make_faces(2, 9, size=32, seed=1).dataset
    facesom.save(mine, "data_3.pickle")
    colab.run_setup()
    np.testing.assert_array_equal(facesom.load(find_data(folder="outputs")).X1, mine.X1)


@pytest.mark.parametrize("told", ["mine.pickle", "mine (1).pickle"])
def test_a_file_uploaded_again_under_the_same_name_is_the_new_one(colab, told):
    files = []
    for seed in (1, 2):
        facesom.save(facesom.make_faces(2, 8, size=32, seed=seed).dataset, "new.pickle")
        files.append((colab.folder / "new.pickle").read_bytes())
    (colab.folder / "new.pickle").unlink()
    colab.chosen = [("mine.pickle", files[0])]
    assert find_data("upload").read_bytes() == files[0]
    colab.chosen = [("mine.pickle", files[1])]
    upload = colab.upload
    sys.modules["google.colab"].files.upload = lambda: {told: next(iter(upload().values()))}
    assert find_data("upload").read_bytes() == files[1]
    assert (colab.folder / "mine.pickle").read_bytes() == files[0], "nobody's file is replaced"


def write_zip(path, classes, n):
    picture = path.parent / "picture.png"
    with zipfile.ZipFile(path, "w") as archive:
        for name in classes:
            for k in range(n):
                Image.fromarray(np.full((8, 8), 20 * k, np.uint8)).save(picture)
                archive.write(picture, f"{name}/{k}.png")


def count(folder):
    return len(list(folder.rglob("*.png")))


def test_a_zip_of_another_content_is_unpacked_anew(tmp_path):
    path, outputs = tmp_path / "faces.zip", tmp_path / "outputs"
    write_zip(path, ("happy", "sad"), 3)
    assert count(find_emotion_folder(path, folder=outputs)) == 6
    write_zip(path, ("happy", "sad", "angry"), 5)
    assert count(find_emotion_folder(path, folder=outputs)) == 15
    (tmp_path / "other").mkdir()
    write_zip(tmp_path / "other" / "faces.zip", ("fear", "neutral"), 2)
    assert count(find_emotion_folder(tmp_path / "other" / "faces.zip", folder=outputs)) == 4


def test_an_unpacking_that_broke_off_is_repeated(tmp_path):
    path, outputs = tmp_path / "faces.zip", tmp_path / "outputs"
    write_zip(path, ("happy", "sad"), 3)
    folder = find_emotion_folder(path, folder=outputs)
    (folder / "sad" / "2.png").unlink()
    (folder / "sad" / "1.png").write_bytes(b"")
    assert count(find_emotion_folder(path, folder=outputs)) == 6
    assert (folder / "sad" / "1.png").stat().st_size > 0


def test_a_damaged_zip_says_so_and_leaves_nothing(tmp_path):
    path, outputs = tmp_path / "faces.zip", tmp_path / "outputs"
    write_zip(path, ("happy", "sad"), 3)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"IDAT", b"IDAX", 1))
    with pytest.raises(ValueError, match=r"faces\.zip' is damaged or locked \(Bad CRC"):
        find_emotion_folder(path, folder=outputs)
    path.write_bytes(whole)
    assert count(find_emotion_folder(path, folder=outputs)) == 6


def test_how_long_it_takes_grows_with_the_data_and_the_time_of_a_sample(monkeypatch):
    images = facesom.make_faces(2, 240, size=32).dataset.X1
    clock = iter(np.cumsum([0, 9, 0, 1] * 2))
    monkeypatch.setattr(notebook.time, "perf_counter", lambda: next(clock))
    fixed, times = notebook.COSTS[4]
    said = notebook.how_long(images, 4)
    assert said.startswith(f"About {round((fixed + times * np.sqrt(4)) / 10) * 10} seconds")
    assert said.endswith("as 120 of 480 frames are measured in 1.00.")

"""How files are written whole or not at all, how images are read, and how arrays of users come in."""

import importlib.util
import os
import signal
import stat
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import facesom
from facesom import plots
from facesom.emotions import EMOTIONS, EmotionFaces, find_copies, write_fer2013
from facesom.features import Pixels, to_tensor
from facesom.identity import leak, read_actions
from facesom.io import (
    DatasetError,
    as_array,
    as_faces,
    atomic_folder,
    atomic_write,
    check_whole,
    on_ground,
    per_person,
    read_image,
)
from facesom.photos import align_landmarks, find_photos, write_example_video, write_label_sheet

posix = pytest.mark.skipif(os.name != "posix", reason="modes, links and pipes of POSIX")


# ---------------------------------------- the writer


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.txt"
    with atomic_write(path, encoding="utf-8") as file:
        file.write("ä")
        assert not path.exists()
    assert path.read_bytes() == "ä".encode()
    with pytest.raises(KeyboardInterrupt), atomic_write(path, "wb") as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == "ä".encode() and names(tmp_path) == ["a.txt"]


def test_names_are_as_long_as_the_system_allows(tmp_path):
    for name in ("x" * 255, "ä" * 127):
        with atomic_write(tmp_path / name) as file:
            file.write("")
        assert (tmp_path / name).exists()
    with pytest.raises(OSError, match="name too long"), atomic_write(tmp_path / ("x" * 256)):
        pass


def test_a_missing_folder_is_named(tmp_path):
    path = tmp_path / "nowhere" / "a.txt"
    with (
        pytest.raises(FileNotFoundError, match=r"no such folder, make it first: '.*nowhere'$"),
        atomic_write(path),
    ):
        pass
    with pytest.raises(IsADirectoryError, match="expected a file, this is a folder"), atomic_write(tmp_path):
        pass
    assert names(tmp_path) == []


@posix
def test_what_is_no_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for name in (tmp_path / "pipe", "/dev/null", tmp_path / "a"):
        with pytest.raises(OSError, match=r"a device, a pipe or a socket|symbolic links"), atomic_write(name):
            pass
    assert stat.S_ISFIFO((tmp_path / "pipe").lstat().st_mode) and (tmp_path / "a").is_symlink()
    assert names(tmp_path) == ["a", "b", "pipe"]
    with pytest.raises(OSError, match="a device, a pipe"):
        read_image(tmp_path / "pipe")


@posix
def test_mode_and_links_are_kept_even_while_it_is_written(tmp_path):
    path, link = tmp_path / "a", tmp_path / "folder" / "link"
    path.write_text("old")
    path.chmod(0o600)
    link.parent.mkdir()
    link.symlink_to("../a")
    with atomic_write(link) as file:
        file.write("new")
        beside = next(tmp_path.glob(".*.part"))
        assert beside.stat().st_mode & 0o777 == 0o600
    assert link.is_symlink() and path.read_text() == "new" and path.stat().st_mode & 0o777 == 0o600
    (tmp_path / "new").symlink_to("fresh")
    with atomic_write(tmp_path / "new") as file:
        file.write("x")
    assert (tmp_path / "fresh").read_text() == "x"


@posix
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_is_kept(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    os.chown(path, 12345, 12346)
    with atomic_write(path) as file:
        file.write("new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)


@posix
def test_what_a_kill_leaves_is_removed_by_the_next_write_and_what_is_written_is_not(tmp_path):
    code = (
        "import sys, time\nfrom facesom.io import atomic_write\n"
        f"with atomic_write({str(tmp_path / 'a')!r}) as file:\n"
        "    file.write('half'); file.flush(); print('go', flush=True); time.sleep(60)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(2)]
    for writer in writers:
        writer.stdout.readline()
    writers[0].send_signal(signal.SIGKILL)
    writers[0].wait()
    assert len(list(tmp_path.glob(".*.part"))) == 2
    with atomic_write(tmp_path / "b") as file:
        file.write("whole")
    assert len(list(tmp_path.glob(".*.part"))) == 1, "the other is still being written"
    writers[1].kill()
    writers[1].wait()
    with atomic_write(tmp_path / "a") as file:
        file.write("whole")
    assert names(tmp_path) == ["a", "b"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    with atomic_folder(tmp_path / "new" / "a") as folder:
        (folder / "x").write_text("x")
        assert not (tmp_path / "new" / "a").exists()
    assert names(tmp_path / "new" / "a") == ["x"]
    with pytest.raises(KeyboardInterrupt), atomic_folder(tmp_path / "b") as folder:
        (folder / "x").write_text("x")
        raise KeyboardInterrupt
    with pytest.raises(OSError), atomic_folder(tmp_path / "new" / "a") as folder:
        (folder / "y").write_text("y")
    assert names(tmp_path) == ["new"] and names(tmp_path / "new") == ["a"]
    assert names(tmp_path / "new" / "a") == ["x"]


@posix
def test_a_folder_that_a_kill_leaves_is_removed(tmp_path):
    code = (
        "import time\nfrom facesom.io import atomic_folder\n"
        f"with atomic_folder({str(tmp_path / 'a')!r}) as folder:\n"
        "    (folder / 'half').write_text('half'); print('go', flush=True); time.sleep(60)"
    )
    writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    writer.stdout.readline()
    with atomic_write(tmp_path / "b") as file:
        file.write("whole")
    assert len(names(tmp_path)) == 2, "it is still being written"
    writer.kill()
    writer.wait()
    with atomic_folder(tmp_path / "a") as folder:
        (folder / "x").write_text("x")
    assert names(tmp_path) == ["a", "b"] and names(tmp_path / "a") == ["x"]


@posix
def test_every_function_writes_through_the_one_writer(tmp_path, monkeypatch):
    """Modes and links stay, a device, a pipe and a loop are refused, and a failed write leaves the old."""
    gray = facesom.to_grayscale(facesom.make_faces(n_persons=2, n_frames=9, size=32, seed=1).dataset)
    som = facesom.FaceSOM(2, 3, seed=0).fit(gray.X1[0])
    faces = EmotionFaces((gray.X1[0] * 255).astype(np.uint8), np.arange(9) % 7, EMOTIONS)
    writers = {
        "a.pickle": lambda path: facesom.save(gray, path),
        "b.npz": lambda path: facesom.save(gray, path),
        "c.npz": som.save,
        "d.html": lambda path: facesom.write_explorer(som, gray.X1[0], path),
        "grid.png": lambda path: facesom.figures(som, path.parent, formats="png", dpi=40),
        "e.csv": lambda path: write_fer2013({"Training": faces}, path),
        "f.csv": lambda path: write_label_sheet([], path),
        "g.mp4": write_example_video,
        "photos/cat.png": lambda path: find_photos(folder=path.parents[1]),
    }
    (tmp_path / "real").mkdir()
    for name, write in writers.items():
        path, target = tmp_path / name, tmp_path / "real" / Path(name).name
        path.parent.mkdir(exist_ok=True)
        write(path)
        path.rename(target)
        target.chmod(0o640)
        path.symlink_to(target)
        write(path)
        assert path.is_symlink() and stat.S_IMODE(target.stat().st_mode) == 0o640, name
        before = target.read_bytes()
        assert before, name
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "disk full")))
            with pytest.raises(OSError, match="disk full"):
                write(path)
        assert target.read_bytes() == before, name
        for make in (lambda p: p.symlink_to("/dev/null"), os.mkfifo, lambda p: p.symlink_to(p)):
            path.unlink()
            make(path)
            with pytest.raises((OSError, ValueError)):
                write(path)
        assert not [left for left in tmp_path.rglob("*.part")], name


# ---------------------------------------- images


def drawing(ink, size=40):
    """A cross of `ink` on transparent ground, whose hidden colour is the ink's, too."""
    picture = np.full((size, size, 4), ink, np.uint8)
    picture[..., 3] = 0
    picture[18:22, 5:35, 3] = picture[5:35, 18:22, 3] = 255
    return picture


@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("ink", [0, 20, 60, 128, 200, 240, 255])
@pytest.mark.parametrize("kind", ["RGBA", "LA", "P", "half"])
def test_a_drawing_on_transparent_ground_is_seen_whether_dark_or_light(tmp_path, gray, ink, kind):
    picture = drawing(ink)
    if kind == "half":
        picture[..., 3] = picture[..., 3] * 0.8
    image = Image.fromarray(picture)
    if kind in ("LA", "P"):
        image = image.convert(kind)
    if kind == "P":
        image = Image.fromarray(np.where(picture[..., 3] > 0, 1, 0).astype(np.uint8)).convert("P")
        image.putpalette([ink] * 6)
        image.save(tmp_path / "a.png", transparency=0)
    else:
        image.save(tmp_path / "a.png")
    for where in (tmp_path / "a.png", str(tmp_path / "a.png"), open(tmp_path / "a.png", "rb")):  # noqa: SIM115
        found, size = read_image(where, gray=gray)
        assert (
            size == (40, 40)
            and found.shape == ((40, 40) if gray else (40, 40, 3))
            and found.dtype == np.uint8
        )
        shown = found if gray else found[..., 0]
        assert abs(int(shown[20, 20]) - int(shown[0, 0])) >= 100
        assert shown[0, 0] in (0, 255)
    assert shown[0, 0] == (255 if ink < 64 else 0)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_every_function_lays_transparent_faces_by_the_same_rule(tmp_path, dark, dtype):
    drawn = facesom.make_faces(n_persons=2, n_frames=9, size=32, seed=1).dataset.X1
    ink, colours = drawn.any(axis=-1, keepdims=True), drawn // 4 if dark else drawn
    clear = np.concatenate([np.where(ink, colours, [255, 0, 0]), 255 * ink], axis=-1).astype(dtype)
    plain = np.where(ink, colours, 255 if dark else 0).astype(dtype)
    if np.dtype(dtype).kind == "f":
        clear, plain = clear / dtype(255), plain / dtype(255)
    som = facesom.FaceSOM(2, 3, seed=0).fit(plain[0])

    def explored(faces):
        facesom.write_explorer(som, faces, tmp_path / "page.html")
        return [len((tmp_path / "page.html").read_text(encoding="utf-8"))]

    for seen in (
        lambda faces: facesom.FaceSOM(2, 3, seed=0).fit(faces[0]).prototypes_,
        lambda faces: facesom.FaceSOM(2, 3, seed=0, method="online").fit(faces[0]).prototypes_,
        lambda faces: som.predict(faces[1]),
        lambda faces: facesom.predict_emotions(faces[0]),
        lambda faces: facesom.predict_emotions([faces[0, 0], faces[0, 1, :20]]),
        lambda faces: find_copies(faces[0]),
        lambda faces: facesom.shape_features(faces),
        lambda faces: np.concatenate(facesom.shape_features([faces[0], faces[1, :5]])),
        lambda faces: facesom.to_grayscale(faces),
        lambda faces: Pixels().fit(faces).transform(faces),
        explored,
        lambda faces: explored([faces[0], faces[1, :5]]),
    ):
        np.testing.assert_allclose(seen(clear), seen(plain), atol=1e-5)
    if importlib.util.find_spec("torch"):
        assert to_tensor(clear[0]).equal(to_tensor(plain[0]))


def test_persons_in_a_list_lie_on_the_ground_that_they_have_in_an_array():
    faces = np.zeros((2, 4, 16, 16, 4), np.uint8)
    faces[:, :, 4:8, 4:8] = [[[[[20, 20, 20, 255]]]], [[[[250, 250, 250, 255]]]]]
    faces[0, :, 8:12, 4:8] = [20, 20, 20, 255]
    whole, listed = on_ground(faces), on_ground(list(faces))
    assert np.array_equal(whole, listed) and whole[1, 0, 0, 0, 0] == 255


def test_an_opaque_image_stays_as_it_is_and_sizes_are_kept(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png")[0], picture)
    small, size = read_image(tmp_path / "a.png", max_side=45)
    assert small.shape == (30, 45, 3) and size == (90, 60)
    assert read_image(tmp_path / "a.png", gray=True, square=20)[0].shape == (20, 20)
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:2000])
    with pytest.raises((OSError, ValueError)):
        read_image(tmp_path / "b.png")


# ---------------------------------------- the gates

FACES = np.random.default_rng(0).integers(0, 256, (2, 5, 48, 40), dtype=np.uint8)


@pytest.mark.parametrize(
    "images, leading, axis, cure",
    [
        (FACES[0][..., None], None, r"axis 3 is one gray channel", "use images[..., 0]"),
        (FACES[0][..., None], 1, r"axis 3 is one gray channel", "use images[..., 0]"),
        (FACES[..., None], 2, r"axis 4 is one gray channel", "use images[..., 0]"),
        (FACES[0][:, None], 1, r"axis 1 is one gray channel", "pass images[:, 0]"),
        (FACES[:, :, None], 2, r"axis 2 is one gray channel", "pass images[:, :, 0]"),
        (np.stack([FACES[0]] * 3, axis=1), 1, "axis 1 is the colour axis", "np.moveaxis(images, 1, -1)"),
        (np.stack([FACES] * 3, axis=2), 2, "axis 2 is the colour axis", "np.moveaxis(images, 2, -1)"),
        (np.stack([FACES] * 4, axis=2), (1, 2), "axis 2 is the colour axis", "np.moveaxis(images, 2, -1)"),
        (FACES[0, 0], 1, "got shape", "pass images[None]"),
        (FACES[0], 2, "for one person", "pass images[None]"),
        (FACES, 1, "one person", "pass images[0]"),
        (FACES[0].astype(float), 1, "look like 0..255", "divide by 255"),
    ],
)
def test_wrong_forms_name_the_axis_and_a_cure_that_works(images, leading, axis, cure):
    with pytest.raises(DatasetError, match=axis) as caught:
        as_faces(images, leading=leading)
    assert cure in str(caught.value)
    expression = cure.removeprefix("use ").removeprefix("pass ").replace("divide by 255", "images / 255")
    found = as_faces(eval(expression, {"images": images, "np": np}), leading=leading)
    assert found.shape[-2:] in ((48, 40), (40, 3), (40, 4))


@pytest.mark.parametrize("leading", [None, (1, 2)])
def test_channels_that_look_like_frames_are_warned_of(leading):
    faces = np.repeat(FACES.reshape(10, 48, 40), 2, axis=0)
    with pytest.warns(UserWarning, match="1 gray frames for each of 20 persons, unless axis 1 is one gray"):
        as_faces(faces[:, None], leading=leading)
    with pytest.warns(UserWarning, match=r"unless axis 1 is the colour axis, .*np.moveaxis\(images, 1, -1\)"):
        as_faces(np.stack([faces] * 3, axis=1), leading=leading)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        as_faces(faces[:, None], leading=2)
        as_faces(faces.reshape(2, 10, 48, 40), leading=leading)
        as_faces(faces.reshape(5, 4, 48, 40), leading=leading)


def test_persons_of_unequal_length_and_of_mixed_dtypes_are_the_same_faces():
    persons = [FACES[0], FACES[1][:3]]
    found = as_faces(persons, leading=2)
    assert isinstance(found, list) and [x.shape[0] for x in found] == [5, 3] and found[0].dtype == np.uint8
    objects = np.empty(2, object)
    objects[0], objects[1] = persons
    for a, b in zip(found, as_faces(objects, leading=(1, 2)), strict=True):
        np.testing.assert_array_equal(a, b)
    mixed = as_faces([FACES[0], FACES[1] / 255], leading=2)
    np.testing.assert_allclose(mixed, FACES / 255, atol=1e-6)
    for wrong in (None, {}, np.array(None), [np.array(1), np.array(2)], [[FACES[0], FACES[0, 0]], FACES[0]]):
        with pytest.raises(DatasetError, match="images"):
            as_faces(wrong, leading=2)
    with pytest.raises(DatasetError, match=r"expected frames of \(48, 40\), got \(40, 48\) for person 1"):
        as_faces([FACES[0], np.moveaxis(FACES[1][:2], 1, 2)], leading=2)


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x[0], x[1]], lambda x: [list(x[0]), list(x[1])]])
def test_masked_pixels_are_not_forgotten(wrap):
    masked = np.ma.masked_array(FACES, np.zeros_like(FACES, bool))
    np.testing.assert_array_equal(as_faces(wrap(masked)), FACES)
    masked.mask[0, 1, 2, 3] = True
    with pytest.raises(DatasetError, match="NaN or infinity, as masked and missing pixels count"):
        as_faces(wrap(masked))
    assert np.isnan(as_array(wrap(masked))).sum() == 1


def test_missing_numbers_become_nan():
    for values in (
        np.ma.masked_array([1, 2, 3], [0, 1, 0]),
        pd.Series([1, None, 3], dtype="Int64"),
        pd.array([1.0, None, 3.0], dtype="Float64"),
        np.array([1, None, 3], object),
        np.array([1, pd.NA, np.float32(3)], object),
        [1, None, 3],
        [1, pd.NA, 3],
    ):
        found = as_array(values)
        assert found.dtype.kind == "f"
        np.testing.assert_array_equal(found, [1, np.nan, 3])
    whole = as_array(np.array([1, 2, 3], object))
    assert whole.dtype.kind == "i" and whole.tolist() == [1, 2, 3]
    table = pd.DataFrame({"a": [1, 2], "b": pd.array([3, None], dtype="Int64")})
    np.testing.assert_array_equal(as_array(table), [[1, 3], [2, np.nan]])
    for wrong in (np.array([1, "a"], object), np.array(["a", None], object), [{}], [1 + 2j, None]):
        with pytest.raises(DatasetError, match="has dtype object; expected numbers or texts"):
            as_array(wrong)
    with pytest.raises(DatasetError, match="y is bytearray; expected a label, not bytes"):
        as_array(bytearray(b"\7\\8"), "y", "a label")
    with pytest.raises(DatasetError, match="masked values of dtype <U1"):
        as_array(np.ma.masked_array(["a", "b"], [0, 1]))


def masked_at(values, place):
    return np.ma.array(values, mask=np.arange(np.size(values)).reshape(np.shape(values)) == place)


def test_no_function_forgets_what_is_masked():
    """A masked value is an error that says so, or NaN; never the number behind the mask."""
    gray = facesom.to_grayscale(facesom.make_faces(n_persons=2, n_frames=6, size=32, seed=1).dataset).X1
    som = facesom.FaceSOM(2, 3, seed=0).fit(gray[0])
    labels, columns = np.arange(6) % 2, len(facesom.feature_names())
    faces = EmotionFaces((255 * gray[0]).astype(np.uint8), labels, ("a", "b"))
    for refuses in (
        lambda: leak(masked_at(np.tile(labels, (2, 1)), 0)),
        lambda: leak([[0, None], [1, 1]]),
        lambda: faces.subset(masked_at(labels, 0)),
        lambda: faces.subset(pd.array([0, pd.NA])),
        lambda: plots.plot_persons(som, masked_at(np.tile(labels, (2, 1)), 0)),
        lambda: plots.plot_predictions(gray[0], masked_at(labels, 0), names=("a", "b")),
        lambda: plots.plot_calibration(masked_at(np.eye(2), 0), [0, 1]),
        lambda: plots.plot_calibration(np.eye(2), masked_at([0, 1], 0)),
        lambda: facesom.FaceSOM(2, 3, init=masked_at(som.prototypes_, 0)).fit(gray[0]),
    ):
        with pytest.raises(ValueError, match=r"whole numbers?|finite|missing|init"):
            refuses()
    assert np.isnan(read_actions(masked_at(np.zeros(columns), 0))).any()
    landmarks = np.random.default_rng(0).uniform(0, 99, (68, 2))
    assert np.isnan(align_landmarks(masked_at(landmarks, 2 * 36))).any()


def test_values_of_persons_come_as_arrays():
    assert [v.shape for v in per_person(np.zeros((2, 5, 3)), 2, "X2")] == [(5, 3), (5, 3)]
    assert [v.shape for v in per_person([np.zeros((5, 3)), np.zeros((2, 3))], 2, "X2")] == [(5, 3), (2, 3)]
    masked = per_person(np.ma.masked_array([[1.0, 2], [3, 4]], [[0, 1], [0, 0]]), 1, "distances")
    np.testing.assert_array_equal(masked, [[1, np.nan], [3, 4]])
    with pytest.raises(DatasetError, match="groups: expected whole numbers"):
        per_person(np.ma.masked_array([[1, 2], [3, 4]], [[0, 1], [0, 0]]), 1, "groups")
    with pytest.raises(DatasetError, match="X2: expected 2 axes for each person"):
        per_person(np.zeros(3), 2, "X2")


def test_whole_numbers():
    assert check_whole(np.int32(3), "n") == 3 and check_whole(0, "n", 0) == 0
    for value, limits, said in (
        (0, (), "from 1 up, got 0"),
        (True, (), "from 1 up, got True"),
        (2.0, (), "from 1 up, got 2.0"),
        (7, (8,), "of at least 8, got 7"),
        (9, (1, 8), "from 1 to 8, got 9"),
        ("x" * 9999, (), "from 1 up, got 'xxx"),
    ):
        with pytest.raises(ValueError, match=f"n: expected a whole number {said}") as caught:
            check_whole(value, "n", *limits)
        assert len(str(caught.value)) < 200

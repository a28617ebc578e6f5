"""Where a notebook finds its input, whether it runs in Colab or at home."""

import glob
import hashlib
import shutil
import time
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from facesom.drawn import make_faces
from facesom.emotions import EmotionFaces, read_emotion_folder, write_emotion_folder, write_fer2013
from facesom.io import as_bytes, atomic_folder, atomic_write, save, to_grayscale
from facesom.parts import shape_features
from facesom.photos import write_example_video

__all__ = ["find_action_units", "find_data", "find_emotion_folder", "find_fer2013", "find_video", "how_long"]

#: Of notebooks: seconds that do not depend on the data, and how many times the sample's, grown with the root
#: of how much more data there is, go into the rest. Fitted to 40, 3300 and 21500 frames.
COSTS = {4: (8, 41), 5: (14, 55)}


def find_data(
    path: str | Path = "", *, n_persons: int = 43, n_frames: int = 500, folder: str | Path = "outputs"
) -> Path:
    """Return the path of a pickle of faces: one's own, an uploaded one, or one of drawn faces.

    Parameters
    ----------
    path : str or Path, default ""
        A file; ``"upload"`` asks for one with Colab's upload form; ``""`` takes, in Colab, the newest pickle
        of the working folder (the setup cell makes that a folder of Google Drive). Else it draws faces with
        `make_faces` (seed 0) and keeps them in `folder`, so that they are drawn only once.
    n_persons, n_frames : int, default 43, 500
        How many faces are drawn if `path` is empty.
    folder : str or Path, default "outputs"
        Where drawn faces are kept; made if missing.

    Returns
    -------
    pathlib.Path
        An existing file for `facesom.load`.

    Raises
    ------
    ValueError
        If the file does not exist, or if ``"upload"`` is asked for outside Colab or nothing was chosen.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     facesom.load(facesom.find_data(n_persons=2, n_frames=8, folder=folder)).n_persons
    2
    """
    if path:
        return _given(path, "data_path", "drawn faces")
    if _colab() is not None:
        mine = (file for file in Path().iterdir() if file.suffix in (".pickle", ".pkl"))
        if newest := max(mine, key=lambda file: file.stat().st_mtime, default=None):
            print(f"data_path is empty: taking {newest}, the newest pickle in {Path.cwd()}")
            return newest
    path = Path(folder) / f"drawn_faces_{n_persons}x{n_frames}.pickle"
    return _kept(path, lambda: save(make_faces(n_persons, n_frames).dataset, path))


def how_long(images, notebook):
    """Say how long a notebook takes with these faces, by the time that a few of them take.

    Parameters
    ----------
    images : ndarray, shape (P, N, H, W) or (P, N, H, W, 3)
    notebook : {4, 5}
        Its number.

    Returns
    -------
    str

    Examples
    --------
    >>> faces = facesom.make_faces(n_persons=2, n_frames=30).dataset
    >>> facesom.notebook.how_long(faces.X1, 4)
    'About ... seconds from here, as 60 of 60 frames are measured in ...'
    """
    n_persons, n_frames = images.shape[:2]
    sample, seconds = images[:: -(-n_persons // 6), :: -(-n_frames // 60)], []
    for _ in range(2):  # the first time is also that of what is done once
        start = time.perf_counter()
        shape_features(sample)
        seconds.append(time.perf_counter() - start)
    fixed, times = COSTS[notebook]
    some, every = sample.shape[0] * sample.shape[1], n_persons * n_frames
    tens = max(1, round((fixed + times * min(seconds) * np.sqrt(every / some)) / 10))
    measured = f"{some} of {every:,} frames are measured in {min(seconds):.2f}"
    return f"About {10 * tens} seconds from here, as {measured}."


def find_emotion_folder(path="", *, n_persons=40, n_frames=60, folder="outputs"):
    """Return a folder that holds one folder of images for each emotion: one's own, or one of drawn faces.

    Parameters
    ----------
    path : str or Path, default ""
        A folder, or a zip of one, which is unpacked into `folder`; ``"upload"`` asks for a zip with Colab's
        upload form; ``""`` draws faces with `make_faces` (seed 0, every person showing all expressions) and
        keeps them in `folder`, so that they are drawn only once.
    n_persons, n_frames : int, default 40, 60
        How many faces are drawn if `path` is empty.
    folder : str or Path, default "outputs"
        Where drawn or unpacked faces are kept; made if missing.

    Returns
    -------
    pathlib.Path
        An existing folder for `read_emotion_folder`. Drawn files are called ``p07_00123.png``.

    Raises
    ------
    ValueError
        If there is no such folder or zip.
    """
    if path:
        path = _upload("data_path") if path == "upload" else Path(path).expanduser()
        if path.is_dir():
            return path
        if path.is_file() and zipfile.is_zipfile(path):
            return _unpack(path, Path(folder))
        expected = "a folder that holds one folder for each emotion, or a zip of it"
        came = f'{str(path)!r} is none (looked from {Path.cwd()}). "" draws faces.'
        raise ValueError(f"data_path: expected {expected}; {came}")
    path = Path(folder) / f"drawn_emotions_{n_persons}x{n_frames}"

    def draw():
        faces = make_faces(n_persons, n_frames, mix="balanced")
        gray = as_bytes(to_grayscale(faces.dataset).X1)
        persons = np.repeat([f"p{person:02}" for person in range(n_persons)], n_frames)
        labels = faces.expressions.ravel()
        drawn = EmotionFaces(np.concatenate(gray), labels, faces.expression_names, persons)
        write_emotion_folder(drawn.as_emotions(), path)

    return _kept(path, draw)


def find_fer2013(path="", *, n_persons=40, n_frames=60, folder="outputs"):
    """Return the path of a table of faces as FER2013 has it: one's own, an uploaded one, or of drawn faces.

    Parameters
    ----------
    path : str or Path, default ""
        ``fer2013.csv`` or an ``.npz`` of its columns; ``"upload"`` asks for one with Colab's upload form;
        ``""`` writes a table of the faces of `find_emotion_folder`, cropped to 48 × 48, into `folder`. Two
        persons of five are in the two test parts and nowhere else.
    n_persons, n_frames : int, default 40, 60
        How many faces are drawn if `path` is empty; at least 5 persons.
    folder : str or Path, default "outputs"

    Returns
    -------
    pathlib.Path
        An existing file for `facesom.emotions.read_fer2013`.

    Raises
    ------
    ValueError
        If there is no such file, or there are too few persons for three parts.
    """
    if path:
        return _given(path, "data_path", "drawn faces")
    if n_persons < 5:
        raise ValueError(f"n_persons: expected at least 5 for three parts, got {n_persons}.")
    path = Path(folder) / f"drawn_fer2013_{n_persons}x{n_frames}.csv"

    def draw():
        drawn = find_emotion_folder(n_persons=n_persons, n_frames=n_frames, folder=folder)
        faces = read_emotion_folder(drawn, size=None, person="prefix")
        middle = [cv2.resize(x[5:61, 4:60], (48, 48), interpolation=cv2.INTER_AREA) for x in faces.images]
        faces = replace(faces, images=np.stack(middle))
        fifth = np.unique(faces.persons, return_inverse=True)[1] % 5
        chosen = {"Training": fifth < 3, "PublicTest": fifth == 3, "PrivateTest": fifth == 4}
        write_fer2013({usage: faces.subset(mask) for usage, mask in chosen.items()}, path)

    return _kept(path, draw)


def find_action_units(path="", *, n_persons=40, n_frames=60, folder="outputs"):
    """Return the path of a table of action units: one's own, an uploaded one, or those of drawn faces.

    Parameters
    ----------
    path : str or Path, default ""
        As OpenFace or Py-Feat write it, or any with a column for each unit; ``"upload"`` asks for one with
        Colab's upload form; ``""`` writes the units that `make_faces` moved, the truth about its faces.
    n_persons, n_frames : int, default 40, 60
        How many faces are drawn if `path` is empty.
    folder : str or Path, default "outputs"

    Returns
    -------
    pathlib.Path
        An existing file for `facesom.emotions.read_action_units`.

    Raises
    ------
    ValueError
        If there is no such file.
    """
    if path:
        return _given(path, "units_path", "drawn faces")
    path = Path(folder) / f"drawn_action_units_{n_persons}x{n_frames}.csv"

    def draw():
        faces = make_faces(n_persons, n_frames, size=32, mix="balanced")
        units = pd.DataFrame(faces.action_units.ravel()).rename(columns=lambda name: f"AU{int(name[2:]):02}")
        units.insert(0, "subject", np.repeat([f"p{person:02}" for person in range(n_persons)], n_frames))
        units.insert(1, "emotion", np.array(faces.expression_names)[faces.expressions.ravel()])
        with atomic_write(path, encoding="utf-8", newline="\n") as file:
            units.to_csv(file, index=False, float_format="%.3f", lineterminator="\n")

    return _kept(path, draw)


def find_video(path="", *, folder="outputs"):
    """Return the path of a video: one's own, an uploaded one, or an example made from a photo.

    Parameters
    ----------
    path : str or Path, default ""
        A file; ``"upload"`` asks for one in Colab; ``""`` makes one with `write_example_video`.
    folder : str or Path, default "outputs"
        Where the example is kept; made if missing.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        If the file does not exist, or if ``"upload"`` is asked for outside Colab or nothing was chosen.
    """
    if path:
        return _given(path, "video_path", "an example")
    path = Path(folder) / "example_video.mp4"
    return _kept(path, lambda: write_example_video(path))


def _kept(path, make):
    """The path of what `make` writes, which it does but once."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        make()
    return path


def _unpack(archive, folder):
    """The folder of folders in a zip; a name that depends on the content keeps another zip's files out."""
    target = folder / f"{archive.stem}-{hashlib.sha256(archive.read_bytes()).hexdigest()[:12]}"
    with zipfile.ZipFile(archive) as file:
        sizes = {target / item.filename: item.file_size for item in file.infolist() if not item.is_dir()}
        if not all(path.is_file() and path.stat().st_size == size for path, size in sizes.items()):
            shutil.rmtree(target, ignore_errors=True)
            try:
                with atomic_folder(target) as part:
                    file.extractall(part)
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
                said = f"{str(archive)!r} is damaged or locked ({error}); make or copy it again."
                raise ValueError(f"data_path: {said}") from None
    inside = [item for item in target.iterdir() if item.is_dir() and item.name != "__MACOSX"]
    return inside[0] if len(inside) == 1 and any(item.is_dir() for item in inside[0].iterdir()) else target


def _given(path, parameter, otherwise):
    """The file that a notebook's parameter names, which must exist, or one that is uploaded."""
    if path == "upload":
        return _upload(parameter)
    path = Path(path).expanduser()
    if not path.is_file():
        cure = f'Give its full path, "upload" to choose it in Colab, or "" for {otherwise}'
        raise ValueError(f"{parameter}: there is no file {str(path)!r} (looked from {Path.cwd()}). {cure}.")
    return path


def _colab():
    """Colab's module of forms, None at home."""
    try:
        from google.colab import files
    except ImportError:
        return None
    return files


def _upload(parameter):
    """The file that holds what was chosen: Colab may name it differently from what it wrote."""
    files = _colab()
    if files is None:
        raise ValueError(f'{parameter}: "upload" works in Colab only; here, give the path of your file.')
    chosen = files.upload()
    if not chosen:
        raise ValueError(f"{parameter}: no file was chosen; run the cell again.")
    name, content = next(iter(chosen.items()))
    path = Path(name)
    for written in Path().glob(f"{glob.escape(path.stem)}*{glob.escape(path.suffix)}"):
        if written.stat().st_size == len(content) and written.read_bytes() == content:
            return written
    with atomic_write(path, "wb") as file:
        file.write(content)
    return path

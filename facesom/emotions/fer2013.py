"""FER2013 (Goodfellow et al., 2013): 35,887 faces of 48 x 48 pixels with one of seven emotions each."""

import warnings
from pathlib import Path

import numpy as np

from facesom.io import DatasetError, as_array, atomic_write, read_npz, read_table, to_whole

from .labelled import EMOTIONS, EmotionFaces

#: The official parts: to train on, to choose by, to report once.
USAGES = ("Training", "PublicTest", "PrivateTest")
LARGEST = 2**33  # bytes of the arrays in an archive
LAST = len(EMOTIONS) - 1


def read_fer2013(path, usage=None, *, skip_unreadable=False):
    """Read FER2013, or a table like it: one row per face, with columns ``emotion``, ``pixels`` and ``Usage``.

    The table is read row by row, in any form that `facesom.io.read_table` understands: the memory needed is
    that of the images and little more.

    Parameters
    ----------
    path : str or Path
        ``fer2013.csv`` or ``icml_face_data.csv``, or an ``.npz`` of the same columns as arrays: pixels
        (N, H, W) or (N, H * W), emotion (N,), Usage (N,).
    usage : {"Training", "PublicTest", "PrivateTest"}, optional
        Which part. Default: all.
    skip_unreadable : bool, default False
        Leave out rows that cannot be used, with a warning that names them, instead of raising.

    Returns
    -------
    EmotionFaces
        With ``names == EMOTIONS``. Persons are not known; ``sources`` say part and row, 0 is the first below
        the header.

    Raises
    ------
    DatasetError
        If the file or one of its rows is not as described.
    """
    path = Path(path).expanduser()
    if usage not in (None, *USAGES):
        raise ValueError(f"usage: expected one of {', '.join(USAGES)}, or None, got {usage!r}.")
    if path.is_dir():
        raise DatasetError(f"{path}: expected a table, but it is a folder; perhaps use read_emotion_folder.")
    if path.suffix.lower() == ".npz" and path.is_file():
        images, labels, parts, rows = _read_npz(path, usage)
    else:
        images, labels, parts, rows = _read_csv(path, usage, skip_unreadable)
    if not len(labels):
        raise DatasetError(f"{path}: expected faces of {usage or 'any part'}, found none.")
    sources = np.array([f"{part} {row}" for part, row in zip(parts, rows, strict=True)])
    return EmotionFaces(images, labels, EMOTIONS, None, sources)


def write_fer2013(parts, path):
    """Write faces as FER2013's table, which `read_fer2013` and many scripts for that data set read.

    The file is written beside `path` and renamed at the end: when something fails, what was there stays.

    Parameters
    ----------
    parts : dict of str to EmotionFaces
        Which part each of them is, e.g. ``{"Training": train, "PrivateTest": test}``.
        Other names of classes become FER2013's where `EmotionFaces.as_emotions` understands them.
    path : str or Path

    Raises
    ------
    ValueError
        If a part is none of FER2013's, a class is none of its emotions, or faces are not square and of one
        size.
    OSError
        If the file cannot be written.
    """
    path = Path(path).expanduser()
    if (unknown := sorted(set(parts) - set(USAGES))) or not parts:
        raise ValueError(f"parts: expected some of {', '.join(USAGES)}, got {unknown or 'none'}.")
    parts = {usage: faces.as_emotions() for usage, faces in parts.items()}
    sizes = {faces.images.shape[1:] for faces in parts.values()}
    if len(sizes) > 1 or any(height != width for height, width in sizes):
        raise ValueError(f"parts: expected square faces of one size, got {sorted(sizes)}.")
    with atomic_write(path, encoding="utf-8", newline="\n") as file:
        file.write("emotion,pixels,Usage\n")
        for usage, faces in parts.items():
            for image, label in zip(faces.images, faces.labels, strict=True):
                file.write(f"{label},{' '.join(map(str, image.ravel().tolist()))},{usage}\n")


def _read_csv(path, usage, skip_unreadable):
    pixels, side = bytearray(), None

    def start(columns):
        places = _places(columns, usage)

        def parse(cells):
            nonlocal side
            part = cells[places["usage"]] if "usage" in places else ""
            if usage not in (None, part):
                return None
            face, code = _numbers(cells[places["pixels"]]), cells[places["emotion"]]
            if side is not None and len(face) != side**2:
                cut = f"got {len(face)}; is the file cut off?"
                raise ValueError(f"expected {side**2} pixels as in the first, {cut}")
            try:
                code = to_whole(code)
            except ValueError:
                raise ValueError(f"expected an emotion 0 to {LAST}, got {code[:30]!r}") from None
            _check(face, "pixels of", 255)
            _check(code, "emotions", LAST)
            side = _side(len(face))
            pixels.extend(face.astype(np.uint8).tobytes())
            return code, part

        return parse

    found = list(read_table(path, start, what="fer2013.csv", skip_unreadable=skip_unreadable))
    labels = np.array([code for _, (code, _) in found], dtype=int)
    images = np.frombuffer(pixels, np.uint8).reshape(len(found), side or 0, side or 0)
    return images, labels, [part for _, (_, part) in found], [row for row, _ in found]


def _numbers(text):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # NumPy < 2.3 warns where text is no number
            return np.fromstring(text, dtype=np.int64, sep=" ")  # too large ones stay at the largest
    except (ValueError, DeprecationWarning):
        raise ValueError(f"expected pixels as whole numbers with blanks between, got {text[:30]!r}") from None


def _check(values, what, most):
    if np.size(values) and not 0 <= np.min(values) <= np.max(values) <= most:
        got = f"{np.min(values)} to {np.max(values)}"
        raise ValueError(f"expected {what} 0 to {most}, got {got}; emotions are {', '.join(EMOTIONS)}")


def _read_npz(path, usage):
    try:
        with open(path, "rb") as file:
            arrays = list(read_npz(file, LARGEST).items())
        places = _places([name for name, _ in arrays], usage)
        labels, images = (as_array(arrays[places[name]][1], name) for name in ("emotion", "pixels"))
        parts = arrays[places["usage"]][1] if "usage" in places else np.full(labels.shape, "")
        parts = as_array(parts, "Usage").astype(str)
        whole = labels.dtype.kind in "iu" and images.dtype == np.uint8
        if not whole or not images.shape[:1] == labels.shape == parts.shape or images.ndim < 2:
            got = f"{labels.dtype} {labels.shape} and {images.dtype} {images.shape}"
            raise DatasetError(f"expected whole numbers emotion (N,) and uint8 pixels (N, ...), got {got}.")
        rows = np.flatnonzero((parts == usage) | (usage is None))
        images, labels = images[rows], labels[rows]
        _check(labels, "emotions", LAST)
        side = _side(images[:1].size or 64)
    except ValueError as error:
        raise DatasetError(f"{path}: expected a numpy archive of numbers and text: {error}") from None
    return images.reshape(len(rows), side, side), labels.astype(int), parts[rows], rows


def _places(columns, usage):
    """Place of each column that is needed or there, by its name in lower case."""
    lower = [name.strip().lower() for name in columns]
    if missing := sorted({"emotion", "pixels", *(["usage"] if usage else [])} - set(lower)):
        among = ", ".join(lower[:8]) or "them, the file is empty"
        got = f"{', '.join(missing)} is not among {among}; without emotions there is nothing to compare with"
        raise DatasetError(f"expected columns emotion, pixels, Usage; {got}.")
    return {name: lower.index(name) for name in lower}


def _side(n_pixels):
    side = round(n_pixels**0.5)
    if side * side != n_pixels or side < 8:
        raise ValueError(f"expected square faces, 48 × 48 = 2304 pixels, got {n_pixels} a row")
    return side

"""FER2013 (Goodfellow et al., 2013): 35,887 faces of 48 x 48 pixels with one of seven emotions each."""

from __future__ import annotations

import csv
import os
import uuid
import warnings
import zipfile
from pathlib import Path

import numpy as np

from facesom.io import DatasetError

from .labelled import EMOTIONS, EmotionFaces

__all__ = ["USAGES", "read_fer2013", "write_fer2013"]

#: The official parts: to train on, to choose by, to report once.
USAGES = ("Training", "PublicTest", "PrivateTest")


def read_fer2013(path, usage=None):
    """Read FER2013, or a table like it: a row a face, with columns ``emotion``, ``pixels`` and ``Usage``.

    The table is read row by row: the memory needed is that of the images and little more.

    Parameters
    ----------
    path : str or Path
        ``fer2013.csv`` or ``icml_face_data.csv``, or an ``.npz`` of the same columns as arrays: pixels
        (N, H, W) or (N, H * W), emotion (N,), Usage (N,).
    usage : {"Training", "PublicTest", "PrivateTest"}, optional
        Which part. Default: all.

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
    if usage is not None and usage not in USAGES:
        raise ValueError(f"usage: expected one of {', '.join(USAGES)}, or None, got {usage!r}.")
    if not path.is_file():
        guess = "it is a folder" if path.is_dir() else f"there is no such file (looked from {Path.cwd()})"
        if path.is_dir():
            guess += "; where it holds a folder for each emotion use read_emotion_folder"
        raise DatasetError(f"{path}: expected fer2013.csv, but {guess}.")
    read = _read_npz if path.suffix.lower() == ".npz" else _read_csv
    images, labels, parts, rows = read(path, usage)
    if not len(labels):
        raise DatasetError(f"{path}: expected faces of {usage or 'any part'}, found none.")
    if not 0 <= labels.min() <= labels.max() < len(EMOTIONS):
        raise DatasetError(
            f"{path}: expected emotions 0 to {len(EMOTIONS) - 1} ({', '.join(EMOTIONS)}), got "
            f"{labels.min()} to {labels.max()}."
        )
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
    unknown = sorted(set(parts) - set(USAGES))
    if unknown or not parts:
        raise ValueError(f"parts: expected some of {', '.join(USAGES)}, got {unknown or 'none'}.")
    parts = {usage: faces.as_emotions() for usage, faces in parts.items()}
    sizes = {faces.images.shape[1:] for faces in parts.values()}
    if len(sizes) > 1 or any(height != width for height, width in sizes):
        raise ValueError(f"parts: expected square faces of one size, got {sorted(sizes)}.")
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with open(beside, "x", encoding="utf-8", newline="\n") as file:
            file.write("emotion,pixels,Usage\n")
            for usage, faces in parts.items():
                for image, label in zip(faces.images, faces.labels, strict=True):
                    file.write(f"{label},{' '.join(map(str, image.ravel().tolist()))},{usage}\n")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _read_csv(path, usage):
    pixels, labels, parts, rows = bytearray(), [], [], []
    n_pixels = None
    try:
        # utf-8-sig: spreadsheets put a mark before the first column's name
        with open(path, encoding="utf-8-sig", newline="") as file, warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # NumPy < 2.3 warns where text is no number
            lines = csv.reader(file)
            columns = [name.strip().lower() for name in next(lines, [])]
            _require({"emotion", "pixels"} - set(columns), path, columns)
            emotion, pixel = columns.index("emotion"), columns.index("pixels")
            part = columns.index("usage") if "usage" in columns else None
            for row, line in enumerate(lines):
                if not line:
                    continue
                if len(line) != len(columns):
                    raise _bad_row(path, row, f"{len(columns)} columns", f"{len(line)}; is the file cut off?")
                name = "" if part is None else line[part].strip()
                if usage not in (None, name):
                    continue
                face = _pixels(line[pixel], path, row)
                if n_pixels is None:
                    n_pixels = len(face)
                if len(face) != n_pixels:
                    wrong = f"{len(face)}; is the file cut off?"
                    raise _bad_row(path, row, f"{n_pixels} pixels as in the first", wrong)
                if not line[emotion].strip().isdigit():
                    raise _bad_row(path, row, "an emotion 0 to 6", repr(line[emotion]))
                pixels += face.tobytes()
                labels.append(int(line[emotion]))
                parts.append(name)
                rows.append(row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"{path}: expected text with commas; is it packed? Unpack it first ({error})."
        ) from None
    _require(set() if part is not None or usage is None else {"usage"}, path, columns)
    images = np.frombuffer(pixels, np.uint8).reshape(len(labels), n_pixels or 0)
    return _square(images, path), np.array(labels, dtype=int), parts, rows


def _pixels(text, path, row):
    try:
        face = np.fromstring(text, dtype=np.int32, sep=" ")
    except (ValueError, DeprecationWarning):
        raise _bad_row(path, row, "pixels as whole numbers with blanks between", repr(text[:30])) from None
    if len(face) and not 0 <= face.min() <= face.max() <= 255:
        raise _bad_row(path, row, "pixels of 0 to 255", f"{face.min()} to {face.max()}")
    return face.astype(np.uint8)


def _read_npz(path, usage):
    try:
        with np.load(path, allow_pickle=False) as file:
            names = {name.strip().lower(): name for name in file.files}
            needed = {"emotion", "pixels"} | ({"usage"} if usage else set())
            _require(needed - set(names), path, names)
            labels, images = np.asarray(file[names["emotion"]]), file[names["pixels"]]
            parts = file[names["usage"]].astype(str) if "usage" in names else np.full(len(labels), "")
    except (zipfile.BadZipFile, ValueError, EOFError, OSError) as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(f"{path}: expected a numpy archive of numbers and text, got {error}.") from None
    if (
        labels.dtype.kind not in "iu"
        or images.dtype != np.uint8
        or not len(images) == len(labels) == len(parts)
    ):
        raise DatasetError(
            f"{path}: expected whole numbers emotion (N,) and uint8 pixels (N, ...), got {labels.dtype} "
            f"{labels.shape} and {images.dtype} {images.shape}."
        )
    rows = np.flatnonzero(parts == usage) if usage else np.arange(len(labels))
    images = images if len(rows) == len(images) else images[rows]
    return _square(images.reshape(len(rows), -1), path), labels[rows].astype(int), parts[rows], rows


def _square(images, path):
    n, n_pixels = images.shape
    side = round(n_pixels**0.5)
    if n and (side * side != n_pixels or side < 8):
        raise DatasetError(f"{path}: expected square faces, 48 × 48 = 2304 pixels, got {n_pixels} a row.")
    return images.reshape(n, side, side)


def _require(missing, path, columns):
    if missing:
        guess = ""
        if missing == {"emotion"}:
            guess = " A table without emotions has nothing to compare with."
        raise DatasetError(
            f"{path}: expected columns emotion, pixels, Usage; {', '.join(sorted(missing))} is not among "
            f"{', '.join(list(columns)[:8]) or 'them, the file is empty'}.{guess}"
        )


def _bad_row(path, row, expected, got):
    return DatasetError(f"{path}, row {row}: expected {expected}, got {got}.")

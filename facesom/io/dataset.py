"""The data set of drawn faces: its shape, its two file formats, and the gate that all images pass."""

import os
import shutil
import uuid
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .pickles import DatasetError, read_pickle, write_pickle

__all__ = ["DatasetError", "FaceDataset", "as_faces", "is_colour", "load", "save"]

KEYS = ("X1", "X2", "y")
MIN_SIDE = 8  # pixels
MAX_ASPECT = 4  # a face longer than this is a wrong axis order


@dataclass(frozen=True, eq=False, repr=False)
class FaceDataset:
    """Drawn faces of P persons, N frames each.

    The arrays are kept as they are given, not copied.

    Parameters
    ----------
    X1 : ndarray (P, N, H, W, 3), (P, N, H, W, 4) or (P, N, H, W)
        Images: RGB, RGBA or gray, uint8 in 0..255 or float in [0, 1].
    X2 : ndarray (P, N, ...)
        Numbers that belong to each frame, normally 12; carried along unchanged.
    y : ndarray (P,)
        A label for each person: 0 happy, 1 unhappy. (P, 1) becomes (P,).

    Raises
    ------
    DatasetError
        When a shape or dtype does not fit; the message says which one and how.
    """

    X1: np.ndarray
    X2: np.ndarray
    y: np.ndarray

    def __post_init__(self):
        X1, X2, y = _asarray(self.X1, "X1"), _asarray(self.X2, "X2"), _asarray(self.y, "y")
        _check_faces(X1, "X1")
        if X1.ndim != 4 + is_colour(X1):
            raise DatasetError(
                f"X1 has shape {X1.shape}; expected (persons, frames, height, width, 3) for RGB or (persons, "
                "frames, height, width) for gray. Are these the frames of one person? Use X1[None]"
            )
        for array, name, kinds, meant in (
            (X2, "X2", "biufc", "numbers"),
            (y, "y", "biufSU", "a label for each person"),
        ):
            if array.dtype.kind not in kinds:
                raise DatasetError(
                    f"{name} has dtype {array.dtype}; expected {meant}: convert it with np.asarray"
                )
        persons, frames = X1.shape[:2]
        if X2.shape[:2] != (persons, frames) or X2.size == 0:
            swapped = X2.shape[:2] == (frames, persons)
            raise DatasetError(
                f"X2 has shape {X2.shape}, but X1 holds {persons} persons and {frames} frames; expected "
                f"({persons}, {frames}, 12)" + (": swap its first two axes" if swapped else "")
            )
        if y.shape == (persons, 1):
            y = y[:, 0]
        if y.shape != (persons,):
            by_frame = y.shape == (persons, frames)
            raise DatasetError(
                f"y has shape {y.shape}, but X1 holds {persons} persons; expected ({persons},)"
                + (": one label a person, not one a frame" if by_frame else "")
            )
        for name, array in zip(KEYS, (X1, X2, y), strict=True):
            object.__setattr__(self, name, array)

    @property
    def n_persons(self):
        """int: P, the number of persons."""
        return self.X1.shape[0]

    @property
    def n_frames(self):
        """int: N, the number of frames of each person."""
        return self.X1.shape[1]

    def __repr__(self):
        colour = {3: "RGB", 4: "RGBA"}[self.X1.shape[-1]] if is_colour(self.X1) else "gray"
        labels, counts = np.unique(self.y, return_counts=True)
        shown = ", ".join(f"{count} × {label}" for label, count in zip(labels[:6], counts, strict=False))
        return (
            f"FaceDataset: {self.n_persons} persons × {self.n_frames} frames\n"
            f"  X1 {self.X1.shape} {self.X1.dtype}, {colour}\n"
            f"  X2 {self.X2.shape} {self.X2.dtype}\n"
            f"  y  {self.y.shape} {self.y.dtype}: {shown}{', ...' if len(labels) > 6 else ''}"
        )


def is_colour(images):
    """Whether the last axis of `images` holds colour.

    Parameters
    ----------
    images : ndarray (..., H, W), (..., H, W, 3) or (..., H, W, 4)

    Returns
    -------
    bool
        True when there are three axes or more and the last one is 3 or 4 long.
    """
    return images.ndim >= 3 and images.shape[-1] in (3, 4)


def as_faces(images, *, name="images"):
    """Check face images and bring them to one of two dtypes: the gate of every function that takes faces.

    Parameters
    ----------
    images : array_like (..., H, W), (..., H, W, 3) or (..., H, W, 4)
        Gray, RGB or RGBA, at least 8 × 8 pixels: uint8 or other integers in 0..255, bool, or float in [0, 1].
    name : str
        What the messages call them.

    Returns
    -------
    ndarray, uint8 or float32
        Of the same shape; `images` itself when its dtype is one of these. bool becomes uint8, True = 255.

    Raises
    ------
    DatasetError
        When these are no such images; the message says what came and what to do.
    """
    images = _asarray(images, name)
    _check_faces(images, name)
    if images.dtype == bool:
        return images.astype(np.uint8) * np.uint8(255)
    return images.astype(np.float32 if images.dtype.kind == "f" else np.uint8, copy=False)


def _asarray(values, name):
    if isinstance(values, FaceDataset):
        raise DatasetError(f"{name} is a FaceDataset; expected an array of images: pass its .X1")
    try:
        return np.asarray(values)
    except ValueError:
        raise DatasetError(f"{name} has rows of different lengths; expected one shape for all") from None


def _check_faces(images, name):
    shape, kind = images.shape, images.dtype.kind
    if kind not in "biuf":
        raise DatasetError(
            f"{name} has dtype {images.dtype}; expected uint8 in 0..255 or float in [0, 1]"
            + (": are the images of different sizes? Bring them to one size first" if kind == "O" else "")
        )
    if images.size == 0:
        raise DatasetError(f"{name} is empty, of shape {shape}; expected at least one face")
    if images.ndim < 2:
        raise DatasetError(
            f"{name} has shape {shape}; expected (..., height, width) or (..., height, width, 3)"
            ": are the images flattened? Use reshape(-1, height, width)"
        )
    height, width = shape[-3:-1] if is_colour(images) else shape[-2:]
    if min(height, width) < MIN_SIDE or max(height, width) > MAX_ASPECT * min(height, width):
        guess = ""
        if 3 in shape[:-1] and not is_colour(images):
            guess = ": the colour axis must be the last one"
        elif images.ndim == 3 and shape[0] == shape[1]:
            guess = ": the frames must come first, use np.moveaxis(images, -1, 0)"
        elif images.ndim == 2 and round(width**0.5) ** 2 == width:
            side = round(width**0.5)
            guess = f": are the images flattened? Use reshape(-1, {side}, {side})"
        raise DatasetError(
            f"{name} has shape {shape}, which makes faces of {height} × {width} pixels; expected at least "
            f"{MIN_SIDE} a side and one side at most {MAX_ASPECT} times the other" + guess
        )
    if images.dtype in (np.uint8, bool):
        return
    low, high = images.min(), images.max()
    if kind == "f" and not (np.isfinite(low) and np.isfinite(high)):
        raise DatasetError(
            f"{name} holds NaN or infinity; expected finite numbers in [0, 1]: see np.isfinite"
        )
    top = 1 if kind == "f" else 255
    if low < 0 or high > top:
        guess = ""
        if kind == "f" and low >= 0 and high <= 255:
            guess = ": these look like 0..255, divide by 255"
        elif low < 0:
            guess = ": negative values, are the images standardised? Pass them as they were before"
        elif high <= 65535:
            guess = ": 16-bit images? Divide by 65535"
        raise DatasetError(
            f"{name} of dtype {images.dtype} runs from {low:.6g} to {high:.6g}; expected "
            + ("[0, 1] for floats" if kind == "f" else "0..255 for integers")
            + guess
        )


def load(path, *, max_bytes=4 * 2**30):
    """Read a data set without running anything that the file names.

    The arrays of a zlib-compressed pickle are decompressed straight into place, so that reading takes little
    more memory than they do. They are writable.

    Parameters
    ----------
    path : str or Path
        `zlib.compress(pickle.dumps({"X1": ..., "X2": ..., "y": ...}))` in any pickle protocol, or an `.npz`
        of the same three arrays. Other keys are left out with a warning.
    max_bytes : int
        The most bytes that the file may hold or announce when decompressed, 4 GiB unless told.

    Returns
    -------
    FaceDataset

    Raises
    ------
    DatasetError
        When the file is truncated, corrupt, too large, of another format, when its pickle names anything but
        numpy arrays and plain containers, when a key is missing or shapes disagree.
    OSError
        When the file cannot be opened.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            head = file.read(4)
            file.seek(0)
            if head[:2] == b"PK":
                return _dataset(_read_npz(file, max_bytes))
            _check_zlib(head)
            return _dataset(read_pickle(file, max_bytes))
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from None


def _check_zlib(head):
    if not head:
        raise DatasetError("the file is empty; copy it again")
    if head[0] & 15 != 8 or int.from_bytes(head[:2], "big") % 31:
        guess = "zlib.compress(pickle.dumps(...))"
        for start, what in (
            (b"\x80", "a pickle without zlib around it"),
            (b"\x1f\x8b", "a gzip file"),
            (b"BZh", "bz2"),
        ):
            if head.startswith(start):
                guess += (
                    f", this looks like {what}: if you trust it, open it and pass its content to facesom.save"
                )
        raise DatasetError(f"not a zlib file; expected {guess}")


def _read_npz(file, max_bytes):
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > max_bytes:
            raise DatasetError(
                f"the file announces {size:,} bytes, past the limit of max_bytes={max_bytes:,}; "
                "if you trust it, pass a larger max_bytes"
            )
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except DatasetError:
        raise
    except Exception as error:
        raise DatasetError(
            f"not a readable .npz of plain arrays ({type(error).__name__}: {error!s:.80})"
        ) from None


def _dataset(contents):
    if not isinstance(contents, dict):
        raise DatasetError(
            f'holds a {type(contents).__name__}; expected a dict {{"X1": ..., "X2": ..., "y": ...}}'
        )
    found = ", ".join(map(repr, contents)) or "nothing"
    for key in KEYS:
        if key not in contents:
            raise DatasetError(f"missing key {key!r}; found {found}")
    extra = [key for key in contents if key not in KEYS]
    if extra:
        warnings.warn(f"left out of the data set: {', '.join(map(repr, extra))}", stacklevel=3)
    arrays = {key: contents[key] for key in KEYS}
    labels = arrays["y"]
    # A short list of labels is common; a nested one could unfold into terabytes.
    if isinstance(labels, list) and all(isinstance(label, (int, float, str, np.generic)) for label in labels):
        arrays["y"] = np.asarray(labels)
    for key, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise DatasetError(
                f"{key} is a {type(array).__name__}; expected a numpy array: np.asarray it, save again"
            )
    return FaceDataset(**arrays)


def save(data, path):
    """Write a data set, completely or not at all.

    The file is written beside `path` and renamed at the end: when something fails, what was there stays.

    Parameters
    ----------
    data : FaceDataset
    path : str or Path
        With the suffix `.npz` a numpy archive, else a zlib-compressed pickle of `{"X1", "X2", "y"}`, which
        `pickle.loads(zlib.decompress(open(path, "rb").read()))` reads too (numpy 1.26 or later). Both keep
        every value and dtype.

    Raises
    ------
    DatasetError
        When `data` is not a FaceDataset.
    OSError
        When the file cannot be written.
    """
    if not isinstance(data, FaceDataset):
        raise DatasetError(
            f"expected a FaceDataset to save, not a {type(data).__name__}: use FaceDataset(X1, X2, y)"
        )
    path = Path(os.path.realpath(path))  # a link stays a link
    arrays = {key: getattr(data, key) for key in KEYS}
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with open(beside, "xb") as file:
            if path.suffix.lower() == ".npz":
                np.savez_compressed(file, **arrays)
            else:
                write_pickle(file, arrays)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, beside)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)

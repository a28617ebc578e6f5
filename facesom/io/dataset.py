"""The data set of drawn faces: its shape, its two file formats, and the gate that all images pass."""

import bz2
import contextlib
import gzip
import lzma
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .files import atomic_write, open_regular
from .gates import DatasetError, as_array, axes_cure, brief, check_faces, is_colour, is_listed
from .machine import kind_of
from .npz import read_npz
from .pickles import read_pickle, write_pickle

KEYS = ("X1", "X2", "y")
PICKLES = (b"\x80", b"(d", b"}q")  # how they start, of protocol 2 and more, 0, 1
WRAPPED = {b"\x1f\x8b": ("a gzip file", gzip), b"BZh": ("a bz2 file", bz2), b"\xfd7zX": ("an xz file", lzma)}
UNPACK = "pathlib.Path('unpacked.pickle').write_bytes({}), then load unpacked.pickle"
PACK = UNPACK.format("zlib.compress({})")
SUFFIXES = ("", ".pickle", ".pkl", ".pck", ".p", ".z", ".zlib", ".npz")


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

    Examples
    --------
    >>> import numpy as np
    >>> from facesom import FaceDataset
    >>> FaceDataset(np.zeros((2, 5, 16, 16), np.uint8), np.zeros((2, 5, 12)), ["happy", "unhappy"])
    FaceDataset: 2 persons × 5 frames
      X1 (2, 5, 16, 16) uint8, gray
      X2 (2, 5, 12) float64
      y  (2,) <U7: 1 × happy, 1 × unhappy
    """

    X1: np.ndarray
    X2: np.ndarray
    y: np.ndarray

    def __post_init__(self):
        _check_frames(self.X1)
        X1, X2 = as_array(self.X1, "X1"), as_array(self.X2, "X2", "numbers")
        y = as_array(self.y, "y", "a label for each person")
        check_faces(X1, "X1")
        if X1.ndim != 4 + is_colour(X1):
            wanted = "(persons, frames, height, width, 3) for RGB, (persons, frames, height, width) for gray"
            raise DatasetError(f"X1 has shape {X1.shape}; expected {wanted}{axes_cure(X1, 'X1', (2,))}")
        if X2.dtype.kind not in "biufc":
            raise DatasetError(f"X2 has dtype {X2.dtype}; expected numbers: use np.asarray")
        if y.dtype.kind not in "biufSU":
            raise DatasetError(f"y has dtype {y.dtype}; expected a label for each person: use np.asarray")
        persons, frames = X1.shape[:2]
        if X2.shape[:2] != (persons, frames) or X2.size == 0:
            cure = ": swap its first two axes" if X2.shape[:2] == (frames, persons) else ""
            held = f"X1 holds {persons} persons and {frames} frames; expected ({persons}, {frames}, 12)"
            raise DatasetError(f"X2 has shape {X2.shape}, but {held}{cure}")
        y = y[:, 0] if y.shape == (persons, 1) else y
        if y.shape != (persons,):
            cure = ": one label a person, not one a frame" if y.shape == (persons, frames) else ""
            held = f"X1 holds {persons} persons"
            raise DatasetError(f"y has shape {y.shape}, but {held}; expected ({persons},){cure}")
        vars(self).update(X1=X1, X2=X2, y=y)  # a frozen object sets its own attributes so

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
        persons, frames = ("s" * (n != 1) for n in self.X1.shape[:2])
        labels, counts = np.unique(self.y, return_counts=True)
        labels = [brief(label, 40).encode("utf-8", "replace").decode() for label in labels[:7]]
        shown = ", ".join(f"{count} × {label}" for label, count in zip(labels[:6], counts, strict=False))
        return (
            f"FaceDataset: {self.n_persons} person{persons} × {self.n_frames} frame{frames}\n"
            f"  X1 {self.X1.shape} {self.X1.dtype}, {colour}\n"
            f"  X2 {self.X2.shape} {self.X2.dtype}\n"
            f"  y  {self.y.shape} {self.y.dtype}: {shown}{', ...' if len(labels) > 6 else ''}"
        )


def _check_frames(X1):
    """Raise `DatasetError` where persons have unequal numbers of frames; say what can be done."""
    if is_listed(X1) and all(isinstance(x, (np.ndarray, list)) and getattr(x, "ndim", 1) for x in X1):
        frames = [len(person) for person in X1]
        if len(set(frames)) > 1:
            came = f"persons have different numbers of frames, {brief(', '.join(map(str, frames)))}"
            cure = f"cut all to the shortest, [x[:{min(frames)}] for x in X1], and X2 too"
            keep = "or give X1 as a list to fit_soms or group_across_persons"
            raise DatasetError(f"X1: {came}; expected the same number for each: {cure}, {keep}")


def load(path: str | Path, *, max_bytes: int = 4 * 2**30) -> FaceDataset:
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

    Examples
    --------
    >>> import facesom
    >>> data = facesom.load("data/drawn_faces.pickle")
    >>> data.X1.dtype, data.n_persons == len(data.y)
    (dtype('uint8'), True)
    """
    path = Path(path)
    try:
        with open_regular(path) as file:
            head = file.read(4)
            file.seek(0)
            if head[:2] == b"PK":
                return _dataset(read_npz(file, max_bytes, KEYS))
            _check_zlib(head, file)
            file.seek(0)
            return _dataset(read_pickle(file, max_bytes, KEYS))
    except (DatasetError, MemoryError) as error:
        said = error if isinstance(error, DatasetError) else "it needs more memory than this computer has"
        raise DatasetError(f"{brief(path, 300)}: {said}") from None


def _is_zlib(head):
    return head[:1] != b"" and head[0] & 15 == 8 and int.from_bytes(head[:2], "big") % 31 == 0


def _check_zlib(head, file):
    if not head:
        raise DatasetError("the file is empty; copy it again")
    if _is_zlib(head):
        return
    guess = f", this one starts with {head!r}"
    if head.startswith(PICKLES):
        guess = ", this looks like a pickle without zlib around it: " + PACK.format("open(path, 'rb').read()")
    for start, (what, module) in WRAPPED.items():
        if head.startswith(start):
            with contextlib.suppress(Exception):  # damaged: unpacking will say so
                head = module.open(file).read(2)
            pack = UNPACK if _is_zlib(head) else PACK
            guess = f", this looks like {what}: " + pack.format(f"{module.__name__}.open(path).read()")
    raise DatasetError(f"not a zlib file; expected zlib.compress(pickle.dumps(...)){guess}")


def _dataset(contents):
    if not isinstance(contents, dict):
        raise DatasetError(f'holds {kind_of(contents)}; expected a dict {{"X1": ..., "X2": ..., "y": ...}}')
    if missing := [key for key in KEYS if key not in contents]:
        raise DatasetError(f"missing key {missing[0]!r}; found {_listed(contents) or 'nothing'}")
    for key in KEYS:
        if not isinstance(contents[key], (np.ndarray, list)):
            cure = "expected a numpy array: np.asarray it, save again"
            raise DatasetError(f"{key} is {kind_of(contents[key])}; {cure}")
    if extra := [key for key in contents if key not in KEYS]:
        warnings.warn(f"left out of the data set: {_listed(extra)}", stacklevel=3)
    return FaceDataset(**{key: contents[key] for key in KEYS})


def _listed(keys):
    return brief(", ".join(brief(repr(key)) for key in keys), 500)


def save(data: FaceDataset, path: str | Path) -> None:
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
        When `data` is not a FaceDataset, or the name ends in the suffix of another format.
    OSError
        When the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import facesom
    >>> data = facesom.make_faces(n_persons=2, n_frames=3, size=32).dataset
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     facesom.save(data, f"{folder}/faces.npz")
    ...     bool((facesom.load(f"{folder}/faces.npz").X1 == data.X1).all())
    True
    """
    if not isinstance(data, FaceDataset):
        came = type(data).__name__
        raise DatasetError(f"expected a FaceDataset to save, not a {came}: use FaceDataset(X1, X2, y)")
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise DatasetError(f"{brief(str(path))}: {suffix} is another format; end the name in .pickle or .npz")
    arrays = {key: getattr(data, key) for key in KEYS}
    with atomic_write(path, "wb") as file:
        if suffix == ".npz":
            np.savez_compressed(file, **arrays)
        else:
            write_pickle(file, arrays)

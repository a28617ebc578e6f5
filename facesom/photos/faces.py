"""Photos as people see them, and the faces in them."""

import warnings
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike
from PIL import UnidentifiedImageError
from scipy.optimize import linear_sum_assignment

from facesom.io import (
    DatasetError,
    as_array,
    as_bytes,
    check_whole,
    is_colour,
    on_ground,
    open_regular,
    read_image,
)

from .detectors import DETECTORS
from .face_network import cut, shared_area

MAX_SIDE = 2048  # pixels: a face of a fortieth of the longer side still has 50
LARGEST_CROP = 2  # times the longer side of the photo: beyond is nothing but its edge, and no memory for it


def read_photo(path: str | Path, *, max_side: int = MAX_SIDE) -> np.ndarray:
    """Read a photo as people see it: upright, in RGB, 8 bits a channel.

    How it is turned, converted and what becomes of transparent ground: `facesom.io.read_image`. Of an
    animation the first frame is read.

    Parameters
    ----------
    path : str or Path
        JPEG, PNG, TIFF, WebP, GIF, BMP: whatever Pillow opens.
    max_side : int, default 2048
        The longer side in pixels at most; a larger photo is scaled down, with a warning that says so. Large
        JPEGs are scaled while they are decoded, so that they take little memory.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)

    Raises
    ------
    DatasetError
        If the file is no image, is damaged, or has more than 200 million pixels.
    OSError
        If there is no such file, it cannot be opened, or is a pipe or a device.

    Examples
    --------
    >>> from skimage import data, io
    >>> io.imsave("astronaut.png", data.astronaut())
    >>> facesom.read_photo("astronaut.png", max_side=256).shape
    (256, 256, 3)
    """
    path = Path(path)
    if path.is_dir():
        raise DatasetError(f"{path} is a folder; expected one photo: pass each of sorted(path.iterdir())")
    with open_regular(path) as file:
        try:
            photo, size = read_image(file, max_side=max_side)
        except UnidentifiedImageError:
            file.seek(0)
            raise DatasetError(f"{path} is not an image; {_guess(file.read(16))}") from None
        except DatasetError as error:
            raise DatasetError(f"{path}: {error}") from None
        except (OSError, ValueError) as error:
            raise DatasetError(f"{path} is damaged ({error!s:.80}); copy or export it again") from None
    if max(size) > max_side:
        scaling = f"{size[0]} × {size[1]} pixels, scaled to {photo.shape[1]} × {photo.shape[0]}"
        warnings.warn(f"{path.name}: {scaling}; a larger max_side finds smaller faces.", stacklevel=2)
    return photo


def read_again(path):
    """Read a photo without a warning that it is scaled, where that was given before or does not matter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return read_photo(path)


def _guess(head):
    if not head:
        return "the file is empty: copy it again"
    if head[4:8] == b"ftyp":
        what = "a HEIC or AVIF photo" if head[8:11] in (b"hei", b"mif", b"avi", b"hev") else "a video"
        return f"it looks like {what}: export it as JPEG"
    if head.startswith(b"%PDF"):
        return "it is a PDF: export the page as PNG"
    if head.startswith(b"<"):
        return "it is a web page or SVG: save the picture itself"
    return "expected JPEG, PNG, TIFF, WebP, GIF or BMP"


def find_faces(
    photo: ArrayLike,
    detector: str | Callable = "network",
    *,
    min_size: float | None = None,
    near: ArrayLike | None = None,
) -> np.ndarray:
    """Find the faces in a photo.

    Parameters
    ----------
    photo : array_like of uint8, shape (H, W, 3)
        RGB, as `read_photo` returns it; gray (H, W) and float in [0, 1] are brought to that.
    detector : str or callable, default "network"
        "network" is built in. "cascade" comes with scikit-image, "haar" with OpenCV 4 only, "dlib" with the
        extra ``landmarks``, "yunet" once `fetch_yunet` has fetched its model. A function
        gets photo and `min_size` and returns boxes (K, 4): x, y, width, height.
    min_size : float, optional
        Side in pixels of the smallest face. Default: a 25th of the photo's longer side, at least
        20. Half of it takes four times as long.
    near : array_like, shape (K, 4), optional
        Boxes, as of the frame before: look about these places alone, for faces of about these sizes, which is
        several times as fast. "network" can do that, other detectors look everywhere.

    Returns
    -------
    ndarray of int, shape (K, 4)
        x, y, width, height of each face in pixels, within the photo, from left to right. Without a face of
        shape (0, 4).

    Raises
    ------
    ValueError
        If this is no photo, or the detector is not known.
    ImportError
        If the detector needs a library that is missing.
    DatasetError
        If the detector needs a model file that is missing.

    Examples
    --------
    >>> from skimage.data import astronaut
    >>> facesom.find_faces(astronaut()).shape
    (1, 4)
    """
    photo, find = as_photo(photo), detector if callable(detector) else DETECTORS.get(detector)
    if find is None:
        raise ValueError(f"detector: expected one of {', '.join(DETECTORS)} or a function, got {detector!r}.")
    if min_size is None:
        min_size = max(20, max(photo.shape[:2]) / 25)
    if not 8 <= min_size < np.inf:
        raise ValueError(f"min_size: expected a side of at least 8 pixels, got {min_size!r}.")
    where = () if near is None or detector != "network" else (as_boxes(near),)
    found = _as_rows(find(photo, min_size, *where))
    corners, size = np.rint([found[:, :2], found[:, :2] + found[:, 2:]]), photo.shape[1::-1]
    low, high = np.clip(corners, 0, size).astype(int)
    boxes = np.hstack([low, high - low])[(high > low).all(axis=1)]
    return boxes[np.argsort(boxes[:, 0] + boxes[:, 2] / 2, kind="stable")]


def crop_faces(photo, boxes, *, size=96, scale=1.0):
    """Cut faces out of a photo as squares.

    Parameters
    ----------
    photo : array_like, shape (H, W, 3) or (H, W)
    boxes : array_like of int, shape (K, 4)
        As from `find_faces`.
    size : int, default 96
        Side of the crops in pixels.
    scale : float, default 1.0
        Side of the square over that of the box, the geometric mean of its width and height. What lies
        outside the photo repeats its edge.

    Returns
    -------
    ndarray of uint8, shape (K, size, size, 3)

    Raises
    ------
    ValueError
        If this is no photo, or a box is empty or lies outside of it.
    """
    photo, boxes = as_photo(photo), as_boxes(boxes)
    check_whole(size, "size")
    if not 0 < scale < np.inf:
        raise ValueError(f"scale: expected a number over 0, got {scale!r}.")
    height, width = photo.shape[:2]
    sides = scale * np.sqrt(boxes[:, 2] * boxes[:, 3])
    fitting = ((boxes[:, :2] < (width, height)) & (boxes[:, :2] + boxes[:, 2:] > 0)).all(axis=1)
    fitting &= sides <= LARGEST_CROP * max(width, height)
    if not fitting.all():
        got = f"{_shown(boxes, ~fitting)}; are they of another photo, or a scaled one?"
        raise ValueError(f"boxes: expected some that fit the photo, {width} × {height} pixels, got {got}")
    crops = np.empty((len(boxes), size, size, 3), np.uint8)
    for crop, (x, y), side in zip(crops, boxes[:, :2] + boxes[:, 2:] / 2, sides, strict=True):
        half = max(1, round(side / 2))
        face = cut(photo, round(x) - half, round(y) - half, 2 * half)
        how = cv2.INTER_AREA if 2 * half > size else cv2.INTER_CUBIC
        crop[:] = cv2.resize(face, (size, size), interpolation=how)
    return crops


def match_boxes(boxes, others, min_overlap=0.3, weights=1.0):
    """Find for each box the one of `others` that it overlaps, all pairs weighed together (Kuhn, 1955).

    Parameters
    ----------
    boxes, others : array_like, shape (K, 4) and (L, 4)
    min_overlap : float, default 0.3
        Least intersection over union.
    weights : float or array_like, shape (L,), default 1.0
        What the overlap with each of `others` counts where several want one box.

    Returns
    -------
    ndarray of int, shape (K,)
        Its partner's place in `others`, or -1.
    """
    a, b = as_boxes(boxes)[:, None], as_boxes(others)[None]
    shared = shared_area(a, b)
    overlap = shared / (a[..., 2:].prod(-1) + b[..., 2:].prod(-1) - shared)
    overlap[overlap < min_overlap] = 0
    rows, columns = linear_sum_assignment(overlap * weights, maximize=True)
    partner = np.full(len(overlap), -1)
    partner[rows] = np.where(overlap[rows, columns] > 0, columns, -1)
    return partner


def as_photo(photo):
    """Return a photo as RGB (H, W, 3) uint8, or raise `ValueError`."""
    if isinstance(photo, (str, Path)):
        raise ValueError(f"photo: expected an array, got the path {str(photo)!r}; pass read_photo(path).")
    photo = as_array(photo, "photo", "pixels")
    if photo.ndim - is_colour(photo) != 2 or not photo.size:
        raise ValueError(f"photo: expected RGB (H, W, 3), got shape {photo.shape}; pass them one by one.")
    if photo.dtype.kind == "f":
        low, high = photo.min(), photo.max()
        if not 0 <= low <= high <= 1:
            got = f"got {low:g} to {high:g}; pass photo.astype(np.uint8) of 0 to 255"
            raise ValueError(f"photo: expected floats in [0, 1] or uint8, {got}.")
        photo = as_bytes(photo)
    if photo.dtype != np.uint8:
        raise ValueError(f"photo: expected uint8, got {photo.dtype}; read it with facesom.read_photo.")
    if photo.ndim == 2:
        photo = np.repeat(photo[..., None], 3, axis=2)
    return np.ascontiguousarray(on_ground(photo))


def as_boxes(boxes):
    """Return boxes (K, 4) of float, each at least a pixel wide and high, or raise `ValueError`."""
    boxes = _as_rows(boxes)
    if (empty := (boxes[:, 2:] < 1).any(axis=1)).any():
        wanted = "x, y, width, height, each at least a pixel wide and high"
        raise ValueError(f"boxes: expected {wanted}, got {_shown(boxes, empty)}; are these two corners?")
    return boxes


def _as_rows(boxes):
    """Boxes (K, 4) of float, empty ones among them, as a detector may give them."""
    boxes = as_array(boxes, "boxes", "numbers")
    if boxes.size == 0:
        return np.empty((0, 4))
    finite = boxes.dtype.kind in "iuf" and (np.abs(boxes.astype(float)) < 2**31).all()  # as OpenCV counts
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not finite:
        got = f"got shape {boxes.shape}; pass boxes[None] of a single face, and no NaN"
        raise ValueError(f"boxes: expected (K, 4) finite numbers, x, y, width, height of each face, {got}.")
    return boxes.astype(float)


def _shown(boxes, wrong):
    row = wrong.argmax()
    return ", ".join(f"{number:g}" for number in boxes[row]) + f" in row {row}"

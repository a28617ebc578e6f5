"""From landmarks to a drawn face: six flat shapes on black, and twelve distances between the landmarks.

The landmarks are those of the usual 68-point scheme (Sagonas et al., 2013, "300 Faces in-the-Wild") that make
the brows, eyes and lips: its points 17-26 and 36-67, in this order. "Left" is the left of the picture.
"""

from numbers import Integral, Real

import cv2
import numpy as np

#: Where each group of landmarks stands on the landmark axis. Brows run from left to right; eyes and lips
#: start at the left corner, go over the upper edge to the right corner and back along the lower edge.
LANDMARKS = {
    "left_brow": slice(0, 5),
    "right_brow": slice(5, 10),
    "left_eye": slice(10, 16),
    "right_eye": slice(16, 22),
    "outer_lips": slice(22, 34),
    "inner_lips": slice(34, 42),
}

#: The parts in the order of drawing; a later part covers an earlier one.
PARTS = ("left_brow", "right_brow", "left_eye", "right_eye", "upper_lip", "lower_lip")

#: RGB of brows, eyes, upper lip, lower lip.
PALETTE = ((110, 70, 30), (0, 160, 255), (230, 40, 60), (255, 140, 160))

#: Columns of X2, all in eye distances: lid openings; brow ends above the eye line; gap between the brows;
#: width of the mouth, opening between the lips, thickness of both lips; mouth corners above the middle of the
#: lips.
X2_NAMES = (
    "left_eye_opening",
    "right_eye_opening",
    "left_brow_inner_height",
    "right_brow_inner_height",
    "left_brow_outer_height",
    "right_brow_outer_height",
    "brow_gap",
    "mouth_width",
    "mouth_opening",
    "lip_thickness",
    "left_corner_height",
    "right_corner_height",
)

_VANISHED = 0.03  # an eye that is open less than this, in eye distances, is not drawn
_TAPER = np.array([0.8, 1.0, 1.0, 0.85, 0.5])  # half the brow's thickness from the inner to the outer end


def draw_landmarks(landmarks, *, size=64, palette=PALETTE, brow_thickness=0.11, antialias=False, drop=()):
    """Draw faces from their landmarks.

    Parameters
    ----------
    landmarks : array-like of float, shape (..., 42, 2)
        x (right) and y (down) in pixels; 0 is the middle of the first pixel. Order: see `LANDMARKS`.
    size : int
        Side of the picture in pixels, 32 to 1024. Landmarks outside are cut off.
    palette : array-like of int, shape (4, 3)
        RGB 0-255 of brows, eyes, upper lip, lower lip.
    brow_thickness : float
        In eye distances.
    antialias : bool
        Smooth the edges.
    drop : collection of str
        Names of `PARTS` that are not drawn.

    Returns
    -------
    ndarray of uint8, shape (..., size, size, 3)
        RGB on black. A closed eye is a line, or vanishes.

    Raises
    ------
    ValueError
        If the landmarks are not finite numbers of that shape or the eyes fall together, or if another
        argument is out of its range.
    """
    points = _check_landmarks(landmarks)
    colours = _check_palette(palette)
    check_number("size", size, 32, 1024, whole=True)
    if not np.isscalar(brow_thickness) or not 0 < brow_thickness <= 1:
        raise ValueError(f"brow_thickness must be a number of eye distances up to 1; got {brow_thickness!r}.")
    if isinstance(drop, str) or not set(drop) <= set(PARTS):
        raise ValueError(f"drop must be a collection of names out of {', '.join(PARTS)}; got {drop!r}.")

    frames = np.zeros((*points.shape[:-2], size, size, 3), dtype=np.uint8)
    line = cv2.LINE_AA if antialias else cv2.LINE_8
    pictures = frames.reshape(-1, size, size, 3)
    for part, polygons in _shapes(points.reshape(-1, *points.shape[-2:]), brow_thickness).items():
        if part not in drop:
            seen = np.flatnonzero(~np.isnan(polygons).any(axis=(1, 2)))
            # OpenCV takes fixed-point numbers, here with 4 fractional bits
            fixed = np.rint(polygons[seen] * 16).clip(-(2**15), 2**15).astype(np.int32, order="C")
            for n, polygon in zip(seen, fixed, strict=True):
                cv2.fillPoly(pictures[n], [polygon], colours[part], line, 4)
    return frames


def distances(landmarks):
    """Twelve distances between the landmarks of a face, along and across its eye line.

    Parameters
    ----------
    landmarks : array-like of float, shape (..., 42, 2)
        In pixels, as for `draw_landmarks`.

    Returns
    -------
    ndarray of float64, shape (..., 12)
        Columns `X2_NAMES`, in units of the frame's own distance between the eye centres: the same for a face
        that is shifted, rolled or scaled.

    Raises
    ------
    ValueError
        If the landmarks are not finite numbers of that shape, or the eyes fall together.
    """
    points = _check_landmarks(landmarks)
    left, right = _eye_centres(points)
    unit = np.linalg.norm(right - left, axis=-1)[..., None]
    along = (right - left) / unit
    axes = np.stack([along, along[..., ::-1] * (1, -1)], axis=-2)  # x along the eye line, y up
    centre = (left + right)[..., None, :] / 2
    p = (points - centre) @ np.swapaxes(axes, -1, -2) / unit[..., None]
    left_brow, right_brow, left_eye, right_eye, outer, inner = (p[..., s, :] for s in LANDMARKS.values())
    opening = inner[..., 2, 1] - inner[..., 6, 1]
    middle = (inner[..., 2, 1] + inner[..., 6, 1]) / 2
    columns = [
        _lid_opening(left_eye),
        _lid_opening(right_eye),
        left_brow[..., 4, 1],
        right_brow[..., 0, 1],
        left_brow[..., 0, 1],
        right_brow[..., 4, 1],
        right_brow[..., 0, 0] - left_brow[..., 4, 0],
        outer[..., 6, 0] - outer[..., 0, 0],
        opening,
        outer[..., 3, 1] - outer[..., 9, 1] - opening,
        outer[..., 0, 1] - middle,
        outer[..., 6, 1] - middle,
    ]
    return np.stack(columns, axis=-1)


def _shapes(points, brow_thickness):
    """Outlines of the parts (N, vertices, 2) in pixels, by part; NaN where an eye has vanished."""
    unit = np.linalg.norm(np.subtract(*_eye_centres(points)), axis=-1)[:, None, None]
    shapes = {}
    for name, taper in (("left_brow", _TAPER[::-1]), ("right_brow", _TAPER)):
        line = points[:, LANDMARKS[name]]
        along = np.gradient(line, axis=1)
        across = along[..., ::-1] * (-1, 1) / np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-9)
        reach = across * taper[:, None] * brow_thickness / 2 * unit
        shapes[name] = np.concatenate([line + reach, (line - reach)[:, ::-1]], axis=1)
    for name in ("left_eye", "right_eye"):
        eye = points[:, LANDMARKS[name]]
        closed = _lid_opening(eye)[:, None, None] < _VANISHED * unit
        shapes[name] = np.where(closed, np.nan, eye)
    outer, inner = points[:, LANDMARKS["outer_lips"]], points[:, LANDMARKS["inner_lips"]]
    shapes["upper_lip"] = np.concatenate([outer[:, :7], inner[:, 4::-1]], axis=1)
    shapes["lower_lip"] = np.concatenate([outer[:, 6:], outer[:, :1], inner[:, :1], inner[:, :3:-1]], axis=1)
    return shapes


def _eye_centres(points):
    return tuple(points[..., LANDMARKS[name], :].mean(axis=-2) for name in ("left_eye", "right_eye"))


def _lid_opening(eye):
    """Mean distance of the lids, (..., 6, 2) -> (...,)."""
    return np.linalg.norm((eye[..., 1, :] + eye[..., 2, :] - eye[..., 4, :] - eye[..., 5, :]) / 2, axis=-1)


def check_number(name, value, low, high, *, whole=False):
    """Raise `ValueError` unless a value is a number, or a whole number, from `low` to `high`."""
    kind = Integral if whole else Real
    if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
        limit = f"of at least {low}" if high == np.inf else f"from {low} to {high}"
        raise ValueError(f"{name} must be a {'whole ' * whole}number {limit}; got {value!r}.")


def _check_landmarks(landmarks):
    points = np.asarray(landmarks)
    if points.shape[-2:] != (42, 2) or points.dtype.kind not in "iuf":
        guess = " Of 68 landmarks take points 17-26 and 36-67." if points.shape[-2:] == (68, 2) else ""
        came = f"shape {points.shape}, dtype {points.dtype}"
        raise ValueError(f"landmarks must be numbers of shape (..., 42, 2); got {came}.{guess}")
    points = points.astype(np.float64)
    if not np.isfinite(points).all():
        raise ValueError("landmarks must be finite; got NaN or infinity. Leave out frames without a face.")
    left, right = _eye_centres(points)
    if (np.linalg.norm(right - left, axis=-1) == 0).any():
        raise ValueError("landmarks of the two eyes fall together; are they all zero?")
    return points


def _check_palette(palette):
    """{part: (r, g, b)}"""
    rgb = np.asarray(palette)
    if rgb.shape != (4, 3) or rgb.dtype.kind not in "iu" or rgb.min() < 0 or rgb.max() > 255:
        wanted = "whole RGB numbers 0-255 of shape (4, 3) for brows, eyes, upper lip, lower lip"
        raise ValueError(f"palette must be {wanted}; got {palette!r}.")
    return dict(zip(PARTS, rgb[[0, 0, 1, 1, 2, 3]].tolist(), strict=True))

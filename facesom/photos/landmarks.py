"""68 landmarks of photographed faces: found, made steady, checked, and brought to where a drawing has them.

The scheme is that of Sagonas et al. (2013), "300 Faces in-the-Wild": 0-16 jaw, 17-26 brows, 27-35 nose,
36-47 eyes, 48-67 lips; "left" is the left of the picture.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from facesom.io import as_array

from .faces import as_boxes, as_photo

#: Which of the 68 points are drawn: brows, eyes, lips, in the order of `drawing.LANDMARKS`.
DRAWN = np.r_[17:27, 36:68]

EYE_DISTANCE = 0.32  # of the picture's side, and the eyes' place in it
EYES_AT = (0.5, 0.385)

ENLARGED = 240  # pixels: a face given to dlib is at least this large

# How boxes are moved (in sides, to the right and down) and scaled to see whether the landmarks stay.
_SHAKES = np.array(
    [(0, 0, 1), *((0.06 * x, 0.06 * y, 1) for y in (1, -1) for x in (1, -1)), (0, 0, 1.1), (0, 0, 0.9)]
)


def find_landmarks(photo, boxes):
    """Find 68 landmarks in each face with dlib's regression trees (Kazemi & Sullivan, 2014).

    Needs the extra ``landmarks``: dlib-bin (Boost licence) and, for the model, face_recognition_models (CC0).
    The model was trained on iBUG 300-W, whose licence excludes commercial use; its makers hold that the model
    cannot be used in a product either: ask Imperial College London before you do. Research is fine.

    Parameters
    ----------
    photo : ndarray of uint8, shape (H, W, 3) or (H, W)
        RGB or gray.
    boxes : array_like of int, shape (K, 4)
        x, y, width, height of each face in pixels, as `find_faces` returns them.

    Returns
    -------
    ndarray of float64, shape (K, 68, 2)
        x and y in pixels, 0 in the middle of the first pixel; may lie outside the photo.

    Raises
    ------
    ImportError
        If dlib, or the model's package, is missing; the message says how to install it.
    ValueError
        If photo or boxes are of another shape, or a box is empty.
    """
    photo, boxes = as_photo(photo), as_boxes(boxes)
    dlib, model = _dlib_model()
    found = np.empty((len(boxes), 68, 2))
    for place, box in enumerate(boxes):
        face, corner, scale = _enlarge(photo, box)
        x, y, w, h = (box - (*corner, 0, 0)) * scale
        window = dlib.rectangle(round(x), round(y), round(x + w) - 1, round(y + h) - 1)
        points = [(point.x, point.y) for point in model(face, window).parts()]
        found[place] = (np.array(points) + 0.5) / scale - 0.5 + corner
    return found


def _enlarge(photo, box):
    """A face with its surroundings, enlarged: dlib's landmarks are whole pixels, coarse on a small face."""
    size, scale = np.array(photo.shape[1::-1]), max(1.0, ENLARGED / box[2:].max())
    left, top = low = np.clip(np.floor(box[:2] - box[2:] / 2), 0, size - 1).astype(int)
    right, bottom = np.clip(np.ceil(box[:2] + 1.5 * box[2:]), low + 1, size).astype(int)
    face = cv2.resize(photo[top:bottom, left:right], None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(face), low, scale


@cache
def _dlib_model():
    # the model's own module asks for pkg_resources, which newer Pythons lack: found without importing it
    model = find_spec("face_recognition_models")
    if model is None or find_spec("dlib") is None:
        cure = 'pip install dlib-bin face_recognition_models, or facesom with its extra, ".[landmarks]"'
        cure = f"{cure}, or pass landmarks=function(photo, boxes)"
        raise ImportError(f"dlib or its 68-point model is missing: {cure}")
    import dlib

    path = Path(model.origin).parent / "models" / "shape_predictor_68_face_landmarks.dat"
    return dlib, dlib.shape_predictor(str(path))


def steady_landmarks(photo, boxes, landmarks=find_landmarks):
    """Find landmarks that do not depend on how the detector frames a face, and say how steady they are.

    Each face is framed anew from its own landmarks, twice; then its box is moved and scaled a little, seven
    times, and the median of the seven is taken. Where the face is hidden, blurred or none, they differ.

    Parameters
    ----------
    photo : ndarray of uint8, shape (H, W, 3)
    boxes : array_like of int, shape (K, 4)
    landmarks : callable
        ``landmarks(photo, boxes)`` returns (K, 68, 2), in pixels.

    Returns
    -------
    points : ndarray of float64, shape (K, 68, 2)
    spread : ndarray of float64, shape (K,)
        Mean distance of the seven from their median over brows, nose, eyes and lips, in eye distances.

    Raises
    ------
    ValueError
        If `landmarks` returns anything else.
    """
    boxes = as_boxes(boxes)
    n = len(boxes)
    if not n:
        return np.empty((0, 68, 2)), np.empty(0)
    points = _found(landmarks, photo, _frame_anew(_found(landmarks, photo, boxes)))
    x, y, side = np.moveaxis(_frame_anew(points)[:, :3], -1, 0)
    right, down, scale = _SHAKES.T[:, :, None]
    corner = (1 - scale) / 2 * side
    shaken = np.stack([x + right * side + corner, y + down * side + corner, scale * side, scale * side], -1)
    tries = _found(landmarks, photo, shaken.reshape(-1, 4)).reshape(len(_SHAKES), n, 68, 2)
    points = np.median(tries, axis=0)
    spread = np.linalg.norm(tries - points, axis=-1)[..., 17:].mean(axis=(0, 2))
    return points, spread / np.maximum(eye_frame(points)[1], 1e-9)


def _found(landmarks, photo, boxes):
    points = as_array(landmarks(photo, boxes), "landmarks").astype(float)
    if points.shape != (len(boxes), 68, 2) or not np.isfinite(points).all():
        wanted = f"finite numbers of shape ({len(boxes)}, 68, 2), one set for each box"
        raise ValueError(f"landmarks: expected {wanted}, got {points.shape}, or some with NaN or infinity.")
    return points


def _frame_anew(points):
    """Boxes (K, 4) as dlib's own detector would put them, which its landmark model was trained on."""
    centre = points.mean(axis=-2)
    radius = np.sqrt(((points - centre[:, None]) ** 2).sum(-1).mean(-1))[:, None]
    side = 2.7 * radius
    return np.concatenate([centre - (0, 0.14) * radius - side / 2, side, side], axis=-1)


def eye_frame(points):
    """Middle between the eye centres, (..., 2), their distance, (...,), and direction, (..., 2)."""
    left, right = points[..., 36:42, :].mean(axis=-2), points[..., 42:48, :].mean(axis=-2)
    distance = np.linalg.norm(right - left, axis=-1)
    return (left + right) / 2, distance, (right - left) / np.maximum(distance, 1e-9)[..., None]


def align_landmarks(points, size=64):
    """Shift, roll and scale landmarks so that the eyes come to rest where a drawing has them.

    Parameters
    ----------
    points : array_like of float, shape (..., 68, 2)
        In pixels of a photo.
    size : int
        Side of the drawing in pixels.

    Returns
    -------
    ndarray of float64, shape (..., 42, 2)
        Brows, eyes and lips in pixels of the drawing, for `drawing.draw_landmarks`. The eye centres lie
        level, 0.32 sides apart.
    """
    points = as_array(points, "points").astype(float)
    middle, distance, along = eye_frame(points)
    across = along[..., ::-1] * (-1, 1)
    turned = (points[..., DRAWN, :] - middle[..., None, :]) @ np.stack([along, across], axis=-1)
    scale = EYE_DISTANCE * size / np.maximum(distance, 1e-9)
    return turned * scale[..., None, None] + size * np.array(EYES_AT) - 0.5


def head_turn(points):
    """How far heads are turned to a side, from where the nose lies between the outer corners of the eyes.

    Parameters
    ----------
    points : array_like of float, shape (..., 68, 2)

    Returns
    -------
    ndarray of float64, shape (...,)
        0: straight ahead; 1 or -1: the tip of the nose lies as far right or left as a corner of the eyes.
    """
    points = as_array(points, "points").astype(float)
    middle, _, along = eye_frame(points)
    x = ((points[..., (36, 45, 30), :] - middle[..., None, :]) * along[..., None, :]).sum(-1)
    left, right, nose = np.moveaxis(x, -1, 0)
    return (2 * nose - left - right) / np.maximum(right - left, 1e-9)


def jumps(points, frames):
    """How far a landmark lies from its median with the looks before and after, (n,), in eye distances."""
    found = np.zeros(len(points))
    if len(points) > 2:
        aligned, steps = align_landmarks(points, size=1) / EYE_DISTANCE, np.diff(frames)
        middle = np.median([aligned[:-2], aligned[1:-1], aligned[2:]], axis=0)
        in_row = np.maximum(steps[:-1], steps[1:]) == steps.min()
        found[1:-1] = in_row * np.linalg.norm(aligned[1:-1] - middle, axis=-1).max(axis=-1)
    return found

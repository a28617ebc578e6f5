"""Drawn faces as numbers: brows, eyes and lips, found whatever their colours, measured in the eye frame."""

import re
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import delayed
from numpy.typing import ArrayLike
from scipy.sparse import csr_array, vstack
from tqdm.auto import tqdm

from facesom.io import DatasetError, as_faces, in_threads, is_colour, on_ground

from .ink import positions
from .places import BROWS, EYES, LIPS, between, label_parts
from .pose import find_pose

#: What the values 0 to 6 of `find_parts` mean; left is the picture's left, as the viewer sees it.
PARTS = ("background", "left brow", "right brow", "left eye", "right eye", "upper lip", "lower lip")

# name and meaning of each feature, all in eye distances
_FEATURES = """\
left_brow_inner     height of the left brow's inner part above the eye line
left_brow_middle    height of its middle
left_brow_outer     height of its outer part
right_brow_inner    the same for the right brow
right_brow_middle   height of its middle
right_brow_outer    height of its outer part
brow_gap            distance between the inner ends of the brows
brow_spacing        distance between the centres of the brows
left_eye_opening    area of the left eye over the person's usual width of it; 0 where it vanished
right_eye_opening   the same for the right eye
left_eye_width      width of the left eye
right_eye_width     width of the right eye
mouth_height        height of the mouth's centre above the eye line, hence negative
mouth_side          how far the mouth's centre lies to the right of the middle between the eyes
mouth_width         width of the mouth: like the eyes', that of an even bar of the same spread
mouth_thickness     mean height of the mouth, lips and opening together
mouth_opening       area of the gap between the lips over the mouth's width; 0 where they touch
opening_width       width of the gap between the lips; 0 where they touch
left_corner         height of the mouth's left corner above the mouth's centre
right_corner        the same for the right corner
mouth_curve         rise of the mouth's middle line from its centre to its ends: a smile is positive
upper_lip_curve     the same for the upper lip alone
lower_lip_curve     the same for the lower lip alone
upper_lip_thickness mean height of the upper lip; 0 where it vanished
lower_lip_thickness the same for the lower lip
"""
#: Name, unit and meaning of each column of `shape_features`.
FEATURES = tuple((name, "eye distances", meaning) for name, meaning in re.findall(r"(\w+) +(.+)", _FEATURES))

_GAP = 7  # label of the opening between the lips
_END = np.sqrt(3)  # from the middle of an even bar to its end, in standard deviations of its pixels


def feature_names() -> list[str]:
    """Return the names of the columns of `shape_features`, in order.

    Returns
    -------
    list of str

    Examples
    --------
    >>> names = facesom.feature_names()
    >>> "mouth_width" in names, len(names) == len(set(names))
    (True, True)
    """
    return [name for name, _, _ in FEATURES]


def find_parts(images: ArrayLike) -> np.ndarray:
    """Label the pixels of drawn faces with the parts they belong to.

    Parameters
    ----------
    images : array_like, shape (..., H, W), (..., H, W, 3) or (..., H, W, 4)
        Drawn faces as for `shape_features`.

    Returns
    -------
    ndarray of int8, shape (..., H, W)
        0 background, 1 to 6 as in `PARTS`; all 0 where no face was found.

    Raises
    ------
    DatasetError
        When `images` are no face images.

    Examples
    --------
    >>> faces = facesom.make_faces(1, 8).dataset.X1[0]
    >>> parts = facesom.find_parts(faces)
    >>> parts.shape, int(parts.max())
    ((8, 64, 64), 6)
    """
    persons, shaped = _persons(images)
    return shaped(list(_map(lambda person: label_parts(person)[0], persons)))


def shape_features(
    images: ArrayLike, *, return_unreliable: bool = False, return_parts: bool = False
) -> np.ndarray | tuple[np.ndarray, ...]:
    """Describe drawn faces by the shape of their parts, free of the head's place, roll, size and turn.

    The parts are found by place and connectedness, whatever their colours, and measured in the eye frame:
    origin midway between the eyes, x axis through them, unit their distance, all as on a head that looks
    straight (`facesom.parts.pose`).

    Parameters
    ----------
    images : array_like, shape (..., H, W), (..., H, W, 3) or (..., H, W, 4), or list of P arrays (N_p, ...)
        Drawn faces in colour, gray or with one intensity for all parts, on a plain background, upright
        (rolled by 20 degrees at most). The last leading axis holds the frames of one person, as in (P, N, H,
        W, 3), in the order of time where there is one: what the colours stand for, a frame's missing numbers
        and a finer measure of the head's pose come from the person's other frames. A list may hold persons of
        unequal numbers of frames; then lists come back.
    return_unreliable, return_parts : bool, default False
        Also return which numbers were not measured, and the parts as `find_parts` finds them.

    Returns
    -------
    features : ndarray of float64, shape (..., D)
        The columns of `FEATURES`, free of NaN. What a frame does not show is filled in with the person's
        median, or with that of all persons, or with 0 where nobody shows it. A vanished eye counts as closed.
    unreliable : ndarray of bool, shape (..., D)
        Only with `return_unreliable`. True where a number was filled in; for an eye that vanished; for the
        mouth where a lip vanished; for both lips where they share a colour and touch; for the whole frame
        where both eyes are missing, so that the eye frame was put where the other parts suggest.
    parts : scipy.sparse.csr_array of int8, shape (T, H * W)
        Only with `return_parts`: those of all frames, one row each, as most of a drawing is bare.

    Raises
    ------
    DatasetError
        When `images` are no face images, or no frame shows a face.

    Notes
    -----
    Lines are least-squares parabolas through all pixels of a part; places and widths are its moments (Hu,
    1962). So they move with a fraction of a pixel, and antialiased pixels count by their coverage.

    Examples
    --------
    >>> faces = facesom.make_faces(2, 8).dataset.X1
    >>> facesom.shape_features(faces).shape == (2, 8, len(facesom.feature_names()))
    True
    """
    persons, shaped = _persons(images)
    features, guessed, parts = [], [], []
    for measured, guess, found in _map(_measure_person, persons):
        features.append(pd.DataFrame(measured))
        guessed.append(guess)
        if return_parts:
            parts.append(csr_array(found.reshape(len(found), -1)))
    usual = pd.DataFrame([person.median() for person in features])  # NaN where nothing was measured
    if usual.isna().all(axis=None):
        wanted = "drawn brows, eyes and lips, upright, on a plain background"
        cure = f"expected {wanted}: look at one image, is it empty, a photo or upside down?"
        raise DatasetError(f"no face found in any of the {sum(map(len, persons))} images; {cure}")
    usual = usual.fillna(usual.median().fillna(0))
    filled = [x.fillna(own).to_numpy() for x, (_, own) in zip(features, usual.iterrows(), strict=True)]
    unreliable = [guess | x.isna().to_numpy() for guess, x in zip(guessed, features, strict=True)]
    more = [shaped(unreliable)] if return_unreliable else []
    more += [vstack(parts)] if return_parts else []
    return (shaped(filled), *more) if more else shaped(filled)


def _persons(images):
    """The images as a list of (N_p, H, W, C), and how to give one array of each the form of the images."""
    faces = on_ground(as_faces(images, leading=tuple(range(9))))  # any number, and lists of persons
    if isinstance(faces, list):
        return [x if is_colour(x) else x[..., None] for x in faces], lambda arrays: arrays
    if not is_colour(faces):
        faces = faces[..., None]
    lead = faces.shape[:-3]
    persons = faces.reshape(-1, lead[-1] if lead else 1, *faces.shape[-3:])
    return list(persons), lambda arrays: np.stack(arrays).reshape(*lead, *arrays[0].shape[1:])


def _map(function, persons):
    with closing(in_threads(map(delayed(function), persons), 1 if len(persons) == 1 else -1)) as work:
        yield from tqdm(work, desc="persons measured", total=len(persons), delay=2, leave=False)


@dataclass(frozen=True)
class _Shape:
    """A part in every frame: pixels' area, mean place, spread along x, and the parabola through them."""

    area: np.ndarray
    x: np.ndarray
    y: np.ndarray
    spread: np.ndarray
    # (N, 3) coefficients of 1, t, t², where t = (x - mean) / spread and heights are above the mean
    line: np.ndarray
    width: np.ndarray

    def height(self, t):
        return self.y + self.line @ np.array([1, t, t * t])


def _measure_person(images):
    """Features (N, D) of a person's frames, NaN where a part is missing; which are guesses; the parts."""
    labels, coverage, guessed = label_parts(images)
    n = len(labels)
    pixels = np.flatnonzero(labels)
    part, weight = labels.ravel()[pixels], coverage.ravel()[pixels].astype(float)
    frame, z = pixels // labels[0].size, positions(pixels, labels.shape)
    pose = find_pose(frame, part, weight, z, n)

    covered = np.where(labels >= LIPS[0], coverage, 0)
    solid = covered > 0.6
    gap = (between(solid) & ~solid) * (1 - covered)
    pixels = np.flatnonzero(gap)
    part = np.append(part, np.full(len(pixels), _GAP))
    weight = np.append(weight, gap.ravel()[pixels])
    frame = np.append(frame, pixels // labels[0].size)
    x, y = pose.straighten(frame, np.append(z, positions(pixels, labels.shape)))
    pixel = 1 / np.abs(pose.turn)

    def shape(mine):
        return _shape(frame[mine], weight[mine], x[mine], y[mine], pixel, pixel / pose.stretch)

    brows, eye_shapes = [shape(part == k) for k in BROWS], [shape(part == k) for k in EYES]
    upper, lower, opening = (shape(part == k) for k in (*LIPS, _GAP))
    mouth = shape(part >= LIPS[0])
    columns = {}
    for side, inward, brow, eye in zip(("left", "right"), (1, -1), brows, eye_shapes, strict=True):
        for where, t in (("inner", 1.4), ("middle", 0), ("outer", -1.4)):
            columns[f"{side}_brow_{where}"] = brow.height(inward * t)
        columns[f"{side}_eye_opening"] = eye.area / pd.Series(eye.width).median()
        columns[f"{side}_eye_width"] = eye.width
        end = -inward * (x - mouth.x[frame]) > 1.4 * mouth.spread[frame]
        columns[f"{side}_corner"] = shape((part >= LIPS[0]) & (part != _GAP) & end).y - mouth.y
    columns["brow_spacing"] = brows[1].x - brows[0].x
    columns["brow_gap"] = columns["brow_spacing"] - _END * (brows[0].spread + brows[1].spread)
    columns |= {"mouth_height": mouth.y, "mouth_side": mouth.x, "mouth_width": mouth.width}
    columns["mouth_thickness"] = mouth.area / mouth.width
    columns["mouth_opening"] = opening.area / mouth.width
    # a column is open from half a pixel on
    columns["opening_width"] = np.clip(2 * gap.sum(1) - 0.5, 0, 1).sum(1) * pixel
    for name, piece in (("mouth", mouth), ("upper_lip", upper), ("lower_lip", lower)):
        columns[f"{name}_curve"] = piece.line[:, 2] * _END**2
    for name, piece in (("upper_lip", upper), ("lower_lip", lower)):
        columns[f"{name}_thickness"] = np.where(piece.area > 0, piece.area / piece.width, 0)

    names = feature_names()
    features = np.stack([columns[name] for name in names], axis=-1)
    features[~pose.found] = np.nan
    of_lips = [i for i, name in enumerate(names) if "lip" in name or "opening_w" in name]
    features[np.ix_(mouth.area == 0, of_lips)] = np.nan
    doubtful = np.repeat(~pose.eyes.any(1, keepdims=True), len(names), axis=1)
    one_lip = (upper.area > 0) != (lower.area > 0)
    for i, name in enumerate(names):
        if "_eye_" in name:
            doubtful[:, i] |= ~pose.eyes[:, int(name.startswith("right"))]
        elif "_brow_" not in name and not name.startswith("brow"):
            doubtful[:, i] |= one_lip | (guessed & ("lip_" in name))
    return features, doubtful, labels


def _shape(frame, weight, x, y, wide, high):
    """Moments and parabola of one part from its pixels in the eye frame, which are so wide and high there."""
    n = len(wide)
    area = np.bincount(frame, weight, n)
    safe = np.where(area > 0, area, np.nan)
    mean_x, mean_y = np.bincount(frame, weight * x, n) / safe, np.bincount(frame, weight * y, n) / safe
    dx, dy = x - mean_x[frame], y - mean_y[frame]
    spread = np.sqrt(np.bincount(frame, weight * dx**2, n) / safe)
    t = dx / np.maximum(spread, 1e-9)[frame]
    weighted = [weight, weight * t, weight * t * t]
    weighted += [weighted[2] * t, weighted[2] * t * t]
    power = np.stack([np.bincount(frame, values, n) for values in weighted], -1) / safe[:, None]
    moment = np.stack([np.bincount(frame, values * dy, n) for values in weighted[:3]], -1) / safe[:, None]
    # the ridge keeps the line of a part of two or three pixels straight
    normal = power[:, np.add.outer(range(3), range(3))] + 0.02 * np.eye(3)
    seen = area > 0
    line = np.full((n, 3), np.nan)
    line[seen] = np.linalg.solve(normal[seen], moment[seen][..., None])[..., 0]
    return _Shape(area * wide * high, mean_x, mean_y, spread, line, np.sqrt(12 * spread**2 + wide**2))

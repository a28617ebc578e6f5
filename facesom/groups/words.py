"""Groups in face words, said from how far the parts of their faces moved; how typical each frame is."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from facesom.identity import AT_REST
from facesom.io import count_groups, like, per_person
from facesom.parts import feature_names

#: What may be said of a face: words for more and for less of the mean of these features; a minus subtracts.
SIGNS = (
    ("inner brows up", "inner brows down", ("left_brow_inner", "right_brow_inner")),
    ("outer brows up", "outer brows down", ("left_brow_outer", "right_brow_outer")),
    ("brows apart", "brows together", ("brow_gap",)),
    ("left brow higher", "right brow higher", ("left_brow_middle", "-right_brow_middle")),
    ("eyes wide", "eyes narrowed", ("left_eye_opening", "right_eye_opening")),
    ("left eye wider", "right eye wider", ("left_eye_opening", "-right_eye_opening")),
    ("lip corners up", "lip corners down", ("left_corner", "right_corner")),
    ("left lip corner higher", "right lip corner higher", ("left_corner", "-right_corner")),
    ("mouth wide", "mouth narrow", ("mouth_width",)),
    ("mouth open", "lips closed", ("mouth_opening",)),
    ("lips full", "lips pressed", ("upper_lip_thickness", "lower_lip_thickness")),
    ("mouth raised", "mouth lowered", ("mouth_height",)),
)
BOTH = {"inner brows up": "brows up", "inner brows down": "brows down"}  # where the outer ends go along

LEAST_SHIFT = 0.02  # eye distances: half a pixel in pictures of 64
LEAST_SPREAD = 0.01  # what pixels blur; closed lips do not move at all
LEAST_Z = 1.0
LEAST_AGREEMENT = 0.75
MOST_WORDS = 5
NO_FRAMES = "no frames"


@dataclass(frozen=True)
class Sign:
    """One thing that the faces of a group do.

    Attributes
    ----------
    words : str
    shift : float
        How far from the face at rest, in eye distances: median over persons of each person's median.
    z : float
        The shift over the spread of frames within groups (median absolute deviation, scaled as a standard
        deviation).
    agreement : float
        Share of the frames, 0 to 1, that move this way; mean over persons.
    """

    words: str
    shift: float
    z: float
    agreement: float


@dataclass(frozen=True)
class GroupWords:
    """A group in face words; printed, it says them.

    `signs` holds a `Sign` for all that is reliable, strongest first; `words` are the strongest of them, "face
    at rest" where nothing is reliable, "no frames" for an empty group.
    """

    words: str
    signs: tuple = field(repr=False)
    n_frames: int
    n_persons: int

    def __str__(self):
        return self.words


def describe_groups(
    movements: ArrayLike, groups: ArrayLike, *, n_groups: int | None = None
) -> list[GroupWords]:
    """Describe each group in face words, strongest first, as far as its frames agree.

    Parameters
    ----------
    movements : array_like of float, shape (P, N, D) or (N, D), or list of P arrays (N_p, D)
        Features of `shape_features` less each person's face at rest, as in ``SharedGroups.movements``; in eye
        distances.
    groups : array_like of int, shape (P, N) or (N,), or list of P arrays (N_p,)
        Group of each frame; frames of group -1 are not used.
    n_groups : int, optional
        How many groups there are; default: the largest number + 1.

    Returns
    -------
    list of GroupWords
        One for each group.

    Raises
    ------
    ValueError
        If movements and groups do not fit each other, or the features are not those of `shape_features`.

    Notes
    -----
    A sign is reliable if it is at least 0.02 eye distances and one robust standard deviation from rest, and
    three quarters of the frames go its way. Persons count alike, whatever the number of their frames.

    Examples
    --------
    >>> import facesom
    >>> faces = facesom.make_faces(2, 60, seed=0, mix="balanced")
    >>> features = facesom.shape_features(faces.dataset.X1)
    >>> at_rest = features[faces.expressions == faces.expression_names.index("neutral")].mean(axis=0)
    >>> words = facesom.describe_groups(features - at_rest, faces.expressions)
    >>> "mouth open" in str(words[faces.expression_names.index("surprised")])
    True
    """
    movements, groups = movements_by_person(movements, groups)
    names = feature_names()
    if movements[0].shape[1] != len(names):
        came = f"{movements[0].shape[1]}; pass `result.movements`, not coordinates or pixels"
        raise ValueError(f"movements: expected the {len(names)} columns of `shape_features`, got {came}.")
    n_groups = count_groups(groups, n_groups)
    weights = np.zeros((len(names), len(SIGNS)))
    for column, (_, _, parts) in enumerate(SIGNS):
        plus = sum(not part.startswith("-") for part in parts)
        for part in parts:
            weights[names.index(part.lstrip("-")), column] = (-1 if part.startswith("-") else 1) / plus
    pairs = [(m @ weights, g) for m, g in zip(movements, groups, strict=True)]
    members = [[x[g == k] for x, g in pairs if (g == k).any()] for k in range(n_groups)]
    off = [np.abs(x - np.median(x, axis=0)) for persons in members for x in persons]
    spread = 1.4826 * np.median(np.concatenate(off), axis=0) if off else np.ones(len(SIGNS))
    return [_describe(persons, np.maximum(spread, LEAST_SPREAD)) for persons in members]


def _describe(persons, spread):
    """Words for one group from the sign values (N_p, S) of the persons who show it."""
    if not persons:
        return GroupWords(NO_FRAMES, (), 0, 0)
    shift = np.median([np.median(x, axis=0) for x in persons], axis=0)
    agreement = np.mean([(x * np.sign(shift) > 0).mean(axis=0) for x in persons], axis=0)
    z = shift / spread
    reliable = (np.abs(shift) >= LEAST_SHIFT) & (np.abs(z) >= LEAST_Z) & (agreement >= LEAST_AGREEMENT)
    strongest = (s for s in np.argsort(-np.abs(z), kind="stable") if reliable[s])
    told = np.column_stack([shift, z, agreement]).tolist()
    signs = tuple(Sign(SIGNS[s][int(shift[s] < 0)], *told[s]) for s in strongest)
    words = [sign.words for sign in signs]
    for inner, both in BOTH.items():
        outer = inner.replace("inner", "outer")
        if inner in words and outer in words:
            words[min(words.index(inner), words.index(outer))] = both
            words = [word for word in words if word not in (inner, outer)]
    return GroupWords(", ".join(words[:MOST_WORDS]) or AT_REST, signs, sum(map(len, persons)), len(persons))


def group_distances(movements, groups, *, n_groups=None):
    """Return how far each frame is from the middle of its group: the least are the most typical.

    Parameters
    ----------
    movements, groups, n_groups
        As in `describe_groups`, but any features will do.

    Returns
    -------
    ndarray of float, as `groups`
        Euclidean distance to the group's median, in the units of the features; NaN in group -1.

    Raises
    ------
    ValueError
        If movements and groups do not fit each other.
    """
    whole = groups
    movements, groups = movements_by_person(movements, groups)
    x, g = np.concatenate(movements), np.concatenate(groups)
    count_groups(groups, n_groups)
    middle = pd.DataFrame(x, dtype=float).groupby(g).transform("median").to_numpy()
    distances = np.where(g < 0, np.nan, np.linalg.norm(x - middle, axis=1))
    if isinstance(whole, list) and np.ndim(whole[0]):
        return like(whole, distances)
    return distances.reshape(np.shape(whole))


def movements_by_person(movements, groups):
    """Features and groups as lists of arrays, one for each person; features are finite."""
    movements = per_person(movements, 2, "movements")
    groups = per_person(groups, 1, "groups", movements)
    if len({m.shape[1] for m in movements}) > 1 or not all(np.isfinite(m).all() for m in movements):
        raise ValueError("movements: expected finite numbers, as many columns for each person.")
    return movements, groups

"""How many groups: as many as tell about persons who were left out."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.stats import sem
from sklearn.model_selection import GroupKFold
from tqdm.auto import tqdm

from facesom.io import check_whole
from facesom.parts import feature_names

from .actions import action_matrix, read_actions
from .align import IdentityAligner
from .mixture import thinned
from .persons import as_persons

WORTH, SPLIT = 0.1, 0.8  # of what is unexplained, that one more group must explain: the less of both, where
# k groups, each of them split, would explain SPLIT / k
BEYOND = 2.0  # standard errors over persons that its gain must exceed
AHEAD = 4  # how many further groups are tried before a gain that is too small is believed
FOLDS = 5


@dataclass(frozen=True)
class GroupCurve:
    """Explained movement of persons left out, by the number of groups.

    Attributes
    ----------
    ks : ndarray of int, shape (n,)
        Numbers of groups that were tried.
    explained : ndarray of float, shape (n, P)
        Share of each person's movement that groups learned from others tell, at most 1.
    n_groups : int
        The recommendation: the smallest number after which no further group is worth it.
    """

    ks: np.ndarray
    explained: np.ndarray
    n_groups: int

    def __repr__(self):
        told = self.explained.mean(axis=1)
        chosen = int(np.flatnonzero(self.ks == self.n_groups)[0])
        return (
            f"GroupCurve({self.n_groups} groups recommended: they explain {told[chosen]:.2f} of the movement "
            f"of persons left out, {self.ks[-1]} groups {told[-1]:.2f})"
        )


def choose_groups(features, ks=None, *, seed=0):
    """Choose the number of groups by what they tell about persons they were not learned from.

    Everybody is freed of their face at rest once (`IdentityAligner`); then persons are left out in turn. From
    the others' actions the rest and k - 1 directions from it are learned, along which expressions grow
    (`learn_directions`), and each frame of those left out is told by the direction that suits it best. More
    groups always tell more; one is worth it as long as its gain exceeds what it varies from person to person,
    and a share of what is left to explain.

    Parameters
    ----------
    features : array_like of float, shape (P, N, D), or list of P arrays (N_p, D)
        Features of two persons or more, as from `shape_features`.
    ks : sequence of int, optional
        Numbers of groups to try, ascending. Default: 2 to 14, or to as many as others have distinct frames.
    seed : int, default 0

    Returns
    -------
    GroupCurve

    Raises
    ------
    ValueError
        For fewer than two persons, numbers that do not ascend, or more groups than distinct frames.
    """
    persons = as_persons(features)
    distinct = sorted(len(np.unique(x, axis=0)) for x in persons)
    most = min(14, sum(distinct[: len(persons) - -(-len(persons) // FOLDS)]))
    ks = list(range(2, most + 1)) if ks is None else [check_whole(k, "ks", 1) for k in ks]
    if len(persons) < 2:
        raise ValueError(
            "features: expected two persons or more, each is predicted from the others; got 1: choose the "
            "number of groups yourself."
        )
    if len(ks) < 2 or sorted(set(ks)) != ks:
        raise ValueError(f"ks: expected two or more ascending numbers of groups, got {ks}.")
    if persons[0].shape[1] != len(feature_names()):
        raise ValueError(
            f"features: expected the {len(feature_names())} columns of `shape_features`, got "
            f"{persons[0].shape[1]}."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # who is in doubt is said where groups are made
        aligner = IdentityAligner(min(8, ks[-1]), seed=seed).fit(persons)
    trust = action_matrix()[2] if aligner.reading_ == "flowing" else 1.0
    shown = [read_actions(x - rest) * trust for x, rest in zip(persons, aligner.offsets_, strict=True)]
    shown, _ = thinned(shown)
    person = np.arange(len(shown))
    folds = [
        (np.concatenate([shown[p] for p in others]), left_out)
        for others, left_out in GroupKFold(min(len(shown), FOLDS)).split(person, groups=person)
    ]
    fewest = min(len(np.unique(known, axis=0)) for known, _ in folds)
    explained = np.full((len(ks), len(shown)), np.nan)
    for row, k in enumerate(tqdm(ks, desc="numbers of groups", delay=2, leave=False)):
        if fewest < k:
            raise ValueError(f"ks: expected at most as many groups as distinct frames of others, got {k}.")
        for known, left_out in folds:
            directions = learn_directions(known, k - 1, seed=seed)
            for p in left_out:
                missed = shown[p] - told(shown[p], directions)
                moved = shown[p].var(axis=0).sum()
                explained[row, p] = 1 - missed.var(axis=0).sum() / moved if moved > 0 else np.nan
    gains = np.diff(explained, axis=0) / np.diff(ks)[:, None]
    left = 1 - np.nanmean(explained[:-1], axis=1)
    needed = np.maximum(
        np.minimum(WORTH, SPLIT / np.array(ks[:-1])) * left, BEYOND * sem(gains, axis=1, nan_policy="omit")
    )
    worth = np.append(np.nanmean(gains, axis=1) > needed, [False] * AHEAD)
    done = [not worth[row : row + AHEAD].any() for row in range(len(ks))]
    return GroupCurve(np.array(ks), explained, ks[done.index(True)])


def learn_directions(shown, n, *, seed=0, n_starts=3, n_iter=25):
    """Directions from rest along which expressions grow.

    Spherical k-means (Dhillon & Modha, 2001) in which strong frames count more, and nothing grows backwards:
    what is told of the movements along the directions, squared, is maximised.

    Parameters
    ----------
    shown : ndarray of float, shape (T, A)
        Movements from rest.
    n : int
        0 or more; fewer are returned where fewer tell all.
    seed, n_starts, n_iter : int

    Returns
    -------
    ndarray of float, shape (n, A)
        Unit vectors.
    """
    rng, squares = np.random.default_rng(seed), (shown**2).sum(axis=1)
    best, most = np.empty((0, shown.shape[1])), -1.0
    for _ in range(n_starts if n else 0):
        directions = best[:0]
        for _ in range(n):  # the next start from what is told least
            left = np.maximum(squares - (told(shown, directions) ** 2).sum(axis=1), 0)
            if left.sum() <= 1e-12 * squares.sum():
                break
            new = shown[rng.choice(len(shown), p=left / left.sum())]
            directions = np.vstack([directions, new / np.linalg.norm(new)])
        for _ in range(n_iter):
            strengths = np.maximum(shown @ directions.T, 0)
            strengths *= strengths == strengths.max(axis=1, keepdims=True)
            sums = strengths.T @ shown
            lengths = np.linalg.norm(sums, axis=1, keepdims=True)
            directions = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), directions)
        value = (told(shown, directions) ** 2).sum()
        if value > most:
            best, most = directions, value
    return best


def told(shown, directions):
    """What the best of the directions (K, A) tells of each movement (T, A): 0 where all point away."""
    if not len(directions):
        return np.zeros_like(shown)
    along = shown @ directions.T
    best = along.argmax(axis=1)
    return np.maximum(along[np.arange(len(shown)), best], 0)[:, None] * directions[best]

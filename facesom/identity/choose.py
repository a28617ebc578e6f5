"""How many groups: as many as tell about persons who were left out."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.stats import sem
from sklearn.model_selection import GroupKFold
from tqdm.auto import tqdm

from .actions import action_matrix, read_actions
from .align import IdentityAligner
from .chain import thinned
from .persons import as_persons, canonical_order

MOST_GROUPS = 14
AHEAD = 4  # further groups that are judged together, as one alone may find nothing where two do
# of what is unexplained, that each of them must explain: the less of both, where k groups that are split
# would explain LEAST_SPLIT / k
LEAST_GAIN, LEAST_SPLIT = 0.08, 0.4
BEYOND = 5.0  # standard errors over persons that their gain must exceed
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
        The recommendation: the smallest number after which the next four gain too little, as after the next.
    """

    ks: np.ndarray
    explained: np.ndarray
    n_groups: int

    def __repr__(self):
        mean, chosen = self.explained.mean(axis=1), self.ks == self.n_groups
        they = f"they explain {mean[chosen][0]:.2f} of the movement of persons left out"
        return f"GroupCurve({self.n_groups} groups recommended: {they}, {self.ks[-1]} groups {mean[-1]:.2f})"


def choose_groups(features, seed=0):
    """Choose the number of groups by what they tell about persons they were not learned from.

    Everybody is freed of their face at rest once (`IdentityAligner`); then persons are left out in turn. From
    the others' actions the rest and k - 1 directions from it are learned, along which expressions grow
    (`grow_directions`), and each frame of those left out is told by the direction that suits it best. More
    groups always tell more; they are taken as long as what the next four gain together exceeds what it varies
    from person to person, and a share of what is left to explain. Up to 14 groups are tried, or as many as
    others have distinct frames.

    Parameters
    ----------
    features : array_like of float, shape (P, N, D), or list of P arrays (N_p, D)
        Features of two persons or more, as from `shape_features`.
    seed : int, default 0

    Returns
    -------
    GroupCurve

    Raises
    ------
    ValueError
        For fewer than two persons, fewer than two distinct frames to learn from, or other features than those
        of `shape_features`.
    """
    persons = as_persons(features)
    if len(persons) < 2:
        why = "each is predicted from the others; choose the number of groups yourself"
        raise ValueError(f"features: expected two persons or more, got 1: {why}.")
    distinct = sorted(len(np.unique(x, axis=0)) for x in persons)
    most = min(MOST_GROUPS, sum(distinct[: len(persons) - -(-len(persons) // FOLDS)]))
    if most < 2:
        cure = "choose the number of groups yourself, or add frames"
        raise ValueError(f"features: expected others with two distinct frames or more, got {most}; {cure}.")
    order, ks = canonical_order(persons), np.arange(2, most + 1)
    persons = [persons[p] for p in order]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # who is in doubt is said where groups are made
        aligner = IdentityAligner(int(min(8, ks[-1])), seed=seed).fit(persons)
    trust = action_matrix()[2] if aligner.reading_ == "flowing" else 1.0
    shown = [read_actions(x - rest) * trust for x, rest in zip(persons, aligner.offsets_, strict=True)]
    shown, _ = thinned(shown)
    person = np.arange(len(shown))
    folds = GroupKFold(min(len(shown), FOLDS)).split(person, groups=person)
    explained = np.full((len(ks), len(shown)), np.nan)
    for others, left_out in tqdm(list(folds), desc="persons left out", delay=2, leave=False):
        grown = grow_directions(np.concatenate([shown[p] for p in others]), most - 1, seed=seed)
        for p in left_out:
            moved = shown[p].var(axis=0).sum()
            for row, directions in enumerate(grown if moved > 0 else []):
                missed = shown[p] - along_best(shown[p], directions)
                explained[row, p] = 1 - missed.var(axis=0).sum() / moved
    ahead = np.minimum(np.arange(len(ks)) + AHEAD, len(ks) - 1)
    gains, left = explained[ahead] - explained, 1 - np.nanmean(explained, axis=1)
    least = (ks[ahead] - ks) * np.minimum(LEAST_GAIN, LEAST_SPLIT / ks) * left
    least = np.maximum(least, BEYOND * sem(gains, axis=1, nan_policy="omit"))
    too_little = np.append(np.nanmean(gains, axis=1) <= least, True)
    explained = explained[:, np.argsort(order)]
    return GroupCurve(ks, explained, int(ks[(too_little[:-1] & too_little[1:]).argmax()]))


def grow_directions(shown, most, *, seed=0, n_tries=6, n_iter=25):
    """Directions from rest along which expressions grow: one, then two, and so on.

    Spherical k-means (Dhillon & Modha, 2001) in which strong frames count more, and nothing grows backwards:
    what is told of the movements along the directions, squared, is maximised. One more direction starts from
    a frame of which the others tell little; of several such frames, what tells most in the end is kept.

    Parameters
    ----------
    shown : ndarray of float, shape (T, A)
        Movements from rest.
    most : int
    seed, n_tries, n_iter : int

    Returns
    -------
    list of ndarray of float, shape (n, A)
        Unit vectors, for n of 1 to `most`; no more of them where fewer tell all.
    """
    rng, squares = np.random.default_rng(seed), (shown**2).sum(axis=1)
    grown, last = [], np.empty((0, shown.shape[1]))
    for _ in range(most):
        left, tries = np.maximum(squares - (along_best(shown, last) ** 2).sum(axis=1), 0), [last]
        for _ in range(n_tries if left.sum() > 1e-12 * squares.sum() else 0):
            new = shown[rng.choice(len(shown), p=left / left.sum())]
            directions = np.vstack([last, new / np.linalg.norm(new)])
            for _ in range(n_iter):
                strengths = np.maximum(shown @ directions.T, 0)
                strengths *= strengths == strengths.max(axis=1, keepdims=True)
                sums = strengths.T @ shown
                lengths = np.linalg.norm(sums, axis=1, keepdims=True)
                directions = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), directions)
            tries.append(directions)
        last = max(tries, key=lambda directions: (along_best(shown, directions) ** 2).sum())
        grown.append(last)
    return grown


def along_best(shown, directions):
    """Each movement (T, A) as far as it goes along the best of directions (K, A); 0 where all point away."""
    if not len(directions):
        return np.zeros_like(shown)
    along = shown @ directions.T
    best = along.argmax(axis=1)
    return np.maximum(along[np.arange(len(shown)), best], 0)[:, None] * directions[best]

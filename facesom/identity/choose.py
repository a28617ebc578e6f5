"""How many groups: as many as tell about persons who were left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import sem
from sklearn.cluster import KMeans
from sklearn.model_selection import GroupKFold
from tqdm.auto import tqdm

from facesom.io import check_whole
from facesom.parts import feature_names

from .actions import action_matrix, read_actions
from .align import IdentityAligner
from .persons import as_persons

WORTH = 0.08  # of what is unexplained, that one more group must explain
BEYOND = 2.0  # standard errors over persons that its gain must exceed
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
        The recommendation: the smallest number whose next explains less than `WORTH` of what is left, or less
        than `BEYOND` standard errors over persons.
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


def choose_groups(features, ks=range(2, 15), *, seed=0):
    """Choose the number of groups by what they tell about persons they were not learned from.

    Everybody is freed of their face at rest once (`IdentityAligner`); then persons are left out in turn,
    groups are learned from the actions of the others by k-means, and each frame of those left out is
    predicted by the middle of the group next to it. More groups always tell more; they are worth it as long
    as the gain exceeds what it varies from person to person, and a share of what is left to explain.

    Parameters
    ----------
    features : array_like of float, shape (P, N, D), or list of P arrays (N_p, D)
        Features of two persons or more, as from `shape_features`.
    ks : sequence of int
        Numbers of groups to try, ascending.
    seed : int, default 0

    Returns
    -------
    GroupCurve

    Raises
    ------
    ValueError
        For fewer than two persons, numbers that do not ascend, or more groups than distinct frames.
    """
    persons, ks = as_persons(features), [check_whole(k, "ks", 1) for k in ks]
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
    aligner = IdentityAligner(min(8, ks[-1]), seed=seed).fit(persons)
    trust = action_matrix()[2] if aligner.reading_ == "flowing" else 1.0
    shown = [read_actions(x - rest) * trust for x, rest in zip(persons, aligner.offsets_, strict=True)]
    person = np.arange(len(shown))
    folds = list(GroupKFold(min(len(shown), FOLDS)).split(person, groups=person))
    explained = np.full((len(ks), len(shown)), np.nan)
    for row, k in enumerate(tqdm(ks, desc="numbers of groups", delay=2, leave=False)):
        for others, left_out in folds:
            known = np.concatenate([shown[p] for p in others])
            if len(np.unique(known, axis=0)) < k:
                raise ValueError(
                    f"ks: expected at most as many groups as distinct frames of others, got {k}."
                )
            groups = KMeans(k, n_init=3, random_state=seed).fit(known)
            for p in left_out:
                missed = shown[p] - groups.cluster_centers_[groups.predict(shown[p])]
                moved = shown[p].var(axis=0).sum()
                explained[row, p] = 1 - missed.var(axis=0).sum() / moved if moved > 0 else np.nan
    gains = np.diff(explained, axis=0)
    gain, left = np.nanmean(gains, axis=1), 1 - np.nanmean(explained[:-1], axis=1)
    small = gain <= np.maximum(WORTH * left, BEYOND * sem(gains, axis=1, nan_policy="omit"))
    n_groups = ks[int(small.argmax())] if small.any() else ks[-1]
    return GroupCurve(np.array(ks), explained, n_groups)

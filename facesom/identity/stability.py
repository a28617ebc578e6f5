"""Which groups can be trusted: do they come back when they are learned again from others?"""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from tqdm.auto import tqdm

from facesom.io import check_whole, count_groups
from facesom.som import FaceSOM

from .across import SharedGroups

__all__ = ["UNSTABLE", "GroupStability", "group_stability"]

STABLE = 0.75  # from here on it stands for a group (Hennig, 2007)
UNSTABLE = 0.6  # below it the frames are not to be taken for a group (Hennig, in fpc::clusterboot)
FRAMES = 1000  # that groups are learned again from, evenly over the persons drawn
LEAST_FRAMES = 20  # of each of them
TRIES = 100


@dataclass(frozen=True, repr=False)
class GroupStability:
    """How reliably each of K groups came back when they were learned again B times.

    Attributes
    ----------
    stability : ndarray, shape (K,)
        Mean Jaccard similarity of the group and its best match, 0 to 1. From 0.75 on a group is stable, below
        0.6 it is not to be trusted (Hennig, 2007). NaN for a group without frames.
    jaccards : ndarray, shape (B, K)
        The same each time; NaN where the group was not among what was drawn.
    together : ndarray, shape (K, K)
        How often a frame of the row's group and one of the column's fall into one group again, 0 to 1.
    """

    stability: np.ndarray
    jaccards: np.ndarray
    together: np.ndarray

    @property
    def unstable(self):
        """Which groups (K,) are not to be trusted."""
        return self.stability < UNSTABLE

    @property
    def confused(self):
        """The other group (K,) that each falls together with most often; -1 where there is none."""
        if len(self.together) < 2:
            return np.full(len(self.together), -1)
        others = np.nan_to_num(self.together, nan=-1)
        np.fill_diagonal(others, -1)
        return np.where(others.max(axis=1) > 0, others.argmax(axis=1), -1)

    def mark(self, words=None):
        """Say of each group whether it is unstable, behind its words: what every picture and table shows.

        Parameters
        ----------
        words : sequence of K, optional
            As from `describe_groups`.

        Returns
        -------
        list of K str
            E.g. ``"brows up (unstable)"``; without words ``"unstable"`` or ``""``.

        Raises
        ------
        ValueError
            If there are not K words.
        """
        if words is None:
            return ["unstable" if u else "" for u in self.unstable]
        if len(words) != len(self.unstable):
            raise ValueError(
                f"words: expected one for each of {len(self.unstable)} groups, got {len(words)}."
            )
        return [f"{w} (unstable)" if u else str(w) for w, u in zip(words, self.unstable, strict=True)]

    def __repr__(self):
        stable = self.stability >= STABLE
        between = ~stable & ~self.unstable & np.isfinite(self.stability)
        parts = [f"{len(self.stability)} groups, learned again {len(self.jaccards)} times"]
        for name, which in ("stable", stable), ("in between", between), ("unstable", self.unstable):
            values = [f"{k} ({self.stability[k]:.2f})" for k in np.flatnonzero(which)]
            parts.append(f"{name}: {', '.join(values) or 'none'}")
        return f"GroupStability({'; '.join(parts)})"


def group_stability(
    result: SharedGroups | FaceSOM,
    node_groups: object | None = None,
    *,
    n_bootstraps: int = 20,
    seed: int = 0,
    n_jobs: int = 2,
) -> GroupStability:
    """Learn groups again from other persons, or other nodes, and measure which of them come back.

    Parameters
    ----------
    result : SharedGroups or FaceSOM
        Groups of several persons; or a fitted map, with `node_groups`.
    node_groups : NodeGroups, optional
        Groups of the nodes of a `FaceSOM`.
    n_bootstraps : int, default 20
        How often. For a `SharedGroups` each time costs a fraction of what its groups cost to learn; for a
        map next to nothing.
    seed : int, default 0
    n_jobs : int, default 2
        Processes that learn side by side, as joblib counts them.

    Returns
    -------
    GroupStability

    Raises
    ------
    ValueError
        If `result` is something else, or too small for parts of it to hold as many groups.

    Notes
    -----
    Clusterwise stability of Hennig (2007). For a `SharedGroups`, half of the persons are drawn, each time
    with other random starts (his subsetting: a person drawn twice would be two who are built alike), and
    their videos are thinned to 1000 frames, or 20 of each. With two persons both are taken: then it tells of
    the starts and the frames alone. For a map, nodes are drawn with replacement, as in `choose_n_groups`, and
    count by the faces they won. That a group comes back does not say that it is *one* expression.

    Examples
    --------
    >>> gray = facesom.to_grayscale(facesom.make_faces(1, 60).dataset)
    >>> som = facesom.FaceSOM(5, 5).fit(gray.X1[0])
    >>> groups = facesom.NodeGroups(3).fit(som)
    >>> facesom.group_stability(som, groups, n_bootstraps=5).stability.shape
    (3,)
    """
    check_whole(n_bootstraps, "n_bootstraps", 1)
    rng = np.random.default_rng(seed)
    if isinstance(result, SharedGroups):
        if node_groups is not None:
            raise ValueError(
                "node_groups: a SharedGroups has groups of its own; pass `result.som` for these."
            )
        n_groups, again = len(result.order), _persons_again(result, n_bootstraps, rng, n_jobs)
    elif not hasattr(result, "hits_"):
        came = type(result).__name__
        raise ValueError(
            f"result: expected a SharedGroups, or a fitted FaceSOM and its node_groups, got {came}."
        )
    elif not hasattr(node_groups, "n_groups_"):
        came = f"got {type(node_groups).__name__}"
        raise ValueError(
            f"node_groups: a FaceSOM has no groups; pass those of `NodeGroups(...).fit(som)`, {came}."
        )
    else:
        n_groups, again = node_groups.n_groups_, _nodes_again(result, node_groups, n_bootstraps, rng)
    found = [match_groups(*labels, n_groups) for labels in again]
    jaccards, together = map(np.array, zip(*found, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a group that was never drawn stays NaN
        return GroupStability(np.nanmean(jaccards, axis=0), jaccards, np.nanmean(together, axis=0))


def match_groups(old, new, weights, n_groups):
    """Compare two groupings of the same points.

    Parameters
    ----------
    old, new : ndarray of int, shape (T,)
        Groups; -1 for none.
    weights : ndarray of float, shape (T,)
    n_groups : int
        Number of old groups.

    Returns
    -------
    jaccard : ndarray, shape (n_groups,)
        Of each old group and the new one that it resembles most; NaN for one without points.
    together : ndarray, shape (n_groups, n_groups)
        Probability that a point of the row's old group and one of the column's share a new group.
    """
    counts = np.zeros((n_groups + 1, count_groups([new]) + 1))
    np.add.at(counts, (old, new), weights)  # -1 is the last row and the last column
    both, size, other = counts[:-1, :-1], counts[:-1].sum(axis=1), counts[:, :-1].sum(axis=0)
    with np.errstate(invalid="ignore"):
        share = both / size[:, None]
        jaccard = (both / (size[:, None] + other - both)).max(axis=1, initial=0)
    together = np.where((size > 0) & (size > 0)[:, None], share @ share.T, np.nan)
    return np.where(size > 0, jaccard, np.nan), together


def _persons_again(result, n_bootstraps, rng, n_jobs):
    """Old groups, new groups and weights of the frames of half of the persons, drawn again and again."""
    persons, groups = list(result.features), list(result.groups)
    n_drawn = max(-(-len(persons) // 2), min(len(persons), 2))
    tasks = []
    for _ in range(n_bootstraps):
        drawn = rng.choice(len(persons), n_drawn, replace=False)
        every = max(1, sum(len(persons[p]) for p in drawn) // FRAMES)
        steps = [max(1, min(every, len(persons[p]) // LEAST_FRAMES)) for p in drawn]
        kept = [(p, slice(int(rng.integers(step)), None, step)) for p, step in zip(drawn, steps, strict=True)]
        aligner = clone(result.aligner).set_params(seed=int(rng.integers(2**31)))
        tasks.append((aligner, [persons[p][c] for p, c in kept], [groups[p][c] for p, c in kept]))
    if sum(map(len, persons)) < 1000:  # learned again before other processes have started
        n_jobs = 1
    again = Parallel(n_jobs, return_as="generator")(delayed(_learn_again)(*task) for task in tasks)
    return tqdm(again, "learned again", n_bootstraps, leave=False)


def _learn_again(aligner, features, groups):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # which persons are in doubt was said of all of them
        try:
            aligner.fit(features)
        except ValueError as error:
            shown = f"{len(features)} persons, half of all or both, do not show enough"
            cure = "take fewer groups, or more frames or persons"
            raise ValueError(f"result: {shown} to learn {aligner.n_groups} groups again; {cure}.") from error
    old, new = np.concatenate(groups), np.concatenate(aligner.probabilities_).argmax(axis=1)
    return old, new, np.ones(len(old))


def _nodes_again(som, node_groups, n_bootstraps, rng):
    """Old groups, new groups and hits of the nodes, grouped as drawn with replacement, again and again."""
    hits, old = som.hits_.ravel(), node_groups.labels_.ravel()
    used = np.flatnonzero(hits)
    part, found = copy.copy(som), []
    for _ in range(n_bootstraps):
        for _ in range(TRIES):
            drawn = np.zeros_like(hits)
            np.add.at(drawn, rng.choice(used, len(used)), 1)
            part.hits_ = (drawn * hits).reshape(som.hits_.shape)
            if len(np.unique(som.weights_[drawn > 0], axis=0)) >= node_groups.n_groups_:
                break
        else:
            left = f"{node_groups.n_groups_} groups of {len(used)} nodes leave nothing to draw anew"
            raise ValueError(f"node_groups: {left}; take fewer groups or a larger map.")
        again = clone(node_groups).set_params(seed=int(rng.integers(2**31)))
        try:
            new = again.fit(part).labels_.ravel()
        except ValueError:  # a density at which every node stands alone
            new = np.full(len(hits), -1)
        counted = (drawn > 0) | (new >= 0)  # density methods say nothing of a node that was not drawn
        found.append((old[counted], new[counted], hits[counted].astype(float)))
    return found

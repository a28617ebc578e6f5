"""Profiles of persons: how often, how long, in what order each shows the groups; do two labels differ in it?

The unit of every test is the *person*: 500 frames of one face are one observation. Groups must have been made
without the labels, as `facesom.group_across_persons` makes them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.cluster.hierarchy import leaves_list, linkage

from facesom.io import as_array, count_groups, one_thread, per_person

from . import resampling
from .node_groups import transitions


@dataclass(frozen=True, repr=False)
class PersonProfiles:
    """What each of P persons does with K groups.

    Attributes
    ----------
    shares : ndarray of float, shape (P, K)
        Share of the person's frames in each group, 0 to 1. A row sums to 1, less the share in no group.
    dwell_times : ndarray of float, shape (P, K)
        Mean length in frames of the person's stays in each group; NaN for a group never shown. The first and
        the last stay count as long as they were seen.
    transitions : ndarray of float, shape (P, K, K)
        Share of the frames of the row's group that one of the column's follows; NaN where none follows.
    n_frames : ndarray of int, shape (P,)
    """

    shares: np.ndarray
    dwell_times: np.ndarray
    transitions: np.ndarray
    n_frames: np.ndarray

    def __repr__(self):
        n_persons, n_groups = self.shares.shape
        return f"PersonProfiles({n_persons} persons, {n_groups} groups, {self.n_frames.sum()} frames)"


def person_profiles(groups: ArrayLike, n_groups: int | None = None) -> PersonProfiles:
    """Count how often, how long and in what order each person shows the groups.

    Parameters
    ----------
    groups : array_like of int, shape (P, N), or list of P arrays (N_p,)
        Group of each frame in the order of time, as in ``SharedGroups.groups``; -1 where a frame has none.
    n_groups : int, optional
        How many groups there are; default: the largest number + 1.

    Returns
    -------
    PersonProfiles
        A group without any frame has shares of 0, and NaN for dwell times and transitions.

    Raises
    ------
    ValueError
        If groups are no whole numbers of -1 or more for each person, or there are more than `n_groups`.

    Examples
    --------
    >>> import facesom
    >>> profiles = facesom.person_profiles([[0, 0, 1, 1], [2, 2, 2, 1]])
    >>> profiles
    PersonProfiles(2 persons, 3 groups, 8 frames)
    >>> profiles.shares.tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]]
    """
    groups = per_person(groups, 1, "groups")
    n_groups = count_groups(groups, n_groups)

    def count(numbers):
        return np.bincount(numbers + 1, minlength=n_groups + 1)[1:]

    frames = np.array([count(g) for g in groups])
    stays = np.array([count(g[np.r_[True, g[1:] != g[:-1]]]) for g in groups])
    steps = np.array([transitions(g, n_groups) for g in groups])
    n_frames = np.array([len(g) for g in groups])
    with np.errstate(invalid="ignore"):
        return PersonProfiles(
            shares=frames / n_frames[:, None],
            dwell_times=frames / stays,
            transitions=steps / steps.sum(axis=2, keepdims=True),
            n_frames=n_frames,
        )


def similar_order(values):
    """Order persons so that similar ones are neighbours (Bar-Joseph et al., 2001, on the tree of Ward, 1963).

    Parameters
    ----------
    values : array_like of float, shape (P, F)
        Finite; persons are compared by their Euclidean distance.

    Returns
    -------
    ndarray of int, shape (P,)
        The persons from first to last.
    """
    values = as_array(values, "profiles").astype(float, copy=False)
    if len(values) < 3:
        return np.arange(len(values))
    return leaves_list(linkage(values, "ward", optimal_ordering=True))


@dataclass(frozen=True, repr=False)
class LabelComparison:
    """How F values differ between the persons of two labels.

    Attributes
    ----------
    labels : tuple of 2
        The two labels, sorted; a difference is that of the second less the first.
    n_persons : tuple of 2 int
    means : ndarray, shape (2, F)
        Mean over the persons of each label, NaN left out.
    difference, interval : ndarray, shape (F,) and (F, 2)
        Of the means, in the units of the values, with its 95 % bootstrap interval.
    delta, delta_interval : ndarray, shape (F,) and (F, 2)
        Cliff's delta, -1 to 1: probability that a person of the second label has a larger value than one of
        the first, less the probability of a smaller one.
    p_values : ndarray, shape (F,)
        Two-sided, by permutation of the labels over persons; NaN where nothing could be tested.
    q_values : ndarray, shape (F,)
        The same, corrected for F tests: of all with q <= 0.05, 5 % are expected to be false discoveries.
    permuted : ndarray, shape (M, F)
        The differences under M arrangements of the labels.
    exact : bool
        Whether these are all arrangements there are.
    """

    labels: tuple
    n_persons: tuple
    means: np.ndarray
    difference: np.ndarray
    interval: np.ndarray
    delta: np.ndarray
    delta_interval: np.ndarray
    p_values: np.ndarray
    q_values: np.ndarray
    permuted: np.ndarray
    exact: bool

    def __repr__(self):
        (a, b), (n, m) = self.labels, self.n_persons
        found = np.flatnonzero(self.q_values <= 0.05).tolist()
        how = f"{'all ' if self.exact else ''}{len(self.permuted)} arrangements"
        return f"LabelComparison({n} of {a!r}, {m} of {b!r}; {how}; q <= 0.05: {found or 'none'})"


@one_thread()
def compare_labels(profiles, y, n_permutations=10_000, seed=0):
    """Test for each group whether the persons of two labels differ, and by how much.

    Parameters
    ----------
    profiles : PersonProfiles, or array_like of float, shape (P, F)
        One row for each person. `PersonProfiles` stand for their shares; pass e.g.
        ``profiles.dwell_times`` to compare those. A person with NaN does not take part in that column.
    y : array_like, shape (P,)
        Label of each person, two distinct values of any kind.
    n_permutations : int, default 10_000
        Random arrangements of the labels; if there are no more than that in all, each is taken once.
    seed : int, default 0

    Returns
    -------
    LabelComparison
        Where all persons are alike (a group that nobody shows) or fewer than two persons of a label take
        part, p, q and intervals are NaN, and the column does not count among the tests.

    Raises
    ------
    ValueError
        If labels are missing, not two, or of fewer than two persons each; if no column can be tested.

    Notes
    -----
    The test arranges whole persons anew (Fisher, 1935; p as in Phipson and Smyth, 2010) and asks whether the
    label says anything, measured by the difference of means. Cliff's delta: Cliff (1993). Intervals:
    percentile bootstrap of persons within each label (Efron, 1979), too narrow with few persons
    (``benchmarks/profiles.py``). q: Benjamini and Hochberg (1995).
    """
    values = resampling.person_values(profiles)
    labels, second = resampling.two_labels(y, len(values))
    rng = np.random.default_rng(seed)
    shown = np.isfinite(values)
    spread = np.where(shown, values, -np.inf).max(axis=0) - np.where(shown, values, np.inf).min(axis=0)
    enough = np.minimum(shown[second].sum(axis=0), shown[~second].sum(axis=0)) >= 2
    testable = enough & (spread > 1e-12)
    if not testable.any():
        raise ValueError(resampling.ALIKE)
    arrangements, exact = resampling.arrange(second, n_permutations, rng)
    permuted = resampling.mean_differences(values, arrangements, ~arrangements)
    observed = resampling.mean_differences(values, second[None], ~second[None])[0]
    with np.errstate(invalid="ignore"):
        # an arrangement that leaves a label without persons (NaN) counts against the effect
        extreme = (~(np.abs(permuted) < np.abs(observed) - 1e-9 * spread)).sum(axis=0)
    p_values = np.where(testable, resampling.p_value(extreme, len(permuted), exact), np.nan)
    drawn = resampling.draw_persons(second, rng)
    last, first = drawn * second, drawn * ~second
    return LabelComparison(
        labels=labels,
        n_persons=(int((~second).sum()), int(second.sum())),
        means=np.concatenate([resampling.weighted_means(values, label[None]) for label in (~second, second)]),
        difference=observed,
        interval=resampling.interval(resampling.mean_differences(values, last, first), testable),
        delta=resampling.cliffs_delta(values, second[None], ~second[None])[0],
        delta_interval=resampling.interval(resampling.cliffs_delta(values, last, first), testable),
        p_values=p_values,
        q_values=resampling.false_discovery_rates(p_values),
        permuted=permuted,
        exact=exact,
    )

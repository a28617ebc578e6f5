"""Which further numbers of the frames, such as `X2`, go with which group: effects within persons, tested."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from facesom.io import count_groups, one_thread, per_person

from .resampling import N_BOOTSTRAPS, false_discovery_rates, flip_signs, interval, p_value, weighted_means

LEAST_PERSONS = 6  # of five, all agreeing, p is 2 / 2**5 = 0.06
FOUND = 0.05  # largest q of a discovery
MOST_NAMED = 6


@dataclass(frozen=True, repr=False)
class ColumnEffects:
    """How C columns differ between each of K groups and the same persons' other frames.

    Attributes
    ----------
    names : tuple of C str
    effect : ndarray, shape (K, C)
        Mean in the group less mean in the rest, in standard deviations of the column within a person; mean
        over persons. NaN where nobody can be compared.
    interval : ndarray, shape (K, C, 2)
        Its 95 % bootstrap interval over persons; NaN with fewer than two.
    p_values, q_values : ndarray, shape (K, C)
        Two-sided, and the same corrected for all tests: of those with q <= 0.05, 5 % are expected to be false
        discoveries. NaN where fewer than 6 persons take part.
    n_persons : ndarray of int, shape (K, C)
        Who take part: persons with frames in the group and outside it, whose column varies.
    by_person : ndarray, shape (P, K, C)
        The effect in each person; NaN for those who do not take part.
    exact : bool
        Whether all flips of signs were taken.
    """

    names: tuple
    effect: np.ndarray
    interval: np.ndarray
    p_values: np.ndarray
    q_values: np.ndarray
    n_persons: np.ndarray
    by_person: np.ndarray = field(repr=False)
    exact: bool

    def __repr__(self):
        k, c = self.effect.shape
        size = f"{k} groups, {c} columns, {len(self.by_person)} persons"
        tested = np.isfinite(self.q_values)
        if not tested.any():
            return f"ColumnEffects({size}; not tested, no group is shown by {LEAST_PERSONS} persons)"
        found = np.argwhere(self.q_values <= FOUND)
        strong = found[np.argsort(-np.abs(self.effect[tuple(found.T)]), kind="stable")]
        named = [f"{self.names[j]} {self.effect[i, j]:+.1f} in group {i}" for i, j in strong[:MOST_NAMED]]
        said = f"{len(found)} of {tested.sum()} with q <= {FOUND}{': ' if named else ''}{', '.join(named)}"
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        return f"ColumnEffects({size}; {said}{more})"

    def to_frame(self):
        """Return a pandas table, one row for each group and column.

        Returns
        -------
        pandas.DataFrame
            Columns group, column, effect, low, high (ends of the interval), p, q, persons.
        """
        rows = pd.MultiIndex.from_product([range(len(self.effect)), self.names], names=["group", "column"])
        low, high = np.moveaxis(self.interval, -1, 0)
        values = map(np.ravel, (self.effect, low, high, self.p_values, self.q_values, self.n_persons))
        columns = zip(("effect", "low", "high", "p", "q", "persons"), values, strict=True)
        return pd.DataFrame(dict(columns), rows).reset_index()


@one_thread()
def column_effects(
    X2: ArrayLike,
    groups: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    n_groups: int | None = None,
    n_permutations: int = 10_000,
    seed: int = 0,
) -> ColumnEffects:
    """Measure which columns are higher or lower in each group than in the same persons' other frames.

    Parameters
    ----------
    X2 : array_like of float, shape (P, N, C) or (P, N), or list of P arrays (N_p, C) or (N_p,)
        Numbers of each frame. Frames with NaN do not take part in that column.
    groups : array_like of int, shape (P, N), or list of P arrays (N_p,)
        Group of each frame, as in ``SharedGroups.groups``; frames of group -1 are not used.
    names : sequence of C str, optional
        Default ``"X2_0"``, ``"X2_1"``, ...
    n_groups : int, optional
        How many groups there are; default: the largest number + 1.
    n_permutations : int, default 10_000
        Random flips of signs; if there are no more than that in all, each is taken once.
    seed : int, default 0

    Returns
    -------
    ColumnEffects
        Printed, it names the strongest.

    Raises
    ------
    ValueError
        If X2 and groups do not fit each other, or names do not fit X2.

    Notes
    -----
    The unit is the *person*: frames of one video repeat each other. Each person's column is brought to
    standard deviations of that person, so that how a face is built has no part in it, and every person counts
    alike. The test flips the signs of whole persons (Fisher, 1935; p as in Phipson and Smyth, 2010), together
    for all groups and columns. Intervals: percentile bootstrap (Efron, 1979). q: Benjamini and Hochberg
    (1995) over groups and columns. Where groups were made from what X2 measures, too, effects tell what the
    groups are; the p-values then only tell which of them to believe.

    Examples
    --------
    >>> import facesom
    >>> faces = facesom.make_faces(8, 40, seed=0)
    >>> effects = facesom.column_effects(faces.dataset.X2, faces.expressions, n_groups=8)
    >>> effects.effect.shape
    (8, 12)
    >>> list(effects.to_frame().columns)
    ['group', 'column', 'effect', 'low', 'high', 'p', 'q', 'persons']
    """
    groups = per_person(groups, 1, "groups")
    X2 = _columns(X2, groups)
    n_columns, k = X2[0].shape[1], count_groups(groups, n_groups)
    names = tuple(f"X2_{c}" for c in range(n_columns)) if names is None else tuple(map(str, names))
    if len(names) != n_columns or len(set(names)) != n_columns:
        raise ValueError(f"names: expected {n_columns} different ones, a column each, got {list(names)}.")
    if k < 1:
        raise ValueError("groups: expected frames in some group, got -1 for all of them.")
    by_person = np.array([_within(x, g, k) for x, g in zip(X2, groups, strict=True)])
    effects = by_person.reshape(len(groups), -1)
    rng = np.random.default_rng(seed)

    shown = np.isfinite(effects).sum(axis=0)
    observed = weighted_means(effects, np.ones((1, len(effects))))[0]
    signs, exact = flip_signs(len(effects), n_permutations, rng)
    with np.errstate(invalid="ignore"):
        flipped = signs @ np.nan_to_num(effects) / shown
        extreme = (np.abs(flipped) >= np.abs(observed) - 1e-9).sum(axis=0)
    p_values = np.where(shown >= LEAST_PERSONS, p_value(extreme, len(signs), exact), np.nan)
    drawn = rng.multinomial(len(effects), np.full(len(effects), 1 / len(effects)), N_BOOTSTRAPS)
    shape = (k, n_columns)
    return ColumnEffects(
        names=names,
        effect=observed.reshape(shape),
        interval=interval(weighted_means(effects, drawn), shown >= 2).reshape(*shape, 2),
        p_values=p_values.reshape(shape),
        q_values=false_discovery_rates(p_values).reshape(shape),
        n_persons=shown.reshape(shape),
        by_person=by_person,
        exact=exact,
    )


def _within(x, groups, k):
    """Effects (K, C) of one person's columns (N, C): in the group less in the rest, in their own spread."""
    x, groups = x[groups >= 0], groups[groups >= 0]
    seen, member = np.isfinite(x), (groups == np.arange(k)[:, None]).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        x, n_seen = np.where(seen, x, 0), seen.sum(axis=0)
        largest = np.abs(x).max(axis=0, initial=0)
        x = np.where(seen, x - x.sum(axis=0) / n_seen, 0)
        spread = np.sqrt((x**2).sum(axis=0) / n_seen)
        total, n = member @ x / np.where(spread > 1e-9 * largest, spread, np.nan), member @ seen
        rest = n_seen - n
        return total / n + total / np.where(rest > 0, rest, np.nan)  # the rest sums to the contrary


def _columns(X2, groups):
    """X2 as a list of float arrays (N_p, C), a row for each frame, or raise `ValueError`."""
    if isinstance(X2, (list, tuple)) or np.ndim(X2) == 2:  # a single column may come without its axis
        X2 = [x[:, None] if np.ndim(x) == 1 else x for x in map(np.asarray, X2)]
    X2 = per_person(X2, 2, "X2", groups)
    if len({x.shape[1] for x in X2}) > 1 or not X2[0].shape[1] or any(x.dtype.kind not in "biuf" for x in X2):
        came = f"{X2[0].dtype} of shapes {[x.shape for x in X2[:3]]}; number the categories"
        raise ValueError(f"X2: expected numbers, as many columns for each person, at least one, got {came}.")
    X2 = [x.astype(float) for x in X2]
    if any(np.isinf(x).any() for x in X2):
        raise ValueError("X2: expected finite numbers or NaN, got infinity.")
    return X2

"""Tests with the person as the unit: two labels arranged anew, signs flipped, persons drawn anew."""

from itertools import combinations
from math import comb

import numpy as np
from scipy.stats import false_discovery_control

from facesom.io import as_array, check_whole

N_BOOTSTRAPS = 2000  # draws of persons for an interval
ALIKE = (
    "profiles: expected values that differ between persons, with at least two of each label, got none; where "
    "there is but one group everybody's share of it is 1: use more groups."
)


def person_values(profiles):
    """Values (P, F) of `PersonProfiles` (their shares) or of an array, or raise `ValueError`."""
    values = as_array(getattr(profiles, "shares", profiles), "profiles")
    if values.ndim != 2 or not values.size or values.dtype.kind not in "fiub":
        flatten = "flatten transitions by `.reshape(len(transitions), -1)`"
        cure = flatten if values.ndim == 3 else "pass what `person_profiles` returned"
        came = f"{values.dtype} of {values.shape}"
        raise ValueError(f"profiles: expected numbers of shape (persons, values), got {came}; {cure}.")
    if np.isinf(values).any():
        raise ValueError("profiles: expected finite values or NaN, got infinity.")
    return values.astype(float)


def two_labels(y, n_persons):
    """The two labels, sorted, and which persons (P,) have the second, or raise `ValueError`."""
    if y is None:
        raise ValueError(f"y: expected a label for each of {n_persons} persons, got none.")
    y = as_array(y, "y", "a label for each person")
    if y.shape != (n_persons,):
        guess = "; there is one label a person, not one a frame" if y.size > n_persons else ""
        raise ValueError(f"y: expected a label for each of {n_persons} persons, got shape {y.shape}{guess}.")
    if missing := np.flatnonzero(y != y).tolist():
        raise ValueError(f"y: expected a label for each person, got none for {missing}; leave them out.")
    labels, counts = (found.tolist() for found in np.unique(y, return_counts=True))
    if len(labels) != 2 or min(counts) < 2:
        got = ", ".join(f"{n} of {label!r}" for label, n in zip(labels[:6], counts, strict=False))
        what = "choose the persons of two of them"
        if len(labels) < 3:
            what = "where all are of one kind there is nothing to tell apart"
        if len(labels) == 2:
            what = "one person cannot show what is common to a kind of people"
        raise ValueError(f"y: expected two labels, each of at least two persons, got {got}; {what}.")
    return tuple(labels), y == labels[1]


def arrange(second, n_permutations, rng):
    """Arrangements (M, P) of a boolean labelling (P,), and whether they are all there are."""
    check_whole(n_permutations, "n_permutations", 1)
    n, k = len(second), int(second.sum())
    if comb(n, k) > n_permutations:
        return rng.permuted(np.tile(second, (n_permutations, 1)), axis=1), False
    chosen = np.array(list(combinations(range(n), k)))
    arrangements = np.zeros((len(chosen), n), dtype=bool)
    np.put_along_axis(arrangements, chosen, True, axis=1)
    return arrangements, True


def flip_signs(n_persons, n_permutations, rng):
    """Signs (M, P) of 1 and -1 for the persons, and whether they are all there are."""
    check_whole(n_permutations, "n_permutations", 1)
    if 2**n_persons > n_permutations:
        return rng.choice((-1.0, 1.0), (n_permutations, n_persons)), False
    flipped = np.arange(2**n_persons)[:, None] >> np.arange(n_persons) & 1
    return 1.0 - 2.0 * flipped, True


def p_value(n_extreme, n_arrangements, exact):
    """The p-value; random arrangements are joined by the observed one, all arrangements hold it already."""
    return n_extreme / n_arrangements if exact else (n_extreme + 1) / (n_arrangements + 1)


def false_discovery_rates(p_values):
    """The q-value of each p-value (Benjamini and Hochberg, 1995); NaN are no tests and stay NaN."""
    q_values, tested = np.full_like(p_values, np.nan), np.isfinite(p_values)
    if tested.any():
        q_values[tested] = false_discovery_control(p_values[tested])
    return q_values


def draw_persons(second, rng):
    """How often each person is drawn (B, P), with replacement and from each label as many as it has."""
    drawn = np.zeros((N_BOOTSTRAPS, len(second)), dtype=int)
    for label in (second, ~second):
        n = int(label.sum())
        drawn[:, label] = rng.multinomial(n, np.full(n, 1 / n), N_BOOTSTRAPS)
    return drawn


def weighted_means(values, weights):
    """Means (M, F) of values (P, F) under weights (M, P); NaN are left out, and NaN where nothing is left."""
    shown = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return weights @ np.where(shown, values, 0) / (weights @ shown.astype(float))


def mean_differences(values, last, first):
    """Mean of values (P, F) under the weights `last` (M, P) less that under `first`: (M, F)."""
    return weighted_means(values, last) - weighted_means(values, first)


def cliffs_delta(values, last, first):
    """Cliff's delta (M, F) of values (P, F) between persons with the weights `last` and `first`, (M, P)."""
    deltas = np.empty((len(last), values.shape[1]))
    for f, column in enumerate(values.T):
        shown = np.isfinite(column).astype(float)
        signs = np.nan_to_num(np.sign(column[:, None] - column))
        with np.errstate(invalid="ignore"):
            deltas[:, f] = (last @ signs * first).sum(axis=1) / (last @ shown) / (first @ shown)
    return deltas


def interval(drawn, testable):
    """95 % percentile interval (F, 2) of bootstraps (B, F) where a column is testable, else NaN."""
    limits = np.full((drawn.shape[1], 2), np.nan)
    if testable.any():
        limits[testable] = np.nanquantile(drawn[:, testable], (0.025, 0.975), axis=0).T
    return limits

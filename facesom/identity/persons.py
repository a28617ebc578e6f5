"""Features of persons: checked when they come in, cut as they were given when they go out."""

from __future__ import annotations

import numpy as np

from facesom.io import as_array


def as_persons(X):
    """Return features as a list of arrays, one for each person, or raise `ValueError`.

    Parameters
    ----------
    X : array_like of float, shape (P, N, D), or list of P arrays (N_p, D)

    Returns
    -------
    list of ndarray of float64, shape (N_p, D)
    """
    if isinstance(X, np.ndarray) and X.ndim != 3:
        guess = "; for one person pass X[None]" if X.ndim == 2 else ""
        raise ValueError(f"X: expected features (persons, frames, features), got shape {X.shape}{guess}.")
    persons = [as_array(x, f"X[{p}]") for p, x in enumerate(X)]
    if not persons:
        raise ValueError("X: expected at least one person, got none.")
    kinds = sorted({x.dtype.name for x in persons if x.dtype.kind not in "biuf"})
    if kinds:
        raise ValueError(f"X: expected real numbers, got {', '.join(kinds)}. Complex data not supported.")
    persons = [x.astype(float, copy=False) for x in persons]
    for p, x in enumerate(persons):
        if x.ndim != 2 or not x.size or x.shape[1] != persons[0].shape[-1]:
            raise ValueError(
                f"X: expected features (frames, {persons[0].shape[-1]}) of each person, "
                f"got shape {x.shape} for person {p}; leave out persons without frames."
            )
        if not np.isfinite(x).all():
            raise ValueError(
                f"X: expected finite features, got NaN or infinity for person {p}; "
                "`shape_features` imputes what it cannot measure."
            )
    return persons


def like(X, rows):
    """Cut rows (T, ...) as X is cut: an array (P, N, ...) for an array, a list of (N_p, ...) for a list."""
    lengths = [len(x) for x in X]
    parts = np.split(rows, np.cumsum(lengths)[:-1])
    return np.stack(parts) if isinstance(X, np.ndarray) else parts


def less(persons, offsets):
    """Rows (T, D) of all persons, each less their offset."""
    return np.concatenate([x - b for x, b in zip(persons, offsets, strict=True)])

"""Features of persons: checked when they come in, cut as they were given when they go out."""

from __future__ import annotations

import numpy as np

from facesom.io import as_array


def as_persons(X, name="X"):
    """Return features as a list of arrays, one for each person, or raise `ValueError`.

    Parameters
    ----------
    X : array_like of float, shape (P, N, D), or list of P arrays (N_p, D)
    name : str
        What the messages call them.

    Returns
    -------
    list of ndarray of float64, shape (N_p, D)
    """
    if isinstance(X, np.ndarray) and X.ndim != 3:
        cure = f"; for one person pass {name}[None]" if X.ndim == 2 else ""
        raise ValueError(f"{name}: expected numbers (persons, frames, features), got shape {X.shape}{cure}.")
    persons = [as_array(x, f"{name}[{p}]") for p, x in enumerate(X)]
    if not persons:
        raise ValueError(f"{name}: expected at least one person, got none.")
    wanted = f"(frames, {persons[0].shape[-1] if persons[0].ndim else 'features'}) of each person"
    for p, x in enumerate(persons):
        if x.dtype.kind not in "biuf":
            cure = "Complex data not supported."
            raise ValueError(f"{name}: expected real numbers, got {x.dtype.name} for person {p}. {cure}")
        if x.ndim != 2 or not x.size or x.shape[1] != persons[0].shape[-1]:
            came = f"shape {x.shape} for person {p}; leave out persons without frames"
            raise ValueError(f"{name}: expected numbers {wanted}, got {came}.")
        if not np.isfinite(x).all():
            cure = "leave those frames out, or take `shape_features`, which imputes what it cannot measure"
            raise ValueError(f"{name}: expected finite numbers, got NaN or infinity for person {p}; {cure}.")
    return [x.astype(float, copy=False) for x in persons]


def canonical_order(persons):
    """Order (P,) of persons that does not depend on how they are given, so that nor does what is learned."""
    return np.lexsort(np.transpose([x.mean(axis=0) for x in persons]))


def less(persons, offsets):
    """Rows (T, D) of all persons, each less their offset."""
    return np.concatenate([x - b for x, b in zip(persons, offsets, strict=True)])

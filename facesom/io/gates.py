"""The gates through which values a person and numbers of groups come in."""

from __future__ import annotations

import numpy as np


def per_person(values, ndim, name):
    """Values as a list of arrays of `ndim` axes, one a person; a single such array is one person."""
    if not isinstance(values, (list, tuple)) or not len(values) or np.ndim(values[0]) != ndim:
        values = np.asarray(values)
        values = values[None] if values.ndim == ndim else values
    persons = [np.asarray(v) for v in values] if len(values) else []
    if not persons or any(v.ndim != ndim or not len(v) for v in persons):
        raise ValueError(
            f"{name}: expected {ndim} axes for each person, frames first, and at least one frame; got shapes "
            f"{[v.shape for v in persons[:3]]}."
        )
    if name == "groups" and any(v.dtype.kind not in "iu" or v.min() < -1 for v in persons):
        raise ValueError("groups: expected whole numbers, -1 or more; pass `result.groups`.")
    return persons


def count_groups(groups, n_groups=None):
    """Number of groups in a list of arrays, or `n_groups` if that is not fewer."""
    most = max(int(g.max()) for g in groups) + 1
    if n_groups is None:
        return most
    if n_groups < most:
        raise ValueError(
            f"n_groups: expected at least {most}, as there is a group {most - 1}; got {n_groups}."
        )
    return n_groups


def check_n_groups(n_groups, points):
    """Raise `ValueError` unless `points` hold at least `n_groups` distinct rows and `n_groups` >= 1."""
    distinct = len(np.unique(points, axis=0))
    if not isinstance(n_groups, (int, np.integer)) or not 1 <= n_groups <= distinct:
        raise ValueError(
            f"n_groups: expected a whole number from 1 to {distinct} (the distinct points there are), "
            f"got {n_groups!r}."
        )

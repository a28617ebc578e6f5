"""Whole numbers that users give: parameters, and how many groups there are."""

import math
from numbers import Integral

import numpy as np

from .gates import brief


def check_whole(value, name, low=None, high=math.inf, limit=None):
    """Return a parameter as int, or raise `ValueError` unless it is a whole number.

    Parameters
    ----------
    value : object
    name : str
        What the message calls it.
    low, high : int, optional
        Smallest and largest that is allowed. Default: from 1 up.
    limit : str, optional
        What the message says of them.
    """
    limit = limit or (f" of at least {low}" if high == math.inf else f" from {low} to {high}")
    low, limit = (1, " from 1 up") if low is None else (low, limit)
    if not isinstance(value, Integral) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{name}: expected a whole number{limit}, got {brief(repr(value))}.")
    return int(value)


def count_groups(groups, n_groups=None):
    """Number of groups in a list of arrays, or `n_groups` if that is not fewer."""
    most = max(int(g.max()) for g in groups) + 1
    if n_groups is not None and n_groups < most:
        there = f"as there is a group {most - 1}"
        raise ValueError(f"n_groups: expected at least {most}, {there}; got {n_groups}.")
    return most if n_groups is None else n_groups


def check_n_groups(n_groups, points):
    """Raise `ValueError` unless `points` hold at least `n_groups` distinct rows and `n_groups` >= 1."""
    distinct = len(np.unique(points, axis=0))
    check_whole(n_groups, "n_groups", 1, distinct, f" from 1 to {distinct} (the distinct points there are)")

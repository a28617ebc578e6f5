"""Movements of frames beside their groups, and how far each frame is from the middle of its group."""

import numpy as np
import pandas as pd

from facesom.io import count_groups, per_person


def movements_by_person(movements, groups):
    """Features and groups as lists of arrays, one for each person; features are finite."""
    movements = per_person(movements, 2, "movements")
    groups = per_person(groups, 1, "groups", movements)
    if len({m.shape[1] for m in movements}) > 1 or not all(np.isfinite(m).all() for m in movements):
        raise ValueError("movements: expected finite numbers, as many columns for each person.")
    return movements, groups


def group_distances(movements, groups, *, n_groups=None):
    """Return how far each frame is from the middle of its group: the least are the most typical.

    Parameters
    ----------
    movements, groups, n_groups
        As in `describe_groups`, but any features will do.

    Returns
    -------
    ndarray of float, as `groups`
        Euclidean distance to the group's median, in the units of the features; NaN in group -1.

    Raises
    ------
    ValueError
        If movements and groups do not fit each other.
    """
    whole = groups
    movements, groups = movements_by_person(movements, groups)
    x, g = np.concatenate(movements), np.concatenate(groups)
    count_groups(groups, n_groups)
    middle = pd.DataFrame(x, dtype=float).groupby(g).transform("median").to_numpy()
    distances = np.where(g < 0, np.nan, np.linalg.norm(x - middle, axis=1))
    if isinstance(whole, list) and np.ndim(whole[0]):
        return np.split(distances, np.cumsum([len(g) for g in groups])[:-1])
    return distances.reshape(np.shape(whole))

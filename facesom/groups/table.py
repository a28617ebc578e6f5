"""What is known of each frame: values beside groups, distances within groups, and all of it as a table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from facesom.io import brief, count_groups, per_person


def per_frame(values, ndim, name, like):
    """Values as `facesom.io.per_person` gives them, with as many frames for each person as `like` has."""
    values = per_person(values, ndim, name)
    expected, got = [len(v) for v in like], [len(v) for v in values]
    if expected != got:
        what = "one" if ndim == 1 else "a row"
        raise ValueError(
            f"{name}: expected {what} for each frame, {brief(expected)} of the persons, got {brief(got)}; "
            "pass those of the same persons and frames."
        )
    return values


def movements_by_person(movements, groups):
    """Features and groups as lists of arrays, one for each person; features are finite."""
    movements = per_person(movements, 2, "movements")
    groups = per_frame(groups, 1, "groups", movements)
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
    distances = np.full(len(x), np.nan)
    for k in range(count_groups(groups, n_groups)):
        if (g == k).any():
            distances[g == k] = np.linalg.norm(x[g == k] - np.median(x[g == k], axis=0), axis=1)
    if isinstance(whole, list) and np.ndim(whole[0]):
        return np.split(distances, np.cumsum([len(g) for g in groups])[:-1])
    return distances.reshape(np.shape(whole))


def group_table(
    groups,
    *,
    nodes=None,
    probabilities=None,
    distances=None,
    words=None,
    stability=None,
    X2=None,
    X2_names=None,
):
    """Lay out what is known of each frame as a pandas table, one row for each frame.

    Parameters
    ----------
    groups : array_like of int, shape (P, N) or (N,), or list of P arrays (N_p,)
        Group of each frame, as in ``SharedGroups.groups``; -1 where it has none.
    nodes : array_like of int, as `groups`, optional
    probabilities : array_like of float, shape (P, N, K), optional
        Of each group, as in ``SharedGroups.probabilities``; the table holds that of the frame's own.
    distances : array_like of float, as `groups`, optional
        As from `group_distances`.
    words : sequence of K, optional
        What each group shows, as from `describe_groups`.
    stability : array_like of float, shape (K,), optional
        How reliably each group comes back, as in ``GroupStability.stability``; the table holds the frame's
        own.
    X2 : array_like, shape (P, N, C), optional
        Further numbers of each frame; a column each.
    X2_names : sequence of C str, optional
        Default ``"X2_0"``, ``"X2_1"``, ...

    Returns
    -------
    pandas.DataFrame
        Columns person, frame, group, and those of node, probability, distance, words, stability and X2 that
        were given.

    Raises
    ------
    ValueError
        If something does not have a row for each frame, or words or names do not fit.
    """
    persons = per_person(groups, 1, "groups")
    group, lengths = np.concatenate(persons), [len(g) for g in persons]

    def rows(values, ndim, name):
        return np.concatenate(per_frame(values, ndim, name, persons))

    def own(values, name, none):
        """Of values (..., K) of all groups that of the frame's own; `none` where it has none."""
        if np.shape(values)[-1] <= group.max():
            raise ValueError(
                f"{name}: expected one for each group up to {group.max()}, got {np.shape(values)[-1]}."
            )
        values = np.broadcast_to(values, (len(group), np.shape(values)[-1]))
        return np.where(group < 0, none, values[np.arange(len(group)), group])

    frame = np.concatenate([np.arange(n) for n in lengths])
    table = {"person": np.repeat(np.arange(len(lengths)), lengths), "frame": frame}
    if nodes is not None:
        table["node"] = rows(nodes, 1, "nodes")
    table["group"] = group
    if probabilities is not None:
        table["probability"] = own(rows(probabilities, 2, "probabilities"), "probabilities", np.nan)
    if distances is not None:
        table["distance"] = rows(distances, 1, "distances")
    if words is not None:
        table["words"] = own([str(word) for word in words], "words", "")
    if stability is not None:
        table["stability"] = own(stability, "stability", np.nan)
    if X2 is not None:
        X2 = rows(X2, 2, "X2")
        X2_names = [f"X2_{c}" for c in range(X2.shape[1])] if X2_names is None else list(X2_names)
        if len(X2_names) != X2.shape[1] or set(X2_names) & set(table):
            raise ValueError(
                f"X2_names: expected {X2.shape[1]} names other than {list(table)}, got {X2_names}."
            )
        table |= dict(zip(X2_names, X2.T, strict=True))
    return pd.DataFrame(table)

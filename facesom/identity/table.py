"""The one table: a row for each frame, with its node, its group and what it does."""

from __future__ import annotations

import numpy as np
import pandas as pd

from facesom.io import per_person

from .actions import action_matrix, say


def frame_table(result, X2, X2_names, persons):
    """One row for each frame of a `SharedGroups`; see its `to_frame`."""
    lengths = [len(groups) for groups in result.groups]
    persons = list(persons) if np.iterable(persons) else [persons]
    if len(persons) != len(lengths):
        raise ValueError(f"persons: expected a name for each of {len(lengths)}, got {len(persons)}.")
    groups = np.concatenate(list(result.groups))
    actions, probabilities = (np.concatenate(list(x)) for x in (result.actions, result.probabilities))
    faceless = np.concatenate([rows.all(axis=1) for rows in result.unreliable])
    known = np.take_along_axis(probabilities, np.maximum(groups, 0)[:, None], axis=1)[:, 0]
    columns = {
        "person": np.repeat(persons, lengths),
        "frame": np.concatenate([np.arange(n) for n in lengths]),
        "node": np.concatenate(list(result.nodes)),
        "group": groups,
        # of a frame that no group shows: that it is unknown
        "probability": np.where(groups < 0, 1 - probabilities.sum(axis=1), known).round(4),
        "distance": np.concatenate(list(result.distances)).round(4),
        "words": np.where(faceless, "no face found", say(actions)),
    }
    columns |= dict(zip(action_matrix()[0], actions.T.round(3), strict=True))
    if X2 is not None:
        values = np.concatenate(per_person(X2, 2, "X2", result.groups))
        names = [f"X2_{c}" for c in range(values.shape[1])] if X2_names is None else list(X2_names)
        if len(names) != values.shape[1] or len({*names, *columns}) < len(names) + len(columns):
            wanted = f"{values.shape[1]} names that differ from all others in the table"
            raise ValueError(f"X2_names: expected {wanted}, got {names}.")
        columns |= dict(zip(names, values.T, strict=True))
    return pd.DataFrame(columns)

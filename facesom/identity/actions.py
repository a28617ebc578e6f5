"""What a face does: actions in face words, each with a strength, read from how its parts moved."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from facesom.io import as_array
from facesom.parts import feature_names

AT_REST = "face at rest"
MATRIX = Path(__file__).parent / "models" / "actions.csv"


@cache
def action_matrix():
    """Names of the actions and how strongly each feature speaks for each.

    Returns
    -------
    names : tuple of str
        In face words; left and right are the picture's.
    weights : ndarray of float, shape (D, A)
        Strength for one eye distance of movement, one row for each column of `shape_features`. What it was
        fitted on, and how well it does on others, stands in ``models/README.md``.
    trust : ndarray of float, shape (A,)
        True strength for one that was read on film, where noise is taken for movement, too: about 1 for a
        smile, 0.1 for pressed lips.
    """
    head, *rows = MATRIX.read_text(encoding="utf-8").splitlines()
    names, rows = tuple(head.split(",")[1:]), [row.split(",") for row in rows]
    if [row[0] for row in rows[:-1]] != feature_names():
        raise ValueError(f"{MATRIX.name}: expected a row for each of `feature_names()`, in their order.")
    table = np.array([row[1:] for row in rows], dtype=float)
    table.setflags(write=False)
    return names, table[:-1], table[-1]


def read_actions(movements):
    """Strength of each action from how the parts of a face moved.

    Parameters
    ----------
    movements : array_like of float, shape (..., D)
        Features of `shape_features` less the person's face at rest, as in ``SharedGroups.movements``.

    Returns
    -------
    ndarray of float, shape (..., A)
        0 at rest, about 1 in full on posed faces and less than half of that on film, where what is seen is
        uncertain; negative for the contrary; columns as in ``action_matrix()[0]``.

    Raises
    ------
    ValueError
        If the movements are not those of `shape_features`.
    """
    movements, (_, weights, _) = as_array(movements, "movements").astype(float), action_matrix()
    if movements.ndim < 1 or movements.shape[-1] != len(weights):
        raise ValueError(
            f"movements: expected the {len(weights)} columns of `shape_features`, got shape "
            f"{movements.shape}; pass `result.movements`."
        )
    return movements @ weights


def say(actions, *, least=0.25, most=3):
    """Say what frames do: their strongest actions, strongest first, or perhaps one that is half as strong.

    Of filmed people a second tracker saw most of what was said, but not half of what was "perhaps" shown
    (``benchmarks/actions.py``).

    Parameters
    ----------
    actions : ndarray of float, shape (T, A)
        Strengths, as from `read_actions`.
    least : float
        Strength from which on an action is said; from half of it on, the strongest is "perhaps" shown.
    most : int
        How many are said.

    Returns
    -------
    list of T str
        "face at rest" where no action is as strong as that.
    """
    names, order = action_matrix()[0], np.argsort(-actions, axis=1)[:, :most]
    strengths = np.take_along_axis(actions, order, axis=1)
    words = []
    for row, strength in zip(order, strengths, strict=True):
        weak = f"perhaps {names[row[0]]}" if strength[0] >= least / 2 else AT_REST
        words.append(", ".join(names[a] for a in row[strength >= least]) or weak)
    return words

"""What groups are worth where no names are known: how much of a person's movement others' frames tell."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import normalized_mutual_info_score

from facesom.io import per_person

from .persons import as_persons

__all__ = ["explained_movement", "leak"]


def explained_movement(groups, movements, *, by_person=False):
    """Share of each person's movement that the *other* persons' frames of the same group tell.

    A frame is predicted by the mean movement of all other persons' frames in its group, which counts one
    frame at rest more: a group that nobody else shows predicts rest. What is constant within a person, in the
    prediction as in the truth, is left out, so that nothing is won by knowing who it is.

    Parameters
    ----------
    groups : array_like of int, shape (P, N), or list of P arrays (N_p,)
        Group or node of each frame, from 0; -1 in none, which predicts rest.
    movements : array_like of float, shape (P, N, D), or list of P arrays (N_p, D)
        What each frame really shows, in any measures whose squares may be added; each person's median is
        taken as rest.
    by_person : bool, default False
        Return the share for each person instead of that of all together.

    Returns
    -------
    float, or ndarray of float, shape (P,)
        1: told wholly; 0: nothing; negative: misled. NaN for a person, or for all, who does not move.

    Raises
    ------
    ValueError
        If groups and movements do not fit each other, there is one person only, or numbers are missing.
    """
    movements = as_persons(movements, "movements")
    groups = per_person(groups, 1, "groups", movements)
    if len(groups) < 2:
        raise ValueError("groups: expected two persons or more, as each is told from others; got one.")
    labels = np.arange(max(map(np.max, groups)) + 1)
    members = [(mine[:, None] == labels).astype(float) for mine in groups]
    moved = [person - np.median(person, axis=0) for person in movements]
    sums = np.stack([member.T @ person for member, person in zip(members, moved, strict=True)])
    counts = np.stack([member.sum(axis=0) for member in members])[..., None]
    others = (sums.sum(axis=0) - sums) / (counts.sum(axis=0) - counts + 1)
    missed, total = np.zeros((2, len(groups)))
    for p, (member, person) in enumerate(zip(members, moved, strict=True)):
        missed[p] = np.var(person - member @ others[p], axis=0).sum() * len(person)
        total[p] = np.var(person, axis=0).sum() * len(person)
    if not by_person:
        missed, total = missed.sum(), total.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1 - missed / np.where(total > 0, total, np.nan)


def leak(groups):
    """How much groups tell about who it is: normalised mutual information of group and person.

    Parameters
    ----------
    groups : array_like of int, shape (P, N), or list of P arrays (N_p,)
        Group or node of each frame; -1 counts as one group more.

    Returns
    -------
    float
        0: nothing; 1: as much as a name (Strehl and Ghosh, 2002). People differ in what they show, so the
        truth's own groups leak some, too: near theirs is right, not 0.
    """
    groups = per_person(groups, 1, "groups")
    person = np.repeat(np.arange(len(groups)), [len(mine) for mine in groups])
    return float(normalized_mutual_info_score(person, np.concatenate(groups)))

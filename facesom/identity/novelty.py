"""What no known person does: a feature that moves otherwise than the rest of the face lets one expect."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

USUAL_SHARE = 0.96  # of the frames of persons who were left out
ENOUGH_FRAMES = 20_000  # for that share
FREEDOM = 0.5  # how much more a face may move where its actions are as strong as usual


@dataclass(frozen=True)
class Usual:
    """How faces move.

    Attributes
    ----------
    precision : ndarray, shape (D, D)
        Inverse of the covariance of movements around rest.
    axes : ndarray, shape (D, A)
        Reads the strengths of actions.
    strength : float
        Their mean sum of squares.
    within : ndarray, shape (D,)
        Surprise of each feature that hardly any frame of a person who was left out exceeds.
    """

    precision: np.ndarray
    axes: np.ndarray
    strength: float
    within: np.ndarray


def learn_usual(moved, axes):
    """Learn how faces move, and how much more a person does who was not among them.

    Parameters
    ----------
    moved : list of ndarray of float, shape (N_p, D)
        Features of each person less their face at rest.
    axes : ndarray of float, shape (D, A)

    Returns
    -------
    Usual
    """
    scatters, lengths = [m.T @ m for m in moved], [len(m) for m in moved]
    whole, n = sum(scatters), sum(lengths)
    strength = max(np.mean([((m @ axes) ** 2).sum(axis=1).mean() for m in moved]), 1e-12)
    usual = Usual(_precision(whole, n), axes, strength, np.ones(len(whole)))
    few = [m[:: max(1, n // ENOUGH_FRAMES)] for m in moved]
    if len(moved) == 1:
        left_out = surprises(few[0], usual)
    else:
        others = [_precision(whole - own, n - len(m)) for own, m in zip(scatters, moved, strict=True)]
        left_out = np.concatenate(
            [surprises(m, replace(usual, precision=p)) for m, p in zip(few, others, strict=True)]
        )
    within = np.quantile(left_out, USUAL_SHARE, axis=0) + 1e-12
    # of many features one is soon beyond its own bound
    return replace(usual, within=within * np.quantile((left_out / within).max(axis=1), USUAL_SHARE))


def novelty(moved, usual):
    """How unusual each movement (T, D) is: beyond 1 as hardly any frame of a person who was left out."""
    return (surprises(moved, usual) / usual.within).max(axis=1)


def surprises(moved, usual):
    """Squared distance (T, D) of each feature from what the others tell of it, in variances of that.

    A strong action may be shown in another way than usual: distances count less there.
    """
    strength = ((moved @ usual.axes) ** 2).sum(axis=1, keepdims=True) / usual.strength
    return (moved @ usual.precision) ** 2 / np.diag(usual.precision) / (1 + FREEDOM * strength)


def _precision(scatter, n):
    """Inverse of a covariance, held off from measures that follow wholly from others."""
    covariance = scatter / n
    return np.linalg.inv(covariance + 0.02 * np.diag(np.diag(covariance)) + 1e-12 * np.eye(len(covariance)))

"""What no known person does: a feature that moves otherwise than the rest of the face lets one expect."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import median_filter

LASTING = 13, 51  # frames over which the median is taken, of what lasts
USUAL_SHARE = 0.985  # of the frames of persons who were left out
ENOUGH_FRAMES = 20_000  # for that share
LEAST = 0.3  # of a single frame's bound for what lasts, as a new face at rest is not known to a hair
FEW = 5  # frames, of which a movement must be about twice as unusual to be unknown
FREEDOM = 1.0  # how much more a face may move where its actions are as strong as usual


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
    within : ndarray, shape (4, D)
        What of `surprises` hardly any frame of a person who was left out exceeds.
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
    usual = Usual(_precision(whole, n), axes, strength, None)
    others = [usual]
    if len(moved) > 1:
        others = [
            replace(usual, precision=_precision(whole - own, n - len(m)))
            for own, m in zip(scatters, moved, strict=True)
        ]
    every = max(1, n // ENOUGH_FRAMES)
    left_out = [surprises(m, other)[:, ::every] for m, other in zip(moved, others, strict=True)]
    left_out = np.concatenate(left_out, axis=1)
    within = np.quantile(left_out, USUAL_SHARE, axis=1) + 1e-12
    # of many features one is soon beyond its own bound
    beyond = (left_out / within[:, None]).max(axis=2)
    within *= np.quantile(beyond, USUAL_SHARE, axis=1)[:, None]
    # how long others may be off is not to be learned from one person
    within[2:] = np.maximum(within[2:], LEAST * within[0]) if len(moved) > 1 else np.inf
    return replace(usual, within=within)


def novelty(moved, usual):
    """How unusual each movement (T, D) is: beyond 1 as hardly any frame of a person who was left out."""
    few = 1 + (FEW + np.array([0, 0, *LASTING])) / len(moved)
    return (surprises(moved, usual) / (usual.within * few[:, None])[:, None]).max(axis=(0, 2))


def surprises(moved, usual):
    """Squared distances (4, T, D) of each feature from what the others tell of it, in variances of that.

    In four ways: by itself; less the shorter median, which tells what is sudden from the slow turn of a head;
    and both medians, which tell what lasts from noise that a single frame hides in. A strong action may be
    shown in another way than usual: distances count less there.
    """
    strength = ((moved @ usual.axes) ** 2).sum(axis=1, keepdims=True) / usual.strength
    off = moved @ usual.precision
    short, long = (np.apply_along_axis(median_filter, 0, off, n) for n in LASTING)
    off = np.array([off, off - short, short, long])
    return off**2 / np.diag(usual.precision) / (1 + FREEDOM * strength)


def _precision(scatter, n):
    """Inverse of a covariance, held off from measures that follow wholly from others."""
    covariance = scatter / n
    return np.linalg.inv(covariance + 0.02 * np.diag(np.diag(covariance)) + 1e-12 * np.eye(len(covariance)))

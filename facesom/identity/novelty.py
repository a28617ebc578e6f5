"""What no known person does: a feature that moves otherwise than the rest of the face lets one expect."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import median_filter

# Share of the frames of persons who were left out, by over how many frames the median is taken: what lasts is
# told from noise that a single frame hides in.
USUAL_SHARES = {1: 0.965, 13: 0.985}
LEAST = 0.4  # of a single frame's bound for what lasts, as a new face at rest is not known to a hair
ENOUGH_FRAMES = 20_000  # for those shares
FEW = 5  # frames, of which a movement must be about twice as unusual to be unknown
FREEDOM = 0.75  # how much more a face may move where its actions are as strong as usual


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
    within : dict of int: ndarray, shape (D,)
        By the number of frames: surprise of each feature that hardly any frame of a person who was left out
        exceeds.
    """

    precision: np.ndarray
    axes: np.ndarray
    strength: float
    within: dict


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
    usual, within = Usual(_precision(whole, n), axes, strength, {}), {}
    shares = USUAL_SHARES
    if len(moved) == 1:  # how long others may be off is not to be learned from one person
        others, shares = [usual], {1: USUAL_SHARES[1]}
    else:
        others = [
            replace(usual, precision=_precision(whole - own, n - len(m)))
            for own, m in zip(scatters, moved, strict=True)
        ]
    every = max(1, n // ENOUGH_FRAMES)
    for lasting, share in shares.items():
        left_out = [surprises(m, other, lasting)[::every] for m, other in zip(moved, others, strict=True)]
        left_out = np.concatenate(left_out)
        bounds = np.quantile(left_out, share, axis=0) + 1e-12
        # of many features one is soon beyond its own bound
        bounds *= np.quantile((left_out / bounds).max(axis=1), share)
        within[lasting] = np.maximum(bounds, LEAST * within.get(1, bounds))
    return replace(usual, within=within)


def novelty(moved, usual):
    """How unusual each movement (T, D) is: beyond 1 as hardly any frame of a person who was left out."""
    found = [
        surprises(moved, usual, lasting) / bounds / (1 + (FEW + lasting - 1) / len(moved))
        for lasting, bounds in usual.within.items()
    ]
    return np.max(found, axis=(0, 2))


def surprises(moved, usual, lasting=1):
    """Squared distance (T, D) of each feature from what the others tell of it, in variances of that.

    The distance is the median of as many frames as are `lasting`. A strong action may be shown in another way
    than usual: distances count less there.
    """
    strength = ((moved @ usual.axes) ** 2).sum(axis=1, keepdims=True) / usual.strength
    off = median_filter(moved @ usual.precision, (lasting, 1))
    return off**2 / np.diag(usual.precision) / (1 + FREEDOM * strength)


def _precision(scatter, n):
    """Inverse of a covariance, held off from measures that follow wholly from others."""
    covariance = scatter / n
    return np.linalg.inv(covariance + 0.02 * np.diag(np.diag(covariance)) + 1e-12 * np.eye(len(covariance)))

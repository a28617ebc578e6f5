"""How sure it is that a new person was placed right, learned from pieces of the known persons' videos."""

from __future__ import annotations

import numpy as np
from scipy.special import logit
from scipy.stats import entropy
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .chain import Frames
from .mixture import e_step, settle

N_PIECES, LONGEST = 128, 100  # pieces that are tried, and their most frames


def learn_doubt(persons, groups, mixture, *, unknown, seed=0):
    """Learn when placing goes wrong, from pieces of known videos that are placed as if they were new.

    Parameters
    ----------
    persons : list of ndarray of float, shape (N_p, D)
        What the mixture was learned from.
    groups : list of ndarray of int, shape (N_p,)
        What their frames show. A piece is placed wrong where half of its frames or more get other groups.
    mixture : facesom.identity.mixture.Mixture
    unknown : float
        As in `e_step`.
    seed : int, default 0

    Returns
    -------
    sklearn.pipeline.Pipeline
        Gives the probability of a wrong placing for each row of `signs`, by logistic regression.
    """
    rng = np.random.default_rng(seed)
    whose = np.arange(N_PIECES) % len(persons)
    chosen = [
        _piece(groups[p], kind, rng)
        for p, kind in zip(whose, np.arange(N_PIECES) // len(persons), strict=True)
    ]
    pieces = Frames([persons[p][piece] for p, piece in zip(whose, chosen, strict=True)])
    right = np.concatenate([groups[p][piece] for p, piece in zip(whose, chosen, strict=True)])
    who, elsewhere = settle(pieces, mixture, unknown=unknown)
    found = e_step(pieces, mixture, who, unknown=unknown).responsibilities
    wrong = pieces.sum((found.argmax(axis=1) != right).astype(float)) >= 0.5 * pieces.n
    rows = signs(pieces, mixture, found, elsewhere)
    usual = rows.mean(axis=0)  # once wrong and once right: so few trials make nothing sure
    learner = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
    return learner.fit(np.vstack([rows, usual, usual]), np.r_[wrong, True, False])


def _piece(groups, kind, rng):
    """Some frames of a person: in a row (every other time), of one group, or here and there."""
    N = len(groups)
    n = min(N, int(np.exp(rng.uniform(np.log(5), np.log(max(6, min(N / 2, LONGEST)))))))
    if kind % 2 == 0:
        return np.arange(n) + rng.integers(N - n + 1)
    if kind % 4 == 1:
        return np.flatnonzero(groups == groups[rng.integers(N)])[: 2 * n]
    return np.sort(rng.choice(N, n, replace=False))


def signs(frames, mixture, responsibilities, elsewhere):
    """What tells that persons are placed right.

    Parameters
    ----------
    frames : Frames
    mixture : Mixture
    responsibilities : ndarray of float, shape (T, K)
        Of `e_step`.
    elsewhere : ndarray of float, shape (P,)
        Doubts of `settle`.

    Returns
    -------
    ndarray of float, shape (P, 4)
        How far the next best offset lags behind, how much the person moves (logarithm of the variance, over
        the usual), in how many groups (entropy), and the logarithm of the number of frames.
    """
    lead = np.arcsinh(-logit(np.clip(elsewhere, 1e-99, 0.5)))
    moved = ((frames.X - frames.medians[frames.person]) ** 2).sum(axis=1) / np.trace(mixture.spread)
    variety = entropy(frames.sum(responsibilities) + 1e-9, axis=1)
    return np.column_stack([lead, np.log(frames.sum(moved) / frames.n + 1e-3), variety, np.log(frames.n)])

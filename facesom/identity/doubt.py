"""How sure it is that a new person was placed right, learned from pieces of the known persons' videos."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
from scipy.special import logit
from scipy.stats import entropy
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .chain import Frames
from .mixture import e_step, oddness, place_persons, rest_prior

N_PIECES, LONGEST = 256, 100  # pieces that are tried, and their most frames


class Doubt:
    """Probability that placing went wrong: that most frames of a person got groups of others.

    Pieces of known videos are placed as if they were new, among the faces at rest of all others, and logistic
    regression learns from what `signs` says of them when that goes wrong. It is done when it is first asked
    for.

    Parameters
    ----------
    persons : list of ndarray of float, shape (N_p, D)
        What the mixture was learned from.
    groups : list of ndarray of int, shape (N_p,)
        What their frames show.
    mixture : facesom.identity.mixture.Mixture
    offsets : ndarray of float, shape (P, D)
        Their faces at rest.
    unknown : float
        As in `e_step`.
    seed : int, default 0
    """

    def __init__(self, persons, groups, mixture, offsets, *, unknown, seed=0):
        rng = np.random.default_rng(seed)
        whose, kinds = np.arange(N_PIECES) % len(persons), np.arange(N_PIECES) // len(persons)
        drawn = [(p, _piece(groups[p], kind, rng)) for p, kind in zip(whose, kinds, strict=True)]
        self._pieces = Frames([persons[p][piece] for p, piece in drawn])
        self._shown = np.concatenate([groups[p][piece] for p, piece in drawn])
        self._whose, self._offsets = whose, offsets
        self._mixture, self._unknown = mixture, unknown

    def __call__(self, *placing):
        """Return the probability (P,), 0 to 1, of persons placed; arguments as of `signs` after its first."""
        return self._learner.predict_proba(signs(self._mixture, *placing))[:, 1]

    @cached_property
    def _learner(self):
        pieces, mixture, options = self._pieces, self._mixture, {"unknown": self._unknown}
        as_new = among_others(mixture, self._offsets, self._whose)
        placed, *doubts = place_persons(pieces, as_new, **options)
        found = e_step(pieces, mixture, placed, **options).responsibilities
        wrong = pieces.mean(found.argmax(axis=1) != self._shown) >= 0.5
        rows = signs(as_new, pieces, placed, found, *doubts)
        usual = rows.mean(axis=0)  # once wrong and once right: so few trials make nothing sure
        learner = make_pipeline(StandardScaler(), LogisticRegression(C=0.03))
        return learner.fit(np.vstack([rows, usual, usual]), np.r_[wrong, True, False])


def among_others(mixture, offsets, whose):
    """The mixture in which each of `whose` is expected to be at rest as all other persons are."""
    others = (np.delete(offsets, p, axis=0) if len(offsets) > 1 else offsets for p in whose)
    priors = [rest_prior(rests, mixture.spread) for rests in others]
    return replace(mixture, **{name: np.array([prior[name] for prior in priors]) for name in priors[0]})


def _piece(groups, kind, rng):
    """Some frames of a person: in a row (every other time), of one group, or here and there."""
    N = len(groups)
    n = min(N, int(np.exp(rng.uniform(np.log(5), np.log(max(6, min(N / 2, LONGEST)))))))
    if kind % 2 == 0:
        return np.arange(n) + rng.integers(N - n + 1)
    if kind % 4 == 1:
        return np.flatnonzero(groups == groups[rng.integers(N)])[: 2 * n]
    return np.sort(rng.choice(N, n, replace=False))


def signs(mixture, frames, persons, responsibilities, doubts, unsteady):
    """What tells that persons are placed right.

    Parameters
    ----------
    mixture : Mixture
    frames : Frames
    persons, doubts, unsteady : Persons, and ndarrays of float, shape (P,)
        Of `place_persons`.
    responsibilities : ndarray of float, shape (T, K)
        Of `e_step`.

    Returns
    -------
    ndarray of float, shape (P, 7)
        How far the best offset lags behind with which most frames would show something else, how many would
        with any, how odd the offset is, how much the person moves (logarithm of the variance over the usual),
        in how many groups (entropy), the logarithm of the number of frames, and how far from rest the group
        lies that they show most (as the variance): who stays in one group is often put at rest.
    """
    lead = np.arcsinh(-logit(np.clip(doubts, 1e-99, 0.5)))
    odd = oddness(frames, mixture, persons.offsets)
    moved = frames.mean(((frames.X - frames.medians[frames.person]) ** 2).sum(axis=1))
    shown = frames.sum(responsibilities) + 1e-9
    far = (mixture.means[shown.argmax(axis=1)] ** 2).sum(axis=1)
    moved, far = np.log(np.array([moved, far]) / np.trace(mixture.spread) + 1e-3)
    return np.column_stack([lead, unsteady, odd, moved, entropy(shown, axis=1), np.log(frames.n), far])

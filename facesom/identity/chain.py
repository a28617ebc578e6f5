"""Frames of several persons in time, and a hidden Markov chain of the expressions that they show."""

from __future__ import annotations

import numpy as np

ENOUGH_FRAMES = 4000  # for the starts; the whole videos refine what they find


class Frames:
    """Frames of all persons in one array X (T, D), with the `person` (T,) and `time` (T,) of each.

    `medians` (P, D) are those of each person's frames, `n` (P,) their numbers.
    """

    def __init__(self, persons):
        self.X = np.concatenate(persons)
        self.n = np.array([len(x) for x in persons])
        self.person = np.repeat(np.arange(len(persons)), self.n)
        self.time = np.concatenate([np.arange(n) for n in self.n])
        self.medians = np.array([np.median(x, axis=0) for x in persons])
        self.starts = np.r_[0, np.cumsum(self.n)[:-1]]

    def sum(self, values):
        """Sum the values (T, ...) of each person: (P, ...)."""
        return np.add.reduceat(values, self.starts, axis=0, dtype=float)

    def mean(self, values):
        """Mean of the values (T, ...) of each person, or share of what is true: (P, ...)."""
        return (self.sum(values).T / self.n).T


def thinned(persons):
    """Evenly spaced frames of each person, at least 20 where there are so many; and every how many-th."""
    every = max(1, round(sum(map(len, persons)) / ENOUGH_FRAMES))
    return [x[:: max(1, min(every, len(x) // 20))] for x in persons], every


def forward_backward(frames, log_density, mixes, stay):
    """Posterior of a chain that keeps its state with chance `stay` and else draws one from the person's mix.

    Parameters
    ----------
    frames : Frames
    log_density : ndarray of float, shape (T, K)
        Log-density of each frame in each state.
    mixes : ndarray of float, shape (P, K)
        Each person's chances of a state that is drawn.
    stay : float
        0 to 1; 0: every frame is drawn afresh, time tells nothing.

    Returns
    -------
    responsibilities : ndarray, shape (T, K)
        Probability of each state; rows sum to 1.
    draws : ndarray, shape (P, K)
        Expected number of times each state was drawn: episodes, not frames.
    kept : float
        Expected number of steps that kept the state.
    log_likelihood : ndarray, shape (P,)

    Notes
    -----
    The forward-backward algorithm (Rabiner, 1989). All persons are side by side, the shorter ones padded with
    frames that say nothing.
    """
    P, K, L = len(frames.n), log_density.shape[1], frames.n.max()
    top = log_density.max(axis=1, keepdims=True)
    density = np.ones((L, P, K))
    density[frames.time, frames.person] = np.maximum(np.exp(log_density - top), 1e-300)
    draw = (1 - stay) * mixes

    forward, norm, prior = np.empty_like(density), np.empty((L, P, 1)), mixes
    for t in range(L):
        seen = prior * density[t]
        norm[t] = seen.sum(axis=1, keepdims=True)
        forward[t] = seen / norm[t]
        prior = stay * forward[t] + draw
    here = (np.arange(L)[:, None] < frames.n)[..., None]
    log_likelihood = frames.sum(top)[:, 0] + (np.log(norm) * here).sum(axis=(0, 2))

    back, draws, kept = np.ones((P, K)), np.zeros((P, K)), 0.0
    for t in range(L - 1, 0, -1):
        ahead = back * density[t] / norm[t]
        drawn, keeps = draw * ahead, stay * ahead
        draws += drawn * here[t]
        kept += (forward[t - 1] * keeps * here[t]).sum()
        back = keeps + drawn.sum(axis=1, keepdims=True)
        forward[t - 1] *= back  # from here on the posterior
    draws += forward[0]
    return forward[frames.time, frames.person], draws, kept, log_likelihood

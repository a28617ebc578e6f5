"""Frames of several persons in time, and a hidden Markov chain of what they show and how strongly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

INTENSITIES = np.array([0.5, 0.75, 1.0, 1.25, 1.5])  # below half of the usual, a face is nearer to rest
USUAL = np.array([0.2, 0.2, 0.3, 0.2, 0.1])  # where the distribution of intensities starts


class Frames:
    """Frames of all persons in one array (T, D), with the person and the time of each.

    Neighbouring frames repeat each other, so a frame counts as `worth` (P,) of one: a power of the likelihood
    (Miller & Dunson, 2019), without which long videos would outvote what persons have in common.
    """

    def __init__(self, persons):
        self.X = np.concatenate(persons)
        self.n = np.array([len(x) for x in persons])
        self.person = np.repeat(np.arange(len(persons)), self.n)
        self.time = np.concatenate([np.arange(n) for n in self.n])
        self.starts = np.r_[0, np.cumsum(self.n)[:-1]]
        self.worth = np.array([freshness(x) for x in persons])

    def sum(self, values):
        """Sum the values (T, ...) of each person: (P, ...)."""
        return np.add.reduceat(values, self.starts, axis=0)

    def split(self, values):
        """Cut values (T, ...) into persons."""
        return np.split(values, self.starts[1:])

    def times(self, X, own):
        """Products (T, K) of frames (T, D) with their own person's vectors (P, K, D)."""
        return np.concatenate([x @ m.T for x, m in zip(self.split(X), own, strict=True)])

    def gather(self, weights, X):
        """Sums (P, K, D) of frames (T, D) with weights (T, K)."""
        return np.array([w.T @ x for w, x in zip(self.split(weights), self.split(X), strict=True)])


def freshness(x):
    """Share of frames (N, D), in the order of time, that do not repeat the one before, 0 to 1.

    Where a frame is kept with chance r and else drawn afresh, r is the autocorrelation.
    """
    x = x - x.mean(axis=0)
    r = (x[1:] * x[:-1]).sum() / max((x * x).sum(), 1e-12)
    return 1 - max(r, 0.0)


def smooth(frames, dense, new, steps):
    """Forward-backward (Rabiner, 1989) in a chain that keeps its group, at any level, or draws a new one.

    Parameters
    ----------
    frames : Frames
    dense : ndarray, shape (T, K, A)
        Log-density of each frame in each group at each level.
    new : ndarray, shape (P, K, A)
        Each person's chances of what is drawn afresh; sum to 1, or to less where the mix is uncertain.
    steps : ndarray, shape (A, A + 1)
        As in `Mixture`.

    Returns
    -------
    resp : ndarray, shape (T, K, A)
        Probability of each state; sums to 1.
    fresh : ndarray, shape (P, K, A)
        Expected number of times each state was drawn afresh.
    moves : ndarray, shape (A, A + 1)
        Expected number of steps.
    evidence : ndarray, shape (P,)
    """
    P, (K, A), L = len(frames.n), dense.shape[1:], frames.n.max()
    top = dense.max(axis=(1, 2))
    e = np.ones((L, P, K, A))  # all videos side by side, the shorter ones padded with frames that say nothing
    e[frames.time, frames.person] = np.maximum(np.exp(dense - top[:, None, None]), 1e-300)
    here = (np.arange(L)[:, None] < frames.n)[:, :, None, None]
    keep, leave = steps[:, :A], steps[:, A]

    forward, norm, left = np.empty_like(e), np.empty((L, P, 1, 1)), np.empty((L, P, 1, 1))
    prior = new
    for t in range(L):
        seen = prior * e[t]
        norm[t] = seen.sum(axis=(1, 2), keepdims=True)
        forward[t] = seen / norm[t]
        left[t] = (forward[t] @ leave).sum(axis=1)[:, None, None]
        prior = forward[t] @ keep + left[t] * new
    evidence = frames.sum(top) + (np.log(norm) * here).sum(axis=(0, 2, 3))

    resp, back, fresh, moves = np.empty_like(e), np.ones_like(new), np.zeros_like(new), np.zeros((A, A + 1))
    resp[L - 1] = forward[L - 1]
    for t in range(L - 1, 0, -1):
        ahead = back * e[t] / norm[t]
        drawn = new * ahead
        chance = drawn.sum(axis=(1, 2), keepdims=True)
        fresh += left[t - 1] * drawn * here[t]
        before = forward[t - 1] * here[t]
        moves[:, :A] += before.reshape(-1, A).T @ ahead.reshape(-1, A)
        moves[:, A] += (before * chance).sum(axis=(0, 1))
        back = ahead @ keep.T + leave * chance
        resp[t - 1] = forward[t - 1] * back
    fresh += resp[0]
    resp = resp[frames.time, frames.person]
    return resp / resp.sum(axis=(1, 2), keepdims=True), fresh, moves * steps, evidence


def usually(levels):
    """Share of each level (A,) before anything is known."""
    return USUAL if len(levels) > 1 else np.ones(1)


def slow(mix, every):
    """The model of `every`-th frames as a first guess of that of all frames, in which steps are smaller."""
    kept = mix.steps[:, :-1].sum(axis=1, keepdims=True)
    keep = np.eye(len(kept)) + (mix.steps[:, :-1] / kept - np.eye(len(kept))) / every
    steps = np.column_stack([kept ** (1 / every) * keep, 1 - kept ** (1 / every)])
    return replace(mix, stay=mix.stay ** (1 / every), steps=steps)

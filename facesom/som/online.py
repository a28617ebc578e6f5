"""Online training of a map: MiniSom's own code, run in the samples' span where that has fewer axes."""

from __future__ import annotations

import numpy as np
from minisom import MiniSom
from scipy.linalg import eigh

from .batch import combine, main_plane

SPAN_ROWS = 2000  # more samples than this are not worth the change of basis


def train_online(samples, new_minisom, n_steps, *, init="random", seed=42):
    """Train a map as MiniSom's ``random_weights_init`` and ``train_random`` do.

    Parameters
    ----------
    samples : ndarray, shape (N, D)
    new_minisom : callable
        Takes a subclass of MiniSom and ``input_len``; returns the untrained map.
    n_steps : int
        Number of samples shown.
    init : {"random", "pca"} or ndarray of float, shape (K, D)
        First prototypes.
    seed : int
        MiniSom's ``random_seed``.

    Returns
    -------
    ndarray of float, shape (K, D)

    Notes
    -----
    Euclidean distances survive an orthogonal change of basis. N samples and K first prototypes span at most
    N + K - 1 axes around their mean, and training never leaves that span. The random generator is brought to
    the state that MiniSom's constructor would leave for D numbers a node.
    """
    picker = new_minisom(MiniSom, 1)
    rows, cols = picker.get_weights().shape[:2]
    k, d = rows * cols, samples.shape[1]
    picker._random_generator = random = np.random.RandomState(seed)
    for _ in range(k):
        random.rand(d)
    if not isinstance(init, str):
        first = init
    elif init == "random":
        picker.random_weights_init(np.arange(len(samples))[:, None])
        first = samples[picker.get_weights().ravel().astype(int)]
    else:
        first = main_plane(samples, (rows, cols))
    shown = samples[:n_steps]  # MiniSom shows no others
    euclidean = picker._activation_distance == picker._euclidean_distance
    if not euclidean or len(shown) + k > min(d, SPAN_ROWS):
        som = new_minisom(MiniSom, d)
        som._random_generator, som._weights = random, first.astype(float).reshape(rows, cols, d)
        som.train_random(shown, n_steps)
        return som.get_weights().reshape(k, d)
    pixels = np.vstack([shown, first]).astype(float)
    points, back = span_coordinates(pixels)
    som = new_minisom(SpanSom, points.shape[1])
    som._random_generator, som._weights = random, points[-k:].reshape(rows, cols, -1).copy()
    som.back, som.pixels = back, {point.tobytes(): x for point, x in zip(points, pixels, strict=True)}
    som.rounding = 1e-12 * (points**2).sum(axis=1).max()
    som.train_random(points[:-k], n_steps)
    return back(som.get_weights().reshape(k, -1))


class SpanSom(MiniSom):
    """MiniSom on span coordinates; where rounding would decide, the samples themselves settle a tie."""

    def winner(self, x):
        """Return the grid place of the winner of one shown sample."""
        distances = self.activate(x)
        close = np.flatnonzero(distances**2 <= distances.min() ** 2 + self.rounding)
        best = distances.argmin()
        if len(close) > 1:
            weights = self._weights.reshape(-1, len(x))[close]
            weights = [self.pixels.get(w.tobytes(), self.back(w[None])[0]) for w in weights]
            best = close[np.linalg.norm(self.pixels[x.tobytes()] - np.array(weights), axis=-1).argmin()]
        return np.unravel_index(best, distances.shape)


def span_coordinates(samples):
    """Return coordinates of samples in their own span, and the way back.

    Parameters
    ----------
    samples : ndarray of float, shape (N, D), N < D

    Returns
    -------
    coordinates : ndarray of float, shape (N, r)
        All Euclidean distances are kept; r is the rank of the centred samples, at least 1. Equal samples have
        equal coordinates to the bit.
    back : callable
        Takes points (M, r), returns them in the space of the samples, (M, D).
    """
    seen = {}
    which = np.array([seen.setdefault(row.tobytes(), len(seen)) for row in samples])
    distinct = samples[np.unique(which, return_index=True)[1]]
    offset = distinct.mean(axis=0)
    x = distinct - offset
    values, vectors = eigh(x @ x.T, driver="evd")
    real = values > values[-1] * len(values) * np.finfo(float).eps
    real[-1] = True
    root, vectors = np.sqrt(np.maximum(values[real], np.finfo(float).tiny)), vectors[:, real]
    return (vectors * root)[which], lambda points: combine(points / root @ vectors.T, x) + offset

"""Online training of a map: MiniSom's own code, run in the samples' span where that has fewer axes."""

import numpy as np
from minisom import MiniSom
from scipy.linalg import eigh

from .batch import combine, distinct_rows, main_plane

SPAN_ROWS = 2000  # more samples than this are not worth the change of basis
SIGMA = 1.0  # width of the neighbourhood at the start, unless told, as in MiniSom
DECAYS = ("asymptotic_decay", "inverse_decay_to_zero", "linear_decay_to_zero")
SIGMA_DECAYS = ("asymptotic_decay", "inverse_decay_to_one", "linear_decay_to_one")


def new_minisom(som, n_columns, kind=MiniSom):
    """Return an untrained MiniSom, or one of a subclass `kind`, with the parameters of a `FaceSOM`."""
    mini = kind(
        som.rows,
        som.cols,
        n_columns,
        learning_rate=som.learning_rate,
        decay_function=som.learning_rate_decay,
        neighborhood_function=som.neighborhood,
        topology=som.topology,
        activation_distance=som.distance,
        random_seed=som.seed,
        sigma_decay_function=som.sigma_decay,
    )
    mini._sigma = som.sigma or SIGMA  # set here because the constructor warns of wide ones
    return mini


def train_online(samples, som, init):
    """Train a map as MiniSom's ``random_weights_init`` and ``train_random`` do.

    Parameters
    ----------
    samples : ndarray, shape (N, D)
    som : FaceSOM
        Whose parameters count.
    init : {"random", "pca"} or ndarray of float, shape (K, D)
        First prototypes.

    Returns
    -------
    ndarray of float, shape (K, D)

    Notes
    -----
    Euclidean distances survive an orthogonal change of basis. N samples and K first prototypes span at most
    N + K - 1 axes around their mean, and training never leaves that span. The random generator is brought to
    the state that MiniSom's constructor would leave for D numbers per node.
    """
    picker = new_minisom(som, 1)
    k, d = som.rows * som.cols, samples.shape[1]
    picker._random_generator = random = np.random.RandomState(som.seed)
    for _ in range(k):
        random.rand(d)
    if not isinstance(init, str):
        first = init
    elif init == "random":
        picker.random_weights_init(np.arange(len(samples))[:, None])
        first = samples[picker.get_weights().ravel().astype(int)]
    else:
        first = main_plane(samples, (som.rows, som.cols))
    shown = samples[: som.n_steps]  # MiniSom shows no others
    if som.distance != "euclidean" or len(shown) + k > min(d, SPAN_ROWS):
        mini = new_minisom(som, d)
        mini._random_generator, mini._weights = random, first.astype(float).reshape(som.rows, som.cols, d)
        mini.train_random(shown, som.n_steps)
        return mini.get_weights().reshape(k, d)
    pixels = np.vstack([shown, first], dtype=float)
    points, back = span_coordinates(pixels)
    mini = new_minisom(som, points.shape[1], SpanSom)
    mini._random_generator = random
    mini._weights = points[-k:].reshape(som.rows, som.cols, -1).copy()
    mini.back, mini.pixels = back, {point.tobytes(): x for point, x in zip(points, pixels, strict=True)}
    mini.rounding = 1e-12 * (points**2).sum(axis=1).max()
    mini.train_random(points[:-k], som.n_steps)
    return back(mini.get_weights().reshape(k, -1))


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
    first, which = distinct_rows(samples)
    distinct = samples[first]
    offset = distinct.mean(axis=0)
    x = distinct - offset
    varied = x[:, (distinct != distinct[0]).any(axis=0)]
    values, vectors = eigh(varied @ varied.T, driver="evd")
    real = values > values[-1] * len(values) * np.finfo(float).eps
    real[-1] = True
    root, vectors = np.sqrt(np.maximum(values[real], np.finfo(float).tiny)), vectors[:, real]
    return (vectors * root)[which], lambda points: combine(points / root @ vectors.T, x) + offset

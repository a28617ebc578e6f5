"""Batch training of a map (Kohonen, 2013): each epoch moves every prototype to a weighted mean of samples."""

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import csc_array, csr_array
from scipy.sparse.linalg import eigsh

from .grid import neighborhood_weights, node_steps
from .quality import BLOCK

GRAM_ROWS = 4000  # largest Gram matrix: 128 MB
EPOCH_ROWS = 20_000  # samples an epoch looks at; of more, each epoch draws others
START_ROWS = 1000  # samples that the main components are found from


def fading_neighborhood(som):
    """Yield the neighbourhood, (K, K), of each epoch of a `FaceSOM`: its width shrinks geometrically."""
    narrow = som.sigma_end or (1.5 if som.neighborhood in ("bubble", "triangle") else 0.5)
    wide = max(som.sigma or max(som.rows, som.cols) / 2, narrow)
    steps = node_steps(som.rows, som.cols, som.topology, som.torus)
    for sigma in np.geomspace(wide, narrow, som.n_epochs):
        yield neighborhood_weights(steps, sigma, som.neighborhood, som.topology)


def train_batch(samples, weight, fades, shape, init, seed):
    """Train a map on all samples at once.

    Parameters
    ----------
    samples : ndarray, shape (N, D)
    weight : ndarray of float, shape (N,)
        Weight of each sample, 0 or more, not all 0.
    fades : iterable of ndarray of float, shape (K, K)
        Neighbourhood of each epoch, from `facesom.som.grid.neighborhood_weights`.
    shape : tuple of int
        Rows and columns of the map; K is their product.
    init : {"pca", "random"} or ndarray of float, shape (K, D)
        First prototypes.
    seed : int
        Seed of random first prototypes and of the draws from many samples.

    Returns
    -------
    weights : ndarray of float, shape (K, D)
    history : ndarray of float
        Mean distance to the nearest prototype at the beginning of each epoch.
    blocks : list or None
        Distances to the trained prototypes, for `facesom.som.quality.nearest_two`, where training knows them.

    Notes
    -----
    Few large samples are trained on their Gram matrix: prototypes are mixes of samples, hence every distance
    follows from products of samples. Otherwise epochs run over the samples, in blocks of bounded size.
    Columns that never change, four fifths of a drawn face, are the same in every prototype.
    """
    varies = (samples != samples[0]).any(axis=0)
    if not isinstance(init, str) or not varies.any():
        varies[:] = True
    part = samples if varies.all() else samples[:, varies]
    train = train_gram if len(part) <= min(2 * part.shape[1], GRAM_ROWS) else train_direct
    trained, history, blocks = train(part, weight, fades, shape, init, seed)
    weights = np.tile(samples[0].astype(float), (len(trained), 1))
    weights[:, varies] = trained
    return weights, history, blocks


def train_gram(samples, weight, fades, shape, init, seed):
    """Train through products of samples alone; see `train_batch`."""
    n = len(samples)
    offset = weight @ samples / weight.sum()
    x = samples - offset
    if not isinstance(init, str):
        x = np.vstack([x, init - offset])  # given prototypes join as samples of no weight
    gram = x @ x.T
    mix = np.eye(len(x))[n:] if len(x) > n else start(gram, weight, shape, init, seed)
    products = mix @ gram
    own, rows = gram.diagonal()[:n], np.arange(n)
    place, share = np.zeros(len(x), int), np.zeros(len(x))  # winner of each sample, its part of the mean
    history = []
    for fade in fades:
        squares = np.einsum("kn,kn->k", products, mix)
        table = squares[:, None] - 2 * products[:, :n]
        winners = table.argmin(axis=0)
        history.append(weight @ np.sqrt(np.maximum(table[winners, rows] + own, 0)) / weight.sum())
        counts = np.bincount(winners, weight, len(mix))
        won = counts > 0
        place[:n] = np.maximum(np.cumsum(won) - 1, 0)[winners]
        share[:n] = np.divide(weight, counts[winners], out=np.zeros(n), where=weight > 0)
        means = csc_array((share, place, np.arange(len(x) + 1)), shape=(won.sum(), len(x)))
        keep, pull = step(fade, counts)
        products = keep * products + pull @ (means @ gram)
        mix = keep * mix + pull[:, place] * share
    squares = np.einsum("kn,kn->k", products, mix)
    table = own[:, None] + squares - 2 * products[:, :n].T
    return combine(mix, x) + offset, np.array(history), [(slice(0, n), table, own + squares.max())]


def train_direct(samples, weight, fades, shape, init, seed):
    """Train on the samples themselves, a block at a time; see `train_batch`."""
    n, d = samples.shape
    x, part, offset = spread(samples, weight)
    w = start(x @ x.T, part, shape, init, seed) @ x if isinstance(init, str) else init - offset
    block = max(BLOCK // (d + len(w)), 1)
    history = []
    for fade, rows in zip(fades, draws(n, seed), strict=False):
        sums, counts, distance = np.zeros_like(w), np.zeros(len(w)), 0.0
        squares = np.einsum("kd,kd->k", w, w)
        for part in np.split(rows, range(block, len(rows), block)):
            x = samples[part] - offset
            table = squares - 2 * (x @ w.T)
            winners = table.argmin(axis=1)
            squared = table[np.arange(len(x)), winners] + np.einsum("nd,nd->n", x, x)
            distance += weight[part] @ np.sqrt(np.maximum(squared, 0))
            members = csr_array((weight[part], (winners, np.arange(len(x)))), shape=(len(w), len(x)))
            sums += members @ x
            counts += members.sum(axis=1)
        history.append(distance / weight[rows].sum())
        keep, pull = step(fade, counts)
        won = counts > 0
        w = keep * w + pull @ (sums[won] / counts[won, None])
    return w + offset, np.array(history), None


def main_plane(samples, shape):
    """Return a grid of first prototypes, (K, D), on the plane of the samples' two main components."""
    x, weight, offset = spread(samples, np.ones(len(samples)))
    return start(x @ x.T, weight, shape, "pca", 0) @ x + offset


def spread(samples, weight):
    """Return up to `START_ROWS` samples of weight, evenly spread and centred, their weights and mean."""
    rows = np.flatnonzero(weight)
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), START_ROWS)).astype(int)]
    offset = weight[rows] @ samples[rows] / weight[rows].sum()
    return samples[rows] - offset, weight[rows], offset


def draws(n, seed):
    """Yield, for each epoch, the rows it looks at: all, or the next `EPOCH_ROWS` of a shuffled deck."""
    rng = np.random.default_rng(seed)
    while True:
        deck = rng.permutation(n)
        for begin in range(0, max(n - EPOCH_ROWS, 0) + 1, EPOCH_ROWS):
            yield np.sort(deck[begin : begin + EPOCH_ROWS])


def step(fade, counts):
    """Return whether each node stays as it is, (K, 1), and how it follows the means of the M winners, (K, M).

    A node moves to the weighted mean around it. One out of every winner's reach stays, and so does one where
    the negative rim of a Mexican hat prevails. Far from all winners a Gaussian has no digits left to add up;
    therefore each node's pulls are first measured by the strongest.
    """
    won = counts > 0
    pull = fade[:, won] * counts[won]
    strongest = np.abs(pull).max(axis=1, keepdims=True)
    pull = np.divide(pull, strongest, out=np.zeros_like(pull), where=strongest > 0)
    net = pull.sum(axis=1, keepdims=True)
    moves = net > np.abs(pull).sum(axis=1, keepdims=True) / 20
    return ~moves, pull / np.where(moves, net, np.inf)


def start(gram, weight, shape, init, seed):
    """Return first prototypes as combinations, (K, N), of the centred samples whose products are `gram`."""
    n, (rows, cols) = len(gram), shape
    if init == "random":
        return np.eye(n)[np.random.default_rng(seed).choice(n, rows * cols, p=weight / weight.sum())]
    if n == 1:
        return np.zeros((rows * cols, 1))
    root = np.sqrt(weight / weight.sum())
    # axes @ samples: one standard deviation along each main component
    axes = (two_largest(root[:, None] * gram * root) * root[:, None]).T[::-1]
    axes *= np.sign(axes[[0, 1], np.abs(axes).argmax(axis=1)])[:, None]
    if cols > rows:
        axes = axes[::-1]
    down, right = (np.linspace(-1, 1, m) if m > 1 else np.zeros(1) for m in shape)
    return (down[:, None, None] * axes[0] + right[None, :, None] * axes[1]).reshape(-1, n)


def two_largest(gram):
    """Return the eigenvectors, (N, 2), of the second largest and the largest eigenvalue."""
    n = len(gram)
    if n < 100 or not gram.any():  # Lanczos needs room, and something to find
        return eigh(gram, subset_by_index=[n - 2, n - 1])[1]
    values, vectors = eigsh(gram, 2, v0=np.random.default_rng(0).standard_normal(n))
    return vectors[:, values.argsort()]


def combine(mix, samples):
    """Return ``mix @ samples``, equal rows of `mix` giving equal results to the bit."""
    first, which = distinct_rows(mix + 0.0)  # -0.0 and 0.0 are equal
    return (mix[first] @ samples)[which]


def distinct_rows(table):
    """Return the first place of each distinct row, and for each row which of these it equals to the bit."""
    seen = {}
    which = np.array([seen.setdefault(row.tobytes(), len(seen)) for row in table])
    return np.unique(which, return_index=True)[1], which

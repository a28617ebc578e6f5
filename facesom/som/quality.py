"""How good a map is: close to the data, in order, true to who is whose neighbour. Arrays in, numbers out."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial.distance import cdist

from .grid import ADJACENT

FOLDED = 0.2  # topographic error above which a map is called folded
RANKED = 2000  # samples that neighbourhoods are ranked on; of more, as many evenly spread ones
TIE = 1e-10  # relative difference of squared distances below which rounding could decide who is nearer
BLOCK = 2**21  # numbers in a working block: 16 MB


@dataclass(frozen=True)
class MapQuality:
    """Measures of one map on some samples, each explained at the function of its name in this module."""

    quantization_error: float
    topographic_error: float
    combined_error: float
    trustworthiness: float
    neighborhood_preservation: float
    used_nodes: float

    @property
    def folded(self):
        """Whether the map is folded: topographic error over 0.2."""
        return self.topographic_error > FOLDED

    def __str__(self):
        order = "folded, do not read neighbouring nodes as similar" if self.folded else "in order"
        return (
            f"The map is {order}: topographic error {self.topographic_error:.2f}. A sample lies "
            f"{self.quantization_error:.3g} from its prototype, {self.used_nodes:.0%} of nodes win samples. "
            f"Neighbours on the map are neighbours in the data: {self.trustworthiness:.2f}; "
            f"the other way round: {self.neighborhood_preservation:.2f} (1 is best)."
        )


def map_quality(samples, weights, steps):
    """Measure a map on samples in every way of this module.

    Parameters
    ----------
    samples : ndarray, shape (N, D)
        Numbers of any dtype, in the units of the prototypes.
    weights : ndarray of float, shape (K, D)
        Prototypes.
    steps : ndarray of float, shape (K, K)
        Planar distance between any two nodes.

    Returns
    -------
    MapQuality
    """
    nearest = nearest_two(samples, weights)
    data, on_map = sample_distances(samples, nearest[0], steps)
    return MapQuality(
        quantization_error(samples, weights, nearest),
        topographic_error(samples, weights, steps, nearest),
        combined_error(samples, weights, steps, nearest),
        neighbors_kept(on_map, data),
        neighbors_kept(data, on_map),
        used_nodes(nearest[0], len(weights)),
    )


def quantization_error(samples, weights, nearest=None):
    """Return the mean distance from a sample to its nearest prototype (Kohonen, 2001, section 3.13).

    In the units of the samples; MiniSom's ``quantization_error``. Samples and weights are those of
    `map_quality`; `nearest` is what `nearest_two` returns, where it is known already.
    """
    _, _, distance = nearest or nearest_two(samples, weights)
    return float(distance.mean())


def topographic_error(samples, weights, steps, nearest=None):
    """Return the share of samples whose two nearest prototypes are not adjacent (Kiviluoto, 1996).

    Parameters
    ----------
    samples, weights, nearest
        As in `quantization_error`.
    steps : ndarray of float, shape (K, K)
        Planar distance between any two nodes; up to 1.42 is adjacent: 8 neighbours on a rectangular grid, 6
        on a hexagonal one.

    Returns
    -------
    float
        0 (in order) to 1, NaN for a single node; MiniSom's ``topographic_error``.
    """
    if len(weights) < 2:
        return float("nan")
    best, second, _ = nearest or nearest_two(samples, weights)
    return float((steps[best, second] > ADJACENT).mean())


def combined_error(samples, weights, steps, nearest=None):
    """Return the mean way from a sample to its nearest prototype and on, over the map, to the next nearest.

    The way on the map goes from node to adjacent node, each step as long as their prototypes are apart; it is
    the shortest of its kind (Kaski and Lagus, 1996).

    Parameters
    ----------
    samples, weights, steps, nearest
        As in `topographic_error`.

    Returns
    -------
    float
        0 and more, in the units of the samples.
    """
    best, second, distance = nearest or nearest_two(samples, weights)
    *pairs, gaps = gaps_to_adjacent(weights, steps)
    ways = csr_array((gaps, pairs), shape=steps.shape)  # in a dense table a gap of 0 is no way
    starts, row = np.unique(best, return_inverse=True)
    return float((distance + dijkstra(ways, indices=starts)[row, second]).mean())


def gaps_to_adjacent(weights, steps):
    """Return nodes, the nodes adjacent to them, and how far apart their prototypes are: three arrays."""
    adjacent = (steps <= ADJACENT) & (steps > 0)
    gaps = [np.linalg.norm(weights[near] - weights[k], axis=1) for k, near in enumerate(adjacent)]
    return *np.nonzero(adjacent), np.concatenate(gaps)


def trustworthiness(samples, winners, steps, n_neighbors=10):
    """Return to which degree neighbours on the map are neighbours in the data (Venna and Kaski, 2001).

    scikit-learn's function of this name takes neither a torus nor nodes that share a place.

    Parameters
    ----------
    samples : ndarray, shape (N, D)
        At most 2000, evenly spread, are ranked.
    winners : ndarray of int, shape (N,)
        Node of each sample.
    steps : ndarray of float, shape (K, K)
        Planar distance between any two nodes.
    n_neighbors : int
        Size of a neighbourhood; less than half the samples, or it is lowered to that.

    Returns
    -------
    float
        0 to 1 (best); NaN for fewer than three samples. Nodes equally far are tied: the mean of the best and
        the worst order.
    """
    data, on_map = sample_distances(samples, winners, steps)
    return neighbors_kept(on_map, data, n_neighbors)


def neighborhood_preservation(samples, winners, steps, n_neighbors=10):
    """Return to which degree neighbours in the data are neighbours on the map (Venna and Kaski, 2001).

    Parameters, result and ties as in `trustworthiness`.
    """
    data, on_map = sample_distances(samples, winners, steps)
    return neighbors_kept(data, on_map, n_neighbors)


def used_nodes(winners, n_nodes):
    """Return the share of nodes that win at least one sample, 0 to 1."""
    return len(np.unique(winners)) / n_nodes


def sample_distances(samples, winners, steps):
    """Return distances between up to `RANKED` samples, in the data and on the map: two (n, n) arrays."""
    rows = np.linspace(0, len(samples) - 1, min(len(samples), RANKED)).astype(int)
    few = np.asarray(samples[rows], dtype=float)
    return cdist(few, few), steps[np.ix_(winners[rows], winners[rows])]


def neighbors_kept(near, far, k=10):
    """Return 1 minus the normed excess of ranks in `far` over k, of the k nearest in `near`."""
    n = len(near)
    k = min(k, (n - 1) // 2)
    if k < 1:
        return float("nan")
    near, far = (table + np.diag(np.full(n, np.inf)) for table in (near, far))
    excess = 0
    for ties in (1, -1):
        ranks = np.lexsort((ties * near, far)).argsort(axis=1) + 1
        nearest = np.lexsort((ties * far, near))[:, :k]
        excess += np.maximum(np.take_along_axis(ranks, nearest, axis=1) - k, 0).sum() / 2
    return float(1 - 2 * excess / (n * k * (2 * n - 3 * k - 1)))


def squared_distances(samples, weights):
    """Yield squared Euclidean distances from samples to prototypes, a block of samples at a time.

    Parameters
    ----------
    samples, weights : ndarray
        As in `map_quality`.

    Yields
    ------
    rows : slice
        Which samples.
    squared : ndarray of float, shape (n, K)
        From products of samples and prototypes, so rounding may leave small negative numbers.
    scale : ndarray of float, shape (n,)
        Size of the terms that cancelled, to judge the rounding by.
    """
    offset = weights.mean(axis=0)
    centred = weights - offset
    w2 = np.einsum("kd,kd->k", centred, centred)
    block = max(BLOCK // sum(weights.shape), 1)
    for start in range(0, len(samples), block):
        rows = slice(start, min(start + block, len(samples)))
        x = samples[rows] - offset
        x2 = np.einsum("nd,nd->n", x, x)
        squared = x @ (-2 * centred.T)
        squared += w2
        squared += x2[:, None]
        yield rows, squared, x2 + w2.max()


def nearest_two(samples, weights, blocks=None):
    """Find the nearest and the second nearest prototype of each sample; of equals the first, as MiniSom does.

    Parameters
    ----------
    samples, weights
        As in `map_quality`.
    blocks : iterable, optional
        What `squared_distances` would yield.

    Returns
    -------
    best, second : ndarray of int, shape (N,)
        Where there is one prototype only, it is both.
    distance : ndarray of float, shape (N,)
        Euclidean distance to the nearest.
    """
    n = len(samples)
    best, second, distance = np.empty(n, int), np.empty(n, int), np.empty(n)
    for rows, squared, scale in blocks or squared_distances(samples, weights):
        at = np.arange(len(squared))
        first, least, runner_up = two_smallest(squared)
        # where rounding could decide or is all there is, subtract sample and prototype as MiniSom does
        unsure = (squared[at, runner_up] - least <= TIE * scale) | (least <= 1e-6 * scale)
        for i in np.flatnonzero(unsure):
            close = np.flatnonzero(squared[i] <= least[i] + TIE * scale[i])
            gaps = np.subtract(samples[rows.start + i], weights[close], dtype=float)
            squared[i, close] = np.linalg.norm(gaps, axis=-1) ** 2
            first[i : i + 1], least[i : i + 1], runner_up[i : i + 1] = two_smallest(squared[i : i + 1])
        best[rows], second[rows], distance[rows] = first, runner_up, np.sqrt(np.maximum(least, 0))
    return best, second, distance


def two_smallest(table):
    """Return for each row the place of the smallest number, that number, the place of the next smallest."""
    at = np.arange(len(table))
    first = table.argmin(axis=1)
    least = table[at, first]
    table[at, first] = np.inf
    runner_up = table.argmin(axis=1)
    table[at, first] = least
    return first, least, runner_up

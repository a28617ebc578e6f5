"""The grid of a map: where its nodes stand, how far apart they are, and how a winner's influence fades."""

import numpy as np

from facesom.io import as_array

TOPOLOGIES = ("rectangular", "hexagonal")
NEIGHBORHOODS = ("gaussian", "bubble", "mexican_hat", "triangle")
ADJACENT = 1.42  # just over the diagonal step of a rectangular grid, under the second ring of a hexagonal one


def node_positions(rows, cols, topology="rectangular"):
    """Return the place of every node on the plane, as MiniSom lays it out.

    Parameters
    ----------
    rows, cols : int
        Size of the grid.
    topology : {"rectangular", "hexagonal"}
        On a hexagonal grid every second column, counted from the last, is shifted up by half a step.

    Returns
    -------
    ndarray of float, shape (rows * cols, 2)
        Place down and place to the right of node ``row * cols + col``; adjacent nodes are 1 apart
        (diagonal ones on a rectangular grid sqrt(2)).
    """
    row, col = np.divmod(np.arange(rows * cols, dtype=float), cols)
    if topology == "hexagonal":
        row -= 0.5 * ((cols - 1 - col) % 2 == 0)
        col *= np.sqrt(3) / 2
    return np.column_stack([row, col])


def node_steps(rows, cols, topology="rectangular", torus=False, pairs=None):
    """Return the steps down and to the right between any two nodes, or those of `pairs`, without sign.

    Parameters
    ----------
    rows, cols, topology
        As in `node_positions`.
    torus : bool
        Whether the grid is glued together top to bottom and left to right. A hexagonal torus needs an even
        number of columns.
    pairs : tuple of two ndarrays of int, shape (M,), optional
        Nodes to go from, and to. All pairs of many nodes are many: 1.6 GB for 100 x 100.

    Returns
    -------
    down, right : ndarray of float, shape (rows * cols, rows * cols) or (M,)
    """
    nodes = np.arange(rows * cols)
    start, end = (nodes[:, None], nodes) if pairs is None else pairs
    steps = [np.abs(place[start] - place[end]) for place in node_positions(rows, cols, topology).T]
    if torus:
        around = rows, cols * (np.sqrt(3) / 2 if topology == "hexagonal" else 1)
        steps = [np.minimum(step, whole - step) for step, whole in zip(steps, around, strict=True)]
    return tuple(steps)


def neighborhood_weights(steps, sigma, kind="gaussian", topology="rectangular"):
    """Return how strongly each node learns from a winner: MiniSom's functions (Kohonen, 2001, section 3.1).

    Parameters
    ----------
    steps : tuple of two ndarrays of float, shape (K, K)
        From `node_steps`.
    sigma : float
        Width, in grid steps.
    kind : {"gaussian", "bubble", "mexican_hat", "triangle"}
        Bubble and triangle are square on a rectangular grid and round on a hexagonal one.
    topology : {"rectangular", "hexagonal"}
        Topology the steps come from.

    Returns
    -------
    ndarray of float, shape (K, K)
        Symmetric; 1 on the diagonal (`sigma` squared for the triangle). Mexican hat: negative further out.
    """
    down, right = steps
    sigma = min(max(sigma, 1e-150), 1e150)  # so that it can be squared
    if kind in ("gaussian", "mexican_hat"):
        squared = down**2
        squared += right**2
        squared /= sigma**2
        fade = np.exp(squared / -2)
        return fade * (1 - squared) if kind == "mexican_hat" else fade
    if topology == "hexagonal":
        down, right = np.hypot(down, right), np.zeros_like(right)
    if kind == "bubble":
        return ((down < sigma) & (right < sigma)).astype(float)
    return np.maximum(sigma - down, 0) * np.maximum(sigma - right, 0)


def walk_order(labels):
    """Renumber groups in the order in which a walk over the map, to and fro, row by row, meets them.

    Parameters
    ----------
    labels : array_like of int, shape (rows, cols)
        Group of each node, any numbering; -1 stays -1.

    Returns
    -------
    ndarray of int, shape (rows, cols)
        The same groups as 0, 1, 2, ... along the walk.
    """
    labels = as_array(labels, "labels")
    walk = labels.copy()
    walk[1::2] = walk[1::2, ::-1]
    met = dict.fromkeys(walk.ravel()[walk.ravel() >= 0].tolist())
    number = {old: new for new, old in enumerate(met)} | {-1: -1}
    return np.vectorize(number.__getitem__, otypes=[int])(labels)

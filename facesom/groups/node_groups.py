"""Groups of nodes: which nodes of a map show the same expression, and which group follows which."""

from dataclasses import KW_ONLY, dataclass

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.cluster import DBSCAN, HDBSCAN, KMeans
from sklearn.utils.validation import check_is_fitted

from facesom.io import as_array, check_n_groups, check_whole, count_groups, one_thread, per_person
from facesom.som import ADJACENT, FaceSOM, walk_order

METHODS = ("kmeans", "ward", "dbscan", "hdbscan")


@dataclass(eq=False, repr=False)
class NodeGroups(BaseEstimator):
    """Cluster the nodes of a map into groups that are numbered along a walk over the map.

    Parameters
    ----------
    n_groups : int, default 8
        Number of groups, 1 to the number of distinct prototypes that won a face. The density methods find
        their own.
    method : {"kmeans", "ward", "dbscan", "hdbscan"}, default "kmeans"
        ``"kmeans"`` (Lloyd, 1982) weights each node by the faces it won. ``"ward"`` (Ward, 1963), weighted
        likewise, merges only nodes that are neighbours on the map, so that every group is one connected
        region. With both, a node that won no face joins the neighbour that it resembles. ``"dbscan"`` (Ester
        et al., 1996) and ``"hdbscan"`` (Campello et al., 2013) leave nodes that stand alone, and those that
        won no face, without a group; all others count alike.
    seed : int, default 0
        Seed of the k-means starts, and of the map where `fit` is given faces.
    min_nodes : int, default 3
        Density methods: nodes that make a group; 2 or more.
    eps : float, optional
        ``"dbscan"``: distance up to which prototypes are one group. Default: the median over nodes
        of the distance to the `min_nodes`-th nearest, itself included.

    Attributes
    ----------
    som_ : FaceSOM
        The map.
    labels_ : ndarray of int, shape (rows, cols)
        Group of each node; -1 where a density method found none.
    n_groups_ : int
        Number of groups found; `n_groups` unless the method finds its own.
    centers_ : ndarray, shape (n_groups_, ...)
        Mean prototype of each group, weighted by hits, in the shape of a prototype.
    distances_ : ndarray of float, shape (n_groups_, n_groups_)
        Euclidean distance between the centres, in the units of the prototypes.
    hits_ : ndarray of int, shape (n_groups_,)
        Training faces in each group; 0 for a group of ``"ward"`` whose nodes all lie between the faces.

    Notes
    -----
    Clustering the prototypes rather than the data follows Vesanto and Alhoniemi (2000). Group 0 holds the top
    left node; the walk goes to and fro, row by row, and each group takes the next number where first met.

    Examples
    --------
    >>> import facesom
    >>> faces = facesom.to_grayscale(facesom.make_faces(1, 80, seed=0).dataset).X1[0]
    >>> som = facesom.FaceSOM(4, 4, seed=0).fit(faces)
    >>> groups = facesom.NodeGroups(3).fit(som)
    >>> groups.labels_.shape, groups.predict(som.labels_).shape
    ((4, 4), (80,))
    """

    n_groups: int = 8
    method: str = "kmeans"
    seed: int = 0
    _: KW_ONLY
    min_nodes: int = 3
    eps: float | None = None

    @one_thread()
    def fit(self, X, y=None):
        """Group the nodes of a map.

        Parameters
        ----------
        X : FaceSOM, or array_like, shape (N, H, W) or (N, D)
            A fitted map; or faces or features, on which a `FaceSOM` of 10 × 10 nodes is trained first.
        y : None
            Not used; there for pipelines.

        Returns
        -------
        NodeGroups
            This object, fitted.

        Raises
        ------
        ValueError
            For an unknown method, a number of groups that the map cannot hold, or a density at which no
            group is found.
        """
        if self.method not in METHODS:
            raise ValueError(f"method: expected one of {METHODS}, got {self.method!r}.")
        self.som_ = som = X if isinstance(X, FaceSOM) else FaceSOM(seed=self.seed).fit(X)
        check_is_fitted(som, "weights_")
        self.n_features_in_ = som.n_features_in_
        weights, hits, near = in_few_columns(som.weights_), som.hits_.ravel(), som.steps_ <= ADJACENT
        used = hits > 0
        if self.method in ("kmeans", "ward"):
            check_n_groups(self.n_groups, weights[used])
        if self.method == "kmeans":
            km = KMeans(self.n_groups, n_init=10, random_state=self.seed)
            km.fit(weights[used], sample_weight=hits[used])
            home = ward_labels(weights, hits, near, used.sum())  # as a rule one node that won faces in each
            of_home = np.full(len(weights), -1)
            of_home[home[used]] = km.labels_
            # nodes of one prototype share a home, which leaves another without a node that won
            labels = np.where(of_home[home] < 0, km.predict(weights), of_home[home])
        elif self.method == "ward":
            labels = ward_labels(weights, hits, near, self.n_groups)
        else:
            labels = np.full(len(weights), -1)
            labels[used] = self._by_density(weights[used])
        self.labels_ = walk_order(labels.reshape(som.rows, som.cols))
        self.n_groups_ = int(self.labels_.max()) + 1
        member = self.labels_.ravel() == np.arange(self.n_groups_)[:, None]
        share = member * (hits + 1e-9)  # a group of empty nodes keeps a mean
        centers = share @ som.weights_ / share.sum(axis=1, keepdims=True)
        self.hits_ = member @ hits
        self.centers_ = centers.reshape(self.n_groups_, *som.prototypes_.shape[2:])
        self.distances_ = np.linalg.norm(centers[:, None] - centers[None], axis=2)
        return self

    def fit_predict(self, X, y=None):
        """Group the nodes of a map and return the group of each face that it was trained on.

        Parameters
        ----------
        X, y
            As in `fit`.

        Returns
        -------
        ndarray of int, shape (N,)
            Groups; -1 where the face's node has none.
        """
        return self.fit(X).predict(self.som_.labels_)

    def _by_density(self, points):
        check_whole(self.min_nodes, "min_nodes", 2, len(points))  # as many as won faces
        eps = self.eps
        if self.method == "hdbscan":
            labels = HDBSCAN(self.min_nodes, copy=True).fit_predict(points)
        else:
            if eps is None:
                near = np.sort(np.linalg.norm(points[:, None] - points[None], axis=2), axis=1)
                eps = max(np.median(near[:, self.min_nodes - 1]), np.finfo(float).tiny)
            elif not eps > 0:
                raise ValueError(f"eps: expected a distance over 0 in units of the prototypes, got {eps!r}.")
            labels = DBSCAN(eps=eps, min_samples=self.min_nodes).fit_predict(points)
        if labels.max() < 0:
            take = f" at eps={eps:.3g}; take a larger eps or" if self.method == "dbscan" else "; take"
            alone = f"{self.method}: all {len(points)} nodes stand alone{take}"
            raise ValueError(f"{alone} fewer min_nodes than {self.min_nodes}, or k-means.")
        return labels

    def predict(self, X):
        """Return the group of each node, or of each face.

        Parameters
        ----------
        X : array_like
            Nodes as `FaceSOM.predict` returns them, whole numbers of any shape from 0 to
            ``rows * cols - 1``; or faces or features, in the form that the map was trained on.

        Returns
        -------
        ndarray of int
            Groups, 0 to ``n_groups_ - 1``, -1 where the node has none; shaped as the nodes, or (N,).

        Raises
        ------
        ValueError
            If a node is not an integer or not on the map, or faces do not fit it.
        """
        check_is_fitted(self, "labels_")
        X = as_array(X, "X")
        if X.ndim > 1 and (X.dtype.kind == "f" or (X.ndim > 2 and X.dtype == np.uint8)):
            X = self.som_.predict(X)
        if X.dtype.kind not in "iu":
            raise ValueError(f"nodes: expected integers, got {X.dtype}; pass those of `FaceSOM.predict`.")
        if X.size and (X.min() < 0 or X.max() >= self.labels_.size):
            wanted, came = f"0 to {self.labels_.size - 1}", f"{X.min()} to {X.max()}"
            raise ValueError(f"nodes: expected {wanted}, got {came}; they come from another map.")
        return self.labels_.ravel()[X]


def in_few_columns(points, weights=None):
    """Points (K, D), less their mean, turned into as few columns as can hold them; their distances stay."""
    points = points - np.average(points, axis=0, weights=weights)
    u, length, _ = np.linalg.svd(points, full_matrices=False)
    return (u * length)[:, length > 1e-9 * length[0]] if length[0] else points[:, :1]


def ward_labels(points, weights, adjacent, n_groups):
    """Merge adjacent groups at the least growth of the weighted sum of squares until `n_groups` are left.

    Parameters
    ----------
    points : ndarray of float, shape (K, D)
    weights : ndarray, shape (K,)
        0 or more; a point of weight 0 joins the nearest neighbour and pulls nothing.
    adjacent : ndarray of bool, shape (K, K)
        Which points are neighbours, symmetric and connected.
    n_groups : int

    Returns
    -------
    ndarray of int, shape (K,)
        0 to n_groups - 1.
    """
    weights = np.maximum(weights, 1e-6).astype(float)
    centers, labels = points.astype(float), np.arange(len(points))
    adjacent = adjacent & ~np.eye(len(points), dtype=bool)
    squared = np.linalg.norm(centers[:, None] - centers[None], axis=2) ** 2
    cost = np.where(adjacent, squared * np.multiply.outer(weights, weights), np.inf)
    cost /= np.add.outer(weights, weights)
    for _ in range(len(points) - n_groups):
        a, b = np.unravel_index(cost.argmin(), cost.shape)
        total = weights[a] + weights[b]
        centers[a] = (weights[a] * centers[a] + weights[b] * centers[b]) / total
        weights[a], labels[labels == labels[b]] = total, labels[a]
        adjacent[a] |= adjacent[b]
        adjacent[a, [a, b]] = False
        adjacent[b], adjacent[:, b] = False, False
        adjacent[:, a] = adjacent[a]
        growth = ((centers - centers[a]) ** 2).sum(axis=1) * weights * total / (weights + total)
        cost[b], cost[:, b] = np.inf, np.inf
        cost[a] = cost[:, a] = np.where(adjacent[a], growth, np.inf)
    return np.unique(labels, return_inverse=True)[1]


def transitions(groups, n_groups=None):
    """Count how often each group follows each in time.

    Parameters
    ----------
    groups : array_like of int, shape (P, N) or (N,), or list of P arrays (N_p,)
        Group of each frame in the order of time; a step from or to -1 is not counted.
    n_groups : int, optional
        Default: the largest number + 1.

    Returns
    -------
    ndarray of int, shape (n_groups, n_groups)
        Frames of the row's group that a frame of the column's group follows; the diagonal counts who stays.

    Raises
    ------
    ValueError
        If groups are no whole numbers, or there are more than `n_groups`.
    """
    groups = per_person(groups, 1, "groups")
    counts = np.zeros((count_groups(groups, n_groups),) * 2, dtype=int)
    for person in groups:
        now, then = person[:-1], person[1:]
        known = (now >= 0) & (then >= 0)
        np.add.at(counts, (now[known], then[known]), 1)
    return counts

"""`FaceSOM`: a self-organizing map of one person's faces, trained in batches or exactly as MiniSom trains."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from minisom import MiniSom
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from facesom.io import one_thread

from . import checks
from .batch import fading_neighborhood, train_batch
from .grid import ADJACENT, node_positions, node_steps
from .mapfile import load_map, save_map
from .online import new_minisom, train_online
from .quality import FOLDED, MapQuality, gaps_to_adjacent, map_quality, nearest_two, squared_distances

SMALL = 2**25  # numbers to work on; 8000 faces of 64 x 64
FOLDED_ADVICE = {"batch": "a larger sigma or more epochs", "online": 'method="batch" or a larger sigma'}


@dataclass(eq=False, repr=False)
class FaceSOM(ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin, BaseEstimator):
    """Self-organizing map (Kohonen, 1982; 2001) of faces or feature vectors, in scikit-learn's manner.

    Parameters
    ----------
    rows, cols : int, default 10
        Size of the grid. Node ``row * cols + col``.
    method : {"batch", "online"}, default "batch"
        ``"batch"``: each epoch moves every prototype to the neighbourhood-weighted mean of the samples
        (Kohonen, 2013). ``"online"``: MiniSom's ``random_weights_init`` and ``train_random``, one sample
        per step, with the winners that the plain MiniSom script of the same seed finds.
    seed : int, default 42
        Seed of everything random; MiniSom's ``random_seed``.
    sigma : float, optional
        Width of the neighbourhood at the start, in grid steps. Default: half the longer side in batches, 1.0
        online.
    sigma_end : float, optional
        Batch: width in the last epoch; it shrinks geometrically. Default: 0.5; with bubble and triangle 1.5,
        which still reaches adjacent nodes.
    n_epochs : int, default 20
        Batch: passes over the data.
    learning_rate : float, default 0.5
        Online: share of the way that a winner moves towards its sample in the first step.
    n_steps : int, default 1000
        Online: number of samples shown. As in MiniSom, only the first ``n_steps`` samples are ever shown.
    learning_rate_decay : str or callable, default "asymptotic_decay"
        Online: MiniSom's ``decay_function``: that, "inverse_decay_to_zero" or "linear_decay_to_zero".
    sigma_decay : str, default "asymptotic_decay"
        Online: MiniSom's ``sigma_decay_function``: that, "inverse_decay_to_one" or "linear_decay_to_one".
    neighborhood : {"gaussian", "bubble", "mexican_hat", "triangle"}, default "gaussian"
        How a winner's influence fades over the grid. The Mexican hat orders maps poorly in either method.
    topology : {"rectangular", "hexagonal"}, default "rectangular"
        Shape of the grid.
    torus : bool, default False
        Batch: glue opposite edges together. A hexagonal torus needs an even number of columns.
    init : {"pca", "random"} or array_like of shape (rows, cols, ...), optional
        First prototypes: the plane of the two main components within one standard deviation, samples drawn at
        random, or given ones. Default: batch ``"pca"``, online ``"random"``.
    distance : {"euclidean", "cosine", "manhattan"} or callable, default "euclidean"
        Online: MiniSom's ``activation_distance``. Anything but Euclidean is trained by plain MiniSom, slowly.

    Attributes
    ----------
    weights_ : ndarray of float64, shape (rows * cols, D)
        Prototypes as vectors, in the units of the samples.
    prototypes_ : ndarray of float64, shape (rows, cols, ...)
        Prototypes in the shape of a sample: a face, or D features.
    bytes_ : bool
        Whether the samples were images of 0 to 255.
    sample_shape_ : tuple of int
        Shape of one of them.
    labels_ : ndarray of int, shape (N,)
        Winning node of each training sample.
    hits_ : ndarray of int, shape (rows, cols)
        Training samples that each node won.
    u_matrix_ : ndarray of float, shape (rows, cols)
        Mean distance from each prototype to the adjacent ones (Ultsch and Siemon, 1990).
    positions_ : ndarray of float, shape (rows * cols, 2)
        Planar place of each node, down and to the right.
    steps_ : ndarray of float, shape (rows * cols, rows * cols)
        Planar distance between any two nodes, over the edge on a torus.
    quantization_error_, topographic_error_ : float
        On the training samples, as MiniSom defines them: see `facesom.som.quality`.
    history_ : ndarray of float, shape (n_epochs,)
        Batch: quantization error before each epoch's step. Empty for ``"online"``.
    minisom_ : MiniSom
        The trained map as a MiniSom object; it shares the prototypes.

    Notes
    -----
    On few large images, batch training works on products of samples, from which all distances follow, and
    online training in full-rank coordinates of the samples' span, where Euclidean distances are the same.

    Examples
    --------
    >>> import facesom
    >>> faces = facesom.to_grayscale(facesom.make_faces(1, 40, seed=0).dataset).X1[0]
    >>> som = facesom.FaceSOM(rows=4, cols=5).fit(faces)
    >>> som.prototypes_.shape
    (4, 5, 64, 64)
    >>> bool((som.predict(faces) == som.labels_).all())
    True
    """

    rows: int = 10
    cols: int = 10
    method: str = "batch"
    seed: int = 42
    _: KW_ONLY
    sigma: float | None = None
    sigma_end: float | None = None
    n_epochs: int = 20
    learning_rate: float = 0.5
    n_steps: int = 1000
    learning_rate_decay: str | Callable = "asymptotic_decay"
    sigma_decay: str = "asymptotic_decay"
    neighborhood: str = "gaussian"
    topology: str = "rectangular"
    torus: bool = False
    init: str | ArrayLike | None = None
    distance: str | Callable = "euclidean"

    def fit(self, X: ArrayLike, y=None, sample_weight: ArrayLike | None = None) -> FaceSOM:
        """Train the map.

        Parameters
        ----------
        X : array_like, shape (N, H, W), (N, H, W, 3 or 4) or (N, D)
            Faces of one person, or feature vectors; numbers, all finite.
        y : None
            Ignored; for scikit-learn.
        sample_weight : array_like of float, shape (N,), optional
            Batch: weight of each sample, 0 or more; 2 counts as showing it twice.

        Returns
        -------
        FaceSOM
            This object, trained.

        Raises
        ------
        ValueError
            For samples or parameters that do not fit: the message says which and what to do.

        Warns
        -----
        UserWarning
            If the map is folded (topographic error over 0.2), if all samples are equal, if sigma exceeds the
            grid, or if the distance needs plain training.
        """
        self._train(X, sample_weight)
        if self.topographic_error_ > FOLDED:
            said = f"for {self.topographic_error_:.0%} of the samples the two nearest nodes are no neighbours"
            advice = f"neighbouring nodes need not show similar faces. Use {FOLDED_ADVICE[self.method]}"
            warnings.warn(f"folded map: {said}, so {advice}.", stacklevel=2)
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the winning node of each sample: the nearest prototype, as MiniSom's ``winner`` finds it.

        Parameters
        ----------
        X : array_like, shape (N, ...)
            Samples as in `fit`, or flattened.

        Returns
        -------
        ndarray of int, shape (N,)
            Nodes; of equally near ones the first.

        Raises
        ------
        ValueError
            If the samples do not have the shape or the range of those in `fit`.
        """
        if self.distance != "euclidean":
            return self.transform(X).argmin(axis=1)
        return nearest_two(checks.check_like_fitted(self, X), self.weights_)[0]

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Return the distance of each sample to each prototype, in the map's own ``distance``.

        Parameters
        ----------
        X : array_like
            Samples and errors as in `predict`.

        Returns
        -------
        ndarray of float, shape (N, rows * cols)
        """
        samples = checks.check_like_fitted(self, X)
        if self.distance != "euclidean":
            return np.array([self.minisom_.activate(x).ravel() for x in samples])
        distances = np.empty((len(samples), len(self.weights_)))
        for rows, squared, _ in squared_distances(samples, self.weights_):
            distances[rows] = np.sqrt(np.maximum(squared, 0))
        return distances

    def score(self, X: ArrayLike, y=None) -> float:
        """Return how near the samples are to their prototypes: the quantization error, negative.

        Parameters
        ----------
        X : array_like
            Samples and errors as in `predict`.
        y : None
            Ignored; for scikit-learn.

        Returns
        -------
        float
            0 (best) or less, in the units of the samples: more is better, as model selection expects.
        """
        return -float(nearest_two(checks.check_like_fitted(self, X), self.weights_)[2].mean())

    def quality(self, X: ArrayLike) -> MapQuality:
        """Measure the map on samples: see `facesom.som.quality` for what each number means.

        Parameters
        ----------
        X : array_like, shape (N, ...)
            Samples as in `fit`; best ones that the map was not trained on.

        Returns
        -------
        MapQuality
            Printed, it says so in words.
        """
        return map_quality(checks.check_like_fitted(self, X), self.weights_, self.steps_)

    @property
    def prototypes_(self) -> np.ndarray:
        check_is_fitted(self, "weights_")
        return self.weights_.reshape(self.rows, self.cols, *self.sample_shape_)

    @property
    def positions_(self) -> np.ndarray:
        return node_positions(self.rows, self.cols, self.topology)

    @property
    def steps_(self) -> np.ndarray:
        return np.hypot(*node_steps(self.rows, self.cols, self.topology, self.torus))

    @property
    def u_matrix_(self) -> np.ndarray:
        check_is_fitted(self, "weights_")
        node, _, gaps = gaps_to_adjacent(self.weights_, self.steps_)
        count = np.bincount(node, minlength=len(self.weights_))
        mean = np.bincount(node, gaps, minlength=len(self.weights_)) / np.maximum(count, 1)
        return mean.reshape(self.rows, self.cols)

    @cached_property
    def minisom_(self) -> MiniSom:
        mini = new_minisom(self, 1)
        mini._weights = self.prototypes_.reshape(self.rows, self.cols, -1)
        mini._input_len = self.n_features_in_
        return mini

    @property
    def _n_features_out(self):
        return len(self.weights_)

    def save(self, path: str | Path) -> None:
        """Write the trained map to an ``.npz`` file of arrays and a JSON header, without pickle.

        Parameters
        ----------
        path : str or path-like
            The file appears whole or not at all; one that is there is replaced.

        Raises
        ------
        ValueError
            If a decay or the distance is a function of yours: a file holds no code.
        """
        check_is_fitted(self, "weights_")
        save_map(self, path)

    @classmethod
    def load(cls, path: str | Path, *, max_bytes: int = 4 * 2**30) -> FaceSOM:
        """Read a map that `save` wrote.

        Parameters
        ----------
        path : str or path-like
            The file.
        max_bytes : int, default 4 GiB
            The most bytes that the file may hold or announce.

        Returns
        -------
        FaceSOM
            Trained, as it was saved.

        Raises
        ------
        DatasetError
            If the file is not a saved map, is damaged, says what cannot be of one map, is too large, or comes
            from a later version.
        OSError
            If the file cannot be opened.
        """
        return load_map(cls, path, max_bytes)

    def _train(self, X, sample_weight=None):
        """Do the work of `fit`; a folded map is for the caller to report."""
        checks.check_parameters(self)
        samples, sample_shape, is_bytes = checks.check_samples(X)
        weight = checks.check_weight(self, sample_weight, len(samples))
        online, grid = self.method == "online", (self.rows, self.cols)
        init = checks.check_init(self, sample_shape)
        checks.warn_of_parameters(self)
        with one_thread(samples.size <= SMALL):
            if online:
                weights, history, blocks = train_online(samples, self, init), np.empty(0), None
            else:
                fades = fading_neighborhood(self)
                weights, history, blocks = train_batch(samples, weight, fades, grid, init, self.seed)
            if not np.isfinite(weights).all():
                cure = "use a smaller learning_rate (with the triangle, under 1 / sigma**2) or the gaussian"
                raise ValueError(f"training ran off to infinity: each step overshot its sample; {cure}.")
            nearest = nearest_two(samples, weights, blocks)
        for name in ("minisom_", "feature_names_in_"):
            self.__dict__.pop(name, None)
        if len(sample_shape) == 1:
            validate_data(self, X, skip_check_array=True)  # number and names of columns
        self.n_features_in_, self.sample_shape_, self.bytes_ = samples.shape[1], sample_shape, is_bytes
        self.weights_, self.history_ = weights, history
        self.labels_ = nearest[0] if self.distance == "euclidean" else self.predict(X)
        self.hits_ = np.bincount(self.labels_, minlength=len(weights)).reshape(grid)
        self.quantization_error_ = float(nearest[2].mean())
        apart = np.hypot(*node_steps(*grid, self.topology, self.torus, nearest[:2]))
        self.topographic_error_ = float((apart > ADJACENT).mean()) if len(weights) > 1 else float("nan")
        if not (samples[1:] != samples[0]).any():
            warnings.warn("all samples are equal: every prototype is that sample.", stacklevel=3)

"""`FaceSOM`: a self-organising map of one person's faces, trained in batches or exactly as MiniSom trains."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from minisom import MiniSom
from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted
from tqdm.auto import tqdm

from .batch import blas_threads, train_batch
from .checks import (
    check_init,
    check_like_fitted,
    check_parameters,
    check_persons,
    check_samples,
    check_weight,
)
from .grid import ADJACENT, neighborhood_weights, node_positions, node_steps
from .mapfile import load_if_same, load_map, save_map
from .online import train_online
from .quality import FOLDED, map_quality, nearest_two, squared_distances


class FaceSOM(ClusterMixin, TransformerMixin, BaseEstimator):
    """Self-organising map (Kohonen, 1982; 2001) of faces or feature vectors, in scikit-learn's manner.

    Parameters
    ----------
    rows, cols : int, default 10
        Size of the grid. Node ``row * cols + col``.
    method : {"batch", "online"}, default "batch"
        ``"batch"``: each epoch moves every prototype to the neighbourhood-weighted mean of the samples
        (Kohonen, 2013). ``"online"``: MiniSom's ``random_weights_init`` and ``train_random``, one sample a
        step, with the winners that the plain MiniSom script of the same seed finds.
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
    learning_rate_decay, sigma_decay : str or callable, default "asymptotic_decay"
        Online: MiniSom's ``decay_function`` and ``sigma_decay_function``.
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
    Batch training on few large images touches no pixel between start and end: prototypes are mixes of
    samples, so that all distances follow from the products of samples. Online training on few large images
    runs in full-rank coordinates of the samples' span, where Euclidean distances are the same.

    Examples
    --------
    >>> som = FaceSOM(rows=6, cols=6).fit(images)  # doctest: +SKIP
    >>> som.predict(images[:3])  # doctest: +SKIP
    array([14, 14, 20])
    """

    def __init__(
        self,
        rows=10,
        cols=10,
        method="batch",
        seed=42,
        *,
        sigma=None,
        sigma_end=None,
        n_epochs=20,
        learning_rate=0.5,
        n_steps=1000,
        learning_rate_decay="asymptotic_decay",
        sigma_decay="asymptotic_decay",
        neighborhood="gaussian",
        topology="rectangular",
        torus=False,
        init=None,
        distance="euclidean",
    ):
        self.rows = rows
        self.cols = cols
        self.method = method
        self.seed = seed
        self.sigma = sigma
        self.sigma_end = sigma_end
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.n_steps = n_steps
        self.learning_rate_decay = learning_rate_decay
        self.sigma_decay = sigma_decay
        self.neighborhood = neighborhood
        self.topology = topology
        self.torus = torus
        self.init = init
        self.distance = distance

    def fit(self, X, y=None, sample_weight=None):
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
            warnings.warn(
                f"folded map: for {self.topographic_error_:.0%} of the samples the two nearest prototypes "
                "are not neighbours on the map, so neighbouring nodes need not show similar faces. "
                'Use method="batch", a larger sigma or more steps.',
                stacklevel=2,
            )
        return self

    def predict(self, X):
        """Return the winning node of each sample: the nearest prototype, as MiniSom's ``winner`` finds it.

        Parameters
        ----------
        X : array_like, shape (N, ...)
            Samples as in `fit`, or flattened.

        Returns
        -------
        ndarray of int, shape (N,)
            Nodes ``row * cols + col``; of equally near nodes the first.

        Raises
        ------
        ValueError
            If the samples do not have the shape or the range of those in `fit`.
        """
        check_is_fitted(self, "weights_")
        samples = check_like_fitted(self, X)
        if self.distance != "euclidean":
            return np.array([self.minisom_.activate(x).argmin() for x in samples])
        return nearest_two(samples, self.weights_)[0]

    def transform(self, X):
        """Return the distance of each sample to each prototype, in the map's own ``distance``.

        Parameters
        ----------
        X : array_like, shape (N, ...)
            Samples as in `fit`, or flattened.

        Returns
        -------
        ndarray of float, shape (N, rows * cols)

        Raises
        ------
        ValueError
            If the samples do not have the shape or the range of those in `fit`.
        """
        check_is_fitted(self, "weights_")
        samples = check_like_fitted(self, X)
        if self.distance != "euclidean":
            return np.array([self.minisom_.activate(x).ravel() for x in samples])
        distances = np.empty((len(samples), len(self.weights_)))
        for rows, squared, _ in squared_distances(samples, self.weights_):
            distances[rows] = np.sqrt(np.maximum(squared, 0))
        return distances

    def quality(self, X):
        """Measure the map on samples: see `facesom.som.quality` for what each number means.

        Parameters
        ----------
        X : array_like, shape (N, ...)
            Samples as in `fit`; best ones that the map was not trained on.

        Returns
        -------
        MapQuality
            Quantization, topographic and combined error, trustworthiness, neighbourhood preservation, used
            nodes; printed, it says them in words.
        """
        check_is_fitted(self, "weights_")
        return map_quality(check_like_fitted(self, X), self.weights_, self.steps_)

    @property
    def prototypes_(self):
        check_is_fitted(self, "weights_")
        return self.weights_.reshape(self.rows, self.cols, *self.sample_shape_)

    @property
    def positions_(self):
        check_is_fitted(self, "weights_")
        return node_positions(self.rows, self.cols, self.topology)

    @property
    def steps_(self):
        return np.hypot(*node_steps(self.rows, self.cols, self.topology, self.torus))

    @property
    def u_matrix_(self):
        check_is_fitted(self, "weights_")
        steps = self.steps_
        node, other = np.nonzero((steps <= ADJACENT) & (steps > 0))
        gaps = np.linalg.norm(self.weights_[node] - self.weights_[other], axis=1)
        count = np.bincount(node, minlength=len(self.weights_))
        mean = np.bincount(node, gaps, minlength=len(self.weights_)) / np.maximum(count, 1)
        return mean.reshape(self.rows, self.cols)

    @property
    def minisom_(self):
        check_is_fitted(self, "weights_")
        if self._minisom is None:
            som = self._new_minisom(MiniSom, 1)
            som._input_len = self.weights_.shape[1]
            som._weights = self.weights_.reshape(self.rows, self.cols, -1)
            self._minisom = som
        return self._minisom

    def save(self, path):
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
    def load(cls, path):
        """Read a map that `save` wrote.

        Parameters
        ----------
        path : str or path-like

        Returns
        -------
        FaceSOM
            Trained, as it was saved.

        Raises
        ------
        ValueError
            If the file is not a saved map, is damaged, or comes from a later version.
        """
        return load_map(cls, path)

    def _train(self, X, sample_weight=None):
        """Do the work of `fit`; a folded map is for the caller to report."""
        check_parameters(self)
        samples, self.sample_shape_, self._bytes = check_samples(X)
        with blas_threads(samples.size):
            self._train_on(samples, sample_weight)

    def _train_on(self, samples, sample_weight):
        self.n_features_in_ = samples.shape[1]
        weight = check_weight(self, sample_weight, len(samples))
        init = check_init(self)
        self._minisom = None
        if self.method == "online":
            self.history_, blocks = np.empty(0), None
            self.weights_ = train_online(samples, self._new_minisom, self.n_steps, init=init, seed=self.seed)
        else:
            end = self.sigma_end or (1.5 if self.neighborhood in ("bubble", "triangle") else 0.5)
            sigmas = np.geomspace(max(self._sigma(), end), end, self.n_epochs)
            steps = node_steps(self.rows, self.cols, self.topology, self.torus)
            fades = (neighborhood_weights(steps, s, self.neighborhood, self.topology) for s in sigmas)
            self.weights_, self.history_, blocks = train_batch(
                samples, fades, (self.rows, self.cols), init=init, sample_weight=weight, seed=self.seed
            )
        if not np.isfinite(self.weights_).all():
            raise ValueError(
                "training ran off to infinity: each step overshot its sample; use a smaller learning_rate "
                "(with the triangle, which peaks at sigma squared, under 1 / sigma**2) or the gaussian."
            )
        best, second, distance = nearest_two(samples, self.weights_, blocks)
        self.labels_ = best if self.distance == "euclidean" else self.predict(samples)
        self.hits_ = np.bincount(self.labels_, minlength=len(self.weights_)).reshape(self.rows, self.cols)
        self.quantization_error_ = float(distance.mean())
        self.topographic_error_ = float("nan")
        if len(self.weights_) > 1:
            self.topographic_error_ = float((self.steps_[best, second] > ADJACENT).mean())
        if len(samples) == 1 or not (samples != samples[0]).any():
            warnings.warn(
                "all samples are equal: every prototype is that sample, nothing to order.", stacklevel=4
            )

    def _new_minisom(self, kind, input_len):
        som = kind(
            self.rows,
            self.cols,
            input_len,
            learning_rate=self.learning_rate,
            decay_function=self.learning_rate_decay,
            neighborhood_function=self.neighborhood,
            topology=self.topology,
            activation_distance=self.distance,
            random_seed=self.seed,
            sigma_decay_function=self.sigma_decay,
        )
        som._sigma = self._sigma()  # set here because the constructor warns of wide ones
        return som

    def _sigma(self):
        if self.sigma is not None:
            return self.sigma
        return 1.0 if self.method == "online" else max(self.rows, self.cols) / 2


def fit_soms(X1, method="batch", seed=42, *, n_jobs=2, progress=True, folder=None, **parameters):
    """Train one map for each person.

    Parameters
    ----------
    X1 : ndarray of shape (P, N, H, W), or sequence of P arrays (N, H, W) or (N, D)
        Faces of each person, as `FaceSOM.fit` takes them; numbers of frames may differ in a sequence.
    method : {"batch", "online"}, default "batch"
        As in `FaceSOM`.
    seed : int, default 42
        Every person's map gets this seed, so that each equals ``FaceSOM(seed=seed).fit(X1[p])``.
    n_jobs : int or None, default 2
        Threads, each with one BLAS thread. Inside ``joblib.parallel_config`` the backend named there does the
        work, and None takes its number of jobs.
    progress : bool, default True
        Show a progress bar.
    folder : str or path-like, optional
        Keep each map here as ``person_0000.npz`` and so on. Maps that are there already, with the same
        parameters and of the same faces, are read instead of trained.
    **parameters
        Further parameters of `FaceSOM`.

    Returns
    -------
    list of FaceSOM
        In the order of the persons.

    Raises
    ------
    ValueError
        If X1 is not a sequence of persons, or a person's faces do not fit; the message names the person.

    Warns
    -----
    UserWarning
        Once, naming the persons whose maps are folded.
    """
    persons = check_persons(X1)
    som = FaceSOM(method=method, seed=seed, **parameters)
    files = [None] * len(persons)
    if folder is not None:
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        files = [folder / f"person_{p:04d}.npz" for p in range(len(persons))]
    soms = [file and load_if_same(file, som, X) for file, X in zip(files, persons, strict=True)]
    waiting = [p for p, found in enumerate(soms) if found is None]
    with blas_threads(0):
        work = Parallel(n_jobs, prefer="threads", return_as="generator")(
            delayed(fit_person)(som, persons[p], p) for p in waiting
        )
        done = len(persons) - len(waiting)
        bar = tqdm(total=len(persons), initial=done, desc="maps", unit="person", disable=not progress)
        with bar:
            for p, trained in zip(waiting, work, strict=True):
                soms[p] = trained
                if folder is not None:
                    trained.save(files[p])
                bar.update()
    folded = [p for p, trained in enumerate(soms) if trained.topographic_error_ > FOLDED]
    if folded:
        warnings.warn(
            f"folded maps, topographic error over {FOLDED}: {len(folded)} of {len(soms)} persons, {folded}. "
            'Use method="batch", a larger sigma or more steps.',
            stacklevel=2,
        )
    return soms


def fit_person(som, X, person):
    """Return a new map with the parameters of `som`, trained on one person."""
    som = clone(som)
    try:
        som._train(X)
    except ValueError as error:
        raise ValueError(f"person {person}: {error}") from error
    return som

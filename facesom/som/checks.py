"""What a map accepts: samples, weights, first prototypes and parameters, and what to say of anything else."""

from __future__ import annotations

import warnings
from numbers import Integral, Real

import numpy as np

from facesom.io import as_faces, is_colour

from .grid import NEIGHBORHOODS, TOPOLOGIES

METHODS = ("batch", "online")
DISTANCES = ("euclidean", "cosine", "manhattan")


def check_samples(X):
    """Return samples as rows of numbers.

    Parameters
    ----------
    X : array_like, shape (N, H, W), (N, H, W, 3 or 4) or (N, D)

    Returns
    -------
    samples : ndarray, shape (N, D)
        A view where possible, in the dtype that came.
    shape : tuple of int
        Shape of one sample.
    is_bytes : bool
        Whether they are images of 0 to 255.

    Raises
    ------
    ValueError
        If X is not such an array of finite numbers.
    """
    try:
        samples = np.asarray(X)
    except ValueError as error:
        raise ValueError("X: expected samples of one shape, got a ragged list; crop or pad them.") from error
    if samples.ndim > 2:
        faces = as_faces(samples, name="X")
        if faces.ndim != 3 + is_colour(faces):
            raise ValueError(
                f"X: expected the faces of one person, (N, H, W), got shape {samples.shape}; "
                "for all persons use fit_soms, for one face pass X[None]."
            )
        return samples.reshape(len(samples), -1), samples.shape[1:], faces.dtype == np.uint8
    if samples.ndim < 2 or not samples.size:
        raise ValueError(
            f"X: expected images (N, H, W) or features (N, D), at least one, got shape {samples.shape}."
        )
    if samples.dtype.kind not in "fiub":
        raise ValueError(f"X: expected numbers, got {samples.dtype}; convert the column or drop it.")
    if not np.isfinite(samples).all():
        raise ValueError(
            "X: expected finite numbers, got NaN or infinity; impute or drop these samples first."
        )
    return samples, samples.shape[1:], False


def check_like_fitted(som, X):
    """Return samples as rows, or raise `ValueError` where they are not like those `som` was trained on."""
    shape = np.shape(X)
    if shape == som.sample_shape_:
        raise ValueError(f"X: expected a stack of samples, got a single one of shape {shape}; pass X[None].")
    samples, shape, is_bytes = check_samples(X)
    if shape not in (som.sample_shape_, (som.n_features_in_,)):
        raise ValueError(
            f"X: expected samples of shape {som.sample_shape_} as in fit, got {shape}; resize them alike."
        )
    if shape == som.sample_shape_ and is_bytes != som._bytes:
        wanted, came = ("0 to 255", "0 to 1") if som._bytes else ("0 to 1", "0 to 255")
        raise ValueError(f"X: expected values {wanted} as in fit, got {came}; bring both to the same range.")
    return samples


def check_persons(X1):
    """Return the persons' arrays as a list, or raise `ValueError`."""
    if isinstance(X1, np.ndarray) and X1.dtype != object and X1.ndim not in (4, 5):
        raise ValueError(
            f"X1: expected faces of all persons, (P, N, H, W), got shape {X1.shape}; "
            "for one person use FaceSOM().fit, for features pass a list of (N, D) arrays."
        )
    if not hasattr(X1, "__len__") or isinstance(X1, (str, bytes, dict)):
        raise ValueError(
            f"X1: expected faces of all persons, (P, N, H, W), got {type(X1).__name__}; pass `data.X1`."
        )
    if not len(X1):
        raise ValueError("X1: expected at least one person, got none.")
    return list(X1)


def check_init(som):
    """Return the kind of first prototypes, or given ones as rows, or raise `ValueError`."""
    if som.init is None:
        return "random" if som.method == "online" else "pca"
    if isinstance(som.init, str):
        return som.init
    given = np.asarray(som.init, dtype=float)
    shape = (som.rows, som.cols, *som.sample_shape_)
    if given.size != np.prod(shape) or not np.isfinite(given).all():
        raise ValueError(
            f"init: expected finite prototypes of shape {shape}, got shape {given.shape}; "
            "pass `prototypes_` of a map of the same size on the same kind of samples."
        )
    return given.reshape(som.rows * som.cols, -1)


def check_weight(som, sample_weight, n):
    """Return one weight a sample, or raise `ValueError`."""
    if sample_weight is None:
        return np.ones(n)
    if som.method == "online":
        raise ValueError('sample_weight: MiniSom\'s online training knows none; use method="batch".')
    weight = np.asarray(sample_weight, dtype=float)
    if weight.shape != (n,) or not np.isfinite(weight).all() or weight.min() < 0 or weight.sum() == 0:
        raise ValueError(
            f"sample_weight: expected {n} finite numbers, one a sample, 0 or more and not all 0, "
            f"got shape {weight.shape}, sum {weight.sum():g}."
        )
    return weight


def check_parameters(som):
    """Raise `ValueError` for a parameter that makes no map, warn of one that makes a poor map."""
    for name in ("rows", "cols", "n_epochs", "n_steps"):
        value = getattr(som, name)
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name}: expected a whole number from 1 up, got {value!r}.")
    if not isinstance(som.seed, Integral) or not 0 <= som.seed < 2**32:
        raise ValueError(f"seed: expected a whole number from 0 to 2**32 - 1, got {som.seed!r}.")
    for name in ("sigma", "sigma_end", "learning_rate"):
        value = getattr(som, name)
        if value is None and name != "learning_rate":
            continue
        if not isinstance(value, Real) or not 0 < value < np.inf:
            raise ValueError(f"{name}: expected a number over 0, got {value!r}.")
    for name, known in (("method", METHODS), ("neighborhood", NEIGHBORHOODS), ("topology", TOPOLOGIES)):
        if getattr(som, name) not in known:
            raise ValueError(f"{name}: expected one of {known}, got {getattr(som, name)!r}.")
    if isinstance(som.init, str) and som.init not in ("pca", "random"):
        raise ValueError(f'init: expected "pca", "random" or an array, got {som.init!r}.')
    if not callable(som.distance) and som.distance not in DISTANCES:
        raise ValueError(f"distance: expected one of {DISTANCES} or a function, got {som.distance!r}.")
    if som.distance != "euclidean":
        if som.method == "batch":
            raise ValueError(
                f"distance: a batch of means needs Euclidean distance, got {som.distance!r}; "
                'use method="online", or scale each sample to length 1, which makes Euclidean follow cosine.'
            )
        warnings.warn(
            f"distance {som.distance!r} does not survive the change of basis that makes training fast: "
            "MiniSom trains on the samples as they are.",
            stacklevel=4,
        )
    if som.torus and som.method == "online":
        raise ValueError('torus: MiniSom trains flat maps only; use method="batch".')
    if som.torus and som.topology == "hexagonal" and som.cols % 2:
        raise ValueError(f"torus: a hexagonal torus needs an even number of columns, got {som.cols}.")
    if som.sigma is not None and som.sigma > np.hypot(som.rows, som.cols):
        warnings.warn(
            f"sigma {som.sigma:g} exceeds the {som.rows} x {som.cols} grid: at the start all nodes learn "
            "alike; half the longer side is enough.",
            stacklevel=4,
        )

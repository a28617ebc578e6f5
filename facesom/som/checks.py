"""What a map accepts: samples, weights, first prototypes and parameters, and what to say of anything else."""

import warnings
from numbers import Real

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_is_fitted, validate_data

from facesom.io import DatasetError, as_array, as_faces, as_numbers, check_whole, is_colour, on_ground

from .grid import NEIGHBORHOODS, TOPOLOGIES
from .online import DECAYS, SIGMA_DECAYS

CHOICES = {
    "method": ("batch", "online"),
    "neighborhood": NEIGHBORHOODS,
    "topology": TOPOLOGIES,
    "learning_rate_decay": DECAYS,
    "sigma_decay": SIGMA_DECAYS,
    "torus": (True, False),
    "distance": ("euclidean", "cosine", "manhattan"),
}
FUNCTIONS = ("learning_rate_decay", "distance")  # of which one's own is taken, too
LARGEST = 1e150  # numbers up to this can be squared and added up


def as_samples(X):
    """Return samples as an array of whatever shape, missing ones NaN, or raise `ValueError`."""
    if issparse(X):
        raise DatasetError("X: expected dense numbers, sparse input is not supported; pass X.toarray().")
    try:
        return as_array(X, "X", "numbers")
    except DatasetError as error:
        said = "X: expected samples of one shape, got a ragged list or a mixture; crop or pad them"
        raise DatasetError(f"{said}. {error}") from None


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
    samples = as_samples(X)
    if samples.ndim > 2:
        channel = samples.shape[1] in (1, 3, 4) or samples.shape[-1] == 1
        if samples.ndim > 3 + is_colour(samples) and not channel:
            came = f"shape {samples.shape}; for all persons use fit_soms, for one of them pass X[0]"
            raise DatasetError(f"X: expected the faces of one person, (N, H, W), got {came}.")
        faces = as_faces(samples, name="X", leading=1)
        if faces.ndim == 4 and faces.shape[-1] == 4:
            samples = on_ground(faces)
        return samples.reshape(len(samples), -1), samples.shape[1:], faces.dtype == np.uint8
    if samples.ndim < 2 or not len(samples):
        came = f"shape {samples.shape}. Reshape your data: pass X[None] for a single sample"
        raise ValueError(f"X: expected images (N, H, W) or features (N, D), at least one, got {came}.")
    if not samples.size:
        raise ValueError(f"X: 0 feature(s) (shape={samples.shape}) while a minimum of 1 is required.")
    if samples.dtype.kind == "c":
        raise ValueError("X: Complex data not supported; pass X.real, or X.real and X.imag as two columns.")
    if samples.dtype.kind not in "fiub":
        raise ValueError(f"X: expected numbers, got {samples.dtype}; convert the column or drop it.")
    if not np.isfinite(samples).all():
        raise ValueError("X: expected finite numbers, got NaN or infinity; impute or drop these samples.")
    least, most = float(samples.min()), float(samples.max())
    if max(-least, most) > LARGEST or 0 < most - least < 1 / LARGEST:
        came = f"{least:g} to {most:g}; rescale them"
        raise ValueError(f"X: expected numbers whose distances can be squared, got {came}.")
    return samples, samples.shape[1:], False


def check_like_fitted(som, X):
    """Return samples as rows, or raise `ValueError` where they are not like those `som` was trained on."""
    check_is_fitted(som, "weights_")
    given = as_samples(X)
    if given.shape == som.sample_shape_:
        raise ValueError(f"X: expected samples, got one, {given.shape}. Reshape your data: pass X[None].")
    samples, shape, is_bytes = check_samples(given)
    if shape not in (som.sample_shape_, (som.n_features_in_,)):
        said = f"X has {samples.shape[1]} features, but FaceSOM is expecting {som.n_features_in_} features"
        came = f"{shape}; resize them alike. {said} as input"
        raise ValueError(f"X: expected samples of shape {som.sample_shape_} as in fit, got {came}.")
    if len(shape) == len(som.sample_shape_) == 1:
        validate_data(som, X, reset=False, skip_check_array=True)  # names of columns
    if shape == som.sample_shape_ and is_bytes != som.bytes_:
        wanted, came = ("0 to 255", "0 to 1") if som.bytes_ else ("0 to 1", "0 to 255")
        raise ValueError(f"X: expected values {wanted} as in fit, got {came}; bring both to the same range.")
    return samples


def check_persons(X1):
    """Return the persons' arrays as a list, or raise `ValueError`."""
    array = isinstance(X1, np.ndarray)
    listed = hasattr(X1, "__len__") and not isinstance(X1, (str, bytes, dict)) and len(X1)
    if not listed or (array and X1.dtype != object and X1.ndim not in (4, 5)):
        came = f"shape {X1.shape}" if array else type(X1).__name__
        cure = "for one person use FaceSOM().fit, for features a list of (N, D), of a data set pass `data.X1`"
        raise DatasetError(f"X1: expected faces of at least one person, (P, N, H, W), got {came}; {cure}.")
    return list(X1)


def check_init(som, sample_shape):
    """Return the kind of first prototypes, or fitting ones as rows, or raise `ValueError`."""
    if som.init is None or isinstance(som.init, str):
        return som.init or ("random" if som.method == "online" else "pca")
    shape = (som.rows, som.cols, *sample_shape)
    try:
        given = as_array(som.init, "init").astype(float)
    except (TypeError, ValueError):
        given = np.empty(0)
    if given.size != np.prod(shape, dtype=float) or not (np.abs(given) <= LARGEST).all():
        came = f"{np.shape(som.init)}; pass `prototypes_` of a map of such samples"
        raise ValueError(f"init: expected finite prototypes of shape {shape}, got {came}.")
    return given.reshape(som.rows * som.cols, -1)


def check_weight(som, sample_weight, n):
    """Return one weight for each sample, at most 1, or raise `ValueError`."""
    if sample_weight is None:
        return np.ones(n)
    if som.method == "online":
        raise ValueError('sample_weight: MiniSom\'s online training knows none; use method="batch".')
    expected = f"{n} finite numbers, one for each sample, 0 or more and not all zero"
    weight = as_numbers(sample_weight, "sample_weight", (n,), expected, finite=True)
    if weight.min() < 0 or not weight.any():
        raise ValueError(f"sample_weight: expected {expected}, got {weight.min():g} to {weight.max():g}.")
    weight = weight / weight.max()
    return np.where(weight > 1 / LARGEST, weight, 0)


def check_parameters(som):
    """Raise `ValueError` for a parameter that makes no map."""
    for name in ("rows", "cols", "n_epochs", "n_steps"):
        check_whole(getattr(som, name), name)
    check_whole(som.seed, "seed", 0, 2**32 - 1)
    for name in ("sigma", "sigma_end", "learning_rate"):
        value = getattr(som, name)
        left_open = value is None and name != "learning_rate"
        if not left_open and not (isinstance(value, Real) and 0 < value < np.inf):
            raise ValueError(f"{name}: expected a number over 0, got {value!r}.")
    for name, known in CHOICES.items():
        value = getattr(som, name)
        if value not in known and not (name in FUNCTIONS and callable(value)):
            raise ValueError(f"{name}: expected one of {known}, got {value!r}.")
    if isinstance(som.init, str) and som.init not in ("pca", "random"):
        raise ValueError(f'init: expected "pca", "random" or an array, got {som.init!r}.')
    if som.distance != "euclidean" and som.method == "batch":
        cure = 'use method="online", or scale each sample to length 1, which makes Euclidean follow cosine'
        raise ValueError(f"distance: a batch of means needs Euclidean, got {som.distance!r}; {cure}.")
    if som.torus and som.method == "online":
        raise ValueError('torus: MiniSom trains flat maps only; use method="batch".')
    if som.torus and som.topology == "hexagonal" and som.cols % 2:
        raise ValueError(f"torus: a hexagonal torus needs an even number of columns, got {som.cols}.")


def warn_of_parameters(som):
    """Warn of parameters that make a poor or a slow map."""
    if som.distance != "euclidean":
        said = f"distance {som.distance!r} does not survive the change of basis that makes training fast"
        warnings.warn(f"{said}: MiniSom trains on the samples as they are.", stacklevel=4)
    if som.sigma is not None and som.sigma > np.hypot(som.rows, som.cols):
        said = f"sigma {som.sigma:g} exceeds the {som.rows} x {som.cols} grid: at the start all nodes learn"
        warnings.warn(f"{said} alike; half the longer side is enough.", stacklevel=4)

"""Trained maps as files: arrays and a JSON header in an ``.npz``, versioned, without pickle."""

import json
import math

import numpy as np

from facesom.io import DatasetError, atomic_write, brief, open_regular, read_npz

from .checks import LARGEST, check_init, check_parameters, check_samples
from .quality import nearest_two

FORMAT, VERSION = "facesom map", 1
ARRAYS = ("weights_", "labels_", "hits_", "history_")
FACTS = ("sample_shape_", "n_features_in_", "quantization_error_", "topographic_error_")


def save_map(som, path):
    """Write a trained map; see `FaceSOM.save`."""
    parameters = som.get_params()
    arrays = {name: getattr(som, name) for name in ARRAYS}
    if not isinstance(som.init, (str, type(None))):
        arrays["init"], parameters["init"] = np.asarray(som.init, dtype=float), "given"
    if hasattr(som, "feature_names_in_"):
        arrays["feature_names_in_"] = som.feature_names_in_.astype(str)
    if functions := [name for name, value in parameters.items() if callable(value)]:
        raise ValueError(f"save: expected MiniSom's named functions, got your own {functions}; name one.")
    header = {"format": FORMAT, "version": VERSION, "parameters": parameters, "_bytes": som.bytes_}
    header |= {name: getattr(som, name) for name in FACTS}
    header = json.dumps(header, default=lambda number: number.item())
    with atomic_write(path, "wb") as file:
        np.savez(file, header=np.array(header), **arrays)


def load_map(kind, path, max_bytes):
    """Read a map of class `kind`; see `FaceSOM.load`."""
    with open_regular(path) as file:
        try:
            arrays = read_npz(file, max_bytes)
            header = json.loads(str(arrays.pop("header")))
            if header["format"] != FORMAT or header["version"] not in range(1, VERSION + 1):
                raise ValueError(f"it says {header['format']!r:.40}, version {header['version']!r:.40}")
            som = kind(**header["parameters"])
            som.init = arrays.pop("init", som.init)
            vars(som).update({name: header[name] for name in FACTS} | {name: arrays[name] for name in ARRAYS})
            if "feature_names_in_" in arrays:
                som.feature_names_in_ = arrays["feature_names_in_"].astype(object)
            som.sample_shape_, som.bytes_ = tuple(som.sample_shape_), header["_bytes"]
            check_map(som)
        except Exception as error:  # a damaged header fails in many ways
            said = error if isinstance(error, ValueError) else f"{type(error).__name__} {error}"
            expected = f"{path}: expected a map saved by FaceSOM.save, version {VERSION} or before"
            cure = "Save it again, or update facesom"
            raise DatasetError(f"{expected}, but: {brief(said, 300)}. {cure}.") from None
    return som


def check_map(som):
    """Raise an error unless all that a file says of a map agrees."""
    check_parameters(som)
    k, d = som.rows * som.cols, som.n_features_in_
    n_errors = 0 if som.method == "online" else som.n_epochs
    check_init(som, som.sample_shape_)
    for right, what in (
        (all(isinstance(x, int) and x > 0 for x in (d, *som.sample_shape_)), "shape of a sample"),
        (len(som.sample_shape_) in (1, 2, 3) and math.prod(som.sample_shape_) == d, "size of a sample"),
        (isinstance(som.bytes_, bool), "range of values"),
        (len(getattr(som, "feature_names_in_", range(d))) == d, "names of columns"),
        (is_array(som.weights_, "f", (k, d)), "prototypes"),
        (is_array(som.history_, "f", (n_errors,)), "history"),
        (is_array(som.labels_, "iu", (som.labels_.size,)) and som.labels_.size > 0, "labels"),
        (is_array(som.hits_, "iu", (som.rows, som.cols)), "hits"),
    ):
        if not right:
            raise ValueError(f"the {what} cannot be those of {som.rows} x {som.cols} nodes")
    if som.labels_.min() < 0 or som.labels_.max() >= k:
        raise ValueError(f"labels run from {som.labels_.min()} to {som.labels_.max()}, with {k} nodes")
    if not np.array_equal(np.bincount(som.labels_, minlength=k), som.hits_.ravel()):
        raise ValueError("the hits are not those of the labels")
    near, folded = som.quantization_error_, som.topographic_error_
    if not 0 <= near < math.inf or not (math.isnan(folded) if k == 1 else 0 <= folded <= 1):
        raise ValueError(f"errors of {near!r:.40} and {folded!r:.40}")


def is_array(values, kinds, shape):
    """Whether an array holds numbers that can be squared, of one of these kinds, in this shape."""
    return values.dtype.kind in kinds and values.shape == shape and bool((np.abs(values) <= LARGEST).all())


def load_if_same(path, som, X):
    """Return the map in a file if it has the parameters of `som` and was trained on X, else None."""
    try:
        found = type(som).load(path)
        samples, shape, is_bytes = check_samples(X)
    except (OSError, ValueError):  # what is wrong with X is said when it is trained on
        return None
    wanted, kept = som.get_params(), found.get_params()
    alike = (len(samples), shape, is_bytes) == (len(found.labels_), found.sample_shape_, found.bytes_)
    if not alike or not all(np.array_equal(wanted[name], kept[name]) for name in wanted):
        return None
    winners, _, distance = nearest_two(samples, found.weights_)
    won = found.distance != "euclidean" or np.array_equal(winners, found.labels_)
    near = np.isclose(distance.mean(), found.quantization_error_, rtol=1e-9, atol=1e-12)
    return found if won and near else None

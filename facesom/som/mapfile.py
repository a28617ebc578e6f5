"""Trained maps as files: arrays and a JSON header in an ``.npz``, versioned, without pickle."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from .checks import check_samples
from .quality import nearest_two

FORMAT, VERSION = "facesom map", 1
ARRAYS = ("weights_", "labels_", "hits_", "history_")
FACTS = ("sample_shape_", "n_features_in_", "quantization_error_", "topographic_error_", "_bytes")


def save_map(som, path):
    """Write a trained map; see `FaceSOM.save`."""
    parameters = som.get_params()
    arrays = {name: getattr(som, name) for name in ARRAYS}
    if not isinstance(som.init, (str, type(None))):
        arrays["init"], parameters["init"] = np.asarray(som.init, dtype=float), "given"
    if functions := [name for name, value in parameters.items() if callable(value)]:
        raise ValueError(
            f"save: expected MiniSom's named functions, got your own {functions}; name one or pickle."
        )
    header = {"format": FORMAT, "version": VERSION, "parameters": parameters}
    header |= {name: getattr(som, name) for name in FACTS}
    path = Path(path)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            np.savez(
                file, header=np.array(json.dumps(header, default=lambda number: number.item())), **arrays
            )
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def load_map(kind, path):
    """Read a map of class `kind`; see `FaceSOM.load`."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(str(arrays["header"]))
        if header["format"] != FORMAT or header["version"] > VERSION:
            raise ValueError(f"it says {header['format']!r}, version {header['version']}")
        som = kind(**header["parameters"])
        som.init = arrays.get("init", som.init)
        for name in FACTS:
            setattr(som, name, header[name])
        for name in ARRAYS:
            setattr(som, name, arrays[name])
        som.sample_shape_ = tuple(som.sample_shape_)
    except (
        AttributeError,
        EOFError,
        KeyError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise ValueError(
            f"{path}: expected a map saved by FaceSOM.save, version {VERSION} or before, but: {error}. "
            "Save it again, or update facesom."
        ) from error
    som._minisom = None
    return som


def load_if_same(path, som, X):
    """Return the map in a file if it has the parameters of `som` and was trained on X, else None."""
    try:
        found = load_map(type(som), path)
    except (OSError, ValueError):
        return None
    samples = check_samples(X)[0]
    wanted, kept = som.get_params(), found.get_params()
    if not all(np.array_equal(wanted[name], kept[name]) for name in wanted):
        return None
    if samples.shape != (len(found.labels_), found.n_features_in_):
        return None
    distance = nearest_two(samples, found.weights_)[2]
    return found if np.isclose(distance.mean(), found.quantization_error_, rtol=1e-9, atol=1e-12) else None

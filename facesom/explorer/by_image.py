"""What is given for each image of one or several persons, brought to one row per image."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from facesom.io import as_array, as_faces, is_colour, on_ground


def as_stack(images):
    """Return faces as one stack, and how many each person has.

    Parameters
    ----------
    images : array_like, shape (N, H, W[, 3 or 4]) or (P, N, H, W[, 3 or 4]), or list of P arrays

    Returns
    -------
    images : ndarray, shape (n, H, W) or (n, H, W, 3)
    lengths : list of int, or None
        Frames of each person; None for a single stack.
    """
    faces = on_ground(as_faces(images, leading=(1, 2)))
    if isinstance(faces, list):
        return np.concatenate(faces), [len(person) for person in faces]
    if type(images) is np.ndarray and images.dtype != object and images.shape[-1] != 4:
        faces = images  # in the dtype that came, which a map may have been trained on
    if faces.ndim - is_colour(faces) == 3:
        return faces, None
    return faces.reshape(-1, *faces.shape[2:]), [faces.shape[1]] * len(faces)


def each_row(values, n, name, ndims=(1,)):
    """Return values as n rows, whether they come as (n, ...), (P, N, ...) or a list of persons' arrays."""
    if isinstance(values, (list, tuple)) and len({np.shape(v) for v in values}) > 1:
        values = np.concatenate([np.atleast_1d(as_array(v, name)) for v in values])
    values = as_array(values, name)
    shape = values.shape
    by_person = len(shape) > 1 and shape[0] * shape[1] == n
    if by_person and (shape[0] != n or values.ndim not in ndims):
        values = values.reshape(n, *shape[2:])
    if values.ndim not in ndims or len(values) != n:
        raise ValueError(f"{name}: expected a row for each of {n} images, got an array of shape {shape}.")
    return values


def whole_numbers(values, n, name, low, stop=np.inf):
    """Return one whole number for each image, at least `low` and less than `stop`."""
    values = each_row(values, n, name)
    if values.dtype.kind not in "iu":
        raise ValueError(f"{name}: expected whole numbers, got {values.dtype}.")
    if values.min() < low or values.max() >= stop:
        limit = f"from {low} on" if stop == np.inf else f"from {low} to {stop - 1}"
        raise ValueError(f"{name}: expected numbers {limit}, got {values.min()} to {values.max()}.")
    return values.astype(int)


def real_numbers(values, n, name, ndims=(1,)):
    """Return numbers for each image as float64; NaN may be among them."""
    values = each_row(values, n, name, ndims)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name}: expected numbers, got {values.dtype}; number the categories.")
    return values.astype(float)


def named_columns(columns, n, taken):
    """Return {name: numbers (n,)}; the columns of an array (n, C) become name_0, name_1, ..."""
    if not isinstance(columns, Mapping):
        came = type(columns).__name__
        raise ValueError(f'columns: expected names and numbers, e.g. {{"X2": data.X2}}, got {came}.')
    found = {}
    for name, values in columns.items():
        values = real_numbers(values, n, f"columns[{name!r}]", ndims=(1, 2))
        several = values.ndim > 1
        found |= {f"{name}_{c}" if several else str(name): v for c, v in enumerate(np.atleast_2d(values.T))}
    clash = sorted(set(found) & set(taken))
    if clash:
        raise ValueError(f"columns: {clash} have a meaning of their own on the page; name them otherwise.")
    return found


def name_persons(persons, lengths, n):
    """Return who is on each image.

    Parameters
    ----------
    persons : array_like, one for each image or for each of `lengths`, or None
    lengths : list of int, or None
        Images of each person, where they come by person.
    n : int
        Number of images.

    Returns
    -------
    names : list of str
        In the order in which they appear.
    who, frames : ndarray of int, shape (n,)
        Place of the image's person in `names`; number of the image among that person's.
    """
    if persons is None:
        persons = range(len(lengths) if lengths else 1)
        lengths = lengths or [n]
    persons = [str(p) if np.ndim(p) == 0 else [str(q) for q in p] for p in persons]
    if lengths is not None and len(persons) == len(lengths) and isinstance(persons[0], str):
        persons = [person for person, length in zip(persons, lengths, strict=True) for _ in range(length)]
    else:
        persons = each_row(persons, n, "persons")
    persons = pd.Series(persons, dtype=object)
    who, names = pd.factorize(persons)
    return names.tolist(), who, persons.groupby(who).cumcount().to_numpy()

"""What is given for each image of one or several persons, brought to one row an image."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from facesom.identity import as_people
from facesom.io import as_faces, is_colour


def as_stack(images):
    """Return faces as one stack, and how many each person has.

    Parameters
    ----------
    images : array_like, shape (N, H, W[, 3 or 4]) or (P, N, H, W[, 3 or 4]), or list of P arrays

    Returns
    -------
    images : ndarray, shape (n, H, W) or (n, H, W, 3 or 4)
    lengths : list of int, or None
        Frames of each person; None for a single stack.
    """
    if isinstance(images, (list, tuple)) and len({np.shape(x) for x in images}) > 1:
        people = as_people(images)
        return np.concatenate(people), [len(x) for x in people]
    axes = as_faces(images).ndim - 2
    images = np.asarray(images)  # in the dtype that came, which a map may have been trained on
    axes -= is_colour(images)
    if axes == 1:
        return images, None
    if axes == 2:
        return images.reshape(-1, *images.shape[2:]), [images.shape[1]] * len(images)
    raise ValueError(
        "images: expected faces (N, H, W) or (N, H, W, 3), or those of persons (P, N, H, W) or "
        f"(P, N, H, W, 3), got shape {images.shape}" + ("; pass images[None]." if axes == 0 else ".")
    )


def each_row(values, n, name, ndims=(1,)):
    """Return values as n rows, whether they come as (n, ...), (P, N, ...) or a list of persons' arrays."""
    if isinstance(values, (list, tuple)) and len({np.shape(v) for v in values}) > 1:
        values = np.concatenate([np.atleast_1d(v) for v in values])
    values = np.asarray(values)
    shape = values.shape
    by_person = len(shape) > 1 and shape[0] * shape[1] == n
    if by_person and (shape[0] != n or values.ndim not in ndims):
        values = values.reshape(n, *shape[2:])
    if values.ndim not in ndims or len(values) != n:
        raise ValueError(f"{name}: expected a row for each of {n} images, got an array of shape {shape}.")
    return values


def whole_numbers(values, n, name, low, stop=None):
    """Return one whole number for each image, at least `low` and less than `stop`."""
    values = each_row(values, n, name)
    if values.dtype.kind not in "iu":
        raise ValueError(f"{name}: expected whole numbers, got {values.dtype}.")
    if values.min() < low or (stop is not None and values.max() >= stop):
        limit = f"from {low} on" if stop is None else f"from {low} to {stop - 1}"
        raise ValueError(f"{name}: expected numbers {limit}, got {values.min()} to {values.max()}.")
    return values.astype(int)


def real_numbers(values, n, name, ndims=(1,)):
    """Return numbers for each image as float64; NaN may be among them."""
    values = each_row(values, n, name, ndims)
    if values.dtype.kind not in "biuf":
        raise ValueError(
            f"{name}: expected numbers, got {values.dtype}; number the categories or leave it out."
        )
    return values.astype(float)


def named_columns(columns, n, taken):
    """Return {name: numbers (n,)}; the columns of an array (n, C) become name_0, name_1, ..."""
    if not isinstance(columns, Mapping):
        raise ValueError(
            f'columns: expected names and numbers, e.g. {{"X2": data.X2}}, got {type(columns).__name__}.'
        )
    found = {}
    for name, values in columns.items():
        values = real_numbers(values, n, f"columns[{name!r}]", ndims=(1, 2))
        found |= (
            {str(name): values} if values.ndim == 1 else {f"{name}_{c}": v for c, v in enumerate(values.T)}
        )
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
    if lengths is not None and len(persons) == len(lengths) and np.ndim(persons[0]) == 0:
        persons = np.repeat([str(p) for p in persons], lengths)
    persons = np.array([str(p) for p in each_row(persons, n, "persons")])
    _, first, who = np.unique(persons, return_index=True, return_inverse=True)
    who = np.argsort(np.argsort(first))[who]
    counts = np.bincount(who)
    frames = np.empty(n, dtype=int)
    frames[np.argsort(who, kind="stable")] = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
    return persons[np.sort(first)].tolist(), who, frames

"""Training and test halves that share neither persons nor images, and classes made equally large."""

import warnings
from dataclasses import is_dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.metrics.cluster import contingency_matrix

from facesom.io import as_array

from .copies import find_copies, image_hashes
from .labelled import check_labelled, few

N_DRAWS = 200


def balanced(data, *, seed=0):
    """Draw as many samples of each class as the smallest one has, without replacement.

    Parameters
    ----------
    data : EmotionFaces or ActionUnits
    seed : int, default 0

    Returns
    -------
    EmotionFaces or ActionUnits
        In the order in which they were.

    Raises
    ------
    ValueError
        If a class has no samples, or samples have no labels.
    """
    check_labelled(data)
    smallest, n = min(data.counts.items(), key=lambda count: count[1])
    if not n:
        raise ValueError(f"data: expected samples of each class, {smallest!r} has none; see data.classes.")
    rng = np.random.default_rng(seed)
    members = (np.flatnonzero(data.labels == k) for k in range(len(data.names)))
    return data.subset(np.sort(np.concatenate([rng.choice(m, n, replace=False) for m in members])))


def split_by_person(persons, labels, test_size=0.25, seed=0):
    """Split samples so that no person is in both halves and both have about the same shares of the classes.

    Parameters
    ----------
    persons : array_like, shape (N,)
        Who each sample is of.
    labels : array_like, shape (N,)
        Class of each sample.
    test_size : float, default 0.25
        Share of the samples to test on, 0 to 1; whole persons come near it.
    seed : int, default 0

    Returns
    -------
    train, test : ndarray of int
        Places of the samples.

    Raises
    ------
    ValueError
        If persons or labels are missing, or there is but one person.

    Warns
    -----
    UserWarning
        If a class is in one half only.

    Notes
    -----
    Of `N_DRAWS` random choices of persons the one whose shares of all classes come nearest to `test_size`.
    (scikit-learn's `StratifiedGroupKFold` loses the shares when it shuffles, in version 1.6 and before.)
    """
    if persons is None:
        cure = 'read with person="prefix" or "folder", or split_train_test'
        raise ValueError(f"persons: they are not known; {cure}")
    persons, labels = as_array(persons, "persons"), as_array(labels, "labels")
    if persons.ndim != 1 or persons.shape != labels.shape:
        raise ValueError(f"persons: expected one for each of {len(labels)} samples, got {persons.shape}.")
    for name, values in (("persons", persons), ("labels", labels)):
        if n := int((values != values).sum()):  # NaN stands for what is missing
            raise ValueError(f"{name}: expected one for each sample, {n} are missing; leave those out.")
    if not isinstance(test_size, (float, np.floating)) or not 0 < test_size < 1:
        raise ValueError(f"test_size: expected a share over 0 and under 1, got {test_size!r}.")
    names, numbers = np.unique(persons, return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"persons: expected at least two, one to test on, got {len(names)}.")
    counts, rng = contingency_matrix(numbers, labels), np.random.default_rng(seed)
    order, n_test = min((_draw(counts, test_size, rng) for _ in range(N_DRAWS)), key=lambda draw: draw[2])[:2]
    tested = np.isin(numbers, order[:n_test])
    train, test = np.flatnonzero(~tested), np.flatnonzero(tested)
    if lonely := np.setxor1d(labels[train], labels[test]).tolist():
        shown = ", ".join(map(str, lonely))
        warnings.warn(f"labels: class {shown} is in one half only, as too few persons show it.", stacklevel=2)
    return train, test


def _draw(counts, test_size, rng):
    """Persons in random order, how many of them make a test, and how far its shares are from `test_size`."""
    order = rng.permutation(len(counts))
    sums = counts[order].cumsum(axis=0)[:-1]  # one person at least remains for the training
    n_test = np.abs(sums.sum(axis=1) - test_size * counts.sum()).argmin()
    return order, n_test + 1, ((sums[n_test] / counts.sum(axis=0) - test_size) ** 2).sum()


def split_train_test(data, test_size=0.25, seed=0, *, copies=None):
    """Split labelled samples by person where persons are known, else so that copies stay together.

    Parameters
    ----------
    data : EmotionFaces or ActionUnits
    test_size : float, default 0.25
        Share of the samples to test on, 0 to 1.
    seed : int, default 0
    copies : bool, optional
        Whether images that `find_copies` calls the same picture stay together, and with them the persons
        under whose names they are. Default: where persons are not known.

    Returns
    -------
    train, test : EmotionFaces or ActionUnits

    Raises
    ------
    ValueError
        If there is but one person, or image, or samples have no labels.

    Warns
    -----
    UserWarning
        If persons are not known.
    """
    check_labelled(data)
    units, copies = data.persons, data.persons is None if copies is None else copies
    if units is None:
        flatters = "the same people may be in training and test, which flatters every result"
        warnings.warn(f"persons are not known: {flatters}.", stacklevel=2)
        units = image_hashes(data.images) if hasattr(data, "images") else np.arange(len(data))
    if copies and hasattr(data, "images"):
        units = np.unique(units, return_inverse=True)[1]
        ends = units[find_copies(data.images)].T
        edges = coo_array((np.ones(ends.shape[1], dtype=bool), ends), shape=(units.max() + 1,) * 2)
        units = connected_components(edges, directed=False)[1][units]
    train, test = split_by_person(units, data.labels, test_size, seed)
    return data.subset(train), data.subset(test)


def check_disjoint(train, test):
    """Make sure that a test shares neither persons nor images with the training.

    Parameters
    ----------
    train, test : EmotionFaces or ActionUnits

    Raises
    ------
    ValueError
        If persons or images are in both, or classes differ; the message names some. Images count as in both
        when they are equal pixel by pixel, or, where persons are not known, `find_copies` calls them copies.

    Warns
    -----
    UserWarning
        If persons are known and apart, and images look like copies all the same.
    """
    if not (is_dataclass(train) and type(train) is type(test)):
        got = f"{type(train).__name__} and {type(test).__name__}"
        raise ValueError(f"train and test: expected EmotionFaces, or ActionUnits, twice, got {got}.")
    if train.names != test.names:
        wanted = f"the classes of train, {', '.join(train.names)}, got {', '.join(test.names)}"
        raise ValueError(f"test: expected {wanted}; as_emotions() gives both the same.")
    known = train.persons is not None and test.persons is not None
    if known and len(both := np.intersect1d(train.persons, test.persons)):
        found = f"{len(both)} persons are in training and test: {few(both)}"
        raise ValueError(f"test: {found}. A model recognises them; split with split_train_test.")
    if not hasattr(train, "images"):
        return
    sources = np.arange(len(test)) if test.sources is None else test.sources
    seen = np.isin(image_hashes(test.images), image_hashes(train.images))
    seen &= train.images.shape[1:] == test.images.shape[1:]
    if seen.any():
        found = f"{seen.sum()} images are in the training, too, pixel by pixel: {few(sources[seen])}"
        raise ValueError(f"test: {found}. Leave them out of either half; image_hashes finds them.")
    alike = np.unique(find_copies(test.images, train.images)[:, 0])
    how = "saved again, resized, mirrored or brightened"
    found = f"{len(alike)} images look like copies of training images ({how}): {few(sources[alike])}"
    if len(alike) and not known:
        raise ValueError(f"test: {found}. Leave them out of either half; find_copies finds them.")
    if len(alike):
        warnings.warn(f"test: {found}. Are they under two persons' names?", stacklevel=2)

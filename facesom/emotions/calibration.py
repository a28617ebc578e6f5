"""Whether probabilities mean what they say."""

import numpy as np

from facesom.io import as_array

N_BINS = 10


def calibration_error(probabilities, labels, *, n_bins=N_BINS):
    """Return how far a model's confidence is from how often it is right, on average: 0 is calibrated.

    Parameters
    ----------
    probabilities : array_like of float, shape (N, K)
    labels : array_like of int, shape (N,)
        True classes, columns of `probabilities`.
    n_bins : int, default 10

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    ValueError
        If there is not one label for each row.

    Notes
    -----
    The expected calibration error (Guo et al., 2017): over bins of equal width of the largest probability,
    the differences between its mean and the share that is right, weighted by their number of samples.
    """
    n, confidence, right = calibration_bins(probabilities, labels, n_bins)
    return float((n * np.abs(confidence - right)).sum() / n.sum())


def calibration_bins(probabilities, labels, n_bins=N_BINS):
    """Sort samples into bins of equal width by their largest probability, and say how often each is right.

    Parameters
    ----------
    probabilities, labels, n_bins
        As in `calibration_error`.

    Returns
    -------
    n : ndarray of int, shape (B,)
        Samples in each bin that has some.
    confidence, right : ndarray of float, shape (B,)
        Their mean largest probability, and the share of them that is right.

    Raises
    ------
    ValueError
        If there is not one label for each row, or something is missing.
    """
    probabilities = as_array(probabilities, "probabilities").astype(float, copy=False)
    labels = as_array(labels, "labels")
    fit = probabilities.ndim == 2 and labels.shape == probabilities.shape[:1] and labels.size
    if not fit or labels.dtype.kind not in "iu" or not np.isfinite(probabilities).all():
        wanted = "one for each row of probabilities (N, K), whole numbers and nothing missing"
        got = f"{labels.dtype} of {labels.shape} and {probabilities.shape}"
        raise ValueError(f"labels: expected {wanted}, got {got}.")
    largest, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    which = np.minimum((largest * n_bins).astype(int), n_bins - 1)
    n = np.bincount(which, minlength=n_bins)
    used = n > 0
    sums = [np.bincount(which, weights, n_bins)[used] for weights in (largest, right)]
    return n[used], *(total / n[used] for total in sums)

"""How well classes are told apart: accuracy and its relatives, with intervals and what chance reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from facesom.io import as_array, check_whole

__all__ = ["MEASURES", "ClassificationScores", "classification_scores"]

#: What `ClassificationScores` measures: its attributes, and how tables call them.
MEASURES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "precision": "macro precision",
    "recall": "macro recall",
    "f1": "macro F1",
    "cross_entropy": "cross-entropy",
}

AT_ONCE = 2_000_000  # numbers in a block of bootstraps; bounds the memory


@dataclass(frozen=True, repr=False, eq=False)
class ClassificationScores:
    """How well N samples were told apart into K classes.

    Attributes
    ----------
    names : tuple of str, length K
    truth, predicted : ndarray of int, shape (N,)
        True and predicted class of each sample, an index into `names`.
    confusion : ndarray of int, shape (K, K)
        Number of samples of the row's class that were taken for the column's.
    accuracy : float
        Share of the samples told right, 0 to 1.
    balanced_accuracy, precision, recall, f1 : float
        Means over the classes that occur among the true ones, each counting alike, 0 to 1. Recall is the
        share of a class told right, and its mean *is* the balanced accuracy; precision is the share of what
        was taken for a class that belongs to it, 0 where nothing was; F1 is their harmonic mean.
    cross_entropy : float
        Mean negative natural logarithm of the probability given to the true class, NaN without probabilities.
    chance : float
        Balanced accuracy of any guess: 1 over the number of classes that occur.
    majority : float
        Accuracy of always saying the commonest true class.
    intervals : dict
        95 % bootstrap interval (low, high) of each measure, by its attribute's name; NaN for a single person.
    class_precision, class_recall, class_f1 : ndarray of float, shape (K,)
        The same of each class; recall is NaN for a class that does not occur.
    n_groups : int or None
        How many persons, or what else `unit` says, there are where samples came with theirs.
    unit : str
        What the intervals draw anew, in the plural: "persons", "photos" ...
    """

    names: tuple
    truth: np.ndarray
    predicted: np.ndarray
    confusion: np.ndarray
    accuracy: float
    balanced_accuracy: float
    precision: float
    recall: float
    f1: float
    cross_entropy: float
    chance: float
    majority: float
    intervals: dict
    class_precision: np.ndarray
    class_recall: np.ndarray
    class_f1: np.ndarray
    n_groups: int | None
    unit: str = "persons"

    def __repr__(self):
        persons = "" if self.n_groups is None else f" of {self.n_groups} {self.unit}"
        lines = [f"ClassificationScores: {len(self.truth)} samples{persons}, {len(self.names)} classes"]
        beside = {"accuracy": "majority", "balanced accuracy": "chance"}
        for words, (value, low, high) in self._measured().items():
            free = f"  {beside[words]} {getattr(self, beside[words]):.3f}" if words in beside else ""
            lines.append(f"  {words:17}  {value:.3f}  [{low:.3f}, {high:.3f}]{free}")
        return "\n".join(lines)

    def to_frame(self):
        """Return the measures as a table, a row a measure: its value and the ends of its 95 % interval.

        Returns
        -------
        pandas.DataFrame
            Columns "value", "low", "high"; the last rows are chance and majority.
        """
        rows = self._measured() | {
            name: [getattr(self, name), np.nan, np.nan] for name in ("chance", "majority")
        }
        return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "low", "high"])

    def _measured(self):
        """Value and interval of each measure that there is, by what tables call it."""
        return {
            words: [getattr(self, measure), *self.intervals[measure]]
            for measure, words in MEASURES.items()
            if not np.isnan(getattr(self, measure))
        }

    def class_table(self):
        """Return precision, recall and F1 of each class, and how many samples it has.

        Returns
        -------
        pandas.DataFrame
            A row a class; "most often taken for" is the commonest error, "" where there is none.
        """
        errors = self.confusion * (1 - np.eye(len(self.names), dtype=int))
        taken_for = [self.names[k] if n else "" for k, n in zip(errors.argmax(1), errors.max(1), strict=True)]
        columns = {
            "precision": self.class_precision,
            "recall": self.class_recall,
            "F1": self.class_f1,
            "samples": self.confusion.sum(axis=1),
            "most often taken for": taken_for,
        }
        return pd.DataFrame(columns, index=list(self.names))


def classification_scores(
    y_true,
    y_pred=None,
    probabilities=None,
    *,
    names=None,
    groups=None,
    unit="persons",
    n_bootstraps=1000,
    seed=0,
):
    """Compare predicted with true classes: measures, their bootstrap intervals, and what chance would reach.

    Parameters
    ----------
    y_true : array_like, shape (N,)
        True class of each sample: its number, or its name.
    y_pred : array_like, shape (N,), optional
        Predicted class in the same form. Default: the most probable one.
    probabilities : array_like of float, shape (N, K), optional
        Of each class for each sample, 0 to 1; a row sums to 1.
    names : sequence of str, length K, optional
        Names of the classes in the order of their numbers and of the columns of `probabilities`. Default: the
        classes that occur, sorted.
    groups : array_like, shape (N,), optional
        Person of each sample. Samples of one person resemble each other, so intervals must resample persons.
    unit : str, default "persons"
        What `groups` are, in the plural, where they are no persons: "photos" ...
    n_bootstraps : int, default 1000
        How often samples, or persons where they are given, are drawn anew with replacement.
    seed : int, default 0

    Returns
    -------
    ClassificationScores

    Raises
    ------
    ValueError
        If arrays do not fit each other, a class has no name, or probabilities are none.

    Notes
    -----
    Percentile bootstrap (Efron, 1979). The intervals say how far the result may move with other test samples
    or persons; they know nothing of other training sets.
    """
    if y_pred is None and probabilities is None:
        raise ValueError("y_pred: expected predicted classes or probabilities, got neither.")
    check_whole(n_bootstraps, "n_bootstraps", 1)
    y_true = _labels(y_true, "y_true")
    y_pred = None if y_pred is None else _labels(y_pred, "y_pred", len(y_true))
    n_columns = None
    if probabilities is not None:
        probabilities = _probabilities(probabilities, len(y_true))
        n_columns = probabilities.shape[1]
    names, numbers = _classes(y_true, y_pred, names, n_columns)
    truth = _codes(y_true, numbers, "y_true")
    predicted = probabilities.argmax(axis=1) if y_pred is None else _codes(y_pred, numbers, "y_pred")

    n, k = len(truth), len(names)
    cells = truth * k + predicted
    loss = np.full(n, np.nan)
    if probabilities is not None:
        given = probabilities[np.arange(n), truth].astype(float)
        loss = -np.log(np.maximum(given, np.finfo(probabilities.dtype).eps))
    if groups is None:
        units, n_units = np.arange(n), n
    else:
        units = np.unique(_labels(groups, "groups", n), return_inverse=True)[1]
        n_units = units.max() + 1
    # what each unit (a sample, or a person) adds to the confusion matrix and to the loss
    parts = np.zeros((n_units, k * k + 1))
    np.add.at(parts, (units, cells), 1)
    np.add.at(parts, (units, -1), loss)

    total = parts.sum(axis=0, keepdims=True)
    measured = {name: float(values[0]) for name, values in _measure(total, k).items()}
    drawn = _measure(_draw(parts, n_bootstraps, np.random.default_rng(seed)), k)
    if n_units < 2:  # drawn anew, a single one is always itself
        drawn = {name: np.full(n_bootstraps, np.nan) for name in drawn}
    intervals = {name: tuple(np.quantile(values, (0.025, 0.975)).tolist()) for name, values in drawn.items()}
    confusion = total[0, :-1].reshape(k, k).astype(int)
    precision, recall, f1 = (values[0] for values in _by_class(confusion[None]))
    occurring = confusion.sum(axis=1)
    return ClassificationScores(
        names=names,
        truth=truth,
        predicted=predicted,
        confusion=confusion,
        **measured,
        chance=1 / np.count_nonzero(occurring),
        majority=float(occurring.max() / n),
        intervals=intervals,
        class_precision=precision,
        class_recall=recall,
        class_f1=f1,
        n_groups=None if groups is None else int(n_units),
        unit=unit,
    )


def _draw(parts, n_bootstraps, rng):
    """Sums (B, C) of the rows of parts (U, C) drawn U times with replacement."""
    n_units = len(parts)
    at_once = max(1, AT_ONCE // n_units)
    sums = []
    for start in range(0, n_bootstraps, at_once):
        n = min(at_once, n_bootstraps - start)
        places = rng.integers(0, n_units, (n, n_units)) + n_units * np.arange(n)[:, None]
        sums.append(np.bincount(places.ravel(), minlength=n * n_units).reshape(n, n_units) @ parts)
    return np.concatenate(sums)


def _by_class(confusions):
    """Precision, recall and F1, each (B, K), of confusion matrices (B, K, K)."""
    right = np.diagonal(confusions, axis1=1, axis2=2).astype(float)
    true, told = confusions.sum(axis=2), confusions.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return right / np.maximum(told, 1), right / true, 2 * right / np.maximum(true + told, 1)


def _measure(sums, k):
    """Every measure (B,) from sums (B, K * K + 1) of confusion matrix and loss."""
    confusions = sums[:, :-1].reshape(-1, k, k)
    precision, recall, f1 = _by_class(confusions)
    occurs = confusions.sum(axis=2) > 0
    n = confusions.sum(axis=(1, 2))

    def macro(values):
        return np.where(occurs, values, 0).sum(axis=1) / occurs.sum(axis=1)

    return {
        "accuracy": np.trace(confusions, axis1=1, axis2=2) / n,
        "balanced_accuracy": macro(recall),
        "precision": macro(precision),
        "recall": macro(recall),
        "f1": macro(f1),
        "cross_entropy": sums[:, -1] / n,
    }


def _labels(values, name, n=None):
    """Labels as an array (N,) of whole numbers or str, or raise `ValueError`."""
    values = as_array(values, name)  # masked and missing ones become NaN, which is no label
    if values.ndim == 2 and name == "y_pred" and values.shape[1] > 1:
        raise ValueError(f"y_pred: expected a class a sample, got shape {values.shape}; pass probabilities=.")
    if values.ndim != 1 or not len(values) or (n is not None and len(values) != n):
        wanted = "at least one" if n is None else f"{n}, as in y_true"
        raise ValueError(f"{name}: expected one value a sample, {wanted}, got shape {values.shape}.")
    # larger ones would wrap
    if values.dtype.kind in "bfu" and (np.abs(values) < 2**53).all() and (values % 1 == 0).all():
        values = values.astype(int)
    if values.dtype.kind not in "iU":
        guess = "; are these probabilities? Pass probabilities=" if name == "y_pred" else ""
        raise ValueError(f"{name}: expected whole numbers or names, got {values.dtype}{guess}.")
    return values


def _probabilities(values, n):
    values = as_array(values, "probabilities")
    if values.ndim != 2 or len(values) != n or values.dtype.kind not in "biuf":
        raise ValueError(
            f"probabilities: expected numbers of shape ({n}, classes), got {values.dtype} of {values.shape}."
        )
    values = values if values.dtype.kind == "f" else values.astype(float)
    sums = values.sum(axis=1)
    if not (values.min() >= -1e-6 and np.abs(sums - 1).max() < 1e-2):
        guess = "divide percentages by 100" if np.allclose(sums, 100, atol=1) else "apply softmax to logits"
        raise ValueError(
            f"probabilities: expected rows of 0 to 1 that sum to 1, got values {values.min():.3g} to "
            f"{values.max():.3g} and sums {sums.min():.3g} to {sums.max():.3g}; {guess}."
        )
    return values


def _classes(y_true, y_pred, names, n_columns):
    """Names of the classes, and the label that stands for each in what was given."""
    as_names = y_true.dtype.kind == "U"
    if y_pred is not None and (y_pred.dtype.kind == "U") != as_names:
        raise ValueError(
            f"y_pred: expected classes in the form of y_true, got {y_pred.dtype} and {y_true.dtype}; "
            "use numbers in both or names in both."
        )
    if names is not None:
        labels = np.array([str(name) for name in names]) if as_names else np.arange(len(names))
    elif n_columns is not None and not as_names:
        labels = np.arange(n_columns)
    else:
        labels = np.unique(y_true if y_pred is None else np.concatenate([y_true, y_pred]))
    names = tuple(str(name) for name in (labels if names is None else names))
    if len(set(names)) < len(names):
        raise ValueError(f"names: expected a name of its own for each class, got {names}.")
    if n_columns not in (None, len(names)):
        raise ValueError(
            f"probabilities: expected {len(names)} columns for {', '.join(names)}, got {n_columns}; pass "
            "names=, in the order of the columns."
        )
    return names, labels


def _codes(labels, numbers, name):
    """Place of each label in `numbers`."""
    places = pd.Index(numbers).get_indexer(labels)
    unknown = np.unique(labels[places < 0]).tolist()
    if unknown:
        one_up = labels.dtype.kind != "U" and labels.min() == 1 and labels.max() == len(numbers)
        guess = "count classes from 0: subtract 1" if one_up else "pass names= with every class"
        raise ValueError(
            f"{name}: expected classes among {numbers.tolist()}, got {unknown[:6]} as well; {guess}."
        )
    return places

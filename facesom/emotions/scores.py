"""How well classes are told apart: accuracy and its relatives, with intervals and what chance reaches."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from facesom.io import as_array, as_numbers, check_whole

#: What `ClassificationScores` measures: its attributes, and how tables call them.
MEASURES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "precision": "macro precision",
    "recall": "macro recall",
    "f1": "macro F1",
    "cross_entropy": "cross-entropy",
}


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
        units = "" if self.n_groups is None else f" of {self.n_groups} {self.unit}"
        lines = [f"ClassificationScores: {len(self.truth)} samples{units}, {len(self.names)} classes"]
        for words, value, low, high in self.to_frame()[:-2].itertuples():
            beside = {"accuracy": "majority", "balanced accuracy": "chance"}.get(words)
            free = f"  {beside} {getattr(self, beside):.3f}" if beside else ""
            lines.append(f"  {words:17}  {value:.3f}  [{low:.3f}, {high:.3f}]{free}")
        return "\n".join(lines)

    def to_frame(self):
        """Return the measures as a table, a row a measure: its value and the ends of its 95 % interval.

        Returns
        -------
        pandas.DataFrame
            Columns "value", "low", "high"; the last rows are chance and majority.
        """
        rows = {words: [getattr(self, name), *self.intervals[name]] for name, words in MEASURES.items()}
        rows |= {name: [getattr(self, name), np.nan, np.nan] for name in ("chance", "majority")}
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["value", "low", "high"])
        return table.dropna(subset="value")

    def class_table(self):
        """Return precision, recall and F1 of each class, and how many samples it has.

        Returns
        -------
        pandas.DataFrame
            A row a class; "most often taken for" is the commonest error, "" where there is none.
        """
        errors = pd.DataFrame(self.confusion * (1 - np.eye(len(self.names), dtype=int)), columns=self.names)
        columns = {
            "precision": self.class_precision,
            "recall": self.class_recall,
            "F1": self.class_f1,
            "samples": self.confusion.sum(axis=1),
            "most often taken for": errors.idxmax(axis=1).where(errors.any(axis=1), ""),
        }
        return pd.DataFrame(columns).set_axis(self.names)


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
    labels = [_labels(y_true, "y_true")]
    n, n_columns, loss = len(labels[0]), None, np.nan
    if y_pred is not None:
        labels.append(_labels(y_pred, "y_pred", n, labels[0].dtype.kind))
    if probabilities is not None:
        probabilities = _probabilities(probabilities, n)
        n_columns = probabilities.shape[1]
    names, codes = _codes(np.stack(labels), names, n_columns)
    truth, predicted = codes if len(codes) == 2 else (codes[0], probabilities.argmax(axis=1))
    if probabilities is not None:
        of_truth = probabilities[np.arange(n), truth].astype(float)
        loss = -np.log(np.maximum(of_truth, np.finfo(probabilities.dtype).eps))
    units = np.arange(n) if groups is None else _labels(groups, "groups", n)
    units = np.unique(units, return_inverse=True)[1]
    n_units, k = units.max() + 1, len(names)
    # what each unit (a sample, or a person) adds to the confusion matrix and to the loss
    parts = np.zeros((n_units, k * k + 1))
    np.add.at(parts, (units, truth * k + predicted), 1)
    np.add.at(parts, (units, -1), loss)

    rng = np.random.default_rng(seed)
    draws = (rng.integers(0, n_units, n_units) for _ in range(n_bootstraps))
    sums = np.array([np.bincount(draw, minlength=n_units) @ parts for draw in draws])
    drawn, _ = _measure(sums, k)
    ends = np.quantile(list(drawn.values()), (0.025, 0.975), axis=1)
    if n_units < 2:  # drawn anew, a single one is always itself
        ends *= np.nan
    total = parts.sum(axis=0)
    measured, by_class = _measure(total[None], k)
    confusion = total[:-1].reshape(k, k).astype(int)
    occurring = confusion.sum(axis=1)
    return ClassificationScores(
        names=names,
        truth=truth,
        predicted=predicted,
        confusion=confusion,
        **{name: float(values[0]) for name, values in measured.items()},
        chance=1 / np.count_nonzero(occurring),
        majority=float(occurring.max() / n),
        intervals=dict(zip(drawn, map(tuple, ends.T.tolist()), strict=True)),
        **{f"class_{name}": values[0] for name, values in by_class.items()},
        n_groups=None if groups is None else int(n_units),
        unit=unit,
    )


def _measure(sums, k):
    """Every measure (B,) from sums (B, K * K + 1) of confusion matrix and loss, and three by class (B, K)."""
    confusions, n = sums[:, :-1].reshape(-1, k, k), sums[:, :-1].sum(axis=1)
    right, true = np.einsum("bkk->bk", confusions), confusions.sum(axis=2)
    predicted = confusions.sum(axis=1)
    with np.errstate(invalid="ignore"):
        recall = right / true
    by_class = {
        "precision": right / np.maximum(predicted, 1),
        "recall": recall,
        "f1": 2 * right / np.maximum(true + predicted, 1),
    }
    macro = {name: values.mean(axis=1, where=true > 0) for name, values in by_class.items()}
    measures = {"accuracy": right.sum(axis=1) / n, "balanced_accuracy": macro["recall"]}
    return {**measures, **macro, "cross_entropy": sums[:, -1] / n}, by_class


def _labels(values, name, n=None, kind=None):
    """Labels as an array (N,) of whole numbers or str, or raise `ValueError`."""
    values = as_array(values, name)  # masked and missing ones become NaN, which is no label
    guess = "; are these probabilities? Then pass probabilities=" * (name == "y_pred")
    if values.ndim != 1 or not len(values) or n not in (None, len(values)):
        wanted = "at least one" if n is None else f"{n}, as in y_true"
        raise ValueError(f"{name}: expected one value a sample, {wanted}, got shape {values.shape}{guess}.")
    # larger ones would wrap
    if values.dtype.kind in "bfu" and (np.abs(values) < 2**53).all() and (values % 1 == 0).all():
        values = values.astype(int)
    if values.dtype.kind not in "iU":
        raise ValueError(f"{name}: expected whole numbers or names, got {values.dtype}{guess}.")
    if kind not in (None, values.dtype.kind):
        raise ValueError(f"{name}: expected the form of y_true; use numbers in both or names in both.")
    return values


def _probabilities(values, n):
    wanted = f"numbers of shape ({n}, classes)"
    values = as_numbers(values, "probabilities", (n, "classes"), wanted)
    values = values if values.dtype.kind == "f" else values.astype(float)
    sums = values.sum(axis=1)
    if not (values.min() >= -1e-6 and np.abs(sums - 1).max() < 1e-2):
        got = f"sums {sums.min():.3g} to {sums.max():.3g}; divide percentages by 100, apply softmax to logits"
        raise ValueError(f"probabilities: expected rows of 0 to 1 that sum to 1, got {got}.")
    return values


def _codes(labels, names, n_columns):
    """Names of the classes, and the place among them of each label of the truth and of what was predicted."""
    as_names = labels.dtype.kind == "U"
    if names is None:
        words = np.unique(labels) if as_names or n_columns is None else np.arange(n_columns)
    else:
        words = np.array([str(name) for name in names])
    numbers = words if names is None or as_names else np.arange(len(words))
    names = tuple(map(str, words))
    if len(set(names)) < len(names):
        raise ValueError(f"names: expected a name of its own for each class, got {names}.")
    if n_columns not in (None, len(names)):
        wanted = f"{len(names)} columns for {', '.join(names)}, got {n_columns}"
        raise ValueError(f"probabilities: expected {wanted}; pass names= in the order of the columns.")
    codes = pd.Index(numbers).get_indexer(labels.ravel()).reshape(labels.shape)
    if (codes < 0).any():
        name = "y_true" if (codes[0] < 0).any() else "y_pred"
        got = f"{np.unique(labels[codes < 0])[:6].tolist()} as well"
        cure = "count classes from 0: subtract 1, or pass names= with every class"
        raise ValueError(f"{name}: expected classes among {numbers.tolist()}, got {got}; {cure}.")
    return names, codes

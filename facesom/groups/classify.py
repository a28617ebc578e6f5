"""Each person's label from the profiles of the others: logistic regression, many labellings side by side."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from facesom.io import one_thread

from .resampling import ALIKE, arrange, p_value, person_values, two_labels

STRENGTHS = (0.01, 0.1, 1.0, 10.0)  # of C, from nearly ignoring the values to nearly free
INNER_FOLDS = 5
AT_ONCE = 500  # labellings; bounds the memory


@dataclass(frozen=True, repr=False)
class LabelClassification:
    """How well a person's label is told from the profiles of the other persons.

    Attributes
    ----------
    labels : tuple of 2
        The two labels, sorted.
    predicted : ndarray, shape (P,)
        Label that the other persons predict for each.
    probabilities : ndarray of float, shape (P,)
        Of the second label, as if both were equally common.
    strengths : ndarray of float, shape (P,)
        The C that the other persons chose.
    balanced_accuracy, chance : float
        Mean over both labels of the share of its persons told right; any guess reaches 0.5 on average.
    accuracy, majority : float
        Share of all persons told right; always saying the commoner label reaches `majority`.
    p_value : float
        How often shuffled labels reach this balanced accuracy.
    permuted : ndarray of float, shape (M,)
        Balanced accuracy under M arrangements of the labels.
    exact : bool
        Whether these are all arrangements there are.
    """

    labels: tuple
    predicted: np.ndarray
    probabilities: np.ndarray
    strengths: np.ndarray
    balanced_accuracy: float
    accuracy: float
    majority: float
    p_value: float
    permuted: np.ndarray
    exact: bool
    chance: float = 0.5

    def __repr__(self):
        balanced = f"balanced accuracy {self.balanced_accuracy:.2f} against {self.chance:.2f} by chance"
        plain = f"accuracy {self.accuracy:.2f} against {self.majority:.2f} by majority"
        return f"LabelClassification({balanced}, {plain}, p = {self.p_value:.3g})"


@one_thread()
def classify_labels(profiles, y, n_permutations=200, seed=0):
    """Predict each person's label from the profiles of all others, and ask whether chance does as well.

    Parameters
    ----------
    profiles, y
        As in `compare_labels`, but without NaN.
    n_permutations : int, default 200
        Random arrangements of the labels on which all is done again; if there are no more than that in all,
        each is taken once.
    seed : int, default 0
        Of the arrangements and the inner folds.

    Returns
    -------
    LabelClassification

    Raises
    ------
    ValueError
        If labels are missing, not two, or of fewer than two persons each; if profiles hold NaN or are alike.

    Notes
    -----
    Logistic regression (Cox, 1958) with a ridge penalty and both labels weighted alike: the same numbers as a
    pipeline of `StandardScaler` and ``LogisticRegression(class_weight="balanced")`` of scikit-learn. A person
    is left out at a time (Stone, 1974); scaling, fit and the choice of C, by five folds over the remaining
    persons, never see that person (Varma and Simon, 2006). Permutation test: Ojala and Garriga (2010).
    """
    values = person_values(profiles)
    labels, second = two_labels(y, len(values))
    if not np.isfinite(values).all():
        cure = "dwell times and transitions of a group never shown are NaN: use the shares, or fill them in"
        raise ValueError(f"profiles: expected finite values, got NaN; {cure}.")
    if not (np.ptp(values, axis=0) > 1e-12).any():
        raise ValueError(ALIKE)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(values))  # persons may come sorted by label
    arrangements, exact = arrange(second, n_permutations, rng)
    probabilities, strengths = (a[0] for a in left_out(values, second[None], order))
    observed = float(balanced_accuracy(probabilities, second))
    parts = np.array_split(arrangements, -(-len(arrangements) // AT_ONCE))
    permuted = np.concatenate([balanced_accuracy(left_out(values, a, order)[0], a) for a in parts])
    told = probabilities > 0.5
    return LabelClassification(
        labels=labels,
        predicted=np.array(labels)[told.astype(int)],
        probabilities=probabilities,
        strengths=strengths,
        balanced_accuracy=observed,
        accuracy=float((told == second).mean()),
        majority=float(max(second.mean(), 1 - second.mean())),
        p_value=float(p_value((permuted >= observed - 1e-9).sum(), len(permuted), exact)),
        permuted=permuted,
        exact=exact,
    )


def left_out(values, labellings, order):
    """Probability of the second label for each person, learned from the other persons alone.

    Parameters
    ----------
    values : ndarray of float, shape (P, F)
    labellings : ndarray of bool, shape (M, P)
        Which persons have the second label, M times.
    order : ndarray of int, shape (P,)
        The persons in the order in which they are dealt into folds.

    Returns
    -------
    probabilities, strengths : ndarray of float, shape (M, P)
        The strengths are the C chosen in the folds of the other persons.
    """
    probabilities, strengths = np.empty((2, *labellings.shape))
    for p in range(len(values)):
        others = order[order != p]
        fold = np.full(len(values), -1)
        fold[others] = np.arange(len(others)) % INNER_FOLDS
        folds = np.unique(fold[others])
        train = np.array([(fold >= 0) & (fold != k) for k in folds] + [fold >= 0])  # last: all others
        X, weights = standardised(values, train), balance(labellings, train)
        beta, losses, answers = np.zeros((*weights.shape[:2], X.shape[2])), [], []
        for C in STRENGTHS:
            beta = fit_logistic(X, labellings, C * weights, beta)
            logits = beta @ X.swapaxes(1, 2)
            loss = weights[-1] * np.logaddexp(0, np.where(labellings, -logits, logits))
            losses.append(sum(loss[k][:, fold == k].sum(axis=1) for k in folds))
            answers.append(expit(logits[-1, :, p]))
        best = np.argmin(losses, axis=0)  # of equal ones the strictest
        probabilities[:, p] = np.array(answers)[best, np.arange(len(best))]
        strengths[:, p] = np.array(STRENGTHS)[best]
    return probabilities, strengths


def fit_logistic(X, y, weights, beta):
    """Ridge logistic regressions by Newton's method, side by side, as a test needs them by the thousand.

    Parameters
    ----------
    X : ndarray of float, shape (B, P, D)
        B sets of rows; the last column is 1, the intercept's, and hardly penalised.
    y : ndarray of bool, shape (M, P)
    weights : ndarray of float, shape (B, M, P)
        What each row counts; the larger, the weaker the penalty.
    beta : ndarray of float, shape (B, M, D)
        Where to start.

    Returns
    -------
    ndarray of float, shape (B, M, D)
        Coefficients.
    """
    penalty = np.r_[np.ones(X.shape[2] - 1), 1e-6]  # finite even where a label is missing
    squares = (X[..., :, None] * X[..., None, :]).reshape(*X.shape[:2], -1)
    for _ in range(50):
        p = expit(beta @ X.swapaxes(1, 2))
        gradient = (weights * (p - y)) @ X + penalty * beta
        curvature = ((weights * p * (1 - p)) @ squares).reshape(*beta.shape, -1) + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
        beta = beta - step
        if np.abs(step).max() < 1e-6:
            break
    return beta


def standardised(values, train):
    """Values (B, P, F + 1) of mean 0 and deviation 1 in each training set (B, P), and a column of ones."""
    n = train.sum(axis=1)[:, None]
    mean = train @ values / n
    X = values - mean[:, None]
    deviation = np.sqrt((X**2 * train[..., None]).sum(axis=1) / n)
    X /= np.where(deviation > 1e-9 * np.abs(mean), deviation, np.inf)[:, None]
    return np.concatenate([X, np.ones((*X.shape[:2], 1))], axis=2)


def balance(labellings, train):
    """Weights (B, M, P) with which both labels count alike in each training set; 0 outside of it."""
    n, second = train.sum(axis=1)[:, None], train.astype(float) @ labellings.T
    first, second = (n / np.maximum(2 * count, 1) for count in (n - second, second))
    return train[:, None] * np.where(labellings, second[..., None], first[..., None])


def balanced_accuracy(probabilities, second):
    """Mean over both labels of the share of its persons told right; over the last axis."""
    told = probabilities > 0.5
    right = [(told & second).sum(axis=-1), (~told & ~second).sum(axis=-1)]
    return (right[0] / second.sum(axis=-1) + right[1] / (~second).sum(axis=-1)) / 2

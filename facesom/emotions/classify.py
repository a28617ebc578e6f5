"""The classical classifiers of labelled faces, fitted and compared in one manner on the same split."""

import warnings

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import KMeans
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import check_is_fitted
from tqdm.auto import tqdm

from facesom.features import Pixels
from facesom.io import check_whole

from .labelled import check_labelled
from .scores import classification_scores
from .splits import check_disjoint


class KMeansClassifier(ClassifierMixin, BaseEstimator):
    """k-means with as many clusters as classes, each cluster standing for one class.

    The number of a cluster means nothing. Which cluster stands for which class is chosen so that most
    training samples are right, each class being given to one cluster (Kuhn, 1955). Clusters are found without
    the classes: where faces fall apart by something else, by person or by light, no mapping helps.

    Parameters
    ----------
    n_init : int, default 10
        Number of starts, the best of which is kept.
    seed : int, default 0

    Attributes
    ----------
    classes_ : ndarray, shape (K,)
    kmeans_ : sklearn.cluster.KMeans
    table_ : ndarray of int, shape (K, K)
        Number of training samples of each cluster (row) and class (column).
    class_of_cluster_ : ndarray, shape (K,)
        Class that each cluster stands for.
    """

    def __init__(self, n_init=10, seed=0):
        self.n_init = n_init
        self.seed = seed

    def fit(self, X, y):
        """Find clusters of X (N, D) and the class of y (N,) that each stands for; return this object."""
        self.classes_ = unique_labels(y)
        k = len(self.classes_)
        self.kmeans_ = KMeans(k, n_init=self.n_init, random_state=self.seed).fit(X)
        codes = np.searchsorted(self.classes_, y)
        self.table_ = confusion_matrix(self.kmeans_.labels_, codes, labels=range(k))
        _, columns = linear_sum_assignment(self.table_, maximize=True)
        self.class_of_cluster_ = self.classes_[columns]
        return self

    def predict(self, X):
        """Return the class (N,) of the cluster that each row of X (N, D) is nearest to."""
        check_is_fitted(self)
        return self.class_of_cluster_[self.kmeans_.predict(X)]


def classifiers(seed=0):
    """Return the usual classifiers by name, each with a `StandardScaler` in front, not yet fitted.

    Parameters
    ----------
    seed : int, default 0
        Of k-means, the linear SVM and Nyström's sample.

    Returns
    -------
    dict of str to sklearn.pipeline.Pipeline
        They take rows of numbers (N, D). Penalties suit hundreds to thousands of standardised columns.

    Notes
    -----
    An RBF SVM compares each face with each other: four times the faces take some sixteen times as long. The
    Nyström method (Williams and Seeger, 2001) replaces its kernel by that to a sample of the faces, behind
    which a linear SVM does, in time that grows like the number of faces.
    """
    sample = Nystroem(n_components=300, random_state=seed)
    models = {
        "k-means": KMeansClassifier(seed=seed),
        "k-NN": KNeighborsClassifier(5),
        "naive Bayes": GaussianNB(var_smoothing=0.01),
        "logistic regression": LogisticRegression(C=0.01, max_iter=1000),
        "linear SVM": LinearSVC(C=0.0003, dual="auto", random_state=seed),
        "RBF SVM": SVC(C=5),
        "Nyström SVM": make_pipeline(sample, LinearSVC(dual="auto", random_state=seed)),
    }
    return {name: make_pipeline(StandardScaler(), model) for name, model in models.items()}


def compare_classifiers(
    train, test, features=None, models=None, *, check=True, n_bootstraps=1000, seed=0, progress=False
):
    """Fit classifiers on one half, predict the other, and score them all alike.

    Parameters
    ----------
    train, test : EmotionFaces or ActionUnits
        As from `facesom.emotions.split_train_test`.
    features : transformer, or dict of str to transformer, optional
        What makes rows of numbers of images (N, H, W); fitted on `train` only. Default: the pixels; action
        units are taken as they are.
    models : dict of str to estimator, optional
        Copies of them are fitted. Default: `classifiers`.
    check : bool, default True
        Refuse halves that share persons or images. Without it the figures say how well a model knows those
        whom it has met.
    n_bootstraps, seed : int
        Of the intervals; where persons are known they are what is drawn anew. The seed is that of the default
        models, too.
    progress : bool, default False
        Show a bar.

    Returns
    -------
    dict of str to ClassificationScores
        By the name of the model; with several features ``"HOG: k-NN"`` and so on.

    Raises
    ------
    ValueError
        If the halves overlap, or their classes differ.
    """
    _check_classes(train, "train")
    if check:
        check_disjoint(train, test)
    halves = [(train, test, np.arange(len(test)))]
    return _scores(test, halves, features, models, n_bootstraps, seed, progress)


def cross_validate_classifiers(
    data, features=None, models=None, *, n_folds=5, n_bootstraps=1000, seed=0, progress=False
):
    """Predict each sample by models that learned from other persons only, and score them all alike.

    The persons are dealt into `n_folds` parts with about the same shares of the classes; each part is
    predicted by copies of the models fitted on the others. With few samples this wastes none.

    Parameters
    ----------
    data : EmotionFaces or ActionUnits
    features, models
        As in `compare_classifiers`; transformers, too, are fitted on the other parts only.
    n_folds : int, default 5
        From 2 to the number of persons, or of samples where persons are not known.
    n_bootstraps, seed, progress
        As in `compare_classifiers`.

    Returns
    -------
    dict of str to ClassificationScores
        Of all samples, by the name of the model.

    Raises
    ------
    ValueError
        If there are fewer persons than parts, or samples have no labels.

    Warns
    -----
    UserWarning
        If persons are not known.
    """
    _check_classes(data, "data")
    units = data.persons
    if units is None:
        units = np.arange(len(data))
        warnings.warn("persons are not known: the same people may be learned and predicted.", stacklevel=2)
    persons = np.unique(units, return_inverse=True)[1]
    check_whole(n_folds, "n_folds", 2, persons.max(initial=0) + 1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")  # its recall says so
        parts = list(StratifiedGroupKFold(n_folds).split(persons, data.labels, persons))
    halves = [(data.subset(learned), data.subset(held), held) for learned, held in parts]
    return _scores(data, halves, features, models, n_bootstraps, seed, progress)


def _check_classes(data, name):
    check_labelled(data)
    occurring = [word for word, n in data.counts.items() if n]
    if len(occurring) < 2:
        got = f"{len(data)} of {', '.join(occurring) or 'none'}; is the table sorted?"
        raise ValueError(f"{name}: expected samples of at least two classes, got {got}")


def _scores(data, halves, features, models, n_bootstraps, seed, progress):
    """Scores of `data` by the name of the model; halves are what to learn from, to predict, its places."""
    models = classifiers(seed) if models is None else models
    named = isinstance(features, dict)
    kinds = {f"{kind}: ": each for kind, each in features.items()} if named else {"": features}
    asked = {"names": data.names, "groups": data.persons, "n_bootstraps": n_bootstraps, "seed": seed}
    scores = {}
    bar = tqdm(total=len(kinds) * len(models) * len(halves), disable=not progress, unit="model")
    for kind, transformer in kinds.items():
        rows = [_rows(train, test, transformer) for train, test, _ in halves]
        for name, model in models.items():
            predicted, probabilities = np.empty(len(data), dtype=int), None
            for (train, _, held), (X, X_test) in zip(halves, rows, strict=True):
                with warnings.catch_warnings():
                    # few faces: Nyström's sample is then all of them
                    warnings.filterwarnings("ignore", message="n_components > n_samples")
                    fitted = clone(model).fit(X, train.labels)
                predicted[held] = fitted.predict(X_test)
                if hasattr(fitted, "predict_proba"):
                    if probabilities is None:
                        probabilities = np.zeros((len(data), len(data.names)))
                    probabilities[np.ix_(held, fitted.classes_)] = fitted.predict_proba(X_test)
                bar.update()
            scores[kind + name] = classification_scores(data.labels, predicted, probabilities, **asked)
    bar.close()
    return scores


def _rows(train, test, transformer):
    """Rows of numbers of both halves, from a transformer that has seen the first only."""
    if hasattr(train, "images"):
        halves = train.images, test.images
        transformer = Pixels() if transformer is None else transformer
    else:
        halves, units = (train.units, test.units), [" ".join(half.unit_names) for half in (train, test)]
        if units[0] != units[1]:
            cure = "leave out what one of them lacks"
            raise ValueError(f"test: expected the units of train, {units[0]}, got {units[1]}; {cure}.")
    if transformer is None:
        return halves
    fitted = clone(transformer).fit(halves[0], train.labels)
    return [fitted.transform(half) for half in halves]

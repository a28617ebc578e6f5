"""The same expression across people: what a face is built like is taken away, what it does is kept."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .convert import to_grayscale
from .dataset import as_faces, is_colour
from .groups import check_n_groups, walk_order
from .meanface import mean_face
from .mixture import Frames, expect, fit_mixture, settle
from .parts import find_parts, shape_features
from .som import FaceSOM

KEPT_VARIANCE = 0.99  # of the features within persons; what is left out is mostly pixel noise
KNOWN_SHARE = 0.98  # of the frames that were learned from, all of which are known by definition
MOST_AVERAGED = 30  # frames of a node that its mean face is drawn from, evenly over all it won
DOUBTFUL = 0.05  # probability of another offset from which on a person is reported


class IdentityAligner(TransformerMixin, BaseEstimator):
    """Learn what expressions persons share, and each person's own offset, scale of movement and mix of them.

    A frame of person p showing expression k at intensity a is taken to be ``offset[p] + scale[p] * a *
    mean[k]`` plus noise. Since each person may show the expressions in a mix of their own, persons who frown
    a lot are not pulled onto persons who smile a lot, as they are when each person's mean is subtracted. How
    much offsets, scales and mixes differ between persons, and how long an expression lasts, is learned from
    the data; with few frames or few persons the priors so learned take over.

    Parameters
    ----------
    n_groups : int, default 8
        Number of shared expressions.
    n_starts : int, default 8
        Random starts; the one with the highest evidence bound is kept.
    seed : int, default 0

    Attributes
    ----------
    offsets_ : ndarray, shape (P, D)
        Each person's face at rest, in the units of the features.
    scales_ : ndarray, shape (P,)
        How far each person moves, 1 = usual.
    mixes_ : ndarray, shape (P, n_groups)
        Share of each group in each person's episodes.
    doubts_ : ndarray, shape (P,)
        Probability, 0 to 0.5, that the offset is another: high where a person shows little but one
        expression.
    means_ : ndarray, shape (n_groups, D)
        What each group moves at intensity 1, in the units of the features.
    probabilities_ : (P, N, n_groups) ndarray, or list of (N_p, n_groups)
        Probability of each group for each frame that was learned from.
    bounds_ : ndarray
        Evidence lower bounds of the starts that were followed to the end, best first.
    mixture_ : facesom.mixture.Mixture
        The fitted model, in whitened coordinates.
    report_ : str
        What was learned, in sentences.

    Notes
    -----
    Mixed-effects mixture in the manner of Ng et al. (2006), "A mixture model with random-effects components
    for clustering correlated gene-expression profiles", with the mixes of Blei et al. (2003), intensities
    along a ray from rest, and a chain over time.
    """

    def __init__(self, n_groups=8, n_starts=8, seed=0):
        self.n_groups = n_groups
        self.n_starts = n_starts
        self.seed = seed

    def fit(self, X, y=None):
        """Learn from the features of several persons.

        Parameters
        ----------
        X : array_like of float, shape (P, N, D), or list of P arrays (N_p, D)
            Features, such as `shape_features` returns, in the order of time where there is one.
        y : ignored

        Returns
        -------
        IdentityAligner
            This object, fitted.

        Raises
        ------
        ValueError
            If X has another shape, NaN, no variation, or fewer distinct frames than groups.
        """
        persons = as_persons(X)
        frames = np.concatenate(persons)
        check_n_groups(self.n_groups, frames)
        within = np.concatenate([x - x.mean(axis=0) for x in persons])
        spread = np.sqrt((within**2).mean(axis=0))
        if not (spread > 1e-9).any():
            raise ValueError(
                "X: expected frames of each person that differ, got the same features in every frame; "
                "persons who do not move show nothing that could be compared."
            )
        self.n_features_in_ = frames.shape[1]
        self.center_ = frames.mean(axis=0)
        self.scale_ = np.where(
            spread > 1e-9, spread, np.inf
        )  # a feature that never moves tells of identity alone
        variance, axes = np.linalg.eigh(np.atleast_2d(np.cov((within / self.scale_).T)))
        variance, axes = variance[::-1], axes[:, ::-1]
        kept = np.searchsorted(np.cumsum(variance) / variance.sum(), KEPT_VARIANCE) + 1
        self.axes_ = axes[:, :kept]

        inner = [self._inner(x) for x in persons]
        self.mixture_, self._who, self.bounds_ = fit_mixture(
            inner, self.n_groups, seed=self.seed, n_starts=self.n_starts
        )
        self.doubts_ = settle(inner, self.mixture_)[1]
        beliefs = expect(Frames(inner), self.mixture_, self._who)
        self.known_within_ = float(np.quantile(beliefs.surprise, KNOWN_SHARE))
        self.probabilities_ = like(X, beliefs.groups)
        self.offsets_ = self.rest(self._who)
        self.scales_, self.mixes_ = self._who.scales, self._who.mixes
        self.means_ = self._outer(self.mixture_.means)
        self.report_ = self._report(persons)
        self._warn()
        return self

    def fit_transform(self, X, y=None):
        """Learn from X and return its coordinates (see `transform`), with the persons placed as learned."""
        self.fit(X)
        return like(X, self.coordinates([self._inner(x) for x in as_persons(X)], self._who))

    def transform(self, X):
        """Place persons in the model and return coordinates that tell expressions, not identities, apart.

        Parameters
        ----------
        X : array_like of float, shape (P, N, D), or list of P arrays (N_p, D)
            Persons, new or old.

        Returns
        -------
        (P, N, d) ndarray, or list of (N_p, d)
            In standard deviations of the noise, in the space that the groups span; d <= n_groups.
        """
        inner, who, _ = self.settle(X)
        return like(X, self.coordinates(inner, who))

    def predict_proba(self, X):
        """Probability of each group for each frame; sums to less than 1 where the frame may be unknown.

        Parameters
        ----------
        X : array_like of float, shape (P, N, D), or list of P arrays (N_p, D)

        Returns
        -------
        (P, N, n_groups) ndarray, or list of (N_p, n_groups)
        """
        inner, who, _ = self.settle(X)
        return like(X, expect(Frames(inner), self.mixture_, who, unknown=self.known_within_).groups)

    def predict(self, X):
        """Group of each frame; -1 where it is more likely to show something that no group shows.

        Parameters
        ----------
        X : array_like of float, shape (P, N, D), or list of P arrays (N_p, D)

        Returns
        -------
        (P, N) ndarray of int, or list of (N_p,)
        """
        proba = np.concatenate(list(self.predict_proba(X)))
        return like(X, np.where(proba.sum(axis=1) < 0.5, -1, proba.argmax(axis=1)))

    def movements(self, X):
        """Features less each person's face at rest, over their scale of movement, in the features' units.

        Parameters
        ----------
        X : array_like of float, shape (P, N, D), or list of P arrays (N_p, D)

        Returns
        -------
        (P, N, D) ndarray, or list of (N_p, D)
        """
        _, who, _ = self.settle(X)
        return like(X, np.concatenate(self.moved(as_persons(X), self.rest(who), who.scales)))

    def rest(self, who):
        """Faces at rest (P, D) of persons, in the units of the features."""
        return self.center_ + self._outer(who.offsets)

    def moved(self, persons, offsets, scales):
        """Features of each person less their offset, over their scale."""
        return [(x - b) / s for x, b, s in zip(persons, offsets, scales, strict=True)]

    def settle(self, X):
        """Whitened features, persons and doubts: where each person of X stands in the fitted model."""
        check_is_fitted(self, "mixture_")
        persons = as_persons(X)
        if persons[0].shape[1] != self.n_features_in_:
            raise ValueError(
                f"X: expected {self.n_features_in_} features a frame, as in fit, got {persons[0].shape[1]}."
            )
        inner = [self._inner(x) for x in persons]
        who, doubt = settle(inner, self.mixture_, unknown=self.known_within_)
        return inner, who, doubt

    def _inner(self, x):
        return (x - self.center_) / self.scale_ @ self.axes_

    def _outer(self, z):
        return z @ self.axes_.T * np.where(np.isfinite(self.scale_), self.scale_, 0)

    def coordinates(self, inner, who):
        """Coordinates (T, d) without identity of whitened features and their persons."""
        root = np.linalg.cholesky(np.linalg.inv(self.mixture_.noise))
        _, strength, directions = np.linalg.svd(self.mixture_.means @ root, full_matrices=False)
        directions = directions[strength > 1e-9 * strength[0]]
        largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
        directions *= np.sign(largest)  # the sign of a singular vector is arbitrary
        return np.concatenate(self.moved(inner, who.offsets, who.scales)) @ root @ directions.T

    def _report(self, persons):
        mix, lengths = self.mixture_, [len(x) for x in persons]
        lasting = 1 / (1 - mix.stay)
        alike = "much alike" if mix.alike > 10 * self.n_groups else "each of their own"
        return (
            f"{len(persons)} persons, {min(lengths)}-{max(lengths)} frames each, {self.n_groups} groups. "
            f"An expression lasts {lasting:.1f} frames on average. "
            f"The persons' mixes are {alike} (prior strength {mix.alike:.0f} episodes). "
            f"Scales of movement differ by {np.sqrt(mix.scale_variance):.0%}. "
            f"{self.n_starts} starts; the best evidence bound is {self.bounds_[0]:.0f}"
            + (f", the runner-up's {self.bounds_[1]:.0f}." if len(self.bounds_) > 1 else ".")
        )

    def _warn(self):
        doubtful = np.flatnonzero(self.doubts_ > DOUBTFUL)
        if len(doubtful):
            warnings.warn(
                f"Persons {doubtful.tolist()} show so few expressions that their faces at rest "
                "could be others than those found (see doubts_); read their groups with care, or add frames.",
                stacklevel=3,
            )


def as_persons(X):
    """Return features as a list of arrays, one a person, or raise `ValueError`.

    Parameters
    ----------
    X : array_like of float, shape (P, N, D), or list of P arrays (N_p, D)

    Returns
    -------
    list of ndarray of float64, shape (N_p, D)
    """
    if isinstance(X, np.ndarray) and X.ndim != 3:
        guess = "; for one person pass X[None]" if X.ndim == 2 else ""
        raise ValueError(f"X: expected features (persons, frames, features), got shape {X.shape}{guess}.")
    persons = [np.asarray(x, dtype=float) for x in X]
    if not persons:
        raise ValueError("X: expected at least one person, got none.")
    for p, x in enumerate(persons):
        if x.ndim != 2 or not x.size or x.shape[1] != persons[0].shape[-1]:
            raise ValueError(
                f"X: expected features (frames, {persons[0].shape[-1]}) of each person, "
                f"got shape {x.shape} for person {p}; leave out persons without frames."
            )
        if not np.isfinite(x).all():
            raise ValueError(
                f"X: expected finite features, got NaN or infinity for person {p}; "
                "`shape_features` imputes what it cannot measure."
            )
    return persons


def like(X, rows):
    """Cut rows (T, ...) as X is cut: an array (P, N, ...) for an array, a list of (N_p, ...) for a list."""
    lengths = [len(x) for x in X]
    parts = np.split(rows, np.cumsum(lengths)[:-1])
    return np.stack(parts) if isinstance(X, np.ndarray) else parts


@dataclass(frozen=True)
class SharedGroups:
    """Every frame of several persons in groups that mean the same expression for all of them.

    Attributes
    ----------
    groups : ndarray of int, shape (P, N)
        Group of each frame, 0 to n_groups - 1, one numbering for all persons; a list of (N_p,) if a list was
        given.
    nodes : ndarray of int, shape (P, N)
        Node of each frame on the shared map, ``row * cols + col``.
    probabilities : ndarray, shape (P, N, n_groups)
        Probability of each group.
    som : FaceSOM
        The shared map, in coordinates without identity.
    node_groups : ndarray of int, shape (rows, cols)
        Group of each node.
    node_faces : ndarray of float32, shape (rows, cols, H, W)
        Mean face of each node's frames, gray in [0, 1] on white; a node without frames shows the face
        nearest to it.
    features, movements : ndarray, shape (P, N, D)
        Shape features, and the same less each person's face at rest.
    aligner : IdentityAligner
    order : ndarray of int, shape (n_groups,)
        The aligner's group behind each number.
    """

    groups: np.ndarray
    nodes: np.ndarray
    probabilities: np.ndarray
    som: FaceSOM
    node_groups: np.ndarray
    node_faces: np.ndarray = field(repr=False)
    features: np.ndarray = field(repr=False)
    movements: np.ndarray = field(repr=False)
    aligner: IdentityAligner
    order: np.ndarray

    def __repr__(self):
        frames = sum(map(len, self.groups))
        rows, cols = self.node_groups.shape
        size = f"{len(self.groups)} persons, {frames} frames, {len(self.order)} groups"
        return f"SharedGroups({size}, {rows} x {cols} map)"


def group_across_persons(images, n_groups=8, seed=0, *, rows=10, cols=10, reference=None):
    """Group the frames of several persons by expression, independent of how each face is built.

    Parts are found, measured in the eye frame, freed of identity (`IdentityAligner`) and laid on one shared
    map.

    Parameters
    ----------
    images : array_like, shape (P, N, H, W) or (P, N, H, W, 3 or 4), or list of P arrays (N_p, H, W[, 3 or 4])
        Drawn faces, uint8 or float in [0, 1], each person's frames in the order of time where there is one.
    n_groups : int, default 8
    seed : int, default 0
    rows, cols : int, default 10
        Size of the shared map.
    reference : SharedGroups, optional
        An earlier result whose numbering is to be kept: each group takes the number of the reference's group
        that it resembles most (Kuhn, 1955).

    Returns
    -------
    SharedGroups
        Without a reference, groups are numbered along a walk over the map.

    Raises
    ------
    ValueError
        For images that are no faces of several frames, or a reference with another number of groups.
    """
    images = as_people(images)
    if reference is not None and len(reference.order) != n_groups:
        raise ValueError(
            f"reference: expected {n_groups} groups, got {len(reference.order)}; pass n_groups alike."
        )
    features = features_of(images)
    aligner = IdentityAligner(n_groups, seed=seed)
    coordinates = np.concatenate(list(aligner.fit_transform(features)))
    probabilities = np.concatenate(list(aligner.probabilities_))
    som = FaceSOM(rows, cols, seed=seed).fit(coordinates)
    nodes = som.labels_

    held = np.zeros((rows * cols, n_groups))
    np.add.at(held, nodes, probabilities)
    closest = som.transform(coordinates).argmin(
        axis=0
    )  # the frame nearest to each node stands in where it won none
    empty = som.hits_.ravel() == 0
    held[empty] = probabilities[closest[empty]]
    node_groups = held.argmax(axis=1).reshape(rows, cols)
    order = walk_first(node_groups, n_groups) if reference is None else like_reference(aligner, reference)
    number = np.argsort(order)
    return SharedGroups(
        groups=like(features, number[probabilities.argmax(axis=1)]),
        nodes=like(features, nodes),
        probabilities=like(features, probabilities[:, order]),
        som=som,
        node_groups=number[node_groups],
        node_faces=mean_faces(images, nodes, closest, som),
        features=features,
        movements=like(
            features, np.concatenate(aligner.moved(as_persons(features), aligner.offsets_, aligner.scales_))
        ),
        aligner=aligner,
        order=order,
    )


@dataclass(frozen=True)
class NewPerson:
    """A new person in standing groups.

    Attributes
    ----------
    groups : ndarray of int, shape (N,)
        Group of each frame in the standing numbering; -1 where it shows something that no group shows.
    nodes : ndarray of int, shape (N,)
        Best matching unit on the standing map.
    probabilities : ndarray, shape (N, n_groups)
        Probability of each group; sums to less than 1 where the frame may be unknown.
    movements : ndarray, shape (N, D)
        Features less the face at rest, over the scale of movement.
    doubt : float
        Probability, 0 to 0.5, that the face at rest is another than the one found.
    """

    groups: np.ndarray
    nodes: np.ndarray
    probabilities: np.ndarray = field(repr=False)
    movements: np.ndarray = field(repr=False)
    doubt: float


def place_new_person(result, images):
    """Place a new person in standing groups and on the standing map, without training anything again.

    Parameters
    ----------
    result : SharedGroups
    images : array_like, shape (N, H, W) or (N, H, W, 3 or 4)
        Faces of one person, uint8 or float in [0, 1], in the order of time where there is one.

    Returns
    -------
    NewPerson

    Raises
    ------
    ValueError
        If the images are not faces of one person.
    """
    images = as_faces(images)
    if images.ndim != 3 + is_colour(images):
        raise ValueError(
            f"images: expected frames of one person, (N, H, W) or (N, H, W, 3), got shape {images.shape}; "
            "pass one person at a time, a single frame as images[None]."
        )
    aligner = result.aligner
    features = shape_features(images)[None]
    inner, who, doubt = aligner.settle(features)
    proba = expect(Frames(inner), aligner.mixture_, who, unknown=aligner.known_within_).groups
    return NewPerson(
        groups=np.where(proba.sum(axis=1) < 0.5, -1, proba[:, result.order].argmax(axis=1)),
        nodes=result.som.predict(aligner.coordinates(inner, who)),
        probabilities=proba[:, result.order],
        movements=aligner.moved(features, aligner.rest(who), who.scales)[0],
        doubt=float(doubt[0]),
    )


def assign_new_person(result, images):
    """Group of each frame of a new person, in the numbering of `result`; see `place_new_person` for more.

    Parameters
    ----------
    result : SharedGroups
    images : array_like, shape (N, H, W) or (N, H, W, 3 or 4)

    Returns
    -------
    ndarray of int, shape (N,)
        0 to n_groups - 1; -1 where a frame shows something that no group shows.
    """
    return place_new_person(result, images).groups


def as_people(images):
    """Return faces as one array (P, N, H, W[, 3 or 4]), or as a list where persons have unequal frames."""
    if not isinstance(images, (list, tuple)) or len({np.shape(x) for x in images}) == 1:
        images = as_faces(images)
        if images.ndim != 4 + is_colour(images):
            raise ValueError(
                f"images: expected persons, (P, N, H, W) or (P, N, H, W, 3), got shape {images.shape}; "
                "for one person pass images[None]."
            )
        return images
    people = [as_faces(x, name=f"images[{p}]") for p, x in enumerate(images)]
    for p, x in enumerate(people):
        if x.ndim != 3 + is_colour(x) or x.shape[1:] != people[0].shape[1:]:
            raise ValueError(
                f"images: expected frames of {people[0].shape[1:]}, got {x.shape[1:]} for person {p}; "
                "bring all persons to one size and one kind of colour."
            )
    return people


def features_of(images):
    """Shape features (P, N, D), or a list of (N_p, D) for a list; a person without any face is named."""
    if isinstance(images, np.ndarray):
        return shape_features(images)
    return [shape_features(x) for x in images]


def walk_first(node_groups, n_groups):
    """Groups in the order in which a walk over the map meets them; those without a node come last."""
    walk = walk_order(node_groups)
    met = {new: old for new, old in zip(walk.ravel().tolist(), node_groups.ravel().tolist(), strict=True)}
    first = [met[new] for new in range(len(met))]
    return np.array(first + sorted(set(range(n_groups)) - set(first)))


def like_reference(aligner, reference):
    """Groups in the order that gives each the number of the reference's group it resembles most."""
    old = reference.aligner
    ours, theirs = aligner.means_, old.means_[reference.order]
    if ours.shape != theirs.shape:
        raise ValueError(
            f"reference: expected groups of {ours.shape[1]} features, got {theirs.shape[1]}; "
            "it comes from another version of `shape_features`."
        )
    root = np.linalg.cholesky(np.linalg.inv(old.mixture_.noise))
    ours, theirs = ((m - m.mean(axis=0)) / old.scale_ @ old.axes_ @ root for m in (ours, theirs))
    apart = np.linalg.norm(theirs[:, None] - ours[None], axis=2)
    return linear_sum_assignment(apart)[1]


def mean_faces(images, nodes, closest, som):
    """Mean face (rows, cols, H, W) of each node's frames, gray; the `closest` frame where it won none."""
    frames = images if isinstance(images, np.ndarray) else np.concatenate(images)
    frames = frames.reshape(-1, *frames.shape[-2 - is_colour(frames) :])
    won = np.split(np.argsort(nodes, kind="stable"), np.cumsum(som.hits_.ravel())[:-1])
    chosen = [
        w[np.unique(np.linspace(0, len(w) - 1, MOST_AVERAGED).astype(int))] if len(w) else np.array([near])
        for w, near in zip(won, closest, strict=True)
    ]
    some = frames[np.concatenate(chosen)]
    with warnings.catch_warnings():  # which grays moved is said where somebody converts, not here
        warnings.simplefilter("ignore")
        gray, labels = to_grayscale(some), find_parts(some)
    ends = np.cumsum([len(c) for c in chosen])[:-1]
    faces = [mean_face(g, p) for g, p in zip(np.split(gray, ends), np.split(labels, ends), strict=True)]
    return np.array(faces).reshape(*som.hits_.shape, *gray.shape[1:])

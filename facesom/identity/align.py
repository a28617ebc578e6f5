"""The same expression across people: what a face is built like is taken away, what it does is kept."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from facesom.io import check_n_groups, check_whole, like, one_thread
from facesom.parts import feature_names

from .actions import action_matrix
from .chain import Frames, thinned
from .doubt import Doubt
from .mixture import STRENGTH_VARIANCE, e_step, fit_mixture, log_likelihood, place_persons
from .novelty import learn_usual, novelty
from .persons import as_persons, canonical_order, less

HELD = {"shrinkage": 0.1, "strength_variance": STRENGTH_VARIANCE, "n_starts": 10}
# frame_weight: on film, what is left over takes six to nine frames to be forgotten (autocorrelation time)
FLOWING = {"shrinkage": 0.8, "frame_weight": 0.15, "parted": False, "n_starts": 50}
GROUPS_TELL = 2.0  # how much groups must tell, in logarithms of their number, for expressions to be held
STRENGTHS_TELL = 0.6  # and how much strengths must tell beside them, nats a frame
KNOWN_SHARE = 0.99  # of the frames that were learned from, all of which are known by definition
STRONGER = 2.0  # times as far may flowing movement be from all groups: it has no heights, far is often strong
SHARP = 10.0  # how soon a frame beyond the usual is taken for unknown
DOUBTFUL = 0.05  # probability of another offset from which on a person is reported


class Placed(NamedTuple):
    """Persons in a fitted aligner: rows (T, ...) of all frames; doubts (P,), as in `NewPerson`."""

    probabilities: np.ndarray
    coordinates: np.ndarray
    movements: np.ndarray
    doubts: np.ndarray


class IdentityAligner(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Learn what expressions persons share, and each person's own face at rest and mix of them.

    Faces are compared by the strengths of their actions (`read_actions`). Two readings of the same model
    (`facesom.identity.mixture`) are tried. *Held* expressions rise from rest to a strength and fall back, as
    when they are posed: strengths are told apart, and the noise has a covariance of its own. *Flowing*
    movement, as of people who are filmed, has no such heights: noise is the same in all actions, each
    weighted by how far it can be trusted on film. Held expressions are taken where they tell much of a frame
    that one normal distribution would not. Features other than those of `shape_features` have no actions;
    they are scaled by how much they move, and read as held. The order of persons does not matter, the seed
    hardly.

    Parameters
    ----------
    n_groups : int, default 8
        Number of shared expressions.
    reading : "auto", "held" or "flowing", default "auto"
    n_starts : int, optional
        How many k-means are tried for a start. Default: 10 for held expressions, 50 for flowing movement.
    seed : int, default 0

    Attributes
    ----------
    reading_ : str
        "held" or "flowing".
    offsets_ : ndarray, shape (P, D)
        Each person's face at rest, in the units of the features.
    mixes_ : ndarray, shape (P, n_groups)
        Share of each group in each person's episodes.
    doubts_ : ndarray, shape (P,)
        Probability, 0 to 0.5, that the offset is another: high where a person shows little but one
        expression.
    means_ : ndarray, shape (n_groups, D)
        What each group moves, in the units of the features.
    probabilities_ : (P, N, n_groups) ndarray, or list of (N_p, n_groups)
        Probability of each group for each frame that was learned from.
    mixture_ : facesom.identity.mixture.Mixture
        The fitted model.
    report_ : str
        What was learned, in sentences.

    Examples
    --------
    >>> import facesom
    >>> faces = facesom.make_faces(n_persons=4, n_frames=40, mix="balanced")
    >>> features = facesom.shape_features(faces.dataset.X1)
    >>> aligner = facesom.IdentityAligner(n_groups=4, seed=0).fit(features)
    >>> aligner.predict(features).shape
    (4, 40)
    """

    def __init__(self, n_groups=8, reading="auto", n_starts=None, seed=0):
        self.n_groups = n_groups
        self.reading = reading
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
        check_whole(self.seed, "seed", 0)
        if self.reading not in ("auto", "held", "flowing"):
            raise ValueError(f'reading: expected "auto", "held" or "flowing", got {self.reading!r}.')
        persons = as_persons(X)
        check_n_groups(self.n_groups, np.concatenate(persons))
        if not any((x.std(axis=0) > 1e-9).any() for x in persons):
            came = "one frame, or the same features in every frame, of each; nothing can be compared"
            raise ValueError(f"X: expected frames of each person that differ, got {came}.")
        order = canonical_order(persons)
        persons = [persons[p] for p in order]
        self.n_features_in_ = persons[0].shape[1]
        self.center_ = np.average(
            [x.mean(axis=0) for x in persons], axis=0, weights=[len(x) for x in persons]
        )
        has_actions = self.n_features_in_ == len(feature_names())
        if self.reading == "flowing" and not has_actions:
            wanted = f"the {len(feature_names())} features of `shape_features`"
            came = f"{self.n_features_in_}; their actions are not known"
            raise ValueError(f'reading="flowing": expected {wanted}, got {came}.')
        with one_thread():  # the matrices are small: threads would wait for each other
            if self.reading != "flowing":
                self._learn(persons, "held", has_actions)
            unsure = self.reading == "auto" and has_actions
            if self.reading == "flowing" or (unsure and not self._held(persons)):
                self._learn(persons, "flowing", has_actions)
            self._describe(X, persons, np.argsort(order))
        if self._doubtful():
            warnings.warn(self._doubtful(), stacklevel=2)
        return self

    def _learn(self, persons, reading, has_actions):
        self.reading_, options = reading, dict(HELD if reading == "held" else FLOWING)
        if has_actions:
            _, weights, trust = action_matrix()
            self.axes_ = weights * trust if reading == "flowing" else weights
        else:  # a feature that never moves tells of identity alone
            spread = np.sqrt(np.mean([x.var(axis=0) for x in persons], axis=0))
            self.axes_ = np.diag(np.divide(1, spread, out=np.zeros_like(spread), where=spread > 1e-9))
        if self.n_starts is not None:
            options["n_starts"] = check_whole(self.n_starts, "n_starts")
        inner, options["target"] = [self._inner(x) for x in persons], np.eye(self.axes_.shape[1])
        self.mixture_, self._persons = fit_mixture(inner, self.n_groups, seed=self.seed, **options)

    def _held(self, persons):
        """Whether groups, and strengths within them, tell as much as in expressions that are held."""
        if self.n_groups < 2:
            return False
        frames = Frames([self._inner(x) for x in persons])
        whole, plain, single = log_likelihood(frames, self.mixture_, self._persons)
        return whole - single > GROUPS_TELL * np.log(self.n_groups) and whole - plain > STRENGTHS_TELL

    def _describe(self, X, persons, given):
        inner = [self._inner(x) for x in persons]
        frames = Frames(inner)
        expected = e_step(frames, self.mixture_, self._persons)
        _, self.doubts_, _ = place_persons(Frames(thinned(inner)[0]), self.mixture_)
        # features that go along with what the model is made of: a regression, from sums, as frames are many
        scatter = sum((within := x - x.mean(axis=0)).T @ within for x in persons)
        along = self.axes_.T @ scatter
        self._back = np.linalg.lstsq(along @ self.axes_, along, rcond=1e-12)[0]
        probabilities = np.split(expected.responsibilities, frames.starts[1:])
        groups = [p.argmax(axis=1) for p in probabilities]
        # who stays in one group might stay in any other
        other = np.array([1 - self.mixture_.shares[g[0]] if (g == g[0]).all() else 0 for g in groups])
        self.doubts_ = np.maximum(self.doubts_, np.minimum(other, 0.5))
        offsets = np.array(list(map(self._rest, persons, inner, self._persons.offsets)))
        self.means_ = self.mixture_.means @ self._back
        self.known_within_ = float(np.quantile(expected.distances, KNOWN_SHARE))
        self.known_within_ *= STRONGER if self.reading_ == "flowing" else 1
        self._usual = learn_usual(list(map(np.subtract, persons, offsets)), self.axes_)
        self._doubt = Doubt(
            inner, groups, self.mixture_, self._persons.offsets, unknown=self.known_within_, seed=self.seed
        )
        self.probabilities_ = like(X, np.concatenate([probabilities[p] for p in given]))
        self._persons, self.offsets_, self.doubts_ = self._persons[given], offsets[given], self.doubts_[given]
        self.mixes_, self.report_ = self._persons.mixes, self._report(frames)

    def fit_transform(self, X, y=None):
        """Learn from X and return its coordinates (see `transform`), with the persons placed as learned."""
        self.fit(X)
        return like(
            X, self._coordinates(less([self._inner(x) for x in as_persons(X)], self._persons.offsets))
        )

    def transform(self, X):
        """Place persons in the model and return coordinates that tell expressions, not identities, apart.

        Parameters
        ----------
        X : array_like of float, shape (P, N, D), or list of P arrays (N_p, D)
            Persons, new or old.

        Returns
        -------
        (P, N, d) ndarray, or list of (N_p, d)
            Flowing: strengths of the actions, by how far they are to be trusted. Held: standard deviations of
            the noise, in the space that the groups span; d <= n_groups.
        """
        return like(X, self.place(X).coordinates)

    @property
    def _n_features_out(self):  # of which scikit-learn makes names
        check_is_fitted(self, "mixture_")
        return self._coordinates(np.zeros((1, len(self.mixture_.covariance)))).shape[1]

    def predict_proba(self, X):
        """Probability of each group for each frame of persons as in `transform`, (P, N, n_groups) or a list.

        They sum to less than 1 where the frame may be unknown.
        """
        return like(X, self.place(X).probabilities)

    def predict(self, X):
        """Group of each frame of persons as in `transform`, (P, N) or a list.

        -1 where it is more likely to show something that no group shows.
        """
        return like(X, most_likely(self.place(X).probabilities))

    def movements(self, X):
        """Features, in their units, of persons as in `transform` less each one's face at rest: as `X`."""
        return like(X, self.place(X).movements)

    def place(self, X):
        """Place persons, new or old, in the fitted model.

        A frame is unknown where it is far from every group, or where a feature moves otherwise than the rest
        of the face lets one expect (one brow alone, say, of which no action tells); such frames do not pull
        the face at rest.

        Parameters
        ----------
        X : array_like of float, shape (P, N, D), or list of P arrays (N_p, D)

        Returns
        -------
        Placed
        """
        check_is_fitted(self, "mixture_")
        persons = as_persons(X)
        if (came := persons[0].shape[1]) != self.n_features_in_:
            raise ValueError(
                f"X: expected {self.n_features_in_} features for each frame, as in fit, got {came}."
            )
        inner = [self._inner(x) for x in persons]
        usual = [np.ones(len(x), bool) for x in persons]
        with one_thread():
            for _ in range(3):
                seen = [z[keep] for z, keep in zip(inner, usual, strict=True)]
                placed, *doubts = place_persons(Frames(seen), self.mixture_, unknown=self.known_within_)
                shown = (x[keep] for x, keep in zip(persons, usual, strict=True))
                moved = list(map(np.subtract, persons, map(self._rest, shown, seen, placed.offsets)))
                new = [novelty(m, self._usual) for m in moved]
                usual = [n <= max(1, np.median(n)) for n in new]
            frames = Frames(inner)
            expected = e_step(frames, self.mixture_, placed, unknown=self.known_within_)
            doubts = self._doubt(frames, placed, expected.responsibilities, *doubts)
        known = expit(SHARP * (1 - np.concatenate(new)))
        probabilities, moved = expected.responsibilities * known[:, None], np.concatenate(moved)
        unknown = 1 - frames.mean(probabilities.sum(axis=1))
        # placed by some frames against many others, which might as well be the known ones
        doubts = np.where(unknown > 1 / 3, np.maximum(doubts, unknown), doubts)
        coordinates = self._coordinates(less(inner, placed.offsets))
        return Placed(probabilities, coordinates, moved, doubts)

    def _inner(self, x):
        return (x - self.center_) @ self.axes_

    def _rest(self, x, inner, offset):
        """Face at rest (D,): the middle of what is left of a person's frames (N, D) without what they do."""
        return np.median(x - (inner - offset) @ self._back, axis=0)

    def _coordinates(self, moved):
        if self.reading_ == "flowing":
            return moved
        root = np.linalg.cholesky(np.linalg.inv(self.mixture_.covariance))
        _, strength, directions = np.linalg.svd(self.mixture_.means @ root, full_matrices=False)
        directions = directions[strength > 1e-9 * strength[0]]
        largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
        return moved @ root @ (directions * np.sign(largest)).T  # the sign of a singular vector is arbitrary

    def _report(self, frames):
        lasting, lengths = 1 / (1 - self.mixture_.stay), frames.n
        how = {
            "held": "Expressions are held: each rises to a strength of its own",
            "flowing": "Movement flows: frames are compared by the strengths of their actions",
        }[self.reading_]
        noun = "person" if len(lengths) == 1 else "persons"
        each = f"{min(lengths)}" + (f" to {max(lengths)}" if min(lengths) < max(lengths) else "")
        size = f"{len(lengths)} {noun}, {each} frames each, {self.n_groups} groups."
        return f"{size} {how}. A group lasts {lasting:.1f} frames on average. {self._doubtful()}".strip()

    def _doubtful(self):
        doubtful = np.flatnonzero(self.doubts_ > DOUBTFUL).tolist()
        if not doubtful:
            return ""
        return (
            f"Persons {doubtful} show so few expressions that their faces at rest could be others than those "
            "found (see doubts_); read their groups with care, or add frames."
        )


def most_likely(probabilities):
    """Group of each frame from probabilities (T, K); -1 where they leave more than half to the unknown."""
    return np.where(probabilities.sum(axis=1) < 0.5, -1, probabilities.argmax(axis=1))

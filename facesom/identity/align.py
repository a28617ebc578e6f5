"""The same expression across people: what a face is built like is taken away, what it does is kept."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from facesom.io import as_array, check_n_groups

from .chain import Frames
from .mixture import expect
from .mixture_fit import fit_mixture, settle

KEPT_VARIANCE = 0.99  # of the features within persons; what is left out is mostly pixel noise
KNOWN_SHARE = 0.98  # of the frames that were learned from, all of which are known by definition
DOUBTFUL = 0.05  # probability of another offset from which on a person is reported


class IdentityAligner(TransformerMixin, BaseEstimator):
    """Learn what expressions persons share, and each person's own offset, scale of movement and mix of them.

    A frame of person p showing expression k at intensity a is taken to be ``offset[p] + scale[p] * a *
    mean[p, k]`` plus noise, where persons' own ways of showing an expression, mean[p, k], lie around a shared
    mean[k]. Since each person may show the expressions in a mix of their own, persons who frown a lot are not
    pulled onto persons who smile a lot, as they are when each person's mean is subtracted. How much offsets,
    scales, ways and mixes differ between persons, how long an expression lasts and how it rises and falls, is
    learned from the data; with few frames or few persons the priors so learned take over.

    Parameters
    ----------
    n_groups : int, default 8
        Number of shared expressions.
    n_starts : int, optional
        Random starts; the one with the highest evidence bound is kept. Default: eight; for few frames up to
        32, until the highest bound is reached twice.
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
    n_starts_ : int
        Number of starts.
    mixture_ : facesom.identity.mixture.Mixture
        The fitted model, in whitened coordinates.
    report_ : str
        What was learned, in sentences.

    Notes
    -----
    Mixed-effects mixture in the manner of Ng et al. (2006), "A mixture model with random-effects components
    for clustering correlated gene-expression profiles", with the mixes of Blei et al. (2003), intensities
    along a ray from rest, and a hidden Markov chain (Rabiner, 1989) of group and intensity over time. What is
    learned of each person counts a frame as far as it does not repeat the one before (Miller & Dunson, 2019).
    """

    def __init__(self, n_groups=8, n_starts=None, seed=0):
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
        # a feature that never moves tells of identity alone
        self.scale_ = np.where(spread > 1e-9, spread, np.inf)
        variance, axes = np.linalg.eigh(np.atleast_2d(np.cov((within / self.scale_).T)))
        variance, axes = variance[::-1], axes[:, ::-1]
        kept = np.searchsorted(np.cumsum(variance) / variance.sum(), KEPT_VARIANCE) + 1
        self.axes_ = axes[:, :kept]

        inner = [self._inner(x) for x in persons]
        self.mixture_, self._who, self.doubts_, self.bounds_, self.n_starts_ = fit_mixture(
            inner, self.n_groups, seed=self.seed, n_starts=self.n_starts
        )
        frames = Frames(inner)
        beliefs = expect(frames, self.mixture_, self._who)
        self.known_within_ = float(np.quantile(beliefs.surprise, KNOWN_SHARE))
        self.probabilities_ = like(X, beliefs.groups)
        self.offsets_ = self.rest(self._who)
        self.scales_, self.mixes_ = self._who.scales, self._who.mixes
        self.means_ = self._outer(self.mixture_.means)
        self.report_ = self._report(frames)
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
        return like(X, most_likely(proba))

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
        return like(X, moved(as_persons(X), self.rest(who), who.scales))

    def rest(self, who):
        """Faces at rest (P, D) of persons, in the units of the features."""
        return self.center_ + self._outer(who.offsets)

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
        return moved(inner, who.offsets, who.scales) @ root @ directions.T

    def _report(self, frames):
        mix, lengths = self.mixture_, frames.n
        lasting = 1 / (1 - mix.stay)
        alike = "much alike" if mix.alike > 10 * self.n_groups else "each of their own"
        return (
            f"{len(lengths)} persons, {min(lengths)}-{max(lengths)} frames each, {self.n_groups} groups. "
            f"An expression lasts {lasting:.1f} frames on average; as neighbours repeat each other, "
            f"a frame counts as {frames.worth @ lengths / lengths.sum():.2f} of one. "
            f"The persons' mixes are {alike} (prior strength {mix.alike:.0f} episodes). "
            f"Intensities are {'told apart' if mix.graded else 'not told apart: too few frames'}. "
            f"Scales of movement differ by {np.sqrt(mix.scale_variance):.0%}, "
            f"ways of showing a group by {np.sqrt(mix.manner):.1f} standard deviations of the noise. "
            f"{self.n_starts_} starts; the best evidence bound is {self.bounds_[0]:.0f}"
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


def moved(persons, offsets, scales):
    """Features (T, D) of all persons, each less their offset, over their scale."""
    return np.concatenate([(x - b) / s for x, b, s in zip(persons, offsets, scales, strict=True)])


def most_likely(probabilities):
    """Group of each frame from probabilities (T, K); -1 where they leave more than half to the unknown."""
    return np.where(probabilities.sum(axis=1) < 0.5, -1, probabilities.argmax(axis=1))


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
    persons = [as_array(x, f"X[{p}]").astype(float, copy=False) for p, x in enumerate(X)]
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

"""Expressions that persons share: a mixture in which everybody has a face at rest and a mix of their own.

The model
---------
Frame t of person p shows expression k, drawn from the person's own ``mixes[p]`` or kept from the frame
before (`chain`), with a strength ``a ~ N(1, strength_variance)``::

    x[t] = offset[p] + a * mean[k] + noise,    noise ~ N(0, covariance)

Given the expression, a frame is thus normal around ``offset + mean``, with the covariance lengthened along
the ray from rest: ``covariance + strength_variance * mean mean'``. Offsets have a normal prior, learned
from the persons: few frames are held to what is usual. It is a mixed-effects mixture in the manner of Ng et
al. (2006), "A mixture model with random-effects components", fitted by expectation maximisation (Dempster et
al., 1977):

- `e_step`: with offsets and means known, what is each frame's expression, and how strong? Given expression k,
  ``y = x - offset`` is a regression on m = mean[k] whose one coefficient, the strength, has the prior
  N(1, s²). Its posterior is normal, with variance ``v = s² / (1 + s² m'C⁻¹m)`` and mean
  ``1 + v m'C⁻¹(y - m)``; whatever the strength, y is N(m, C + s² mm'). All of it needs only m'C⁻¹m and
  m'C⁻¹y (Woodbury, 1950), so it is computed in coordinates in which C is the identity.
- `m_step`: with expressions and strengths known, means are a weighted regression on the strengths, and the
  noise is what is left over. The covariance is shrunk towards a given one, as quiet measures would else count
  as much as loud ones.
- `person_step`: an offset is the mean of what frames leave once their expression is taken away, weighed
  against the prior. Frames that follow each other repeat each other: each counts `frame_weight` of one.
- `log_posterior`: how well offsets explain their frames; of several offsets the likeliest is taken. A person
  whose mix would be unlike everybody's speaks against an offset.

Frames that count in part and a covariance that is shrunk make the steps near but not exact maximisers of
`log_posterior`, so it may fall at the end: then iteration stops.

`fit_mixture` learns all of it, `place_persons` finds persons in a model that stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, rel_entr
from sklearn.cluster import BisectingKMeans, KMeans

from .chain import Frames, forward_backward, thinned

STRENGTH_VARIANCE = 0.35**2  # expressions are shown at about 0.3 to 1.7 of their usual strength
ALIKE = 3.0  # imagined episodes of each expression that hold a person's mix to everybody's
ALIKENESS = 0.5  # how far faces at rest differ before any are known, in variances of what people move
EPISODE_WEIGHT = 0.5  # of an episode for how unlike everybody's mix a person's is, where frames count in part
LEEWAY = 1.0  # how far a face at rest may be from the median, in variances of what people move
UNKNOWN_SHARE = 0.05  # of the draws, expected to show what no expression does
N_ANNEALED = 15  # iterations with a flattened likelihood (Ueda & Nakano, 1998), to undo early mistakes


@dataclass(frozen=True)
class Mixture:
    """What persons share: what is given, and what is learned with it.

    Attributes
    ----------
    spread : ndarray, shape (D, D)
        Covariance of frames within persons: how far a face at rest may be from the median of few frames.
    strength_variance : float
        Of the strength around 1; 0 where strengths are not told apart.
    target : ndarray, shape (D, D)
        What the covariance is shrunk towards, up to its size.
    shrinkage : float
        How far, 0 to 1.
    frame_weight : float
        How much of a new frame each one is, 0 to 1, to its person's offset.
    means : ndarray, shape (K, D)
        Movement from rest of each expression at strength 1.
    covariance : ndarray, shape (D, D)
        Of the noise.
    shares : ndarray, shape (K,)
        Mix of expressions over all persons, in episodes.
    stay : float
        Chance, 0 to 1, that the next frame keeps the expression.
    rest_mean, rest_covariance : ndarray, shape (D,) and (D, D)
        What faces at rest are like, over all persons; or, with an axis of persons before, what each one's
        is expected to be like.
    """

    spread: np.ndarray
    target: np.ndarray
    shrinkage: float
    strength_variance: float = 0.0
    frame_weight: float = 1.0
    means: np.ndarray = None
    covariance: np.ndarray = None
    shares: np.ndarray = None
    stay: float = None
    rest_mean: np.ndarray = None
    rest_covariance: np.ndarray = None


@dataclass(frozen=True)
class Persons:
    """What is a person's own: offsets (P, D), and mixes (P, K) of expressions that sum to 1."""

    offsets: np.ndarray
    mixes: np.ndarray

    def __getitem__(self, chosen):
        return Persons(self.offsets[chosen], self.mixes[chosen])


@dataclass(frozen=True)
class Expectation:
    """What frames are believed to show.

    Attributes
    ----------
    responsibilities : ndarray, shape (T, K)
        Probability of each expression; sums to 1, or to less where the frame may show something unknown.
    strengths, squares : ndarray, shape (T, K)
        Mean of the strength and of its square, given the expression.
    draws : ndarray, shape (P, K)
        Expected number of episodes.
    kept : float
        Expected number of steps that kept the expression.
    log_likelihood : ndarray, shape (P,)
    distances : ndarray, shape (T,)
        Squared Mahalanobis distance from the nearest expression at its nearest strength.
    """

    responsibilities: np.ndarray
    strengths: np.ndarray
    squares: np.ndarray
    draws: np.ndarray
    kept: float
    log_likelihood: np.ndarray = None
    distances: np.ndarray = None


def e_step(frames, mixture, persons, *, temperature=1.0, unknown=None):
    """What each frame shows, given its whole video.

    Parameters
    ----------
    frames : Frames
    mixture : Mixture
    persons : Persons
    temperature : float
        Divides the log-density.
    unknown : float, optional
        Squared Mahalanobis distance beyond which a frame is more likely to show what no expression does.

    Returns
    -------
    Expectation
    """
    precision_root = np.linalg.cholesky(np.linalg.inv(mixture.covariance))
    y = (frames.X - persons.offsets[frames.person]) @ precision_root
    means = mixture.means @ precision_root
    lengths, along = (means * means).sum(axis=1), y @ means.T
    variance = mixture.strength_variance / (1 + mixture.strength_variance * lengths)
    strengths = 1 + variance * (along - lengths)
    from_mean = (y * y).sum(axis=1, keepdims=True) - 2 * along + lengths
    distances = from_mean - variance * (along - lengths) ** 2
    log_density = -0.5 * distances - 0.5 * np.log1p(mixture.strength_variance * lengths)
    distances = distances.min(axis=1)
    del y, along, from_mean  # of many persons they are large
    mixes = persons.mixes
    if unknown is not None:
        log_density = np.column_stack([log_density, np.full(len(distances), -0.5 * unknown)])
        mixes = np.column_stack([(1 - UNKNOWN_SHARE) * mixes, np.full(len(mixes), UNKNOWN_SHARE)])
    found = forward_backward(frames, log_density / temperature, mixes, mixture.stay)
    responsibilities, draws, kept, log_likelihood = found
    K, D = mixture.means.shape
    constant = np.log(np.diag(precision_root)).sum() - 0.5 * D * np.log(2 * np.pi)
    return Expectation(
        responsibilities=responsibilities[:, :K],
        strengths=strengths,
        squares=strengths**2 + variance,
        draws=draws[:, :K],
        kept=kept,
        log_likelihood=log_likelihood + frames.n * constant / temperature,
        distances=distances,
    )


def m_step(frames, expected, mixture, persons):
    """The shared part, given what frames show and where the persons are."""
    weights = expected.responsibilities * expected.strengths
    squares = (expected.responsibilities * expected.squares).sum(axis=0)
    moved = frames.X - persons.offsets[frames.person]
    cross = weights.T @ moved
    means = cross / (squares[:, None] + 1e-3)
    scatter = moved.T @ moved - cross.T @ means - means.T @ cross + means.T @ (squares[:, None] * means)
    draws = expected.draws.sum()
    return replace(
        mixture,
        means=means,
        covariance=shrink(scatter / len(moved), mixture.target, mixture.shrinkage),
        shares=(expected.draws.sum(axis=0) + 1) / (draws + len(means)),
        stay=float(np.clip((expected.kept + 1) / (expected.kept + draws + 2), 0, 0.99)),
        **rest_prior(persons.offsets, mixture.spread),
    )


def rest_prior(offsets, spread):
    """What a `Mixture` expects of faces at rest where those of some persons (P, D) are known."""
    (P, D), mean = offsets.shape, offsets.mean(axis=0)
    covariance = ((offsets - mean).T @ (offsets - mean) + D * ALIKENESS * spread) / (P + D)
    return {"rest_mean": mean, "rest_covariance": covariance}


def shrink(covariance, target, shrinkage):
    """Covariance, drawn towards a target of the same size; 1 % of a sphere keeps it regular."""
    D, size = len(covariance), np.trace(covariance)
    drawn = (1 - shrinkage) * covariance + shrinkage * target * size / np.trace(target)
    return drawn + (0.01 * size / D + 1e-12) * np.eye(D)


def person_step(frames, expected, mixture):
    """Offset and mix of each person, given what their frames show."""
    precision = mixture.frame_weight * np.linalg.inv(mixture.covariance)
    usual, prior = offset_prior(frames, mixture)
    known = expected.responsibilities.sum(axis=1, keepdims=True)
    left = known * frames.X - (expected.responsibilities * expected.strengths) @ mixture.means
    certain = frames.sum(known)[:, :, None] * precision + prior
    pull = frames.sum(left) @ precision + np.einsum("pij,pj->pi", prior, usual)
    offsets = np.linalg.solve(certain, pull[..., None])
    counts = expected.draws + ALIKE * len(mixture.shares) * mixture.shares
    return Persons(offsets[..., 0], counts / counts.sum(axis=1, keepdims=True))


def offset_prior(frames, mixture):
    """Mean (P, D) and precision (P, D, D) of each person's offset before its expressions are known."""
    near = np.linalg.inv(mixture.spread) / (LEEWAY + 1 / frames.n)[:, None, None]
    alike = np.linalg.inv(mixture.rest_covariance)
    pull = np.einsum("pij,pj->pi", near, frames.medians)
    pull += (alike @ mixture.rest_mean[..., None])[..., 0]
    return np.linalg.solve(near + alike, pull[..., None])[..., 0], near + alike


def oddness(frames, mixture, offsets):
    """Squared Mahalanobis distance (P,) of offsets from what is expected of them."""
    usual, prior = offset_prior(frames, mixture)
    gap = offsets - usual
    return np.einsum("pi,pij,pj->p", gap, prior, gap)


def fit_mixture(videos, n_groups, *, seed=0, n_starts=10, parted=True, most=60, **given):
    """Learn the shared model and where each person is.

    Groups that are parted are cut by bisecting k-means (Steinbach et al., 2000), from frames less each
    person's median and less the mean; both are annealed and followed to the end, and the better one is kept.
    A continuum can be cut in many ways that are as good as each other: the tightest k-means of frames less
    means is followed, so that chance does not choose. In the end persons are placed anew where another offset
    suits them better.

    Parameters
    ----------
    videos : list of ndarray of float, shape (N_p, D)
        Frames of each person.
    n_groups : int
    seed, n_starts, most : int
        `n_starts` k-means are tried for each cut; `most` iterations to the end.
    parted : bool, default True
    **given
        `target`, `shrinkage`, `strength_variance` and `frame_weight` of the `Mixture`.

    Returns
    -------
    mixture : Mixture
    persons : Persons
    """
    thin, every = thinned(videos)
    frames = Frames(thin)
    within = frames.X - frames.medians[frames.person]
    spread = within.T @ within / len(within) + 1e-9 * np.eye(within.shape[1])
    blank = Mixture(spread=spread, **given)
    options, annealed = {"n_init": n_starts, "random_state": seed}, N_ANNEALED if parted else 0
    kmeans = BisectingKMeans(n_groups, **options) if parted else KMeans(n_groups, **options)
    ends = []
    for middle in (np.median, np.mean) if parted else (np.mean,):
        persons = Persons(
            np.array([middle(x, axis=0) for x in thin]), np.full((len(thin), n_groups), 1 / n_groups)
        )
        labels = kmeans.fit_predict(frames.X - persons.offsets[frames.person])
        resp, ones = np.full((len(labels), n_groups), 0.1 / n_groups), np.ones((len(labels), n_groups))
        resp[np.arange(len(labels)), labels] += 0.9
        expected = Expectation(resp, ones, ones, draws=0.5 * frames.sum(resp), kept=0.5 * len(labels))
        mixture = m_step(frames, expected, blank, persons)
        ends.append(_iterate(frames, mixture, persons, annealed + most, annealed=annealed))
    mixture, persons, value = max(ends, key=lambda e: e[2])
    for _ in range(3):  # a person caught in a wrong offset cannot leave it step by step
        again = _iterate(frames, mixture, place_persons(frames, mixture)[0], most)
        if again[2] < value + 1e-4 * abs(value):
            break
        mixture, persons, value = again
    if len(frames.X) < sum(map(len, videos)):
        mixture = replace(mixture, stay=mixture.stay ** (1 / every))  # frames are nearer in time
        mixture, persons, _ = _iterate(Frames(videos), mixture, persons, 8)
    return mixture, persons


def _iterate(frames, mixture, persons, most, *, annealed=0):
    """Alternate the steps until the penalised log-likelihood hardly rises; returns it with both parts."""
    last = -np.inf
    for step in range(most):
        temperature = max(1.0, 3 * 0.85**step) if step < annealed else 1.0
        expected = e_step(frames, mixture, persons, temperature=temperature)
        value = log_posterior(frames, expected, mixture, persons).sum()
        persons = person_step(frames, expected, mixture)
        mixture = m_step(frames, expected, mixture, persons)
        del expected
        if step > annealed + 3 and value - last < 1e-5 * abs(value):
            break
        last = value
    return mixture, persons, value


def log_posterior(frames, expected, mixture, persons):
    """Log-likelihood (P,) of each person's frames, plus the log-prior of their offset and mix."""
    pull = ALIKE * len(mixture.shares) * (mixture.shares * np.log(persons.mixes)).sum(axis=1)
    # frames repeat each other, episodes less so: a mix unlike everybody's counts beside their likelihood
    shown = frames.mean(expected.responsibilities)
    unlike = expected.draws.sum(axis=1) * rel_entr(shown, mixture.shares).sum(axis=1)
    pull -= EPISODE_WEIGHT * (1 - mixture.frame_weight) * unlike
    far = oddness(frames, mixture, persons.offsets)
    return mixture.frame_weight * expected.log_likelihood - 0.5 * far + pull


def log_likelihood(frames, mixture, persons):
    """Mean log-likelihood of a frame by itself: in the mixture, without strengths, and as one normal.

    Parameters
    ----------
    frames : Frames
    mixture : Mixture
    persons : Persons

    Returns
    -------
    ndarray of float, shape (3,)
        In nats. What is without strengths, or one normal, is refitted from where the persons are.
    """
    alone = replace(mixture, stay=0.0)
    plain = replace(alone, strength_variance=0.0)
    single = replace(plain, means=np.zeros((1, mixture.means.shape[1])), shares=np.ones(1))
    found = []
    for model in (alone, plain, single):
        placed = Persons(persons.offsets, np.tile(model.shares, (len(persons.offsets), 1)))
        for _ in range(5):
            expected = e_step(frames, model, placed)
            placed = person_step(frames, expected, model)
            model = replace(m_step(frames, expected, model, placed), stay=0.0)
        found.append(e_step(frames, model, placed).log_likelihood.sum() / len(frames.X))
    return np.array(found)


def place_persons(frames, mixture, *, unknown=None, steps=10):
    """Place persons in a standing model, trying for each of them every expression as the one they show most.

    Parameters
    ----------
    frames : Frames
    mixture : Mixture
    unknown : float, optional
        As in `e_step`: frames that show something unknown do not pull the offset.

    Returns
    -------
    persons : Persons
    doubts : ndarray, shape (P,)
        Probability, 0 to 0.5, that an offset is right with which most frames show something else. Evidence
        counts by episodes, as frames repeat each other, where `frame_weight` has not taken that off already.
    unsteady : ndarray, shape (P,)
        Share of the frames that show something else with another of the offsets that were tried.
    """
    videos = np.split(frames.X, frames.starts[1:])
    D, P = mixture.means.shape[1], len(videos)
    tries = np.concatenate([np.zeros((1, D)), mixture.means])
    if mixture.rest_mean.ndim > 1:
        own = {name: getattr(mixture, name) for name in ("rest_mean", "rest_covariance")}
        mixture = replace(mixture, **{name: np.repeat(x, len(tries), axis=0) for name, x in own.items()})
    copies = Frames([x for x in videos for _ in tries])
    offsets = (frames.medians[:, None] - tries).reshape(-1, D)
    placed = Persons(offsets, np.tile(mixture.shares, (len(offsets), 1)))
    for step in range(steps):
        late = 2 * step >= steps  # nothing is unknown at first, else all of a misplaced person would be
        expected = e_step(
            copies, mixture, placed, temperature=max(1.0, 2 * 0.8**step), unknown=unknown if late else None
        )
        placed = person_step(copies, expected, mixture)
    value = log_posterior(copies, expected, mixture, placed).reshape(P, -1)
    chosen = np.arange(P) * len(tries) + value.argmax(axis=1)
    # that somebody shows all things equally strongly must not speak for rest
    plain = replace(mixture, strength_variance=0.0)
    expected = e_step(copies, plain, placed)
    value = log_posterior(copies, expected, plain, placed).reshape(value.shape)
    shown = expected.responsibilities.argmax(axis=1)
    found = shown[copies.starts[chosen][copies.person // len(tries)] + copies.time]
    other = copies.mean(shown != found).reshape(value.shape)
    margin = value.ravel()[chosen] - np.where(other > 0.5, value, -np.inf).max(axis=1)
    margin = np.maximum(margin, 0) * min(1, (1 - mixture.stay) / mixture.frame_weight)
    return placed[chosen], expit(-margin), other.mean(axis=1)

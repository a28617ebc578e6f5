"""Expressions shared by persons who each have an offset, a scale of movement and a mix of their own.

A frame of person p that shows group k at intensity a is ``offset[p] + scale[p] * a * mean[k] + noise``.
Which persons show which groups how often is left open for each of them; everything that several persons
share, and how much they differ, is learned by variational expectation-maximization (Dempster et al., 1977;
Jordan et al., 1999). In time, group and intensity form one Markov chain: an expression is kept for a while,
rises and falls step by step, and is left from some intensities more readily than from others.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.special import digamma, expit, gammaln
from sklearn.cluster import KMeans

INTENSITIES = np.array([0.5, 0.75, 1.0, 1.25, 1.5])  # below half of the usual, a face is nearer to rest
USUAL = np.array([0.2, 0.2, 0.3, 0.2, 0.1])  # where the distribution of intensities starts
FIRST = 20  # imagined frames that hold chances of intensities to where they start, until data outweigh them
N_ANNEALED = 15  # iterations with a flattened likelihood, so that early mistakes can be undone


@dataclass(frozen=True)
class Mixture:
    """The shared part.

    Attributes
    ----------
    means : ndarray, shape (K, D)
        Each group's movement at intensity 1, from rest.
    noise : ndarray, shape (D, D)
        Covariance of what is left over, the same in all groups.
    offset_mean, offset_covariance : ndarray, shape (D,) and (D, D)
        How persons' faces at rest differ: the prior that few frames are held to.
    scale_variance : float
        How much persons' scales of movement differ, around 1; 0 while it is not learned.
    levels : ndarray, shape (A,)
        The intensities at which groups are shown: `INTENSITIES`, or 1 alone where they are not told apart.
    begun : ndarray, shape (A,)
        Probability of each level where a group is drawn afresh.
    shares : ndarray, shape (K,)
        Mix of groups over all persons.
    alike : float
        How alike the persons' mixes are: strength, in episodes, of the Dirichlet prior around `shares`.
    stay : float
        Chance, 0 to 1, that the next frame keeps the group instead of drawing it afresh.
    steps : ndarray, shape (A, A + 1)
        From each level, chance that the next frame keeps the group and shows it at each level; last, that it
        draws a group afresh.
    """

    means: np.ndarray
    noise: np.ndarray
    offset_mean: np.ndarray
    offset_covariance: np.ndarray
    scale_variance: float
    levels: np.ndarray
    begun: np.ndarray
    shares: np.ndarray
    alike: float
    stay: float
    steps: np.ndarray

    @property
    def graded(self):
        """Whether groups are shown at several intensities."""
        return len(self.levels) > 1


@dataclass(frozen=True)
class Persons:
    """Own part of each person: offset (P, D), scale (P,), their posterior (co)variances, and mix (P, K)."""

    offsets: np.ndarray
    offset_covariances: np.ndarray
    scales: np.ndarray
    scale_variances: np.ndarray
    mixes: np.ndarray


@dataclass(frozen=True)
class Beliefs:
    """What the frames are believed to show.

    Attributes
    ----------
    groups : ndarray, shape (T, K)
        Probability of each group; sums to 1, or to less where the frame may show something unknown.
    intensity, square : ndarray, shape (T, K)
        Mean and mean square of the intensity, given the group.
    fresh : ndarray, shape (P, K)
        Expected number of times each group was drawn afresh: episodes, not frames.
    begun : ndarray, shape (A,)
        The same for all, by the level at which the episode begins.
    moves : ndarray, shape (A, A + 1)
        Expected number of steps from frame to frame, as in `Mixture.steps`.
    evidence : ndarray, shape (P,)
        Log-likelihood of each person's video.
    surprise : ndarray, shape (T,)
        Squared Mahalanobis distance to the nearest group at its nearest intensity.
    """

    groups: np.ndarray
    intensity: np.ndarray
    square: np.ndarray
    fresh: np.ndarray
    begun: np.ndarray
    moves: np.ndarray
    evidence: np.ndarray
    surprise: np.ndarray


class Frames:
    """Frames of all persons in one array (T, D), with the person and the time of each."""

    def __init__(self, persons):
        self.X = np.concatenate(persons)
        self.n = np.array([len(x) for x in persons])
        self.person = np.repeat(np.arange(len(persons)), self.n)
        self.time = np.concatenate([np.arange(n) for n in self.n])
        self.starts = np.r_[0, np.cumsum(self.n)[:-1]]

    def sum(self, values):
        """Sum the values (T, ...) of each person: (P, ...)."""
        return np.add.reduceat(values, self.starts, axis=0)


def expect(frames, mix, who, flatness=1.0, unknown=None):
    """E-step: what each frame shows, given its whole video.

    Parameters
    ----------
    frames : Frames
    mix : Mixture
    who : Persons
    flatness : float
        Divides the log-likelihood (deterministic annealing; Ueda & Nakano, 1998).
    unknown : float, optional
        Squared Mahalanobis distance beyond which a frame is more likely to show something that no group
        shows.

    Returns
    -------
    Beliefs
    """
    root = np.linalg.cholesky(np.linalg.inv(mix.noise))
    y, mu, p = (frames.X - who.offsets[frames.person]) @ root, mix.means @ root, frames.person
    unsure = np.einsum("ij,pji->p", root @ root.T, who.offset_covariances)[p]
    base = (y * y).sum(axis=1) + unsure
    along = who.scales[p, None] * (y @ mu.T)
    size = (who.scales**2 + who.scale_variances)[p, None] * (mu * mu).sum(axis=1)
    distance = base[:, None, None] - 2 * along[:, :, None] * mix.levels + size[:, :, None] * mix.levels**2
    dense, mixes = -0.5 / flatness * distance, who.mixes
    if unknown is not None:  # one more group, as likely at every level
        dense = np.pad(dense, ((0, 0), (0, 1), (0, 0)), constant_values=-0.5 / flatness * unknown)
        mixes = np.column_stack([0.95 * mixes, np.full(len(mixes), 0.05)])
    resp, fresh, moves, evidence = smooth(frames, dense, mixes[:, :, None] * mix.begun, mix.steps)
    groups = resp.sum(axis=2)
    constant = np.log(np.diag(root)).sum() - 0.5 * len(mix.noise) * np.log(2 * np.pi)
    K = len(mix.means)
    levels = resp[:, :K] / np.maximum(groups[:, :K, None], 1e-300)
    return Beliefs(
        groups[:, :K],
        levels @ mix.levels,
        levels @ mix.levels**2,
        fresh[:, :K].sum(axis=2),
        fresh[:, :K].sum(axis=(0, 1)),
        moves,
        evidence + frames.n * constant / flatness,
        distance.min(axis=(1, 2)),
    )


def smooth(frames, dense, new, steps):
    """Forward-backward (Rabiner, 1989) in a chain that keeps its group, at any level, or draws a new one.

    Parameters
    ----------
    frames : Frames
    dense : ndarray, shape (T, K, A)
        Log-density of each frame in each group at each level.
    new : ndarray, shape (P, K, A)
        Each person's chances of what is drawn afresh; sum to 1.
    steps : ndarray, shape (A, A + 1)
        As in `Mixture`.

    Returns
    -------
    resp : ndarray, shape (T, K, A)
        Probability of each state; sums to 1.
    fresh : ndarray, shape (P, K, A)
        Expected number of times each state was drawn afresh.
    moves : ndarray, shape (A, A + 1)
        Expected number of steps.
    evidence : ndarray, shape (P,)
    """
    P, (K, A), L = len(frames.n), dense.shape[1:], frames.n.max()
    top = dense.max(axis=(1, 2))
    e = np.ones((L, P, K, A))  # all videos side by side, the shorter ones padded with frames that say nothing
    e[frames.time, frames.person] = np.maximum(np.exp(dense - top[:, None, None]), 1e-300)
    here = (np.arange(L)[:, None] < frames.n)[:, :, None, None]
    keep, leave = steps[:, :A], steps[:, A]

    forward, norm, left = np.empty_like(e), np.empty((L, P, 1, 1)), np.empty((L, P, 1, 1))
    prior = new
    for t in range(L):
        seen = prior * e[t]
        norm[t] = seen.sum(axis=(1, 2), keepdims=True)
        forward[t] = seen / norm[t]
        left[t] = (forward[t] @ leave).sum(axis=1)[:, None, None]
        prior = forward[t] @ keep + left[t] * new
    evidence = frames.sum(top) + (np.log(norm) * here).sum(axis=(0, 2, 3))

    resp, back, fresh, moves = np.empty_like(e), np.ones_like(new), np.zeros_like(new), np.zeros((A, A + 1))
    resp[L - 1] = forward[L - 1]
    for t in range(L - 1, 0, -1):
        ahead = back * e[t] / norm[t]
        drawn = new * ahead
        chance = drawn.sum(axis=(1, 2), keepdims=True)
        fresh += left[t - 1] * drawn * here[t]
        before = forward[t - 1] * here[t]
        moves[:, :A] += before.reshape(-1, A).T @ ahead.reshape(-1, A)
        moves[:, A] += (before * chance).sum(axis=(0, 1))
        back = ahead @ keep.T + leave * chance
        resp[t - 1] = forward[t - 1] * back
    fresh += resp[0]
    resp = resp[frames.time, frames.person]
    return resp / resp.sum(axis=(1, 2), keepdims=True), fresh, moves * steps, evidence


def place(frames, beliefs, mix, who):
    """Posterior of each person's offset, scale and mix, given what their frames show."""
    inverse, prior = np.linalg.inv(mix.noise), np.linalg.inv(mix.offset_covariance)
    known = beliefs.groups.sum(axis=1)
    moved = frames.sum(beliefs.groups * beliefs.intensity) @ mix.means
    total = frames.sum(known[:, None] * frames.X) - who.scales[:, None] * moved
    covariances = np.linalg.inv(frames.sum(known)[:, None, None] * inverse + prior)
    offsets = np.einsum("pij,pj->pi", covariances, total @ inverse + prior @ mix.offset_mean)
    scales, variances = who.scales, who.scale_variances
    if mix.scale_variance > 0:
        pull = mix.means @ inverse
        along = beliefs.groups * beliefs.intensity * ((frames.X - offsets[frames.person]) @ pull.T)
        weight = frames.sum(beliefs.groups * beliefs.square) @ (pull * mix.means).sum(axis=1)
        variances = 1 / (weight + 1 / mix.scale_variance)
        scales = np.clip((frames.sum(along.sum(axis=1)) + 1 / mix.scale_variance) * variances, 0.25, 4.0)
    mixes = beliefs.fresh + mix.alike * mix.shares
    return Persons(offsets, covariances, scales, variances, mixes / mixes.sum(axis=1, keepdims=True))


def share(frames, beliefs, mix, who, learn_scale):
    """M-step: the shared part, given what the frames show and the persons."""
    P, T, K = len(who.offsets), len(frames.X), beliefs.groups.shape[1]
    residual = frames.X - who.offsets[frames.person]
    first = beliefs.groups * beliefs.intensity * who.scales[frames.person, None]
    second = beliefs.groups * beliefs.square * (who.scales**2 + who.scale_variances)[frames.person, None]
    weight = second.sum(axis=0)[:, None] + 1e-6
    means = first.T @ residual / weight
    scatter = residual.T @ residual - means.T @ (weight * means)
    scatter += np.einsum("p,pij->ij", frames.n.astype(float), who.offset_covariances)

    centre = who.offsets.mean(axis=0)
    apart = who.offsets - centre
    between = apart.T @ apart + who.offset_covariances.sum(axis=0)
    between = (between + residual.T @ residual / T) / (P + 1)  # as if one more differed as expressions do
    scale_variance = 0.0
    if learn_scale:  # starts wide: a prior that starts at zero could never learn that persons differ
        differ = ((who.scales - 1) ** 2 + who.scale_variances).mean()
        scale_variance = differ if mix.scale_variance > 0 else 0.1
    kept, left = beliefs.moves[:, :-1].sum(), beliefs.moves[:, -1].sum()
    stay = float(np.clip((kept + 1) / (kept + left + 2), 0.0, 0.999))
    usual = usually(mix.levels)
    hold = np.column_stack([stay * (0.5 * np.eye(len(usual)) + 0.5 * usual), np.full(len(usual), 1 - stay)])
    steps = beliefs.moves + FIRST * hold
    begun = beliefs.begun + FIRST * usual
    shares = (beliefs.fresh.sum(axis=0) + 1) / (beliefs.fresh.sum() + K)
    return Mixture(
        means=means,
        noise=shrink(scatter / T, T),
        offset_mean=centre,
        offset_covariance=shrink(between, P),
        scale_variance=scale_variance,
        levels=mix.levels,
        begun=begun / begun.sum(),
        shares=shares,
        alike=likeness(beliefs.fresh, shares, mix.alike),
        stay=stay,
        steps=steps / steps.sum(axis=1, keepdims=True),
    )


def usually(levels):
    """Share of each level (A,) before anything is known."""
    return USUAL if len(levels) > 1 else np.ones(1)


def even(beliefs, levels):
    """The same beliefs as if intensities told nothing: 1 in each frame, `usually` spread over time."""
    usual, ones = usually(levels), np.ones_like(beliefs.groups)
    kept, left = beliefs.moves[:, :-1].sum(), beliefs.moves[:, -1].sum()
    return replace(
        beliefs,
        intensity=ones,
        square=ones,
        begun=beliefs.fresh.sum() * usual,
        moves=np.outer(usual, np.append(kept * usual, left)),
    )


def shrink(cov, n):
    """Covariance of `n` samples, shrunk towards a sphere by the rule of Chen et al. (2010)."""
    D = len(cov)
    spread, size = np.trace(cov) ** 2, (cov * cov).sum()
    excess = (n + 1 - 2 / D) * (size - spread / D)
    rho = min(1.0, ((1 - 2 / D) * size + spread) / excess) if excess > 0 else 1.0
    return (1 - max(rho, 1e-3)) * cov + (max(rho, 1e-3) * np.trace(cov) / D + 1e-9) * np.eye(D)


def likeness(fresh, shares, alike):
    """One fixed-point step for the strength of the Dirichlet prior on the persons' mixes (Minka, 2000)."""
    a = alike * shares
    up = (shares * (digamma(fresh + a) - digamma(a))).sum()
    down = (digamma(fresh.sum(axis=1) + alike) - digamma(alike)).sum()
    return float(np.clip(alike * up / max(down, 1e-12), 0.5 * len(shares), 1000.0))


def bound(evidence, mix, who):
    """Evidence lower bound (P,): the evidence less what offset, scale and mix cost under their priors."""
    inverse, apart = np.linalg.inv(mix.offset_covariance), who.offsets - mix.offset_mean
    cost = np.einsum("ij,pji->p", inverse, who.offset_covariances) + np.einsum(
        "pi,ij,pj->p", apart, inverse, apart
    )
    cost += (
        np.linalg.slogdet(mix.offset_covariance)[1]
        - np.linalg.slogdet(who.offset_covariances)[1]
        - apart.shape[1]
    )
    if mix.scale_variance > 0 and who.scale_variances.all():
        cost += ((who.scales - 1) ** 2 + who.scale_variances) / mix.scale_variance - 1
        cost += np.log(mix.scale_variance / who.scale_variances)
    a = mix.alike * mix.shares
    return evidence - 0.5 * cost + gammaln(mix.alike) - gammaln(a).sum() + (a * np.log(who.mixes)).sum(axis=1)


def iterate(frames, mix, who, *, annealed=0, most=60, tolerance=1e-5):
    """Alternate E- and M-steps until the bound hardly rises; returns mix, who, bound."""
    last = -np.inf
    for step in range(most):
        early = step < annealed
        beliefs = expect(frames, mix, who, max(1.0, 3.0 * 0.85**step) if early else 1.0)
        if early and step < annealed - 5:
            # intensities would hide which group is which while the groups still form
            beliefs = even(beliefs, mix.levels)
        who = place(frames, beliefs, mix, who)
        mix = share(frames, beliefs, mix, who, learn_scale=not early)
        value = bound(beliefs.evidence, mix, who).sum()
        if step > annealed + 3 and value - last < tolerance * abs(value):
            break
        last = value
    return mix, who, value


def begin(frames, labels, offsets, n_groups, levels):
    """Model and persons from hard groups (T,) and a first guess of the persons' offsets (P, D)."""
    P, D = offsets.shape
    K, T = n_groups, len(labels)
    groups = np.full((T, K), 0.1 / K)
    groups[np.arange(T), labels] += 0.9
    half = np.full((1, 2), 0.5 * T)  # steps that keep the group, and that do not
    beliefs = even(Beliefs(groups, None, None, frames.sum(groups), None, half, None, None), levels)
    who = Persons(offsets, np.zeros((P, D, D)), np.ones(P), np.zeros(P), np.full((P, K), 1 / K))
    blank = Mixture(None, None, None, None, 0.0, levels, None, None, float(K), 0.5, None)
    mix = share(frames, beliefs, blank, who, learn_scale=False)
    return mix, place(frames, beliefs, mix, who)


def settle(persons, mix, unknown=None, steps=15):
    """Place persons in a standing model, trying for each of them every group as the one they show most.

    Parameters
    ----------
    persons : list of ndarray, shape (N_p, D)
    mix : Mixture
    unknown : float, optional
        As in `expect`: frames that show something unknown do not pull the person's offset.

    Returns
    -------
    who : Persons
    doubt : ndarray, shape (P,)
        Probability, 0 to 0.5, of the best placing whose offset is elsewhere (further than one standard
        deviation of the noise a dimension): near 0.5 where a mix is so one-sided that the offset could well
        be another.
    """
    D = mix.means.shape[1]
    tries = np.concatenate([np.zeros((1, D)), mix.means])
    copies = Frames([x for x in persons for _ in tries])
    middle = np.array([np.median(x, axis=0) for x in persons])
    offsets = (middle[:, None] - tries).reshape(-1, D)
    P = len(offsets)
    nothing = np.zeros((P, D, D))
    who = Persons(offsets, nothing, np.ones(P), np.zeros(P), np.tile(mix.shares, (P, 1)))
    for step in range(steps):
        # nothing is unknown at first, else all of a person in a wrong place would be
        beliefs = expect(copies, mix, who, max(1.0, 2.0 * 0.8**step), unknown if 2 * step >= steps else None)
        who = place(copies, beliefs, mix, who)
    value = bound(beliefs.evidence, mix, who).reshape(len(persons), -1)
    chosen = np.arange(len(persons)) * len(tries) + value.argmax(axis=1)
    gap = who.offsets - np.repeat(who.offsets[chosen], len(tries), axis=0)
    gap = gap @ np.linalg.cholesky(np.linalg.inv(mix.noise))
    elsewhere = ((gap**2).sum(axis=1) > D).reshape(value.shape)
    lead = value.max(axis=1) - np.where(elsewhere, value, -np.inf).max(axis=1)
    lead *= 1 - mix.stay  # neighbouring frames repeat each other: episodes are the evidence
    return Persons(*(getattr(who, f.name)[chosen] for f in fields(who))), expit(-lead)


def fit_mixture(persons, n_groups, *, seed=0, n_starts=8, thin_to=4000):
    """Learn the shared model from frames of several persons.

    Every start is k-means on frames less each person's mean or median, annealed; the third with the highest
    bounds goes on to convergence and the best one is kept. Intensities are told apart only if that raises the
    bound by more than the Bayesian information criterion asks for its parameters (Schwarz, 1978). Long videos
    are thinned for the starts and used whole at the end.

    Parameters
    ----------
    persons : list of ndarray of float, shape (N_p, D)
    n_groups, seed, n_starts : int
    thin_to : int
        Frames, over all persons, that the starts are tried on.

    Returns
    -------
    mix : Mixture
    who : Persons
    doubts : ndarray, shape (P,)
        As from `settle`.
    bounds : ndarray
        Evidence lower bounds of the starts that were followed to the end, best first.
    """
    every = max(1, sum(map(len, persons)) // thin_to)
    thin = [x[:: max(1, min(every, len(x) // 20))] for x in persons]
    frames = Frames(thin)
    ends = best_starts(frames, n_groups, seed, n_starts, INTENSITIES)
    plain = best_starts(frames, n_groups, seed, n_starts, np.ones(1))
    more = len(INTENSITIES) * (len(INTENSITIES) + 1) - 2  # parameters: in `steps` and `begun`
    if ends[0][2] - plain[0][2] < more / 2 * np.log(len(frames.X)):
        ends = plain
    mix, who, value = ends[0]
    moved, doubts = settle(thin, mix)  # a person caught in a wrong offset cannot leave it step by step
    again = iterate(frames, mix, moved)
    if again[2] > value:
        mix, who, value = again
    if len(frames.X) < sum(map(len, persons)):
        mix, who, _ = iterate(Frames(persons), slow(mix, every), who, most=12)
    return mix, who, doubts, np.array([e[2] for e in ends])


def slow(mix, every):
    """The model of `every`-th frames as a first guess of that of all frames, in which steps are smaller."""
    kept = mix.steps[:, :-1].sum(axis=1, keepdims=True)
    keep = np.eye(len(kept)) + (mix.steps[:, :-1] / kept - np.eye(len(kept))) / every
    steps = np.column_stack([kept ** (1 / every) * keep, 1 - kept ** (1 / every)])
    return replace(mix, stay=mix.stay ** (1 / every), steps=steps)


def best_starts(frames, n_groups, seed, n_starts, levels):
    """The best third of the starts, followed to the end: (mix, who, bound) each, best first."""
    rng = np.random.default_rng(seed)
    starts = []
    for start in range(n_starts):
        middle = np.mean if start % 2 else np.median
        offsets = np.array([middle(x, axis=0) for x in np.split(frames.X, frames.starts[1:])])
        km = KMeans(n_groups, n_init=1, random_state=int(rng.integers(2**31)))
        labels = km.fit_predict(frames.X - offsets[frames.person])
        first = begin(frames, labels, offsets, n_groups, levels)
        starts.append(iterate(frames, *first, annealed=N_ANNEALED, most=N_ANNEALED + 8))
    starts.sort(key=lambda s: -s[2])
    ends = [iterate(frames, mix, who) for mix, who, _ in starts[: max(1, n_starts // 3)]]
    return sorted(ends, key=lambda s: -s[2])

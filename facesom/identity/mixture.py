"""Expressions shared by persons who each have an offset, a scale of movement and a mix of their own.

A frame of person p that shows group k at intensity a is ``offset[p] + scale[p] * a * mean[p, k] + noise``,
where each person's own way of showing the group, mean[p, k], lies around the shared mean[k]. Which persons
show which groups how often is left open for each of them; everything that several persons share, and how
much they differ, is learned by variational expectation-maximization (Dempster et al., 1977; Jordan et al.,
1999). In time, group and intensity form one Markov chain (`chain`): an expression is kept for a while, rises
and falls step by step, and is left from some intensities more readily than from others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import digamma, gammaln

from .chain import smooth, usually

FIRST = 20  # imagined frames that hold chances of intensities to where they start, until data outweigh them
MANNER = 0.25  # where the variance of persons' own ways starts
ONE_WAY = 1e-3  # and while all are held to one way


@dataclass(frozen=True)
class Mixture:
    """The shared part.

    Attributes
    ----------
    means : ndarray, shape (K, D)
        Each group's movement at intensity 1, from rest.
    noise : ndarray, shape (D, D)
        Covariance of what is left over, the same in all groups.
    manner : float
        How much persons differ in their ways of showing a group: variance around its mean, over `noise`.
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
    manner: float
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
    """Posterior of each person's own part.

    Attributes
    ----------
    offsets, offset_covariances : ndarray, shape (P, D) and (P, D, D)
    scales, scale_variances : ndarray, shape (P,)
    counts : ndarray, shape (P, K)
        Parameters of the Dirichlet distribution of the mix.
    means : ndarray, shape (P, K, D)
        Each group's movement at intensity 1 as this person shows it.
    spread : ndarray, shape (P, K)
        Variance of `means` where the offset is known, in units of the noise.
    pull : ndarray, shape (P, K)
        How far `means` go against the offset where that is another.
    """

    offsets: np.ndarray
    offset_covariances: np.ndarray
    scales: np.ndarray
    scale_variances: np.ndarray
    counts: np.ndarray
    means: np.ndarray
    spread: np.ndarray
    pull: np.ndarray

    @property
    def mixes(self):
        """Mean mix, shape (P, K)."""
        return self.counts / self.counts.sum(axis=1, keepdims=True)

    @property
    def log_mixes(self):
        """Mean logarithm of the mix, shape (P, K)."""
        return digamma(self.counts) - digamma(self.counts.sum(axis=1, keepdims=True))


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
    y, own, p = (frames.X - who.offsets[frames.person]) @ root, who.means @ root, frames.person
    unsure = uncertain(who.offset_covariances, root @ root.T)
    base = (y * y).sum(axis=1) + unsure[p]
    along = who.scales[p, None] * (frames.times(y, own) + (who.pull * unsure[:, None])[p])
    size = ((who.scales**2 + who.scale_variances)[:, None] * squares(own, who, unsure))[p]
    distance = base[:, None, None] - 2 * along[:, :, None] * mix.levels + size[:, :, None] * mix.levels**2
    mixes = np.exp(who.log_mixes)
    if unknown is not None:  # one more group, as likely at every level and as far as the offset is uncertain
        strange = np.broadcast_to((unknown + unsure[p])[:, None, None], (len(p), 1, len(mix.levels)))
        distance = np.concatenate([distance, strange], axis=1)
        mixes = np.column_stack([0.95 * mixes, np.full(len(mixes), 0.05)])
    dense = -0.5 / flatness * distance
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
        distance[:, :K].min(axis=(1, 2)),
    )


def uncertain(covariances, inverse):
    """Mean squared Mahalanobis distance (P,) that comes of covariances (P, D, D) alone."""
    return np.einsum("ij,pji->p", inverse, covariances)


def squares(own, who, unsure):
    """Mean squared length (P, K) of persons' own means, whitened: (P, K, D)."""
    return (own * own).sum(axis=2) + own.shape[2] * who.spread + who.pull**2 * unsure[:, None]


def place(frames, beliefs, mix, who):
    """Posterior of each person's offset, ways, scale and mix, given what their frames show."""
    inverse, prior = np.linalg.inv(mix.noise), np.linalg.inv(mix.offset_covariance)
    weight = frames.worth[frames.person, None] * beliefs.groups
    known, shown = weight.sum(axis=1), weight * beliefs.intensity
    once, twice = amounts(frames, beliefs, who)
    seen = who.scales[:, None, None] * frames.gather(shown, frames.X)
    spread = 1 / (twice + 1 / mix.manner)
    pull = spread * once  # what is not known of the ways makes the offset less certain
    certain = frames.sum(known) - (once * pull).sum(axis=1)
    covariances = np.linalg.inv(certain[:, None, None] * inverse + prior)
    above = seen - twice[:, :, None] * mix.means
    total = frames.sum(known[:, None] * frames.X) - once @ mix.means - (pull[:, :, None] * above).sum(axis=1)
    offsets = np.einsum("pij,pj->pi", covariances, total @ inverse + prior @ mix.offset_mean)
    means = mix.means + spread[:, :, None] * (above - once[:, :, None] * offsets[:, None])
    placed = replace(
        who,
        offsets=offsets,
        offset_covariances=covariances,
        counts=beliefs.fresh + mix.alike * mix.shares,
        means=means,
        spread=spread,
        pull=pull,
    )
    if mix.scale_variance == 0:
        return placed
    root = np.linalg.cholesky(inverse)
    unsure, own = uncertain(covariances, inverse), means @ root
    along = frames.times((frames.X - offsets[frames.person]) @ root, own)
    along = frames.sum(shown * (along + (pull * unsure[:, None])[frames.person])).sum(axis=1)
    certain = (frames.sum(weight * beliefs.square) * squares(own, placed, unsure)).sum(axis=1)
    variances = 1 / (certain + 1 / mix.scale_variance)
    scales = np.clip((along + 1 / mix.scale_variance) * variances, 0.25, 4.0)
    return replace(placed, scales=scales, scale_variances=variances)


def share(frames, beliefs, mix, who, *, early):
    """M-step: the shared part, given what the frames show and the persons, who follow it.

    Early on, scales of movement are not learned yet.
    """
    P, T, (K, D) = len(who.offsets), len(frames.X), who.means.shape[1:]
    who = replace(who, scales=who.scales / who.scales.mean())  # what all have in common is the means' affair
    weight, residual = frames.worth[frames.person, None], frames.X - who.offsets[frames.person]
    once, twice = amounts(frames, beliefs, who)
    seen = who.scales[:, None, None] * frames.gather(weight * beliefs.groups * beliefs.intensity, residual)
    held = 1 / (1 + twice * mix.manner)  # how far own means are held to the shared ones
    means = np.einsum("pk,pkd->kd", held, seen) / ((held * twice).sum(axis=0)[:, None] + 1e-6)
    spread = mix.manner * held
    above = seen - twice[:, :, None] * means
    apart = spread[:, :, None] * above

    cross = seen.sum(axis=0).T @ means
    scatter = residual.T @ (weight * residual) + means.T @ (twice.sum(axis=0)[:, None] * means)
    scatter -= cross + cross.T + np.einsum("pki,pkj->ij", apart, above)
    certain = frames.sum(weight * beliefs.groups).sum(axis=1) - (once**2 * spread).sum(axis=1)
    scatter += np.einsum("p,pij->ij", certain, who.offset_covariances)
    noise = shrink(scatter / weight.sum(), weight.sum())

    inverse = np.linalg.inv(noise)
    differ = np.einsum("pki,ij,pkj->", apart, inverse, apart)
    differ += ((spread * once) ** 2).sum(axis=1) @ uncertain(who.offset_covariances, inverse)
    # over what the frames tell of it: the update of MacKay (1992), faster than that of the M-step
    manner = float(np.clip(differ / D / max((1 - held).sum(), 1e-12), ONE_WAY, 100.0))
    spread = 1 / (twice + 1 / manner)
    who = replace(who, means=means + spread[:, :, None] * above, spread=spread, pull=spread * once)

    centre = who.offsets.mean(axis=0)
    apart = who.offsets - centre
    between = apart.T @ apart + who.offset_covariances.sum(axis=0)
    between = (between + residual.T @ residual / T) / (P + 1)  # as if one more differed as expressions do
    scale_variance = 0.0
    if not early:  # starts wide: a prior that starts at zero could never learn that persons differ
        vary = ((who.scales - 1) ** 2 + who.scale_variances).mean()
        scale_variance = vary if mix.scale_variance > 0 else 0.1
    kept, left = beliefs.moves[:, :-1].sum(), beliefs.moves[:, -1].sum()
    stay = float(np.clip((kept + 1) / (kept + left + 2), 0.0, 0.999))
    usual = usually(mix.levels)
    hold = np.column_stack([stay * (0.5 * np.eye(len(usual)) + 0.5 * usual), np.full(len(usual), 1 - stay)])
    steps = beliefs.moves + FIRST * hold
    begun = beliefs.begun + FIRST * usual
    shares = (beliefs.fresh.sum(axis=0) + 1) / (beliefs.fresh.sum() + K)
    mix = Mixture(
        means=means,
        noise=noise,
        manner=manner,
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
    return mix, who


def amounts(frames, beliefs, who):
    """Sums (P, K) over frames of how much each person moves in each group, and of the same squared."""
    once = who.scales * frames.worth
    twice = (who.scales**2 + who.scale_variances) * frames.worth
    return (
        once[:, None] * frames.sum(beliefs.groups * beliefs.intensity),
        twice[:, None] * frames.sum(beliefs.groups * beliefs.square),
    )


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
    """Strength of the Dirichlet prior on the persons' mixes (fixed point of Minka, 2000)."""
    for _ in range(50):
        a = alike * shares
        up = (shares * (digamma(fresh + a) - digamma(a))).sum()
        down = (digamma(fresh.sum(axis=1) + alike) - digamma(alike)).sum()
        alike = float(np.clip(alike * up / max(down, 1e-12), 0.5 * len(shares), 1000.0))
    return alike


def bound(evidence, mix, who, worth):
    """Evidence lower bound (P,): the evidence less what each person's own part costs under its priors."""
    inverse, apart = np.linalg.inv(mix.offset_covariance), who.offsets - mix.offset_mean
    cost = uncertain(who.offset_covariances, inverse) + np.einsum("pi,ij,pj->p", apart, inverse, apart)
    cost += (
        np.linalg.slogdet(mix.offset_covariance)[1]
        - np.linalg.slogdet(who.offset_covariances)[1]
        - apart.shape[1]
    )
    inverse, D = np.linalg.inv(mix.noise), apart.shape[1]
    way = (who.means - mix.means) @ np.linalg.cholesky(inverse)
    way = squares(way, who, uncertain(who.offset_covariances, inverse)) / mix.manner
    cost += (way - D + D * np.log(mix.manner / who.spread)).sum(axis=1)
    if mix.scale_variance > 0 and who.scale_variances.all():
        cost += ((who.scales - 1) ** 2 + who.scale_variances) / mix.scale_variance - 1
        cost += np.log(mix.scale_variance / who.scale_variances)
    prior, counts = mix.alike * mix.shares, who.counts
    cost_of_mix = gammaln(counts.sum(axis=1)) - gammaln(counts).sum(axis=1)
    cost_of_mix += gammaln(prior).sum() - gammaln(mix.alike) + ((counts - prior) * who.log_mixes).sum(axis=1)
    return worth * evidence - 0.5 * cost - cost_of_mix

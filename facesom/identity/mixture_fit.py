"""Fitting the mixture: random starts, the best ones followed to the end; persons placed in a standing one."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from scipy.special import expit
from sklearn.cluster import KMeans

from .chain import INTENSITIES, Frames, slow
from .mixture import (
    MANNER,
    ONE_WAY,
    Beliefs,
    Mixture,
    Persons,
    bound,
    even,
    expect,
    place,
    share,
)

N_ANNEALED = 15  # iterations with a flattened likelihood, so that early mistakes can be undone
MOST_MOVES = 4  # times that persons are placed anew in a model that fits


def fit_mixture(persons, n_groups, *, seed=0, n_starts=None, thin_to=4000):
    """Learn the shared model from frames of several persons.

    Intensities are told apart only if that raises the bound by more than the Bayesian information criterion
    asks for its parameters (Schwarz, 1978). Long videos are thinned for the starts and used whole at the end.

    Parameters
    ----------
    persons : list of ndarray of float, shape (N_p, D)
    n_groups, seed : int
    n_starts : int, optional
        See `best_starts`.
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
    tried : int
        Number of starts.
    """
    every = max(1, sum(map(len, persons)) // thin_to)
    thin = [x[:: max(1, min(every, len(x) // 20))] for x in persons]
    frames = Frames(thin)
    ends, tried = best_starts(frames, n_groups, seed, n_starts, INTENSITIES)
    plain, tried_plain = best_starts(frames, n_groups, seed, n_starts, np.ones(1))
    more = len(INTENSITIES) * (len(INTENSITIES) + 1) - 2  # parameters: in `steps` and `begun`
    if ends[0][2] - plain[0][2] < more / 2 * np.log(frames.worth @ frames.n):
        ends, tried = plain, tried_plain
    mix, who, value = ends[0]
    for _ in range(MOST_MOVES):  # a person caught in a wrong offset cannot leave it step by step
        moved, doubts = settle(thin, mix)
        again = iterate(frames, mix, moved)
        if not higher(again[2], value):
            break
        mix, who, value = again
    if len(frames.X) < sum(map(len, persons)):
        mix, who, _ = iterate(Frames(persons), slow(mix, every), who, most=12)
    return mix, who, doubts, np.array([e[2] for e in ends]), tried


def best_starts(frames, n_groups, seed, n_starts, levels):
    """Follow the best third of some starts to the end.

    Every start is k-means on frames less each person's mean or median, annealed. Half of the starts hold all
    persons to one way of showing each group until it is found which group is which, half never do.

    Parameters
    ----------
    frames : Frames
    n_groups, seed : int
    n_starts : int or None
        None: rounds of eight, until the highest bound is reached twice, or 32 starts (fewer the more frames:
        starts times frames stay below 32,000 where there is a choice) were made.
    levels : ndarray, shape (A,)

    Returns
    -------
    ends : list of (Mixture, Persons, float)
        Model, persons and bound of each start that was followed, highest bound first.
    tried : int
    """
    rng, persons = np.random.default_rng(seed), frames.split(frames.X)
    middles = [np.array([middle(x, axis=0) for x in persons]) for middle in (np.median, np.mean)]
    rounds = [n_starts] if n_starts else [8] * int(np.clip(4000 // len(frames.X), 1, 4))
    ends, tried = [], 0
    for n in rounds:
        starts = []
        for start in range(n):
            offsets = middles[start % 2]
            km = KMeans(n_groups, n_init=1, random_state=int(rng.integers(2**31)))
            labels = km.fit_predict(frames.X - offsets[frames.person])
            first = begin(frames, labels, offsets, n_groups, levels)
            one_way = start // 2 % 2 == 0
            starts.append(iterate(frames, *first, annealed=N_ANNEALED, one_way=one_way, most=N_ANNEALED + 8))
        starts.sort(key=lambda s: -s[2])
        ends += [iterate(frames, mix, who) for mix, who, _ in starts[: max(1, n // 3)]]
        ends.sort(key=lambda s: -s[2])
        tried += n
        if len(ends) > 1 and not higher(ends[0][2], ends[1][2]):
            break
    return ends, tried


def higher(value, other):
    """Whether a bound is higher than another by more than convergence leaves open."""
    return value - other > 1e-4 * abs(other)


def begin(frames, labels, offsets, n_groups, levels):
    """Model and persons from hard groups (T,) and a first guess of the persons' offsets (P, D)."""
    K, T, D = n_groups, *frames.X.shape
    groups = np.full((T, K), 0.1 / K)
    groups[np.arange(T), labels] += 0.9
    half = np.full((1, 2), 0.5 * T)  # steps that keep the group, and that do not
    beliefs = even(Beliefs(groups, None, None, frames.sum(groups), None, half, None, None), levels)
    who = unmoved(offsets, np.zeros((K, D)), 0.0, np.ones(K))
    blank = Mixture(None, None, MANNER, None, None, 0.0, levels, None, None, float(K), 0.5, None)
    mix, who = share(frames, beliefs, blank, who, early=True)
    return mix, place(frames, beliefs, mix, who)


def unmoved(offsets, means, spread, counts):
    """Persons at offsets (P, D) who show the groups as the means (K, D) do, in the mix of counts (K,)."""
    (P, D), K = offsets.shape, len(means)
    whole = np.full((P, K), spread)
    own, mixes = np.tile(means, (P, 1, 1)), np.tile(counts, (P, 1))
    return Persons(offsets, np.zeros((P, D, D)), np.ones(P), np.zeros(P), mixes, own, whole, 0 * whole)


def iterate(frames, mix, who, *, annealed=0, one_way=False, most=60, tolerance=1e-5):
    """Alternate E- and M-steps until the bound hardly rises; returns mix, who, bound.

    While annealed, all may be held to one way of showing each group.
    """
    last = -np.inf
    for step in range(most):
        early = step < annealed
        beliefs = expect(frames, mix, who, max(1.0, 3.0 * 0.85**step) if early else 1.0)
        value = bound(beliefs.evidence, mix, who, frames.worth).sum()
        if early and step < annealed - 5:
            # intensities would hide which group is which while the groups still form
            beliefs = even(beliefs, mix.levels)
        who = place(frames, beliefs, mix, who)
        mix, who = share(frames, beliefs, mix, who, early=early)
        if early and one_way:
            mix = replace(mix, manner=ONE_WAY if step < annealed - 1 else MANNER)
        if step > annealed + 3 and value - last < tolerance * abs(value):
            break
        last = value
    return mix, who, value


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
    who = unmoved(offsets, mix.means, mix.manner, mix.alike * mix.shares)
    for step in range(steps):
        # nothing is unknown at first, else all of a person in a wrong place would be
        beliefs = expect(copies, mix, who, max(1.0, 2.0 * 0.8**step), unknown if 2 * step >= steps else None)
        who = place(copies, beliefs, mix, who)
    value = bound(beliefs.evidence, mix, who, copies.worth).reshape(len(persons), -1)
    chosen = np.arange(len(persons)) * len(tries) + value.argmax(axis=1)
    gap = who.offsets - np.repeat(who.offsets[chosen], len(tries), axis=0)
    gap = gap @ np.linalg.cholesky(np.linalg.inv(mix.noise))
    elsewhere = ((gap**2).sum(axis=1) > D).reshape(value.shape)
    lead = value.max(axis=1) - np.where(elsewhere, value, -np.inf).max(axis=1)
    lead *= np.minimum(1, (1 - mix.stay) / copies.worth[chosen])  # episodes are the evidence, not frames
    return Persons(*(getattr(who, f.name)[chosen] for f in fields(who))), expit(-lead)

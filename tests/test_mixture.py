"""The model of shared expressions: each step against what it must equal."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy, multivariate_normal
from sklearn.metrics import adjusted_rand_score

from facesom.identity import IdentityAligner
from facesom.identity.chain import Frames, forward_backward
from facesom.identity.mixture import (
    LEEWAY,
    Mixture,
    Persons,
    e_step,
    fit_mixture,
    log_likelihood,
    log_posterior,
    m_step,
    offset_prior,
    person_step,
    place_persons,
    shrink,
)


def standing(means, covariance, *, strength_variance=0.0, stay=0.0, offsets=1.0):
    """A model whose expressions are alike; offsets are near the median, and near 0, as far as is given."""
    K, D = means.shape
    eye = np.eye(D)
    return Mixture(
        means=means,
        covariance=covariance,
        shares=np.full(K, 1 / K),
        stay=stay,
        rest_mean=np.zeros(D),
        rest_covariance=offsets * eye,
        spread=offsets * eye,
        strength_variance=strength_variance,
        target=eye,
        shrinkage=0.0,
    )


def at(mixture, offsets):
    return Persons(np.array(offsets, float), np.tile(mixture.shares, (len(offsets), 1)))


# ---- time


def chain_by_hand(density, mix, stay):
    """Posterior, draws, kept steps and likelihood of one short video, by adding up every path."""
    n, K = density.shape
    paths = np.array(list(product(range(K), repeat=n)))
    weight = mix[paths[:, 0]] * density[np.arange(n), paths].prod(axis=1)
    draw = np.tile((1 - stay) * mix, (K, 1))
    for t in range(1, n):
        weight = weight * (stay * np.eye(K) + draw)[paths[:, t - 1], paths[:, t]]
    share = weight / weight.sum()
    posterior = np.array([np.bincount(paths[:, t], share, K) for t in range(n)])
    draws, kept = posterior[0].copy(), 0.0
    for t in range(1, n):
        a, b = paths[:, t - 1], paths[:, t]
        drawn = draw[a, b] / (stay * (a == b) + draw[a, b])
        draws += np.bincount(b, share * drawn, K)
        kept += (share * (1 - drawn)).sum()
    return posterior, draws, kept, np.log(weight.sum())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 4), st.floats(0, 0.95))
def test_forward_backward_equals_the_sum_over_all_paths(seed, n, K, stay):
    rng = np.random.default_rng(seed)
    logs = [rng.normal(0, 2, (m, K)) for m in (n, 2)]  # two videos of unequal length side by side
    mixes = rng.dirichlet(np.ones(K), size=2)
    frames = Frames([np.zeros((m, 1)) for m in (n, 2)])
    resp, draws, kept, evidence = forward_backward(frames, np.concatenate(logs), mixes, stay)
    hands = [chain_by_hand(np.exp(log), mix, stay) for log, mix in zip(logs, mixes, strict=True)]
    for p, (part, (posterior, drawn, _, total)) in enumerate(zip(np.split(resp, [n]), hands, strict=True)):
        np.testing.assert_allclose(part, posterior, atol=1e-9)
        np.testing.assert_allclose(draws[p], drawn, atol=1e-9)
        np.testing.assert_allclose(evidence[p], total, atol=1e-9)
    np.testing.assert_allclose(kept, hands[0][2] + hands[1][2], atol=1e-9)


def rising_and_falling(n_persons=8, n_episodes=24, seed=0, noise=0.3):
    """Four expressions that rise from rest and fall back, each time to a strength of its own.

    Features (P, N, 6) and index of the expression (P, N; 4 is rest)."""
    rng = np.random.default_rng(seed)
    wave = np.array([0.5, 0.8, 1.0, 1.0, 1.0, 1.0, 1.0, 0.8, 0.5, 0, 0, 0, 0, 0])
    shown = np.stack([rng.permutation(n_episodes) % 4 for _ in range(n_persons)])
    height = rng.choice([0.75, 1.0, 1.25], shown.shape)
    level = (height[:, :, None] * wave).reshape(n_persons, -1)
    truth = np.repeat(shown, len(wave), axis=1)
    X = rng.normal(0, 3, (n_persons, 1, 6)) + level[:, :, None] * 3 * np.eye(4, 6)[truth]
    return X + rng.normal(0, noise, X.shape), np.where(level > 0, truth, 4)


def test_time_tells_what_is_shown():
    X, truth = rising_and_falling(noise=0.6)
    mixed = np.random.default_rng(0).permutation(X.shape[1])
    scores = []
    for order in (np.arange(X.shape[1]), mixed):
        found = IdentityAligner(5, seed=0).fit(X[:, order]).probabilities_.argmax(axis=2)
        scores.append(adjusted_rand_score(truth[:, order].ravel(), found.ravel()))
    assert scores[0] > scores[1] + 0.05 and scores[0] > 0.7


# ---- the steps


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 0.5))
def test_a_frame_is_as_likely_as_its_normal_distribution_has_it(seed, strength_variance):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(3, 3))
    means, covariance = rng.normal(size=(2, 3)), factor @ factor.T + np.eye(3)
    mixture = standing(means, covariance, strength_variance=strength_variance)
    x, offset = rng.normal(size=(4, 3)), rng.normal(size=3)
    expected = e_step(Frames([x]), mixture, at(mixture, [offset]))
    density = np.array(
        [
            multivariate_normal(offset + m, covariance + strength_variance * np.outer(m, m)).pdf(x)
            for m in means
        ]
    )
    np.testing.assert_allclose(expected.log_likelihood[0], np.log(density.mean(axis=0)).sum())
    np.testing.assert_allclose(expected.responsibilities.T, density / density.sum(axis=0))


def test_strength_is_read_along_the_ray():
    mixture = standing(np.array([[2.0, 0.0]]), 0.001 * np.eye(2), strength_variance=0.1)
    shown = np.array([0.5, 1.0, 1.5])
    expected = e_step(Frames([shown[:, None] * mixture.means]), mixture, at(mixture, [[0, 0]]))
    np.testing.assert_allclose(expected.strengths[:, 0], shown, atol=0.01)
    fixed = e_step(
        Frames([shown[:, None] * mixture.means]),
        replace(mixture, strength_variance=0.0),
        at(mixture, [[0, 0]]),
    )
    np.testing.assert_allclose(fixed.strengths, 1)


def test_at_the_distance_of_the_unknown_a_frame_is_as_likely_known_as_before_it_was_seen():
    mixture = standing(np.zeros((1, 2)), np.eye(2))
    seen = [
        e_step(Frames([np.array([[x, 0.0]])]), mixture, at(mixture, [[0, 0]]), unknown=9.0) for x in (0, 3, 6)
    ]
    known = [s.responsibilities[0, 0] for s in seen]
    assert known[0] > 0.99 and known[2] < 0.01
    np.testing.assert_allclose(known[1], 0.95)
    np.testing.assert_allclose([s.distances[0] for s in seen], [0, 9, 36])


def test_means_are_a_regression_on_strengths():
    rng = np.random.default_rng(0)
    means, strengths = 3 * np.eye(2, 4), rng.uniform(0.6, 1.4, 400)
    group = rng.integers(0, 2, 400)
    X = strengths[:, None] * means[group] + rng.normal(0, 0.05, (400, 4))
    mixture = standing(means, 0.0025 * np.eye(4), strength_variance=0.1)
    who = at(mixture, [[0] * 4])
    frames = Frames([X])
    found = m_step(frames, e_step(frames, mixture, who), mixture, who)
    np.testing.assert_allclose(found.means, means, atol=0.05)
    np.testing.assert_allclose(np.diag(found.covariance), 0.0025, atol=0.0015)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1.0, 0.2]))
def test_an_offset_is_placed_as_its_normal_posterior_has_it(seed, weight):
    rng = np.random.default_rng(seed)
    mixture = replace(
        standing(rng.normal(size=(1, 2)), np.diag([0.5, 2.0]), offsets=0.7), frame_weight=weight
    )
    frames = Frames([rng.normal(0, 2, (7, 2))])
    who = person_step(frames, e_step(frames, mixture, at(mixture, [[0, 0]])), mixture)
    precision = weight * np.linalg.inv(mixture.covariance)
    near, alike = np.eye(2) / (0.7 * (LEEWAY + 1 / 7)), np.eye(2) / 0.7
    left = (frames.X - mixture.means[0]).sum(axis=0) @ precision
    left += near @ np.median(frames.X, axis=0) + alike @ mixture.rest_mean
    certain = 7 * precision + near + alike
    np.testing.assert_allclose(who.offsets[0], np.linalg.solve(certain, left), rtol=1e-5)


def test_the_median_of_few_frames_holds_an_offset_less():
    mixture = standing(np.zeros((1, 2)), np.eye(2), offsets=4.0)
    usual, precision = offset_prior(Frames([np.ones((1, 2)), np.ones((400, 2))]), mixture)
    np.testing.assert_allclose(precision[:, 0, 0], [1 / 4 + 1 / 8, 1 / 4 + 1 / 4.01])
    np.testing.assert_allclose(usual[:, 0], [1 / 3, 1 / 2], atol=2e-3)


def test_frames_that_repeat_each_other_do_not_hold_an_offset_more():
    mixture = standing(np.zeros((1, 2)), np.eye(2), offsets=0.1)
    shown = np.array([[4.0, 5], [5, 4], [6, 6]])
    repeated = Frames([np.repeat(shown, 20, axis=0)])
    once, sure, held = (
        place_persons(frames, replace(mixture, frame_weight=weight))[0].offsets[0]
        for frames, weight in ((Frames([shown]), 1.0), (repeated, 1.0), (repeated, 1 / 20))
    )
    assert (sure - once > 1.5).all(), "taken for new, they outweigh what faces at rest are like"
    np.testing.assert_allclose(held, once, atol=0.25)  # the median of more frames is trusted a little more


def test_a_mix_unlike_everybodys_speaks_against_an_offset_where_frames_repeat_each_other():
    rng = np.random.default_rng(0)
    means = np.array([[0.0], [4], [8]])
    rare = replace(
        standing(means, 0.1 * np.eye(1), stay=0.9, offsets=9.0), shares=np.array([0.8, 0.15, 0.05])
    )
    shown = np.repeat(rng.integers(0, 2, 12), 10)  # two neighbouring expressions
    frames = Frames([means[shown] + rng.normal(0, 0.3, (120, 1))])
    for offset, seen in ((0.0, shown), (-4.0, shown + 1)):
        who = at(rare, [[offset]])
        new, part = (
            log_posterior(frames, expected, model, who)[0]
            for model in (rare, replace(rare, frame_weight=0.2))
            for expected in [e_step(frames, model, who)]
        )
        expected = e_step(frames, rare, who)
        unlike = expected.draws.sum() * entropy(np.bincount(seen, minlength=3), rare.shares)
        assert new - part == pytest.approx(0.8 * (expected.log_likelihood[0] + 0.5 * unlike), rel=1e-4)
    assert place_persons(frames, replace(rare, frame_weight=0.2))[0].offsets[0, 0] == pytest.approx(
        0, abs=0.5
    )


def test_what_faces_at_rest_are_like_is_learned_from_many_persons():
    rng = np.random.default_rng(0)
    rests = rng.multivariate_normal([1, -2], [[0.5, 0.2], [0.2, 0.3]], 4000)
    frames = Frames(list(rests[:, None] + rng.normal(0, 0.01, (4000, 3, 2))))
    mixture = standing(np.zeros((1, 2)), 0.01 * np.eye(2), offsets=1.0)
    who = Persons(rests, np.ones((4000, 1)))
    found = m_step(frames, e_step(frames, mixture, who), mixture, who)
    np.testing.assert_allclose(found.rest_mean, [1, -2], atol=0.05)
    np.testing.assert_allclose(found.rest_covariance, [[0.5, 0.2], [0.2, 0.3]], atol=0.05)


def test_a_person_who_shows_little_but_one_expression_is_placed_right_and_doubted():
    mixture = standing(4 * np.eye(3, 4), 0.1 * np.eye(4), offsets=30.0)
    rng = np.random.default_rng(0)
    offset = np.array([5.0, -3, 2, 1])
    both = offset + mixture.means[[0] * 40 + [1] * 5 + [2] * 5] + rng.normal(0, 0.3, (50, 4))
    one = offset + mixture.means[[0] * 50] + rng.normal(0, 0.3, (50, 4))
    who, doubts, unsteady = place_persons(Frames([both, one]), mixture)
    np.testing.assert_allclose(who.offsets[0], offset, atol=0.3)
    assert doubts[0] < 0.01 < 0.2 < doubts[1] <= 0.5
    assert 0 < unsteady[0] < unsteady[1] <= 0.75  # of four offsets one is the right one


def test_shrinkage_goes_from_the_sample_to_the_target():
    covariance, target = np.diag([4.0, 1.0, 0.25]), np.eye(3)
    np.testing.assert_allclose(shrink(covariance, target, 0.0), covariance, atol=0.02)
    round_one = shrink(covariance, target, 1.0)
    np.testing.assert_allclose(np.linalg.cond(round_one), 1)
    np.testing.assert_allclose(np.trace(round_one), np.trace(covariance), rtol=0.02)


def test_means_over_persons_of_unequal_length_are_shares_of_what_is_true():
    frames = Frames([np.zeros((n, 1)) for n in (1, 4)])
    true = np.array([True, True, False, True, True])
    np.testing.assert_array_equal(frames.mean(true), [1, 0.75])
    np.testing.assert_array_equal(frames.mean(np.column_stack([true, ~true])), [[1, 0], [0.75, 0.25]])


def test_each_person_may_be_expected_to_rest_elsewhere():
    rng = np.random.default_rng(0)
    mixture = standing(3 * np.eye(2, 4), 0.5 * np.eye(4), offsets=0.5)
    videos = [rng.normal(2, 1, (n, 4)) for n in (5, 9)]
    own = [
        replace(mixture, rest_mean=np.full(4, m), rest_covariance=c * np.eye(4)) for m, c in ((0, 1), (4, 2))
    ]
    both = replace(
        mixture,
        rest_mean=np.stack([each.rest_mean for each in own]),
        rest_covariance=np.stack([each.rest_covariance for each in own]),
    )
    who, doubts, _ = place_persons(Frames(videos), both)
    alone = [place_persons(Frames([x]), each) for x, each in zip(videos, own, strict=True)]
    np.testing.assert_allclose(who.offsets, [placed.offsets[0] for placed, *_ in alone])
    np.testing.assert_allclose(doubts, [doubt[0] for _, doubt, _ in alone])
    assert (who.offsets[1] > who.offsets[0]).all()


# ---- held or flowing


def test_strengths_and_groups_tell_much_only_of_what_is_held():
    X, _ = rising_and_falling()
    smooth = np.cumsum(np.random.default_rng(0).normal(size=(8, 336, 6)), axis=1) / 10
    gains = []
    for values in (X, smooth):
        persons = list(values)
        options = {"target": np.eye(6), "shrinkage": 0.2, "strength_variance": 0.1}
        mixture, who = fit_mixture(persons, 5, **options)
        whole, plain, single = log_likelihood(Frames(persons), mixture, who)
        gains.append((whole - single, whole - plain))
    assert gains[0][0] > 2 * gains[1][0] and gains[0][1] > gains[1][1]


def test_readings_are_as_asked():
    X, _ = rising_and_falling(n_persons=3, n_episodes=8)
    assert IdentityAligner(4).fit(X).reading_ == "held"  # these features have no actions
    with pytest.raises(ValueError, match=r'reading: expected "auto", "held" or "flowing", got \'mixed\''):
        IdentityAligner(4, reading="mixed").fit(X)
    with pytest.raises(
        ValueError, match=r'reading="flowing": expected the \d+ features of `shape_features`, got 6'
    ):
        IdentityAligner(4, reading="flowing").fit(X)

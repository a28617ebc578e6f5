"""The heart: the same expression across people, a standing numbering, and new persons in it."""

import warnings
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

import facesom
from facesom.identity.across import group_across_persons, place_new_person
from facesom.identity.align import IdentityAligner, as_persons, like
from facesom.identity.chain import INTENSITIES, Frames, freshness, slow, smooth
from facesom.identity.mixture import Beliefs, Mixture, bound, even, expect, likeness, place, shrink
from facesom.identity.mixture_fit import unmoved

REAL = Path(__file__).parents[2] / "shared" / "data"


def moving(n_persons=8, n_frames=60, n_groups=4, n_features=6, *, mixes=None, apart=3.0, noise=0.15, seed=0):
    """Features with known offsets, groups and mixes: each group moves along a direction of its own."""
    rng = np.random.default_rng(seed)
    means = np.concatenate([np.zeros((1, n_features)), 2 * np.eye(n_features)[: n_groups - 1]])
    offsets = rng.normal(0, apart, (n_persons, n_features))
    X, truth = [], []
    for p in range(n_persons):
        mix = np.full(n_groups, 1 / n_groups) if mixes is None else mixes[p]
        groups = np.repeat(rng.choice(n_groups, n_frames // 4, p=mix), 4)
        X.append(offsets[p] + means[groups] + rng.normal(0, noise, (len(groups), n_features)))
        truth.append(groups)
    return np.array(X), np.array(truth), offsets


def skewed(n_persons, n_groups):
    """Mixes in which every person shows one group in 80 % of the episodes, each in turn."""
    mixes = np.full((n_persons, n_groups), 0.2 / (n_groups - 1))
    mixes[np.arange(n_persons), np.arange(n_persons) % n_groups] = 0.8
    return mixes


@pytest.fixture(scope="module")
def drawn():
    return facesom.make_faces(13, 150, seed=5)


@pytest.fixture(scope="module")
def result(drawn):
    return group_across_persons(drawn.dataset.X1[:12], 8, seed=0)


def names_of(result, truth):
    """The expression that each group mostly shows."""
    table = np.zeros((len(result.order), truth.max() + 1))
    np.add.at(table, (result.groups.ravel(), truth.ravel()), 1)
    return table.argmax(axis=1)


# ---- the model


def test_skewed_mixes_do_not_pull_persons_apart():
    X, truth, offsets = moving(12, mixes=skewed(12, 4))
    aligner = IdentityAligner(4, seed=0).fit(X)
    found = aligner.probabilities_.argmax(axis=2)
    centred = np.concatenate([x - x.mean(axis=0) for x in X])
    baseline = KMeans(4, n_init=10, random_state=0).fit_predict(centred)
    assert adjusted_rand_score(truth.ravel(), found.ravel()) > 0.95
    assert adjusted_rand_score(truth.ravel(), baseline) < 0.6  # the data are as hard as they are meant to be
    # offsets are known up to one shift of all persons
    error = (aligner.offsets_ - aligner.offsets_.mean(axis=0)) - (offsets - offsets.mean(axis=0))
    assert np.abs(error).max() < 0.3


def test_scales_of_movement_are_recovered():
    X, _, offsets = moving(10, 120, noise=0.1)
    scales = np.linspace(0.6, 1.4, 10)
    X = offsets[:, None] + scales[:, None, None] * (X - offsets[:, None])
    found = IdentityAligner(4, seed=0).fit(X).scales_
    assert np.corrcoef(found, scales)[0, 1] > 0.95
    np.testing.assert_allclose(found.mean(), 1)


def test_identity_is_gone_from_the_coordinates():
    X, truth, _ = moving(8)
    aligner = IdentityAligner(4, seed=0)
    Z = aligner.fit_transform(X)
    assert Z.shape[:2] == X.shape[:2] and Z.shape[2] <= 4
    groups = KMeans(4, n_init=10, random_state=0).fit_predict(Z.reshape(-1, Z.shape[2]))
    assert adjusted_rand_score(truth.ravel(), groups) > 0.95
    moved = aligner.movements(X)
    rest = np.array([m[t == 0].mean(axis=0) for m, t in zip(moved, truth, strict=True) if (t == 0).any()])
    assert np.ptp(rest, axis=0).max() < 0.3  # everybody's rest is at the same place


def test_same_seed_same_result():
    X, _, _ = moving(5)
    one, two = (IdentityAligner(4, seed=7).fit(X) for _ in range(2))
    np.testing.assert_array_equal(one.probabilities_, two.probabilities_)
    np.testing.assert_array_equal(one.offsets_, two.offsets_)


def test_order_of_persons_does_not_matter_to_a_placed_person():
    X, _, _ = moving(8)
    aligner = IdentityAligner(4, seed=0).fit(X[:6])
    both = aligner.predict(X[6:])
    np.testing.assert_array_equal(both[1], aligner.predict(X[7:])[0])


def test_unequal_numbers_of_frames():
    X, truth, _ = moving(8)
    ragged = [x[: 20 + 5 * p] for p, x in enumerate(X)]
    aligner = IdentityAligner(4, seed=0).fit(ragged)
    assert [len(p) for p in aligner.probabilities_] == [len(x) for x in ragged]
    found = np.concatenate([p.argmax(axis=1) for p in aligner.probabilities_])
    assert adjusted_rand_score(np.concatenate([t[: 20 + 5 * p] for p, t in enumerate(truth)]), found) > 0.95
    assert [len(g) for g in aligner.predict(ragged)] == [len(x) for x in ragged]


def test_balanced_mixes_are_found_to_be_alike():
    X, _, _ = moving(12, 160)
    alike = IdentityAligner(4, seed=0).fit(X).mixture_.alike
    own = IdentityAligner(4, seed=0).fit(moving(12, 160, mixes=skewed(12, 4))[0]).mixture_.alike
    assert alike > 3 * own


def test_a_person_with_one_expression_is_reported():
    mixes = np.full((8, 4), 0.25)
    mixes[5] = [0, 1, 0, 0]
    X, _, _ = moving(8, mixes=mixes, apart=3.0)
    with pytest.warns(UserWarning, match=r"Persons \[5\] show so few expressions"):
        aligner = IdentityAligner(4, seed=0).fit(X)
    assert aligner.doubts_[5] > 0.05
    assert (np.delete(aligner.doubts_, 5) < 0.05).all()


def test_nobody_is_reported_without_reason():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        IdentityAligner(4, seed=0).fit(moving(8)[0])


def test_intensities_are_told_apart_only_where_that_pays():
    X, _, offsets = moving(8, 120, seed=1)
    constant = IdentityAligner(4, seed=0).fit(X)
    rng = np.random.default_rng(0)
    graded = offsets[:, None] + rng.uniform(0.5, 1.4, (8, 120, 1)) * (X - offsets[:, None])
    varied = IdentityAligner(4, seed=0).fit(graded)
    few = IdentityAligner(4, seed=0).fit(graded[:, :8])
    assert not constant.mixture_.graded and "not told apart" in constant.report_
    assert varied.mixture_.graded and "are told apart" in varied.report_
    assert not few.mixture_.graded  # a fit that is somewhat better with intensities does not show them


def test_report_is_in_sentences():
    report = IdentityAligner(4, seed=0).fit(moving(5)[0]).report_
    assert report.startswith("5 persons, 60-60 frames each, 4 groups.") and report.endswith(".")


def test_one_person_is_clustered_alone():
    X, truth, _ = moving(1, 120)
    found = IdentityAligner(4, seed=0).fit(X).probabilities_.argmax(axis=2)
    assert adjusted_rand_score(truth[0], found[0]) > 0.95


def test_unknown_movement_is_flagged_and_known_is_not():
    X, truth, _ = moving(9)
    aligner = IdentityAligner(4, seed=0).fit(X[:8])
    new = X[8].copy()
    new[40:52] += 3 * np.eye(6)[5]  # moves what nobody moved
    found = aligner.predict(new[None])[0]
    assert (found[40:52] == -1).mean() > 0.9
    rest = np.r_[:40, 52:60]
    assert (found[rest] == -1).mean() < 0.1
    assert adjusted_rand_score(truth[8][rest], found[rest]) > 0.9
    proba = aligner.predict_proba(new[None])[0]
    assert (proba[40:52].sum(axis=1) < 0.5).mean() > 0.9 and (proba.sum(axis=1) <= 1 + 1e-9).all()


# ---- pieces of the model against what they must equal


def chain_by_hand(dense, new, steps):
    """Posterior of one short video, chances of each step and evidence, by adding up every path."""
    n, (K, A) = len(dense), new.shape
    paths = np.array(list(product(range(K * A), repeat=n)))
    keep = np.kron(np.eye(K), steps[:, :A])
    draw = np.outer(np.tile(steps[:, A], K), new.ravel())
    weight = new.ravel()[paths[:, 0]] * np.exp(dense.reshape(n, -1)[np.arange(n), paths]).prod(axis=1)
    for t in range(1, n):
        weight = weight * (keep + draw)[paths[:, t - 1], paths[:, t]]
    total = weight.sum()
    share = np.array([np.bincount(paths[:, t], weight, K * A) for t in range(n)]) / total
    fresh, moves = share[0].copy(), np.zeros((A, A + 1))
    for t in range(1, n):
        a, b = paths[:, t - 1], paths[:, t]
        drawn = draw[a, b] / (keep + draw)[a, b] * weight / total
        fresh += np.bincount(b, drawn, K * A)
        np.add.at(moves, (a % A, b % A), weight / total - drawn)
        np.add.at(moves, (a % A, A), drawn)
    return share.reshape(n, K, A), fresh.reshape(K, A), moves, np.log(total)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3))
def test_smoothing_equals_the_sum_over_all_paths(seed, n, K, A):
    rng = np.random.default_rng(seed)
    lengths = [n, 2]  # two videos of unequal length side by side
    dense = [rng.normal(0, 2, (m, K, A)) for m in lengths]
    new = rng.dirichlet(np.ones(K * A), size=2).reshape(2, K, A)
    steps = rng.dirichlet(np.ones(A + 1), size=A)
    frames = Frames([np.zeros((m, 1)) for m in lengths])
    resp, fresh, moves, evidence = smooth(frames, np.concatenate(dense), new, steps)
    hands = [chain_by_hand(d, chances, steps) for d, chances in zip(dense, new, strict=True)]
    for p, (part, (share, begun, _, total)) in enumerate(zip(np.split(resp, [n]), hands, strict=True)):
        np.testing.assert_allclose(part, share, atol=1e-9)
        np.testing.assert_allclose(fresh[p], begun, atol=1e-9)
        np.testing.assert_allclose(evidence[p], total, atol=1e-9)
    np.testing.assert_allclose(moves, hands[0][2] + hands[1][2], atol=1e-9)


def test_without_staying_every_frame_is_a_fresh_draw():
    frames = Frames([np.zeros((5, 1))])
    _, fresh, moves, _ = smooth(
        frames, np.zeros((5, 3, 1)), np.full((1, 3, 1), 1 / 3), np.array([[0.0, 1.0]])
    )
    np.testing.assert_allclose(fresh.sum(), 5)
    np.testing.assert_allclose(moves, [[0, 4]])


def rising_and_falling(n_persons=8, n_episodes=24, seed=0, noise=0.3):
    """Four expressions that rise from rest and fall back, each time to a height of its own.

    Features (P, N, 6), index of the expression (P, N; 4 is rest) and its intensity (P, N)."""
    rng = np.random.default_rng(seed)
    wave = np.array([0.5, 0.8, 1.0, 1.0, 1.0, 1.0, 1.0, 0.8, 0.5, 0, 0, 0, 0, 0])
    shown = np.stack([rng.permutation(n_episodes) % 4 for _ in range(n_persons)])
    height = rng.choice([0.75, 1.0, 1.25], shown.shape)
    level = (height[:, :, None] * wave).reshape(n_persons, -1)
    truth = np.repeat(shown, len(wave), axis=1)
    X = rng.normal(0, 3, (n_persons, 1, 6)) + level[:, :, None] * 3 * np.eye(4, 6)[truth]
    return X + rng.normal(0, noise, X.shape), np.where(level > 0, truth, 4), level


def read_again(X, truth, level):
    """Agreement with the truth of groups, and of intensities where an expression is shown (correlation)."""
    aligner = IdentityAligner(5, seed=0).fit(X)
    beliefs = expect(Frames(aligner.settle(X)[0]), aligner.mixture_, aligner._who)
    groups, moving = beliefs.groups.argmax(axis=1), truth.ravel() < 4
    read = beliefs.intensity[np.arange(len(groups)), groups]
    agreement = np.corrcoef(read[moving], level.ravel()[moving])[0, 1]
    return adjusted_rand_score(truth.ravel(), groups), agreement


def test_time_tells_what_is_shown_and_how_strongly():
    X, truth, level = rising_and_falling(noise=0.6)
    mixed = np.random.default_rng(0).permutation(X.shape[1])
    groups, intensity = read_again(X, truth, level)
    groups_without, intensity_without = read_again(X[:, mixed], truth[:, mixed], level[:, mixed])
    assert groups > groups_without + 0.1
    assert intensity > intensity_without + 0.1


def test_expressions_are_found_to_begin_and_end_while_they_are_weak():
    X, _, _ = rising_and_falling()
    mix = IdentityAligner(5, seed=0).fit(X).mixture_
    np.testing.assert_allclose(mix.steps.sum(axis=1), 1)
    leave = mix.steps[:, -1]
    assert leave[0] > 2 * leave[2]  # expressions end while they are weak
    assert mix.begun[:2].sum() > 0.75  # and begin so


def test_steps_shrink_when_frames_are_closer_in_time():
    X, _, _ = rising_and_falling()
    mix = IdentityAligner(5, seed=0).fit(X).mixture_
    slower = slow(mix, 3)
    np.testing.assert_allclose(slower.steps.sum(axis=1), 1)
    keep, slower_keep = mix.steps[:, :-1].sum(axis=1), slower.steps[:, :-1].sum(axis=1)
    np.testing.assert_allclose(slower_keep**3, keep)
    assert (np.diag(slower.steps) > np.diag(mix.steps)).all()
    np.testing.assert_allclose(slow(mix, 1).steps, mix.steps)


def standing(means, noise, offset_mean, manner=1e-3, levels=INTENSITIES):
    """A model whose groups, levels and steps are alike."""
    A, K = len(levels), len(means)
    begun, steps = np.full(A, 1 / A), np.full((A, A + 1), 1 / (A + 1))
    apart, shares = np.eye(len(offset_mean)), np.full(K, 1 / K)
    return Mixture(means, noise, manner, offset_mean, apart, 0.0, levels, begun, shares, K, 0.0, steps)


def at(mix, offsets):
    """Persons who are known to be at offsets (P, D) and to show the groups as all do."""
    return unmoved(np.array(offsets, float), mix.means, 0.0, np.ones(len(mix.means)))


def test_intensity_is_read_along_the_ray():
    mean = np.array([[2.0, 0.0]])
    mix = standing(mean, 0.01 * np.eye(2), np.zeros(2))
    who = at(mix, [[0, 0]])
    beliefs = expect(Frames([mean * np.array([[0.5], [1.0], [1.5]])]), mix, who)
    np.testing.assert_allclose(beliefs.intensity[:, 0], [0.5, 1.0, 1.5], atol=0.01)
    np.testing.assert_allclose(beliefs.surprise, 0, atol=1e-9)


def test_at_the_distance_of_the_unknown_a_frame_is_as_likely_known_as_before_it_was_seen():
    mix = standing(np.zeros((1, 2)), np.eye(2), np.zeros(2))
    who = at(mix, [[0, 0]])
    seen = [
        expect(Frames([np.array([[x, 0.0]])]), mix, who, unknown=9.0).groups[0, 0] for x in (0.0, 3.0, 6.0)
    ]
    assert seen[0] > 0.99
    np.testing.assert_allclose(seen[1], 0.95)
    assert seen[2] < 0.01


def test_steps_that_are_told_apart_by_nothing_keep_their_number():
    beliefs = Beliefs(
        np.ones((4, 2)) / 2, None, None, np.array([[1.0, 2.0]]), None, np.diag([4.0, 2.0]), None, None
    )
    levelled = even(beliefs, INTENSITIES)
    np.testing.assert_allclose([levelled.moves[:, :-1].sum(), levelled.moves[:, -1].sum()], [4, 2])
    np.testing.assert_allclose(levelled.begun.sum(), 3)
    np.testing.assert_allclose(levelled.begun / 3, levelled.moves[:, -1] / 2)  # the same share everywhere
    assert (levelled.intensity == 1).all() and (levelled.square == 1).all()
    np.testing.assert_allclose(even(beliefs, np.ones(1)).moves, [[4, 2]])


def test_few_frames_are_held_to_the_usual_offset():
    far = np.array([5.0, -3.0])
    mix = standing(np.zeros((1, 2)), 100 * np.eye(2), far, manner=1e-6)
    frames = Frames([np.zeros((1, 2)), np.zeros((10_000, 2))])
    who = at(mix, [[0, 0], [0, 0]])
    placed = place(frames, expect(frames, mix, who), mix, who)
    np.testing.assert_allclose(placed.offsets[0], far, rtol=0.02)  # one noisy frame says nothing
    np.testing.assert_allclose(placed.offsets[1], 0, atol=0.06)  # many say all


def joint(frames, weights, mix):
    """Exact posterior of one person's offset and own means, (1 + K) D numbers in a row, and log-evidence.

    Frames show groups with certainty (weights 0 or 1) at intensity 1 and scale 1.
    """
    (T, K), D = weights.shape, len(mix.noise)
    prior = np.kron(np.diag(np.r_[0.0, np.full(K, mix.manner)]), mix.noise)
    prior[:D, :D] = mix.offset_covariance
    centre = np.r_[mix.offset_mean, mix.means.ravel()]
    design = np.kron(np.column_stack([np.ones(T), weights]), np.eye(D))
    noise = np.kron(np.eye(T), mix.noise)
    data = design @ prior @ design.T + noise
    gain = prior @ design.T @ np.linalg.inv(data)
    evidence = multivariate_normal(design @ centre, data).logpdf(frames.X.ravel())
    return centre + gain @ (frames.X.ravel() - design @ centre), prior - gain @ design @ prior, evidence


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 10))
def test_offset_and_ways_are_placed_as_their_joint_distribution_has_it(seed, manner):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(2, 2))
    mix = standing(rng.normal(size=(3, 2)), factor @ factor.T + np.eye(2), rng.normal(size=2), manner)
    frames = Frames([rng.normal(0, 2, (7, 2))])
    frames.worth = np.ones(1)
    weights = np.eye(3)[rng.integers(0, 2, 7)]  # the last group is never shown
    ones = np.ones_like(weights)
    beliefs = Beliefs(weights, ones, ones, weights.sum(axis=0)[None], None, None, None, None)
    who = place(frames, beliefs, mix, at(mix, [[0, 0]]))
    mean, covariance, _ = joint(frames, weights, mix)
    np.testing.assert_allclose(np.r_[who.offsets[0], who.means[0].ravel()], mean, atol=1e-9)
    np.testing.assert_allclose(who.offset_covariances[0], covariance[:2, :2], atol=1e-9)
    for k in range(3):
        own = slice(2 + 2 * k, 4 + 2 * k)
        spread, pull, unsure = who.spread[0, k], who.pull[0, k], who.offset_covariances[0]
        np.testing.assert_allclose(spread * mix.noise + pull**2 * unsure, covariance[own, own], atol=1e-9)
        np.testing.assert_allclose(-pull * unsure, covariance[:2, own], atol=1e-9)
    np.testing.assert_allclose(who.means[0, 2], mix.means[2])  # and nothing is known of its way


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 10))
def test_bound_is_the_evidence_where_nothing_else_is_uncertain(seed, manner):
    rng = np.random.default_rng(seed)
    mix = standing(rng.normal(size=(1, 2)), 0.5 * np.eye(2), rng.normal(size=2), manner, np.ones(1))
    frames = Frames([rng.normal(0, 2, (5, 2))])
    frames.worth = np.ones(1)
    who = at(mix, [[0, 0]])
    who = place(frames, expect(frames, mix, who), mix, who)
    evidence = expect(frames, mix, who).evidence
    value = bound(evidence, mix, who, frames.worth)[0]
    half = bound(evidence, mix, who, 0.5 * frames.worth)[0]
    np.testing.assert_allclose(value - half, 0.5 * evidence[0])  # frames count as what they are worth
    exact = joint(frames, np.ones((5, 1)), mix)[2]
    np.testing.assert_allclose(value, exact)
    elsewhere = replace(who, offsets=who.offsets + 0.5)  # any other posterior is a worse one
    assert bound(expect(frames, mix, elsewhere).evidence, mix, elsewhere, frames.worth)[0] < exact - 1e-3


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_placing_persons_never_lowers_the_bound(seed):
    rng = np.random.default_rng(seed)
    mix = standing(rng.normal(0, 2, (3, 2)), 0.3 * np.eye(2), np.zeros(2), 0.5)
    mix = replace(mix, scale_variance=0.1, alike=2.0)
    frames = Frames([rng.normal(0, 2, (n, 2)) for n in (12, 5)])
    frames.worth = np.ones(2)
    who, values = at(mix, [[0, 0], [1, 1]]), []
    for _ in range(8):
        beliefs = expect(frames, mix, who)
        if who.scale_variances.all():  # before, persons were no distribution yet
            values.append(bound(beliefs.evidence, mix, who, frames.worth))
        who = place(frames, beliefs, mix, who)
    assert (np.diff(values, axis=0) > -1e-8).all()


def test_frames_count_as_what_they_do_not_repeat():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 3))
    assert freshness(x) > 0.95
    for times in (2, 5):  # every frame is drawn afresh with chance 1 / times
        kept = np.maximum.accumulate(np.where(rng.random(2000) < 1 / times, np.arange(2000), 0))
        np.testing.assert_allclose(freshness(x[kept]), 1 / times, atol=0.05)
    assert freshness(x[:1]) == freshness(np.ones((9, 3))) == 1


def own_ways(seed=0, n_persons=10, n_groups=6, shown=4, repeats=3, way=0.5, noise=0.1):
    """Few frames, three hardly different of each expression, which everybody shows in their own way."""
    rng = np.random.default_rng(seed)
    means = np.concatenate([np.zeros((1, 6)), 2.5 * np.eye(6)[: n_groups - 1]])
    X, truth = [], []
    for _ in range(n_persons):
        groups = np.repeat(rng.permutation(n_groups)[:shown], repeats)
        own = rng.normal(0, 3, 6) + means + rng.normal(0, way, means.shape)
        X.append(own[groups] + rng.normal(0, noise, (len(groups), 6)))
        truth.append(groups)
    order = rng.permutation(shown * repeats)  # time tells nothing
    return np.array(X)[:, order], np.array(truth)[:, order]


def test_ways_of_ones_own_are_found_and_do_not_make_groups():
    scores, manners = [], []
    for seed in range(4):
        X, truth = own_ways(seed)
        aligner = IdentityAligner(6, seed=0).fit(X)
        manners.append(aligner.mixture_.manner)
        centred = np.concatenate([x - x.mean(axis=0) for x in X])
        plain = KMeans(6, n_init=10, random_state=0).fit_predict(centred)
        found = aligner.probabilities_.argmax(axis=2).ravel()
        scores.append([adjusted_rand_score(truth.ravel(), g) for g in (found, plain)])
    ours, centring = np.mean(scores, axis=0)
    assert ours > 0.9 and ours > centring + 0.03  # held to one way, the model is below centring
    assert np.median(manners) > 5  # 25 were drawn; from twelve frames a person, less is learned
    alike = IdentityAligner(6, seed=0).fit(own_ways(0, way=0.0)[0]).mixture_.manner
    assert alike < 0.3


def test_starts_go_on_until_the_best_is_found_twice():
    easy = IdentityAligner(4, seed=0).fit(moving(8)[0])
    hard = IdentityAligner(6, seed=0).fit(own_ways(1)[0])
    assert easy.n_starts_ == 8 and "8 starts" in easy.report_
    assert 8 < hard.n_starts_ <= 32
    assert IdentityAligner(4, n_starts=5, seed=0).fit(moving(8)[0]).n_starts_ == 5


def test_shrinkage_goes_from_sphere_to_sample():
    rng = np.random.default_rng(0)
    true = np.diag([4.0, 1.0, 0.25])
    few, many = (np.cov((rng.normal(size=(n, 3)) @ np.sqrt(true)).T) for n in (4, 5000))
    roundness = [np.linalg.cond(shrink(c, n)) / np.linalg.cond(c) for c, n in ((few, 4), (many, 5000))]
    assert roundness[0] < 0.5 and roundness[1] > 0.95


def test_likeness_grows_for_equal_mixes_only():
    shares = np.full(4, 0.25)
    equal = likeness(np.full((10, 4), 10.0), shares, 4.0)
    unequal = likeness(40 * np.eye(4)[np.arange(10) % 4], shares, 4.0)
    assert equal > 40 and unequal < 4


# ---- drawn faces


def test_expressions_are_grouped_across_drawn_persons(drawn, result):
    X, truth = drawn.dataset.X1[:12], drawn.expressions[:12]
    found = result.groups
    person = np.repeat(np.arange(12), 150)
    pixels = KMeans(8, n_init=3, random_state=0).fit_predict(facesom.to_grayscale(X).reshape(1800, -1))
    ari = adjusted_rand_score(truth.ravel(), found.ravel())
    assert ari > 0.6
    assert adjusted_rand_score(truth.ravel(), pixels) < 0.15
    # mixes differ, so that even the truth tells something of the person
    who_shows_what = normalized_mutual_info_score(person, truth.ravel())
    assert normalized_mutual_info_score(person, found.ravel()) < who_shows_what + 0.1


def test_result_is_whole(drawn, result):
    P, N = 12, 150
    assert result.groups.shape == result.nodes.shape == (P, N)
    assert set(np.unique(result.groups)) == set(range(8))
    assert result.probabilities.shape == (P, N, 8)
    np.testing.assert_array_equal(result.probabilities.argmax(axis=2), result.groups)
    assert result.node_groups.shape == (10, 10) and result.node_faces.shape == (10, 10, 64, 64)
    assert result.node_faces.dtype == np.float32
    assert result.node_faces.min() >= 0 and result.node_faces.max() <= 1
    assert "12 persons, 1800 frames, 8 groups, 10 x 10 map" in repr(result)
    # a node's face is drawn from its frames
    gray = facesom.to_grayscale(drawn.dataset.X1[:12]).reshape(-1, 64, 64)
    alone = np.flatnonzero(np.bincount(result.nodes.ravel(), minlength=100) == 1)
    for node in alone:
        face = gray[(result.nodes.ravel() == node).argmax()]
        assert np.abs(result.node_faces.reshape(100, 64, 64)[node] - face).mean() < 0.01
    busiest = np.bincount(result.nodes.ravel()).argmax()
    mean = gray[result.nodes.ravel() == busiest].mean(axis=0)
    own, other = result.node_faces.reshape(100, 64, 64)[[busiest, (busiest + 50) % 100]]
    assert np.corrcoef(mean.ravel(), own.ravel())[0, 1] > 0.7
    assert np.corrcoef(mean.ravel(), own.ravel())[0, 1] > np.corrcoef(mean.ravel(), other.ravel())[0, 1]
    # movements are what is left of the features without the person
    rest, scale = result.aligner.offsets_[:, None], result.aligner.scales_[:, None, None]
    np.testing.assert_allclose(result.movements * scale + rest, result.features, atol=1e-9)
    # most frames have the group of their node
    assert (result.node_groups.ravel()[result.nodes] == result.groups).mean() > 0.85


def test_groups_are_numbered_along_the_map(result):
    walk = result.node_groups.copy()
    walk[1::2] = walk[1::2, ::-1]
    first = list(dict.fromkeys(walk.ravel().tolist()))
    assert first == list(range(len(first)))


def test_new_person_lands_in_standing_groups(drawn, result):
    named = names_of(result, drawn.expressions[:12])
    new = place_new_person(result, drawn.dataset.X1[12])
    np.testing.assert_array_equal(new.groups, facesom.assign_new_person(result, drawn.dataset.X1[12]))
    assert (named[new.groups] == drawn.expressions[12])[new.groups >= 0].mean() > 0.75
    assert new.nodes.min() >= 0 and new.nodes.max() < 100 and new.doubt < 0.05
    assert new.movements.shape == (150, result.features.shape[2])


def test_new_persons_are_not_taken_to_show_something_unknown(result):
    newcomers = facesom.make_faces(18, 150, seed=5).dataset.X1[12:]
    unknown = [(place_new_person(result, person).groups == -1).mean() for person in newcomers]
    assert np.mean(unknown) < 0.1


def test_five_frames_of_a_new_person_are_enough(drawn, result):
    named, right = names_of(result, drawn.expressions[:12]), []
    for start in range(0, 145, 24):
        few = slice(start, start + 5)
        groups = facesom.assign_new_person(result, drawn.dataset.X1[12][few])
        right += (named[groups] == drawn.expressions[12][few]).tolist()
    assert np.mean(right) > 0.6


def test_numbers_stay_when_a_person_or_the_seed_changes(drawn, result):
    again = group_across_persons(drawn.dataset.X1, 8, seed=5, reference=result)
    assert (again.groups[:12] == result.groups).mean() > 0.9


def test_a_reference_decides_the_numbers(drawn, result):
    turned = np.roll(result.order, 3)  # the same groups under other numbers
    reference = replace(result, order=turned)
    again = group_across_persons(drawn.dataset.X1[:12], 8, seed=0, reference=reference)
    np.testing.assert_array_equal(again.groups, (result.groups + 3) % 8)
    np.testing.assert_array_equal(again.node_groups, (result.node_groups + 3) % 8)


def test_gray_input_gives_the_same_groups(drawn, result):
    gray = group_across_persons(facesom.to_grayscale(drawn.dataset.X1[:12]), 8, seed=0)
    assert adjusted_rand_score(gray.groups.ravel(), result.groups.ravel()) > 0.7


def test_lists_of_unequal_persons(drawn):
    people = [x[: 60 + 10 * p] for p, x in enumerate(drawn.dataset.X1[:5])]
    result = group_across_persons(people, 6, rows=6, cols=5)
    assert [len(g) for g in result.groups] == [len(n) for n in result.nodes] == [60, 70, 80, 90, 100]
    assert result.node_faces.shape == (6, 5, 64, 64)
    assert "5 persons, 400 frames" in repr(result)


@pytest.mark.skipif(not REAL.exists(), reason="real data is not part of the repository")
def test_real_faces():
    data = facesom.load(REAL / "ckplus_drawn.pickle")
    truth = np.load(REAL / "ckplus_drawn_truth.npz")["expressions"]
    result = group_across_persons(data.X1, 7)
    assert normalized_mutual_info_score(truth.ravel(), result.groups.ravel()) > 0.58


# ---- bad input


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((10, 4)), r"got shape \(10, 4\); for one person pass X\[None\]"),
        ([], "expected at least one person, got none"),
        ([np.zeros((3, 4)), np.zeros((0, 4))], r"got shape \(0, 4\) for person 1"),
        ([np.zeros((3, 4)), np.zeros((3, 5))], r"got shape \(3, 5\) for person 1"),
        ([np.zeros((3, 4)), np.full((3, 4), np.nan)], "got NaN or infinity for person 1"),
    ],
)
def test_features_that_are_none(X, message):
    with pytest.raises(ValueError, match=message):
        as_persons(X)


def test_persons_who_do_not_move():
    X = np.repeat(np.random.default_rng(0).normal(size=(5, 1, 4)), 6, axis=1)
    with pytest.raises(ValueError, match="got the same features in every frame"):
        IdentityAligner(3).fit(X)


def test_more_groups_than_distinct_frames():
    with pytest.raises(ValueError, match=r"n_groups: expected a whole number from 1 to 12 .* got 13"):
        IdentityAligner(13).fit(np.random.default_rng(0).normal(size=(3, 4, 5)))


def test_other_features_than_in_fit():
    aligner = IdentityAligner(4, n_starts=2).fit(moving(4)[0])
    with pytest.raises(ValueError, match="expected 6 features a frame, as in fit, got 5"):
        aligner.transform(np.zeros((1, 3, 5)))


def test_images_of_one_person_where_several_are_expected(drawn):
    with pytest.raises(ValueError, match=r"for one person pass images\[None\]"):
        group_across_persons(drawn.dataset.X1[0])


def test_persons_of_unequal_sizes(drawn):
    people = [drawn.dataset.X1[0], drawn.dataset.X1[1][:7, :48, :48]]
    with pytest.raises(ValueError, match="for person 1; bring all persons to one size"):
        group_across_persons(people)


@pytest.mark.parametrize("as_list", [False, True])
def test_persons_without_a_face_are_named(drawn, as_list):
    people = drawn.dataset.X1[:3, :20].copy()
    people[1] = 0
    with pytest.raises(ValueError, match=r"found none for persons \[1\]; leave them out"):
        group_across_persons([people[0], people[1, :9], people[2]] if as_list else people, 3)


def test_frames_without_a_face_are_flagged_and_kept(drawn):
    people = drawn.dataset.X1[:3, :40].copy()
    people[1, 5] = 0
    result = group_across_persons(people, 4, rows=5, cols=5)
    assert result.groups.shape == (3, 40)
    assert result.unreliable[1, 5].all() and not result.unreliable[0].all(axis=1).any()


def test_reference_with_another_number_of_groups(drawn, result):
    with pytest.raises(ValueError, match="reference: expected 5 groups, got 8"):
        group_across_persons(drawn.dataset.X1[:2], 5, reference=result)


def test_several_new_persons_at_once(drawn, result):
    with pytest.raises(ValueError, match="expected frames of one person"):
        facesom.assign_new_person(result, drawn.dataset.X1[:2])


def test_persons_with_one_frame(drawn):
    people = [x[:1] if p == 0 else x[:40] for p, x in enumerate(drawn.dataset.X1[:4])]
    result = group_across_persons(people, 4, rows=5, cols=5)
    assert len(result.groups[0]) == 1 and 0 <= result.groups[0][0] < 4


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_like_cuts_as_the_input_is_cut(lengths):
    X = [np.zeros((n, 2)) for n in lengths]
    rows = np.arange(sum(lengths))
    np.testing.assert_array_equal(np.concatenate(like(X, rows)), rows)
    assert [len(r) for r in like(X, rows)] == lengths

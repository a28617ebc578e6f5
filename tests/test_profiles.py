"""Profiles: a planted effect is found, none is not, the unit is the person, and chance is what it says."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import bootstrap, mannwhitneyu, permutation_test
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from facesom.drawn.synthetic import make_faces
from facesom.groups import classify_labels, compare_labels, person_profiles, similar_order
from facesom.groups.classify import STRENGTHS, balanced_accuracy, left_out

Y = np.repeat([0, 1], [15, 10])


def shares(rng, n_persons=25, n_groups=4):
    return rng.dirichlet(np.ones(n_groups), n_persons)


@pytest.fixture(scope="module")
def planted():
    rng = np.random.default_rng(1)
    values = shares(rng)
    values[Y == 1, 2] += 0.8
    return values / values.sum(axis=1, keepdims=True)


def test_profiles_of_a_person_counted_by_hand():
    profiles = person_profiles([[0, 0, 1, 1, 1, 0, 2, -1, 2, 2], [1, 1, 1]], n_groups=4)
    np.testing.assert_allclose(profiles.shares, [[0.3, 0.3, 0.3, 0], [0, 1, 0, 0]])
    np.testing.assert_allclose(profiles.dwell_times, [[1.5, 3, 1.5, np.nan], [np.nan, 3, np.nan, np.nan]])
    np.testing.assert_allclose(profiles.transitions[0, 0], [1 / 3, 1 / 3, 1 / 3, 0])
    np.testing.assert_allclose(profiles.transitions[0, 1], [1 / 3, 2 / 3, 0, 0])
    np.testing.assert_allclose(profiles.transitions[0, 2], [0, 0, 1, 0])
    assert np.isnan(profiles.transitions[0, 3]).all()
    np.testing.assert_array_equal(profiles.n_frames, [10, 3])
    assert repr(profiles) == "PersonProfiles(2 persons, 4 groups, 13 frames)"


@settings(max_examples=50, deadline=None)
@given(arrays(int, (3, 12), elements=st.integers(-1, 4)))
def test_profiles_account_for_every_frame(groups):
    profiles = person_profiles(groups, n_groups=5)
    np.testing.assert_allclose(profiles.shares.sum(axis=1), (groups >= 0).mean(axis=1))
    rows = profiles.transitions.sum(axis=2)
    np.testing.assert_allclose(rows[np.isfinite(rows)], 1)
    assert (np.isnan(profiles.dwell_times) == (profiles.shares == 0)).all()
    assert (profiles.dwell_times[profiles.shares > 0] >= 1).all()


def test_similar_persons_become_neighbours():
    values = np.array([[0.0], [9], [1], [8], [2], [7]])
    ordered = values[similar_order(values), 0]
    assert (np.diff(ordered) > 0).all() or (np.diff(ordered) < 0).all()
    np.testing.assert_array_equal(similar_order(values[:2]), [0, 1])
    np.testing.assert_array_equal(similar_order(values[:1]), [0])


def test_a_planted_difference_is_found_and_measured(planted):
    result = compare_labels(planted, Y)
    assert result.labels == (0, 1) and result.n_persons == (15, 10) and not result.exact
    assert result.q_values[2] < 0.01 and result.q_values.argmin() == 2
    np.testing.assert_allclose(result.difference, planted[Y == 1].mean(axis=0) - planted[Y == 0].mean(axis=0))
    np.testing.assert_allclose(result.means, [planted[Y == 0].mean(axis=0), planted[Y == 1].mean(axis=0)])
    u = [mannwhitneyu(planted[Y == 1, f], planted[Y == 0, f]).statistic for f in range(4)]
    np.testing.assert_allclose(result.delta, 2 * np.array(u) / 150 - 1)
    for value, limits in ((result.difference, result.interval), (result.delta, result.delta_interval)):
        assert ((limits[:, 0] < value) & (value < limits[:, 1])).all()
        assert limits[2, 0] > 0
    assert repr(result).endswith("q <= 0.05: [0, 2])"), "what one group gains the others lose"


def test_p_values_and_intervals_are_those_of_scipy(planted):
    def statistic(x, y, axis):
        return x.mean(axis=axis) - y.mean(axis=axis)

    result, rng = compare_labels(planted, Y, 4000), np.random.default_rng(0)
    ours = result.p_values
    for f in range(4):
        parts = planted[Y == 1, f], planted[Y == 0, f]
        peer = permutation_test(parts, statistic, vectorized=True, n_resamples=10000, random_state=rng)
        assert abs(ours[f] - peer.pvalue) < 0.04
        options = {"n_resamples": 2000, "method": "percentile", "random_state": rng}
        limits = bootstrap(parts, statistic, **options).confidence_interval
        width = limits.high - limits.low
        np.testing.assert_allclose(result.interval[f], limits, atol=0.1 * width)


def test_few_persons_are_arranged_in_every_way():
    values = np.array([[1.0, 5], [2, 1], [3, 4], [4, 2], [5, 3]])
    y = np.array([0, 0, 0, 1, 1])
    result = compare_labels(values, y)
    assert result.exact and len(result.permuted) == 10
    pairs = [list(c) for c in combinations(range(5), 2)]
    differences = [values[c].mean(axis=0) - np.delete(values, c, axis=0).mean(axis=0) for c in pairs]
    np.testing.assert_allclose(np.sort(result.permuted, axis=0), np.sort(differences, axis=0))
    observed = values[3:].mean(axis=0) - values[:3].mean(axis=0)
    np.testing.assert_allclose(result.p_values, (np.abs(differences) >= np.abs(observed) - 1e-9).mean(axis=0))
    assert result.p_values[0] == 0.2, "the largest and the smallest sum of two of five"
    assert "all 10 arrangements" in repr(result)


def test_false_alarms_come_as_often_as_announced(planted):
    """400 shuffles of the labels, each tested from the start."""
    rng = np.random.default_rng(2)
    single, family = [], []
    for shuffle in range(400):
        result = compare_labels(planted, rng.permutation(Y), n_permutations=199, seed=shuffle)
        single.append(result.p_values <= 0.05)
        family.append((result.q_values <= 0.05).any())
    assert 0.03 < np.mean(single) < 0.07  # standard deviation 0.006 if groups were independent
    assert np.mean(family) < 0.085  # 0.05 and three standard deviations


def test_drawn_people_with_and_without_an_effect():
    for label_effect, expected in ((0.5, True), (0.0, False)):
        faces = make_faces(43, 60, seed=1, size=32, label_effect=label_effect)
        profiles = person_profiles(faces.expressions, len(faces.expression_names))
        result = compare_labels(profiles, faces.dataset.y, 2000)
        assert (result.q_values <= 0.05).any() == expected
        told = classify_labels(profiles, faces.dataset.y, n_permutations=39)
        assert (told.p_value <= 0.05) == expected
        if expected:
            names = np.array(faces.expression_names)
            assert set(names[(result.q_values <= 0.05) & (result.difference > 0)]) <= {"sad", "angry"}
            assert told.accuracy > told.majority and told.balanced_accuracy > 0.65


def test_absent_groups_are_not_tested(planted):
    values = np.column_stack([planted, np.zeros(25), np.ones(25)])
    result, plain = compare_labels(values, Y, 500), compare_labels(planted, Y, 500)
    for field in (result.p_values, result.q_values, result.interval, result.delta_interval):
        assert np.isnan(field[4:]).all() and np.isfinite(field[:4]).all()
    assert (result.difference[4:] == 0).all() and (result.delta[4:] == 0).all()
    np.testing.assert_array_equal(result.q_values[:4], plain.q_values)


def test_who_never_shows_a_group_does_not_take_part():
    rng = np.random.default_rng(3)
    values = rng.random((25, 3))
    values[[0, 1, 20], 0] = np.nan
    values[1:15, 1] = np.nan  # one person of the first label is left
    result = compare_labels(values, Y, 300)
    kept = np.isfinite(values[:, 0])
    alone = compare_labels(values[kept, :1], Y[kept], 300)
    np.testing.assert_allclose(result.difference[0], alone.difference[0])
    np.testing.assert_allclose(result.delta[0], alone.delta[0])
    assert np.isnan(result.p_values[1]) and np.isfinite(result.p_values[[0, 2]]).all()
    sparse = np.full((8, 1), np.nan)
    sparse[[0, 1, 4, 5], 0] = 0, 0.1, 0.9, 1
    result = compare_labels(sparse, np.repeat([0, 1], 4))
    labelled = [set(c) for c in combinations(range(8), 4)]
    n_far = sum(len(c & {0, 1, 4, 5}) in (0, 4) or c & {0, 1, 4, 5} in ({0, 1}, {4, 5}) for c in labelled)
    assert result.p_values[0] == n_far / 70


def test_any_two_labels_do(planted):
    plain = compare_labels(planted, Y, 200)
    words = np.where(Y, "sad", "glad")
    for y in (words, words.astype(object), np.where(Y, 7, -1), Y.astype(bool), Y - 0.5, Y.tolist()):
        result = compare_labels(planted, y, 200)
        np.testing.assert_array_equal(result.p_values, plain.p_values)
    turned = compare_labels(planted, np.where(Y, "glad", "sad"), 200)
    np.testing.assert_allclose(turned.difference, -plain.difference)
    told = classify_labels(planted, words, 1)
    assert told.labels == ("glad", "sad") and (told.predicted == words).mean() == told.accuracy


def test_same_seed_same_result(planted):
    for test in (compare_labels, classify_labels):
        first, again, other = (test(planted, Y, 20, seed=s) for s in (5, 5, 6))
        np.testing.assert_array_equal(first.permuted, again.permuted)
        assert (first.permuted != other.permuted).any()


def by_scikit_learn(values, second, order):
    """The nested leave-one-out of `left_out`, fit by fit."""
    answers = []
    for p in range(len(values)):
        others = order[order != p]
        fold = np.arange(len(others)) % 5
        n = np.bincount(second[others], minlength=2)
        weights = (len(others) / (2 * n))[second[others].astype(int)]
        losses = []
        for C in STRENGTHS:
            model = make_pipeline(
                StandardScaler(), LogisticRegression(C=C, class_weight="balanced", tol=1e-10, max_iter=10_000)
            )
            loss = 0
            for k in range(5):
                train, test = others[fold != k], others[fold == k]
                proba = model.fit(values[train], second[train]).predict_proba(values[test])
                loss -= weights[fold == k] @ np.log(proba[np.arange(len(test)), second[test].astype(int)])
            losses.append(loss)
        model.set_params(logisticregression__C=STRENGTHS[np.argmin(losses)])
        answers.append(model.fit(values[others], second[others]).predict_proba(values[[p]])[0, 1])
    return np.array(answers)


def test_the_classifier_is_that_of_scikit_learn(planted):
    values = planted * [1, 10, 0.1, 1000]
    order = np.random.default_rng(4).permutation(25)
    for second in (Y == 1, np.random.default_rng(5).permutation(Y) == 1):
        ours = left_out(values, np.array([~second, second]), order)[0]
        np.testing.assert_allclose(ours[1], by_scikit_learn(values, second, order), atol=1e-5)
        np.testing.assert_allclose(ours[0], 1 - ours[1], atol=1e-5)


def test_a_person_does_not_help_to_predict_themselves(planted):
    """Whatever the left-out person's label and however odd the others find them, the answer is the same."""
    order = np.arange(25)
    second = Y == 1
    turned = second.copy()
    turned[7] = ~turned[7]
    ours = left_out(planted, np.array([second, turned]), order)[0]
    np.testing.assert_allclose(ours[0, 7], ours[1, 7], atol=1e-9)
    odd = planted.copy()
    odd[7] = 1e6
    strengths = left_out(odd, second[None], order)[1][0], left_out(planted, second[None], order)[1][0]
    assert strengths[0][7] == strengths[1][7]


def test_the_classifier_finds_a_planted_effect(planted):
    result = classify_labels(planted, Y, n_permutations=59)
    assert result.balanced_accuracy > 0.8 and result.p_value == 1 / 60
    right = result.predicted == Y
    assert result.accuracy == right.mean() and result.majority == 0.6 and result.chance == 0.5
    assert result.balanced_accuracy == pytest.approx((right[:15].mean() + right[15:].mean()) / 2)
    assert set(result.strengths) <= set(STRENGTHS) and result.probabilities.shape == (25,)
    assert "by majority, p = 0.0167" in repr(result)


def test_the_classifier_is_silent_without_an_effect():
    """Fresh people, each set tested from the start, in every arrangement of six labels."""
    rng = np.random.default_rng(6)
    y = np.array([0, 0, 0, 1, 1, 1])
    p = np.array([classify_labels(rng.random((6, 2)), y).p_value for _ in range(200)])
    assert (p <= 0.05).mean() < 0.1
    assert 0.4 < np.mean(p) < 0.75  # ties make it larger than 0.5


def test_the_true_labels_are_treated_like_the_shuffled_ones():
    """In all arrangements of the labels, the result is the same set whichever of them is taken for true."""
    values = np.random.default_rng(8).random((10, 2))
    results = [classify_labels(values, np.isin(np.arange(10), three)) for three in ([0, 1, 2], [3, 5, 8])]
    first, second = (np.sort(result.permuted) for result in results)
    assert all(result.exact for result in results) and len(first) == 120
    np.testing.assert_array_equal(first, second)
    assert all((result.permuted == result.balanced_accuracy).any() for result in results)


def test_four_persons_are_enough_to_try():
    values = np.array([[0.0], [0.1], [0.9], [1.0]])
    assert compare_labels(values, [0, 0, 1, 1]).p_values[0] == 1 / 3
    result = classify_labels(values, [0, 0, 1, 1])
    assert result.accuracy == 1 and len(result.permuted) == 6 and np.isfinite(result.probabilities).all()


def test_shuffled_labels_reach_one_half_on_average():
    rng = np.random.default_rng(7)
    values = rng.random((21, 3))
    shuffled = rng.permuted(np.tile(np.arange(21) < 7, (200, 1)), axis=1)
    reached = balanced_accuracy(left_out(values, shuffled, np.arange(21))[0], shuffled)
    assert abs(reached.mean() - 0.5) < 0.05


def test_what_labels_must_be(planted):
    for test in (compare_labels, classify_labels):
        with pytest.raises(ValueError, match=r"at least two persons, got 25 of 3; where all are of one kind"):
            test(planted, np.full(25, 3))
        with pytest.raises(ValueError, match=r"got 24 of 0, 1 of 1; one person cannot show"):
            test(planted, [0] * 24 + [1])
        with pytest.raises(ValueError, match=r"got 1 of 0, 1 of 1; one person cannot"):
            test(planted[:2], [0, 1])
        with pytest.raises(ValueError, match=r"got 9 of 0, 8 of 1, 8 of 2; choose the persons of two"):
            test(planted, np.arange(25) % 3)
        with pytest.raises(ValueError, match=r"got none for \[2, 3\]; leave them out"):
            test(planted, np.r_[0, 1, np.nan, np.nan, Y[4:]])
        with pytest.raises(ValueError, match=r"got none for \[0\]"):
            test(planted, [None, *Y[1:].tolist()])
        with pytest.raises(ValueError, match=r"each of 25 persons, got none"):
            test(planted, None)
        with pytest.raises(ValueError, match=r"shape \(75,\); there is one label a person, not one a frame"):
            test(planted, np.repeat(Y, 3))


def test_what_profiles_must_be(planted):
    one = person_profiles(np.zeros((25, 4), dtype=int))
    assert (one.shares == 1).all() and (one.dwell_times == 4).all() and (one.transitions == 1).all()
    for test in (compare_labels, classify_labels):
        with pytest.raises(ValueError, match=r"differ between persons.*use more groups"):
            test(one, Y)
        with pytest.raises(ValueError, match=r"got float64 of \(25, 2, 2\); flatten"):
            test(planted.reshape(25, 2, 2), Y)
        with pytest.raises(ValueError, match=r"got <U1 of \(1, 1\); pass what `person_profiles` returned"):
            test([["a"]], Y)
        with pytest.raises(ValueError, match="got infinity"):
            test(np.full((25, 4), np.inf), Y)
        with pytest.raises(ValueError, match="n_permutations: expected a whole number of at least 1, got 0"):
            test(planted, Y, n_permutations=0)
    with pytest.raises(ValueError, match="got NaN; dwell times and transitions"):
        classify_labels(np.where(planted < 0.1, np.nan, planted), Y)
    with pytest.raises(ValueError, match="groups: expected whole numbers"):
        person_profiles([[0.5, 1.0]])
    with pytest.raises(ValueError, match="n_groups: expected at least 3"):
        person_profiles([[0, 2]], n_groups=2)

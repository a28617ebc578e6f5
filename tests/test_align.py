"""The heart: the same expression across people, a standing numbering, and new persons in it."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import facesom
from facesom.identity.across import group_across_persons, place_new_person
from facesom.identity.align import IdentityAligner, as_persons
from facesom.io import like

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


# ---- manners of scikit-learn


class OnePerson(IdentityAligner):
    """Takes rows (N, D), as scikit-learn's checks give them, as the frames of one person."""

    def fit(self, X, y=None):
        return super().fit(X if isinstance(X, list) and len(X) == 1 else [X])

    def fit_transform(self, X, y=None):
        return super().fit_transform([X])[0]

    def transform(self, X):
        return super().transform([X])[0]

    def predict(self, X):
        return super().predict([X])[0]

    def predict_proba(self, X):
        return super().predict_proba([X])[0]


# Of scikit-learn's checks of an estimator, those that it cannot pass, and why.
WORDS = "it wants scikit-learn's own words, and messages here speak of persons and frames"
SPARSE = "it wants sparse matrices refused by name; nobody's features are sparse"
ORDER = "frames are in the order of time, and a person's face at rest is found from all of them"
UNPASSABLE = {
    "check_dtype_object": "it wants a TypeError for text, and every bad input here is a ValueError",
    "check_n_features_in_after_fitting": WORDS,
    "check_estimators_empty_data_messages": WORDS,
    "check_fit2d_1sample": WORDS,
    "check_fit2d_predict1d": WORDS,
    "check_estimator_sparse_tag": SPARSE,
    "check_estimator_sparse_array": SPARSE,
    "check_estimator_sparse_matrix": SPARSE,
    "check_transformer_data_not_an_array": "it gives an object without a length, and lists are persons",
    "check_transformer_general": "transform finds faces at rest anew, fit_transform keeps those it learned",
    "check_methods_sample_order_invariance": ORDER,
    "check_methods_subset_invariance": ORDER,
}


@parametrize_with_checks([OnePerson(2, n_starts=1)], expected_failed_checks=lambda _: UNPASSABLE)
def test_checks_of_scikit_learn(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def test_coordinates_have_names():
    X = moving(4)[0]
    held = IdentityAligner(4, n_starts=2).fit(X)
    names = held.get_feature_names_out().tolist()
    assert names == [f"identityaligner{k}" for k in range(held.transform(X).shape[-1])]
    flowing = IdentityAligner(2, reading="flowing", n_starts=1).fit(moving(4, n_features=25)[0])
    assert len(flowing.get_feature_names_out()) == flowing.transform(moving(2, n_features=25)[0]).shape[-1]


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


@pytest.mark.parametrize("style", ["staged", "film"])
def test_order_of_persons_does_not_matter_to_what_is_learned(style):
    X1 = facesom.make_faces(5, 40, 3, style=style).dataset.X1
    turned = np.array([3, 0, 4, 2, 1])
    one, two = (group_across_persons(x, 4, rows=5, cols=5) for x in (X1, X1[turned]))
    np.testing.assert_array_equal(one.groups[turned], two.groups)
    np.testing.assert_array_equal(one.nodes[turned], two.nodes)
    np.testing.assert_array_equal(two.som.labels_, two.nodes.ravel())
    np.testing.assert_allclose(one.aligner.offsets_[turned], two.aligner.offsets_)
    np.testing.assert_allclose(one.aligner.doubts_[turned], two.aligner.doubts_)
    curves = [facesom.identity.choose_groups(result.features).explained for result in (one, two)]
    np.testing.assert_allclose(curves[0][:, turned], curves[1])


def test_unequal_numbers_of_frames():
    X, truth, _ = moving(8)
    ragged = [x[: 20 + 5 * p] for p, x in enumerate(X)]
    aligner = IdentityAligner(4, seed=0).fit(ragged)
    assert [len(p) for p in aligner.probabilities_] == [len(x) for x in ragged]
    found = np.concatenate([p.argmax(axis=1) for p in aligner.probabilities_])
    assert adjusted_rand_score(np.concatenate([t[: 20 + 5 * p] for p, t in enumerate(truth)]), found) > 0.95
    assert [len(g) for g in aligner.predict(ragged)] == [len(x) for x in ragged]


def test_a_person_with_one_expression_is_reported():
    mixes = np.full((8, 4), 0.25)
    mixes[5] = [0, 1, 0, 0]
    X, _, _ = moving(8, mixes=mixes, apart=3.0)
    with pytest.warns(UserWarning, match=r"Persons \[5\] show so few expressions"):
        aligner = IdentityAligner(4, seed=0).fit(X)
    assert aligner.doubts_[5] > 0.05
    assert (np.delete(aligner.doubts_, 5) < 0.05).all()


@pytest.mark.parametrize("one", [slice(0, 1), np.zeros(20, int)])
def test_a_person_with_one_frame_is_reported(one):
    X, _, _ = moving(8)
    with pytest.warns(UserWarning, match=r"Persons \[7\] show so few expressions"):
        aligner = IdentityAligner(4, seed=0).fit([*X[:7], X[7][one]])
    assert aligner.doubts_[7] == 0.5


def test_a_person_whose_half_is_strange_is_doubted():
    X, _, _ = moving(9)
    aligner = IdentityAligner(4, seed=0).fit(X[:8])
    new = X[8].copy()
    new[:27] += 3 * np.eye(6)[5]
    placed = aligner.place(new[None])
    assert (aligner.predict(new[None])[0] == -1).mean() < 0.6
    assert placed.doubts[0] > 0.4


def test_nobody_is_reported_without_reason():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        IdentityAligner(4, seed=0).fit(moving(8)[0])


def test_report_is_in_sentences():
    report = IdentityAligner(4, seed=0).fit(moving(5)[0]).report_
    assert report.startswith("5 persons, 60 frames each, 4 groups.") and report.endswith(".")


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


def test_neither_the_seed_nor_one_person_more_turns_flowing_movement_into_other_groups():
    features = facesom.shape_features(facesom.make_faces(12, 100, 4, style="film").dataset.X1)
    aligner = IdentityAligner(6, reading="flowing").fit(features)
    groups = aligner.probabilities_.argmax(axis=2)
    other = clone(aligner).set_params(seed=1).fit(features).probabilities_.argmax(axis=2)
    assert adjusted_rand_score(groups.ravel(), other.ravel()) > 0.9
    fewer = clone(aligner).fit(features[1:]).probabilities_.argmax(axis=2)
    assert adjusted_rand_score(groups[1:].ravel(), fewer.ravel()) > 0.6


def test_flowing_movement_may_be_stronger_than_any_group():
    features = facesom.shape_features(facesom.make_faces(8, 150, 3, style="film").dataset.X1)
    aligner = IdentityAligner(6, reading="flowing").fit(features)
    rest = aligner.offsets_[:, None]
    stronger = aligner.predict(rest + 1.6 * (features - rest))
    assert (stronger == -1).mean() < 0.28  # 0.33 if they had to be as near to a group as held expressions


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
    rest = result.aligner.offsets_[:, None]
    np.testing.assert_allclose(result.movements + rest, result.features, atol=1e-9)
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
    newcomers = [
        *facesom.make_faces(24, 150, seed=5).dataset.X1[12:],
        *facesom.make_faces(12, 150, 6).dataset.X1,
    ]
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
        (np.ones((2, 3, 4), complex), "expected real numbers, got complex128"),
        ([np.full((3, 4), "smile")], "expected real numbers, got str"),
    ],
)
def test_features_that_are_none(X, message):
    with pytest.raises(ValueError, match=message):
        as_persons(X)


def test_persons_who_do_not_move():
    X = np.repeat(np.random.default_rng(0).normal(size=(5, 1, 4)), 6, axis=1)
    with pytest.raises(ValueError, match="got one frame, or the same features in every frame, of each"):
        IdentityAligner(3).fit(X)


def test_more_groups_than_distinct_frames():
    with pytest.raises(ValueError, match=r"n_groups: expected a whole number from 1 to 12 .* got 13"):
        IdentityAligner(13).fit(np.random.default_rng(0).normal(size=(3, 4, 5)))


def test_other_features_than_in_fit():
    aligner = IdentityAligner(4, n_starts=2).fit(moving(4)[0])
    with pytest.raises(ValueError, match="expected 6 features for each frame, as in fit, got 5"):
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
    with pytest.raises(ValueError, match=r"pick one person, pass images\[0\]"):
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

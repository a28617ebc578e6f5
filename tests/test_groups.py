"""Groups of nodes: planted clusters are found, Ward follows the map, numbers are stable, steps counted."""

import copy
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import facesom
from facesom.groups.node_groups import METHODS, NodeGroups, transitions, walk_order, ward_labels
from facesom.som.grid import ADJACENT
from facesom.som.map import FaceSOM

CENTRES = 10 * np.random.default_rng(1).standard_normal((5, 6))
TRUTH = np.repeat(np.arange(5), [200, 150, 100, 60, 40])
BLOBS = CENTRES[TRUTH] + np.random.default_rng(2).standard_normal((len(TRUTH), 6))


@pytest.fixture(scope="module")
def som():
    return FaceSOM(8, 8, seed=0).fit(BLOBS)


def random_som(seed=0, **parameters):
    return FaceSOM(6, 6, n_epochs=3, **parameters).fit(np.random.default_rng(seed).random((150, 3)))


def flipped(som):
    """The same map upside down."""
    turned = copy.copy(som)
    turned.weights_ = som.prototypes_[::-1].reshape(som.weights_.shape)
    turned.hits_ = som.hits_[::-1]
    return turned


@pytest.mark.parametrize("method", METHODS)
def test_planted_clusters_are_found(som, method):
    groups = NodeGroups(5, method, eps=6.0).fit(som)
    found = groups.predict(som.labels_)
    assert groups.n_groups_ == 5
    assert (found >= 0).mean() > 0.9
    assert adjusted_rand_score(TRUTH[found >= 0], found[found >= 0]) == 1
    for k in range(5):
        mean = BLOBS[found == k].mean(axis=0)
        np.testing.assert_allclose(groups.centers_[k], mean, atol=1.5)
        assert groups.hits_[k] == (found == k).sum()
    np.testing.assert_allclose(
        groups.distances_[0, 1], np.linalg.norm(groups.centers_[0] - groups.centers_[1])
    )


@pytest.mark.parametrize("seed", range(4))
def test_maps_of_groups_that_agree_on_all_faces_are_the_same(seed):
    som = FaceSOM(9, 9, seed=seed).fit(BLOBS)
    assert (som.hits_ == 0).any(), "nodes without faces could go either way"
    kmeans, ward = (NodeGroups(5, method).fit(som) for method in ("kmeans", "ward"))
    assert adjusted_rand_score(*(groups.predict(som.labels_) for groups in (kmeans, ward))) == 1
    np.testing.assert_array_equal(kmeans.labels_, ward.labels_)


# Of scikit-learn's checks of an estimator, those that NodeGroups cannot pass, and why.
UNPASSABLE = {
    "check_dtype_object": "it wants a TypeError for text, and every bad input here is a ValueError",
    "check_fit2d_predict1d": "one axis is nodes, not one sample",
    "check_fit2d_1sample": "the message speaks of the groups that one sample cannot make",
}


@parametrize_with_checks([NodeGroups(3)], expected_failed_checks=lambda _: UNPASSABLE)
def test_checks_of_scikit_learn(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def test_it_takes_faces_as_estimators_of_scikit_learn_do(som):
    assert adjusted_rand_score(TRUTH, NodeGroups(5).fit_predict(BLOBS)) == 1
    np.testing.assert_array_equal(NodeGroups(5).fit_predict(som), NodeGroups(5).fit(som).predict(som.labels_))
    pipeline = make_pipeline(StandardScaler(), NodeGroups(5, seed=1)).fit(BLOBS)
    assert adjusted_rand_score(TRUTH, pipeline.predict(BLOBS)) == 1
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8)).astype(np.uint8)
    groups = NodeGroups(2).fit(FaceSOM(3, 3, n_epochs=2).fit(images))
    np.testing.assert_array_equal(groups.predict(images), groups.predict(groups.som_.predict(images)))
    with pytest.raises(ValueError, match=r"samples of shape \(6,\) as in fit"):
        NodeGroups(5).fit(som).predict(BLOBS[:, :3])


def test_density_methods_leave_empty_nodes_without_a_group(som):
    groups = NodeGroups(method="dbscan", eps=6.0).fit(som)
    assert (groups.labels_[som.hits_ == 0] == -1).all()


def test_the_default_eps_mixes_no_planted_groups(som):
    found = NodeGroups(method="dbscan").fit(som).predict(som.labels_)
    assert len(set(TRUTH[found >= 0])) >= 4
    for k in range(found.max() + 1):
        assert len(set(TRUTH[found == k])) == 1


@pytest.mark.parametrize("method", ["kmeans", "ward"])
def test_turning_the_map_over_turns_the_groups_over(som, method):
    labels = NodeGroups(5, method).fit(som).labels_
    turned = NodeGroups(5, method).fit(flipped(som)).labels_[::-1]
    used = som.hits_ > 0
    assert adjusted_rand_score(labels[used], turned[used]) == 1


@pytest.mark.parametrize(
    "topology, torus", [("rectangular", False), ("hexagonal", False), ("rectangular", True)]
)
def test_ward_groups_are_regions_of_the_map(topology, torus):
    som = random_som(topology=topology, torus=torus)
    som.weights_ = np.random.default_rng(7).random(som.weights_.shape)  # an order that tells nothing
    labels = NodeGroups(7, "ward").fit(som).labels_.ravel()
    near = som.steps_ <= ADJACENT
    assert set(labels) == set(range(7))
    for k in range(7):
        inside = np.ix_(labels == k, labels == k)
        assert connected_components(near[inside])[0] == 1


def test_ward_goes_round_a_torus():
    ring = np.exp(2j * np.pi * np.arange(12) / 12)
    points = np.column_stack([ring.real, ring.imag])
    step = np.abs(np.subtract.outer(range(12), range(12)))
    line, circle = step <= 1, np.minimum(step, 12 - step) <= 1
    assert ward_labels(points, np.ones(12), circle, 1).max() == 0
    halves = ward_labels(points[np.r_[6:12, 0:6]], np.ones(12), line, 2)
    assert (np.diff(halves) != 0).sum() == 1


@pytest.mark.parametrize("seed", range(5))
def test_ward_is_that_of_scikit_learn_where_all_nodes_weigh_the_same(seed):
    points = np.random.default_rng(seed).random((25, 3))
    row, col = np.divmod(np.arange(25), 5)
    near = np.hypot(np.subtract.outer(row, row), np.subtract.outer(col, col)) <= ADJACENT
    for adjacent in (near, np.ones_like(near)):
        expected = AgglomerativeClustering(4, connectivity=adjacent.astype(int)).fit_predict(points)
        assert adjusted_rand_score(expected, ward_labels(points, np.ones(25), adjacent, 4)) == 1


@pytest.mark.parametrize("seed", range(5))
def test_a_weight_of_three_is_three_points(seed):
    rng = np.random.default_rng(seed)
    points, weights = rng.random((12, 2)), rng.integers(1, 5, 12)
    many = AgglomerativeClustering(4).fit_predict(np.repeat(points, weights, axis=0))
    first = np.cumsum(weights) - weights
    assert adjusted_rand_score(many[first], ward_labels(points, weights, np.ones((12, 12), bool), 4)) == 1


def test_nodes_are_weighed_by_their_faces():
    row = FaceSOM(1, 3, n_epochs=2).fit(np.random.default_rng(0).random((30, 1)))
    row.weights_ = np.array([[0.0], [4.0], [10.0]])
    for method in ("kmeans", "ward"):
        row.hits_ = np.array([[1, 1, 1]])
        assert NodeGroups(2, method).fit(row).labels_.tolist() == [[0, 0, 1]]
        row.hits_ = np.array([[100, 100, 1]])
        heavy = NodeGroups(2, method).fit(row)
        assert heavy.labels_.tolist() == [[0, 1, 1]]
        np.testing.assert_allclose(heavy.centers_, [[0], [410 / 101]], atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(arrays(int, (3, 4), elements=st.integers(-1, 5)), st.permutations(range(6)))
def test_numbers_follow_the_walk_whatever_they_were(labels, names):
    ordered = walk_order(labels)
    renamed = np.where(labels < 0, -1, np.array(names)[labels])
    np.testing.assert_array_equal(walk_order(renamed), ordered)
    np.testing.assert_array_equal(ordered < 0, labels < 0)
    walk = np.concatenate([row[::-1] if k % 2 else row for k, row in enumerate(ordered)])
    met = list(dict.fromkeys(walk[walk >= 0].tolist()))
    assert met == list(range(len(met)))


def test_the_same_seed_gives_the_same_numbers(som):
    np.testing.assert_array_equal(
        NodeGroups(4, seed=3).fit(som).labels_, NodeGroups(4, seed=3).fit(som).labels_
    )


def test_one_group_holds_everything(som):
    for method in ("kmeans", "ward"):
        groups = NodeGroups(1, method).fit(som)
        assert (groups.labels_ == 0).all() and groups.hits_.tolist() == [len(BLOBS)]


def test_it_works_on_images():
    images = np.random.default_rng(0).random((40, 9, 8))
    assert NodeGroups(3).fit(FaceSOM(4, 4, n_epochs=2).fit(images)).centers_.shape == (3, 9, 8)


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"n_groups": 0}, "n_groups: expected a whole number from 1"),
        ({"n_groups": 65}, "n_groups: expected .* got 65"),
        ({"n_groups": 2.5}, "got 2.5"),
        ({"method": "fuzzy"}, "method: expected one of .*'ward'.* got 'fuzzy'"),
        ({"method": "dbscan", "eps": -1.0}, "eps: expected a distance over 0 .* got -1.0"),
        ({"method": "dbscan", "eps": 1e-9}, "all .* nodes stand alone at eps=1e-09; take a larger eps"),
        ({"method": "hdbscan", "min_nodes": 1}, "min_nodes: expected a whole number from 2 .* got 1"),
        ({"method": "dbscan", "min_nodes": 99}, "min_nodes: expected .* got 99"),
    ],
)
def test_what_cannot_be_grouped_is_said(som, parameters, message):
    with pytest.raises(ValueError, match=message):
        NodeGroups(**parameters).fit(som)


def test_hdbscan_says_where_there_is_no_group():
    som = FaceSOM(3, 3, n_epochs=2).fit(np.random.default_rng(0).random((9, 2)))
    with pytest.raises(ValueError, match=r"hdbscan: all .* stand alone; take fewer min_nodes"):
        NodeGroups(method="hdbscan", min_nodes=5).fit(som)


@pytest.mark.parametrize(
    "nodes, message",
    [([0.5], "expected integers, got float64"), ([-1], "expected 0 to 63"), ([64], "got 64")],
)
def test_nodes_of_another_map_are_refused(som, nodes, message):
    with pytest.raises(ValueError, match=message):
        NodeGroups(3).fit(som).predict(nodes)


def test_transitions_are_counted_within_persons():
    groups = np.array([[0, 0, 1, 2], [2, 1, -1, 0]])
    np.testing.assert_array_equal(transitions(groups), [[1, 1, 0], [0, 0, 1], [0, 1, 0]])
    np.testing.assert_array_equal(transitions([groups[0], groups[1][:2]]), transitions(groups))
    assert transitions(groups[0], n_groups=5).shape == (5, 5)
    assert transitions([[0]]).tolist() == [[0]], "one frame is followed by nothing"


@pytest.mark.parametrize(
    "groups, n_groups, message",
    [
        ([[0.5]], None, "groups: expected whole numbers"),
        ([[0, -2]], None, "-1 or more"),
        ([[0, 3]], 3, "n_groups: expected at least 4"),
        ([], None, "at least one frame"),
        ([[[0]]], None, "expected 1 axes"),
    ],
)
def test_what_cannot_be_counted_is_said(groups, n_groups, message):
    with pytest.raises(ValueError, match=message):
        transitions(groups, n_groups)


def test_nodes_with_one_prototype_leave_no_group_without_a_name():
    images = facesom.to_grayscale(facesom.make_faces(1, 40, seed=2).dataset).X1[0]
    som = FaceSOM(10, 10, seed=0).fit(images)
    won = som.hits_.ravel() > 0
    assert len(np.unique(som.weights_[won], axis=0)) >= 12
    for k in range(2, 13):
        labels = NodeGroups(k, seed=0).fit(som).labels_.ravel()
        assert set(labels) == set(labels[won]) == set(range(k))

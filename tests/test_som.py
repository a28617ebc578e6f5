"""FaceSOM and what stands under it: against MiniSom, against known truths, and on bad input."""

import io
import json
import signal
import subprocess
import sys
import time
import warnings
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import delayed
from minisom import MiniSom
from sklearn.base import clone
from sklearn.manifold import trustworthiness as sklearn_trustworthiness
from sklearn.utils.estimator_checks import parametrize_with_checks

import facesom
import facesom.som.batch
from facesom.io import in_threads
from facesom.som import quality
from facesom.som.choose import Trial, choose_parameters, pick
from facesom.som.grid import neighborhood_weights, node_positions, node_steps
from facesom.som.map import FaceSOM
from facesom.som.online import span_coordinates
from facesom.som.persons import fit_soms

DATA = Path(__file__).parents[2] / "shared" / "data"


def drawn(seed=0, n=60, size=24, levels=(0.2, 1.0)):
    """Frames of a dark bar that wanders, turns and thickens: smooth, with two hidden coordinates."""
    rng = np.random.default_rng(seed)
    height, slope = rng.uniform(6, 18, n), rng.uniform(-0.5, 0.5, n)
    down, right = np.mgrid[:size, :size]
    ink = np.clip(2.5 - np.abs(down - height[:, None, None] - slope[:, None, None] * (right - 12)), 0, 1)
    return (levels[1] - ink * (levels[1] - levels[0])).astype(np.float32)


def square(n=400, seed=0):
    return np.random.default_rng(seed).random((n, 2))


def quiet(som, X, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return som.fit(X, **kwargs)


def plain_minisom(X, rows, cols, seed, steps, **kwargs):
    """The script people run today."""
    flat = X.reshape(len(X), -1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        som = MiniSom(
            rows, cols, flat.shape[1], random_seed=seed, **{"sigma": 1.0, "learning_rate": 0.5} | kwargs
        )
    som.random_weights_init(flat)
    som.train_random(flat, steps)
    return som, np.array([np.ravel_multi_index(som.winner(x), (rows, cols)) for x in flat])


# ---- online: MiniSom, only faster


@pytest.mark.parametrize("seed", [0, 42, 2**31])
@pytest.mark.parametrize(
    "ours, theirs",
    [
        ({}, {}),
        ({"sigma": 2.0, "learning_rate": 0.3}, {"sigma": 2.0, "learning_rate": 0.3}),
        ({"neighborhood": "bubble"}, {"neighborhood_function": "bubble"}),
        (
            {"topology": "hexagonal", "learning_rate_decay": "linear_decay_to_zero"},
            {"topology": "hexagonal", "decay_function": "linear_decay_to_zero"},
        ),
        (
            {"sigma": 3.0, "sigma_decay": "linear_decay_to_one"},
            {"sigma": 3.0, "sigma_decay_function": "linear_decay_to_one"},
        ),
    ],
)
def test_online_has_the_winners_of_plain_minisom(seed, ours, theirs):
    X = drawn(seed % 7, n=70)
    som = quiet(FaceSOM(5, 6, "online", seed, n_steps=300, **ours), X)
    plain, winners = plain_minisom(X, 5, 6, seed, 300, **theirs)
    assert np.array_equal(som.labels_, winners)
    assert np.array_equal(som.predict(X), winners)
    np.testing.assert_allclose(som.weights_.reshape(5, 6, -1), plain.get_weights(), atol=1e-11)


@pytest.mark.parametrize("levels", [(0.0, 1.0), (0.2, 1.0), (1 / 3, 0.9)])
@pytest.mark.parametrize("neighborhood", ["gaussian", "bubble"])
def test_online_settles_ties_as_plain_minisom(levels, neighborhood):
    """Two-valued drawings tie all the time: equally many pixels differ."""
    for seed in range(6):
        X = np.where(np.random.default_rng(seed).random((80, 16, 32)) < 0.02, levels[1], levels[0])
        som = quiet(FaceSOM(6, 6, "online", seed, neighborhood=neighborhood, n_steps=150), X)
        _, winners = plain_minisom(X, 6, 6, seed, 150, neighborhood_function=neighborhood)
        assert np.array_equal(som.labels_, winners)


def test_online_equals_plain_minisom_with_repeated_frames_and_many_frames():
    repeated = np.repeat(drawn(n=25), 3, axis=0)
    many = drawn(n=300)  # more than n_steps: MiniSom shows the first ones only
    features = square(200)  # fewer numbers than samples: no change of basis
    for X, steps in ((repeated, 200), (many, 100), (features, 300)):
        som = quiet(FaceSOM(4, 4, "online", 3, n_steps=steps), X)
        assert np.array_equal(som.labels_, plain_minisom(X, 4, 4, 3, steps)[1])


@pytest.mark.skipif(not (DATA / "video_drawn.pickle").exists(), reason="shared data not at hand")
def test_online_equals_plain_minisom_on_drawn_videos():
    import facesom

    for X in facesom.to_grayscale(facesom.load(DATA / "video_drawn.pickle")).X1:
        som = quiet(FaceSOM(method="online", n_steps=200), X)
        assert np.array_equal(som.labels_, plain_minisom(X, 10, 10, 42, 200)[1])


def test_another_distance_is_trained_plainly_and_says_so():
    X = drawn(n=40)
    with pytest.warns(UserWarning, match="'cosine' does not survive the change of basis"):
        som = FaceSOM(3, 3, "online", 1, distance="cosine", n_steps=100).fit(X)
    _, winners = plain_minisom(X, 3, 3, 1, 100, activation_distance="cosine")
    assert np.array_equal(som.labels_, winners)
    assert np.array_equal(som.predict(X), winners)
    assert som.transform(X).argmin(axis=1).tolist() == winners.tolist()


def test_span_coordinates_keep_distances_and_lead_back():
    X = np.random.default_rng(0).random((12, 50))
    X[5] = X[2]
    points, back = span_coordinates(X)
    assert points.shape == (12, 10)
    assert np.array_equal(points[5], points[2])
    gaps = np.linalg.norm(X[:, None] - X[None], axis=2)
    np.testing.assert_allclose(np.linalg.norm(points[:, None] - points[None], axis=2), gaps, atol=1e-12)
    np.testing.assert_allclose(back(points), X, atol=1e-12)


# ---- batch


def naive_batch(X, weights, fades):
    """The batch rule, word for word."""
    for fade in fades:
        winners = np.array([np.linalg.norm(x - weights, axis=1).argmin() for x in X])
        pull = fade[:, winners]
        weights = (pull @ X) / pull.sum(axis=1, keepdims=True)
    return weights


@pytest.mark.parametrize("kind", ["gaussian", "triangle"])
@pytest.mark.parametrize("topology", ["rectangular", "hexagonal"])
def test_batch_follows_the_rule_on_images_and_on_features(kind, topology):
    steps = node_steps(4, 5, topology)
    fades = [neighborhood_weights(steps, sigma, kind, topology) for sigma in np.geomspace(2.5, 1.5, 8)]
    for X in (drawn(n=50), square(100)):
        first = X[:20] + 0.01 if X.ndim == 2 else np.clip(X[:20] * 0.9, 0, 1)
        som = FaceSOM(
            4,
            5,
            topology=topology,
            neighborhood=kind,
            n_epochs=8,
            sigma_end=1.5,
            init=first.reshape(4, 5, *X.shape[1:]),
        )
        expected = naive_batch(
            X.reshape(len(X), -1).astype(float), first.reshape(20, -1).astype(float), fades
        )
        np.testing.assert_allclose(quiet(som, X).weights_, expected, atol=1e-9)


def test_the_gram_way_and_the_direct_way_agree(monkeypatch):
    X = drawn(n=80)
    gram = quiet(FaceSOM(6, 6), X)
    monkeypatch.setattr(facesom.som.batch, "GRAM_ROWS", 0)
    direct = quiet(FaceSOM(6, 6), X)
    np.testing.assert_allclose(direct.weights_, gram.weights_, atol=1e-8)
    np.testing.assert_allclose(direct.history_, gram.history_, atol=1e-8)
    assert np.array_equal(direct.labels_, gram.labels_)


def test_a_map_of_a_square_lies_flat_in_it():
    som = FaceSOM(8, 8, n_epochs=30).fit(square(2000))
    assert som.topographic_error_ < 0.02
    place = np.corrcoef(som.positions_.T, som.weights_.T)[:2, 2:] ** 2
    assert max(place[0, 0] * place[1, 1], place[0, 1] * place[1, 0]) > 0.9
    assert som.hits_.min() > 0


SCATTERED = np.random.default_rng(5)


@pytest.mark.parametrize(
    "X, parameters",
    [
        (drawn(n=9), {"rows": 40, "cols": 40}),
        (drawn(n=9), {"rows": 30, "cols": 30, "init": "random"}),
        (drawn(n=4), {"rows": 20, "cols": 30, "topology": "hexagonal"}),
        (drawn(n=40), {"rows": 25, "cols": 25, "sigma_end": 0.05}),
        (drawn(n=2), {"rows": 30, "cols": 30, "torus": True}),
        (drawn(n=9), {"rows": 1, "cols": 99}),
        (square(12), {"rows": 30, "cols": 30}),
        (square(2000), {"rows": 20, "cols": 20, "sigma": 5}),
        (square(300) * [1, 0], {"rows": 25, "cols": 25, "sigma_end": 0.1}),
        (SCATTERED.standard_cauchy((200, 3)), {"rows": 20, "cols": 20, "sigma_end": 0.02}),
        (np.repeat(square(3), 50, axis=0), {"rows": 25, "cols": 25}),
        (drawn(n=12), {"rows": 12, "cols": 12, "method": "online"}),
    ],
)
def test_more_nodes_than_faces(X, parameters):
    """Far from every winner a Gaussian is denormal or 0: nodes stay among the samples all the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        som = quiet(FaceSOM(**parameters), X)
        quality_of = som.quality(X)
    flat = X.reshape(len(X), -1).astype(float)
    distances = np.linalg.norm(flat[:, None] - som.weights_[None], axis=2)
    assert np.isfinite(som.weights_).all() and np.isfinite(som.u_matrix_).all()
    np.testing.assert_allclose(
        distances[np.arange(len(X)), som.labels_], distances.min(axis=1), rtol=1e-9, atol=1e-9
    )
    assert som.quantization_error_ == pytest.approx(distances.min(axis=1).mean(), rel=1e-6, abs=1e-9)
    assert som.hits_.sum() == len(X) and np.isfinite(quality_of.combined_error)
    low, high = flat.min(axis=0), flat.max(axis=0)
    assert (som.weights_ >= low - 1e-9).all() and (som.weights_ <= high + 1e-9).all()


@pytest.mark.parametrize("kind", ["gaussian", "bubble", "mexican_hat", "triangle"])
@pytest.mark.parametrize("sigma", [1e-200, 1e-3, 1e200])
def test_widths_out_of_all_proportion_give_numbers(kind, sigma):
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        som = quiet(FaceSOM(4, 4, sigma=sigma, sigma_end=sigma, neighborhood=kind), square(50))
    assert np.isfinite(som.weights_).all() and np.isfinite(som.quantization_error_)


def test_weights_out_of_all_proportion_give_numbers():
    X = square(40)
    for weight in (np.full(40, 1e-320), np.full(40, 1e308), np.geomspace(1e-300, 1e300, 40)):
        for parameters in ({}, {"init": "random"}, {"rows": 20, "cols": 20}):
            som = quiet(FaceSOM(**{"rows": 4, "cols": 4} | parameters), X, sample_weight=weight)
            assert np.isfinite(som.weights_).all() and som.weights_.min() > -1 and som.weights_.max() < 2
    even = quiet(FaceSOM(4, 4), X, sample_weight=np.full(40, 1e308))
    np.testing.assert_allclose(even.weights_, quiet(FaceSOM(4, 4), X).weights_)


def test_sample_weights_count_as_repeats():
    X, repeats = drawn(n=40), np.random.default_rng(1).integers(0, 4, 40)
    for n_epochs in (1, 20):  # one epoch still shows where the first prototypes were
        weighted = quiet(FaceSOM(4, 4, n_epochs=n_epochs), X, sample_weight=repeats)
        repeated = quiet(FaceSOM(4, 4, n_epochs=n_epochs), np.repeat(X, repeats, axis=0))
        np.testing.assert_allclose(weighted.weights_, repeated.weights_, atol=1e-8)


def test_columns_that_never_change_cost_nothing_and_stay_exact():
    rng = np.random.default_rng(3)
    varied = rng.random((60, 40))
    X = np.full((60, 100), 0.3)
    X[:, ::2][:, :40] = varied
    small, whole = FaceSOM(4, 4).fit(varied), FaceSOM(4, 4).fit(X)
    np.testing.assert_array_equal(whole.labels_, small.labels_)
    np.testing.assert_allclose(whole.weights_[:, ::2][:, :40], small.weights_)
    assert (whole.weights_[:, 1::2] == 0.3).all()
    # given prototypes differ there, and are pulled to the samples
    pulled = FaceSOM(4, 4, init=rng.random((16, 100))).fit(X)
    np.testing.assert_allclose(pulled.weights_[:, 1::2], 0.3)


def test_main_plane_is_that_of_the_covariance():
    X = np.random.default_rng(4).standard_normal((150, 90)) * np.linspace(1, 3, 90)
    plane = facesom.som.batch.main_plane(X, (2, 2)) - X.mean(0)
    axes = np.linalg.eigh(np.cov(X.T))[1][:, -2:]
    np.testing.assert_allclose(plane @ axes @ axes.T, plane, atol=1e-8)


def test_many_samples_are_drawn_in_mini_batches(monkeypatch):
    X = square(3000)
    whole = FaceSOM(5, 5).fit(X)
    monkeypatch.setattr(facesom.som.batch, "EPOCH_ROWS", 700)
    parts = FaceSOM(5, 5).fit(X)
    assert not np.array_equal(parts.weights_, whole.weights_)
    assert parts.quantization_error_ < 1.03 * whole.quantization_error_
    assert np.array_equal(parts.weights_, FaceSOM(5, 5).fit(X).weights_)
    epochs = facesom.som.batch.draws(3000, 0)
    drawn_rows = np.concatenate([next(epochs) for _ in range(4)])
    assert len(np.unique(drawn_rows)) == 2800  # no sample twice before the deck is through
    assert np.ptp(drawn_rows[:700]) > 2000  # and an epoch sees all parts of a film


@pytest.mark.parametrize("method", ["batch", "online"])
def test_same_seed_same_map(method):
    X = drawn()
    a, b, c = (quiet(FaceSOM(4, 4, method, seed, init="random", n_steps=100), X) for seed in (1, 1, 2))
    assert np.array_equal(a.weights_, b.weights_)
    assert not np.array_equal(a.weights_, c.weights_)


def test_torus_has_no_edge():
    for topology in ("rectangular", "hexagonal"):
        steps = np.hypot(*node_steps(6, 6, topology, torus=True))
        some = np.array([0, 7, 35]), np.array([35, 3, 12])
        few = np.hypot(*node_steps(6, 6, topology, torus=True, pairs=some))
        np.testing.assert_array_equal(few, steps[some])
        neighbours = ((steps > 0) & (steps <= 1.42)).sum(axis=1)
        assert set(neighbours) == {8 if topology == "rectangular" else 6}
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, 300)
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    closed = quiet(FaceSOM(1, 12, torus=True, init="random", n_epochs=40), ring)
    assert closed.steps_[0, 11] == 1
    assert closed.u_matrix_.max() < 2 * closed.u_matrix_.min()


@pytest.mark.parametrize("kind", ["gaussian", "bubble", "mexican_hat", "triangle"])
@pytest.mark.parametrize("topology", ["rectangular", "hexagonal"])
def test_neighbourhoods_are_those_of_minisom(kind, topology):
    if topology == "hexagonal" and kind in ("bubble", "triangle"):
        pytest.skip("MiniSom's are square there, ours round")
    som = MiniSom(4, 5, 1, neighborhood_function=kind, topology=topology)
    ours = neighborhood_weights(node_steps(4, 5, topology), 2.0, kind, topology)
    theirs = [som.neighborhood(divmod(node, 5), 2.0).ravel() for node in range(20)]
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    assert np.array_equal(node_positions(4, 5, topology)[:, 0], som.get_euclidean_coordinates()[0].ravel())


# ---- reading a map


@pytest.mark.parametrize("topology", ["rectangular", "hexagonal"])
def test_minisom_object_is_the_same_map(topology):
    X = drawn(n=80)
    flat = X.reshape(80, -1)
    som = quiet(FaceSOM(5, 6, topology=topology), X)
    mini = som.minisom_
    assert isinstance(mini, MiniSom)
    assert [np.ravel_multi_index(mini.winner(x), (5, 6)) for x in flat] == som.labels_.tolist()
    assert mini.quantization_error(flat) == pytest.approx(som.quantization_error_, rel=1e-9)
    assert mini.topographic_error(flat) == pytest.approx(som.topographic_error_, abs=1e-12)
    assert np.array_equal(mini.activation_response(flat), som.hits_)
    if topology == "rectangular":
        u = som.u_matrix_
        np.testing.assert_allclose(mini.distance_map("mean"), u / u.max(), atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 4), st.integers(1, 30), st.booleans())
def test_labels_are_what_predict_and_transform_say(seed, rows, cols, n, images):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 2, (n, 8, 9)).astype(float) if images else rng.normal(50, 1, (n, 3))
    som = quiet(FaceSOM(rows, cols), X)
    assert np.array_equal(som.predict(X), som.labels_)
    assert np.array_equal(np.concatenate([som.predict(x[None]) for x in X]), som.labels_)
    distances = som.transform(X)
    assert distances.shape == (n, rows * cols)
    np.testing.assert_allclose(distances[np.arange(n), som.labels_], distances.min(axis=1), atol=1e-5)
    assert som.hits_.sum() == n
    assert som.prototypes_.shape == (rows, cols, *X.shape[1:])


def test_scikit_learn_manners():
    som = FaceSOM(3, 4, sigma=2.0)
    assert clone(som).get_params() == som.get_params()
    assert som.set_params(rows=5).rows == 5
    X = drawn()
    assert np.array_equal(som.fit_predict(X), som.labels_)
    assert np.array_equal(clone(som).fit_transform(X), som.transform(X))


# Of scikit-learn's checks of an estimator, those that no FaceSOM can pass, and why.
UNPASSABLE = {
    "check_clustering": "it wants labels without gaps, and a node that wins nothing has no label",
    "check_dtype_object": "it wants a TypeError for text, and every bad input here is a ValueError",
    "check_sample_weight_equivalence_on_sparse_data": "no faces are sparse; scikit-learn 1.6 gives them",
}
WEIGHTS = [
    "check_sample_weights_pandas_series",
    "check_sample_weights_not_an_array",
    "check_sample_weights_list",
    "check_all_zero_sample_weights_error",
    "check_sample_weights_shape",
    "check_sample_weights_not_overwritten",
    "check_sample_weight_equivalence_on_dense_data",
]


def unpassable(som):
    online = som.method == "online"
    return UNPASSABLE | (dict.fromkeys(WEIGHTS, "MiniSom's training knows no weights") if online else {})


@parametrize_with_checks([FaceSOM(3, 3), FaceSOM(3, 3, "online")], expected_failed_checks=unpassable)
def test_checks_of_scikit_learn(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def test_names_of_columns_and_of_what_comes_out(tmp_path):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(square(30), columns=["brow", "lip"])
    som = FaceSOM(2, 3).fit(X).set_output(transform="pandas")
    assert som.feature_names_in_.tolist() == ["brow", "lip"] and som.n_features_in_ == 2
    assert som.transform(X).columns.tolist() == som.get_feature_names_out().tolist()
    assert som.get_feature_names_out()[-1] == "facesom5"
    with pytest.raises(ValueError, match="feature names should match"):
        som.predict(X[["lip", "brow"]])
    with pytest.raises(ValueError, match="X has 1 features, but FaceSOM is expecting 2"):
        som.predict(square(5)[:, :1])
    som.save(tmp_path / "map.npz")
    assert FaceSOM.load(tmp_path / "map.npz").feature_names_in_.tolist() == ["brow", "lip"]
    assert not hasattr(quiet(som, drawn()), "feature_names_in_")
    assert som.get_feature_names_out().tolist() == [f"facesom{k}" for k in range(6)]


def test_score_is_what_model_selection_takes():
    from sklearn.model_selection import GridSearchCV

    X = drawn(n=90)
    som = FaceSOM(4, 4).fit(X)
    assert som.score(X) == pytest.approx(-som.quantization_error_)
    search = GridSearchCV(FaceSOM(), {"rows": [1, 6], "cols": [1, 6]}, cv=3).fit(X)
    assert search.best_params_ == {"rows": 6, "cols": 6}


def test_a_fit_that_fails_leaves_the_map_as_it_was():
    X = drawn()
    som = quiet(FaceSOM(3, 3), X)
    before = som.minisom_
    for bad, change in ((square(20) * np.nan, {}), (square(20), {"init": np.zeros((2, 2, 2))})):
        with pytest.raises(ValueError):
            som.set_params(**change).fit(bad)
        assert np.array_equal(som.set_params(init=None).predict(X), som.labels_)
    assert som.minisom_ is before
    assert quiet(som, drawn(1)).minisom_ is not before


def test_bytes_and_flat_rows_are_the_same_faces():
    X = (drawn() * 255).astype(np.uint8)
    som = quiet(FaceSOM(4, 4), X)
    assert som.prototypes_.max() > 1
    assert np.array_equal(som.predict(X.reshape(len(X), -1)), som.labels_)
    assert quiet(FaceSOM(2, 2), np.stack([X] * 3, axis=-1)).prototypes_.shape == (2, 2, 24, 24, 3)


def test_of_equal_prototypes_the_first_wins():
    rng = np.random.default_rng(0)
    weights = np.repeat(rng.random((10, 300)) + 1000, 2, axis=0)
    samples = rng.random((200, 300)) + 1000
    [(rows, squared, scale)] = quality.squared_distances(samples, weights)
    rounded = squared * (1 + 1e-14 * rng.random(squared.shape))  # as another order of summing would
    for blocks in (None, [(rows, rounded, scale)]):
        best, second, _ = quality.nearest_two(samples, weights, blocks)
        assert (best % 2 == 0).all() and (second == best + 1).all()


def test_nearest_prototype_where_products_lose_the_difference():
    rng = np.random.default_rng(0)
    weights = np.vstack(
        [np.full((1, 40), 1e6), rng.random((30, 40))]
    )  # one far away spoils the common origin
    samples = rng.random((50, 40))
    best, _, distance = quality.nearest_two(samples, weights)
    exact = np.linalg.norm(samples[:, None] - weights[None], axis=2)
    assert np.array_equal(best, exact.argmin(axis=1))
    np.testing.assert_allclose(distance, exact.min(axis=1), rtol=1e-9)


# ---- quality


def test_quality_of_known_maps():
    steps = np.hypot(*node_steps(1, 4))
    line = np.array([[0.0], [1.0], [2.0], [3.0]])
    X = np.array([[0.1], [1.1], [2.1], [2.9]])
    assert quality.quantization_error(X, line) == pytest.approx(0.1)
    assert quality.topographic_error(X, line, steps) == 0
    assert quality.combined_error(X, line, steps) == pytest.approx(1.1)
    torn = line[[0, 2, 1, 3]]  # nodes 1 and 2 swapped: 0 and 1 are two nodes apart
    assert quality.topographic_error(X, torn, steps) == 0.75
    assert quality.combined_error(X, torn, steps) == pytest.approx(0.1 + (3 + 1 + 3 + 3) / 4)
    assert quality.combined_error(X, 1e-12 * line, steps) == pytest.approx(1.55)  # near nodes are joined, too
    assert quality.used_nodes(np.array([0, 0, 3]), 4) == 0.5


def test_trustworthiness_is_the_usual_one_where_nothing_ties():
    rng = np.random.default_rng(0)
    X, place = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    steps = np.linalg.norm(place[:, None] - place[None], axis=2)
    each = np.arange(40)  # every sample a node of its own
    assert quality.trustworthiness(X, each, steps, 5) == pytest.approx(
        sklearn_trustworthiness(X, place, n_neighbors=5)
    )
    assert quality.neighborhood_preservation(X, each, steps, 5) == pytest.approx(
        sklearn_trustworthiness(place, X, n_neighbors=5)
    )


def test_good_maps_measure_better_than_shuffled_ones():
    X = square(300)
    som = FaceSOM(6, 6).fit(X)
    good = som.quality(X)
    bad = quality.map_quality(X, np.random.default_rng(0).permutation(som.weights_), som.steps_)
    assert good.topographic_error < 0.1 < 0.5 < bad.topographic_error
    assert good.trustworthiness > 0.97 > 0.92 > bad.trustworthiness
    assert good.neighborhood_preservation > 0.97 > 0.92 > bad.neighborhood_preservation
    assert good.combined_error < bad.combined_error
    assert "in order" in str(good) and "folded" in str(bad)


def test_a_folded_map_is_reported():
    with pytest.warns(UserWarning, match=r"folded map: for \d+% of the samples .* method=\"batch\""):
        FaceSOM(8, 8, "online", sigma=0.3, n_steps=50).fit(square(200))


# ---- choosing


def test_choose_parameters_keeps_order_and_says_why():
    choice = choose_parameters(drawn(n=90, size=16), seconds=60)
    trial = choice.trials[choice.chosen]
    assert choice.complete
    assert trial.parameters == choice.parameters
    assert trial.topographic_error <= 0.2
    ordered = [t.quantization_error for t in choice.trials if t.topographic_error <= 0.2]
    assert trial.quantization_error <= 1.02 * min(ordered)
    assert str(choice).startswith(f"Take {choice.parameters['rows']} x ")
    assert {t.varied for t in choice.trials} == {"sigma", "side", "neighborhood", "n_epochs"}
    FaceSOM(**choice.parameters).fit(drawn(n=90, size=16))


def test_choose_parameters_prefers_order_then_closeness_then_few_nodes():
    def trial(side, quantization, topographic):
        return Trial({"rows": side, "cols": side, "n_epochs": 5}, "side", quantization, topographic, 0, 0, 0)

    assert pick([trial(9, 1.0, 0.5), trial(8, 2.0, 0.1), trial(7, 2.02, 0.1), trial(6, 2.5, 0.0)]) == 2


def test_choose_parameters_judges_on_samples_held_out():
    choice = choose_parameters(np.random.default_rng(0).random((36, 5)), seconds=0)
    assert choice.trials[0].parameters["rows"] ** 2 > 36  # every training sample has a node for itself
    assert choice.trials[0].quantization_error > 0.2


def test_choose_parameters_keeps_to_its_time():
    choice = choose_parameters(drawn(n=30, size=16), seconds=0, method="online")
    assert not choice.complete
    assert len(choice.trials) == 1
    assert "tried before the time ran out" in choice.sentence


def test_choose_parameters_refuses():
    with pytest.raises(ValueError, match="at least 24 samples to hold a third out, got 10"):
        choose_parameters(drawn(n=10))
    with pytest.raises(ValueError, match="method: expected one of"):
        choose_parameters(drawn(), method="offline")
    for seconds in ("long", float("nan"), -1):
        with pytest.raises(ValueError, match="seconds: expected a number of 0 or more"):
            choose_parameters(drawn(), seconds)


# ---- all persons


def test_fit_soms_gives_each_person_the_map_of_their_own():
    X1 = np.stack([drawn(seed) for seed in range(3)])
    soms = fit_soms(X1, rows=4, cols=4, progress=False)
    for X, som in zip(X1, soms, strict=True):
        assert np.array_equal(som.labels_, quiet(FaceSOM(4, 4), X).labels_)
    uneven = fit_soms([X1[0][:20], X1[1]], rows=3, cols=3, progress=False)
    assert [len(som.labels_) for som in uneven] == [20, 60]


def test_fit_soms_resumes_from_a_folder(tmp_path, monkeypatch):
    X1 = np.stack([drawn(seed, n=30) for seed in range(3)])
    first = fit_soms(X1[:2], rows=3, cols=3, folder=tmp_path, progress=False)
    trained = []
    original = FaceSOM._train
    monkeypatch.setattr(FaceSOM, "_train", lambda self, X: (trained.append(len(trained)), original(self, X)))
    again = fit_soms(X1, rows=3, cols=3, folder=tmp_path, progress=False)
    assert len(trained) == 1
    assert np.array_equal(again[1].weights_, first[1].weights_)
    fit_soms(X1, rows=3, cols=3, n_epochs=5, folder=tmp_path, progress=False)
    assert len(trained) == 4  # other parameters: trained anew
    fit_soms(X1[::-1], rows=3, cols=3, n_epochs=5, folder=tmp_path, progress=False)
    assert len(trained) == 6  # other faces: trained anew, but for the one in the middle
    (tmp_path / "person_0000.npz").write_bytes(b"PK broken")
    fit_soms(X1[::-1], rows=3, cols=3, n_epochs=5, folder=tmp_path, progress=False)
    assert len(trained) == 7


def test_fit_soms_warns_once_of_folded_maps():
    with pytest.warns(UserWarning) as caught:
        fit_soms([square(100, s) for s in range(3)], "online", sigma=0.3, n_steps=50, progress=False)
    assert [str(w.message)[:11] for w in caught] == ["folded maps"]
    assert "[0, 1, 2]" in str(caught[0].message)


def test_fit_soms_on_a_dask_cluster():
    distributed = pytest.importorskip("distributed", reason="dask[distributed] is not installed")
    import joblib

    X1 = np.stack([drawn(seed, n=30) for seed in range(4)])
    with (
        distributed.Client(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None),
        joblib.parallel_config(backend="dask"),
    ):
        soms = fit_soms(X1, rows=3, cols=3, progress=False)
    for X, som in zip(X1, soms, strict=True):
        assert np.array_equal(som.labels_, quiet(FaceSOM(3, 3), X).labels_)


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])  # the latter as Ray's: results all at once
def test_fit_soms_in_processes(backend):
    import joblib

    X1 = np.stack([drawn(seed, n=30) for seed in range(3)])
    with joblib.parallel_config(backend=backend, n_jobs=2):
        soms = fit_soms(X1, rows=3, cols=3, n_jobs=None, progress=False)
    for X, som in zip(X1, soms, strict=True):
        assert np.array_equal(som.weights_, quiet(FaceSOM(3, 3), X).weights_)


def test_fit_soms_refuses(tmp_path):
    with pytest.raises(
        ValueError, match=r"\(P, N, H, W\), got shape \(60, 24, 24\); for one person use FaceSOM"
    ):
        fit_soms(drawn())
    with pytest.raises(ValueError, match="at least one person"):
        fit_soms([])
    with pytest.raises(ValueError, match=r"pass `data\.X1`"):
        fit_soms({"X1": 1})
    with pytest.raises(ValueError, match="person 1: X: expected finite"):
        fit_soms([square(20), np.full((20, 2), np.nan)], progress=False)
    fit_soms([square(20), square(20)], rows=2, cols=2, folder=tmp_path, progress=False)
    with pytest.raises(ValueError, match="person 1: X: expected finite"):
        fit_soms([square(20), square(20) * np.nan], rows=2, cols=2, folder=tmp_path, progress=False)


# ---- files


def test_a_map_comes_back_from_its_file(tmp_path):
    X = drawn()
    first = X[:12].reshape(3, 4, 24, 24)
    som = quiet(FaceSOM(3, np.int64(4), seed=np.int64(3), init=first, topology="hexagonal"), X)
    som.save(tmp_path / "map")
    back = FaceSOM.load(tmp_path / "map")
    assert [p.name for p in tmp_path.iterdir()] == ["map"]
    assert np.array_equal(back.predict(X), som.labels_)
    assert np.array_equal(back.prototypes_, som.prototypes_)
    assert np.array_equal(back.init, first)
    assert back.topology == "hexagonal" and back.quantization_error_ == som.quantization_error_
    assert np.array_equal(back.minisom_.get_weights(), som.minisom_.get_weights())
    np.load(tmp_path / "map", allow_pickle=False)


def test_files_that_are_no_maps_are_refused(tmp_path):
    path = tmp_path / "map.npz"
    np.savez(path, a=np.arange(3))
    with pytest.raises(ValueError, match=r"expected a map saved by FaceSOM\.save"):
        FaceSOM.load(path)
    path.write_bytes(b"not a zip")
    with pytest.raises(ValueError, match=r"expected a map saved by FaceSOM\.save"):
        FaceSOM.load(path)
    som = FaceSOM(2, 2).fit(square(20))
    som.save(path)
    with np.load(path) as file:
        arrays = dict(file)
    arrays["header"] = np.array(str(arrays["header"]).replace('"version": 1', '"version": 2'))
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=r"version 2.*update facesom"):
        FaceSOM.load(path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ValueError, match="expected a map saved"):
        FaceSOM.load(path)
    with pytest.raises(ValueError, match=r"your own \['learning_rate_decay'\]"):
        quiet(FaceSOM(2, 2, "online", learning_rate_decay=lambda r, t, n: r), square(20)).save(path)


def packed(array):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array))
    return file.getvalue()


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_members(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


HEADERS = {
    "rows of a larger map": ("rows", 50),
    "rows in a list": ("rows", [1]),
    "no rows": ("rows", 0),
    "very many rows": ("rows", 10**30),
    "rows in words": ("rows", "two"),
    "rows in half": ("rows", 2.5),
    "another method": ("method", "magic"),
    "other epochs": ("n_epochs", 7),
    "no epochs": ("n_epochs", None),
    "sigma NaN": ("sigma", float("nan")),
    "init of a string": ("init", "zeros"),
    "init in a list": ("init", [0, 1]),
    "unknown parameter": ("x" * 5000, 1),
    "decay of a list": ("sigma_decay", []),
    "torus in words": ("torus", "round"),
}
FACTS = {
    "shape of one": ("sample_shape_", [1]),
    "shape of none": ("sample_shape_", []),
    "shape in words": ("sample_shape_", "four"),
    "negative shape": ("sample_shape_", [-2, -2]),
    "shape in halves": ("sample_shape_", [4.0]),
    "more features": ("n_features_in_", 5),
    "error NaN": ("quantization_error_", float("nan")),
    "error below 0": ("quantization_error_", -1),
    "error in words": ("quantization_error_", "small"),
    "topographic error of 2": ("topographic_error_", 2),
    "topographic error NaN": ("topographic_error_", float("nan")),
    "bytes of 2": ("_bytes", 2),
    "version 0": ("version", 0),
    "version in words": ("version", "one"),
    "another format": ("format", "x" * 100_000),
    "no parameters": ("parameters", None),
}
ARRAYS = {
    "weights of a larger map": ("weights_", np.zeros((9, 7))),
    "weights NaN": ("weights_", np.full((4, 4), np.nan)),
    "weights infinite": ("weights_", np.full((4, 4), np.inf)),
    "weights too large to square": ("weights_", np.full((4, 4), 1e300)),
    "weights in words": ("weights_", np.full((4, 4), "x")),
    "weights complex": ("weights_", np.ones((4, 4), complex)),
    "weights in fields": ("weights_", np.zeros(4, "f8,f8")),
    "one weight": ("weights_", np.float64(1)),
    "labels past the nodes": ("labels_", np.full(9, 4)),
    "labels below 0": ("labels_", np.full(9, -1)),
    "labels of halves": ("labels_", np.full(9, 0.5)),
    "no labels": ("labels_", np.zeros(0, int)),
    "labels in a square": ("labels_", np.zeros((3, 3), int)),
    "other hits": ("hits_", np.ones((2, 2), int)),
    "hits of another map": ("hits_", np.ones((3, 3), int)),
    "history NaN": ("history_", np.full(20, np.nan)),
    "history too short": ("history_", np.ones(3)),
    "init of another map": ("init", np.zeros((3, 3, 4))),
    "names of other columns": ("feature_names_in_", np.array(["a"])),
    "header of numbers": ("header", np.arange(3)),
    "header nested": ("header", np.array("[" * 100_000)),
    "header of a number": ("header", np.array("1" * 10_000)),
    "header of a list": ("header", np.array("[1, 2]")),
}


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "map.npz"
    FaceSOM(2, 2).fit(np.random.default_rng(0).normal(size=(9, 4))).save(path)
    return path


@pytest.mark.parametrize("case", [*HEADERS, *FACTS, *ARRAYS])
def test_maps_that_cannot_be_are_refused(saved, case):
    members = members_of(saved)
    header = json.loads(str(np.load(io.BytesIO(members["header.npy"]))))
    if case in ARRAYS:
        name, array = ARRAYS[case]
        members[f"{name}.npy"] = packed(array)
    else:
        name, value = HEADERS.get(case) or FACTS[case]
        (header["parameters"] if case in HEADERS else header)[name] = value
        members["header.npy"] = packed(np.array(json.dumps(header)))
    write_members(saved, members)
    with pytest.raises(facesom.DatasetError, match=r"expected a map saved by FaceSOM\.save") as caught:
        FaceSOM.load(saved)
    assert len(str(caught.value)) < 2000


def test_bytes_that_are_no_arrays_are_refused(saved):
    members = members_of(saved)
    weights = members["weights_.npy"]
    huge = "{'descr': '<f8', 'fortran_order': False, 'shape': (18446744073709551616,), }".ljust(117) + "\n"
    large = huge.replace("18446744073709551616", "1125899906842624,2").ljust(117)
    for damaged in (
        weights.replace(b"'shape': (", b"'shape':(("),
        weights[:8] + b"\x76\x00" + huge.encode() + weights[128:],
        weights[:8] + b"\x76\x00" + large.encode() + weights[128:],
        weights.replace(b"'<f8'", b"'|O8'"),
        weights.replace(b"NUMPY\x01", b"NUMPY\x03"),
        weights[:-1],
        weights + b"more",
        b"",
    ):
        write_members(saved, members | {"weights_.npy": damaged})
        with pytest.raises(facesom.DatasetError, match="expected a map saved"):
            FaceSOM.load(saved)
    for compression in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        write_members(saved, members, compression)
        with pytest.raises(facesom.DatasetError, match="packed in another way"):
            FaceSOM.load(saved)
    write_members(saved, members, zipfile.ZIP_DEFLATED)
    assert FaceSOM.load(saved).n_features_in_ == 4
    with pytest.raises(facesom.DatasetError, match="limit of max_bytes=1,000"):
        FaceSOM.load(saved, max_bytes=1000)
    with pytest.raises(OSError):
        FaceSOM.load(saved.parent)
    with pytest.raises(FileNotFoundError):
        FaceSOM.load(saved.parent / "none.npz")


@pytest.mark.parametrize("seed", range(20))
def test_a_map_with_wrong_bytes_is_the_map_or_refused(saved, seed):
    whole, rng = bytearray(saved.read_bytes()), np.random.default_rng(seed)
    right = FaceSOM.load(saved)
    for _ in range(15):
        content = bytearray(whole)
        for place in rng.integers(len(whole), size=rng.integers(1, 5)):
            content[place] = rng.integers(256)
        saved.write_bytes(content[: rng.integers(len(whole))] if rng.random() < 0.2 else content)
        try:
            assert np.array_equal(FaceSOM.load(saved).weights_, right.weights_)
        except facesom.DatasetError as error:
            assert len(str(error)) < 2000


@pytest.mark.parametrize("case", ["weights NaN", "weights of a larger map", "header nested", "no labels"])
def test_a_damaged_map_in_the_folder_is_trained_anew(tmp_path, case):
    X1 = [square(30), square(30, 1)]
    first = fit_soms(X1, rows=2, cols=2, folder=tmp_path, progress=False)
    path = tmp_path / "person_0001.npz"
    name, array = ARRAYS[case]
    write_members(path, members_of(path) | {f"{name}.npy": packed(array)})
    again = fit_soms(X1, rows=2, cols=2, folder=tmp_path, progress=False)
    assert np.array_equal(again[1].weights_, first[1].weights_)
    assert np.array_equal(FaceSOM.load(path).weights_, first[1].weights_)


def test_a_map_of_other_samples_or_another_shape_is_trained_anew(tmp_path):
    X = drawn(n=30)
    fit_soms([X], rows=2, cols=2, folder=tmp_path, progress=False)
    (flat,) = fit_soms([X.reshape(30, -1)], rows=2, cols=2, folder=tmp_path, progress=False)
    assert flat.sample_shape_ == (576,)
    (whole,) = fit_soms([(X * 255).astype(np.uint8)], rows=2, cols=2, folder=tmp_path, progress=False)
    assert whole.bytes_ and whole.sample_shape_ == (24, 24)


def test_threads_finish_what_they_are_at_and_begin_nothing_more():
    ended = []

    def work(k):
        time.sleep(0.3 if k else 0)
        ended.append(k)

    tasks = (delayed(work)(k) for k in range(40))
    with pytest.raises(KeyboardInterrupt), closing(in_threads(tasks)) as results:
        for _ in results:
            raise KeyboardInterrupt
    before = list(ended)
    time.sleep(0.7)
    assert ended == before and len(ended) < 10


INTERRUPTED = """
import warnings
import numpy as np
import facesom

warnings.simplefilter("ignore")
X1 = np.random.default_rng(0).random((16, 400, 48, 48))
facesom.fit_soms(X1[:2, :50], progress=False)
print("go", flush=True)
facesom.fit_soms(X1, progress=False)
print("done", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to send there")
def test_interrupted_training_ends_with_keyboard_interrupt():
    for wait in (0.02, 0.1, 0.3):
        running = subprocess.Popen(
            [sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert running.stdout.readline() == "go\n"
        time.sleep(wait)
        running.send_signal(signal.SIGINT)
        out, said = running.communicate(timeout=60)
        assert (running.returncode == 0 and "done" in out) or "KeyboardInterrupt" in said
        assert running.returncode in (0, 1, -signal.SIGINT), said  # not aborted in a thread


# ---- bad input, odd input


def test_odd_maps_and_samples():
    few = quiet(FaceSOM(), drawn(n=5))  # fewer samples than nodes
    assert few.quantization_error_ < 0.1 and len(np.unique(few.labels_)) == 5
    line = quiet(FaceSOM(1, 7), square(100))
    assert line.u_matrix_.shape == (1, 7) and line.topographic_error_ < 0.2
    point = quiet(FaceSOM(1, 1), square(100))
    np.testing.assert_allclose(point.weights_[0], square(100).mean(axis=0))
    assert np.isnan(point.topographic_error_) and point.u_matrix_.tolist() == [[0]]
    for method in ("batch", "online"):
        with pytest.warns(UserWarning, match="all samples are equal"):
            same = FaceSOM(3, 3, method).fit(np.full((30, 9, 9), 0.25))
        np.testing.assert_allclose(same.weights_, 0.25, atol=1e-12)
        assert (same.labels_ == 0).all() and same.quantization_error_ == pytest.approx(0, abs=1e-12)
        with pytest.warns(UserWarning, match="all samples are equal"):
            FaceSOM(3, 3, method).fit(drawn(n=1))
    with pytest.warns(UserWarning, match="sigma 9 exceeds the 3 x 3 grid"):
        FaceSOM(3, 3, sigma=9.0).fit(drawn())


@pytest.mark.parametrize(
    "X, message",
    [
        (np.zeros((0, 3)), "at least one, got shape"),
        (np.zeros(5), r"images \(N, H, W\) or features"),
        (np.full((5, 2), np.nan), "finite numbers, got NaN"),
        (np.full((5, 9, 9), np.inf), "X"),
        (np.array([["a", "b"]]), "expected numbers, got"),
        (np.ma.masked_less(square(20), 0.5), "finite numbers, got NaN"),
        (np.array([[1, None], [2, 3]], dtype=object), "finite numbers, got NaN"),
        (square(20) * 1e200, r"distances can be squared, got [\d.e+]+ to [\d.e+]+; rescale"),
        (square(20) * 1e-200, "distances can be squared"),
        (square(20) + 1j, "Complex data not supported"),
        (np.zeros((4, 0)), r"0 feature\(s\)"),
        ([[1, 2], [3]], "ragged list"),
        (np.zeros((2, 5, 9, 9)), "for all persons use fit_soms"),
        (np.zeros((5, 1, 9, 9)), r"axis 1 is one gray channel: pass X\[:, 0\]"),
        (np.zeros((5, 3, 9, 9)), r"axis 1 is the colour axis, which must be the last"),
        (np.zeros((5, 9, 9, 1)), r"axis 3 is one gray channel"),
        (np.zeros((5, 9, 9)) + 255, r"divide by 255"),
    ],
)
def test_samples_that_are_none(X, message):
    with pytest.raises(ValueError, match=message):
        FaceSOM(2, 2).fit(X)


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"rows": 0}, "rows: expected a whole number from 1 up, got 0"),
        ({"cols": 2.5}, "cols: expected a whole number"),
        ({"n_epochs": True}, "n_epochs: expected a whole number"),
        ({"seed": -1}, "seed: expected a whole number from 0"),
        ({"seed": None}, "seed: expected a whole number from 0"),
        ({"sigma": 0}, "sigma: expected a number over 0"),
        ({"sigma_end": np.nan}, "sigma_end: expected a number over 0"),
        ({"learning_rate": "fast"}, "learning_rate: expected a number over 0"),
        ({"method": "offline"}, "method: expected one of"),
        ({"neighborhood": "cone"}, "neighborhood: expected one of"),
        ({"topology": "round"}, "topology: expected one of"),
        ({"init": "kmeans"}, 'init: expected "pca", "random" or an array'),
        ({"init": np.zeros((2, 2, 7))}, r"init: expected finite prototypes of shape \(2, 2, 2\)"),
        ({"distance": "hamming"}, "distance: expected one of"),
        ({"rows": [1]}, "rows: expected a whole number"),
        ({"init": {"a": 1}}, "init: expected finite prototypes"),
        ({"learning_rate_decay": "fast"}, "learning_rate_decay: expected one of"),
        ({"sigma_decay": lambda s, t, n: s}, "sigma_decay: expected one of"),
        ({"torus": "yes"}, "torus: expected one of"),
        ({"distance": "cosine"}, "batch of means needs Euclidean"),
        ({"method": "online", "torus": True}, "MiniSom trains flat maps only"),
        ({"topology": "hexagonal", "torus": True, "cols": 3}, "even number of columns, got 3"),
        ({"method": "online", "neighborhood": "triangle", "sigma": 9.0, "rows": 9}, "ran off to infinity"),
    ],
)
def test_parameters_that_make_no_map(parameters, message):
    with pytest.raises(ValueError, match=message):
        quiet(FaceSOM(**{"rows": 2, "cols": 2} | parameters), square(30))


@pytest.mark.parametrize("weight", [np.ones(3), -np.ones(30), np.zeros(30), np.full(30, np.nan)])
def test_sample_weights_that_are_none(weight):
    with pytest.raises(ValueError, match="sample_weight: expected 30 finite numbers"):
        FaceSOM(2, 2).fit(square(30), sample_weight=weight)
    with pytest.raises(ValueError, match="online training knows none"):
        FaceSOM(2, 2, "online").fit(square(30), sample_weight=np.ones(30))


def test_samples_unlike_those_in_fit():
    som = quiet(FaceSOM(3, 3), drawn())
    with pytest.raises(ValueError, match=r"samples of shape \(24, 24\) as in fit, got \(16, 16\)"):
        som.predict(drawn(size=16))
    with pytest.raises(ValueError, match=r"pass X\[None\]"):
        som.predict(drawn()[0])
    with pytest.raises(ValueError, match="values 0 to 1 as in fit, got 0 to 255"):
        som.predict((drawn() * 255).astype(np.uint8))
    with pytest.raises(ValueError, match="not fitted"):
        FaceSOM().predict(drawn())

"""The scoreboard of clusterings, and the pictures of features: known truths, and what bad input is told."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from facesom.features.scoreboard import MEASURES, SETTINGS, score_clustering
from facesom.plots.features import plot_scoreboard, plot_thumbnails


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def kmeans(rows, k):
    return KMeans(k, n_init=5, random_state=0).fit_predict(rows)


@pytest.fixture(scope="module")
def people():
    """Rows (4, 30, 2) of persons far apart, three expressions at the same offsets in each; truth (4, 30)."""
    rng = np.random.default_rng(0)
    truth = rng.permuted(np.tile(np.repeat(np.arange(3), 10), (4, 1)), axis=1)
    where = np.array([(0, 0), (100, 0), (0, 100), (100, 100)])
    offsets = np.array([(0, 0), (5, 0), (0, 5)])
    return where[:, None] + offsets[truth] + rng.normal(0, 0.1, (4, 30, 2)), truth


def test_identity_hides_expressions_until_the_mean_is_removed(people):
    X, truth = people
    scores = score_clustering(X, truth, kmeans)
    assert list(scores) == list(SETTINGS)
    assert scores["within one person"]["ARI"] == scores["person mean removed"]["ARI"] == 1
    assert scores["across persons"]["ARI"] < 0.1
    flat = score_clustering(X.reshape(120, 2), truth, kmeans)
    assert flat == scores


def test_a_setting_can_be_left_out(people):
    scores = score_clustering(*people, kmeans, settings=SETTINGS[1:])
    assert list(scores) == list(SETTINGS[1:]) and set(scores["across persons"]) == set(MEASURES)


def test_columns_of_other_units_can_be_brought_to_one(people):
    X, truth = people
    noisy = np.concatenate([X, 1000 * np.random.default_rng(1).normal(size=X.shape)], axis=2)
    lost = score_clustering(noisy, truth, kmeans)["person mean removed"]["ARI"]
    found = score_clustering(noisy, truth, kmeans, standardise=True)["person mean removed"]["ARI"]
    assert lost < 0.1 < found


def test_the_method_is_told_how_many_expressions_there_are(people):
    X, truth = people
    asked = []

    def remember(rows, k):
        asked.append((len(rows), k))
        return np.zeros(len(rows))

    one = truth.copy()
    one[3] = 2  # who shows one expression cannot be grouped alone
    scores = score_clustering(X, one, remember)
    assert asked == [(30, 3)] * 3 + [(120, 3)] * 2
    assert all(abs(values[m]) < 1e-12 for values in scores.values() for m in MEASURES), (
        "one group says nothing"
    )


def test_scores_that_cannot_be(people):
    X, truth = people
    with pytest.raises(ValueError, match=r"one a frame, shape \(P, N\), got shape \(120,\)"):
        score_clustering(X, truth.ravel(), kmeans)
    with pytest.raises(ValueError, match=r"a row for each of 4 × 30 frames, got shape \(3, 30, 2\)"):
        score_clustering(X[:3], truth, kmeans)
    with pytest.raises(ValueError, match="two or more, got one for each person"):
        score_clustering(X, np.zeros((4, 30), int), kmeans)
    with pytest.raises(ValueError, match=r"settings: expected some of .*got 'across persons'"):
        score_clustering(X, truth, kmeans, settings="across persons")


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(2, 9), st.integers(0, 99))
def test_the_truth_itself_scores_one(n_persons, n_frames, seed):
    truth = np.random.default_rng(seed).integers(0, 3, (n_persons, n_frames))
    truth[0, :2] = 0, 1
    codes = np.eye(3)[truth]
    scores = score_clustering(
        codes, truth, lambda rows, k: np.unique(rows, axis=0, return_inverse=True)[1].ravel()
    )
    assert np.isclose(scores["within one person"]["ARI"], 1) and np.isclose(
        scores["across persons"]["NMI"], 1
    )


def rings(n, side=24):
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return np.stack([np.where(np.abs(np.hypot(y, x) - r) < 1, 0.0, 1.0) for r in np.linspace(3, 8, n)])


def test_faces_stand_at_their_places():
    ax = plot_thumbnails([(0, 0), (10, 0), (10, 10)], rings(3))
    assert len(ax.images) == 3
    centres = [(np.mean(image.get_extent()[:2]), np.mean(image.get_extent()[2:])) for image in ax.images]
    np.testing.assert_allclose(centres, [(0, 0), (10, 0), (10, 10)])
    assert ax.images[0].get_array().shape[0] < 24, "the margin that all leave empty is cut off"
    assert ax.get_legend() is None


def test_faces_never_cover_each_other_and_all_have_a_dot():
    rng = np.random.default_rng(0)
    places, kinds = rng.normal(size=(200, 2)), rng.integers(0, 3, 200)
    ax = plot_thumbnails(places, rings(200), kinds, names=["one", "two", "three"], size=0.1)
    boxes = np.array([image.get_extent() for image in ax.images])
    apart = np.abs(boxes[:, None] - boxes)[..., [0, 2]] >= (boxes[0, [1, 3]] - boxes[0, [0, 2]]) * (1 - 1e-9)
    assert (apart.any(axis=2) | np.eye(len(boxes), dtype=bool)).all()
    dots = ax.collections
    assert [len(d.get_offsets()) for d in dots] == np.bincount(kinds).tolist()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one", "two", "three"]
    assert len({tuple(d.get_facecolor()[0]) for d in dots}) == 3
    assert len({d.get_paths()[0].vertices.tobytes() for d in dots}) == 3, "shapes differ, too"


def test_thumbnails_say_what_does_not_fit():
    faces = rings(4)
    with pytest.raises(ValueError, match=r"finite places of shape \(4, 2\), one each, got shape \(3, 2\)"):
        plot_thumbnails(np.zeros((3, 2)), faces)
    with pytest.raises(ValueError, match="finite places"):
        plot_thumbnails(np.full((4, 2), np.nan), faces)
    with pytest.raises(ValueError, match=r"expected faces \(N, H, W\).*got shape \(1, 4, 24, 24\)"):
        plot_thumbnails(np.zeros((4, 2)), faces[None])
    with pytest.raises(ValueError, match=r"labels: expected one for each of 4 faces, got shape \(2,\)"):
        plot_thumbnails(np.zeros((4, 2)), faces, [0, 1])
    with pytest.raises(ValueError, match="names: expected 2 kinds, at most 8, got 1 names"):
        plot_thumbnails(np.zeros((4, 2)), faces, [0, 1, 1, 0], names=["a"])
    with pytest.raises(ValueError, match="expected 9 kinds, at most 8"):
        plot_thumbnails(np.zeros((9, 2)), rings(9), range(9))


def test_equal_places_still_make_a_picture():
    assert len(plot_thumbnails(np.zeros((3, 2)), rings(3)).images) == 1


def test_the_scoreboard_marks_means_and_spreads():
    figure, mine = plt.subplots()
    ax = plot_scoreboard({"A": {"x": [0.2, 0.4], "y": 0.9}, "B": {"y": 0.5}}, ax=mine)
    assert ax is mine and figure.axes == [mine]
    marks = {line.get_label(): line.get_xydata().tolist() for line in ax.lines}
    np.testing.assert_allclose(marks["x"], [(0.3, 0)])
    np.testing.assert_allclose(marks["y"], [(0.9, 0), (0.5, 1)])
    assert [text.get_text() for text in ax.get_yticklabels()] == ["A", "B"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "the first row is on top"
    spans = np.concatenate([c.get_segments() for c in ax.collections])[..., 0]
    assert any(np.allclose(span, (0.2, 0.4)) for span in spans)


def test_a_scoreboard_without_scores():
    with pytest.raises(ValueError, match=r"expected 1 to 7 settings in its rows, got \[\]"):
        plot_scoreboard({})

"""Measures against scikit-learn's, intervals against a known truth, every message."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from facesom.emotions import classification_scores
from facesom.emotions.scores import MEASURES
from facesom.plots import scores as score_plots

RNG = np.random.default_rng(0)
NAMES = ("angry", "happy", "sad")
TRUTH = RNG.choice(3, 300, p=[0.2, 0.5, 0.3])
PREDICTED = np.where(RNG.random(300) < 0.7, TRUTH, RNG.integers(0, 3, 300))
PROBABILITIES = RNG.dirichlet(np.ones(3), 300)
PERSONS = np.repeat(np.arange(30), 10)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def scores():
    return classification_scores(TRUTH, PREDICTED, names=NAMES, groups=PERSONS)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_measures_are_those_of_scikit_learn(pairs):
    truth, predicted = np.array(pairs).T
    scores = classification_scores(truth, predicted, names="abcde", n_bootstraps=1)
    macro = {"labels": np.unique(truth), "average": "macro", "zero_division": 0}
    assert scores.accuracy == pytest.approx(metrics.accuracy_score(truth, predicted))
    assert scores.precision == pytest.approx(metrics.precision_score(truth, predicted, **macro))
    assert scores.recall == scores.balanced_accuracy
    assert scores.recall == pytest.approx(metrics.recall_score(truth, predicted, **macro))
    assert scores.f1 == pytest.approx(metrics.f1_score(truth, predicted, **macro))
    np.testing.assert_array_equal(
        scores.confusion, metrics.confusion_matrix(truth, predicted, labels=range(5))
    )
    each = metrics.precision_recall_fscore_support(truth, predicted, labels=range(5), zero_division=0)
    np.testing.assert_allclose(scores.class_precision, each[0])
    np.testing.assert_allclose(np.nan_to_num(scores.class_recall), each[1])
    np.testing.assert_allclose(scores.class_f1, each[2])
    assert scores.chance == pytest.approx(1 / len(np.unique(truth)))
    assert scores.majority == pytest.approx(np.bincount(truth).max() / len(truth))


def test_cross_entropy_and_the_most_probable_class():
    scores = classification_scores(TRUTH, probabilities=PROBABILITIES)
    assert scores.cross_entropy == pytest.approx(metrics.log_loss(TRUTH, PROBABILITIES))
    np.testing.assert_array_equal(scores.predicted, PROBABILITIES.argmax(axis=1))
    low, high = scores.intervals["cross_entropy"]
    assert low < scores.cross_entropy < high
    never = classification_scores([0, 1], probabilities=np.eye(2)[[1, 1]])
    assert np.isfinite(never.cross_entropy), "a true class of probability 0"
    other = classification_scores(TRUTH, PREDICTED, PROBABILITIES)
    assert (other.predicted == PREDICTED).all() and other.cross_entropy == scores.cross_entropy


def test_names_and_numbers_mean_the_same():
    numbers = classification_scores(TRUTH, PREDICTED, names=NAMES)
    words = classification_scores(np.array(NAMES)[TRUTH], np.array(NAMES, object)[PREDICTED], names=NAMES)
    sorted_ = classification_scores(np.array(NAMES)[TRUTH], np.array(NAMES)[PREDICTED])
    floats = classification_scores(TRUTH.astype(float), PREDICTED, names=NAMES)
    for other in (words, sorted_, floats):
        assert other.names == NAMES and repr(other) == repr(numbers)
        np.testing.assert_array_equal(other.confusion, numbers.confusion)
    order = ("sad", "angry", "happy")
    other = classification_scores(np.array(NAMES)[TRUTH], np.array(NAMES)[PREDICTED], names=order)
    np.testing.assert_array_equal(other.confusion, numbers.confusion[np.ix_([2, 0, 1], [2, 0, 1])])
    assert classification_scores([True, False], [True, True]).names == ("0", "1")


def test_an_interval_covers_the_truth_as_often_as_it_says():
    covered = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        right = rng.random(200) < 0.7
        scores = classification_scores(np.zeros(200, int), 1 - right, names="ab", n_bootstraps=200)
        low, high = scores.intervals["accuracy"]
        covered.append(low <= 0.7 <= high)
    assert 0.88 <= np.mean(covered) <= 0.99


def test_intervals_of_persons_are_those_of_few_independent_ones():
    # everything of a person is right or wrong together: 20 persons of 50 say as much as 20 samples
    right = np.arange(20) < 14
    truth = np.zeros(1000, int)
    predicted = 1 - np.repeat(right, 50)
    persons = np.repeat([f"p{k}" for k in range(20)], 50)
    by_sample = classification_scores(truth, predicted, names="ab")
    by_person = classification_scores(truth, predicted, names="ab", groups=persons)
    of_few = classification_scores(np.zeros(20, int), 1 - right, names="ab")
    width = [np.ptp(s.intervals["accuracy"]) for s in (by_sample, by_person, of_few)]
    assert width[1] > 5 * width[0] and width[1] == pytest.approx(width[2], rel=0.1)
    assert by_person.n_groups == 20 and "20 persons" in repr(by_person)


def test_a_single_person_has_no_interval():
    alone = classification_scores(TRUTH, PREDICTED, groups=["A"] * 300)
    assert np.isnan(alone.intervals["accuracy"]).all() and "[nan, nan]" in repr(alone)
    score_plots.plot_comparison({"alone": alone})


def test_the_seed_decides():
    first, same, other = (
        classification_scores(TRUTH, PREDICTED, groups=PERSONS, n_bootstraps=70, seed=seed)
        for seed in (0, 0, 1)
    )
    assert repr(first) == repr(same) != repr(other)


def test_tables_and_repr(scores):
    frame = scores.to_frame()
    assert frame.loc["accuracy", "value"] == scores.accuracy
    assert tuple(frame.loc["macro F1", ["low", "high"]]) == scores.intervals["f1"]
    assert frame.loc["majority", "value"] == scores.majority and "cross-entropy" not in frame.index
    assert "cross-entropy" not in repr(scores)
    table = scores.class_table()
    assert list(table.index) == list(NAMES) and table.samples.sum() == 300
    errors = scores.confusion[0].copy()
    errors[0] = 0
    assert table.loc["angry", "most often taken for"] == NAMES[errors.argmax()]
    perfect = classification_scores(TRUTH, TRUTH, names=NAMES).class_table()
    assert (perfect["most often taken for"] == "").all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "got neither"),
        ({"y_pred": PREDICTED[:5]}, r"y_pred: expected one value a sample, 300, as in y_true"),
        ({"y_pred": PROBABILITIES}, r"pass probabilities="),
        ({"y_pred": PROBABILITIES[:, 0]}, r"are these probabilities"),
        ({"y_pred": np.array(NAMES)[PREDICTED]}, "use numbers in both or names in both"),
        ({"y_pred": PREDICTED, "names": NAMES[:2]}, r"y_true: expected classes among \[0, 1\], got \[2\]"),
        ({"y_pred": PREDICTED, "names": ("a", "a", "b")}, "a name of its own"),
        ({"y_pred": PREDICTED, "groups": PERSONS[:4]}, "groups: expected one value a sample"),
        ({"y_pred": PREDICTED, "n_bootstraps": 0}, "n_bootstraps: expected a whole number of at least 1"),
        ({"probabilities": PROBABILITIES[:4]}, r"expected numbers of shape \(300, classes\)"),
        ({"probabilities": 100 * PROBABILITIES}, "divide percentages by 100"),
        ({"probabilities": RNG.normal(size=(300, 3))}, "apply softmax"),
        ({"probabilities": np.full((300, 3), np.nan)}, "rows of 0 to 1 that sum to 1"),
        ({"probabilities": PROBABILITIES, "names": (*NAMES, "x")}, "expected 4 columns for angry.*got 3"),
    ],
)
def test_messages(arguments, message):
    with pytest.raises(ValueError, match=message):
        classification_scores(TRUTH, **arguments)


def test_messages_about_the_truth():
    with pytest.raises(ValueError, match="y_true: expected one value a sample, at least one"):
        classification_scores([], [])
    with pytest.raises(ValueError, match="count classes from 0: subtract 1"):
        classification_scores(TRUTH + 1, PREDICTED + 1, names=NAMES)
    masked = np.ma.masked_array([0, 1], [True, False])  # the value behind a mask is none
    for wrong in (
        masked,
        [0.5, 1],
        [0, 1e19],
        [0, np.nan],
        np.array([0, 2**64 - 1], np.uint64),
    ):  # none may wrap
        with pytest.raises(ValueError, match=r"whole numbers or names, got (float|uint)64"):
            classification_scores(wrong, [0, 1])


def test_a_confusion_matrix_shows_shares_of_rows(scores):
    ax = score_plots.plot_confusion(scores)
    shown = ax.images[0].get_array()
    np.testing.assert_allclose(shown.sum(axis=1), 1)
    np.testing.assert_allclose(np.diagonal(shown), scores.class_recall)
    texts = {tuple(text.get_position()): text.get_text() for text in ax.texts}
    assert texts[0, 0] == f"{100 * scores.class_recall[0]:.0f}"
    assert f"n = {(TRUTH == 2).sum()}" in texts.values()
    assert [label.get_text() for label in ax.get_xticklabels()] == list(NAMES)
    empty = classification_scores([0, 0], [0, 1], names=NAMES)
    assert score_plots.plot_confusion(empty).images[0].get_array()[2].sum() == 0


@pytest.mark.parametrize("measure", [name for name in MEASURES if name != "cross_entropy"])
def test_a_comparison_shows_values_intervals_and_what_is_free(scores, measure):
    better = classification_scores(TRUTH, TRUTH, names=NAMES)
    figure, given = plt.subplots()
    ax = score_plots.plot_comparison({"first": scores, "second": better}, measure=measure, ax=given)
    assert ax is given and plt.get_fignums() == [figure.number]
    lines = [line.get_xdata() for line in ax.lines]
    assert any(np.array_equal(x, scores.intervals[measure]) for x in lines)
    assert any(np.array_equal(np.ravel(x), [getattr(better, measure)]) for x in lines)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["first", "second"]
    free = {"accuracy": "majority", "balanced_accuracy": "chance", "recall": "chance"}.get(measure)
    assert (ax.get_legend() is None) == (free is None)
    if free:
        assert any(np.array_equal(x, [getattr(scores, free)] * 2) for x in lines)


def test_plain_and_balanced_accuracy_stand_side_by_side(scores):
    left, right = score_plots.plot_accuracies({"a": scores, "b": scores})
    assert left.figure is right.figure and left.get_xlabel().startswith("accuracy")
    assert right.get_xlabel().startswith("balanced accuracy") and len(left.get_yticks()) == 2
    for ax, value in ((left, scores.accuracy), (right, scores.balanced_accuracy)):
        assert any(np.array_equal(np.ravel(line.get_xdata()), [value]) for line in ax.lines)


def test_a_comparison_says_what_is_wrong(scores):
    with pytest.raises(ValueError, match="measure: expected one of accuracy"):
        score_plots.plot_comparison({"a": scores}, measure="auc")
    with pytest.raises(
        ValueError, match=r"expected models and their scores, \{name: scores\}, got dict of 0"
    ):
        score_plots.plot_comparison({})
    with pytest.raises(ValueError, match="got ClassificationScores"):
        score_plots.plot_comparison(scores)
    with pytest.raises(ValueError, match=r"\['a'\] came without probabilities"):
        score_plots.plot_comparison({"a": scores}, measure="cross_entropy")
    with_loss = classification_scores(TRUTH, probabilities=PROBABILITIES)
    score_plots.plot_comparison({"a": with_loss}, measure="cross_entropy")


def test_predictions_stand_below_their_faces_and_wrong_ones_are_framed():
    faces = RNG.integers(0, 255, (5, 12, 10), dtype=np.uint8)
    ax = score_plots.plot_predictions(faces, [0, 1, 2, 0, 1], [0, 1, 1, 0, 1], names=NAMES, n_columns=3)
    assert [text.get_text() for text in ax.texts] == [
        "angry",
        "happy",
        "said sad\nis happy",
        "angry",
        "happy",
    ]
    assert len(ax.images) == 5 and [line.get_linewidth() > 2 for line in ax.lines] == [
        False,
        False,
        True,
        False,
        False,
    ]
    np.testing.assert_array_equal(ax.images[4].get_array(), faces[4])
    left, right, bottom, top = ax.images[4].get_extent()
    assert left == pytest.approx(1.15) and right - left == pytest.approx((bottom - top) / 1.2)
    ax = score_plots.plot_predictions(np.zeros((2, 9, 9, 3)), [0, 1], names=NAMES)
    assert all(line.get_linewidth() < 1 for line in ax.lines)
    assert [text.get_text() for text in ax.texts] == ["angry", "happy"]
    with pytest.raises(ValueError, match="predicted: expected one class for each of 5 images"):
        score_plots.plot_predictions(faces, [0, 1], names=NAMES)
    with pytest.raises(ValueError, match=r"images: expected faces \(N, H, W\)"):
        score_plots.plot_predictions(faces[0], [0], names=NAMES)

"""Pictures of networks say what the numbers say."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from facesom.emotions import calibration_error
from facesom.features import TrainingHistory
from facesom.plots.networks import plot_calibration, plot_history


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def sure(share, n=4000, seed=0):
    """Predictions made with probability 0.8 of which a share is right."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    said = np.where(rng.random(n) < share, labels, (labels + 1) % 3)
    return np.where(np.arange(3) == said[:, None], 0.8, 0.1), labels


def test_calibration_is_what_was_planted():
    assert calibration_error(*sure(0.8)) < 0.02
    assert calibration_error(*sure(0.5)) == pytest.approx(0.3, abs=0.02)
    honest = np.random.default_rng(0).dirichlet([0.5] * 4, 5000)
    labels = (honest.cumsum(axis=1) < np.random.default_rng(1).random(5000)[:, None]).sum(axis=1)
    assert calibration_error(honest, labels) < 0.03


def test_bins_are_ten_of_equal_width():
    said = np.array([0.59, 0.61, 1.0])
    probabilities = np.column_stack([said, 1 - said])
    assert calibration_error(probabilities, [0, 1, 0]) == pytest.approx((0.41 + 0.61) / 3)
    assert calibration_error(probabilities, [0, 1, 0], n_bins=2) == pytest.approx(abs(2.2 - 2) / 3)


def test_the_picture_shows_confidence_and_share():
    ax = plot_calibration(*sure(0.5))
    ((x, y),) = ax.collections[-1].get_offsets()
    assert x == pytest.approx(0.8) and y == pytest.approx(0.5, abs=0.03)
    low, high = ax.collections[0].get_segments()[0][:, 1]
    assert low < y < high and high - low < 0.05
    assert "4,000 faces" in ax.texts[0].get_text()
    given = plt.figure().add_subplot()
    assert plot_calibration(*sure(0.8), ax=given) is given


def test_histories_with_their_best_epoch():
    nan = np.full(3, np.nan)
    one = TrainingHistory(np.array([3.0, 2, 1]), np.array([2.0, 1, 1.5]), nan, 1, 5.0)
    other = TrainingHistory(np.array([3.0, 2, 1]), nan, nan, 2, 5.0)
    ax = plot_history({"a": one, "b": other})
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["a", "b", "on training faces", "on held-out faces"]
    ring, none = (line for line in ax.lines if line.get_marker() == "o")
    assert (ring.get_xdata(), ring.get_ydata()) == ([2], [1.0])
    assert np.isnan(none.get_ydata()).all(), "nothing was held out"
    drawn = plot_history(one).get_legend().get_texts()
    assert [text.get_text() for text in drawn] == texts[2:]


def test_what_is_wrong_is_said():
    with pytest.raises(ValueError, match="labels: expected one for each row"):
        calibration_error(np.ones((3, 2)) / 2, [0, 1])
    with pytest.raises(ValueError, match="at least one TrainingHistory"):
        plot_history({})

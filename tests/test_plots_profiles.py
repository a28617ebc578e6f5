"""Pictures of profiles: every number in its place, labels told apart, manners towards Matplotlib."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba

from facesom import plots
from facesom.groups import compare_labels, person_profiles, similar_order

RNG = np.random.default_rng(0)
GROUPS = RNG.integers(0, 4, (12, 30))
Y = np.repeat([0, 1], 6)


@pytest.fixture(scope="module")
def profiles():
    return person_profiles(GROUPS, n_groups=5)


@pytest.fixture(scope="module")
def comparison():
    values = RNG.random((12, 3))
    values[6:, 1] += 2
    return compare_labels(np.column_stack([values, np.zeros(12)]), Y)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_each_row_is_a_person_with_their_label(profiles):
    ax = plots.plot_profiles(profiles, Y, labels=["glad", "sad"])
    order = similar_order(profiles.shares)
    np.testing.assert_array_equal(ax.images[0].get_array(), profiles.shares[order])
    assert [t.get_text() for t in ax.get_yticklabels()] == [str(p) for p in order]
    for k, marks in enumerate(ax.collections):
        assert (Y[order[marks.get_offsets()[:, 1].astype(int)]] == k).all()
        assert (marks.get_offsets()[:, 0] < -0.5).all(), "beside the picture"
    assert sum(len(marks.get_offsets()) for marks in ax.collections) == 12
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["glad", "sad"]
    shapes = [len(marks.get_paths()[0].vertices) for marks in ax.collections]
    colours = [tuple(marks.get_facecolor()[0]) for marks in ax.collections]
    assert len(set(shapes)) == len(set(colours)) == 2


def test_profiles_without_labels_with_names_and_with_many_persons(profiles):
    ax = plots.plot_profiles(profiles.shares, names=list("abcde"))
    assert not ax.collections and ax.get_legend() is None
    assert [t.get_text() for t in ax.get_xticklabels()] == list("abcde")
    ax = plots.plot_profiles(RNG.random((200, 3)), np.arange(200) % 3)
    assert len(ax.get_yticklabels()) <= 45
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["0", "1", "2"]


def test_effects_stand_where_they_are(comparison):
    ax = plots.plot_effects(comparison, labels=["glad", "sad"], names=list("abcd"))
    bars, marks = ax.lines[1::2], ax.lines[2::2]
    assert len(bars) == len(marks) == 3, "the constant column is not tested"
    for k, (bar, mark) in enumerate(zip(bars, marks, strict=True)):
        np.testing.assert_array_equal(bar.get_xdata(), comparison.interval[k])
        assert mark.get_xdata()[0] == comparison.difference[k] and mark.get_ydata()[0] == k
        filled = to_rgba(mark.get_markerfacecolor()) != to_rgba("white")
        assert filled == (comparison.q_values[k] <= 0.05)
    assert comparison.q_values[1] <= 0.05 < comparison.q_values[0]
    assert [t.get_text() for t in ax.texts][3] == "not tested"
    assert ax.texts[0].get_text() == f"q = {comparison.q_values[0]:.3f}"
    assert ax.get_xlabel() == "share of the frames: sad less glad"
    assert [t.get_text() for t in ax.get_yticklabels()] == list("abcd")
    assert ax.yaxis_inverted()
    plain = plots.plot_effects(comparison, label="frames")
    assert plain.get_xlabel() == "frames: 1 less 0" and plain.get_yticklabels()[2].get_text() == "group 2"


@pytest.mark.parametrize(("two_sided", "expected"), [(False, 2), (True, 4)])
def test_extreme_shuffles_are_counted_and_coloured(two_sided, expected):
    permuted = np.array([-3, -2, -1, 0, 0, 1, 2, 3.0])
    ax = plots.plot_permutations(permuted, 2.0, two_sided=two_sided, label="difference")
    texts = [t.get_text() for t in ax.get_legend().get_texts()]
    assert texts[0].startswith("8 shuffles") and texts[1].startswith(f"{expected} of them")
    heights = [sum(p.get_height() for p in bars) for bars in ax.containers]
    assert heights == [8 - expected, expected]
    assert ax.lines[0].get_xdata()[0] == 2 and ax.get_xlabel() == "difference"


def test_they_draw_on_given_axes_and_leave_pyplot_alone(profiles, comparison):
    figure, axes = plt.subplots(1, 3)
    other = plt.figure()
    assert plots.plot_profiles(profiles, Y, ax=axes[0]) is axes[0]
    assert plots.plot_effects(comparison, ax=axes[1]) is axes[1]
    assert plots.plot_permutations(comparison.permuted[:, 0], 0.1, ax=axes[2]) is axes[2]
    assert plt.get_fignums() == [figure.number, other.number] and plt.gcf() is other
    figure.canvas.draw()


def test_what_does_not_fit_is_refused(profiles, comparison):
    with pytest.raises(ValueError, match=r"y: expected a label for each of 12 persons, got shape \(3,\)"):
        plots.plot_profiles(profiles, [0, 1, 0])
    with pytest.raises(ValueError, match="y: expected at most 6 labels, got 12"):
        plots.plot_profiles(profiles, np.arange(12))
    with pytest.raises(ValueError, match="names: expected 5, got 1"):
        plots.plot_profiles(profiles, names=["a"])
    with pytest.raises(ValueError, match="labels: expected 2, got 3"):
        plots.plot_profiles(profiles, Y, labels=list("abc"))
    with pytest.raises(ValueError, match="names: expected 4, got 1"):
        plots.plot_effects(comparison, names=["a"])
    with pytest.raises(ValueError, match="labels: expected 2, got 1"):
        plots.plot_effects(comparison, labels=["a"])
    with pytest.raises(ValueError, match=r"got shape \(924, 4\).*permuted\[:, 0\]"):
        plots.plot_permutations(comparison.permuted, 0.1)
    with pytest.raises(ValueError, match="expected finite numbers"):
        plots.plot_permutations([0.1, np.nan], 0.1)

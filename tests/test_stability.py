"""Stability: groups that are there come back, groups that are not do not, and both are said everywhere."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config

import facesom
from facesom.groups.node_groups import NodeGroups
from facesom.identity.stability import GroupStability, group_stability, match_groups
from facesom.plots import plot_groups, plot_stability
from facesom.som.map import FaceSOM


def blobs(spread, n=400, seed=0):
    """A map of four blobs, of which two touch the more the larger their spread."""
    rng = np.random.default_rng(seed)
    centres = np.array([[0.0, 0], [9, 0], [0, 9], [1.2, 9]])
    return FaceSOM(7, 7, seed=0).fit(centres[np.arange(n) % 4] + spread * rng.standard_normal((n, 2)))


@pytest.fixture(scope="module")
def shared():
    mix = np.zeros((8, 8))
    mix[:, [0, 2, 5]] = 1  # rest, laugh, surprised: far from each other
    faces = facesom.make_faces(8, 25, seed=1, mix=mix)
    results = {k: facesom.group_across_persons(faces.dataset.X1, k, rows=4, cols=4) for k in (3, 6)}
    for result in results.values():
        result.aligner.set_params(n_starts=2)  # learned again in less time
    return results


@pytest.fixture(scope="module")
def known():
    jaccards = np.array([[0.9, 0.5, 0.7, np.nan], [0.8, 0.3, 0.6, np.nan]])
    together = np.array([[0.9, 0, 0.1, np.nan], [0, 0.5, 0.4, np.nan], [0.1, 0.4, 0.8, np.nan], [np.nan] * 4])
    return GroupStability(np.array([0.85, 0.4, 0.65, np.nan]), jaccards, together)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 4)), min_size=1, max_size=40))
def test_matches_are_those_of_counting(pairs):
    old, new = np.array(pairs).T
    jaccard, together = match_groups(old, new, np.ones(len(old)), 4)
    for k in range(4):
        mine = old == k
        if not mine.any():
            assert np.isnan(jaccard[k]) and np.isnan(together[k]).all()
            continue
        others = [new == g for g in range(5)]
        assert jaccard[k] == pytest.approx(max((mine & o).sum() / (mine | o).sum() for o in others))
        for j in range(4):
            if (old == j).any():
                a, b = new[mine], new[old == j]
                same = ((a[:, None] == b) & (b >= 0)).mean()
                assert together[k, j] == pytest.approx(same)


def test_weights_count_as_copies():
    old, new, times = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), np.array([3, 1, 2, 2])
    a = match_groups(old, new, times.astype(float), 2)
    b = match_groups(old.repeat(times), new.repeat(times), np.ones(8), 2)
    np.testing.assert_allclose(a[0], b[0])
    np.testing.assert_allclose(a[1], b[1])


@pytest.mark.parametrize("method", ["kmeans", "ward"])
def test_groups_that_are_there_come_back_and_halves_of_one_do_not(method):
    som = blobs(0.3)
    whole = NodeGroups(3, method).fit(som)
    found = group_stability(som, whole)
    assert (found.stability > 0.9).all() and not found.unstable.any()
    cut = NodeGroups(9, method).fit(som)
    halves = group_stability(som, cut)
    assert halves.stability.min() < 0.7 < found.stability.min()
    np.testing.assert_allclose(np.diag(found.together), 1, atol=0.15)


def test_what_falls_together_is_named():
    som = blobs(1.0)
    groups = NodeGroups(4).fit(som)
    found = group_stability(som, groups, n_bootstraps=40)
    twins = groups.predict(som.predict([[0.0, 9], [1.2, 9]]))
    if twins[0] != twins[1]:
        assert found.confused[twins[0]] == twins[1] and found.confused[twins[1]] == twins[0]
    assert (found.confused != np.arange(4)).all()


def test_density_groups_have_a_stability_too():
    som = blobs(0.2)
    groups = NodeGroups(method="dbscan", min_nodes=2).fit(som)
    found = group_stability(som, groups)
    assert found.stability.shape == (groups.n_groups_,)
    assert ((found.stability >= 0) & (found.stability <= 1)).all()


def test_expressions_of_several_persons_come_back_and_too_many_groups_do_not(shared):
    right = group_stability(shared[3], n_bootstraps=3, n_jobs=1)
    assert (right.stability > 0.75).all(), right  # stable by Hennig's rule
    assert right.jaccards.shape == (3, 3) and "stable: 0 (" in repr(right) and "unstable: none" in repr(right)
    many = group_stability(shared[6], n_bootstraps=3, n_jobs=1)
    worst = np.nanmin(many.stability)  # a group too many may get no frame
    assert worst < right.stability.min() - 0.1, "three expressions cut into six groups"


def test_the_same_seed_gives_the_same_numbers(shared):
    shared[6].aligner.set_params(n_starts=1)
    with parallel_config(backend="threading"):  # starts at once
        ways = ((4, 1), (4, 2), (5, 1))
        a, b, c = (group_stability(shared[6], n_bootstraps=1, seed=s, n_jobs=n) for s, n in ways)
    np.testing.assert_array_equal(a.jaccards, b.jaccards)
    assert (a.jaccards != c.jaccards).any()


def test_few_persons_and_a_list_of_them():
    faces = facesom.make_faces(2, 30, seed=0).dataset.X1
    result = facesom.group_across_persons([faces[0], faces[1, :20]], 2, rows=3, cols=3)
    result.aligner.set_params(n_starts=1)
    found = group_stability(result, n_bootstraps=2, n_jobs=1)
    assert found.jaccards.shape == (2, 2) and np.isfinite(found.stability).all()


def test_marks_go_wherever_words_go(known):
    words = ["smile", "frown", "rest", "none"]
    assert known.mark(words) == ["smile", "frown (unstable)", "rest", "none"]
    assert known.mark() == ["", "unstable", "", ""]
    assert known.unstable.tolist() == [False, True, False, False]
    assert known.confused.tolist() == [2, 2, 1, -1]
    assert "stable: 0 (0.85); in between: 2 (0.65); unstable: 1 (0.40)" in repr(known)
    assert GroupStability(np.ones(1), np.ones((2, 1)), np.ones((1, 1))).confused.tolist() == [-1]
    with pytest.raises(ValueError, match="words: expected one for each of 4 groups, got 1"):
        known.mark(["a"])


def test_unstable_groups_have_a_question_mark_on_the_map():
    som = FaceSOM(2, 2, n_epochs=2).fit(np.random.default_rng(0).random((20, 8, 8)))
    labels = np.array([[0, 0], [1, -1]])
    ax = plot_groups(som, labels, unstable=[False, True])
    assert [t.get_text() for t in ax.texts] == ["0", "0", "1?"]
    with pytest.raises(ValueError, match="unstable: expected one for each of 2 groups, got 1"):
        plot_groups(som, labels, unstable=[True])
    plt.close("all")


def test_a_bar_is_a_group(known):
    ax = plot_stability(known, words=list("abcd"))
    assert [bar.get_width() for bar in ax.patches] == [0.85, 0.4, 0.65]
    assert len({bar.get_facecolor() for bar in ax.patches}) == 3
    assert [bool(bar.get_hatch()) for bar in ax.patches] == [False, True, False]
    texts = [t.get_text() for t in ax.texts]
    assert {"0.85", "0.40, often with 2", "0.65, often with 1", "no frames"} <= set(texts)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["0  a", "1  b", "2  c", "3  d"]
    assert {0.6, 0.75} <= {line.get_xdata()[0] for line in ax.lines}
    _, given_ax = plt.subplots()
    assert plot_stability(known, ax=given_ax) is given_ax
    with pytest.raises(ValueError, match="words: expected 4, got 1"):
        plot_stability(known, words=["a"])
    plt.close("all")


def test_what_has_no_stability_is_said(shared):
    som = blobs(0.3)
    groups = NodeGroups(3).fit(som)
    with pytest.raises(ValueError, match="n_bootstraps: expected a whole number of at least 1, got 0"):
        group_stability(som, groups, n_bootstraps=0)
    with pytest.raises(ValueError, match="a FaceSOM has no groups; pass those of `NodeGroups"):
        group_stability(som)
    with pytest.raises(ValueError, match=r"pass those of `NodeGroups.*got ndarray"):
        group_stability(som, groups.labels_)
    with pytest.raises(ValueError, match="a SharedGroups has groups of its own"):
        group_stability(shared[3], groups)
    with pytest.raises(ValueError, match=r"expected a SharedGroups, or a fitted FaceSOM.*got ndarray"):
        group_stability(np.zeros((2, 2)))
    small = FaceSOM(4, 5, n_epochs=3, seed=0).fit(np.random.default_rng(0).random((200, 2)))
    most = NodeGroups(int((small.hits_ > 0).sum())).fit(small)
    with pytest.raises(ValueError, match="nothing to draw anew; take fewer groups or a larger map"):
        group_stability(small, most)
    faces = facesom.make_faces(4, 3, seed=0).dataset.X1
    result = facesom.group_across_persons(faces, 8, rows=3, cols=3)
    with pytest.raises(ValueError, match="do not show enough to learn 8 groups again; take fewer groups"):
        group_stability(result, n_bootstraps=1, n_jobs=1)

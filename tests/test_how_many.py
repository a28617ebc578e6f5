"""How many groups: planted numbers are recommended, criteria behave, disagreement is said."""

import re

import numpy as np
import pytest

from facesom.groups import how_many
from facesom.groups.how_many import choose_n_groups, gap_pick, jaccards
from facesom.groups.node_groups import NodeGroups
from facesom.som.map import FaceSOM


def blobs(k, seed=0, spread=1.0, n=400):
    rng = np.random.default_rng(seed)
    centres = 8 * np.linalg.qr(rng.standard_normal((8, 8)))[0][:k]
    truth = np.arange(n) % k
    return centres[truth] + spread * rng.standard_normal((n, 8)), truth


@pytest.fixture(scope="module")
def choice():
    return choose_n_groups(FaceSOM(8, 8, seed=0).fit(blobs(5)[0]), range(2, 9))


def test_a_planted_number_is_recommended_and_all_agree(choice):
    assert choice.n_groups == 5
    assert set(choice.picks.values()) == {5}
    assert "Take 5 groups" in str(choice) and "All criteria agree" in str(choice)
    assert (choice.group_stability[3] > 0.95).all(), "each of the five comes back"
    assert choice.chance[3] < 0.8


@pytest.mark.parametrize("k", [3, 6])
def test_other_planted_numbers(k):
    som = FaceSOM(8, 8, seed=0).fit(blobs(k, seed=k)[0])
    assert choose_n_groups(som, range(k - 1, k + 3)).n_groups == k


def test_every_number_has_its_place_on_every_curve(choice):
    np.testing.assert_array_equal(choice.ks, range(2, 9))
    for name in ("davies_bouldin", "silhouette", "gap", "gap_error", "stability", "chance", "beyond_error"):
        curve = getattr(choice, name)
        assert curve.shape == (7,) and np.isfinite(curve).all(), name
    assert [len(each) for each in choice.group_stability] == list(range(2, 9))
    np.testing.assert_allclose([each.mean() for each in choice.group_stability], choice.stability)
    assert all(((each > 0) & (each <= 1)).all() for each in choice.group_stability)


def test_the_same_seed_gives_the_same_curves():
    som = FaceSOM(5, 5, seed=0).fit(blobs(3)[0])
    first, second = (choose_n_groups(som, [2, 3], seed=1) for _ in range(2))
    np.testing.assert_array_equal(first.stability, second.stability)
    np.testing.assert_array_equal(first.gap, second.gap)


def test_a_bar_shows_how_far_it_is_unless_told_otherwise(capfd):
    som = FaceSOM(5, 5, seed=0).fit(blobs(3)[0])
    choose_n_groups(som, [2, 3], progress=False)
    assert capfd.readouterr().err == ""
    choose_n_groups(som, [2, 3])
    assert "numbers of groups: 100%" in capfd.readouterr().err


def test_disagreement_and_numbers_left_out_are_said():
    som = FaceSOM(3, 3, n_epochs=3, seed=0).fit(np.random.default_rng(3).random((60, 4)))
    choice = choose_n_groups(som)
    assert choice.ks.max() == 8
    assert "4 larger numbers were left out" in str(choice)
    assert "The criteria disagree: " in str(choice)
    for name, pick in choice.picks.items():
        assert pick == choice.n_groups or f"{name} says {pick}" in str(choice)


def test_groups_without_bounds_come_back_no_more_often_than_chance():
    som = FaceSOM(7, 7, seed=0).fit(np.random.default_rng(5).random((500, 3)))
    flat = choose_n_groups(som, [4, 5, 6])
    assert (flat.stability - flat.chance < 0.2).all()


def test_jaccard_compares_with_the_groups_of_the_map():
    points, truth = blobs(4, spread=0.1, n=40)
    found = jaccards(points, np.ones(40), truth, 4, np.random.default_rng(0), 5)
    np.testing.assert_allclose(found, 1)
    wrong = np.random.default_rng(1).permutation(truth)
    assert jaccards(points, np.ones(40), wrong, 4, np.random.default_rng(0), 5).mean() < 0.5


def test_stability_has_the_numbers_of_node_groups(choice):
    som = FaceSOM(8, 8, seed=0).fit(blobs(5)[0])
    assert NodeGroups(5, seed=0).fit(som).n_groups_ == len(choice.group_stability[3])


def test_the_gap_rule():
    error = np.full(4, 0.1)
    assert gap_pick(np.array([0.0, 1.0, 1.05, 3.0]), error) == 1
    assert gap_pick(np.array([0.0, 1.0, 2.0, 3.0]), error) == 3, "still growing: the last"


@pytest.mark.parametrize("ks", [[], [1, 2], [2.5], 3, ["2"]])
def test_numbers_that_are_none_are_refused(ks):
    som = FaceSOM(4, 4, n_epochs=2).fit(np.random.default_rng(0).random((30, 2)))
    with pytest.raises(
        ValueError, match=rf"ks: expected whole numbers of groups, 2 or more, got {re.escape(repr(ks))}; pass"
    ):
        choose_n_groups(som, ks)


def test_a_map_with_too_few_nodes_is_refused():
    som = FaceSOM(1, 3, n_epochs=2).fit(np.random.default_rng(0).random((30, 2)))
    with pytest.raises(ValueError, match="take a larger map or more frames"):
        choose_n_groups(som)
    with pytest.raises(ValueError, match="expected a trained FaceSOM, got int; groups that persons share"):
        choose_n_groups(3)
    with pytest.raises(ValueError, match="for ks from 20"):
        choose_n_groups(FaceSOM(3, 3, n_epochs=2).fit(np.random.default_rng(0).random((30, 2))), [20])


def test_known_expressions_of_drawn_faces(monkeypatch):
    from facesom.drawn.synthetic import make_faces
    from facesom.parts.shape import shape_features

    monkeypatch.setattr(how_many, "BOOTSTRAPS", 10)
    monkeypatch.setattr(how_many, "REFERENCES", 10)
    mix = np.zeros((1, 8))
    mix[0, [0, 1, 4, 5]] = 1
    features = shape_features(make_faces(1, 240, mix=mix).dataset.X1)[0]
    choice = choose_n_groups(FaceSOM(8, 8, seed=0).fit(features), range(2, 9))
    assert 3 <= choice.n_groups <= 6, "four expressions, the face at rest among them"

"""Effects of columns: a planted one is found with its size, none is found where there is none."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wilcoxon

import facesom
from facesom.groups.by_column import LEAST_PERSONS, column_effects
from facesom.plots import plot_column_effects

P, N, C = 12, 60, 4


def planted(shift=2.0, seed=0, n_persons=P):
    """Columns of which number 2 is higher in group 1, on top of persons who differ a lot."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 3, (n_persons, N))
    X2 = rng.standard_normal((n_persons, N, C)) + 50 * rng.standard_normal((n_persons, 1, C))
    X2[..., 2] += shift * (groups == 1)
    return X2, groups


@pytest.fixture(scope="module")
def effects():
    return column_effects(*planted(), names=list("abcd"))


def test_a_planted_effect_is_found_with_its_size(effects):
    share = 1 / 3
    expected = 2 / np.sqrt(1 + 4 * share * (1 - share))  # the spread within a person holds the shift itself
    assert effects.effect[1, 2] == pytest.approx(expected, rel=0.1)
    low, high = effects.interval[1, 2]
    assert low < expected < high
    found = set(map(tuple, np.argwhere(effects.q_values <= 0.05).tolist()))
    assert found == {(0, 2), (1, 2), (2, 2)}, "the others are lower in what group 1 is higher in"
    assert effects.effect[0, 2] < 0 > effects.effect[2, 2]
    assert "c +1.4 in group 1" in repr(effects) and "3 of 12 with q <= 0.05" in repr(effects)


def test_the_effect_of_a_person_is_the_difference_of_means_in_own_spread():
    X2, groups = planted()
    found = column_effects(X2, groups)
    x, own = X2[4, :, 2], groups[4] == 1
    expected = (x[own].mean() - x[~own].mean()) / x.std()
    assert found.by_person[4, 1, 2] == pytest.approx(expected)
    np.testing.assert_allclose(found.effect, found.by_person.mean(axis=0))
    assert found.names == ("X2_0", "X2_1", "X2_2", "X2_3") and (found.n_persons == P).all()


@pytest.mark.parametrize("seed", range(20))
def test_a_person_of_one_group_has_no_others_to_differ_from(seed):
    X2, groups = planted(seed=seed, n_persons=4)
    X2[np.random.default_rng(seed).random(X2.shape) < 0.2] = np.nan
    groups[2] = 1
    found = column_effects(X2, groups)
    assert np.isnan(found.by_person[2]).all() and np.isfinite(np.delete(found.by_person, 2, axis=0)).all()


def test_units_and_how_a_face_is_built_have_no_part_in_it(effects):
    X2, groups = planted()
    other = column_effects(X2 * [1e-3, 1e6, 3, 1] + 10 * np.arange(P)[:, None, None], groups)
    np.testing.assert_allclose(other.effect, effects.effect, atol=1e-9)
    np.testing.assert_array_equal(other.p_values, effects.p_values)


def test_false_alarms_keep_to_their_rate():
    rng, alarms, small = np.random.default_rng(3), 0, []
    for seed in range(200):
        X2 = rng.standard_normal((8, 20, 3)).cumsum(axis=1)  # neighbouring frames resemble each other
        groups = np.repeat(rng.integers(0, 3, (8, 5)), 4, axis=1)
        found = column_effects(X2, groups, n_permutations=300, seed=seed)
        alarms += bool((found.q_values <= 0.05).any())
        small += found.p_values[np.isfinite(found.p_values)].tolist()
    assert alarms <= 20, "5 % of 200 files, and chance"
    assert 0.03 < np.mean(np.array(small) <= 0.05) < 0.07


def test_all_flips_are_taken_where_they_are_few():
    X2, groups = planted(n_persons=8)
    found = column_effects(X2, groups)
    assert found.exact and found.p_values.min() >= 2 / 2**8
    assert found.p_values[1, 2] == 2 / 2**8
    # rank tests know the same arrangements: where all agree, theirs is the same
    assert wilcoxon(found.by_person[:, 1, 2]).pvalue == pytest.approx(found.p_values[1, 2])
    assert not column_effects(X2, groups, n_permutations=100).exact


def test_seeds_repeat():
    X2, groups = planted(shift=0.2)
    a, b, c = (column_effects(X2, groups, n_permutations=500, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a.p_values, b.p_values)
    np.testing.assert_array_equal(a.interval, b.interval)
    assert (a.p_values != c.p_values).any() and (a.effect == c.effect).all()


def test_few_persons_have_effects_but_no_test():
    X2, groups = planted(n_persons=3)
    found = column_effects(X2, groups)
    assert np.isfinite(found.effect).all() and np.isfinite(found.interval).all()
    assert np.isnan(found.q_values).all() and "not tested" in repr(found)
    alone = column_effects(X2[:1], groups[:1])
    assert np.isfinite(alone.effect).all() and np.isnan(alone.interval).all()


def test_who_does_not_show_a_group_does_not_take_part():
    X2, groups = planted()
    groups[: P - LEAST_PERSONS + 1][groups[: P - LEAST_PERSONS + 1] == 2] = 0
    groups[P - 1] = 1  # one who shows nothing else
    found = column_effects(X2, groups, n_groups=4)
    assert found.n_persons[:, 0].tolist() == [P - 1, P - 1, LEAST_PERSONS - 2, 0]
    assert np.isnan(found.q_values[2:]).all() and np.isfinite(found.q_values[:2]).all()
    assert np.isnan(found.effect[3]).all() and np.isnan(found.interval[3]).all()


def test_missing_numbers_constant_columns_and_frames_without_a_group():
    X2, groups = planted()
    whole = column_effects(X2, groups)
    holed, constant = X2.copy(), X2.copy()
    holed[:, ::7, 1] = np.nan
    constant[..., 3] = 0.1 + np.arange(P)[:, None]
    found = column_effects(holed, groups)
    np.testing.assert_array_equal(found.effect[:, [0, 2, 3]], whole.effect[:, [0, 2, 3]])
    own = (groups == 1) & np.isfinite(holed[..., 1])
    rest = (groups != 1) & np.isfinite(holed[..., 1])
    x = holed[0, :, 1]
    expected = (x[own[0]].mean() - x[rest[0]].mean()) / np.nanstd(x)
    assert found.by_person[0, 1, 1] == pytest.approx(expected)
    found = column_effects(constant, groups)
    assert np.isnan(found.effect[:, 3]).all() and (found.n_persons[:, 3] == 0).all()
    half = np.arange(N) < N // 2
    found = column_effects(np.where(half[:, None], X2, 1e9), np.where(half, groups, -1))
    np.testing.assert_allclose(found.effect, column_effects(X2[:, half], groups[:, half]).effect)


def test_one_column_and_persons_of_unequal_length(effects):
    X2, groups = planted()
    for one in (X2[..., 2], list(X2[..., 2]), X2[..., 2:3]):
        np.testing.assert_allclose(column_effects(one, groups).effect[:, 0], effects.effect[:, 2])
    uneven = column_effects([X2[0], *(x[:40] for x in X2[1:])], [groups[0], *(g[:40] for g in groups[1:])])
    np.testing.assert_allclose(uneven.by_person[0], effects.by_person[0])


def test_a_row_for_each_group_and_column(effects):
    table = effects.to_frame()
    assert list(table.columns) == ["group", "column", "effect", "low", "high", "p", "q", "persons"]
    row = table[(table.group == 1) & (table.column == "c")].iloc[0]
    assert (row.effect, row.low, row.high) == (effects.effect[1, 2], *effects.interval[1, 2])
    assert (row.p, row.q, row.persons) == (effects.p_values[1, 2], effects.q_values[1, 2], P)
    assert len(table) == 12


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(1, 12), st.integers(1, 3), st.integers(0, 10**6))
def test_whatever_comes_effects_are_numbers_or_nan(n_persons, n_frames, n_columns, seed):
    rng = np.random.default_rng(seed)
    X2 = rng.choice([0.0, 1.0, 2.0, np.nan], (n_persons, n_frames, n_columns))
    groups = rng.integers(0, 3, (n_persons, n_frames))
    found = column_effects(X2, groups, n_permutations=50)
    tested = np.isfinite(found.p_values)
    assert (found.n_persons[tested] >= LEAST_PERSONS).all()
    assert ((found.p_values[tested] > 0) & (found.p_values[tested] <= 1)).all()
    assert (found.q_values[tested] >= found.p_values[tested] - 1e-12).all()
    np.testing.assert_array_equal(np.isfinite(found.effect), found.n_persons > 0)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"X2": np.zeros((P, N - 1, C))}, r"X2: expected a row for each frame, \[60, 60.*got \[59, 59"),
        ({"X2": np.zeros((P, N, C), dtype="U1")}, "X2: expected numbers.*number the categories"),
        ({"X2": np.zeros((P, N, 0))}, "at least one"),
        ({"X2": np.full((P, N, C), np.inf)}, "finite numbers or NaN, got infinity"),
        ({"groups": np.zeros((P, N))}, "groups: expected whole numbers"),
        ({"groups": np.full((P, N), -1)}, "groups: expected frames in some group"),
        ({"names": ["a", "a", "b", "c"]}, "names: expected 4 different ones"),
        ({"names": ["a"]}, r"names: expected 4 different ones, a column each, got \['a'\]"),
        ({"n_groups": 2}, "n_groups: expected at least 3"),
        ({"n_permutations": 0}, "n_permutations: expected a whole number of at least 1"),
    ],
)
def test_what_does_not_fit_is_said(change, message):
    X2, groups = planted()
    with pytest.raises(ValueError, match=message):
        column_effects(**({"X2": X2, "groups": groups} | change))


def test_the_picture_holds_the_effects_and_marks_discoveries(effects):
    ax = plot_column_effects(effects, words=["x", "y", "z"])
    np.testing.assert_array_equal(ax.images[0].get_array(), effects.effect)
    low, high = ax.images[0].get_clim()
    assert low == -high <= -2
    marked = {(round(t.get_position()[1]), round(t.get_position()[0])): t.get_text() for t in ax.texts}
    assert set(marked) == {(0, 2), (1, 2), (2, 2)}
    assert marked[1, 2] == f"{effects.effect[1, 2]:+.1f}"
    assert [t.get_text() for t in ax.get_yticklabels()] == ["0  x", "1  y", "2  z"]
    assert [t.get_text() for t in ax.get_xticklabels()] == list("abcd")
    X2, groups = planted()
    _, given_ax = plt.subplots()
    empty = column_effects(X2, groups, n_groups=4)
    assert plot_column_effects(empty, ax=given_ax) is given_ax
    assert sum(line.get_marker() == "x" for line in given_ax.lines) == C
    with pytest.raises(ValueError, match="words: expected 3, got 1"):
        plot_column_effects(effects, words=["x"])
    plt.close("all")


def test_known_numbers_of_drawn_faces():
    faces = facesom.make_faces(8, 60, seed=2, mix=np.ones((8, len(facesom.drawn.EXPRESSIONS))))
    names = facesom.drawn.X2_NAMES
    found = column_effects(faces.dataset.X2, faces.expressions, names=names)
    happy = list(facesom.drawn.EXPRESSIONS).index("smile")
    width = names.index("mouth_width")
    assert found.effect[happy, width] > 0.5 and found.q_values[happy, width] <= 0.05

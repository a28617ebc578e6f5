"""Actions, the table, and how many groups: strengths against what was drawn and filmed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import facesom
from facesom.drawn import EXPRESSIONS
from facesom.identity import action_matrix, choose_groups, explained_movement, read_actions
from facesom.identity.actions import AT_REST, say
from facesom.identity.choose import along_best, grow_directions

REAL = Path(__file__).parents[2] / "shared" / "data"
#: Actions and the units that draw them.
DRAWN = {
    "smile": "AU12",
    "brows up": "AU1",
    "outer brows up": "AU2",
    "mouth open": "AU26",
    "eyes closed": "AU43",
}


@pytest.fixture(scope="module")
def faces():
    return facesom.make_faces(9, 80, seed=3, mix="balanced")


@pytest.fixture(scope="module")
def result(faces):
    return facesom.group_across_persons(faces.dataset.X1[:8], 8, seed=0, rows=6, cols=6)


def less_mean(values):
    return (values - values.mean(axis=1, keepdims=True)).ravel()


@pytest.mark.parametrize(("action", "unit"), DRAWN.items())
def test_strengths_follow_what_was_drawn(faces, result, action, unit):
    read = result.actions[..., result.action_names.index(action)]
    assert np.corrcoef(less_mean(read), less_mean(faces.action_units[unit][:8]))[0, 1] > 0.75


def test_rest_has_no_strength_and_strengths_are_linear(result):
    names, weights, trust = action_matrix()
    assert len(names) == weights.shape[1] == len(trust) and len(set(names)) == len(names)
    assert (trust >= 0).all() and not weights.flags.writeable
    np.testing.assert_array_equal(read_actions(np.zeros(len(weights))), 0)
    np.testing.assert_allclose(read_actions(2 * result.movements), 2 * result.actions)


def test_a_mirrored_face_does_the_same_to_the_other_side(faces):
    X1 = faces.dataset.X1[:2]
    one, two = (facesom.shape_features(images) for images in (X1, X1[..., ::-1, :]))
    one, two = (read_actions(F - F.mean(axis=1, keepdims=True)) for F in (one, two))
    side = action_matrix()[0].index("mouth to the right")
    sign = np.where(np.arange(one.shape[2]) == side, -1, 1)
    assert np.corrcoef(one.ravel(), (two * sign).ravel())[0, 1] > 0.99


def test_movements_that_are_none():
    with pytest.raises(
        ValueError, match=r"movements: expected the \d+ columns of `shape_features`, got shape \(3, 5\)"
    ):
        read_actions(np.zeros((3, 5)))


def test_words_say_the_strongest_first():
    names = action_matrix()[0]
    actions = np.zeros((4, len(names)))
    actions[1, [names.index("smile"), names.index("mouth open"), names.index("chin up")]] = 0.4, 0.9, 0.1
    actions[2] = -1
    actions[3, [names.index("smile"), names.index("mouth open")]] = 0.2, 0.14
    assert say(actions) == [AT_REST, "mouth open, smile", AT_REST, "perhaps smile"]


def test_the_table_holds_all_that_is_known(faces, result):
    X2 = faces.dataset.X2[:8]
    table = result.to_frame(X2=X2, persons=[f"p{k}" for k in range(8)])
    assert list(table.columns[:7]) == ["person", "frame", "node", "group", "probability", "distance", "words"]
    assert list(table.columns[7:-12]) == list(result.action_names) and len(table) == 640
    row = table.iloc[3 * 80 + 7]
    assert (row.person, row.frame, row.node, row.group) == ("p3", 7, result.nodes[3, 7], result.groups[3, 7])
    np.testing.assert_allclose(row.smile, result.actions[3, 7, 0], atol=1e-3)
    np.testing.assert_allclose(row.probability, result.probabilities[3, 7].max(), atol=1e-4)
    apart = result.som.transform(result.aligner.transform(result.features).reshape(640, -1))
    assert np.corrcoef(table.distance, apart.min(axis=1))[0, 1] > 0.9
    np.testing.assert_array_equal(table["X2_11"], X2[..., 11].ravel())
    new = facesom.place_new_person(result, faces.dataset.X1[8])
    mine = new.to_frame(X2=faces.dataset.X2[8], person="new")
    assert new.action_names == result.action_names
    assert list(mine.columns) == list(table.columns) and (mine.person == "new").all() and len(mine) == 80
    assert pd.concat([table, mine]).notna().all(axis=None)


def test_a_table_that_does_not_fit(faces, result):
    with pytest.raises(ValueError, match="X2: expected a row for each frame"):
        result.to_frame(X2=faces.dataset.X2[:8, :50])
    with pytest.raises(ValueError, match="X2_names: expected 12 names that differ"):
        result.to_frame(X2=faces.dataset.X2[:8], X2_names=["smile"] * 12)
    with pytest.raises(ValueError, match="persons: expected a name for each of 8, got 2"):
        result.to_frame(persons=[1, 2])
    with pytest.raises(ValueError, match="persons: expected a name for each of 8, got 1"):
        result.to_frame(persons=5)


# ---- how many


MORE = {
    "blink": {"AU43": 1.0},
    "kiss": {"AU18": 1.0},
    "gape": {"AU26": 1.0, "AU25": 0.9},
    "brows": {"AU1": 1.0, "AU2": 1.0},
}


@pytest.mark.parametrize("seed", [4, 24])
@pytest.mark.parametrize("n_expressions", [4, 6, 8, 12])
def test_as_many_groups_as_expressions_that_are_well_parted(n_expressions, seed, monkeypatch):
    for name, units in MORE.items():
        monkeypatch.setitem(EXPRESSIONS, name, units)
    others = np.random.default_rng(seed).permutation(np.arange(1, 12))[: n_expressions - 1]
    mix = np.zeros((12, 12))
    mix[:, [0, *others]] = 1 / n_expressions
    faces = facesom.make_faces(12, 150, seed=seed, mix=mix)
    features = facesom.shape_features(faces.dataset.X1)
    curve = choose_groups(features)
    assert abs(curve.n_groups - n_expressions) <= 1
    assert curve.explained.shape == (13, 12) and curve.explained.max() <= 1
    assert f"{curve.n_groups} groups recommended" in repr(curve)


def test_directions_that_were_planted_are_learned_whatever_the_strength():
    rng = np.random.default_rng(0)
    true = np.linalg.qr(rng.normal(size=(6, 6)))[0][:3]
    shown = rng.uniform(0, 2, (600, 1)) * true[rng.integers(0, 3, 600)] + rng.normal(0, 0.02, (600, 6))
    found = grow_directions(shown, 3)[-1]
    np.testing.assert_allclose(np.sort((found @ true.T).max(axis=0)), 1, atol=0.001)
    assert np.var(shown - along_best(shown, found)) < 0.001
    backwards = along_best(-true, found)  # nothing grows backwards: at most by what the noise has turned
    np.testing.assert_allclose(backwards, 0, atol=0.02)
    assert grow_directions(shown, 0) == [] and not along_best(shown, np.empty((0, 6))).any()
    assert list(map(len, grow_directions(shown, 4))) == [1, 2, 3, 4]
    assert list(map(len, grow_directions(np.outer([1.0, 2.0], true[0]), 3))) == [1, 1, 1]


def test_one_direction_more_never_tells_less():
    shown = np.random.default_rng(2).normal(size=(300, 5))
    told = [(along_best(shown, directions) ** 2).sum() for directions in grow_directions(shown, 6)]
    assert (np.diff(told) >= 0).all() and told[-1] < (shown**2).sum()


def test_the_number_may_be_left_open(faces):
    result = facesom.group_across_persons(faces.dataset.X1[:4], None, rows=4, cols=4)
    assert len(result.order) == result.choice.n_groups
    assert "chosen by what they explain" in repr(result)


def test_a_number_left_open_is_that_of_the_reference(faces, result):
    again = facesom.group_across_persons(faces.dataset.X1[:4], None, rows=4, cols=4, reference=result)
    assert len(again.order) == len(result.order) and again.choice is None
    with pytest.raises(ValueError, match=r"reference: expected an earlier result of .*, got str"):
        facesom.group_across_persons(faces.dataset.X1[:4], reference="x")
    with pytest.raises(ValueError, match=r"result: expected a SharedGroups of .*, got IdentityAligner"):
        facesom.place_new_person(result.aligner, faces.dataset.X1[0])
    with pytest.raises(ValueError, match="seed: expected a whole number of at least 0, got -1"):
        facesom.group_across_persons(faces.dataset.X1[:4], seed=-1)


def test_frames_without_a_face_say_so(faces, result):
    images = faces.dataset.X1[7].copy()
    images[10:] = 0
    placed = facesom.place_new_person(result, images)
    assert (placed.groups[10:] == -1).all() and (placed.groups[:10] >= 0).mean() > 0.5
    words = placed.to_frame().words
    assert (words[10:] == "no face found").all() and not (words[:10] == "no face found").any()


def test_where_most_is_unknown_all_is_doubted(result):
    one = facesom.IdentityAligner(4, seed=0).fit(result.features[:1])
    placed = one.place(result.features[1:])
    unknown = 1 - placed.probabilities.reshape(7, 80, 4).sum(axis=2).mean(axis=1)
    assert (unknown > 0.5).any() and (placed.doubts >= unknown - 1e-9)[unknown > 0.5].all()


def test_numbers_of_groups_that_cannot_be_tried(result):
    with pytest.raises(ValueError, match="expected two persons or more"):
        choose_groups(result.features[:1])
    with pytest.raises(ValueError, match="two distinct frames or more, got 1; choose the number of groups"):
        choose_groups(result.features[:2, :1])
    with pytest.raises(ValueError, match=r"expected the \d+ columns of `shape_features`"):
        choose_groups(result.features[..., :5])
    assert choose_groups(result.features[:2, :4]).ks.tolist() == [2, 3, 4]  # no more than others have frames


# ---- filmed people


@pytest.mark.skipif(not REAL.exists(), reason="real data is not part of the repository")
def test_filmed_people_are_told_better_than_by_scaled_geometry():
    X1 = facesom.load(REAL / "filmed_drawn.pickle").X1
    truth = np.load(REAL / "filmed_drawn_truth.npz")
    scores = dict(zip(truth["blend_names"].tolist(), np.moveaxis(truth["blend"], -1, 0), strict=True))
    result = facesom.group_across_persons(X1, 8)
    assert result.aligner.reading_ == "flowing"
    assert explained_movement(result.groups, truth["blend"]) > 0.26  # scaled geometry: 0.23
    assert explained_movement(result.nodes, truth["blend"]) > 0.27
    pairs = {
        "eyes closed": ("eyeBlinkLeft", 0.75),
        "smile": ("mouthSmileLeft", 0.65),
        "mouth open": ("jawOpen", 0.65),
    }
    for action, (score, least) in (pairs | {"brows up": ("browInnerUp", 0.5)}).items():
        read = result.actions[..., result.action_names.index(action)]
        assert np.corrcoef(less_mean(read), less_mean(scores[score]))[0, 1] > least

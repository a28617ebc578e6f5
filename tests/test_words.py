"""Face words: what drawn faces are known to do is said, what they do not do is not."""

import numpy as np
import pytest

from facesom.drawn.synthetic import make_faces
from facesom.groups import describe_groups, group_distances
from facesom.groups.words import AT_REST, MOST_WORDS, NO_FRAMES, SIGNS
from facesom.parts.shape import feature_names, shape_features

NAMES = feature_names()
TRUE_WORDS = {
    "smile": ["lip corners up", "mouth wide"],
    "laugh": ["mouth open", "lip corners up"],
    "sad": ["lip corners down", "inner brows up"],
    "angry": ["brows down", "lips pressed"],
    "surprised": ["mouth open", "brows up"],
    "disgusted": ["brows down", "mouth raised"],
    "afraid": ["mouth open", "mouth wide"],
}
OPPOSITE = {up: down for up, down, _ in SIGNS} | {down: up for up, down, _ in SIGNS}
OPPOSITE |= {"brows up": "brows down", "brows down": "brows up"}


@pytest.fixture(scope="module")
def drawn():
    faces = make_faces(6, 160, seed=3, mix="balanced")
    features = shape_features(faces.dataset.X1)
    rest = [np.median(f[e == 0], axis=0) for f, e in zip(features, faces.expressions, strict=True)]
    return faces, features - np.array(rest)[:, None]


def planted(shifts, n=40, seed=0):
    """Movements of one person: a group for each dict of feature shifts, and noise."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(shifts)), n)
    movements = 0.02 * rng.standard_normal((len(groups), len(NAMES)))
    for k, shift in enumerate(shifts):
        for name, by in shift.items():
            movements[groups == k, NAMES.index(name)] += by
    return movements, groups


def test_drawn_expressions_are_said(drawn):
    faces, movements = drawn
    words = describe_groups(movements, faces.expressions)
    said = dict(zip(faces.expression_names, map(str, words), strict=True))
    assert said["neutral"] == AT_REST
    for name, expected in TRUE_WORDS.items():
        for word in expected:
            assert word in said[name].split(", "), f"{name}: {said[name]}"
            assert OPPOSITE[word] not in said[name].split(", "), f"{name}: {said[name]}"
    assert [w.n_frames for w in words] == np.bincount(faces.expressions.ravel()).tolist()


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign[0])
def test_every_sign_is_said_of_its_feature_and_the_opposite_of_less(sign):
    up, down, parts = sign
    shift = {part.lstrip("-"): -0.2 if part.startswith("-") else 0.2 for part in parts}
    more, less = describe_groups(*planted([shift, {part: -by for part, by in shift.items()}]))
    assert up in [s.words for s in more.signs] and down in [s.words for s in less.signs]
    found = next(s for s in more.signs if s.words == up)
    assert found.shift == pytest.approx(0.2 * (2 if any(p.startswith("-") for p in parts) else 1), abs=0.02)
    assert found.agreement > 0.99 and found.z > 5


def test_the_strongest_comes_first_and_brows_are_one_word():
    lift = {f"{side}_brow_{end}": 0.1 for side in ("left", "right") for end in ("inner", "outer")}
    one, other, rest = describe_groups(*planted([lift | {"mouth_width": 0.3}, {"mouth_width": 0.1}, {}]))
    assert str(one) == "mouth wide, brows up"
    assert str(other) == "mouth wide"
    assert str(rest) == AT_REST
    strengths = [abs(s.z) for s in one.signs]
    assert strengths == sorted(strengths, reverse=True)


def test_at_most_five_words():
    many, _ = describe_groups(*planted([{name: 0.3 for name in NAMES}, {}]))
    assert len(many.words.split(", ")) == MOST_WORDS < len(many.signs)


def test_what_persons_do_not_agree_on_is_not_said():
    one, groups = planted([{"mouth_width": 0.3}])
    other, _ = planted([{"mouth_width": -0.3}], seed=1)
    assert str(describe_groups([one, one, one, other, other], [groups] * 5)[0]) == AT_REST
    assert str(describe_groups([one, one, one, one, other], [groups] * 5)[0]) == "mouth wide"


def test_a_person_with_many_frames_does_not_outvote_the_others():
    loud, groups = planted([{"mouth_width": 0.1}], n=500)
    calm = [planted([{"mouth_width": 0.3}], seed=s) for s in range(1, 4)]
    words = describe_groups([loud, *(m for m, _ in calm)], [groups, *(g for _, g in calm)])
    assert words[0].signs[0].shift == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("shift, words", [(0.015, AT_REST), (0.025, "mouth wide")])
def test_shifts_below_half_a_pixel_are_not_said(shift, words):
    movements = np.zeros((30, len(NAMES)))
    movements[:, NAMES.index("mouth_width")] = shift
    assert str(describe_groups(movements, np.zeros(30, int))[0]) == words


def test_what_scatters_more_than_it_moves_is_not_said():
    movements, groups = planted([{}])
    movements[:, NAMES.index("mouth_width")] = np.linspace(-0.05, 0.25, len(groups))
    assert str(describe_groups(movements, groups)[0]) == AT_REST


def test_empty_groups_and_frames_without_a_group():
    movements, groups = planted([{"mouth_width": 0.3}, {"mouth_width": -0.3}])
    words = describe_groups(movements, np.where(groups == 1, -1, groups), n_groups=3)
    assert [str(w) for w in words] == ["mouth wide", NO_FRAMES, NO_FRAMES]
    assert describe_groups(movements, np.full(len(groups), -1)) == []
    assert repr(words[0]) == "GroupWords(words='mouth wide', n_frames=40, n_persons=1)"


@pytest.mark.parametrize(
    "movements, groups, message",
    [
        (np.zeros((2, 5, 3)), np.zeros((2, 5), int), "expected the 25 columns of `shape_features`, got 3"),
        (
            np.zeros((2, 5, 24)),
            np.zeros((2, 4), int),
            r"groups: expected one for each frame, \[5, 5\]",
        ),
        (np.full((1, 5, 24), np.nan), np.zeros((1, 5), int), "movements: expected finite numbers"),
        (np.zeros((1, 5, 24)), np.zeros((1, 5)), "groups: expected whole numbers"),
        (np.zeros(24), np.zeros(1, int), "movements: expected 2 axes for each person"),
        ([np.zeros((2, 24)), np.zeros((2, 23))], [[0, 0], [0, 0]], "as many columns for each person"),
        (np.zeros((0, 5, 24)), np.zeros((0, 5), int), "at least one frame"),
    ],
)
def test_what_does_not_fit_is_said(movements, groups, message):
    with pytest.raises(ValueError, match=message):
        describe_groups(movements, groups)


def test_distances_are_those_to_the_middle_of_the_group():
    movements = np.array([[[0.0, 0], [3, 4], [0, 0]], [[1, 1], [9, 9], [0, 0]]])
    groups = np.array([[0, 0, 0], [1, -1, 0]])
    np.testing.assert_allclose(group_distances(movements, groups), [[0, 5, 0], [0, np.nan, 0]])
    np.testing.assert_allclose(group_distances(movements[0], groups[0]), [0, 5, 0])
    uneven = group_distances([movements[0], movements[1][:1]], [groups[0], groups[1][:1]])
    assert [len(d) for d in uneven] == [3, 1]

"""Explained movement and leak are held against movements whose groups are known."""

import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score

from facesom.identity.explained import explained_movement, leak

PLACES = np.array([[0.0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3], [1, 1, 1]])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def shown(rng, n_persons=6, n_frames=400):
    """Groups (P, N), half of the frames at rest; their places (P, N, 3)."""
    groups = rng.integers(1, len(PLACES), (n_persons, n_frames)) * (rng.random((n_persons, n_frames)) < 0.5)
    return groups, PLACES[groups]


def test_perfect_groups_tell_all_and_noise_takes_its_share(rng):
    groups, movements = shown(rng)
    assert explained_movement(groups, movements) == pytest.approx(1, abs=1e-4)
    total = np.var(movements, axis=1).sum(axis=1).mean()
    noisy = movements + np.sqrt(total / 3) * rng.standard_normal(movements.shape)
    assert explained_movement(groups, noisy) == pytest.approx(0.5, abs=0.02)


def test_the_number_of_a_group_means_nothing_but_must_be_the_same_for_all(rng):
    groups, movements = shown(rng)
    renamed = np.array([3, 0, 4, 1, 2])[groups]
    assert explained_movement(renamed, movements) == pytest.approx(explained_movement(groups, movements))
    own_numbers = np.stack([rng.permutation(5)[mine] for mine in groups])
    assert explained_movement(own_numbers, movements) < 0.3


def test_shuffled_groups_and_a_single_group_tell_nothing(rng):
    groups, movements = shown(rng)
    assert explained_movement(rng.permuted(groups, axis=1), movements) == pytest.approx(0, abs=0.02)
    assert explained_movement(np.zeros_like(groups), movements) == pytest.approx(0, abs=1e-12)


def test_what_is_constant_within_a_person_counts_for_neither_side(rng):
    groups, movements = shown(rng)
    built = movements + 50 * rng.standard_normal((6, 1, 3))
    assert explained_movement(groups, built) == pytest.approx(explained_movement(groups, movements))
    who = np.repeat(np.arange(6)[:, None], 400, axis=1)
    assert explained_movement(who, built) == pytest.approx(0, abs=1e-12)


def test_only_others_frames_tell(rng):
    groups, movements = shown(rng)
    groups[0] += len(PLACES)  # names that nobody else uses predict rest
    shares = explained_movement(groups, movements, by_person=True)
    assert shares.shape == (6,) and shares[0] == pytest.approx(0) and shares[1:].min() > 0.99
    groups[0] = -1
    assert explained_movement(groups, movements, by_person=True)[0] == pytest.approx(0)


def test_all_together_is_the_share_of_all_movement(rng):
    groups, movements = shown(rng)
    groups[0] = 0
    movements = movements * np.array([3, 1, 1, 1, 1, 1])[:, None, None]
    shares = explained_movement(groups, movements, by_person=True)
    weights = np.var(movements, axis=1).sum(axis=1)
    assert explained_movement(groups, movements) == pytest.approx(np.average(shares, weights=weights))


def test_movements_of_half_the_size_are_misjudged_by_a_quarter(rng):
    movements = shown(rng, n_persons=2, n_frames=5000)[1]
    groups = np.stack([(movements[0] @ [1, 2, 4]).astype(int)] * 2)
    movements = np.stack([movements[0], movements[0] / 2])
    # told 2x where x is true: misled by x²; told x/2: the error is a quarter
    assert explained_movement(groups, movements, by_person=True) == pytest.approx([0.75, 0], abs=0.03)


def test_few_others_tell_less_than_they_show():
    movements = np.zeros((2, 5, 1))
    movements[:, 4] = 1
    groups = np.array([[0, 0, 0, 0, 1]] * 2)
    # one frame of the other person is told as half of what it shows: a quarter of the movement is missed
    assert explained_movement(groups, movements) == pytest.approx(0.75)


def test_unequal_persons_are_a_list_and_who_does_not_move_is_nan(rng):
    groups, movements = shown(rng)
    groups, movements = list(groups), list(movements)
    groups[2], movements[2] = groups[2][:37], movements[2][:37]
    movements[4] = np.ones_like(movements[4])
    shares = explained_movement(groups, movements, by_person=True)
    assert np.isnan(shares[4]) and np.delete(shares, 4).min() > 0.9
    still = [np.zeros((9, 2))] * 3
    assert np.isnan(explained_movement([np.arange(9)] * 3, still))


def test_leak_is_nothing_for_groups_that_all_share_and_one_for_names(rng):
    groups = shown(rng)[0]
    assert leak(groups) < 0.01
    who = np.repeat(np.arange(6)[:, None], 400, axis=1)
    assert leak(who) == pytest.approx(1)
    own = np.where(rng.random(groups.shape) < 0.5, who, 6)
    assert leak(own) == pytest.approx(normalized_mutual_info_score(who.ravel(), own.ravel()))
    assert leak([own[0], own[1, :50]]) < leak(who)


@pytest.mark.parametrize(
    ("groups", "movements", "message"),
    [
        ([[0, 1]], [[[0.0], [1.0]]], "two persons or more.*got one"),
        ([[0, 1]] * 3, np.zeros((2, 2, 1)), r"one for each frame, \[2, 2\] of the persons, got \[2, 2, 2\]"),
        ([[0, 1]] * 2, np.zeros((2, 3, 1)), r"one for each frame, \[3, 3\] of the persons, got \[2, 2\]"),
        ([[0, 1]] * 2, np.zeros((2, 2)), r"got shape \(2, 2\); for one person pass movements\[None\]"),
        ([[0.0, 1.0]] * 2, np.zeros((2, 2, 1)), "whole numbers, -1 or more.*float64"),
        ([[0, -2]] * 2, np.zeros((2, 2, 1)), "whole numbers, -1 or more.*-2"),
        ([[0, 1]] * 2, np.full((2, 2, 1), np.nan), "finite numbers.*person 0; leave those frames out"),
        (
            [[0, 1]] * 2,
            [np.zeros((2, 1)), np.zeros((2, 2))],
            r"numbers \(frames, 1\) of each person, got shape \(2, 2\) for person 1",
        ),
    ],
)
def test_bad_input_to_explained_movement_is_named(groups, movements, message):
    with pytest.raises(ValueError, match=message):
        explained_movement(groups, movements)

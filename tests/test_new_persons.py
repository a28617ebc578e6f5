"""What is new in a new person, and how far the placing is to be trusted."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logit

from facesom.identity.chain import Frames
from facesom.identity.doubt import Doubt, among_others, signs
from facesom.identity.mixture import Mixture, e_step, fit_mixture, place_persons, rest_prior
from facesom.identity.novelty import learn_usual, novelty


@pytest.fixture
def moved():
    """Six persons whose four measures follow two actions, but for little noise."""
    rng = np.random.default_rng(0)
    loadings = np.array([[1.0, 1.0, 0, 0], [0, 0, 1.0, -1.0]])
    return [rng.normal(size=(200, 2)) @ loadings + 0.1 * rng.normal(size=(200, 4)) for _ in range(6)]


def test_one_measure_that_moves_alone_is_new_and_what_moves_together_is_not(moved):
    usual = learn_usual(moved, np.eye(4, 2))
    together, alone = np.array([[2.0, 2.0, 0, 0]]), np.array([[0.0, 0, 1.0, 0]])
    assert novelty(together, usual) < 1 < novelty(alone, usual)
    assert novelty(-alone, usual) > 1
    assert novelty(np.zeros((1, 4)), usual) == 0


def test_few_frames_of_a_person_who_was_left_out_are_new(moved):
    usual = learn_usual(moved[:5], np.eye(4, 2))
    assert 0 < (novelty(moved[5], usual) > 1).mean() < 0.1


def test_what_lasts_is_new_where_a_single_frame_hides_in_the_noise(moved):
    rng = np.random.default_rng(1)
    noisy = [m + 0.5 * rng.normal(size=m.shape) for m in moved]
    usual, shifted = learn_usual(noisy[:5], np.eye(4, 2)), noisy[5].copy()
    shifted[50:80, 2] += 1.5
    lasting = novelty(shifted, usual) > 1
    assert novelty(np.array([[0, 0, 1.5, 0]]), usual) < 1
    assert lasting[55:75].mean() > 0.8 and np.r_[lasting[:40], lasting[90:]].mean() < 0.1


def test_what_is_sudden_is_new_where_slow_movement_hides_it(moved):
    rng, slowly = np.random.default_rng(2), np.arange(200)[:, None] / 30
    turning = [m + 2 * np.sin(slowly + rng.uniform(0, 6)) * [0, 0, 1, 0] for m in moved]
    usual, jumping, here = learn_usual(turning[:5], np.eye(4, 2)), turning[5].copy(), np.arange(10, 200, 9)
    jumping[here, 2] += 1.5
    jumps = novelty(jumping, usual) > 1
    assert novelty(np.array([[0, 0, 1.5, 0]]), usual) < 1
    assert jumps[here].mean() > 0.9 and np.delete(jumps, here).mean() < 0.1


def test_one_person_does_not_tell_how_long_others_may_be_off(moved):
    usual = learn_usual(moved[:1], np.eye(4, 2))
    assert np.isinf(usual.within[2:]).all() and np.isfinite(usual.within[:2]).all()
    assert (novelty(moved[5], usual) > 1).mean() < 0.2


def test_a_measure_that_never_moves_and_a_single_person_leave_numbers(moved):
    still = [np.column_stack([m, np.zeros(len(m))]) for m in moved]
    for persons in (still, still[:1]):
        usual = learn_usual(persons, np.eye(5, 2))
        assert np.isfinite(novelty(persons[0], usual)).all()


def test_pieces_are_placed_as_if_their_person_were_not_known(moved):
    rests, spread = np.array([[0.0, 0], [2, 4], [4, -4]]), np.eye(2)
    mixture = among_others(Mixture(spread=spread, target=spread, shrinkage=0.0), rests, [1, 0, 1])
    np.testing.assert_allclose(mixture.rest_mean, [[2, -2], [3, 0], [2, -2]])
    for covariance, p in zip(mixture.rest_covariance, [1, 0, 1], strict=True):
        expected = rest_prior(np.delete(rests, p, axis=0), spread)["rest_covariance"]
        np.testing.assert_allclose(covariance, expected)
    assert np.isfinite(among_others(mixture, rests[:1], [0]).rest_mean).all()


def test_pieces_that_show_little_are_doubted_more_than_whole_videos():
    rng = np.random.default_rng(1)
    means, rests = 4 * np.eye(4, 5), rng.normal(0, 3, (8, 5))
    labels = [np.repeat(rng.integers(0, 4, 40), 5) for _ in rests]
    persons = [
        rest + means[mine] + rng.normal(0, 0.5, (200, 5)) for rest, mine in zip(rests, labels, strict=True)
    ]
    mixture, who = fit_mixture(persons[:6], 4, target=np.eye(5), shrinkage=0.1)
    known = Frames(persons[:6])
    groups = np.split(e_step(known, mixture, who).responsibilities.argmax(axis=1), known.starts[1:])
    doubt = Doubt(persons[:6], groups, mixture, who.offsets, unknown=60.0)
    pieces = Frames([persons[6], persons[6][labels[6] == labels[6][0]][:10]])
    placed, doubts, unsteady = place_persons(pieces, mixture)
    placing = pieces, placed, e_step(pieces, mixture, placed).responsibilities, doubts, unsteady
    whole, piece = doubt(*placing)
    rows = signs(mixture, *placing)
    assert whole < 0.1 and piece > 2 * whole
    np.testing.assert_allclose(rows[:, 5], np.log([200, len(pieces.X) - 200]))
    np.testing.assert_allclose(np.sinh(rows[1, 0]), -logit(doubts[1]))
    np.testing.assert_array_equal(rows[:, 1], unsteady)
    moved = signs(mixture, pieces, replace(placed, offsets=placed.offsets + 9), *placing[2:])
    assert (moved[:, 2] > rows[:, 2]).all()
    again = Doubt(persons[:6], groups, mixture, who.offsets, unknown=60.0)
    np.testing.assert_array_equal(again(*placing), [whole, piece])

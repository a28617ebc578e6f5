"""The mean of drawn faces is a drawn face."""

import numpy as np
import pytest

import facesom
from facesom.meanface import mean_face, signed_distance
from facesom.parts import find_parts


@pytest.fixture(scope="module")
def face():
    return facesom.make_faces(1, 1, seed=4, head_movement=0).dataset.X1[0, 0]


def gray_and_parts(images):
    return facesom.to_grayscale(images), find_parts(images)


def test_the_mean_of_one_face_is_that_face(face):
    gray, parts = gray_and_parts(np.stack([face] * 3))
    np.testing.assert_allclose(mean_face(gray, parts), gray[0], atol=1e-6)


def test_the_mean_of_shifted_faces_lies_between_them_and_stays_sharp(face):
    gray, parts = gray_and_parts(np.stack([np.roll(face, shift, axis=1) for shift in (-3, -1, 1, 3)]))
    mean = mean_face(gray, parts)
    middle = facesom.to_grayscale(face)
    np.testing.assert_allclose(mean, middle, atol=1e-6)
    assert np.abs(gray.mean(axis=0) - middle).mean() > 0.01  # the mean of pixels is a blur


def test_the_mean_of_two_sizes_is_the_size_between(face):
    small, large = (np.zeros((64, 64), bool) for _ in range(2))
    small[28:36, 28:36], large[24:40, 24:40] = True, True
    gray = np.where([small, large], 0.2, 1.0)
    mean = mean_face(gray, np.where([small, large], 6, 0))
    assert abs((1 - mean).sum() / 0.8 - 12**2) < 8
    assert mean.dtype == np.float32 and mean.min() >= 0.2 - 1e-6 and mean.max() <= 1


def test_a_part_that_few_show_is_left_out(face):
    gray, parts = gray_and_parts(np.stack([face] * 4))
    parts[:2][parts[:2] == 1] = 0
    mean = mean_face(gray, parts)
    brow = find_parts(face[None])[0] == 1
    assert (mean[brow] == 1).all() and (mean[find_parts(face[None])[0] == 6] < 1).all()


def test_signed_distance_is_positive_inside():
    mask = np.zeros((9, 9), bool)
    mask[3:6, 3:6] = True
    depth = signed_distance(mask, np.zeros(2))
    assert depth[4, 4] == 1.5 and depth[4, 3] == 0.5 and depth[4, 2] == -0.5 and depth[4, 0] == -2.5
    moved = np.roll(mask, (2, -1), axis=(0, 1))
    np.testing.assert_array_equal(
        signed_distance(mask, np.array([2, -1])), signed_distance(moved, np.zeros(2))
    )

"""The mean of drawn faces is a drawn face."""

import numpy as np
import pytest
from skimage import data

import facesom
from facesom.parts.meanface import mean_face, mean_faces, shows_parts, signed_distance
from facesom.parts.shape import find_parts


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


def test_means_of_sets_are_those_of_their_faces(face):
    other = np.roll(face, 3, axis=1)
    images = np.stack([face, other, face, other])
    means = mean_faces(images, [np.array([0, 2]), np.array([], int), np.array([1, 3])])
    gray = facesom.to_grayscale(images)
    np.testing.assert_allclose(means[0], gray[0], atol=1e-6)
    np.testing.assert_allclose(means[2], gray[1], atol=1e-6)
    assert np.isnan(means[1]).all() and means.dtype == np.float32
    few = mean_faces(images, [np.arange(4)], most=2)  # the first and the last
    gray, parts = gray_and_parts(images[[0, 3]])
    np.testing.assert_array_equal(few[0], mean_face(gray, parts))


def test_drawings_are_told_from_photographs_and_noise(face):
    gray = facesom.to_grayscale(face[None])
    assert shows_parts(np.repeat(gray, 3, axis=0))
    scribble = np.ones_like(gray)
    scribble[0, ::8] = 0
    assert not shows_parts(scribble), "lines that are no parts of a face"
    assert not shows_parts(np.ones_like(gray)) and not shows_parts(data.lfw_subset()[:9])
    assert not shows_parts(np.random.default_rng(0).random((5, 30, 30)))

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesom.drawn.synthetic import make_faces
from facesom.parts.ink import positions
from facesom.parts.places import label_parts
from facesom.parts.pose import _CURVED, Pose, find_pose, steady
from facesom.parts.shape import feature_names, shape_features

NAMES = feature_names()
ALL = np.ones(200, bool)


def pose_of(images):
    labels, coverage, _ = label_parts(images)
    pixels = np.flatnonzero(labels)
    z = positions(pixels, labels.shape)
    frame = pixels // labels[0].size
    weight = coverage.ravel()[pixels].astype(float)
    return find_pose(frame, labels.ravel()[pixels], weight, z, len(images))


@pytest.fixture(scope="module")
def strong():
    return make_faces(4, 200, seed=11, head_movement=3.0)


@pytest.fixture(scope="module")
def still():
    return make_faces(4, 200, seed=11, head_movement=0.0)


def test_the_pose_of_drawn_heads_is_recovered(strong):
    for p, images in enumerate(strong.dataset.X1):
        pose, true = pose_of(images), strong.poses[p]
        assert pose.found.all() and pose.eyes.mean() > 0.95
        assert np.std(np.angle(pose.turn) - true["angle"]) < 0.006  # 0.010 from one frame alone
        seen = strong.identities["eye_distance"][p] * 64 * true["scale"] * np.cos(true["yaw"])
        assert np.std(np.abs(pose.turn) - seen) < 0.2  # pixels; 0.3 from one frame alone
        assert np.corrcoef(pose.bend, np.tan(true["yaw"]))[0, 1] > 0.975  # 0.95 from one frame alone
        assert np.all(pose.bend[np.abs(true["yaw"]) > 0.15] * true["yaw"][np.abs(true["yaw"]) > 0.15] > 0)


def test_a_head_that_looks_straight_is_not_turned(still):
    for images in still.dataset.X1:
        assert np.abs(pose_of(images).bend).max() < 0.05
        assert np.ptp(np.abs(pose_of(images).turn)) < 0.6


def test_turning_and_nearing_leave_heights_alone(still, strong):
    np.testing.assert_array_equal(still.expressions, strong.expressions)
    rest, moved = (
        features - np.median(features, axis=1, keepdims=True)
        for features in (shape_features(still.dataset.X1), shape_features(strong.dataset.X1))
    )
    wrong = np.sqrt(((moved - rest) ** 2).mean((0, 1)) / (rest**2).mean((0, 1)))
    wrong = dict(zip(NAMES, wrong, strict=True))
    assert wrong["mouth_height"] < 0.6  # 0.83 with the eye distance as seen
    assert wrong["left_brow_middle"] < 0.25 > wrong["right_brow_middle"]  # 0.28
    assert wrong["left_eye_width"] < 1.5 > wrong["right_eye_width"]  # 1.8: they hardly change at rest


def test_a_face_built_unlike_on_its_sides_is_not_turned(still):
    images = still.dataset.X1[0].copy()
    labels = label_parts(images)[0]
    whole = pose_of(images)
    for frame, label in zip(images, labels, strict=True):
        columns = np.nonzero(label == 1)[1]
        frame[(label == 1) & (np.arange(64) < np.median(columns))] = 0  # half of the left brow is never drawn
    np.testing.assert_allclose(pose_of(images).bend, whole.bend, atol=0.05)


def test_a_head_without_brows_is_taken_to_look_straight():
    images = make_faces(1, 12, seed=3, drop=("left_brow", "right_brow"), head_movement=3.0).dataset.X1[0]
    pose = pose_of(images)
    assert pose.found.all()
    np.testing.assert_array_equal(pose.bend, 0)
    np.testing.assert_array_equal(pose.stretch, 1)


def test_straighten_undoes_what_turning_did():
    x, y, yaw = np.array([-0.5, 0.5, -0.7, 0.7, 0.0, 0.3]), np.array([0, 0, 0.4, 0.4, -1.1, -1.0]), 0.25
    seen = x * np.cos(yaw) - _CURVED * x**2 * np.sin(yaw)
    z = 30 + 20j + 21 * np.exp(0.1j) * (seen - 1j * y)
    eyes = z[:2]
    one = np.ones(1)
    pose = Pose(eyes.mean() * one, (eyes[1] - eyes[0]) * one, _CURVED * np.tan(yaw) * one, None, None)
    found = pose.straighten(np.zeros(6, int), z)
    np.testing.assert_allclose(found[0], x, atol=0.03)
    np.testing.assert_allclose(found[1], y, atol=1e-9)


def test_steady_keeps_movement_and_drops_noise():
    rng = np.random.default_rng(0)
    true = np.sin(np.arange(200) / 12)
    found = steady(true + 0.3 * rng.standard_normal(200), 0.09, ALL)
    assert np.std(found - true) < 0.12


def test_steady_keeps_what_exceeds_the_noise_in_frames_without_order():
    rng = np.random.default_rng(1)
    true = rng.permutation(np.sin(np.arange(200) / 12))
    noisy = true + 0.1 * rng.standard_normal(200)
    found = steady(noisy, 0.01, ALL)
    assert np.std(found - true) < 1.02 * np.std(noisy - true)
    # where noise alone is left, all of it goes
    assert np.std(steady(noisy - true, 0.01, ALL)) < 0.03


def test_steady_fills_in_what_was_not_seen():
    seen = ALL.copy()
    seen[90:100] = False
    true = np.sin(np.arange(200) / 20)
    values = np.where(seen, true, 1e6)
    np.testing.assert_allclose(steady(values, 1e-6, seen), true, atol=0.15)
    seen[:] = False
    seen[3] = True
    np.testing.assert_allclose(steady(true, 0.1, seen), true[3])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-10, 10), min_size=1, max_size=30),
    st.floats(0.5, 20),
    st.floats(-50, 50),
    st.floats(0, 4),
)
def test_steady_knows_no_unit(values, unit, shift, noise):
    values = np.round(values, 3)
    seen = np.ones(len(values), bool)
    found = steady(values, noise, seen)
    assert found.shape == values.shape and np.isfinite(found).all()
    assert found.mean() == pytest.approx(values.mean(), abs=1e-6)
    if np.std(values) > 0.01:
        again = steady(unit * values + shift, unit**2 * noise, seen)
        np.testing.assert_allclose(again, unit * found + shift, atol=1e-4 * unit * (1 + np.ptp(values)))


def test_one_frame_keeps_its_own_pose(strong):
    one = pose_of(strong.dataset.X1[0][5:6])
    labels = label_parts(strong.dataset.X1[0][5:6])[0][0]
    middle = [np.mean(np.nonzero(labels == k), axis=1)[::-1] @ [1, 1j] for k in (3, 4)]
    assert one.origin[0] == pytest.approx(np.mean(middle), abs=1e-6)
    assert one.turn[0] == pytest.approx(middle[1] - middle[0], abs=1e-6)

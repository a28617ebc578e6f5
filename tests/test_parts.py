from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.data import astronaut

from facesom.drawn import X2_NAMES, make_faces
from facesom.io.dataset import DatasetError, load
from facesom.parts.ink import find_ink
from facesom.parts.shape import FEATURES, PARTS, feature_names, find_parts, shape_features

SHARED = Path(__file__).parents[2] / "shared" / "data"
NAMES = feature_names()
COLOURS = ((150, 90, 30), (0, 160, 255), (230, 40, 60), (255, 140, 160))  # brows, eyes, upper lip, lower lip

TRUTH = {
    "inner": 0.36,  # brow heights above the eyes, in eye distances
    "middle": 0.44,
    "outer": 0.34,
    "gap": 0.40,
    "opening": 0.20,
    "eye_width": 0.44,
    "mouth": -1.15,
    "mouth_width": 0.80,
    "smile": 0.10,  # the corners above the middle of the lip line
    "parted": 0.0,
    "upper": 0.09,
    "lower": 0.13,
}


def draw(
    size=64,
    *,
    colours=COLOURS,
    soft=False,
    angle=0.0,
    shift=(0, 0),
    unit=0.33,
    drop=(),
    asymmetry=0.0,
    **face,
):
    """A face of plain shapes with known measures: labels (size, size) and an RGB picture on black."""
    f = TRUTH | face
    finer = 4 if soft else 1
    row, column = np.mgrid[: size * finer, : size * finer] / finer + (0.5 / finer - 0.5)
    z = (
        (column - size / 2 - shift[0] + 1j * (row - 0.42 * size - shift[1]))
        / (unit * size)
        * np.exp(-1j * angle)
    )
    x, y = z.real, -z.imag
    labels = np.zeros(x.shape, np.int8)
    for part, side in ((1, -1), (2, 1)):
        length = 0.7
        t = (side * x - f["gap"] / 2 - length / 2) / (length / 2)  # -1 at the inner end, 1 at the outer one
        bend = (f["inner"] + f["outer"]) / 2 - f["middle"]
        line = f["middle"] + (f["outer"] - f["inner"]) / 2 * t + bend * t**2 + side * asymmetry
        labels[(np.abs(t) < 1) & (np.abs(y - line) < 0.06)] = part
    for part, side in ((3, -1), (4, 1)):
        # an ellipse of mean height h over its width is 4/pi h high
        height = f["opening"] * 4 / np.pi
        labels[((x - side * 0.5) / f["eye_width"] * 2) ** 2 + (y / max(height, 1e-6) * 2) ** 2 < 1] = part
    t = x / (f["mouth_width"] / 2)
    line = f["mouth"] + f["smile"] * t**2
    lens = np.where(np.abs(t) < 1, 1 - t**2, 0)
    up, down = line + f["parted"] / 2 * lens, line - f["parted"] / 2 * lens
    labels[(lens > 0) & (y >= up) & (y < up + f["upper"] * 1.5 * lens)] = 5
    labels[(lens > 0) & (y < down) & (y >= down - f["lower"] * 1.5 * lens)] = 6
    labels[np.isin(labels, drop)] = 0
    palette = np.array([(0, 0, 0), *np.repeat(colours[:2], 2, axis=0), *colours[2:]], float)
    picture = palette[labels].reshape(size, finer, size, finer, 3).mean((1, 3))
    return labels, np.rint(picture).astype(np.uint8)


def clip(n=12, seed=0, **options):
    """Frames of one person that moves its face: labels, pictures, and the measures of each frame."""
    rng = np.random.default_rng(seed)
    frames, truth = [], []
    for _ in range(n):
        raised = rng.uniform(-0.05, 0.12)
        face = {
            "inner": 0.38 + raised + rng.uniform(-0.04, 0.04),
            "middle": 0.45 + raised,
            "outer": 0.36 + raised + rng.uniform(-0.04, 0.04),
            "gap": rng.uniform(0.3, 0.5),
            "opening": rng.uniform(0.1, 0.25),
            "mouth_width": rng.uniform(0.6, 1.0),
            "smile": rng.uniform(-0.1, 0.2),
            "parted": rng.choice([0.0, 0.25]),
            "upper": rng.uniform(0.08, 0.14),
            "lower": rng.uniform(0.1, 0.18),
        }
        frames.append(draw(**(face | options)))
        truth.append(face)
    labels, pictures = (np.stack(values) for values in zip(*frames, strict=True))
    return labels, pictures, {key: np.array([face[key] for face in truth]) for key in truth[0]}


def column(features, name):
    return features[..., NAMES.index(name)]


def assert_same_parts(found, labels, wrong=0.003):
    """All but a few pixels: specks of a colour at the corners of the mouth may go to the other lip."""
    assert (found != labels).sum() <= wrong * (labels > 0).sum()


def usual_change(features):
    """How much each feature varies over the frames of a person."""
    return (features - np.median(features, axis=-2, keepdims=True)).reshape(-1, len(NAMES)).std(0)


def test_each_column_has_a_name_a_unit_and_a_meaning():
    assert len(set(NAMES)) == len(FEATURES) == shape_features(draw()[1]).size
    assert all(unit == "eye distances" and len(meaning) > 10 for _, unit, meaning in FEATURES)
    assert len(PARTS) == 7


def test_measures_are_recovered():
    _, picture = draw(192, soft=True, parted=0.0)
    found = dict(zip(NAMES, shape_features(picture), strict=True))
    t = 1.4 / np.sqrt(3)  # where the brow's ends are measured
    bend = (TRUTH["inner"] + TRUTH["outer"]) / 2 - TRUTH["middle"]
    slope = (TRUTH["outer"] - TRUTH["inner"]) / 2
    for side in ("left", "right"):
        assert found[f"{side}_brow_middle"] == pytest.approx(TRUTH["middle"], abs=0.01)
        assert found[f"{side}_brow_inner"] == pytest.approx(
            TRUTH["middle"] - slope * t + bend * t**2, abs=0.01
        )
        assert found[f"{side}_brow_outer"] == pytest.approx(
            TRUTH["middle"] + slope * t + bend * t**2, abs=0.01
        )
        # the width of an even bar with an ellipse's second moment is sqrt(3)/2 of the ellipse's
        width = TRUTH["eye_width"] * np.sqrt(3) / 2
        assert found[f"{side}_eye_width"] == pytest.approx(width, abs=0.01)
        assert found[f"{side}_eye_opening"] * width == pytest.approx(
            TRUTH["opening"] * TRUTH["eye_width"], rel=0.05
        )
    assert found["brow_gap"] == pytest.approx(TRUTH["gap"], abs=0.02)
    assert found["brow_spacing"] == pytest.approx(TRUTH["gap"] + 0.7, abs=0.01)
    assert found["left_corner"] == pytest.approx(found["right_corner"], abs=0.01)
    assert found["mouth_opening"] < 0.01
    assert found["opening_width"] < 0.02
    ratio = found["upper_lip_thickness"] / found["lower_lip_thickness"]
    assert ratio == pytest.approx(TRUTH["upper"] / TRUTH["lower"], rel=0.1)


@pytest.mark.parametrize("soft", [False, True])
def test_movements_are_recovered_at_64_pixels(soft):
    _, pictures, truth = clip(60, soft=soft)
    found = shape_features(pictures)
    pairs = {
        "left_brow_middle": truth["middle"],
        "right_brow_middle": truth["middle"],
        "left_brow_inner": truth["inner"],
        "right_brow_outer": truth["outer"],
        "brow_gap": truth["gap"],
        "brow_spacing": truth["gap"],
        "left_eye_opening": truth["opening"],
        "right_eye_opening": truth["opening"],
        "mouth_width": truth["mouth_width"],
        "mouth_opening": truth["parted"],
        "opening_width": truth["parted"],
        "mouth_curve": truth["smile"],
        "left_corner": truth["smile"],
        "right_corner": truth["smile"],
    }
    correlation = {name: np.corrcoef(column(found, name), values)[0, 1] for name, values in pairs.items()}
    assert not {name: round(r, 2) for name, r in correlation.items() if r < (0.95 if soft else 0.85)}


def test_left_is_the_picture_s_left():
    _, picture = draw(96, asymmetry=0.05)
    features = shape_features(picture)
    assert column(features, "right_brow_middle") - column(features, "left_brow_middle") == pytest.approx(
        0.1, abs=0.02
    )
    labels = find_parts(picture)
    for left, right in ((1, 2), (3, 4)):
        assert np.nonzero(labels == left)[1].max() < np.nonzero(labels == right)[1].min()


def test_parts_are_found_exactly_in_flat_drawings():
    labels, pictures, _ = clip(20)
    assert_same_parts(find_parts(pictures), labels)
    np.testing.assert_array_equal(find_parts(pictures[3]), labels[3])


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.integers(0, 255)] * 3).filter(lambda c: max(c) > 24),
        min_size=4,
        max_size=4,
        unique=True,
    )
)
def test_any_palette(colours):
    # colours that differ by less than a drawing program would notice count as one; the lips then are halves
    apart = [
        max(abs(a - b) for a, b in zip(c, d, strict=True)) for i, c in enumerate(colours) for d in colours[:i]
    ]
    labels, pictures, _ = clip(4, colours=colours)
    found = find_parts(pictures)
    if min(apart) > 12:
        assert_same_parts(found, labels)
    else:
        np.testing.assert_array_equal(found > 4, labels > 4)


@pytest.mark.parametrize(
    "colours",
    [
        ((150, 90, 30), (0, 160, 255), (230, 40, 60), (230, 40, 60)),
        ((150, 90, 30), (150, 90, 30), (230, 40, 60), (200, 150, 60)),
        ((150, 90, 30), (0, 160, 255), (150, 90, 30), (150, 90, 30)),
        ((200, 200, 200),) * 4,
    ],
    ids=["lips", "brows and eyes", "brows and lips", "all"],
)
def test_parts_that_share_a_colour_are_told_apart_by_place(colours):
    labels, pictures, _ = clip(20, colours=colours)
    found = find_parts(pictures)
    np.testing.assert_array_equal(np.minimum(found, 5), np.minimum(labels, 5))
    assert (found == labels)[labels > 4].mean() > 0.75
    if colours[2] == colours[3]:
        unreliable = shape_features(pictures, return_unreliable=True)[1]
        touching = ~np.any(
            [(labels == 5).any((1, 2)) & (shape_features(pictures)[:, NAMES.index("mouth_opening")] > 0)], 0
        )
        np.testing.assert_array_equal(column(unreliable, "upper_lip_thickness"), touching)


@pytest.mark.parametrize("levels", [(0.2, 0.4, 0.55, 0.7), (0.7, 0.2, 0.3, 0.5), (0.3, 0.36, 0.42, 0.48)])
def test_gray_on_white(levels):
    labels, pictures, _ = clip(10)
    gray = np.ones(labels.shape, np.float32)
    for part, level in zip(range(1, 7), np.repeat(levels, [2, 2, 1, 1]), strict=True):
        gray[labels == part] = level
    assert_same_parts(find_parts(gray), labels)
    np.testing.assert_allclose(shape_features(gray), shape_features(pictures))
    black = np.where(labels > 0, gray, 0)
    assert_same_parts(find_parts(np.rint(black * 255).astype(np.uint8)), labels)


def roll_and_shift(i):
    rng = np.random.default_rng(i)
    return {"angle": np.deg2rad(rng.uniform(-15, 15)), "shift": rng.uniform(-4, 4, 2)}


def test_head_movement_leaves_the_numbers_alone():
    rng = np.random.default_rng(0)
    faces = [
        {"smile": s, "inner": 0.38 + b}
        for s, b in zip(rng.uniform(-0.1, 0.2, 30), rng.uniform(-0.05, 0.1, 30), strict=True)
    ]
    still = shape_features(np.stack([draw(128, soft=True, **face)[1] for face in faces]))
    moved = shape_features(
        np.stack([draw(128, soft=True, **face, **roll_and_shift(i))[1] for i, face in enumerate(faces)])
    )
    for name in ("mouth_curve", "left_brow_inner", "right_brow_inner", "left_corner"):
        assert np.corrcoef(column(still, name), column(moved, name))[0, 1] > 0.95, name
    np.testing.assert_allclose(moved, still, atol=0.05)


@pytest.mark.parametrize("size", [32, 48, 128, 256])
def test_size_leaves_the_numbers_alone(size):
    _, big, _ = clip(20, size=192, soft=True)
    reference = shape_features(big)
    _, other, _ = clip(20, size=size, soft=True)
    found = shape_features(other)
    moving = usual_change(reference) > 0.02
    correlation = [np.corrcoef(a, b)[0, 1] for a, b in zip(reference.T[moving], found.T[moving], strict=True)]
    assert np.median(correlation) > (0.9 if size == 32 else 0.97)
    assert np.abs(np.median(found - reference, axis=0)).max() < 2 / (0.33 * size)


def test_a_nearer_head_is_measured_in_its_own_unit():
    pictures = np.stack([draw(96, soft=True, unit=unit)[1] for unit in (0.28, 0.3, 0.33, 0.36, 0.38)])
    assert np.ptp(column(shape_features(pictures), "mouth_height")) < 0.03


@pytest.mark.parametrize("gray", [False, True])
def test_salt_and_pepper_noise(gray):
    labels, pictures, _ = clip(30)
    images = np.where(labels > 0, 0.1 * labels, 1).astype(np.float32) if gray else pictures
    clean = shape_features(images)
    rng = np.random.default_rng(1)
    chance = rng.random(labels.shape)
    images[chance < 0.01] = 0
    images[chance > 0.99] = 1 if gray else 255
    noisy = shape_features(images)
    assert (find_parts(images) == labels)[labels > 0].mean() > 0.993
    change = np.maximum(usual_change(clean), 0.01)  # these mouths never move aside
    assert np.mean(np.abs(noisy - clean) / change) < 0.08


def test_closed_eyes():
    faces = [{"opening": o} for o in (0.2, 0.2, 0.18, 0.22, 0.2, 0.045, 0.0)]
    for colours in (COLOURS, ((200, 200, 200),) * 4):
        labels, pictures = zip(*(draw(colours=colours, **face) for face in faces), strict=True)
        assert not np.isin(labels[-1], (3, 4)).any()
        features, unreliable = shape_features(np.stack(pictures), return_unreliable=True)
        found = find_parts(np.stack(pictures))
        np.testing.assert_array_equal(np.minimum(found, 5), np.minimum(labels, 5))
        openings = column(features, "left_eye_opening")
        assert openings[:5].min() > 2 * openings[5] > openings[6] == 0
        # the eye frame of the frame without eyes stands where the other parts suggest
        assert unreliable[-1].all()
        assert not unreliable[:-1, : NAMES.index("upper_lip_curve")].any()
        np.testing.assert_allclose(column(features, "mouth_height")[-1], TRUTH["mouth"], atol=0.08)


@pytest.mark.parametrize("colours", [COLOURS, ((200, 200, 200),) * 4], ids=["colour", "one intensity"])
def test_brows_that_touch_the_eyes(colours):
    # the inner ends come down into the eyes; other frames of the person show them apart
    low = {"inner": 0.02, "middle": 0.19, "outer": 0.25, "gap": 0.25}
    labels, pictures = zip(*(draw(colours=colours, **face) for face in ({}, {}, {}, low)), strict=True)
    touching = labels[-1]
    count, _ = cv2.connectedComponents(np.isin(touching, (1, 3)).astype(np.uint8), connectivity=8)
    assert count == 2
    found = find_parts(np.stack(pictures))[-1]
    agreement = (found == touching)[touching > 0].mean()
    assert agreement == 1 if colours is COLOURS else agreement > 0.85
    features = shape_features(np.stack(pictures))
    assert (column(features, "left_brow_inner")[:3] - column(features, "left_brow_inner")[3] > 0.15).all()


def test_frowns_and_blinks_of_one_intensity():
    faces = make_faces(10, 150, seed=3, size=48).dataset.X1[[2, 9]]
    labels = find_parts(faces)
    found = find_parts((faces > 0).any(-1))
    assert not ((found == 3).any((2, 3)) != (labels == 3).any((2, 3))).any()
    wrong = (np.minimum(found, 5) != np.minimum(labels, 5)).sum((2, 3))
    assert (wrong > 6).mean() < 0.02


def test_colours_of_parts_too_thin_for_a_whole_square():
    for person in make_faces(8, 40, seed=3, size=48, antialias=True).dataset.X1:
        assert find_ink(person).colour.max() == 4


@pytest.mark.parametrize("part", range(1, 7))
def test_one_part_missing(part):
    labels, pictures, _ = clip(12)
    whole = shape_features(pictures)
    pictures[4][labels[4] == part] = 0
    features, unreliable = shape_features(pictures, return_unreliable=True)
    assert np.isfinite(features).all()
    flagged = {name for name, flag in zip(NAMES, unreliable[4], strict=True) if flag}
    word = PARTS[part].replace(" ", "_").replace("lip", "lip_")
    assert {name for name in NAMES if name.startswith(word)} <= flagged
    assert not np.delete(unreliable, 4, axis=0).any()
    reliable = ~unreliable[4]
    np.testing.assert_allclose(features[4, reliable], whole[4, reliable], atol=0.06)
    if part <= 2:  # filled in with the person's median
        name = f"{word}_middle"
        assert column(features, name)[4] == np.median(np.delete(column(features, name), 4))


def test_frames_and_persons_without_a_face_are_filled_in_and_flagged():
    faces = make_faces(3, 8, seed=1).dataset.X1.copy()
    faces[0, 3] = 0
    faces[2] = 0
    features, unreliable = shape_features(faces, return_unreliable=True)
    assert np.isfinite(features).all()
    assert unreliable[0, 3].all() and unreliable[2].all() and not unreliable[0, 4, NAMES.index("mouth_width")]
    np.testing.assert_allclose(features[0, 3], np.median(np.delete(features[0], 3, axis=0), axis=0))
    np.testing.assert_allclose(features[2, 0], np.median(np.median(features[:2], axis=1), axis=0), atol=0.01)
    assert not find_parts(faces)[2].any()


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((3, 64, 64, 3), np.uint8),
        np.ones((64, 64)),
        np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3)).astype(np.uint8),
        np.random.default_rng(0).random((4, 48, 48)),
        np.stack([draw()[1]] * 2).transpose(0, 2, 1, 3),
    ],
    ids=["black", "white", "colour noise", "gray noise", "lying on the side"],
)
def test_no_face_at_all(images):
    with pytest.raises(DatasetError, match=r"no face found in any of the \d+ images; expected drawn"):
        shape_features(images)
    assert not find_parts(images).any()


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 64, 64, 3)) * np.nan, "NaN"),
        (draw()[1] * 1.0, "divide by 255"),
        (np.zeros((0, 64, 64)), "empty"),
        (np.zeros(64), "shape"),
        (np.array([[None]]), "dtype"),
    ],
)
def test_bad_input(images, message):
    for function in (shape_features, find_parts):
        with pytest.raises(ValueError, match=message):
            function(images)


def test_leading_axes_dtypes_and_channels():
    faces = make_faces(2, 6, seed=3).dataset.X1
    features = shape_features(faces)
    assert features.shape == (2, 6, len(NAMES)) and features.dtype == np.float64
    labels = find_parts(faces)
    assert labels.shape == (2, 6, 64, 64) and labels.dtype == np.int8
    before = faces.copy()
    for same in (
        faces / 255.0,
        faces.astype(np.int64),
        np.concatenate([faces, np.full((*faces.shape[:4], 1), 255, np.uint8)], axis=-1),
        np.pad(faces, ((0, 0), (0, 0), (0, 0), (10, 20), (0, 0))),
    ):
        np.testing.assert_allclose(shape_features(same), features)
    np.testing.assert_allclose(shape_features(faces[0]), features[0])
    np.testing.assert_array_equal(before, faces)
    single = shape_features(faces[1, 2])
    assert single.shape == (len(NAMES),)
    np.testing.assert_allclose(single, features[1, 2], atol=0.08)
    assert find_parts(faces[1, 2, ..., 0] > 0).shape == (64, 64)


def test_coverage_of_soft_edges():
    _, hard = draw(64)
    _, soft = draw(64, soft=True)
    ink = find_ink(np.stack([hard]))
    assert set(np.unique(ink.coverage)) == {0, 1} and not ink.noisy
    ink = find_ink(np.stack([soft]))
    assert ink.coverage.sum() == pytest.approx(find_ink(np.stack([hard])).coverage.sum(), rel=0.05)
    assert ((ink.coverage > 0.1) & (ink.coverage < 0.9)).any()


@pytest.mark.parametrize("options", [{}, {"antialias": True}, {"size": 48}, {"head_movement": 3.0}], ids=str)
def test_landmarks_of_drawn_faces_are_recovered(options):
    faces = make_faces(6, 60, seed=4, **options)
    found = shape_features(faces.dataset.X1)
    pairs = {
        "left_eye_opening": ["left_eye_opening"],
        "right_eye_opening": ["right_eye_opening"],
        "left_brow_inner_height": ["left_brow_inner"],
        "right_brow_outer_height": ["right_brow_outer"],
        "mouth_width": ["mouth_width"],
        "mouth_opening": ["mouth_opening"],
        "left_corner_height": ["mouth_curve"],
    }
    for truth, (name,) in pairs.items():
        a, b = faces.dataset.X2[..., X2_NAMES.index(truth)], column(found, name)
        a, b = (v - np.median(v, axis=1, keepdims=True) for v in (a, b))
        assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.75, name


@pytest.mark.skipif(
    not (SHARED / "ckplus_drawn.pickle").exists(), reason="the shared drawn faces are not here"
)
def test_faces_drawn_from_photos():
    data = load(SHARED / "ckplus_drawn.pickle")
    labels = find_parts(data.X1)
    truth = np.zeros(labels.shape, int)
    for parts, colour in (((1, 2), COLOURS[0]), ((3, 4), COLOURS[1]), ((5,), COLOURS[2]), ((6,), COLOURS[3])):
        truth[np.equal(data.X1, colour).all(-1)] = parts[0]
    found = np.array([0, 1, 1, 3, 3, 5, 6])[labels]
    assert (found != truth).sum() < 1e-3 * (truth > 0).sum()
    features, unreliable = shape_features(data.X1, return_unreliable=True)
    assert unreliable.mean() < 0.01
    # X2: 4 mouth width, 6 mouth opening, 8 and 9 brow heights
    for k, name in (
        (4, "mouth_width"),
        (6, "mouth_opening"),
        (8, "left_brow_middle"),
        (9, "right_brow_middle"),
    ):
        assert np.corrcoef(data.X2[..., k].ravel(), column(features, name).ravel())[0, 1] > 0.9, name


def test_photos_are_refused_in_words():
    photo = astronaut()[:64, 100:164]  # it has a face, but nothing in it is a plain background
    assert not find_parts(photo[None]).any()
    with pytest.raises(DatasetError, match="a photo"):
        shape_features(photo[None])

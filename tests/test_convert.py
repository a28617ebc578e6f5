import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesom.io import convert
from facesom.io.convert import GAP, LIGHTEST, to_grayscale
from facesom.io.dataset import DatasetError, FaceDataset, load

SHARED = Path(__file__).parents[2] / "shared" / "data"
COLOURS = np.array([(120, 60, 20), (40, 130, 250), (200, 30, 50), (250, 170, 180)])
LUMINANCE = COLOURS @ [0.299, 0.587, 0.114] / 255  # 0.29, 0.51, 0.33, 0.78: the first and third collide


def kinds(n=6, height=32, width=32, finer=1):
    """Which part, 1 to 4, each pixel shows, 0 for none: two brows, two eyes, two lips, in n positions."""
    faces = np.zeros((n, height * finer, width * finer), int)
    y, x = np.mgrid[: height * finer, : width * finer] / finer
    x, y = (x + 0.5 / finer) / width * 32 - 0.5, (y + 0.5 / finer) / height * 32 - 0.5
    for i, face in enumerate(faces):
        move = i * 0.37
        for side in (-1, 1):
            face[((x - 16 - 7.3 * side) / 5.2) ** 2 + ((y - 8.1 - move) / 1.6) ** 2 < 1] = 1
            face[((x - 16 - 7.3 * side) / 3.1) ** 2 + ((y - 13.2 - move / 2) / 2.2) ** 2 < 1] = 2
        mouth = ((x - 16) / 8.2) ** 2 + ((y - 24) / (3.2 + move)) ** 2 < 1
        face[mouth & (y < 24)] = 3
        face[mouth & (y >= 24)] = 4
    return faces


def paint(parts, colours=COLOURS):
    return np.array([np.zeros_like(colours[0]), *colours], np.uint8)[parts]


def quiet(*arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return to_grayscale(*arguments, **options)


def grays_of(gray, parts):
    """The one gray of each part, which every pixel of it must have."""
    assert np.all(gray[parts == 0] == 1)
    levels = [np.unique(gray[parts == k]) for k in range(1, parts.max() + 1)]
    assert all(len(level) == 1 for level in levels)
    return np.concatenate(levels)


def test_each_part_keeps_its_luminance_and_the_rest_is_white():
    colours = np.array([(90, 40, 20), (40, 130, 250), (20, 10, 100), (250, 170, 180)])
    parts = kinds()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gray = to_grayscale(paint(parts, colours))
    assert gray.dtype == np.float32 and gray.shape == parts.shape
    np.testing.assert_allclose(grays_of(gray, parts), colours @ [0.299, 0.587, 0.114] / 255, atol=1e-6)


def test_colliding_grays_move_apart_in_order_and_the_others_stay():
    parts = kinds()
    with pytest.warns(UserWarning) as caught:
        grays = grays_of(to_grayscale(paint(parts)), parts)
    assert len(caught) == 1 and caught[0].filename == __file__
    message = str(caught[0].message)
    assert "(120, 60, 20) 0.288 ->" in message and "(200, 30, 50) 0.326 ->" in message
    assert "(40, 130, 250)" not in message and "(250, 170, 180)" not in message
    np.testing.assert_allclose(grays[[1, 3]], LUMINANCE[[1, 3]], atol=1e-6)
    assert grays[2] - grays[0] == pytest.approx(GAP, abs=1e-6)
    assert grays[[0, 2]].mean() == pytest.approx(LUMINANCE[[0, 2]].mean(), abs=1e-6)


def test_parts_near_white_stay_visible_and_distinct():
    colours = np.array([(255, 255, 0), (255, 255, 255), (240, 250, 240), (30, 20, 10)])
    parts = kinds()
    with pytest.warns(UserWarning, match=r"\(255, 255, 255\) 1.000 -> 0.800"):
        grays = grays_of(to_grayscale(paint(parts, colours)), parts)
    np.testing.assert_allclose(grays[[1, 2, 0]], LIGHTEST - GAP * np.arange(3), atol=1e-6)


def test_equal_luminance_becomes_two_grays():
    colours = np.array([(100, 0, 0), (0, 0, 255), (200, 100, 100), (0, 200, 0)])
    colours[1] = (0, 0, 100 * 0.299 / 0.114)
    parts = kinds()
    grays = grays_of(quiet(paint(parts, colours)), parts)
    assert np.diff(np.sort(grays)).min() >= GAP - 1e-6


@given(
    st.lists(st.tuples(*[st.integers(0, 255)] * 3).filter(any), min_size=1, max_size=12, unique=True),
    st.booleans(),
)
@settings(deadline=None)
def test_spread_is_ordered_visible_and_moves_no_more_than_it_must(colours, on_white):
    notes = []
    colours = np.array(colours)
    grays = convert._spread(255 - colours if on_white else colours, on_white, notes)
    luminance = colours @ [0.299, 0.587, 0.114] / 255
    gap = min(GAP, LIGHTEST / max(len(colours) - 1, 1))
    order = np.argsort(grays)
    assert grays.min() >= -1e-9 and grays.max() <= LIGHTEST + 1e-9
    assert np.all(np.diff(grays[order]) >= gap - 1e-9) and np.all(np.diff(luminance[order]) >= -1e-9)
    fine = luminance.max() <= LIGHTEST and (len(colours) < 2 or np.diff(np.sort(luminance)).min() >= gap)
    if fine:
        np.testing.assert_allclose(grays, luminance)
        assert not notes


def test_same_intensity_is_one_dark_gray_without_warning():
    parts = kinds()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gray = to_grayscale(paint(parts), same_intensity=True)
    assert np.array_equal(gray, np.where(parts > 0, 0, 1))


@pytest.mark.parametrize(
    "colours", [COLOURS, np.array([(90, 30, 0), (0, 0, 250), (250, 250, 0), (200, 0, 60)])]
)
def test_antialiased_edges_blend_as_the_gray_drawing_would(colours):
    def shrink(fine):
        return fine.reshape(8, 32, 8, 32, 8, *fine.shape[3:]).mean(axis=(2, 4))

    fine = kinds(8, finer=8)
    smooth = np.round(shrink(paint(fine, colours).astype(float))).astype(np.uint8)
    assert len(np.unique(smooth.reshape(-1, 3), axis=0)) > 100
    grays = grays_of(quiet(paint(fine, colours)), fine)
    expected = shrink(np.array([1, *grays])[fine])
    error = np.abs(quiet(smooth) - expected)
    # where three parts meet, a pixel may have two readings
    assert np.mean(error > 0.02) < 0.01 and error.max() < 0.5
    inside = np.isin(expected, [1, *grays])
    assert error[inside].max() < 1e-6
    ink = shrink((fine > 0).astype(float))
    error = np.abs(quiet(smooth, same_intensity=True) - (1 - ink))
    assert np.mean(error > 0.02) < 0.02


def test_a_dark_part_is_no_shade_of_a_bright_one():
    colours = np.array([(90, 0, 0), (0, 0, 250), (200, 0, 0), (250, 170, 180)])
    fine = kinds(8, finer=4)
    smooth = paint(fine, colours).reshape(8, 32, 4, 32, 4, 3).mean(axis=(2, 4)).round().astype(np.uint8)
    expected = grays_of(quiet(paint(fine, colours)), fine)
    gray = quiet(smooth)
    for colour, level in zip(colours, expected, strict=True):
        np.testing.assert_allclose(gray[(smooth == colour).all(axis=-1)], level, atol=1e-6)


def test_lines_thinner_than_a_pixel_are_no_colours_of_their_own():
    images = np.zeros((1, 16, 16, 3), np.uint8)
    images[0, 3:5, 2:14] = (200, 100, 0)
    images[0, 8, 2:14] = (50, 25, 0)
    gray = quiet(np.repeat(images, 20, axis=0), same_intensity=True)
    np.testing.assert_allclose(gray[0, 8, 2:14], 0.75, atol=0.01)


def test_all_forms_of_input_give_the_same_drawing():
    parts = kinds(height=48, width=40)
    rgb = paint(parts)
    expected = quiet(rgb)
    alpha = np.where(parts > 0, 255, 0)[..., None].astype(np.uint8)
    veiled = np.concatenate([np.where(alpha > 0, rgb, 77), alpha], axis=-1).astype(np.uint8)
    for other in (
        rgb / 255,
        (rgb / 255).astype(np.float32),
        rgb.astype(int),
        veiled,
        veiled / 255,
        np.asfortranarray(rgb),
    ):
        found = quiet(other)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=1e-6)
    for shape in ((48, 40), (2, 3, 48, 40), (1, 6, 1, 48, 40)):
        images = rgb[0] if len(shape) == 2 else rgb.reshape(*shape, 3)
        assert quiet(images).shape == shape
    half = veiled.copy()
    half[..., 3] //= 2
    np.testing.assert_allclose(quiet(half), quiet((rgb * (127 / 255) + 0.5).astype(np.uint8)), atol=0.01)


def test_gray_on_black_turns_to_white_and_keeps_its_levels():
    parts = kinds()
    levels = np.array([60, 130, 90, 190])
    images = np.array([0, *levels], np.uint8)[parts]
    for form in (images, images / 255, images.astype(np.float32) / 255):
        np.testing.assert_allclose(grays_of(quiet(form), parts), levels / 255, atol=1e-6)
    assert np.array_equal(quiet(images > 0, same_intensity=True), np.where(parts > 0, 0, 1))


def test_gray_on_white_is_left_alone():
    parts = kinds()
    gray = quiet(paint(parts))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = to_grayscale(gray)
    assert np.array_equal(again, gray) and np.shares_memory(again, gray)
    found = to_grayscale(np.round(gray * 255).astype(np.uint8))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, gray, atol=0.003)
    assert np.array_equal(to_grayscale(gray, same_intensity=True), np.where(parts > 0, 0, 1))


def test_colour_on_white_keeps_its_luminance():
    parts = kinds()
    images = np.array([(255, 255, 255), *COLOURS], np.uint8)[parts]
    grays = grays_of(quiet(images), parts)
    np.testing.assert_allclose(grays[[1, 3]], LUMINANCE[[1, 3]], atol=1e-6)


def test_a_part_has_one_gray_however_seldom_it_is_seen():
    parts = kinds(40)
    parts[1:][parts[1:] == 2] = 0  # eyes that are open once
    grays = grays_of(quiet(paint(parts)), parts)
    assert grays[1] == pytest.approx(LUMINANCE[1], abs=1e-6)


@pytest.mark.parametrize("colour", [(), (3,), (4,)])
@pytest.mark.parametrize("same", [False, True])
def test_no_ink_is_white(colour, same):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.all(to_grayscale(np.zeros((2, 16, 16, *colour)), same) == 1)


def test_what_is_no_flat_drawing_is_said_and_still_in_range():
    noise = np.random.default_rng(0).integers(0, 256, (4, 24, 24, 3), dtype=np.uint8)
    with pytest.warns(UserWarning, match="neither black nor white; expected drawings on black, not photos"):
        gray = to_grayscale(noise)
    assert gray.min() >= 0 and gray.max() <= 1
    blocks = np.zeros((1, 64, 64, 3), np.uint8)
    for k in range(30):
        blocks[0, 2 + k // 6 * 12 : 12 + k // 6 * 12, 2 + k % 6 * 10 : 10 + k % 6 * 10] = (
            k * 8 + 20,
            255 - k * 8,
            k * 53 % 256,
        )
    with pytest.warns(UserWarning, match="more than 12 colours fill areas"):
        to_grayscale(blocks)


def test_a_data_set_keeps_the_rest():
    parts = kinds(6).reshape(2, 3, 32, 32)
    data = FaceDataset(paint(parts), np.random.default_rng(0).normal(size=(2, 3, 12)), np.array([0, 1]))
    gray = quiet(data)
    assert isinstance(gray, FaceDataset) and gray.X2 is data.X2 and gray.y is data.y
    assert gray.X1.shape == (2, 3, 32, 32) and np.array_equal(gray.X1, quiet(data.X1))
    assert np.array_equal(data.X1, paint(parts))


def test_bad_images_are_named():
    with pytest.raises(DatasetError, match="images has dtype object"):
        to_grayscale([None])
    with pytest.raises(DatasetError, match="divide by 255"):
        to_grayscale(paint(kinds()).astype(float))


def test_shared_drawings_have_four_grays():
    path = SHARED / "ckplus_drawn.pickle"
    if not path.exists():
        pytest.skip("the shared data are not here")
    data = load(path)
    data = FaceDataset(data.X1[::5], data.X2[::5], data.y[::5])
    codes = data.X1.astype(int) @ [1, 256, 65536]
    gray = quiet(data).X1
    assert np.array_equal(gray == 1, codes == 0)
    assert len(np.unique(gray)) == len(np.unique(codes)) == 5
    assert len(np.unique(np.stack([codes, np.round(gray * 1e6)], -1).reshape(-1, 2), axis=0)) == 5

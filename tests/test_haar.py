"""Haar-like features say where a face is brighter than beside it, and nothing about its light."""

import numpy as np
import pytest

from facesom.features import Haar

FACES = np.random.default_rng(0).integers(0, 256, (5, 24, 30), dtype=np.uint8)


def responses(face, cell=4):
    haar = Haar(cell)
    return dict(zip(haar.fit([face]).get_feature_names_out(), haar.transform([face])[0], strict=True))


def test_each_pattern_answers_to_what_it_is_made_for():
    face = np.full((24, 24), 50, np.uint8)
    face[:, 12:] = 150
    found = responses(face)
    scale = 2 / 100 * 100  # the standard deviation is half of the step
    assert found["haar_4_two_across_0_2"] == pytest.approx(scale)
    assert found["haar_4_two_across_0_1"] == found["haar_4_two_down_2_3"] == found["haar_4_four_1_2"] == 0
    assert found["haar_4_three_across_1_1"] == pytest.approx(-scale) == -found["haar_4_three_across_1_2"]
    turned = responses(face.T)
    assert turned["haar_4_two_down_2_0"] == pytest.approx(scale) and turned["haar_4_two_across_0_2"] == 0
    crossed = face.copy()
    crossed[12:] = 200 - face[12:]
    assert responses(crossed)["haar_4_four_2_2"] == pytest.approx(-2 * scale)


def test_a_response_is_a_difference_of_sums():
    face, found = FACES[0].astype(float), responses(FACES[0])
    dark, light = face[8:12, 4:8].mean(), face[8:12, 8:12].mean()
    assert found["haar_4_two_across_2_1"] == pytest.approx((light - dark) / face.std(), rel=1e-4)
    assert {name.split("_")[1] for name in found} == {"4", "8"}, "cells of 16 do not fit three times"


def test_light_and_contrast_do_not_count_and_nothing_is_nothing():
    darker = (FACES / 255 * 0.4 + 0.2).astype(np.float32)
    np.testing.assert_allclose(Haar().fit_transform(darker), Haar().fit_transform(FACES), atol=1e-4)
    with pytest.warns(UserWarning, match="constant"):
        assert not Haar().fit_transform(np.full((2, 24, 24), 90, np.uint8)).any()
    assert Haar().fit(FACES).picture(FACES).shape == (5, 24, 28)


def test_wrong_cells():
    with pytest.raises(ValueError, match="cell: expected a whole number"):
        Haar(1.5).fit(FACES)
    with pytest.raises(ValueError, match=r"Haar\(cell=9\): expected faces of at least 27 × 27"):
        Haar(9).fit(FACES)

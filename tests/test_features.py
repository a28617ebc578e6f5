"""Features: what each sees, alike in every form of the same image, and what it says of bad input."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import distance_transform_edt
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

import facesom
from facesom.features.classical import HOG, LBP, Contours, Edges, PartGeometry, Pixels
from facesom.features.face_transformer import as_gray
from facesom.groups.node_groups import NodeGroups

ALL = [Pixels(), HOG(), LBP(), LBP(8, 12, 1.5), Edges(), Edges(distance=False), Contours(), PartGeometry()]


def name_of(transformer):
    return repr(transformer)


@pytest.fixture(scope="module")
def drawn():
    return facesom.make_faces(3, 40, seed=3)


@pytest.fixture(scope="module")
def gray(drawn):
    return facesom.to_grayscale(drawn.dataset).X1


@pytest.fixture(scope="module")
def as_bytes(gray):
    return np.rint(gray * 255).astype(np.uint8)


@pytest.mark.parametrize("transformer", ALL, ids=name_of)
class TestEveryTransformer:
    def test_a_row_of_finite_named_numbers_a_face(self, transformer, gray):
        rows = clone(transformer).fit(gray[0]).transform(gray[0])
        names = clone(transformer).fit(gray[0]).get_feature_names_out()
        assert rows.shape == (len(gray[0]), len(names)) and np.isfinite(rows).all()
        assert len(set(names)) == len(names)

    def test_persons_come_one_after_another(self, transformer, gray):
        fitted = clone(transformer).fit(gray)
        alone = np.concatenate([fitted.transform(person) for person in gray])
        np.testing.assert_allclose(fitted.transform(gray), alone, atol=1e-6)

    def test_persons_may_have_unequal_numbers_of_frames(self, transformer, gray):
        fitted, unequal = clone(transformer).fit(gray), [gray[0], gray[1, :20]]
        alone = np.concatenate([fitted.transform(person) for person in unequal])
        np.testing.assert_allclose(fitted.transform(unequal), alone, atol=1e-6)
        assert fitted.picture(unequal).shape[0] == 60

    def test_bytes_and_floats_are_the_same_picture(self, transformer, as_bytes):
        fitted = clone(transformer).fit(as_bytes)
        as_floats = fitted.transform(as_bytes / 255)
        np.testing.assert_allclose(fitted.transform(as_bytes), as_floats, atol=1e-5)
        three = np.repeat(as_bytes[..., None], 3, axis=-1)
        np.testing.assert_allclose(fitted.transform(three), as_floats, atol=1e-5)

    def test_its_picture_is_a_face_to_look_at(self, transformer, gray):
        seen = facesom.io.as_faces(clone(transformer).fit(gray).picture(gray[1, :5]))
        assert seen.ndim == 3 and len(seen) == 5 and seen.std(axis=(1, 2)).min() > 0.01
        assert np.median(seen) > 0.9, "on white"

    def test_sizes_must_be_those_of_fit(self, transformer, gray):
        fitted = clone(transformer).fit(gray)
        with pytest.raises(ValueError, match=r"faces of 64 × 64 pixels as in fit, got 60 × 64.*resize"):
            fitted.transform(gray[:, :, 2:-2])
        with pytest.raises(ValueError, match="not fitted yet"):
            clone(transformer).transform(gray)

    def test_one_face_and_features_are_refused(self, transformer, gray):
        with pytest.raises(ValueError, match=r"pass X\[None\]"):
            clone(transformer).fit(gray[0, 0])
        with pytest.raises(ValueError, match="flattened"):
            clone(transformer).fit(gray[0].reshape(40, -1))


def test_rows_can_be_a_data_frame(gray):
    pd = pytest.importorskip("pandas")
    table = PartGeometry().set_output(transform="pandas").fit_transform(gray)
    assert isinstance(table, pd.DataFrame) and list(table.columns) == facesom.feature_names()


def test_pipelines_end_in_a_map_and_its_groups(gray):
    pipeline = make_pipeline(HOG(), PCA(10, random_state=0), facesom.FaceSOM(4, 4, seed=0))
    nodes = pipeline.fit(gray[0]).predict(gray[0])
    groups = NodeGroups(3).fit(pipeline[-1]).predict(nodes)
    assert set(groups) == {0, 1, 2}


def test_principal_components_give_faces_back(gray):
    everything = make_pipeline(Pixels(), PCA(svd_solver="full")).fit(gray[0])
    again = everything.inverse_transform(everything.transform(gray[0]))
    np.testing.assert_allclose(again, gray[0], atol=1e-4)


def stripes(degrees, side=32):
    y, x = np.mgrid[:side, :side]
    turn = np.deg2rad(degrees)
    return (0.5 + 0.5 * np.sin((x * np.cos(turn) + y * np.sin(turn)) / 2)).astype(np.float32)


def test_hog_tells_which_way_edges_run():
    faces = np.stack([stripes(angle) for angle in (0, 90, 45)])
    rows = HOG().fit_transform(faces).reshape(3, -1, 9).mean(axis=1)
    main = rows.argmax(axis=1)
    assert len(set(main)) == 3
    assert (rows.max(axis=1) > 1.4 * np.sort(rows, axis=1)[:, -3]).all(), "one direction stands out"


def test_lbp_does_not_care_for_brightness():
    rng = np.random.default_rng(0)
    faces = rng.integers(0, 100, (4, 32, 32)).astype(np.uint8)
    darker, brighter = LBP().fit_transform(faces), LBP().fit_transform(faces * 2 + 20)
    np.testing.assert_array_equal(darker, brighter)
    np.testing.assert_allclose(darker.reshape(4, 4, -1).sum(axis=2), 1, rtol=1e-6)
    assert (LBP().fit_transform(faces[:, ::-1]) != darker).any()


def square(top, left, side=10, size=40):
    face = np.ones((size, size), np.float32)
    face[top : top + side, left : left + side] = 0
    return face


def test_edges_are_where_the_square_ends():
    face = square(10, 12)
    edges = Edges(distance=False).fit_transform(face[None]).reshape(40, 40)
    y, x = np.nonzero(edges)
    assert {y.min(), y.max()} <= {9, 10, 19, 20} and {x.min(), x.max()} <= {11, 12, 21, 22}
    distances = Edges(reach=5).fit_transform(face[None]).reshape(40, 40)
    assert (distances[edges > 0] == 0).all() and distances.max() == 5
    assert abs(distances[15, 17] - 4) <= 1, "the middle is half a side away from the edge"


def test_distances_to_edges_are_true_to_the_last_bit(gray):
    away = Edges(distance=False).fit_transform(gray).reshape(-1, 64, 64) == 0
    truth = np.array([np.minimum(distance_transform_edt(face), 8) for face in away], dtype=np.float32)
    np.testing.assert_array_equal(Edges().fit_transform(gray), truth.reshape(len(away), -1))


def test_distances_to_edges_change_less_than_edges_where_a_line_moves():
    here, there, far = square(10, 12), square(11, 12), square(25, 25)
    for transformer, moved_little in ((Edges(), 0.2), (Edges(distance=False), 0.5)):
        a, b, c = transformer.fit_transform(np.stack([here, there, far]))
        assert (np.linalg.norm(a - b) / np.linalg.norm(a - c) < 0.35) == (moved_little == 0.2)


def test_contours_measure_what_is_drawn():
    faces = np.stack([square(5, 5), square(8, 9), square(25, 5)])
    table = dict(
        zip(Contours().fit(faces).get_feature_names_out(), Contours().fit_transform(faces).T, strict=True)
    )
    np.testing.assert_array_equal(table["zone_0_0_contours"], [1, 1, 0])
    np.testing.assert_allclose(table["zone_0_0_ink"], [100 / 400, 100 / 400, 0])
    np.testing.assert_allclose(table["zone_0_0_y"][:2], [9.5 / 20, 12.5 / 20])
    np.testing.assert_allclose(table["zone_0_0_x"][:2], [9.5 / 20, 13.5 / 20])
    np.testing.assert_allclose(table["zone_0_0_length"][:2], 36 / 20)
    np.testing.assert_allclose(table["zone_0_0_hu1"][0], table["zone_0_0_hu1"][1], rtol=1e-6)
    assert all((table[f"zone_1_1_{c}"] == 0).all() for c in ("contours", "ink", "hu1", "hu7"))


def test_contours_take_black_and_white_paper_alike(gray):
    np.testing.assert_allclose(
        Contours().fit_transform(gray[0]), Contours().fit_transform(1 - gray[0]), atol=1e-6
    )


def test_part_geometry_is_the_shape_features(drawn):
    rows = PartGeometry().fit_transform(drawn.dataset.X1)
    np.testing.assert_array_equal(rows.reshape(3, 40, -1), facesom.shape_features(drawn.dataset.X1))


@pytest.fixture(scope="module")
def three_expressions():
    """Frames at rest, surprised and laughing, of one person who keeps still; and which is which."""
    faces = facesom.make_faces(1, 400, seed=4, mix="balanced", head_movement=0)
    truth, strength = faces.expressions[0], faces.intensities[0]
    wanted = [faces.expression_names.index(name) for name in ("neutral", "surprised", "laugh")]
    chosen = np.isin(truth, wanted) & ((strength > 0.6) | (strength < 0.05))
    return facesom.to_grayscale(faces.dataset).X1[0, chosen], truth[chosen]


@pytest.mark.parametrize("transformer", ALL, ids=name_of)
def test_frames_of_one_expression_are_neighbours(transformer, three_expressions):
    images, truth = three_expressions
    rows = clone(transformer).fit_transform(images)
    rows = (rows - rows.mean(axis=0)) / (rows.std(axis=0) + 0.1 * rows.std())
    folds = KFold(2)  # two halves of a video: other episodes
    right = cross_val_score(KNeighborsClassifier(1), rows, truth, cv=folds).mean()
    assert right > 0.8, f"always the commonest is right in {np.bincount(truth).max() / len(truth):.2f}"


def test_constant_images_warn_and_give_plain_results(gray):
    faces = np.concatenate([gray[0, :3], np.ones((2, 64, 64), np.float32)])
    for transformer in ALL[:-1]:
        with pytest.warns(UserWarning, match=r"2 of 5 images are constant \(first: 3\)"):
            rows = clone(transformer).fit_transform(faces)
        assert np.isfinite(rows).all() and (rows[3] == rows[4]).all()
    with pytest.warns(UserWarning, match="constant"):
        assert (HOG().fit_transform(faces)[3] == 0).all()
    with pytest.warns(UserWarning, match="constant"):
        assert (Edges(reach=6).fit_transform(faces)[3] == 6).all()
    with pytest.warns(UserWarning, match="constant"):
        assert (Contours().fit_transform(faces)[3] == 0).all()


def test_ranges_that_are_mixed_up_are_told(as_bytes):
    with pytest.raises(ValueError, match=r"float64 runs from 77 to 255.*divide by 255"):
        HOG().fit(as_bytes[0].astype(float))
    with pytest.raises(
        ValueError, match=r"40 of 40 images \(first: 0\) that reach only 0\.0039 of full white"
    ):
        HOG().fit(as_bytes[0] / 255 / 255)
    truncated = (as_bytes[0] / 255).astype(np.uint8)
    with pytest.raises(ValueError, match=r"in 0\.\.1 already when they were .* made integers"):
        HOG().fit(truncated)
    mixed = np.concatenate([as_bytes[0, :5] / 255.0, as_bytes[0, 5:7] / 255.0 / 255])
    with pytest.raises(ValueError, match=r"2 of 7 images \(first: 5\)"):
        Pixels().fit(mixed)


@pytest.mark.parametrize(
    ("transformer", "side", "message"),
    [
        (
            HOG(),
            15,
            r"HOG\(\): expected faces of at least 16 × 16 pixels, got 15 × 15; .*smaller cells",
        ),
        (LBP(), 15, r"LBP\(\): expected faces of at least 16 × 16 pixels, got 15 × 15"),
        (Contours(rows=3), 11, r"\(rows=3\): expected faces of at least 12 × 12 pixels, got 11 × 11"),
    ],
    ids=["HOG", "LBP", "Contours"],
)
def test_faces_too_small_for_cells(transformer, side, message):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=message):
        transformer.fit(rng.random((2, side, side)))
    assert np.isfinite(clone(transformer).fit_transform(rng.random((2, side + 1, side + 1)))).all()


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (HOG(cell=0), "cell: expected a whole number from 1 up, got 0"),
        (HOG(orientations=2.5), "orientations: expected a whole number"),
        (LBP(n_points=True), "n_points: expected a whole number from 1 up, got True"),
        (LBP(radius=0), "radius: expected a number over 0, got 0"),
        (Edges(reach=-1), "reach: expected a number over 0, got -1"),
        (Edges(low=200), "low: expected at most high = 150, got 200; swap"),
        (Contours(cols="2"), "cols: expected a whole number from 1 up, got '2'"),
    ],
    ids=str,
)
def test_parameters_that_make_no_features(transformer, message, gray):
    with pytest.raises(ValueError, match=message):
        transformer.fit(gray[0])


def test_colour_becomes_luminance_and_transparency_black():
    pixel = np.zeros((1, 8, 8, 4), np.uint8)
    pixel[...] = 255, 0, 0, 255
    pixel[0, 0, 0] = 0, 255, 0, 255
    pixel[0, 0, 1] = 255, 255, 255, 0
    gray = as_gray(pixel)
    np.testing.assert_allclose(gray[0, 1, 1], 0.299, atol=1e-6)
    np.testing.assert_allclose(gray[0, 0, :2], [0.587, 0], atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(16, 40), st.integers(16, 40))),
    st.sampled_from(ALL[:-1]),
)
def test_any_image_gives_finite_rows(images, transformer):
    if (images.max(axis=(1, 2)) <= 1).any():
        images = images | np.uint8(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constant images
        rows = clone(transformer).fit_transform(images)
    assert len(rows) == len(images) and np.isfinite(rows).all()

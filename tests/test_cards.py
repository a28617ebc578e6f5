"""Pictures of groups: the curves, the tree and the cards show what they were given."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.offsetbox import AnnotationBbox
from skimage import data

import facesom
from facesom.groups.how_many import GroupChoice
from facesom.plots.cards import CENTRAL, DOUBTFUL, group_faces, plot_group_cards, plot_group_tree
from facesom.plots.choices import plot_n_groups

RNG = np.random.default_rng(0)
FACES = RNG.random((2, 12, 10, 8)).astype(np.float32)
GROUPS = np.tile([0, 0, 0, 1, 1, 1, 2, 2, 2, -1, 0, 1], (2, 1))
DISTANCES = RNG.random((2, 12))


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def cells(ax, k):
    """Tiles of group k's card without its headline, (columns, H, W, 3), from the picture on the axes."""
    image = ax.images[0].get_array()
    n_cols = 2 + CENTRAL + DOUBTFUL
    row = image.reshape(-1, image.shape[0] // 3, *image.shape[1:])[k][1:-1][-10:]
    return row.reshape(10, n_cols, 10, 3).swapaxes(0, 1)[:, :, 1:-1]


def test_curves_rings_and_the_recommended_number():
    picks = {"Davies-Bouldin": 2, "silhouette": 3, "gap": 4, "stability": 3}
    curves = [RNG.random(3) for _ in range(7)]
    axes = plot_n_groups(GroupChoice(np.array([2, 3, 4]), *curves, (), picks, 3, "why"))
    for ax, (name, pick), values in zip(axes, picks.items(), (0, 1, 2, 4), strict=True):
        assert ax.get_title() == f"{name}: {pick}"
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), curves[values])
        ring = next(line for line in ax.lines if line.get_markersize() == 14)
        assert ring.get_xdata() == [pick]
        dotted = next(line for line in ax.lines if line.get_linestyle() == ":")
        assert list(dotted.get_xdata()) == [3, 3]


def test_the_nearest_groups_are_neighbours_in_the_tree():
    distances = np.array([[0, 9, 1], [9, 0, 8], [1, 8, 0.0]])
    ax = plot_group_tree(distances, FACES[0, :3], words=["a", "b", "c"])
    order = [text.get_text()[0] for text in ax.texts]
    assert sorted(order) == ["0", "1", "2"] and order[1] != "1"
    boxes = [artist for artist in ax.artists if isinstance(artist, AnnotationBbox)]
    assert len(boxes) == 3
    shown = boxes[0].offsetbox.get_data()
    np.testing.assert_array_equal(shown, FACES[0, int(order[0])])
    joins = ax.collections[0].get_segments()
    assert max(np.max(s[:, 0]) for s in joins) == 8.5, "the mean of 9 and 8"


@pytest.mark.parametrize(
    "distances, n_faces, words, message",
    [
        ([[0.0]], 1, None, "at least two groups"),
        ([[0, 1], [2, 0]], 2, None, "symmetric"),
        (np.zeros((2, 3)), 2, None, r"got shape \(2, 3\)"),
        (np.zeros((2, 2)), 3, None, "faces: expected one for each of 2 groups, got 3"),
        (np.zeros((2, 2)), 2, ["a"], "words: expected one for each of 2 groups, got 1"),
    ],
)
def test_what_is_no_tree_is_said(distances, n_faces, words, message):
    with pytest.raises(ValueError, match=message):
        plot_group_tree(distances, FACES[0, :n_faces], words=words)


def test_a_card_shows_the_mean_the_typical_and_the_doubtful():
    doubts = RNG.random((2, 12))
    ax = plot_group_cards(FACES, GROUPS, DISTANCES, doubts=doubts, words=["a", "b", "c"])
    assert [text.get_text() for text in ax.texts[:3]] == ["0 (8)  a", "1 (8)  b", "2 (6)  c"]
    images, groups = FACES.reshape(-1, 10, 8), GROUPS.ravel()
    for k in range(3):
        tiles = cells(ax, k)[..., 0]
        mine = np.flatnonzero(groups == k)
        np.testing.assert_allclose(tiles[0], images[mine].mean(axis=0), atol=1e-6)
        nearest = mine[DISTANCES.ravel()[mine].argmin()]
        np.testing.assert_array_equal(tiles[2], images[nearest])
        other = mine[(mine >= 12) != (nearest >= 12)]
        np.testing.assert_array_equal(tiles[3], images[other[DISTANCES.ravel()[other].argmin()]])
        np.testing.assert_array_equal(tiles[2 + CENTRAL], images[mine[doubts.ravel()[mine].argmax()]])


def test_change_is_blue_where_a_group_draws_more():
    faces = np.ones((1, 4, 8, 8))
    faces[0, 2:, 2:4] = 0  # dark
    ax = plot_group_cards(faces, [[0, 0, 1, 1]], np.zeros((1, 4)))
    image = ax.images[0].get_array()
    half = image.shape[0] // 2
    assert half == 2 + (2 + 2 + 2) + 2, "headline, two dark rows with a margin, gap: the rest is cut off"
    for top, more_blue in ((0, False), (half, True)):  # only the second group draws there
        red, _, blue = image[top + 5 : top + 7, 11:19].reshape(-1, 3).mean(axis=0)
        assert (blue > red) == more_blue


def test_drawn_faces_have_a_sharp_mean_and_photographs_one_of_pixels():
    drawn = facesom.make_faces(3, 20, seed=3)
    gray = facesom.to_grayscale(drawn.dataset.X1)
    means, pixels = group_faces(gray, drawn.expressions), gray[drawn.expressions == 0].mean(axis=0)
    assert means[0].min() < pixels.min() - 0.05, "dark where the mean of pixels is a blur"
    assert ((means[0] > 0.05) & (means[0] < 0.95)).mean() < ((pixels > 0.05) & (pixels < 0.95)).mean()
    ax = plot_group_cards(gray, drawn.expressions, np.zeros(gray.shape[:2]))
    assert (np.abs(ax.images[0].get_array()[..., 0] - means[0].min()) < 1e-6).any(), "so has its card"
    photos = data.lfw_subset()[None, :40]
    np.testing.assert_allclose(
        group_faces(photos, np.zeros((1, 40), int))[0], photos[0].mean(axis=0), rtol=1e-5
    )


def test_an_empty_group_has_an_empty_card_and_no_face():
    ax = plot_group_cards(FACES, np.where(GROUPS == 1, 0, GROUPS), DISTANCES)
    assert ax.texts[1].get_text() == "1 (0)"
    assert (cells(ax, 1)[2:] == 1).all()
    faces = group_faces(FACES, np.where(GROUPS == 1, 0, GROUPS), n_groups=4)
    assert np.isnan(faces[1]).all() and np.isnan(faces[3]).all() and not np.isnan(faces[[0, 2]]).any()


def test_means_of_persons_with_unequal_frames():
    faces = group_faces([FACES[0], FACES[1][:2]], [GROUPS[0], GROUPS[1][:2]])
    expected = np.concatenate([FACES[0][GROUPS[0] == 0], FACES[1][:2]]).mean(axis=0)
    np.testing.assert_allclose(faces[0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    "images, groups, distances, message",
    [
        (FACES[0, 0], GROUPS, DISTANCES, "images: expected 3 axes|groups: expected one for each frame"),
        (FACES, GROUPS[:, :5], DISTANCES, r"groups: expected one for each frame, \[12, 12\]"),
        (FACES, GROUPS, DISTANCES[:1], "distances: expected one for each of 24 frames, got 12"),
    ],
)
def test_what_does_not_fit_the_cards_is_said(images, groups, distances, message):
    with pytest.raises(ValueError, match=message):
        plot_group_cards(images, groups, distances)


def test_plots_draw_on_the_axes_they_are_given():
    _, ax = plt.subplots()
    assert plot_group_cards(FACES, GROUPS, DISTANCES, ax=ax) is ax
    assert plot_group_tree(np.array([[0, 1], [1, 0.0]]), FACES[0, :2], ax=ax) is ax

"""Pictures: the right face in the right place, walls where prototypes differ, manners towards Matplotlib."""

from dataclasses import replace

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

from facesom import plots
from facesom.drawn import make_faces
from facesom.identity import GroupCurve, group_across_persons
from facesom.parts import find_parts
from facesom.plots.tiles import DARKEST, EMPTY, cell_corners, grid_image
from facesom.som.choose import choose_parameters
from facesom.som.map import FaceSOM

RNG = np.random.default_rng(0)
FACES = RNG.random((60, 16, 12))


@pytest.fixture(scope="module", params=["rectangular", "hexagonal"])
def som(request):
    return FaceSOM(rows=4, cols=5, topology=request.param, n_epochs=5).fit(FACES)


@pytest.fixture(scope="module")
def feature_som():
    features = np.column_stack([np.linspace(0, 1, 50), np.linspace(1, -1, 50) ** 2, np.ones(50)])
    return FaceSOM(rows=3, cols=4, n_epochs=5).fit(features)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(8, 11), st.integers(8, 11), st.integers(0, 5))
def test_every_face_is_found_again_in_the_picture(rows, cols, h, w, gap):
    faces = np.random.default_rng(1).random((rows, cols, h, w)).astype(np.float32)
    image = grid_image(faces, gap=gap, fill=0.5)
    assert image.shape == (rows * (h + gap), cols * (w + gap))
    cells = image.reshape(rows, h + gap, cols, w + gap).swapaxes(1, 2)
    inner = slice(gap // 2, gap // 2 + h), slice(gap // 2, gap // 2 + w)
    np.testing.assert_array_equal(cells[..., inner[0], inner[1]], faces)
    rim = np.ones((h + gap, w + gap), dtype=bool)
    rim[inner] = False
    assert (cells[:, :, rim] == 0.5).all()


def test_hexagonal_picture_shifts_every_second_column_by_half_a_cell():
    faces = np.zeros((3, 4, 8, 8))
    image = grid_image(faces, gap=2, topology="hexagonal")
    assert image.shape == (35, 40)
    first_dark = (image < 0.5).argmax(axis=0).reshape(4, 10)[:, 5]
    np.testing.assert_array_equal(first_dark, [6, 1, 6, 1])


@pytest.mark.parametrize("topology", ["rectangular", "hexagonal"])
@pytest.mark.parametrize("gap", [1, 2, 5])
def test_the_wall_stands_between_the_nodes_that_differ(topology, gap):
    faces = np.ones((2, 4, 8, 8))
    weights = np.repeat([[[0.0], [0.0], [9.0], [9.0]]], 2, axis=0)
    image = grid_image(faces, gap=gap, weights=weights, topology=topology)
    step = 8 + gap
    dark = image[image.shape[0] // 2] < 0.5
    middle = np.flatnonzero(dark)
    np.testing.assert_allclose(image[image.shape[0] // 2, middle], 1 - DARKEST, atol=1e-6)
    wall = 2 * step + gap // 2 - gap + np.arange(gap)
    np.testing.assert_array_equal(middle, wall)


def test_equal_prototypes_have_no_walls():
    assert (grid_image(np.ones((2, 2, 8, 8)), weights=np.ones((2, 2, 3))) == 1).all()
    assert grid_image(np.ones((1, 1, 8, 8)), weights=np.ones((1, 1, 3))).shape == (10, 10)


def test_colour_bytes_alpha_and_empty_nodes():
    red = np.zeros((1, 2, 8, 8, 3), dtype=np.uint8)
    red[..., 0] = 255
    image = grid_image(red)
    assert image.dtype == np.float32 and image.shape == (10, 20, 3)
    np.testing.assert_array_equal(image[5, 5], [1, 0, 0])
    clear = np.concatenate([red, np.zeros_like(red[..., :1])], axis=-1)
    np.testing.assert_array_equal(grid_image(clear)[5, 5], [0, 0, 0])
    gray = np.zeros((1, 2, 8, 8))
    gray[0, 1, 3, 3] = np.nan
    image = grid_image(gray)
    assert image[5, 5] == 0 and image[5, 15] == np.float32(EMPTY)
    assert grid_image(gray, fill=np.ones((1, 2, 3))).shape == (10, 20, 3)


def test_grid_image_refuses_what_does_not_fit():
    faces = np.ones((2, 3, 8, 8))
    with pytest.raises(ValueError, match=r"expected numbers of shape \(rows, cols, H, W\).*\(2, 3, 7\)"):
        grid_image(np.ones((2, 3, 7)))
    with pytest.raises(ValueError, match="got object"):
        grid_image(faces.astype(object))
    with pytest.raises(ValueError, match=r"fill: expected a gray or an array of shape \(2, 3, 3\)"):
        grid_image(faces, fill=np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"weights: expected prototypes of shape \(2, 3, \.\.\.\)"):
        grid_image(faces, weights=np.ones((3, 2, 4)))


def test_the_margin_that_all_faces_leave_empty_is_cut_off(som):
    faces = np.ones((4, 5, 30, 20))
    faces[0, 0, 10, 4] = faces[3, 4, 15, 12] = 0
    shown = plots.plot_grid(som, faces=faces, walls=False).images[0].get_array()
    full = grid_image(np.ones((4, 5, 10, 13)), gap=2, topology=som.topology)
    assert shown.shape == full.shape  # rows 8 to 17 and columns 2 to 14 of each face
    assert (shown == 0).sum() == 2
    blank = plots.plot_grid(som, faces=np.ones((4, 5, 30, 20)), walls=False).images[0].get_array()
    assert blank.shape == grid_image(np.ones((4, 5, 30, 20)), gap=2, topology=som.topology).shape


def test_groups_are_framed_in_their_colour_and_numbered(som):
    labels = np.arange(20).reshape(4, 5) // 3
    labels[0, 0] = -1
    ax = plots.plot_groups(som, labels)
    image = ax.images[0].get_array()
    top, left = cell_corners(4, 5, 18, 14, som.topology).T
    expected = [(EMPTY,) * 3 if k < 0 else to_rgb(plots.COLOURS[k]) for k in labels.ravel()]
    np.testing.assert_allclose(image[top, left], expected, atol=1e-6)
    assert [text.get_text() for text in ax.texts] == [str(k) for k in labels.ravel()[1:]]


@pytest.mark.parametrize("every", [2, 3])
def test_every_second_or_third_node_alone_keeps_its_face_number_and_place(som, every):
    labels = np.arange(20).reshape(4, 5)
    few = plots.plot_groups(som, labels, every=every)
    assert [text.get_text() for text in few.texts] == [str(k) for k in labels[::every, ::every].ravel()]
    assert [tick.get_text() for tick in few.get_xticklabels()] == [str(k) for k in range(0, 5, every)]
    faces = np.zeros((4, 5, 16, 12))
    faces[::every, ::every] = np.arange(1, 17)[:, None] / 16
    shown = plots.plot_grid(som, faces=faces, walls=False, every=every).images[0].get_array()
    topology = som.topology if every == 3 else "rectangular"
    kept = faces[::every, ::every]
    np.testing.assert_allclose(shown, grid_image(kept, gap=2, topology=topology), atol=1e-6)


def test_values_of_nodes_stand_at_their_nodes(som):
    values = np.arange(20.0).reshape(4, 5)
    values[1, 1] = np.nan
    ax = plots.plot_nodes(som, values, fmt=".0f", label="number")
    cells = ax.collections[0]
    for path, position in zip(cells.get_paths(), som.positions_, strict=True):
        np.testing.assert_allclose(path.vertices[:-1].mean(axis=0), position[::-1], atol=1e-9)
    assert {text.get_text() for text in ax.texts} == {str(k) for k in range(20) if k != 6}
    low, high = ax.get_ylim()
    assert low > high  # row 0 is on top
    np.testing.assert_array_equal(plots.plot_hits(som).collections[0].get_array(), som.hits_.ravel())
    np.testing.assert_array_equal(plots.plot_u_matrix(som).collections[0].get_array(), som.u_matrix_.ravel())


def test_members_are_those_of_the_node_nearest_first(som):
    node = int(som.hits_.argmax())
    ax = plots.plot_members(som, FACES, node, n_faces=3, n_cols=3)
    won = np.flatnonzero(som.predict(FACES) == node)
    nearest = won[np.argsort(som.transform(FACES)[won, node])][:3]
    first = ax.images[0].get_array()[1:17, 1:13]
    np.testing.assert_allclose(first, FACES[nearest[0]], atol=1e-6)
    assert f"of {len(won)} faces" in ax.get_title()


def test_persons_are_marks_of_the_size_of_their_share(som):
    nodes = np.array([[0, 0, 0, 1], [2, 2, 3, 3]])
    ax = plots.plot_persons(som, nodes, names=["Ada", "Ben"])
    marks = [c for c in ax.collections if len(getattr(c, "get_sizes", list)()) and len(c.get_offsets())]
    first, second = (c.get_sizes() for c in marks if len(c.get_offsets()) == 2)
    assert first[0] == pytest.approx(3 * first[1]) and second[0] == pytest.approx(second[1])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Ada", "Ben"]


def test_components_name_their_columns(feature_som):
    axes = plots.plot_components(feature_som, {2: "mouth", 0: "brows"})
    assert [ax.get_title() for ax in axes] == ["mouth", "brows"]
    np.testing.assert_array_equal(axes[1].collections[0].get_array(), feature_som.prototypes_[..., 0].ravel())
    assert len(plots.plot_components(feature_som, ["a", "b", "c"], n_cols=2)) == 3


def test_faces_in_reading_order_with_titles():
    ax = plots.plot_faces(FACES[:5], titles=list("abcde"), n_cols=3)
    assert [text.get_text() for text in ax.texts] == list("abcde")
    colour = np.zeros((4, 16, 12, 3), dtype=np.uint8)
    assert plots.plot_faces(colour).images[0].get_array().shape[2] == 3


def test_training_curve_ends_at_the_quantization_error(som):
    line = plots.plot_training(som).lines[0]
    assert line.get_ydata()[-1] == som.quantization_error_ and len(line.get_xdata()) == 6


def test_the_chosen_setting_is_ringed():
    choice = choose_parameters(FACES, seconds=0.0)
    trial = choice.trials[choice.chosen]
    trials = [trial, replace(trial, varied="sigma", quantization_error=9.0)]
    ax = plots.plot_choice(replace(choice, trials=trials, chosen=1))
    ring = ax.collections[-1]
    assert not len(ring.get_facecolor())
    np.testing.assert_allclose(ring.get_offsets(), [[9.0, trial.topographic_error]])
    assert sum(len(marks.get_offsets()) for marks in ax.collections) == 3


def test_given_axes_are_used_and_pyplot_is_left_alone(som, monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: pytest.fail("plots must not call show"))
    figure, axes = plt.subplots(2, 3)
    plt.figure()
    current = plt.gcf()
    calls = [
        lambda ax: plots.plot_grid(som, ax=ax),
        lambda ax: plots.plot_groups(som, np.zeros((4, 5), int), ax=ax),
        lambda ax: plots.plot_hits(som, ax=ax),
        lambda ax: plots.plot_persons(som, [[0, 1]], ax=ax),
        lambda ax: plots.plot_faces(FACES[:3], ax=ax),
        lambda ax: plots.plot_training(som, ax=ax),
    ]
    for ax, call in zip(axes.flat, calls, strict=True):
        assert call(ax) is ax
    assert plt.gcf() is current and len(plt.get_fignums()) == 2
    assert plots.plot_grid(som).figure not in (figure, current)


def test_messages_say_what_to_do(som, feature_som):
    with pytest.raises(ValueError, match="a map of features needs faces to show"):
        plots.plot_grid(feature_som)
    with pytest.raises(ValueError, match=r"faces: expected one a node, \(4, 5\), got \(2, 2\)"):
        plots.plot_grid(som, faces=np.ones((2, 2, 8, 8)))
    with pytest.raises(ValueError, match=r"labels: expected one group a node.*NodeGroups\.labels_"):
        plots.plot_groups(som, np.zeros(20, int))
    with pytest.raises(ValueError, match=r"values: expected one a node"):
        plots.plot_nodes(som, np.zeros(20))
    with pytest.raises(ValueError, match="for a map of images use `plot_grid`"):
        plots.plot_components(som, ["a"])
    with pytest.raises(ValueError, match="one for each of 3 columns, got 1"):
        plots.plot_components(feature_som, ["a"])
    with pytest.raises(ValueError, match="expected columns from 0 to 2"):
        plots.plot_components(feature_som, {5: "a"})
    with pytest.raises(ValueError, match="pick one person"):
        plots.plot_faces(FACES[None])
    with pytest.raises(ValueError, match="titles: expected one for each of 2 faces, got 1"):
        plots.plot_faces(FACES[:2], titles=["a"])
    with pytest.raises(ValueError, match="node: expected 0 to 19"):
        plots.plot_members(som, FACES, 20)
    with pytest.raises(ValueError, match="none of the 1 images falls there"):
        plots.plot_members(som, FACES[:1], (int(som.predict(FACES[:1])[0]) + 1) % 20)
    with pytest.raises(ValueError, match="expected 1 to 6 persons"):
        plots.plot_persons(som, np.zeros((7, 3), int))
    with pytest.raises(ValueError, match="names: expected one for each of 2 persons"):
        plots.plot_persons(som, np.zeros((2, 3), int), names=["a"])
    online = FaceSOM(2, 2, method="online", n_steps=50).fit(FACES)
    with pytest.raises(ValueError, match='expected a map of method="batch"'):
        plots.plot_training(online)


def test_faces_of_0_to_255_are_shown_like_those_of_0_to_1():
    faces = np.random.default_rng(0).uniform(0, 1, (2, 3, 12, 12)).astype(np.float32)
    np.testing.assert_allclose(grid_image(255 * faces), grid_image(faces), atol=1e-6)


@pytest.fixture(scope="module")
def shared():
    faces = make_faces(3, 40, seed=0, mix="balanced").dataset
    return group_across_persons(faces.X1, n_groups=4, rows=5, cols=5), faces.X1


def test_the_eye_frame_crosses_midway_between_the_eyes(shared):
    images = shared[1][0]
    ax = plots.plot_eye_frame(images)
    thick = [line for line in ax.lines if line.get_linewidth() == 2]
    across, down = (np.diff(line.get_xydata(), axis=0)[0] for line in thick)
    assert abs(across @ down) < 1e-9 and across[0] > 0 and down[1] > 0, "right and down"
    parts = find_parts(images)
    frame = np.flatnonzero((parts == 3).any(axis=(1, 2)) & (parts == 4).any(axis=(1, 2)))[0]
    eyes = [np.argwhere(parts[frame] == eye).mean(axis=0)[::-1] for eye in (3, 4)]
    np.testing.assert_allclose(thick[0].get_xydata().mean(axis=0), np.mean(eyes, axis=0))
    np.testing.assert_allclose(across, 2 * (eyes[1] - eyes[0]))
    with pytest.raises(ValueError, match="expected two eyes in some frame, found them in none of 2"):
        plots.plot_eye_frame(_without_eyes(images[:2]))


def _without_eyes(images):
    mouths = np.isin(find_parts(images), (5, 6))
    return np.where(mouths[..., None], images, 0)


def test_typical_faces_stand_in_the_row_of_their_person_and_the_column_of_their_group(shared):
    result, images = shared
    groups = result.groups.copy()
    groups[1][groups[1] == 2] = 3  # person 1 never shows group 2
    ax = plots.plot_typical(replace(result, groups=groups), images, persons=[1, 0], names=["b", "a"])
    assert [t.get_text() for t in ax.get_xticklabels()] == [f"group {g}" for g in range(4)]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["b", "a"]
    picture = ax.images[0].get_array()
    h, w = np.divide(picture.shape[:2], (2, 4)).astype(int)
    tiles = picture.reshape(2, h, 4, w, *picture.shape[2:]).swapaxes(1, 2)
    assert np.ptp(tiles[0, 2, 4:-4, 4:-4]) == 0, "an empty tile"
    flat = groups.ravel() == 1
    mean = result.actions.reshape(len(flat), -1)[flat].mean(axis=0)
    mine = np.flatnonzero(groups[0] == 1)
    best = mine[np.linalg.norm(result.actions[0, mine] - mean, axis=1).argmin()]
    gap = (h - 64) // 2
    np.testing.assert_allclose(
        tiles[1, 1, gap : gap + 64, gap : gap + 64], plots.unit_faces(images[[0]])[0, best]
    )
    with pytest.raises(ValueError, match="images: expected those that were grouped, 3 persons"):
        plots.plot_typical(result, images[:2])
    with pytest.raises(ValueError, match=r"persons: expected some of 0 to 2 .* got \[3\] and 1 names"):
        plots.plot_typical(result, images, persons=[3])


def test_actions_that_move_most_are_drawn_in_order():
    actions = np.sin(np.arange(30))[:, None] * (0.1, 1.0, 0.5)
    ax = plots.plot_actions(actions, ["little", "most", "more"], most=2)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["most", "more"]
    np.testing.assert_array_equal(ax.images[0].get_array(), actions[:, [1, 2]].T)
    assert ax.images[0].get_clim() == (-1, 1), "the same colour for the same strength, whoever shows it"
    with pytest.raises(ValueError, match=r"expected frames and 2 named actions .* got shape \(30, 3\)"):
        plots.plot_actions(actions, ["a", "b"])


def test_the_curve_of_groups_shows_each_person_and_rings_the_advice():
    explained = np.array([[0.2, 0.4], [0.5, 0.7], [0.55, np.nan]])
    ax = plots.plot_group_curve(GroupCurve(np.array([2, 3, 4]), explained, 3))
    *persons, mean, ring = ax.lines
    np.testing.assert_array_equal([line.get_ydata() for line in persons], explained.T)
    np.testing.assert_allclose(mean.get_ydata(), [0.3, 0.6, 0.55])
    assert ring.get_label() == "advised: 3"
    np.testing.assert_allclose(ring.get_xydata(), [[3, 0.6]])

"""The drawn faces are the truth of all other tests: here they are held against their own description."""

import pickle
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from facesom.drawn import synthetic
from facesom.drawn.drawing import LANDMARKS, PALETTE, PARTS, X2_NAMES, distances, draw_landmarks
from facesom.drawn.facemodel import ACTION_UNITS, EXPRESSIONS, PROPORTIONS, face_landmarks, lopsided
from facesom.drawn.film import ACTIONS
from facesom.drawn.staged import THRESHOLD
from facesom.drawn.synthetic import make_faces
from facesom.parts import shape_features

BUILT_IN = Path(__file__).parents[1] / "data" / "drawn_faces.pickle"


@pytest.fixture(scope="module")
def faces():
    return make_faces(43, 120, seed=0)


def mean_face(**units):
    """Landmarks (42, 2) in eye distances of the mean face, y up."""
    face = {name: mean for name, (mean, _) in PROPORTIONS.items()}
    return face_landmarks(face, dict.fromkeys(ACTION_UNITS, 0.0) | units)


def in_pixels(points, unit=20.0, angle=0.0, shift=(31.5, 24.0)):
    cos, sin = np.cos(angle), np.sin(angle)
    return points * (1, -1) * unit @ np.array([[cos, sin], [-sin, cos]]) + shift


def measure(**units):
    return dict(zip(X2_NAMES, distances(in_pixels(mean_face(**units))), strict=True))


# --- the data set -----------------------------------------------------------------------------------------


def test_shapes_types_and_labels(faces):
    data = faces.dataset
    assert data.X1.shape == (43, 120, 64, 64, 3) and data.X1.dtype == np.uint8
    assert data.X2.shape == (43, 120, 12) and data.X2.dtype == np.float64 and len(X2_NAMES) == 12
    users = "0 0 1 0 1 1 0 0 0 0 1 0 0 1 1 1 1 1 0 0 0 1 0 0 1 1 0 0 0 0 0 1 1 0 0 0 0 0 0 0 0 0 0"
    assert data.y.tolist() == [int(label) for label in users.split()]
    assert faces.expressions.shape == faces.intensities.shape == faces.poses.shape == (43, 120)
    assert faces.landmarks.shape == (43, 120, 42, 2)
    assert faces.identities.shape == (43,) and set(PROPORTIONS) < set(faces.identities.dtype.names)
    assert faces.action_units.dtype.names == tuple(ACTION_UNITS)
    assert faces.expression_names == tuple(EXPRESSIONS) and len(EXPRESSIONS) >= 8
    assert repr(faces).startswith("DrawnFaces(43 persons x 120 frames of 64 x 64; neutral, smile")


def test_labels_start_again_after_43_persons():
    y = make_faces(45, 1).dataset.y
    assert y[43:].tolist() == y[:2].tolist()


def test_same_seed_same_faces_other_seed_other_faces():
    a, b, c = (make_faces(2, 6, seed=s, noise=0.02, palette="random") for s in (5, 5, 6))
    assert np.array_equal(a.dataset.X1, b.dataset.X1) and np.array_equal(a.dataset.X2, b.dataset.X2)
    assert not np.array_equal(a.landmarks, c.landmarks)
    assert set(map(tuple, a.dataset.X1.reshape(-1, 3))) != set(map(tuple, c.dataset.X1.reshape(-1, 3)))


def test_a_person_depends_neither_on_how_many_there_are_nor_on_the_frames():
    few, many, long = make_faces(2, 30), make_faces(4, 30), make_faces(2, 60)
    assert np.array_equal(few.dataset.X1, many.dataset.X1[:2])
    assert np.array_equal(few.dataset.X2, many.dataset.X2[:2])
    assert np.array_equal(few.identities, long.identities)


def test_the_global_random_state_is_left_alone():
    def state():
        return np.random.get_state()[1].tolist()  # noqa: NPY002

    before = state()
    make_faces(1, 2, noise=0.1)
    assert state() == before


# --- the truth --------------------------------------------------------------------------------------------


def test_frames_are_named_from_the_threshold_on(faces):
    assert np.array_equal(faces.expressions > 0, faces.intensities >= THRESHOLD)
    assert faces.intensities.min() >= 0 and faces.intensities.max() <= 1


def test_identity_shows_in_the_landmarks():
    f = make_faces(43, 60, mix=np.eye(len(EXPRESSIONS))[[0] * 43], head_movement=0)
    X2, who = np.median(f.dataset.X2, axis=1), f.identities
    column = {name: X2[:, k] for k, name in enumerate(X2_NAMES)}
    brows = (column["left_brow_inner_height"] + column["right_brow_inner_height"]) / 2
    for truth, seen in [
        (who["mouth_width"], column["mouth_width"]),
        (who["brow_gap"], column["brow_gap"]),
        (who["upper_lip"] + who["lower_lip"] - who["cupid_bow"], column["lip_thickness"]),
        (who["brow_height"] - who["brow_tilt"] / 2 - 0.6 * who["brow_arch"], brows),
    ]:
        assert np.corrcoef(truth, seen)[0, 1] > 0.95
        assert np.abs(truth - seen).mean() < 0.04
    eyes = [f.landmarks[..., LANDMARKS[name], :].mean(axis=-2) for name in ("left_eye", "right_eye")]
    apart = np.linalg.norm(eyes[1] - eyes[0], axis=-1)
    assert np.allclose(np.median(apart, axis=1), who["eye_distance"] * 64, atol=0.15)


def test_spread_scales_identity():
    none = make_faces(5, 1, spread=0).identities
    assert all(np.ptp(none[name]) == 0 for name in none.dtype.names)
    one, two = make_faces(30, 1).identities, make_faces(30, 1, spread=2).identities
    assert two["mouth_width"].std() == pytest.approx(2 * one["mouth_width"].std())


def test_poses_are_the_movement_of_the_head():
    still, moving = make_faces(4, 80, head_movement=0), make_faces(4, 80, head_movement=3)
    eyes = slice(LANDMARKS["left_eye"].start, LANDMARKS["right_eye"].stop)
    centre = [f.landmarks[..., eyes, :].mean(axis=-2) for f in (still, moving)]
    assert centre[0].std(axis=1).max() < 0.3
    for axis, name in enumerate(("dx", "dy")):
        assert np.corrcoef((centre[1] - centre[0])[..., axis].ravel(), moving.poses[name].ravel())[0, 1] > 0.9
    left, right = (moving.landmarks[..., LANDMARKS[f"{s}_eye"], :].mean(axis=-2) for s in ("left", "right"))
    roll = np.arctan2(*np.moveaxis(right - left, -1, 0)[::-1])
    assert np.corrcoef(roll.ravel(), moving.poses["angle"].ravel())[0, 1] > 0.95
    assert np.all(still.poses["scale"] == 1) and np.all(still.poses["yaw"] == 0)


@pytest.mark.parametrize("size", [48, 64, 160])
def test_strong_movement_keeps_the_face_in_the_picture(size):
    X1 = make_faces(20, 40, seed=3, size=size, head_movement=3).dataset.X1
    assert not X1[:, :, [0, -1]].any() and not X1[:, :, :, [0, -1]].any()


def test_frames_are_a_video(faces):
    step = np.abs(np.diff(faces.dataset.X2, axis=1)).mean()
    mixed = np.random.default_rng(0).permutation(faces.dataset.X2, axis=1)
    assert step < 0.6 * np.abs(np.diff(mixed, axis=1)).mean()


# --- mixes ------------------------------------------------------------------------------------------------


def test_own_mixes_differ_and_leave_expressions_out(faces):
    assert np.allclose(faces.mixes.sum(axis=1), 1)
    assert ((faces.mixes == 0).sum(axis=1) >= 1).mean() > 0.5
    assert faces.mixes.std(axis=0).min() > 0.03
    shown = np.stack([(faces.expressions == k).mean(axis=1) for k in range(len(EXPRESSIONS))], axis=1)
    assert not shown[faces.mixes == 0].any()
    # onset and offset count as neutral
    assert np.all(shown[:, 1:] <= faces.mixes[:, 1:] + 1 / 120)
    assert np.corrcoef(shown[:, 1:].ravel(), faces.mixes[:, 1:].ravel())[0, 1] > 0.97


def test_the_label_effect_is_in_the_mix():
    def frowns(effect):
        f = make_faces(86, 1, label_effect=effect)
        share = f.mixes[:, [f.expression_names.index(name) for name in ("sad", "angry")]].sum(axis=1)
        return share[f.dataset.y == 1].mean() - share[f.dataset.y == 0].mean()

    assert abs(frowns(0)) < 0.1 < frowns(0.5) < frowns(1)


def test_no_label_effect_is_a_mix_that_ignores_the_label(monkeypatch):
    plain = make_faces(10, 1, label_effect=0).mixes
    monkeypatch.setattr(synthetic, "LABELS", tuple(1 - label for label in synthetic.LABELS))
    assert np.array_equal(plain, make_faces(10, 1, label_effect=0).mixes)
    assert not np.array_equal(make_faces(10, 1).mixes, plain)


def test_balanced_one_sided_and_given_mixes():
    balanced = make_faces(3, 400, mix="balanced")
    assert all(len(np.unique(e)) == len(EXPRESSIONS) for e in balanced.expressions)
    one_sided = make_faces(20, 2, mix="one-sided").mixes
    assert one_sided.max(axis=1).min() >= 0.7 and len(set(one_sided.argmax(axis=1))) >= 3
    shares = np.zeros((2, len(EXPRESSIONS)))
    shares[0, 3] = shares[1, [1, 4]] = 5.0
    given_ = make_faces(2, 100, mix=shares)
    assert {3} <= set(given_.expressions[0]) <= {0, 3} and {1, 4} <= set(given_.expressions[1]) <= {0, 1, 4}
    assert given_.mixes[1, 1] == 0.5


@pytest.mark.parametrize("n_frames", [1, 2, 9])
def test_short_videos(n_frames):
    f = make_faces(3, n_frames, mix="balanced")
    assert f.dataset.X1.shape[1] == n_frames
    assert (f.expressions > 0).mean() >= 0.4 or n_frames == 1


# --- expressions ------------------------------------------------------------------------------------------


def test_action_units_move_what_they_name():
    rest = measure()
    for unit, column, sign in [
        ("AU1", "left_brow_inner_height", 1),
        ("AU2", "right_brow_outer_height", 1),
        ("AU4", "right_brow_inner_height", -1),
        ("AU4", "brow_gap", -1),
        ("AU5", "left_eye_opening", 1),
        ("AU7", "left_eye_opening", -1),
        ("AU9", "left_brow_inner_height", -1),
        ("AU10", "lip_thickness", 1),
        ("AU12", "left_corner_height", 1),
        ("AU12", "mouth_width", 1),
        ("AU15", "right_corner_height", -1),
        ("AU17", "lip_thickness", -1),
        ("AU18", "mouth_width", -1),
        ("AU20", "mouth_width", 1),
        ("AU24", "lip_thickness", -1),
        ("AU25", "mouth_opening", 1),
        ("AU26", "mouth_opening", 1),
        ("AU43", "right_eye_opening", -1),
    ]:
        assert sign * (measure(**{unit: 1.0})[column] - rest[column]) > 0.015, (unit, column)


def test_the_mean_face_has_the_mean_proportions():
    rest, mean = measure(), {name: value for name, (value, _) in PROPORTIONS.items()}
    assert rest["left_eye_opening"] == pytest.approx(mean["eye_height"])
    assert rest["mouth_width"] == pytest.approx(mean["mouth_width"])
    assert rest["brow_gap"] == pytest.approx(mean["brow_gap"])
    assert rest["mouth_opening"] == pytest.approx(0)
    assert rest["left_corner_height"] == pytest.approx(mean["corner_height"])
    assert rest["lip_thickness"] == pytest.approx(mean["upper_lip"] + mean["lower_lip"] - mean["cupid_bow"])
    points = mean_face()
    assert np.allclose(points[LANDMARKS["left_brow"]][::-1], points[LANDMARKS["right_brow"]] * (-1, 1))
    assert measure(AU43=1.0)["left_eye_opening"] == pytest.approx(mean["closed_opening"])


def test_expressions_are_there_but_identity_hides_them():
    f = make_faces(43, 120, seed=1)
    X2, truth = f.dataset.X2, f.expressions.ravel()
    person = np.repeat(np.arange(43), 120)
    rest = np.stack([x[i == 0].mean(axis=0) for x, i in zip(X2, f.intensities, strict=True)])
    moved = (X2 - rest[:, None]).reshape(-1, 12)
    found = cross_val_predict(LinearDiscriminantAnalysis(), moved, truth, groups=person, cv=GroupKFold(5))
    assert 0.85 < (found == truth).mean() < 0.97  # real but subtle

    def ari(X):
        groups = KMeans(8, n_init=2, random_state=0).fit_predict(X / X.std(axis=0))
        return adjusted_rand_score(truth, groups)

    assert ari(X2.reshape(-1, 12)) < 0.4 < ari(moved)


# --- film ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def film():
    return make_faces(12, 150, seed=1, style="film")


def test_a_film_tells_every_action(film):
    assert film.actions.shape == (12, 150, len(film.action_names)) and film.action_names == ACTIONS
    assert {"AU12_left", "AU12_right", "AU26", "aside"} < set(ACTIONS)
    assert film.action_units.dtype.names == tuple(ACTION_UNITS)
    assert np.array_equal(film.expressions > 0, film.intensities >= THRESHOLD)
    one_way = film.actions[..., :-1]
    assert one_way.min() >= 0 and one_way.max() <= 1 and film.actions[..., -1].min() < 0
    smile = [film.actions[..., ACTIONS.index(f"AU12_{side}")] for side in ("left", "right")]
    assert 0.5 < np.corrcoef(smile[0].ravel(), smile[1].ravel())[0, 1] < 0.99  # lopsided
    staged = make_faces(2, 9)
    assert staged.action_names == tuple(ACTION_UNITS)
    assert np.array_equal(staged.actions[..., 0], staged.action_units["AU1"])


def test_a_person_on_film_depends_neither_on_how_many_there_are_nor_on_the_style():
    few, many, staged = make_faces(2, 30, style="film"), make_faces(4, 30, style="film"), make_faces(2, 5)
    assert np.array_equal(few.dataset.X1, many.dataset.X1[:2])
    assert np.array_equal(few.actions, many.actions[:2])
    assert np.array_equal(few.identities, staged.identities)


def test_nods_are_seen_and_only_where_the_head_moves(film):
    assert film.poses["nod"].std() > 0.03 and not make_faces(1, 9).poses["nod"].any()
    assert not make_faces(1, 9, style="film", head_movement=0).poses["nod"].any()
    brow = film.dataset.X2[..., X2_NAMES.index("left_brow_inner_height")]
    assert np.median([np.corrcoef(a, b)[0, 1] for a, b in zip(brow, film.poses["nod"], strict=True)]) < -0.2


def test_each_side_shows_what_it_does():
    half = lopsided(mean_face(), mean_face(AU1=1.0, AU12=1.0, AU43=1.0))
    moved = (half - mean_face())[:, 1]
    for name in ("left_brow", "left_eye"):
        assert not moved[LANDMARKS[name]].any() and moved[LANDMARKS[name.replace("left", "right")]].any()
    lips = moved[LANDMARKS["outer_lips"]]
    assert abs(lips[0]) < 1e-12 and lips[6] > 0.1
    film = make_faces(20, 100, seed=4, style="film", head_movement=0)
    column = {name: film.dataset.X2[..., k] for k, name in enumerate(X2_NAMES)}
    action = {name: film.actions[..., k] for k, name in enumerate(ACTIONS)}
    for unit, moves, sign in [("AU12", "corner_height", 1), ("AU43", "eye_opening", -1)]:
        lean = action[f"{unit}_right"] - action[f"{unit}_left"]
        seen = column[f"right_{moves}"] - column[f"left_{moves}"]
        lean, seen = (x - x.mean(axis=1, keepdims=True) for x in (lean, seen))
        assert sign * np.corrcoef(lean.ravel(), seen.ravel())[0, 1] > 0.1, unit


def test_landmarks_on_film_jitter_and_some_of_it_lasts():
    film = make_faces(30, 150, seed=6, style="film", head_movement=0)
    across = np.diff(film.landmarks[:, :, [10, 13]], axis=2)[:, :, 0]  # from corner to corner of the left eye
    width = np.linalg.norm(across, axis=-1) / (64 * film.identities["eye_distance"][:, None])
    off = width - width.mean(axis=1, keepdims=True)
    assert 0.002 < np.median(off.std(axis=1)) < 0.02
    kept = (off[:, 1:] * off[:, :-1]).mean(axis=1) / off.var(axis=1)
    assert 0.25 < np.median(kept) < 0.8


def test_a_film_moves_like_filmed_people(film):
    """Within a factor of two of 22 filmed people × 150 frames, whose medians over 24 features these are."""
    F = shape_features(film.dataset.X1)
    moved = F - F.mean(axis=1, keepdims=True)
    z = moved / moved.std(axis=1, keepdims=True)
    rest = np.abs(F - np.median(F, axis=1, keepdims=True)) / moved.std(axis=1, keepdims=True)
    strength = np.linalg.eigvalsh(np.cov((moved / moved.std(axis=(0, 1))).reshape(-1, F.shape[2]).T))
    for seen, filmed in [
        (np.median(F, axis=1).std(axis=0), 0.044),
        (moved.std(axis=1), 0.029),
        ((z[:, 1:] * z[:, :-1]).mean(axis=1), 0.58),
        ((z[:, 5:] * z[:, :-5]).mean(axis=1), 0.16),
        ((rest < 0.5).mean(axis=(0, 1)), 0.41),
        ((rest > 2.5).mean(axis=(0, 1)), 0.02),
        (strength.sum() ** 2 / (strength**2).sum(), 7.6),
    ]:
        assert filmed / 2 < np.median(seen) < 2 * filmed


def test_the_minute_is_the_same_however_many_frames_show_it():
    few, many = (make_faces(8, n, seed=3, style="film").actions for n in (100, 400))
    lid = ACTIONS.index("AU43_left")
    assert few[..., lid].max() > 0.8 and many[..., lid].max() > 0.8  # blinks

    def remembered(actions, frames):
        z = actions - actions.mean(axis=1, keepdims=True)
        return np.median((z[:, frames:] * z[:, :-frames]).mean(axis=1) / z.var(axis=1))

    assert remembered(many, 4) == pytest.approx(remembered(few, 1), abs=0.12)
    assert remembered(many, 1) > remembered(few, 1) + 0.1


def test_actions_on_film_mix():
    strengths = make_faces(6, 200, seed=2, style="film", mix="balanced").actions
    strengths = strengths - np.median(strengths, axis=1, keepdims=True)
    strong = strengths > 0.3 * np.quantile(strengths, 0.99, axis=1, keepdims=True)
    assert 3 < strong.sum(axis=2).mean() < 20


# --- drawing ----------------------------------------------------------------------------------------------


def colours_of(X1):
    return set(map(tuple, np.unique(X1.reshape(-1, 3), axis=0).tolist()))


def shows(pixels, kind):
    return (pixels == np.array(PALETTE[kind])).all(axis=-1)


def test_only_the_palette_and_black_are_drawn(faces):
    assert colours_of(faces.dataset.X1[:5]) == {(0, 0, 0), *PALETTE}
    own = [[9, 200, 9], [1, 2, 250], [77, 77, 77], [77, 77, 77]]
    assert colours_of(make_faces(2, 3, palette=own).dataset.X1) == {(0, 0, 0), *map(tuple, own)}
    assert len(colours_of(make_faces(2, 20, antialias=True).dataset.X1)) > 20


def test_random_palettes_are_distinct_and_visible():
    for seed in range(5):
        drawn = colours_of(make_faces(2, 10, seed=seed, palette="random").dataset.X1) - {(0, 0, 0)}
        assert len(drawn) == 4 and min(max(c) for c in drawn) >= 130


def test_parts_are_drawn_where_their_landmarks_are(faces):
    X1, marks = faces.dataset.X1[:, ::10], faces.landmarks[:, ::10]
    lines = {"left_brow": 0, "right_brow": 0, "upper_lip": 2, "lower_lip": 3}
    for part, kind in lines.items():
        if "brow" in part:
            at = marks[..., LANDMARKS[part], :][..., 2, :]
        else:
            outer, inner = marks[..., LANDMARKS["outer_lips"], :], marks[..., LANDMARKS["inner_lips"], :]
            above = part == "upper_lip"
            at = (outer[..., 3 if above else 9, :] + inner[..., 2 if above else 6, :]) / 2
        x, y = np.rint(at).astype(int).reshape(-1, 2).T
        seen = X1.reshape(-1, 64, 64, 3)[np.arange(x.size), y, x]
        assert shows(seen, kind).mean() > 0.9, part


def test_a_dropped_part_is_not_drawn():
    def pixels(**options):
        return shows(make_faces(3, 5, **options).dataset.X1, 1)

    assert not pixels(drop={"left_eye", "right_eye"}).any()
    one = pixels(drop=["left_eye"])
    assert one[..., 32:].any() and not one[..., :20].any() and pixels()[..., :32].any()


def test_noise_is_salt_and_pepper_of_the_stated_share():
    clean, noisy = make_faces(3, 30).dataset, make_faces(3, 30, noise=0.1).dataset
    assert np.array_equal(clean.X2, noisy.X2)
    white = (noisy.X1 == 255).all(axis=-1).mean()
    assert white == pytest.approx(0.05, abs=0.005)
    drawn = clean.X1.any(axis=-1)
    assert (~noisy.X1.any(axis=-1))[drawn].mean() == pytest.approx(0.05, abs=0.01)
    kept = (noisy.X1 == clean.X1).all(axis=-1)
    assert set(np.unique(noisy.X1[~kept])) == {0, 255}


def test_closed_eyes_are_a_line_or_vanish():
    def eye_rows(opening):
        face = {name: mean for name, (mean, _) in PROPORTIONS.items()} | {"closed_opening": opening}
        points = face_landmarks(face, dict.fromkeys(ACTION_UNITS, 0.0) | {"AU43": 1.0})
        return shows(draw_landmarks(in_pixels(points)), 1).any(axis=1).sum()

    assert eye_rows(0.0) == 0 and 1 <= eye_rows(0.04) <= 2
    f = make_faces(20, 200)
    open_eyes = shows(f.dataset.X1, 1).any(axis=(-1, -2))
    assert not open_eyes.all() and open_eyes.mean() > 0.95


def test_lips_meet_when_closed_and_part_when_open():
    closed, parted = draw_landmarks(in_pixels(np.stack([mean_face(), mean_face(AU25=1.0, AU26=1.0)])))
    middle = np.concatenate([closed[:, 31:32], parted[:, 31:32]], axis=1).any(axis=-1)
    rows = np.flatnonzero(middle[:, 0])
    assert np.all(np.diff(rows[rows > 40]) == 1)
    rows = np.flatnonzero(middle[:, 1])
    assert np.diff(rows[rows > 40]).max() >= 4


def test_each_lip_fills_its_side_of_the_opening():
    points = in_pixels(mean_face(AU25=1.0, AU26=1.0), unit=80, shift=(127, 80))
    face = draw_landmarks(points, size=256)
    outer, inner = points[LANDMARKS["outer_lips"]], points[LANDMARKS["inner_lips"]]
    places = {2: [(2, 1), (3, 2), (4, 3)], 3: [(10, 7), (9, 6), (8, 5)]}
    for kind, pairs in places.items():
        for o, i in pairs:
            x, y = np.rint((outer[o] + inner[i]) / 2).astype(int)
            assert tuple(face[y, x]) == PALETTE[kind]
    for share in np.linspace(0.1, 0.9, 9):
        for upper, lower in [(1, 7), (2, 6), (3, 5)]:
            x, y = np.rint(inner[upper] * share + inner[lower] * (1 - share)).astype(int)
            assert not face[y, x].any()


def test_draw_landmarks_keeps_leading_axes():
    points = in_pixels(mean_face())
    one = draw_landmarks(points)
    assert one.shape == (64, 64, 3)
    many = draw_landmarks(np.broadcast_to(points, (2, 3, 42, 2)), size=32)
    assert many.shape == (2, 3, 32, 32, 3)
    assert not draw_landmarks(points + 1e6).any()
    assert {tuple(c) for c in one[one.any(axis=-1)].tolist()} == set(PALETTE)


@settings(max_examples=30, deadline=None)
@given(
    st.floats(5, 40),
    st.floats(-0.5, 0.5),
    st.floats(0, 60),
    st.floats(0, 60),
    st.sampled_from(sorted(EXPRESSIONS)),
)
def test_distances_ignore_scale_roll_and_shift(unit, angle, dx, dy, name):
    points = mean_face(**EXPRESSIONS[name])
    moved = distances(in_pixels(points, unit, angle, (dx, dy)))
    assert np.allclose(moved, distances(in_pixels(points)), atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([32, 64, 100]), st.booleans())
def test_any_landmarks_can_be_drawn(seed, size, antialias):
    points = np.random.default_rng(seed).normal(size / 2, size * 3, (2, 42, 2))
    assert draw_landmarks(points, size=size, antialias=antialias).shape == (2, size, size, 3)


# --- bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_persons": 0}, "n_persons must be a whole number of at least 1; got 0"),
        ({"n_frames": 2.5}, r"n_frames must be a whole number of at least 1; got 2\.5"),
        ({"seed": -1}, "seed must be a whole number of at least 0; got -1"),
        ({"seed": None}, "seed must be a whole number"),
        ({"size": 8}, "size must be a whole number from 32 to 1024; got 8"),
        ({"noise": 2}, "noise must be a number from 0 to 1; got 2"),
        ({"noise": float("nan")}, "noise must be a number from 0 to 1; got nan"),
        ({"head_movement": -1}, "head_movement must be a number of at least 0"),
        ({"label_effect": "much"}, "label_effect must be a number from 0 to 1; got 'much'"),
        ({"spread": True}, "spread must be a number from 0 to 2; got True"),
        ({"mix": "mixed"}, "mix must be .* got 'mixed'"),
        ({"mix": np.ones((3, 8))}, r"shares of shape \(2, 8\).*got shape \(3, 8\)"),
        ({"mix": np.zeros((2, 8))}, "not all 0 in a row"),
        ({"mix": -np.ones((2, 8))}, "not negative"),
        ({"style": "movie"}, 'style must be "staged" or "film"; got \'movie\''),
        ({"palette": "blue"}, 'palette must be "standard", "random".*got \'blue\''),
        ({"palette": [[0, 0, 0]]}, r"palette must be whole RGB numbers 0-255 of shape \(4, 3\)"),
        ({"palette": np.full((4, 3), 300)}, "palette must be whole RGB numbers 0-255"),
        ({"palette": np.full((4, 3), 0.5)}, "palette must be whole RGB numbers 0-255"),
        ({"drop": "left_eye"}, "drop must be a collection of names"),
        ({"drop": {"nose"}}, "drop must be a collection of names out of left_brow.*nose"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        make_faces(**{"n_persons": 2, "n_frames": 3} | options)


def test_bad_landmarks_are_named():
    good = in_pixels(mean_face())
    for bad, message in [
        (np.zeros((68, 2)), r"of shape \(\.\.\., 42, 2\); got shape \(68, 2\).*take points 17-26 and 36-67"),
        (good[:, :1], r"got shape \(42, 1\)"),
        (good.astype(object), "dtype object"),
        (np.where(good > 30, np.nan, good), "must be finite.*Leave out frames without a face"),
        (np.zeros((42, 2)), "eyes fall together"),
    ]:
        for function in (draw_landmarks, distances):
            with pytest.raises(ValueError, match=message):
                function(bad)
    for options, message in [
        ({"size": 64.0}, "size must be a whole number from 32 to 1024"),
        ({"brow_thickness": 0}, "brow_thickness must be a number of eye distances"),
        ({"drop": "lower_lip"}, "drop must be a collection"),
    ]:
        with pytest.raises(ValueError, match=message):
            draw_landmarks(good, **options)


# --- files ------------------------------------------------------------------------------------------------


def test_the_command_writes_the_users_format(tmp_path, capsys):
    path = tmp_path / "faces.pickle"
    synthetic._main([str(path), "--persons", "2", "--frames", "3", "--size", "32", "--seed", "4"])
    assert "2 persons x 3 frames of 32 x 32" in capsys.readouterr().out
    read = pickle.loads(zlib.decompress(path.read_bytes()))
    made = make_faces(2, 3, 4, size=32).dataset
    assert list(read) == ["X1", "X2", "y"]
    assert all(np.array_equal(read[key], getattr(made, key)) for key in read)
    with pytest.raises(SystemExit):
        synthetic._main([str(path), "--persons", "0"])
    assert "n_persons must be" in capsys.readouterr().err


def test_the_built_in_data_is_what_its_command_makes():
    assert BUILT_IN.stat().st_size < 400_000
    read = pickle.loads(zlib.decompress(BUILT_IN.read_bytes()))
    made = make_faces(43, 40).dataset
    assert np.array_equal(read["y"], made.y) and np.allclose(read["X2"], made.X2, atol=1e-9)
    # another version of the drawing library may place an edge differently
    assert (read["X1"] != made.X1).any(axis=-1).mean() < 0.002


def test_part_names_follow_the_drawing_order():
    assert len(PARTS) == 6 and set(PARTS[:4]) == set(LANDMARKS) - {"outer_lips", "inner_lips"}


def test_landmarks_in_any_memory_order_draw_the_same():
    points = make_faces(1, 3, seed=2).landmarks[0]
    np.testing.assert_array_equal(draw_landmarks(np.asfortranarray(points)), draw_landmarks(points))

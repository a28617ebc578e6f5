"""Photos to drawings: known landmarks give the known drawing, poor frames are left out for their reason."""

import os
import warnings
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.data import astronaut

import facesom
import facesom.photos.landmarks as landmarks_module
from facesom.drawn.drawing import X2_NAMES, distances, draw_landmarks
from facesom.drawn.facemodel import ACTION_UNITS, EXPRESSIONS, PROPORTIONS, face_landmarks
from facesom.photos.examples import ASTRONAUT_LANDMARKS, astronaut_landmarks
from facesom.photos.files import is_video, list_files
from facesom.photos.from_photos import LIMITS, draw_from_photos
from facesom.photos.landmarks import DRAWN, align_landmarks, find_landmarks, head_turn, steady_landmarks

SHARED = Path(__file__).parents[2] / "shared" / "data"
DRAWN_NAMES = list(EXPRESSIONS)
DLIB = pytest.mark.skipif(
    not (find_spec("dlib") and find_spec("face_recognition_models")), reason="needs the extra landmarks"
)


def face(expression="neutral", **proportions):
    """68 landmarks in eye distances, y down, of a face that looks straight ahead."""
    shape = {name: np.array(mean) for name, (mean, _) in PROPORTIONS.items()} | proportions
    units = {name: np.array(EXPRESSIONS[expression].get(name, 0.0)) for name in ACTION_UNITS}
    points = np.empty((68, 2))
    points[DRAWN] = face_landmarks(shape, units) * (1, -1)
    turn = np.linspace(np.pi, 0, 17)
    points[:17] = np.column_stack([1.1 * np.cos(turn), 0.2 + 1.6 * np.sin(turn)])
    points[27:31] = np.column_stack([np.zeros(4), np.linspace(0.1, 0.6, 4)])
    points[31:36] = np.column_stack([np.linspace(-0.25, 0.25, 5), np.full(5, 0.75)])
    return points


def posed(points, rng):
    """The same face anywhere in a photo of 160 × 200, rolled, 24 to 40 pixels between the eyes."""
    angle, scale = rng.uniform(-0.5, 0.5), rng.uniform(24, 40)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return scale * points @ turn.T + (100, 70) + rng.uniform(-10, 10, 2)


def drawn_by_hand(points):
    """Where brows, eyes and lips are drawn, by complex numbers: the eyes go where they belong."""
    z = points[..., 0] + 1j * points[..., 1]
    left, right = z[..., 36:42].mean(-1), z[..., 42:48].mean(-1)
    z = (z - ((left + right) / 2)[..., None]) / (right - left)[..., None]
    z = (0.32 * 64) * z[..., DRAWN] + (31.5 + (0.385 * 64 - 0.5) * 1j)
    return np.stack([z.real, z.imag], axis=-1)


class Album:
    """Photos that carry a number, and the landmarks that belong to it: a detector and a plug-in of landmarks.

    The number stands in the gray of a corner, where it survives every compression. What is 0 has no face.
    """

    def __init__(self):
        self.truth = {}

    def photo(self, points):
        number = len(self.truth) + 1
        photo = np.full((160, 200, 3), 128, np.uint8)
        photo[:16, :16] = 0 if points is None else 5 * number
        if points is not None:
            self.truth[number] = points
        return photo

    def _number(self, photo):
        return round(float(photo[4:12, 4:12].mean()) / 5)

    def detector(self, photo, min_size):
        return [(60, 40, 80, 80)] if self._number(photo) else []

    def landmarks(self, photo, boxes):
        return np.repeat(self.truth[self._number(photo)][None], len(boxes), axis=0)

    def save(self, path, points):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(self.photo(points)).save(path)

    def draw(self, source, **options):
        return draw_from_photos(
            source, landmarks=options.pop("landmarks", self.landmarks), detector=self.detector, **options
        )


def film(path, frames):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, frames[0].shape[1::-1])
    for frame in frames:
        writer.write(frame)
    writer.release()


@pytest.fixture
def album():
    return Album()


@pytest.fixture
def people(album, tmp_path):
    """Three persons in sub-folders with 8, 6 and 3 photos; the truth is in the order of names."""
    rng = np.random.default_rng(0)
    for name, n in (("anna", 8), ("ben", 6), ("carl", 3)):
        for k in range(n):
            points = face(DRAWN_NAMES[k], mouth_width=np.array(0.6 + 0.02 * n))
            album.save(tmp_path / "people" / name / f"{k}.png", posed(points, rng))
    return tmp_path / "people"


def test_known_landmarks_give_the_known_drawing(album, people):
    result = album.draw(people, min_frames=6)
    truth = np.array(list(album.truth.values()))
    anna, ben = truth[[0, 1, 3, 4, 6, 7]], truth[8:14]
    known = np.array([anna, ben])
    assert result.persons == ("anna", "ben") and result.too_few == {"carl": 3}
    np.testing.assert_allclose(result.landmarks, drawn_by_hand(known), atol=1e-9)
    np.testing.assert_array_equal(result.dataset.X1, draw_landmarks(drawn_by_hand(known)))
    np.testing.assert_allclose(result.dataset.X2, distances(known[..., DRAWN, :]), atol=1e-9)
    assert result.dataset.X1.shape == (2, 6, 64, 64, 3) and result.dataset.X1.dtype == np.uint8
    assert result.dataset.X2.shape[-1] == len(X2_NAMES) and (result.dataset.y == -1).all()


def test_the_same_face_gives_the_same_drawing_wherever_it_is(album, tmp_path):
    rng = np.random.default_rng(1)
    for k in range(5):
        album.save(tmp_path / f"anna_{k}.png", posed(face("smile"), rng))
    result = album.draw(tmp_path)
    np.testing.assert_allclose(result.landmarks, result.landmarks[:, :1].repeat(5, axis=1), atol=1e-9)
    np.testing.assert_allclose(result.dataset.X2, result.dataset.X2[:, :1].repeat(5, axis=1), atol=1e-9)


def test_the_drawings_are_such_as_all_rooms_know(album, people, tmp_path):
    result = album.draw(people, min_frames=3, label={"anna": 0, "ben": 1, "carl": 0})
    facesom.save(result.dataset, tmp_path / "mine.pickle")
    data = facesom.load(tmp_path / "mine.pickle")
    np.testing.assert_array_equal(data.X1, result.dataset.X1)
    assert data.y.tolist() == [0, 1, 0]
    features = facesom.shape_features(data.X1)
    assert np.isfinite(features).all() and features.std(axis=(0, 1)).max() > 0.05


def test_frames_of_a_video_and_its_people(album, tmp_path):
    points = [
        posed(face("laugh", mouth_width=np.array(0.6 + 0.01 * k)), np.random.default_rng(7))
        for k in range(12)
    ]
    frames = [album.photo(p) for p in points] + [album.photo(None)] * 3
    film(tmp_path / "dora_1.avi", frames)
    film(tmp_path / "nobody.avi", [album.photo(None)] * 6)
    result = album.draw(tmp_path)
    assert result.persons == ("dora_1",) and result.too_few == {"nobody": 0}
    np.testing.assert_allclose(result.landmarks[0], drawn_by_hand(np.array(points)), atol=1e-9)
    assert result.reasons == {"no face": 9}
    table = result.rows
    assert table.frame[table.used].tolist() == list(range(12))
    thinned = album.draw(tmp_path / "dora_1.avi", every=4, max_frames=3, min_frames=1)
    np.testing.assert_allclose(thinned.landmarks[0], result.landmarks[0, ::4], atol=1e-9)
    assert album.draw(tmp_path / "dora_1.avi", persons=lambda path: path.stem[:4]).persons == ("dora",)


def test_each_face_that_a_video_follows_is_a_person(tmp_path):
    truth = 30 * np.array([face(), face("smile")]) + np.array([[50, 60], [150, 60]])[:, None]

    def detector(photo, min_size):
        there = photo[4:12, 4:12].mean() > 60
        return [(10, 30, 80, 80), *([(110, 30, 80, 80)] if there else [])]

    def landmarks(photo, boxes):
        return np.array([truth[int(x + w / 2 > 100)] for x, _, w, _ in boxes])

    frames = [np.full((160, 200, 3), 128 if k < 9 else 0, np.uint8) for k in range(12)]
    film(tmp_path / "talk.avi", frames)
    result = draw_from_photos(tmp_path, detector=detector, landmarks=landmarks)
    assert result.persons == ("talk", "talk#2") and result.dataset.n_frames == 9
    np.testing.assert_allclose(result.landmarks[:, 0], drawn_by_hand(truth), atol=1e-9)
    np.testing.assert_array_equal(
        result.rows.query("used and person == 'talk'").frame, np.linspace(0, 11, 9).round()
    )


def poor(reason):
    points = face()
    if reason == "turned":
        points[27:36, 0] += 0.4
    if reason == "eyes closed":
        points[[37, 38, 40, 41], 1] = points[36, 1]
    return 30 * points * (0.3 if reason == "small" else 1) + (100, 70)


@pytest.mark.parametrize("reason", ["turned", "eyes closed", "small"])
def test_a_poor_photo_is_left_out_for_its_reason(album, tmp_path, reason):
    rng = np.random.default_rng(2)
    for k in range(5):
        album.save(tmp_path / f"anna_{k}.png", posed(face(), rng))
    album.save(tmp_path / "anna_5.png", poor(reason))
    result = album.draw(tmp_path)
    assert result.reasons == {reason: 1} and result.dataset.n_frames == 5
    row = result.rows.iloc[-1]
    assert (row.reason, row.quality, row.used) == (reason, 0, False)
    assert (result.rows["quality"][:5] > 0.3).all()
    passing = 0 if reason in ("eyes closed", "small") else np.inf
    assert album.draw(tmp_path, limits={reason: passing}).dataset.n_frames == 6
    assert f"left out: 1 {reason}" in repr(result)


def test_landmarks_that_follow_the_box_are_unsteady(album, tmp_path):
    for k in range(6):
        album.save(tmp_path / f"anna_{k}.png", 30 * face() + (100, 70))

    def loose(photo, boxes):
        hidden = album._number(photo) == 6
        steps = np.arange(len(boxes))[:, None, None] * (3 if hidden else 0.1)
        return album.landmarks(photo, boxes) + steps

    result = album.draw(tmp_path, landmarks=loose)
    assert result.reasons == {"unsteady": 1} and not result.rows["used"][5]


def test_a_slip_between_two_frames_is_left_out(album, tmp_path):
    points = [30 * face("smile") + (100 + k, 70) for k in range(9)]
    points[4] = points[4].copy()
    points[4][48:68] += (0, 8)
    film(tmp_path / "anna.avi", [album.photo(p) for p in points])
    result = album.draw(tmp_path)
    assert result.reasons == {"jumping": 1} and not result.rows["used"][4]
    for k, p in enumerate(points):
        album.save(tmp_path / "photos" / f"{k}.png", p)
    assert album.draw(tmp_path / "photos").reasons == {}, "photos need not follow one another"


def test_of_a_photo_with_several_faces_the_largest_steady_one_counts(tmp_path):
    Image.new("RGB", (200, 160)).save(tmp_path / "anna.png")
    small, large = 15 * face("smile") + (40, 60), 30 * face() + (140, 60)

    def draw(wrong):
        def landmarks(photo, boxes):
            found = np.array([large if x + w / 2 > 100 else small for x, _, w, _ in boxes])
            slipping = np.array([x + w / 2 > 100 for x, _, w, _ in boxes]) * wrong
            return found + np.arange(len(boxes))[:, None, None] * slipping[:, None, None]

        return draw_from_photos(
            tmp_path,
            detector=lambda photo, min_size: [(10, 30, 50, 50), (100, 20, 80, 80)],
            landmarks=landmarks,
            min_frames=1,
        )

    np.testing.assert_allclose(draw(0).landmarks[0, 0], drawn_by_hand(large), atol=1e-9)
    np.testing.assert_allclose(draw(5).landmarks[0, 0], drawn_by_hand(small), atol=1e-9)


def test_one_bad_file_does_not_stop_the_others(album, people):
    (people / "anna" / "zz.jpg").write_bytes(b"\xff\xd8\xff\xe0 no photo")
    (people / "anna" / "zz.mp4").write_bytes(b"no video")
    (people / "anna" / "notes.txt").write_text("not looked at")
    result = album.draw(people)
    assert result.persons == ("anna", "ben") and result.dataset.n_frames == 6
    assert sorted(Path(name).name for name in result.failed) == ["zz.jpg", "zz.mp4"]
    assert "could not read" in repr(result) and "zz.mp4" in repr(result)
    assert "2 persons × 6 frames" in repr(result)
    assert "17 frames looked at, 17 good, 12 used, evenly spaced" in repr(result)
    assert "persons with too few good frames: carl (3)" in repr(result)


def test_how_many_frames_and_which(album, people):
    result = album.draw(people, n_frames=4)
    assert result.persons == ("anna", "ben")
    table = result.rows
    names = table[table.used].groupby("person").file.apply(lambda files: [Path(f).stem for f in files])
    assert names["anna"] == ["0", "2", "5", "7"] and names["ben"] == ["0", "2", "3", "5"]
    assert album.draw(people, min_frames=1).dataset.X1.shape[:2] == (3, 3)
    alone = album.draw(people / "carl", min_frames=1)
    assert alone.dataset.n_persons == 1, "one person alone is enough"


def test_labels_by_name_or_function(album, people):
    assert album.draw(people, label=lambda name: int(name == "ben")).dataset.y.tolist() == [0, 1]
    with pytest.warns(UserWarning, match="no label for ben: -1 in y"):
        assert album.draw(people, label={"anna": 0}).dataset.y.tolist() == [0, -1]


def test_what_would_fail_at_the_end_fails_at_once(people, monkeypatch):
    def detector(photo, min_size):
        raise AssertionError("nothing is to be looked at")

    with pytest.raises(ValueError, match="size must be a whole number from 32"):
        draw_from_photos(people, landmarks=astronaut_landmarks, detector=detector, size=8)
    without(monkeypatch, "dlib")
    with pytest.raises(ImportError, match="pip install dlib-bin"):
        draw_from_photos(people, detector=detector)


def test_where_nobody_is_left_the_message_says_why(album, tmp_path):
    for k in range(3):
        album.save(tmp_path / f"anna_{k}.png", poor("turned") if k else None)
    (tmp_path / "ben.png").write_bytes(b"")
    with pytest.raises(
        facesom.DatasetError, match=r"nobody has 5 good frames; anna: 0; 2 .*turned; 1 .*no face.*ben\.png"
    ):
        album.draw(tmp_path)
    with pytest.raises(facesom.DatasetError, match="no file could be read"):
        album.draw(tmp_path / "ben.png")


def test_bad_arguments_are_named(album, people, tmp_path):
    for options, message in (
        (
            {"limits": {"blurred": 1}},
            "limits: expected numbers .* some of unsteady.*got 'blurred': 1",
        ),
        ({"limits": {"turned": -1}}, "limits: expected numbers from 0 up .*got 'turned': -1"),
        ({"persons": "face"}, 'persons: expected "folder", "name" or a function of the path, got \'face\''),
        ({"n_frames": 0}, "n_frames: expected a whole number from 1 up, got 0"),
        ({"min_frames": 2.5}, "min_frames: expected a whole number from 1 up, got 2.5"),
        ({"landmarks": lambda photo, boxes: np.zeros((1, 42, 2))}, r"landmarks: expected .* \(1, 68, 2\)"),
        ({"landmarks": lambda photo, boxes: np.full((len(boxes), 68, 2), np.nan)}, "with NaN or infinity"),
    ):
        with pytest.raises(ValueError, match=message):
            album.draw(people, **options)
    with pytest.raises(facesom.DatasetError, match=r"no file or folder '.*nowhere'; looked from"):
        album.draw(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(facesom.DatasetError, match=r"holds no photo or video; .* found nothing"):
        album.draw(tmp_path / "empty")
    with pytest.raises(facesom.DatasetError, match="holds no photo or video"):
        album.draw([])


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (None, ["S010", "S010", "anna", "anna", "ben", "ben", "home", "my talk"]),
        ("folder", ["anna", "anna", "ben", "ben", "home", "home", "home", "home"]),
        ("name", ["1", "S010", "S010", "a", "home", "my", "party", "x"]),
        (lambda path: path.parent.name, ["anna", "anna", "ben", "deep", *["home"] * 4]),
    ],
)
def test_who_is_who(tmp_path, rule, expected):
    home = tmp_path / "home"
    files = ("anna/1_a.jpg", "anna/party-2.mp4", "ben/deep/x12.png", "ben/a.JPG")
    for name in (*files, "S010_10.png", "S010_9.png", "0001.jpg", "my talk.mov", ".hidden.png", "a.txt"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()
    found = list_files(home, rule)
    assert [person for _, person in found] == expected
    by_stem = [path.stem for path, person in found if person == "S010"]
    assert by_stem in ([], ["S010_9", "S010_10"]), "9 comes before 10"
    assert list_files(home, lambda path: path.suffix)[0][1] == ".JPG"


def test_nothing_is_left_out_without_a_word(tmp_path):
    names = {"a.JPG", "b.jfif", "c.jpe", "d.HEIC", "e.3gp", "f.MTS", "g.ts", "h.flv", "i.ogv", "j.m2ts"}
    for name in (*names, "notes.txt", "k.xyz"):
        (tmp_path / name).touch()
    with pytest.warns(UserWarning, match=r"left out .*: k\.xyz, notes\.txt \(name such a file itself"):
        assert {path.name for path, _ in list_files(tmp_path)} == names
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list_files([tmp_path / "k.xyz", tmp_path / "g.ts"])) == 2, "named one by one"
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(tmp_path / "k.xyz", "PNG")
    assert not is_video(tmp_path / "k.xyz") and is_video(tmp_path / "F.MTS")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a pipe needs POSIX")
def test_pipes_and_links_that_go_round_stop_nobody(tmp_path):
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "a.png").touch()
    (tmp_path / "anna" / "round").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(tmp_path / "anna" / "b.png")
    with pytest.warns(UserWarning, match=r"left out .*b\.png"):
        assert [path.name for path, _ in list_files(tmp_path)] == ["a.png"]
    with pytest.raises(facesom.DatasetError, match=r"b\.png: expected a file, this is a folder, a pipe"):
        list_files([tmp_path / "anna" / "b.png"])
    for read in (facesom.read_photo, facesom.photos.read_frames):
        with pytest.raises((OSError, facesom.DatasetError), match=r"expected a .*file"):
            read(tmp_path / "anna" / "b.png")


def test_several_files_may_be_named(tmp_path):
    for name in ("a/1.png", "b/2.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    paths = [tmp_path / "a/1.png", str(tmp_path / "b/2.png")]
    assert [person for _, person in list_files(paths)] == ["a", "b"]
    assert [person for _, person in list_files(paths[:1])] == ["a"]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from(DRAWN_NAMES), st.integers(32, 256))
def test_alignment_puts_the_eyes_where_they_belong(seed, expression, size):
    points = posed(face(expression), np.random.default_rng(seed))
    aligned = align_landmarks(points, size)
    left, right = aligned[10:16].mean(axis=0), aligned[16:22].mean(axis=0)
    np.testing.assert_allclose(right - left, (0.32 * size, 0), atol=1e-9)
    np.testing.assert_allclose((left + right) / 2, np.multiply(size, (0.5, 0.385)) - 0.5, atol=1e-9)
    np.testing.assert_allclose(distances(aligned), distances(points[DRAWN]), atol=1e-9)


def test_a_turned_head_is_measured_with_its_side():
    depth = np.zeros(68)
    depth[30], depth[[36, 45]] = 0.45, -0.25  # the nose sticks out, the corners of the eyes lie back
    points = face()
    turns = []
    for angle in np.radians([-30, -15, 0, 15, 30]):
        seen = points.copy()
        seen[:, 0] = points[:, 0] * np.cos(angle) + depth * np.sin(angle)
        turns.append(head_turn(seen))
    assert np.all(np.diff(turns) > 0.2) and turns[2] == pytest.approx(0)
    np.testing.assert_allclose(turns[:2], -np.array(turns[:2:-1]))
    assert abs(turns[1]) < LIMITS["turned"] < abs(turns[0]), "15 degrees pass, 30 do not"


def test_steady_landmarks_are_the_median_and_say_how_far_they_stray():
    truth = 30 * face() + (100, 80)
    astray = np.array([0, 6, -3, 3, -6, 0, 30])  # pixels, of which the median is 0
    calls = []

    def landmarks(photo, boxes):
        calls.append(boxes)
        moved = (
            np.zeros(len(boxes))
            if len(calls) < 3
            else np.concatenate([astray, 0 * astray]).reshape(2, 7).T.ravel()
        )
        return truth + moved[:, None, None] * (1, 0)

    points, spread = steady_landmarks(astronaut(), np.array([[50, 40, 90, 90]] * 2), landmarks)
    np.testing.assert_allclose(points, [truth, truth], atol=1e-9)
    np.testing.assert_allclose(spread, [48 / 7 / 30, 0], atol=1e-6)
    boxes = np.array(calls[2]).reshape(7, 2, 4)[:, 0]
    middles = boxes[:, :2] + boxes[:, 2:] / 2
    assert len(np.unique(boxes.round(6), axis=0)) == 7, "seven different looks"
    np.testing.assert_allclose(middles.mean(axis=0), middles[0])
    assert steady_landmarks(None, [], landmarks)[0].shape == (0, 68, 2)


def test_the_astronaut_without_dlib(tmp_path):
    Image.fromarray(astronaut()).save(tmp_path / "astronaut.png")
    result = draw_from_photos(tmp_path, landmarks=astronaut_landmarks, min_frames=1)
    assert result.persons == ("astronaut",)
    x2 = dict(zip(X2_NAMES, result.dataset.X2[0, 0], strict=True))
    assert x2["mouth_width"] > 0.9 and x2["left_corner_height"] > 0, "she smiles"


def without(monkeypatch, *missing):
    landmarks_module._dlib_model.cache_clear()
    found = {name for name in ("dlib", "face_recognition_models") if name not in missing}
    spec = SimpleNamespace(origin="")
    monkeypatch.setattr(landmarks_module, "find_spec", lambda name: spec if name in found else None)


@pytest.mark.parametrize("missing", ["dlib", "face_recognition_models"])
def test_missing_libraries_are_named(monkeypatch, missing):
    without(monkeypatch, missing)
    with pytest.raises(ImportError, match=r"68-point model is missing: pip install .*landmarks=func"):
        find_landmarks(astronaut(), [(177, 82, 96, 95)])


def test_find_landmarks_names_bad_boxes():
    with pytest.raises(ValueError, match=r"boxes: .*pass boxes\[None\]"):
        find_landmarks(astronaut(), (1, 2, 3, 4))
    with pytest.raises(ValueError, match="at least a pixel wide and high"):
        find_landmarks(astronaut(), [(1, 2, 0, 4)])
    with pytest.raises(ValueError, match="photo: expected"):
        find_landmarks(astronaut()[0, 0], [(1, 2, 3, 4)])


@DLIB
def test_dlib_finds_the_known_landmarks():
    photo = astronaut()
    points, spread = steady_landmarks(photo, np.array([[170, 70, 110, 110]]))
    assert np.abs(points[0] - ASTRONAUT_LANDMARKS).max() < 3 and spread[0] < LIMITS["unsteady"]
    half = cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    small, _ = steady_landmarks(half, np.array([[85, 35, 55, 55]]))
    assert np.abs(2 * small[0] + 0.5 - ASTRONAUT_LANDMARKS).mean() < 1.5
    assert steady_landmarks(photo, np.array([[20, 300, 100, 100]]))[1][0] > LIMITS["unsteady"], (
        "no face there"
    )
    find_landmarks(photo, [(-400, -400, 20, 20)])  # a wild guess of a detector must not stop a video


@DLIB
@pytest.mark.skipif(not (SHARED / "ckplus48").is_dir(), reason="the shared photos are not here")
def test_real_photos_become_drawings_like_those_we_have():
    paths = sorted((SHARED / "ckplus48").rglob("S01[01]_*.png"))[::3]
    result = draw_from_photos(
        paths,
        persons=lambda path: path.name[:4],
        detector=lambda photo, min_size: [(0, 0, *photo.shape[1::-1])],
        min_frames=2,
    )
    assert result.persons == ("S010", "S011") and sum(result.reasons.values()) <= 0.25 * len(paths)
    known = facesom.load(SHARED / "ckplus_drawn.pickle")
    here, there = (
        facesom.shape_features(data.X1).reshape(data.n_persons * data.n_frames, -1)
        for data in (result.dataset, known)
    )
    assert (np.abs(here.mean(axis=0) - there.mean(axis=0)) <= 3 * there.std(axis=0) + 1e-6).all()

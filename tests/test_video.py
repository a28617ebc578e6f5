"""Video: frames as written, faces that keep their number while they should, emotions smoothed as said."""

import struct
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.data import astronaut

import facesom
from facesom.notebook import find_video
from facesom.photos import tracks as tracks_module
from facesom.photos.emotion_tracks import video_emotions
from facesom.photos.examples import PORTRAIT, astronaut_landmarks, write_example_video
from facesom.photos.faces import find_faces
from facesom.photos.tracks import track_faces
from facesom.photos.video import read_frames
from facesom.plots import plot_emotions_over_time

VIDEOS = Path(__file__).parents[2] / "shared" / "data" / "videos"
SIDE = 20
HAPPY = facesom.EMOTIONS.index("happy")


def squares(photo, min_size):
    """A detector of bright squares."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((photo.max(axis=2) > 128).astype(np.uint8))
    return stats[1:, :4]


def frame_of(*corners, level=255):
    """A frame with a bright square at each corner (x, y)."""
    frame = np.zeros((60, 100, 3), np.uint8)
    for x, y in corners:
        frame[y : y + SIDE, x : x + SIDE] = level
    return frame


def write(path, frames, code="MJPG", fps=10):
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), fps, (width, height))
    assert writer.isOpened()
    for frame in frames:
        writer.write(frame[..., ::-1])
    writer.release()
    return path


def follow(frames, **options):
    return track_faces(frames, detector=squares, **options)


def brightness(faces):
    """A model: the brighter a face, the happier."""
    happy = faces.reshape(len(faces), -1).mean(axis=1) / 255
    answer = np.repeat((1 - happy)[:, None] / 6, 7, axis=1)
    answer[:, HAPPY] = happy
    return answer


@pytest.mark.parametrize(("code", "suffix"), [("MJPG", ".avi"), ("mp4v", ".mp4")])
def test_frames_come_in_order_and_in_rgb(tmp_path, code, suffix):
    levels = np.arange(10, 250, 20)
    frames = [np.full((32, 48, 3), (level, 0, 255 - level), np.uint8) for level in levels]
    path = write(tmp_path / f"a{suffix}", frames, code)
    read = np.array(list(read_frames(path)), dtype=int)
    assert read.shape == (12, 32, 48, 3)
    np.testing.assert_allclose(read[:, 16, 24, 0], levels, atol=8)
    np.testing.assert_allclose(read[:, 16, 24, 2], 255 - levels, atol=8)
    np.testing.assert_array_equal(list(read_frames(str(path), every=5)), read[[0, 5, 10]])
    np.testing.assert_array_equal(list(read_frames(path, every=3, max_frames=2)), read[[0, 3]])
    assert next(read_frames(path)).dtype == np.uint8


def test_a_bad_video_is_named_when_it_is_opened(tmp_path):
    with pytest.raises(facesom.DatasetError, match=r"nowhere\.mp4: .* \(no such file, looked from"):
        read_frames(tmp_path / "nowhere.mp4")
    with pytest.raises(facesom.DatasetError, match="expected a file, this is a folder"):
        read_frames(tmp_path)
    with pytest.raises(facesom.DatasetError, match="got int: record the camera to a file first"):
        read_frames(0)
    with pytest.raises(facesom.DatasetError, match="got int"):
        track_faces(0)
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(facesom.DatasetError, match=r"empty\.mp4: the file is empty"):
        read_frames(tmp_path / "empty.mp4")
    (tmp_path / "text.txt").write_text("no video at all\n" * 100)
    with pytest.raises(facesom.DatasetError, match=r"reads no frame of it \(\.txt: is it one\?\)"):
        read_frames(tmp_path / "text.txt")
    whole = write(tmp_path / "whole.mp4", [frame_of((5, 5))] * 20, "mp4v").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(facesom.DatasetError, match="reads no frame of it; is it cut off"):
        read_frames(tmp_path / "cut.mp4")
    for options in ({"every": 0}, {"every": 1.5}, {"max_frames": True}, {"max_frames": 0}):
        with pytest.raises(ValueError, match="expected a whole number from 1 up"):
            read_frames(tmp_path / "whole.mp4", **options)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp"])
def test_a_numbered_picture_is_no_video_of_its_neighbours(tmp_path, suffix):
    for number in (1, 2):
        cv2.imwrite(str(tmp_path / f"a_00{number}{suffix}"), np.zeros((20, 20, 3), np.uint8))
    with pytest.raises(facesom.DatasetError, match="expected a video, this is a picture"):
        facesom.photos.read_frames(tmp_path / f"a_001{suffix}")


@pytest.mark.parametrize(
    "start", ["ffconcat version 1.0\n", "\ufeff#EXTM3U\n\0", "<?xml version='1.0'?>\n<MPD>"]
)
def test_a_text_that_names_other_files_is_no_video(tmp_path, start):
    write(tmp_path / "secret.avi", [frame_of((5, 5))] * 5)
    (tmp_path / "list.mp4").write_text(f"{start}file secret.avi\n", encoding="utf-8")
    with pytest.raises(facesom.DatasetError, match=r"list\.mp4: expected a video.*it is a text"):
        read_frames(tmp_path / "list.mp4")


def with_times(path, times):
    """Write another time (in frames from the one before) to each frame of an MP4 that OpenCV wrote."""
    data = bytearray(path.read_bytes())
    at = data.index(b"stts") - 4
    (delta,) = struct.unpack(">I", data[at + 20 : at + 24])
    steps = [*np.diff(times), 1]
    table = struct.pack(">I4sII", 16 + 8 * len(steps), b"stts", 0, len(steps))
    table += b"".join(struct.pack(">II", 1, int(step * delta)) for step in steps)
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):  # those around it grow
        box = data.rindex(kind, 0, at) - 4
        size = struct.unpack(">I", data[box : box + 4])[0] + len(table) - 24
        data[box : box + 4] = struct.pack(">I", size)
    box = data.index(b"elst") + 12  # how much of the film is shown
    data[box : box + 4] = struct.pack(">I", 10**6)
    data[at : at + 24] = table
    path.write_bytes(data)
    return path


def test_times_are_those_of_the_frames_not_number_over_rate(tmp_path):
    times = np.concatenate([np.arange(20), 20 + 5 * np.arange(20)])  # a phone, light, then in the dark
    path = with_times(write(tmp_path / "phone.mp4", [frame_of((5, 5))] * 40, "mp4v"), times)
    read = [seconds for seconds, _ in read_frames(path, every=3, times=True)]
    np.testing.assert_allclose(read, times[::3] / 10, atol=1e-3)
    tracks = follow(path)
    np.testing.assert_allclose(tracks.time, times / 10, atol=1e-3)
    np.testing.assert_allclose(tracks.to_frame().time, times / 10, atol=1e-3)
    assert tracks.fps == pytest.approx(39 / 11.5) and "1 faces in 40 frames, 11.5 s" in repr(tracks)
    np.testing.assert_allclose(follow(path, fps=20).time, np.arange(40) / 20)
    result = video_emotions(path, brightness, detector=squares)
    axes = plot_emotions_over_time(result)
    np.testing.assert_allclose(axes.lines[0].get_xdata(), times / 10, atol=1e-3)
    plt.close("all")


def test_a_thousand_frames_a_second_are_not_25(tmp_path):
    path = write(tmp_path / "quick.mp4", [frame_of((5, 5))] * 20, "mp4v", fps=1000)
    np.testing.assert_allclose(follow(path).time, np.arange(20) / 1000, atol=1e-6)


def test_times_that_stand_still_are_counted_on_and_said(tmp_path, monkeypatch):
    path = write(tmp_path / "a.avi", [frame_of((5, 5))] * 12)
    noted = iter([0, 100, 200, 200, 300, 0, 100, 200, 300, 400, 500, np.nan])
    get = cv2.VideoCapture.get

    class Capture:
        def __init__(self, name):
            self.real = cv2_capture(name)

        def __getattr__(self, name):
            return getattr(self.real, name)

        def get(self, what):
            return next(noted) if what == cv2.CAP_PROP_POS_MSEC else get(self.real, what)

    cv2_capture = cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    with pytest.warns(UserWarning, match="stand still or go back; counted on at a frame rate of 10 there"):
        seconds = [time for time, _ in read_frames(path, times=True)]
    np.testing.assert_allclose(seconds, np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) / 10)


def test_a_video_that_ends_early_says_so_and_gives_what_there_is(tmp_path):
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 255, (32, 48, 3), dtype=np.uint8) for _ in range(40)]
    whole = write(tmp_path / "whole.avi", frames).read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    with pytest.warns(UserWarning, match=r"ends after \d+ of 40 announced frames"):
        read = list(read_frames(tmp_path / "cut.avi"))
    assert 10 < len(read) < 30
    with pytest.warns(UserWarning, match="announced"):
        assert track_faces(tmp_path / "cut.avi", detector=squares).looks.size == len(read)


def test_faces_keep_their_numbers_while_they_move_and_pass(tmp_path):
    left, right = np.arange(0, 40, 2), np.arange(75, 35, -2)
    frames = [frame_of((a, 5), (b, 35)) for a, b in zip(left, right, strict=True)]
    for video in (frames, write(tmp_path / "two.avi", frames)):
        tracks = follow(video)
        assert len(tracks) == 2 and tracks.dropped == 0
        np.testing.assert_array_equal(tracks.face, np.repeat([0, 1], 20))
        np.testing.assert_array_equal(tracks.frame, np.tile(np.arange(20), 2))
        np.testing.assert_allclose(tracks.boxes[:20, 0], left, atol=1)
        np.testing.assert_allclose(tracks.boxes[20:, 0], right, atol=1)
    assert tracks.fps == 10 and tracks.time[-1] == pytest.approx(1.9)
    assert "2 faces in 20 frames, 1.9 s\n  face 0: 20 sightings, 0.0 to 1.9 s" in repr(tracks)
    assert list(tracks.to_frame().columns) == ["face", "frame", "time", "x", "y", "w", "h"]


def test_the_bar_knows_how_many_frames_there_are(tmp_path, capsys):
    path = write(tmp_path / "film.avi", [frame_of((5, 5))] * 20)
    for video in (path, [frame_of((5, 5))] * 20):
        follow(video, every=4, progress=True)
        assert "5/5" in capsys.readouterr().err


@pytest.mark.parametrize("lost", [(), range(25, 35)])
@pytest.mark.parametrize(
    ("below", "speeds"), [(0, (6, -6)), (15, (6, -6)), (0, (2, -2)), (0, (6, 0)), (0, (8, 2))]
)
def test_people_who_pass_each_other_keep_their_numbers(lost, below, speeds):
    rng = np.random.default_rng(0)
    when = np.arange(60)
    right = [60 + speeds[0] * (when - 30) + 300, 60 + speeds[1] * (when - 30) + 300]
    looks = iter(when)

    def detect(photo, min_size):  # where they are, 2 pixels off; one is hidden while they pass
        k = next(looks)
        boxes = [(right[0][k], 40, 60, 60), (right[1][k], 40 + below, 60, 60)][: 1 if k in lost else 2]
        return np.array(boxes) + rng.normal(0, 2, (len(boxes), 4))

    tracks = track_faces([np.zeros((200, 700, 3), np.uint8)] * 60, detector=detect)
    assert len(tracks) == 2
    apart = np.abs(right[0] - right[1])[tracks.frame] > 12
    true = np.array([right[face][frame] for face, frame in zip(tracks.face, tracks.frame, strict=True)])
    assert np.abs(tracks.boxes[:, 0] - true)[apart].max() < 12


def test_films_are_looked_at_near_the_last_boxes_and_everywhere_now_and_then(monkeypatch):
    face = astronaut()[30:210, 130:310]
    frames = [np.full((260, 640, 3), 90, np.uint8) for _ in range(20)]
    for k, frame in enumerate(frames):
        frame[40:220, 20 + 2 * k : 200 + 2 * k] = face
        if k >= 8:
            frame[40:220, 420:600] = face
    calls = []

    def looked(*arguments, near=None, **options):
        calls.append(near is not None)
        return find_faces(*arguments, near=near, **options)

    monkeypatch.setattr(tracks_module, "find_faces", looked)
    tracks = track_faces(frames)
    assert len(tracks) == 2 and sum(calls) == 16 and len(calls) == 20, "each fifth look is a whole one"
    assert tracks.frame[tracks.face == 0].tolist() == [*range(20)]
    assert tracks.frame[tracks.face == 1].tolist() == [*range(10, 20)], "seen by the next whole look"
    np.testing.assert_allclose(tracks.boxes[:20, 0], 20 + 47 + 2 * np.arange(20), atol=8)


def test_the_number_outlives_a_gap_up_to_its_limit():
    here, away = frame_of((40, 20)), frame_of()
    frames = [here] * 6 + [away] * 9 + [here] * 6 + [away] * 10 + [here] * 6
    np.testing.assert_array_equal(np.bincount(follow(frames, max_gap=10).face), [12, 6])
    np.testing.assert_array_equal(np.bincount(follow(frames, max_gap=11).face), [18])
    np.testing.assert_array_equal(np.bincount(follow(frames, max_gap=9).face), [6, 6, 6])
    elsewhere = [here] * 6 + [away] * 3 + [frame_of((70, 20))] * 6
    np.testing.assert_array_equal(np.bincount(follow(elsewhere).face), [6, 6])


def test_the_gap_is_counted_in_frames_of_the_video_whatever_is_skipped():
    here, away = frame_of((40, 20)), frame_of()
    frames = [here] * 20 + [away] * 12 + [here] * 20
    assert len(follow(frames, every=4, max_gap=16)) == 1
    tracks = follow(frames, every=4, max_gap=15)
    assert len(tracks) == 2
    np.testing.assert_array_equal(tracks.frame, [0, 4, 8, 12, 16, 32, 36, 40, 44, 48])
    np.testing.assert_array_equal(tracks.looks, np.arange(0, 52, 4))
    assert len(follow([here] * 200, every=40)) == 1, "the next look is never too far"
    assert follow(frames, every=4, max_frames=3).looks.tolist() == [0, 4, 8]


def test_short_and_rare_tracks_are_noise():
    frames = [frame_of((5, 5), *[(70, 35)] * (k in (3, 4, 5, 6))) for k in range(40)]
    tracks = follow(frames)
    assert len(tracks) == 1 and tracks.dropped == 4
    assert "4 sightings in short or rare tracks left out" in repr(tracks)
    assert len(follow(frames, min_sightings=4)) == 2
    rare = [frame_of((5, 5), *[(70, 35)] * (k % 8 == 0)) for k in range(80)]
    assert len(follow(rare)) == 1 and follow(rare).dropped == 10
    some = [frame_of((5, 5), *[(70, 35)] * (k % 3 == 0)) for k in range(80)]
    assert len(follow(some)) == 2
    assert len(follow([frame_of((5, 5))] * 2)) == 1, "a video of two frames can show a face in both at most"


@settings(deadline=None, max_examples=50)
@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(1, 3))
def test_numbers_change_at_gaps_that_are_too_long(seen, max_gap):
    frames = [frame_of((40, 20)) if here else frame_of() for here in seen]
    when = np.flatnonzero(seen)
    tracks = follow(frames, max_gap=max_gap, min_sightings=1)
    np.testing.assert_array_equal(tracks.frame, when)
    expected = np.concatenate([[0], np.cumsum(np.diff(when) > max_gap)]) if when.size else []
    np.testing.assert_array_equal(tracks.face, expected)


def test_what_is_measured_follows_the_sightings():
    frames = [frame_of((a, 5), (75 - a, 35)) for a in range(0, 20, 2)]
    tracks = follow(frames, each=lambda frame, boxes: [tuple(box) for box in boxes])
    assert tracks.values == [tuple(box) for box in tracks.boxes]
    assert follow(frames).values is None
    with pytest.raises(ValueError, match="each: expected a value for each of 2 boxes, got 1"):
        follow(frames, each=lambda frame, boxes: [0])


def test_bad_arguments_of_tracking_are_named():
    frames = [frame_of((5, 5))] * 5
    for options, message in (
        ({"max_gap": 0}, "max_gap: expected a whole number from 1 up, got 0"),
        ({"min_sightings": 2.0}, "min_sightings: expected a whole number"),
        ({"max_frames": 0}, "max_frames: expected a whole number from 1 up, got 0"),
        ({"fps": -1}, "fps: expected a number of frames a second, got -1"),
    ):
        with pytest.raises(ValueError, match=message):
            follow(frames, **options)
    with pytest.raises(facesom.DatasetError, match="at least one frame"):
        follow([])


def test_a_video_without_a_face_has_no_tracks_and_no_emotions(tmp_path):
    path = write(tmp_path / "none.avi", [frame_of()] * 8)
    result = video_emotions(path, brightness, detector=squares)
    assert len(result) == 0 and result.probabilities.shape == (0, 7)
    assert repr(result) == "VideoEmotions: 0 faces in 8 frames" and len(result.to_frame()) == 0
    with pytest.raises(ValueError, match="no face was found in this video"):
        plot_emotions_over_time(result)


@pytest.fixture(scope="module")
def blinking():
    """One face that gets brighter and is away for eight frames, another that stays as it is."""
    frames = [frame_of((75, 35), level=200) for _ in range(40)]
    for k in [*range(20), *range(28, 40)]:
        frames[k][5:25, 5:25] = 130 + 3 * k
    return frames


def test_emotions_follow_each_face_and_are_smoothed_as_said(blinking):
    result = video_emotions(blinking, brightness, smoothing=0.2, fps=10, detector=squares)
    first, times = result.tracks.face == 0, result.tracks.time
    seen = np.r_[0:20, 28:40]
    np.testing.assert_allclose(result.raw[first, HAPPY], (130 + 3 * seen) / 255, atol=1e-6)
    np.testing.assert_allclose(result.raw[~first, HAPPY], 200 / 255, atol=1e-6)
    for mine in (first, ~first):
        weights = np.exp(-np.abs(times[mine][:, None] - times[mine]) / 0.2)
        truth = weights @ result.raw[mine] / weights.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(result.probabilities[mine], truth, atol=1e-12)
    plain = video_emotions(blinking, brightness, smoothing=0, fps=10, detector=squares)
    np.testing.assert_array_equal(plain.probabilities, plain.raw)
    assert "face 1: happy 100%" in repr(result)


def test_the_table_of_emotions_has_a_row_for_each_sighting(blinking):
    result = video_emotions(blinking, brightness, detector=squares)
    table = result.to_frame()
    assert len(table) == 72 and table.face.tolist() == [0] * 32 + [1] * 40
    np.testing.assert_allclose(table[list(facesom.EMOTIONS)].sum(axis=1), 1)
    np.testing.assert_allclose(table.raw_happy, result.raw[:, HAPPY])
    assert set(table.emotion) == {"happy"}


def test_gaps_break_the_lines_and_are_shaded(blinking):
    result = video_emotions(blinking, brightness, fps=10, detector=squares)
    axes = plot_emotions_over_time(result, 0)
    assert len(axes.lines) == 7 and len(axes.get_legend().get_texts()) == 8
    happy = next(line for line in axes.lines if line.get_label() == "happy")
    np.testing.assert_array_equal(np.isnan(happy.get_ydata()), [20 <= k < 28 for k in range(40)])
    assert [text.get_text() for text in axes.texts] == ["happy"]
    other = plot_emotions_over_time(result, 1, ax=plt.figure().add_subplot())
    assert len(other.get_legend().get_texts()) == 7, "nothing to shade where the face is always found"
    with pytest.raises(ValueError, match="face: expected a number from 0 to 1, got 2"):
        plot_emotions_over_time(result, 2)
    plt.close("all")


def test_a_model_of_ones_own_may_have_other_classes(blinking):
    def calm(faces):
        return np.tile([0.25, 0.75], (len(faces), 1))

    result = video_emotions(blinking, calm, names=("tense", "calm"), detector=squares)
    assert result.probabilities.shape == (72, 2) and "face 0: calm 100%" in repr(result)
    assert len(plot_emotions_over_time(result).lines) == 2
    plt.close("all")
    with pytest.raises(ValueError, match=r"model: expected probabilities of shape \(2, 7\)"):
        video_emotions(blinking, calm, detector=squares)
    with pytest.raises(ValueError, match=r"expected rows that sum to 1.*use softmax"):
        video_emotions(blinking, lambda faces: np.ones((len(faces), 7)), detector=squares)
    with pytest.raises(ValueError, match="smoothing: expected seconds from 0 up"):
        video_emotions(blinking, calm, smoothing=-1)


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    return find_video(folder=tmp_path_factory.mktemp("video"))


def test_the_example_leaves_and_returns_twice(example):
    face = astronaut()[80:180, 175:275]

    def template(photo, min_size):
        found = cv2.matchTemplate(photo, face, cv2.TM_CCOEFF_NORMED)
        _, score, _, (x, y) = cv2.minMaxLoc(found)
        return [(x, y, 100, 100)] if score > 0.8 else []

    tracks = track_faces(example, detector=template, every=2)
    assert len(tracks) == 2 and tracks.dropped == 0, "the same after a moment, another after two seconds"
    first, second = (tracks.time[tracks.face == k] for k in (0, 1))
    assert first[0] == 0 and 0.4 < np.diff(first).max() < 1.2 and 4 < first[-1] < 5
    assert 7 < second[0] < 8 and second[-1] > 8.9


def test_the_example_is_made_once_and_ones_own_is_taken(example, tmp_path):
    before = example.stat().st_mtime_ns
    assert find_video(folder=example.parent) == example and example.stat().st_mtime_ns == before
    assert find_video(str(example), folder=tmp_path / "unused") == example
    assert not (tmp_path / "unused").exists()
    with pytest.raises(ValueError, match=r"video_path: there is no file '.*no\.mp4'"):
        find_video(tmp_path / "no.mp4")
    with pytest.raises(facesom.DatasetError, match="OpenCV cannot write this video"):
        write_example_video(tmp_path / "no folder" / "a.mp4")


def test_the_landmarks_of_the_astronaut_lie_on_her_face():
    points = astronaut_landmarks(astronaut(), [(0, 0, 9, 9)] * 2)
    assert points.shape == (2, 68, 2)
    assert (points[0] >= (150, 70)).all() and (points[0] <= (290, 190)).all()
    with pytest.raises(ValueError, match=r"expected skimage\.data\.astronaut"):
        astronaut_landmarks(astronaut()[PORTRAIT], [(0, 0, 9, 9)])


@pytest.mark.skipif(not VIDEOS.is_dir(), reason="the shared videos are not here")
@pytest.mark.parametrize(
    ("name", "every", "faces"), [("single_face", 12, 1), ("WolfgangLanger_Pexels", 48, 1), ("no_face", 24, 0)]
)
def test_real_videos_show_who_is_in_them(name, every, faces):
    result = video_emotions(VIDEOS / f"{name}.mp4", every=every, min_size=60)
    assert len(result) == faces
    if faces:
        assert len(result.tracks.frame) > 0.8 * len(result.tracks.looks), "found in most frames"
        np.testing.assert_allclose(result.probabilities.sum(axis=1), 1)

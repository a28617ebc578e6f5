"""Readers of labelled faces: every format, every mistake by name, nothing left out in silence."""

import contextlib
import os
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import facesom
from facesom import DatasetError
from facesom.emotions import (
    EMOTIONS,
    ActionUnits,
    EmotionFaces,
    read_action_units,
    read_emotion_folder,
    read_fer2013,
    write_emotion_folder,
)
from facesom.notebook import find_emotion_folder

SHARED = Path(__file__).parents[2] / "shared" / "data"
RNG = np.random.default_rng(0)
FACES = EmotionFaces(
    RNG.integers(0, 256, (12, 16, 16), dtype=np.uint8),
    np.arange(12) % 3,
    ("anger", "happy", "contempt"),
    np.array([f"S{k // 3:02}" for k in range(12)]),
)


def shared(name):
    if not (SHARED / name).exists():
        pytest.skip(f"needs the shared data {name}")
    return SHARED / name


@pytest.fixture
def folder(tmp_path):
    write_emotion_folder(FACES, tmp_path / "faces")
    return tmp_path / "faces"


# folders


def test_a_folder_is_read_as_it_was_written(folder):
    faces = read_emotion_folder(folder, size=None, person="prefix")
    assert faces.names == ("anger", "contempt", "happy"), "alphabetical"
    assert faces.counts == {"anger": 4, "contempt": 4, "happy": 4}
    for k, source in enumerate(faces.sources):
        name, file = source.split("/")
        number = int(file.split("_")[1][:5])
        np.testing.assert_array_equal(faces.images[k], FACES.images[number])
        assert faces.names[faces.labels[k]] == name == FACES.names[FACES.labels[number]]
        assert faces.persons[k] == FACES.persons[number]
    assert read_emotion_folder(folder, size=None).persons is None
    assert "12 faces of 16 × 16 of 4 persons" in repr(faces)
    assert read_emotion_folder(folder).images.shape == (12, 48, 48)


def test_persons_from_folders_and_from_a_function(folder):
    taken = read_emotion_folder(folder, person=lambda file: file.stem[1:3])
    assert set(taken.persons) == {"00", "01", "02", "03"}
    for file in list(folder.glob("*/*.png")):
        target = file.parent / file.stem[:3] / file.name
        target.parent.mkdir(exist_ok=True)
        file.rename(target)
    nested = read_emotion_folder(folder, person="folder")
    assert set(nested.persons) == {"S00", "S01", "S02", "S03"} and len(nested) == 12
    (folder / "anger" / "loose.png").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"expected a folder for each person, found files: loose\.png"):
        read_emotion_folder(folder, person="folder")


def test_every_format_gives_the_same_gray(tmp_path):
    ramp = np.add.outer(np.arange(20) * 6, np.arange(20) * 6).astype(np.uint8)
    rgb = np.dstack([ramp, ramp[::-1], ramp[:, ::-1]])
    luminance = Image.fromarray(rgb).convert("L")
    alpha = np.dstack([rgb, np.where(np.arange(20) < 10, 255, 0)[:, None] * np.ones((1, 20))]).astype(
        np.uint8
    )
    palette = Image.fromarray(ramp).convert("P")
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by 90 degrees clockwise
    files = {
        "gray.png": (Image.fromarray(ramp), {}),
        "gray.bmp": (Image.fromarray(ramp), {}),
        "gray.gif": (palette, {}),
        "gray.webp": (Image.fromarray(np.dstack([ramp] * 3)), {"lossless": True}),
        "gray.tif": (Image.fromarray(ramp), {}),
        "deep.png": (Image.fromarray(ramp.astype(np.uint16) * 257), {}),
        "deep.tif": (Image.fromarray(ramp.astype(np.float32) / 255), {}),
        "int.tif": (Image.fromarray(ramp.astype(np.int32)), {}),
        "turned.png": (Image.fromarray(np.rot90(ramp)), {"exif": turned}),
        "one.jpg": (Image.fromarray(ramp), {"quality": 98}),
        "four.jpg": (Image.fromarray(np.dstack([ramp] * 3)).convert("CMYK"), {"quality": 98}),
    }
    (tmp_path / "a").mkdir()
    for name, (image, options) in files.items():
        image.save(tmp_path / "a" / name, **options)
    faces = read_emotion_folder(tmp_path, size=None)
    assert len(faces) == len(files)
    for source, image in zip(faces.sources, faces.images, strict=True):
        atol = 6 if source.endswith("jpg") else 1
        np.testing.assert_allclose(image.astype(int), ramp, atol=atol, err_msg=source)
    (tmp_path / "b" / "x").mkdir(parents=True)
    Image.fromarray(rgb).save(tmp_path / "b" / "x" / "rgb.png")
    Image.fromarray(alpha).save(tmp_path / "b" / "x" / "rgba.png")
    colour, clear = read_emotion_folder(tmp_path / "b", size=None).images
    np.testing.assert_array_equal(colour, luminance)
    np.testing.assert_array_equal(clear[:10], np.array(luminance)[:10])
    assert (clear[10:] == 0).all(), "what is transparent lies on black"


def test_sizes_are_brought_to_the_middle_square(tmp_path):
    (tmp_path / "a").mkdir()
    wide = np.zeros((40, 120), np.uint8)
    wide[:, 40:80] = 200
    Image.fromarray(wide).save(tmp_path / "a" / "wide.png")
    Image.fromarray(wide.T).save(tmp_path / "a" / "tall.png")
    photo = np.full((3000, 3000), 200, np.uint8)
    Image.fromarray(photo).save(tmp_path / "a" / "large.jpg")
    faces = read_emotion_folder(tmp_path, size=20)
    assert faces.images.shape == (3, 20, 20)
    np.testing.assert_allclose(faces.images[:, 2:-2, 2:-2], 200, atol=2)
    with pytest.raises(DatasetError, match=r"of one size, got .* \(.*\) as well; pass size=48"):
        read_emotion_folder(tmp_path, size=None)


def test_clutter_is_not_looked_at(folder):
    (folder / "anger" / "Thumbs.db").write_bytes(b"x")
    (folder / "anger" / ".DS_Store").write_bytes(b"x")
    (folder / "__MACOSX" / "anger").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "README.txt").write_text("of the whole", encoding="utf-8")
    assert len(read_emotion_folder(folder)) == 12


def test_unreadable_files_are_named_and_left_out_only_when_asked(folder):
    whole = (folder / "anger" / "S00_00000.png").read_bytes()
    for name, content in {"empty.png": b"", "cut.png": whole[: len(whole) // 2], "notes.txt": b"hm"}.items():
        (folder / "anger" / name).write_bytes(content)
    with pytest.raises(DatasetError, match=r"cannot read 3 of 15: anger/cut\.png, anger/empty\.png, anger/n"):
        read_emotion_folder(folder)
    with pytest.warns(UserWarning, match=r"left out 3 files .*anger/empty\.png"):
        faces = read_emotion_folder(folder, skip_unreadable=True)
    assert len(faces) == 12
    assert (folder / "anger" / "cut.png").exists(), "bad files stay where they are"


def test_a_wrong_folder_is_guessed(folder, tmp_path):
    with pytest.raises(
        DatasetError, match=r"but faces holds folders itself: anger, .*Did you mean .*faces\?"
    ):
        read_emotion_folder(tmp_path)
    with pytest.raises(DatasetError, match=r"found only 4 files; did you mean .*faces\?"):
        read_emotion_folder(folder / "anger")
    with pytest.raises(DatasetError, match=r"there is no such folder \(looked from"):
        read_emotion_folder(tmp_path / "nowhere")
    (tmp_path / "faces.zip").write_bytes(b"PK")
    with pytest.raises(DatasetError, match="it is a file; unpack it first"):
        read_emotion_folder(tmp_path / "faces.zip")
    (tmp_path / "none").mkdir()
    with pytest.raises(DatasetError, match="found nothing"):
        read_emotion_folder(tmp_path / "none")
    (tmp_path / "none" / "happy").mkdir()
    with pytest.raises(DatasetError, match="expected images in happy, found none"):
        read_emotion_folder(tmp_path / "none")
    (folder / "anger" / "old").mkdir()
    with pytest.raises(DatasetError, match="found folders among them: old; move them out"):
        read_emotion_folder(folder)


def test_wrong_arguments_of_the_folder_reader(folder):
    with pytest.raises(ValueError, match='person: expected None, "prefix", "folder" or a function'):
        read_emotion_folder(folder, person="name")
    with pytest.raises(ValueError, match="size: expected a whole number of at least 8"):
        read_emotion_folder(folder, size=2)
    for file in folder.glob("*/*.png"):
        file.rename(file.with_name(f"Training_{file.name}"))
    with pytest.raises(DatasetError, match="all 12 names start with 'Training'"):
        read_emotion_folder(folder, person="prefix")


def test_numbered_folders_come_in_the_order_of_their_numbers(tmp_path):
    for k in (10, 9, 2):
        (tmp_path / str(k)).mkdir()
        Image.fromarray(FACES.images[0]).save(tmp_path / str(k) / "a.png")
    assert read_emotion_folder(tmp_path).names == ("2", "9", "10")


def test_writing_never_touches_what_is_there(folder, tmp_path):
    with pytest.raises(DatasetError, match="exists already"):
        write_emotion_folder(FACES, folder)
    bad = EmotionFaces(FACES.images, FACES.labels, ("a", "b/c", "d"))
    with pytest.raises(DatasetError, match=r"letters and digits .*\['b/c'\]"):
        write_emotion_folder(bad, tmp_path / "bad")
    assert sorted(os.listdir(tmp_path)) == ["faces"], "nothing half done"


def test_the_notebook_finds_its_folder(tmp_path):
    path = find_emotion_folder(n_persons=2, n_frames=16, folder=tmp_path / "new")
    faces = read_emotion_folder(path, size=None, person="prefix")
    truth = facesom.make_faces(2, 16, mix="balanced")
    assert len(faces) == 32 and set(faces.persons) == {"p00", "p01"}
    assert set(faces.as_emotions().names) == set(faces.names)
    assert faces.counts["sad"] == (truth.expressions == truth.expression_names.index("sad")).sum()
    before = path.stat().st_mtime_ns
    assert find_emotion_folder(n_persons=2, n_frames=16, folder=tmp_path / "new") == path
    assert path.stat().st_mtime_ns == before, "drawn once"
    assert find_emotion_folder(str(path)) == path
    for top in ("", "photos/"):
        archive = tmp_path / f"mine{len(top)}.zip"
        with zipfile.ZipFile(archive, "w") as file:
            for image in path.glob("*/*.png"):
                file.write(image, f"{top}{image.relative_to(path)}")
        again = find_emotion_folder(archive, folder=tmp_path / "unpacked")
        np.testing.assert_array_equal(read_emotion_folder(again, size=None).images, faces.images)
    with pytest.raises(ValueError, match=r"or a zip of it; .*nowhere.* is none \(looked from"):
        find_emotion_folder(tmp_path / "nowhere")


def test_ckplus_has_the_persons_and_classes_that_it_is_known_for():
    faces = read_emotion_folder(shared("ckplus48"), person="prefix")
    assert len(faces) == 981 and len(set(faces.persons)) == 118
    faces = faces.classes(*[name for name in faces.names if name != "contempt"])
    assert faces.as_emotions().counts["surprise"] == 249


# labelled samples


def test_synonyms_become_emotions():
    faces = FACES.classes("anger", "happy").as_emotions()
    assert faces.names == EMOTIONS and len(faces) == 8
    assert set(faces.labels) == {EMOTIONS.index("angry"), EMOTIONS.index("happy")}
    np.testing.assert_array_equal(faces.images, FACES.images[FACES.labels < 2])
    upper = EmotionFaces(FACES.images, FACES.labels, (" Happiness", "AFRAID", "Surprised"))
    assert upper.as_emotions().counts == {**dict.fromkeys(EMOTIONS, 0), "happy": 4, "fear": 4, "surprise": 4}
    with pytest.raises(
        ValueError, match=r"contempt is none of angry.*classes\('anger', 'happy'\) takes the oth"
    ):
        FACES.as_emotions()


def test_classes_are_found_by_any_word_for_the_same_emotion():
    faces = EmotionFaces(FACES.images, FACES.labels, ("Sadness", "contempt", "happiness"))
    two = faces.classes("happy", "sad")
    assert two.names == ("happiness", "Sadness"), "under the names that they have"
    np.testing.assert_array_equal(two.images, FACES.images[FACES.labels != 1])
    assert two.labels.tolist() == [1, 0] * 4
    assert faces.classes("CONTEMPT").names == ("contempt",)
    assert EmotionFaces(FACES.images, FACES.labels, ("joy", "smile", "happy")).classes("happy").names == (
        "happy",
    )
    with pytest.raises(
        ValueError,
        match=r"expected some of Sadness, contempt, happiness, .* got happy, joy, fear \(happy is hap",
    ):
        faces.classes("happy", "joy", "fear")


def test_subsets_keep_rows_together():
    part = FACES.subset(FACES.labels == 1)
    np.testing.assert_array_equal(part.images, FACES.images[1::3])
    np.testing.assert_array_equal(part.persons, FACES.persons[1::3])
    assert part.names == FACES.names and len(FACES.subset([])) == 0
    two = FACES.classes("contempt", "anger")
    assert two.names == ("contempt", "anger") and two.counts == {"contempt": 4, "anger": 4}
    np.testing.assert_array_equal(two.images[two.labels == 0], FACES.images[2::3])
    with pytest.raises(ValueError, match="names: expected some of anger, happy, contempt, each once"):
        FACES.classes("sad")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"images": FACES.images / 255}, "expected gray uint8"),
        ({"images": np.zeros((12, 16, 16, 3), np.uint8)}, r"got uint8 of \(12, 16, 16, 3\)"),
        ({"images": FACES.images[:, None]}, r"axis 1 is one gray channel: pass images\[:, 0\]"),
        ({"images": FACES.images / 255}, r"\(255 \* images\)\.round"),
        ({"labels": np.ma.masked_array(FACES.labels, FACES.labels == 1)}, "labels: expected .* got float64"),
        ({"labels": np.zeros(3, int)}, "labels: expected 12 whole numbers"),
        ({"labels": np.full(12, 3)}, "labels: expected 0 to 2 for anger, happy, contempt, got 3 to 3"),
        ({"persons": np.zeros(3)}, "persons: expected one for each of 12 samples"),
    ],
)
def test_labelled_faces_must_fit(changed, message):
    given = {"images": FACES.images, "labels": FACES.labels, "names": FACES.names, **changed}
    with pytest.raises(ValueError, match=message):
        EmotionFaces(**given)


# FER2013


def table(path, rows, head="emotion,pixels,Usage", end="\n"):
    path.write_bytes(end.join([head, *rows, ""]).encode())
    return path


def row(image, label, usage):
    return f"{label},{' '.join(map(str, np.ravel(image)))},{usage}"


USAGES = ("Training", "Training", "PublicTest", "PrivateTest")
ROWS = [row(FACES.images[k], k, usage) for k, usage in enumerate(USAGES)]


def test_the_csv_gives_every_row(tmp_path):
    faces = read_fer2013(table(tmp_path / "fer.csv", ROWS))
    np.testing.assert_array_equal(faces.images, FACES.images[:4])
    assert faces.names == EMOTIONS and faces.labels.tolist() == [0, 1, 2, 3] and faces.persons is None
    assert faces.sources.tolist() == ["Training 0", "Training 1", "PublicTest 2", "PrivateTest 3"]
    assert faces.images.flags.writeable
    part = read_fer2013(tmp_path / "fer.csv", "PublicTest")
    np.testing.assert_array_equal(part.images, FACES.images[2:3])


def test_the_csv_in_other_forms(tmp_path):
    forms = {
        "quoted": table(
            tmp_path / "a.csv", [r.replace(",", ',"', 1)[::-1].replace(",", ',"', 1)[::-1] for r in ROWS]
        ),
        "windows": table(tmp_path / "b.csv", ["", *ROWS], "\ufeffemotion,pixels,Usage", "\r\n"),
        "icml": table(
            tmp_path / "c.csv",
            [f"{r[0]},{r.split(',')[2]}, {r.split(',')[1]}" for r in ROWS],
            "emotion, Usage, pixels",
        ),
        "bare": table(tmp_path / "d.csv", [r.rsplit(",", 1)[0] for r in ROWS], "emotion,pixels"),
    }
    for name, path in forms.items():
        np.testing.assert_array_equal(read_fer2013(path).images, FACES.images[:4], err_msg=name)
        if name != "bare":
            assert len(read_fer2013(path, "Training")) == 2, name


def test_the_npz_gives_the_same(tmp_path):
    path = tmp_path / "fer.npz"
    columns = {"emotion": np.arange(4), "Usage": np.array(USAGES)}
    for pixels in (FACES.images[:4], FACES.images[:4].reshape(4, -1)):
        np.savez(path, pixels=pixels, **columns)
        for usage in (None, "Training"):
            one = read_fer2013(path, usage)
            other = read_fer2013(table(tmp_path / "fer.csv", ROWS), usage)
            np.testing.assert_array_equal(one.images, other.images)
            assert one.sources.tolist() == other.sources.tolist()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [*ROWS, row(FACES.images[0, :15], 1, "Training")],
            "row 4: expected 256 pixels as in the first, got 240",
        ),
        ([*ROWS, ROWS[0][:200]], r"row 4: expected 3 columns, got 2; is the file cut off\?"),
        ([row(FACES.images[0], 7, "Training")], "expected emotions 0 to 6"),
        ([row(FACES.images[0], "sad", "Training")], "row 0: expected an emotion 0 to 6, got 'sad'"),
        ([row(np.full((16, 16), 256), 1, "Training")], "row 0: expected pixels of 0 to 255, got 256 to 256"),
        ([row(["x"] * 256, 1, "Training")], "row 0: expected pixels as whole numbers"),
        ([row(np.zeros((10, 16), int), 1, "Training")], "expected square faces"),
        ([], "expected faces of any part, found none"),
    ],
)
def test_bad_rows_are_named(tmp_path, rows, message):
    with pytest.raises(DatasetError, match=message):
        read_fer2013(table(tmp_path / "fer.csv", rows))


def test_bad_tables_are_explained(tmp_path):
    with pytest.raises(DatasetError, match=r"emotion is not among pixels, usage.*nothing to compare"):
        read_fer2013(table(tmp_path / "test.csv", ["0,Training"], "pixels,Usage"))
    with pytest.raises(DatasetError, match="usage is not among emotion, pixels"):
        read_fer2013(
            table(tmp_path / "d.csv", [r.rsplit(",", 1)[0] for r in ROWS], "emotion,pixels"), "Training"
        )
    with pytest.raises(DatasetError, match="the file is empty"):
        read_fer2013(table(tmp_path / "empty.csv", [], ""))
    with pytest.raises(DatasetError, match="found none"):
        read_fer2013(table(tmp_path / "part.csv", ROWS[:2]), "PrivateTest")
    with pytest.raises(ValueError, match="usage: expected one of Training, PublicTest"):
        read_fer2013(tmp_path / "part.csv", "Test")
    with pytest.raises(DatasetError, match=r"it is a folder; .*use read_emotion_folder"):
        read_fer2013(tmp_path)
    with pytest.raises(DatasetError, match="there is no such file"):
        read_fer2013(tmp_path / "nowhere.csv")
    (tmp_path / "packed.csv").write_bytes(b"\x1f\x8b\x08\xff\xfe" * 50)
    with pytest.raises(DatasetError, match="is it packed"):
        read_fer2013(tmp_path / "packed.csv")
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(DatasetError, match="expected a numpy archive"):
        read_fer2013(tmp_path / "bad.npz")
    np.savez(tmp_path / "floats.npz", pixels=FACES.images / 255, emotion=FACES.labels)
    with pytest.raises(DatasetError, match="uint8 pixels"):
        read_fer2013(tmp_path / "floats.npz")
    np.savez(tmp_path / "object.npz", pixels=np.array([{}, 1]), emotion=np.arange(2))
    with pytest.raises(DatasetError, match="expected a numpy archive of numbers"):
        read_fer2013(tmp_path / "object.npz")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.booleans())
def test_no_file_breaks_a_reader(tmp_path, content, headed):
    path = tmp_path / "any.csv"
    path.write_bytes(b"emotion,pixels,Usage,AU01\n" * headed + content)
    for read in (read_fer2013, read_action_units):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with contextlib.suppress(DatasetError):
                read(path)


def test_reading_the_whole_needs_little_more_than_the_images(tmp_path):
    path = shared("fer2013_48x48.npz")
    faces = read_fer2013(path)
    counts = {"Training": 28709, "PublicTest": 3589, "PrivateTest": 3589}
    assert len(faces) == 35887 and faces.images.shape[1:] == (48, 48)
    for usage, n in counts.items():
        assert sum(source.startswith(usage) for source in faces.sources) == n
    few = tmp_path / "few.csv"
    rows = [
        row(face, label, "Training") for face, label in zip(faces.images[:600], faces.labels, strict=False)
    ]
    table(few, rows)
    tracemalloc.start()
    again = read_fer2013(few)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(again.images, faces.images[:600])
    assert peak < 1.5 * again.images.nbytes + 2e6


# action units


def test_openface_tables_are_read_with_their_leading_blanks():
    units = read_action_units(shared("openface_sample.csv"))
    assert units.unit_names[:3] == ("AU01", "AU02", "AU04") and len(units.unit_names) == 17
    assert units.units.max() > 1 and units.names == ("unlabelled",) and len(units) == 100
    presence = read_action_units(shared("openface_sample.csv"), kind="presence")
    assert set(np.unique(presence.units)) <= {0, 1} and "AU28" in presence.unit_names


def test_tables_with_numbers_for_names_have_labels_and_persons():
    units = read_action_units(shared("ckplus_au_emotion.csv"))
    assert units.units.shape == (327, 23) and len(set(units.persons)) == 118
    assert units.unit_names[0] == "AU01" and units.unit_names[-1] == "AU27"
    assert units.counts["surprise"] == 83
    assert "327 faces of 118 persons" in repr(units)
    assert (
        units.classes(*[name for name in units.names if name != "contempt"]).as_emotions().names == EMOTIONS
    )


OPENFACE = "frame, timestamp, confidence, success, AU02_r, AU01_r, AU01_c"
LINES = ["0, 0.0, 0.98, 1, 0.5, 1.5, 1", "1, 0.1, 0.30, 1, 0.7, 4.9, 1", "2, 0.2, 0.95, 0, 0, 0, 0"]


def test_frames_without_a_sure_face_are_left_out(tmp_path):
    path = table(tmp_path / "of.csv", LINES, OPENFACE)
    units = read_action_units(path)
    assert units.rows.tolist() == [0] and units.units.tolist() == [[1.5, 0.5]], "units in order"
    assert read_action_units(path, min_confidence=0.2).rows.tolist() == [0, 1]
    assert read_action_units(path, kind="presence").units.tolist() == [[1]]
    feat = table(
        tmp_path / "feat.csv", ["9,0.99,0.1,0.9", "9,0.99,,", "9,0.5,1,1"], "FaceRectX,FaceScore,AU01,AU12"
    )
    units = read_action_units(feat)
    assert units.units.tolist() == [[0.1, 0.9]] and units.rows.tolist() == [0]


def test_semicolons_and_columns_by_name(tmp_path):
    path = table(tmp_path / "own.csv", ["1;0;glad;Ann", "0;1;glum;Bob"], "AU4;AU 12;mood;who")
    units = read_action_units(path, label="mood", person="who")
    assert units.unit_names == ("AU04", "AU12") and units.names == ("glad", "glum")
    assert units.persons.tolist() == ["Ann", "Bob"] and units.labels.tolist() == [0, 1]
    with pytest.raises(DatasetError, match="label='feeling' is no column; there are AU4, AU 12, mood, who"):
        read_action_units(path, label="feeling")


@pytest.mark.parametrize(
    ("head", "rows", "message"),
    [
        (OPENFACE, ["0, 0.0, 0.98, 1, 0.5, 9, 1"], r"row 0: expected units of 0 to 5, got 9, 0\.5"),
        (OPENFACE, ["0, 0.0, 0.98, 1, 0.5, , 1"], "row 0: expected units of 0 to 5, got nan"),
        (OPENFACE, ["0, 0.0, 0.98, 1, 0.5, x, 1"], "row 0: expected numbers for the units"),
        (OPENFACE, ["0, 0.0, 0.98"], "row 0: expected 7 columns, got 3"),
        (OPENFACE, ["0, 0.0, high, 1, 0, 0, 0"], "expected numbers in the column confidence"),
        (OPENFACE, LINES[1:], "a face of confidence 0.8 or more, none of 2 is; lower min_confidence"),
        (OPENFACE, [], "expected rows below"),
        ("a,b", ["1,2"], "expected columns of action units .* got a, b"),
        ("AU1,emotion", ["1,happy", "1,", "1,"], "row 1: expected a label, got none, and 1 rows more"),
    ],
)
def test_bad_tables_of_units_are_explained(tmp_path, head, rows, message):
    with pytest.raises(DatasetError, match=message):
        read_action_units(table(tmp_path / "au.csv", rows, head))


def test_wrong_arguments_of_the_unit_reader(tmp_path):
    with pytest.raises(ValueError, match='kind: expected "intensity" or "presence"'):
        read_action_units(tmp_path / "x.csv", kind="r")
    with pytest.raises(DatasetError, match="there is no such file"):
        read_action_units(tmp_path / "x.csv")
    with pytest.raises(DatasetError, match="it is a folder"):
        read_action_units(tmp_path)
    with pytest.raises(ValueError, match=r"units: expected shape \(N, 2\), a column a unit"):
        ActionUnits(np.zeros((3, 1)), ("AU01", "AU02"), np.zeros(3, int), ("a",))

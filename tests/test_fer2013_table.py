"""Tables that the package writes itself: read back they are what they were, and parts share no person."""

import numpy as np
import pytest

from facesom.drawn.synthetic import make_faces
from facesom.emotions import EMOTIONS, EmotionFaces, read_action_units, read_fer2013
from facesom.emotions.fer2013 import USAGES, write_fer2013
from facesom.emotions.splits import image_hashes
from facesom.notebook import find_action_units, find_fer2013


def some_faces(n=12, size=9, seed=0):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (n, size, size)).astype(np.uint8)
    return EmotionFaces(images, rng.integers(0, 7, n), EMOTIONS)


def test_what_is_written_is_read_back(tmp_path):
    parts = {"Training": some_faces(), "PrivateTest": some_faces(5, seed=1)}
    write_fer2013(parts, tmp_path / "fer2013.csv")
    assert (tmp_path / "fer2013.csv").read_text().startswith("emotion,pixels,Usage\n")
    for usage, faces in parts.items():
        again = read_fer2013(tmp_path / "fer2013.csv", usage)
        np.testing.assert_array_equal(again.images, faces.images)
        np.testing.assert_array_equal(again.labels, faces.labels)
    assert [path.name for path in tmp_path.iterdir()] == ["fer2013.csv"]


def test_other_names_become_those_of_fer2013(tmp_path):
    faces = EmotionFaces(some_faces(2).images, np.array([0, 1]), ("happiness", "anger"))
    write_fer2013({"Training": faces}, tmp_path / "a.csv")
    assert read_fer2013(tmp_path / "a.csv").labels.tolist() == [3, 0]


def test_a_failure_leaves_the_file_that_was_there(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("mine")
    for parts, message in (
        ({"Test": some_faces()}, r"parts: expected some of Training.*got \['Test'\]"),
        ({}, "got none"),
        ({"Training": some_faces(), "PublicTest": some_faces(size=10)}, "square faces of one size"),
        ({"Training": EmotionFaces(some_faces(1).images, [0], ("contempt",))}, "contempt is none of"),
    ):
        with pytest.raises(ValueError, match=message):
            write_fer2013(parts, path)
    with pytest.raises(OSError):
        write_fer2013({"Training": some_faces()}, tmp_path / "no" / "folder.csv")
    assert path.read_text() == "mine" and len(list(tmp_path.iterdir())) == 1


def test_drawn_faces_as_a_table_whose_parts_share_nobody(tmp_path):
    path = find_fer2013(n_persons=5, n_frames=20, folder=tmp_path)
    parts = [read_fer2013(path, usage) for usage in USAGES]
    assert [len(part) for part in parts] == [60, 20, 20] and parts[0].images.shape[1:] == (48, 48)
    train, public, private = (image_hashes(part.images) for part in parts)
    assert not (
        np.isin(train, public).any() or np.isin(train, private).any() or np.isin(public, private).any()
    )
    before = path.stat().st_mtime_ns
    assert find_fer2013(n_persons=5, n_frames=20, folder=tmp_path) == path
    assert path.stat().st_mtime_ns == before
    assert find_fer2013(path) == path
    with pytest.raises(ValueError, match="expected at least 5 for three parts, got 4"):
        find_fer2013(n_persons=4, n_frames=20, folder=tmp_path)
    with pytest.raises(ValueError, match="there is no file"):
        find_fer2013(tmp_path / "nowhere.csv")


def test_action_units_of_drawn_faces(tmp_path):
    path = find_action_units(n_persons=3, n_frames=20, folder=tmp_path)
    units = read_action_units(path)
    faces = make_faces(3, 20, size=32, mix="balanced")
    assert units.unit_names[:2] == ("AU01", "AU02") and len(units) == 60
    np.testing.assert_allclose(units.units[:, 0], faces.action_units["AU1"].ravel(), atol=1e-3)
    names = np.array(faces.expression_names)[faces.expressions.ravel()]
    assert np.array(units.names)[units.labels].tolist() == names.tolist()
    assert len(np.unique(units.persons)) == 3
    assert find_action_units(path) == path == find_action_units(n_persons=3, n_frames=20, folder=tmp_path)

"""Groups whose composition is known: everybody's emotion, what they say together, and labels by hand."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import facesom
from facesom.photos.examples import VERSIONS, astronaut_versions, find_photos
from facesom.photos.faces import crop_faces
from facesom.photos.labels import evaluate_groups, read_labels, write_label_sheet
from facesom.photos.people import PeoplePhoto, analyze_group, analyze_groups
from facesom.plots.photos import plot_people, plot_people_bars

NAMES = ("red", "green", "blue")
BOXES = [(10, 10, 20, 20), (50, 10, 20, 20), (90, 10, 20, 20)]


def picture(colours="rgb"):
    """A photo with a coloured square at each of BOXES."""
    photo = np.full((60, 120, 3), 30, np.uint8)
    for (x, y, w, h), colour in zip(BOXES, colours, strict=True):
        photo[y : y + h, x : x + w, "rgb".index(colour)] = 230
    return photo


def by_colour(crops):
    """A model: how much of each colour there is."""
    means = crops.reshape(len(crops), -1, 3).mean(axis=1) - 25
    return means / means.sum(axis=1, keepdims=True)


def group(probabilities, second=None, name="photo"):
    p = np.asarray(probabilities, float)
    boxes = np.array([(30 * k, 0, 20, 20) for k in range(len(p))]).reshape(-1, 4)
    crops = np.zeros((len(p), 96, 96, 3), np.uint8)
    return PeoplePhoto(name, np.zeros((40, 300, 3), np.uint8), boxes, crops, p, second, NAMES)


# one photo


def test_each_face_gets_its_own_emotion():
    result = analyze_group(picture("grb"), model=by_colour, boxes=BOXES, names=NAMES)
    assert [NAMES[k] for k in result.predicted] == ["green", "red", "blue"]
    assert result.crops.shape == (3, 96, 96, 3) and len(result) == 3
    assert repr(result) == "PeoplePhoto(photo: 3 faces; 1 × red, 1 × green, 1 × blue)"
    table = result.to_frame()
    assert table.emotion.tolist() == ["green", "red", "blue"] and table.x.tolist() == [10, 50, 90]
    np.testing.assert_allclose(table[list(NAMES)], result.probabilities)


def test_the_shipped_model_looks_at_the_faces_that_are_found():
    result = analyze_group(skimage.data.astronaut())
    assert result.probabilities.shape == (1, 7) and result.names == facesom.EMOTIONS
    np.testing.assert_allclose(result.probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(result.probabilities, facesom.predict_emotions(result.crops))


def test_a_photo_without_a_face_is_an_empty_group():
    result = analyze_group(skimage.data.cat(), second=facesom.predict_emotions)
    assert len(result) == 0 and result.probabilities.shape == result.second.shape == (0, 7)
    assert repr(result.summary()) == "PeopleSummary: no face"
    assert "no face" in repr(result) and len(result.to_frame()) == 0
    assert plot_people(result).get_title() == "no face found"
    with pytest.raises(ValueError, match="at least one face, got none"):
        plot_people_bars(result)


def test_a_result_from_a_file_keeps_the_path_not_the_photo(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    result = analyze_group(tmp_path / "a.png", model=by_colour, boxes=BOXES, names=NAMES)
    assert result.name == "a.png" and not isinstance(result.source, np.ndarray)
    np.testing.assert_array_equal(result.photo, picture())


@pytest.mark.parametrize(
    ("box", "what"),
    [
        (
            (50, 10, 0, 20),
            "each at least a pixel wide and high, got 50, 10, 0, 20 in row 1; are these two corners",
        ),
        ((50, 10, 20, -20), "each at least a pixel wide and high"),
        ((50, 10, 0.4, 0.4), "each at least a pixel wide and high"),
        (
            (500, 10, 20, 20),
            "fit the photo, 120 × 60 pixels, got 500, 10, 20, 20 in row 1; are they of another",
        ),
        ((-30, 10, 20, 20), "fit the photo"),
        ((0, 0, 1e6, 1e6), "fit the photo, 120 × 60 pixels, got 0, 0, 1e.06, 1e.06 in row 1"),
        ((-1e9, -1e9, 2e9, 2e9), "fit the photo"),
        ((np.nan, 10, 20, 20), "finite numbers"),
        (np.ma.masked_array([50, 10, 20, 20], mask=[1, 0, 0, 0]), "finite numbers"),
    ],
)
def test_a_box_without_a_face_gets_no_emotion(box, what):
    boxes = np.ma.vstack([[(10, 10, 20, 20)], box]) if np.ma.isMaskedArray(box) else [BOXES[0], box]
    with pytest.raises(ValueError, match=what):
        analyze_group(picture(), model=by_colour, boxes=boxes, names=NAMES)
    with pytest.raises(ValueError, match=what):
        crop_faces(picture(), boxes)


def test_what_a_model_may_return_is_said():
    with pytest.raises(ValueError, match=r"model: expected probabilities of shape \(3, 7\).*got \(3, 3\)"):
        analyze_group(picture(), model=by_colour, boxes=BOXES)
    with pytest.raises(ValueError, match=r"second: expected rows that sum to 1.*are these logits"):
        analyze_group(picture(), model=by_colour, second=lambda c: 3 * by_colour(c), boxes=BOXES, names=NAMES)


# what the faces say together


def test_a_group_of_one_mind_agrees_and_is_told_from_one_that_is_torn():
    same = group([[0.5, 0.5, 0]] * 4).summary()
    torn = group([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]]).summary()
    np.testing.assert_allclose(same.mean, torn.mean)
    assert same.entropy == pytest.approx(torn.entropy) == pytest.approx(np.log(2) / np.log(3))
    assert same.agreement == pytest.approx(1)
    assert torn.agreement == pytest.approx(1 - np.log(2) / np.log(3))
    assert group(np.eye(3)).summary().agreement == pytest.approx(0)
    assert torn.counts.tolist() == [2, 2, 0]


def test_a_summary_says_which_of_its_emotions_are_unsure():
    result = group([[0.38, 0.32, 0.3], [0.9, 0.1, 0], [0.5, 0.5, 0], [0.3, 0.45, 0.25]])
    summary = result.summary()
    assert summary.counts.tolist() == [3, 1, 0] and summary.sure.tolist() == [2, 0, 0]
    assert "counted    2 × red (and 1 unsure), 1 × green (unsure)\n" in repr(summary)
    assert repr(result) == "PeoplePhoto(photo: 4 faces; 2 × red (and 1 unsure), 1 × green (unsure))"
    assert result.to_frame().sure.tolist() == [False, True, True, False]
    words = [text.get_text() for text in plot_people(result).texts]
    assert "red?\n0.38" in words and "red\n0.90" in words
    plt.close("all")


def test_the_one_who_differs_is_named():
    summary = group([[0.9, 0.1, 0], [0.9, 0.1, 0], [0, 0, 1], [0.8, 0.2, 0]]).summary()
    assert summary.differs == 2 and summary.distances[2] == pytest.approx(1)
    assert "face 2 differs most (1.00)" in repr(summary)
    assert group([[1, 0, 0], [0, 1, 0]]).summary().differs is None


def test_two_models_are_compared():
    p = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0, 0, 1], [1, 0, 0]])
    summary = group(p, second=p[[0, 1, 2, 1]]).summary()
    assert summary.models_agree == 0.75 and "both models agree on 75% of the faces" in repr(summary)
    assert np.isnan(group(p).summary().models_agree)
    assert group(p, second=p).to_frame().second.tolist() == ["red", "green", "blue", "red"]


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda p: sum(p) > 0.1),
        min_size=1,
        max_size=8,
    )
)
def test_every_number_of_a_summary_stays_in_its_range(rows):
    p = np.array(rows) / np.sum(rows, axis=1, keepdims=True)
    summary = group(p).summary()
    assert 0 <= summary.entropy <= 1 + 1e-9 and -1e-9 <= summary.agreement <= 1 + 1e-9
    assert (summary.distances >= 0).all() and (summary.distances <= 1).all()
    assert summary.counts.sum() == len(p)
    order = np.random.default_rng(0).permutation(len(p))
    assert group(p[order]).summary().agreement == pytest.approx(summary.agreement)


# many photos


def test_one_bad_file_does_not_stop_the_others(tmp_path):
    for name in ("a.png", "c.png"):
        Image.fromarray(picture()).save(tmp_path / name)
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    (tmp_path / ".hidden").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"1 of 3 files left out:\n.*b\.jpg is not an image"):
        results, failed = analyze_groups(tmp_path, model=by_colour, boxes=BOXES, names=NAMES, progress=False)
    assert [r.name for r in results] == ["a.png", "c.png"] and list(failed) == [str(tmp_path / "b.jpg")]
    with pytest.raises(facesom.DatasetError, match="no folder or file"):
        analyze_groups(tmp_path / "nowhere")
    with pytest.raises(facesom.DatasetError, match="expected photos, found no file"):
        analyze_groups([])


def test_photos_of_a_notebook_are_made_or_found(tmp_path):
    paths = find_photos(folder=tmp_path)
    assert [p.name for p in paths] == ["one_face_six_times.png", "astronaut.png", "cat.png", "damaged.png"]
    assert find_photos(tmp_path / "photos") == sorted(paths)
    assert find_photos(paths[0]) == [paths[0]]
    with pytest.raises(facesom.DatasetError, match="damaged"):
        facesom.read_photo(paths[3])
    with pytest.raises(ValueError, match="there is no file or folder"):
        find_photos(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="works in Colab only"):
        find_photos("upload")
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match="holds no file"):
        find_photos(tmp_path / "none")
    assert astronaut_versions().shape == (600, 900, 3) and len(VERSIONS) == 6
    assert len(facesom.find_faces(astronaut_versions())) == 6, "the figure shows what becomes of each"


# labels


def three(tmp_path, names=("a.png", "b.png")):
    for name, colours in zip(names, ("rgb", "bbr"), strict=True):
        Image.fromarray(picture(colours)).save(tmp_path / name)
    paths = [tmp_path / name for name in names]
    return analyze_groups(paths, model=by_colour, boxes=BOXES, names=NAMES, progress=False)[0]


def fill_in(path, labels, more=()):
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [line.rsplit(",", 1)[0] + f",{label}" for line, label in zip(lines[1:], labels, strict=True)]
    path.write_text("\n".join([lines[0], *rows, *more]) + "\n", encoding="utf-8")


def test_a_sheet_goes_out_is_filled_in_and_comes_back(tmp_path):
    results = three(tmp_path)
    path = write_label_sheet(results, tmp_path / "sheets" / "labels.csv")
    assert path.read_text(encoding="utf-8").splitlines()[:2] == [
        "photo,face,x,y,w,h,label",
        "a.png,0,10,10,20,20,",
    ]
    fill_in(path, ["red", "Green", "", "blue", "none", " blue "])
    labels = read_labels(path, names=NAMES)
    assert (
        labels.labels == ("red", "green", "", "blue", "none", "blue")
        and labels.faces.tolist() == [0, 1, 2] * 2
    )
    assert labels.boxes[1].tolist() == [50, 10, 20, 20] and len(labels) == 6
    assert "6 faces in 2 photos; 2 × blue" in repr(labels)


def test_a_sheet_of_a_spreadsheet_and_other_words_are_read(tmp_path):
    (tmp_path / "l.csv").write_text(
        "\ufeffPhoto;Face;x;y;w;h;Label\na.png;0;1;2;3;4;Happiness\n\na.png;;1;2;3;4;anger\n",
        encoding="utf-8",
    )
    labels = read_labels(tmp_path / "l.csv")
    assert labels.labels == ("happy", "angry") and labels.faces.tolist() == [0, -1]


def test_writing_again_keeps_what_was_written(tmp_path):
    results = three(tmp_path)
    path = write_label_sheet(results[:1], tmp_path / "labels.csv")
    fill_in(path, ["red", "", "none"], more=["a.png,,1,30,9,9,blue", "old.png,0,1,1,9,9,green"])
    write_label_sheet(results, path)
    labels = read_labels(path, names=NAMES)
    assert labels.labels == ("red", "", "none", "", "", "", "blue", "green")
    assert labels.photos[-2:] == ("a.png", "old.png")
    path.write_text("something else", encoding="utf-8")
    with pytest.raises(facesom.DatasetError, match="expected the columns"):
        write_label_sheet(results, path)
    assert path.read_text(encoding="utf-8") == "something else"


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (
            "a.png,0,1,2,3,4,merry",
            r"line 3: label: expected one of red, green, blue, none or nothing, got 'merry'",
        ),
        ("a.png,0,1,2,3", r"line 3: expected 7 cells, got 5"),
        ("a.png,0,x,2,3,4,red", r"line 3: x: expected a whole number, got 'x'"),
        ("a.png,0,1,2,0,4,red", r"line 3: expected a box of at least a pixel, got 0 × 4"),
        (",0,1,2,3,4,red", r"line 3: expected the name of the photo"),
    ],
)
def test_an_error_in_a_sheet_is_named_by_its_line(tmp_path, row, what):
    (tmp_path / "l.csv").write_text(
        f"photo,face,x,y,w,h,label\na.png,0,1,2,3,4,red\n{row}\n", encoding="utf-8"
    )
    with pytest.raises(facesom.DatasetError, match=what):
        read_labels(tmp_path / "l.csv", names=NAMES)


def test_what_is_no_sheet_is_said(tmp_path):
    (tmp_path / "l.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(facesom.DatasetError, match="no text in UTF-8"):
        read_labels(tmp_path / "l.csv")
    (tmp_path / "l.csv").write_text("photo,face\n", encoding="utf-8")
    with pytest.raises(facesom.DatasetError, match="lacks x, y, w, h, label"):
        read_labels(tmp_path / "l.csv")


# evaluation


def test_an_evaluation_counts_what_is_right_wrong_missed_and_no_face(tmp_path):
    results = three(tmp_path)
    path = write_label_sheet(results, tmp_path / "labels.csv")
    more = ["a.png,,10,38,20,20,green", "a.png,,60,38,20,20,none"]
    fill_in(path, ["red", "blue", "", "blue", "none", "red"], more)
    evaluation = evaluate_groups(results, read_labels(path, names=NAMES), n_bootstraps=50)
    assert evaluation.photos == ("a.png", "a.png", "b.png", "b.png") and evaluation.faces.tolist() == [
        0,
        1,
        0,
        2,
    ]
    assert evaluation.truth.tolist() == [0, 2, 2, 0] and evaluation.predicted.tolist() == [0, 1, 2, 0]
    assert evaluation.scores["model"].accuracy == 0.75 and evaluation.worst.tolist() == [1]
    assert evaluation.false_faces == (("b.png", 1),) and evaluation.false_crops.shape == (1, 96, 96, 3)
    assert evaluation.missed == (("a.png", (10, 38, 20, 20)),) and evaluation.n_unlabelled == 1
    assert "4 labelled faces found, 1 missed, 1 boxes without a face, 1 not labelled" in repr(evaluation)
    assert list(evaluation.scores) == ["model"] and evaluation.scores["model"].n_groups is None


def test_faces_are_matched_by_place_and_models_side_by_side(tmp_path):
    results = three(tmp_path)
    path = write_label_sheet(results, tmp_path / "labels.csv")
    fill_in(path, ["red", "green", "blue", "blue", "blue", "red"])
    labels = read_labels(path, names=NAMES)
    moved = [(92, 8, 22, 22), (9, 12, 20, 20), (52, 11, 19, 18)]  # another detector, another order
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    others, _ = analyze_groups(
        paths,
        model=by_colour,
        second=lambda c: by_colour(c)[:, [1, 2, 0]],
        boxes=moved,
        names=NAMES,
        progress=False,
    )
    evaluation = evaluate_groups(others, labels, n_bootstraps=50)
    assert evaluation.scores["model"].accuracy == 1 and evaluation.scores["second"].accuracy == 0
    assert not evaluation.missed and not len(evaluation.worst)


def test_the_worst_mistake_comes_first(tmp_path):
    p = [[0.45, 0.55, 0], [0.9, 0.1, 0], [0.3, 0.6, 0.1], [0.02, 0, 0.98]]
    result = group(p, name="a.png")
    path = write_label_sheet(result, tmp_path / "l.csv")
    fill_in(path, ["red"] * 4)
    evaluation = evaluate_groups(result, read_labels(path, names=NAMES), n_bootstraps=20)
    assert evaluation.worst.tolist() == [3, 2, 0]


def test_photos_are_drawn_anew_where_there_are_enough(tmp_path):
    rng = np.random.default_rng(0)
    results = [group(rng.dirichlet(np.ones(3), 3), name=f"{k}.png") for k in range(12)]
    path = write_label_sheet(results, tmp_path / "l.csv")
    fill_in(path, [NAMES[k] for k in rng.integers(0, 3, 36)])
    labels = read_labels(path, names=NAMES)
    assert evaluate_groups(results, labels, n_bootstraps=20).scores["model"].n_groups == 12
    assert evaluate_groups(results[:9], labels, n_bootstraps=20).scores["model"].n_groups is None


def test_the_unit_of_the_intervals_is_named_what_it_is(tmp_path):
    rng = np.random.default_rng(0)
    results = [group(rng.dirichlet(np.ones(3), 1), name=f"{k}.png") for k in range(12)]
    path = write_label_sheet(results, tmp_path / "l.csv")
    fill_in(path, ["red"] * 12)
    score = evaluate_groups(results, read_labels(path, names=NAMES), n_bootstraps=20).scores["model"]
    assert score.n_groups == 12 and "12 samples of 12 photos" in repr(score)
    lines = path.read_text(encoding="utf-8").splitlines()
    people = [f"{line},{k // 2}" for k, line in enumerate(lines[1:])]
    path.write_text("\n".join([lines[0] + ",Person", *people]), encoding="utf-8")
    write_label_sheet(results, path)  # keeps who it is
    labels = read_labels(path, names=NAMES)
    assert labels.persons == tuple(str(k // 2) for k in range(12))
    score = evaluate_groups(results, labels, n_bootstraps=20).scores["model"]
    assert score.n_groups == 6 and "12 samples of 6 persons" in repr(score)


def test_an_evaluation_without_any_label_is_empty(tmp_path):
    results = three(tmp_path)
    labels = read_labels(write_label_sheet(results, tmp_path / "l.csv"), names=NAMES)
    evaluation = evaluate_groups(results, labels)
    assert (
        evaluation.scores == {} and evaluation.n_unlabelled == 6 and evaluation.crops.shape == (0, 96, 96, 3)
    )


def test_what_cannot_be_evaluated_is_said(tmp_path):
    results = three(tmp_path)
    labels = read_labels(write_label_sheet(results, tmp_path / "l.csv"), names=NAMES)
    with pytest.raises(ValueError, match=r"different names, 'a\.png' is there twice"):
        evaluate_groups([*results, results[0]], labels)
    with pytest.raises(ValueError, match=r"labels of some of x, got those of a\.png, b\.png"):
        evaluate_groups(group(np.eye(3), name="x"), labels)
    seven = read_labels(tmp_path / "l.csv")
    with pytest.raises(ValueError, match="expected the emotions"):
        evaluate_groups(results, seven)


# pictures


def test_a_picture_numbers_every_face_and_is_silent_where_it_must():
    result = analyze_group(picture(), model=by_colour, boxes=BOXES, names=NAMES)
    said = [text.get_text() for text in plot_people(result).texts]
    assert said[::2] == ["0", "1", "2"] and said[1].startswith("red\n")
    assert [text.get_text() for text in plot_people(result, blind=True).texts] == ["0", "1", "2"]


def test_bars_fill_the_row_of_each_face_and_of_the_mean():
    p = np.array([[0.5, 0.3, 0.2], [0, 1, 0]])
    ax = plot_people_bars(group(p, second=p[::-1]))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["face 0", "face 1", "mean"]
    assert sum(bar.get_width() for bar in ax.patches) == pytest.approx(6)

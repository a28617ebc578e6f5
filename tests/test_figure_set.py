"""The figures of a result: all there, in sizes and letters that journals ask for, marked where unstable."""

import re

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

import facesom
from facesom.groups.by_column import column_effects
from facesom.groups.node_groups import NodeGroups
from facesom.identity.stability import GroupStability
from facesom.plots import figure_set
from facesom.plots.figure_set import figures

OF_MAP = ["grid", "u_matrix", "hits", "training"]
OF_PERSONS = ["grid", "groups", "u_matrix", "hits", "persons", "profiles"]


@pytest.fixture(scope="module")
def data():
    return facesom.make_faces(3, 25, seed=0).dataset


@pytest.fixture(scope="module")
def result(data):
    return facesom.group_across_persons(data.X1, 3, rows=3, cols=4)


@pytest.fixture(scope="module")
def som(data):
    return facesom.FaceSOM(3, 4, n_epochs=4).fit(facesom.to_grayscale(data).X1[0])


@pytest.fixture
def stability():
    return GroupStability(np.array([0.9, 0.4, 0.7]), np.full((2, 3), 0.5), np.eye(3))


def test_everything_of_several_persons(data, result, stability, tmp_path):
    effects = column_effects(data.X2, result.groups, n_groups=3)
    more = {"images": data.X1, "stability": stability, "effects": effects, "y": data.y}
    paths = figures(result, tmp_path / "new" / "folder", **more, dpi=60)
    names = [*OF_PERSONS, "cards", "tree", "stability", "columns"]
    assert [p.name for p in paths] == [f"{n}.{kind}" for n in names for kind in ("png", "pdf")]
    assert all(p.parent == tmp_path / "new" / "folder" and p.stat().st_size > 1000 for p in paths)
    for path in paths[::2]:
        width = Image.open(path).width
        assert width in (round(3.5 * 60), round(7.2 * 60)), path.name
    for path in paths[1::2]:
        text = path.read_bytes()
        assert b"/Type3" not in text, "letters of type 42"
        assert b"/FontFile2" in text, "embedded"
        inches = float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", text)[1]) / 72
        assert inches == pytest.approx(3.5, abs=0.01) or inches == pytest.approx(7.2, abs=0.01)


def test_without_more_it_draws_what_the_result_holds(result, tmp_path):
    paths = figures(result, tmp_path, formats="png", dpi=40)
    assert [p.stem for p in paths] == [*OF_PERSONS, "tree"] and {p.suffix for p in paths} == {".png"}


def test_the_chosen_persons_are_shown(result, monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(figure_set, "plot_persons", lambda som, nodes, **more: drawn.append((nodes, more)))
    figures(result, tmp_path, persons=[2, 0], formats="png", dpi=40)
    np.testing.assert_array_equal(drawn[0][0], result.nodes[[2, 0]])
    assert drawn[0][1]["names"] == ["person 2", "person 0"]
    for persons in ([3], [], [-1]):
        with pytest.raises(ValueError, match="persons: expected some from 0 to 2"):
            figures(result, tmp_path, persons=persons)


def test_a_map_of_one_person(som, tmp_path):
    assert [p.stem for p in figures(som, tmp_path, formats=["svg"])] == OF_MAP
    groups = NodeGroups(3).fit(som)
    paths = figures(som, tmp_path, groups=groups, formats=["png"], dpi=40)
    assert [p.stem for p in paths] == [*OF_MAP, "groups", "tree"]
    online = facesom.FaceSOM(2, 2, method="online", n_steps=20).fit(
        np.random.default_rng(0).random((9, 8, 8))
    )
    one = NodeGroups(1).fit(online)
    assert [p.stem for p in figures(online, tmp_path, groups=one, formats="png", dpi=40)] == [
        *OF_MAP[:3],
        "groups",
    ]


def test_unstable_groups_are_marked_in_every_figure(data, result, som, stability, monkeypatch, tmp_path):
    texts = {}

    def savefig(figure, path, **options):
        texts[path.stem] = [t.get_text() for t in figure.findobj(matplotlib.text.Text)]

    monkeypatch.setattr(plt.Figure, "savefig", savefig)
    figures(result, tmp_path, images=list(data.X1), stability=stability)
    for name in ("groups", "profiles"):
        assert "1?" in texts[name] and "0?" not in texts[name] and "1" not in texts[name][:3], name
    for name in ("cards", "tree"):
        marked = [t for t in texts[name] if "(unstable)" in t]
        assert len(marked) == 1 and marked[0].startswith("1"), name
    figures(som, tmp_path, groups=NodeGroups(3).fit(som), stability=stability)
    assert "1  unstable" in texts["tree"] and "1?" in texts["groups"]


def test_it_replaces_its_own_files_only_and_leaves_pyplot_as_it_was(som, tmp_path):
    (tmp_path / "hits.png").write_bytes(b"old")
    (tmp_path / "mine.txt").write_text("mine")
    figure, before = plt.figure(), plt.rcParams.copy()
    figures(som, tmp_path, formats="png", dpi=40)
    assert Image.open(tmp_path / "hits.png").width > 50 and (tmp_path / "mine.txt").read_text() == "mine"
    assert plt.get_fignums() == [figure.number] and plt.rcParams == before
    plt.close("all")


def test_figures_are_closed_when_one_fails(som, tmp_path, monkeypatch):
    monkeypatch.setattr(figure_set, "plot_hits", lambda som, ax: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        figures(som, tmp_path, formats="png", dpi=40)
    assert plt.get_fignums() == []


def test_groups_without_images_show_the_face_of_their_fullest_node(result):
    faces = figure_set._nodes_of_groups(result)
    hits = np.where(result.node_groups == 1, result.som.hits_, -1)
    np.testing.assert_array_equal(faces[1], result.node_faces[np.unravel_index(hits.argmax(), hits.shape)])


def test_what_cannot_be_drawn_is_said(data, result, som, stability, tmp_path):
    with pytest.raises(ValueError, match=r"formats: expected some of .* got \['gif'\]"):
        figures(som, tmp_path, formats=["gif"])
    with pytest.raises(ValueError, match="formats: expected some of"):
        figures(som, tmp_path, formats=[])
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"folder: expected a folder to draw into, '.*file' is a file"):
        figures(som, tmp_path / "file")
    with pytest.raises(ValueError, match="result: expected a SharedGroups or a FaceSOM, got ndarray"):
        figures(data.X1, tmp_path)
    with pytest.raises(ValueError, match="which has no faces; pass the SharedGroups"):
        figures(result.som, tmp_path)
    with pytest.raises(ValueError, match="a SharedGroups has groups of its own"):
        figures(result, tmp_path, groups=NodeGroups(2).fit(result.som))
    with pytest.raises(ValueError, match="groups: expected a fitted NodeGroups, got ndarray"):
        figures(som, tmp_path, groups=np.zeros((3, 4), int))
    with pytest.raises(ValueError, match="images, y: expected with a SharedGroups only"):
        figures(som, tmp_path, images=data.X1)
    with pytest.raises(ValueError, match="stability: expected that of 2 groups, got 3"):
        figures(som, tmp_path, groups=NodeGroups(2).fit(som), stability=stability)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"], "nothing is drawn before all is checked"

"""The explorer page: what is written, and what a browser makes of it."""

import base64
import csv
import hashlib
import html
import json
import os
import re
import sys

import cv2
import numpy as np
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st

import facesom
from facesom.explorer.by_image import as_stack, each_row, name_persons
from facesom.explorer.page import show_explorer, write_explorer
from facesom.explorer.sheets import ACROSS, inked, pack_sheets, tile_size

HOSTILE = '</script><img src=x onerror="window.bad = 1">'
P, N = 3, 20


@pytest.fixture(scope="module")
def data():
    return facesom.make_faces(P, N, seed=1).dataset


@pytest.fixture(scope="module")
def gray(data):
    return facesom.to_grayscale(data).X1


@pytest.fixture(scope="module")
def som(gray):
    return facesom.FaceSOM(3, 4, n_epochs=5).fit(gray.reshape(-1, 64, 64))


@pytest.fixture(scope="module")
def shared(data):
    return facesom.group_across_persons(data.X1, n_groups=3, rows=3, cols=4)


def contents(path):
    block = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', path.read_text(encoding="utf-8"), re.S
    )
    return json.loads(block[1])


def unpacked(known, name):
    dtype = "<f4" if name == "distance" else "<i4"
    return np.frombuffer(base64.b64decode(known["images"][name]), dtype)


def faces_of(known, name="sheets"):
    """Every face of the page's sheets, in order; what lies behind the last one is black."""
    h, w = known["tile"]["height"], known["tile"]["width"]
    tiles = []
    for sheet in known[name]:
        picture = cv2.imdecode(np.frombuffer(base64.b64decode(sheet), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        rows = picture.shape[0] // h
        tiles.append(picture.reshape(rows, h, ACROSS, w, 3).swapaxes(1, 2).reshape(-1, h, w, 3))
    return np.concatenate(tiles)


def as_bytes(gray):
    return np.round(255 * gray).astype(np.uint8)


# ---- what is written --------------------------------------------------------------------------------


def test_the_page_knows_every_face_and_its_node(tmp_path, som, gray):
    path = tmp_path / "map.html"
    write_explorer(som, gray, path)
    known = contents(path)
    flat = gray.reshape(-1, 64, 64)
    nodes = som.predict(flat)
    np.testing.assert_array_equal(unpacked(known, "node"), nodes)
    nearest = som.transform(flat)[np.arange(len(flat)), nodes]
    np.testing.assert_allclose(unpacked(known, "distance"), nearest, rtol=1e-6)
    np.testing.assert_array_equal(unpacked(known, "person"), np.repeat(np.arange(P), N))
    np.testing.assert_array_equal(unpacked(known, "frame"), np.tile(np.arange(N), P))
    np.testing.assert_array_equal(faces_of(known)[: P * N, ..., 0], as_bytes(flat))
    np.testing.assert_allclose(known["u_matrix"], som.u_matrix_.ravel())
    assert known["persons"] == ["0", "1", "2"] and known["group_names"] == []
    assert set(known["node_groups"]) == {-1} and known["node_words"] is None
    shown = faces_of(known, "node_sheets")[:12, ..., 0] / 255
    assert np.abs(shown - som.prototypes_.reshape(12, 64, 64)).mean() < 0.02


def test_a_map_of_one_stack_has_one_person(tmp_path, som, gray):
    path = tmp_path / "map.html"
    write_explorer(som, gray[0], path)
    assert contents(path)["persons"] == ["0"]
    assert "20 faces of 1 person on a map of 3 × 4" in path.read_text(encoding="utf-8")


def test_a_map_trained_on_bytes_shows_its_prototypes(tmp_path, gray):
    images = as_bytes(gray[0])
    som = facesom.FaceSOM(2, 2, n_epochs=3).fit(images)
    write_explorer(som, images, tmp_path / "map.html")
    shown = faces_of(contents(tmp_path / "map.html"), "node_sheets")[:4, ..., 0]
    assert np.abs(shown - som.prototypes_.reshape(4, 64, 64)).mean() < 4


def test_shared_groups_bring_everything_along(tmp_path, shared, data):
    path = tmp_path / "map.html"
    write_explorer(shared, data.X1, path, columns={"X2": data.X2, "first": data.X2[..., 0]})
    known = contents(path)
    np.testing.assert_array_equal(unpacked(known, "node"), shared.nodes.ravel())
    np.testing.assert_array_equal(unpacked(known, "group"), shared.groups.ravel())
    assert known["node_groups"] == shared.node_groups.ravel().tolist()
    np.testing.assert_array_equal(faces_of(known)[: P * N], data.X1.reshape(-1, 64, 64, 3))
    assert len(known["node_words"]) == 12 and len(known["group_names"]) == 3
    names = [column["name"] for column in known["columns"]]
    assert names == [*facesom.feature_names(), *(f"X2_{c}" for c in range(12)), "first"]
    values = np.frombuffer(base64.b64decode(known["columns"][-1]["values"]), "<f4")
    np.testing.assert_allclose(values, data.X2[..., 0].ravel(), rtol=1e-6)
    assert [action["name"] for action in known["actions"]] == list(shared.action_names)
    strength = np.frombuffer(base64.b64decode(known["actions"][0]["values"]), "<f4")
    np.testing.assert_allclose(strength, shared.actions[..., 0].ravel(), rtol=1e-6)
    middle = [
        np.median(shared.movements.reshape(P * N, -1)[shared.nodes.ravel() == k], axis=0)
        for k in shared.nodes.ravel()
    ]
    off = np.linalg.norm(shared.movements.reshape(P * N, -1) - middle, axis=1)
    np.testing.assert_allclose(unpacked(known, "distance"), off, rtol=1e-5, atol=1e-6)


def test_the_shared_map_alone_shows_mean_faces(tmp_path, shared, data):
    path = tmp_path / "map.html"
    write_explorer(shared.som, data.X1, path, groups=shared.groups)
    known = contents(path)
    nodes = shared.nodes.ravel()
    np.testing.assert_array_equal(unpacked(known, "node"), nodes)
    node = np.bincount(nodes).argmax()
    mean = data.X1.reshape(-1, 64, 64, 3)[nodes == node].mean(axis=0)
    assert np.abs(faces_of(known, "node_sheets")[node] - mean).mean() < 4
    own = data.X1.reshape(-1, 64, 64, 3)[nodes == node] / 255
    off = np.sqrt(((own - own.mean(axis=0)) ** 2).mean(axis=(1, 2, 3)))
    np.testing.assert_allclose(unpacked(known, "distance")[nodes == node], off, rtol=1e-4, atol=1e-5)
    most = np.bincount(shared.groups.ravel()[nodes == node]).argmax()
    assert known["node_groups"][node] == most


def test_groups_of_nodes_or_of_images(tmp_path, som, gray):
    path, nodes = tmp_path / "map.html", som.predict(gray.reshape(-1, 64, 64))
    labels = np.arange(12).reshape(3, 4) % 5 - 1
    write_explorer(som, gray, path, groups=labels, group_names=list("abcd"))
    known = contents(path)
    assert known["node_groups"] == labels.ravel().tolist() and known["group_names"] == list("abcd")
    np.testing.assert_array_equal(unpacked(known, "group"), labels.ravel()[nodes])
    fitted = facesom.NodeGroups(3).fit(som)
    write_explorer(som, gray, path, groups=fitted)
    assert contents(path)["node_groups"] == fitted.labels_.ravel().tolist()
    write_explorer(som, gray, path, groups=np.full((P, N), -1))
    assert set(contents(path)["node_groups"]) == {-1}


def test_persons_with_unequal_numbers_of_frames(tmp_path, som, gray):
    path = tmp_path / "map.html"
    write_explorer(som, [gray[0], gray[1][:5]], path, persons=["Ada", "Ben"])
    known = contents(path)
    assert known["persons"] == ["Ada", "Ben"]
    np.testing.assert_array_equal(np.bincount(unpacked(known, "person")), [20, 5])


@pytest.mark.parametrize("frames", [(5, 5), (5, 4)])
def test_persons_in_an_array_of_objects(gray, frames):
    persons = np.empty(2, dtype=object)
    for p, n in enumerate(frames):
        persons[p] = gray[p][:n]
    images, lengths = as_stack(persons)
    np.testing.assert_array_equal(images, np.concatenate(list(persons)))
    assert lengths == list(frames)


def test_too_many_images_become_a_stated_sample(tmp_path, som, gray):
    path = tmp_path / "map.html"
    write_explorer(som, gray, path, max_images=30)
    known = contents(path)
    np.testing.assert_array_equal(unpacked(known, "index"), np.arange(0, 60, 2))
    np.testing.assert_array_equal(faces_of(known)[:30, ..., 0], as_bytes(gray.reshape(-1, 64, 64)[::2]))
    assert "A sample of 30 faces, evenly spaced, out of 60 faces" in path.read_text(encoding="utf-8")


def test_five_hundred_faces_are_a_small_file(tmp_path):
    faces = facesom.make_faces(1, 500).dataset
    gray = facesom.to_grayscale(faces).X1
    som = facesom.FaceSOM(n_epochs=2).fit(gray[0])
    write_explorer(som, faces.X1, tmp_path / "map.html", nodes=som.labels_, columns={"X2": faces.X2})
    # 43 times as many faces must stay under 15 MB
    assert (tmp_path / "map.html").stat().st_size < 350_000


def test_the_map_is_cut_to_what_is_drawn():
    faces = np.ones((2, 40, 20))
    faces[0, 10, 4] = faces[1, 19, 13] = 0
    assert inked(faces, (40, 20)) == [2, 8, 14, 14]
    assert inked(faces, (20, 10)) == [1, 4, 7, 7]
    assert inked(np.ones((2, 40, 20)), (40, 20)) == [0, 0, 20, 40]
    assert inked(np.repeat(faces[..., None], 3, axis=3), (40, 20)) == [2, 8, 14, 14]


def test_walls_are_highest_where_prototypes_differ_most(tmp_path):
    features = np.repeat([[0.0], [1.0], [5.0]], 20, axis=0)
    som = facesom.FaceSOM(1, 3, n_epochs=3).fit(features)
    som.weights_ = np.array([[0.0], [1.0], [5.0]])
    write_explorer(som, np.zeros((60, 8, 8)), tmp_path / "map.html", nodes=np.zeros(60, int))
    assert contents(tmp_path / "map.html")["walls"] == [[0, 1, 0.0], [1, 2, 1.0]]


@pytest.mark.parametrize("shape", [(300, 200), (64, 64), (9, 30)])
def test_tiles_keep_the_proportions(shape):
    height, width = tile_size(*shape)
    assert max(height, width) <= 64
    assert height / width == pytest.approx(shape[0] / shape[1], rel=0.05)


def test_photographs_are_stored_with_loss():
    rng = np.random.default_rng(0)
    photos = np.clip(rng.normal(0.5, 0.2, (130, 40, 50, 3)), 0, 1)
    sheets = pack_sheets(photos, (40, 50))
    assert len(sheets) == 2 and sum(map(len, sheets)) < 130 * 40 * 50 * 2
    shown = faces_of({"tile": {"height": 40, "width": 50}, "sheets": sheets})[:130] / 255
    assert 0.01 < np.abs(shown - photos).mean() < 0.2


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["Ada", "Ben", "", "Çem"]), min_size=1, max_size=30))
def test_frames_are_numbered_within_each_person(persons):
    names, who, frames = name_persons(persons, None, len(persons))
    assert [names[p] for p in who] == persons
    assert names == list(dict.fromkeys(persons))
    for p in range(len(names)):
        assert frames[who == p].tolist() == list(range(persons.count(names[p])))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
def test_rows_come_by_image_or_by_person(p, n, c):
    values = np.arange(p * n * c).reshape(p, n, c)
    expected = values.reshape(p * n, c)
    for given_ in (values, expected, list(values)):
        np.testing.assert_array_equal(each_row(given_, p * n, "x", ndims=(2,)), expected)
    np.testing.assert_array_equal(each_row(values[..., 0], p * n, "x"), expected[:, 0])


def test_only_what_stands_in_the_page_may_run(tmp_path, som, gray):
    path = tmp_path / "map.html"
    write_explorer(som, gray, path, persons=[HOSTILE, "b", "c"], title=HOSTILE)
    page = path.read_bytes().decode()
    assert HOSTILE not in page and "<img" not in page
    assert contents(path)["persons"][0] == HOSTILE
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy and "http" not in policy
    for tag, kind in (("script", "script-src"), ("style", "style-src")):
        text = re.search(f"<{tag}>(.*?)</{tag}>", page, re.S)[1]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)


def test_the_page_in_a_notebook_is_the_page_in_the_file(tmp_path, som, gray, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    show_explorer(som, gray, persons=list("abc"), height=500)
    write_explorer(som, gray, tmp_path / "map.html", persons=list("abc"))
    (frame,) = shown
    assert 'height="500"' in frame.data and 'sandbox="allow-scripts' in frame.data
    page = html.unescape(re.search(r'srcdoc="([^"]*)"', frame.data)[1])
    assert page == (tmp_path / "map.html").read_text(encoding="utf-8")
    show_explorer(som, gray, persons=list("abc"), path=tmp_path / "kept.html")
    assert (tmp_path / "kept.html").read_text(encoding="utf-8") == page, "kept where it was asked for"


def test_outside_of_a_notebook_there_is_the_file(som, gray, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython.display", None)
    with pytest.raises(ModuleNotFoundError, match="use `write_explorer`"):
        show_explorer(som, gray)


def test_messages_say_what_to_do(tmp_path, som, gray, shared, data):
    def write(*args, **options):
        write_explorer(*args[:2], tmp_path / "map.html", *args[2:], **options)

    with pytest.raises(
        ValueError, match=r"images: expected faces .* got shape \(64, 64\); pass images\[None\]"
    ):
        write(som, gray[0, 0])
    with pytest.raises(ValueError, match=r"expected faces .* got shape \(1, 3, 20, 64, 64\)\."):
        write(som, gray[None])
    with pytest.raises(
        ValueError,
        match=r"faces of shape \(64, 64\), got \(64, 64, 3\); to show others .* nodes=som\.predict",
    ):
        write(som, data.X1)
    with pytest.raises(ValueError, match=r"nodes: the map was trained on 60 rows .* `SharedGroups` instead"):
        write(shared.som, data.X1[0])
    with pytest.raises(ValueError, match=r"images: expected the 60 frames that the result is of, got 40"):
        write(shared, data.X1[:2])
    with pytest.raises(ValueError, match=r"nodes: expected numbers from 0 to 11, got 0 to 12"):
        write(som, gray, nodes=np.arange(60) % 13)
    with pytest.raises(ValueError, match="groups: expected whole numbers, got float64"):
        write(som, gray, groups=np.ones(60))
    with pytest.raises(ValueError, match="groups: expected numbers from -1 on, got -2 to -2"):
        write(som, gray, groups=np.full(60, -2))
    with pytest.raises(ValueError, match=r"persons: expected a row for each of 60 images, got .* \(2,\)"):
        write(som, gray, persons=["a", "b"])

    with pytest.raises(ValueError, match="group_names: expected one for each of 2 groups, got 1"):
        write(som, gray, np.arange(60) % 2, group_names=["a"])
    with pytest.raises(ValueError, match=r"columns: expected names and numbers, .* got ndarray"):
        write(som, gray, columns=data.X2)
    with pytest.raises(ValueError, match=r"columns\['sex'\]: expected numbers, got <U1"):
        write(som, gray, columns={"sex": ["f"] * 60})
    with pytest.raises(ValueError, match=r"columns: \['frame'\] have a meaning of their own"):
        write(som, gray, columns={"frame": np.arange(60)})
    with pytest.raises(ValueError, match="max_images: expected a whole number of at least 1, got 0"):
        write(som, gray, max_images=0)
    for title in (None, 3):
        with pytest.raises(ValueError, match=f"title: expected a text, got {title}"):
            write(som, gray, title=title)

    assert not (tmp_path / "map.html").exists()


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path, som, gray, monkeypatch):
    path = tmp_path / "map.html"
    write_explorer(som, gray, path)
    os.chmod(path, 0o600)
    (tmp_path / "link.html").symlink_to(path)
    old = path.read_bytes()

    def full(file):
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space left"):
            write_explorer(som, gray, path, title="new")
    assert path.read_bytes() == old
    write_explorer(som, gray, tmp_path / "link.html", title="new \ud800")
    assert "<h1>new ?</h1>" in path.read_text(encoding="utf-8") and (tmp_path / "link.html").is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.html", "map.html"]


def test_tables_of_scikit_learn_are_no_trouble(tmp_path, som, gray, shared, data):
    write_explorer(som, gray, tmp_path / "map.html")
    with sklearn.config_context(transform_output="pandas"):
        write_explorer(som, gray, tmp_path / "pandas.html")
        result = facesom.group_across_persons(data.X1, n_groups=3, rows=3, cols=4)
        facesom.assign_new_person(result, data.X1[0])
    np.testing.assert_array_equal(result.nodes, shared.nodes)
    assert (tmp_path / "map.html").read_bytes() == (tmp_path / "pandas.html").read_bytes()


# ---- in a browser -----------------------------------------------------------------------------------

COLUMN = np.linspace(-1, 1, P * N)


@pytest.fixture(scope="module")
def file(tmp_path_factory, som, data, gray):
    path = tmp_path_factory.mktemp("explorer") / "map.html"
    groups = np.arange(12).reshape(3, 4) // 4
    names = [HOSTILE, "=Ben", "Ada, the first"]
    nodes = som.predict(gray.reshape(-1, 64, 64))
    options = {"nodes": nodes, "columns": {"number": COLUMN}, "distances": np.arange(60)[::-1] / 8}
    write_explorer(som, data.X1, path, groups, names, **options)
    return path


@pytest.fixture
def opened(browser, file):
    """Open the page in a window; at the end, nothing may have gone wrong or have been fetched."""
    pages = []

    def open_page(path=file, **options):
        page = browser.new_page(**{"viewport": {"width": 1200, "height": 900}} | options)
        page.wrong = []
        page.on("console", lambda said: page.wrong.append(said.text))
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.on(
            "request",
            lambda asked: asked.url.startswith(("file:", "data:", "blob:")) or page.wrong.append(asked.url),
        )
        page.goto(path.as_uri())
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        wrong, bad = page.wrong, page.evaluate("window.bad")
        page.close()
        assert wrong == [] and bad is None


def cell(page, node, side="left"):
    return page.locator(f"#map-{side} [data-node='{node}']")


def listed(page):
    return [int(face.get_attribute("data-image")) for face in page.locator(".face").all()]


def exported(page, button="#export"):
    with page.expect_download() as download:
        page.click(button)
    with open(download.value.path(), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def nodes(som, gray):
    return som.predict(gray.reshape(-1, 64, 64))


def pixels(page, canvas):
    """RGB of a canvas."""
    url = page.evaluate(f"{canvas}.toDataURL()")
    picture = np.frombuffer(base64.b64decode(url.split(",")[1]), np.uint8)
    return cv2.imdecode(picture, cv2.IMREAD_COLOR)[..., ::-1]


def test_a_click_shows_the_faces_of_the_node_nearest_first(opened, data, nodes):
    page = opened()
    node = int(np.bincount(nodes).argmax())
    cell(page, node).click()
    assert listed(page) == np.flatnonzero(nodes == node)[::-1].tolist()  # the last has the least distance
    assert f"Node {node} (row {node // 4}, column {node % 4})" in page.inner_text("#node-title")
    first = listed(page)[0]
    page.wait_for_timeout(100)
    shown = pixels(page, "document.querySelector('.face canvas')")
    np.testing.assert_array_equal(shown, data.X1.reshape(-1, 64, 64, 3)[first])
    page.locator(".face").first.click()
    numbers = page.inner_text("#numbers")
    assert f"{first % N}" in numbers and f"{node} (row" in numbers
    assert page.locator(".face").first.get_attribute("aria-pressed") == "true"


def test_hostile_names_are_text(opened):
    page = opened()
    assert page.locator("#left option").all_inner_texts()[1] == HOSTILE
    page.select_option("#left", "0")
    assert HOSTILE in page.inner_text("#title-left")
    assert page.locator("img").count() == 0
    page.evaluate(
        """document.body.append(
            Object.assign(document.createElement("script"), { textContent: "window.bad = 1" }))"""
    )
    assert all("Content Security Policy" in said for said in page.wrong) and len(page.wrong) == 1
    page.wrong.clear()


def test_the_selection_is_exported_with_the_groups_new_names(opened, nodes):
    page = opened()
    kept = sorted({int(nodes[0]), int(nodes[N])})
    dropped = next(node for node in range(12) if node not in kept)
    renamed = kept[0] // 4
    name = f"#group-list li:nth-child({renamed + 1}) input"
    page.fill(name, '=sum("x")')
    page.press(name, "Enter")
    for node in (dropped, *kept):
        cell(page, node).click(modifiers=["Shift"])
    cell(page, dropped).click()
    assert page.is_checked("#pick")
    page.uncheck("#pick")
    assert page.inner_text("#selection") == f"{len(kept)} nodes selected: {kept[0]}, {kept[1]}."
    rows = exported(page)
    expected = [i for i in range(P * N) if nodes[i] in kept]
    assert {0, N} <= set(expected)
    assert [int(row["image"]) for row in rows] == expected
    persons = [HOSTILE, "'=Ben", "Ada, the first"]
    for row, i in zip(rows, expected, strict=True):
        assert row["person"] == persons[i // N] and int(row["frame"]) == i % N
        assert int(row["node"]) == nodes[i] == 4 * int(row["row"]) + int(row["column"])
        group = nodes[i] // 4
        assert int(row["group"]) == group
        assert row["group_name"] == ('\'=sum("x")' if group == renamed else f"group {group}")
        assert float(row["distance"]) == (59 - i) / 8
        assert float(row["number"]) == pytest.approx(COLUMN[i], rel=1e-6)
    page.select_option("#left", "2")
    page.click("#clear")
    assert [int(row["image"]) for row in exported(page)] == list(range(2 * N, 3 * N))


def test_the_keyboard_suffices(opened, nodes):
    page = opened()
    page.focus("#walls")
    page.keyboard.press("Tab")
    where = "document.activeElement.dataset.node"
    assert page.evaluate(where) == "0"
    for key, node in [("ArrowRight", 1), ("ArrowDown", 5), ("End", 7), ("ArrowRight", 7), ("Home", 4)]:
        page.keyboard.press(key)
        assert page.evaluate(where) == str(node)
    page.keyboard.press("Control+End")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(where) == "11"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert listed(page) == np.flatnonzero(nodes == 7)[::-1].tolist()
    page.keyboard.press("Space")
    assert cell(page, 7).get_attribute("aria-selected") == "true"
    assert page.inner_text("#selection") == "1 node selected: 7."
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "pick"  # one stop for the whole map
    assert page.evaluate("document.querySelectorAll('[role=gridcell][tabindex=\"0\"]').length") == 2


def test_everything_has_a_name_to_be_read_out(opened):
    page = opened()
    cell(page, 5).click()
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, select, section, [role=grid], [role=gridcell]")]
            .filter((e) => e.checkVisibility())
            .filter((e) => !(e.ariaLabel || e.innerText.trim() || e.labels?.length ||
                     document.getElementById(e.getAttribute("aria-labelledby")))
        ).map((e) => e.outerHTML)"""
    )
    assert nameless == []
    assert re.match(
        r"node 5, row 1, column 1: \d+ faces? · group 1 · ",
        cell(page, 5).get_attribute("aria-label"),
    )


def test_two_persons_side_by_side(opened, nodes):
    page = opened()
    page.select_option("#left", "0")
    page.select_option("#right", "1")
    node = int(nodes[N])
    cell(page, node, "right").hover()
    lit = page.locator(".lit").evaluate_all("cells => cells.map((cell) => cell.dataset.node)")
    assert lit == [str(node)] * 2
    own = [int((nodes[p * N : (p + 1) * N] == node).sum()) for p in (0, 1)]
    assert f"{HOSTILE}: {own[0]} face" in page.inner_text("#status")
    cell(page, node, "right").click()
    inside = np.flatnonzero(nodes == node)[::-1]
    assert listed(page) == [*inside[inside // N == 0], *inside[inside // N == 1]]
    assert len(exported(page)) == 2 * N


def test_a_persons_map_shows_the_persons_own_faces(opened, data, nodes):
    page = opened()
    page.uncheck("#walls")
    page.select_option("#colour", "0")
    page.select_option("#left", "2")
    page.evaluate("maps[0].paint()")
    picture = pixels(page, "maps[0].canvas")
    height, width = picture.shape[:2]
    left, top, w, h = (round(x) for x in page.evaluate("data.crop"))
    faces = data.X1.reshape(-1, 64, 64, 3)[:, top : top + h, left : left + w]
    for node in np.unique(nodes[2 * N :]):
        y, x = np.array([node // 4 + 0.03, node % 4 + 0.03]) * [height / 3, width / 4]
        tile = picture[round(y) : round(y + 0.94 * height / 3), round(x) : round(x + 0.94 * width / 4)]
        tile = cv2.resize(tile, (w, h), interpolation=cv2.INTER_AREA).astype(float)
        nearest = np.abs(tile - faces).mean(axis=(1, 2, 3)).argmin()
        assert nearest == np.flatnonzero(nodes == node)[-1]  # the last has the least distance


@pytest.mark.parametrize("colouring", ["group", "faces won", "most frequent person", "number"])
def test_the_map_is_coloured(opened, nodes, colouring):
    page = opened()
    page.uncheck("#walls")
    page.select_option("#colour", label=colouring)
    page.evaluate("maps[0].paint()")
    picture = pixels(page, "maps[0].canvas")
    h, w = np.array(picture.shape[:2]) / (3, 4)
    shown = [picture[int((k // 4 + 0.95) * h), int((k % 4 + 0.5) * w)] for k in range(12)]
    shown = [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in shown]
    ramp, colours = page.evaluate("[data.ramp, data.colours]")
    used = np.unique(nodes)
    if colouring == "group":
        expected = [colours[node // 4].lower() for node in used]
    elif colouring == "most frequent person":
        expected = [
            colours[np.bincount(np.flatnonzero(nodes == node) // N).argmax()].lower() for node in used
        ]
    else:
        values = np.array(
            [COLUMN[nodes == n].mean() if colouring == "number" else (nodes == n).sum() for n in used]
        )
        places = np.floor((values - values.min()) / np.ptp(values) * 63 + 0.5).astype(int)
        expected = [ramp[place] for place in places]
    assert [shown[node] for node in used] == expected
    assert page.is_visible("#legend") == (colouring in ("faces won", "number"))


def test_a_person_is_played_and_a_frame_is_found(opened, nodes):
    page = opened()
    page.select_option("#person", "1")
    page.fill("#frame", "17")
    page.click("#find button[type=submit]")
    assert page.inner_text("#node-title").startswith(f"Node {nodes[N + 17]} ")
    page.click("#play")
    page.wait_for_function("() => state.playing === null")
    assert page.input_value("#frame") == str(N - 1) and page.input_value("#time") == str(N - 1)
    assert page.inner_text("#node-title").startswith(f"Node {nodes[2 * N - 1]} ")
    drawn = page.evaluate(
        """() => {
            const { path } = maps[0];
            return path.getContext("2d").getImageData(0, 0, path.width, path.height).data.some(Boolean);
        }"""
    )
    assert drawn and page.inner_text("#play") == "▶ Play"
    page.fill("#frame", "900")
    page.press("#frame", "Enter")
    assert page.input_value("#frame") == str(N - 1)  # the nearest there is


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_window_in_either_light(opened, scheme):
    page = opened(viewport={"width": 400, "height": 800}, color_scheme=scheme, has_touch=True)
    cell(page, 5).tap()
    page.select_option("#left", "0")
    page.select_option("#right", "1")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    left, right = page.locator("#map-left").bounding_box(), page.locator("#map-right").bounding_box()
    assert right["y"] >= left["y"] + left["height"]  # one below the other
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")


def test_the_page_works_inside_a_notebook(opened, tmp_path, som, gray, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    show_explorer(som, gray, persons=[HOSTILE, "b", "c"])
    (tmp_path / "notebook.html").write_text(
        f"<!DOCTYPE html><title>n</title>{shown[0].data}", encoding="utf-8"
    )
    page = opened(tmp_path / "notebook.html")
    frame = page.frame_locator("iframe")
    frame.locator("#map-left [data-node='5']").click()
    frame.locator("#find button[type=submit]").click()
    with page.expect_download() as download:
        frame.locator("#export").click()
    assert download.value.path().read_text(encoding="utf-8").count("\n") == P * N + 1


def test_a_map_of_hexagons_and_of_one_person(opened, tmp_path, gray):
    som = facesom.FaceSOM(3, 4, topology="hexagonal", n_epochs=3).fit(gray[0])
    write_explorer(som, gray[0], tmp_path / "map.html")
    page = opened(tmp_path / "map.html")
    tops = [cell(page, node).bounding_box()["y"] for node in range(4)]
    height = cell(page, 0).bounding_box()["height"]
    np.testing.assert_allclose(np.subtract(tops, tops[1]), [height / 2, 0, height / 2, 0], atol=1)
    assert page.inner_text("#title-left").startswith("Map of person 0: 20 faces in ")
    assert not page.is_visible("#left") and not page.is_visible("#groups")
    cell(page, 6).click()
    assert (
        listed(page)
        == np.flatnonzero(som.labels_ == 6)[np.argsort(som.transform(gray[0])[som.labels_ == 6, 6])].tolist()
    )


def test_many_faces_are_listed_bit_by_bit(opened, tmp_path, som, gray):
    write_explorer(som, gray, tmp_path / "map.html", nodes=np.full(P * N, 3))
    page = opened(tmp_path / "map.html")
    cell(page, 3).click()
    assert len(listed(page)) == 48
    page.get_by_text("Show more of 60 faces").click()
    assert sorted(listed(page)) == list(range(60))
    assert not page.get_by_text("Show more").is_visible()


@pytest.mark.parametrize("shape", [(3, 4), (12, 3), (2, 20)])
@pytest.mark.parametrize("beside", ["", "1"])
def test_the_whole_map_is_seen_on_a_screen(opened, tmp_path, gray, shape, beside):
    som = facesom.FaceSOM(*shape, topology="hexagonal").fit(gray.reshape(-1, 64, 64))
    write_explorer(som, gray, tmp_path / "map.html", nodes=som.predict(gray.reshape(-1, 64, 64)))
    page = opened(tmp_path / "map.html", viewport={"width": 1280, "height": 900})
    page.select_option("#right", beside)
    page.select_option("#colour", label="faces won")
    root = "document.documentElement"
    assert page.evaluate(f"[{root}.scrollWidth, {root}.scrollHeight]") == [1280, 900]
    for stage in page.locator(".map:not([hidden]) .stage").all():
        box = stage.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 1280
        assert box["y"] >= 0 and box["y"] + box["height"] <= 900
        assert max(box["width"] / 1280, box["height"] / 900) > 0.25
        assert box["width"] / box["height"] == pytest.approx(page.evaluate("maps[0].aspect"), rel=0.02)


def seen(page):
    chosen = [page.locator(f"#{id} option:checked").inner_text() for id in ("left", "right", "colour")]
    return [
        *chosen,
        page.inner_text("#node-title"),
        page.is_visible("#map-right"),
        page.input_value("#frame"),
    ]


def test_a_link_keeps_node_person_and_colouring(opened, nodes):
    page = opened()
    page.select_option("#left", "2")
    page.select_option("#right", "0")
    page.select_option("#colour", label="number")
    cell(page, int(nodes[2 * N])).click()
    page.locator(".face").nth(1).click()
    again = opened()
    assert seen(again) != seen(page)
    again.goto(page.url)  # as a link within the open page
    assert seen(again) == seen(page)
    fresh = opened()
    fresh.goto("about:blank")
    fresh.goto(page.url)
    assert seen(fresh) == seen(page) and fresh.url == page.url
    address = page.url.split("#")[0]
    for wrong in (
        "#node=99&person=nobody&colour=x&face=-1",
        "#node=1e9&face=x",
        "#%%%",
        "#node=&beside=" + "a" * 9999,
    ):
        fresh.goto("about:blank")
        fresh.goto(address + wrong)
        assert fresh.inner_text("#node-title") == "No node opened"
        cell(fresh, 3).click()
        assert "node=3" in fresh.url


def test_the_map_as_seen_is_saved_as_a_picture(opened, nodes):
    page = opened()
    page.select_option("#left", "0")
    page.select_option("#right", "1")
    page.select_option("#colour", label="faces won")
    cell(page, int(nodes[0])).click()
    page.evaluate("Promise.all(maps.map((map) => map.paint()))")
    with page.expect_download() as download:
        page.click("#picture")
    assert download.value.suggested_filename == "facesom-map.png"
    picture = np.ascontiguousarray(cv2.imread(str(download.value.path()))[..., ::-1])
    left = 0
    for side in ("left", "right"):  # each map stands in the picture, pixel by pixel but for the frame
        canvas = f"document.querySelector('#map-{side} .faces')"
        shown = np.ascontiguousarray(pixels(page, canvas))
        height, width = shown.shape[:2]
        alpha = f"[...{canvas}.getContext('2d').getImageData(0, 0, {width}, {height}).data]"
        opaque = np.reshape(page.evaluate(alpha), (height, width, 4))[..., 3] == 255
        apart = cv2.matchTemplate(picture, shown, cv2.TM_SQDIFF, mask=opaque.astype(np.uint8))
        x, y = cv2.minMaxLoc(apart)[2]
        assert x >= left
        assert (picture[y : y + height, x : x + width] == shown).all(axis=2)[opaque].mean() > 0.9
        left = x + width
    assert left <= picture.shape[1] and y + height < picture.shape[0]
    colours = {tuple(colour) for colour in picture.reshape(-1, 3)[::7]}
    assert (213, 94, 0) in colours  # the open node is framed


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("letter", ["a", "<", "漢", "a b "])
def test_names_of_any_length_keep_the_page_in_its_window(opened, tmp_path, som, gray, width, letter):
    long = letter * (10_000 // len(letter))
    options = {"persons": [long, f"{long}2", "b"], "columns": {long: np.arange(60)}, "title": long}
    groups = np.zeros((3, 4), int)
    write_explorer(som, gray, tmp_path / "map.html", groups, group_names=[long], **options)
    page = opened(tmp_path / "map.html", viewport={"width": width, "height": 900})
    page.select_option("#colour", label=page.locator("#colour option").last.inner_text())
    page.select_option("#left", "0")
    page.select_option("#right", "1")
    cell(page, int(som.predict(gray[0])[0])).click()
    page.locator(".face").first.click()
    page.click("#play")
    page.wait_for_timeout(200)
    page.click("#play")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width > 800:
        assert page.evaluate("document.documentElement.scrollHeight") <= 900
        assert page.locator("#map-left .stage").bounding_box()["width"] > 200
    assert page.locator("#title-left").bounding_box()["height"] < 120
    assert {row["person"] for row in exported(page)} == {long, f"{long}2"}  # whole in the export
    assert list(exported(page)[0])[-1] == long


def test_the_map_is_coloured_by_what_faces_do(opened, tmp_path, shared, data):
    write_explorer(shared, data.X1, tmp_path / "map.html")
    page = opened(tmp_path / "map.html")
    action = shared.action_names[0]
    assert page.locator("#colour optgroup[label=actions] option").all_inner_texts() == list(
        shared.action_names
    )
    page.select_option("#colour", label=action)
    node = int(shared.nodes[0, 0])
    cell(page, node).hover()
    mean = shared.actions[shared.nodes == node][:, 0].mean()
    said = re.search(f", {action} ([-\\d.e]+) ·", page.inner_text("#status"))
    assert float(said[1]) == pytest.approx(mean, rel=0.01, abs=1e-6)
    assert float(exported(page)[0][action]) == pytest.approx(shared.actions[0, 0, 0], rel=1e-5, abs=1e-9)


def test_the_colour_of_a_node_is_that_of_its_known_values(opened, tmp_path, som, gray, nodes):
    values = np.where(np.arange(P * N) % 3 == 0, np.nan, nodes * 1.0)
    write_explorer(som, gray, tmp_path / "map.html", columns={"some": values})
    page = opened(tmp_path / "map.html")
    page.select_option("#colour", label="some")
    cell(page, int(nodes[1])).hover()
    assert f"some {nodes[1]}" in page.inner_text("#status")

"""Every notebook runs on small data, says more than it computes, and is stored without outputs."""

import gzip
import re
import textwrap

import nbformat
import numpy as np
import pandas as pd
import pytest
import run
import stamp

import facesom

NOTEBOOKS = run.find_notebooks()
SMALL = {"n_persons": 5, "n_frames": 60}
PLUMBING = re.compile(
    r"sys\.path|os\.environ|subprocess|__file__|LOCAL_DEV|^\s*!|(?<![\w.])/(home|content|root|tmp)/",
    re.M,
)


def read(path):
    return nbformat.read(path, as_version=4)


def sources(path, kind):
    return [cell.source for cell in read(path).cells if cell.cell_type == kind]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


def test_there_are_notebooks():
    assert NOTEBOOKS


def test_it_runs_in_a_fresh_kernel(path, tmp_path):
    _, error = run.execute(path, tmp_path, SMALL)
    assert error is None, str(error)
    assert any(tmp_path.iterdir()), "a notebook exports something"


def test_it_is_stored_without_outputs(path):
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells), "clear all outputs"


def test_its_cells_are_short_and_explained(path):
    code, prose = sources(path, "code"), sources(path, "markdown")
    assert max(len(source.splitlines()) for source in code) <= 25
    assert len(prose) >= len(code)
    assert 25 <= len(code) + len(prose) <= 42
    assert not any(PLUMBING.search(source) for source in code if "@title Setup" not in source)
    assert sum("assert " in source for source in code) >= 2, "checkpoints"


def test_it_has_objectives_parameters_an_exercise_and_an_end(path):
    prose = sources(path, "markdown")
    title = next(source for source in prose if source.startswith("# "))
    assert "**You will learn**" in title and "**Input**" in title and "**output**" in title
    assert any("<details>" in source and "</details>" in source for source in prose)
    assert "## What we learned" in prose[-1]
    parameters = [cell for cell in read(path).cells if "parameters" in cell.metadata.get("tags", ())]
    assert len(parameters) == 1 and "# @param" in parameters[0].source
    assert set(SMALL) | {"data_path", "output_folder"} <= set(
        re.findall(r"^(\w+) = ", parameters[0].source, re.M)
    )


def test_what_it_says_to_install_is_not_ours_at_an_index(path):
    assert "facesom[" not in path.read_text("utf-8"), "name the library: nobody has put facesom at an index"


def test_its_links_lead_somewhere(path):
    for source in sources(path, "markdown"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", source):
            assert (path.parent / target).exists(), f"{path.name} points to {target}"


def test_its_title_links_the_glossary_which_has_one_line_for_each_term(path):
    title = next(source for source in sources(path, "markdown") if source.startswith("# "))
    assert "(GLOSSARY.md)" in title
    terms = [
        line for line in (path.parent / "GLOSSARY.md").read_text("utf-8").splitlines() if line[:2] == "- "
    ]
    number = re.compile(r"- \*\*.+\*\*.*: .+ \[(\d+)\]\.")
    assert {int(number.fullmatch(line)[1]) for line in terms} <= set(range(1, 11))


def test_it_writes_to_the_output_folder_only(path):
    beside = re.compile(r"\bpath\.(with_\w+|parent)")  # would write beside a file of the user's own
    assert not any(beside.search(source) for source in sources(path, "code")), "write to output_folder"


def test_grays_that_moved_are_told_of_once_a_file_in_notebook_2(path):
    code = "\n".join(sources(path, "code"))
    if path.stem > "03" and "to_grayscale(" in code and "data_path" in code:
        assert 'filterwarnings("ignore", "to_grayscale:")' in code


def test_it_asks_the_path_whether_faces_are_drawn(path):
    code = "\n".join(sources(path, "code"))  # in Colab an empty data_path may find a file of the user's own
    assert "find_data(" not in code or not re.search(r"\b(if|not|else) (not )?data_path\b", code)


def test_a_cell_of_the_first_five_is_seen_at_a_glance(path):
    assert path.name > "06" or max(len(code.splitlines()) for code in sources(path, "code")) <= 14


def test_its_setup_cell_and_badge_are_stamped(path):
    notebook, fresh = read(path), read(path)
    stamp.stamp(fresh, path.stem, stamp.repository())
    assert notebook == fresh, "run `make stamp`"


def test_a_stamp_follows_the_address(path):
    notebook = read(path)
    stamp.stamp(notebook, path.stem, "https://github.com/someone/facesom")
    assert f"github/someone/facesom/blob/main/notebooks/{path.name}" in notebook.cells[0].source
    setup = next(cell.source for cell in notebook.cells if cell.id == "setup")
    assert '"git+https://github.com/someone/facesom"' in setup and "upload" not in setup
    stamp.stamp(notebook, path.stem, "https://git.example.org/someone/facesom")
    assert notebook.cells[0].source.startswith("# "), "no badge for an address that Colab cannot open"
    stamp.stamp(notebook, path.stem, "")
    stamp.stamp(notebook, path.stem, "")
    assert notebook == read(path)


def test_a_failing_notebook_tells_where_and_keeps_what_was_done(tmp_path):
    code = nbformat.v4.new_code_cell
    parameters = code("data_path = ''", metadata={"tags": ["parameters"]})
    cells = [parameters, code("print(data_path, output_folder)"), code("1 / 0"), code("print('never')")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "bad.ipynb")
    seen = []
    done, error = run.execute(
        tmp_path / "bad.ipynb", tmp_path, {"data_path": "mine"}, lambda k, n: seen.append((k, n))
    )
    assert "ZeroDivisionError" in str(error)
    assert done.cells[2].outputs[0].text == "mine .\n" and done.cells[4].outputs == []
    assert seen == [(1, 5), (2, 5), (3, 5), (4, 5)]


def test_another_kind_of_file_gets_the_advice_of_load(tmp_path):
    path = tmp_path / "faces.pickle"
    path.write_bytes(gzip.compress(b"faces"))
    _, error = run.execute(run.find_notebooks(["01*"])[0], tmp_path, {"data_path": str(path)})
    assert "this looks like a gzip file" in str(error)


def test_few_frames_and_numbers_of_another_dtype_end_well_and_5_goes_on_where_4_ended(tmp_path):
    data = facesom.make_faces(4, 6, seed=1).dataset
    data = facesom.FaceDataset(data.X1, data.X2.astype(np.float32), data.y)
    facesom.save(data, tmp_path / "few.pickle")
    values = {"data_path": str(tmp_path / "few.pickle")}
    for number in ("04", "05"):
        executed, error = run.execute(run.find_notebooks([number])[0], tmp_path, values)
        assert error is None, str(error)
    assert "taken from an earlier run" in str(executed.cells)
    one, two = (pd.read_csv(tmp_path / name) for name in ("shared_groups.csv", "groups.csv"))
    pd.testing.assert_frame_equal(one, two[one.columns])


def test_fast_keeps_about_a_hundred_frames_of_each_person(tmp_path):
    assert [p.stem[:2] for p in NOTEBOOKS if "\nfast = False" in "".join(sources(p, "code"))] == [
        *("03", "04", "05", "07")
    ]
    values = {"n_persons": 2, "n_frames": 220, "search_seconds": 0, "fast": True}
    _, error = run.execute(run.find_notebooks(["03"])[0], tmp_path, values)
    assert error is None, str(error)
    assert len((tmp_path / "nodes_person_0.csv").read_text().splitlines()) == 1 + 110


def test_a_folder_of_peoples_photos_becomes_drawn_faces_and_a_map(tmp_path):
    from PIL import Image
    from skimage.data import astronaut

    for person in ("ada", "ben"):
        (tmp_path / "people" / person).mkdir(parents=True)
        for k in range(8):  # the first pixel tells the stub what was cut off, and how far the mouth opens
            photo = astronaut()[4 * k : 300, 60 + 2 * k : 400].copy()
            photo[0, 0] = 4 * k, 60 + 2 * k, 3 * k * (person == "ada")
            Image.fromarray(photo).save(tmp_path / "people" / person / f"{k}.png")
    stub = """
    import facesom.photos.from_photos
    from facesom.photos.examples import ASTRONAUT_LANDMARKS, astronaut_landmarks

    def landmarks(photo, boxes):
        top, left, opening = (int(number) for number in photo[0, 0])
        points = ASTRONAUT_LANDMARKS - (left, top)
        points[[55, 56, 57, 58, 59, 65, 66, 67], 1] += opening
        return np.repeat(points[None], len(boxes), axis=0)

    facesom.photos.from_photos.find_landmarks, find_spec = landmarks, bool
    facesom.photos.find_landmarks = astronaut_landmarks
    """
    notebook = read(run.find_notebooks(["10*"])[0])
    place = next(k for k, cell in enumerate(notebook.cells) if "from importlib.util import" in cell.source)
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(textwrap.dedent(stub)))
    nbformat.write(notebook, tmp_path / "10.ipynb")
    done, error = run.execute(
        tmp_path / "10.ipynb", tmp_path, SMALL | {"people_folder": str(tmp_path / "people")}
    )
    assert error is None, str(error)
    mine = facesom.load(tmp_path / "my_faces.pickle")
    assert mine.X1.shape == (2, 8, 64, 64, 3) and np.ptp(mine.X2[0], axis=0).max() > 0.1
    drawn = next(cell for cell in done.cells if "draw_from_photos(" in cell.source)
    assert "2 persons × 8 frames" in str(drawn.outputs) and "image/png" in str(drawn.outputs)


def test_several_run_at_a_time_and_the_rest_goes_on_when_one_fails(tmp_path, capsys):
    code = nbformat.v4.new_code_cell
    paths = []
    for name, what in (("01_good", "open(name + '.txt', 'w').close()"), ("02_bad", "1 / 0"), ("03_good", "")):
        parameters = code("name = ''", metadata={"tags": ["parameters"]})
        paths.append(tmp_path / f"{name}.ipynb")
        nbformat.write(nbformat.v4.new_notebook(cells=[parameters, code(what)]), paths[-1])
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    assert run.execute_all(paths, outputs, {"name": "made"}, jobs=2) == ["02_bad"]
    assert {"made.txt", "01_good.ipynb", "02_bad.ipynb", "03_good.ipynb"} <= {
        f.name for f in outputs.iterdir()
    }
    said = capsys.readouterr()
    assert "01_good: " in said.out and "02_bad.ipynb stopped there" in said.err and "9/9" in said.err


def test_parameters_need_their_cell():
    with pytest.raises(ValueError, match='one cell tagged "parameters", found 0'):
        run.set_parameters(nbformat.v4.new_notebook(cells=[]), {"a": 1})
    with pytest.raises(ValueError, match='one cell with the id "setup", found 0'):
        stamp.stamp(nbformat.v4.new_notebook(cells=[]), "x", "")


def test_notebooks_are_named_by_how_they_begin_and_paths_are_those_of_the_caller(tmp_path, monkeypatch):
    assert [path.stem[:2] for path in run.find_notebooks(["0[12]", "08"])] == ["01", "02", "08"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "party.jpg").write_bytes(b"")
    assert run._value("photo_path=party.jpg") == ("photo_path", str(tmp_path / "party.jpg"))
    assert run._value("pair=happy sad") == ("pair", "happy sad") and run._value("fast=True") == ("fast", True)

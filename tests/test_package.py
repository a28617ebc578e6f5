"""The face of the package, the order of its rooms, and what its files must agree on."""

import ast
import doctest
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import facesom
from facesom.notebook import find_data

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "facesom").rglob("*.py"))
ROOMS = [path.parent.name for path in (ROOT / "facesom").glob("*/__init__.py")] + ["notebook"]
NAMES = sorted(set(facesom.__all__) - set(ROOMS))
# what numpydoc need not find: more than a summary, a "See Also", words for what a type says already
NOT_ASKED = {"ES01", "SA01", "PR07", "RT03", "RT04"}


@pytest.mark.parametrize("name", facesom.__all__)
def test_every_public_name_is_there(name):
    assert getattr(facesom, name) is not None
    assert name in dir(facesom)


def test_the_face_is_small_and_says_all_there_is():
    assert set(dir(facesom)) == {*NAMES, *ROOMS, "__version__"}
    assert 25 <= len(NAMES) <= 32


def test_readme_and_notebooks_use_names_that_are_there():
    name = re.compile(r"\bfacesom\.(\w+)(?:\.([a-zA-Z]\w*))?")
    pages = [*ROOT.glob("*.md"), *ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("*/README.md"), *MODULES]
    for path in pages:
        for first, second in name.findall(path.read_text(encoding="utf-8")):
            if first in {"zip", "git", "css", "html", "js", "__version__"}:
                continue  # files of that name
            assert first in dir(facesom), f"{path.name}: there is no facesom.{first}"
            if first in ROOMS and second and path.suffix != ".py":
                room = import_module(f"facesom.{first}")
                inside = (ROOT / "facesom" / first / f"{second}.py").exists()
                assert hasattr(room, second) or inside, f"{path.name}: there is no facesom.{first}.{second}"


def test_editors_and_type_checkers_see_the_same_names():
    stub = ast.parse((ROOT / "facesom" / "__init__.pyi").read_text(encoding="utf-8"))
    homes = {
        alias.name: node.module
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(homes) == set(facesom.__all__)
    for name in NAMES:
        assert getattr(import_module(f"facesom.{homes[name]}"), name) is getattr(facesom, name)


@pytest.mark.parametrize("name", NAMES)
def test_every_public_docstring_is_complete_and_its_example_runs(name, tmp_path, monkeypatch):
    from numpydoc.validate import validate

    monkeypatch.chdir(tmp_path)
    thing = getattr(facesom, name)
    if not callable(thing):
        return  # a constant, explained where it stands
    (tmp_path / "data").symlink_to(ROOT / "data")
    faults = validate(f"{thing.__module__}.{thing.__qualname__}")["errors"]
    asked = [] if name == "DatasetError" else [fault for fault in faults if fault[0] not in NOT_ASKED]
    assert asked == []
    tests = doctest.DocTestFinder(recurse=False).find(thing, name, globs={"facesom": facesom, "np": np})
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    said = []
    for test in tests:
        runner.run(test, out=said.append)
    assert runner.failures == 0, "".join(said)
    assert runner.tries > 0, "an example that runs"


@pytest.mark.parametrize("name", NAMES)
def test_public_functions_say_their_types(name):
    thing = getattr(facesom, name)
    if callable(thing) and not isinstance(thing, type):
        hints = getattr(thing, "__annotations__", {})
        assert "return" in hints, f"{name} returns something without a type"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The built wheel, unpacked: what `pip install .` puts into an environment."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    leave = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(ROOT / "facesom", source / "facesom", ignore=leave)
    for name in ("pyproject.toml", "requirements.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = ["pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([sys.executable, "-m", *build, "--wheel-dir", folder, source], check=True)
    with zipfile.ZipFile(next(folder.glob("facesom-*.whl"))) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_has_every_module_model_and_template(wheel):
    here = {path.relative_to(ROOT) for path in (ROOT / "facesom").rglob("*") if path.is_file()}
    here = {path for path in here if "__pycache__" not in path.parts}
    built = {path.relative_to(wheel) for path in (wheel / "facesom").rglob("*") if path.is_file()}
    assert built == here and Path("facesom/py.typed") in built


def test_the_wheel_works_without_the_repository(wheel, tmp_path):
    code = """
import numpy as np, facesom
for name in facesom.__all__:
    getattr(facesom, name)
faces = facesom.make_faces(2, 8, size=32)
assert facesom.predict_emotions(np.zeros((1, 48, 48), np.uint8)).shape == (1, 7)
assert facesom.find_faces(np.zeros((64, 64, 3), np.uint8)).shape == (0, 4)
gray = facesom.to_grayscale(faces.dataset)
facesom.write_explorer(facesom.FaceSOM(2, 2).fit(gray.X1[0]), gray.X1[0], "map.html")
print(facesom.__file__)
"""
    environment = {**os.environ, "PYTHONPATH": str(wheel)}
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert Path(ran.stdout.splitlines()[-1]).is_relative_to(wheel)


@pytest.mark.parametrize("name", ["nonsense", "np"])
def test_an_unknown_name_is_an_attribute_error(name):
    with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
        getattr(facesom, name)


def test_what_a_room_offers_is_found_without_its_room():
    assert facesom.read_fer2013 is facesom.emotions.read_fer2013
    assert facesom.track_faces is facesom.photos.track_faces
    assert "read_fer2013" not in dir(facesom)


def test_importing_the_package_loads_nothing_heavy():
    heavy = "{'matplotlib', 'sklearn', 'cv2', 'numpy'}"
    code = f"import sys, facesom; assert not {heavy} & set(sys.modules), sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_imports_go_down_only():
    # the contracts stand in pyproject.toml: rooms in their order, no circle of modules
    from importlinter.cli import lint_imports

    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


def test_rooms_take_what_other_rooms_offer():
    inner = re.compile(r"^\s*(?:from|import) facesom\.\w+\.|^\s*from \.\.", re.M)
    for path in MODULES:
        assert not inner.search(path.read_text(encoding="utf-8")), f"{path.name} reaches into another room"


def test_the_version_is_the_same_everywhere():
    assert f"\nversion: {facesom.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert "version = {" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'attr = "facesom.__version__"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_requirements_are_lower_bounds():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    for line in filter(None, (line.split("#")[0].strip() for line in lines)):
        assert re.fullmatch(r"[A-Za-z0-9_-]+>=[0-9.]+", line), (
            f"{line}: expected name>=version and nothing else"
        )


def test_every_imported_library_is_required():
    names = {
        "PIL": "pillow",
        "cv2": "opencv-python",
        "skimage": "scikit-image",
        "sklearn": "scikit-learn",
        "zlib_ng": "zlib-ng",
    }
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    required = set(re.findall(r"^([A-Za-z0-9_-]+)>=", text, flags=re.M))
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            modules = [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for top in {module.split(".")[0] for module in modules} - {"facesom"} - sys.stdlib_module_names:
                assert names.get(top, top) in required, (
                    f"{path.name} imports {top}, requirements.txt lacks it"
                )


def test_find_data_draws_once(tmp_path):
    path = find_data(n_persons=2, n_frames=9, folder=tmp_path / "new")
    data = facesom.load(path)
    assert data.X1.shape[:2] == (2, 9)
    before = path.stat().st_mtime_ns
    assert find_data(n_persons=2, n_frames=9, folder=tmp_path / "new") == path
    assert path.stat().st_mtime_ns == before
    np.testing.assert_array_equal(data.X1, facesom.make_faces(2, 9).dataset.X1)


def test_find_data_takes_a_file_of_ones_own(tmp_path):
    mine = tmp_path / "mine.pickle"
    mine.write_bytes(b"x")
    assert find_data(str(mine), folder=tmp_path / "unused") == mine
    assert not (tmp_path / "unused").exists()


def test_find_data_says_what_is_wrong(tmp_path):
    with pytest.raises(ValueError, match=r"no file '.*nowhere\.pickle'.*looked from.*\"upload\""):
        find_data(tmp_path / "nowhere.pickle")
    with pytest.raises(ValueError, match="works in Colab only"):
        find_data("upload")

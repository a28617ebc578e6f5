"""The face of the package, the order of its rooms, and what its files must agree on."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import facesom
from facesom.notebook import find_data

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "facesom").rglob("*.py"))


@pytest.mark.parametrize("name", facesom.__all__)
def test_every_public_name_is_there(name):
    assert getattr(facesom, name) is not None
    assert name in dir(facesom)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = facesom.nonsense


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

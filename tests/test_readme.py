"""What README says is so: its code runs as it stands, its links lead somewhere, its targets exist."""

import re
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ["README.md", "benchmarks/README.md", "data/README.md", "notebooks/GLOSSARY.md"]


@pytest.mark.parametrize("page", ["README.md", "data/README.md"])
def test_every_line_of_code_runs_as_it_stands(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for code in re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # few faces are drawn, and no window opens here
            exec(compile(code, page, "exec"), names)
    plt.close("all")
    if page == "README.md":
        assert names["result"].groups.shape == (6, 60) and len(names["boxes"]) == 1
        assert {"faces_gray.pickle", "map.html", "figures", "outputs"} <= {f.name for f in tmp_path.iterdir()}
    else:
        assert names["faces"].expressions.shape == (43, 40)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r'\]\((?!https?:|#)([^)#]+)|src="([^"]+)"', text):
        target = target[0] or target[1]
        assert ((ROOT / page).parent / target).exists(), f"{page} points to {target}"


@pytest.mark.parametrize("page", PAGES)
def test_headings_that_are_linked_are_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors


@pytest.mark.parametrize("page", ["README.md", "benchmarks/README.md"])
def test_the_commands_it_names_are_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"\bmake ([a-z-]+)(?=[`\s]*(?:#|`|DATA))", text):
        assert re.search(rf"^{target}:", makefile, re.M), f"{page} says make {target}"
    for script in re.findall(r"python (benchmarks/\w+\.py)", text):
        assert (ROOT / script).exists(), f"{page} says python {script}"


def test_readme_is_short_before_it_is_long():
    start = README[: README.index("## In Colab")]
    assert "make run" in start and "make test" in start and "outputs/" in start
    assert "**SOM**" in start and "**ARI**" in start
    assert len(start.split()) < 250, "the first screen"
    assert len(README.split()) < 1900, "tables belong to benchmarks/README.md"


def test_every_notebook_has_its_figure():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"notebooks/figures/{path.stem}.png" in README
        assert (ROOT / "notebooks" / "figures" / f"{path.stem}.png").stat().st_size < 60_000

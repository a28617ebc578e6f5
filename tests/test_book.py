"""The notebooks as a site: complete, found by its search, without a network, on a desk and on a phone."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("myst_nb", reason="the book needs the extra book")
    folder = tmp_path_factory.mktemp("book")
    subprocess.run([sys.executable, ROOT / "notebooks" / "book" / "build.py", folder, "--stored"], check=True)
    return folder


def test_every_notebook_and_the_glossary_are_pages(site):
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        page = (site / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
        assert 'href="GLOSSARY.html"' in page
        assert "drive.mount" not in page, "the setup cell is for Colab"
    assert "topographic error" in (site / "notebooks" / "GLOSSARY.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("width, height", [(1280, 900), (390, 844)])
def test_a_browser_reads_and_searches_it_without_a_network(browser, site, width, height):
    page = browser.new_page(viewport={"width": width, "height": height})
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    for name in ("index", "notebooks/04_cross_identity", "notebooks/GLOSSARY"):
        page.goto((site / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == width, f"{name} scrolls sideways"
    page.goto((site / "notebooks" / "01_decompress.html").as_uri())
    page.click("a.right-next")
    assert page.url.endswith("02_convert.html")
    page.goto((site / "search.html").as_uri() + "?q=topographic")
    page.wait_for_selector("#search-results li a:has-text('Glossary')", timeout=20_000)
    assert not [url for url in asked if url.startswith("http")], "the site must need no network"

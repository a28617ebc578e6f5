"""How large the explorer's page is, and how long it takes to write, to open and to hover.

    python benchmarks/explorer.py                         # drawn faces
    python benchmarks/explorer.py --photos fer2013.npz    # photographs as well

Opening and hovering need Chromium and Playwright.
"""

import argparse
import shutil
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

import facesom
from facesom.explorer.page import write_explorer

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def drawn(persons, frames):
    """A map of shape features, and all that the page may show of it."""
    data = facesom.make_faces(persons, frames).dataset
    features = facesom.shape_features(data.X1)
    moves = features - np.median(features, axis=1, keepdims=True)
    som = facesom.FaceSOM().fit(moves.reshape(-1, moves.shape[-1]))
    groups = facesom.NodeGroups().fit(som)
    return som, data.X1, {"groups": groups, "movements": moves, "columns": {"X2": data.X2}}


def photos(path, n):
    """A map of photographs, which are stored with loss."""
    images = np.load(path)["pixels"][:n]
    return facesom.FaceSOM(n_epochs=3).fit(images), images, {}


def in_browser(path):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        start = time.perf_counter()
        page.goto(path.as_uri())
        page.wait_for_function("() => maps[0].turn && document.querySelector('#map-left canvas').width > 300")
        page.evaluate("maps[0].paint()")
        opened = time.perf_counter() - start
        # from the pointer's event to the end of the frame that shows it, over all nodes
        hovers = page.evaluate(
            """async () => {
                const taken = [];
                for (const cell of maps[0].cells) {
                    await new Promise(requestAnimationFrame);
                    const start = performance.now();
                    cell.dispatchEvent(new PointerEvent("pointerover"));
                    document.body.getBoundingClientRect();
                    taken.push(performance.now() - start);
                }
                return taken;
            }"""
        )
        said = (
            f"opens in {opened:.2f} s, a hover takes {np.median(hovers):.1f} ms (longest {max(hovers):.1f})"
        )
        if page.is_visible("#right"):
            start = time.perf_counter()
            page.select_option("#left", "0")
            page.select_option("#right", "1")
            page.evaluate("Promise.all(maps.map((map) => map.paint()))")
            said += f", two persons side by side {time.perf_counter() - start:.2f} s"
        browser.close()
    return said


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, help="an .npz with pixels (N, H, W), e.g. FER2013")
    args = parser.parse_args()
    cases = {"43 x 500 drawn": lambda: drawn(43, 500), "1 x 500 drawn": lambda: drawn(1, 500)}
    if args.photos:
        cases["21,500 photos"] = lambda: photos(args.photos, 21_500)
        cases["500 photos"] = lambda: photos(args.photos, 500)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, make in cases.items():
            som, images, options = make()
            path = Path(folder) / "explorer.html"
            start = time.perf_counter()
            write_explorer(som, images, path, **options)
            written = time.perf_counter() - start
            size = path.stat().st_size / 1e6
            browser = in_browser(path) if shutil.which("chromium") else "no Chromium here"
            print(f"{name}: {size:.2f} MB, written in {written:.1f} s; {browser}", flush=True)


if __name__ == "__main__":
    main()

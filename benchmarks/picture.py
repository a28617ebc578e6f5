"""Draw the pictures of README, all from faces that are drawn.

python benchmarks/picture.py                # the map that README opens with
make book && python benchmarks/picture.py --notebooks outputs    # one small figure for each notebook
"""

import argparse
import base64
import io
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib
import nbformat
from PIL import Image

matplotlib.use("Agg")

import facesom

FIGURES = Path(__file__).parents[1] / "notebooks" / "figures"
WIDTH, MOST_COLOURS = 480, 64
# the cell of each notebook whose figure stands for it
CELLS = {
    "01_decompress": "everybody",
    "02_convert": "convert-look",
    "03_person_som": "fit",
    "04_cross_identity": "both",
    "05_node_clusters": "cards",
    "06_features": "scoreboard",
    "07_happy_unhappy": "effects",
    "08_emotion_folders": "confusion",
    "09_fer2013": "train",
    "10_group_photos": "emotion",
}


def draw_map():
    """Everybody's faces on one map."""
    result = facesom.group_across_persons(facesom.make_faces().dataset.X1, n_groups=8, seed=0)
    with TemporaryDirectory() as folder:
        facesom.figures(result, folder, formats="png", dpi=120)
        shutil.copy(Path(folder) / "groups.png", FIGURES / "map.png")
    print(f"{result} -> map.png")


def cut_out(folder):
    """The figure of one cell of each executed notebook in a folder, made small."""
    for name, cell_id in CELLS.items():
        if not (folder / f"{name}.ipynb").exists():
            print(f"{name}: not in {folder}, its figure stays")
            continue
        notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
        outputs = [output for cell in notebook.cells if cell.id == cell_id for output in cell.outputs]
        pictures = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
        if not pictures:
            print(f"{name}: no figure in the cell {cell_id}; did the notebook run to its end?")
            continue
        image = Image.open(io.BytesIO(base64.b64decode(pictures[0]))).convert("RGB")
        image.thumbnail((WIDTH, WIDTH), Image.Resampling.LANCZOS)
        image.quantize(MOST_COLOURS).save(FIGURES / f"{name}.png", optimize=True)
        print(f"{name}.png  {image.width} × {image.height}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--notebooks", type=Path, metavar="FOLDER", help="a folder of executed notebooks")
    arguments = parser.parse_args()
    draw_map() if arguments.notebooks is None else cut_out(arguments.notebooks)

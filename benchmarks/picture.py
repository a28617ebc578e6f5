"""Draw the picture that README opens with: python benchmarks/picture.py"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib

matplotlib.use("Agg")

import facesom

TARGET = Path(__file__).parents[1] / "notebooks" / "figures" / "map.png"

faces = facesom.make_faces()
result = facesom.group_across_persons(faces.dataset.X1, n_groups=8, seed=0)
with TemporaryDirectory() as folder:
    facesom.figures(result, folder, formats="png", dpi=120)
    shutil.copy(Path(folder) / "groups.png", TARGET)
print(f"{result} -> {TARGET.name}")

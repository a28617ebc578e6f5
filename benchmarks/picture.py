"""Draw the picture that README opens with: python benchmarks/picture.py"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

import facesom

TARGET = Path(__file__).parents[1] / "notebooks" / "figures" / "map.png"

faces = facesom.make_faces()
result = facesom.group_across_persons(faces.dataset.X1, n_groups=8, seed=0)
fig, ax = plt.subplots(figsize=(8, 8), layout="constrained")
facesom.plots.plot_groups(result.som, result.node_groups, faces=result.node_faces, ax=ax)
fig.savefig(TARGET, dpi=110)
print(f"{result} -> {TARGET.name}")

"""Draw the table that benchmarks/som.py prints: python benchmarks/som_plot.py table.md picture.png"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

MARKS = {"batch": ("o", "#0072B2"), "online": ("s", "#E69F00"), "mini-batch": ("^", "#009E73")}

table, picture = map(Path, sys.argv[1:])
rows = [line.strip("|").split("|") for line in table.read_text().splitlines() if line.startswith("|")][2:]
fig, ax = plt.subplots(figsize=(7.5, 4), layout="constrained")
for rule, (marker, colour) in MARKS.items():
    of_rule = [row for row in rows if row[1].strip() == rule]
    ax.scatter(
        [float(row[3]) for row in of_rule],
        [float(row[6]) for row in of_rule],
        s=60,
        marker=marker,
        c=colour,
        label=rule,
    )
for row in rows:
    name = row[0].strip()
    weight = "bold" if name.startswith("facesom") else "normal"
    place = (float(row[3]), float(row[6]))
    up = {"torchsom": 18, "MiniSom script, warm allocator": -14}.get(name, 6)  # off a neighbour's name
    ax.annotate(name, place, (6, up), textcoords="offset points", fontsize=9, weight=weight)
ax.axhline(0.2, color="0.6", linestyle=":", linewidth=1)
across = ax.get_yaxis_transform()
ax.text(0.99, 0.2, "folded above", transform=across, ha="right", va="bottom", color="0.4")
ax.set(
    xscale="log", xlabel="seconds for the next map of 500 faces", ylabel="topographic error", ylim=(0, 0.3)
)
ax.set_xlim(0.02, 60)
ax.legend(title="training", frameon=False, loc="center right")
ax.spines[["top", "right"]].set_visible(False)
fig.savefig(picture, dpi=110)

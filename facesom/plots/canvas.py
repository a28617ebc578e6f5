"""What all plots share: colours and shapes, new axes, a picture shown, nodes laid out."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.ticker import MaxNLocator

#: Eight colours that people with any colour vision tell apart (Okabe and Ito, 2008); group k has k modulo 8.
COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#000000")
#: Those of them that are seen as lines and marks on white, the most distinct first.
ON_WHITE = tuple(COLOURS[k] for k in (4, 5, 2, 0, 1, 6, 7))
PERSON_COLOURS = ON_WHITE[:6]
MARKERS = "osD^vPX*"  # shapes beside the colours


def draw_nodes(ax, som, **style):
    """Draw every node as a square or hexagon on the plane."""
    turn = np.arange(6) * np.pi / 3 if som.topology == "hexagonal" else (np.arange(4) + 0.5) * np.pi / 2
    reach = np.sqrt(1 / 3 if som.topology == "hexagonal" else 1 / 2)  # from the middle to a corner
    outline = reach * np.column_stack([np.cos(turn), np.sin(turn)])
    cells = PolyCollection(som.positions_[:, None, ::-1] + outline, **style)
    ax.add_collection(cells)
    ax.margins(0.01)
    ax.invert_yaxis()
    ax.set_aspect("equal")
    number_nodes(ax, som.rows, som.cols, som.positions_)
    return cells


def new_axes(ax, shape, side=7.0):
    """The given axes, or those of a new figure in the proportions of `shape`, its longer side in inches."""
    if ax is None:
        height, width = np.divide(shape[:2], max(shape[:2])) * side
        ax = plt.figure(figsize=(width + 0.5, height + 0.5), layout="constrained").add_subplot()
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def show(ax, image, side=7.0):
    ax = new_axes(ax, image.shape, side)
    ax.imshow(image, cmap="gray", vmin=0, vmax=1)
    return ax


def points(ax, shape, rows):
    """Height in points of `rows` rows of a picture of this shape on the axes."""
    box = ax.get_position()
    width, height = ax.figure.get_size_inches() * (box.width, box.height) * 72
    return rows * min(height / shape[0], width / shape[1])


def number_nodes(ax, rows, cols, places, every=1):
    """Label rows and columns at the places (down, right) of the first column's and first row's nodes."""
    by_row, by_col = -(-rows // 20), -(-cols // 20)
    ax.set_xticks(places[:cols:by_col, 1], [every * k for k in range(0, cols, by_col)], fontsize=8)
    ax.set_yticks(places[:: cols * by_row, 0], [every * k for k in range(0, rows, by_row)], fontsize=8)
    ax.set_xlabel("column", fontsize=8)
    ax.set_ylabel("row", fontsize=8)
    bare(ax)


def bare(ax):
    """Leave out the frame, and the marks of ticks."""
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
    return ax


def whole_numbers(axis):
    """Put ticks at whole numbers only."""
    axis.set_major_locator(MaxNLocator(integer=True))


def check_count(name, given, n, what=""):
    """Raise `ValueError` unless there are n, one for each of them."""
    if len(given) != n:
        wanted = f"one for each of {n} {what}" if what else n
        raise ValueError(f"{name}: expected {wanted}, got {len(given)}.")


def name_rows(ax, names):
    """Name the rows 0, 1, ... from above, without a frame but for the line at the bottom."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def write_beside(ax, row, text):
    """Write behind the right end of a row."""
    ax.text(1.02, row, text, transform=ax.get_yaxis_transform(), va="center", fontsize=8)


def draw_frame(ax, extent, **style):
    """Draw a frame around (left, right, bottom, top)."""
    left, right, bottom, top = extent
    ax.plot([left, right, right, left, left], [top, top, bottom, bottom, top], **style)


def gap_of(height, share):
    """Pixels between tiles of this height: an even number, about that share of it."""
    return 2 * max(1, round(height * share / 2))

"""Pictures of a map: its faces, groups, nodes, features and persons."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patheffects import withStroke

from facesom.io import as_numbers

from . import canvas
from .canvas import COLOURS, MARKERS, PERSON_COLOURS
from .tiles import EMPTY, cell_corners, drawn_box, grid_image, unit_faces


def plot_grid(som, *, faces=None, walls=True, every=1, ax=None):
    """Draw the map as a grid of faces, with dark walls where neighbouring prototypes differ.

    Parameters
    ----------
    som : FaceSOM
        A fitted map.
    faces : array_like, shape (rows, cols, H, W) or (rows, cols, H, W, 3), optional
        Faces to show; needed if the map was trained on features. Default: the prototypes. The margin that
        all of them leave empty is cut off.
    walls : bool, default True
        Whether to darken the gaps by the distance between the prototypes.
    every : int, default 1
        Show every so many-th row and column: larger faces where the picture is small.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the map holds features and no faces are given, or if the faces do not fit the grid.
    """
    weights = som.prototypes_[::every, ::every] if walls else None
    return _draw_tiles(som, faces, every, 1 / 16, ax, weights=weights)[0]


def plot_groups(som, labels, *, faces=None, unstable=None, every=1, ax=None):
    """Draw the map as a grid of faces, each framed in the colour of its group and marked with its number.

    Parameters
    ----------
    som : FaceSOM
        A fitted map.
    labels : array_like of int, shape (rows, cols)
        Group of each node, as in ``NodeGroups.labels_``; -1 (no group) is gray and has no number.
    faces, every
        As in `plot_grid`.
    unstable : array_like of bool, shape (K,), optional
        Groups not to be trusted, as in ``GroupStability.unstable``: their number gets a question mark.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If labels or faces do not fit the grid, or `unstable` lacks a group.
    """
    grid = som.rows, som.cols
    labels = as_numbers(labels, "labels", grid, f"one group a node, {grid}", "pass `NodeGroups.labels_`")
    doubt = np.zeros(max(labels.max(), 0) + 1, bool) if unstable is None else np.asarray(unstable, bool)
    if labels.max() >= len(doubt):
        raise ValueError(f"unstable: expected one for each of {labels.max() + 1} groups, got {len(doubt)}.")
    labels = labels[::every, ::every]
    palette = np.array([to_rgb(c) for c in COLOURS])
    fill = np.where((labels >= 0)[..., None], palette[labels % len(palette)], EMPTY)
    ax, corners, (down, _), gap = _draw_tiles(som, faces, every, 1 / 6, ax, fill=fill)
    size = canvas.points(ax, ax.images[-1].get_array().shape, down) / 6
    for (y, x), label in zip(corners + 0.75 * gap, labels.ravel(), strict=True):
        if label >= 0:
            number = f"{label}?" if doubt[label] else label
            halo = [withStroke(linewidth=size / 3, foreground="white")]
            ax.text(x, y, number, fontsize=size, weight="bold", va="top", path_effects=halo)
    return ax


def _draw_tiles(som, faces, every, share, ax, **style):
    """Draw faces of nodes as `grid_image` does; return axes, corners and size of the cells, and the gap."""
    faces = unit_faces(som.prototypes_ if faces is None else faces)
    if faces.shape[:2] != (som.rows, som.cols):
        raise ValueError(f"faces: expected one a node, {(som.rows, som.cols)}, got {faces.shape[:2]}.")
    box = drawn_box(faces.reshape(-1, *faces.shape[2:]))
    faces = faces[(slice(None, None, every), slice(None, None, every), *box)]
    rows, cols, height, width = faces.shape[:4]
    gap = canvas.gap_of(height, share)
    cell = np.add((height, width), gap)
    topology = som.topology if every % 2 else "rectangular"  # of every second column all stand alike
    ax = canvas.show(ax, grid_image(faces, gap=gap, topology=topology, **style))
    corners = cell_corners(rows, cols, *cell, topology)
    canvas.number_nodes(ax, rows, cols, corners + cell / 2, every)
    return ax, corners, cell, gap


def plot_nodes(som, values, *, label="", fmt=None, ax=None):
    """Draw one value for each node as a coloured square or hexagon.

    Parameters
    ----------
    som : FaceSOM
        A fitted map.
    values : array_like of float, shape (rows, cols)
        One value for each node; NaN is left blank.
    label : str
        What the values are, with their unit; stands at the colour bar.

    fmt : str, optional
        Format in which each value is written into its cell, e.g. ``".0f"``. Default: not written.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If there is not one value for each node.
    """
    grid = som.rows, som.cols
    values = as_numbers(values, "values", grid, f"one a node, shape {grid}").astype(float, copy=False)
    ax = canvas.new_axes(ax, (som.rows, 1.15 * som.cols))
    shown = np.ma.masked_invalid(values.ravel())
    cells = canvas.draw_nodes(ax, som, array=shown, cmap="cividis", edgecolor="face", linewidth=0.2)
    ax.figure.colorbar(cells, ax=ax, label=label, shrink=0.8)
    if fmt is not None:
        size = min(10, canvas.points(ax, grid, 1) / 3)
        for (y, x), value in zip(som.positions_, values.ravel(), strict=True):
            if np.isfinite(value):
                colour = "white" if np.dot(cells.to_rgba(value)[:3], (0.3, 0.6, 0.1)) < 0.5 else "black"
                ax.text(x, y, format(value, fmt), ha="center", va="center", fontsize=size, color=colour)
    return ax


def plot_u_matrix(som, *, ax=None):
    """Draw the mean distance of each prototype to the adjacent ones (Ultsch and Siemon, 1990).

    Parameters
    ----------
    som : FaceSOM
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    return plot_nodes(som, som.u_matrix_, label="mean distance to adjacent nodes", ax=ax)


def plot_hits(som, *, ax=None):
    """Draw how many training faces each node won, with the number in each cell: `plot_nodes` of the hits.

    Parameters
    ----------
    som : FaceSOM
        A fitted map.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    return plot_nodes(som, som.hits_, label="faces won", fmt=".0f", ax=ax)


def plot_components(som, names, *, n_cols=4):
    """Draw component planes: how each feature varies over a map that was trained on features.

    Parameters
    ----------
    som : FaceSOM
        A map fitted on (N, D) features.
    names : dict of int to str, or sequence of str, length D
        Columns to draw and their names; a sequence draws all.
    n_cols : int, default 4
        Planes in a row of the figure.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        One for each plane, in a new figure.

    Raises
    ------
    ValueError
        If the map holds images, or if the names do not fit its columns.
    """
    if som.prototypes_.ndim != 3:
        raise ValueError("plot_components: expected a map of features; for a map of images use `plot_grid`.")
    d = som.prototypes_.shape[2]
    if not isinstance(names, dict):
        canvas.check_count("names", names, d, "columns")
        names = dict(enumerate(names))
    if not names or not all(0 <= column < d for column in names):
        raise ValueError(f"names: expected columns from 0 to {d - 1}, got {sorted(names)}.")
    n_cols = min(n_cols, len(names))
    n_rows = -(-len(names) // n_cols)
    figure = plt.figure(figsize=(2.6 * n_cols, 2.3 * n_rows), layout="constrained")
    axes = [figure.add_subplot(n_rows, n_cols, k + 1) for k in range(len(names))]
    for ax, (column, name) in zip(axes, names.items(), strict=True):
        plot_nodes(som, som.prototypes_[..., column], ax=ax).set_title(name, fontsize=9)
        ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
    return np.array(axes)


def plot_persons(som, nodes, *, names=None, ax=None):
    """Draw where several persons' frames fall on one map: mark size is the share of a person's frames.

    Parameters
    ----------
    som : FaceSOM
        The shared map.
    nodes : array_like of int, shape (P, N), or sequence of P arrays
        Winning node of each frame, 1 to 6 persons.
    names : sequence of str, length P, optional
        Names for the legend. Default "person 0", "person 1", ...
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        For no person or more than 6, or if the number of names differs.
    """
    expected = f"1 to {len(PERSON_COLOURS)} persons of whole numbers, shape (P, N)"
    pick = "pick some, e.g. `result.nodes[:2]`"
    if not 1 <= len(nodes) <= len(PERSON_COLOURS):
        raise ValueError(f"nodes: expected {expected}, got {len(nodes)}; {pick}.")
    nodes = [as_numbers(person, "nodes", ("N",), expected, pick, kinds="iu") for person in nodes]
    names = [f"person {p}" for p in range(len(nodes))] if names is None else names
    canvas.check_count("names", names, len(nodes), "persons")
    ax = canvas.new_axes(ax, (som.rows, som.cols))
    canvas.draw_nodes(ax, som, facecolor="#f2f2f2", edgecolor="white", linewidth=1)
    shares = [np.bincount(person, minlength=som.rows * som.cols) / len(person) for person in nodes]
    beside = 1 / max(len(nodes), 2)
    room = (beside * canvas.points(ax, (som.rows, som.cols), 1)) ** 2
    largest = room / max(share.max() for share in shares)
    for p, share in enumerate(shares):
        used = share > 0
        y, x = som.positions_[used].T
        x = x + 0.9 * beside * (p - (len(nodes) - 1) / 2)
        style = {"marker": MARKERS[p], "color": PERSON_COLOURS[p], "linewidth": 0}
        ax.scatter(x, y, s=0.8 * largest * share[used], **style)
        ax.scatter([], [], s=40, label=names[p], **style)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False)
    return ax

"""Pictures of maps and faces: `grid_image` makes an array, the ``plot_`` functions draw on an `Axes`.

Every ``plot_`` function takes ``ax=None`` (a new figure), returns the `Axes`, and neither shows nor closes
anything. Groups and persons differ in colour (Okabe and Ito, 2008) *and* in number or shape.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patheffects import withStroke

from facesom.canvas import lay_out, new_axes, node_cells, number_nodes, points, show
from facesom.dataset import as_faces, is_colour
from facesom.profiles import similar_order
from facesom.quality import FOLDED
from facesom.resampling import person_values
from facesom.tiles import EMPTY, cell_corners, grid_image, unit_faces

__all__ = [
    "COLOURS",
    "grid_image",
    "plot_choice",
    "plot_components",
    "plot_effects",
    "plot_faces",
    "plot_grid",
    "plot_groups",
    "plot_hits",
    "plot_members",
    "plot_nodes",
    "plot_permutations",
    "plot_persons",
    "plot_profiles",
    "plot_training",
    "plot_u_matrix",
]

#: Eight colours that people with any colour vision tell apart (Okabe and Ito, 2008); group k has k modulo 8.
COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#000000")

CHOSEN = {"facecolor": "none", "edgecolor": "#D55E00", "linewidth": 2}
MARGIN = 2  # pixels around what is drawn
MARKERS = "osD^vP"  # one shape a person, beside the colour
PERSON_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")


def plot_grid(som, *, faces=None, walls=True, ax=None):
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
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the map holds features and no faces are given, or if the faces do not fit the grid.
    """
    faces = _node_faces(som, faces)
    gap = gap_of(faces.shape[2], 1 / 16)
    image = grid_image(faces, gap=gap, weights=som.prototypes_ if walls else None, topology=som.topology)
    ax = show(ax, image)
    cell = np.add(faces.shape[2:4], gap)
    number_nodes(ax, som, cell_corners(som.rows, som.cols, *cell, som.topology) + cell / 2)
    return ax


def plot_groups(som, labels, *, faces=None, ax=None):
    """Draw the map as a grid of faces, each framed in the colour of its group and marked with its number.

    Parameters
    ----------
    som : FaceSOM
        A fitted map.
    labels : array_like of int, shape (rows, cols)
        Group of each node, as in ``NodeGroups.labels_``; -1 (no group) is gray and has no number.
    faces : array_like, optional
        As in `plot_grid`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If labels or faces do not fit the grid.
    """
    labels = np.asarray(labels)
    if labels.shape != (som.rows, som.cols):
        raise ValueError(
            f"labels: expected one group a node, shape {(som.rows, som.cols)}, got {labels.shape}; "
            "pass `NodeGroups.labels_`."
        )
    faces = _node_faces(som, faces)
    palette = np.array([to_rgb(c) for c in COLOURS])
    fill = np.where((labels >= 0)[..., None], palette[labels % len(palette)], EMPTY)
    gap = gap_of(faces.shape[2], 1 / 6)
    image = grid_image(faces, gap=gap, fill=fill, topology=som.topology)
    ax = show(ax, image)
    cell = np.add(faces.shape[2:4], gap)
    corners = cell_corners(som.rows, som.cols, *cell, som.topology)
    size = points(ax, image.shape, cell[0]) / 7
    for (y, x), label in zip(corners + 0.75 * gap, labels.ravel(), strict=True):
        if label >= 0:
            text = ax.text(x, y, label, fontsize=size, weight="bold", va="top")
            text.set_path_effects([withStroke(linewidth=size / 3, foreground="white")])
    number_nodes(ax, som, corners + cell / 2)
    return ax


def plot_nodes(som, values, *, label="", cmap="cividis", fmt=None, ax=None):
    """Draw one value for each node as a coloured square or hexagon.

    Parameters
    ----------
    som : FaceSOM
        A fitted map.
    values : array_like of float, shape (rows, cols)
        One value a node; NaN is left blank.
    label : str
        What the values are, with their unit; stands at the colour bar.
    cmap : str, default "cividis"
        Colour map of Matplotlib.
    fmt : str, optional
        Format in which each value is written into its cell, e.g. ``".0f"``. Default: not written.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If there is not one value a node.
    """
    values = np.asarray(values, dtype=float)
    if values.shape != (som.rows, som.cols):
        raise ValueError(f"values: expected one a node, shape {(som.rows, som.cols)}, got {values.shape}.")
    ax = new_axes(ax, (som.rows, 1.15 * som.cols))
    cells = node_cells(som, cmap=cmap, edgecolor="face", linewidth=0.2)
    cells.set_array(np.ma.masked_invalid(values.ravel()))
    lay_out(ax, som, cells)
    ax.figure.colorbar(cells, ax=ax, label=label, shrink=0.8)
    if fmt is not None:
        size = min(10, points(ax, (som.rows, som.cols), 1) / 3)
        for (y, x), value in zip(som.positions_, values.ravel(), strict=True):
            if np.isfinite(value):
                red, green, blue, _ = cells.to_rgba(value)
                colour = "white" if 0.3 * red + 0.6 * green + 0.1 * blue < 0.5 else "black"
                ax.text(x, y, format(value, fmt), ha="center", va="center", fontsize=size, color=colour)
    return ax


def plot_u_matrix(som, *, ax=None):
    """Draw the mean distance of each prototype to the adjacent ones (Ultsch and Siemon, 1990).

    Parameters
    ----------
    som : FaceSOM
        A fitted map.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    return plot_nodes(som, som.u_matrix_, label="mean distance to adjacent nodes", ax=ax)


def plot_hits(som, *, ax=None):
    """Draw how many training faces each node won, with the number in each cell.

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
        raise ValueError(
            "plot_components: expected a map of features, got prototypes of shape "
            f"{som.prototypes_.shape[2:]}; for a map of images use `plot_grid`."
        )
    d = som.prototypes_.shape[2]
    if not isinstance(names, dict):
        if len(names) != d:
            raise ValueError(f"names: expected one for each of {d} columns, got {len(names)}.")
        names = dict(enumerate(names))
    if not names or not all(0 <= column < d for column in names):
        raise ValueError(f"names: expected columns from 0 to {d - 1}, got {sorted(names)}.")
    n_cols = min(n_cols, len(names))
    n_rows = -(-len(names) // n_cols)
    figure = plt.figure(figsize=(2.6 * n_cols, 2.3 * n_rows), layout="constrained")
    axes = figure.subplots(n_rows, n_cols, squeeze=False).ravel()
    for ax, (column, name) in zip(axes, names.items(), strict=False):
        plot_nodes(som, som.prototypes_[..., column], ax=ax)
        ax.set_title(name, fontsize=9)
        ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
    for ax in axes[len(names) :]:
        ax.remove()
    return axes[: len(names)]


def plot_faces(images, *, titles=None, n_cols=10, ax=None):
    """Draw faces in reading order, with a short title above each if given.

    Parameters
    ----------
    images : array_like, shape (N, H, W), (N, H, W, 3) or (N, H, W, 4)
        Faces, as `facesom.as_faces` takes them.
    titles : sequence of str, length N, optional
    n_cols : int, default 10
        Faces in a row.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the images are not a stack of faces, or if the number of titles differs from theirs.
    """
    images = as_faces(images)
    if images.ndim != 3 + is_colour(images):
        raise ValueError(
            f"images: expected one stack of faces, (N, H, W) or (N, H, W, 3), got {images.shape}; "
            "pick one person, e.g. `data.X1[0]`."
        )
    n, h, w = images.shape[:3]
    if titles is not None and len(titles) != n:
        raise ValueError(f"titles: expected one for each of {n} faces, got {len(titles)}.")
    n_cols = min(n_cols, n)
    n_rows = -(-n // n_cols)
    faces = unit_faces(images[None])[0]
    head = 0 if titles is None else round(h / 4)
    tiles = np.ones((n_rows * n_cols, head + h, *faces.shape[2:]), dtype=np.float32)
    tiles[:n, head:] = faces
    gap = gap_of(h, 1 / 20)
    image = grid_image(tiles.reshape(n_rows, n_cols, *tiles.shape[1:]), gap=gap)
    ax = show(ax, image, side=min(7.0, 1.2 * max(n_rows, n_cols)))
    size = min(9, 0.7 * points(ax, image.shape, head))
    for place, title in enumerate(titles if titles is not None else ()):
        row, col = divmod(place, n_cols)
        x, y = (col + 0.5) * (w + gap), row * (head + h + gap) + 0.6 * head
        ax.text(x, y, title, ha="center", va="center", fontsize=size)
    ax.set_axis_off()
    return ax


def plot_members(som, images, node, *, n_faces=30, n_cols=10, ax=None):
    """Draw the faces that one node won, the nearest to its prototype first.

    Parameters
    ----------
    som : FaceSOM
        A fitted map.
    images : array_like
        Faces, in the form that the map was trained on.
    node : int
        Node, ``row * cols + col``.
    n_faces : int, default 30
        How many are shown at most; the title says of how many.
    n_cols : int, default 10
        Faces in a row.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If there is no such node, or if it won none of the images.
    """
    if not 0 <= node < som.rows * som.cols:
        raise ValueError(f"node: expected 0 to {som.rows * som.cols - 1} (row * cols + col), got {node}.")
    distances = som.transform(images)
    members = np.flatnonzero(distances.argmin(axis=1) == node)
    if not len(members):
        raise ValueError(
            f"node {node}: none of the {len(distances)} images falls there; look at `som.hits_`."
        )
    shown = members[np.argsort(distances[members, node], kind="stable")][:n_faces]
    ax = plot_faces(np.asarray(images)[shown], n_cols=n_cols, ax=ax)
    row, col = divmod(int(node), som.cols)
    ax.set_title(
        f"node {node} (row {row}, column {col}): {len(shown)} of {len(members)} faces, nearest first"
    )
    return ax


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
    nodes = [np.asarray(person) for person in nodes]
    if not 1 <= len(nodes) <= len(MARKERS) or any(person.ndim != 1 for person in nodes):
        raise ValueError(
            f"nodes: expected 1 to {len(MARKERS)} persons, shape (P, N), got {len(nodes)} rows of shape "
            f"{nodes[0].shape if nodes else ()}; pick some, e.g. `result.nodes[:2]`."
        )
    names = [f"person {p}" for p in range(len(nodes))] if names is None else names
    if len(names) != len(nodes):
        raise ValueError(f"names: expected one for each of {len(nodes)} persons, got {len(names)}.")
    ax = new_axes(ax, (som.rows, som.cols))
    lay_out(ax, som, node_cells(som, facecolor="#f2f2f2", edgecolor="white", linewidth=1))
    shares = [np.bincount(person, minlength=som.rows * som.cols) / len(person) for person in nodes]
    beside = 1 / max(len(nodes), 2)
    largest = (beside * points(ax, (som.rows, som.cols), 1)) ** 2 / max(share.max() for share in shares)
    for p, share in enumerate(shares):
        used = share > 0
        y, x = som.positions_[used].T
        x = x + 0.9 * beside * (p - (len(nodes) - 1) / 2)
        style = {"marker": MARKERS[p], "color": PERSON_COLOURS[p], "linewidth": 0}
        ax.scatter(x, y, s=0.8 * largest * share[used], **style)
        ax.scatter([], [], s=40, label=names[p], **style)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False)
    return ax


def plot_training(som, *, ax=None):
    """Draw the quantization error before each epoch of batch training.

    Parameters
    ----------
    som : FaceSOM
        A map fitted with ``method="batch"``.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the map was trained online, which keeps no history.
    """
    if not len(som.history_):
        raise ValueError('plot_training: expected a map of method="batch", got one without a history.')
    ax = new_axes(ax, (3, 5))
    epochs = np.arange(len(som.history_) + 1)
    ax.plot(epochs, [*som.history_, som.quantization_error_], marker="o", markersize=3, color=COLOURS[4])
    ax.set(xlabel="epochs done", ylabel="quantization error", ylim=(0, None))
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_choice(choice, *, ax=None):
    """Draw every setting that `choose_parameters` tried, and mark the one it chose.

    Parameters
    ----------
    choice : ParameterChoice
        Its result.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Left: near to held-out faces; down: well ordered; bright: stable over seeds. The shape of a mark says
        which parameter was swept.
    """
    ax = new_axes(ax, (4.5, 7))
    trials = choice.trials
    for varied, marker in zip(dict.fromkeys(t.varied for t in trials), MARKERS, strict=False):
        swept = [t for t in trials if t.varied == varied]
        marks = ax.scatter(
            [t.quantization_error for t in swept],
            [t.topographic_error for t in swept],
            c=[t.stability for t in swept],
            vmin=min(t.stability for t in trials),
            vmax=max(t.stability for t in trials),
            marker=marker,
            label=varied,
        )
        marks.set_cmap("cividis")
    best = trials[choice.chosen]
    ax.scatter(best.quantization_error, best.topographic_error, s=250, **CHOSEN, label="chosen")
    ax.axhline(FOLDED, color="0.6", linestyle=":", zorder=0, label="folded above")
    ax.set(xlabel="quantization error of held-out faces", ylabel="topographic error", ylim=(0, None))
    ax.figure.colorbar(marks, ax=ax, label="stability over seeds")
    ax.legend(title="swept", fontsize=8, frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_profiles(profiles, y=None, *, labels=None, names=None, ax=None):
    """Draw the share of each person's frames in each group, similar persons below each other.

    Parameters
    ----------
    profiles : PersonProfiles, or array_like of float, shape (P, K)
        Shares, as from `facesom.profiles.person_profiles`.
    y : array_like, shape (P,), optional
        Label of each person; marked at the left, by colour and shape.
    labels : sequence of str, optional
        Names for the labels in their sorted order. Default: the labels.
    names : sequence of str, length K, optional
        Names for the groups. Default: their numbers.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        A row is a person, the number at the right is theirs; the order is that of
        `facesom.profiles.similar_order`.

    Raises
    ------
    ValueError
        If there is not one label a person or one name a group, or there are more labels than names or shapes.
    """
    shares = person_values(profiles)
    n_persons, n_groups = shares.shape
    names = _names(names, n_groups, "names")
    order = similar_order(shares)
    ax = new_axes(ax, (min(max(0.16 * n_persons, 3), 8), max(0.6 * n_groups, 5)))
    picture = ax.imshow(shares[order], aspect="auto", cmap="cividis", vmin=0, interpolation="nearest")
    if y is not None:
        y = np.asarray(y)
        if y.shape != (n_persons,):
            raise ValueError(f"y: expected a label for each of {n_persons} persons, got shape {y.shape}.")
        kinds = np.unique(y)
        if len(kinds) > len(MARKERS):
            raise ValueError(f"y: expected at most {len(MARKERS)} labels, got {len(kinds)}.")
        labels = _names(kinds if labels is None else labels, len(kinds), "labels")
        for k, kind in enumerate(kinds):
            rows = np.flatnonzero(y[order] == kind)
            ax.scatter(
                np.full(len(rows), -0.8 - 0.25 * k),
                rows,
                s=14,
                marker=MARKERS[k],
                color=PERSON_COLOURS[k],
                label=labels[k],
                clip_on=False,
            )
        ax.legend(loc="lower left", bbox_to_anchor=(-0.15, 1), ncols=len(kinds), frameon=False, fontsize=9)
    ax.set(xlim=(-0.5, n_groups - 0.5), xlabel="group")
    ax.set_xticks(range(n_groups), names)
    step = -(-n_persons // 45)
    ax.yaxis.tick_right()
    ax.yaxis.set_label_position("right")
    ax.set_ylabel("person", fontsize=8)
    ax.set_yticks(range(0, n_persons, step), order[::step], fontsize=7)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.figure.colorbar(picture, ax=ax, label="share of the person's frames")
    return ax


def plot_effects(comparison, *, labels=None, names=None, label="share of the frames", ax=None):
    """Draw how much two labels differ in each group, with 95 % intervals; filled where q <= 0.05.

    Parameters
    ----------
    comparison : LabelComparison
        As from `facesom.profiles.compare_labels`.
    labels : sequence of 2 str, optional
        Names for the labels in their sorted order. Default: the labels.
    names : sequence of str, length F, optional
        Names for the groups. Default: "group 0", "group 1", ...
    label : str
        What was compared.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Right of zero: more in the second label.

    Raises
    ------
    ValueError
        If there are not two labels or one name a group.
    """
    n = len(comparison.difference)
    names = _names([f"group {k}" for k in range(n)] if names is None else names, n, "names")
    first, second = _names(comparison.labels if labels is None else labels, 2, "labels")
    ax = new_axes(ax, (max(0.35 * n, 2), 6), side=6.0)
    ax.axvline(0, color="0.6", linewidth=1, zorder=0)
    for k, (middle, (low, high), q) in enumerate(
        zip(comparison.difference, comparison.interval, comparison.q_values, strict=True)
    ):
        if np.isnan(q):
            ax.text(1.02, k, "not tested", transform=ax.get_yaxis_transform(), va="center", fontsize=8)
            continue
        colour = COLOURS[5] if q <= 0.05 else COLOURS[4]
        ax.plot([low, high], [k, k], color=colour, linewidth=2)
        ax.plot(middle, k, "o", color=colour, markerfacecolor=colour if q <= 0.05 else "white", markersize=7)
        shown = "q < 0.001" if q < 0.001 else f"q = {q:.3f}"
        ax.text(1.02, k, shown, transform=ax.get_yaxis_transform(), va="center", fontsize=8)
    ax.set_yticks(range(n), names)
    ax.set(xlabel=f"{label}: {second} less {first}", ylim=(n - 0.5, -0.5))
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    return ax


def plot_permutations(permuted, observed, *, two_sided=False, label="", ax=None):
    """Draw what shuffled labels give, and where the true ones stand.

    Parameters
    ----------
    permuted : array_like of float, shape (M,)
        Results with shuffled labels, as in ``LabelClassification.permuted`` or a column of
        ``LabelComparison.permuted``.
    observed : float
        The result with the true labels.
    two_sided : bool, default False
        Whether results as far below zero count as well.
    label : str
        What the results are, with their unit.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the numbers are not finite, or not one row of them.
    """
    permuted = np.asarray(permuted, dtype=float)
    if permuted.ndim != 1 or not len(permuted) or not np.isfinite([*permuted, observed]).all():
        raise ValueError(
            f"permuted: expected finite numbers of shape (M,) and one observed, got shape {permuted.shape} "
            f"and {observed}; take one group, e.g. `comparison.permuted[:, 0]`."
        )
    far = (np.abs(permuted) >= abs(observed) - 1e-9) if two_sided else (permuted >= observed - 1e-9)
    ax = new_axes(ax, (3, 6), side=6.0)
    bins = np.histogram_bin_edges([*permuted, observed], bins=30)
    style = {"bins": bins, "stacked": True, "color": ("0.75", COLOURS[5])}
    names = (f"{len(permuted)} shuffles of the labels", f"{far.sum()} of them as extreme as the true labels")
    ax.hist([permuted[~far], permuted[far]], label=names, **style)
    ax.axvline(observed, color="black", linewidth=2, label=f"true labels: {observed:.2f}")
    ax.set(xlabel=label, ylabel="shuffles")
    ax.yaxis.get_major_locator().set_params(integer=True)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), fontsize=8, frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _names(names, n, argument):
    """Names as a list of `n` str; numbers if there are none."""
    names = [str(name) for name in (range(n) if names is None else names)]
    if len(names) != n:
        raise ValueError(f"{argument}: expected {n}, got {len(names)}.")
    return names


def _node_faces(som, faces):
    """Faces of the nodes without the margin that all of them leave empty."""
    faces = unit_faces(som.prototypes_ if faces is None else faces)
    if faces.shape[:2] != (som.rows, som.cols):
        raise ValueError(f"faces: expected one a node, {(som.rows, som.cols)}, got {faces.shape[:2]}.")
    paper = np.median(faces[:, :, [0, -1]])
    spread = np.abs(faces - paper).max(axis=(0, 1, *range(4, faces.ndim)))
    inked = [np.flatnonzero(spread.max(axis=axis) > 0.05) for axis in (1, 0)]
    if min(map(len, inked)):
        top, left = (max(where[0] - MARGIN, 0) for where in inked)
        bottom, right = (where[-1] + MARGIN + 1 for where in inked)
        faces = faces[:, :, top:bottom, left:right]
    return faces


def gap_of(height, share):
    return 2 * max(1, round(height * share / 2))

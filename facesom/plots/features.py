"""Pictures of features: faces at their places in the plane, and a scoreboard of what was compared."""

import numpy as np

from facesom.io import as_faces, as_numbers

from .canvas import COLOURS, MARKERS, ON_WHITE, draw_frame, name_rows, new_axes
from .tiles import cut_margin, unit_faces


def plot_thumbnails(points, images, labels=None, *, names=None, size=0.08, ax=None):
    """Draw faces at their places in the plane, such as t-SNE finds, as many as fit side by side.

    Parameters
    ----------
    points : array_like of float, shape (N, 2)
        Place of each face: right and up.
    images : array_like, shape (N, H, W) or (N, H, W, 3)
        Faces, as `facesom.io.as_faces` takes them. The margin that all leave empty is cut off.
    labels : array_like, shape (N,), optional
        A kind for each face, at most 8; dots differ in colour and shape, frames of faces in colour.
    names : sequence of str, optional
        Names of the kinds in their sorted order, for the legend. Default: the labels.
    size : float, default 0.08
        Side of a face, as a share of the longer side of the plot.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Every face has a dot; where faces would cover each other, only the first of them is drawn.

    Raises
    ------
    ValueError
        If points, images and labels do not fit each other, or there are more kinds than shapes.
    """
    faces = as_faces(images, leading=1)
    n = len(faces)
    points = as_numbers(points, "points", (n, 2), f"finite places of shape ({n}, 2), one each", finite=True)
    colours = ("0.6",) if labels is None else COLOURS
    labels = [""] * n if labels is None else labels
    labels = as_numbers(labels, "labels", (n,), f"one for each of {n} faces", kinds="biufSU")
    kinds, code = np.unique(labels, return_inverse=True)
    names = [str(kind) for kind in (kinds if names is None else names)]
    if not len(names) == len(kinds) <= len(MARKERS):
        came = f"{len(names)} names"
        raise ValueError(f"names: expected {len(kinds)} kinds, at most {len(MARKERS)}, got {came}.")

    ax = new_axes(ax, (1, 1))
    side = size * max(np.ptp(points, axis=0).max(), 1e-9)
    for k, name in enumerate(names):
        ax.scatter(*points[code == k].T, s=14, label=name, color=colours[k], marker=MARKERS[k], linewidth=0)
    faces = cut_margin(unit_faces(faces[None])[0])
    down, right = np.divide(faces.shape[1:3], max(faces.shape[1:3])) * side / 2
    shown = np.empty((0, 2))
    for k, (x, y) in enumerate(points):
        if (np.abs(shown - (x, y)) < (2 * right, 2 * down)).all(axis=1).any():
            continue
        shown = np.vstack([shown, (x, y)])
        extent = (x - right, x + right, y - down, y + down)
        ax.imshow(faces[k], cmap="gray", vmin=0, vmax=1, extent=extent, zorder=2, interpolation="antialiased")
        draw_frame(ax, extent, color=colours[code[k]], linewidth=1.5, zorder=3)
    low, high = points.min(axis=0) - 0.6 * side, points.max(axis=0) + 0.6 * side
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xticks=[], yticks=[], aspect="equal")
    if any(names):
        style = {"ncols": 4, "frameon": False, "fontsize": 8, "markerscale": 1.5}
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), **style)
    ax.spines[:].set(visible=True, color="0.85")
    return ax


def plot_scoreboard(scores, *, label="adjusted Rand index", ax=None):
    """Draw how well each row does in each setting: one mark for each, a line over several seeds.

    Parameters
    ----------
    scores : dict of str to dict of str to float or sequence of float
        Row → setting → score, or the scores of several seeds.
    label : str
        What a score is.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Rows in the given order, from above. Settings differ in colour and shape; a mark is the mean.

    Raises
    ------
    ValueError
        If there is no score, or there are more settings than colours.
    """
    settings = list(dict.fromkeys(setting for row in scores.values() for setting in row))
    if not 1 <= len(settings) <= len(ON_WHITE):
        raise ValueError(f"scores: expected 1 to {len(ON_WHITE)} settings in its rows, got {settings}.")
    ax = new_axes(ax, (max(0.4 * len(scores) + 1, 2.5), 7))
    ax.hlines(range(len(scores)), 0, 1, color="0.92", linewidth=1, zorder=0)
    for k, setting in enumerate(settings):
        style = {"color": ON_WHITE[k], "zorder": 3}
        rows = [i for i, row in enumerate(scores.values()) if setting in row]
        values = [np.atleast_1d(row[setting]) for row in scores.values() if setting in row]
        ax.plot([v.mean() for v in values], rows, MARKERS[k], markersize=8, label=setting, **style)
        ax.hlines(rows, [v.min() for v in values], [v.max() for v in values], linewidth=2, **style)
    ax.axvline(0, color="0.6", linewidth=1, zorder=0)
    name_rows(ax, list(scores))
    ax.set(xlabel=label, xlim=(-0.05, 1.02))
    n_cols = len(settings) if len(settings) < 4 else 2
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=n_cols, frameon=False, fontsize=9)
    return ax

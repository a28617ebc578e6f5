"""Pictures of faces in rows: any faces, or those of a node."""

from __future__ import annotations

import numpy as np

from facesom.io import as_faces

from .canvas import gap_of, points, show
from .tiles import grid_image, unit_faces


def plot_faces(images, *, titles=None, n_cols=10, ax=None):
    """Draw faces in reading order, with a short title above each if given.

    Parameters
    ----------
    images : array_like, shape (N, H, W), (N, H, W, 3) or (N, H, W, 4)
        Faces, as `facesom.io.as_faces` takes them.
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
    images = as_faces(images, leading=1)
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
    n_cols, ax
        As in `plot_faces`.

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
    distances = np.asarray(som.transform(images))  # scikit-learn may be set to give tables
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

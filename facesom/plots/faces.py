"""Pictures of faces: in rows, those of a node, the typical ones of groups, the ruler that a face carries."""

import numpy as np

from facesom.io import as_faces
from facesom.parts import find_parts

from .canvas import COLOURS, bare, check_count, gap_of, points, show
from .tiles import grid_image, unit_faces

LEFT_EYE, RIGHT_EYE = 3, 4  # as `find_parts` numbers them


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
    titles, head = ([], 0) if titles is None else (titles, round(h / 4))
    if head:
        check_count("titles", titles, n, "faces")
    n_cols = min(n_cols, n)
    n_rows = -(-n // n_cols)
    faces = unit_faces(images[None])[0]
    tiles = np.ones((n_rows * n_cols, head + h, *faces.shape[2:]), dtype=np.float32)
    tiles[:n, head:] = faces
    gap = gap_of(h, 1 / 20)
    image = grid_image(tiles.reshape(n_rows, n_cols, *tiles.shape[1:]), gap=gap)
    ax = show(ax, image, side=min(7.0, 1.2 * max(n_rows, n_cols)))
    size = min(9, 0.7 * points(ax, image.shape, head))
    for place, title in enumerate(titles):
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
        raise ValueError(f"node {node}: none of the {len(distances)} images falls there; see `som.hits_`.")
    shown = members[np.argsort(distances[members, node], kind="stable")][:n_faces]
    ax = plot_faces(np.asarray(images)[shown], n_cols=n_cols, ax=ax)
    row, col = divmod(int(node), som.cols)
    how_many = f"{len(shown)} of {len(members)} faces"
    ax.set_title(f"node {node} (row {row}, column {col}): {how_many}, nearest first")
    return ax


def plot_eye_frame(images, *, ax=None):
    """Draw the eye frame over a face: the ruler in which its parts are measured.

    Parameters
    ----------
    images : array_like, shape (N, H, W), (N, H, W, 3) or (N, H, W, 4)
        Drawn faces of one person; shown is the first of them in which both eyes are found.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Thick lines are the axes, through the eyes and midway between them; lines are half an eye distance
        apart.

    Raises
    ------
    ValueError
        If no frame has two eyes.
    """
    images = as_faces(images, leading=1)
    parts = find_parts(images)
    both = np.flatnonzero((parts == LEFT_EYE).any(axis=(1, 2)) & (parts == RIGHT_EYE).any(axis=(1, 2)))
    if not len(both):
        raise ValueError(f"images: expected two eyes in some frame, found them in none of {len(images)}.")
    frame = both[0]
    left, right = (np.argwhere(parts[frame] == eye).mean(axis=0)[::-1] for eye in (LEFT_EYE, RIGHT_EYE))
    middle, across = (left + right) / 2, right - left
    down = across[::-1] * (-1, 1)
    ax = show(ax, unit_faces(images[None, [frame]])[0, 0], side=4)
    limits = ax.get_xlim(), ax.get_ylim()
    for k in np.arange(-1, 2.5, 0.5):
        style = {"color": COLOURS[4], "linewidth": 2 if k == 0 else 0.5}
        ax.plot(*np.transpose([middle - across + k * down, middle + across + k * down]), **style)
        if k <= 1:
            ax.plot(*np.transpose([middle - down + k * across, middle + 2 * down + k * across]), **style)
    ax.set(xticks=[], yticks=[], xlim=limits[0], ylim=limits[1])
    return ax


def plot_typical(result, images, *, persons=None, names=None, ax=None):
    """Draw the most typical frame of each group, a row for each person and a column for each group.

    Parameters
    ----------
    result : SharedGroups
    images : array_like, shape (P, N, H, W) or (P, N, H, W, 3 or 4), or list of P arrays
        The drawn faces that were grouped.
    persons : sequence of int, optional
        Which are shown. Default: the first six.
    names : sequence of str, as many, optional
        Default: "person 0", ...
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        A gray tile: this person never shows the group. Typical is the frame whose actions are nearest to the
        group's mean.

    Raises
    ------
    ValueError
        If images, persons or names do not fit the result.
    """
    lengths = [len(groups) for groups in result.groups]
    if [len(person) for person in images] != lengths:
        raise ValueError(f"images: expected those that were grouped, {len(lengths)} persons, got others.")
    persons = range(len(lengths))[:6] if persons is None else persons
    names = [f"person {p}" for p in persons] if names is None else names
    if not len(persons) or not set(persons) <= set(range(len(lengths))) or len(names) != len(persons):
        wanted = f"some of 0 to {len(lengths) - 1} and a name for each"
        raise ValueError(f"persons: expected {wanted}, got {list(persons)} and {len(names)} names.")
    groups, actions = np.concatenate(list(result.groups)), np.concatenate(list(result.actions))
    faces = [unit_faces(as_faces(images[p], leading=1)[None])[0] for p in persons]
    n_groups = len(result.order)
    tiles = np.full((len(persons), n_groups, *faces[0].shape[1:]), np.nan, dtype=np.float32)
    for g in np.unique(groups):
        mean = actions[groups == g].mean(axis=0)
        for row, p in enumerate(persons):
            mine = np.flatnonzero(result.groups[p] == g)
            if len(mine):
                best = np.linalg.norm(result.actions[p][mine] - mean, axis=1).argmin()
                tiles[row, g] = faces[row][mine[best]]
    gap = gap_of(tiles.shape[2], 1 / 16)
    ax = show(ax, grid_image(tiles, gap=gap), side=1.2 * max(n_groups, len(persons)))
    height, width = np.add(tiles.shape[2:4], gap)
    ax.set_xticks((np.arange(n_groups) + 0.5) * width, [f"group {g}" for g in range(n_groups)])
    ax.set_yticks((np.arange(len(persons)) + 0.5) * height, names)
    ax.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False)
    return bare(ax)

"""Pictures of groups: how they relate, and a card of what each looks like."""

from textwrap import fill

import numpy as np
from matplotlib import colormaps
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from scipy.cluster.hierarchy import dendrogram, linkage
from scipy.spatial.distance import squareform

from facesom.io import as_array, count_groups, per_person
from facesom.parts import mean_faces, shows_parts

from .canvas import COLOURS, check_count, new_axes, points, show
from .tiles import cut_margin, drawn_box, grid_image, unit_faces

LONGEST = 44  # characters in a line of words beside a face
CENTRAL, DOUBTFUL = 5, 3  # frames on a card
LOOKED_AT = 100  # frames of a group that its mean face is drawn from
HEADS = ((0, "mean"), (1, "change"), (2, "most typical"), (2 + CENTRAL, "most doubtful"))


def plot_group_tree(distances, faces, *, words=None, ax=None):
    """Draw how groups relate: a tree that joins the nearest first, with each group's face at its leaf.

    Parameters
    ----------
    distances : array_like of float, shape (K, K)
        Between the groups, as in ``NodeGroups.distances_``; 2 groups or more.
    faces : array_like, shape (K, H, W) or (K, H, W, 3)
        A face for each group, as from `group_faces`.
    words : sequence of K, optional
        What stands beside the faces, as from `describe_groups` or ``GroupStability.mark``.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Two groups join at the mean distance between them (UPGMA; Sokal and Michener, 1958).

    Raises
    ------
    ValueError
        If distances are not those between at least two groups, or faces or words do not fit them.
    """
    distances = as_array(distances, "distances")
    k, shape = len(distances), distances.shape
    if shape != (k, k) or k < 2 or not np.allclose(distances, distances.T):
        raise ValueError(f"distances: expected a symmetric square of at least two groups, got shape {shape}.")
    faces = cut_margin(unit_faces(as_array(faces, "faces")[None])[0])
    check_count("faces", faces, k, "groups")
    words = [""] * k if words is None else words
    check_count("words", words, k, "groups")
    ax = new_axes(ax, (0.75 * k, 10), side=10.0)
    tree = linkage(squareform(distances, checks=False), "average")
    leaves = dendrogram(tree, orientation="left", ax=ax, color_threshold=0, above_threshold_color="0.3")
    ax.set_yticks([])
    zoom = 0.9 * ax.get_position().height * ax.figure.get_size_inches()[1] * 72 / k / faces.shape[1]
    for place, group in enumerate(leaves["leaves"]):
        at = (0, 10 * place + 5)
        picture = OffsetImage(np.array(faces[group]), zoom=zoom, cmap="gray", clim=(0, 1))
        style = {"boxcoords": "offset points", "box_alignment": (0, 0.5), "pad": 0.1}
        style["bboxprops"] = {"edgecolor": COLOURS[group % len(COLOURS)], "linewidth": 2}
        ax.add_artist(AnnotationBbox(picture, at, (8, 0), **style))
        beside = {"xytext": (zoom * faces.shape[2] + 14, 0), "textcoords": "offset points"}
        text = fill(f"{group}  {words[group]}".rstrip(), LONGEST)
        ax.annotate(text, at, va="center", fontsize=10, **beside)
    ax.set_xlabel("mean distance")
    ax.spines["left"].set_visible(False)
    return ax


def plot_group_cards(images, groups, distances, *, doubts=None, words=None, ax=None):
    """Draw a card for each group: mean face, change, most typical and most doubtful frames.

    Parameters
    ----------
    images : array_like, shape (P, N, H, W) or (N, H, W), or list of P arrays (N_p, H, W)
        Gray faces in [0, 1].
    groups : array_like of int, shape (P, N) or (N,), or list of P arrays (N_p,)
        Group of each frame; frames of group -1 are not shown.
    distances : array_like of float, as `groups`
        As from `group_distances`; the nearest are the most typical, of different persons as far as there are.
    doubts : array_like of float, as `groups`, optional
        E.g. 1 less the probability; the largest are the most doubtful. Default: `distances`.
    words : sequence of K, optional
        What stands above each card, likewise.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Change is the mean difference of each frame from the mean face of its person: blue is drawn more often
        in this group, red less often.

    Raises
    ------
    ValueError
        If the arrays do not fit each other.
    """
    images, groups, person = _frames(images, groups)
    distances = np.concatenate(per_person(distances, 1, "distances"))
    doubts = distances if doubts is None else np.concatenate(per_person(doubts, 1, "doubts"))
    n_groups = count_groups([groups]) if words is None else count_groups([groups], len(words))
    check_count("distances", distances, len(groups), "frames")
    check_count("doubts", doubts, len(groups), "frames")
    usual = np.stack([images[person == p].mean(axis=0) for p in range(person[-1] + 1)])
    members = [np.flatnonzero(groups == k) for k in range(n_groups)]
    n_cols = 2 + CENTRAL + DOUBTFUL
    faces = np.ones((n_groups, n_cols, *images.shape[1:]), dtype=np.float32)
    faces[:, 0] = np.nan_to_num(_means(images, members), nan=1)
    change = np.zeros((n_groups, *images.shape[1:]))
    for k, mine in enumerate(members):
        if not len(mine):
            continue
        change[k] = images[mine].mean(axis=0) - usual[person[mine]].mean(axis=0)
        typical = mine[np.argsort(distances[mine], kind="stable")]
        first = np.sort(np.unique(person[typical], return_index=True)[1])
        typical = np.append(typical[first], np.delete(typical, first))[:CENTRAL]
        doubtful = mine[np.argsort(-doubts[mine], kind="stable")][:DOUBTFUL]
        for start, shown in ((2, typical), (2 + CENTRAL, doubtful)):
            faces[k, start : start + len(shown)] = images[shown]
    change /= max(2 * np.abs(change).max(), 1e-9)
    box = drawn_box(faces.reshape(-1, *images.shape[1:]))
    faces, change = faces[(..., *box)], change[(..., *box)]
    h, w = change.shape[1:]
    head = round(h / 3.2)
    tiles = np.ones((n_groups, n_cols, head + h, w, 3), dtype=np.float32)
    tiles[:, :, head:] = faces[..., None]
    tiles[:, 1, head:] = colormaps["RdBu"](0.5 - change)[..., :3]
    image = grid_image(tiles, gap=2)
    ax = show(ax, image, side=9.0)
    size = min(11, 0.7 * points(ax, image.shape, head))
    for k in range(n_groups):
        text = f"{k} ({(groups == k).sum()})" + ("" if words is None else f"  {words[k]}")
        ax.text(2, k * (head + h + 2) + 0.6 * head, text, va="center", fontsize=size, weight="bold")
    for column, text in HEADS:
        ax.text(column * (w + 2) + 2, -2, text, va="bottom", fontsize=size, color="0.35")
    ax.set_axis_off()
    return ax


def group_faces(images, groups, *, n_groups=None):
    """Return the mean face of each group.

    Of drawn faces the mean *shape* of each part is drawn at its mean place, as sharply as they are (up to 100
    frames of a group, evenly over all); of photographs and the like pixels are averaged.

    Parameters
    ----------
    images, groups
        As in `plot_group_cards`.
    n_groups : int, optional
        Default: the largest number + 1.

    Returns
    -------
    ndarray of float32, shape (n_groups, H, W)
        NaN for a group without frames.

    Raises
    ------
    ValueError
        If images and groups do not fit each other.
    """
    images, groups, _ = _frames(images, groups)
    return _means(images, [np.flatnonzero(groups == k) for k in range(count_groups([groups], n_groups))])


def _means(images, members):
    """Mean face (K, H, W) of each group's frames, NaN where there are none."""
    some = np.unique(np.linspace(0, len(images) - 1, LOOKED_AT).astype(int))
    if any(map(len, members)) and shows_parts(images[some]):
        return mean_faces(images, members, LOOKED_AT)
    empty = np.full(images.shape[1:], np.nan)
    return np.array([images[m].mean(axis=0) if len(m) else empty for m in members], dtype=np.float32)


def _frames(images, groups):
    """Faces (T, H, W), groups (T,) and persons (T,) of all frames."""
    images = per_person(images, 3, "images")
    groups = per_person(groups, 1, "groups", images)
    person = np.repeat(np.arange(len(groups)), [len(g) for g in groups])
    return np.concatenate(images), np.concatenate(groups), person

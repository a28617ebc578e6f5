"""Figures for a paper: everything that a result can show, in one style, as PNG and PDF."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.utils.validation import check_is_fitted

from facesom.groups import NodeGroups, describe_groups, group_distances, person_profiles
from facesom.identity import SharedGroups
from facesom.io import is_colour, to_grayscale
from facesom.som import FaceSOM

from .cards import group_faces, plot_group_cards, plot_group_tree
from .choices import plot_training
from .groups import plot_column_effects, plot_profiles, plot_stability
from .maps import plot_grid, plot_groups, plot_hits, plot_persons, plot_u_matrix
from .tiles import drawn_box, unit_faces

__all__ = ["figures"]

ONE_COLUMN, TWO_COLUMNS = 3.5, 7.2  # inches: 89 and 183 mm
FORMATS = ("png", "pdf", "svg")
MOST_PERSONS = 3  # side by side in a node

STYLE = {
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.07,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with Matplotlib: the same everywhere
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "legend.fontsize": 7,
    "pdf.fonttype": 42,  # letters stay letters, as journals ask
    "svg.fonttype": "none",
}


def figures(
    result,
    folder,
    *,
    images=None,
    groups=None,
    stability=None,
    effects=None,
    y=None,
    formats=("png", "pdf"),
    dpi=300,
):
    """Draw the figures of a result into a folder, each in every format.

    Parameters
    ----------
    result : SharedGroups or FaceSOM
        Of a `SharedGroups`: grid, groups, u_matrix, hits, persons, profiles and, of two groups or more, tree.
        Of a `FaceSOM` that was trained on images: grid, u_matrix, hits and, of ``method="batch"``, training.
    folder : str or path-like
        Made if missing. Files of these names are replaced; others stay.
    images : array_like, shape (P, N, H, W) or (P, N, H, W, 3), or list of P arrays, optional
        The drawn faces of a `SharedGroups`: adds cards, and the tree then has mean faces of whole groups
        rather than of nodes.
    groups : NodeGroups, optional
        For a `FaceSOM`: adds groups and, of two groups or more, tree.
    stability : GroupStability, optional
        Adds stability, and marks unstable groups in all others.
    effects : ColumnEffects, optional
        Adds columns.
    y : array_like, shape (P,), optional
        Label of each person, marked in profiles.
    formats : sequence of {"png", "pdf", "svg"}
    dpi : int, default 300
        Of PNG, and of faces in the others.

    Returns
    -------
    list of pathlib.Path
        The files, figure by figure.

    Raises
    ------
    ValueError
        If `result` is neither, something does not fit it, a format is unknown, or `folder` is a file.

    Notes
    -----
    Figures are 89 or 183 mm wide, one or two columns of most journals. Fonts are embedded as such.
    """
    folder = Path(folder)
    formats = [formats] if isinstance(formats, str) else list(formats)
    if not formats or set(formats) - set(FORMATS):
        raise ValueError(f"formats: expected some of {FORMATS}, got {formats}.")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"folder: expected a folder to draw into, {str(folder)!r} is a file.")
    if isinstance(result, SharedGroups):
        if groups is not None:
            raise ValueError("groups: a SharedGroups has groups of its own; pass `result.som` for others.")
        drawings = _of_persons(result, images, stability, y)
    elif isinstance(result, FaceSOM):
        check_is_fitted(result, "weights_")
        if images is not None or y is not None:
            raise ValueError("images, y: expected with a SharedGroups only, not with the map of one person.")
        drawings = _of_map(result, groups, stability)
    else:
        raise ValueError(
            f"result: expected a SharedGroups or a FaceSOM, got {type(result).__name__}; "
            "`facesom.figures` draws what `group_across_persons` or `FaceSOM.fit` returned."
        )
    words = drawings.pop("words")
    if stability is not None:
        n_groups = len(stability.stability)
        drawings["stability"] = (
            (ONE_COLUMN if words is None else TWO_COLUMNS, 0.25 * n_groups + 0.9),
            lambda ax: plot_stability(stability, words=words, ax=ax),
        )
    if effects is not None:
        k = len(effects.effect)
        drawings["columns"] = (
            (TWO_COLUMNS, 0.28 * k + 1.7),
            lambda ax: plot_column_effects(effects, words=None, ax=ax),
        )
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with plt.rc_context(STYLE):
        for name, (size, draw) in drawings.items():
            figure, ax = plt.subplots(figsize=size)
            try:
                draw(ax)
                for kind in formats:
                    paths.append(folder / f"{name}.{kind}")
                    figure.savefig(paths[-1], dpi=dpi)
                    figure.set_layout_engine("none")  # laid out once: the same in every format
            finally:
                plt.close(figure)
    return paths


def _of_map(som, groups, stability):
    """Figures of a map: name -> (size in inches, what draws it on axes)."""
    if som.prototypes_.ndim < 4:
        raise ValueError(
            "result: expected a map that was trained on images, got one of features, which has no faces; "
            "pass the SharedGroups that it belongs to."
        )
    square = _map_size(som, som.prototypes_)
    drawings = {
        "words": None,
        "grid": (square, lambda ax: plot_grid(som, ax=ax)),
        "u_matrix": (_node_size(som), lambda ax: plot_u_matrix(som, ax=ax)),
        "hits": (_node_size(som), lambda ax: plot_hits(som, ax=ax)),
    }
    if len(som.history_):
        drawings["training"] = ((ONE_COLUMN, 2.2), lambda ax: plot_training(som, ax=ax))
    if groups is not None:
        if not isinstance(groups, NodeGroups):
            raise ValueError(f"groups: expected a fitted NodeGroups, got {type(groups).__name__}.")
        check_is_fitted(groups, "labels_")
        unstable = _unstable(stability, groups.n_groups_)
        drawings["groups"] = (
            square,
            lambda ax: plot_groups(som, groups.labels_, unstable=unstable, ax=ax),
        )
        if groups.n_groups_ > 1:
            marks = None if stability is None else stability.mark()
            drawings["tree"] = _tree(groups.distances_, groups.centers_, marks)
    return drawings


def _of_persons(result, images, stability, y):
    """Figures of shared groups, likewise, and the groups' words."""
    som, k = result.som, len(result.order)
    unstable = _unstable(stability, k)
    words = describe_groups(result.movements, result.groups, n_groups=k)
    marked = words if stability is None else stability.mark(words)
    square = _map_size(som, result.node_faces)
    some = list(result.nodes)[:MOST_PERSONS]
    n_persons = len(result.groups)
    profiles = person_profiles(result.groups, k)
    names = [f"{g}?" if u else str(g) for g, u in enumerate(unstable)]
    drawings = {
        "words": words,
        "grid": (square, lambda ax: plot_grid(som, faces=result.node_faces, ax=ax)),
        "groups": (
            square,
            lambda ax: plot_groups(
                som, result.node_groups, faces=result.node_faces, unstable=unstable, ax=ax
            ),
        ),
        "u_matrix": (_node_size(som), lambda ax: plot_u_matrix(som, ax=ax)),
        "hits": (_node_size(som), lambda ax: plot_hits(som, ax=ax)),
        "persons": (
            (TWO_COLUMNS, min(6.4 * som.rows / som.cols + 0.7, 9.5)),
            lambda ax: plot_persons(som, some, ax=ax),
        ),
        "profiles": (
            (ONE_COLUMN if k < 10 else TWO_COLUMNS, min(max(0.13 * n_persons + 1, 2.5), 9)),
            lambda ax: plot_profiles(profiles, y, names=names, ax=ax),
        ),
    }
    if images is None:
        faces = _nodes_of_groups(result)
    else:
        gray = _gray(images)
        faces = group_faces(gray, result.groups, n_groups=k)
        distances = group_distances(result.movements, result.groups, n_groups=k)
        doubts = [1 - p.max(axis=1) for p in result.probabilities]
        drawings["cards"] = (
            (TWO_COLUMNS, 0.95 * k + 0.3),
            lambda ax: plot_group_cards(
                gray, result.groups, list(distances), doubts=doubts, words=marked, ax=ax
            ),
        )
    if k > 1:
        centers = result.aligner.means_[result.order]
        apart = np.linalg.norm(centers[:, None] - centers, axis=2)
        drawings["tree"] = _tree(apart, faces, marked)
    return drawings


def _tree(distances, faces, words):
    size = (TWO_COLUMNS, 0.6 * len(distances) + 0.5)
    return size, lambda ax: plot_group_tree(distances, faces, words=words, ax=ax)


def _unstable(stability, n_groups):
    if stability is None:
        return np.zeros(n_groups, bool)
    if len(stability.stability) != n_groups:
        raise ValueError(
            f"stability: expected that of {n_groups} groups, got {len(stability.stability)}; "
            "pass `group_stability` of this result."
        )
    return stability.unstable


def _nodes_of_groups(result):
    """For each group the face of its fullest node; NaN for a group without one."""
    shape = result.node_faces.shape[2:]
    faces = np.full((len(result.order), *shape), np.nan, dtype=np.float32)
    hits = result.som.hits_.ravel()
    for k in range(len(faces)):
        own = np.flatnonzero(result.node_groups.ravel() == k)
        if len(own):
            faces[k] = result.node_faces.reshape(-1, *shape)[own[hits[own].argmax()]]
    return faces


def _gray(images):
    """Faces of persons as gray ones on white; a list stays a list."""
    if isinstance(images, (list, tuple)):
        lengths = np.cumsum([len(x) for x in images])[:-1]
        return np.split(to_grayscale(np.concatenate(images)), lengths)
    images = np.asarray(images)
    return to_grayscale(images) if is_colour(images) or images.dtype == np.uint8 else images


def _map_size(som, faces):
    """Two columns wide, as high as the grid of faces asks for."""
    height, width = faces[(slice(None), slice(None), *drawn_box(unit_faces(faces)))].shape[2:4]
    return TWO_COLUMNS, min(TWO_COLUMNS * som.rows * height / (som.cols * width), 9.5)


def _node_size(som):
    return ONE_COLUMN, min(0.7 * ONE_COLUMN * som.rows / som.cols + 0.5, 6)

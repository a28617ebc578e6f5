"""Figures for a paper: everything that a result can show, in one style, as PNG and PDF."""

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted
from tqdm.auto import tqdm

from facesom.groups import ColumnEffects, NodeGroups, describe_groups, group_distances, person_profiles
from facesom.identity import GroupStability, SharedGroups
from facesom.io import as_faces, atomic_write, like, to_grayscale
from facesom.som import FaceSOM

from .cards import group_faces, plot_group_cards, plot_group_tree
from .choices import plot_training
from .groups import plot_column_effects, plot_profiles, plot_stability
from .maps import plot_grid, plot_groups, plot_hits, plot_persons, plot_u_matrix
from .tiles import cut_margin, unit_faces

ONE_COLUMN, TWO_COLUMNS = 3.5, 7.2  # inches: 89 and 183 mm
FORMATS = ("png", "pdf", "svg")
FIRST_PERSONS = 3  # side by side in a node where none were chosen

STYLE = {  # beside Matplotlib's own defaults: the same everywhere
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.07,
    "font.size": 8,
    "axes.titlesize": 9,
    "legend.fontsize": 7,
    "pdf.fonttype": 42,  # letters stay letters, as journals ask
    "svg.fonttype": "none",
}


def figures(
    result: SharedGroups | FaceSOM,
    folder: str | Path,
    *,
    images: ArrayLike | None = None,
    groups: NodeGroups | None = None,
    stability: GroupStability | None = None,
    effects: ColumnEffects | None = None,
    y: ArrayLike | None = None,
    persons: Sequence[int] | None = None,
    formats: Sequence[str] = ("png", "pdf"),
    dpi: int = 300,
) -> list[Path]:
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
    persons : sequence of int, optional
        Up to six persons that persons shows. Default: the first three.
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

    Examples
    --------
    >>> import tempfile
    >>> import facesom
    >>> faces = facesom.to_grayscale(facesom.make_faces(1, 40, seed=0).dataset).X1[0]
    >>> som = facesom.FaceSOM(3, 3, seed=0).fit(faces)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in facesom.figures(som, folder, formats="png", dpi=60)]
    ['grid.png', 'u_matrix.png', 'hits.png', 'training.png']
    """
    folder = Path(folder)
    formats = [formats] if isinstance(formats, str) else list(formats)
    if not formats or set(formats) - set(FORMATS):
        raise ValueError(f"formats: expected some of {FORMATS}, got {formats}.")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"folder: expected a folder to draw into, {str(folder)!r} is a file.")
    drawings = list(_drawings(result, images, groups, stability, effects, y, persons))
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with style.context(["default", STYLE]), tempfile.TemporaryDirectory() as drawn:
        for name, size, draw in tqdm(drawings, "figures", delay=2, leave=False):
            figure = Figure(size)
            draw(ax=figure.subplots())
            for kind in formats:
                paths.append(folder / f"{name}.{kind}")
                figure.savefig(Path(drawn) / paths[-1].name, dpi=dpi)
                figure.set_layout_engine("none")  # laid out once: the same in every format
        for made in Path(drawn).iterdir():
            with atomic_write(folder / made.name, "wb") as file:
                file.write(made.read_bytes())
    return paths


def _drawings(result, images, groups, stability, effects, y, persons):
    """Name, size in inches, and what draws it on axes, of each figure."""
    shared, words, k = isinstance(result, SharedGroups), None, 0
    if shared:
        if groups is not None:
            raise ValueError("groups: a SharedGroups has groups of its own; pass `result.som` for others.")
        som, faces, labels, k = result.som, result.node_faces, result.node_groups, len(result.order)
        words = describe_groups(result.movements, result.groups, n_groups=k)
        centers = result.aligner.means_[result.order]
        distances = np.linalg.norm(centers[:, None] - centers, axis=2)
    elif isinstance(result, FaceSOM):
        som, faces = result, result.prototypes_
        if not (images is None and y is None and persons is None):
            raise ValueError("images, y: expected with a SharedGroups only, as are persons; leave them out.")
        if faces.ndim < 4:
            came = "one of features, which has no faces; pass the SharedGroups that it belongs to"
            raise ValueError(f"result: expected a map that was trained on images, got {came}.")
        if groups is not None:
            if not isinstance(groups, NodeGroups):
                raise ValueError(f"groups: expected a fitted NodeGroups, got {type(groups).__name__}.")
            check_is_fitted(groups, "labels_")
            labels, k, distances = groups.labels_, groups.n_groups_, groups.distances_
    else:
        raise ValueError(f"result: expected a SharedGroups or a FaceSOM, got {type(result).__name__}.")
    unstable = np.zeros(k, bool) if stability is None or not k else stability.unstable
    if len(unstable) != k:
        pass_on = "pass `group_stability` of this result"
        raise ValueError(f"stability: expected that of {k} groups, got {len(unstable)}; {pass_on}.")
    marked = words if stability is None else stability.mark(words)
    height, width = cut_margin(unit_faces(faces).reshape(-1, *faces.shape[2:])).shape[1:3]
    square = TWO_COLUMNS, min(TWO_COLUMNS * som.rows * height / (som.cols * width), 9.5)
    small = ONE_COLUMN, min(0.7 * ONE_COLUMN * som.rows / som.cols + 0.5, 6)
    if k:
        grouped = "groups", square, partial(plot_groups, som, labels, faces=faces, unstable=unstable)

    yield "grid", square, partial(plot_grid, som, faces=faces)
    if shared:
        yield grouped
    yield "u_matrix", small, partial(plot_u_matrix, som)
    yield "hits", small, partial(plot_hits, som)
    if shared:
        yield from _of_persons(result, unstable, y, persons)
        if images is None:
            leaves = _nodes_of_groups(result)
        else:
            gray = _gray(images)
            leaves = group_faces(gray, result.groups, n_groups=k)
            apart = list(group_distances(result.movements, result.groups, n_groups=k))
            doubts = [1 - p.max(axis=1) for p in result.probabilities]
            cards = partial(plot_group_cards, gray, result.groups, apart, doubts=doubts, words=marked)
            yield "cards", (TWO_COLUMNS, 0.95 * k + 0.3), cards
    else:
        if len(som.history_):
            yield "training", (ONE_COLUMN, 2.2), partial(plot_training, som)
        if k:
            yield grouped
            leaves = groups.centers_
    if k > 1:
        yield "tree", (TWO_COLUMNS, 0.6 * k + 0.5), partial(plot_group_tree, distances, leaves, words=marked)
    if stability is not None:
        size = ONE_COLUMN if words is None else TWO_COLUMNS, 0.25 * len(stability.stability) + 0.9
        yield "stability", size, partial(plot_stability, stability, words=words)
    if effects is not None:
        size = TWO_COLUMNS, 0.28 * len(effects.effect) + 1.7
        yield "columns", size, partial(plot_column_effects, effects)


def _of_persons(result, unstable, y, persons):
    """Where the chosen persons' frames fall, and everybody's profile."""
    som, k, n_persons = result.som, len(unstable), len(result.groups)
    persons = list(range(min(FIRST_PERSONS, n_persons)) if persons is None else persons)
    if not persons or not all(0 <= p < n_persons for p in persons):
        raise ValueError(f"persons: expected some from 0 to {n_persons - 1}, got {persons}.")
    names = [f"person {p}" for p in persons]
    size = TWO_COLUMNS, min(6.4 * som.rows / som.cols + 0.7, 9.5)
    yield "persons", size, partial(plot_persons, som, [result.nodes[p] for p in persons], names=names)
    names = [f"{g}?" if u else str(g) for g, u in enumerate(unstable)]
    size = ONE_COLUMN if k < 10 else TWO_COLUMNS, min(max(0.13 * n_persons + 1, 2.5), 9)
    yield "profiles", size, partial(plot_profiles, person_profiles(result.groups, k), y, names=names)


def _nodes_of_groups(result):
    """For each group the face of its fullest node; NaN for a group without one."""
    own = result.node_groups.ravel() == np.arange(len(result.order))[:, None]
    hits = np.where(own, result.som.hits_.ravel(), -1)
    faces = result.node_faces.reshape(-1, *result.node_faces.shape[2:])[hits.argmax(axis=1)]
    faces[hits.max(axis=1) < 0] = np.nan
    return faces


def _gray(images):
    """Faces of persons as gray ones on white; a list stays a list."""
    images = as_faces(images, leading=(1, 2))
    if isinstance(images, list):
        return like(images, to_grayscale(np.concatenate(images)))
    return to_grayscale(images)  # as it is, where it is gray on white already

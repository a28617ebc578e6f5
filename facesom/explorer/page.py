"""One self-contained HTML page to look into a map: its nodes, their faces, groups, persons and videos."""

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory

import matplotlib
import numpy as np
from matplotlib.colors import to_hex
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from facesom.groups import NodeGroups, describe_groups, group_distances
from facesom.identity import SharedGroups
from facesom.io import atomic_write, check_whole
from facesom.parts import feature_names
from facesom.plots import COLOURS, unit_faces, wall_heights
from facesom.som import FaceSOM

from .by_image import as_stack, name_persons, named_columns, real_numbers, whole_numbers
from .sheets import ACROSS, PER_SHEET, inked, pack_sheets, tile_size

#: Names of columns of the page's export that always mean the same.
OWN_COLUMNS = ("image", "person", "frame", "node", "row", "column", "group", "group_name", "distance")


def write_explorer(
    som: FaceSOM | SharedGroups,
    images: ArrayLike,
    path: str | Path,
    groups: NodeGroups | ArrayLike | None = None,
    persons: ArrayLike | None = None,
    *,
    nodes: ArrayLike | None = None,
    distances: ArrayLike | None = None,
    group_names: Sequence[str] | None = None,
    columns: dict[str, ArrayLike] | None = None,
    title: str = "Map of faces",
    max_images: int = 25_000,
) -> None:
    """Write one HTML file in which a map can be looked into, without network or server.

    Parameters
    ----------
    som : FaceSOM or SharedGroups
        A fitted map. A `SharedGroups` brings its groups, nodes, faces, movements and actions along.
    images : array_like, shape (N, H, W), (N, H, W, 3 or 4), (P, N, H, W[, 3 or 4]), or list of P arrays
        Faces that fall on the map, each person's in the order of time; uint8 or float in [0, 1]. On the page
        they are at most 64 pixels a side.
    path : str or path-like
        The file, which appears whole or not at all; one that is there is replaced.
    groups : NodeGroups, or array_like of int, shape (rows, cols) or one for each image, optional
        Group of each node or each image, -1 for none.
    persons : array_like, one for each image, or of length P, optional
        Ids or names. Default: 0 to P - 1, or one person. A person's frames are numbered as they come.
    nodes : array_like of int, one for each image, optional
        Winning nodes. Default: what the map predicts, or, if it was trained on features, its `labels_`.
    distances : array_like of float, one for each image, optional
        By which the faces of a node are sorted. Default: to the prototype; on a map of features, to the
        median movement of the node's images or, without movements, to their mean picture (root mean square).
    group_names : sequence of str, optional
        They can be changed on the page. Default: face words for a `SharedGroups`, else "group 0" and so on.
    columns : dict of str to array_like, () or (C,) for each image, optional
        Further numbers to colour by and to export, e.g. ``{"X2": data.X2}``.
    title : str, default "Map of faces"
        What stands above the map.
    max_images : int, default 25000
        Of more, an evenly spaced sample is taken; the page says so.

    Raises
    ------
    ValueError
        If something does not fit the map or the images; the message says what.
    OSError
        If the file cannot be written; a page that was there stays as it was.

    Notes
    -----
    The address of the page, behind its #, keeps node, persons, colouring and face, to go on from there later.
    "For each image" means that the array begins with the axes of the images: (N, ...), (P, N, ...) or a list
    of P arrays. A node shows its prototype; on a map of features, the mean face of its images. Drawn faces
    are stored without loss, photographs as WebP of quality 75, very many of them of less; columns with seven
    digits.

    Examples
    --------
    >>> import tempfile
    >>> import facesom
    >>> data = facesom.make_faces(2, 20, seed=0).dataset
    >>> gray = facesom.to_grayscale(data).X1
    >>> som = facesom.FaceSOM(3, 4).fit(gray.reshape(-1, 64, 64))
    >>> path = tempfile.mkdtemp() + "/map.html"
    >>> facesom.write_explorer(som, gray, path, columns={"X2": data.X2})
    """
    if not isinstance(title, str):
        raise ValueError(f"title: expected a text, got {title!r:.80}.")
    check_whole(max_images, "max_images", 1)
    images, lengths = as_stack(images)
    n = len(images)
    node_groups, node_faces, movements, actions = None, None, None, {}
    if isinstance(som, SharedGroups):
        result, som, node_faces = som, som.som, som.node_faces
        if n != (wanted := sum(map(len, result.groups))):
            raise ValueError(f"images: expected the {wanted} frames that the result is of, got {n}.")
        strengths = real_numbers(result.actions, n, "actions", ndims=(2,))
        actions = dict(zip(result.action_names, strengths.T, strict=True))
        movements = real_numbers(result.movements, n, "movements", ndims=(2,))
        nodes = result.nodes if nodes is None else nodes
        if groups is None:
            groups, node_groups = result.groups, result.node_groups.ravel()
    check_is_fitted(som, "weights_")
    names, who, frames = name_persons(persons, lengths, n)
    n_nodes = som.rows * som.cols
    nodes = _winners(som, images) if nodes is None else whole_numbers(nodes, n, "nodes", 0, n_nodes)
    voted, groups = _groups(groups, som, nodes)
    node_groups = voted if node_groups is None else node_groups
    node_faces = _node_faces(node_faces, som, images, nodes)
    columns = named_columns({} if columns is None else columns, n, (*OWN_COLUMNS, *actions))
    n_groups = max(groups.max(), node_groups.max()) + 1
    node_words, words = None, [f"group {k}" for k in range(n_groups)]
    if movements is not None:
        node_words = _in_words(movements, who, nodes, n_nodes)
        words = _in_words(movements, who, groups, n_groups)
        columns = dict(zip(feature_names(), movements.T, strict=True)) | columns
    if group_names is not None and len(group_names) != n_groups:
        raise ValueError(f"group_names: expected one for each of {n_groups} groups, got {len(group_names)}.")
    if distances is None:
        distances, meaning = _distances(som, images, nodes, movements)
    else:
        distances, meaning = real_numbers(distances, n, "distances"), "distance"

    n_kept = min(n, max_images)
    kept = np.arange(n_kept) * n // n_kept
    size = tile_size(*images.shape[1:3])
    walls = zip(*wall_heights(som.weights_, som.positions_), strict=True)
    by_image = {"node": nodes, "person": who, "frame": frames, "group": groups, "index": np.arange(n)}
    contents = {
        "rows": som.rows,
        "cols": som.cols,
        "y": (som.positions_[:, 0] - som.positions_[:, 0].min()).tolist(),
        "walls": [[int(i), int(j), round(float(h), 3)] for i, j, h in walls],
        "u_matrix": som.u_matrix_.ravel().tolist(),
        "node_groups": node_groups.tolist(),
        "node_words": node_words,
        "group_names": [str(name) for name in (words if group_names is None else group_names)],
        "persons": names,
        "distance_name": meaning,
        "images": {name: _pack(values[kept], "<i4") for name, values in by_image.items()}
        | {"distance": _pack(distances[kept], "<f4")},
        "actions": [{"name": k, "values": _pack(v[kept], "<f4")} for k, v in actions.items()],
        "columns": [{"name": k, "values": _pack(v[kept], "<f4")} for k, v in columns.items()],
        "tile": {"height": size[0], "width": size[1], "across": ACROSS, "per_sheet": PER_SHEET},
        "crop": inked(node_faces, size),
        "sheets": pack_sheets(images[kept], size),
        "node_sheets": pack_sheets(node_faces, size),
        "colours": COLOURS,
        "ramp": [to_hex(colour) for colour in matplotlib.colormaps["cividis"](np.linspace(0, 1, 64))],
    }
    errors = f"error {som.quantization_error_:.3g}, topographic error {som.topographic_error_:.3g}"
    summary = f"{n:,} faces of {len(names):,} {'person' if len(names) == 1 else 'persons'} on a map of "
    summary += f"{som.rows} × {som.cols} nodes; in training quantization {errors}."
    if n_kept < n:
        summary = f"A sample of {n_kept:,} faces, evenly spaced, out of {summary}"
    with atomic_write(path, "wb") as file:
        file.write(_page(title, summary, contents).encode("utf-8", "replace"))


def show_explorer(
    som: FaceSOM | SharedGroups,
    images: ArrayLike,
    groups: NodeGroups | ArrayLike | None = None,
    persons: ArrayLike | None = None,
    *,
    height: int = 900,
    path: str | Path | None = None,
    **options,
) -> object:
    """Show the page of `write_explorer` below a cell of Jupyter or Colab.

    Parameters
    ----------
    som : FaceSOM or SharedGroups
        As in `write_explorer`.
    images : array_like
        As in `write_explorer`.
    groups, persons : optional
        As in `write_explorer`.
    height : int, default 900
        Pixels.
    path : str or path-like, optional
        Where the page is kept as well.
    **options
        The other keywords of `write_explorer`.

    Raises
    ------
    ValueError
        As in `write_explorer`.
    ModuleNotFoundError
        If IPython is missing.

    Notes
    -----
    The whole page becomes part of the notebook's output: clear the output before you save.

    Examples
    --------
    >>> import facesom
    >>> gray = facesom.to_grayscale(facesom.make_faces(2, 20, seed=0).dataset).X1
    >>> som = facesom.FaceSOM(3, 4).fit(gray.reshape(-1, 64, 64))
    >>> facesom.show_explorer(som, gray)
    <IPython.core.display.HTML object>
    """
    try:
        from IPython.display import HTML, display
    except ModuleNotFoundError:
        said = "show_explorer works in a notebook; elsewhere use `write_explorer` and open the file."
        raise ModuleNotFoundError(said) from None
    with TemporaryDirectory() as folder:
        kept = Path(folder) / "explorer.html" if path is None else Path(path)
        write_explorer(som, images, kept, groups, persons, **options)
        page = kept.read_text(encoding="utf-8")
    allowed = "allow-scripts allow-downloads allow-forms"  # it reaches nothing else of the notebook
    look = f'title="Map of faces" width="100%" height="{int(height)}" style="border: 0"'
    display(HTML(f'<div><iframe sandbox="{allowed}" {look} srcdoc="{html.escape(page)}"></iframe></div>'))


def _winners(som, images):
    if som.sample_shape_ == images.shape[1:]:
        return som.predict(images)
    if som.prototypes_.ndim > 3:
        came = f"{images.shape[1:]}; to show others than these, pass nodes=som.predict(...)"
        raise ValueError(f"images: the map was trained on faces of shape {som.sample_shape_}, got {came}.")
    if len(som.labels_) != len(images):
        came = f"{len(images)} images; pass the node of each, or the `SharedGroups` instead of its map"
        raise ValueError(f"nodes: the map was trained on {len(som.labels_)} rows of features, got {came}.")
    return som.labels_


def _groups(groups, som, nodes):
    """Group of each node and of each image; a node has the group of most of its images."""
    if groups is None:
        groups = np.full((som.rows, som.cols), -1)
    if isinstance(groups, NodeGroups):
        check_is_fitted(groups, "labels_")
        groups = groups.labels_
    if getattr(groups, "shape", None) == (som.rows, som.cols):
        node_groups = whole_numbers(groups, som.rows * som.cols, "groups", -1)
        return node_groups, node_groups[nodes]
    groups = whole_numbers(groups, len(nodes), "groups", -1)
    votes = np.zeros((som.rows * som.cols, groups.max() + 2), dtype=int)
    np.add.at(votes, (nodes, groups + 1), 1)
    votes[:, 0] = 0  # -1 is left to a node that has nothing else
    return votes.argmax(axis=1) - 1, groups


def _node_faces(faces, som, images, nodes):
    """A face (K, H, W[, 3]) in [0, 1] for each node: the prototype, or the mean of the images it won."""
    if faces is None and som.prototypes_.ndim > 3:
        faces = som.prototypes_ / (255 if som.bytes_ else 1)
    elif faces is None:
        faces = np.full((1, som.rows * som.cols, *images.shape[1:]), np.nan, dtype=np.float32)
        for node in np.unique(nodes):
            faces[0, node] = unit_faces(images[None, nodes == node])[0].mean(axis=0)
    return np.concatenate(unit_faces(faces))


def _in_words(movements, who, labels, n_labels):
    """What the images of each label show, in face words."""
    own = [who == p for p in range(who.max() + 1)]
    said = describe_groups([movements[o] for o in own], [labels[o] for o in own], n_groups=n_labels)
    return [str(words) for words in said]


def _distances(som, images, nodes, movements):
    """How far each image is from its node, and what that means."""
    if som.sample_shape_ == images.shape[1:]:
        # an array even where scikit-learn is set to give tables
        return np.asarray(som.transform(images))[np.arange(len(images)), nodes], "distance to the prototype"
    if movements is not None:
        return group_distances(movements, nodes), "distance to the node's median movement"
    apart = np.empty(len(images))
    for node in np.unique(nodes):
        own = unit_faces(images[None, nodes == node])[0]
        apart[nodes == node] = np.sqrt(((own - own.mean(axis=0)) ** 2).reshape(len(own), -1).mean(axis=1))
    return apart, "difference from the node's mean face"


def _page(title, summary, contents):
    """Fill the template; its policy lets the page run and load nothing but what stands in it."""
    folder = resources.files(__package__) / "templates"
    parts = {kind: (folder / f"explorer.{kind}").read_text("utf-8") for kind in ("html", "css", "js")}
    digests = {kind: hashlib.sha256(part.encode()).digest() for kind, part in parts.items()}
    hashes = {f"{kind}_hash": base64.b64encode(digest).decode() for kind, digest in digests.items()}
    # inside a script element, only what begins with "<" can end it
    data = json.dumps(contents, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    texts = {"title": html.escape(title), "summary": html.escape(summary), "data": data}
    return Template(parts["html"]).substitute(parts | hashes | texts)


def _pack(values, dtype):
    return base64.b64encode(np.ascontiguousarray(values, dtype=dtype).tobytes()).decode()

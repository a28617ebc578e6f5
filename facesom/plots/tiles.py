"""Faces as tiles of one picture: arrays in, array out."""

import numpy as np
from scipy.ndimage import binary_dilation, find_objects

from facesom.io import as_array, is_colour, on_ground
from facesom.som import ADJACENT, node_positions

EMPTY = 0.85  # gray of a tile that has no face
DARKEST = 0.85  # shade of the highest wall, 0 to 1
MARGIN = 2  # pixels around what is drawn


def grid_image(faces, *, gap=2, fill=1.0, weights=None, topology="rectangular"):
    """Tile the faces of a grid into one picture.

    Parameters
    ----------
    faces : array_like, shape (rows, cols, H, W), (rows, cols, H, W, 3) or (rows, cols, H, W, 4)
        A face for every node: uint8 0 to 255, or float that is clipped to [0, 1]. A face with NaN becomes
        an empty gray tile.
    gap : int, default 2
        Pixels between two tiles, and half of it around each tile at the rim.
    fill : float or array_like, shape (rows, cols, 3), default 1.0
        Gray of the gaps, or an RGB colour around each node, in [0, 1].
    weights : array_like of float, shape (rows, cols, ...), optional
        Prototypes. The further apart two adjacent ones are (Euclidean), the darker the gap between them, from
        the nearest pair to the furthest: the U-matrix (Ultsch and Siemon, 1990) as walls between the faces.
    topology : {"rectangular", "hexagonal"}, default "rectangular"
        Hexagonal: every second column is shifted by half a tile, so that each tile has six neighbours.

    Returns
    -------
    ndarray of float32, shape (H', W') or (H', W', 3)
        In [0, 1]; colour if the faces or the fill are.

    Raises
    ------
    ValueError
        If an array does not have the shape that the grid asks for.
    """
    faces = unit_faces(faces)
    rows, cols, h, w = faces.shape[:4]
    fill = as_array(fill, "fill").astype(np.float32)
    if fill.shape not in ((), (rows, cols, 3)):
        raise ValueError(f"fill: expected a gray or an array of shape {(rows, cols, 3)}, got {fill.shape}.")
    if fill.ndim and faces.ndim == 4:
        faces = np.repeat(faces[..., None], 3, axis=-1)
    cell = np.array([h + gap, w + gap])
    corners = cell_corners(rows, cols, *cell, topology)
    shape = *(corners.max(axis=0) + cell), *faces.shape[4:]
    canvas = np.full(shape, 1 if fill.ndim else fill, dtype=np.float32)
    if fill.ndim:
        for (top, left), colour in zip(corners, fill.reshape(-1, 3), strict=True):
            canvas[top : top + h + gap, left : left + w + gap] = colour
    if weights is not None:
        weights = as_array(weights, "weights").astype(float, copy=False)
        if weights.shape[:2] != (rows, cols) or weights.ndim < 3:
            wanted = f"prototypes of shape ({rows}, {cols}, ...)"
            raise ValueError(f"weights: expected {wanted}, got {weights.shape}.")
        walls = wall_heights(weights.reshape(rows * cols, -1), node_positions(rows, cols, topology))
        shade = np.zeros_like(canvas)
        # the wall between two nodes lies where their cells, half a gap larger on every side, overlap
        for i, j, height in zip(*walls, strict=True):
            top, left = np.maximum(np.maximum(corners[i], corners[j]) - (gap - gap // 2), 0)
            bottom, right = np.minimum(corners[i], corners[j]) + cell + gap // 2
            wall = shade[top:bottom, left:right]
            np.maximum(wall, DARKEST * height, out=wall)
        canvas *= 1 - shade
    for (top, left), face in zip(corners + gap // 2, faces.reshape(-1, *faces.shape[2:]), strict=True):
        canvas[top : top + h, left : left + w] = face
    return canvas


def unit_faces(faces):
    """Faces of a grid as float32 in [0, 1], gray or RGB, from 0-1 or 0-255; one that holds NaN is blank."""
    faces = as_array(faces, "faces") if np.ma.isMaskedArray(faces) else np.asarray(faces)
    grid = faces.ndim == 4 or (faces.ndim == 5 and is_colour(faces))
    if not grid or not faces.size or faces.dtype.kind not in "buif":
        wanted, came = "numbers of shape (rows, cols, H, W) or (..., 3)", f"{faces.dtype} of {faces.shape}"
        cure = "a map of features needs faces to show, e.g. `result.node_faces`"
        raise ValueError(f"faces: expected {wanted}, got {came}; {cure}.")
    # prototypes of a map trained on bytes are floats of 0 to 255
    bytes_ = faces.dtype.kind in "ui" or np.nanmax(faces, initial=0) > 1.5
    faces = np.asarray(faces, dtype=np.float32) / (255 if bytes_ else 1)
    faces = on_ground(faces) if faces.ndim == 5 else faces
    lost = np.isnan(faces).any(axis=tuple(range(2, faces.ndim)), keepdims=True)
    return np.clip(np.where(lost, np.float32(EMPTY), faces), 0, 1)


def drawn_box(faces):
    """Rows and columns, two slices, that not all faces leave empty; faces (n, H, W[, 3]) in [0, 1]."""
    spread = np.abs(faces - np.median(faces[:, [0, -1]])).max(axis=(0, *range(3, faces.ndim)))
    inked = binary_dilation(spread > 0.05, np.ones((2 * MARGIN + 1, 2 * MARGIN + 1)))
    inked |= not inked.any()  # where nothing is drawn, all of it
    return find_objects(inked.astype(int))[0]


def cut_margin(faces):
    """Faces (n, H, W[, 3]) without the rows and columns that all of them leave empty."""
    return faces[(slice(None), *drawn_box(faces))]


def cell_corners(rows, cols, down, right, topology):
    """Top left pixel of every node's cell, (K, 2); a cell is a tile and half a gap around it."""
    y = node_positions(rows, cols, topology)[:, 0]
    top, left = np.round((y - y.min()) * down), np.tile(np.arange(cols) * right, rows)
    return np.column_stack([top, left]).astype(int)


def wall_heights(weights, positions):
    """Return which nodes are adjacent, and how far apart their prototypes are.

    Parameters
    ----------
    weights : ndarray of float, shape (K, D)
        Prototypes.
    positions : ndarray of float, shape (K, 2)
        As from `node_positions`.

    Returns
    -------
    a, b : ndarray of int, shape (n,)
        The pairs, a < b.
    heights : ndarray of float, shape (n,)
        Euclidean distance, from 0 for the nearest pair to 1 for the furthest.
    """
    a, b = np.triu_indices(len(positions), k=1)
    near = np.linalg.norm(positions[a] - positions[b], axis=1) < ADJACENT
    a, b = a[near], b[near]
    heights = np.array([np.linalg.norm(weights[i] - weights[j]) for i, j in zip(a, b, strict=True)])
    heights -= heights.min(initial=np.inf)
    heights /= max(heights.max(initial=0), 1e-12)
    return a, b, heights

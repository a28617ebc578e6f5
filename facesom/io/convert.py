"""Flat-coloured drawings on black become gray drawings on white, one gray for each kind of part.

The colours of the parts are not known in advance: they are read off all images of a call, so that one kind
of part has one gray everywhere. A pixel at the edge of an antialiased part is a blend, and becomes the same
blend of gray and white.
"""

import warnings
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from .dataset import FaceDataset
from .gates import as_faces, is_colour
from .images import REC_601, as_bytes, on_ground

LIGHTEST = 0.8  # a part's gray, at most: visible on white
GAP = 0.08  # between the grays of two parts, at least
SAME = 0.0  # the one gray of `same_intensity`
MAX_PARTS = 12  # kinds of colour; a face has four to six
BATCH = 64  # images at a time
TOLERANCE = 6.0  # in units of 1/255: how far a blend may be from where it is expected, by rounding


def to_grayscale(data: FaceDataset | ArrayLike, same_intensity: bool = False) -> FaceDataset | np.ndarray:
    """Turn drawn faces into gray on white, float32 in [0, 1].

    A part's gray is the luminance of its colour (ITU-R BT.601, weights 0.299, 0.587, 0.114). Grays above 0.8
    or closer than 0.08 to each other move, in the same order and with the least sum of squared moves
    (isotonic regression: Barlow et al., 1972), until they are neither; the others stay. The grays are chosen
    once a call, from all images in it: convert together what is to be compared. Where one part's colour is a
    darker shade of another's, an antialiased edge has two readings, and the brighter part's may be taken.

    Parameters
    ----------
    data : FaceDataset or array_like (..., H, W), (..., H, W, 3) or (..., H, W, 4)
        Drawings on black (or on white, as the border tells): gray, RGB or RGBA, uint8 in 0..255 or float in
        [0, 1], floats read to 8 bits. RGBA lies on the ground on which more of it is seen, see
        `facesom.io.on_ground`. Gray float32 on white is returned as it is.
    same_intensity : bool
        Give all parts one gray, 0, instead of one each.

    Returns
    -------
    FaceDataset or ndarray (..., H, W), float32
        Background 1. A FaceDataset keeps its `X2` and `y`.

    Raises
    ------
    DatasetError
        When these are no face images, see `facesom.io.as_faces`.

    Warns
    -----
    UserWarning
        Once a call: which colours' grays moved and where to, and when these do not look like flat drawings.

    Examples
    --------
    >>> import facesom
    >>> data = facesom.make_faces(n_persons=2, n_frames=3, size=32).dataset
    >>> gray = facesom.to_grayscale(data)
    >>> gray.X1.shape, gray.X1.dtype, float(gray.X1.max())
    ((2, 3, 32, 32), dtype('float32'), 1.0)
    """
    if isinstance(data, FaceDataset):
        return replace(data, X1=_convert(as_faces(data.X1, name="X1", leading=2), same_intensity))
    return _convert(as_faces(data), same_intensity)


def _convert(images, same_intensity):
    images = on_ground(images)
    colour = is_colour(images)
    shape = images.shape[:-1] if colour else images.shape
    images = images.reshape(-1, *shape[-2:], images.shape[-1] if colour else 1)
    notes = []
    on_white = _is_on_white(images, notes)
    if on_white and not colour and not same_intensity:
        return (images if images.dtype == np.float32 else images / np.float32(255)).reshape(shape)
    faces = np.empty(images.shape[:3], np.float32)
    pixels = faces.view("<u4")  # until its gray is known, a pixel's ink lies in its place
    codes, counts = _count(images, on_white, pixels)
    inks = np.stack([codes & 255, codes >> 8 & 255, codes >> 16], axis=-1)
    parts = _find_parts(inks, counts, lambda: _count_blocks(pixels)[codes], notes)
    grays = np.full(len(parts), SAME) if same_intensity else _spread(parts, on_white, notes)
    weights, _ = _explain(inks, parts)
    table = np.empty(1 << 24, np.float32)
    table[0] = 1
    table[codes] = 1 - weights @ (1 - grays)
    for start in range(0, len(images), BATCH):
        batch = slice(start, start + BATCH)
        faces[batch] = table.take(pixels[batch])
    if notes:
        warnings.warn("to_grayscale: " + "; ".join(notes), stacklevel=3)
    return faces.reshape(shape)


def _is_on_white(images, notes):
    some = images[:: max(len(images) // 1000, 1)]  # the border of a thousand tells
    edges = [some[:, [0, -1]], some[:, :, [0, -1]]]
    border = as_bytes(np.concatenate([edge.reshape(-1, images.shape[-1]) for edge in edges])).mean(axis=-1)
    dark, light = np.mean(border < 32), np.mean(border > 223)
    if dark + light < 0.5:
        notes.append("most of the border is neither black nor white; expected drawings on black, not photos")
    return bool(light > dark)


def _count(images, on_white, pixels):
    """The codes of all ink, and how often each occurs; fills `pixels` with the code of each.

    A code is red + 256 green + 65536 blue of the colour, or of what it lacks to white; 0 is bare.
    """
    counts = np.zeros(1 << 24, np.uint32)
    for start in range(0, len(images), BATCH):
        batch, found = as_bytes(images[start : start + BATCH]), pixels[start : start + BATCH]
        channels = found.view(np.uint8).reshape(*found.shape, 4)
        for channel in range(3):
            channels[..., channel] = batch[..., min(channel, batch.shape[-1] - 1)]
        channels[..., 3] = 0
        if on_white:
            found ^= 0xFFFFFF
        values, times = np.unique(found[found > 0], return_counts=True)
        counts[values] += times.astype(np.uint32)
    codes = np.flatnonzero(counts)
    return codes, counts[codes]


def _count_blocks(pixels):
    """How often each code fills a block of 2 × 2 pixels."""
    solid = np.zeros(1 << 24, np.uint32)
    for start in range(0, len(pixels), BATCH):
        codes = pixels[start : start + BATCH]
        corner = codes[:, :-1, :-1]
        block = (corner == codes[:, 1:, :-1]) & (corner == codes[:, :-1, 1:]) & (corner == codes[:, 1:, 1:])
        values, times = np.unique(corner[block & (corner > 0)], return_counts=True)
        solid[values] += times.astype(np.uint32)
    return solid


def _find_parts(inks, counts, count_blocks, notes):
    """The colours (K, 3) of the parts among all colours of a drawing, the most frequent first.

    `count_blocks` is asked only if a colour could be a blend, which flat drawings have none of.
    """
    order = np.argsort(-counts.astype(np.int64), kind="stable")
    if len(order) > MAX_PARTS:
        frequent = np.count_nonzero(counts >= max(3, 0.001 * counts.sum()))
        order = order[: min(frequent, 2 * MAX_PARTS) or MAX_PARTS]
    # A blend of others, rarest first, is no part unless it fills areas: no edge is two pixels wide.
    parts, solid = list(order), None
    for i in order[::-1]:
        others = [j for j in parts if j != i]
        if _explain(inks[i : i + 1], inks[others])[1][0] < TOLERANCE:
            solid = count_blocks() if solid is None else solid
            if solid[i] < 0.05 * counts[i] or counts[i] < 0.02 * counts.sum():
                parts = others
    if len(parts) > MAX_PARTS:
        others = f"more than {MAX_PARTS} colours fill areas, others count as blends"
        notes.append(f"{others}; expected flat drawings")
    return inks[parts[:MAX_PARTS]].reshape(-1, 3)


def _explain(inks, parts):
    """Each colour as a blend of bare background and one or two parts: weights (U, K) and distances (U,)."""
    inks, parts = inks.astype(float), parts.astype(float)
    rows = np.arange(len(inks))
    weights = np.zeros((len(inks), len(parts)))
    distances = np.linalg.norm(inks, axis=-1) if not len(parts) else np.full(len(inks), np.inf)
    for k, part in enumerate(parts):
        share = np.clip(inks @ part / (part @ part), 0, 1)
        _keep_nearer(inks, parts, weights, distances, rows, [k], share[:, None], 0)
    for i, j in combinations(range(len(parts)), 2):
        # Three corners: background, part i, part j. Inside by least squares, beyond the far side on it.
        corners = parts[[i, j]]
        shares = inks @ np.linalg.pinv(corners)
        side = corners[0] - corners[1]
        along = np.clip((inks - corners[1]) @ side / max(side @ side, 1), 0, 1)
        shares = np.where(shares.sum(axis=1, keepdims=True) > 1, np.stack([along, 1 - along], axis=1), shares)
        inside = np.flatnonzero((shares >= 0).all(axis=1))
        # One part is the simpler reading; rounding alone must not make it two.
        _keep_nearer(inks, parts, weights, distances, inside, [i, j], shares[inside], TOLERANCE / 3)
    for k, part in enumerate(parts):
        weights[(inks == part).all(axis=1)] = np.eye(len(parts))[k]  # not a shade of a brighter part
    return weights, distances


def _keep_nearer(inks, parts, weights, distances, rows, columns, shares, margin):
    found = np.linalg.norm(inks[rows] - shares @ parts[columns], axis=1)
    nearer = found + margin < distances[rows]
    rows = rows[nearer]
    distances[rows] = found[nearer]
    weights[rows] = 0
    weights[rows[:, None], columns] = shares[nearer]


def _spread(parts, on_white, notes):
    """The gray (K,) of each part: its luminance, moved where it would not be seen."""
    if not len(parts):
        return np.empty(0)
    colours = 255 - parts if on_white else parts
    luminance = colours @ REC_601 / 255
    order = np.lexsort((*colours.T, luminance))
    gap = min(GAP, LIGHTEST / max(len(parts) - 1, 1))
    steps = gap * np.arange(len(parts))
    grays = np.empty(len(parts))
    # With a gap at least between neighbours, gray minus steps must not fall: the nearest such values.
    from scipy.optimize import isotonic_regression  # reading a file should not wait for it

    rising = isotonic_regression(luminance[order] - steps).x
    grays[order] = steps + np.clip(rising, 0, LIGHTEST - gap * (len(parts) - 1))
    if moved := [k for k in order if abs(grays[k] - luminance[k]) > 1e-6]:
        moves = [f"{tuple(map(int, colours[k]))} {luminance[k]:.3f} -> {grays[k]:.3f}" for k in moved]
        notes.append(f"grays too near to white or to each other were moved: {', '.join(moves)}")
    return grays

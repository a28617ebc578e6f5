"""A drawing's flat colours and the connected blobs of each: all that can be said before knowing it is a face.

Frames are stacked into one tall picture with an empty margin around each, so that one OpenCV call serves them
all. Places are complex numbers, x + iy in pixels, y down.
"""

from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np

_SAME = 12  # largest difference in any channel (of 255) between pixels of one flat colour
_INK = 10  # smallest difference from the paper that counts as drawn
_MAX_COLOURS = 6
_MAX_BLOBS = 10  # a face has six; the rest is room for what noise breaks off
_SOLID = 0.4  # coverage from which a pixel connects blobs


@dataclass(frozen=True)
class Ink:
    """One person's frames, each with a margin of one pixel.

    Attributes
    ----------
    colour : ndarray of uint8, shape (N, H + 2, W + 2)
        0 paper, 1, 2, ... the flat colours, the most frequent first.
    coverage : ndarray of float32, shape (N, H + 2, W + 2)
        The share of each pixel that is drawn, 0 to 1.
    noisy : bool
        Whether salt-and-pepper noise was found (and removed as far as possible).
    """

    colour: np.ndarray
    coverage: np.ndarray
    noisy: bool


@dataclass(frozen=True)
class Blobs:
    """The largest connected one-coloured areas of each frame.

    Attributes
    ----------
    pixels : ndarray of int, shape (M,)
        Flat indices, into `Ink.colour`, of all pixels that belong to a blob.
    slot : ndarray of int, shape (M,)
        Which of its frame's B blobs each of them belongs to.
    area, centre, spread, stretch, colour : ndarray, shape (N, B)
        Blobs by falling area, 0 where a frame has fewer: pixels covered, mean place z, the means of abs(dz)²
        and dz² about it (a turn by an angle t multiplies the latter by exp(2it)), colour.
    """

    pixels: np.ndarray
    slot: np.ndarray
    area: np.ndarray
    centre: np.ndarray
    spread: np.ndarray
    stretch: np.ndarray
    colour: np.ndarray


def positions(pixels, shape):
    """Places x + iy of flat indices into an array of shape (N, H, W)."""
    return pixels % shape[2] + 1j * (pixels // shape[2] % shape[1])


def add_up(index, values, length):
    """Sum of complex values by index."""
    return np.bincount(index, values.real, length) + 1j * np.bincount(index, values.imag, length)


def find_ink(images):
    """Tell drawn pixels from the paper and sort them by flat colour.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W, C)

    Returns
    -------
    Ink

    Notes
    -----
    An antialiased pixel mixes one flat colour with the paper, so its difference from the paper lies on the
    ray to that colour; where several colours lie on one ray (always in gray images), its neighbours decide.
    """
    n, h, w, channels = images.shape
    edge = [images[:, [0, -1]].reshape(-1, channels), images[:, :, [0, -1]].reshape(-1, channels)]
    paper = np.median(np.concatenate(edge), axis=0).astype(np.uint8)
    framed = np.tile(paper, (n, h + 2, w + 2, 1))
    framed[:, 1:-1, 1:-1] = images
    tall = (n * (h + 2), w + 2)
    flat = framed.reshape(-1, channels)

    ink = np.zeros(len(flat), bool)
    for channel, value in zip(flat.T, paper.astype(np.int16), strict=True):
        ink |= np.abs(channel.astype(np.int16) - value) > _INK
    alone = ink & (_around(ink, tall) == 1)
    noisy = bool(alone.mean() > 1e-3)
    if noisy:
        ink &= ~alone
    pixels = np.flatnonzero(ink)
    palette, hard = _palette(flat, pixels, paper, w + 2)

    colour, coverage = np.zeros(len(flat), np.uint8), np.zeros(len(flat), np.float32)
    if len(palette):
        offset = flat[pixels].astype(np.float32) - paper
        same = np.stack([np.abs(offset - c).max(1) <= _SAME for c in palette], 1)
        if hard:
            colour[pixels] = np.where(same.any(1), same.argmax(1) + 1, 0)
            coverage[pixels] = colour[pixels] > 0
        else:
            which, share = _unmix(offset, palette, same, pixels, tall)
            colour[pixels], coverage[pixels] = which + 1, share
    if noisy:
        for k in range(1, len(palette) + 1):
            hole = (colour == 0) & (_around(colour == k, tall) >= 5)
            colour[hole], coverage[hole] = k, 1
    return Ink(colour.reshape(n, h + 2, w + 2), coverage.reshape(n, h + 2, w + 2), noisy)


def _around(mask, tall):
    """How many of the nine pixels at and around each pixel are in a flat mask."""
    return cv2.boxFilter(mask.reshape(tall).view(np.uint8), cv2.CV_8U, (3, 3), normalize=False).ravel()


def _palette(flat, pixels, paper, stride):
    """The flat colours (differences from the paper), and whether there is nothing else: no soft edges."""
    code = np.full(len(flat), -1, np.int32)
    code[pixels] = flat[pixels].astype(np.int32) @ (256 ** np.arange(flat.shape[1], dtype=np.int32))
    here = code[pixels]
    values, first, which = np.unique(here, return_index=True, return_inverse=True)
    right, down = here == code[pixels + 1], here == code[pixels + stride]
    linked = np.bincount(which[right | down], minlength=len(values))
    solid = np.bincount(which[right & down & (here == code[pixels + stride + 1])], minlength=len(values))
    hard = np.sort(np.bincount(which, minlength=len(values)))[-_MAX_COLOURS:].sum() > 0.95 * len(here)
    palette = []
    # Only inside a part is a whole square of one colour; a part too thin for that has a line of it. Soft
    # edges have lines, too, but of a mixture.
    for weight in [linked] if hard else [solid, linked]:
        for i in np.argsort(-weight, kind="stable")[:64]:
            colour = flat[pixels[first[i]]].astype(np.float32) - paper
            new = all(np.abs(colour - other).max() > _SAME for other in palette)
            new = new and weight[i] > 0.008 * weight.sum()
            if new and (weight is solid or hard or not _mixed(colour, palette)):
                palette.append(colour)
    return np.array(palette[:_MAX_COLOURS], np.float32), hard


def _mixed(colour, palette):
    """Whether a colour lies between two others, or one and the paper."""
    for start, end in combinations([np.zeros_like(colour), *palette], 2):
        along = end - start
        share = np.clip((colour - start) @ along / (along @ along), 0, 1)
        if np.abs(colour - start - share * along).max() <= 2 * _SAME:
            return True
    return False


def _unmix(offset, palette, same, pixels, tall):
    """Colour (index) and coverage of pixels that may be mixed with the paper."""
    support = np.empty(same.shape, np.float32)
    for k in range(len(palette)):
        solid = np.zeros(tall[0] * tall[1], bool)
        solid[pixels[same[:, k]]] = True
        support[:, k] = _around(solid, tall)[pixels]
    share = np.clip(offset @ palette.T / (palette**2).sum(1), 0, 1)
    apart = np.stack([np.linalg.norm(offset - share[:, [k]] * c, axis=1) for k, c in enumerate(palette)], 1)
    best = (support - apart / 4).argmax(1)
    row = np.arange(len(best))
    share, apart = share[row, best], apart[row, best]
    # a pixel on the border of two parts mixes their colours and is covered whole
    row = np.flatnonzero((share < 1) & (apart > _SAME / 2))
    for start, end in combinations(palette, 2):
        along = end - start
        middle = start + np.clip((offset[row] - start) @ along / (along @ along), 0, 1)[:, None] * along
        share[row[np.linalg.norm(offset[row] - middle, axis=1) < apart[row] - _SAME / 2]] = 1
    return best, share


def find_blobs(ink):
    """Connected areas (8 neighbours) of one colour."""
    n, h, w = ink.colour.shape
    solid = np.where(ink.coverage > _SOLID, ink.colour, 0).reshape(n * h, w)
    pixels = np.flatnonzero(solid)
    blob, colour = np.zeros(len(pixels), np.int64), np.zeros(0, np.int64)
    for k in range(1, int(solid.max(initial=0)) + 1):
        count, ids = cv2.connectedComponents((solid == k).view(np.uint8), connectivity=8)
        mine = solid.ravel()[pixels] == k
        blob[mine] = ids.ravel()[pixels[mine]] - 1 + len(colour)
        colour = np.append(colour, np.full(count - 1, k))
    total = len(colour)
    z, weight = positions(pixels, ink.colour.shape), ink.coverage.ravel()[pixels]
    area = np.bincount(blob, weight, total)
    centre = add_up(blob, weight * z, total) / area
    dz = z - centre[blob]
    pixel = 1 / 6  # a square pixel's own spread: one line of pixels is not infinitely thin
    spread = np.bincount(blob, weight * np.abs(dz) ** 2, total) / area + pixel
    stretch = add_up(blob, weight * dz**2, total) / area
    frame = np.zeros(total, np.int64)
    frame[blob] = pixels // (h * w)

    order = np.lexsort((-area, frame))
    if ink.noisy:
        order = order[np.bincount(blob, minlength=total)[order] > 2]
    rank = np.arange(len(order)) - np.searchsorted(frame[order], frame[order])
    order, rank = order[rank < _MAX_BLOBS], rank[rank < _MAX_BLOBS]

    def table(values):
        out = np.zeros((n, int(rank.max(initial=0)) + 1), values.dtype)
        out[frame[order], rank] = values[order]
        return out

    slot = np.full(total, -1)
    slot[order] = rank
    kept = slot[blob] >= 0
    columns = [table(values) for values in (area, centre, spread, stretch, colour)]
    return Blobs(pixels[kept], slot[blob[kept]], *columns)

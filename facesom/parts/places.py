"""Which part of a face each blob is: told by its place, and by a vote of all frames on what its colour means.

A frame's pose is a pair of complex numbers: a point z of the picture is (z - origin) / turn in the eye
frame, whose origin lies midway between the eyes and whose unit is their distance. Each pair of blobs is
tried as the two eyes or the two brows; of the poses that follow, the one in which all blobs lie where parts
usually lie is taken.
"""

from itertools import combinations

import numpy as np

from facesom.io import as_bytes

from .ink import add_up, find_blobs, find_ink, positions

BROWS, EYES, LIPS = (1, 2), (3, 4), (5, 6)  # labels; left before right, upper before lower

# Usual places in the eye frame (y down), sizes (four standard deviations of a part's pixels), and how much
# each varies over people and expressions. The last three are blobs in which parts of one colour run
# together.
PLACES = np.array(
    [  # x, y, width, height: mean, spread
        [-0.57, -0.38, 0.75, 0.22, 0.12, 0.15, 0.20, 0.12],  # left brow
        [+0.57, -0.38, 0.75, 0.22, 0.12, 0.15, 0.20, 0.12],  # right brow
        [-0.50, +0.00, 0.42, 0.20, 0.05, 0.05, 0.15, 0.12],  # left eye
        [+0.50, +0.00, 0.42, 0.20, 0.05, 0.05, 0.15, 0.12],  # right eye
        [+0.00, +1.15, 0.80, 0.30, 0.12, 0.30, 0.25, 0.25],  # lip or mouth
        [+0.00, -0.38, 2.40, 0.22, 0.12, 0.15, 0.40, 0.12],  # both brows
        [-0.54, -0.20, 0.75, 0.52, 0.12, 0.15, 0.20, 0.15],  # left brow and eye
        [+0.54, -0.20, 0.75, 0.52, 0.12, 0.15, 0.20, 0.15],  # right brow and eye
    ]
)
HOME = PLACES[:, 0] + 1j * PLACES[:, 1]
_MOUTH, _BOTH_BROWS, _LEFT_BOTH, _RIGHT_BOTH = 4, 5, 6, 7
_KIND = np.array([0, 0, 1, 1, 2, 0, 3, 3])  # brow, eye, mouth, brow and eye
_CAP = 16.0  # four spreads from every place: no part
_NO_FACE = 9.0  # mean cost of a frame from which on it shows something else


def label_parts(images):
    """Label the pixels of one person's frames, uint8 or float (N, H, W, C).

    Returns
    -------
    labels : ndarray of int8, shape (N, H, W)
        0 background, then `BROWS`, `EYES`, `LIPS`.
    coverage : ndarray of float32, shape (N, H, W)
        The share of each pixel that is drawn.
    guessed : ndarray of bool, shape (N,)
        Where upper and lower lip were told apart by the middle of the mouth alone: one colour, no opening.
    """
    ink = find_ink(as_bytes(images))
    blobs = find_blobs(ink)
    labels = np.zeros(ink.colour.shape, np.int8)
    guessed = np.zeros(len(images), bool)
    if len(blobs.pixels):
        place, turn, origin = _place_blobs(blobs, images.shape[2])
        frame = blobs.pixels // labels[0].size
        z = (positions(blobs.pixels, labels.shape) - origin[frame]) / turn[frame]
        part = _split_brows_and_eyes(place[frame, blobs.slot], frame, z, len(images))
        mouth = part == LIPS[0]
        colour = blobs.colour[frame, blobs.slot]
        part[mouth], guessed = _split_lips(blobs.pixels[mouth], z[mouth], colour[mouth], labels.shape)
        labels.ravel()[blobs.pixels] = part
        _label_rim(labels, ink.colour)
    inside = np.s_[:, 1:-1, 1:-1]
    return labels[inside], ink.coverage[inside], guessed


def between(mask):
    """Pixels (N, H, W) that have the mask above and below them in their column, or belong to it."""
    above = np.logical_or.accumulate(mask, axis=1)
    below = np.logical_or.accumulate(mask[:, ::-1], axis=1)[:, ::-1]
    return above & below


def _place_blobs(blobs, width):
    """Place (row of `PLACES`, -1 none) of every blob, and each frame's pose."""
    colours = int(blobs.colour.max(initial=0)) + 1
    place, turn, origin, found = _fit_poses(blobs, 0.33 * width, 0.5, np.zeros((colours, len(PLACES))))
    if found.any():
        votes = np.full((colours, 4), 0.02)
        sure = (place >= 0) & (blobs.area > 0)
        np.add.at(votes, (blobs.colour[sure], _KIND[place[sure]]), blobs.area[sure] / blobs.area.sum())
        votes[:, :2] += votes[:, 3:] / 2
        votes[:, 3] = votes[:, :2].min(1)
        penalty = np.minimum(-3 * np.log(votes / votes.max(1, keepdims=True)), 10)
        unit = float(np.median(np.abs(turn[found])))
        place, turn, origin, _ = _fit_poses(blobs, unit, 0.1, penalty[:, _KIND])
        _mend_sides(place, blobs.area, ((blobs.centre - origin[:, None]) / turn[:, None]).imag)
    return place, turn, origin


def _mend_sides(place, area, y):
    """Correct what the places alone get wrong about a side that shows no eye, in place."""
    for brow, eye, both in ((0, 2, _LEFT_BOTH), (1, 3, _RIGHT_BOTH)):
        # two blobs one above the other are a brow and an eye
        there = (place == brow) | (place == both)
        lowest = np.where(there, y, -np.inf).argmax(1)
        apart = y.max(1, initial=-np.inf, where=there) - y.min(1, initial=np.inf, where=there)
        frames = np.flatnonzero((apart > 0.2) & ~(place == eye).any(1))
        place[frames, lowest[frames]] = eye
        # a blob that is no larger than the person's brow alone holds no eye: the eye vanished
        if (place == brow).any():
            place[(place == both) & (area < 1.2 * np.median(area[place == brow]))] = brow


def _fit_poses(blobs, unit, freedom, penalty):
    """Best pose of every frame; eye distances scatter by a factor of about exp(`freedom`) about `unit`."""
    n, b = blobs.area.shape
    lowest = np.full(n, _NO_FACE)
    turn, origin, place = np.full(n, unit + 0j), np.zeros(n, complex), np.full((n, b), -1)
    weight = np.sqrt(blobs.area)
    for i, j in combinations(range(b), 2):
        one, other = blobs.centre[:, i], blobs.centre[:, j]
        ends = np.where(one.real > other.real, (other, one), (one, other))
        for left, right in ((2, 3), (0, 1), (_LEFT_BOTH, _RIGHT_BOTH)):
            s = (ends[1] - ends[0]) / (HOME[right] - HOME[left])
            upright = (np.abs(s) > 0.3 * unit) & (np.abs(s.imag) < 0.7 * s.real)
            try_in = np.flatnonzero((blobs.area[:, j] > 0) & upright)
            if not len(try_in):
                continue
            s = s[try_in]
            t = ends[0][try_in] - s * HOME[left]
            each, where = _costs(blobs, try_in, s, t, penalty)
            total = (weight[try_in] * each).sum(1) / weight[try_in].sum(1)
            total += (np.log(np.abs(s) / unit) / freedom) ** 2 + (np.angle(s) / 0.35) ** 2
            better = total < lowest[try_in]
            at = try_in[better]
            lowest[at], turn[at], origin[at], place[at] = total[better], s[better], t[better], where[better]
    return place, turn, origin, lowest < _NO_FACE


def _costs(blobs, frames, turn, origin, penalty):
    """Each blob's squared distance, in spreads, from the place that suits it best, and that place."""
    turn = turn[:, None]
    z = (blobs.centre[frames] - origin[:, None]) / turn
    spread, stretch = blobs.spread[frames] / np.abs(turn) ** 2, (blobs.stretch[frames] / turn**2).real
    size = 4 * np.sqrt(np.clip([spread + stretch, spread - stretch], 0, None) / 2)
    cost = penalty[blobs.colour[frames]]
    for k, seen in enumerate((z.real, z.imag, *size)):
        cost = cost + ((seen[..., None] - PLACES[:, k]) / PLACES[:, 4 + k]) ** 2
    where = cost.argmin(-1)
    cost = cost.min(-1)
    return np.minimum(cost, _CAP), np.where(cost < _CAP, where, -1)


def _split_brows_and_eyes(place, frame, z, n):
    """Label of each pixel from its blob's place; 5 stands for the whole mouth."""
    part = np.array([1, 2, 3, 4, 5, 0, 0, 0, 0], np.int8)[place]  # place -1 is the last
    brows = place == _BOTH_BROWS
    part[brows] = np.where(z[brows].real < 0, *BROWS)
    for side, both in enumerate((_LEFT_BOTH, _RIGHT_BOTH)):
        merged = np.flatnonzero(place == both)
        part[merged] = BROWS[side]
        merged = merged[~np.isin(frame[merged], frame[part == EYES[side]])]  # else the eye is apart
        part[merged] = np.where(_nearer_eye(frame[merged], z[merged], side, n), EYES[side], BROWS[side])
    return part


def _nearer_eye(frame, z, side, n):
    """Split blobs of brow and eye: k-means (Lloyd, 1982) with two centres and the usual shapes of the two."""
    rows = [side, 2 + side]
    size = PLACES[rows, 2:4] / 4
    count = np.bincount(frame, minlength=n)
    centres = (add_up(frame, z, n) / np.maximum(count, 1))[:, None] + HOME[rows] - HOME[rows].mean()
    for _ in range(4):
        off = z[:, None] - centres[frame]
        eye = ((off.real / size[:, 0]) ** 2 + (off.imag / size[:, 1]) ** 2).argmin(1).astype(bool)
        for k, mine in enumerate((~eye, eye)):
            count = np.bincount(frame[mine], minlength=n)
            moved = add_up(frame[mine], z[mine], n) / np.maximum(count, 1)
            centres[:, k] = np.where(count > 0, moved, centres[:, k])
    return eye


def _split_lips(pixels, z, colour, shape):
    """Upper or lower lip: by colour where there are two, else by the opening, else by the column's middle."""
    guessed = np.zeros(shape[0], bool)
    area = np.bincount(colour)
    lips = np.flatnonzero(area > 0.1 * area.sum())
    if len(lips) > 1:
        height = np.bincount(colour, z.imag) / np.maximum(area, 1)
        upper, lower = height[lips].min(), height[lips].max()
        return np.where(np.abs(height - upper) < np.abs(height - lower), *LIPS)[colour], guessed
    mouth = np.zeros(shape, bool)
    mouth.ravel()[pixels] = True
    filled = between(mouth)
    middle, opening = _middle_row(filled), _middle_row(filled & ~mouth)
    parted = ~np.isnan(opening)
    frame, row, column = np.unravel_index(pixels, shape)
    line = np.where(parted, opening, middle)[frame, column]
    guessed[frame] = True
    return np.where(row < line, *LIPS), guessed & ~parted.any(1)


def _middle_row(mask):
    """Mean row of a mask (N, H, W) in each column, NaN where it is empty."""
    count = mask.sum(1)
    rows = np.arange(mask.shape[1])[:, None]
    return (mask * rows).sum(1) / np.where(count > 0, count, np.nan)


def _label_rim(labels, colour):
    """Give the thinly covered pixels around a part its label, in place."""
    flat = labels.ravel()
    inside = np.zeros(labels.shape, bool)
    inside[:, 1:-1, 1:-1] = True  # at the border there is no next pixel
    rim = np.flatnonzero((colour > 0) & (labels == 0) & inside)
    width = labels.shape[2]
    label = np.zeros(len(rim), np.int8)
    for step in (-width, width, -1, 1, -width - 1, -width + 1, width - 1, width + 1):
        label = np.where(label == 0, flat[rim + step], label)
    flat[rim] = label

"""The built-in detector of faces: a small network glances, another looks, and in doubt a cascade looks again.

What the networks were trained on stands in ``models/README.md``; ``benchmarks/photos.py`` measures them.
"""

import json
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from facesom.io import read_onnx

FACE_NETWORK = Path(__file__).parent / "models" / "faces.onnx"
GLANCE_NETWORK = FACE_NETWORK.with_name("glance.onnx")  # sees half the resolution, and every second window
WINDOW = 32  # pixels that a network looks at
STRIDE = 4  # pixels from one window to the next
STEP = 2 ** (1 / 4)  # from one size to the next; the networks were trained to bear 17 % either way
BORDER = 8  # pixels added around, for faces at the edge of the photo
MARGIN = 40  # and about what is looked at, so that a patch at the edge is whole
GLANCE = -0.35  # logit of a window from which it is worth to look
GLANCES = 4.0  # and sum of exp(logit) over it and its eight neighbours: a face answers in several
PLACE = (0.3, 0.6)  # sides and octaves within which two such windows are one place
SIGHT = (0.4, 1)  # sides and octaves from the strongest hit, within which others see the same face
MASKED = (0.6, 1.6)  # and within which they are no face of their own
PATCHES = (44, 56)  # pixels, sides of what is looked at there, and about a face once it has hit
SIZES = 3  # to either side of its own in which a face is looked at, too
BATCH = 32  # patches
AT_ONCE = 8  # places, the strongest first, so that those within a face need no look
SAME = 0.5  # of the smaller of two boxes, from which they are one face
HIT = 2.0  # logit of a window that counts
CANDIDATE = 12.0  # sum of the logits of neighbouring windows from which the cascade looks again
FACE = 50.0  # that sum, from which there is no doubt
AGREED = 12  # windows of the cascade that are as good
FRAME = 1.25  # side of the box over that of the window, so that it frames a face as FER2013 does


def face_network(photo, min_size, near=None):
    """Boxes of the built-in detector: a network glances everywhere, another looks, a cascade looks again.

    Both networks are convolutional and slide over a pyramid of sizes. The first one costs a tenth and was
    trained to miss none of the second one's hits. A face answers in many neighbouring windows. Where these
    leave a doubt, scikit-image's cascade of local binary patterns, which was trained on other pictures and
    errs on other things, looks at the candidate in three rolls.

    Parameters
    ----------
    photo : ndarray of uint8, shape (H, W, 3)
    min_size : float
        Side of the smallest face in pixels.
    near : ndarray of float, shape (K, 4), optional
        Boxes, around which alone is looked, without a glance.

    Returns
    -------
    ndarray of float, shape (K, 4)
    """
    _networks()  # a damaged file is said on every photo
    gray, scales = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), []
    while min(gray.shape) * (scale := WINDOW / min_size / STEP ** len(scales)) > WINDOW - 2 * BORDER:
        scales.append(scale)
    if not scales:
        return np.empty((0, 4))
    if near is None:
        windows = _glance(gray, scales)
        places = [left[0, :3] for left in _strongest(windows, lambda left: _near(left, *PLACE, np.inf))]
        places = np.array(places).reshape(-1, 3)
    else:
        places = np.column_stack([near[:, :2] + near[:, 2:] / 2, np.sqrt(near[:, 2] * near[:, 3]) / FRAME])
    faces = _gather(_look(gray, np.array(scales), places))
    faces = faces[faces[:, 3] > CANDIDATE]
    looks = [0 if votes > FACE else _second_look(gray, *place) for *place, votes in faces]
    faces[:, 3] = faces[:, 3] / FACE + np.array(looks) / AGREED  # how sure they are
    faces = faces[faces[:, 3] > 1]
    return np.array([_boxes(left)[0] for left in _strongest(faces, _same_face)]).reshape(-1, 4)


def _strongest(hits, near):
    """Yield what is left of hits (n, 4), the strongest first, taking away what is near to it each time."""
    hits = hits[np.argsort(-hits[:, 3], kind="stable")]
    while len(hits):
        yield hits
        hits = hits[~near(hits)]


def _near(hits, sides, octaves, norm=2):
    """Which of hits (n, 4) are within so many sides and octaves of the first one."""
    distance = np.linalg.norm(hits[:, :2] - hits[0, :2], norm, axis=1) / hits[0, 2]
    return (distance < sides) & (np.abs(np.log2(hits[:, 2] / hits[0, 2])) < octaves)


def _same_face(hits):
    """Which of hits (n, 4) share more than half of the smaller box with the first one."""
    boxes = _boxes(hits)
    return _shared(boxes, boxes[0]) > SAME


def _glance(gray, scales):
    """Windows (n, 4) in which there may be a face: middle, side, and logit."""
    hits = [np.empty((0, 4))]
    for scale in scales[::2]:  # each bears half a step to either side
        level = cv2.copyMakeBorder(scaled(gray, scale / 2), *[BORDER // 2] * 4, cv2.BORDER_REPLICATE)
        if min(level.shape) >= WINDOW // 2:
            logits = _logits(_networks()[0], [level])[0]
            votes = cv2.boxFilter(np.exp(logits), -1, (3, 3), normalize=False)
            rows, cols = np.nonzero((logits > GLANCE) & (votes > GLANCES))
            hits.append(_windows(rows, cols, logits[rows, cols], scale, 2 * STRIDE))
    return np.concatenate(hits)


def _logits(network, pictures):
    (logits,) = network(np.array(pictures, np.float32)[:, None]).values()
    return logits[:, 0]


def _windows(rows, cols, logits, scale, stride):
    """Middle, side, and logit (n, 4) of windows in a picture of that scale, or one scale for each."""
    x, y = cols * stride + WINDOW / 2 - BORDER, rows * stride + WINDOW / 2 - BORDER
    return np.column_stack([x / scale, y / scale, np.full(len(x), WINDOW) / scale, logits])


def _look(gray, scales, places):
    """Windows (n, 4) that look like a face, about places (m, 3): middle, side, and logit."""

    @cache
    def level(k):
        return cv2.copyMakeBorder(scaled(gray, scales[k]), *[MARGIN] * 4, cv2.BORDER_REPLICATE)

    found, faces = {}, np.empty((0, 4))
    while len(places):
        now, places = np.split(places, [AT_ONCE])
        found |= _look_at(level, scales, now, 0, PATCHES[0])
        faces = _gather(_hits(found, scales))
        for box in _boxes(faces[faces[:, 3] > FACE]):
            places = places[_shared(_boxes(places), box) < SAME]
    steps = np.arange(-SIZES, SIZES + 1)  # many places, few faces: other sizes of these alone
    around = np.tile(faces[:, :3], (len(steps), 1))
    return _hits(found | _look_at(level, scales, around, np.repeat(steps, len(faces)), PATCHES[1]), scales)


def _look_at(level, scales, places, steps, side):
    """Hits about each place, `steps` levels from its own: (level, row, column) of windows to their logits."""
    own = np.abs(np.log2(places[:, 2:] * scales / WINDOW)).argmin(axis=1) + steps
    patches, corners, found = [], [], {}
    for k, (x, y, _) in zip(own.tolist(), places, strict=True):
        if 0 <= k < len(scales):
            corner = np.array([y, x]) * scales[k] + BORDER - side / 2
            row, col = np.rint(corner / STRIDE).astype(int).tolist()
            top, left = STRIDE * row + MARGIN - BORDER, STRIDE * col + MARGIN - BORDER
            patch = level(k)[max(top, 0) : top + side, max(left, 0) : left + side]
            if patch.shape == (side, side):  # else its middle lies outside of the photo
                patches.append(patch)
                corners.append((k, row, col))
    for start in range(0, len(patches), BATCH):
        logits = _logits(_networks()[1], patches[start : start + BATCH])
        for patch, i, j in np.argwhere(logits > HIT).tolist():
            k, row, col = corners[start + patch]
            last = (np.array(level(k).shape) - 2 * (MARGIN - BORDER) - WINDOW) // STRIDE
            if 0 <= row + i <= last[0] and 0 <= col + j <= last[1]:
                found[k, row + i, col + j] = logits[patch, i, j]
    return found


def _hits(found, scales):
    level, row, col = np.array([*found], dtype=int).reshape(-1, 3).T
    return _windows(row, col, [*found.values()], scales[level], STRIDE)


def _gather(hits):
    """Faces (K, 4), middle, side and sum of logits, from hits (n, 4); the strongest hit draws the others."""
    faces = []
    for left in _strongest(hits, lambda left: _near(left, *MASKED)):
        same = left[_near(left, *SIGHT)]
        faces.append([*np.average(same[:, :3], axis=0, weights=same[:, 3]), same[:, 3].sum()])
    return np.array(faces).reshape(-1, 4)


def _boxes(faces):
    """Boxes (K, 4) of faces (K, 3 or 4): middle and side."""
    sides = FRAME * faces[:, 2:3]
    return np.concatenate([faces[:, :2] - sides / 2, sides, sides], axis=1)


def _shared(boxes, box):
    """What each of boxes (K, 4) shares with a box, over the smaller one of the two: (K,)."""
    return shared_area(boxes, box) / np.minimum(boxes[:, 2:].prod(axis=1), box[2:].prod())


def shared_area(boxes, others):
    """Pixels that boxes (..., 4) have in common."""
    low = np.maximum(boxes[..., :2], others[..., :2])
    high = np.minimum(boxes[..., :2] + boxes[..., 2:], others[..., :2] + others[..., 2:])
    return np.clip(high - low, 0, None).prod(axis=-1)


def cut(photo, left, top, side):
    """A square of a photo; what lies outside repeats its edge."""
    rows = np.clip(np.arange(top, top + side), 0, photo.shape[0] - 1)
    cols = np.clip(np.arange(left, left + side), 0, photo.shape[1] - 1)
    return photo[rows[:, None], cols]


def _second_look(gray, x, y, side):
    """How many windows of the cascade see a face of about this side there, in three rolls of the head."""
    n, count = 72, 0
    around = max(1, int(1.7 * side / n))  # shrunk by whole pixels first: no aliasing
    left, top = int(x - 1.5 * side), int(y - 1.5 * side)
    patch = scaled(cut(gray, left, top, int(3 * side)), 1 / around)
    middle = (np.array([x - left, y - top]) + 0.5) / around - 0.5
    for roll in (-15, 0, 15):
        turn = cv2.getRotationMatrix2D(middle.tolist(), roll, n * around / (1.7 * side))
        turn[:, 2] += (n - 1) / 2 - middle
        window = cv2.warpAffine(patch, turn, (n, n), borderMode=cv2.BORDER_REPLICATE)
        alone = {"min_neighbor_number": 0, "intersection_score_threshold": 1.01}
        for found in lbp_cascade().detect_multi_scale(window, 1.1, 1, (30, 30), (64, 64), **alone):
            offset = (found["c"] + found["width"] / 2 - n / 2, found["r"] + found["height"] / 2 - n / 2)
            count += np.hypot(*offset) < n / 8
    return count


@cache
def _networks():
    """The one that glances and the one that looks."""
    hashes = json.loads(FACE_NETWORK.with_suffix(".json").read_text(encoding="utf-8"))
    shape, paths = (1, 1, WINDOW, WINDOW), (GLANCE_NETWORK, FACE_NETWORK)
    return [read_onnx(path, shape=shape, sha256=hashes[path.name]) for path in paths]


def scaled(photo, scale):
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return photo if scale == 1 else cv2.resize(photo, None, fx=scale, fy=scale, interpolation=how)


@cache
def lbp_cascade():
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    return Cascade(lbp_frontal_face_cascade_filename())

"""The mean of several drawn faces as a face that is drawn as sharply as they are."""

import warnings

import cv2
import numpy as np

from facesom.io import to_grayscale

from .shape import PARTS, find_parts

USUALLY = 0.5  # a part is drawn where more than this share of the faces show it
BARE = 0.5  # share of a drawing, at least, on which nothing is drawn
EXPLAINED = 0.9  # share of a drawing's ink, at least, that belongs to parts of a face


def shows_parts(gray):
    """Whether gray images (N, H, W) on white are drawings of brows, eyes and lips, not photographs."""
    ink = 1 - gray
    if not ink.any() or (ink < 0.03).mean() < BARE:
        return False
    return bool(ink[find_parts(gray) > 0].sum() >= EXPLAINED * ink.sum())


def mean_faces(images, members, most=30, *, parts=None):
    """Draw the mean face of each of several sets of drawn faces.

    Parameters
    ----------
    images : ndarray, shape (T, H, W) or (T, H, W, 3 or 4)
        Drawn faces, as `find_parts` takes them.
    members : sequence of K ndarrays of int
        Which faces each set holds.
    most : int, default 30
        How many faces of a set are looked at, evenly from first to last.
    parts : scipy.sparse.csr_array of int, shape (T, H * W), optional
        Their parts, where they are known; found here, they are found as if all faces were one person's.

    Returns
    -------
    ndarray of float32, shape (K, H, W)
        Gray in [0, 1], white background, as from `mean_face`; NaN for an empty set.
    """
    chosen = [m[np.unique(np.linspace(0, len(m) - 1, most).astype(int))] if len(m) else m for m in members]
    looked_at = np.concatenate(chosen)
    some = images[looked_at]
    with warnings.catch_warnings():  # which grays moved is said where somebody converts, not here
        warnings.simplefilter("ignore")
        gray = to_grayscale(some)
    labels = find_parts(some) if parts is None else parts[looked_at].toarray().reshape(gray.shape)
    ends = np.cumsum([len(c) for c in chosen])[:-1]
    cut = zip(np.split(gray, ends), np.split(labels, ends), strict=True)
    empty = np.full(gray.shape[1:], np.nan, dtype=np.float32)
    return np.array([mean_face(g, p) if len(g) else empty for g, p in cut])


def mean_face(gray, labels):
    """Draw the mean shape of each part at its mean place.

    The mean of pixels blurs what lies at slightly different places. Here each part is moved to its mean place
    and the signed distances to its outline are averaged, as in shape-based interpolation (Herman et al.,
    1992), so that the mean's outline is as sharp as each of theirs.

    Parameters
    ----------
    gray : ndarray of float, shape (N, H, W)
        Faces in [0, 1], white background.
    labels : ndarray of int, shape (N, H, W)
        Their parts, as `find_parts` returns them.

    Returns
    -------
    ndarray of float32, shape (H, W)
        In [0, 1], white background.
    """
    face = np.ones(gray.shape[1:], dtype=np.float32)
    for part in range(1, len(PARTS)):
        masks = labels == part
        seen = masks.any(axis=(1, 2))
        if seen.mean() <= USUALLY:
            continue
        masks = masks[seen]
        tone = gray[seen][masks].mean()
        centres = np.array([np.argwhere(m).mean(axis=0) for m in masks])
        shifts = centres.mean(axis=0) - centres
        depth = np.mean([signed_distance(m, s) for m, s in zip(masks, shifts, strict=True)], axis=0)
        cover = np.clip(depth + 0.5, 0, 1)
        face = (1 - cover) * face + cover * tone
    return face.astype(np.float32)


def signed_distance(mask, shift):
    """Distance in pixels to the outline of a mask moved by `shift` (down, right), positive inside."""
    move = np.float32([[1, 0, shift[1]], [0, 1, shift[0]]])
    moved = cv2.warpAffine(mask.astype(np.float32), move, mask.shape[::-1]) > 0.5
    inside = cv2.distanceTransform(moved.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform((~moved).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.where(moved, inside - 0.5, 0.5 - outside)

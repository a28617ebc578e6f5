"""The mean of several drawn faces as a face that is drawn as sharply as they are."""

from __future__ import annotations

import cv2
import numpy as np

from .parts import PARTS

USUALLY = 0.5  # a part is drawn where more than this share of the faces show it


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
        depth = np.mean(
            [
                signed_distance(m, shift)
                for m, shift in zip(masks, centres.mean(axis=0) - centres, strict=True)
            ],
            axis=0,
        )
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

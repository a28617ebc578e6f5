"""Haar-like features: how much brighter one rectangle of a face is than the rectangles beside it."""

import numpy as np
from skimage.measure import block_reduce

from .face_transformer import FaceTransformer

#: Weights of neighbouring rectangles: two and three side by side, one upon the other, four crosswise.
PATTERNS = {
    "two_across": [[-1, 1]],
    "two_down": [[-1], [1]],
    "three_across": [[-1, 2, -1]],
    "three_down": [[-1], [2], [-1]],
    "four": [[1, -1], [-1, 1]],
}
FLAT = 0.004  # standard deviation of a face without contrast: a gray level


class Haar(FaceTransformer):
    """Haar-like features (Viola and Jones, 2001), in cells of several sizes.

    Each is the brightness of square cells less that of their neighbours, over the face's standard deviation,
    as in the cascades with which OpenCV found faces until version 4. Here all of them, cell by cell, describe
    a face. Pixels at the right and lower rim that fill no cell are left out. A constant image gives zeros.

    Parameters
    ----------
    cell : int, default 4
        Side of the smallest cells in pixels; the others are twice, four times ... as large, as long as three
        fit beside each other.
    """

    def __init__(self, cell=4):
        self.cell = cell

    def _least_side(self):
        return 3 * self.cell

    def _sides(self):
        largest = min(self.face_shape_) // 3
        return [self.cell << k for k in range(16) if self.cell << k <= largest]

    def _describe(self, faces):
        faces = faces / np.maximum(faces.std(axis=(1, 2), keepdims=True), np.float32(FLAT))
        found = (values for side in self._sides() for values in _responses(_means(faces, side)))
        return np.concatenate([values.reshape(len(faces), -1) for values in found], axis=1)

    def _show(self, faces):
        return _means(faces, self.cell).repeat(self.cell, axis=1).repeat(self.cell, axis=2)

    def _names(self):
        blank = np.zeros((1, *self.face_shape_))
        return [
            f"haar_{side}_{pattern}_{row}_{col}"
            for side in self._sides()
            for pattern, values in zip(PATTERNS, _responses(_means(blank, side)), strict=True)
            for row, col in np.ndindex(values.shape[1:])
        ]


def _means(faces, side):
    """Means of square cells (N, rows, cols)."""
    rows, cols = (n // side * side for n in faces.shape[1:])
    return block_reduce(faces[:, :rows, :cols], (1, side, side), np.mean)


def _responses(means):
    """Responses of each pattern at each place, (N, ...) each."""
    for pattern in PATTERNS.values():
        weights = np.array(pattern, dtype=np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(means, weights.shape, axis=(1, 2))
        yield (windows * weights).sum(axis=(3, 4))

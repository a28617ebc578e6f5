"""Faces as numbers in the classical ways: pixels, HOG, LBP, edges, contours, part geometry.

All are scikit-learn transformers of one manner: images in, one row for each face out, so that any estimator
can stand behind them, e.g. ``make_pipeline(HOG(), PCA(50), FaceSOM())``. The rows are not standardised; where
columns have different units (`Contours`, `PartGeometry`) put a `StandardScaler` behind.
"""

import cv2
import numpy as np
from skimage.feature import hog, local_binary_pattern
from sklearn.utils.validation import check_is_fitted

from facesom.io import as_array, as_bytes, as_faces
from facesom.parts import feature_names, find_parts, shape_features

from .face_transformer import FaceTransformer

INK = 0.1  # what differs from the paper by more is drawn
PICTURE_SCALE = 4  # a picture of gradients is drawn larger than the face, or its strokes would be dots
HU_FLOOR = 1e-7  # Hu moments below are noise of rasterisation
SHADES = np.array([1, 0, 0, 0.3, 0.3, 0.55, 0.75])  # of `facesom.parts.PARTS` in a picture


class Pixels(FaceTransformer):
    """The gray values themselves, row by row: D = H · W, in [0, 1].

    Principal components are scikit-learn's own: ``make_pipeline(Pixels(), PCA(50))``, whose
    ``inverse_transform`` gives faces back.

    Examples
    --------
    >>> import facesom
    >>> faces = facesom.to_grayscale(facesom.make_faces(1, 3, seed=0).dataset).X1[0]
    >>> Pixels().fit_transform(faces).shape
    (3, 4096)
    """

    def inverse_transform(self, X):
        """Return rows as faces.

        Parameters
        ----------
        X : array_like of float, shape (n, H * W)

        Returns
        -------
        ndarray, shape (n, H, W)
        """
        check_is_fitted(self, "face_shape_")
        return as_array(X, "X").reshape(-1, *self.face_shape_)

    def _describe(self, faces):
        return faces.reshape(len(faces), -1)

    def _show(self, faces):
        return faces


class HOG(FaceTransformer):
    """Histograms of oriented gradients (Dalal and Triggs, 2005): which way edges run, cell by cell.

    Computed by `skimage.feature.hog` with L2-Hys normalisation. Pixels at the right and lower rim that fill
    no cell are left out. A constant image gives zeros.

    Parameters
    ----------
    cell : int, default 8
        Side of a cell in pixels.
    block : int, default 2
        Side in cells of the blocks that are normalised together. The smallest face is cell × block a side.
    orientations : int, default 9
        Directions told apart over 180 degrees.
    """

    def __init__(self, cell=8, block=2, orientations=9):
        self.cell = cell
        self.block = block
        self.orientations = orientations

    def _least_side(self):
        return self.cell * self.block

    def _describe(self, faces):
        return np.array([self._hog(face) for face in faces], dtype=np.float32)

    def _show(self, faces):
        size = PICTURE_SCALE * faces.shape[2], PICTURE_SCALE * faces.shape[1]
        large = (cv2.resize(face, size, interpolation=cv2.INTER_LINEAR) for face in faces)
        seen = np.array([self._hog(face, PICTURE_SCALE, visualize=True)[1] for face in large])
        return 1 - np.minimum(1, seen / max(np.quantile(seen, 0.995), 1e-9))

    def _hog(self, face, scale=1, **options):
        cell, block = (self.cell * scale,) * 2, (self.block,) * 2
        return hog(face, self.orientations, cell, block, **options)


class LBP(FaceTransformer):
    """Histograms of local binary patterns (Ojala et al., 2002), one for each cell (Ahonen et al., 2006).

    A pixel's pattern says which of its neighbours are as bright as itself or brighter; patterns with at most
    two changes around the circle are told apart, the rest is one (``"nri_uniform"`` of scikit-image). Pixels
    that fill no cell are left out. In a constant image all pixels have one pattern.

    Parameters
    ----------
    cell : int, default 16
        Side of a cell in pixels, which is the smallest face as well.
    n_points : int, default 8
        Neighbours compared; there are n_points · (n_points - 1) + 3 patterns.
    radius : float, default 1.0
        Their distance in pixels.
    """

    def __init__(self, cell=16, n_points=8, radius=1.0):
        self.cell = cell
        self.n_points = n_points
        self.radius = radius

    def _least_side(self):
        return self.cell

    def _describe(self, faces):
        rows, cols = (side // self.cell for side in self.face_shape_)
        codes = self._patterns(faces)[:, : rows * self.cell, : cols * self.cell]
        down, right = (np.arange(side) // self.cell for side in codes.shape[1:])
        bins = codes + self._n_patterns() * (down[:, None] * cols + right)
        counts = [np.bincount(b.ravel(), minlength=self._n_patterns() * rows * cols) for b in bins]
        return np.array(counts, dtype=np.float32) / self.cell**2

    def _show(self, faces):
        codes = self._patterns(faces)
        flat = self._patterns(np.ones((1, 8, 8), np.float32))[0, 4, 4]
        return np.where(codes == flat, 1, 0.8 * codes / (self._n_patterns() - 1))

    def _patterns(self, faces):
        # integers: equal neighbours must not differ by rounding; the rim goes on beyond the image
        faces, rim = as_bytes(faces), int(np.ceil(self.radius))
        faces = np.pad(faces, ((0, 0), (rim, rim), (rim, rim)), mode="edge")
        codes = [local_binary_pattern(face, self.n_points, self.radius, "nri_uniform") for face in faces]
        return np.array(codes, dtype=int)[:, rim:-rim, rim:-rim]

    def _n_patterns(self):
        return self.n_points * (self.n_points - 1) + 3


class Edges(FaceTransformer):
    """Edges (Canny, 1986), or how far each pixel is from the nearest one (Borgefors, 1986).

    Distances change little where a line moves by a pixel, an edge map does. D = H · W, computed by OpenCV.

    Parameters
    ----------
    distance : bool, default True
        Return distances in pixels up to `reach`; else 1 on an edge, 0 elsewhere. A constant image has no
        edges: all distances are `reach`.
    reach : float, default 8
        Distances beyond it count alike.
    low, high : float, default 50.0, 150.0
        Thresholds of the hysteresis for the Sobel gradient of 8-bit images, as in ``cv2.Canny``.
    """

    def __init__(self, distance=True, reach=8.0, low=50.0, high=150.0):
        self.distance = distance
        self.reach = reach
        self.low = low
        self.high = high

    def _check(self, size):
        super()._check(size)
        if self.low > self.high:
            raise ValueError(f"low: expected at most high = {self.high:g}, got {self.low:g}; swap them.")

    def _describe(self, faces):
        return self._map(faces).reshape(len(faces), -1)

    def _show(self, faces):
        return self._map(faces) / self.reach if self.distance else 1 - self._map(faces)

    def _map(self, faces):
        edges = [cv2.Canny(face, self.low, self.high) for face in as_bytes(faces)]
        if not self.distance:
            return np.array(edges, dtype=np.float32) / 255
        distances = [cv2.distanceTransform(255 - e, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) for e in edges]
        squares = np.rint(np.square(distances, dtype=float))  # whole: OpenCV's last bit varies by call
        return np.minimum(np.sqrt(squares), self.reach).astype(np.float32)


class Contours(FaceTransformer):
    """Contours of what is drawn, and its moments (Hu, 1962), in each zone of the face.

    Ink is what differs from the median of the border by more than 0.1, so these are features of drawings, not
    of photos. Zones rather than single contours are described, for parts that touch share a contour. In each
    zone: the number of contours, their length (in sides of the zone), the share of the zone that is ink, its
    middle (down and right, 0 to 1), and Hu's seven moments as signed logarithms. A zone without ink is all 0.

    Parameters
    ----------
    rows, cols : int, default 2
        Zones of the face. Two by two: either eye with its brow, either half of the mouth.
    """

    _COLUMNS = ("contours", "length", "ink", "y", "x", *(f"hu{k}" for k in range(1, 8)))

    def __init__(self, rows=2, cols=2):
        self.rows = rows
        self.cols = cols

    def _least_side(self):
        return 4 * max(self.rows, self.cols)

    def _describe(self, faces):
        rows = [[_shape_of(zone) for zone in self._zones(ink)] for ink in _ink(faces)]
        return np.array(rows).reshape(len(faces), -1)

    def _show(self, faces):
        seen = np.ones(faces.shape, np.float32)
        for picture, ink in zip(seen, _ink(faces), strict=True):
            for zone, part in zip(self._zones(picture), self._zones(ink), strict=True):
                zone[0], zone[:, 0] = 0.85, 0.85  # where zones meet
                for contour in _contours(part):
                    zone[contour[:, 0, 1], contour[:, 0, 0]] = 0
        return seen

    def _zones(self, image):
        bands = np.array_split(image, self.rows)
        return [zone for band in bands for zone in np.array_split(band, self.cols, axis=1)]

    def _names(self):
        return [f"zone_{r}_{c}_{name}" for r, c in np.ndindex(self.rows, self.cols) for name in self._COLUMNS]


def _ink(faces):
    rim = [faces[:, 0], faces[:, -1], faces[:, 1:-1, 0], faces[:, 1:-1, -1]]
    paper = np.median(np.concatenate(rim, axis=1), axis=1)
    return (np.abs(faces - paper[:, None, None]) > INK).astype(np.uint8)


def _contours(ink):
    return cv2.findContours(np.ascontiguousarray(ink), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]


def _shape_of(ink):
    """The `Contours._COLUMNS` of one zone."""
    contours, (h, w) = _contours(ink), ink.shape
    length = sum(cv2.arcLength(contour, True) for contour in contours)
    # of the pixels: a closed eye's contour has no area
    moments = cv2.moments(np.ascontiguousarray(ink), True)
    area, hu = max(moments["m00"], 1), cv2.HuMoments(moments).ravel()
    # as a logarithm, because they span ten orders; linear around 0, where the sign is chance
    hu = np.sign(hu) * np.log1p(np.abs(hu) / HU_FLOOR)
    place = moments["m01"] / area / h, moments["m10"] / area / w
    return [len(contours), 2 * length / (h + w), moments["m00"] / ink.size, *place, *hu]


class PartGeometry(FaceTransformer):
    """The shape of brows, eyes and lips in the frame of the eyes: `facesom.shape_features` as a transformer.

    Heights, distances, openings and curves of the parts, in eye distances. The parts are found by place,
    whatever their colours, so colour, gray and same-intensity drawings serve alike. The frames of a *person*
    are measured together: give those of several persons as (P, N, H, W[, 3]); a stack (N, H, W[, 3]) is taken
    as one person's.
    """

    def _read(self, X):
        return as_faces(X, name="X", leading=(1, 2))

    def _describe(self, faces):
        return np.vstack(shape_features(faces))

    def _show(self, faces):
        return np.concatenate([SHADES[parts].reshape(-1, *parts.shape[-2:]) for parts in find_parts(faces)])

    def _names(self):
        return feature_names()

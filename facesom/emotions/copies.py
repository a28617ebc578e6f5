"""The same picture twice: equal pixel by pixel, or saved again, resized, mirrored, brightened."""

from hashlib import blake2b

import cv2
import numpy as np
from scipy.fft import dctn
from scipy.spatial import KDTree

from facesom.io import REC_601, as_array, as_faces, is_colour, on_ground

SIDE = 16  # pixels of the thumbnails that are compared
ALIKE = 0.975  # correlation from which two are one picture
COARSE = 5  # frequencies each way by which candidates are found
FLAT = 1.0  # length of a thumbnail without contrast, which resembles everything and nothing
AT_ONCE = 500  # images compared in one go; bounds the memory


def image_hashes(images):
    """Return a number for each image by which equal ones are found.

    Parameters
    ----------
    images : array_like, shape (N, ...)
        Compared pixel by pixel: equal ones have equal numbers.

    Returns
    -------
    ndarray of uint64, shape (N,)
        BLAKE2b (Aumasson et al., 2013) of the pixels. That two different images of a million share a number
        has a probability below 1e-7.

    Raises
    ------
    DatasetError
        If these are neither numbers nor texts of one shape.
    """
    images = np.ascontiguousarray(as_array(images, "images"))
    digests = [int.from_bytes(blake2b(image.data, digest_size=8).digest(), "big") for image in images]
    return np.array(digests, dtype=np.uint64)


def find_copies(images, others=None):
    """Find images that show the same picture, also when it was saved again as JPEG, resized, mirrored, or
    made brighter or darker.

    Parameters
    ----------
    images : array_like, shape (N, H, W) or (N, H, W, 3)
        uint8 in 0..255 or float in [0, 1]; colour counts as its luminance.
    others : array_like, shape (M, H', W') or (M, H', W', 3), optional
        Default: `images` among themselves.

    Returns
    -------
    ndarray of int, shape (n, 2)
        Places of the first in `images` and of the second in `others`; without them the second is the later
        one. ``images[np.unique(pairs[:, 0])]`` have a copy.

    Raises
    ------
    DatasetError
        If these are no images.

    Notes
    -----
    A thumbnail's square roots, which brightness changes little, less their mean, are correlated; from 0.975
    on it is one picture. Measured by ``python benchmarks/emotions.py --rows copies``: of pictures saved
    again, halved in size, mirrored, made 40 % brighter or bent in their gray levels 99.5 to 100 % are found.
    False alarms: none in 476,397 pairs of photos of different persons (CK+). Drawings have fewer details:
    one in a million pairs of different persons. Pictures that were cropped anew are found in part only.
    """
    same = others is None
    if not len(images) or not (same or len(others)):
        return np.empty((0, 2), dtype=int)
    first = _thumbnails(images)
    second = first if same else _thumbnails(others)
    radius = np.sqrt(2 * (1 - ALIKE))  # nearer than that in all frequencies means nearer in the low ones
    tree = KDTree(_coarse(second))
    pairs = [np.empty((0, 2), dtype=int)]
    for start in range(0, len(first), AT_ONCE):
        thumbnails = first[start : start + AT_ONCE]
        for turned in (thumbnails, thumbnails[:, :, ::-1]):
            near = KDTree(_coarse(turned)).sparse_distance_matrix(tree, radius, output_type="ndarray")
            i, j = near["i"], near["j"]
            alike = np.einsum("nhw,nhw->n", turned[i], second[j]) > ALIKE
            if same:
                alike &= i + start < j
            pairs.append(np.column_stack([i[alike] + start, j[alike]]))
    return np.unique(np.concatenate(pairs), axis=0)


def _thumbnails(images):
    """Square roots of gray values (N, 16, 16), of mean 0 and length 1, shorter without contrast."""
    faces, size = on_ground(as_faces(images, leading=1)), (SIDE, SIDE)
    gray = (f @ REC_601.astype(np.float32) if is_colour(faces) else np.ascontiguousarray(f) for f in faces)
    small = np.array([cv2.resize(face, size, interpolation=cv2.INTER_AREA) for face in gray], np.float32)
    roots = np.sqrt(small if faces.dtype == np.uint8 else 255 * small)
    roots -= roots.mean(axis=(1, 2), keepdims=True)
    return roots / np.maximum(np.linalg.norm(roots, axis=(1, 2), keepdims=True), FLAT)


def _coarse(thumbnails):
    return dctn(thumbnails, axes=(1, 2), norm="ortho")[:, :COARSE, :COARSE].reshape(len(thumbnails), -1)

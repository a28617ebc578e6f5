"""Many small faces as few pictures for a web page: sheets of tiles in WebP."""

import base64

import cv2
import numpy as np
from joblib import delayed
from skimage.util import montage

from facesom.io import as_bytes, in_threads
from facesom.plots import drawn_box, unit_faces

LARGEST = 64  # pixels of the longer side of a tile
ACROSS = 16  # tiles in a row of a sheet
PER_SHEET = 128  # few enough that showing one face decodes little, many enough to compress well
LOSSLESS = 101  # WebP qualities, as OpenCV counts them
LOSSY = (75, 50, 25)
BUDGET = 9_000_000  # bytes beyond which faces are stored with more loss


def tile_size(height, width):
    """Height and width of a face whose longer side is at most `LARGEST`."""
    shrink = min(1, LARGEST / max(height, width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def inked(faces, size):
    """Left, top, width and height in a tile of what is drawn: less the margin where all faces are alike.

    Parameters
    ----------
    faces : ndarray of float, shape (n, H, W) or (n, H, W, 3), in [0, 1]
    size : tuple of int
        Height and width of a tile.

    Returns
    -------
    list of float
        In pixels of the tile; the whole tile if all faces are the same.
    """
    rows, cols = drawn_box(faces)
    down, right = np.divide(size, faces.shape[1:3])
    (left, width), (top, height) = ((part.start, part.stop - part.start) for part in (cols, rows))
    return [float(side) for side in (left * right, top * down, width * right, height * down)]


def pack_sheets(faces, size):
    """Encode faces as sheets of `PER_SHEET` tiles, `ACROSS` in a row, in the order in which they come.

    Parameters
    ----------
    faces : ndarray, shape (n, H, W) or (n, H, W, 3 or 4)
        uint8, or float that is clipped to [0, 1].
    size : tuple of int
        Height and width of a tile.

    Returns
    -------
    list of str
        WebP in base64: without loss where that takes least, as it does for drawings; else of quality 75, or
        50 or 25 for very many. The first sheet decides.
    """
    parts = [faces[start : start + PER_SHEET] for start in range(0, len(faces), PER_SHEET)]
    first = lay_out_tiles(parts[0], size)
    takes = {quality: len(parts) * len(_webp(first, quality)) for quality in (LOSSLESS, *LOSSY)}
    fitting = [quality for quality in LOSSY if takes[quality] <= BUDGET] or LOSSY[-1:]
    quality = LOSSLESS if takes[LOSSLESS] <= takes[LOSSY[0]] else fitting[0]
    encode = delayed(lambda part: _webp(lay_out_tiles(part, size), quality))
    return [base64.b64encode(sheet).decode() for sheet in in_threads(encode(part) for part in parts)]


def lay_out_tiles(faces, size):
    """Faces as uint8 tiles of one picture, `ACROSS` in a row."""
    faces = as_bytes(unit_faces(faces[None])[0])
    if faces.shape[1:3] != size:
        faces = np.stack([cv2.resize(face, size[::-1], interpolation=cv2.INTER_AREA) for face in faces])
    grid = -(-len(faces) // ACROSS), ACROSS
    return montage(faces, fill=(0, 0, 0), grid_shape=grid, channel_axis=3 if faces.ndim == 4 else None)


def _webp(picture, quality):
    picture = np.ascontiguousarray(picture[..., ::-1]) if picture.ndim == 3 else picture  # OpenCV wants BGR
    return cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()

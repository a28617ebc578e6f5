"""A face that may be shown, scikit-image's astronaut (NASA, public domain): a video, and her landmarks."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np

from facesom.io import DatasetError, atomic_write

__all__ = ["ASTRONAUT_LANDMARKS", "astronaut_landmarks", "write_example_video"]

FPS = 25
HEIGHT, WIDTH = 240, 320
PORTRAIT = np.s_[20:240, 110:330]  # of the photo

# second: pixels from the middle, to the right; at -230 nobody is to be seen
_PATH = {0: 40, 1.2: -10, 1.9: -230, 2.0: -230, 2.7: -10, 4: 50, 4.9: -230, 6.9: -230, 7.7: 0, 9: 30}

_X = (
    "179.4 179.8 180.6 181.8 184.9 191.2 199.9 209.0 220.1 231.9 243.0 253.1 260.3 265.0 267.7 270.2 "
    "271.7 186.2 192.0 200.3 208.6 216.2 235.9 244.1 252.2 260.2 265.3 225.5 225.5 225.2 224.9 214.1 "
    "219.2 224.0 229.5 234.2 195.0 200.3 207.0 212.5 206.1 199.5 237.5 243.4 249.9 255.1 250.1 243.7 "
    "200.3 209.0 217.5 223.2 229.2 237.3 245.6 237.3 228.8 222.1 215.8 207.4 203.1 217.2 223.1 229.1 "
    "242.7 228.8 222.7 216.5 "
)
_Y = (
    "104.4 115.9 127.3 138.6 150.2 160.1 168.3 175.7 178.1 176.9 171.0 163.8 154.3 143.3 131.5 120.1 "
    "107.9 94.1 88.3 87.1 88.7 92.3 93.7 90.7 90.3 92.2 98.5 102.3 110.5 118.6 127.1 130.9 132.4 134.3 "
    "132.8 131.6 101.2 97.7 98.4 103.7 104.4 103.7 105.1 100.5 100.5 104.1 106.4 106.0 139.1 139.1 139.5 "
    "140.7 139.9 140.0 140.6 150.9 155.1 155.7 154.7 149.7 140.3 143.0 144.1 143.4 141.8 149.8 150.4 "
    "149.4 "
)

#: 68 landmarks of the astronaut's face in `skimage.data.astronaut()`, x and y in pixels, found with dlib.
ASTRONAUT_LANDMARKS = np.array([_X.split(), _Y.split()], dtype=float).T


def astronaut_landmarks(photo, boxes):
    """Say where the landmarks of the astronaut are: a stand-in for `find_landmarks` where dlib is missing.

    Parameters
    ----------
    photo : ndarray of uint8, shape (512, 512, 3)
        `skimage.data.astronaut()`, no other.
    boxes : array_like of int, shape (K, 4)
        Which face is meant does not matter: she is the only one.

    Returns
    -------
    ndarray of float64, shape (K, 68, 2)

    Raises
    ------
    ValueError
        If this is another photo.
    """
    if not np.array_equal(photo, _astronaut()):
        raise ValueError(
            "photo: these landmarks belong to skimage.data.astronaut() alone; for other photos use "
            "find_landmarks, which needs dlib."
        )
    return np.repeat(ASTRONAUT_LANDMARKS[None], len(boxes), axis=0)


def write_example_video(path):
    """Write nine seconds of video: a face comes in, is away for a moment, then for two seconds.

    Parameters
    ----------
    path : str or Path
        An ``.mp4`` file to write.

    Raises
    ------
    DatasetError
        If OpenCV cannot write it.
    """
    with tempfile.TemporaryDirectory() as folder:  # OpenCV writes in place and by name only
        made = Path(folder) / f"example{Path(path).suffix}"
        if not Path(path).parent.is_dir() or not _write(made):
            raise DatasetError(
                f"{path}: OpenCV cannot write this video; is the folder there, and the suffix .mp4?"
            )
        with atomic_write(path, "wb") as file:
            file.write(made.read_bytes())


def _write(path):
    """Whether OpenCV could write it."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), FPS, (WIDTH, HEIGHT))
    portrait = np.ascontiguousarray(_astronaut()[PORTRAIT][..., ::-1])
    middle = (WIDTH - portrait.shape[1]) / 2, (HEIGHT - portrait.shape[0]) / 2
    for second in np.arange(0, max(_PATH), 1 / FPS):
        right = np.interp(second, list(_PATH), list(_PATH.values()))
        down = 6 * np.sin(3 * second)
        shift = np.array([[1, 0, middle[0] + right], [0, 1, middle[1] + down]])
        writer.write(cv2.warpAffine(portrait, shift, (WIDTH, HEIGHT), borderValue=(90, 90, 90)))
    written = writer.isOpened()
    writer.release()
    return written


def _astronaut():
    from skimage.data import astronaut

    return astronaut()

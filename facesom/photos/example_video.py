"""A face that may be shown, scikit-image's astronaut (NASA, public domain): a video, and her landmarks."""

import tempfile
from pathlib import Path

import cv2
import numpy as np

from facesom.io import DatasetError, atomic_write

FPS = 25
HEIGHT, WIDTH = 240, 320
PORTRAIT = np.s_[20:240, 110:330]  # of the photo

# second: pixels from the middle, to the right; at -230 nobody is to be seen
_PATH = {0: 40, 1.2: -10, 1.9: -230, 2.0: -230, 2.7: -10, 4: 50, 4.9: -230, 6.9: -230, 7.7: 0, 9: 30}

#: 68 landmarks of the astronaut's face in `skimage.data.astronaut()`, x and y in pixels, found with dlib.
ASTRONAUT_LANDMARKS = np.loadtxt(Path(__file__).parent / "models" / "astronaut_landmarks.csv", delimiter=",")


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
            "photo: these landmarks belong to skimage.data.astronaut() alone; use find_landmarks."
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
            raise DatasetError(f"{path}: OpenCV cannot write this video; is there the folder, and .mp4?")
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

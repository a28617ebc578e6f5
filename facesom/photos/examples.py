"""What notebooks show where nobody brings photos: scikit-image's astronaut (NASA, public domain)."""

import tempfile
from pathlib import Path

import cv2
import numpy as np
from skimage import data

from facesom.io import DatasetError, atomic_write

from .files import files_in

FPS = 25
HEIGHT, WIDTH = 240, 320
PORTRAIT = np.s_[20:240, 110:330]  # of the photo
TILE = 300  # pixels

# second: pixels from the middle, to the right; at -230 nobody is to be seen
_PATH = {0: 40, 1.2: -10, 1.9: -230, 2.0: -230, 2.7: -10, 4: 50, 4.9: -230, 6.9: -230, 7.7: 0, 9: 30}

#: What is done to the portrait in each place of `astronaut_versions`, from left to right, row by row.
VERSIONS = ("as she is", "mirrored", "head tilted", "in the dark", "out of focus", "mouth covered")

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
    if not np.array_equal(photo, data.astronaut()):
        raise ValueError("photo: expected skimage.data.astronaut() alone, got another; use find_landmarks.")
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
    portrait = np.ascontiguousarray(data.astronaut()[PORTRAIT][..., ::-1])
    left, top = (WIDTH - portrait.shape[1]) / 2, (HEIGHT - portrait.shape[0]) / 2
    with tempfile.TemporaryDirectory() as folder:  # OpenCV writes in place and by name only
        made = Path(folder) / f"example{Path(path).suffix}"
        writer = cv2.VideoWriter(str(made), cv2.VideoWriter_fourcc(*"mp4v"), FPS, (WIDTH, HEIGHT))
        for second in np.arange(0, max(_PATH), 1 / FPS):
            right, down = np.interp(second, list(_PATH), list(_PATH.values())), 6 * np.sin(3 * second)
            shift = np.array([[1, 0, left + right], [0, 1, top + down]])
            writer.write(cv2.warpAffine(portrait, shift, (WIDTH, HEIGHT), borderValue=(90, 90, 90)))
        written = writer.isOpened()
        writer.release()
        if not written or not Path(path).parent.is_dir():
            raise DatasetError(f"{path}: OpenCV cannot write this video; is there the folder, and .mp4?")
        with atomic_write(path, "wb") as file:
            file.write(made.read_bytes())


def astronaut_versions():
    """Return one picture with six versions of one face, for which a model should say the same six times.

    Returns
    -------
    ndarray of uint8, shape (600, 900, 3)
        The portrait of Eileen Collins (NASA, public domain), which comes with scikit-image.
    """
    portrait = cv2.resize(data.astronaut()[:230, 105:335], (TILE, TILE), interpolation=cv2.INTER_CUBIC)
    tilt = cv2.getRotationMatrix2D((TILE / 2, TILE / 2), 20, 1.0)
    covered = portrait.copy()
    covered[178:225, 105:210] = (90, 120, 150)
    tiles = [
        portrait,
        portrait[:, ::-1],
        cv2.warpAffine(portrait, tilt, (TILE, TILE), borderMode=cv2.BORDER_REFLECT),
        (255 * (portrait / 255) ** 2.2 * 0.7).astype(np.uint8),
        cv2.GaussianBlur(portrait, (0, 0), 5),
        covered,
    ]
    return np.vstack([np.hstack(tiles[:3]), np.hstack(tiles[3:])])


def find_photos(path="", *, folder="outputs"):
    """Return the paths of photos: one's own, uploaded ones, or four that are made here.

    Parameters
    ----------
    path : str or Path, default ""
        A photo, or a folder of them; ``"upload"`` asks for some with Colab's upload form; ``""`` writes four
        files into ``folder/photos``: an astronaut, six versions of her face, a cat, and one that is damaged.
    folder : str or Path, default "outputs"

    Returns
    -------
    list of pathlib.Path

    Raises
    ------
    ValueError
        If there is no such file or folder, the folder is empty, or ``"upload"`` is asked for outside Colab.
    """
    if path == "upload":
        try:
            from google.colab.files import upload
        except ImportError:
            raise ValueError('photo_path: "upload" works in Colab only; here, give a path.') from None
        if not (chosen := upload()):
            raise ValueError("photo_path: no file was chosen; run the cell again.")
        return [Path(name) for name in chosen]
    if path:
        if not (paths := files_in(path)):
            raise ValueError(f"photo_path: the folder {str(path)!r} holds no file.")
        return paths
    folder = Path(folder) / "photos"
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {"one_face_six_times": astronaut_versions(), "astronaut": data.astronaut(), "cat": data.cat()}
    files = {name: cv2.imencode(".png", p[..., ::-1])[1].tobytes() for name, p in pictures.items()}
    files["damaged"] = files["cat"][:5000]
    for name, content in files.items():
        with atomic_write(folder / f"{name}.png", "wb") as file:
            file.write(content)
    return [folder / f"{name}.png" for name in files]

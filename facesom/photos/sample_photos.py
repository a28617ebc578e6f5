"""Photos that a notebook can show: one's own, or some made of scikit-image's portrait of an astronaut."""

from pathlib import Path

import cv2
import numpy as np

from facesom.io import atomic_write

from .files import files_in

#: What is done to the portrait in each place of `astronaut_versions`, from left to right, row by row.
VERSIONS = ("as she is", "mirrored", "head tilted", "in the dark", "out of focus", "mouth covered")

TILE = 300  # pixels


def astronaut_versions():
    """Return one picture with six versions of one face, for which a model should say the same six times.

    Returns
    -------
    ndarray of uint8, shape (600, 900, 3)
        The portrait of Eileen Collins (NASA, public domain), which comes with scikit-image.
    """
    from skimage.data import astronaut

    portrait = cv2.resize(astronaut()[:230, 105:335], (TILE, TILE), interpolation=cv2.INTER_CUBIC)
    middle = (TILE / 2, TILE / 2)
    tilt = cv2.getRotationMatrix2D(middle, 20, 1.0)
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
            from google.colab import files
        except ImportError:
            raise ValueError('photo_path: "upload" works in Colab only; here, give a path.') from None
        if not (chosen := files.upload()):
            raise ValueError("photo_path: no file was chosen; run the cell again.")
        return [Path(name) for name in chosen]
    if path:
        if not (paths := files_in(path)):
            raise ValueError(f"photo_path: the folder {str(path)!r} holds no file.")
        return paths
    from skimage.data import astronaut, cat

    folder = Path(folder) / "photos"
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {"one_face_six_times": astronaut_versions(), "astronaut": astronaut(), "cat": cat()}
    contents = {
        f"{name}.png": cv2.imencode(".png", p[..., ::-1])[1].tobytes() for name, p in pictures.items()
    }
    contents["damaged.png"] = contents["cat.png"][:5000]
    for name, content in contents.items():
        with atomic_write(folder / name, "wb") as file:
            file.write(content)
    return [folder / name for name in contents]

"""Where a notebook finds its input, whether it runs in Colab or at home."""

from pathlib import Path

from facesom.dataset import save
from facesom.synthetic import make_faces

__all__ = ["find_data"]


def find_data(path="", *, n_persons=43, n_frames=500, folder="outputs"):
    """Return the path of a pickle of faces: one's own, an uploaded one, or one of drawn faces.

    Parameters
    ----------
    path : str or Path, default ""
        A file; ``"upload"`` asks for one with Colab's upload form; ``""`` draws faces with `make_faces`
        (seed 0) and keeps them in `folder`, so that they are drawn only once.
    n_persons, n_frames : int, default 43, 500
        How many faces are drawn if `path` is empty.
    folder : str or Path, default "outputs"
        Where drawn faces are kept; made if missing.

    Returns
    -------
    pathlib.Path
        An existing file for `facesom.load`.

    Raises
    ------
    ValueError
        If the file does not exist, or if ``"upload"`` is asked for outside Colab or nothing was chosen.
    """
    if path == "upload":
        return _upload()
    if path:
        path = Path(path).expanduser()
        if not path.is_file():
            raise ValueError(
                f"data_path: there is no file {str(path)!r} (looked from {Path.cwd()}). "
                'Give its full path, "upload" to choose it in Colab, or "" for drawn faces.'
            )
        return path
    path = Path(folder) / f"drawn_faces_{n_persons}x{n_frames}.pickle"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        save(make_faces(n_persons, n_frames).dataset, path)
    return path


def _upload():
    try:
        from google.colab import files
    except ImportError:
        raise ValueError(
            'data_path: "upload" works in Colab only; here, give the path of your file.'
        ) from None
    chosen = files.upload()
    if not chosen:
        raise ValueError("data_path: no file was chosen; run the cell again.")
    return Path(next(iter(chosen)))

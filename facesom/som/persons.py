"""One map for each person, trained side by side, kept in a folder if that is wanted."""

import warnings
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from joblib import delayed
from numpy.typing import ArrayLike
from sklearn.base import clone
from tqdm.auto import tqdm

from facesom.io import in_threads, one_thread

from .checks import check_persons
from .map import FOLDED_ADVICE, FaceSOM
from .mapfile import load_if_same
from .quality import FOLDED


def fit_soms(
    X1: ArrayLike | Sequence[ArrayLike],
    method: str = "batch",
    seed: int = 42,
    *,
    n_jobs: int | None = 2,
    progress: bool = True,
    folder: str | Path | None = None,
    **parameters,
) -> list[FaceSOM]:
    """Train one map for each person.

    Parameters
    ----------
    X1 : ndarray of shape (P, N, H, W), or sequence of P arrays (N, H, W) or (N, D)
        Faces of each person, as `FaceSOM.fit` takes them; numbers of frames may differ in a sequence.
    method : {"batch", "online"}, default "batch"
        As in `FaceSOM`.
    seed : int, default 42
        Every person's map gets this seed, so that each equals ``FaceSOM(seed=seed).fit(X1[p])``.
    n_jobs : int or None, default 2
        Threads, each with one BLAS thread. Inside ``joblib.parallel_config`` the backend named there does the
        work, and None takes its number of jobs.
    progress : bool, default True
        Show a progress bar.
    folder : str or path-like, optional
        Keep each map here as ``person_0000.npz`` and so on. Maps that are there already, with the same
        parameters and of the same faces, are read instead of trained; damaged ones are trained anew.
    **parameters
        Further parameters of `FaceSOM`.

    Returns
    -------
    list of FaceSOM
        In the order of the persons.

    Raises
    ------
    ValueError
        If X1 is not a sequence of persons, or a person's faces do not fit; the message names the person.

    Warns
    -----
    UserWarning
        Once, naming the persons whose maps are folded.

    Examples
    --------
    >>> import facesom
    >>> X1 = facesom.to_grayscale(facesom.make_faces(2, 30, seed=0).dataset).X1
    >>> soms = facesom.fit_soms(X1, rows=3, cols=4, progress=False)
    >>> [som.prototypes_.shape for som in soms]
    [(3, 4, 64, 64), (3, 4, 64, 64)]
    """
    persons = check_persons(X1)
    som = FaceSOM(method=method, seed=seed, **parameters)
    files = [None] * len(persons)
    if folder is not None:
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        files = [folder / f"person_{p:04d}.npz" for p in range(len(persons))]
    soms = [file and load_if_same(file, som, X) for file, X in zip(files, persons, strict=True)]
    waiting = [p for p, found in enumerate(soms) if found is None]
    tasks = (delayed(fit_person)(som, persons[p], p) for p in waiting)
    done = len(persons) - len(waiting)
    bar = tqdm(total=len(persons), initial=done, desc="maps", unit="person", disable=not progress)
    with one_thread(), bar, closing(in_threads(tasks, n_jobs)) as work:
        for p, trained in zip(waiting, work, strict=True):
            soms[p] = trained
            if folder is not None:
                trained.save(files[p])
            bar.update()
    folded = [p for p, trained in enumerate(soms) if trained.topographic_error_ > FOLDED]
    if folded:
        who = f"{len(folded)} of {len(soms)} persons, {folded}. Use {FOLDED_ADVICE[method]}"
        warnings.warn(f"folded maps, topographic error over {FOLDED}: {who}.", stacklevel=2)
    return soms


def fit_person(som, X, person):
    """Return a new map with the parameters of `som`, trained on one person."""
    som = clone(som)
    try:
        som._train(X)
    except ValueError as error:
        raise ValueError(f"person {person}: {error}") from error
    return som

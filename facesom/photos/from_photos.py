"""People's own photos and videos turned into drawn faces, in the format of all notebooks."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from facesom.drawn import distances, draw_landmarks
from facesom.io import DatasetError, FaceDataset, check_whole

from .faces import read_again
from .files import is_video, list_files
from .landmarks import DRAWN, align_landmarks, eye_frame, find_landmarks, head_turn, jumps, steady_landmarks
from .tracks import track_faces

#: What makes a frame too poor to draw. The limit is the most that passes, for lids and distance the least.
LIMITS = {
    "unsteady": 0.012,  # spread of the landmarks, eye distances: hidden, blurred, or no face at all
    "turned": 0.35,  # `head_turn`, about 20 degrees
    "jumping": 0.15,  # a landmark away from the frames before and after, eye distances: a slip of the tracker
    "eyes closed": 0.03,  # opening of the lids, eye distances: what is less cannot be drawn
    "small": 12,  # distance of the eyes, pixels
}


@dataclass(frozen=True, eq=False, repr=False)
class DrawnPhotos:
    """Drawn faces of P persons, N frames each, and what was left out on the way.

    Attributes
    ----------
    dataset : FaceDataset
        X1 uint8 RGB (P, N, size, size, 3) on black; X2 float64 (P, N, 12), columns `drawing.X2_NAMES`, in
        eye distances; y (P,).
    persons : tuple of str
        Names, in the order of the data set.
    landmarks : ndarray of float64, shape (P, N, 42, 2)
        What was drawn, in pixels of the drawing: draw it anew with `drawing.draw_landmarks`.
    rows : pandas.DataFrame
        One row for each frame that was looked at: "person", "file", "frame" (0 for a photo), "quality" (1 the
        best, 0 poor), "reason" why it was left out, or "", "used", whether it is in the data set.
    too_few : dict of str to int
        Persons left out, and how many good frames they have.
    failed : dict of str to str
        Files that could not be read, and why.
    """

    dataset: FaceDataset
    persons: tuple
    landmarks: np.ndarray
    rows: pd.DataFrame
    too_few: dict
    failed: dict

    @property
    def reasons(self):
        """dict of str to int: how many frames were left out for which reason."""
        reasons = self.rows["reason"]
        return reasons[reasons != ""].value_counts().to_dict()

    def to_frame(self):
        """Return a pandas DataFrame, one row for each frame that was looked at; columns as in `rows`."""
        return self.rows.copy()

    def __repr__(self):
        good, used = (self.rows["reason"] == "").sum(), self.rows["used"].sum()
        left_out = {
            "left out": [f"{n} {reason}" for reason, n in self.reasons.items()],
            "persons with too few good frames": [f"{name} ({n})" for name, n in self.too_few.items()],
            "could not read": [f"{name}: {why}" for name, why in self.failed.items()],
        }
        shape = f"{self.dataset.n_persons} persons × {self.dataset.n_frames} frames"
        used = f"{len(self.rows)} frames looked at, {good} good, {used} used, evenly spaced"
        lines = [f"{what}: {', '.join(names)}" for what, names in left_out.items() if names]
        return "\n  ".join([f"DrawnPhotos: {shape}", used, *lines])


def draw_from_photos(
    source,
    *,
    landmarks=None,
    detector="network",
    min_size=None,
    persons=None,
    label=None,
    n_frames=None,
    min_frames=5,
    every=1,
    max_frames=None,
    limits=None,
    size=64,
    progress=False,
):
    """Turn photos and videos of faces into a data set of drawn faces.

    A face is found, its 68 landmarks made steady (`steady_landmarks`), judged, rolled and scaled until the
    eyes lie where a drawing has them, and drawn in flat colours.

    Who is who: the files of a sub-folder are one person; else each video is one, and photos go by the
    beginning of their names (`list_files` states the rule). In a photo the largest steady face counts. In a
    video every face that is followed is a person: the one seen most has the name, others get "#2", "#3", ...

    How many frames: all persons get as many as the one with fewest good frames has, evenly spaced over their
    good ones in the order of file names and time. Who has fewer than `min_frames` is left out, and named.

    Parameters
    ----------
    source : str, Path or sequence of these
        A folder (with its sub-folders), a video, a photo, or several of them.
    landmarks : callable, optional
        ``landmarks(photo, boxes)`` returns (K, 68, 2) in pixels. Default: `find_landmarks`, with dlib.
    detector, min_size
        As in `find_faces`.
    persons : {"folder", "name"} or callable, optional
        Another rule than the above: everything by folder, everything by the beginning of the file name, or
        ``persons(path)`` returns the name.
    label : dict or callable, optional
        Label of each person, by name: 0 happy, 1 unhappy. -1 where none is given.
    n_frames : int, optional
        Frames of each person; who has fewer good ones is left out. Default: see above.
    min_frames : int
    every, max_frames : int
        Look at every how many frames of a video, and at how many at most.
    limits : dict, optional
        Replaces some of `LIMITS`; `numpy.inf` (for "eyes closed" and "small" 0) lets all pass.
    size : int
        Side of the drawings in pixels.
    progress : bool
        Show progress bars.

    Returns
    -------
    DrawnPhotos

    Raises
    ------
    DatasetError
        If there is no photo or video, or nobody has enough good frames; the message says what was found.
    ImportError
        If dlib is missing and no `landmarks` are given.
    ValueError
        If an argument is out of its range.
    """
    limits = LIMITS | (limits or {})
    if wrong := [name for name, value in limits.items() if name not in LIMITS or not value >= 0]:
        got = f"{wrong[0]!r}: {limits[wrong[0]]!r}"
        raise ValueError(f"limits: expected numbers from 0 up for some of {', '.join(LIMITS)}, got {got}.")
    check_whole(min_frames, "min_frames")
    if n_frames is not None:
        check_whole(n_frames, "n_frames")

    # what would fail after a long run fails here
    draw_landmarks(np.empty((0, 42, 2)), size=size)
    files = list_files(source, persons)
    landmarks = landmarks or find_landmarks
    if landmarks is find_landmarks:
        find_landmarks(np.zeros((8, 8, 3), np.uint8), [])

    def measure(photo, boxes):
        return list(zip(*steady_landmarks(photo, boxes, landmarks), strict=True))

    options = {"detector": detector, "min_size": min_size, "every": every, "max_frames": max_frames}
    looks, failed = [], {}
    for path, person in tqdm(files, desc="files", disable=not progress):
        try:
            film = is_video(path)
            frames = path if film else [read_again(path)]  # a photo is a film of one frame
            tracks = track_faces(frames, each=measure, progress=progress and film, **options)
        except (DatasetError, OSError) as error:
            failed[str(path)] = str(error)
            continue
        for place, face in enumerate(_in_order(tracks, film, limits["unsteady"])):
            name = f"{person}#{place + 1}" if place else person
            looks += [(name, str(path), *verdict) for verdict in _judge(tracks, face, limits)]
        without = np.setdiff1d(tracks.looks, tracks.frame).tolist()
        looks += [(person, str(path), number, None, 0.0, "no face") for number in without]
    looks = pd.DataFrame(looks, columns=["person", "file", "frame", "points", "quality", "reason"])
    return _drawn(looks, failed, label, n_frames, min_frames, size)


def _in_order(tracks, film, limit):
    """Faces of a film, the one seen most first; of a photo the largest steady one alone."""
    if film:
        return np.argsort(-np.bincount(tracks.face, tracks.boxes[:, 2], len(tracks)), kind="stable")
    unsteady = [spread > limit for _, spread in tracks.values]
    return np.lexsort((-tracks.boxes[:, 2:].prod(axis=1), unsteady))[:1]


def _judge(tracks, face, limits):
    """For each frame its number, landmarks, their quality, 0 to 1, and why it is too poor, or ""."""
    rows = np.flatnonzero(tracks.face == face)
    points, spread = (np.array(x) for x in zip(*(tracks.values[row] for row in rows), strict=True))
    distance, lids = eye_frame(points)[1], np.zeros(len(points))
    real = distance > 0
    lids[real] = distances(points[real][:, DRAWN])[:, :2].min(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        strain = {
            "small": np.where(real, limits["small"] / distance, np.inf),
            "unsteady": spread / limits["unsteady"],
            "turned": np.abs(head_turn(points)) / limits["turned"],
            "jumping": jumps(points, tracks.frame[rows]) / limits["jumping"],
            "eyes closed": limits["eyes closed"] / lids,
        }
    strain = pd.DataFrame(strain).fillna(0)  # of 0 over 0: where everything passes
    worst = strain.max(axis=1)
    reason = strain.idxmax(axis=1).where(worst > 1, "")
    return zip(tracks.frame[rows].tolist(), points, (1 - worst).clip(lower=0), reason, strict=True)


def _drawn(looks, failed, label, n_frames, min_frames, size):
    """The result: persons with enough good frames, as many of each, drawn."""
    good = looks["reason"] == ""
    n_good = good.groupby(looks["person"], sort=False).sum()
    enough = n_good[n_good >= (n_frames or min_frames)]
    too_few = n_good.drop(enough.index).to_dict()
    if not len(enough):
        people = ", ".join(f"{name}: {n}" for name, n in list(too_few.items())[:8]) or "no file could be read"
        reasons = looks["reason"][~good].value_counts()
        why = [f"{n} frames left out: {reason}" for reason, n in reasons.items()]
        why += [f"{name}: {error}" for name, error in list(failed.items())[:3]]
        got = f"{people}; {'; '.join(why)}. Fewer may do (min_frames), or looser limits"
        raise DatasetError(f"nobody has {n_frames or min_frames} good frames; {got}")
    even = np.linspace(0, enough - 1, n_frames or enough.min(), axis=1).round().astype(int)
    places = [np.flatnonzero(good & (looks["person"] == name)) for name in enough.index]
    used = np.array([mine[chosen] for mine, chosen in zip(places, even, strict=True)])
    points = np.array([[*looks["points"][rows]] for rows in used])
    aligned = align_landmarks(points, size)
    y = [label(name) if callable(label) else (label or {}).get(name, -1) for name in enough.index]
    if isinstance(label, dict) and (missing := [name for name in enough.index if name not in label]):
        warnings.warn(f"no label for {', '.join(missing)}: -1 in y.", stacklevel=3)
    X1, X2 = draw_landmarks(aligned, size=size), distances(points[..., DRAWN, :])
    rows = looks.drop(columns="points").assign(used=np.isin(looks.index, used))
    return DrawnPhotos(FaceDataset(X1, X2, np.array(y)), tuple(enough.index), aligned, rows, too_few, failed)

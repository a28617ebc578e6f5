"""People's own photos and videos turned into drawn faces, in the format of all notebooks."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from facesom.drawn import distances, draw_landmarks
from facesom.io import DatasetError, FaceDataset, check_whole

from .faces import find_faces, read_photo
from .files import is_video, list_files
from .landmarks import (
    DRAWN,
    EYE_DISTANCE,
    align_landmarks,
    eye_frame,
    find_landmarks,
    head_turn,
    steady_landmarks,
)
from .tracks import track_faces

__all__ = ["LIMITS", "DrawnPhotos", "draw_from_photos", "find_landmarks"]

#: What makes a frame too poor to draw. The limit is the most that passes, for lids and distance the least.
LIMITS = {
    "unsteady": 0.012,  # spread of the landmarks, eye distances: hidden, blurred, or no face at all
    "turned": 0.35,  # `head_turn`, about 20 degrees
    "jumping": 0.15,  # a landmark away from the frames before and after, eye distances: a slip of the tracker
    "eyes closed": 0.03,  # opening of the lids, eye distances: what is less cannot be drawn
    "small": 12,  # distance of the eyes, pixels
}


class _Frame(NamedTuple):
    """One look at one person."""

    file: str
    frame: int
    points: np.ndarray | None  # (68, 2)
    quality: float
    reason: str


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
    rows : dict of str to ndarray
        Every frame that was looked at: "person", "file", "frame" (0 for a photo), "quality" (1 the best, 0
        poor), "reason" why it was left out, or "", "used", whether it is in the data set.
    too_few : dict of str to int
        Persons left out, and how many good frames they have.
    failed : dict of str to str
        Files that could not be read, and why.
    """

    dataset: FaceDataset
    persons: tuple
    landmarks: np.ndarray
    rows: dict
    too_few: dict
    failed: dict

    @property
    def reasons(self):
        """dict of str to int: how many frames were left out for which reason."""
        return dict(Counter(self.rows["reason"][self.rows["reason"] != ""].tolist()).most_common())

    def to_frame(self):
        """Return a pandas DataFrame, one row for each frame that was looked at; columns as in `rows`."""
        return pd.DataFrame(self.rows)

    def __repr__(self):
        looked, used = self.rows["person"].size, int(self.rows["used"].sum())
        good = int((self.rows["reason"] == "").sum())
        lines = [
            f"DrawnPhotos: {self.dataset.n_persons} persons × {self.dataset.n_frames} frames",
            f"  {looked} frames looked at, {good} good, {used} used, evenly spaced",
        ]
        if self.reasons:
            lines.append("  left out: " + ", ".join(f"{n} {reason}" for reason, n in self.reasons.items()))
        if self.too_few:
            few = ", ".join(f"{name} ({n})" for name, n in self.too_few.items())
            lines.append(f"  persons with too few good frames: {few}")
        lines += [f"  could not read {name}: {why}" for name, why in self.failed.items()]
        return "\n".join(lines)


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
    limits = _check_limits(limits)
    check_whole(min_frames, "min_frames")
    if n_frames is not None:
        check_whole(n_frames, "n_frames")

    # what would fail after a long run fails here
    draw_landmarks(np.empty((0, 42, 2)), size=size)
    files = list_files(source, persons)
    if landmarks is None:
        landmarks = find_landmarks
        find_landmarks(np.zeros((8, 8, 3), np.uint8), [])

    def measure(photo, boxes):
        return list(zip(*steady_landmarks(photo, boxes, landmarks), strict=True))

    options = {"detector": detector, "min_size": min_size}
    video_options = options | {"every": every, "max_frames": max_frames, "progress": progress}
    found, failed = {}, {}
    for path, person in tqdm(files, desc="files", disable=not progress):
        try:
            if is_video(path):
                tracks = track_faces(path, each=measure, **video_options)
                seen = _from_video(tracks, person, path, limits)
            else:
                seen = {person: [_from_photo(path, options, measure, limits)]}
        except (DatasetError, OSError) as error:
            failed[str(path)] = str(error)
            seen = {}
        for name, frames in seen.items():
            found.setdefault(name, []).extend(frames)
    return _drawn(found, failed, label, n_frames, min_frames, size)


def _check_limits(limits):
    limits = dict(limits or {})
    if unknown := [name for name in limits if name not in LIMITS]:
        raise ValueError(f"limits: expected some of {', '.join(LIMITS)}, got {unknown[0]!r}.")
    for name, value in limits.items():
        if not np.isscalar(value) or not value >= 0:
            raise ValueError(f"limits: expected a number from 0 up for {name!r}, got {value!r}.")
    return LIMITS | limits


def _from_photo(path, options, measure, limits):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a photo was scaled down does not matter to its drawing
        photo = read_photo(path)
    boxes = find_faces(photo, **options)
    if not len(boxes):
        return _Frame(str(path), 0, None, 0.0, "no face")
    points, spread = (np.array(values) for values in zip(*measure(photo, boxes), strict=True))
    largest = np.lexsort((-boxes[:, 2] * boxes[:, 3], spread > limits["unsteady"]))[:1]
    ((quality, reason),) = _judge(points[largest], spread[largest], np.zeros(1), limits)
    return _Frame(str(path), 0, points[largest[0]], quality, reason)


def _from_video(tracks, person, path, limits):
    """{name: frames} for each face of a video; looks at which nobody was seen count as the first one's."""
    seen = {}
    seen_most = np.argsort(-np.bincount(tracks.face, tracks.boxes[:, 2], len(tracks)), kind="stable")
    for place, face in enumerate(seen_most):
        mine = np.flatnonzero(tracks.face == face)
        points, spread = (np.array(values) for values in zip(*(tracks.values[k] for k in mine), strict=True))
        judged = _judge(points, spread, _jumps(points, tracks.frame[mine]), limits)
        seen[person if place == 0 else f"{person}#{place + 1}"] = [
            _Frame(str(path), int(tracks.frame[k]), row, *verdict)
            for k, row, verdict in zip(mine, points, judged, strict=True)
        ]
    nobody = np.setdiff1d(tracks.looks, tracks.frame)
    seen.setdefault(person, []).extend(_Frame(str(path), int(n), None, 0.0, "no face") for n in nobody)
    return seen


def _jumps(points, frames):
    """How far a landmark lies from its median with the looks before and after, (n,), in eye distances."""
    jumps = np.zeros(len(points))
    if len(points) > 2:
        aligned = align_landmarks(points, size=1) / EYE_DISTANCE
        middle = np.median([aligned[:-2], aligned[1:-1], aligned[2:]], axis=0)
        steps = np.diff(frames)
        in_row = np.maximum(steps[:-1], steps[1:]) == steps.min()
        jumps[1:-1] = in_row * np.linalg.norm(aligned[1:-1] - middle, axis=-1).max(axis=-1)
    return jumps


def _judge(points, spread, jumps, limits):
    """For each frame its quality, 0 to 1, and why it is too poor, or ""."""
    distance = eye_frame(points)[1]
    lids = np.zeros(len(points))
    real = distance > 0
    lids[real] = distances(points[real][:, DRAWN])[:, :2].min(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        strain = {
            "small": limits["small"] / distance,
            "unsteady": spread / limits["unsteady"],
            "turned": np.abs(head_turn(points)) / limits["turned"],
            "jumping": jumps / limits["jumping"],
            "eyes closed": limits["eyes closed"] / lids,
        }
    strain = {name: np.nan_to_num(values, nan=0.0, posinf=np.inf) for name, values in strain.items()}
    strain["small"][~real] = np.inf
    verdicts = []
    for values in zip(*strain.values(), strict=True):
        worst = max(values)
        reason = list(strain)[values.index(worst)] if worst > 1 else ""
        verdicts.append((0.0 if reason else float(1 - worst), reason))
    return verdicts


def _drawn(found, failed, label, n_frames, min_frames, size):
    """The result: persons with enough good frames, as many of each, drawn."""
    good = {name: [k for k, frame in enumerate(frames) if not frame.reason] for name, frames in found.items()}
    enough = {name: places for name, places in good.items() if len(places) >= (n_frames or min_frames)}
    too_few = {name: len(places) for name, places in good.items() if name not in enough}
    rows = [(name, k, frame) for name, frames in found.items() for k, frame in enumerate(frames)]
    if not enough:
        reasons = Counter(frame.reason for _, _, frame in rows if frame.reason).most_common()
        raise DatasetError(
            f"nobody has {n_frames or min_frames} good frames; "
            + (", ".join(f"{name}: {n}" for name, n in list(too_few.items())[:8]) or "no file could be read")
            + "".join(f"; {n} frames left out: {reason}" for reason, n in reasons)
            + "".join(f"; {name}: {why}" for name, why in list(failed.items())[:3])
            + ". Fewer may do (min_frames), or looser limits"
        )
    n_frames = n_frames or min(map(len, enough.values()))
    used = {
        name: [places[k] for k in np.linspace(0, len(places) - 1, n_frames).round().astype(int)]
        for name, places in enough.items()
    }
    points = np.array([[found[name][k].points for k in places] for name, places in used.items()])
    aligned = align_landmarks(points, size)
    dataset = FaceDataset(
        draw_landmarks(aligned, size=size), distances(points[..., DRAWN, :]), _labels(used, label)
    )
    looked = [
        (name, frame.file, frame.frame, frame.quality, frame.reason, k in used.get(name, ()))
        for name, k, frame in rows
    ]
    names = ("person", "file", "frame", "quality", "reason", "used")
    columns = dict(zip(names, map(np.array, zip(*looked, strict=True)), strict=True))
    return DrawnPhotos(dataset, tuple(used), aligned, columns, too_few, failed)


def _labels(persons, label):
    if callable(label):
        return np.array([label(name) for name in persons])
    if label and (missing := [name for name in persons if name not in label]):
        warnings.warn(f"no label for {', '.join(missing)}: -1 in y.", stacklevel=4)
    return np.array([(label or {}).get(name, -1) for name in persons])

"""Faces in a video: read its frames, and follow each face through them.

A tracker by detection: faces are found in every frame anew and matched with those of the frames before by the
overlap of their boxes (Bewley et al., 2016, "Simple online and realtime tracking", without the motion model).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from tqdm.auto import tqdm

from facesom.io import DatasetError

from .faces import find_faces, match_boxes

__all__ = ["VIDEO_SUFFIXES", "FaceTracks", "read_frames", "track_faces"]

#: What a video file is called, in lower case.
VIDEO_SUFFIXES = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv")

ANSI_ART = cv2.VideoWriter.fourcc(*"ansi")  # FFmpeg plays text files
FRAME_RATE = 25.0  # of frames that come without one
RARE = 0.25  # a track found in a smaller share of its looks is noise of the detector


def read_frames(path, *, every=1, max_frames=None):
    """Read a video frame by frame; one frame is in memory at a time.

    Parameters
    ----------
    path : str or Path
        Any format that OpenCV reads: MP4, AVI, MOV, WebM ...
    every : int
        Every how many frames one is read; the others are skipped.
    max_frames : int, optional
        Stop after so many frames. Default: to the end.

    Yields
    ------
    ndarray of uint8, shape (H, W, 3)
        RGB, upright where the file says how it was held.

    Raises
    ------
    DatasetError
        At the call, if there is no such file or no frame can be read from it.
    ValueError
        At the call, if `every` or `max_frames` is no whole number from 1 up.

    Warns
    -----
    UserWarning
        If the frames end well before the length that the file announces.
    """
    _check_whole("every", every)
    if max_frames is not None:
        _check_whole("max_frames", max_frames)
    capture, first = _open(path)
    return islice(_frames(capture, first, path, every), max_frames)


def _check_whole(name, value, least=1):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name}: expected a whole number from {least} up, got {value!r}.")


def _open(path):
    """The opened video and its first frame, BGR, or `DatasetError`."""
    if not isinstance(path, (str, Path)):
        raise DatasetError(
            f"expected the path of a video file, got {type(path).__name__}"
            + (": record the camera to a file first" if isinstance(path, int) else "")
        )
    path = Path(path)
    if not path.is_file():
        guess = ": it is a folder, name one video in it" if path.is_dir() else ""
        raise DatasetError(f"no video {str(path)!r}{guess or f'; looked from {str(Path.cwd())!r}'}")
    if not path.stat().st_size:
        raise DatasetError(f"{path}: the file is empty; copy it again")
    capture = cv2.VideoCapture(str(path))
    read, first = capture.read()
    if capture.get(cv2.CAP_PROP_FOURCC) == ANSI_ART:
        read = False
    if not read:
        capture.release()
        guess = (
            "" if path.suffix.lower() in VIDEO_SUFFIXES else f" ({path.suffix or 'no suffix'}: is it one?)"
        )
        raise DatasetError(
            f"{path}: expected a video, OpenCV reads no frame of it{guess}; is it cut off, or in a rare "
            "format? Play it, and convert it to MP4 (H.264)"
        )
    return capture, first


def _frames(capture, frame, path, every):
    expected, number = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0
    try:
        while True:
            if number % every == 0:
                read, frame = (True, frame) if number == 0 else capture.retrieve()
                if not read:
                    break
                yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            if not capture.grab():
                number += 1
                break
            number += 1
    finally:
        capture.release()
    if number < 0.9 * expected:
        warnings.warn(
            f"{path}: ends after {number} of {expected} announced frames; the rest may be damaged.",
            stacklevel=2,
        )


@dataclass(frozen=True, eq=False, repr=False)
class FaceTracks:
    """Faces followed through a video: n sightings of K faces, sorted by face, then by time.

    Attributes
    ----------
    face : ndarray of int, shape (n,)
        Whose sighting it is, 0 to K - 1 in the order in which the faces appear.
    frame : ndarray of int, shape (n,)
        Number of the frame in the video.
    boxes : ndarray of int, shape (n, 4)
        x, y, width, height in pixels.
    values : list, length n, or None
        What `each` of `track_faces` returned for the sighting.
    looks : ndarray of int, shape (m,)
        Numbers of all frames that were looked at.
    fps : float
        Frames a second.
    dropped : int
        Sightings left out because their track was too short or too rare.
    """

    face: np.ndarray
    frame: np.ndarray
    boxes: np.ndarray
    values: list | None
    looks: np.ndarray
    fps: float
    dropped: int

    def __len__(self):
        """Number of faces."""
        return int(self.face.max(initial=-1)) + 1

    @property
    def time(self):
        """ndarray of float, shape (n,): seconds from the start, at the video's mean frame rate."""
        return self.frame / self.fps

    def __repr__(self):
        lines = [
            f"FaceTracks: {len(self)} faces in {len(self.looks)} frames, {self.looks[-1] / self.fps:.1f} s"
        ]
        for face in range(len(self)):
            time = self.time[self.face == face]
            lines.append(f"  face {face}: {len(time)} sightings, {time[0]:.1f} to {time[-1]:.1f} s")
        if self.dropped:
            lines.append(f"  {self.dropped} sightings in short or rare tracks left out")
        return "\n".join(lines)

    def to_frame(self):
        """Return a pandas DataFrame, a row for each sighting: face, frame, time (s), x, y, w, h."""
        import pandas as pd

        boxes = dict(zip("xywh", self.boxes.T, strict=True))
        return pd.DataFrame({"face": self.face, "frame": self.frame, "time": self.time, **boxes})


def track_faces(
    video,
    *,
    detector="network",
    min_size=None,
    each=None,
    every=1,
    max_frames=None,
    fps=None,
    min_overlap=0.3,
    max_gap=30,
    min_sightings=5,
    progress=False,
):
    """Follow every face through a video.

    A box belongs to the face whose last box it overlaps most, all pairs weighed together (Kuhn, 1955). A face
    that is not found for a while, because it left or turned away, keeps its number when it returns near the
    place where it was lost within `max_gap` frames; else it gets a new one. A cut to another person at the
    same place goes unnoticed: cut such a video into scenes first.

    Parameters
    ----------
    video : str, Path or iterable of ndarray
        A video file, or RGB frames (H, W, 3) uint8 in the order of time.
    detector, min_size
        As in `find_faces`. Where all faces are large, a larger `min_size` saves most of the time.
    each : callable, optional
        ``each(frame, boxes)`` is called for every frame with faces and returns a value for each box, kept in
        `FaceTracks.values`: no frame has to be read twice.
    every : int
        Look at every how many frames. Quick movements need 1 or 2.
    max_frames : int, optional
        Look at no more than so many frames.
    fps : float, optional
        Frames a second. Default: what the file says; 25 for frames.
    min_overlap : float
        Least overlap with the last box, intersection over union, above 0 to 1.
    max_gap : int
        Most frames of the video from one sighting of a face to the next; the next look is never too far.
    min_sightings : int
        A face with fewer sightings is dropped as an error of the detector (with fewer looks: one not found in
        all of them). So is one that was found in less than a quarter of the looks in its time.
    progress : bool
        Show a progress bar.

    Returns
    -------
    FaceTracks
        Without a face: of length 0.

    Raises
    ------
    DatasetError
        If the file cannot be read, or there is no frame.
    ValueError
        If an argument is out of its range, or `each` returns another number of values.
    """
    _check_whole("every", every)
    _check_whole("max_gap", max_gap)
    _check_whole("min_sightings", min_sightings)
    if not 0 < min_overlap <= 1:
        raise ValueError(f"min_overlap: expected a number above 0, up to 1, got {min_overlap!r}.")
    if fps is not None and not 0 < fps < np.inf:
        raise ValueError(f"fps: expected a number of frames a second, got {fps!r}.")
    if isinstance(video, (str, Path)) or not hasattr(video, "__iter__"):
        fps = fps or _frame_rate(video)
        frames = read_frames(video, every=every, max_frames=max_frames)
    else:
        frames = islice(video, 0, max_frames and max_frames * every, every)

    last, seen = [], []  # last: (frame, box) of each face; seen: (face, frame, box, value)
    look = None
    for number, frame in enumerate(tqdm(frames, desc="frames", disable=not progress)):
        look = number * every
        boxes = find_faces(frame, detector, min_size=min_size)
        if not len(boxes):
            continue
        values = [None] * len(boxes) if each is None else list(each(frame, boxes))
        if len(values) != len(boxes):
            raise ValueError(f"each: expected a value for each of {len(boxes)} boxes, got {len(values)}.")
        known = [face for face, (when, _) in enumerate(last) if look - when <= max(max_gap, every)]
        faces = match_boxes(boxes, np.array([last[face][1] for face in known]), min_overlap)
        for box, value, place in zip(boxes, values, faces, strict=True):
            face = known[place] if place >= 0 else len(last)
            last[face : face + 1] = [(look, box)]
            seen.append((face, look, box, value))
    if look is None:
        raise DatasetError("expected at least one frame of a video, got none")
    looks = np.arange(0, look + 1, every)
    return _tidy(seen, looks, fps or FRAME_RATE, every, min_sightings, each is not None)


def _frame_rate(path):
    capture, _ = _open(path)
    fps = capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    return fps if 0 < fps < 1000 else FRAME_RATE  # some files say 0 or nonsense


def _tidy(seen, looks, fps, every, min_sightings, valued):
    """`FaceTracks` of the sightings whose face is no noise, faces numbered as they appear."""
    face, frame = (np.array([s[k] for s in seen], dtype=int) for k in (0, 1))
    boxes = np.array([s[2] for s in seen], dtype=int).reshape(-1, 4)
    keep, order = np.zeros(len(seen), bool), []
    for who in range(face.max(initial=-1) + 1):
        mine = np.flatnonzero(face == who)  # in the order of time
        possible = (frame[mine[-1]] - frame[mine[0]]) // every + 1
        if len(mine) >= max(min(min_sightings, len(looks)), RARE * possible):
            keep[mine] = True
            order.append(mine)
    kept = np.concatenate(order) if order else np.zeros(0, dtype=int)
    number = np.repeat(np.arange(len(order)), [len(mine) for mine in order])
    values = [seen[k][3] for k in kept] if valued else None
    return FaceTracks(number, frame[kept], boxes[kept], values, looks, fps, int((~keep).sum()))

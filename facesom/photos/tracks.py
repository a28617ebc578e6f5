"""Each face followed through a video.

A tracker by detection: faces are found in every frame anew and matched with those of the frames before by the
overlap of their boxes with where they should be now (Bewley et al., 2016, "Simple online and realtime
tracking"; a straight line through the last sightings stands in for its Kalman filter).
"""

from collections import deque
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from facesom.io import DatasetError, check_whole

from .faces import find_faces, match_boxes
from .video import FRAME_RATE, announced_frames, read_frames

RARE = 0.25  # a track found in a smaller share of its looks is noise of the detector
SIGHTINGS = 12  # from which a movement is foreseen
WHOLE = 5  # looks from one whole scan to the next
PATIENCE = 0.9  # what the overlap with a face counts for each frame since it was last seen


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
    look_times : ndarray of float, shape (m,)
        Their times in seconds from the first one, as the video notes them.
    dropped : int
        Sightings left out because their track was too short or too rare.
    """

    face: np.ndarray
    frame: np.ndarray
    boxes: np.ndarray
    values: list | None
    looks: np.ndarray
    look_times: np.ndarray
    dropped: int

    def __len__(self):
        """Number of faces."""
        return int(self.face.max(initial=-1)) + 1

    @property
    def time(self):
        """ndarray of float, shape (n,): seconds from the first frame."""
        return self.look_times[np.searchsorted(self.looks, self.frame)]

    @property
    def fps(self):
        """float: frames a second on average; NaN of a single frame."""
        return float(self.looks[-1] / self.look_times[-1]) if len(self.looks) > 1 else np.nan

    def __repr__(self):
        lines = [f"FaceTracks: {len(self)} faces in {len(self.looks)} frames, {self.look_times[-1]:.1f} s"]
        for face, time in self.to_frame().groupby("face")["time"]:
            lines.append(f"  face {face}: {len(time)} sightings, {time.min():.1f} to {time.max():.1f} s")
        if self.dropped:
            lines.append(f"  {self.dropped} sightings in short or rare tracks left out")
        return "\n".join(lines)

    def to_frame(self):
        """Return a pandas DataFrame, one row for each sighting: face, frame, time (s), x, y, w, h."""
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
    max_gap=30,
    min_sightings=5,
    progress=False,
):
    """Follow every face through a video.

    A box belongs to the face whose foreseen box it overlaps most, all pairs weighed together (Kuhn, 1955): a
    face goes on as straight and fast as in its last sightings, so that people who pass each other keep their
    numbers. A face that is not found for a while, because it left or turned away, keeps its number when it
    returns within `max_gap` frames where it was foreseen, or near the place where it was lost; else it gets a
    new one. A cut to another person at the same place goes unnoticed: cut such a video into scenes first.

    The built-in detector looks near the foreseen boxes, and everywhere in each fifth look and whenever a face
    is missing: a newcomer may be seen four looks late.

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
        Frames a second, at an even rate. Default: each frame's time as the file notes it; 25 for frames.
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
    for name, value in {"every": every, "max_gap": max_gap, "min_sightings": min_sightings}.items():
        check_whole(value, name)
    if fps is not None and not 0 < fps < np.inf:
        raise ValueError(f"fps: expected a number of frames a second, got {fps!r}.")
    if isinstance(video, (str, Path)) or not hasattr(video, "__iter__"):
        frames = read_frames(video, every=every, max_frames=max_frames, times=True)
        total = announced_frames(video) if progress else None
    else:
        stop = None if max_frames is None else check_whole(max_frames, "max_frames") * every
        frames, fps = islice(video, 0, stop, every), fps or FRAME_RATE
        frames, total = ((None, frame) for frame in frames), len(video) if hasattr(video, "__len__") else None

    total = total and min(-(-total // every), max_frames or total)
    last, seen, times = [], [], []  # last (frame, box) of each face; all (face, frame, box, value)
    for look, (seconds, frame) in enumerate(tqdm(frames, "frames", total, disable=not progress)):
        number = look * every
        times.append(number / fps if fps else seconds)
        known = [face for face, mine in enumerate(last) if number - mine[-1][0] <= max(max_gap, every)]
        foreseen = [_foresee(last[face], number) for face in known]
        boxes = _scan(frame, foreseen if look % WHOLE else [], detector, min_size)
        if not len(boxes):
            continue
        values = [None] * len(boxes) if each is None else list(each(frame, boxes))
        if len(values) != len(boxes):
            raise ValueError(f"each: expected a value for each of {len(boxes)} boxes, got {len(values)}.")
        places = _match(boxes, foreseen, [last[face] for face in known], number)
        for box, value, place in zip(boxes, values, places, strict=True):
            face = known[place] if place >= 0 else len(last)
            if face == len(last):
                last.append(deque(maxlen=SIGHTINGS))
            last[face].append((number, box))
            seen.append((face, number, *box, value))
    if not times:
        raise DatasetError("expected at least one frame of a video, got none")
    looks = np.arange(len(times)) * every
    seen = pd.DataFrame(seen, columns=["face", "frame", *"xywh", "value"])
    frames = seen.groupby("face")["frame"]
    possible = (frames.transform("max") - frames.transform("min")) // every + 1
    least = np.maximum(RARE * possible, min(min_sightings, len(looks)))
    kept = seen[frames.transform("size") >= least].sort_values("face", kind="stable")
    return FaceTracks(
        face=pd.factorize(kept["face"])[0],
        frame=kept["frame"].to_numpy(int),
        boxes=kept[[*"xywh"]].to_numpy(int),
        values=None if each is None else kept["value"].tolist(),
        looks=looks,
        look_times=np.array(times),
        dropped=len(seen) - len(kept),
    )


def _foresee(sightings, number):
    """The box of a face in a frame, if its middle goes on along a straight line."""
    frames, boxes = (np.array(values) for values in zip(*sightings, strict=True))
    size = boxes[:, 2:]
    middle = np.polyfit(frames - number, boxes[:, :2] + size / 2, min(1, len(frames) - 1))[-1]
    return np.concatenate([middle - size[-1] / 2, size[-1]])


def _scan(frame, foreseen, detector, min_size):
    """Boxes of faces: near the foreseen ones where all of these are found again, else everywhere."""
    if detector == "network" and len(foreseen):
        boxes = find_faces(frame, detector, min_size=min_size, near=foreseen)
        if len(boxes) >= len(foreseen):
            return boxes
    return find_faces(frame, detector, min_size=min_size)


def _match(boxes, foreseen, known, number):
    """Place in `known` of each box, or -1: by the foreseen boxes, and what is left by the last ones."""
    waited = np.array([number - sightings[-1][0] for sightings in known])
    places = match_boxes(boxes, foreseen, weights=PATIENCE**waited)
    rest = np.flatnonzero(places < 0)
    lost = np.setdiff1d(np.arange(len(known)), places)
    again = match_boxes(boxes[rest], [known[place][-1][1] for place in lost])
    places[rest[again >= 0]] = lost[again[again >= 0]]
    return places

"""Emotions over time: what each face of a video shows, from its first sighting to its last."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from facesom.emotions import EMOTIONS, predict_emotions

from .faces import crop_faces
from .people import SURE, ask
from .tracks import FaceTracks, track_faces


@dataclass(frozen=True, eq=False, repr=False)
class VideoEmotions:
    """How probable each of C emotions is at n sightings of K faces.

    Attributes
    ----------
    tracks : FaceTracks
        Whose face was seen when and where; the rows below follow it.
    raw : ndarray of float, shape (n, C)
        What the model says of each sighting alone.
    probabilities : ndarray of float, shape (n, C)
        Smoothed over the face's sightings before and after; a row sums to 1.
    names : tuple of str, length C
        The emotions.
    """

    tracks: FaceTracks
    raw: np.ndarray
    probabilities: np.ndarray
    names: tuple

    def __len__(self):
        """Number of faces."""
        return len(self.tracks)

    @property
    def predicted(self):
        """ndarray of int, shape (n,): the most probable emotion, smoothed, an index into `names`."""
        return self.probabilities.argmax(axis=1)

    def __repr__(self):
        sure = self.probabilities.max(axis=1) >= SURE
        words = np.where(sure, np.array(self.names)[self.predicted], "unsure")
        lines = [f"VideoEmotions: {len(self)} faces in {len(self.tracks.looks)} frames"]
        for face, shown in pd.Series(words).groupby(self.tracks.face):
            shares = [f"{word} {share:.0%}" for word, share in shown.value_counts(normalize=True).items()]
            lines.append(f"  face {face}: {', '.join(shares)}")
        return "\n".join(lines)

    def to_frame(self):
        """Return a table, one row for each sighting.

        Returns
        -------
        pandas.DataFrame
            Columns face, frame, time (s), x, y, w, h, emotion, then the smoothed probability of each emotion
            under its name, and what the model said as raw_NAME.
        """
        table = self.tracks.to_frame()
        table["emotion"] = np.array(self.names)[self.predicted]
        table[list(self.names)] = self.probabilities
        table[[f"raw_{name}" for name in self.names]] = self.raw
        return table


def video_emotions(video, model=predict_emotions, *, smoothing=0.4, names=EMOTIONS, **tracking):
    """Follow every face through a video and say which emotion it shows at each time.

    The model sees single pictures, so that its answers flicker. They are averaged over the face's sightings
    before and after, with weights that fall as exp(-distance in time / `smoothing`): exponential smoothing to
    both sides, which does not lag behind. Nothing is made up for times at which the face was not found.

    Parameters
    ----------
    video : str, Path or iterable of ndarray
        A video file, or RGB frames (H, W, 3) uint8.
    model : callable, default `predict_emotions`
        Gets faces (K, 96, 96, 3) uint8 RGB and returns probabilities (K, C), e.g. `onnx_model("my.onnx")`.
    smoothing : float, default 0.4
        Seconds after which a weight has fallen to 37 %. 0: no smoothing.
    names : sequence of str, length C
        What the columns mean.
    **tracking
        As in `track_faces`: every, max_frames, detector, max_gap, progress, ...

    Returns
    -------
    VideoEmotions
        Without a face: of length 0.

    Raises
    ------
    DatasetError
        If the file cannot be read.
    ValueError
        If the model returns anything but one row of probabilities for each face, or an argument is out of
        its range.
    """
    if not 0 <= smoothing < np.inf:
        raise ValueError(f"smoothing: expected seconds from 0 up, got {smoothing!r}.")
    names = tuple(names)

    def read(frame, boxes):
        return ask(model, crop_faces(frame, boxes), names)

    tracks = track_faces(video, each=read, **tracking)
    raw = np.array(tracks.values).reshape(-1, len(names))
    smooth = raw.copy()
    for face in range(len(tracks) if smoothing else 0):
        mine = tracks.face == face
        smooth[mine] = _smooth(raw[mine], tracks.time[mine], smoothing)
    return VideoEmotions(tracks, raw, smooth, names)


def _smooth(values, times, scale):
    """Means of values (n, C) at times (n,) under two-sided exponential weights."""
    fall = np.exp(-np.diff(times) / scale)
    values = np.column_stack([values, np.ones(len(values))])  # the last column sums the weights
    before, after = values.copy(), values.copy()
    for k in range(1, len(values)):
        before[k] += fall[k - 1] * before[k - 1]
        after[-1 - k] += fall[-k] * after[-k]
    sums = before + after - values
    return sums[:, :-1] / sums[:, -1:]

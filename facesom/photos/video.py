"""Videos read frame by frame, each with its time."""

import warnings
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from facesom.io import DatasetError, check_whole, open_regular

_SUFFIXES = """.3g2 .3gp .asf .avi .divx .dv .f4v .flv .m2t .m2ts .m4v .mjpeg .mjpg .mkv .mov .mp4 .mpe .mpeg
 .mpg .mts .mxf .ogm .ogv .qt .ts .vob .webm .wmv .y4m"""
#: What a video file is called, in lower case.
VIDEO_SUFFIXES = frozenset(_SUFFIXES.split())
FRAME_RATE = 25.0  # of frames that come without one

HEAD = 4096  # bytes, by which text is told
TEXT = bytes([*b"\t\n\f\r\x1b", *range(32, 256)])
# OpenCV would go on with pictures whose names are numbered alike
PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"BM", b"II*\0", b"MM\0*")
LISTS = (b"ffconcat", b"#EXTM3U", b"<?xml", b"<MPD", b"v=0", b"[playlist]")  # FFmpeg opens what they name


def read_frames(path, *, every=1, max_frames=None, times=False):
    """Read a video frame by frame; one frame is in memory at a time.

    Parameters
    ----------
    path : str or Path
        Any format that OpenCV reads: MP4, AVI, MOV, WebM ...
    every : int
        Every how many frames one is read; the others are skipped.
    max_frames : int, optional
        Stop after so many frames. Default: to the end.
    times : bool, default False
        Give each frame with its time: the true one that the file notes for it. Phones and browsers film at
        uneven rates, so that number over rate would be seconds off.

    Yields
    ------
    frame : ndarray of uint8, shape (H, W, 3)
        RGB, upright where the file says how it was held; with `times` a pair (seconds, frame), seconds since
        the first frame.

    Raises
    ------
    DatasetError
        At the call, if there is no such file, it is no video, or no frame can be read from it.
    ValueError
        At the call, if `every` or `max_frames` is no whole number from 1 up.

    Warns
    -----
    UserWarning
        If the frames end well before the length that the file announces, or it notes times that stand still
        or go back; these are counted on at its frame rate.
    """
    check_whole(every, "every")
    if max_frames is not None:
        check_whole(max_frames, "max_frames")
    capture, first = _open(path)
    frames = islice(_frames(capture, first, path, every), max_frames)
    return frames if times else (frame for _, frame in frames)


def announced_frames(path):
    """Return how many frames a video says that it has, or None where it does not say."""
    capture, _ = _open(path)
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    return count if count > 0 else None


def _open(path):
    """The opened video and its first frame, BGR, or `DatasetError`."""
    if not isinstance(path, (str, Path)):
        got = type(path).__name__
        raise DatasetError(f"expected the path of a video file, got {got}: record the camera to a file first")
    path = Path(path)
    try:
        with open_regular(path) as file:
            head = file.read(HEAD)
    except OSError as error:
        raise DatasetError(f"{path}: expected a video ({error.strerror})") from None
    if not head:
        raise DatasetError(f"{path}: the file is empty; copy it again")
    guess = "" if path.suffix.lower() in VIDEO_SUFFIXES else f" ({path.suffix or 'no suffix'}: is it one?)"
    # FFmpeg would play texts, and open whatever files a list of files names
    text = not head.translate(None, TEXT) or head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(LISTS)
    if head.startswith(PICTURES) and path.suffix.lower() not in (".mjpeg", ".mjpg"):
        raise DatasetError(f"{path}: expected a video, this is a picture; read it with `read_photo`")
    if not text:
        capture = cv2.VideoCapture(str(path.absolute()))
        read, first = capture.read()
        if read:
            return capture, first
        capture.release()
    why = "it is a text" if text else "is it cut off, or in a rare format? Convert it to MP4 (H.264)"
    raise DatasetError(f"{path}: expected a video, OpenCV reads no frame of it{guess}; {why}")


def _frames(capture, frame, path, every):
    """Yield seconds and frame."""
    expected, rate = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), capture.get(cv2.CAP_PROP_FPS)
    rate = rate if 1 <= rate < 1000 else FRAME_RATE  # 1000 and more: a unit of time, not a rate
    start, seconds, number, uneven = capture.get(cv2.CAP_PROP_POS_MSEC), 0.0, 0, False
    try:
        while True:
            if number % every == 0:
                read, frame = (True, frame) if number == 0 else capture.retrieve()
                if not read:
                    break
                yield seconds, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            number += 1
            if not capture.grab():
                break
            noted = (capture.get(cv2.CAP_PROP_POS_MSEC) - start) / 1000
            if not seconds < noted < np.inf:
                uneven, noted = True, seconds + 1 / rate
            seconds = noted
    finally:
        capture.release()
    if uneven:
        noted = f"times stand still or go back; counted on at a frame rate of {rate:g} there"
        warnings.warn(f"{path}: {noted}.", stacklevel=2)
    if number < 0.9 * expected:
        warnings.warn(f"{path}: ends after {number} of {expected} announced frames: damaged?", stacklevel=2)

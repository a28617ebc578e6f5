"""Five detectors of faces in one manner: an RGB photo and the smallest size in, boxes and their scores out.

The built-in one is a small network that looks at every place in every size. What it was trained on stands in
``models/README.md``; how the five compare is measured by ``benchmarks/photos.py``.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from facesom.io import DatasetError, read_onnx

__all__ = ["DETECTORS", "YUNET", "fetch_yunet", "yunet"]

FACE_NETWORK = Path(__file__).parent / "models" / "faces.onnx"
WINDOW = 32  # pixels that the network looks at
STRIDE = 4  # pixels from one window to the next
STEP = 2 ** (1 / 4)  # from one size to the next; the network was trained to bear 17 % either way
BORDER = 8  # pixels added around, for faces at the edge of the photo
HIT = 2.0  # logit of a window that counts
CANDIDATE = 12.0  # sum of the logits of neighbouring windows from which the cascade looks again
FACE = 50.0  # that sum, from which there is no doubt
AGREED = 12  # windows of the cascade that are as good
FRAME = 1.25  # side of the box over that of the window, so that it frames a face as FER2013 does

#: The model file of YuNet (Wu et al., 2023, MIT licence) in OpenCV's collection, and its hash.
YUNET = "face_detection_yunet_2023mar.onnx"
YUNET_URL = f"https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/{YUNET}"
YUNET_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"


def network(photo, min_size):
    """Boxes of the built-in detector: a small network looks everywhere, a cascade looks again.

    The network is convolutional and slides over a pyramid of sizes; a face answers in many neighbouring
    windows. Where they leave a doubt, scikit-image's cascade of local binary patterns, which was trained
    on other pictures and errs on other things, looks at the candidate in three rolls.
    """
    gray = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    boxes, sure = [], []
    frame = np.array([-FRAME / 2, -FRAME / 2, FRAME, FRAME])
    for x, y, side, votes in _gather(_network_hits(gray, min_size)):
        if votes > CANDIDATE:
            looks = 0 if votes > FACE else _second_look(gray, x, y, side)
            if votes / FACE + looks / AGREED > 1:
                boxes.append((x, y, 0, 0) + side * frame)
                sure.append(votes / FACE + looks / AGREED)
    return _one_a_face(np.array(boxes).reshape(-1, 4), np.array(sure))


def _one_a_face(boxes, sure):
    """The surest of boxes that share more than half of the smaller one."""
    kept = []
    for k in np.argsort(-sure, kind="stable"):
        low = np.maximum(boxes[kept, :2], boxes[k, :2])
        high = np.minimum(boxes[kept, :2] + boxes[kept, 2:], boxes[k, :2] + boxes[k, 2:])
        shared = np.clip(high - low, 0, None).prod(axis=1)
        if not (shared > 0.5 * np.minimum(boxes[kept, 2:].prod(axis=1), boxes[k, 2:].prod())).any():
            kept.append(k)
    return boxes[kept]


def _network_hits(gray, min_size):
    """Windows (n, 4) that look like a face: middle, side, and logit."""
    network = _face_network()
    hits, scale = [np.empty((0, 4))], WINDOW / min_size
    while min(gray.shape) * scale > WINDOW - 2 * BORDER:
        level = cv2.copyMakeBorder(_scaled(gray, scale), *[BORDER] * 4, cv2.BORDER_REPLICATE)
        if min(level.shape) >= WINDOW:
            (logits,) = network(level[None, None].astype(np.float32)).values()
            logits = logits[0, 0]
            rows, cols = np.nonzero(logits > HIT)
            middle = np.column_stack([cols, rows]) * STRIDE + WINDOW / 2 - BORDER
            sides = np.full(len(rows), WINDOW)
            hits.append(np.column_stack([np.column_stack([middle, sides]) / scale, logits[rows, cols]]))
        scale /= STEP
    return np.concatenate(hits)


def _second_look(gray, x, y, side):
    """How many windows of the cascade see a face of about this side there, in three rolls of the head."""
    n, count = 72, 0
    around = max(1, int(1.7 * side / n))  # shrunk by whole pixels first: no aliasing
    left, top = int(x - 1.5 * side), int(y - 1.5 * side)
    rows = np.clip(np.arange(top, top + int(3 * side)), 0, gray.shape[0] - 1)
    cols = np.clip(np.arange(left, left + int(3 * side)), 0, gray.shape[1] - 1)
    patch = _scaled(gray[rows[:, None], cols], 1 / around)
    middle = (np.array([x - left, y - top]) + 0.5) / around - 0.5
    for roll in (-15, 0, 15):
        turn = cv2.getRotationMatrix2D(middle.tolist(), roll, n * around / (1.7 * side))
        turn[:, 2] += (n - 1) / 2 - middle
        window = cv2.warpAffine(patch, turn, (n, n), borderMode=cv2.BORDER_REPLICATE)
        for found in _lbp_cascade().detect_multi_scale(
            window, 1.1, 1, (30, 30), (64, 64), min_neighbor_number=0, intersection_score_threshold=1.01
        ):
            apart = (found["c"] + found["width"] / 2 - n / 2, found["r"] + found["height"] / 2 - n / 2)
            count += np.hypot(*apart) < n / 8
    return count


def _gather(hits):
    """Faces (K, 4), middle, side and sum of logits, from hits (n, 4); the strongest hit draws the others."""
    faces = []
    hits = hits[np.argsort(-hits[:, 3], kind="stable")]
    while len(hits):
        apart = np.hypot(*(hits[:, :2] - hits[0, :2]).T) / hits[0, 2]
        ratio = np.abs(np.log2(hits[:, 2] / hits[0, 2]))
        same = (apart < 0.4) & (ratio < 1)
        x, y, side = np.average(hits[same, :3], axis=0, weights=hits[same, 3])
        faces.append((x, y, side, hits[same, 3].sum()))
        hits = hits[(apart > 0.6) | (ratio > 1.6)]
    return np.array(faces).reshape(-1, 4)


@cache
def _face_network():
    about = json.loads(FACE_NETWORK.with_suffix(".json").read_text(encoding="utf-8"))
    return read_onnx(FACE_NETWORK, shape=(1, 1, WINDOW, WINDOW), sha256=about["sha256"])


def _scaled(photo, scale):
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return photo if scale == 1 else cv2.resize(photo, None, fx=scale, fy=scale, interpolation=how)


def cascade(photo, min_size):
    """Boxes of scikit-image's cascade of local binary patterns (Liao et al., 2007)."""
    small = _scaled(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), 24 / min_size)
    if min(small.shape) < 24:
        return np.empty((0, 4))
    found = _lbp_cascade().detect_multi_scale(small, 1.1, 1, (24, 24), (min(small.shape),) * 2)
    return np.array([(f["c"], f["r"], f["width"], f["height"]) for f in found]).reshape(-1, 4) * min_size / 24


@cache
def _lbp_cascade():
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    return Cascade(lbp_frontal_face_cascade_filename())


def haar(photo, min_size):
    """Boxes of OpenCV's cascade of Haar features (Viola & Jones, 2001), which OpenCV 4 has and 5 has not."""
    small = cv2.equalizeHist(_scaled(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), 24 / min_size))
    found = _haar_cascade().detectMultiScale(small, 1.1, 5, minSize=(24, 24))
    return np.array(found, dtype=float).reshape(-1, 4) * min_size / 24


@cache
def _haar_cascade():
    if not hasattr(cv2, "CascadeClassifier"):
        raise ImportError(
            f'detector="haar" needs OpenCV 4, this is {cv2.__version__}, which has no cascades any more: use '
            'detector="network", which finds more, or pip install "opencv-python<5"'
        )
    return cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"))


def dlib(photo, min_size):
    """Boxes of dlib's histograms of gradients (King, 2015)."""
    scale = 80 / min_size  # the smallest that it finds
    found = _dlib_detector()(np.ascontiguousarray(_scaled(photo, scale)))
    boxes = [(f.left(), f.top(), f.width(), f.height()) for f in found]
    return np.array(boxes, dtype=float).reshape(-1, 4) / scale


@cache
def _dlib_detector():
    try:
        from dlib import get_frontal_face_detector
    except ImportError:
        raise ImportError('detector="dlib" needs dlib: pip install dlib-bin') from None
    return get_frontal_face_detector()


def yunet(path=None, *, min_score=0.7):
    """Make a detector of YuNet (Wu et al., 2023) for `facesom.find_faces`; needs its model file.

    Parameters
    ----------
    path : str or Path, optional
        ``face_detection_yunet_2023mar.onnx``. Default: where `fetch_yunet` put it.
    min_score : float, default 0.7
        Between 0 and 1; lower finds more faces and more that are none.

    Returns
    -------
    callable
        ``find_faces(photo, detector=yunet("face_detection_yunet_2023mar.onnx"))``

    Raises
    ------
    DatasetError
        If the file is missing, or no such model.
    """
    path = Path(path or _cached_yunet())
    if not path.is_file():
        raise DatasetError(
            f"there is no file {str(path)!r} of YuNet, and nothing is fetched "
            "unasked: call facesom.photos.detectors.fetch_yunet() once (230 kB from OpenCV's collection), "
            f"or pass the path of {YUNET}"
        )
    try:
        model = cv2.FaceDetectorYN.create(str(path), "", (320, 320), min_score)
    except cv2.error as error:
        raise DatasetError(f"{path}: expected {YUNET} ({str(error)[:120]})") from None

    def find(photo, min_size):
        small = _scaled(photo, min(1, 16 / min_size))  # YuNet finds faces from about 10 pixels on
        model.setInputSize(small.shape[1::-1])
        found = model.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1]
        boxes = np.empty((0, 4)) if found is None else found[:, :4]
        return boxes * photo.shape[1] / small.shape[1]

    return find


def fetch_yunet():
    """Fetch the model file of YuNet once, check its hash, and return its path.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ImportError
        If pooch is missing.
    ValueError
        If what came has another hash; it is not kept.
    """
    try:
        import pooch
    except ImportError:
        raise ImportError("fetch_yunet needs pooch: pip install pooch") from None
    cached = _cached_yunet()
    return Path(
        pooch.retrieve(
            YUNET_URL, f"sha256:{YUNET_SHA256}", fname=cached.name, path=cached.parent, progressbar=True
        )
    )


def _cached_yunet():
    return Path.home() / ".cache" / "facesom" / YUNET


#: Detectors by name: (photo, min_size) to boxes (K, 4) of float, x, y, width, height.
DETECTORS = {
    "network": network,
    "cascade": cascade,
    "haar": haar,
    "dlib": dlib,
    "yunet": lambda photo, min_size: yunet()(photo, min_size),
}

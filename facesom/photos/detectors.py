"""Five detectors of faces in one manner: an RGB photo and the smallest size in, boxes and their scores out.

The built-in one has a module of its own. How the five compare is measured by ``benchmarks/photos.py``.
"""

import threading
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np

from facesom.io import DatasetError, read_onnx

from .face_network import face_network, lbp_cascade, scaled

#: The model file of YuNet (Wu et al., 2023, MIT licence) in OpenCV's collection, and its hash.
YUNET = "face_detection_yunet_2023mar.onnx"
YUNET_URL = f"https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/{YUNET}"
YUNET_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
CACHED = Path.home() / ".cache" / "facesom" / YUNET
MIN_SCORE = 0.7  # of YuNet: lower finds more faces and more that are none


def cascade(photo, min_size):
    """Boxes of scikit-image's cascade of local binary patterns (Liao et al., 2007)."""
    small = scaled(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), 24 / min_size)
    found = lbp_cascade().detect_multi_scale(small, 1.1, 1, (24, 24), (min(small.shape),) * 2)
    return np.array([(f["c"], f["r"], f["width"], f["height"]) for f in found]).reshape(-1, 4) * min_size / 24


def haar(photo, min_size):
    """Boxes of OpenCV's cascade of Haar features (Viola & Jones, 2001), which OpenCV 4 has and 5 has not."""
    small = cv2.equalizeHist(scaled(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), 24 / min_size))
    found = _haar_cascade().detectMultiScale(small, 1.1, 5, minSize=(24, 24))
    return np.array(found, dtype=float).reshape(-1, 4) * min_size / 24


@cache
def _haar_cascade():
    if not hasattr(cv2, "CascadeClassifier"):
        cure = 'use detector="network", which finds more, or pip install "opencv-python<5"'
        raise ImportError(f'detector="haar" needs OpenCV 4, this is {cv2.__version__}: {cure}')
    return cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"))


def dlib(photo, min_size):
    """Boxes of dlib's histograms of gradients (King, 2015)."""
    scale = 80 / min_size  # the smallest that it finds
    found = _dlib_detector()(np.ascontiguousarray(scaled(photo, scale)))
    boxes = [(f.left(), f.top(), f.width(), f.height()) for f in found]
    return np.array(boxes, dtype=float).reshape(-1, 4) / scale


@cache
def _dlib_detector():
    try:
        from dlib import get_frontal_face_detector
    except ImportError:
        raise ImportError('detector="dlib" needs dlib: pip install dlib-bin') from None
    return get_frontal_face_detector()


def yunet(path=None):
    """Make a detector of YuNet (Wu et al., 2023) for `facesom.find_faces`; needs its model file.

    Parameters
    ----------
    path : str or Path, optional
        ``face_detection_yunet_2023mar.onnx``. Default: where `fetch_yunet` put it.

    Returns
    -------
    callable
        ``find_faces(photo, detector=yunet("face_detection_yunet_2023mar.onnx"))``

    Raises
    ------
    DatasetError
        If the file is missing, or no such model.
    """
    path = Path(path or CACHED)
    if not path.is_file():
        cure = "call facesom.photos.detectors.fetch_yunet() once (230 kB from OpenCV), or pass its path"
        raise DatasetError(f"there is no file {str(path)!r} of YuNet, and nothing is fetched unasked: {cure}")
    _yunet_model(path)
    return partial(_find_by_yunet, path=path)  # which can be pickled, as a model cannot


@cache
def _yunet_model(path):
    """The model and its lock, once in each process."""
    try:
        read_onnx(path, shape=(1, 3, 320, 320))  # a damaged file may end the process that reads it: one tries
        return cv2.FaceDetectorYN.create(str(path), "", (320, 320), MIN_SCORE), threading.Lock()
    except (cv2.error, DatasetError) as error:
        raise DatasetError(f"{path}: expected {YUNET} ({str(error)[:120]})") from None


def _find_by_yunet(photo, min_size, path):
    model, lock = _yunet_model(path)
    small = scaled(photo, min(1, 16 / min_size))  # YuNet finds faces from about 10 pixels on
    with lock:
        model.setInputSize(small.shape[1::-1])
        found = model.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1]
    boxes = np.empty((0, 4)) if found is None else found[:, :4]
    return boxes * photo.shape[1] / small.shape[1]


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
    return Path(pooch.retrieve(YUNET_URL, YUNET_SHA256, CACHED.name, CACHED.parent, progressbar=True))


#: Detectors by name: (photo, min_size) to boxes (K, 4) of float, x, y, width, height.
DETECTORS = {
    "network": face_network,
    "cascade": cascade,
    "haar": haar,
    "dlib": dlib,
    "yunet": lambda photo, min_size: yunet()(photo, min_size),
}

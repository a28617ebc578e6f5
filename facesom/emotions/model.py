"""Emotions of photographed faces: the shipped network, or one of your own, run from ONNX with OpenCV.

What the shipped network learned from, how well it does and what it must not be used for stands in
``models/README.md``.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax

from facesom.io import DatasetError, as_array, as_faces, check_whole, on_ground, read_onnx

from .labelled import EMOTIONS

__all__ = ["MODEL_PATH", "EmotionModel", "emotion_features", "onnx_model", "predict_emotions"]

#: The shipped network.
MODEL_PATH = Path(__file__).parent / "models" / "emotions.onnx"
AT_ONCE = 64  # faces in a batch; bounds the memory
BRIGHTNESS_FLOOR = 1.0  # gray levels; a standard deviation under this is noise, not a face


def predict_emotions(faces: ArrayLike) -> np.ndarray:
    """Say how probable each of seven emotions is on each face, as people would label it.

    Parameters
    ----------
    faces : array_like, shape (N, H, W) or (N, H, W, 3), or list of N such images of any sizes
        Photographed faces cropped as `facesom.find_faces` finds them; gray or RGB, uint8 in 0..255 or float
        in [0, 1], at least 8 pixels a side. They are brought to 48 × 48.

    Returns
    -------
    ndarray of float64, shape (N, 7)
        Columns as `facesom.EMOTIONS`; a row sums to 1. Calibrated on FER2013: of many such faces given 0.7,
        about 70 % were labelled so. On other faces they promise less: read one under 0.5 as "not sure".

    Raises
    ------
    DatasetError
        If these are no faces, or the model's file is damaged.

    Notes
    -----
    A residual network (He et al., 2016) on faces standardised one by one, trained on FER2013 (Goodfellow et
    al., 2013); logits averaged over the face and its mirror image, so that both get the same answer;
    probabilities by temperature scaling (Guo et al., 2017). A face without any contrast tells
    nothing and gets about what all faces get.

    Examples
    --------
    >>> from skimage.data import astronaut
    >>> face = astronaut()[60:180, 160:280]
    >>> facesom.EMOTIONS[facesom.predict_emotions(face[None]).argmax()]
    'happy'
    """
    return _shipped()(faces)


def emotion_features(faces):
    """Return what the shipped network sees in each face, before it decides: a description to learn from.

    Parameters
    ----------
    faces : array_like
        As in `predict_emotions`.

    Returns
    -------
    ndarray of float32, shape (N, 192)
        Not negative. A linear classifier on them learns other classes from few faces.

    Raises
    ------
    DatasetError
        As in `predict_emotions`.
    """
    return _shipped().run(faces, "features")


class EmotionModel:
    """A classifier of emotions read from an ONNX file, called like `facesom.predict_emotions`.

    Parameters
    ----------
    path : str or Path
        The network: input (N, channels, size, size) of any N, output logits (N, K).
    sha256 : str, optional
        What the file's hash must be.
    output : str, optional
        Name of the output, where it has several.
    classes : sequence of str, length K
        What the outputs mean, in their order. Where all of `facesom.EMOTIONS` are among them, the columns
        come in that order and other classes are left out; else they come as they are.
    size : int, default 48
        Side of its faces in pixels.
    channels : {1, 3}
        Gray or RGB.
    mean, std : float or sequence of 3 float, optional
        Subtracted from, and (over 0) divided into, pixels in [0, 1]; for a network that wants 0..255 as it
        is, ``mean=0, std=1 / 255``. Default: each face's own mean and standard deviation.
    temperature : float, default 1.0
        The logits are divided by it (Guo et al., 2017).
    mirror : bool, default False
        Whether the logits are averaged over each face and its mirror image: steadier, in twice the time.

    Attributes
    ----------
    classes : tuple of str
        Columns of what a call returns.
    network : facesom.io.OnnxNetwork

    Raises
    ------
    DatasetError
        If the file is no such network, or has another hash.
    OSError
        If it cannot be opened.
    ValueError
        If a setting makes no sense.
    """

    def __init__(
        self,
        path,
        *,
        sha256=None,
        output=None,
        classes=EMOTIONS,
        size=48,
        channels=1,
        mean=None,
        std=None,
        temperature=1.0,
        mirror=False,
    ):
        if channels not in (1, 3):
            raise ValueError(f"channels: expected 1 for gray or 3 for RGB, got {channels!r}.")
        if (mean is None) != (std is None):
            raise ValueError("mean, std: expected both, or neither for each face's own.")
        if mean is not None:
            mean, std = _of_channels(mean, "mean", channels, -np.inf), _of_channels(std, "std", channels, 0)
        self._mean, self._std, self._channels, self._mirror = mean, std, channels, mirror
        self._temperature = _of_channels(temperature, "temperature", 1, 0)
        self._size = size = check_whole(size, "size")
        classes = tuple(classes)
        if len(set(classes)) < len(classes):
            raise ValueError(f"classes: expected a name of its own for each, got {classes}.")
        self.classes = EMOTIONS if set(EMOTIONS) <= set(classes) else classes
        self._columns = [classes.index(name) for name in self.classes]
        self._name, shape = Path(path).name, (1, channels, size, size)
        self.network = read_onnx(Path(path), shape=shape, sha256=sha256)
        outputs = self.network.outputs
        self._output = outputs[0] if output is None and len(outputs) == 1 else output
        if self._output not in outputs:
            wanted = f"the name of an output, one of {list(outputs)}"
            raise DatasetError(f"{path}: expected {wanted}, got {output!r}.")
        try:
            n_outputs = self.run(np.zeros((1, size, size), np.uint8), self._output).shape[1:]
        except DatasetError as error:
            raise DatasetError(f"{path}: {error}") from None
        except cv2.error as error:
            wrong = f"the network does not take {channels} × {size} × {size}; give its size and channels"
            raise DatasetError(f"{path}: {wrong} ({str(error)[:120]}).") from None
        if n_outputs != (len(classes),):
            wanted = f"an output for each of {len(classes)} classes, it has shape {n_outputs}"
            raise DatasetError(f"{path}: expected {wanted}; say what they are by classes=...")

    def __repr__(self):
        side, colour = self._size, "RGB" if self._channels == 3 else "gray"
        return f"EmotionModel({self._name}, {side} × {side} {colour}: {', '.join(self.classes)})"

    def __call__(self, faces):
        """Return probabilities (N, K) of faces as `facesom.predict_emotions` does."""
        logits = self.run(faces, self._output, mirror=self._mirror)[:, self._columns]
        return softmax(logits.astype(float) / self._temperature, axis=1)

    def run(self, faces, output, *, mirror=False):
        """Return one of the network's outputs for faces, (N, ...), or its mean over them and their mirror
        images."""
        faces, parts = _one_by_one(faces), []
        for start in range(0, len(faces), AT_ONCE):
            batch = np.stack([self._prepare(face) for face in faces[start : start + AT_ONCE]])
            values = self.network(batch)[output]
            if mirror:
                values = (values + self.network(np.ascontiguousarray(batch[..., ::-1]))[output]) / 2
            parts.append(values)
        values = np.concatenate(parts)
        if not np.isfinite(values).all():
            raise DatasetError(f"{self._name}: expected finite numbers, the network gives NaN or infinity.")
        return values

    def _prepare(self, face):
        """One face as float32 (C, size, size), normalised as the network wants it."""
        face = on_ground(face)
        face = face * np.float32(255) if face.dtype != np.uint8 else face.astype(np.float32)
        if self._channels == 1 and face.ndim == 3:
            face = cv2.cvtColor(np.ascontiguousarray(face), cv2.COLOR_RGB2GRAY)
        elif self._channels == 3:
            face = np.repeat(face[..., None], 3, axis=2) if face.ndim == 2 else face
        how = cv2.INTER_AREA if self._size < min(face.shape[:2]) else cv2.INTER_LINEAR
        face = cv2.resize(np.ascontiguousarray(face), (self._size, self._size), interpolation=how)
        if self._mean is None:
            face = (face - face.mean()) / max(face.std(), BRIGHTNESS_FLOOR)
        else:
            face = (face / 255 - self._mean) / self._std
        return np.atleast_3d(face).transpose(2, 0, 1).astype(np.float32)


#: The name by which users read one: ``onnx_model("mine.onnx", ...)``.
onnx_model = EmotionModel


def _of_channels(values, name, channels, least):
    """A number, or one for each channel, over `least`, or `ValueError`."""
    given = as_array(values, name)
    numbers = given.dtype.kind in "iuf" and given.shape in ((), (channels,))
    if not numbers or not ((given > least) & np.isfinite(given)).all():
        over = "" if least else " over 0"
        raise ValueError(f"{name}: expected a number{over}, or {channels}, got {values!r}.")
    return given.astype(float)


def about_shipped():
    """What stands beside the shipped file: its hash, its temperature, and where its weights begin."""
    return json.loads(MODEL_PATH.with_suffix(".json").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _shipped():
    about = about_shipped()
    known = {name: about[name] for name in ("sha256", "temperature")}
    return onnx_model(MODEL_PATH, output="logits", mirror=True, **known)


def _one_by_one(faces):
    """Faces as a stack or a list of images, each (H, W) or (H, W, 3 or 4)."""
    if isinstance(faces, (list, tuple)) and len({np.shape(face) for face in faces}) > 1:
        return [as_faces([face], name=f"faces[{k}]", leading=1)[0] for k, face in enumerate(faces)]
    return as_faces(faces, name="faces", leading=1)

"""Networks in ONNX files, run by OpenCV: tried before they are trusted, the same in threads and processes."""

import hashlib
import subprocess
import sys
import threading

import numpy as np

from .files import open_regular
from .gates import DatasetError

PATIENCE = 120  # seconds that a file may take to be tried

# OpenCV's parser may end the process where a byte is wrong, so that another one goes first.
_TRIAL = """
import sys, cv2, numpy
network = cv2.dnn.readNetFromONNX(numpy.frombuffer(sys.stdin.buffer.read(), numpy.uint8))
network.setInput(numpy.zeros([int(side) for side in sys.argv[1:]], numpy.float32))
network.forward(network.getUnconnectedOutLayersNames())
"""
_survived = set()


class OnnxNetwork:
    """A network that gives all its outputs for a batch; it may be used in threads, copied and pickled.

    Parameters
    ----------
    content : bytes
        Of the ONNX file.

    Attributes
    ----------
    outputs : tuple of str
        Names of what it gives.
    """

    def __init__(self, content):
        import cv2  # reading a data set should not wait for it

        self.content = content
        self._net = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
        self.outputs = tuple(self._net.getUnconnectedOutLayersNames())
        self._lock = threading.Lock()  # a cv2 network holds the last input

    def __call__(self, batch):
        """Return the outputs for a batch (N, C, H, W) of float32, by name."""
        with self._lock:
            self._net.setInput(batch)
            # by name and all at once: OpenCV 4 and 5 differ in their order and in which one comes first
            results = self._net.forward(self.outputs)
            if any(np.ndim(values) < 1 for values in results):  # None where a file is damaged
                raise DatasetError(f"the network gives nothing for one of {', '.join(self.outputs)}.")
            return {name: values.copy() for name, values in zip(self.outputs, results, strict=True)}

    def __reduce__(self):
        return OnnxNetwork, (self.content,)


def read_onnx(path, *, shape, sha256=None):
    """Read a network from an ONNX file.

    Parameters
    ----------
    path : str or Path
    shape : tuple of int
        Of a batch that it takes. A file without known hash is tried on one in a process of its own first,
        as a single wrong byte can end the process that reads it; that takes about half a second.
    sha256 : str, optional
        What the file's hash must be.

    Returns
    -------
    OnnxNetwork

    Raises
    ------
    DatasetError
        If the file is no network that OpenCV reads, or has another hash.
    OSError
        If it cannot be opened.
    """
    with open_regular(path) as file:
        content = file.read()
    found = hashlib.sha256(content).hexdigest()
    if sha256 is None:
        _try(path, content, (found, *shape))
    elif found != sha256.lower():
        wrong = "it is damaged, or another one. Get it again"
        raise DatasetError(f"{path}: expected sha256 {sha256}, the file has {found}; {wrong}.")
    import cv2

    try:
        return OnnxNetwork(content)
    except cv2.error as error:
        raise DatasetError(f"{path}: expected an ONNX file that OpenCV reads ({str(error)[:120]}).") from None


def _try(path, content, key):
    """Raise `DatasetError` if reading and running a network ends, or hangs, the process that does it."""
    if key in _survived or not sys.executable:
        return
    try:
        command = [sys.executable, "-c", _TRIAL, *map(str, key[1:])]
        code = subprocess.run(command, input=content, capture_output=True, timeout=PATIENCE).returncode
    except subprocess.TimeoutExpired:
        code = f"nothing within {PATIENCE} s"
    if code not in (0, 1):  # 1: an exception, which comes again where it can be caught
        wrong = "it is damaged, or uses what OpenCV cannot run: get it again, or export it for an older opset"
        raise DatasetError(f"{path}: expected an ONNX file, this one breaks OpenCV ({code}); {wrong}.")
    _survived.add(key)

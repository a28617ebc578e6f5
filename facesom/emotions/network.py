"""The shipped emotion network in PyTorch, to be trained further with `facesom.features.fine_tune`."""

from __future__ import annotations

import math
from collections import OrderedDict

import numpy as np

from facesom.features import fine_tune, import_torch, seeded

from .model import BRIGHTNESS_FLOOR, _shipped, about_shipped

__all__ = ["emotion_network", "epochs_within", "read_weights"]

TRIED = 64  # faces on which an epoch is timed
WIDTHS = (32, 48, 96, 192)  # channels of the stem and of the three stages


def emotion_network(*, pretrained=True, seed=0):
    """Return the network behind `facesom.predict_emotions`.

    Parameters
    ----------
    pretrained : bool, default True
        Whether it has the shipped weights, else random ones: the same network before it learned anything.
    seed : int, default 0
        Of random weights.

    Returns
    -------
    torch.nn.Sequential
        Parts ``standardise``, ``stem``, ``stage1``, ``stage2``, ``stage3``, ``pool``, ``head``; takes what
        `facesom.features.to_tensor` returns of gray faces of 48 × 48, gives logits (N, 7).

    Raises
    ------
    ImportError
        Without PyTorch.

    Notes
    -----
    Residual blocks: He et al. (2016). Batch normalisation of the training is folded into the convolutions.
    """
    torch = import_torch()
    nn = torch.nn

    class Standardise(nn.Module):
        def forward(self, faces):
            deviation = faces.std(dim=(2, 3), keepdim=True, unbiased=False).clamp_min(BRIGHTNESS_FLOOR / 255)
            return (faces - faces.mean(dim=(2, 3), keepdim=True)) / deviation

    class Residual(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.first = nn.Conv2d(width, width, 3, padding=1)
            self.second = nn.Conv2d(width, width, 3, padding=1)

        def forward(self, faces):
            return torch.relu(faces + self.second(torch.relu(self.first(faces))))

    with seeded(seed):
        stem = nn.Sequential(nn.Conv2d(1, WIDTHS[0], 3, padding=1), nn.ReLU())
        parts = OrderedDict(standardise=Standardise(), stem=stem)
        for k in (1, 2, 3):
            down = nn.Conv2d(WIDTHS[k - 1], WIDTHS[k], 3, stride=2, padding=1)
            parts[f"stage{k}"] = nn.Sequential(down, nn.ReLU(), Residual(WIDTHS[k]))
        parts["pool"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        parts["head"] = nn.Sequential(nn.Dropout(0.3), nn.Linear(WIDTHS[3], 7))
        network = nn.Sequential(parts)
    if pretrained:
        stored = read_weights(_shipped().network.content).values()  # in the order of the parts
        weights = (torch.from_numpy(values.astype(np.float32)) for values in stored)
        network.load_state_dict(dict(zip(network.state_dict(), weights, strict=True)))
    return network.eval()


def epochs_within(seconds, network, images, labels, *, most=10, frozen=(), **options):
    """Say how many epochs of `facesom.features.fine_tune` fit into a time, by trying some faces.

    Parameters
    ----------
    seconds : float
        What the training may take.
    network, images, labels, frozen, **options
        As in `facesom.features.fine_tune`; the network is not changed.
    most : int, default 10
        Epochs wanted, where time allows.

    Returns
    -------
    n_epochs : int
        From 1 to `most`: a single one may take longer than `seconds`.
    seconds_each : float
        What an epoch is likely to take.
    """
    n = min(TRIED, len(images))
    options |= {"n_epochs": 1, "progress": False}
    for _ in range(2):  # the first one warms up
        _, history = fine_tune(network, images[:n], labels[:n], frozen=frozen, **options)
    each = history.seconds * len(images) / n
    return int(np.clip(seconds // max(each, 1e-9), 1, most)), each


def read_weights(content):
    """Return the weights that the shipped ONNX file stores, by name.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    dict of str to ndarray
        float32, or float16 where the name ends with "_half"; beside the file stands where they begin in it.
    """
    weights = {}
    for name, (start, *shape) in about_shipped()["weights"].items():
        kind = np.dtype("<f2" if name.endswith("_half") else "<f4")
        weights[name] = np.frombuffer(content, kind, math.prod(shape), start).reshape(shape)
    return weights

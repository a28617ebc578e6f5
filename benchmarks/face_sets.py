"""Faces with a truth, drawn or real, for benchmarks/alignment.py: the columns of its tables."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.decomposition import PCA

import facesom

DRAWN = {  # column: options of make_faces, and how the drawings are shown
    "balanced": ({"mix": "balanced"}, "rgb"),
    "own": ({}, "rgb"),
    "one-sided": ({"mix": "one-sided"}, "rgb"),
    "movement": ({"head_movement": 3.0}, "rgb"),
    "48 px": ({"size": 48}, "rgb"),
    "antialiased": ({"antialias": True}, "rgb"),
    "noise 2 %": ({"noise": 0.02}, "rgb"),
    "palette": ({"palette": "random"}, "rgb"),
    "gray": ({}, "gray"),
    "same-intensity": ({}, "same"),
    "film": ({"style": "film"}, "rgb"),
}
REAL = ("ckplus", "ten of ckplus")  # 75 persons, and ten that the seed chooses


class Faces(NamedTuple):
    """Images, features (P, N, D), and what is known: expressions (P, N), movements (P, N, M), or None."""

    images: np.ndarray
    features: np.ndarray
    expressions: np.ndarray | None
    movements: np.ndarray | None
    n_groups: int

    def pixels(self):
        """On 50 principal components, (P, N, 50)."""
        shape = self.features.shape[:2]
        flat = facesom.to_grayscale(self.images).reshape(np.prod(shape), -1)
        return PCA(50, random_state=0).fit_transform(flat).reshape(*shape, -1)

    def some(self, seed, n_persons=10):
        """Some of the persons."""
        chosen = np.random.default_rng(seed).permutation(len(self.images))[:n_persons]
        return prepare(*(None if x is None else x[chosen] for x in (self.images, *self[2:4])), self.n_groups)


def prepare(images, expressions, movements, n_groups):
    if expressions is not None:
        n_groups = len(np.unique(expressions))
    return Faces(images, facesom.shape_features(images), expressions, movements, n_groups)


def draw(column, seed, n_persons, n_frames, n_groups):
    options, look = DRAWN[column]
    drawn = facesom.make_faces(n_persons, n_frames, seed, **options)
    images = drawn.dataset.X1
    if look != "rgb":
        images = facesom.to_grayscale(images, same_intensity=look == "same")
    staged = options.get("style") != "film"  # on film expressions overlap: no frame has one name
    return prepare(images, drawn.expressions if staged else None, drawn.actions, n_groups)


def read(path, n_groups):
    """A pickle and NAME_truth.npz beside it: `expressions`, names, or `blend`, strengths of movements."""
    path = Path(path)
    path = path if path.suffix else path.with_suffix(".pickle")
    truth = path.with_name(f"{path.stem}_truth.npz")
    truth = np.load(truth) if truth.exists() else {}
    expressions = movements = None
    if "expressions" in truth:
        names = truth["expressions"]
        expressions = np.unique(names, return_inverse=True)[1].reshape(names.shape)
    if "blend" in truth:
        movements = truth["blend"].astype(float)
    return prepare(facesom.load(path).X1, expressions, movements, n_groups)

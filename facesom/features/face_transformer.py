"""What all features of faces share: one gate for images; `fit`, `transform` and `picture` in one manner."""

import warnings
from inspect import signature
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from facesom.io import REC_601, as_faces, check_whole, is_colour, on_ground

LEVEL = 1.001 / 255  # one step of 8-bit images


def as_gray(X):
    """Return faces as one gray stack.

    Parameters
    ----------
    X : array_like, shape (N, H, W[, 3 or 4]) or (P, N, H, W[, 3 or 4])
        Faces, as `as_faces` takes them. Colour becomes luminance (ITU-R BT.601), RGBA as in `on_ground`;
        drawings keep their parts apart better when `facesom.to_grayscale` converts them.

    Returns
    -------
    ndarray of float32, shape (n, H, W)
        In [0, 1], person after person.

    Raises
    ------
    ValueError
        When these are no such images, or some of them are in another range than they should be.

    Warns
    -----
    UserWarning
        When images are constant: all their pixels are equal.
    """
    faces = as_faces(X, name="X", leading=(1, 2))
    faces = on_ground(np.concatenate(faces) if isinstance(faces, list) else faces)
    unit = np.float32(255 if faces.dtype == np.uint8 else 1)
    if is_colour(faces):
        faces = faces @ REC_601.astype(np.float32)
    faces = faces.reshape(-1, *faces.shape[-2:]) / unit
    top = faces.max(axis=(1, 2))
    if len(dim := np.flatnonzero((top > 0) & (top <= LEVEL))):
        got = f"{len(dim)} of {len(faces)} images (first: {dim[0]}) that reach only {top[dim].max():.2g}"
        cause = "in 0..1 already when they were divided by 255 or made integers?"
        raise ValueError(f"X: expected all images in one range, got {got} of full white: {cause}")
    if len(constant := np.flatnonzero(top == faces.min(axis=(1, 2)))):
        what = f"{len(constant)} of {len(faces)} images are constant (first: {constant[0]})"
        warnings.warn(f"X: {what}: their features are those of empty paper.", stacklevel=4)
    return faces


class FaceTransformer(TransformerMixin, BaseEstimator):
    """What all transformers of faces share: the gate, the check of sizes, names.

    Attributes
    ----------
    face_shape_ : tuple of int
        (H, W) of the faces seen in `fit`.
    """

    def fit(self, X, y=None):
        """Remember the size of the faces, check it, and learn what there is to learn.

        Parameters
        ----------
        X : array_like, shape (N, H, W[, 3]) or (P, N, H, W[, 3])
            Gray or RGB: uint8 in 0..255 or float in [0, 1]. For the same images either gives the same result.
        y : array_like, shape (n,), optional
            Used by supervised transformers only.

        Returns
        -------
        FaceTransformer
            This object.

        Raises
        ------
        ValueError
            When images or parameters do not fit; the message says how.
        """
        faces = self._read(X)
        size = self._size(faces)
        self._check(size)
        self._learn(faces, y)
        self.face_shape_ = size
        return self

    def transform(self, X):
        """Return one row of numbers for each face.

        Parameters
        ----------
        X : array_like
            Faces of the size of those in `fit`.

        Returns
        -------
        ndarray of float, shape (n, D)
            Of (P, N, ...) the P * N rows person after person; ``.reshape(P, N, -1)`` gives them by person.

        Raises
        ------
        ValueError
            When images are none, or of another size.
        """
        return self._describe(self._fitted(X))

    def picture(self, X):
        """Return what the transformer sees in faces, as pictures.

        Parameters
        ----------
        X : array_like
            Faces, as for `transform`.

        Returns
        -------
        ndarray of float32, shape (n, H', W')
            In [0, 1], dark on white, for `facesom.plots.plot_faces`.
        """
        return self._show(self._fitted(X)).astype(np.float32)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str, shape (D,)
        """
        check_is_fitted(self, "face_shape_")
        return np.array(self._names(), dtype=object)

    def _fitted(self, X):
        check_is_fitted(self, "face_shape_")
        faces = self._read(X)
        size = self._size(faces)
        if size != self.face_shape_:
            sizes = f"{_by(self.face_shape_)} pixels as in fit, got {_by(size)}"
            raise ValueError(f"X: expected faces of {sizes}; bring them to that size, e.g. by cv2.resize.")
        return faces

    def _read(self, X):
        return as_gray(X)

    def _size(self, faces):
        return faces[0].shape[-3:-1] if is_colour(faces[0]) else faces[0].shape[-2:]

    def _check(self, size):
        """Raise `ValueError` for parameters that make no features, or faces (H, W) too small for them."""
        for name, parameter in signature(type(self)).parameters.items():
            value, default = getattr(self, name), parameter.default
            if type(default) is int:  # and no bool
                check_whole(value, name, None if default else 0)
            elif type(default) is float and not (isinstance(value, Real) and 0 < value < np.inf):
                raise ValueError(f"{name}: expected a number over 0, got {value!r}.")
        if min(size) < (side := self._least_side()):
            sizes = f"at least {_by((side, side))} pixels, got {_by(size)}"
            raise ValueError(f"{self}: expected faces of {sizes}; enlarge them, or use smaller cells.")

    def _least_side(self):
        """Pixels that the faces must have in each direction."""
        return 1

    def _learn(self, faces, y):
        """Learn from gray faces; most have nothing to learn."""

    def _names(self):
        n_columns = self._describe(np.zeros((1, *self.face_shape_), np.float32)).shape[1]
        return [f"{type(self).__name__.lower()}{k}" for k in range(n_columns)]


def _by(size):
    return " × ".join(map(str, size))

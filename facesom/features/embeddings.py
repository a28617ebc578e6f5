"""Faces as numbers that a network learned: a convolutional autoencoder, and a supervised CNN's last layer.

Transformers in the manner of `facesom.features`, trained on the faces at hand. They need PyTorch:
``pip install torch``. Weights kept with `save` are read back only when their SHA-256 is the one
that is asked for, and nothing in the file is run.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from facesom.io import as_array, atomic_write

from .face_transformer import FaceTransformer, check_parameters
from .networks import convolutional_autoencoder, import_torch, run_network, three_block_cnn
from .training import train_network

VERSION = 1


@dataclass(eq=False, repr=False, kw_only=True)
class _Embedding(FaceTransformer):
    """What both networks share: faces of any size, weights from training or from a checked file."""

    size: int = 32
    width: int = 16
    n_epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 5e-3
    seed: int = 0
    progress: bool = False
    weights: str | Path | None = None
    sha256: str | None = None

    def save(self, path):
        """Write what was learned to a file, completely or not at all.

        Parameters
        ----------
        path : str or path-like

        Returns
        -------
        str
            SHA-256 of the file, for ``sha256=`` beside ``weights=``.
        """
        check_is_fitted(self, "network_")
        written = io.BytesIO()
        contents = {"kind": type(self).__name__, "version": VERSION, "settings": self._settings()}
        contents |= {"facts": self._facts(), "network": self.network_.state_dict()}
        import_torch().save(contents, written)
        with atomic_write(path, "wb") as file:
            file.write(written.getvalue())
        return hashlib.sha256(written.getvalue()).hexdigest()

    def _load(self):
        """The facts and the network's state in the file `weights`, or raise `ValueError`."""
        contents, kind = Path(self.weights).read_bytes(), type(self).__name__
        found = hashlib.sha256(contents).hexdigest()
        if self.sha256 is None or self.sha256.lower() != found:
            raise ValueError(
                f"sha256: expected that of {self.weights}, which is {found}, got {self.sha256!r}; "
                + ("if you trust the file, pass it." if self.sha256 is None else "is it another file?")
            )
        try:
            read = import_torch().load(io.BytesIO(contents), map_location="cpu", weights_only=True)
            settings, facts, state = read["settings"], read["facts"], read["network"]
            if read["kind"] != kind or read["version"] > VERSION:
                raise ValueError(f"it says {read['kind']}, version {read['version']}")
        except Exception as error:
            raise ValueError(
                f"{self.weights}: expected weights saved by {kind}.save, version {VERSION} or before, "
                f"but: {error!s:.200}. Save them again, or update facesom."
            ) from error
        other = {name: value for name, value in settings.items() if getattr(self, name) != value}
        if other:
            raise ValueError(f"{self.weights}: these weights need {other}; pass the same to {kind}.")
        return facts, state

    def _check(self, height, width):
        import_torch()
        check_parameters(self, *self._settings(), "n_epochs", "batch_size")
        if self.size % 8 or self.size < 16:
            raise ValueError(f"size: expected a multiple of 8 from 16 up, got {self.size!r}.")

    def _fitted(self, X):
        check_is_fitted(self, "network_")
        return self._read(X)  # of any size: all are resized

    def _settings(self):
        return {"size": self.size, "width": self.width}

    def _options(self):
        names = ("n_epochs", "batch_size", "learning_rate", "seed", "progress")
        return {name: getattr(self, name) for name in names}

    def _sized(self, faces):
        return _resize(faces, self.size, self.size)

    def _names(self):
        prefix = type(self).__name__.lower()
        return [f"{prefix}{k}" for k in range(self._n_out())]


def _resize(faces, height, width):
    if faces.shape[1:] == (height, width):
        return faces
    shrink = height * width < faces[0].size
    how = cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
    # interpolation may overshoot by rounding
    return np.clip([cv2.resize(face, (width, height), interpolation=how) for face in faces], 0, 1)


@dataclass(eq=False, repr=False, kw_only=True)
class ConvAutoencoder(_Embedding):
    """The few numbers from which a convolutional autoencoder redraws a face (Hinton and Salakhutdinov, 2006).

    Nobody tells it expressions or persons. It learns to redraw how each face differs from the mean face.

    Parameters
    ----------
    n_components : int, default 16
        Numbers for each face.
    size : int, default 32
        Faces are resized to size × size pixels, a multiple of 8.
    width : int, default 16
        As in `convolutional_autoencoder`.
    n_epochs, batch_size, learning_rate, seed, progress
        As in `facesom.features.train_network`. Same seed, same machine, same result.
    weights : str or path-like, optional
        A file that `save` wrote; `fit` then reads it instead of training.
    sha256 : str, optional
        64 hexadecimal digits, needed with `weights`: that of the file.

    Attributes
    ----------
    network_ : torch.nn.Sequential
        As from `convolutional_autoencoder`.
    mean_face_ : ndarray of float32, shape (size, size)
    history_ : TrainingHistory or None
        None where weights were read.
    """

    n_components: int = field(default=16, kw_only=False)

    def inverse_transform(self, X):
        """Redraw faces from their numbers.

        Parameters
        ----------
        X : array_like of float, shape (n, n_components)

        Returns
        -------
        ndarray of float32, shape (n, H, W)
            Gray in [0, 1], of the size of the faces in `fit`.
        """
        check_is_fitted(self, "network_")
        torch = import_torch()
        with torch.no_grad():
            drawn = self.network_.decoder(torch.as_tensor(as_array(X, "X").astype(np.float32)))[:, 0].numpy()
        return _resize(np.clip(2 * drawn - 1 + self.mean_face_, 0, 1), *self.face_shape_)

    def _learn(self, faces, y):
        facts, state = self._load() if self.weights is not None else (None, None)
        self.network_ = convolutional_autoencoder(**self._settings(), seed=self.seed)
        if state is not None:
            self.network_.load_state_dict(state)
            self.mean_face_, self.history_ = facts["mean_face"].numpy(), None
            return
        self.mean_face_ = self._sized(faces).mean(axis=0)
        options = self._options() | {"weight_decay": 0.0}
        self.history_ = train_network(self.network_, self._differences(faces), **options)

    def _differences(self, faces):
        return (self._sized(faces) - self.mean_face_ + 1) / 2  # in [0, 1], as networks take images

    def _describe(self, faces):
        return run_network(self.network_.encoder, self._differences(faces))

    def _show(self, faces):
        return self.inverse_transform(self._describe(faces))

    def _settings(self):
        return {"n_components": self.n_components, **super()._settings()}

    def _facts(self):
        return {"mean_face": import_torch().from_numpy(self.mean_face_)}

    def _n_out(self):
        return self.n_components


@dataclass(eq=False, repr=False, kw_only=True)
class CNNEmbedding(ClassifierMixin, _Embedding):
    """The last hidden layer of a CNN that was trained to tell classes apart, 128 numbers for each face.

    Supervised: `fit` needs a label for each face, so this is a ceiling for what clustering can reach rather
    than a rival of it. Judge it on persons that it was not trained on. It predicts classes, too.

    Parameters
    ----------
    size : int, default 48
        Faces are resized to size × size pixels, a multiple of 8.
    width : int, default 16
        As in `facesom.features.three_block_cnn`.
    augment : bool, default False
        Whether to shift, turn, zoom and mirror faces at random in training: for long trainings, and not for
        classes that differ in left and right.
    n_epochs, batch_size, learning_rate, seed, progress
        As in `facesom.features.train_network`. Same seed, same machine, same result.
    weights : str or path-like, optional
        A file that `save` wrote; `fit` then reads it instead of training, and needs no labels.
    sha256 : str, optional
        64 hexadecimal digits, needed with `weights`: that of the file.

    Attributes
    ----------
    classes_ : ndarray, shape (K,)
        The labels seen in `fit`, sorted.
    network_ : torch.nn.Sequential
    history_ : TrainingHistory or None
        None where weights were read.
    """

    size: int = 48
    augment: bool = False
    n_epochs: int = 20
    learning_rate: float = 2e-3

    def predict_proba(self, X):
        """Return the probability of each class for faces that `transform` takes.

        Parameters
        ----------
        X : array_like, shape (N, H, W[, 3]) or (P, N, H, W[, 3])

        Returns
        -------
        ndarray of float, shape (n, K)
            0 to 1, columns as in `classes_`.
        """
        return softmax(run_network(self.network_, self._sized(self._fitted(X))), axis=1)

    def predict(self, X):
        """Return the most probable class of each face.

        Parameters
        ----------
        X
            As for `predict_proba`.

        Returns
        -------
        ndarray, shape (n,)
        """
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _learn(self, faces, y):
        if self.weights is not None:
            facts, state = self._load()
            self.classes_, self.history_ = np.array(facts["classes"]), None
            self.network_ = three_block_cnn(len(self.classes_), **self._settings())
            self.network_.load_state_dict(state)
            self.network_.eval()
            return
        if y is None:
            raise ValueError(f"y: expected a label for each of {len(faces)} faces, got none.")
        y = as_array(y, "y")
        y = y.ravel() if y.size == len(faces) else y  # labels (P, N) of faces (P, N, H, W)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if y.shape != (len(faces),) or len(self.classes_) < 2:
            raise ValueError(
                f"y: expected a label for each of {len(faces)} faces, of two classes or more, got shape "
                f"{y.shape} and {len(self.classes_)} class(es)."
            )
        self.network_ = three_block_cnn(len(self.classes_), **self._settings(), seed=self.seed)
        options = self._options() | {"augment": self.augment}
        self.history_ = train_network(self.network_, self._sized(faces), codes, **options)

    def _describe(self, faces):
        nn = import_torch().nn
        hidden = nn.Sequential(*list(self.network_)[:-1], self.network_.head[:-1])
        return run_network(hidden, self._sized(faces))

    def _show(self, faces):
        return self._sized(faces)

    def _facts(self):
        return {"classes": self.classes_.tolist()}

    def _n_out(self):
        return self.network_.head[-1].in_features

"""Faces as numbers that a network learned: a convolutional autoencoder, and a supervised CNN's last layer.

Transformers in the manner of `facesom.features`, trained on the faces at hand. They need PyTorch:
``pip install torch``.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from facesom.io import as_array

from .face_transformer import FaceTransformer
from .networks import convolutional_autoencoder, import_torch, run_network, three_block_cnn
from .training import train_network


@dataclass(eq=False, repr=False, kw_only=True)
class _Embedding(FaceTransformer):
    """What both networks share: faces of any size."""

    size: int = 32
    width: int = 16
    n_epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 5e-3
    seed: int = 0
    progress: bool = False

    def _check(self, size):
        import_torch()
        super()._check(size)
        if self.size % 8 or self.size < 16:
            raise ValueError(f"size: expected a multiple of 8 from 16 up, got {self.size!r}.")

    def _fitted(self, X):
        check_is_fitted(self, "network_")
        return self._read(X)  # of any size: all are resized

    def _train(self, *data, **options):
        names = ("n_epochs", "batch_size", "learning_rate", "seed", "progress")
        options |= {name: getattr(self, name) for name in names}
        self.history_ = train_network(self.network_, *data, **options)

    def _sized(self, faces):
        return _resize(faces, (self.size, self.size))


def _resize(faces, size):
    how = cv2.INTER_AREA if np.prod(size) < faces[0].size else cv2.INTER_LINEAR
    # interpolation may overshoot by rounding
    return np.clip([cv2.resize(face, size[::-1], interpolation=how) for face in faces], 0, 1)


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

    Attributes
    ----------
    network_ : torch.nn.Sequential
        As from `convolutional_autoencoder`.
    mean_face_ : ndarray of float32, shape (size, size)
    history_ : TrainingHistory
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
        return _resize(np.clip(2 * drawn - 1 + self.mean_face_, 0, 1), self.face_shape_)

    def _learn(self, faces, y):
        self.network_ = convolutional_autoencoder(
            self.n_components, self.size, width=self.width, seed=self.seed
        )
        self.mean_face_ = self._sized(faces).mean(axis=0)
        self._train(self._differences(faces), weight_decay=0.0)

    def _differences(self, faces):
        return (self._sized(faces) - self.mean_face_ + 1) / 2  # in [0, 1], as networks take images

    def _describe(self, faces):
        return run_network(self.network_.encoder, self._differences(faces))

    def _show(self, faces):
        return self.inverse_transform(self._describe(faces))


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

    Attributes
    ----------
    classes_ : ndarray, shape (K,)
        The labels seen in `fit`, sorted.
    network_ : torch.nn.Sequential
    history_ : TrainingHistory
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
        y = as_array([] if y is None else y, "y")
        self.classes_, codes = np.unique(y, return_inverse=True)
        if y.size != len(faces) or len(self.classes_) < 2:
            expected = f"a label for each of {len(faces)} faces, of two classes"
            got = f"shape {y.shape} and {len(self.classes_)} class(es)" if y.size else "none"
            raise ValueError(f"y: expected {expected}, got {got}.")
        self.network_ = three_block_cnn(len(self.classes_), self.size, width=self.width, seed=self.seed)
        self._train(self._sized(faces), codes.ravel(), augment=self.augment)  # y may be (P, N)

    def _describe(self, faces):
        hidden = import_torch().nn.Sequential(*list(self.network_)[:-1], self.network_.head[:-1])
        return run_network(hidden, self._sized(faces))

    def _show(self, faces):
        return self._sized(faces)

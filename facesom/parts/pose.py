"""The pose of a drawn head, frame by frame: what the measures of a face must be free of.

Places are complex numbers, x + iy in pixels, y down.
"""

from dataclasses import dataclass

import numpy as np
from scipy.fft import dct, idct

from .ink import add_up
from .places import HOME, LIPS

_EYE_NOISE = 0.21  # pixels, error of the place of a drawn eye, along x as along y
# the front of a head recedes by this times x², in eye distances: a circle 15 cm wide, the eyes 6.3 cm apart
_CURVED = 0.4
_STRENGTHS = 40  # of smoothing that are tried


@dataclass(frozen=True)
class Pose:
    """Where the head of one person is in N frames.

    Attributes
    ----------
    origin : ndarray of complex, shape (N,)
        Middle between the eyes.
    turn : ndarray of complex, shape (N,)
        From the left eye to the right: its length is the distance seen, its angle the roll.
    bend : ndarray of float, shape (N,)
        How much narrower what lies to the right is seen for being turned away: `_CURVED` times the tangent of
        the yaw; negative to the left.
    eyes : ndarray of bool, shape (N, 2)
        Which eyes are seen.
    found : ndarray of bool, shape (N,)
        Whether there is a face.
    """

    origin: np.ndarray
    turn: np.ndarray
    bend: np.ndarray
    eyes: np.ndarray
    found: np.ndarray

    @property
    def stretch(self):
        """How much larger heights are, in eye distances as seen, than on the same head looking straight."""
        return np.hypot(1, self.bend / _CURVED)

    def straighten(self, frame, z):
        """Places z (M,) as x to the right and y up (M,), in eye distances, as if heads looked straight."""
        z = (z - self.origin[frame]) / self.turn[frame]
        return z.real + self.bend[frame] * (z.real**2 - 0.25), -z.imag / self.stretch[frame]


def find_pose(frame, part, weight, z, n):
    """Find the head's pose in n frames of one person.

    An eye that is missing is put where the person's other parts say it should be: by the complex number that
    maps their usual places best, in least squares, to those of the frame. Everything is freed of the rounding
    to pixels by the frames before and after (`steady`).

    Parameters
    ----------
    frame, part : ndarray of int, shape (M,)
        Frame and part, as in `facesom.parts.PARTS`, of each drawn pixel.
    weight : ndarray of float, shape (M,)
        How much of the pixel is drawn.
    z : ndarray of complex, shape (M,)
    n : int

    Returns
    -------
    Pose
    """
    index = 5 * frame + np.minimum(part, LIPS[0]) - 1
    mass = np.bincount(index, weight, 5 * n)
    seen = (mass > 0).reshape(n, 5)
    centre = (add_up(index, weight * z, 5 * n) / np.maximum(mass, 1e-9)).reshape(n, 5)
    eyes = seen[:, 2:4]
    both = eyes.all(1)
    home = HOME[:5].copy()
    turn, origin = centre[:, 3] - centre[:, 2], centre[:, 2:4].mean(1)
    if both.any():  # a pair far from the person's eye distance is no pair of eyes
        size = np.abs(turn)
        false = both & (np.abs(np.log(np.maximum(size, 1e-9) / np.median(size[both]))) > 0.3)
        eyes[false] = False  # a view into `seen`
        both &= ~false
    if both.any():
        here = (centre[both] - origin[both, None]) / turn[both, None]
        for k in np.flatnonzero(seen[both].any(0)):
            home[k] = np.median(here.real[seen[both, k], k]) + 1j * np.median(here.imag[seen[both, k], k])
    trust = seen * np.array([1.0, 1, 10, 10, 1])
    total = np.maximum(trust.sum(1), 1)
    mean, mean_home = (trust * centre).sum(1) / total, (trust * home).sum(1) / total
    off, off_home = centre - mean[:, None], home - mean_home[:, None]
    fitted = (trust * off * off_home.conj()).sum(1) / np.maximum((trust * np.abs(off_home) ** 2).sum(1), 1e-6)
    found = both | (np.abs(fitted) > 0)
    if not found.any():
        return Pose(origin, np.ones(n, complex), np.zeros(n), eyes, found)

    turn = np.where(both, turn, fitted)
    size = steady(np.abs(turn), 2 * _EYE_NOISE**2, both if both.any() else found)
    roll = steady(np.angle(turn), 2 * (_EYE_NOISE / np.median(size)) ** 2, found)
    turn = size * np.exp(1j * roll)
    origin = np.where(both, origin, mean - turn * mean_home)
    across, down = (steady(values, _EYE_NOISE**2 / 2, found) for values in (origin.real, origin.imag))
    origin = across + 1j * down
    bend = turned_aside(frame, part, weight, ((z - origin[frame]) / turn[frame]).real, n)
    return Pose(origin, turn, bend, eyes, found)


def turned_aside(frame, part, weight, x, n):
    """`Pose.bend` (N,): on a round head the brow and the eye that turn away grow narrower than the others.

    Faces are taken to be alike on both sides as far as brows and eyes agree in it.
    """
    index = 4 * frame + part - 1
    near = part < LIPS[0]
    index, weight, x = index[near], weight[near], x[near]
    mass = np.bincount(index, weight, 4 * n)
    middle = np.bincount(index, weight * x, 4 * n) / np.maximum(mass, 1e-9)
    spread = np.bincount(index, weight * (x - middle[index]) ** 2, 4 * n) / np.maximum(mass, 1e-9)
    left, right = np.moveaxis(np.log(spread.reshape(n, 2, 2) + 1e-4), 2, 0)  # of brows and eyes, (N, 2)
    seen = (mass > 0).reshape(n, 4).all(1)
    if not seen.any():
        return np.zeros(n)
    narrower = (left - right) / 4  # half the logarithm of the widths' ratio
    usual = np.median(narrower[seen], axis=0)
    alike = np.abs(usual).min() * np.sign(usual).mean()  # what one pair shows alone is how this face is built
    narrower = narrower - usual + alike
    noise = np.var(narrower[seen, 0] - narrower[seen, 1]) / 4
    return np.clip(steady(narrower.mean(1), noise, seen), -_CURVED, _CURVED)  # 45 degrees


def steady(values, noise, seen):
    """Values of a person's frames without their noise, as far as it can be told from movement.

    What changes smoothly from frame to frame is kept, by penalised least squares whose strength is chosen by
    generalised cross-validation (Garcia, 2010). Frames need not be a video: of what is left, that share is
    kept by which its variance exceeds the noise.

    Parameters
    ----------
    values : ndarray of float, shape (N,)
    noise : float
        Variance.
    seen : ndarray of bool, shape (N,)
        Which values are known; others are filled in. At least one.

    Returns
    -------
    ndarray of float, shape (N,)
    """
    n, time = len(values), np.arange(len(values))
    values = np.interp(time, time[seen], values[seen])
    wave = dct(values, norm="ortho")
    rough = (2 - 2 * np.cos(np.pi * time / n)) ** 2
    half = 2 - 2 * np.cos(np.pi * np.geomspace(0.1, n, _STRENGTHS) / n)  # where a wave is halved
    kept = 1 / (1 + rough / half[:, None] ** 2)
    left = ((1 - kept) ** 2 * wave**2).sum(1) / np.maximum(n - kept.sum(1), 1e-9) ** 2
    best = np.argmax(left <= left.min() * (1 + 1e-6))  # of equals, the smoothest
    smooth = idct(kept[best] * wave, norm="ortho")
    left = np.where(seen, values - smooth, 0)
    real = 1 - noise / max(np.mean(left[seen] ** 2), 1e-12)
    return smooth + max(real, 0) * left

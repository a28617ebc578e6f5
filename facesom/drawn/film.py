"""Faces as film shows them: actions mix, come and go, people talk, blink and look down, sides differ.

What is drawn is a minute of film, whatever the number of its frames. Every action has a time course of its
own. The constants below were set by hand, by statistics of 22 filmed people × 150 frames: variances, spectra
and autocorrelations of their features (``benchmarks/film_likeness.py``), and how far these follow the scores
of a second tracker.
"""

import numpy as np
from scipy.signal import lfilter

from .drawing import LANDMARKS
from .facemodel import ACTION_UNITS, EXPRESSIONS, unit_weights
from .staged import THRESHOLD

#: Actions that each side of the face shows by itself; those of chin, jaw and lips have one strength.
SIDED = ("AU1", "AU2", "AU4", "AU5", "AU7", "AU9", "AU10", "AU12", "AU15", "AU20", "AU43")
#: Every action of a film: columns of `facesom.drawn.DrawnFaces.actions`.
ACTIONS = (
    *(f"{name}_{side}" for name in SIDED for side in ("left", "right")),
    *(name for name in ACTION_UNITS if name not in SIDED),
    "aside",  # the mouth, negative to the left
)

_SECONDS = 60
_FASTEST = 1 / 25  # of a second between two frames

# what comes and goes beside the expressions: actions that go together; usual strength; how long it lasts in
# seconds
_HABITS = (
    ({"AU1": 1.0, "AU2": 1.0}, 0.22, 2.5),
    ({"AU1": 1.0}, 0.07, 1.5),
    ({"AU2": 1.0}, 0.07, 1.5),
    ({"AU4": 1.0}, 0.14, 2.5),
    ({"AU5": 1.0}, 0.03, 1.0),
    ({"AU7": 1.0}, 0.14, 1.5),
    ({"AU9": 1.0}, 0.03, 1.0),
    ({"AU12": 1.0, "AU7": 0.3, "AU10": 0.4, "AU25": 0.2}, 0.40, 2.0),
    ({"AU15": 1.0, "AU17": 0.5}, 0.06, 1.5),
    ({"AU24": 1.0}, 0.12, 1.0),
    ({"AU43": 1.0, "AU4": 0.1}, 0.36, 2.0),  # looking down
)
# what speech moves, from one syllable to the next
_SPEECH = (
    ({"AU25": 0.8, "AU26": 1.0}, 0.18, 0.3),
    ({"AU18": 1.0}, 0.30, 0.7),
    ({"AU20": 1.0}, 0.06, 0.7),
    ({"AU10": 1.0}, 0.18, 0.3),
    ({"AU17": 1.0}, 0.14, 0.3),
    ({"AU24": 1.0}, 0.12, 0.3),
)
# what is seen of an action where it is not itself alone: on film lids rarely close, smiles are wide and flat
_SEEN = {
    "AU7": {"AU7": 1.0, "AU4": 0.5, "AU12": 0.3},
    "AU10": {"AU10": 0.6, "AU18": 0.3, "AU25": 0.5, "AU26": 0.15},
    "AU12": {"AU12": 0.6, "AU20": 0.6},
    "AU24": {"AU24": 0.9, "AU20": 0.7},
    "AU26": {"AU26": 1.2, "AU18": 0.8},
    "AU43": {"AU43": 0.6},
}
_BLINKS = 0.2  # per second
_TONE = 0.12  # of each action at rest, standard deviation over persons
_DRIFT = 0.06  # of each action over the film
_SIDES = 0.08  # how much stronger one side is: over persons and actions, and half as much in time
_ACCENT = 0.05  # how much of every other action a person's action brings along
# noise of the landmarks in eye distances, by part: of its place, measured from the eyes, and of its points
_BROWS = slice(LANDMARKS["left_brow"].start, LANDMARKS["right_brow"].stop)
_EYES = slice(LANDMARKS["left_eye"].start, LANDMARKS["right_eye"].stop)
_LIPS = slice(LANDMARKS["outer_lips"].start, LANDMARKS["inner_lips"].stop)
_NOISE = ((_BROWS, 0.008, 0.007), (_EYES, 0.0, 0.004), (_LIPS, 0.02, 0.012))
_LASTING = 0.8  # how much of it lasts for seconds

_UNITS = tuple(ACTION_UNITS)
_SIDED = np.isin(_UNITS, SIDED)
_LIDS = _UNITS.index("AU43")


def film_video(rng, shares, n_frames, movement):
    """One person's film.

    Parameters
    ----------
    rng : numpy.random.Generator
    shares : ndarray of float, shape (K,)
        Share of each of `EXPRESSIONS`.
    n_frames : int
    movement : float
        Factor on all strengths.

    Returns
    -------
    expressions, intensities : ndarray, shape (N,)
        The strongest expression, from `THRESHOLD` on, and how strong it is; others show at the same time.
    sides : ndarray of float, shape (2, N, U)
        Action units as they are drawn on the left and on the right.
    actions : ndarray of float, shape (N, A)
        What was meant, without this person's accent: columns `ACTIONS`.
    pose : ndarray of float, shape (N, 6)
        In standard deviations.
    jitter : ndarray of float, shape (N, 42, 2)
        Of the landmarks, in eye distances; with the mouth drawn aside.
    """
    step = max(_SECONDS / n_frames, _FASTEST)
    levels = _episodes(rng, shares, n_frames, step)
    intensities = levels.max(axis=1)
    units = levels @ (unit_weights(EXPRESSIONS.values()) * _manner(rng, (len(EXPRESSIONS), 1)))
    units += _habits(rng, n_frames, step)
    units *= movement * min(rng.lognormal(-0.1, 0.6), 1.5)

    lean = _SIDES * rng.standard_normal(len(_UNITS))
    lean = lean + _SIDES / 2 * _wander(rng, n_frames, len(_UNITS), 2 / step)
    lean[:, ~_SIDED] = 0
    sides = np.tanh(np.maximum(np.stack([units * (1 - lean), units * (1 + lean)]), 0))  # 1 is the most
    sides[..., _LIDS] = np.maximum(sides[..., _LIDS], _blinks(rng, n_frames, step))
    aside = 0.1 * min(rng.gamma(1.0), 2) * np.clip(_wander(rng, n_frames, 1, 1 / step), -3, 3)
    apart = np.moveaxis(sides[..., _SIDED], 0, -1).reshape(n_frames, -1)

    accent = _ACCENT * rng.standard_normal([len(_UNITS)] * 2)
    accent[:, _LIDS] = accent[_LIDS] = 0
    seen = unit_weights(_SEEN.get(name, {name: 1.0}) for name in _UNITS)
    seen = seen * _manner(rng, (len(_UNITS), 1)) + accent
    jitter = _jitter(rng, n_frames, step)
    jitter[:, _LIPS, 0] += 0.2 * aside
    return (
        np.where(intensities >= THRESHOLD, levels.argmax(axis=1), 0),
        intensities,
        np.maximum(sides @ seen, 0),
        np.column_stack([apart, sides[0][:, ~_SIDED], aside]),
        _wander(rng, n_frames, 6, 2.5 / step),
        jitter,
    )


def _habits(rng, n_frames, step):
    """What this person does beside the expressions, at rest and over the whole film, (N, U)."""
    talk = np.maximum(_wander(rng, n_frames, 1, 4 / step) - rng.normal(0, 0.8), 0)
    units = np.abs(_TONE * rng.standard_normal(len(_UNITS)))
    units = units + _DRIFT * _wander(rng, n_frames, len(_UNITS), 20 / step)
    for table, gate, taste in ((_HABITS, 1, 0.8), (_SPEECH, talk, 0.6)):
        weights, strengths, seconds = zip(*table, strict=True)
        curves = np.concatenate([_wander(rng, n_frames, 1, s / step) for s in seconds], axis=1)
        strengths = np.array(strengths) * _manner(rng, len(table), taste)
        units += gate * np.maximum(curves - 0.2, 0) * strengths @ unit_weights(weights)
    return units


def _episodes(rng, shares, n_frames, step):
    """How strongly each expression shows, (N, K): it rises, stays and falls, whatever the others do."""
    time = (np.arange(n_frames) + 0.5) * step
    levels = np.zeros((n_frames, len(shares)))
    for k, share in enumerate(shares):
        for _ in range(rng.poisson(share * time[-1] / 3.0) if k else 0):
            begin, last = rng.uniform(-2, time[-1]), rng.lognormal(0.8, 0.5)
            apex = min(rng.lognormal(-0.9, 0.5), 1)
            rise = np.clip((time - begin) / 0.5, 0, 1) * np.clip((begin + last - time) / 0.8, 0, 1)
            levels[:, k] = np.maximum(levels[:, k], apex * (0.5 - 0.5 * np.cos(np.pi * rise)))
    return levels


def _blinks(rng, n_frames, step):
    """How far blinks close the eyes, (N,)."""
    time, closed = np.arange(n_frames) * step, np.zeros(n_frames)
    for moment in rng.uniform(0, n_frames * step, rng.poisson(_BLINKS * n_frames * step)):
        closed = np.maximum(closed, 1 - np.abs(time - moment) / 0.2)
    return closed


def _jitter(rng, n_frames, step):
    def noise(columns):
        lasting = _wander(rng, n_frames, columns, 2 / step)
        return _LASTING * lasting + np.sqrt(1 - _LASTING**2) * rng.standard_normal(lasting.shape)

    jitter = noise(84).reshape(n_frames, 42, 2)
    for part, of_place, of_points in _NOISE:
        jitter[:, part] = of_points * jitter[:, part] + of_place * noise(2)[:, None]
    return jitter * _manner(rng, 1)


def _wander(rng, n_frames, columns, length):
    """Curves (N, columns) of standard deviation 1 that forget themselves over so many frames (AR(1))."""
    keep = np.exp(-1 / length)
    start, white = rng.standard_normal((1, columns)), rng.standard_normal((n_frames, columns))
    return lfilter([np.sqrt(1 - keep**2)], [1, -keep], white, axis=0, zi=keep * start)[0]


def _manner(rng, shape, sd=0.3):
    """Factors of one person about 1."""
    return rng.lognormal(-(sd**2) / 2, sd, shape)

"""Faces as film shows them: actions mix, come and go, people talk, blink and look down, sides differ.

What is drawn is a minute of film, whatever the number of its frames. Every action has a time course of its
own; the constants below were set by the statistics of filmed people (``benchmarks/film_likeness.py``).
"""

import numpy as np
from scipy.signal import lfilter

from .drawing import LANDMARKS
from .facemodel import ACTION_UNITS, EXPRESSIONS
from .staged import THRESHOLD

#: Actions that each side of the face shows by itself; those of chin, jaw and lips have one strength.
SIDED = ("AU1", "AU2", "AU4", "AU5", "AU7", "AU9", "AU10", "AU12", "AU15", "AU20", "AU43")
#: Every action of a film: columns of `facesom.drawn.DrawnFaces.actions`.
ACTIONS = (
    *(f"{name}_{side}" for name in SIDED for side in ("left", "right")),
    *(name for name in ACTION_UNITS if name not in SIDED),
    "aside",
)

_SECONDS = 60
_FASTEST = 1 / 25  # of a second between two frames

# what comes and goes beside the expressions: actions that go together; usual strength, seconds
_HABITS = (
    ({"AU1": 1.0, "AU2": 0.8}, 0.22, 1.0),
    ({"AU1": 1.0}, 0.12, 1.0),
    ({"AU2": 1.0}, 0.10, 1.5),
    ({"AU4": 1.0}, 0.22, 1.5),
    ({"AU5": 1.0}, 0.12, 0.8),
    ({"AU7": 1.0}, 0.25, 1.0),
    ({"AU9": 1.0}, 0.10, 0.6),
    ({"AU12": 1.0, "AU7": 0.3}, 0.25, 1.5),
    ({"AU15": 1.0, "AU17": 0.5}, 0.20, 1.0),
    ({"AU24": 1.0}, 0.25, 0.8),
    ({"AU43": 0.9, "AU4": 0.3}, 0.18, 0.8),  # looking down
)
# what speech moves, from one syllable to the next
_SPEECH = (
    ({"AU25": 1.0, "AU26": 0.6}, 0.55, 0.15),
    ({"AU18": 1.0}, 0.45, 0.2),
    ({"AU20": 1.0}, 0.30, 0.2),
    ({"AU10": 1.0}, 0.25, 0.2),
    ({"AU17": 1.0}, 0.30, 0.2),
    ({"AU24": 1.0}, 0.25, 0.15),
)
_TONE = 0.12  # of each action at rest, standard deviation over persons
_DRIFT = 0.06  # of each action over the film
_SIDES = 0.25  # how much stronger one side is: over persons and actions, and half as much in time
_ACCENT = 0.12  # how much of every other action a person's action brings along
# noise of the landmarks in eye distances: of a part's place, of single points; and of what lasts a while
_PLACE_NOISE, _POINT_NOISE, _LASTING = 0.012, 0.012, 0.6
_LIPS = slice(LANDMARKS["outer_lips"].start, LANDMARKS["inner_lips"].stop)


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
    strongest = levels.argmax(axis=1)
    intensities = levels.max(axis=1)
    units = levels @ (_weights(EXPRESSIONS.values()) * _manner(rng, (len(EXPRESSIONS), 1)))

    talk = _wander(rng, n_frames, 1, 4 / step) > rng.normal(0.3, 0.8)
    for table, gate in ((_HABITS, 1), (_SPEECH, talk)):
        weights = _weights(part for part, _, _ in table)
        curves = np.concatenate([_wander(rng, n_frames, 1, s / step) for _, _, s in table], axis=1)
        strengths = np.array([strength for _, strength, _ in table]) * _manner(rng, len(table), 0.5)
        units += (gate * np.maximum(curves, 0) * strengths) @ weights
    units += np.abs(_TONE * rng.standard_normal(len(ACTION_UNITS)))
    units += _DRIFT * _wander(rng, n_frames, len(ACTION_UNITS), 20 / step)
    units *= movement
    closed = list(ACTION_UNITS).index("AU43")
    blinks = np.minimum(0.3 / step, 1) * (rng.random((n_frames, 1)) < 0.3 * step)

    one_sided = np.isin(list(ACTION_UNITS), SIDED) * _SIDES
    lean = one_sided * (rng.standard_normal(len(ACTION_UNITS)))
    lean = lean + one_sided / 2 * _wander(rng, n_frames, len(ACTION_UNITS), 2 / step)
    sides = np.maximum(np.stack([units * (1 - lean), units * (1 + lean)]), 0)
    sides[..., closed] = np.clip(np.maximum(sides[..., closed], blinks.T), 0, 1)
    aside = 0.25 * rng.gamma(1.0) * np.clip(_wander(rng, n_frames, 1, 1 / step), -3, 3)[:, 0]
    columns = [sides[i, :, list(ACTION_UNITS).index(name)] for name in SIDED for i in range(2)]
    columns += [sides[0, :, k] for k, name in enumerate(ACTION_UNITS) if name not in SIDED]

    accent = np.diag(_manner(rng, len(ACTION_UNITS))) + _ACCENT * rng.standard_normal([len(ACTION_UNITS)] * 2)
    accent[:, closed] = accent[closed] = np.eye(len(ACTION_UNITS))[closed]
    jitter = _jitter(rng, n_frames, step)
    jitter[:, _LIPS, 0] += 0.08 * aside[:, None]
    return (
        np.where(intensities >= THRESHOLD, strongest, 0),
        intensities,
        np.maximum(sides @ accent, 0),
        np.stack([*columns, aside], axis=-1),
        _wander(rng, n_frames, 6, 2.5 / step),
        jitter,
    )


def _episodes(rng, shares, n_frames, step):
    """How strongly each expression shows, (N, K): it rises, stays and falls, whatever the others do."""
    time = (np.arange(n_frames) + 0.5) * step
    levels = np.zeros((n_frames, len(shares)))
    for k, share in enumerate(shares):
        for _ in range(rng.poisson(share * time[-1] / 3.0) if k else 0):
            begin, last = rng.uniform(-2, time[-1]), rng.lognormal(0.8, 0.5)
            apex = min(rng.lognormal(-0.7, 0.5), 1)
            rise = np.clip((time - begin) / 0.5, 0, 1) * np.clip((begin + last - time) / 0.8, 0, 1)
            levels[:, k] = np.maximum(levels[:, k], apex * (0.5 - 0.5 * np.cos(np.pi * rise)))
    return levels


def _jitter(rng, n_frames, step):
    def noise(columns):
        lasting = _wander(rng, n_frames, columns, 2 / step)
        return _LASTING * lasting + np.sqrt(1 - _LASTING**2) * rng.standard_normal(lasting.shape)

    jitter = _POINT_NOISE * noise(84).reshape(n_frames, 42, 2)
    for part in (*list(LANDMARKS.values())[:4], _LIPS):
        jitter[:, part] += _PLACE_NOISE * noise(2)[:, None]
    return jitter


def _wander(rng, n_frames, columns, length):
    """Curves (N, columns) of standard deviation 1 that forget themselves over so many frames (AR(1))."""
    keep = np.exp(-1 / length)
    start, white = rng.standard_normal((1, columns)), rng.standard_normal((n_frames, columns))
    return lfilter([np.sqrt(1 - keep**2)], [1, -keep], white, axis=0, zi=keep * start)[0]


def _manner(rng, shape, sd=0.3):
    """Factors of one person about 1."""
    return rng.lognormal(-(sd**2) / 2, sd, shape)


def _weights(tables):
    return np.array([[units.get(name, 0.0) for name in ACTION_UNITS] for units in tables])

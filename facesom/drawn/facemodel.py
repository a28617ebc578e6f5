"""A small parametric face: proportions and action units in, landmarks out.

Lengths are in eye distances (between the eye centres), x to the right, y up, from the middle between the
eyes; "left" is the left of the picture. The action units are those of Ekman & Friesen (1978), "Facial Action
Coding System", as far as brows, lids and lips show them.
"""

import numpy as np

#: The muscle movements that the model knows: 0 at rest, 1 in full.
ACTION_UNITS = {
    "AU1": "inner brows up",
    "AU2": "outer brows up",
    "AU4": "brows down and together",
    "AU5": "upper lids up",
    "AU7": "lids tight",
    "AU9": "nose wrinkled",
    "AU10": "upper lip up",
    "AU12": "lip corners up and out",
    "AU15": "lip corners down",
    "AU17": "chin up",
    "AU18": "lips puckered",
    "AU20": "lips stretched",
    "AU24": "lips pressed",
    "AU25": "lips parted",
    "AU26": "jaw dropped",
    "AU43": "eyes closed",
}

#: Every expression as its action units at full intensity.
EXPRESSIONS = {
    "neutral": {},
    "smile": {"AU12": 0.8, "AU7": 0.35},
    "laugh": {"AU12": 1.0, "AU7": 0.6, "AU25": 0.8, "AU26": 0.45},
    "sad": {"AU1": 0.9, "AU4": 0.3, "AU15": 0.9, "AU17": 0.5, "AU43": 0.25},
    "angry": {"AU4": 1.0, "AU7": 0.5, "AU24": 0.9},
    "surprised": {"AU1": 0.8, "AU2": 0.9, "AU5": 0.7, "AU18": 0.5, "AU25": 0.6, "AU26": 0.9},
    "disgusted": {"AU4": 0.4, "AU7": 0.7, "AU9": 0.9, "AU10": 1.0, "AU15": 0.3},
    "afraid": {"AU1": 1.0, "AU2": 0.3, "AU4": 0.5, "AU5": 0.9, "AU20": 0.9, "AU25": 1.0, "AU26": 0.15},
}

#: How faces are built: name: (mean, standard deviation over persons).
PROPORTIONS = {
    "eye_width": (0.43, 0.035),
    "eye_height": (0.17, 0.028),
    "eye_roundness": (0.21, 0.04),  # half the flat part of the lids, in eye widths
    "eye_tilt": (0.03, 0.05),  # radians, outer corner up
    "closed_opening": (0.03, 0.02),  # what closed lids leave open
    "brow_height": (0.38, 0.05),
    "brow_length": (0.79, 0.05),
    "brow_thickness": (0.11, 0.025),
    "brow_arch": (0.13, 0.035),
    "brow_tilt": (-0.04, 0.05),  # outer end above the inner one
    "brow_gap": (0.32, 0.06),
    "brow_asymmetry": (0.0, 0.02),  # right brow above the left one
    "mouth_width": (0.74, 0.065),
    "mouth_height": (1.22, 0.07),  # below the eyes
    "upper_lip": (0.10, 0.027),
    "lower_lip": (0.14, 0.033),
    "cupid_bow": (0.02, 0.01),
    "corner_height": (-0.01, 0.03),
    "corner_asymmetry": (0.0, 0.015),  # right corner above the left one
}

# where the points of the lips stand from the left corner, -1, to the right one, 1: outlines, then opening
_OUTER_UPPER = (-1, -0.62, -0.25, 0, 0.25, 0.62, 1)
_OUTER_LOWER = (0.62, 0.3, 0, -0.3, -0.62)
_INNER_UPPER = (-0.88, -0.4, 0, 0.4, 0.88)
_INNER_LOWER = (0.4, 0, -0.4)
_RIGHT = np.repeat([0.0, 1.0, 0.0, 1.0], [5, 5, 6, 6])  # how much each landmark belongs to the right side
_RIGHT = np.append(_RIGHT, np.array([*_OUTER_UPPER, *_OUTER_LOWER, *_INNER_UPPER, *_INNER_LOWER]) / 2 + 0.5)


def face_landmarks(face, units):
    """Landmarks of a face that looks straight ahead.

    Parameters
    ----------
    face : mapping of str to ndarray
        A value for every name of `PROPORTIONS`.
    units : mapping of str to ndarray
        A value for every name of `ACTION_UNITS`. All arrays broadcast to one shape (...).

    Returns
    -------
    ndarray of float64, shape (..., 42, 2)
        In the order of `facesom.drawn.drawing.LANDMARKS`.
    """
    # the landmarks of a curve stand on the last axis
    f = {name: np.asarray(face[name])[..., None] for name in PROPORTIONS}
    au = {name: np.asarray(units[name])[..., None] for name in ACTION_UNITS}
    parts = [_brow(f, au, -1), _brow(f, au, 1), _eye(f, au, -1), _eye(f, au, 1), _lips(f, au)]
    shape = np.broadcast_shapes(*(p.shape[:-2] for p in parts))
    return np.concatenate([np.broadcast_to(p, shape + p.shape[-2:]) for p in parts], axis=-2)


def unit_weights(tables):
    """Strengths of `ACTION_UNITS` by name, as rows of an array (K, U)."""
    return np.array([[units.get(name, 0.0) for name in ACTION_UNITS] for units in tables])


def lopsided(left, right):
    """A face that moves differently on its sides.

    Parameters
    ----------
    left, right : ndarray of float, shape (..., 42, 2)
        Landmarks as the whole face would show what its left and its right side do.

    Returns
    -------
    ndarray of float64, shape (..., 42, 2)
        Brows and eyes from their own side, lips from both by how near they are.
    """
    return left + _RIGHT[:, None] * (right - left)


def _brow(f, au, side):
    t = np.linspace(0, 1, 5)[::side]  # from the inner end (0) to the outer one; landmarks run to the right
    x = f["brow_gap"] / 2 + f["brow_length"] * t - 0.05 * au["AU4"] + 0.01 * au["AU1"]
    y = (
        f["brow_height"]
        + f["brow_asymmetry"] * side / 2
        + f["brow_tilt"] * (t - 0.5)
        + f["brow_arch"] * (np.sin(np.pi * t**1.4) - 0.6)
        + au["AU1"] * 0.17 * (1 - t) ** 1.5
        + au["AU2"] * 0.17 * np.sin(0.7 * np.pi * t)
        - au["AU4"] * (0.13 - 0.09 * t)
        - au["AU9"] * 0.08 * (1 - t)
    )
    return _points(side * x, y)


def _eye(f, au, side):
    upper = np.maximum(0.6 * f["eye_height"] + 0.09 * au["AU5"] - 0.03 * au["AU7"], 0.02)
    lower = np.maximum(0.4 * f["eye_height"] - 0.04 * au["AU7"] - 0.02 * au["AU9"], 0.01)
    shut = au["AU43"]
    rest = shut * np.maximum(f["closed_opening"], 0) / 2
    upper, lower = upper * (1 - shut) - 0.6 * lower * shut + rest, lower * (1 - 0.4 * shut) + rest
    corner = shut * (upper - lower) / 2  # the corners follow the lids, or a closed eye would be a V
    flat = f["eye_roundness"]
    x = np.concatenate(np.broadcast_arrays(-0.5, -flat, flat, 0.5, flat, -flat), axis=-1) * f["eye_width"]
    y = np.concatenate([corner, upper, upper, corner, -lower, -lower], axis=-1)
    return _points(side * 0.5 + x, y + side * f["eye_tilt"] * x)


def _lips(f, au):
    half = f["mouth_width"] / 2 + 0.10 * au["AU12"] + 0.02 * au["AU15"] + 0.08 * au["AU20"]
    half = half - 0.09 * au["AU18"] - 0.04 * au["AU26"]
    corner = f["corner_height"] + 0.17 * au["AU12"]
    corner = corner - 0.12 * au["AU15"] - 0.03 * au["AU20"] - 0.02 * au["AU24"]
    middle = -f["mouth_height"] + 0.03 * au["AU9"] + 0.09 * au["AU10"] + 0.06 * au["AU17"]
    # from the middle to the edges of the opening, and from there over the lips
    up = 0.02 * au["AU10"] + 0.03 * au["AU25"] + 0.05 * au["AU26"]
    down = 0.06 * au["AU25"] + 0.28 * au["AU26"]
    full = 1 - 0.12 * au["AU12"] + 0.15 * au["AU18"] - 0.15 * au["AU20"] - 0.6 * au["AU24"]
    full = np.clip(full, 0.25, 1.3)
    over = np.maximum(f["upper_lip"] * (full + 0.3 * au["AU10"]), 0.02)
    under = np.maximum(f["lower_lip"] * (full - 0.2 * au["AU17"]), 0.02)

    def edge(u, opening, thickness=0.0):
        u = np.array(u)  # from the left corner, -1, to the right one, 1
        line = middle + corner * np.abs(u) ** 1.7 + f["corner_asymmetry"] * u / 2
        opening = opening * (1 - np.minimum(np.abs(u) / 0.88, 1) ** 3)
        return _points(half * u, line + opening + thickness * (1 - np.abs(u) ** 2.8))

    upper = edge(_OUTER_UPPER, up, over)
    upper[..., 3, 1:] -= f["cupid_bow"]
    edges = [upper, edge(_OUTER_LOWER, -down, -under), edge(_INNER_UPPER, up), edge(_INNER_LOWER, -down)]
    return np.concatenate(edges, axis=-2)


def _points(x, y):
    return np.stack(np.broadcast_arrays(x, y), axis=-1)

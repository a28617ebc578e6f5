"""Drawn faces whose identity and expression are known: the built-in data, and the truth of every test.

A person has proportions, a manner of showing expressions and a mix of them; their frames are a video, in
which the expressions drive action units (`facemodel`) and the head moves; the landmarks are drawn as flat
shapes (`drawing`). "Left" is the left of the picture.

Command line: ``python -m facesom.drawn.synthetic PATH [--persons 43 --frames 500 --seed 0 --size 64]``.
"""

import argparse
from dataclasses import dataclass

import numpy as np

from facesom.io import FaceDataset, save

from .drawing import PALETTE, X2_NAMES, distances, draw_landmarks
from .facemodel import ACTION_UNITS, EXPRESSIONS, PROPORTIONS, face_landmarks

__all__ = ["EXPRESSIONS", "LABELS", "THRESHOLD", "X2_NAMES", "DrawnFaces", "make_faces"]

#: Labels (0 happy, 1 unhappy) of the first 43 persons; further persons start again from the first.
LABELS = tuple(int(c) for c in "0010110000100111110001001100000110000000000")

#: A frame carries the name of its expression from this intensity on; below, it is neutral.
THRESHOLD = 0.3

# movements beneath every expression (standard deviations): brows that accent speech, lids, speech itself
_UNREST = (
    {"AU1": 0.14, "AU2": 0.14},
    {"AU5": -0.1, "AU7": 0.12, "AU43": 0.14},
    {"AU25": 0.2, "AU26": 0.05},
)

# what is a person's own beside the proportions: mean, standard deviation over persons
_PERSON = {
    "eye_distance": (0.325, 0.015),  # of the picture's side
    "face_x": (0.0, 0.012),  # resting place, of the picture's side
    "face_y": (0.0, 0.018),
    "movement": (1.0, 0.15),  # how far this face moves for one and the same expression
}
_IDENTITY = _PERSON | PROPORTIONS

_POSE = ("dx", "dy", "angle", "scale", "yaw")
# standard deviations at head_movement = 1: of the side, of the side, radians, factor, radians
_POSE_SD = np.array([0.015, 0.012, 0.04, 0.015, 0.08])


@dataclass(frozen=True, repr=False)
class DrawnFaces:
    """Drawn faces together with the truth about them.

    Attributes
    ----------
    dataset : FaceDataset
        X1 uint8 RGB (P, N, size, size, 3) on black, X2 float64 (P, N, 12) with columns `X2_NAMES`, y int64
        (P,) 0 happy, 1 unhappy.
    expressions : ndarray of int64, shape (P, N)
        Index into `expression_names`; 0 is neutral.
    expression_names : tuple of str
    intensities : ndarray of float64, shape (P, N)
        0 (at rest) to 1 (full); at least `THRESHOLD` exactly where the expression is not neutral. Below it,
        what is left of an expression that begins or ends.
    mixes : ndarray of float64, shape (P, K)
        The share of each expression that the person was given; what is drawn has some more neutral frames, as
        every expression begins and ends there.
    identities : structured ndarray, shape (P,)
        The person's `facesom.drawn.PROPORTIONS` by name, in eye distances and radians; "eye_distance" and
        the face's resting place "face_x", "face_y" (right and down of the middle) in sides of the picture;
        "movement", a factor.
    poses : structured ndarray, shape (P, N)
        The head's "dx", "dy" (pixels, down), "angle" (radians, clockwise), "scale" (factor), "yaw" (radians).
    action_units : structured ndarray, shape (P, N)
        The muscle movements by name ("AU1", ...), about 0 to 1, noise and blinks included.
    landmarks : ndarray of float32, shape (P, N, 42, 2)
        x and y in pixels (0 is the middle of the first pixel), in the order of `drawing.LANDMARKS`.
    """

    dataset: FaceDataset
    expressions: np.ndarray
    expression_names: tuple
    intensities: np.ndarray
    mixes: np.ndarray
    identities: np.ndarray
    poses: np.ndarray
    action_units: np.ndarray
    landmarks: np.ndarray

    def __repr__(self):
        n_persons, n_frames, height, width = self.dataset.X1.shape[:4]
        names = ", ".join(self.expression_names)
        return f"DrawnFaces({n_persons} persons x {n_frames} frames of {height} x {width}; {names})"


def make_faces(
    n_persons=43,
    n_frames=500,
    seed=0,
    *,
    size=64,
    palette="standard",
    antialias=False,
    noise=0.0,
    head_movement=1.0,
    mix="own",
    label_effect=0.5,
    spread=1.0,
    drop=(),
):
    """Draw videos of faces whose identity and expression are known.

    Each person's frames are a video: episodes of one expression, rising from neutral and falling back, with
    an intensity of their own, blinks, slow head movement and some unrest in every muscle. The seed gives each
    person random numbers of their own: person i is the same face whatever `n_persons` and `n_frames` are, and
    has the same frames whatever `n_persons` is.

    Parameters
    ----------
    n_persons, n_frames : int
        At least 1.
    seed : int
        0 or more. Same seed, same faces.
    size : int
        Side of the picture in pixels, 32 to 1024.
    palette : "standard", "random" or array-like of shape (4, 3)
        RGB 0-255 of brows, eyes, upper lip, lower lip; equal rows give parts that share a colour. "random":
        four well visible and distinct colours by `seed`.
    antialias : bool
        Smooth the edges.
    noise : float
        Share of the pixels, 0 to 1, that become black or white (salt and pepper).
    head_movement : float
        0: the head stays where it rests; 1: as in a calm video; 3: strong.
    mix : "own", "balanced", "one-sided" or array-like of shape (n_persons, 8)
        Share of each expression. "own": each person has their own (Dirichlet), some expressions are never
        shown. "balanced": all the same. "one-sided": one expression, not the same for all, fills most of a
        person's frames. An array gives the shares themselves; rows are scaled to sum 1.
    label_effect : float
        0 to 1: how much more the unhappy (y = 1) look sad and angry, and the happy smile and laugh. Only with
        ``mix="own"``; 0 makes y meaningless.
    spread : float
        0 to 2: scales how much persons differ in their proportions; 0: all have the same face.
    drop : collection of str
        Names of `facesom.drawn.drawing.PARTS` that are never drawn.

    Returns
    -------
    DrawnFaces

    Raises
    ------
    ValueError
        If an argument is out of the range above.
    """
    _check(n_persons, n_frames, seed, size, noise, head_movement, label_effect, spread)
    palette = _palette(palette, seed)
    y = np.array([LABELS[i % len(LABELS)] for i in range(n_persons)])
    identities = np.array([_identity(seed, i, spread) for i in range(n_persons)])
    mixes = _mixes(mix, seed, y, label_effect)

    persons = [
        _video(np.random.default_rng([seed, i, 3]), mixes[i], n_frames, identities["movement"][i])
        for i in range(n_persons)
    ]
    expressions, intensities, units, pose, jitter = (np.stack(a) for a in zip(*persons, strict=True))
    pose = np.clip(pose, -2.5, 2.5) * _POSE_SD * head_movement
    limit = np.array([0.1, 0.1, 0.4, 0.08, 0.4])
    pose = np.clip(pose, -limit, limit)

    face = {name: identities[name][:, None] for name in PROPORTIONS}
    points = face_landmarks(face, dict(zip(ACTION_UNITS, np.moveaxis(units, -1, 0), strict=True))) + jitter
    points = _place(points, identities, np.moveaxis(pose, -1, 0), size)

    # who would leave the picture stays at its edge; brows and outlines reach out from the landmarks
    edge = 0.03 * size + 1
    out = np.maximum(points.max(axis=2) - (size - 1 - edge), 0) + np.minimum(points.min(axis=2) - edge, 0)
    points -= out[:, :, None]
    pose[..., :2] -= out / size

    X1 = np.empty((n_persons, n_frames, size, size, 3), dtype=np.uint8)
    for i, frames in enumerate(X1):
        thickness = identities["brow_thickness"][i]
        look = dict(size=size, palette=palette, brow_thickness=thickness, antialias=antialias, drop=drop)
        frames[:] = draw_landmarks(points[i], **look)
        if noise:
            rng = np.random.default_rng([seed, i, 4])
            hit = rng.random((n_frames, size, size), dtype=np.float32) < noise
            frames[hit] = 255 * rng.integers(0, 2, (hit.sum(), 1), dtype=np.uint8)

    pose[..., 3] += 1
    pose[..., :2] *= size
    return DrawnFaces(
        dataset=FaceDataset(X1, distances(points), y),
        expressions=expressions,
        expression_names=tuple(EXPRESSIONS),
        intensities=intensities,
        mixes=mixes,
        identities=identities,
        poses=_named(pose, _POSE),
        action_units=_named(units, ACTION_UNITS),
        landmarks=points.astype(np.float32),
    )


def _check(n_persons, n_frames, seed, size, noise, head_movement, label_effect, spread):
    wanted = [
        ("n_persons", n_persons, 1, np.inf, True),
        ("n_frames", n_frames, 1, np.inf, True),
        ("seed", seed, 0, np.inf, True),
        ("size", size, 32, 1024, True),
        ("noise", noise, 0, 1, False),
        ("head_movement", head_movement, 0, np.inf, False),
        ("label_effect", label_effect, 0, 1, False),
        ("spread", spread, 0, 2, False),
    ]
    for name, value, low, high, whole in wanted:
        kind = (int, np.integer) if whole else (int, float, np.integer, np.floating)
        if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
            what = "a whole number" if whole else "a number"
            limit = f"of at least {low}" if high == np.inf else f"from {low} to {high}"
            raise ValueError(f"{name} must be {what} {limit}; got {value!r}.")


def _palette(palette, seed):
    """RGB (4, 3) of a palette that may be given by name."""
    if not isinstance(palette, str):
        return palette
    if palette == "standard":
        return PALETTE
    if palette != "random":
        raise ValueError(
            f'palette must be "standard", "random" or RGB numbers of shape (4, 3); got {palette!r}.'
        )
    rng = np.random.default_rng([seed, 0, 1])
    while True:
        colours = rng.integers(0, 256, (4, 3))
        apart = np.linalg.norm(colours[:, None] - colours, axis=-1)[np.triu_indices(4, 1)]
        if colours.max(axis=1).min() >= 130 and apart.min() >= 100:
            return colours


def _identity(seed, person, spread):
    """One person's proportions, as a row of a structured array."""
    rng = np.random.default_rng([seed, person, 2])
    mean, sd = np.array(list(_IDENTITY.values())).T
    values = mean + sd * spread * np.clip(rng.standard_normal(len(mean)), -2, 2)
    return _named(values, _IDENTITY)


def _mixes(mix, seed, y, label_effect):
    """Shares of the expressions, (P, K); rows sum to 1."""
    names = ("own", "balanced", "one-sided")
    if isinstance(mix, str) and mix in names:
        rngs = (np.random.default_rng([seed, i, 5]) for i in range(len(y)))
        return np.array([_mix(mix, rng, label, label_effect) for rng, label in zip(rngs, y, strict=True)])
    shape = (len(y), len(EXPRESSIONS))
    shares = np.array(np.nan) if isinstance(mix, str) else np.asarray(mix, dtype=float)
    if (
        shares.shape != shape
        or not np.isfinite(shares).all()
        or (shares < 0).any()
        or not shares.any(axis=1).all()
    ):
        got = repr(mix) if isinstance(mix, str) else f"shape {shares.shape}"
        raise ValueError(
            f'mix must be "own", "balanced", "one-sided" or shares of shape {shape}, not negative, '
            f"not all 0 in a row, a column each for {', '.join(EXPRESSIONS)}; got {got}."
        )
    return shares / shares.sum(axis=1, keepdims=True)


def _mix(mix, rng, label, label_effect):
    names = list(EXPRESSIONS)
    if mix == "balanced":
        return np.full(len(names), 1 / len(names))
    if mix == "one-sided":
        shares = 0.3 * rng.dirichlet(np.full(len(names), 1.0))
        shares[rng.integers(1, len(names))] += 0.7
        return shares
    shares = rng.dirichlet(np.full(len(names) - 1, 1.0))
    more, less = (("sad", "angry"), ("smile", "laugh")) if label else (("smile", "laugh"), ("sad", "angry"))
    for k, name in enumerate(names[1:]):
        shares[k] *= (1 + label_effect) ** ((name in more) - (name in less))
    shares /= shares.sum()
    shares[shares < 0.05] = 0  # some expressions are never shown
    rest = rng.uniform(0.1, 0.3)
    return np.concatenate([[rest], (1 - rest) * shares / shares.sum()])


def _video(rng, shares, n_frames, movement):
    """One person in time: labels, intensities, action units (N, U), pose (N, 5) in standard deviations,
    jitter of the landmarks (N, 42, 2) in eye distances."""
    weights, unrest = (
        np.array([[units.get(name, 0.0) for name in ACTION_UNITS] for units in table])
        for table in (EXPRESSIONS.values(), _UNREST)
    )
    own_manner = np.clip(1 + 0.2 * rng.standard_normal(weights.shape), 0.4, 1.6)
    weights = weights * movement * own_manner

    # whole frames by largest remainder, cut into episodes, shuffled
    exact = shares * n_frames
    frames = np.floor(exact).astype(int)
    frames[np.argsort(frames - exact, kind="stable")[: n_frames - frames.sum()]] += 1
    length = int(np.clip(n_frames / 20, 4, 24))
    episodes = [
        (k, len(part))
        for k, total in enumerate(frames)
        if total
        for part in np.array_split(np.arange(total), max(1, round(total / length / rng.uniform(0.8, 1.2))))
    ]
    rng.shuffle(episodes)

    label, intensity, units = [], [], []
    for k, n in episodes:
        apex = rng.uniform(0.5, 1.0)
        # raised-cosine onset and offset, a fifth of the episode each; a single frame is all apex
        t = np.minimum(np.arange(n) + 0.5, n - 0.5 - np.arange(n)) / max(n / 5, 0.5)
        level = apex * (0.5 - 0.5 * np.cos(np.pi * np.minimum(t, 1))) * (k > 0)
        manner = np.clip(1 + 0.2 * rng.standard_normal(len(ACTION_UNITS)), 0.4, 1.6)
        label.append(np.where(level >= THRESHOLD, k, 0))
        intensity.append(level)
        units.append(level[:, None] * weights[k] * manner)
    label, intensity, units = map(np.concatenate, (label, intensity, units))

    units = (
        units + 0.05 * _slow(rng, n_frames, len(ACTION_UNITS), 7) + 0.015 * rng.standard_normal(units.shape)
    )
    units = np.maximum(units + _slow(rng, n_frames, len(_UNREST), 21) @ unrest, 0)
    closing = np.convolve(rng.random(n_frames) < 1 / 60, [0.6, 1.0, 0.5])[:n_frames]  # blinks
    units[:, -1] = np.clip(np.maximum(units[:, -1], closing), 0, 1)
    pose = _slow(rng, n_frames, len(_POSE), 41)
    return label, intensity, units, pose, 0.006 * rng.standard_normal((n_frames, 42, 2))


def _slow(rng, n, columns, width):
    """Smooth random curves (n, columns) of standard deviation 1: white noise under a Hann window."""
    window = np.hanning(width + 2)[1:-1]
    white = rng.standard_normal((n + width - 1, columns))
    return np.lib.stride_tricks.sliding_window_view(white, width, axis=0) @ (window / np.linalg.norm(window))


def _place(points, person, pose, size):
    """Landmarks in pixels, y down, of a head that is turned, rolled, scaled and shifted: (P, N, 42, 2)."""
    dx, dy, angle, scale, yaw = (p[..., None] for p in pose)
    eye_distance, face_x, face_y = (
        person[name][:, None, None] for name in ("eye_distance", "face_x", "face_y")
    )
    x, y = points[..., 0], -0.42 - points[..., 1]  # turns about the middle of the face
    x = x * np.cos(yaw) - 0.3 * x**2 * np.sin(yaw)  # a rounded face, seen a little from the side
    unit = eye_distance * size * (1 + scale)
    cos, sin = np.cos(angle), np.sin(angle)
    px = unit * (cos * x - sin * y) + size * (0.5 + face_x + dx) - 0.5
    py = unit * (sin * x + cos * y) + size * (0.5 + face_y + dy) - 0.5
    return np.stack([px, py], axis=-1)


def _named(values, names):
    """The last axis of an array as a structured dtype."""
    return np.ascontiguousarray(values, dtype=float).view([(name, float) for name in names])[..., 0]


def _main(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m facesom.drawn.synthetic",
        description="Draw faces and write them as a zlib-compressed pickle or npz.",
    )
    parser.add_argument("path", help="file to write, .pickle or .npz")
    parser.add_argument("--persons", type=int, default=43)
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=64)
    args = parser.parse_args(argv)
    try:
        faces = make_faces(args.persons, args.frames, args.seed, size=args.size)
    except ValueError as error:
        parser.error(str(error))
    save(faces.dataset, args.path)
    print(f"{faces} -> {args.path}")


if __name__ == "__main__":
    _main()

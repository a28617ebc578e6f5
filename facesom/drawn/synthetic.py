"""Drawn faces whose identity and expression are known: the built-in data, and the truth of every test.

A person has proportions and a mix of expressions (`people`); their frames are a video, staged or as film
shows people (`staged`, `film`), in which action units (`facemodel`) and the head move; the landmarks are
drawn as flat shapes (`drawing`). "Left" is the left of the picture.

Command line: ``python -m facesom.drawn.synthetic PATH [--persons 43 --frames 500 --seed 0 --size 64]``.
"""

import argparse
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from facesom.io import FaceDataset, save

from .drawing import check_number, distances, draw_landmarks
from .facemodel import ACTION_UNITS, EXPRESSIONS, PROPORTIONS, face_landmarks, lopsided
from .film import ACTIONS, film_video
from .people import choose_mixes, choose_palette, identity, named
from .staged import staged_video

#: Labels (0 happy, 1 unhappy) of the first 43 persons; further persons start again from the first.
LABELS = tuple(int(c) for c in "0010110000100111110001001100000110000000000")

_STYLES = {"staged": (staged_video, tuple(ACTION_UNITS)), "film": (film_video, ACTIONS)}

# standard deviation at head_movement = 1, and limit: of the side, of the side, radians, factor, radians (2)
_POSE = {
    "dx": (0.015, 0.1),
    "dy": (0.012, 0.1),
    "angle": (0.04, 0.4),
    "scale": (0.015, 0.08),
    "yaw": (0.08, 0.4),
    "nod": (0.08, 0.3),
}

# how far brows and lips stand in front of the eyes, and how fast they recede to the sides, in eye distances
_FRONT, _CURVE = np.repeat([[0.4, 0.0, 0.3], [0.5, 0.0, 2.0]], [10, 12, 20], axis=1)


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
        The head's "dx", "dy" (pixels, down), "angle" (radians, clockwise), "scale" (factor), "yaw" and
        "nod" (radians; without nods in staged videos).
    action_units : structured ndarray, shape (P, N)
        The muscle movements that are drawn, by name ("AU1", ...), about 0 to 1, noise and blinks included;
        the mean of both sides.
    landmarks : ndarray of float32, shape (P, N, 42, 2)
        x and y in pixels (0 is the middle of the first pixel), in the order of `drawing.LANDMARKS`.
    actions : ndarray of float64, shape (P, N, A)
        How strong each action is, 0 to 1, comparable across persons. In a film sides are apart and what
        a person's accent adds is left out (`facesom.drawn.film.ACTIONS`); else these are the action units.
    action_names : tuple of str, length A
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
    actions: np.ndarray
    action_names: tuple

    def __repr__(self):
        n_persons, n_frames, height, width = self.dataset.X1.shape[:4]
        names = ", ".join(self.expression_names)
        return f"DrawnFaces({n_persons} persons x {n_frames} frames of {height} x {width}; {names})"


def make_faces(
    n_persons: int = 43,
    n_frames: int = 500,
    seed: int = 0,
    *,
    style: str = "staged",
    size: int = 64,
    palette: str | ArrayLike = "standard",
    antialias: bool = False,
    noise: float = 0.0,
    head_movement: float = 1.0,
    mix: str | ArrayLike = "own",
    label_effect: float = 0.5,
    spread: float = 1.0,
    drop: Collection[str] = (),
) -> DrawnFaces:
    """Draw videos of faces whose identity and expression are known.

    Each person's frames are a video. The seed gives each person random numbers of their own: person i is the
    same face whatever `n_persons` and `n_frames` are, and has the same frames whatever `n_persons` is.

    Parameters
    ----------
    n_persons, n_frames : int
        At least 1.
    seed : int
        0 or more. Same seed, same faces.
    style : "staged" or "film"
        "staged": episodes of one expression, rising from neutral and falling back, with an intensity of their
        own, blinks, slow head movement and some unrest in every muscle. "film": as hard as filmed people. A
        minute of film, whatever the number of frames, in which expressions overlap, single actions come and
        go, people talk, blink and look down, sides differ, heads turn and nod, landmarks jitter.
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
        With the truth about them. An argument out of its range raises `ValueError`.

    Examples
    --------
    >>> faces = facesom.make_faces(n_persons=2, n_frames=10, size=32)
    >>> faces.dataset.X1.shape, faces.expressions.shape
    ((2, 10, 32, 32, 3), (2, 10))
    """
    check_number("n_persons", n_persons, 1, np.inf, whole=True)
    check_number("n_frames", n_frames, 1, np.inf, whole=True)
    check_number("seed", seed, 0, np.inf, whole=True)
    check_number("size", size, 32, 1024, whole=True)
    check_number("noise", noise, 0, 1)
    check_number("head_movement", head_movement, 0, np.inf)
    check_number("label_effect", label_effect, 0, 1)
    check_number("spread", spread, 0, 2)
    if style not in tuple(_STYLES):
        raise ValueError(f'style must be "staged" or "film"; got {style!r}.')
    palette = choose_palette(palette, seed)
    y = np.array([LABELS[i % len(LABELS)] for i in range(n_persons)])
    identities = np.array([identity(seed, i, spread) for i in range(n_persons)])
    mixes = choose_mixes(mix, seed, y, label_effect)

    video, action_names = _STYLES[style]
    rngs = (np.random.default_rng([seed, i, 3]) for i in range(n_persons))
    persons = map(video, rngs, mixes, [n_frames] * n_persons, identities["movement"])
    expressions, intensities, sides, actions, pose, jitter = (np.stack(a) for a in zip(*persons, strict=True))
    sd, limit = np.array(list(_POSE.values())).T
    pose = np.clip(np.clip(pose, -2.5, 2.5) * sd * head_movement, -limit, limit)

    face = {name: identities[name][:, None, None] for name in PROPORTIONS}
    points = face_landmarks(face, dict(zip(ACTION_UNITS, np.moveaxis(sides, -1, 0), strict=True)))
    points = lopsided(points[:, 0], points[:, -1]) + jitter
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
        poses=named(pose, _POSE),
        action_units=named(sides.mean(axis=1), ACTION_UNITS),
        landmarks=points.astype(np.float32),
        actions=actions,
        action_names=action_names,
    )


def _place(points, person, pose, size):
    """Landmarks in pixels, y down, of a head that is turned, rolled, scaled and shifted: (P, N, 42, 2)."""
    dx, dy, angle, scale, yaw, nod = (p[..., None] for p in pose)
    unit, face_x, face_y = (person[name][:, None, None] for name in ("eye_distance", "face_x", "face_y"))
    x, y = points[..., 0], -0.42 - points[..., 1]  # turns about the middle of the face
    y = y * np.cos(nod) + (_FRONT - _CURVE * x**2) * np.sin(nod)
    x = x * np.cos(yaw) - 0.3 * x**2 * np.sin(yaw)  # a rounded face, seen a little from the side
    unit = unit * size * (1 + scale)
    cos, sin = np.cos(angle), np.sin(angle)
    px = unit * (cos * x - sin * y) + size * (0.5 + face_x + dx) - 0.5
    py = unit * (sin * x + cos * y) + size * (0.5 + face_y + dy) - 0.5
    return np.stack([px, py], axis=-1)


def _main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m facesom.drawn.synthetic", description="Draw faces.")
    parser.add_argument("path", help="file to write, .pickle or .npz")
    for name, default in (("persons", 43), ("frames", 500), ("seed", 0), ("size", 64)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args(argv)
    try:
        faces = make_faces(args.persons, args.frames, args.seed, size=args.size)
    except ValueError as error:
        parser.error(str(error))
    save(faces.dataset, args.path)
    print(f"{faces} -> {args.path}")


if __name__ == "__main__":
    _main()

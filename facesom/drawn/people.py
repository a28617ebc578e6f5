"""Who is drawn: proportions, manner and taste of each person, and the colours of the parts."""

import numpy as np

from facesom.io import as_array

from .drawing import PALETTE
from .facemodel import EXPRESSIONS, PROPORTIONS

# what is a person's own beside the proportions: mean, standard deviation over persons
_PERSON = {
    "eye_distance": (0.325, 0.015),  # of the picture's side
    "face_x": (0.0, 0.012),  # resting place, of the picture's side
    "face_y": (0.0, 0.018),
    "movement": (1.0, 0.15),  # how far this face moves for one and the same expression
}
_IDENTITY = _PERSON | PROPORTIONS
_UNHAPPY = {"sad": 1.0, "angry": 1.0, "smile": -1.0, "laugh": -1.0}  # more, or less, than the happy


def choose_palette(palette, seed):
    """RGB (4, 3) of a palette that may be given by name."""
    if not isinstance(palette, str):
        return palette
    if palette == "standard":
        return PALETTE
    if palette != "random":
        raise ValueError(f'palette must be "standard", "random" or RGB numbers (4, 3); got {palette!r}.')
    rng = np.random.default_rng([seed, 0, 1])
    while True:
        colours = rng.integers(0, 256, (4, 3))
        apart = np.linalg.norm(colours[:, None] - colours, axis=-1)[np.triu_indices(4, 1)]
        if colours.max(axis=1).min() >= 130 and apart.min() >= 100:
            return colours


def identity(seed, person, spread):
    """One person's proportions, as a row of a structured array."""
    rng = np.random.default_rng([seed, person, 2])
    mean, sd = np.array(list(_IDENTITY.values())).T
    values = mean + sd * spread * np.clip(rng.standard_normal(len(mean)), -2, 2)
    return named(values, _IDENTITY)


def choose_mixes(mix, seed, y, label_effect):
    """Shares of the expressions, (P, K); rows sum to 1."""
    names = ("own", "balanced", "one-sided")
    if isinstance(mix, str) and mix in names:
        rngs = (np.random.default_rng([seed, i, 5]) for i in range(len(y)))
        return np.array([_mix(mix, rng, label, label_effect) for rng, label in zip(rngs, y, strict=True)])
    shape = (len(y), len(EXPRESSIONS))
    shares = np.array(np.nan) if isinstance(mix, str) else as_array(mix, "mix").astype(float)
    right = shares.shape == shape and np.isfinite(shares).all()
    if not right or shares.min() < 0 or not shares.any(axis=1).all():
        got = repr(mix) if isinstance(mix, str) else f"shape {shares.shape}"
        wanted = f"not negative, not all 0 in a row, a column each for {', '.join(EXPRESSIONS)}"
        raise ValueError(f"mix must be one of {names} or shares of shape {shape}, {wanted}; got {got}.")
    return shares / shares.sum(axis=1, keepdims=True)


def _mix(mix, rng, label, label_effect):
    n = len(EXPRESSIONS)
    if mix == "balanced":
        return np.full(n, 1 / n)
    if mix == "one-sided":
        shares = 0.3 * rng.dirichlet(np.ones(n))
        shares[rng.integers(1, n)] += 0.7
        return shares
    taste = np.array([_UNHAPPY.get(name, 0.0) for name in EXPRESSIONS][1:])
    shares = rng.dirichlet(np.ones(n - 1)) * (1 + label_effect) ** (taste if label else -taste)
    shares /= shares.sum()
    shares[shares < 0.05] = 0  # some expressions are never shown
    rest = rng.uniform(0.1, 0.3)
    return np.concatenate([[rest], (1 - rest) * shares / shares.sum()])


def named(values, names):
    """The last axis of an array as a structured dtype."""
    return np.ascontiguousarray(values, dtype=float).view([(name, float) for name in names])[..., 0]

"""Staged expressions in time: episodes of one expression each, between them a face at rest."""

import numpy as np

from .facemodel import ACTION_UNITS, EXPRESSIONS, unit_weights

#: A frame carries the name of its expression from this intensity on; below, it is neutral.
THRESHOLD = 0.3

# movements beneath every expression (standard deviations): brows that accent speech, lids, speech itself
_UNREST = ({"AU1": 0.14, "AU2": 0.14}, {"AU5": -0.1, "AU7": 0.12, "AU43": 0.14}, {"AU25": 0.2, "AU26": 0.05})


def staged_video(rng, shares, n_frames, movement):
    """One person in time, as `facesom.drawn.film.film_video` returns it; both sides alike, (1, N, U)."""
    weights, unrest = unit_weights(EXPRESSIONS.values()), unit_weights(_UNREST)
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

    units = units + 0.05 * slow(rng, n_frames, len(ACTION_UNITS), 7)
    units = units + 0.015 * rng.standard_normal(units.shape)
    units = np.maximum(units + slow(rng, n_frames, len(_UNREST), 21) @ unrest, 0)
    closing = np.convolve(rng.random(n_frames) < 1 / 60, [0.6, 1.0, 0.5])[:n_frames]  # blinks
    units[:, -1] = np.clip(np.maximum(units[:, -1], closing), 0, 1)
    pose = np.column_stack([slow(rng, n_frames, 5, 41), np.zeros(n_frames)])  # without nods
    jitter = 0.006 * rng.standard_normal((n_frames, 42, 2))
    return label, intensity, units[None], units, pose, jitter


def slow(rng, n, columns, width):
    """Smooth random curves (n, columns) of standard deviation 1: white noise under a Hann window."""
    window = np.hanning(width + 2)[1:-1]
    white = rng.standard_normal((n + width - 1, columns))
    return np.lib.stride_tricks.sliding_window_view(white, width, axis=0) @ (window / np.linalg.norm(window))

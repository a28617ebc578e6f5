"""Are drawn films like filmed people? Statistics of the shape features of both, side by side.

    python benchmarks/film_likeness.py                       # what is drawn: staged and film
    python benchmarks/film_likeness.py FILMED.pickle ...     # beside filmed people
    python benchmarks/film_likeness.py --features FILMED.pickle  # every feature instead of their medians

Beside each pickle stand as many frames of `make_faces`, of three times as many persons, staged and as film.
A statistic is the median over persons, a cell the median over features; in brackets how many of the 24
features lie within a factor of two of the filmed ones. The constants of `facesom.drawn.film` were set by hand
on two sets of 22 filmed people × 150 frames (head held and moving); a third, 8 of them × 400, stood beside as
a check. Prints Markdown.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import facesom

STYLES = ("staged", "film")
SEED = 100  # none of its faces was used to choose anything in the package
PAIRS = ("brow_inner", "brow_middle", "brow_outer", "eye_opening", "corner")


def statistics(features):
    """{name: (D,)} of features (P, N, D), and {name: number} of the whole face."""
    rest = np.median(features, axis=1, keepdims=True)
    moved = features - features.mean(axis=1, keepdims=True)
    sd = np.maximum(moved.std(axis=1), 1e-9)
    z = moved / sd[:, None]
    power = np.abs(np.fft.rfft(z, axis=1)) ** 2
    power /= np.maximum(power.sum(axis=1, keepdims=True), 1e-9)
    wave = np.fft.rfftfreq(features.shape[1])
    off = np.abs(features - rest) / sd[:, None]
    each = {
        "between persons, sd": np.median(features, axis=1).std(axis=0),
        "within a person, sd": np.median(sd, axis=0),
        "its spread over persons, log sd": np.log(np.maximum(sd, 1e-3)).std(axis=0),
        "autocorrelation, 1 frame": np.median((z[:, 1:] * z[:, :-1]).mean(axis=1), axis=0),
        "autocorrelation, 5 frames": np.median((z[:, 5:] * z[:, :-5]).mean(axis=1), axis=0),
        "spectrum, slower than 20 frames": _share(power, (wave > 0) & (wave < 1 / 20)),
        "spectrum, 4 to 20 frames": _share(power, (wave >= 1 / 20) & (wave < 1 / 4)),
        "spectrum, faster than 4 frames": _share(power, wave >= 1 / 4),
        "near rest, within sd / 2": (off < 0.5).mean(axis=(0, 1)),
        "far from it, beyond 2.5 sd": (off > 2.5).mean(axis=(0, 1)),
    }
    scaled = (moved / moved.std(axis=(0, 1))).reshape(-1, features.shape[2])
    strength = np.linalg.eigvalsh(np.cov(scaled.T))
    names = facesom.feature_names()
    uneven = []
    for pair in PAIRS:
        left, right = (moved[..., names.index(f"{side}_{pair}")] for side in ("left", "right"))
        uneven.append(np.median((left - right).std(axis=1) / (left + right).std(axis=1)))
    size = np.sqrt((((features - rest) / moved.std(axis=(0, 1))) ** 2).mean(axis=2))
    usual = np.sqrt((size**2).mean(axis=1, keepdims=True))
    whole = {
        "left less right over their sum, sd": np.median(uneven),
        "dimensions (participation ratio)": strength.sum() ** 2 / (strength**2).sum(),
        "whole face near rest, within half": (size < usual / 2).mean(),
        "its movement, quartiles' ratio": np.divide(*np.quantile(size / usual, [0.75, 0.25])),
    }
    return each, whole


def _share(power, chosen):
    return np.median(power[:, chosen].sum(axis=1), axis=0)


def line(*cells):
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def compare(name, sets, every_feature):
    """Print the statistics of {title: (each, whole)}; the first is what the others are held against."""
    print(f"\n{name}\n")
    line("", *sets)
    line("---", *["--:"] * len(sets))
    (first, _), *_ = sets.values()
    for what in first:
        if every_feature:
            line(f"**{what}**", *[""] * len(sets))
            for d, feature in enumerate(facesom.feature_names()):
                line(feature, *(f"{each[what][d]:.3f}" for each, _ in sets.values()))
            continue
        cells = [f"{np.median(first[what]):.3f}"]
        for each, _ in list(sets.values())[1:]:
            near = (each[what] < 2 * first[what]) & (each[what] > first[what] / 2)
            cells.append(f"{np.median(each[what]):.3f} ({near.sum()})")
        line(what, *cells)
    for what in next(iter(sets.values()))[1]:
        line(what, *(f"{whole[what]:.3f}" for _, whole in sets.values()))


def drawn(n_persons, n_frames):
    return {
        style: statistics(
            facesom.shape_features(facesom.make_faces(n_persons, n_frames, SEED, style=style).dataset.X1)
        )
        for style in STYLES
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pickles", nargs="*", type=Path, help="filmed people, as facesom.load reads them")
    parser.add_argument("--features", action="store_true", help="a row for each feature")
    parser.add_argument("--persons", type=int, default=22, help="without pickles, default 22")
    parser.add_argument("--frames", type=int, default=150, help="without pickles, default 150")
    options = parser.parse_args()
    for path in options.pickles:
        filmed = facesom.shape_features(facesom.load(path).X1)
        size = filmed.shape[:2]
        sets = {"filmed": statistics(filmed), **drawn(3 * size[0], size[1])}
        compare(f"{path.stem}, {size[0]} × {size[1]}", sets, options.features)
    if not options.pickles:
        compare("drawn", drawn(3 * options.persons, options.frames), options.features)


if __name__ == "__main__":
    main()

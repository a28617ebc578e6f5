"""Are drawn films like filmed people? Statistics of the shape features of both, side by side.

    python benchmarks/film_likeness.py                       # what is drawn: staged and film
    python benchmarks/film_likeness.py FILMED.pickle ...     # beside filmed people
    python benchmarks/film_likeness.py --features FILMED.pickle  # every feature instead of their medians

Beside each pickle stand as many frames of `make_faces`, of three times as many persons, staged and as film.
A statistic is the median over persons, a cell the median over features; in brackets how many of the 25
features lie within a factor of two of the filmed ones. The constants of `facesom.drawn.film` were set by hand
on two sets of 22 filmed people × 150 frames (head held and moving); a third, 8 of them × 400, stood beside as
a check.

With NAME_truth.npz beside the pickle (`blend`, strengths of movements), also how much groups tell about
movement where the features are read as a ridge regression on drawn people learned it. Prints Markdown.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.linear_model import Ridge

import facesom
from facesom.identity import explained_movement, leak

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
    strength = np.linalg.eigvalsh(np.cov(scaled(features).T))
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


def learned(filmed, movements, drawn):
    """Print what groups of filmed people tell about each other's movements (P, N, M), where the groups are of
    their features, or of the actions that a ridge regression on drawn people reads from them."""
    line("8 groups of filmed people, by", "explained", "leak")
    line("---", "--:", "--:")
    rows = {"features, person mean removed, scaled": scaled(filmed)}
    for style, (faces, features) in drawn.items():
        strengths = faces.actions - faces.actions.mean(axis=1, keepdims=True)
        ridge = Ridge(100).fit(scaled(features), strengths.reshape(-1, strengths.shape[2]))
        rows[f"actions, read as learned on drawn people, {style}"] = ridge.predict(scaled(filmed))
    for name, values in rows.items():
        groups = [
            KMeans(8, n_init=4, random_state=s).fit_predict(values).reshape(filmed.shape[:2])
            for s in range(3)
        ]
        told = np.mean([explained_movement(g, movements) for g in groups])
        line(name, f"{told:.3f}", f"{np.mean([leak(g) for g in groups]):.3f}")


def scaled(features):
    moved = features - features.mean(axis=1, keepdims=True)
    return (moved / moved.std(axis=(0, 1))).reshape(-1, features.shape[2])


def draw(n_persons, n_frames):
    drawn = {style: facesom.make_faces(n_persons, n_frames, SEED, style=style) for style in STYLES}
    return {style: (faces, facesom.shape_features(faces.dataset.X1)) for style, faces in drawn.items()}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pickles", nargs="*", type=Path, help="filmed people, as facesom.load reads them")
    parser.add_argument("--features", action="store_true", help="a row for each feature")
    parser.add_argument("--persons", type=int, default=22, help="without pickles, default 22")
    parser.add_argument("--frames", type=int, default=150, help="without pickles, default 150")
    options = parser.parse_args()
    if not options.pickles:
        drawn = draw(3 * options.persons, options.frames)
        compare("drawn", {style: statistics(F) for style, (_, F) in drawn.items()}, options.features)
    for path in options.pickles:
        filmed = facesom.shape_features(facesom.load(path).X1)
        n_persons, n_frames = filmed.shape[:2]
        drawn = draw(3 * n_persons, n_frames)
        sets = {"filmed": statistics(filmed), **{style: statistics(F) for style, (_, F) in drawn.items()}}
        compare(f"{path.stem}, {n_persons} × {n_frames}", sets, options.features)
        truth = path.with_name(f"{path.stem}_truth.npz")
        if truth.exists():
            print()
            learned(filmed, np.load(truth)["blend"].astype(float), drawn)


if __name__ == "__main__":
    main()

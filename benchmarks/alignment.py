"""The same expression across people: facesom against pixels, simple corrections and published tools.

    python benchmarks/alignment.py                                 # the scoreboard on drawn faces
    python benchmarks/alignment.py --data balanced own --seeds 10  # some columns of it
    python benchmarks/alignment.py --data ckplus --ckplus FILE
    python benchmarks/alignment.py --new-person                    # few frames, unseen expressions
    python benchmarks/alignment.py --small --ckplus FILE --video FILE  # the whole way, with times

Groups are compared with the truth by the adjusted Rand index (ARI) and the normalized mutual information
(NMI): mean ± standard deviation over seeds, which give other faces and other starts. Every method but
facesom's gets k-means with the true number of groups (one gets a Gaussian mixture), on features that are
standardised before and after it. Transfer: the reference, the person who shows the most expressions, lends
the labels; each frame of the others takes that of its nearest neighbour; expressions that the reference never
shows do not count. Prints Markdown. Needs: pip install '.[benchmarks]'.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from pathlib import Path
from time import perf_counter, process_time
from typing import NamedTuple

import numpy as np
from corrections import CORRECTIONS, installed
from scipy.stats import entropy
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import scale
from threadpoolctl import threadpool_limits

import facesom
from facesom.identity.across import place_new_person

FIRST_SEED = 100  # none of these was used to choose anything in the package
METHODS = ("pixels", *CORRECTIONS, "facesom")
SCORES = ("ARI", "NMI", "transfer", "NMI of group and person", "CPU seconds")
DRAWN = {  # column: options of make_faces, and how the drawings are shown
    "balanced": ({"mix": "balanced"}, "rgb"),
    "own": ({}, "rgb"),
    "one-sided": ({"mix": "one-sided"}, "rgb"),
    "movement": ({"head_movement": 3.0}, "rgb"),
    "48 px": ({"size": 48}, "rgb"),
    "antialiased": ({"antialias": True}, "rgb"),
    "noise 2 %": ({"noise": 0.02}, "rgb"),
    "palette": ({"palette": "random"}, "rgb"),
    "gray": ({}, "gray"),
    "same-intensity": ({}, "same"),
}
REAL = ("ckplus", "ten of ckplus")  # 75 persons, and ten that the seed chooses


class Faces(NamedTuple):
    """Pixels on 50 principal components (P, N, 50), features (P, N, D), expressions (P, N)."""

    pixels: np.ndarray
    features: np.ndarray
    truth: np.ndarray


def prepare(images, truth):
    pixels = facesom.to_grayscale(images).reshape(truth.size, -1)
    pixels = PCA(50, random_state=0).fit_transform(pixels).reshape(*truth.shape, -1)
    return Faces(pixels, facesom.shape_features(images), truth)


def draw(column, seed, n_persons, n_frames):
    options, look = DRAWN[column]
    drawn = facesom.make_faces(n_persons, n_frames, seed, **options)
    images = drawn.dataset.X1
    if look != "rgb":
        images = facesom.to_grayscale(images, same_intensity=look == "same")
    return prepare(images, drawn.expressions)


def some_of(faces, seed, n_persons=10):
    chosen = np.random.default_rng(seed).permutation(len(faces.truth))[:n_persons]
    return Faces(*(values[chosen] for values in faces))


def truth_of(path):
    """Expressions (P, N) as numbers, from NAME_truth.npz beside a pickle; None without."""
    path = path.with_name(f"{path.stem}_truth.npz")
    if not path.exists():
        return None
    names = np.load(path)["expressions"]
    return np.unique(names, return_inverse=True)[1].reshape(names.shape)


def group(name, faces, reference, seed):
    """Coordinates (P, N, d) and groups (P, N) by one method."""
    k = len(np.unique(faces.truth))
    if name == "facesom":
        aligner = facesom.IdentityAligner(k, seed=seed)
        return aligner.fit_transform(faces.features), aligner.probabilities_.argmax(axis=2)
    Z = faces.pixels
    if name != "pixels":
        correct, _ = CORRECTIONS[name]
        Z = standardise(correct(standardise(faces.features), reference, k, seed))
    model = KMeans(k, n_init=10, random_state=seed)
    if "mixture" in name:
        model = GaussianMixture(k, covariance_type="tied", n_init=5, reg_covar=1e-3, random_state=seed)
    return Z, model.fit_predict(Z.reshape(-1, Z.shape[2])).reshape(Z.shape[:2])


def standardise(X):
    return scale(X.reshape(-1, X.shape[-1])).reshape(X.shape)


def measure(name, faces, seed):
    """The `SCORES` of one method on one data set."""
    reference = int(np.argmax([entropy(np.bincount(row)) for row in faces.truth]))
    began = process_time()
    Z, groups = group(name, faces, reference, seed)
    took = process_time() - began
    others = np.arange(len(Z))[:, None] != reference
    asked = others & np.isin(faces.truth, faces.truth[reference])
    nearest = KNeighborsClassifier(1).fit(Z[reference], faces.truth[reference])
    transfer = (nearest.predict(Z[asked]) == faces.truth[asked]).mean()
    return (*agreement(faces.truth, groups), transfer, by_person(groups), took)


def agreement(truth, groups):
    return [m(truth.ravel(), groups.ravel()) for m in (adjusted_rand_score, normalized_mutual_info_score)]


def by_person(groups):
    person = np.repeat(np.arange(len(groups)), groups.shape[1])
    return normalized_mutual_info_score(person, groups.ravel())


def scoreboard(columns, seeds, n_persons, n_frames, ckplus):
    """Print one table for each of `SCORES`."""
    real = prepare(facesom.load(ckplus).X1, truth_of(ckplus)) if set(REAL) & set(columns) else None
    rows = {}
    for column in columns:
        for seed in seeds:
            if column in DRAWN:
                faces = draw(column, seed, n_persons, n_frames)
            else:
                faces = real if column == "ckplus" else some_of(real, seed)
            truth = (1.0, 1.0, 1.0, by_person(faces.truth), 0.0)
            rows.setdefault(("the truth", column), []).append(truth)
            for name in filter(installed, METHODS):
                rows.setdefault((name, column), []).append(measure(name, faces, seed))
    for i, title in enumerate(SCORES):
        head(title, *columns)
        names = ("the truth", *METHODS) if "person" in title else METHODS
        for name in names:
            cells = [spread(rows.get((name, c)), i, 1 if "seconds" in title else 2) for c in columns]
            line(name if installed(name) else f"{name}: not installed", *cells)


def head(*cells):
    print()
    line(*cells)
    line("---", *["--:"] * (len(cells) - 1))


def line(*cells):
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def spread(rows, i, digits=2):
    """Mean ± standard deviation of column i, as a table shows it."""
    values = np.array([row[i] for row in rows or ()])
    values = values[~np.isnan(values)]
    return f"{values.mean():.{digits}f} ± {values.std():.{digits}f}" if len(values) else ""


def new_persons(seeds, n_persons, n_frames, n_new=4):
    """Print how new persons are placed: all their expressions known, and one of them not."""
    rows = {}
    for seed in seeds:
        for mix, unseen in (("own", None), one_unseen(n_persons, n_new, seed)):
            drawn = facesom.make_faces(n_persons + n_new, n_frames, seed, mix=mix)
            known = drawn.expressions[:n_persons]
            result = facesom.group_across_persons(drawn.dataset.X1[:n_persons], len(np.unique(known)), seed)
            usual = [
                np.bincount(known[result.groups == g], minlength=1).argmax() for g in range(len(result.order))
            ]
            for frames, way, chosen in selections(n_frames, seed):
                key = "all known" if unseen is None else "one unseen", way, frames
                for p in range(n_persons, n_persons + n_new):
                    groups = place_new_person(result, drawn.dataset.X1[p, chosen]).groups
                    values = judge(groups, np.array([*usual, -1]), drawn.expressions[p, chosen], unseen)
                    rows.setdefault(key, []).append(values)
    head("new persons show", "frames", "how many", "right group", "false flags", "unseen flagged")
    for key in sorted(rows):
        line(*key, *(spread(rows[key], i) for i in range(3)))


def one_unseen(n_persons, n_new, seed):
    """Mixes (P, 8) in which only new persons show one expression, in a fifth of their frames; and which."""
    mixes = facesom.make_faces(n_persons + n_new, 1, seed).mixes
    unseen = 1 + seed % (mixes.shape[1] - 1)
    mixes[:, unseen] = 0
    mixes /= mixes.sum(axis=1, keepdims=True)
    mixes[n_persons:] *= 0.8
    mixes[n_persons:, unseen] = 0.2
    return mixes, unseen


def selections(n_frames, seed):
    """How many frames of a new person are taken, in which way, and which."""
    yield n_frames, "whole video", np.arange(n_frames)
    for n in (5, 10, 20, 50):
        start = np.random.default_rng(seed).integers(n_frames - n + 1)
        yield n, "in a row", np.arange(start, start + n)
        yield n, "spread out", np.linspace(0, n_frames - 1, n).astype(int)


def judge(groups, names, truth, unseen):
    """Share of known frames in a group of the right name and flagged (-1); share of unseen ones flagged."""
    new = truth == unseen
    right, false, found = (names[groups] == truth)[~new], (groups == -1)[~new], (groups == -1)[new]
    return [flags.mean() if flags.size else np.nan for flags in (right, false, found)]


def whole_way(paths):
    """Print agreement from pixels and from facesom, and the seconds of each step."""
    steps = ("load", "convert", "features", "align", "map")
    head("data", "pixels: ARI, NMI", "facesom: ARI, NMI", *(f"{step}, s" for step in steps))
    with tempfile.TemporaryDirectory() as folder:
        drawn, built_in = facesom.make_faces(), Path(folder) / "built-in.pickle"
        facesom.save(drawn.dataset, built_in)
        np.savez(built_in.with_name("built-in_truth.npz"), expressions=drawn.expressions)
        del drawn
        for path in [built_in, *paths]:
            truth, clock = truth_of(path), [perf_counter()]
            data = facesom.load(path)
            clock.append(perf_counter())
            gray = facesom.to_grayscale(data).X1
            clock.append(perf_counter())
            features = facesom.shape_features(data.X1)
            clock.append(perf_counter())
            aligner = facesom.IdentityAligner(8 if truth is None else len(np.unique(truth)))
            Z = aligner.fit_transform(features)
            clock.append(perf_counter())
            facesom.FaceSOM().fit(Z.reshape(-1, Z.shape[2]))
            clock.append(perf_counter())
            cells = ["no truth"] * 2
            if truth is not None:
                pixels = PCA(50, random_state=0).fit_transform(gray.reshape(truth.size, -1))
                pixels = KMeans(len(np.unique(truth)), n_init=10, random_state=0).fit_predict(pixels)
                both = pixels, aligner.probabilities_.argmax(axis=2)
                cells = ["{:.2f}, {:.2f}".format(*agreement(truth, groups)) for groups in both]
            name = f"{path.stem}, {data.n_persons} × {data.n_frames}"
            line(name, *cells, *(f"{seconds:.2f}" for seconds in np.diff(clock)))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", choices=[*DRAWN, *REAL], help="columns; default: all")
    parser.add_argument("--seeds", type=int, default=5, help="how many, default 5")
    parser.add_argument("--persons", type=int, default=12)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--ckplus", type=Path, metavar="PICKLE", help="with NAME_truth.npz beside it")
    parser.add_argument("--video", type=Path, metavar="PICKLE")
    parser.add_argument("--new-person", action="store_true", help="place new persons instead")
    parser.add_argument("--small", action="store_true", help="agreement and time of each step instead")
    options = parser.parse_args()
    columns = options.data or [*DRAWN, *(REAL if options.ckplus else [])]
    if set(REAL) & set(columns) and not options.ckplus:
        parser.error(f"--data {' '.join(columns)} needs --ckplus PICKLE")
    seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # doubtful persons, k-means with few distinct points
        if options.small:
            whole_way([path for path in (options.ckplus, options.video) if path])
        elif options.new_person:
            new_persons(seeds, options.persons, options.frames)
        else:
            scoreboard(columns, seeds, options.persons, options.frames, options.ckplus)


if __name__ == "__main__":
    main()

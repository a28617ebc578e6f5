"""The same expression across people: facesom against pixels, simple corrections and published tools.

    python benchmarks/alignment.py                                 # the scoreboard on drawn faces
    python benchmarks/alignment.py --data balanced own --seeds 10  # some columns of it
    python benchmarks/alignment.py --data film --filmed PICKLE ... # filmed people beside drawn films
    python benchmarks/alignment.py --rows facesom oracle           # some rows of it
    python benchmarks/alignment.py --data ckplus --ckplus PICKLE
    python benchmarks/alignment.py --new-person                    # few frames, unseen expressions
    python benchmarks/alignment.py --new-person --filmed PICKLE ... # filmed people, each left out once
    python benchmarks/alignment.py --small --ckplus PICKLE --video PICKLE  # the whole way, with times

Where each frame's expression has a name, groups are compared with it by the adjusted Rand index (ARI) and the
normalized mutual information (NMI). Where the strengths of movements are known (drawn faces; filmed people
with NAME_truth.npz, `blend`), *explained* is how much of a person's movement the other persons' frames of the
same group, or of the same node of a 10 × 10 map, tell (`facesom.identity.explained_movement`). Mean ±
standard deviation over seeds, which give other drawn faces and other starts.

Every method but facesom's gets k-means with the true number of groups, or `--groups` on film (one gets a
Gaussian mixture), and a map of its own, on features that are standardised before and after it, except where
the row says not scaled. Ceiling: movements predicted from the features by a ridge regression on other
persons' truth; oracle: the true movements themselves. Transfer: the reference, the person who shows the most,
lends the labels; each frame of the others takes that of its nearest neighbour (facesom's: on the map);
expressions that the reference never shows do not count. Seconds are for groups and map, facesom's with the
features. Prints Markdown. Needs: pip install '.[benchmarks]'.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from corrections import CORRECTIONS, installed
from face_sets import DRAWN, REAL, draw, read
from new_persons import drawn_persons, learned_again, left_out, moved_parts, pieces, trust
from scipy.stats import entropy
from sklearn.cluster import KMeans
from sklearn.linear_model import RidgeCV
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import scale
from threadpoolctl import threadpool_limits

import facesom
from facesom.identity import explained_movement, leak

FIRST_SEED = 100  # none of these was used to choose anything in the package
NOT_SCALED = "person mean removed, not scaled"
CEILING, ORACLE = "ceiling of the features", "oracle"
METHODS = ("pixels", NOT_SCALED, *CORRECTIONS, "facesom", CEILING, ORACLE)
SCORES = (
    "ARI",
    "NMI",
    "transfer",
    "explained by groups",
    "explained by nodes",
    "NMI of group and person",
    "CPU seconds",
)


def group(name, faces, reference, seed):
    """Coordinates (P, N, d), groups and nodes (P, N) by one method."""
    if name == "facesom":
        result = facesom.group_across_persons(faces.images, faces.n_groups, seed)
        prototypes = result.som.prototypes_
        return prototypes.reshape(-1, prototypes.shape[-1])[result.nodes], result.groups, result.nodes
    k, shape = faces.n_groups, faces.features.shape[:2]
    if name == "pixels":
        Z = faces.pixels()
    elif name == NOT_SCALED:
        Z = faces.features - faces.features.mean(axis=1, keepdims=True)
    elif name == CEILING:
        Z = predicted_movements(faces)
    elif name == ORACLE:
        Z = movements(faces)
    else:
        correct, _ = CORRECTIONS[name]
        Z = standardise(correct(standardise(faces.features), reference, k, seed))
    flat = Z.reshape(-1, Z.shape[2])
    model = KMeans(k, n_init=10, random_state=seed)
    if "mixture" in name:
        model = GaussianMixture(k, covariance_type="tied", n_init=5, reg_covar=1e-3, random_state=seed)
    nodes = facesom.FaceSOM(10, 10, seed=seed).fit(flat).labels_
    return Z, model.fit_predict(flat).reshape(shape), nodes.reshape(shape)


def standardise(X):
    return scale(X.reshape(-1, X.shape[-1])).reshape(X.shape)


def movements(faces):
    return faces.movements - np.median(faces.movements, axis=1, keepdims=True)


def predicted_movements(faces):
    centred = standardise(faces.features - faces.features.mean(axis=1, keepdims=True))
    flat = [X.reshape(-1, X.shape[2]) for X in (centred, movements(faces))]
    person = np.repeat(np.arange(len(centred)), centred.shape[1])
    ridge, folds = RidgeCV(np.logspace(-2, 4, 13)), GroupKFold(min(len(centred), 10))
    return cross_val_predict(ridge, *flat, groups=person, cv=folds).reshape(faces.movements.shape)


def measure(name, faces, seed):
    """The `SCORES` of one method on one data set; NaN where the truth does not say."""
    truth, scores = faces.expressions, dict.fromkeys(SCORES, np.nan)
    if faces.movements is None and name in (CEILING, ORACLE):
        return tuple(scores.values())
    shown = (
        faces.features.var(axis=1).sum(axis=1) if truth is None else [entropy(np.bincount(t)) for t in truth]
    )
    reference = int(np.argmax(shown))
    began = process_time()
    Z, groups, nodes = group(name, faces, reference, seed)
    scores["CPU seconds"] = process_time() - began
    scores["NMI of group and person"] = leak(groups)
    if truth is not None:
        scores["ARI"], scores["NMI"] = agreement(truth, groups)
        others = np.arange(len(Z))[:, None] != reference
        asked = others & np.isin(truth, truth[reference])
        nearest = KNeighborsClassifier(1).fit(Z[reference], truth[reference])
        scores["transfer"] = (nearest.predict(Z[asked]) == truth[asked]).mean()
    if faces.movements is not None:
        scores["explained by groups"] = explained_movement(groups, faces.movements)
        scores["explained by nodes"] = explained_movement(nodes, faces.movements)
    return tuple(scores.values())


def agreement(truth, groups):
    return [m(truth.ravel(), groups.ravel()) for m in (adjusted_rand_score, normalized_mutual_info_score)]


def scoreboard(columns, seeds, options, real):
    """Print one table for each of `SCORES`."""
    rows = {}
    for column in columns:
        for seed in seeds:
            if column in DRAWN:
                faces = draw(column, seed, options.persons, options.frames, options.groups)
            else:
                faces = real["ckplus"].some(seed) if column == "ten of ckplus" else real[column]
            if faces.expressions is not None:
                known = [leak(faces.expressions) if "person" in score else np.nan for score in SCORES]
                rows.setdefault(("the truth", column), []).append(known)
            for name in filter(installed, options.rows):
                rows.setdefault((name, column), []).append(measure(name, faces, seed))
    for i, title in enumerate(SCORES):
        shown = [
            c for c in columns if any(spread(rows[name, c], i) for name in options.rows if installed(name))
        ]
        if not shown:
            continue
        head(title, *shown)
        for name in ("the truth", *options.rows) if "person" in title else options.rows:
            cells = [spread(rows.get((name, c)), i, 1 if "seconds" in title else 2) for c in shown]
            if any(cells) or not installed(name):
                line(name if installed(name) else f"{name}: not installed", *cells)


def head(*cells):
    print()
    line(*cells)
    line("---", *["--:"] * (len(cells) - 1))


def line(*cells):
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def spread(rows, i, digits=2):
    """Mean ± standard deviation of column i, as a table shows it."""
    values = np.array([row[i] for row in (() if rows is None else rows)])
    values = values[~np.isnan(values)]
    return f"{values.mean():.{digits}f} ± {values.std():.{digits}f}" if len(values) else ""


def new_persons(seeds, options, real):
    """Print how new persons are placed, drawn ones or, where filmed ones are given, these."""
    if real:
        few, seen = range(FIRST_SEED, FIRST_SEED + 3), {}
        shares = ("groups: learned", "placed", "no -1", "nodes: learned", "placed")
        head("left out", *shares, "kept by groups", "with no -1", "by nodes")
        for name, faces in real.items():
            if faces.movements is not None:
                rows = np.array([np.concatenate(left_out(faces, seed)) for seed in few])
                kept = rows[:, [1, 2, 4]] / rows[:, [0, 0, 3]]
                told = [spread(rows, i, 3) for i in range(5)]
                line(name, *told, *(spread(kept, i) for i in range(3)))
                seen[name] = rows[:, 5:]
        print()
        head("left out", "flagged", "right", "mean doubt")
        for name, rows in seen.items():
            line(name, *(spread(rows, i) for i in range(3)))
        print()
        head("a part is moved", "unknown there", "unknown elsewhere")
        for name, faces in real.items():
            for what, flags in moved_parts(faces, FIRST_SEED).items():
                line(f"{name}: {what}", spread(flags, 0), spread(flags, 1))
        print()
        placings({name: [faces] * len(few) for name, faces in real.items()})
        return
    rows = drawn_persons(seeds, options.persons, options.frames)
    head("new persons show", "frames", "how many", "right group", "false flags", "unseen flagged")
    for key in sorted(rows):
        line(*key, *(spread(rows[key], i) for i in range(3)))
    print()
    drawn = ("balanced", "own", "one-sided", "film")
    sizes = options.persons, options.frames, options.groups
    placings({name: [draw(name, seed, *sizes) for seed in seeds] for name in drawn})


def placings(columns):
    """Print whether the same groups are learned again, and how far `doubt` is to be trusted."""
    again = ("groups learned again", "from another seed", "without one person")
    doubt = ("pieces of videos", "right", "AUC of doubt", "doubt < 0.1", "right of these")
    for header, measured in (again, learned_again), (doubt, lambda *given: trust(*pieces(*given))):
        head(*header)
        for name, sets in columns.items():
            rows = [measured(x.features, x.n_groups, seed) for seed, x in enumerate(sets, FIRST_SEED)]
            line(name, *(spread(rows, i) for i in range(len(header) - 1)))


def whole_way(paths, n_groups):
    """Print agreement from pixels and from facesom, and the seconds of each step."""
    steps = ("load", "convert", "features", "groups and map, with features")
    head("data", "pixels: ARI, NMI", "facesom: ARI, NMI", *(f"{step}, s" for step in steps))
    with tempfile.TemporaryDirectory() as folder:
        drawn, built_in = facesom.make_faces(), Path(folder) / "built-in.pickle"
        facesom.save(drawn.dataset, built_in)
        np.savez(built_in.with_name("built-in_truth.npz"), expressions=drawn.expressions)
        del drawn
        for path in [built_in, *paths]:
            faces, clock = read(path, n_groups), [perf_counter()]
            data = facesom.load(path)
            clock.append(perf_counter())
            facesom.to_grayscale(data)
            clock.append(perf_counter())
            facesom.shape_features(data.X1)
            clock.append(perf_counter())
            result = facesom.group_across_persons(data.X1, faces.n_groups)
            clock.append(perf_counter())
            cells = ["no truth"] * 2
            if faces.expressions is not None:
                both = group("pixels", faces, 0, 0)[1], result.groups
                cells = ["{:.2f}, {:.2f}".format(*agreement(faces.expressions, groups)) for groups in both]
            name = f"{path.stem}, {data.n_persons} × {data.n_frames}"
            line(name, *cells, *(f"{seconds:.2f}" for seconds in np.diff(clock)))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", choices=[*DRAWN, *REAL], help="columns; default: all")
    parser.add_argument("--rows", nargs="+", choices=METHODS, default=METHODS, metavar="ROW", help="some")
    parser.add_argument("--seeds", type=int, default=5, help="how many, default 5")
    parser.add_argument("--persons", type=int, default=12)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--groups", type=int, default=8, help="where expressions have no names, default 8")
    parser.add_argument("--ckplus", type=Path, metavar="PICKLE", help="with NAME_truth.npz beside it")
    parser.add_argument("--filmed", type=Path, nargs="+", default=[], metavar="PICKLE", help="likewise")
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
            given = [options.ckplus, options.video, *options.filmed]
            return whole_way([path for path in given if path], options.groups)
        real = {path.stem: read(path, options.groups) for path in options.filmed}
        if options.new_person:
            return new_persons(seeds, options, real)
        if set(REAL) & set(columns):
            real["ckplus"] = read(options.ckplus, options.groups)
        scoreboard([*columns, *(path.stem for path in options.filmed)], seeds, options, real)


if __name__ == "__main__":
    main()

"""Features and ways of clustering: what HOG, LBP, edges, PCA, geometry and networks see of expressions.

    python benchmarks/features.py                            # drawn faces, 12 persons x 60 frames
    python benchmarks/features.py --ckplus FILE              # and real faces, drawn
    python benchmarks/features.py --features HOG pixels --seeds 10
    python benchmarks/features.py --dimension                # how many principal components a map needs

Groups are compared with the known expressions by the adjusted Rand index (ARI) and the normalised mutual
information (NMI), mean ± standard deviation over seeds, which give other faces and other starts (of ckplus:
other starts). Features of more than 50 columns are reduced to 50 principal components, those of different
units are standardised. Methods are given the true number of expressions, but for DBSCAN (distance: the
median of that to the fifth neighbour) and HDBSCAN (five rows make a group), which find their own. "aligned"
takes identity out of part geometry with `facesom.IdentityAligner`.

The CNN learns from labels: for drawn faces from those of 48 other persons, 25 frames each; for ckplus from
those of two thirds of the persons, and its rows are means over the thirds. "SVM": accuracy of a linear
support vector machine on persons that it was not trained on, which says what a feature holds, whether or not
clustering finds it, with each person's mean and without; of the CNN, its own accuracy.

Times: CPU time of features and clustering across persons over that of pixels with k-means, one thread.
Memory: peak of arrays while clustering. Prints Markdown. Needs: pip install '.[benchmarks,deep]'.
"""

from __future__ import annotations

import argparse
import tracemalloc
import warnings
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np
from alignment import FIRST_SEED, head, line, spread
from face_sets import read
from joblib import Parallel, delayed
from minisom import MiniSom
from sklearn.cluster import DBSCAN, HDBSCAN, AgglomerativeClustering, KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import accuracy_score, adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits
from tqdm import tqdm

import facesom
from facesom.features import (
    HOG,
    LBP,
    CNNEmbedding,
    Contours,
    ConvAutoencoder,
    Edges,
    PartGeometry,
    Pixels,
    import_torch,
    score_clustering,
)
from facesom.features.scoreboard import MEASURES, SETTINGS
from facesom.som.quality import quantization_error, topographic_error, trustworthiness

CNN = "CNN, supervised"
MAJORITY = ("always the commonest", "")
N_TEACHERS, N_LESSONS = 48, 25  # persons that the CNN learns from, and frames of each
FEATURES = {  # name: transformer by seed, and whether its columns have different units
    "pixels": (lambda seed: reduced(Pixels(), seed), False),
    "HOG": (lambda seed: reduced(HOG(), seed), False),
    "LBP": (lambda seed: reduced(LBP(), seed), False),
    "edges": (lambda seed: reduced(Edges(distance=False), seed), False),
    "distance to edges": (lambda seed: reduced(Edges(), seed), False),
    "contours, Hu moments": (lambda seed: Contours(), True),
    "part geometry": (lambda seed: PartGeometry(), True),
    "autoencoder": (lambda seed: ConvAutoencoder(seed=seed), False),
    CNN: (lambda seed: CNNEmbedding(width=8, seed=seed), False),
}


def reduced(transformer, seed):
    return make_pipeline(transformer, PCA(50, random_state=seed))


def som_groups(X, k, seed):
    return facesom.NodeGroups(k, seed=seed).fit_predict(X)


def by_density(X, k, seed):
    near = NearestNeighbors(n_neighbors=5).fit(X).kneighbors()[0][:, -1]
    return DBSCAN(eps=max(np.median(near), 1e-9), min_samples=5).fit_predict(X)


METHODS = {
    "SOM, k-means on nodes": som_groups,
    "k-means": lambda X, k, seed: KMeans(k, n_init=10, random_state=seed).fit_predict(X),
    "Ward": lambda X, k, seed: AgglomerativeClustering(k).fit_predict(X),
    "DBSCAN": by_density,
    "HDBSCAN": lambda X, k, seed: HDBSCAN(5, copy=True).fit_predict(X),
    "Gaussian mixture": lambda X, k, seed: GaussianMixture(
        k, covariance_type="tied", n_init=3, reg_covar=1e-3, random_state=seed
    ).fit_predict(X),
}


class Faces(NamedTuple):
    """Gray drawings (P, N, H, W) and their expressions (P, N); other persons' to learn from, if there are."""

    images: np.ndarray
    truth: np.ndarray
    teacher: Faces | None = None


def draw(seed, n_persons, n_frames):
    drawn = facesom.make_faces(n_persons, n_frames, seed)
    return Faces(facesom.to_grayscale(drawn.dataset).X1, drawn.expressions)


def folds(faces, n_folds=3):
    """Pairs of persons to learn from and persons to judge on."""
    if faces.teacher is not None:
        yield faces.teacher, faces
        return
    mine = np.arange(len(faces.truth)) % n_folds
    for fold in range(n_folds):
        yield [Faces(faces.images[take], faces.truth[take]) for take in (mine != fold, mine == fold)]


def measure(name, faces, seed, settings):
    """Rows of one feature: {method: {column: value}}."""
    make, mixed = FEATURES[name]
    parts, predicted = [], []
    began = process_time()
    if name == CNN:
        for teacher, pupil in folds(faces):
            network = make(seed).fit(teacher.images, teacher.truth)
            parts.append((network.transform(pupil.images), pupil.truth))
            predicted.append(network.predict(pupil.images))
    else:
        parts.append((make(seed).fit_transform(faces.images), faces.truth))
    took = process_time() - began
    rows = {}
    for method, cluster in METHODS.items():
        scores = [
            score_clustering(
                X, truth, lambda X, k, c=cluster: c(X, k, seed), standardise=mixed, settings=settings
            )
            for X, truth in parts
        ]
        values = {(s, m): np.mean([score[s][m] for score in scores]) for s in settings for m in MEASURES}
        X, k = parts[0][0], len(np.unique(faces.truth))
        tracemalloc.start()
        began = process_time()
        cluster(StandardScaler().fit_transform(X) if mixed else X, k, seed)
        values["seconds"] = took + process_time() - began
        values["MB"] = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        if name == "part geometry":
            aligned, own = align(X, faces.truth, seed)
            for m, agreement in MEASURES.items():
                values["aligned", m] = agreement(faces.truth.ravel(), cluster(aligned, k, seed))
                rows.setdefault("facesom: the aligner's own groups", {})["aligned", m] = agreement(
                    faces.truth.ravel(), own
                )
        rows[method] = values
    if name == CNN:
        rows["its own classes"] = own_classes(predicted, [truth for _, truth in parts])
        rows["k-means"]["SVM"] = rows["its own classes"]["SVM"]
    else:
        person = np.repeat(np.arange(len(faces.truth)), faces.truth.shape[1])
        svm = make_pipeline(StandardScaler(), SVC(kernel="linear", C=0.1 if mixed else 0.01))
        X = parts[0][0].reshape(*faces.truth.shape, -1)
        for column, rid in (("SVM", X), ("SVM, mean removed", X - X.mean(axis=1, keepdims=True))):
            told = cross_val_predict(
                svm, rid.reshape(len(person), -1), faces.truth.ravel(), groups=person, cv=GroupKFold(4)
            )
            rows["k-means"][column] = accuracy_score(faces.truth.ravel(), told)
    return rows


def align(X, truth, seed):
    """Coordinates (P * N, d) rid of identity, and groups (P * N,)."""
    aligner = facesom.IdentityAligner(len(np.unique(truth)), seed=seed)
    Z = aligner.fit_transform(X.reshape(*truth.shape, -1))
    return Z.reshape(truth.size, -1), aligner.probabilities_.argmax(axis=2).ravel()


def own_classes(predicted, truths):
    """Scores of the classes that the CNN predicts for persons it has not seen."""
    values = {}
    for name, agreement in MEASURES.items():
        pairs = [(t, p.reshape(t.shape)) for t, p in zip(truths, predicted, strict=True)]
        alone = [
            agreement(t, p) for both in pairs for t, p in zip(*both, strict=True) if len(np.unique(t)) > 1
        ]
        values["within one person", name] = np.mean(alone)
        values["across persons", name] = np.mean([agreement(t.ravel(), p.ravel()) for t, p in pairs])
    hits = [t.ravel() == p for t, p in zip(truths, predicted, strict=True)]
    return values | {"SVM": np.concatenate(hits).mean()}


def one_seed(names, seed, n_persons, n_frames, ckplus):
    """All rows of one seed: {(feature, method): values}."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # maps of few rows, gray levels that are moved
        import_torch().set_num_threads(1)
        if ckplus is None:
            teacher = draw(seed + 1000, N_TEACHERS, N_LESSONS)
            faces = draw(seed, n_persons, n_frames)._replace(teacher=teacher)
        else:
            known = read(ckplus, 0)
            faces = Faces(facesom.to_grayscale(known.images), known.expressions)
        # of nine frames in a row nearly each shows another expression: nothing to cluster within a person
        settings = SETTINGS if ckplus is None else SETTINGS[1:]
        found = {name: measure(name, faces, seed, settings) for name in names}
    rows = {(name, method): values for name in names for method, values in found[name].items()}
    rows[MAJORITY] = {"SVM": np.bincount(faces.truth.ravel()).max() / faces.truth.size}
    if "pixels" in names:
        peer = rows["pixels", "k-means"]["seconds"]
        for values in rows.values():
            if "seconds" in values:
                values["time"] = values["seconds"] / peer
    return rows


def scoreboard(title, names, seeds, n_persons, n_frames, ckplus, n_jobs):
    """Print the full table, and a short one by feature and by method."""
    work = Parallel(n_jobs, return_as="generator")(
        delayed(one_seed)(names, seed, n_persons, n_frames, ckplus) for seed in seeds
    )
    runs = list(tqdm(work, total=len(seeds), unit="seed", desc=title))
    columns = [(s, m) for s in (*SETTINGS, "aligned") for m in MEASURES]
    print(f"\n**{title}**")
    head("features", "method", *(f"{s}, {m}" for s, m in columns), "time", "MB")
    for key in [key for key in runs[0] if key != MAJORITY]:
        cells = [cell(runs, key, column) for column in columns]
        line(*key, *cells, cell(runs, key, "time", 1), cell(runs, key, "MB", 0))
    print(f"\n**{title}, short: ARI with k-means, and what a supervised SVM makes of new persons**")
    head("features", *SETTINGS, "SVM, accuracy", "SVM, mean removed")
    for name in names:
        short = [cell(runs, (name, "k-means"), (s, "ARI")) for s in SETTINGS]
        line(name, *short, *(cell(runs, (name, "k-means"), c) for c in ("SVM", "SVM, mean removed")))
    line("always the commonest", *[""] * len(SETTINGS), cell(runs, MAJORITY, "SVM"), "")


def cell(runs, key, column, digits=2):
    return spread([(run[key][column],) for run in runs if column in run.get(key, {})], 0, digits)


def dimension(seeds, n_frames):
    """Print how a map changes when it is trained on few principal components instead of all pixels."""
    rows = {}
    for seed in seeds:
        drawn = facesom.make_faces(1, n_frames, seed)
        X = facesom.to_grayscale(drawn.dataset).X1[0].reshape(n_frames, -1).astype(float)
        with threadpool_limits(1):
            pca = PCA(svd_solver="full").fit(X)
            rank = int((pca.explained_variance_ > 1e-9 * pca.explained_variance_[0]).sum())
            # every map starts from the same plane, or its corners could be exchanged
            start = np.zeros((10, 10, rank))
            start[..., :2] = np.stack(np.meshgrid(*[np.linspace(-1, 1, 10)] * 2, indexing="ij"), axis=-1)
            start[..., :2] *= np.sqrt(pca.explained_variance_[:2])
            scores = pca.transform(X)[:, :rank]
            axes = pca.components_[:rank]
            pixels = one_map(X, start @ axes + pca.mean_)
            for d in (2, 5, 10, 20, 50, 100, 200, rank):
                made = one_map(scores[:, :d], start[..., :d])
                weights = made["weights"] @ axes[:d] + pca.mean_
                label = f"all {rank}" if seed == seeds[0] and d == rank else d
                label = "full rank" if d == rank else label
                kept = pca.explained_variance_ratio_[:d].sum()
                rows.setdefault(label, []).append(judge(made, pixels, weights, X, drawn.expressions[0], kept))
            rows.setdefault("4096 pixels", []).append(
                judge(pixels, pixels, pixels["weights"], X, drawn.expressions[0], 1)
            )
    head(
        "components", "variance kept", "same winner", "quantization error", "topographic error",
        "trustworthiness", "ARI", "batch, time", "MiniSom script, time",
    )  # fmt: skip
    for label, values in rows.items():
        line(label, *(spread(values, i, 3 if i < 2 else 2) for i in range(8)))


def one_map(X, start):
    timings = []
    for _ in range(3):
        began = process_time()
        som = facesom.FaceSOM(10, 10, init=start).fit(X)
        timings.append(process_time() - began)
    began = process_time()
    plain = MiniSom(10, 10, X.shape[1], sigma=1.0, learning_rate=0.5, random_seed=42)
    plain.random_weights_init(X)
    plain.train_random(X, 1000)
    winners = [plain.winner(x) for x in X]
    script = process_time() - began
    assert len(winners) == len(X)
    return {
        "som": som,
        "weights": som.weights_,
        "winners": som.labels_,
        "batch": min(timings),
        "script": script,
    }


def judge(made, pixels, weights, X, truth, kept):
    """One row of `dimension`: all errors are measured in pixels."""
    steps = made["som"].steps_
    k = len(np.unique(truth))
    groups = facesom.NodeGroups(k).fit(made["som"]).predict(made["winners"])
    return (
        kept,
        (made["winners"] == pixels["winners"]).mean(),
        quantization_error(X, weights),
        topographic_error(X, weights, steps),
        trustworthiness(X, made["winners"], steps),
        adjusted_rand_score(truth, groups),
        made["batch"] / pixels["batch"],
        made["script"] / pixels["script"],
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--features", nargs="+", choices=FEATURES, metavar="NAME", help="default: all")
    parser.add_argument("--seeds", type=int, default=5, help="how many, default 5")
    parser.add_argument("--persons", type=int, default=12)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=2, help="seeds that run side by side, default 2")
    parser.add_argument("--ckplus", type=Path, metavar="PICKLE", help="with NAME_truth.npz beside it")
    parser.add_argument("--dimension", action="store_true", help="principal components of one map instead")
    options = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
    names = options.features or list(FEATURES)
    if options.dimension:
        dimension(seeds, 500)
        return
    size = options.persons, options.frames
    title = f"Drawn faces, {size[0]} persons × {size[1]} frames"
    scoreboard(title, names, seeds, *size, None, options.jobs)
    if options.ckplus:
        scoreboard("ckplus_drawn, 75 persons × 9 frames", names, seeds, *size, options.ckplus, options.jobs)


if __name__ == "__main__":
    main()

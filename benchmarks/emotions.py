"""Emotions of photographed faces: support vector machines, action units, networks, fine-tuning.

    python benchmarks/emotions.py FER2013                       # ours, linear models on pixels, HOG, features
    python benchmarks/emotions.py FER2013 --rows rbf            # how slow an RBF SVM becomes
    python benchmarks/emotions.py FER2013 --rows cnn            # the three-block network (an hour or two)
    python benchmarks/emotions.py FER2013 --rows batches        # batch sizes and epochs
    python benchmarks/emotions.py --rows units --units CSV      # action units, persons held out, 5 folds
    python benchmarks/emotions.py FER2013 --rows copies --folder FOLDER       # copies found, false alarms
    python benchmarks/emotions.py FER2013 --rows reliability --folder FOLDER  # what probabilities are worth
    python benchmarks/emotions.py --rows tuning --folder FOLDER # fine-tuning on a folder for each emotion

FER2013 is fer2013.csv, or an .npz of its columns. Training images that are blank, or equal to one of a test
part, are left out. All is reported on PrivateTest, which chose nothing; batch sizes and epochs are compared
on PublicTest. Of 3,589 faces an accuracy has a 95 % interval of ± 0.016 from sampling alone; ± here is the
standard deviation over seeds, which give other first weights, Nyström samples, subsets and splits.

Every line is a process of its own on one thread. Times are CPU times over that of a linear SVM on HOG of the
same run (training; without FER2013, over the first line that trains) and over that of the shipped network (a
face). Memory is the peak above that of the imports, reading the faces included. Prints Markdown. Needs:
pip install '.[benchmarks,deep]'.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import warnings
from time import process_time

import numpy as np

SIZES = (1250, 2500, 5000)  # training faces of the RBF SVM
ALL_FACES = 28006  # training faces of FER2013 that no test has
CNN_EPOCHS = (5, 15)
BATCHES = (16, 64, 256)
N_BATCHES = 2000  # training faces on which batch sizes are compared
TUNING = (
    "shipped, not tuned",
    "logistic regression on the shipped features",
    "shipped, head tuned",
    "shipped, stage3 and head tuned",
    "shipped, all tuned",
    "the same network from scratch",
    "three-block CNN from scratch",
)
UNITS = ("linear SVM", "RBF SVM")


def models(seed):
    """Features and classifiers by name, with the penalties that did best on PublicTest after 5,000 faces."""
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler
    from sklearn.svm import SVC, LinearSVC

    from facesom.emotions.model import emotion_features
    from facesom.features.classical import HOG, Pixels

    def nystrom(n_columns):
        kernel = Nystroem(n_components=1000, gamma=1 / n_columns, random_state=seed)
        return make_pipeline(StandardScaler(), kernel, LinearSVC(C=1, random_state=seed))

    def linear(C):
        return make_pipeline(StandardScaler(), LinearSVC(C=C, random_state=seed))

    rbf = make_pipeline(StandardScaler(), SVC(C=5, cache_size=500))
    shipped = FunctionTransformer(emotion_features)
    return {
        "pixels, linear SVM": (Pixels(), linear(1e-5)),
        "pixels, Nyström SVM": (Pixels(), nystrom(2304)),
        "pixels, RBF SVM": (Pixels(), rbf),
        "HOG, linear SVM": (HOG(), linear(1e-4)),
        "HOG, Nyström SVM": (HOG(), nystrom(900)),
        "HOG, RBF SVM": (HOG(), rbf),
        "shipped features, logistic regression": (
            shipped,
            make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500)),
        ),
    }


USAGES = ("Training", "PublicTest", "PrivateTest")


def fer2013(path):
    """Training without equals of test faces and blank ones, PublicTest, PrivateTest."""
    from facesom.emotions import image_hashes, read_fer2013

    train, *tests = (read_fer2013(path, usage) for usage in USAGES)
    held = np.concatenate([image_hashes(test.images) for test in tests])
    kept = (train.images.std(axis=(1, 2)) > 0) & ~np.isin(image_hashes(train.images), held)
    return train.subset(kept), *tests


def drawn(train, n, seed):
    """`n` of the training faces, all if None."""
    if n is None:
        return train
    return train.subset(np.sort(np.random.default_rng(seed).choice(len(train), n, replace=False)))


def scored(truth, predicted=None, probabilities=None):
    from facesom.emotions.scores import classification_scores

    scores = classification_scores(truth, predicted, probabilities, n_bootstraps=1)
    return {"accuracy": scores.accuracy, "F1": scores.f1, "cross-entropy": scores.cross_entropy}


def measure_model(options, name, n, seed):
    train, _, test = fer2013(options.data)
    train = drawn(train, n, seed)
    transformer, model = models(seed)[name]
    start = process_time()
    model.fit(transformer.fit_transform(train.images), train.labels)
    fitted = process_time()
    X = transformer.transform(test.images)
    if hasattr(model, "predict_proba"):
        found = scored(test.labels, probabilities=model.predict_proba(X))
    else:
        found = scored(test.labels, model.predict(X))
    return found | {"fit": fitted - start, "face": (process_time() - fitted) / len(test), "n": len(train)}


def measure_shipped(options, name, n, seed):
    from facesom.emotions.model import predict_emotions

    if name != "shipped network":
        return measure_model(options, name, n, seed)
    _, _, test = fer2013(options.data)
    predict_emotions(test.images[:1])
    start = process_time()
    found = scored(test.labels, probabilities=predict_emotions(test.images))
    return found | {"fit": np.nan, "face": (process_time() - start) / len(test), "n": ALL_FACES}


def measure_cnn(options, name, n, seed):
    """The three-block network after `n` epochs; with --keep it resumes, and its time is that since then."""
    from scipy.special import softmax

    from facesom.features import run_network, three_block_cnn, train_network

    train, public, test = fer2013(options.data)
    network = three_block_cnn(7, 48, width=16, seed=seed)
    keep = None if options.keep is None else os.path.join(options.keep, f"three_block_{n}_{seed}.pt")
    began = process_time()
    train_network(
        network,
        train.images,
        train.labels,
        n_epochs=n,
        augment=True,
        seed=seed,
        validation=(public.images, public.labels),
        checkpoint=keep,
        progress=options.progress,
    )
    start = process_time()
    found = scored(test.labels, probabilities=softmax(run_network(network, test.images), axis=1))
    per_face = (process_time() - start) / len(test)
    return found | {"fit": start - began, "face": per_face, "n": len(train)}


def measure_batches(options, name, n, seed):
    from scipy.special import softmax

    from facesom.features import run_network, three_block_cnn, train_network

    train, public, _ = fer2013(options.data)
    train = drawn(train, N_BATCHES, seed)
    network = three_block_cnn(7, 48, width=16, seed=seed)
    start = process_time()
    train_network(
        network,
        train.images,
        train.labels,
        n_epochs=int(name),
        batch_size=n,
        augment=True,
        seed=seed,
        progress=False,
    )
    fitted = process_time() - start
    found = scored(public.labels, probabilities=softmax(run_network(network, public.images), axis=1))
    return found | {"fit": fitted, "face": np.nan, "n": len(train)}


def measure_units(options, name, n, seed):
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    from facesom.emotions import read_action_units

    units = read_action_units(options.units)
    model = make_pipeline(StandardScaler(), SVC(kernel="linear" if name.startswith("linear") else "rbf"))
    by_person = "mixed" not in name
    folds = (StratifiedGroupKFold if by_person else StratifiedKFold)(5, shuffle=True, random_state=seed)
    start = process_time()
    predicted = cross_val_predict(model, units.units, units.labels, groups=units.persons, cv=folds)
    found = scored(units.labels, predicted)
    return found | {"fit": (process_time() - start) / 5, "face": np.nan, "n": len(units)}


def measure_tuning(options, name, n, seed):
    from scipy.special import softmax
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from facesom.emotions import split_by_person
    from facesom.emotions.model import emotion_features, predict_emotions
    from facesom.emotions.network import emotion_network
    from facesom.features import fine_tune, run_network, three_block_cnn, train_network

    faces = ck_plus(options.folder)
    test, rest = (faces.subset(rows) for rows in split_by_person(faces.persons, faces.labels, 0.5, seed))
    train = rest if n is None else rest.subset(np.isin(rest.persons, few_persons(rest.persons, n, seed)))
    settings = {"n_epochs": 15, "batch_size": 16, "augment": True, "seed": seed, "progress": False}
    start, network, fitted = process_time(), None, np.nan
    if name == "shipped, not tuned":
        probabilities = predict_emotions(test.images)
    elif name.startswith("logistic"):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
        model.fit(emotion_features(train.images), train.labels)
        fitted = process_time() - start
        probabilities = np.full((len(test), 7), 0.001)  # a class that no training face has is not impossible
        probabilities[:, model.classes_] += model.predict_proba(emotion_features(test.images))
        probabilities /= probabilities.sum(axis=1, keepdims=True)
    elif name.startswith("shipped"):
        frozen = {
            "shipped, head tuned": ("stem", "stage1", "stage2", "stage3"),
            "shipped, stage3 and head tuned": ("stem", "stage1", "stage2"),
            "shipped, all tuned": (),
        }[name]
        rate = 1e-3 if frozen else 2e-4
        network, _ = fine_tune(
            emotion_network(), train.images, train.labels, frozen=frozen, learning_rate=rate, **settings
        )
    else:
        same = name.startswith("the same")
        network = (
            emotion_network(pretrained=False, seed=seed) if same else three_block_cnn(width=16, seed=seed)
        )
        train_network(network, train.images, train.labels, **settings | {"n_epochs": 30})
    if network is not None:
        fitted = process_time() - start
        probabilities = softmax(run_network(network, test.images).astype(float), axis=1)
    return scored(test.labels, probabilities=probabilities) | {"fit": fitted, "face": np.nan, "n": len(train)}


def few_persons(persons, n, seed):
    return np.random.default_rng(seed).permutation(np.unique(persons))[:n]


def ck_plus(folder):
    """CK+ with FER2013's emotions, contempt left out."""
    from facesom.emotions import read_emotion_folder

    faces = read_emotion_folder(folder, size=48, person="prefix")
    return faces.classes(*[name for name in faces.names if name != "contempt"]).as_emotions()


def changes():
    """What may be done to a picture, by name."""
    import cv2

    def jpeg(quality):
        how = [cv2.IMWRITE_JPEG_QUALITY, quality]
        return lambda x: np.array([cv2.imdecode(cv2.imencode(".jpg", i, how)[1], 0) for i in x])

    def resized(side):
        return lambda x: np.array([cv2.resize(i, (side, side), interpolation=cv2.INTER_AREA) for i in x])

    def levels(change):
        return lambda x: np.clip(change(x.astype(float)), 0, 255).astype(np.uint8)

    return {
        "JPEG, quality 90": jpeg(90),
        "JPEG, quality 50": jpeg(50),
        "half the size": resized(24),
        "a third of the size": resized(16),
        "mirrored, JPEG 50": lambda x: jpeg(50)(x[:, :, ::-1]),
        "40 % brighter": levels(lambda x: 1.4 * x),
        "half as bright": levels(lambda x: 0.5 * x),
        "80 levels lifted": levels(lambda x: x + 80),
        "60 levels lowered": levels(lambda x: x - 60),
        "gamma 0.6": levels(lambda x: 255 * (x / 255) ** 0.6),
        "a pixel of the rim cut off": lambda x: resized(48)(x[:, 1:-1, 1:-1]),
    }


def print_copies(options):
    """Share of changed pictures that are found, and pairs of other persons taken for copies."""
    import facesom
    from facesom.emotions import find_copies, image_hashes, read_emotion_folder, read_fer2013

    faces = read_fer2013(options.data, "PublicTest").images
    faces = faces[faces.std(axis=(1, 2)) > 5][:2000]
    print("| change | found |\n|--|--:|")
    for name, change in changes().items():
        pairs = find_copies(faces, change(faces))
        print(f"| {name} | {len(np.unique(pairs[pairs[:, 0] == pairs[:, 1]])) / len(faces):.4f} |")
    drawn = facesom.make_faces(40, 60, mix="balanced", seed=1)
    gray = np.round(255 * facesom.to_grayscale(drawn.dataset).X1).astype(np.uint8)
    photos = read_emotion_folder(options.folder, size=48, person="prefix")
    sets = {"photos": (photos.images, photos.persons)}
    sets["drawings"] = gray.reshape(-1, *gray.shape[2:]), np.repeat(np.arange(40), 60)
    for name, (images, persons) in sets.items():
        pairs = find_copies(images)
        wrong = (persons[pairs[:, 0]] != persons[pairs[:, 1]]).sum()
        n_pairs = (persons[:, None] != persons).sum() // 2
        print(f"{name}: {wrong} of {n_pairs:,} pairs of other persons taken for copies")
    parts = {usage: read_fer2013(options.data, usage).images for usage in USAGES}
    tests = np.concatenate([parts["PublicTest"], parts["PrivateTest"]])
    train = parts["Training"][parts["Training"].std(axis=(1, 2)) > 0]
    same = np.isin(image_hashes(train), image_hashes(tests))
    alike = np.isin(np.arange(len(train)), find_copies(train, tests)[:, 0])
    print(f"Training: {same.sum()} equal to a test's, {(alike & ~same).sum()} more alike")


def print_reliability(options):
    """What the shipped network's probabilities are worth, set by set."""
    from facesom.emotions import (
        EMOTIONS,
        calibration_error,
        classification_scores,
        find_copies,
        predict_emotions,
        read_fer2013,
    )

    train, public, private = (read_fer2013(options.data, usage) for usage in USAGES)
    known = np.isin(np.arange(len(private)), find_copies(private.images, train.images)[:, 0])
    sets = {
        "PublicTest": public,
        "PrivateTest": private,
        "PrivateTest without copies": private.subset(~known),
    }
    sets |= {"CK+": ck_plus(options.folder)} if options.folder else {}
    print(
        "| | faces | accuracy | balanced | probability said | distance | under 0.5: right | over 0.8: right |"
    )
    print("|--|--:|--:|--:|--:|--:|--:|--:|")
    found = []
    for name, faces in sets.items():
        p = predict_emotions(faces.images)
        s = classification_scores(faces.labels, probabilities=p, names=EMOTIONS, groups=faces.persons)
        sure, right = p.max(axis=1), s.predicted == s.truth
        low, high = s.intervals["accuracy"]
        cells = [name, f"{len(faces):,}", f"{s.accuracy:.3f} ({low:.3f} to {high:.3f})"]
        cells += [f"{v:.3f}" for v in (s.balanced_accuracy, sure.mean(), calibration_error(p, faces.labels))]
        cells += [f"{right[rows].mean():.2f} of {rows.sum()}" for rows in (sure < 0.5, sure > 0.8)]
        print("| " + " | ".join(cells) + " |", flush=True)
        recalls = ", ".join(f"{n} {v:.2f}" for n, v in zip(s.names, s.class_recall, strict=True))
        found.append(f"{name}: {recalls}")
    print("\nfound of each emotion:", *found, sep="\n")


PRINTED = {"copies": print_copies, "reliability": print_reliability}
MEASURES = {
    "ours": measure_shipped,
    "svm": measure_model,
    "rbf": measure_model,
    "cnn": measure_cnn,
    "batches": measure_batches,
    "units": measure_units,
    "tuning": measure_tuning,
}


def lines_of(rows, options):
    """What to measure for a kind of rows: (name, size), in the order of the table."""
    if rows == "ours":
        return [("shipped network", None), ("shipped features, logistic regression", None)]
    if rows == "svm":
        kinds = ("HOG", "pixels")
        return [(f"{kind}, {machine} SVM", None) for kind in kinds for machine in ("linear", "Nyström")]
    if rows == "rbf":
        names = ("pixels, RBF SVM", "HOG, RBF SVM", "HOG, Nyström SVM", "HOG, linear SVM")
        return [(name, n) for name in names for n in (*SIZES, *([None] if options.full else []))]
    if rows == "cnn":
        return [(f"three-block CNN, {n} epochs", n) for n in CNN_EPOCHS]
    if rows == "batches":
        return [(str(epochs), n) for epochs in (5, 20) for n in BATCHES]
    if rows == "units":
        return [(name + split, None) for name in UNITS for split in ("", ", persons mixed")]
    return [(name, n) for n in (10, None) for name in TUNING]


def peak_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MB; Linux counts in KiB


def measure(options, rows, name, n, seed):
    """Measure one line in a process of its own."""
    command = [sys.executable, __file__, "--measure", rows, name, str(n or 0), str(seed)]
    for option in ("units", "folder", "keep"):
        if getattr(options, option):
            command += [f"--{option}", getattr(options, option)]
    command += [options.data] if options.data else []
    alone = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OPENCV_FOR_THREADS_NUM": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=alone, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def measured(options):
    """What a process of its own does: one line, as JSON."""
    import cv2
    import sklearn.svm  # noqa: F401

    import facesom.emotions  # noqa: F401

    warnings.simplefilter("ignore")  # of blank faces among the tests
    cv2.setNumThreads(1)
    rows, name, n, seed = options.measure
    before = peak_memory()
    found = MEASURES[rows](options, name, int(n) or None, int(seed))
    print(
        json.dumps({key: float(value) for key, value in found.items()} | {"memory": peak_memory() - before})
    )


def spread(values, digits=3):
    values = np.array(values)
    if np.isnan(values).all():
        return ""
    return f"{values.mean():.{digits}f}" + (f" ± {values.std():.{digits}f}" if len(values) > 1 else "")


def print_table(options, rows, reference):
    head = [
        "",
        "trained on",
        "accuracy",
        "macro F1",
        "cross-entropy",
        "training, ratio",
        "a face, ratio",
        "MB",
    ]
    if rows == "batches":
        head[:2] = ["epochs", "batch size"]
    print(f"\n**{rows}**\n\n| " + " | ".join(head) + " |\n|" + "--|" + "--:|" * (len(head) - 1), flush=True)
    times = {}
    for name, n in lines_of(rows, options):
        # what has no chance in it is run once
        once = rows in ("ours", "cnn") or (rows == "svm" and "Nyström" not in name)
        seeds = range(1 if once else options.seeds)
        found = [measure(options, rows, name, n, seed) for seed in seeds]
        columns = {key: [each[key] for each in found] for key in found[0]}
        fit, face = np.mean(columns["fit"]), np.mean(columns["face"])
        if reference is None and not np.isnan(fit):
            reference = {"fit": fit}
        cells = [name, f"{np.mean(columns['n']):,.0f}" if rows != "batches" else str(n)]
        cells += [spread(columns[key]) for key in ("accuracy", "F1", "cross-entropy")]
        cells += ["" if np.isnan(fit) else f"{fit / reference['fit']:.2g}"]
        cells += [
            "" if np.isnan(face) else f"{face / reference['face']:.2g}",
            f"{np.max(columns['memory']):.0f}",
        ]
        print("| " + " | ".join(cells) + " |", flush=True)
        times.setdefault(name, {})[np.mean(columns["n"])] = fit
    if rows == "rbf":
        print()
        for name, grown in times.items():
            (a, first), (b, last) = list(grown.items())[-2:]
            power = np.log(last / first) / np.log(b / a)
            ahead = last / reference["fit"] * (ALL_FACES / b) ** power
            print(f"{name}: training grows with n^{power:.1f}; of {ALL_FACES:,} faces about {ahead:.2g}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="?", metavar="FER2013")
    parser.add_argument("--rows", nargs="+", choices=[*MEASURES, *PRINTED], default=["ours", "svm"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--full", action="store_true", help="the RBF SVM on all training faces, too")
    parser.add_argument("--units", metavar="CSV", help="action units with subject and emotion")
    parser.add_argument("--folder", help="a folder for each emotion; names start with the person")
    parser.add_argument("--keep", metavar="FOLDER", help="where networks keep checkpoints, to resume")
    parser.add_argument("--progress", action="store_true")
    parser.add_argument("--measure", nargs=4, metavar=("ROWS", "NAME", "N", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        return measured(options)
    for rows, needed in (("units", "units"), ("tuning", "folder"), ("copies", "folder")):
        if rows in options.rows and not getattr(options, needed):
            parser.error(f"--rows {rows} needs --{needed}")
    if not options.data and set(options.rows) - {"units", "tuning"}:
        parser.error("give the path of fer2013.csv, or of an .npz of its columns")
    for rows in [rows for rows in options.rows if rows in PRINTED]:
        PRINTED[rows](options)
    options.rows = [rows for rows in options.rows if rows in MEASURES]
    reference = None
    if options.data and options.rows:
        fit = measure(options, "svm", "HOG, linear SVM", None, 0)["fit"]
        reference = {"fit": fit, "face": measure(options, "ours", "shipped network", None, 0)["face"]}
        print(
            f"reference: HOG, linear SVM {reference['fit']:.0f} s, shipped {1e3 * reference['face']:.1f} ms"
        )
    for rows in options.rows:
        print_table(options, rows, reference)


if __name__ == "__main__":
    main()

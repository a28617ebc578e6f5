"""Fit the matrix with which facesom reads actions from features, and say how well it does on other people.

    python benchmarks/actions.py --filmed PREFIX --ckplus PICKLE --units CSV           # figures only
    python benchmarks/actions.py --filmed PREFIX --ckplus PICKLE --units CSV --write   # and the shipped file

PREFIX.pickle holds filmed people, PREFIX_truth.npz expression scores of a second tracker on the same film
(`blend` (P, N, B) and `blend_names`, as ARKit names them). PICKLE and its NAME_truth.npz are drawings of
posed photographs (CK+), CSV their action units. Two sets are drawn here, one of them as film shows faces.
Every action is a ridge regression (Hoerl & Kennard, 1970) from the features, less each person's mean, to its
strength, less that mean, too; each set that knows the action counts alike, film twice, and so does every
face's mirror image. Film alone then says how far each action can be trusted there: the slope of its true
strength on the one that was read. All figures are of persons who were left out.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from sklearn.metrics import normalized_mutual_info_score
from sklearn.model_selection import GroupKFold

import facesom
from facesom.identity import explained_movement, leak
from facesom.identity.actions import MATRIX
from facesom.identity.align import FLOWING, HELD
from facesom.identity.chain import Frames
from facesom.identity.mixture import e_step, fit_mixture

#: Action: scores of the tracker whose mean it is (the last minus the first for a side), action unit.
ACTIONS = {
    "smile": (("mouthSmileLeft", "mouthSmileRight"), 12),
    "lip corners down": ((), 15),
    "brows up": (("browInnerUp",), 1),
    "outer brows up": (("browOuterUpLeft", "browOuterUpRight"), 2),
    "brows together": (("browDownLeft", "browDownRight"), 4),
    "eyes wide": (("eyeWideLeft", "eyeWideRight"), 5),
    "eyes narrowed": (("eyeSquintLeft", "eyeSquintRight"), 7),
    "eyes closed": (("eyeBlinkLeft", "eyeBlinkRight"), 43),
    "mouth open": (("jawOpen",), 26),
    "lips parted": (("mouthLowerDownLeft", "mouthLowerDownRight"), 25),
    "upper lip up": (("mouthUpperUpLeft", "mouthUpperUpRight"), 10),
    "lips puckered": (("mouthPucker",), 18),
    "lips stretched": (("mouthStretchLeft", "mouthStretchRight"), 20),
    "lips pressed": (("mouthPressLeft", "mouthPressRight"), 24),
    "chin up": (("mouthShrugLower",), 17),
    "mouth to the right": (("mouthLeft", "mouthRight"), None),
}
SIDE = "mouth to the right"
WEIGHTS = {"film": 2.0}
RIDGE = 0.03  # in units of the features' variance
UNSEEN = 0.3  # trust in an action of which film says nothing
SEEN = 0.1  # strength from which on an action counts as shown on film
APEX = 0.7  # strength of an action unit that is marked as present at the apex


def filmed(prefix):
    truth = np.load(f"{prefix}_truth.npz")
    scores = dict(
        zip(truth["blend_names"].tolist(), np.moveaxis(truth["blend"].astype(float), -1, 0), strict=True)
    )
    strengths = {
        name: scores[parts[1]] - scores[parts[0]] if name == SIDE else np.mean([scores[p] for p in parts], 0)
        for name, (parts, _) in ACTIONS.items()
        if parts
    }
    return facesom.shape_features(facesom.load(f"{prefix}.pickle").X1), strengths


def drawn(n_persons, n_frames, seed, **options):
    faces = facesom.make_faces(n_persons, n_frames, seed, **options)
    units = faces.action_units
    strengths = {n: units[f"AU{u}"] for n, (_, u) in ACTIONS.items() if f"AU{u}" in units.dtype.names}
    return facesom.shape_features(faces.dataset.X1), strengths


def posed(pickle, table):
    """Features, strengths and expressions of photographs at the apex, as far as the table knows them."""
    truth = np.load(pickle.with_name(f"{pickle.stem}_truth.npz"))
    with open(table, newline="", encoding="utf-8") as file:
        rows = {(row["subject"], row["emotion"]): row for row in csv.DictReader(file)}
    known = [
        all((p, e) in rows for e in shown)
        for p, shown in zip(truth["persons"], truth["expressions"], strict=True)
    ]
    persons, expressions = truth["persons"][known], truth["expressions"][known]
    strengths = {}
    for name, (_, unit) in ACTIONS.items():
        if unit is None or str(unit) not in next(iter(rows.values())):
            continue
        strengths[name] = np.array(
            [
                [APEX * float(rows[p, e][str(unit)]) for e in shown]
                for p, shown in zip(persons, expressions, strict=True)
            ]
        )
    jaw = [
        [1.5 * APEX * float(rows[p, e]["27"]) for e in shown]
        for p, shown in zip(persons, expressions, strict=True)
    ]
    strengths["mouth open"] = np.maximum(strengths["mouth open"], jaw)  # unit 27: the jaw drops further
    features = facesom.shape_features(facesom.load(pickle).X1)
    return (
        features[known],
        strengths,
        np.unique(expressions, return_inverse=True)[1].reshape(expressions.shape),
    )


def centred(values):
    return values - values.mean(axis=1, keepdims=True)


def fit(sets):
    """Weights (D, A) for one eye distance of movement."""
    spread = np.sqrt(
        np.mean([centred(F).reshape(-1, F.shape[2]).var(axis=0) for F, _ in sets.values()], axis=0)
    )
    names = facesom.feature_names()
    swapped = [n.replace("left", "#").replace("right", "left").replace("#", "right") for n in names]
    mirror = [names.index(n) for n in swapped]
    signs = np.array([-1.0 if n == "mouth_side" else 1.0 for n in names])
    weights = np.zeros((len(names), len(ACTIONS)))
    for column, action in enumerate(ACTIONS):
        gram, moment, total = np.zeros((len(names),) * 2), np.zeros(len(names)), 0.0
        for kind, (features, strengths) in sets.items():
            if action not in strengths:
                continue
            X = centred(features).reshape(-1, len(names)) / spread
            y = centred(strengths[action]).ravel()
            weight = WEIGHTS.get(kind, 1.0) / (2 * len(y))
            for Z, z in ((X, y), (X[:, mirror] * signs, -y if action == SIDE else y)):
                gram += weight * Z.T @ Z
                moment += weight * Z.T @ z
            total += 2 * weight * len(y)
        weights[:, column] = np.linalg.solve(gram + RIDGE * total * np.eye(len(names)), moment)
    return weights / spread[:, None]


def without(sets, kind, left):
    """The sets, where persons of one of them are left out."""
    features, strengths = sets[kind]
    return sets | {kind: (features[~left], {name: values[~left] for name, values in strengths.items()})}


def left_out(sets, kind, folds=10):
    """Strengths (P, N, A) of the persons of a set, each read by a matrix that was fitted without them."""
    features = sets[kind][0]
    moved, found = features - features.mean(axis=(0, 1)), None
    person = np.arange(len(features))
    for _, test in GroupKFold(min(folds, len(person))).split(person, groups=person):
        values = moved[test] @ fit(without(sets, kind, np.isin(person, test)))
        found = np.zeros((*features.shape[:2], values.shape[2])) if found is None else found
        found[test] = values
    return found


def trust(read, strengths):
    """Slope (A,) of the true strength on the one that was read; `UNSEEN` where there is no truth."""
    slopes = np.full(len(ACTIONS), UNSEEN)
    for column, name in enumerate(ACTIONS):
        if name in strengths:
            x, y = centred(read[..., column]).ravel(), centred(strengths[name]).ravel()
            slopes[column] = max(x @ y / (x @ x), 0)
    return slopes


def said(read, strengths):
    """Of frames (share) whose strongest action is said, or perhaps shown: share in which it is true."""
    known = [column for column, name in enumerate(ACTIONS) if name in strengths]
    true = np.stack([strengths[name] for name in ACTIONS if name in strengths], axis=-1)
    read, true = (x - np.median(x, axis=1, keepdims=True) for x in (read[..., known], true))
    strongest = np.take_along_axis(true, read.argmax(axis=-1)[..., None], axis=-1)[..., 0]
    for how, low, high in ("said", 0.25, np.inf), ("perhaps", 0.125, 0.25):
        these = (read.max(axis=-1) >= low) & (read.max(axis=-1) < high)
        yield how, these.mean(), (strongest[these] >= SEEN).mean(), (true >= SEEN).mean()


def group(values, n_groups, reading, seed):
    persons = list(values)
    mixture, who = fit_mixture(persons, n_groups, target=np.eye(values.shape[2]), seed=seed, **reading)
    return e_step(Frames(persons), mixture, who).responsibilities.argmax(axis=1).reshape(values.shape[:2])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--filmed", required=True, metavar="PREFIX")
    parser.add_argument("--ckplus", required=True, type=Path, metavar="PICKLE")
    parser.add_argument("--units", required=True, type=Path, metavar="CSV")
    parser.add_argument("--write", action="store_true", help="write the matrix that the package ships")
    options = parser.parse_args()
    film, (features, units, expressions) = filmed(options.filmed), posed(options.ckplus, options.units)
    sets = {
        "film": film,
        "posed": (features, units),
        "drawn": drawn(40, 200, 300, head_movement=1.5),
        "drawn as film": drawn(40, 150, 500, style="film"),
    }
    read = left_out(sets, "film")
    slopes = trust(read, film[1])
    print("| action | correlation with film, persons left out | trust |\n| --- | --: | --: |")
    for column, name in enumerate(ACTIONS):
        r = "no truth"
        if name in film[1]:
            r = f"{np.corrcoef(centred(read[..., column]).ravel(), centred(film[1][name]).ravel())[0, 1]:.2f}"
        print(f"| {name} | {r} | {slopes[column]:.2f} |")
    for how, share, right, chance in said(read, film[1]):
        print(f"\nstrongest action {how}: {share:.2f} of the frames, true {right:.2f} (any: {chance:.2f})")
    truth = np.load(f"{options.filmed}_truth.npz")["blend"].astype(float)
    found = [group(read * slopes, 8, FLOWING, seed) for seed in range(5)]
    told = [explained_movement(g, truth) for g in found]
    leaks = np.mean([leak(g) for g in found])
    print(f"\nfilm, 8 groups: explained {np.mean(told):.3f} ± {np.std(told):.3f}, leak {leaks:.2f}")
    stills = left_out(sets, "posed")
    agreed = [
        normalized_mutual_info_score(expressions.ravel(), group(stills, 7, HELD, seed).ravel())
        for seed in range(5)
    ]
    print(f"posed, 7 groups: NMI {np.mean(agreed):.3f} ± {np.std(agreed):.3f}")
    if options.write:
        table = [",".join(["feature", *ACTIONS])]
        rows = [*zip(facesom.feature_names(), fit(sets), strict=True), ("trust on film", slopes)]
        table += [",".join([name, *(f"{value:.4g}" for value in row)]) for name, row in rows]
        MATRIX.write_text("\n".join(table) + "\n", encoding="utf-8")
        print(f"\n{MATRIX.name} written")


if __name__ == "__main__":
    main()

"""Faces of photos labelled by hand, in a small CSV, and how well models do against it."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facesom.emotions import EMOTIONS, SYNONYMS, classification_scores
from facesom.io import DatasetError, atomic_write, read_table, to_whole

from .faces import match_boxes

__all__ = ["NO_FACE", "FaceLabels", "PeopleEvaluation", "evaluate_groups", "read_labels", "write_label_sheet"]

COLUMNS = ("photo", "face", "x", "y", "w", "h", "label")
PERSON = "person"  # a column that may be there, too
NO_FACE = "none"  # the label of a box that holds no face
OVERLAP = 0.3  # intersection over union from which two boxes mean the same face
ENOUGH_PHOTOS = 10  # to draw photos anew for an interval


@dataclass(frozen=True, eq=False, repr=False)
class FaceLabels:
    """What a person wrote about n boxes.

    Attributes
    ----------
    photos : tuple of str, length n
        Name of the file that each is in.
    faces : ndarray of int, shape (n,)
        Number of the face in its photo; -1 for one that the detector missed and the person added.
    boxes : ndarray of int, shape (n, 4)
        x, y, w, h in pixels.
    labels : tuple of str, length n
        An emotion, "none" where there is no face, "" where nothing was written.
    names : tuple of str
        The emotions that can occur.
    persons : tuple of str, length n
        Who it is, "" where the sheet does not say.
    """

    photos: tuple
    faces: np.ndarray
    boxes: np.ndarray
    labels: tuple
    names: tuple
    persons: tuple

    def __len__(self):
        return len(self.photos)

    def __repr__(self):
        counts = Counter(label or "not labelled" for label in self.labels)
        shown = ", ".join(f"{n} × {label}" for label, n in counts.most_common())
        return f"FaceLabels: {len(self)} faces in {len(set(self.photos))} photos; {shown}"


def write_label_sheet(results, path):
    """Write a CSV with one row per face and an empty column `label`, to be filled in by hand.

    Labels and persons that a sheet of this name holds already are kept, rows added to it too: nobody's work
    is lost.

    Parameters
    ----------
    results : PeoplePhoto or sequence of PeoplePhoto
    path : str or Path

    Returns
    -------
    pathlib.Path

    Raises
    ------
    DatasetError
        If `path` is another kind of file; it stays as it is.
    """
    path = Path(path)
    results = _as_list(results)
    names = results[0].names if results else EMOTIONS
    rows, kept, old = [], set(), read_labels(path, names=names) if path.exists() else None
    for result in results:
        places = [-1] * len(result) if old is None else _places(result, old)
        kept.update(places)
        for face, (box, place) in enumerate(zip(result.boxes.tolist(), places, strict=True)):
            written = (old.labels[place], old.persons[place]) if place >= 0 else ("", "")
            rows.append([result.name, face, *box, *written])
    for k in range(0 if old is None else len(old)):
        if k not in kept and (old.labels[k] or old.persons[k]):
            rows.append([old.photos[k], "", *old.boxes[k].tolist(), old.labels[k], old.persons[k]])
    columns = [*COLUMNS, PERSON] if any(row[-1] for row in rows) else COLUMNS
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path, newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *(row[: len(columns)] for row in rows)])
    return path


def read_labels(path, *, names=EMOTIONS, skip_unreadable=False):
    """Read a sheet that was filled in by hand.

    In the column `label` stands an emotion (also "anger", "happiness" ...), "none" where the box holds no
    face, or nothing. For a face that was not found add a row with its box and no number. A further column
    `person` may say who it is: then intervals draw persons.

    Parameters
    ----------
    path : str or Path
        CSV with the columns photo, face, x, y, w, h, label, as we or a spreadsheet wrote it: see
        `facesom.io.read_table`.
    names : sequence of str
        The emotions that may occur.
    skip_unreadable : bool, default False
        Leave out rows that cannot be used, with a warning that names them, instead of raising.

    Returns
    -------
    FaceLabels

    Raises
    ------
    DatasetError
        If this is no such table; the message says in which line and what is wrong.
    """
    names = tuple(names)
    known = {word: name for name in names for word in (name.lower(), *SYNONYMS.get(name, ()))}

    def start(columns):
        header = [name.strip().lower() for name in columns]
        if missing := [name for name in COLUMNS if name not in header]:
            raise DatasetError(
                f"expected the columns {', '.join(COLUMNS)}, lacks {', '.join(missing)}; "
                "start from the file that write_label_sheet wrote."
            )
        return lambda cells: _labelled(dict(zip(header, cells, strict=True)), known)

    words = {"what": "a sheet of labels", "place": "line {line}", "cells": "cells"}
    rows = read_table(path, start, skip_unreadable=skip_unreadable, **words)
    found = [row for _, row in rows]
    photos, faces, boxes, labels, persons = zip(*found, strict=True) if found else ((), (), (), (), ())
    boxes = np.array(boxes, int).reshape(-1, 4)
    return FaceLabels(photos, np.array(faces, int), boxes, labels, names, persons)


def _labelled(cells, known):
    """Photo, face, box, label and person of one row, or `ValueError`."""
    if not cells["photo"]:
        raise ValueError("expected the name of the photo, the cell is empty")
    numbers = {}
    for column in ("face", "x", "y", "w", "h"):
        try:
            numbers[column] = to_whole(cells[column] or ("-1" if column == "face" else ""))
        except ValueError as error:
            raise ValueError(f"{column}: {error}") from None
    if numbers["w"] < 1 or numbers["h"] < 1:
        raise ValueError(f"expected a box of at least a pixel, got {numbers['w']} × {numbers['h']}")
    label = cells["label"].lower()
    if label and label != NO_FACE and label not in known:
        raise ValueError(
            f"label: expected one of {', '.join(dict.fromkeys(known.values()))}, {NO_FACE} or nothing, "
            f"got {cells['label']!r}"
        )
    box = [numbers[c] for c in "xywh"]
    return cells["photo"], numbers["face"], box, known.get(label, label), cells.get(PERSON, "").strip()


@dataclass(frozen=True, eq=False, repr=False)
class PeopleEvaluation:
    """How well faces were found and their emotions told, against labels by hand.

    Attributes
    ----------
    scores : dict of str to ClassificationScores
        "model" and, where there is one, "second", on the n faces that were found and labelled; empty where
        there is none.
    photos, faces : tuple of str, ndarray of int, shape (n,)
        Where these faces are.
    crops : ndarray of uint8, shape (n, 96, 96, 3)
    truth, predicted : ndarray of int, shape (n,)
        Emotions as indices into `names`, the labelled one and that of the first model.
    probabilities : ndarray of float, shape (n, C)
        Of the first model.
    worst : ndarray of int
        Places among the n of the faces told wrong, the one whose true emotion got least first.
    false_faces : tuple of (str, int)
        Photo and number of each box that was labelled "none".
    false_crops : ndarray of uint8, shape (m, 96, 96, 3)
    missed : tuple of (str, tuple)
        Photo and box of each labelled face that was not found.
    n_unlabelled : int
        Boxes about which nothing was written.
    names : tuple of str
    """

    scores: dict
    photos: tuple
    faces: np.ndarray
    crops: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray
    worst: np.ndarray
    false_faces: tuple
    false_crops: np.ndarray
    missed: tuple
    n_unlabelled: int
    names: tuple

    def __repr__(self):
        found = (
            f"{len(self.truth)} labelled faces found, {len(self.missed)} missed, {len(self.false_faces)} "
            f"boxes without a face, {self.n_unlabelled} not labelled"
        )
        return "\n".join([f"PeopleEvaluation: {found}", *(f"{n}: {s}" for n, s in self.scores.items())])


def evaluate_groups(results, labels, *, n_bootstraps=1000, seed=0):
    """Compare found faces and told emotions with labels by hand.

    A labelled box and a found one mean the same face where they overlap by at least 0.3 (intersection over
    union), whatever their numbers: one sheet serves all detectors.

    Parameters
    ----------
    results : PeoplePhoto or sequence of PeoplePhoto
    labels : FaceLabels
    n_bootstraps, seed
        As in `classification_scores`. Persons are drawn anew where the sheet names everybody; else photos,
        since faces of one photo share light and occasion, where there are at least ten; else faces.

    Returns
    -------
    PeopleEvaluation

    Raises
    ------
    ValueError
        If no photo has both results and labels, two results have one name, or the emotions differ.
    """
    results = _as_list(results)
    by_name = {result.name: result for result in results}
    if len(by_name) < len(results):
        twice = next(name for name, n in Counter(r.name for r in results).items() if n > 1)
        raise ValueError(
            f"results: expected photos of different names, {twice!r} is there twice; rename one."
        )
    if not set(by_name) & set(labels.photos):
        raise ValueError(
            f"labels: expected labels of some of {', '.join(list(by_name)[:4])}, got those of "
            f"{', '.join(sorted(set(labels.photos))[:4]) or 'no photo'}; the names must be the same."
        )
    names = labels.names
    faces, missed = [], []
    for name, result in by_name.items():
        if result.names != names:
            raise ValueError(f"results: expected the emotions {names} of the labels, got {result.names}.")
        places = _places(result, labels)
        for face, k in enumerate(places):
            faces.append((result, face, k, labels.labels[k] if k >= 0 else ""))
        for k, photo in enumerate(labels.photos):
            if photo == name and k not in places and labels.labels[k] not in ("", NO_FACE):
                missed.append((name, tuple(labels.boxes[k].tolist())))
    false = [(result, face) for result, face, _, label in faces if label == NO_FACE]
    known = [found for found in faces if found[3] not in ("", NO_FACE)]
    rows = [(result, face, names.index(label)) for result, face, _, label in known]
    persons = [labels.persons[place] for _, _, place, _ in known]
    photos = tuple(result.name for result, _, _ in rows)
    truth = np.array([code for _, _, code in rows], dtype=int)
    probabilities = np.array([r.probabilities[face] for r, face, _ in rows]).reshape(-1, len(names))
    models = {"model": probabilities}
    if rows and all(result.second is not None for result, _, _ in rows):
        models["second"] = np.array([r.second[face] for r, face, _ in rows])
    unit, units = "photos", photos if len(set(photos)) >= ENOUGH_PHOTOS else None
    if all(persons):
        unit, units = "persons", persons
    asked = dict(names=names, groups=units, unit=unit, n_bootstraps=n_bootstraps, seed=seed)
    scores = {
        name: classification_scores(truth, probabilities=p, **asked) for name, p in models.items() if rows
    }
    predicted = probabilities.argmax(axis=1) if rows else truth
    given = probabilities[np.arange(len(truth)), truth]
    order = np.argsort(given, kind="stable")
    stack = np.empty((0, *results[0].crops.shape[1:]), np.uint8)
    return PeopleEvaluation(
        scores=scores,
        photos=photos,
        faces=np.array([face for _, face, _ in rows], dtype=int),
        crops=np.array([result.crops[face] for result, face, _ in rows]) if rows else stack,
        truth=truth,
        predicted=predicted,
        probabilities=probabilities,
        worst=order[predicted[order] != truth[order]],
        false_faces=tuple((result.name, face) for result, face in false),
        false_crops=np.array([result.crops[face] for result, face in false]) if false else stack,
        missed=tuple(missed),
        n_unlabelled=len(faces) - len(known) - len(false),
        names=names,
    )


def _places(result, labels):
    """Place among the labels of each face of a photo, -1 where there is none."""
    theirs = [k for k, photo in enumerate(labels.photos) if photo == result.name]
    partner = match_boxes(result.boxes, labels.boxes[theirs], OVERLAP)
    return [theirs[place] if place >= 0 else -1 for place in partner]


def _as_list(results):
    return list(results) if isinstance(results, (list, tuple)) else [results]

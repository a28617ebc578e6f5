"""Faces of photos labelled by hand, in a small CSV, and how well models do against it."""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facesom.emotions import EMOTIONS, SYNONYMS, classification_scores
from facesom.io import DatasetError, atomic_write, read_table, to_whole

from .faces import match_boxes

COLUMNS = ("photo", "face", "x", "y", "w", "h", "label")
PERSON = "person"  # a column that may be there, too
NO_FACE = "none"  # the label of a box that holds no face
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

    @classmethod
    def of(cls, rows, names):
        """Labels from rows of photo, face, box, label and person."""
        photos, faces, boxes, labels, persons = zip(*rows, strict=True) if rows else [()] * 5
        boxes = np.array(boxes, int).reshape(-1, 4)
        return cls(photos, np.array(faces, int), boxes, labels, tuple(names), persons)

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
    old = read_labels(path, names=names) if path.exists() else FaceLabels.of([], names)
    rows, kept = [], set()
    for result in results:
        places = _places(result, old)
        kept.update(places)
        for face, (box, place) in enumerate(zip(result.boxes.tolist(), places, strict=True)):
            written = (old.labels[place], old.persons[place]) if place >= 0 else ("", "")
            rows.append([result.name, face, *box, *written])
    for k, (photo, box) in enumerate(zip(old.photos, old.boxes.tolist(), strict=True)):
        if k not in kept and (old.labels[k] or old.persons[k]):
            rows.append([photo, "", *box, old.labels[k], old.persons[k]])
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
    known = {word: name for name in names for word in (name.lower(), *SYNONYMS.get(name, ()))}

    def start(columns):
        header = [name.lower() for name in columns]
        if missing := [name for name in COLUMNS if name not in header]:
            raise DatasetError(f"expected the columns {', '.join(COLUMNS)}, lacks {', '.join(missing)}")
        return lambda cells: parse(dict(zip(header, cells, strict=True)))

    def parse(cells):
        if not cells["photo"]:
            raise ValueError("expected the name of the photo, the cell is empty")
        numbers = []
        for column in COLUMNS[1:6]:
            try:
                numbers.append(to_whole(cells[column] or "-1" * (column == "face")))
            except ValueError as error:
                raise ValueError(f"{column}: {error}") from None
        face, *box = numbers
        if min(box[2:]) < 1:
            raise ValueError(f"expected a box of at least a pixel, got {box[2]} × {box[3]}")
        label = cells["label"].lower()
        if label not in ("", NO_FACE, *known):
            wanted = f"{', '.join(names)}, {NO_FACE} or nothing"
            raise ValueError(f"label: expected one of {wanted}, got {cells['label']!r}")
        return cells["photo"], face, box, known.get(label, label), cells.get(PERSON, "")

    words = {"what": "a sheet of labels", "place": "line {line}", "cells": "cells"}
    rows = read_table(path, start, skip_unreadable=skip_unreadable, **words)
    return FaceLabels.of([row for _, row in rows], names)


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
        n = len(self.truth), len(self.missed), len(self.false_faces), self.n_unlabelled
        found = "{} labelled faces found, {} missed, {} boxes without a face, {} not labelled".format(*n)
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
    results, names = _as_list(results), labels.names
    photos = [result.name for result in results]
    if twice := [name for name, n in Counter(photos).items() if n > 1]:
        raise ValueError(f"results: expected photos of different names, {twice[0]!r} is there twice.")
    if not set(photos) & set(labels.photos):
        given, written = ", ".join(photos[:4]), ", ".join(sorted(set(labels.photos))[:4]) or "no photo"
        raise ValueError(f"labels: expected labels of some of {given}, got those of {written}.")
    if others := [result.names for result in results if result.names != names]:
        raise ValueError(f"results: expected the emotions {names} of the labels, got {others[0]}.")
    places = np.concatenate([_places(result, labels) for result in results]).astype(int)
    label, person = (np.array([*values, ""])[places] for values in (labels.labels, labels.persons))
    photo = np.repeat(photos, [len(result) for result in results])
    face = np.concatenate([np.arange(len(result)) for result in results])
    crops = np.concatenate([result.crops for result in results])
    known, false = np.isin(label, names), label == NO_FACE
    written = zip(labels.photos, labels.boxes.tolist(), labels.labels, strict=True)
    lost = [found for k, found in enumerate(written) if k not in places and found[0] in photos]
    models = {"model": np.concatenate([result.probabilities for result in results])[known]}
    if all(result.second is not None for result in results):
        models["second"] = np.concatenate([result.second for result in results])[known]
    asked = {"names": names, "n_bootstraps": n_bootstraps, "seed": seed}
    if all(person[known]):
        asked |= {"groups": person[known]}
    elif len(set(photo[known])) >= ENOUGH_PHOTOS:
        asked |= {"groups": photo[known], "unit": "photos"}
    truth = np.array([names.index(word) for word in label[known]], dtype=int)
    probabilities = models["model"]
    predicted = probabilities.argmax(axis=1)
    scores = {name: classification_scores(truth, None, p, **asked) for name, p in models.items() if len(p)}
    order = np.argsort(probabilities[np.arange(len(truth)), truth], kind="stable")
    return PeopleEvaluation(
        scores=scores,
        photos=tuple(photo[known].tolist()),
        faces=face[known],
        crops=crops[known],
        truth=truth,
        predicted=predicted,
        probabilities=probabilities,
        worst=order[predicted[order] != truth[order]],
        false_faces=tuple(zip(photo[false].tolist(), face[false].tolist(), strict=True)),
        false_crops=crops[false],
        missed=tuple((name, tuple(box)) for name, box, word in lost if word in names),
        n_unlabelled=int((~known & ~false).sum()),
        names=names,
    )


def _places(result, labels):
    """Place among the labels of each face of a photo, -1 where there is none."""
    theirs = [k for k, photo in enumerate(labels.photos) if photo == result.name]
    return np.array([*theirs, -1])[match_boxes(result.boxes, labels.boxes[theirs])].tolist()


def _as_list(results):
    return list(results) if isinstance(results, (list, tuple)) else [results]

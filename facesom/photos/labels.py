"""Faces of photos labelled by hand, in a small CSV, and how well models do against it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from facesom.emotions import EMOTIONS, SYNONYMS, classification_scores
from facesom.io import DatasetError, atomic_write, read_table, to_whole

from .faces import match_boxes

COLUMNS = ("photo", "face", "x", "y", "w", "h", "label")
PERSON = "person"  # a column that may be there, too
NO_FACE = "none"  # the label of a box that holds no face
OVERLAP = 0.3  # intersection over union from which two boxes mean the same face
ENOUGH_PHOTOS = 10  # to draw photos anew for an interval


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
    path, results = Path(path), _as_list(results)
    names = results[0].names if results else EMOTIONS
    old = read_labels(path, names=names) if path.exists() else pd.DataFrame(columns=[*COLUMNS, PERSON])
    sheets, left = [], old[(old["label"] != "") | (old[PERSON] != "")]
    for result in results:
        places = _places(result, old)
        written = old[["label", PERSON]].reindex(places).fillna("").to_numpy()
        sheet = result.to_frame()[[*COLUMNS[:-1]]].astype(object)
        sheets.append(sheet.assign(label=written[:, 0], person=written[:, 1]))
        left = left.drop(index=places, errors="ignore")
    table = pd.concat([*sheets, left.assign(face="")])
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path, newline="", encoding="utf-8") as file:
        columns = [*COLUMNS, PERSON] if (table[PERSON] != "").any() else COLUMNS
        table.to_csv(file, columns=columns, index=False)
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
    pandas.DataFrame
        One row for each box: photo (name of the file), face (its number there; -1 for one that the detector
        missed and a person added), x, y, w, h, label (an emotion, "none" where there is no face, "" where
        nothing was written), person ("" where the sheet does not say).

    Raises
    ------
    DatasetError
        If this is no such table; the message says in which line and what is wrong.
    """
    known = {word: name for name in names for word in (name.lower(), *SYNONYMS.get(name, ()))}

    def start(columns):
        header = [name.strip().lower() for name in columns]
        if missing := [name for name in COLUMNS if name not in header]:
            lacks = ", ".join(missing)
            raise DatasetError(f"expected the columns {', '.join(COLUMNS)}, lacks {lacks}")
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
        if min(numbers[3:]) < 1:
            raise ValueError(f"expected a box of at least a pixel, got {numbers[3]} × {numbers[4]}")
        label = cells["label"].lower()
        if label not in ("", NO_FACE, *known):
            wanted = f"{', '.join(names)}, {NO_FACE} or nothing"
            raise ValueError(f"label: expected one of {wanted}, got {cells['label']!r}")
        return cells["photo"], *numbers, known.get(label, label), cells.get(PERSON, "")

    words = {"what": "a sheet of labels", "place": "line {line}", "cells": "cells"}
    rows = read_table(path, start, skip_unreadable=skip_unreadable, **words)
    return pd.DataFrame([row for _, row in rows], columns=[*COLUMNS, PERSON])


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
    truth : ndarray of int, shape (n,)
        The labelled emotion, an index into the `names` of the results.
    probabilities : ndarray of float, shape (n, C)
        Of the first model.
    false_faces : tuple of (str, int)
        Photo and number of each box that was labelled "none".
    false_crops : ndarray of uint8, shape (m, 96, 96, 3)
    missed : tuple of (str, tuple)
        Photo and box of each labelled face that was not found.
    n_unlabelled : int
        Boxes about which nothing was written.
    """

    scores: dict
    photos: tuple
    faces: np.ndarray
    crops: np.ndarray
    truth: np.ndarray
    probabilities: np.ndarray
    false_faces: tuple
    false_crops: np.ndarray
    missed: tuple
    n_unlabelled: int

    @property
    def predicted(self):
        """ndarray of int, shape (n,): the emotion that the first model sees."""
        return self.probabilities.argmax(axis=1)

    @property
    def worst(self):
        """ndarray of int: places of the faces told wrong, the one whose true emotion got least first."""
        order = np.argsort(self.probabilities[np.arange(len(self.truth)), self.truth], kind="stable")
        return order[self.predicted[order] != self.truth[order]]

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
    labels : pandas.DataFrame
        As from `read_labels`.
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
    photos, names = [result.name for result in results], next((result.names for result in results), ())
    if twice := [name for name, n in Counter(photos).items() if n > 1]:
        raise ValueError(f"results: expected photos of different names, {twice[0]!r} is there twice.")
    if others := [result.names for result in results if result.names != names]:
        raise ValueError(f"results: expected the same emotions of all, got {names} and {others[0]}.")
    labels = labels[labels["photo"].isin(photos)]
    if labels.empty:
        raise ValueError(f"labels: expected labels of some of {', '.join(photos[:4])}, got none.")
    if unknown := sorted(set(labels["label"]) - {*names, NO_FACE, ""}):
        raise ValueError(f"labels: expected the results' emotions {', '.join(names)}, got {unknown[0]!r}.")
    places = np.concatenate([_places(result, labels) for result in results])
    label, person = labels[["label", PERSON]].reindex(places).fillna("").to_numpy(str).T
    found = pd.concat([result.to_frame()[["photo", "face"]] for result in results])
    photo, face = found["photo"].to_numpy(str), found["face"].to_numpy(int)
    crops = np.concatenate([result.crops for result in results])
    known, false = np.isin(label, names), label == NO_FACE
    lost = labels.drop(index=places, errors="ignore").query("label in @names")
    truth = pd.Index(names).get_indexer(label[known])
    probabilities = np.concatenate([result.probabilities for result in results])[known]
    models = {"model": probabilities}
    if all(result.second is not None for result in results):
        models["second"] = np.concatenate([result.second for result in results])[known]
    options = {"names": names, "n_bootstraps": n_bootstraps, "seed": seed}
    if all(person[known]):
        options |= {"groups": person[known]}
    elif len(set(photo[known])) >= ENOUGH_PHOTOS:
        options |= {"groups": photo[known], "unit": "photos"}
    scores = {}
    if known.any():
        scores = {
            name: classification_scores(truth, probabilities=p, **options) for name, p in models.items()
        }
    return PeopleEvaluation(
        scores=scores,
        photos=tuple(photo[known].tolist()),
        faces=face[known],
        crops=crops[known],
        truth=truth,
        probabilities=probabilities,
        false_faces=tuple(zip(photo[false].tolist(), face[false].tolist(), strict=True)),
        false_crops=crops[false],
        missed=tuple((row[0], tuple(row[2:6])) for row in lost.to_numpy().tolist()),
        n_unlabelled=int((label == "").sum()),
    )


def _places(result, labels):
    """Index among the labels of each face of a photo, -1 where there is none."""
    theirs = labels[labels["photo"] == result.name]
    partners = match_boxes(result.boxes, theirs[[*"xywh"]].to_numpy(int), OVERLAP)
    return np.append(theirs.index, -1)[partners]


def _as_list(results):
    return list(results) if isinstance(results, (list, tuple)) else [results]

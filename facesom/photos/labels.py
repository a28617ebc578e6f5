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
        "model" and, where there is one, "second", on the faces that were found and labelled; empty where
        there is none.
    faces : pandas.DataFrame
        One row for each of K found faces: the columns of `PeoplePhoto.to_frame`, and what was written, label
        ("none" where there is no face, "" where nothing was written) and person.
    crops : ndarray of uint8, shape (K, 96, 96, 3)
    missed : pandas.DataFrame
        One row for each labelled face that was not found, as from `read_labels`.
    names : tuple of str
        The emotions.
    """

    scores: dict
    faces: pd.DataFrame
    crops: np.ndarray
    missed: pd.DataFrame
    names: tuple

    @property
    def truth(self):
        """ndarray of int, shape (K,): the labelled emotion, an index into `names`, -1 where there is none."""
        return pd.Index(self.names).get_indexer(self.faces["label"])

    @property
    def predicted(self):
        """ndarray of int, shape (K,): the emotion that the first model sees, an index into `names`."""
        return pd.Index(self.names).get_indexer(self.faces["emotion"])

    @property
    def worst(self):
        """ndarray of int: rows of the faces told wrong, the one whose true emotion got least first."""
        wrong = np.flatnonzero((self.truth >= 0) & (self.truth != self.predicted))
        given = self.faces[[*self.names]].to_numpy()[wrong, self.truth[wrong]]
        return wrong[np.argsort(given, kind="stable")]

    def __repr__(self):
        label = self.faces["label"]
        n = (self.truth >= 0).sum(), len(self.missed), (label == NO_FACE).sum(), (label == "").sum()
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
    faces = pd.concat([result.to_frame() for result in results], ignore_index=True)
    faces[["label", PERSON]] = labels[["label", PERSON]].reindex(places).fillna("").to_numpy(str)
    known = faces[faces["label"].isin(names)]
    options = {"names": names, "n_bootstraps": n_bootstraps, "seed": seed}
    if all(known[PERSON]):
        options |= {"groups": known[PERSON].to_numpy(str)}
    elif known["photo"].nunique() >= ENOUGH_PHOTOS:
        options |= {"groups": known["photo"].to_numpy(str), "unit": "photos"}
    models = {"model": known[[*names]]} if len(known) else {}
    if models and all(result.second is not None for result in results):
        models["second"] = known[[f"second_{name}" for name in names]]
    truth = pd.Index(names).get_indexer(known["label"])
    return PeopleEvaluation(
        scores={name: classification_scores(truth, probabilities=p, **options) for name, p in models.items()},
        faces=faces,
        crops=np.concatenate([result.crops for result in results]),
        missed=labels.drop(index=places, errors="ignore").query("label in @names"),
        names=names,
    )


def _places(result, labels):
    """Index among the labels of each face of a photo, -1 where there is none."""
    theirs = labels[labels["photo"] == result.name]
    partners = match_boxes(result.boxes, theirs[[*"xywh"]].to_numpy(int), OVERLAP)
    return np.append(theirs.index, -1)[partners]


def _as_list(results):
    return list(results) if isinstance(results, (list, tuple)) else [results]

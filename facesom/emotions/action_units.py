"""Tables of action units: those that OpenFace and Py-Feat write, and any with a column for each unit."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np

from facesom.io import DatasetError

from .labelled import ActionUnits

__all__ = ["read_action_units"]

_NAMED = re.compile(r"au[ _-]?0*(\d+)(?:_([rc]))?", re.IGNORECASE)
_NUMBERED = re.compile(r"0*(\d+)()")
_LARGEST = 5  # intensities are 0 to 5, presence and probabilities 0 to 1
_LABELS = ("emotion", "label", "expression")
_PERSONS = ("subject", "person", "participant", "identity")
_CONFIDENCES = ("confidence", "facescore")  # OpenFace's, Py-Feat's


def read_action_units(path, *, kind="intensity", min_confidence=0.8, label=None, person=None):
    """Read a table of action units, one row a face.

    Understood are the tables of OpenFace (Baltrušaitis et al., 2018; ``AU01_r`` intensity, ``AU01_c``
    presence, names with leading blanks), of Py-Feat (Cheong et al., 2023; ``AU01``) and any with columns
    called ``AU1``, ``AU01`` or ``1``. Other columns are not looked at.

    Parameters
    ----------
    path : str or Path
        Text with commas, semicolons or tabs.
    kind : {"intensity", "presence"}, default "intensity"
        Which of OpenFace's two columns; a table with one column a unit has no choice.
    min_confidence : float, default 0.8
        Rows with less (column ``confidence`` or ``FaceScore``) are left out, as are rows without a face:
        ``success`` of 0, or no number for any unit.
    label : str, optional
        Column of the classes. Default: ``emotion``, ``label`` or ``expression``, where there is one.
    person : str, optional
        Column of the persons. Default: ``subject``, ``person``, ``participant`` or ``identity``.

    Returns
    -------
    ActionUnits
        ``rows`` tells which rows of the table are left.

    Raises
    ------
    DatasetError
        If the table or one of its rows is not as described, or nothing is left.
    """
    if kind not in ("intensity", "presence"):
        raise ValueError(f'kind: expected "intensity" or "presence", got {kind!r}.')
    path = Path(path).expanduser()
    if not path.is_file():
        guess = "it is a folder" if path.is_dir() else f"there is no such file (looked from {Path.cwd()})"
        raise DatasetError(f"{path}: expected a table of action units, but {guess}.")
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            mark = max(",;\t", key=head.count)
            columns = [name.strip() for name in next(csv.reader([head], delimiter=mark), [])]
            units = _unit_columns(columns, kind, path)
            wanted = [
                _column(columns, label, _LABELS, "label", path),
                _column(columns, person, _PERSONS, "person", path),
                _column(columns, None, ("success",), "", path),
                _column(columns, None, _CONFIDENCES, "", path),
            ]
            lines = csv.reader(file, delimiter=mark)
            values, others, places = _read_rows(lines, len(columns), units, wanted, path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: expected text with commas; is it packed? Unpack it ({error}).") from None
    labels, persons, success, confidence = others
    kept = ~np.isnan(values).all(axis=1)
    if success is not None:
        kept &= _numbers(success, path, "success") > 0
    if confidence is not None:
        kept &= _numbers(confidence, path, columns[wanted[3]]) >= min_confidence
    if not kept.any():
        raise DatasetError(
            f"{path}: expected rows with a face of confidence {min_confidence} or more, none of {len(kept)} "
            "is; lower min_confidence to see what there is."
        )
    values, places = values[kept], places[kept]
    wrong = np.flatnonzero(~((values >= 0) & (values <= _LARGEST)).all(axis=1))  # NaN is wrong, too
    if len(wrong):
        got = ", ".join(f"{value:g}" for value in values[wrong[0]])
        raise _bad_row(path, places[wrong[0]], f"units of 0 to {_LARGEST}", got)
    names, codes = ("unlabelled",), np.zeros(len(values), dtype=int)
    if labels is not None:
        labels = labels[kept]
        if (labels == "").any():
            empty = places[labels == ""]
            more = f", and {len(empty) - 1} rows more like it" if len(empty) > 1 else ""
            raise _bad_row(path, empty[0], "a label", f"none{more}; remove these rows")
        found, codes = np.unique(labels, return_inverse=True)
        names = tuple(found.tolist())
    persons = None if persons is None else persons[kept]
    return ActionUnits(values, tuple(units), codes, names, persons, places)


def _unit_columns(columns, kind, path):
    """Places of the columns of units by the units' names, in the units' order."""
    for pattern in (_NAMED, _NUMBERED):
        matches = [(place, pattern.fullmatch(name)) for place, name in enumerate(columns)]
        found = {(int(m[1]), (m[2] or "").lower()): place for place, m in matches if m}
        ways = {way for _, way in found}
        if ways:
            way = {"intensity": "r", "presence": "c"}[kind] if len(ways) > 1 else ways.pop()
            return {f"AU{unit:02}": place for (unit, its), place in sorted(found.items()) if its == way}
    shown = ", ".join(columns[:8]) or "no columns"
    raise DatasetError(
        f"{path}: expected columns of action units (AU01_r, AU01 or 1), got {shown}, ...; is its first row "
        "the names of the columns?"
    )


def _column(columns, name, usual, argument, path):
    """Place of a column, None where there is no usual one."""
    lower = [column.lower() for column in columns]
    if name is None:
        return next((lower.index(each) for each in usual if each in lower), None)
    if name.lower() not in lower:
        raise DatasetError(f"{path}: {argument}={name!r} is no column; there are {', '.join(columns[:30])}.")
    return lower.index(name.lower())


def _read_rows(lines, n_columns, units, wanted, path):
    """Units (N, D), the wanted columns as text or None, and places (N,) of the rows."""
    values, others, places = [], [], []
    for row, line in enumerate(lines):
        if not line:
            continue
        if len(line) != n_columns:
            raise _bad_row(path, row, f"{n_columns} columns", f"{len(line)}; is the file cut off?")
        try:
            values.append([float(line[place].strip() or "nan") for place in units.values()])
        except ValueError as error:
            raise _bad_row(path, row, "numbers for the units", str(error)) from None
        others.append(["" if place is None else line[place].strip() for place in wanted])
        places.append(row)
    if not values:
        raise DatasetError(f"{path}: expected rows below the names of the columns, there are none.")
    text = zip(wanted, np.array(others).T, strict=True)
    return np.array(values), [None if at is None else column for at, column in text], np.array(places)


def _numbers(text, path, name):
    try:
        return np.array([float(value or "nan") for value in text])
    except ValueError as error:
        raise DatasetError(f"{path}: expected numbers in the column {name}: {error}.") from None


def _bad_row(path, row, expected, got):
    return DatasetError(f"{path}, row {row}: expected {expected}, got {got}.")

"""Tables of action units: of OpenFace, Py-Feat, LibreFace, and any with a column for each unit."""

import re
import warnings

import numpy as np

from facesom.io import DatasetError, read_table, to_number

from .labelled import UNLABELLED, ActionUnits

_NAMED = re.compile(r"au[ _-]?0*(\d+)(?:_(r|c|intensity|presence))?", re.IGNORECASE)
_NUMBERED = re.compile(r"0*(\d+)()")
_KINDS = {"intensity": ("r", "intensity", ""), "presence": ("c", "presence", "")}
_LARGEST = 5  # intensities are 0 to 5, presence and probabilities 0 to 1
_BEYOND = 1  # what a regression may overshoot; more is another scale
_LABELS = ("emotion", "label", "expression")
_PERSONS = ("subject", "person", "participant", "identity")
_CONFIDENCES = ("confidence", "facescore")  # OpenFace's, Py-Feat's


def read_action_units(
    path, *, kind="intensity", min_confidence=0.8, label=None, person=None, skip_unreadable=False
):
    """Read a table of action units, one row for each face.

    Understood are the tables of OpenFace (Baltrušaitis et al., 2018; ``AU01_r`` intensity, ``AU01_c``
    presence, names with leading blanks), of Py-Feat (Cheong et al., 2023; ``AU01``), of LibreFace (Chang et
    al., 2024; ``au_1_intensity``) and any with columns called ``AU1``, ``AU01`` or ``1``, also as a
    spreadsheet saved them: see `facesom.io.read_table`. Other columns are not looked at.

    Parameters
    ----------
    path : str or Path
        Text with commas, semicolons or tabs.
    kind : {"intensity", "presence"}, default "intensity"
        Which of OpenFace's two columns; a table with one column for each unit has no choice.
    min_confidence : float, default 0.8
        Rows with less (column ``confidence`` or ``FaceScore``) are left out, as are rows without a face:
        ``success`` of 0, or no number for any unit.
    label : str, optional
        Column of the classes. Default: ``emotion``, ``label`` or ``expression``, where there is one.
    person : str, optional
        Column of the persons. Default: ``subject``, ``person``, ``participant`` or ``identity``.
    skip_unreadable : bool, default False
        Leave out rows that cannot be used, with a warning that names them, instead of raising.

    Returns
    -------
    ActionUnits
        ``rows`` tells which rows of the table are left.

    Raises
    ------
    DatasetError
        If the table or one of its rows is not as described, or nothing is left.

    Warns
    -----
    UserWarning
        If values less than 1 below 0 or above 5, as regressions give, were clipped; it says how many.
    """
    if kind not in _KINDS:
        raise ValueError(f'kind: expected "intensity" or "presence", got {kind!r}.')
    units, clipped, n_rows = {}, [], 0

    def start(columns):
        units.update(_unit_columns(columns, kind))
        labels = _column(columns, label, _LABELS, "label")
        persons = _column(columns, person, _PERSONS, "person")
        least = [(("success",), np.nextafter(0, 1)), (_CONFIDENCES, min_confidence)]
        least = [(_column(columns, None, usual, ""), low) for usual, low in least]

        def parse(cells):
            nonlocal n_rows
            n_rows += 1
            for at, low in least:
                if at is not None and not _number(cells[at], f"in the column {columns[at]}") >= low:
                    return None
            values = np.array([_number(cells[place], "for the units") for place in units.values()])
            if np.isnan(values).all():
                return None
            if not ((values > -_BEYOND) & (values < _LARGEST + _BEYOND)).all():  # NaN is wrong, too
                got = ", ".join(f"{value:g}" for value in values)
                raise ValueError(f"expected units of 0 to {_LARGEST}, got {got}")
            if labels is not None and not cells[labels]:
                raise ValueError("expected a label, got none")
            clipped.extend(values[(values < 0) | (values > _LARGEST)])
            return values.clip(0, _LARGEST), *("" if at is None else cells[at] for at in (labels, persons))

        return parse

    found = list(read_table(path, start, what="a table of action units", skip_unreadable=skip_unreadable))
    if not found:
        wanted = f"rows below the names of the columns, with a face of confidence {min_confidence} or more"
        raise DatasetError(f"{path}: expected {wanted}, none of {n_rows} is; lower min_confidence to see.")
    if clipped:
        n = f"{len(clipped)} of {len(found) * len(units)}"
        outside = f"from {min(clipped):g} to {max(clipped):g}, were clipped: {n}"
        warnings.warn(f"{path}: units a little outside 0 to {_LARGEST}, {outside}.", stacklevel=2)
    rows, values = zip(*found, strict=True)
    strengths, labels, persons = zip(*values, strict=True)
    classes, codes = np.unique(labels, return_inverse=True)
    classes = tuple(classes.tolist()) if any(labels) else UNLABELLED
    persons = np.array(persons) if any(persons) else None
    return ActionUnits(np.array(strengths), tuple(units), codes, classes, persons, np.array(rows))


def _unit_columns(columns, kind):
    """Places of the columns of units by the units' names, in the units' order."""
    for pattern in (_NAMED, _NUMBERED):
        found = {}
        for place, name in enumerate(columns):
            if match := pattern.fullmatch(name):
                key = int(match[1]), (match[2] or "").lower()
                if key in found:
                    raise DatasetError(f"expected one column for each unit, got {name} twice; keep one")
                found[key] = place
        if ways := {way for _, way in found}:
            way = next((way for way in _KINDS[kind] if way in ways), min(ways))
            return {f"AU{unit:02}": place for (unit, its), place in sorted(found.items()) if its == way}
    shown = ", ".join(columns[:8]) or "no columns"
    raise DatasetError(f"expected columns of action units (AU01_r, AU01 or 1), got {shown} in the first row")


def _column(columns, name, usual, argument):
    """Place of a column, None where there is no usual one."""
    lower = [column.lower() for column in columns]
    if name is None:
        return next((lower.index(each) for each in usual if each in lower), None)
    if name.lower() not in lower:
        raise DatasetError(f"{argument}={name!r} is no column; there are {', '.join(columns[:30])}.")
    return lower.index(name.lower())


def _number(text, where):
    try:
        return to_number(text)
    except ValueError:
        raise ValueError(f"expected numbers {where}, got {text[:30]!r}") from None

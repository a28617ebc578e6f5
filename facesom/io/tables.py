"""Tables as text, as programs and spreadsheets write them: one reader under all that take such a file."""

import codecs
import csv
import math
import re
import warnings
from pathlib import Path

from .gates import DatasetError

PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!")
UTF8 = "utf-8-sig"  # spreadsheets put a mark before the first column's name
SHOWN = 5  # rows that a warning names
LONGEST = 2**31 - 1  # characters in a cell: a face of 224 x 224 as text has more than csv's own limit
_MISSING = re.compile(
    r"([-+]?nan(\(.*\))?|[-+]?1\.#\w+|<?n/?a>?|null|none|[-?.]|#[a-z/0]+[?!]?)?", re.IGNORECASE
)

# What is no UTF-8 comes from a spreadsheet on Windows: taken byte by byte, so that no file is read twice.
codecs.register_error("as cp1252", lambda e: (e.object[e.start : e.end].decode("cp1252", "replace"), e.end))


def read_table(
    path, start, *, what="a table", skip_unreadable=False, place="line {line}, row {row}", cells="columns"
):
    """Read a table row by row: the memory needed is that of a row.

    Columns may stand between commas, semicolons, tabs or bars, in UTF-8, 16, 32 or code page 1252, with
    quoted cells that hold separators or line ends, under Excel's line ``sep=;``.

    Parameters
    ----------
    path : str or Path
    start : callable
        Gets the names of the columns (list of str, without blanks around) and returns a function that turns
        the cells of a row (list of str, likewise) into a value, or into None for a row that is passed over.
        That function raises `ValueError` for a row that cannot be used.
    what : str
        What the table is, for messages.
    skip_unreadable : bool, default False
        Leave out rows that cannot be used, with a warning that counts and names them, instead of raising.
    place, cells : str
        How messages call a row and its parts.

    Yields
    ------
    row : int
        0 is the first below the names of the columns; empty lines count.
    value

    Raises
    ------
    DatasetError
        If the file is no such table; for rows that cannot be used at the end, with the first one's line and
        how many more there are.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        guess = "it is a folder" if path.is_dir() else "it is no file"
        guess = guess if path.exists() else "there is no such file"
        raise DatasetError(f"{path}: expected {what}, but {guess} (looked from {Path.cwd()}).")
    encoding = _encoding(path, what)
    bad, n_bad = [], 0
    limit = csv.field_size_limit(LONGEST)
    try:
        errors = "as cp1252" if encoding == UTF8 else "strict"
        with open(path, encoding=encoding, errors=errors, newline="") as file:
            mark = _separator(file)
            lines = csv.reader(file, delimiter=mark, skipinitialspace=True)
            columns = next((line for line in lines if any(line) and not line[0].startswith("sep=")), [])
            columns = [name.strip() for name in columns]
            try:
                parse = start(columns)
            except DatasetError as error:
                odd = "" if encoding == UTF8 else f" It is no text in UTF-8 and was read as {encoding}."
                raise DatasetError(f"{path}: {error}{odd}") from None
            line, row = lines.line_num + 1, -1
            for row, found in enumerate(lines):
                here, line = line, lines.line_num + 1
                if not any(map(str.strip, found)):
                    continue
                try:
                    value = parse(_fitting(found, len(columns), mark, cells))
                except ValueError as error:
                    n_bad += 1
                    if len(bad) < SHOWN:
                        bad.append(f"{place.format(line=here, row=row)}: {error!s:.300}")
                    continue
                if value is not None:
                    yield row, value
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: expected {what} as text; is it packed? ({error})") from None
    finally:
        csv.field_size_limit(limit)
    if bad and not skip_unreadable:
        more = f", and {n_bad - 1} rows more like it" if n_bad > 1 else ""
        raise DatasetError(f"{path}, {bad[0]}{more}. Mend it, or leave rows out by skip_unreadable=True.")
    if bad:
        more = f" and {n_bad - len(bad)} more" if n_bad > len(bad) else ""
        warnings.warn(f"{path}: left out {n_bad} of {row + 1} rows: {'; '.join(bad)}{more}", stacklevel=3)


def to_number(text):
    """Return the number in a cell: NaN where it is empty or spells a missing value.

    Decimal commas count as points; ``nan``, ``-nan(ind)``, ``1.#QNAN``, ``NA`` and a spreadsheet's
    ``#NAME?`` are missing values.

    Raises
    ------
    ValueError
        If it is none.
    """
    text = text.strip()
    if _MISSING.fullmatch(text):
        return math.nan
    plain = text.replace("\u2212", "-")  # a printed minus
    plain = plain.replace(",", ".") if "." not in plain else plain
    try:
        if "_" not in plain:  # which Python would pass over
            return float(plain)
    except ValueError:
        pass
    raise ValueError(f"expected a number, got {text[:30]!r}")


def to_whole(text):
    """Return the whole number in a cell, of less than 2**31, or raise `ValueError`."""
    try:
        value = to_number(text)
    except ValueError:
        value = math.nan
    if not (abs(value) < 2**31 and value == int(value)):
        raise ValueError(f"expected a whole number, got {text.strip()[:30]!r}")
    return int(value)


def _encoding(path, what):
    with open(path, "rb") as file:
        head = file.read(4096)
    if head.startswith(PACKED):
        cure = "is it packed, or a workbook? Unpack it, or save it as CSV"
        raise DatasetError(f"{path}: expected {what} as text; {cure}.")
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in head:  # UTF-16 without a mark: every other byte of plain letters
        return "utf-16-le" if b"\0" in head[1::2] and b"\0" not in head[::2] else "utf-16-be"
    return UTF8


def _separator(file):
    """The sign that cuts the first row into most cells."""
    head = next((line for line in file if line.strip() and not line.startswith("sep=")), "")
    file.seek(0)
    cells = {mark: next(csv.reader([head], delimiter=mark, skipinitialspace=True), []) for mark in ",;\t|"}
    return max(cells, key=lambda mark: len(cells[mark]))


def _fitting(found, n_columns, mark, cells):
    """Cells of a row without blanks around, as many as there are columns."""
    found = [cell.strip() for cell in found]
    while len(found) > n_columns and not found[-1]:
        found.pop()  # spreadsheets pad rows
    if len(found) != n_columns:
        guess = "is the file cut off?"
        if len(found) > n_columns and mark == ",":
            guess = "are there decimal commas? Save it with decimal points, or semicolons between columns"
        raise ValueError(f"expected {n_columns} {cells}, got {len(found)}; {guess}")
    return found

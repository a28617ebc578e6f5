"""One reader under all tables: as programs and spreadsheets write them, and nothing left out in silence."""

import csv
import math
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facesom.emotions import read_action_units, read_fer2013
from facesom.io import DatasetError, read_table, to_number, to_whole
from facesom.photos import read_labels

UNITS = [["frame", "confidence", "success", "AU01_r", "AU12_r"]]
UNITS += [
    ["1", "0.98", "1", "0.50", "1.20"],
    ["2", "0.10", "0", "0", "0"],
    ["3", "0.97", "1", "0.10", "2.00"],
]
FACE = " ".join(["7"] * 64)
LABELS = "photo,face,x,y,w,h,label\n"


def write(path, rows, mark=",", encoding="utf-8", decimal=".", end="\n"):
    lines = [mark.join(cell.replace(".", decimal) for cell in row) for row in rows]
    path.write_bytes((end.join(lines) + end).encode(encoding))
    return path


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
@pytest.mark.parametrize(
    ("mark", "decimal"), [(",", "."), (";", ","), ("\t", ","), (";", "."), (", ", "."), ("|", ",")]
)
def test_the_same_table_in_every_dress(tmp_path, encoding, mark, decimal):
    for end in ("\n", "\r\n"):
        units = read_action_units(write(tmp_path / "a.csv", UNITS, mark, encoding, decimal, end))
        assert units.units.tolist() == [[0.5, 1.2], [0.1, 2.0]] and units.rows.tolist() == [0, 2]


def test_names_in_the_code_page_of_windows(tmp_path):
    rows = [["subject", "emotion", "AU4"], ["Müller", "glücklich", "1"], ["Čapek", "traurig", "0"]]
    found = read_action_units(write(tmp_path / "a.csv", rows[:2], ";", "cp1252"))
    assert found.persons.tolist() == ["Müller"] and found.names == ("glücklich",)
    found = read_action_units(write(tmp_path / "a.csv", rows, ";", "utf-16"))
    assert found.persons.tolist() == ["Müller", "Čapek"]
    (tmp_path / "l.csv").write_bytes(
        (LABELS + "Grüße.jpg,0,1,2,3,4,sad\n").replace(",", "\t").encode("cp1252")
    )
    assert read_labels(tmp_path / "l.csv").photos == ("Grüße.jpg",)


def test_excels_first_line_and_padding(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('sep=;\n\n"AU01";"AU12";\n"0,5";"1,2";;;\n;;\n"0,25";1;\n', encoding="utf-8")
    units = read_action_units(path)
    assert units.units.tolist() == [[0.5, 1.2], [0.25, 1]] and units.rows.tolist() == [0, 2]
    path.write_text(f"emotion;pixels;Usage;\n3;{FACE};Training;;\n", encoding="utf-16")
    assert read_fer2013(path).counts["happy"] == 1


@pytest.mark.parametrize(
    "word",
    [
        "",
        "nan",
        "-nan(ind)",
        "1.#QNAN",
        "-1.#IND",
        "NA",
        "N/A",
        "#NAME?",
        "#VALUE!",
        "null",
        "<NA>",
        "?",
        ".",
    ],
)
def test_words_for_nothing(word):
    assert math.isnan(to_number(word))
    with pytest.raises(ValueError, match="expected a whole number"):
        to_whole(word)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,5", 1.5), (" -3 ", -3), ("1e3", 1000), ("0,0", 0), ("\u22122,5", -2.5), ("7.0", 7)],
)
def test_numbers(text, value):
    assert to_number(text) == value
    if value == int(value):
        assert to_whole(text) == value


@pytest.mark.parametrize("text", ["x", "1_000", "1,234.5", "1,2,3", "0x10", "--1"])
def test_what_is_no_number(text):
    with pytest.raises(ValueError, match="expected a number, got"):
        to_number(text)
    for wrong in (text, "1.5", "inf", "4294967297", "9" * 5000):
        with pytest.raises(ValueError, match="expected a whole number"):
            to_whole(wrong)


def test_rows_left_out_are_counted_and_named(tmp_path):
    rows = [
        *UNITS,
        ["4", "0.9", "1", "x", "1"],
        ["5", "0.9", "1", "9", "1"],
        ["6"],
        ["7", "0.9", "1", "0", "0"],
    ]
    path = write(tmp_path / "a.csv", rows)
    with pytest.raises(
        DatasetError, match=r"a\.csv, line 5, row 3: expected numbers for the units, got 'x', and 2 rows more"
    ):
        read_action_units(path)
    with pytest.warns(
        UserWarning,
        match=r"left out 3 of 7 rows: line 5, row 3: .*'x'; line 6, .* got 9, 1; line 7, .* got 1",
    ):
        units = read_action_units(path, skip_unreadable=True)
    assert units.rows.tolist() == [0, 2, 6]
    path.write_text(
        f"emotion,pixels\n3,{FACE}\n9,{FACE}\n3,{FACE} 300\n\n²,{FACE}\n4,{FACE}\n", encoding="utf-8"
    )
    with pytest.warns(
        UserWarning,
        match=r"left out 3 of 6 rows: line 3, row 1: expected emotions.*; line 4, .*; line 6, row 4",
    ):
        faces = read_fer2013(path, skip_unreadable=True)
    assert faces.labels.tolist() == [3, 4] and faces.sources.tolist() == [" 0", " 5"]
    (tmp_path / "l.csv").write_text(LABELS + "a.jpg,0,1,2,99999999999999999999,4,sad\nb.jpg,0,1,2,3,4,\n")
    with pytest.raises(DatasetError, match=r"l\.csv, line 2: w: expected a whole number, got '99999"):
        read_labels(tmp_path / "l.csv")
    with pytest.warns(UserWarning, match="left out 1 of 2 rows"):
        assert read_labels(tmp_path / "l.csv", skip_unreadable=True).photos == ("b.jpg",)


def test_units_a_little_outside_are_clipped_and_said(tmp_path):
    path = write(tmp_path / "a.csv", [["AU01", "AU12"], ["-0.03", "5.04"], ["0.5", "5.9"]])
    with pytest.warns(UserWarning, match=r"from -0\.03 to 5\.9, were clipped: 3 of 4"):
        assert read_action_units(path).units.tolist() == [[0, 5], [0.5, 5]]
    for value in ("-1", "6", "233", "inf"):  # another scale, or a code for what is missing
        with pytest.raises(DatasetError, match="line 2, row 0: expected units of 0 to 5"):
            read_action_units(write(path, [["AU01"], [value]]))


def test_the_names_of_libreface(tmp_path):
    path = write(tmp_path / "a.csv", [["au_1", "au_1_intensity", "au_12_intensity"], ["1", "2.5", "0.5"]])
    assert read_action_units(path).units.tolist() == [[2.5, 0.5]]
    assert read_action_units(path, kind="presence").units.tolist() == [[1]]


def test_decimal_commas_between_commas_are_named(tmp_path):
    path = write(tmp_path / "a.csv", UNITS[:1])
    path.write_text(path.read_text() + "1,0,98,1,0,50,1,20\n")
    with pytest.raises(DatasetError, match="expected 5 columns, got 8; are there decimal commas"):
        read_action_units(path)


@pytest.mark.parametrize(
    "name", ["a\nb.jpg", "a\u2028b.jpg", "a\x1cb.jpg", "a;b,c.jpg", 'a"b".jpg', "sep=;.jpg"]
)
def test_file_names_stay_what_they_are(tmp_path, name):
    with open(tmp_path / "l.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [LABELS.strip().split(","), (name, 0, 1, 1, 2, 3, "happy"), ("b", 0, 1, 1, 0, 3, "")]
        )
    n_lines = 3 + name.count("\n")
    with pytest.raises(DatasetError, match=rf"line {n_lines}: expected a box of at least a pixel"):
        read_labels(tmp_path / "l.csv")
    with pytest.warns(UserWarning, match="left out 1 of 2"):
        assert read_labels(tmp_path / "l.csv", skip_unreadable=True).photos == (name,)


def test_what_is_no_table_is_said(tmp_path):
    for content, message in {
        b"PK\x03\x04 a workbook": "is it packed, or a workbook",
        b"\x1f\x8b": "is it packed",
        b"a\0b\0c\x00\xd8": "is it packed",
        b"\xff\xfe\x00\x01": "no text in UTF-8 and was read as utf-16",
        b"": "the file is empty",
    }.items():
        (tmp_path / "a.csv").write_bytes(content)
        with pytest.raises(DatasetError, match=message):
            read_fer2013(tmp_path / "a.csv")
    for read in (read_fer2013, read_action_units, read_labels):
        with pytest.raises(DatasetError, match="there is no such file"):
            read(tmp_path / "b.csv")
        with pytest.raises(DatasetError, match="it is a folder"):
            read(tmp_path)


def test_a_cell_may_be_long_and_the_limit_of_csv_stays(tmp_path):
    before = csv.field_size_limit()
    face = " ".join(["255"] * 200 * 200)
    (tmp_path / "a.csv").write_text(f"emotion,pixels\n3,{face}\n")
    assert read_fer2013(tmp_path / "a.csv").images.shape == (1, 200, 200)
    assert csv.field_size_limit() == before


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_raise_anything_else(tmp_path, content, headed):
    (tmp_path / "a.csv").write_bytes(LABELS.encode() * headed + content)
    for skip in (False, True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                read_labels(tmp_path / "a.csv", skip_unreadable=skip)
            except DatasetError as error:
                assert str(tmp_path / "a.csv") in str(error) and len(str(error)) < 2000


def test_rows_are_read_one_by_one(tmp_path):
    (tmp_path / "a.csv").write_text("n\n" + "\n".join(map(str, range(50))))
    rows = read_table(tmp_path / "a.csv", lambda columns: lambda cells: to_whole(cells[0]) or None)
    assert next(rows) == (1, 1), "0 was passed over"
    assert np.array_equal(list(rows), [(k, k) for k in range(2, 50)])


def test_a_unit_that_stands_twice_is_not_chosen_from(tmp_path):
    path = tmp_path / "units.csv"
    path.write_text("AU01_r,AU02_r,AU01_r\n1,2,3\n0,1,2\n")
    with pytest.raises(DatasetError, match="one column for each unit, got AU01_r twice"):
        read_action_units(path)

"""Every file is built here with Python's own pickle and zlib, or by hand from pickle's instructions."""

import builtins
import bz2
import contextlib
import copyreg
import gzip
import io
import lzma
import os
import pathlib
import pickle
import re
import struct
import subprocess
import sys
import tracemalloc
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from facesom.io import DatasetError, FaceDataset, as_faces, is_colour, load, pickles, save

SHARED = Path(__file__).parents[2] / "shared" / "data"


def contents(seed=0, persons=3, frames=4, size=16, colour=(3,), dtype=np.uint8):
    rng = np.random.default_rng(seed)
    X1 = rng.integers(0, 256, (persons, frames, size, size, *colour), dtype=np.uint8)
    X1 = (X1 / 255).astype(dtype) if np.dtype(dtype).kind == "f" else X1
    return {"X1": X1, "X2": rng.normal(size=(persons, frames, 12)), "y": rng.integers(0, 2, persons)}


def write(path, value, protocol=4):
    path.write_bytes(zlib.compress(pickle.dumps(value, protocol)))
    return path


def raw(path, instructions):
    path.write_bytes(zlib.compress(instructions))
    return path


def plain(path):
    return pickle.loads(zlib.decompress(path.read_bytes()))


def assert_same(data, expected):
    for key, array in expected.items():
        found = getattr(data, key)
        assert found.dtype == array.dtype and found.shape == array.shape
        assert found.tobytes() == np.asarray(array).tobytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "faces.pickle"


# ---------------------------------------- what is read


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("colour, dtype", [((3,), np.uint8), ((), np.float32), ((4,), np.float64)])
def test_load_reads_every_protocol(path, protocol, colour, dtype):
    expected = contents(colour=colour, dtype=dtype)
    data = load(write(path, expected, protocol))
    assert_same(data, expected)
    assert (data.n_persons, data.n_frames) == (3, 4)
    assert data.X1.flags.writeable and data.X2.flags.writeable and data.y.flags.writeable


@pytest.mark.parametrize("protocol", range(6))
def test_load_reads_unusual_layouts_and_labels(path, protocol):
    expected = contents()
    shapes = {
        "X1": np.asfortranarray(expected["X1"]),
        "X2": expected["X2"].astype(">f8")[:, ::-1],
        "y": [np.int64(1), 0, True],
    }
    data = load(write(path, shapes, protocol))
    assert_same(data, {"X1": shapes["X1"], "X2": shapes["X2"], "y": np.array([1, 0, 1])})


@pytest.mark.parametrize(
    "y", [[0.5, -1e300, 2], ["happy", "sad", "ä"], [-(2**40), 2**31, 65536], np.array([[1], [0], [1]])]
)
@pytest.mark.parametrize("protocol", range(6))
def test_load_reads_labels_of_every_kind(path, protocol, y):
    data = load(write(path, {**contents(), "y": y}, protocol))
    assert data.y.tolist() == np.asarray(y).ravel().tolist()


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("core", [b"numpy.core.", b"numpy._core."])
def test_load_reads_module_names_of_numpy_1_and_2(path, protocol, core):
    body = pickle.dumps(
        contents(), min(protocol, 3)
    )  # named in lines up to protocol 3, so that lengths may change
    raw(path, body.replace(b"numpy._core.", core).replace(b"numpy.core.", core))
    assert_same(load(path), contents())


@pytest.mark.parametrize("protocol", [0, 4])
def test_many_labels_may_be_a_list(path, protocol):
    n = 20_000
    X = np.zeros((n, 1, 8, 8), np.uint8)
    for y in (
        ["happy", "unhappy"] * (n // 2),
        [f"{k:08}" for k in range(n)],
        [0, 1] * (n // 2),
        ["a", 1] * (n // 2),
    ):
        data = load(write(path, {"X1": X, "X2": X, "y": y}, protocol))
        assert data.y.tolist() == np.asarray(y).tolist()


def test_one_array_twice_is_read_twice(path):
    X1 = contents(frames=12, size=12, colour=())["X1"]
    data = load(write(path, {"X1": X1, "X2": X1, "y": np.zeros(3)}))
    assert_same(data, {"X1": X1, "X2": X1})


def test_extra_keys_are_left_out_with_a_warning(path):
    write(path, {**contents(), "names": ["a", ("b", 1.5, None)], "note": {"by": b"me", "n": 2**70}})
    with pytest.warns(UserWarning, match="left out of the data set: 'names', 'note'"):
        assert_same(load(path), contents())


containers = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(), inner)
        | st.tuples(inner)
        | st.tuples(inner, inner, inner, inner)
    ),
    max_leaves=40,
)


@given(value=containers, protocol=st.integers(0, 5), fast=st.booleans())
@settings(max_examples=150, deadline=None)
def test_plain_containers_are_read_as_pickle_reads_them(tmp_path_factory, value, protocol, fast):
    path = tmp_path_factory.mktemp("p") / "value"
    write(path, [value, value], protocol)
    with open(path, "rb") as file:
        assert pickles.read_pickle(file, 10**6) == [value, value]


numbers = hnp.arrays(
    st.sampled_from(["u1", "<i8", ">i4", "?", "f2", ">f8", "c16"]),
    hnp.array_shapes(min_dims=3, max_dims=4, max_side=4),
)


@given(X2=numbers)
@settings(max_examples=60, deadline=None)
def test_a_saved_file_opens_with_plain_pickle_equal_to_the_bit(tmp_path_factory, X2):
    folder = tmp_path_factory.mktemp("s")
    persons, frames = X2.shape[:2]
    expected = {**contents(persons=persons, frames=frames, size=9), "X2": X2}
    for path in (folder / "a.pickle", folder / "a.npz"):
        save(FaceDataset(**expected), path)
        assert_same(load(path), expected)
    opened = plain(folder / "a.pickle")
    assert list(opened) == ["X1", "X2", "y"]
    # numpy itself opens the other byte order as its own
    assert_same(FaceDataset(**opened), {**expected, "X2": pickle.loads(pickle.dumps(X2, 4))})
    with np.load(folder / "a.npz") as arrays:
        assert arrays.files == ["X1", "X2", "y"]


def test_save_keeps_layouts_that_are_not_contiguous(path):
    expected = contents()
    data = FaceDataset(
        np.asfortranarray(expected["X1"]), expected["X2"][:, ::-1], expected["y"].astype("i2")[::-1]
    )
    save(data, path)
    assert_same(FaceDataset(**plain(path)), {"X1": data.X1, "X2": data.X2, "y": data.y})
    data = FaceDataset(data.X1, data.X2, data.y.astype(">i2"))
    save(data, path)
    assert_same(load(path), {"y": data.y})
    assert np.array_equal(plain(path)["y"], data.y)


def test_shared_files_are_read_as_plain_pickle_reads_them(tmp_path):
    paths = list(SHARED.glob("*_drawn.pickle"))
    if not paths:
        pytest.skip("the shared data are not here")
    for path in paths:
        assert_same(load(path), plain(path))
        save(load(path), tmp_path / path.name)
        assert_same(load(path), plain(tmp_path / path.name))


def test_memory_stays_near_that_of_the_arrays(path):
    expected = contents(persons=4, frames=200, size=64)
    for protocol in (3, 4, 5):
        write(path, expected, protocol)
        size = sum(array.nbytes for array in expected.values())
        tracemalloc.start()
        data = load(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1.3 * size + 4 * pickles.BLOCK
    tracemalloc.start()
    save(data, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.3 * size + 4 * pickles.BLOCK


# ---------------------------------------- what is refused


class Touch:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", range(6))
def test_code_in_a_pickle_does_not_run(path, tmp_path, protocol):
    trap = tmp_path / "trap"
    for value in (Touch(trap), {**contents(), "X2": Touch(trap)}, {**contents(), "more": [Touch(trap)]}):
        with pytest.raises(DatasetError, match=r"names '(posix|nt)\.mkdir', which was not run"):
            load(write(path, value, protocol))
    assert not trap.exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["faces.pickle"]


GLOBALS = [
    "builtins eval",
    "os system",
    "numpy load",
    "numpy.core.multiarray fromfile",
    "numpy memmap",
    "builtins getattr",
]


@pytest.mark.parametrize(
    "name", [*GLOBALS, "_codecs decode", "copyreg _reconstructor", "numpy.testing._private.utils runstring"]
)
def test_other_globals_are_refused(path, name):
    module, attribute = name.split()
    by_line = f"c{module}\n{attribute}\n.".encode()
    by_stack = (
        b"\x80\x04" + b"".join(b"\x8c" + bytes([len(t)]) + t.encode() for t in (module, attribute)) + b"\x93."
    )
    for instructions in (by_line, by_stack):
        with pytest.raises(DatasetError, match=f"names '{module}.{attribute}'"):
            load(raw(path, instructions))


def test_instructions_that_plain_data_do_not_need_are_refused(path):
    copyreg.add_extension("os", "getcwd", 240)
    try:
        pickle.loads(b"\x82\xf0)R.")  # now in Python's own cache, past find_class
        for instructions in (
            b"\x82\xf0)R.",
            b"Pid\n.",
            b"Nq\x00Q.",
            b"(ios\ngetcwd\n.",
            b"(cos\ngetcwd\no.",
            b"\x97.",
        ):
            with pytest.raises(DatasetError, match=r"which no plain data need|not run"):
                load(raw(path, instructions))
    finally:
        copyreg.remove_extension("os", "getcwd", 240)


@pytest.mark.parametrize(
    "array, message",
    [
        (np.array([[None] * 4] * 3), "holds Python objects"),
        (np.zeros((3, 4), "f4,i2"), "the dtype 'V6'"),
        (np.zeros((3, 4), "M8[s]"), "the dtype 'M8'"),
        (np.zeros((3, 4), "V3"), "the dtype 'V3'"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_arrays_of_anything_but_numbers_are_refused(path, array, message, protocol):
    with pytest.raises(DatasetError, match=message):
        load(write(path, {**contents(), "X2": array}, protocol))


TB = 1 << 40
MEMORY = "past the limit of max_bytes=4,294,967,296|cannot come from|over 1,000,000 steps"
RECONSTRUCT = b"cnumpy._core.multiarray\n_reconstruct\n"
BOMBS = {
    "bytes": b"\x8e" + struct.pack("<Q", TB),
    "bytearray": b"\x96" + struct.pack("<Q", TB),
    "text": b"\x8d" + struct.pack("<Q", TB),
    "bytes32": b"B" + b"\xff" * 4 + b"B" + b"\xff" * 4,
    "shape": RECONSTRUCT
    + b"cnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01\x8a\x06\x00\x00\x00\x00\x00\x01\x85"
    + b"cnumpy\ndtype\nX\x02\x00\x00\x00u1\x85R\x89C\x01xtb.",
    "lists": b"(" + b"]" * 2_000_000,
    "marks": b"(" * 2_000_000,
}


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value


MB = 1 << 20
DTYPE = b"cnumpy\ndtype\n"
U1 = DTYPE + text(b"u1") + b"\x85R"
BUFFER = b"cnumpy._core.numeric\n_frombuffer\n"
LAUGHS = b"K\x01q\x00" + b"h\x00\x86q\x00" * 30  # 2**30 leaves for whoever follows them
HUGE = b"\x8a\xff" + b"\xff" * 254 + b"\x7f"
Y = b"}(" + text(b"X1") + b"K\x01" + text(b"X2") + b"K\x01" + text(b"y")
NARROW = {  # little to read, much to do: name, instructions, what is said
    "nested dtype": (DTYPE + LAUGHS + b"\x85R.", "expected a short text"),
    "nested order of a dtype": (U1 + b"(K\x03" + LAUGHS + b"NNNtb.", "expected a short text"),
    "nested module": (LAUGHS + text(b"x") + b"\x93.", "expected a short text"),
    "nested name": (text(b"x") + LAUGHS + b"\x93.", "expected a short text"),
    "nested key": (b"}" + LAUGHS + b"Ns.", "keys that are not text"),
    "nested shape": (
        BUFFER + b"(\x96" + struct.pack("<Q", 1) + b"a" + U1 + LAUGHS + text(b"C") + b"tR.",
        "shape",
    ),
    "text in a shape": (
        BUFFER
        + b"(C\x01a"
        + DTYPE
        + text(b"S99999999")
        + b"\x85R"
        + text(b"a" * 10)
        + b"\x85"
        + text(b"C")
        + b"tR.",
        "shape is damaged",
    ),
    "30,001 dimensions": (
        BUFFER + b"(C\x01a" + U1 + b"(" + HUGE + b"q\x01" + b"h\x01" * 30_000 + b"t" + text(b"C") + b"tR.",
        "shape is damaged",
    ),
    "huge dimensions": (
        BUFFER + b"(C\x01a" + U1 + b"(" + HUGE * 9 + b"t" + text(b"C") + b"tR.",
        "cannot come from",
    ),
    "bytes as arguments": (
        RECONSTRUCT + b"B" + struct.pack("<I", 12 * MB) + bytes(12 * MB) + b"R.",
        "is called",
    ),
    "bytes as state": (U1 + b"B" + struct.pack("<I", 12 * MB) + bytes(12 * MB) + b"b.", "is filled"),
    "many arguments": (RECONSTRUCT + b"(" + b"N" * 100_000 + b"tR.", "is called"),
    "copies of a text": (
        b"c_codecs\nencode\nq\x01"
        + text(b"a" * 60_000)
        + text(b"latin1")
        + b"\x86q\x00"
        + b"h\x01h\x00R" * 9000,
        "copies more bytes than it holds",
    ),
    "copies of a long text": (
        b"c_codecs\nencode\nq\x01" + text(b"a" * MB) + text(b"latin1") + b"\x86q\x00" + b"h\x01h\x00R" * 9000,
        "copies more bytes than it holds",
    ),
    "copies of a scalar": (
        b"cnumpy._core.multiarray\nscalar\nq\x01"
        + DTYPE
        + text(b"S60000")
        + b"\x85RB"
        + struct.pack("<I", 60_000)
        + bytes(60_000)
        + b"\x86q\x00"
        + b"h\x01h\x00R" * 9000,
        "copies more bytes than it holds",
    ),
    "one long label": (
        Y + b"(" + text(b"a" * 4 * MB) + text(b"") + b"q\x01" + b"h\x01" * 60 + b"lu.",
        "no label",
    ),
    "one longer label": (
        Y + b"(" + text(b"a" * 60_000) + text(b"") + b"q\x01" + b"h\x01" * 9000 + b"lu.",
        "y is a list",
    ),
    "a longer label in lists": (
        Y + b"((" + text(b"a" * 60_000) + b"l(" + text(b"") + b"lq\x01" + b"h\x01" * 9000 + b"lu.",
        "y is a list",
    ),
    "one array many times": (
        Y
        + b"("
        + BUFFER
        + b"(B"
        + struct.pack("<I", MB)
        + bytes(MB)
        + U1
        + b"J"
        + struct.pack("<I", MB)
        + b"\x85"
        + text(b"C")
        + b"tRq\x01"
        + b"h\x01" * 9000
        + b"lu.",
        "y is a list",
    ),
    "wide texts": (b"(" + text(b"a" * 60_000 + "\U0001f600".encode()) * 200, "copies more bytes|stops early"),
    "long old keys": (
        b"}T" + struct.pack("<I", MB) + bytes(MB) + b"q\x01Ns" + b"h\x01Ns" * 9000,
        "expected a short text",
    ),
    "a line of a number": (b"I" + b"1" * MB + b"\n.", "takes over 1,000 bytes"),
    "a number of the memo": (b"Np" + b"9" * 900 + b"\n.", "a memo has the number 999"),
    "objects": (b"}" * 200_000, "takes over 141,072 steps"),
    "empty bytes": (b"C\x00" * 200_000, "takes over 141,072 steps"),
    "old texts": (b"U\x00" * 200_000, "takes over 141,072 steps"),
    "memo": (b"N" + b"\x94" * 200_000, "takes over 141,072 steps"),
    "bytes as labels": (Y + b"C\x02\x07\x08u.", "a byte string of 2 bytes is no label"),
    "a list of bytes": (Y + b"(C\x01\x07C\x01\x08lu.", "a byte string of 1 bytes is no label"),
    "a text that is none": (text(b"\xff\xfe") + b".", "a text in it is damaged"),
    "an old text that is none": (b"Sabc\n.", "lacks its quotes"),
    "many keys": (
        b"}(" + b"".join(text(b"%09d" % k) + b"N" for k in range(60_000)) + b"u.",
        "missing key 'X1'",
    ),
    "a long name": (b"cnumpy\n" + b"x" * 900 + b"\n.", "which was not run"),
    "masked arrays": (b"cnumpy.ma.core\n_mareconstruct\n.", r"save it as np.ma.filled\(array, np.nan\)"),
}


@pytest.mark.parametrize("narrow", NARROW)
def test_work_is_bounded_by_the_file(path, narrow):
    body, message = NARROW[narrow]
    raw(path, body)
    tracemalloc.start()
    try:
        with pytest.raises(DatasetError, match=message) as caught:
            load(path, max_bytes=16 * MB)
        assert tracemalloc.get_traced_memory()[1] < 3 * 16 * MB
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 1000
    assert "Unicode" not in str(caught.value) and "MemoryError" not in str(caught.value)


def test_messages_and_warnings_stay_short(path):
    names = {f"{k} " + "x" * 900: None for k in range(30)}
    for missing in ({}, {"X1": 0}):
        with pytest.raises(DatasetError, match="missing key") as caught:
            load(write(path, {**names, **missing}))
        assert len(str(caught.value)) < 2000
    with pytest.warns(UserWarning, match="left out") as caught:
        assert_same(load(write(path, {**contents(), **names})), contents())
    assert len(str(caught[0].message)) < 2000
    assert len(str(DatasetError("x" * 10**6))) <= 2000
    labels = ["x" * 3000 + str(k) for k in range(3)]
    assert len(repr(FaceDataset(**{**contents(), "y": labels}))) < 2000
    with pytest.raises(DatasetError) as caught:
        as_faces(np.zeros((1,) * 20), name="x" * 10**6)
    assert len(str(caught.value)) <= 2000


def test_members_that_unfold_past_their_declared_size_are_refused(tmp_path):
    path, big = tmp_path / "faces.npz", io.BytesIO()
    for compression, message in (
        (zipfile.ZIP_BZIP2, "packed in another way"),
        (zipfile.ZIP_DEFLATED, "damaged"),
    ):
        with zipfile.ZipFile(path, "w", compression) as archive:
            for key, array in contents(persons=1, frames=1).items():
                np.lib.format.write_array(big := io.BytesIO(), array)
                if key == "X1":
                    big.write(bytes(200 * MB))
                archive.writestr(f"{key}.npy", big.getvalue())
        body = bytearray(path.read_bytes())
        for signature, size, name in ((b"PK\x01\x02", 24, 46), (b"PK\x03\x04", 22, 30)):
            at = body.find(signature)
            assert body[at + name : at + name + 6] == b"X1.npy"
            body[at + size : at + size + 4] = struct.pack("<I", 896)
        path.write_bytes(body)
        tracemalloc.start()
        with pytest.raises(DatasetError, match=f"not a readable .npz of plain arrays.*{message}"):
            load(path, max_bytes=16 * MB)
        assert tracemalloc.get_traced_memory()[1] < 3 * 16 * MB
        tracemalloc.stop()


def test_damaged_archives_are_refused(tmp_path):
    path = tmp_path / "faces.npz"
    with np.load(save_npz(path)) as arrays:
        members = {f"{key}.npy": arrays[key] for key in arrays}
    heads = {
        "brackets": b"(" * 5000,
        "no dict": b"3",
        "huge": b"{'descr': '|u1', 'fortran_order': False, 'shape': (9999999999999,)}",
        "negative": b"{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}",
        "dimensions": b"{'descr': '|u1', 'fortran_order': False, 'shape': (" + b"9," * 3000 + b")}",
        "structured": b"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}",
        "nothing": b"{'descr': '|V0', 'fortran_order': False, 'shape': (9,)}",
    }
    for head in heads.values():
        with zipfile.ZipFile(path, "w") as archive:
            for name, array in members.items():
                np.lib.format.write_array(file := io.BytesIO(), array)
                if name == "X2.npy":
                    file = io.BytesIO(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + b"\n" * 9)
                archive.writestr(name, file.getvalue())
        with pytest.raises(DatasetError, match=r"not a readable \.npz of plain arrays: X2|past the limit"):
            load(path)
    path.write_bytes(save_npz(path).read_bytes()[:-30])
    with pytest.raises(DatasetError, match=r"not a readable \.npz"):
        load(path)


def save_npz(path):
    save(FaceDataset(**contents()), path)
    return path


def test_a_short_fuzz_run_finds_nothing():
    command = [sys.executable, "benchmarks/fuzz.py", "--n", "3000", "--seed", "7"]
    run = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS is what holds the bomb")
@pytest.mark.parametrize("bomb", BOMBS)
def test_small_bombs_fail_at_once(path, bomb):
    import resource  # not on Windows

    raw(path, BOMBS[bomb])
    assert path.stat().st_size < 4096
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 29), hard))
    try:
        with pytest.raises(DatasetError, match=MEMORY):
            load(path)
        with pytest.raises(DatasetError):
            load(path, max_bytes=1 << 50)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def test_memo_numbers_set_no_memory_aside(path):
    raw(path, b"\x80\x04Nr\xff\xff\xff\xff.")
    tracemalloc.start()
    with pytest.raises(DatasetError, match="holds a NoneType"):
        load(path)
    assert tracemalloc.get_traced_memory()[1] < 10 * pickles.BLOCK
    tracemalloc.stop()


def test_nested_lists_that_unfold_into_terabytes_are_refused(path):
    labels = [0, 1]
    for _ in range(60):
        labels = [labels, labels]
    with pytest.raises(DatasetError, match="y is a list; expected a numpy array"):
        load(write(path, {**contents(), "y": labels}))
    with pytest.raises(DatasetError, match="y is a list; expected a numpy array"):
        load(write(path, {**contents(), "y": [0, 1, labels]}))
    with pytest.raises(DatasetError, match="X1 is a list"):
        load(write(path, {**contents(), "X1": labels}))


def test_deep_nesting_is_no_crash(path):
    with pytest.raises(DatasetError, match="expected a dict"):
        load(raw(path, b"]" + b"]" * 100_000 + b"a" * 100_000 + b"."))
    with pytest.raises(DatasetError, match="holds a tuple"):
        load(raw(path, b")" + b"\x85" * 200_000 + b"."))


def test_the_limit_can_be_raised_and_lowered(path):
    write(path, contents())
    size = len(zlib.decompress(path.read_bytes()))
    assert_same(load(path, max_bytes=size), contents())
    with pytest.raises(
        DatasetError, match=rf"past the limit of max_bytes={size - 1:,}.*pass a larger max_bytes"
    ):
        load(path, max_bytes=size - 1)
    save(FaceDataset(**contents()), path.with_suffix(".npz"))
    with pytest.raises(DatasetError, match="past the limit of max_bytes=1,000"):
        load(path.with_suffix(".npz"), max_bytes=1000)


@pytest.mark.parametrize(
    "instructions",
    [
        b".",
        b"",
        b"N",
        b"0.",
        b"t.",
        b"Nb.",
        b"NNR.",
        b"h\x07.",
        b"I1x\n.",
        b"\x8c\x01\xff.",
        b"(NN}u.",
        b"}(Nu.",
        b"(NNd.",
        b"]N}Na.",
        b"cnumpy\ndtype\nN\x85R.",
        b"cnumpy\ndtype\nNb.",
        b"cnumpy\nndarray\nK\x01\x85R.",
        b"c_codecs\nencode\nJ\xff\xff\xff\x7fX\x06\x00\x00\x00latin1\x86R.",
        b"L" + b"9" * 5000 + b"L\n.",
        b"cnumpy\nndarray\n.",
        RECONSTRUCT + b")R.",
        b"}X\x02\x00\x00\x00X1" + RECONSTRUCT + b")Rs.",
        b"X\xff\xff\x00\x00abc.",
    ],
)
def test_nonsense_is_refused(path, instructions):
    with pytest.raises(DatasetError, match=r"faces\.pickle: "):
        load(raw(path, instructions))


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_pickle_is_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("d") / "faces.pickle"
    body = bytearray(pickle.dumps(contents(persons=1, frames=1, size=8), data.draw(st.integers(0, 5))))
    for _ in range(data.draw(st.integers(1, 4))):
        # near the ends, where the instructions are
        at = data.draw(st.integers(0, 150) | st.integers(-150, -1))
        body[at] = data.draw(st.integers(0, 255))
    with warnings.catch_warnings(), contextlib.suppress(DatasetError):
        warnings.simplefilter("ignore")
        load(raw(path, bytes(body)), max_bytes=1 << 20)


def test_truncated_and_corrupt_files_are_refused(path):
    good = write(path, contents()).read_bytes()
    for cut in (1, 2, 3, 100, len(good) // 2, len(good) - 5, len(good) - 1):
        path.write_bytes(good[:cut])
        with pytest.raises(DatasetError, match=r"truncated|not a zlib file"):
            load(path)
    for at in (2, len(good) // 2, len(good) - 1):
        path.write_bytes(good[:at] + bytes([good[at] ^ 255]) + good[at + 1 :])
        with pytest.raises(DatasetError, match=r"corrupt|instruction|not a readable|stops early"):
            load(path)
    raw(path, pickle.dumps(contents())[:-20])
    with pytest.raises(DatasetError, match="stops early"):
        load(path)
    raw(path, pickle.dumps(contents()) + b"\0" * 100)
    with pytest.raises(DatasetError, match="more bytes follow"):
        load(path)


def test_other_formats_are_named(path):
    body = pickle.dumps(contents())
    for file, message in (
        (b"", "the file is empty"),
        (body, "a pickle without zlib"),
        (gzip.compress(body), "a gzip file"),
        (b"persons,frames\n1,2\n", r"not a zlib file; expected zlib.compress\(pickle.dumps"),
        (b"PK\x03\x04" + b"\0" * 50, "not a readable .npz"),
    ):
        path.write_bytes(file)
        with pytest.raises(DatasetError, match=f"faces.pickle: .*{message}"):
            load(path)
    with pytest.raises(FileNotFoundError):
        load(path.with_name("nowhere"))


@pytest.mark.parametrize("module", [builtins, gzip, bz2, lzma])
@pytest.mark.parametrize("protocol", [0, 1, 2, 5])
def test_advice_for_other_packings_works(path, monkeypatch, module, protocol):
    body = pickle.dumps(contents(), protocol)
    monkeypatch.chdir(path.parent)
    for inside in (body, zlib.compress(body))[: 1 if module is builtins else 2]:
        path.write_bytes(inside if module is builtins else module.compress(inside))
        with pytest.raises(DatasetError, match=r"this looks like .*then load unpacked\.pickle$") as caught:
            load(path)
        advice = re.search(r"pathlib\..*\)(?=, then)", str(caught.value))[0]
        eval(advice, {"path": path, "pathlib": pathlib, "zlib": zlib, module.__name__: module})
        assert_same(load("unpacked.pickle"), contents())
    if module is not builtins:
        path.write_bytes(module.compress(body)[:20])  # damaged: no other error than ours
        with pytest.raises(DatasetError, match="this looks like"):
            load(path)


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("order", "<>")
def test_texts_of_no_signs_are_refused(path, protocol, order):
    body = pickle.dumps({**contents(), "y": np.array(["ab", "c", "d"], f"{order}U2")}, protocol)
    known, bad = (np.array([sign], f"{order}u4").tobytes() for sign in (ord("a"), sys.maxunicode + 1))
    with pytest.raises(DatasetError, match="texts of signs that there are not"):
        load(raw(path, body.replace(known, bad)))


def test_a_zip_of_something_else_is_named(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data_3.pickle", zlib.compress(pickle.dumps(contents())))
    with pytest.raises(DatasetError, match=r"it packs data_3\.pickle; unpack it"):
        load(path)


def test_npz_of_objects_is_refused(tmp_path):
    path, trap = tmp_path / "faces.npz", tmp_path / "trap"
    np.savez(path, **{**contents(), "X2": np.array([Touch(trap)], object)})
    with pytest.raises(DatasetError, match=r"not a readable \.npz of plain arrays"):
        load(path)
    assert not trap.exists()


def test_a_missing_key_and_no_dict_are_named(path):
    for key in ("X1", "X2", "y"):
        rest = contents()
        del rest[key]
        with pytest.raises(DatasetError, match=f"missing key '{key}'; found " + ", ".join(map(repr, rest))):
            load(write(path, rest))
    with pytest.raises(DatasetError, match="holds a list; expected a dict"):
        load(write(path, list(contents().values())))
    with pytest.raises(DatasetError, match="keys that are not text"):
        load(write(path, {1: 2}))


# ---------------------------------------- save is atomic


def test_save_keeps_the_old_file_when_it_fails(path, monkeypatch):
    save(FaceDataset(**contents(1)), path)
    before = path.read_bytes()
    for name in ("fsync", "replace"):
        with monkeypatch.context() as broken:
            broken.setattr(os, name, lambda *_: (_ for _ in ()).throw(OSError("disk full")))
            for target in (path, path.with_name("new.npz")):
                with pytest.raises(OSError, match="disk full"):
                    save(FaceDataset(**contents(2)), target)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["faces.pickle"]
    with pytest.raises(
        DatasetError, match=r"expected a FaceDataset to save, not a dict: use FaceDataset\(X1, X2, y\)"
    ):
        save(contents(), path)
    assert path.read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")
def test_save_keeps_mode_and_link(path):
    save(FaceDataset(**contents(1)), path)
    path.chmod(0o640)
    link = path.with_name("link.pickle")
    link.symlink_to(path)
    save(FaceDataset(**contents(2)), link)
    assert link.is_symlink() and path.stat().st_mode & 0o777 == 0o640
    assert_same(load(path), contents(2))


def test_same_data_same_file(path):
    save(FaceDataset(**contents()), path)
    first = path.read_bytes()
    save(load(path), path)
    assert path.read_bytes() == first


def test_reading_imports_no_heavy_library():
    code = "import sys, facesom.io.pickles; sys.exit('sklearn' in sys.modules or 'cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1]).returncode == 0


# ---------------------------------------- FaceDataset and as_faces


@pytest.mark.parametrize(
    "changes, message",
    [
        (
            {"X1": np.zeros((4, 16, 16, 3), np.uint8)},
            r"X1 has shape \(4, 16, 16, 3\); expected \(persons, frames, .*X1\[None\]",
        ),
        (
            {"X2": np.zeros((4, 3, 12))},
            r"X2 has shape \(4, 3, 12\), but X1 holds 3 persons and 4 frames.*swap its first two",
        ),
        ({"X2": np.zeros((3, 5, 12))}, r"X2 has shape \(3, 5, 12\).*expected \(3, 4, 12\)$"),
        ({"X2": np.zeros((3, 4, 0))}, r"X2 has shape \(3, 4, 0\)"),
        ({"X2": np.full((3, 4, 12), "a")}, "X2 has dtype <U1; expected numbers"),
        ({"y": np.zeros(5)}, r"y has shape \(5,\), but X1 holds 3 persons; expected \(3,\)$"),
        ({"y": np.zeros((3, 4))}, "one label a person, not one a frame"),
        ({"y": np.array([None] * 3)}, "y has dtype object; expected a label for each person"),
        ({"X1": np.full((3, 4, 16, 16), np.nan)}, "X1 holds NaN"),
    ],
)
def test_shapes_that_disagree_are_named(changes, message):
    with pytest.raises(DatasetError, match=message):
        FaceDataset(**{**contents(), **changes})


def test_repr_says_what_is_in_it():
    text = repr(FaceDataset(**{**contents(), "y": [0, 1, 0]}))
    for part in (
        "3 persons × 4 frames",
        "(3, 4, 16, 16, 3) uint8, RGB",
        "(3, 4, 12) float64",
        "2 × 0, 1 × 1",
    ):
        assert part in text
    assert "gray" in repr(FaceDataset(**contents(colour=())))


@pytest.mark.parametrize(
    "images, message",
    [
        (np.zeros((2, 16, 16), complex), "dtype complex128; expected uint8"),
        (np.full((2, 16, 16), "a"), "dtype <U1"),
        (np.array([np.zeros((9, 9)), None], object), "dtype object.*different sizes"),
        ([np.zeros((16, 16)), np.zeros((17, 16))], "rows of different lengths"),
        (np.zeros((0, 16, 16)), r"is empty, of shape \(0, 16, 16\)"),
        (np.zeros(256), r"has shape \(256,\).*reshape\(-1, height, width\)"),
        (np.zeros((500, 4096)), r"flattened\? Use reshape\(-1, 64, 64\)"),
        (np.zeros((64, 64, 500)), r"64 × 500 pixels.*np.moveaxis\(images, -1, 0\)"),
        (np.zeros((64, 48, 500)), r"np.moveaxis\(images, -1, 0\)"),
        (np.zeros((4, 64, 64, 3, 500)), r"np.moveaxis\(images, -1, 1\)"),
        (np.zeros((4, 64, 64, 500)), r"np.moveaxis\(images, -1, 1\)"),
        (np.zeros((43, 50, 4096)), r"flattened\? Use reshape\(\*photos.shape\[:-1\], 64, 64\)"),
        (np.zeros((2, 3, 768)), r"flattened\? Use reshape\(\*photos.shape\[:-1\], 16, 16, 3\)"),
        (np.zeros((10, 64, 3, 64)), "the colour axis must be the last one"),
        (np.zeros((3, 7, 16)), "faces of 7 × 16 pixels; expected at least 8"),
        (np.full((2, 16, 16), np.nan), "NaN or infinity"),
        (np.full((2, 16, 16), np.inf), "NaN or infinity"),
        (
            np.full((2, 16, 16), 200.0),
            r"from 200 to 200; expected \[0, 1\] for floats: these look like 0..255, divide by 255",
        ),
        (np.full((2, 16, 16), -0.5), "standardised"),
        (np.full((2, 16, 16), -1), "0..255 for integers: negative"),
        (np.full((2, 16, 16), 60000, np.uint16), "16-bit images"),
        (np.full((2, 16, 16), 1e9), "from 1e.09 to 1e.09"),
    ],
)
def test_as_faces_refuses_what_are_no_faces(images, message):
    with pytest.raises(DatasetError, match=f"^photos .*{message}"):
        as_faces(images, name="photos")


def test_as_faces_refuses_a_whole_data_set():
    with pytest.raises(DatasetError, match=r"images is a FaceDataset; .*pass its \.X1"):
        as_faces(FaceDataset(**contents()))


@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 3), (5, 16, 12), (2, 5, 12, 16, 4)])
def test_as_faces_returns_two_dtypes_and_copies_only_to_convert(shape):
    rng = np.random.default_rng(0)
    bytes_ = rng.integers(0, 256, shape, dtype=np.uint8)
    assert as_faces(bytes_) is bytes_
    floats = bytes_.astype(np.float32) / 255
    assert as_faces(floats) is floats
    for other in (np.float16, np.float64, ">f4"):
        found = as_faces(floats.astype(other))
        assert found.dtype == np.float32 and found.dtype.isnative
        np.testing.assert_allclose(found, floats, atol=1e-3)
    for other in (np.int64, ">u2", np.uint32):
        found = as_faces(bytes_.astype(other))
        assert found.dtype == np.uint8 and np.array_equal(found, bytes_)
    assert (
        np.array_equal(as_faces(bytes_ > 127), np.where(bytes_ > 127, 255, 0))
        and as_faces(bytes_ > 127).dtype == np.uint8
    )
    assert np.array_equal(as_faces(bytes_.tolist()), bytes_)


def test_is_colour_needs_three_axes():
    assert is_colour(np.zeros((9, 9, 3))) and is_colour(np.zeros((9, 9, 4)))
    assert not is_colour(np.zeros((9, 3))) and not is_colour(np.zeros((9, 9, 9)))


@pytest.mark.parametrize("name", ["faces.csv", "faces.npy", "faces.h5", "faces.PNG"])
def test_save_refuses_the_suffix_of_another_format(tmp_path, name):
    with pytest.raises(DatasetError, match=r"is another format; end the name in \.pickle or \.npz"):
        save(FaceDataset(**contents()), tmp_path / name)
    assert not any(tmp_path.iterdir())

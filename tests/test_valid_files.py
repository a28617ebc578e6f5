"""Thirty-two kinds of valid files in every protocol, and what Python 2 wrote: all are read as meant."""

import pickle
import struct
import zlib

import numpy as np
import pandas as pd
import pytest

from facesom.io import DatasetError, FaceDataset, load, save

rng = np.random.default_rng(0)
X1 = rng.integers(0, 256, (3, 4, 16, 12, 3), dtype=np.uint8)
X2 = rng.normal(size=(3, 4, 12))
BASE = {"X1": X1, "X2": X2, "y": np.array([0, 1, 1])}
GRAY = X1[..., 0]


def objects(values):
    array = np.empty(len(values), object)
    for place, value in enumerate(values):
        array[place] = value
    return array


def grid(array):
    """An object array (P, N) of each frame's own array."""
    found = np.empty(array.shape[:2], object)
    for place in np.ndindex(found.shape):
        found[place] = array[place]
    return found


def frames_last(array):
    """The same values with persons and frames last in memory, as videos are kept."""
    return np.moveaxis(np.moveaxis(array, [0, 1], [-2, -1]).copy(), [-2, -1], [0, 1])


KINDS = {  # what the file holds, and what is read where that is not the same
    "RGB bytes": {},
    "RGBA bytes": {"X1": np.concatenate([X1, X1[..., :1]], axis=-1)},
    "gray bytes": {"X1": GRAY},
    "gray float32": {"X1": (GRAY / 255).astype(np.float32)},
    "gray float64": {"X1": GRAY / 255},
    "gray float16": {"X1": (GRAY / 255).astype(np.float16)},
    "gray bool": {"X1": GRAY > 127},
    "RGB int64": {"X1": X1.astype(np.int64)},
    "RGB big endian": {"X1": X1.astype(">u2")},
    "Fortran order": {"X1": np.asfortranarray(X1), "X2": np.asfortranarray(X2)},
    "frames last in memory": {"X1": frames_last(X1)},
    "channels first in memory": {"X1": np.moveaxis(np.moveaxis(X1, -1, 2).copy(), 2, -1)},
    "reversed": {"X1": X1[::-1, ::-1], "X2": X2[:, :, ::-1]},
    "every second": {"X1": np.repeat(X1, 2, axis=1)[:, ::2]},
    "one person": {"X1": X1[:1], "X2": X2[:1], "y": np.array([1])},
    "one frame": {"X1": X1[:, :1], "X2": X2[:, :1]},
    "X2 int": {"X2": (100 * X2).astype(int)},
    "X2 complex": {"X2": X2 + 1j},
    "X2 with NaN": {"X2": np.where(X2 > 1, np.nan, X2)},
    "X2 of more axes": {"X2": X2.reshape(3, 4, 6, 2)},
    "X2 in other byte order": {"X2": X2.astype(">f4")},
    "X2 as lists": {"X2": X2.tolist()},
    "y bool": {"y": np.array([False, True, True])},
    "y a column": {"y": np.array([[0], [1], [1]])},
    "y text": {"y": np.array(["happy", "unhappy", "ünglücklich"])},
    "y bytes": {"y": np.array([b"happy", b"unhappy", b"happy"])},
    "y text objects": {"y": np.array(["happy", "unhappy", "☹"], object)},
    "y list of numbers": {"y": [0, 1, 2**40]},
    "y list of numpy numbers": {"y": [np.int64(0), np.uint8(1), np.bool_(True)]},
    "y list of texts": {"y": ["happy", "unhappy", "happy"]},
    "persons in a list": {"X1": list(X1), "X2": list(X2)},
    "frames as objects": {"X1": grid(X1), "X2": objects(X2)},
}


def meant(value):
    value = np.asarray(value)
    value = np.array(value.tolist()) if value.dtype.hasobject else value
    return value[:, 0] if value.shape == (3, 1) else value


def assert_meant(data, contents):
    for key, value in contents.items():
        found, expected = getattr(data, key), meant(value)
        assert found.dtype == expected.dtype, key
        np.testing.assert_array_equal(found, expected, err_msg=key)


def test_there_are_thirty_two_kinds():
    assert len(KINDS) == 32


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_in_every_protocol_and_comes_back_from_save(kind, tmp_path):
    contents = {**BASE, **KINDS[kind]}
    for protocol in range(6):
        path = tmp_path / f"{protocol}.pickle"
        path.write_bytes(zlib.compress(pickle.dumps(contents, protocol)))
        data = load(path)
        assert_meant(data, contents)
        assert data.X1.flags.writeable and data.X2.flags.writeable
    again = {key: getattr(data, key) for key in BASE}
    for name in ("a.pickle", "a.npz"):
        save(data, tmp_path / name)
        assert_meant(load(tmp_path / name), again)
    # an archive of numpy's own, where a list becomes an array and objects are pickled inside
    np.savez(tmp_path / "numpy.npz", **{key: np.asarray(value) for key, value in contents.items()})
    assert_meant(load(tmp_path / "numpy.npz"), contents)


class Python2:
    """Writes what Python 2 wrote for a dict of arrays and lists: texts and bytes are one there."""

    def __init__(self, protocol):
        self.protocol, self.body = protocol, bytearray(b"\x80\x02" if protocol == 2 else b"")

    def text(self, text):
        if self.protocol == 0:
            inner = "".join(
                chr(c) if 32 <= c < 127 and c not in b"'\\" else {10: "\\n"}.get(c, f"\\x{c:02x}")
                for c in text
            )
            self.body += b"S'" + inner.encode() + b"'\n"
        elif len(text) < 256:
            self.body += b"U" + bytes([len(text)]) + text
        else:
            self.body += b"T" + struct.pack("<i", len(text)) + text

    def number(self, number):
        self.body += b"I%d\n" % number if self.protocol == 0 else b"J" + struct.pack("<i", number)

    def tuple(self, *items):
        self.body += b"("
        for item in items:
            self.add(item)
        self.body += b"t"

    def add(self, item):
        if callable(item):
            item()
        elif isinstance(item, bytes):
            self.text(item)
        elif isinstance(item, str):
            self.body += b"V" + item.encode("raw-unicode-escape") + b"\n"
        elif item is None:
            self.body += b"N"
        elif isinstance(item, list):
            self.body += b"(l"
            for each in item:
                self.add(each)
                self.body += b"a"
        elif isinstance(item, np.ndarray):
            self.array(item)
        else:
            self.number(item)

    def array(self, array):
        def dtype():
            self.body += b"cnumpy\ndtype\n"
            _, (spec, *_), (version, order, *rest) = array.dtype.__reduce__()
            self.tuple(spec.encode(), 0, 1)
            self.body += b"R"
            self.tuple(version, order.encode(), *rest)
            self.body += b"b"

        def false():
            self.body += b"\x89" if self.protocol == 2 else b"I00\n"

        self.body += b"cnumpy.core.multiarray\n_reconstruct\n"
        self.tuple(lambda: self.body.extend(b"cnumpy\nndarray\n"), lambda: self.tuple(0), b"b")
        self.body += b"R"
        data = array.tolist() if array.dtype == object else array.tobytes()
        self.tuple(1, lambda: self.tuple(*array.shape), dtype, false, data)
        self.body += b"b"

    def dumps(self, contents):
        self.body += b"(dp0\n" if self.protocol == 0 else b"}q\x00"
        for key, value in contents.items():
            self.add(key.encode())
            self.add(value)
            self.body += b"s"
        return bytes(self.body + b".")


OLD_LABELS = {
    "an array": (np.array([0, 1, 1]), [0, 1, 1]),
    "ASCII": ([b"happy", b"it's", b"a\\b"], ["happy", "it's", "a\\b"]),
    "UTF-8": (["happy", "fröhlich".encode(), b"sad"], ["happy", "fröhlich", "sad"]),
    "Latin-1": ([b"happy", "fröhlich".encode("latin-1"), b"sad"], ["happy", "fröhlich", "sad"]),
    "objects": (np.array([b"happy", b"sad", b"sad"], object), ["happy", "sad", "sad"]),
    "numpy texts": (np.array([b"happy", b"sad", b"sad"]), [b"happy", b"sad", b"sad"]),
}


@pytest.mark.parametrize("protocol", [0, 1, 2])
@pytest.mark.parametrize("labels", OLD_LABELS)
def test_python_2_is_read(tmp_path, protocol, labels):
    written, expected = OLD_LABELS[labels]
    body = Python2(protocol).dumps({**BASE, "y": written})
    opened = pickle.loads(body, encoding="latin1")  # the file is sound
    np.testing.assert_array_equal(opened["X1"], X1)
    path = tmp_path / "old.pickle"
    path.write_bytes(zlib.compress(body))
    data = load(path)
    assert_meant(data, {"X1": X1, "X2": X2})
    assert data.y.tolist() == expected
    assert data.X1.flags.writeable


RAGGED = [[x[:n] for x, n in zip(array, (4, 2, 3), strict=True)] for array in (X1, X2)]


@pytest.mark.parametrize("form", ["pickle of lists", "pickle of objects", "npz", "lists", "objects"])
def test_persons_of_unequal_length_are_told_what_works(tmp_path, form):
    X1, X2 = RAGGED if "lists" in form else map(objects, RAGGED)
    contents, path = {"X1": X1, "X2": X2, "y": np.array([0, 1, 1])}, tmp_path / "a.npz"
    if form == "npz":
        np.savez(path, **contents)
    elif "pickle" in form:
        path.write_bytes(zlib.compress(pickle.dumps(contents)))
    with pytest.raises(DatasetError, match=r"different numbers of frames, 4, 2, 3.*\[x\[:2\] for x in X1\]"):
        FaceDataset(**contents) if form in ("lists", "objects") else load(path)
    cut = FaceDataset([x[:2] for x in X1], [x[:2] for x in X2], contents["y"])  # the advice
    assert cut.X1.shape == (3, 2, 16, 12, 3) and cut.X2.shape == (3, 2, 12)
    with pytest.raises(DatasetError, match=r"X2 has .*expected one shape"):
        FaceDataset(np.stack([x[:2] for x in X1]), X2, contents["y"])


@pytest.mark.parametrize("path", ["a.pickle", "a.npz"])
def test_missing_numbers_become_nan_and_missing_texts_an_error(tmp_path, path):
    def written(**changes):
        contents = {**BASE, **changes}
        if path == "a.npz":
            np.savez(tmp_path / path, **contents)
        else:
            (tmp_path / path).write_bytes(zlib.compress(pickle.dumps(contents)))
        return tmp_path / path

    holes = X2.astype(object)
    holes[0, 1, 2] = None
    data = load(written(X2=holes, y=np.array([0, None, 1], object)))
    assert np.isnan(data.X2[0, 1, 2]) and np.isnan(data.X2).sum() == 1
    np.testing.assert_array_equal(data.y, [0, np.nan, 1])
    with pytest.raises(DatasetError, match=r"y has dtype object; expected a label for each .*missing"):
        load(written(y=np.array(["happy", None, "sad"], object)))


@pytest.mark.parametrize("X1", [None, np.array(None), [np.array(1), np.array(2)], [[1], [2, 3]], [None], "a"])
def test_what_holds_no_images_is_said(tmp_path, X1):
    path = tmp_path / "a.pickle"
    path.write_bytes(zlib.compress(pickle.dumps({**BASE, "X1": X1})))
    for make in (
        lambda: FaceDataset(X1, X2, BASE["y"]),
        lambda: load(path),
        lambda: load(path, max_bytes=1e9),
    ):
        with pytest.raises(DatasetError, match="X1"):
            make()


def test_columns_of_pandas_are_read():
    y = pd.array([0, None, 1], dtype="Int64")
    data = FaceDataset(X1, pd.array(X2.ravel(), dtype="Float64").to_numpy().reshape(X2.shape), y)
    np.testing.assert_array_equal(data.y, [0, np.nan, 1])
    for labels in (pd.Series(["a", "b", "a"]), pd.Categorical(["a", "b", "a"]), pd.Index(["a", "b", "a"])):
        assert FaceDataset(X1, X2, labels).y.tolist() == ["a", "b", "a"]
    with pytest.raises(DatasetError, match="missing"):
        FaceDataset(X1, X2, pd.Series(["a", None, "b"], dtype=object))

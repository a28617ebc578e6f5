"""The stack machine that follows the instructions of a pickle, of those alone that plain data need.

A pickle is a program for a small stack machine. Python's own machine calls whatever function a pickle names,
and sets memory aside for whatever size and memo number it announces, which no `find_class` prevents. The
machine here knows only the instructions that plain data need, checks every size first, copies no more bytes
than the file holds, and lets the decompressed bytes flow straight into the arrays.
"""

import codecs
import math
import pickle
import re
import struct
import sys
from dataclasses import dataclass

import numpy as np

from .gates import DatasetError, brief
from .streams import BLOCK

MAX_STEPS = 1_000_000  # instructions; a data set takes a few hundred, even with `y` as a list
BYTES_A_STEP = 128  # what a step may leave in memory counts as much of `max_bytes`
MAX_NAME = 1000  # bytes of a key, a function's name, a dtype
MAX_TEXT = 1 << 16  # bytes of a text that is kept as one, and not as an array's bytes
MAX_AXES = 32


# ---------------------------------------- what is left on the stack


class OldText(bytearray):
    """A text of Python 2, where bytes and texts were one: its use tells which it is."""

    def decoded(self):
        try:
            return self.decode()
        except UnicodeDecodeError:
            return self.decode("latin-1")


@dataclass(frozen=True)
class LongText:
    """A text too long for a label: the bytes of an array, as protocols 0 to 2 write them."""

    encoded: bytearray
    encoding: str

    def __len__(self):
        return len(self.encoded)

    def latin1(self):
        found, whole = bytearray(), memoryview(self.encoded)
        blocks = (whole[start : start + BLOCK] for start in range(0, len(whole), BLOCK))
        for piece in codecs.iterdecode(blocks, self.encoding):
            found += piece.encode("latin-1")
        return found


def _name(value):
    """A short text, of whichever Python."""
    if type(value) is OldText and len(value) <= MAX_NAME:
        value = value.decoded()
    if type(value) is not str or len(value) > MAX_NAME:
        raise DatasetError(f"expected a short text as key or name, got {kind_of(value)}")
    return value


def kind_of(value):
    names = {OldText: "text", LongText: "text", str: "text", bytearray: "byte string"}
    names |= {PendingArray: "single array", np.ndarray: "single array", PendingDtype: "dtype"}
    name = names.get(type(value), type(value).__name__)
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


class PendingDtype:
    """`numpy.dtype`, of which only numbers, booleans, text and lists of objects are built."""

    def __init__(self, spec):
        spec = _name(spec)
        if not re.fullmatch(r"[?bhilqBHILQefdgFDG]|[biufcSU][1-9]\d{0,8}|O[48]?", spec):
            raise DatasetError(f"an array holds the dtype {spec!r:.40}; expected plain numbers or texts")
        self.dtype = np.dtype(spec)

    def build(self, _, order, *structure):
        if structure[:3] != (None, None, None):
            raise DatasetError("an array has a structured dtype; expected plain numbers")
        self.dtype = self.dtype.newbyteorder(_name(order))


class PendingArray:
    """An array that `_reconstruct` announces and BUILD fills."""

    value = None

    def build(self, _, shape, dtype, fortran, data):
        self.value = array_of(data, dtype.dtype, shape, "F" if fortran else "C")


def array_of(data, dtype, shape, order="C"):
    """An array of checked size.

    Parameters
    ----------
    data : bytearray, or list for dtype object
    dtype : numpy.dtype
    shape : tuple of int
    order : {"C", "F"}

    Returns
    -------
    ndarray, or for objects nested lists
        A view of `data`.
    """
    if type(shape) is not tuple or len(shape) > MAX_AXES or any(type(n) is not int or n < 0 for n in shape):
        raise DatasetError(f"an array's shape is damaged; expected at most {MAX_AXES} whole numbers")
    if dtype.kind not in "biufcSUO" or not dtype.itemsize:
        raise DatasetError(f"an array holds the dtype {dtype!r:.40}; expected plain numbers or texts")
    objects = dtype.kind == "O"
    if objects is not (type(data) is list) or not isinstance(data, (list, bytearray)):
        raise DatasetError(f"an array of dtype {dtype} cannot come from {kind_of(data)}")
    size = math.prod(shape) * (1 if objects else dtype.itemsize)
    if size != len(data):
        what = "objects" if objects else "bytes"
        array = f"an array of shape {brief(shape)} and dtype {dtype}"
        raise DatasetError(f"{array} cannot come from {len(data):,} {what}")
    if dtype.kind == "U" and np.frombuffer(data, dtype.byteorder + "u4").max(initial=0) > sys.maxunicode:
        raise DatasetError("an array holds texts of signs that there are not; the file is damaged")
    if not objects:
        return np.ndarray(shape, dtype, buffer=data, order=order)
    if not shape:
        return data[0]
    for n in reversed(shape[1:]):
        data = [data[start : start + n] for start in range(0, len(data), n)] if n else []
    return data


# ---------------------------------------- the machine


class Machine:
    """The stack machine: `run` follows the instructions and returns what they leave on the stack."""

    def __init__(self, stream):
        self.stream = stream
        self.stack, self.marks, self.memo = [], [], {}
        self.copied = 0

    def run(self):
        steps = int(min(MAX_STEPS, 10_000 + self.stream.max_bytes // BYTES_A_STEP))
        read = self.stream.read
        for _ in range(steps):
            code = read(1)
            if code == pickle.STOP:
                return self.stack.pop()
            if code not in _STEPS:
                raise DatasetError(f"the pickle holds the instruction {code!r}, which no plain data need")
            _STEPS[code](self)
        raise DatasetError(f"the pickle takes over {steps:,} steps; keep X1 and X2 as numpy arrays")

    def number(self, form):
        return struct.unpack(form, self.stream.read(struct.calcsize(form)))[0]

    def buffer(self, form):
        return self.stream.buffer(self.number(form))

    def copy(self, size):
        """Count bytes that are copied; a memo could have them copied again and again."""
        self.copied += size
        if self.copied > self.stream.taken:
            raise DatasetError("the pickle copies more bytes than it holds; nothing that numpy writes does")

    def push(self, value):
        self.stack.append(value)

    # texts and bytes

    def text(self, encoded, encoding="utf-8"):
        if len(encoded) > MAX_TEXT:
            return self.push(LongText(encoded, encoding))
        errors = "surrogatepass" if encoding == "utf-8" else "strict"
        text = encoded.decode(encoding, errors)
        self.copy(max(0, sys.getsizeof(text) - 100 - len(encoded)))  # some take 4 bytes a character
        self.push(text)

    def old_text(self, text):
        self.push(OldText(text))

    def quoted(self):
        line = self.stream.line(self.stream.max_bytes)
        if len(line) < 2 or line[0] != line[-1] or line[:1] not in (b"'", b'"'):
            raise DatasetError("a text of Python 2 lacks its quotes")
        del line[-1:], line[:1]
        line = codecs.escape_decode(line)[0]  # under the same name: the longer one is given back
        self.old_text(line)

    def latin1(self, text, encoding="latin1"):
        """`_codecs.encode`: protocols 0 to 2 keep bytes as text."""
        if _name(encoding) not in ("latin1", "latin-1"):
            raise DatasetError("bytes are kept as a text of another kind than numpy writes")
        self.copy(len(text))
        return bytearray(text, "latin-1") if type(text) is str else text.latin1()

    # containers

    def since_mark(self):
        items, self.stack = self.stack, self.marks.pop()
        return items

    def mark(self):
        self.marks.append(self.stack)
        self.stack = []

    def tuple_of(self, n):
        self.stack[-n:] = [tuple(self.stack[-n:])]

    def extend(self, items):
        if type(self.stack[-1]) is not list:
            raise DatasetError("items are appended to something other than a list")
        self.stack[-1].extend(items)

    def set_items(self, items):
        if type(self.stack[-1]) is not dict or len(items) % 2:
            raise DatasetError("items are set in something other than a dict")
        if not all(type(key) in (str, OldText) for key in items[::2]):
            raise DatasetError('a dict has keys that are not text; expected {"X1": ..., "X2": ..., "y": ...}')
        self.stack[-1].update(zip(map(_name, items[::2]), items[1::2], strict=True))

    def dict(self):
        items = self.since_mark()
        self.push({})
        self.set_items(items)

    def put(self, number):
        if not 0 <= number < 1 << 32:
            raise DatasetError(f"a memo has the number {brief(number)}; expected fewer than 2**32")
        self.memo[number] = self.stack[-1]

    def get(self, number):
        if number not in self.memo:
            raise DatasetError(f"the pickle asks for {brief(number)} in its memo, which is not there")
        self.push(self.memo[number])

    # functions

    def function(self, module, name):
        name = f"{_name(module)}.{_name(name)}"
        if name not in _FUNCTIONS:
            hint = "do not open the file with pickle.loads unless you trust its sender"
            if name.startswith(("numpy.ma.", "pandas.")):
                masked = "np.ma.filled(array, np.nan)"
                hint = f"save it as {masked if name.startswith('numpy') else 'np.asarray(values)'}"
            known = "only numpy arrays, numbers, texts, lists and dicts are read"
            raise DatasetError(f"the pickle names {brief(name)!r}, which was not run: {known}; {hint}")
        self.push(_FUNCTIONS[name])

    def reduce(self):
        arguments, function = self.stack.pop(), self.stack.pop()
        if type(arguments) is not tuple or len(arguments) > 8 or not callable(function):
            raise DatasetError("a function is called in a way that numpy does not call it")
        self.push(function(self, *arguments))

    def build(self):
        state, filled = self.stack.pop(), self.stack[-1]
        if type(state) is not tuple or len(state) > 9 or type(filled) not in (PendingDtype, PendingArray):
            raise DatasetError("an object is filled in a way that numpy does not fill it")
        filled.build(*state)

    def scalar(self, dtype, data):
        self.copy(dtype.dtype.itemsize)
        return array_of(data, dtype.dtype, ())[()]

    def from_buffer(self, data, dtype, shape, order, axes=None):
        if _name(order) in "CF":
            return array_of(data, dtype.dtype, shape, _name(order))
        if type(axes) is not tuple or len(axes) > MAX_AXES:
            raise DatasetError("an array's order of axes is damaged")
        return array_of(data, dtype.dtype, shape).transpose(axes)


# All that a pickle may name. The functions are these here, not those of the modules.
_FUNCTIONS = {
    "numpy.dtype": lambda machine, spec, *_: PendingDtype(spec),
    "_codecs.encode": Machine.latin1,
    "__builtin__.bytes": lambda machine: bytearray(),
    "builtins.bytes": lambda machine: bytearray(),
    "numpy.ndarray": None,  # only ever the first argument of _reconstruct
}
for _core in ("numpy.core", "numpy._core"):  # numpy 1 and numpy 2
    _FUNCTIONS[f"{_core}.multiarray._reconstruct"] = lambda machine, *_: PendingArray()
    _FUNCTIONS[f"{_core}.multiarray.scalar"] = Machine.scalar
    _FUNCTIONS[f"{_core}.numeric._frombuffer"] = Machine.from_buffer


def _whole(line):
    return line == b"01" if line in (b"00", b"01") else int(line.rstrip(b"L"))


_STEPS = {
    pickle.PROTO: lambda m: m.stream.read(1),
    pickle.FRAME: lambda m: m.stream.read(8),  # a hint about buffering
    pickle.NONE: lambda m: m.push(None),
    pickle.NEWTRUE: lambda m: m.push(True),
    pickle.NEWFALSE: lambda m: m.push(False),
    pickle.INT: lambda m: m.push(_whole(m.stream.line())),
    pickle.LONG: lambda m: m.push(_whole(m.stream.line())),
    pickle.LONG1: lambda m: m.push(int.from_bytes(m.buffer("<B"), "little", signed=True)),
    pickle.FLOAT: lambda m: m.push(float(m.stream.line())),
    pickle.STRING: Machine.quoted,
    pickle.UNICODE: lambda m: m.text(m.stream.line(m.stream.max_bytes), "raw-unicode-escape"),
    pickle.MARK: Machine.mark,
    pickle.EMPTY_TUPLE: lambda m: m.push(()),
    pickle.EMPTY_LIST: lambda m: m.push([]),
    pickle.EMPTY_DICT: lambda m: m.push({}),
    pickle.TUPLE: lambda m: m.push(tuple(m.since_mark())),
    pickle.LIST: lambda m: m.push(m.since_mark()),
    pickle.DICT: Machine.dict,
    pickle.TUPLE1: lambda m: m.tuple_of(1),
    pickle.TUPLE2: lambda m: m.tuple_of(2),
    pickle.TUPLE3: lambda m: m.tuple_of(3),
    pickle.APPEND: lambda m: m.extend([m.stack.pop()]),
    pickle.APPENDS: lambda m: m.extend(m.since_mark()),
    pickle.SETITEM: lambda m: m.set_items([m.stack.pop(), m.stack.pop()][::-1]),
    pickle.SETITEMS: lambda m: m.set_items(m.since_mark()),
    pickle.PUT: lambda m: m.put(int(m.stream.line())),
    pickle.MEMOIZE: lambda m: m.put(len(m.memo)),
    pickle.GET: lambda m: m.get(int(m.stream.line())),
    pickle.GLOBAL: lambda m: m.function(OldText(m.stream.line()), OldText(m.stream.line())),
    pickle.STACK_GLOBAL: lambda m: m.function(*[m.stack.pop(), m.stack.pop()][::-1]),
    pickle.REDUCE: Machine.reduce,
    pickle.BUILD: Machine.build,
}
_TEXTS = {pickle.SHORT_BINUNICODE: "<B", pickle.BINUNICODE: "<I", pickle.BINUNICODE8: "<Q"}
_BYTES = {pickle.SHORT_BINBYTES: "<B", pickle.BINBYTES: "<I", pickle.BINBYTES8: "<Q", pickle.BYTEARRAY8: "<Q"}
_NUMBERS = {pickle.BININT: "<i", pickle.BININT1: "<B", pickle.BININT2: "<H", pickle.BINFLOAT: ">d"}
_FORMS = (  # what is done with a number of this form, or with the bytes whose number it is
    (Machine.push, Machine.number, _NUMBERS),
    (Machine.put, Machine.number, {pickle.BINPUT: "<B", pickle.LONG_BINPUT: "<I"}),
    (Machine.get, Machine.number, {pickle.BINGET: "<B", pickle.LONG_BINGET: "<I"}),
    (Machine.text, Machine.buffer, _TEXTS),
    (Machine.push, Machine.buffer, _BYTES),
    (Machine.old_text, Machine.buffer, {pickle.SHORT_BINSTRING: "<B", pickle.BINSTRING: "<I"}),
)
for _act, _read, _forms in _FORMS:
    for _code, _form in _forms.items():
        _STEPS[_code] = lambda m, act=_act, read=_read, form=_form: act(m, read(m, form))

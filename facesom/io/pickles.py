"""Read and write zlib-compressed pickles of numpy arrays, and of nothing else.

A pickle is a program for a small stack machine. Python's own machine calls whatever function a pickle names,
and sets memory aside for whatever size and memo number it announces, which no `find_class` prevents. The
machine here knows only the instructions that plain data need, checks every size first, and lets the
decompressed bytes flow straight into the arrays.
"""

import math
import pickle
import re
import struct

import numpy as np
from zlib_ng import zlib_ng

from .gates import DatasetError

BLOCK = 1 << 20  # bytes handled at a time
MAX_STEPS = 1_000_000  # instructions; a data set takes a few hundred, even with `y` as a list


class _Inflate:
    """The decompressed bytes of a zlib file, in order and block by block, at most `max_bytes` of them."""

    def __init__(self, file, max_bytes):
        self._file = file
        self._zlib = zlib_ng.decompressobj()
        self._block, self._at = b"", 0
        self._max_bytes = self._left = max_bytes

    def _fill(self):
        """Whether there is an unread byte in the block, after a new one is fetched if need be."""
        while self._at == len(self._block) and not self._zlib.eof:
            data = self._zlib.unconsumed_tail or self._file.read(BLOCK)
            if not data:
                raise DatasetError("the file is truncated: its compressed data stop early; copy it again")
            try:
                self._block, self._at = self._zlib.decompress(data, BLOCK), 0
            except zlib_ng.error as error:
                raise DatasetError(
                    f"the compressed data are corrupt ({error}); copy the file again"
                ) from None
        return self._at < len(self._block)

    def at_end(self):
        return not self._fill()

    def buffer(self, size):
        """The next `size` bytes as a writable uint8 array, whose memory grows only as they come."""
        if size > self._left:
            raise DatasetError(
                f"the file announces {size:,} more bytes, past the limit of max_bytes={self._max_bytes:,}; "
                "if you trust it, pass a larger max_bytes"
            )
        self._left -= size
        buffer = bytearray()
        while len(buffer) < size:
            if not self._fill():
                raise DatasetError("the pickle stops early: it was cut before compression; write it again")
            piece = memoryview(self._block)[self._at : self._at + size - len(buffer)]
            buffer += piece
            self._at += len(piece)
        return np.frombuffer(buffer, np.uint8)

    def read(self, size):
        piece = self._block[self._at : self._at + size]
        if len(piece) == size <= self._left:  # the short way for the many small reads
            self._at += size
            self._left -= size
            return piece
        return self.buffer(size).tobytes()

    def readline(self):
        pieces = [self.read(1)]
        while not pieces[-1].endswith(b"\n"):
            self._fill()
            end = self._block.find(b"\n", self._at) + 1 or len(self._block)
            pieces.append(self.read(max(end - self._at, 1)))
        return b"".join(pieces)[:-1]


class _Dtype:
    """`numpy.dtype`, of which only numbers, booleans and text are built."""

    def __init__(self, spec, *_):
        if not (isinstance(spec, str) and re.fullmatch(r"[?bhilqBHILQefdgFDG]|[biufcSU][1-9]\d{0,8}", spec)):
            what = "Python objects" if str(spec).startswith("O") else f"the dtype {spec!r:.40}"
            raise DatasetError(
                f"an array holds {what}; expected numbers: use np.asarray(array, float) before it is pickled"
            )
        self.dtype = np.dtype(spec)

    def build(self, state):
        _, order, *structure = state
        if structure[:3] != [None, None, None]:
            raise DatasetError("an array has a structured dtype; expected plain numbers")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """An array that `_reconstruct` announces and BUILD fills."""

    value = None

    def __init__(self, *_):
        pass

    def build(self, state):
        _, shape, dtype, fortran, data = state
        self.value = _array(data, dtype, shape, "F" if fortran else "C")


def _array(data, dtype, shape, order="C"):
    dtype = dtype.dtype
    if math.prod(shape) * dtype.itemsize != data.size or min(shape, default=0) < 0:
        raise DatasetError(
            f"an array of shape {shape} and dtype {dtype} cannot come from {data.size:,} bytes"
        )
    return np.ndarray(shape, dtype, buffer=data, order=order)


def _latin1(text, _="latin1"):
    """Protocols 0 to 2 keep bytes as text."""
    return np.frombuffer(bytearray(text, "latin-1"), np.uint8)


# All that a pickle may name. The functions are these here, not those of the modules.
_CALLS = {
    "numpy.dtype": _Dtype,
    "_codecs.encode": _latin1,
    "__builtin__.bytes": lambda: _latin1(""),
    "builtins.bytes": lambda: _latin1(""),
    "numpy.ndarray": None,  # only ever the first argument of _reconstruct
}
for _core in ("numpy.core", "numpy._core"):  # numpy 1 and numpy 2
    _CALLS[f"{_core}.multiarray._reconstruct"] = _Array
    _CALLS[f"{_core}.multiarray.scalar"] = lambda dtype, data: _array(data, dtype, ())[()]
    _CALLS[f"{_core}.numeric._frombuffer"] = _array

_CONSTANTS = {pickle.NONE: None, pickle.NEWTRUE: True, pickle.NEWFALSE: False}
_EMPTY = {pickle.EMPTY_LIST: list, pickle.EMPTY_DICT: dict, pickle.EMPTY_TUPLE: tuple}
_NUMBERS = {pickle.BININT: "<i", pickle.BININT1: "<B", pickle.BININT2: "<H", pickle.BINFLOAT: ">d"}
_TEXTS = {pickle.BINUNICODE: "<I", pickle.SHORT_BINUNICODE: "<B", pickle.BINUNICODE8: "<Q"}
_BYTES = {pickle.BINBYTES: "<I", pickle.SHORT_BINBYTES: "<B", pickle.BINBYTES8: "<Q", pickle.BYTEARRAY8: "<Q"}
_PUTS = {pickle.BINPUT: "<B", pickle.LONG_BINPUT: "<I"}
_GETS = {pickle.BINGET: "<B", pickle.LONG_BINGET: "<I"}
_TUPLES = {pickle.TUPLE1: 1, pickle.TUPLE2: 2, pickle.TUPLE3: 3}


class _Machine:
    """The stack machine: `run` follows the instructions and returns what they leave on the stack."""

    def __init__(self, stream):
        self.stream = stream
        self.stack, self.marks, self.memo = [], [], {}

    def run(self):
        for _ in range(MAX_STEPS):
            code = self.stream.read(1)
            if code == pickle.STOP:
                return self.stack.pop()
            self.step(code)
        raise DatasetError(
            f"the pickle takes over {MAX_STEPS:,} steps; keep X1 and X2 as numpy arrays, not as lists"
        )

    def unpack(self, form):
        return struct.unpack(form, self.stream.read(struct.calcsize(form)))[0]

    def line(self):
        return self.stream.readline().decode("ascii")

    def since_mark(self):
        items, self.stack = self.stack, self.marks.pop()
        return items

    def step(self, code):
        stack = self.stack
        if code in _CONSTANTS:
            stack.append(_CONSTANTS[code])
        elif code in _NUMBERS:
            stack.append(self.unpack(_NUMBERS[code]))
        elif code in _EMPTY:
            stack.append(_EMPTY[code]())
        elif code in _BYTES:
            stack.append(self.stream.buffer(self.unpack(_BYTES[code])))
        elif code in _TEXTS:
            stack.append(self.stream.read(self.unpack(_TEXTS[code])).decode("utf-8", "surrogatepass"))
        elif code == pickle.UNICODE:
            stack.append(self.stream.readline().decode("raw-unicode-escape"))
        elif code == pickle.LONG1:
            stack.append(int.from_bytes(self.stream.read(self.unpack("<B")), "little", signed=True))
        elif code in (pickle.INT, pickle.LONG):
            line = self.line()
            stack.append(
                {"00": False, "01": True}[line] if line in ("00", "01") else int(line[:300].rstrip("L"))
            )
        elif code == pickle.FLOAT:
            stack.append(float(self.line()))
        elif code == pickle.MARK:
            self.marks.append(stack)
            self.stack = []
        elif code in _TUPLES:
            items = [stack.pop() for _ in range(_TUPLES[code])]
            stack.append(tuple(reversed(items)))
        elif code == pickle.TUPLE:
            items = self.since_mark()
            self.stack.append(tuple(items))
        elif code == pickle.LIST:
            items = self.since_mark()
            self.stack.append(items)
        elif code == pickle.DICT:
            items = self.since_mark()
            self.stack.append({})
            self.set_items(items)
        elif code == pickle.APPEND:
            item = stack.pop()
            self.extend([item])
        elif code == pickle.APPENDS:
            self.extend(self.since_mark())
        elif code == pickle.SETITEM:
            value, key = stack.pop(), stack.pop()
            self.set_items([key, value])
        elif code == pickle.SETITEMS:
            self.set_items(self.since_mark())
        elif code in _PUTS:
            self.memo[self.unpack(_PUTS[code])] = stack[-1]
        elif code == pickle.PUT:
            self.memo[int(self.line())] = stack[-1]
        elif code == pickle.MEMOIZE:
            self.memo[len(self.memo)] = stack[-1]
        elif code in _GETS:
            stack.append(self.memo[self.unpack(_GETS[code])])
        elif code == pickle.GET:
            stack.append(self.memo[int(self.line())])
        elif code == pickle.GLOBAL:
            module, name = self.line(), self.line()
            stack.append(self.named(f"{module}.{name}"))
        elif code == pickle.STACK_GLOBAL:
            name, module = stack.pop(), stack.pop()
            stack.append(self.named(f"{module}.{name}"))
        elif code == pickle.REDUCE:
            arguments, function = stack.pop(), stack.pop()
            stack.append(function(*arguments))
        elif code == pickle.BUILD:
            state = stack.pop()
            stack[-1].build(state)
        elif code == pickle.FRAME:
            self.stream.read(8)  # a hint about buffering
        elif code == pickle.PROTO:
            self.stream.read(1)
        else:
            raise DatasetError(
                f"the pickle holds the instruction {code!r}, which no plain data need; nothing was run"
            )

    def named(self, name):
        if name not in _CALLS:
            raise DatasetError(
                f"the pickle names {name[:80]!r}, which was not run: only numpy arrays, numbers, texts, "
                "lists and dicts are read; do not open the file with pickle.loads unless you trust its sender"
            )
        return _CALLS[name]

    def extend(self, items):
        if type(self.stack[-1]) is not list:
            raise DatasetError("items are appended to something other than a list")
        self.stack[-1].extend(items)

    def set_items(self, items):
        keys, values = items[::2], items[1::2]
        if type(self.stack[-1]) is not dict or not all(type(key) is str for key in keys):
            raise DatasetError('a dict has keys that are not text; expected {"X1": ..., "X2": ..., "y": ...}')
        self.stack[-1].update(zip(keys, values, strict=True))


def read_pickle(file, max_bytes):
    """Read what `zlib.compress(pickle.dumps(contents))` wrote, with nothing of the file's choosing executed.

    Parameters
    ----------
    file : binary file
        Open for reading. Pickle protocols 0 to 5.
    max_bytes : int
        The most decompressed bytes to accept, announced or real.

    Returns
    -------
    contents : object
        Usually a dict of arrays. Arrays are writable; they are a view of a buffer of their own.

    Raises
    ------
    DatasetError
        For anything but plain data, and for streams that are truncated, corrupt or too large.
    """
    stream = _Inflate(file, max_bytes)
    try:
        contents = _Machine(stream).run()
        complete = stream.at_end()  # reaches the checksum
    except DatasetError:
        raise
    except MemoryError:
        raise DatasetError("the file announces more bytes than this computer can set aside") from None
    except Exception as error:
        raise DatasetError(f"not a readable pickle ({type(error).__name__}: {error!s:.80})") from None
    if not complete:
        raise DatasetError("more bytes follow the end of the pickle; expected one pickle alone")
    if type(contents) is dict:
        contents = {k: v.value if isinstance(v, _Array) else v for k, v in contents.items()}
    return contents


def write_pickle(file, arrays):
    """Write a dict of arrays so that `pickle.loads(zlib.decompress(...))` reads it, block by block.

    Parameters
    ----------
    file : binary file
        Open for writing.
    arrays : dict of str to ndarray
        Not of objects. Written in protocol 4, which every numpy from 1.26 on opens (protocol 5 needs numpy 2
        at both ends or numpy 1 at both), and without the copy of each array that `pickle.dump` makes there.
    """
    deflate = zlib_ng.compressobj(6)

    def write(data):
        data = memoryview(data)
        for start in range(0, len(data), BLOCK):
            file.write(deflate.compress(data[start : start + BLOCK]))

    write(pickle.PROTO + b"\x04" + pickle.EMPTY_DICT + pickle.MARK)
    for key, array in arrays.items():
        rebuild, arguments, (version, _, dtype, *_) = array[:0].__reduce__()
        write(_body(key) + _body(rebuild) + _body(arguments) + pickle.REDUCE)
        write(pickle.MARK + b"".join(map(_body, (version, array.shape, dtype, False))))
        write(pickle.BINBYTES8 + struct.pack("<Q", array.nbytes))
        for i in range(len(array)):
            write(np.ascontiguousarray(array[i : i + 1]).reshape(-1).view(np.uint8))
        write(pickle.TUPLE + pickle.BUILD)
    write(pickle.SETITEMS + pickle.STOP)
    file.write(deflate.flush())


def _body(value):
    """The instructions that make `value`, without protocol 3's head and STOP: they can follow others."""
    return pickle.dumps(value, 3)[2:-1]

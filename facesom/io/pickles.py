"""Read and write zlib-compressed pickles of numpy arrays, and of nothing else."""

import math
import pickle
import struct

import numpy as np
from zlib_ng import zlib_ng

from .gates import DatasetError, brief
from .machine import LongText, Machine, OldText, PendingArray, kind_of
from .streams import BLOCK, Stream, inflate

MAX_DEPTH = 6  # of lists in lists


def _run(stream):
    try:
        return Machine(stream).run()
    except (DatasetError, MemoryError):
        raise
    except UnicodeError:
        raise DatasetError("not a readable pickle: a text in it is damaged; copy the file again") from None
    except Exception as error:
        raise DatasetError(f"not a readable pickle ({type(error).__name__}: {brief(error)})") from None


def _as_lists(value, stream, refused):
    """Lists and texts as numpy takes them, as far as there is room; else an error that says `refused`.

    A list in a memo could unfold into terabytes, and one long text makes a wide table of all others: the room
    is eight times what the file took, or a little, and no more than `max_bytes` allows.
    """
    room = min(8 * stream.taken + 16 * BLOCK, stream.max_bytes + BLOCK // 16)
    items, texts, longest = 0, 0, 0

    def plain(value, depth):
        nonlocal room, items, texts, longest
        value = value.value if type(value) is PendingArray else value
        if type(value) in (bytearray, LongText):
            size = f"{len(value):,} bytes"
            raise DatasetError(f"{kind_of(value)} of {size} is no label; expected short texts or numbers")
        if type(value) is OldText:
            room -= len(value)
            value = value.decoded()
        if (nested := type(value) in (list, tuple)) or depth:
            items += not nested
            room -= value.nbytes if isinstance(value, np.ndarray) else 8 if depth < MAX_DEPTH else math.inf
        if type(value) is str:
            texts, longest = texts + 1, max(longest, len(value))
        width = longest if items == texts else max(longest, 32)  # a number as text
        if room < 4 * width * items * (texts > 0):
            raise DatasetError(refused)
        return [plain(item, depth + 1) for item in value] if nested else value

    return plain(value, 0)


def read_objects(stream):
    """Read the pickle in a `.npy` file that holds objects, as nested lists."""
    return _as_lists(_run(stream), stream, "it holds objects that are neither numbers nor short texts")


def read_pickle(file, max_bytes, keys=()):
    """Read what `zlib.compress(pickle.dumps(contents))` wrote, with nothing of the file's choosing executed.

    Parameters
    ----------
    file : binary file
        Open for reading. Pickle protocols 0 to 5, of Python 2 or 3.
    max_bytes : int
        The most decompressed bytes to accept, announced or real.
    keys : sequence of str
        Of a dict, the values whose lists and objects are wanted in a form that numpy takes.

    Returns
    -------
    contents : object
        Usually a dict of arrays. Arrays are writable; they are a view of a buffer of their own.

    Raises
    ------
    DatasetError
        For anything but plain data, and for streams that are truncated, corrupt or too large.
    """
    stream = Stream(inflate(file), max_bytes)
    contents = _run(stream)
    if not stream.at_end():  # reaches the checksum
        raise DatasetError("more bytes follow the end of the pickle; expected one pickle alone")
    if type(contents) is dict:
        for key in (key for key in keys if key in contents):
            refused = f"{key} is {kind_of(contents[key])}; expected a numpy array: np.asarray it, save again"
            contents[key] = _as_lists(contents[key], stream, refused)
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
    deflate = zlib_ng.compressobj(4)  # half the time of 6 for a fifth more bytes

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

"""Read and write zlib-compressed pickles of numpy arrays, and of nothing else."""

from __future__ import annotations

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
    except DatasetError:
        raise
    except MemoryError:
        raise DatasetError("the file needs more memory than this computer has") from None
    except UnicodeError:
        raise DatasetError("not a readable pickle: a text in it is damaged; copy the file again") from None
    except Exception as error:
        raise DatasetError(f"not a readable pickle ({type(error).__name__}: {brief(error)})") from None


class _Lists:
    """Lists and texts as numpy takes them, as far as there is room.

    A list in a memo could unfold into terabytes, and one long text makes a wide table of all others: the room
    is eight times what the file took, or a little, and no more than `max_bytes` allows.
    """

    def __init__(self, stream):
        self.room = min(8 * stream.taken + 16 * BLOCK, stream.max_bytes + BLOCK // 16)
        self.items, self.texts, self.longest = 0, 0, 0

    def is_full(self):
        width = self.longest if self.items == self.texts else max(self.longest, 32)  # a number as text
        return self.room < 4 * width * self.items * (self.texts > 0)

    def plain(self, value, depth=0):
        if type(value) is PendingArray:
            value = value.value
        if type(value) in (bytearray, LongText):
            raise DatasetError(
                f"{kind_of(value)} of {len(value):,} bytes is no label; expected short texts or numbers"
            )
        if type(value) is OldText:
            self.room -= len(value)
            value = value.decoded()
        if type(value) in (list, tuple):
            self.room -= 8 if depth < MAX_DEPTH else math.inf
            return [self.plain(item, depth + 1) for item in value if not self.is_full()]
        if depth:
            self.items += 1
            self.room -= value.nbytes if isinstance(value, np.ndarray) else 8
        if type(value) is str:
            self.texts += 1
            self.longest = max(self.longest, len(value))
        return value


def read_objects(stream):
    """Read the pickle in a `.npy` file that holds objects, as nested lists."""
    value = _run(stream)
    lists = _Lists(stream)
    value = lists.plain(value)
    if lists.is_full():
        raise DatasetError("it holds objects that are neither numbers nor short texts")
    return value


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
            lists = _Lists(stream)
            came, contents[key] = contents[key], lists.plain(contents[key])
            if lists.is_full():
                raise DatasetError(
                    f"{key} is {kind_of(came)}; expected a numpy array: np.asarray it, save again"
                )
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

"""The decompressed bytes of a file, in order and block by block, no more of them than are allowed."""

from zlib_ng import zlib_ng

from .gates import DatasetError

BLOCK = 1 << 20  # bytes handled at a time
MAX_LINE = 1000  # bytes of a line that holds a name or a number


class Stream:
    """Bytes that come in blocks, `max_bytes` of them at most.

    Parameters
    ----------
    blocks : iterator of bytes
    max_bytes : int

    Attributes
    ----------
    taken : int
        Bytes read so far.
    """

    def __init__(self, blocks, max_bytes):
        self._blocks = blocks
        self._block, self._at = b"", 0
        self.taken, self.max_bytes = 0, max_bytes

    def _fill(self):
        """Whether there is an unread byte in the block, after a new one is fetched if need be."""
        while self._at == len(self._block):
            block = next(self._blocks, None)
            if block is None:
                return False
            self._block, self._at = block, 0
        return True

    def at_end(self):
        """Whether all bytes were read."""
        return not self._fill()

    def buffer(self, size):
        """The next `size` bytes as a bytearray, whose memory grows only as they come."""
        if size > self.max_bytes - self.taken:
            raise too_large(size, self.max_bytes)
        self.taken += size
        buffer = bytearray()
        while len(buffer) < size:
            if not self._fill():
                raise DatasetError("the content stops early: it was cut before compression; write it again")
            piece = memoryview(self._block)[self._at : self._at + size - len(buffer)]
            buffer += piece
            self._at += len(piece)
        return buffer

    def read(self, size):
        """The next `size` bytes."""
        piece = self._block[self._at : self._at + size]
        if len(piece) == size <= self.max_bytes - self.taken:  # the short way for the many small reads
            self._at += size
            self.taken += size
            return piece
        return bytes(self.buffer(size))

    def line(self, max_bytes=MAX_LINE):
        """The bytes up to the next end of a line, which is left out."""
        line = bytearray()
        while not line.endswith(b"\n"):
            self._fill()
            end = self._block.find(b"\n", self._at) + 1 or len(self._block)
            line += self.read(max(end - self._at, 1))
            if len(line) > max_bytes:
                raise DatasetError(f"a name or number takes over {max_bytes:,} bytes; the file is damaged")
        del line[-1:]
        return line


def too_large(size, max_bytes):
    """The error for a file that announces too much."""
    limit = f"past the limit of max_bytes={max_bytes:,}; if you trust it, pass a larger max_bytes"
    return DatasetError(f"the file announces {size:,} more bytes, {limit}")


def inflate(file):
    """Yield the decompressed blocks of a zlib file."""
    inflater = zlib_ng.decompressobj()
    while not inflater.eof:
        data = inflater.unconsumed_tail or file.read(BLOCK // 16)
        if not data:
            raise DatasetError("the file is truncated: its compressed data stop early; copy it again")
        try:
            block = inflater.decompress(data, BLOCK)
        except zlib_ng.error as error:
            raise DatasetError(f"the compressed data are corrupt ({error}); copy the file again") from None
        if block:
            yield block

"""Read `.npz` archives of plain arrays, within a limit that holds while they unfold."""

import zipfile
from functools import partial

from numpy.lib import format as npy

from .gates import DatasetError, brief
from .machine import array_of
from .pickles import read_objects
from .streams import BLOCK, Stream, too_large

UNPACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # zipfile sets no bound to what others unfold to
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_npz(file, max_bytes, keys=None):
    """Read arrays from an `.npz` archive without running anything that it names.

    Parameters
    ----------
    file : binary file
        As `numpy.savez` or `numpy.savez_compressed` wrote it.
    max_bytes : int
        The most bytes that the arrays may take.
    keys : sequence of str, optional
        The arrays to read; others become None. Default: all.

    Returns
    -------
    dict of str to ndarray, or to a list where an array of objects was saved

    Raises
    ------
    DatasetError
        When the archive is damaged, too large, or holds anything but numbers and texts.
    """
    name = "the archive"
    try:
        with zipfile.ZipFile(file) as archive:
            members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            if members and not any(member.filename.endswith(".npy") for member in archive.infolist()):
                raise DatasetError(f"it packs {brief(', '.join(members))}; unpack it, load what is in it")
            contents = dict.fromkeys(members)
            wanted = [key for key in members if keys is None or key in keys]
            size = sum(members[key].file_size for key in wanted)
            if size > max_bytes:
                raise too_large(size, max_bytes)
            for name in wanted:
                contents[name] = _read_member(archive, members[name], max_bytes)
        return contents
    except MemoryError:
        raise DatasetError(f"{brief(name)} needs more memory than this computer has") from None
    except Exception as error:
        if isinstance(error, DatasetError) and "max_bytes" in str(error):
            raise
        said = f": {error}" if isinstance(error, (DatasetError, zipfile.BadZipFile)) else ""
        damaged = f"{brief(name)} is damaged or of another kind{said}"
        raise DatasetError(f"not a readable .npz of plain arrays: {damaged}") from None


def _read_member(archive, member, max_bytes):
    if member.compress_type not in UNPACKED:
        raise DatasetError("it is packed in another way than numpy packs: use np.savez_compressed")
    with archive.open(member) as opened:
        stream = Stream(iter(partial(opened.read, BLOCK), b""), member.file_size)
        shape, fortran, dtype = HEADERS[npy.read_magic(stream)](stream)
        if dtype.hasobject:
            return read_objects(stream)
        data = stream.buffer(member.file_size - stream.taken)
        stream.at_end()  # reaches the checksum
        return array_of(data, dtype, shape, "F" if fortran else "C")

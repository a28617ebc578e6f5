"""How files are opened: for writing, whole or not at all; for reading, if they are files."""

import contextlib
import errno
import os
import shutil
import stat
import uuid
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where nobody can remove a file that is open
    fcntl = None

PREFIX = ".facesom-"  # short, so that the name beside a name of the longest kind is none too long
SUFFIX = ".part"


@contextlib.contextmanager
def atomic_write(path, mode="w", **how):
    """Open a file that appears under its name when it is complete, or not at all.

    It is written beside its place, flushed to the disk and renamed. When anything fails, what was there
    stays. A file that is replaced keeps its permissions, and its owner where the system allows; of a link,
    the target is replaced. What a killed process left beside is removed by the next write into the folder.

    Parameters
    ----------
    path : str or Path
        Its folder must exist.
    mode : str
        "w" for text, "wb" for bytes.
    **how
        Passed to `open`: encoding, newline.

    Yields
    ------
    file object
        Open for writing.

    Raises
    ------
    OSError
        When there is no such folder, when the name is that of a folder, a device, a pipe or a loop of links,
        or when the file cannot be written.

    Examples
    --------
    >>> with atomic_write("notes.txt", encoding="utf-8") as file:  # doctest: +SKIP
    ...     _ = file.write("ä")
    """
    try:
        old = os.stat(path)  # raises for a loop of links
    except FileNotFoundError:
        old = None
    path = Path(os.path.realpath(path))  # a link stays a link
    if old is not None:
        _check_regular(old, path)
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder, make it first", str(path.parent))
    part, file = _beside(path.parent, lambda part: open(part, mode.replace("w", "x"), **how))  # noqa: SIM115
    try:
        with file:
            if old is not None:  # before anything secret is in it
                with contextlib.suppress(OSError, AttributeError):  # another's file; Windows
                    os.chown(part, old.st_uid, old.st_gid)
                os.chmod(part, stat.S_IMODE(old.st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def open_regular(path):
    """Open a file for reading bytes; raise `OSError` for pipes and devices, which could wait for ever."""
    try:
        _check_regular(os.stat(path), path)
    except FileNotFoundError:
        said = f"no such file, looked from {Path.cwd()}; check its name, or give its full path"
        raise FileNotFoundError(errno.ENOENT, said, str(path)) from None
    return open(path, "rb")


def _check_regular(found, path):
    if not stat.S_ISREG(found.st_mode):
        folder = stat.S_ISDIR(found.st_mode)
        what = "a folder" if folder else "a device, a pipe or a socket"
        raise OSError(errno.EISDIR if folder else errno.EINVAL, f"expected a file, this is {what}", str(path))


@contextlib.contextmanager
def atomic_folder(path):
    """Make a folder that appears under its name when all in it is written, or not at all.

    Parameters
    ----------
    path : str or Path
        Must not exist when it is done. Folders above it are made.

    Yields
    ------
    Path
        The folder to write into.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:

        def make(part):
            part.mkdir()
            return stack.enter_context(_open_handle(part))

        part, _ = _beside(path.parent, make)
        stack.callback(shutil.rmtree, part, ignore_errors=True)
        yield part
        part.rename(path)


@contextlib.contextmanager
def _open_handle(part):
    """A file or folder held open, None on Windows."""
    handle = None if fcntl is None else os.open(part, os.O_RDONLY)
    try:
        yield handle
    finally:
        if handle is not None:
            os.close(handle)


def _beside(folder, make):
    """What `make` made under a new name, locked until it is closed or its process ends."""
    _remove_left_over(folder)
    while True:
        part = folder / f"{PREFIX}{uuid.uuid4().hex[:12]}{SUFFIX}"
        made = make(part)
        if fcntl is not None:
            with contextlib.suppress(OSError):  # not every file system knows locks
                fcntl.flock(made, fcntl.LOCK_EX)
        if part.exists():  # else it was taken for a left-over before it was locked
            return part, made


def _remove_left_over(folder):
    for part in folder.glob(f"{PREFIX}*{SUFFIX}"):
        with contextlib.suppress(OSError), _open_handle(part) as handle:  # locked, or open: being written
            if handle is not None:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if part.is_dir() and handle is not None:
                shutil.rmtree(part)
            else:
                part.unlink()

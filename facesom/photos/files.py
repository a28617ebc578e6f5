"""Photos and videos in a folder, and who is on them."""

from __future__ import annotations

import re
from os.path import commonpath
from pathlib import Path

from facesom.io import DatasetError, is_hidden

from .video import VIDEO_SUFFIXES

__all__ = ["list_files"]

# those that Pillow does not open are among them, so that they are reported rather than passed over
PHOTO_SUFFIXES = (
    ".avif",
    ".bmp",
    ".gif",
    ".heic",
    ".heif",
    ".jpeg",
    ".jpg",
    ".png",
    ".tif",
    ".tiff",
    ".webp",
)


def list_files(source, persons=None):
    """Find all photos and videos of a source, and name the person of each.

    Files in a sub-folder are one person, named after the folder. A video in none is a person named after the
    file. A photo in none belongs to the person that its name begins with: the part before the first "_", "-"
    or blank, else the name without the digits at its end, else the name of the folder.

    Parameters
    ----------
    source : str, Path or sequence of these
        A folder (with all its sub-folders), or files.
    persons : {"folder", "name"} or callable, optional
        Another rule: all by folder, all by the beginning of the file name, or ``persons(path)``, a name.

    Returns
    -------
    list of (Path, str)
        File and person, sorted by person, then by file name, frame_2 before frame_10.

    Raises
    ------
    DatasetError
        If a file is missing, or none is a photo or video.
    ValueError
        If there is no such rule.
    """
    if not callable(persons) and persons not in (None, "folder", "name"):
        raise ValueError(f'persons: expected "folder", "name" or a function of the path, got {persons!r}.')
    if isinstance(source, (str, Path)):
        root = Path(source)
        paths = sorted(_inside(root)) if root.is_dir() else [root]
        root = root if root.is_dir() else root.parent
    else:
        paths = [Path(path) for path in source]
        root = Path(commonpath([path.absolute().parent for path in paths])) if paths else Path()
    if missing := [path for path in paths if not path.exists()]:
        raise DatasetError(f"no file or folder {str(missing[0])!r}; looked from {str(Path.cwd())!r}")
    known = [path for path in paths if path.suffix.lower() in PHOTO_SUFFIXES + VIDEO_SUFFIXES]
    if not known:
        found = ", ".join(sorted({path.suffix or path.name for path in paths})[:6]) or "nothing"
        raise DatasetError(
            f"{str(source)!r:.200} holds no photo or video; expected JPEG, PNG, MP4 ... or a folder of them, "
            f"found {found}"
        )
    named = [(path, _person(path, root, persons)) for path in known]
    return sorted(named, key=lambda pair: (_natural(pair[1]), _natural(str(pair[0]))))


def _inside(folder):
    for path in folder.iterdir():
        if not is_hidden(path):
            yield from _inside(path) if path.is_dir() else [path]


def _person(path, root, rule):
    if callable(rule):
        return str(rule(path))
    inner = path.absolute().relative_to(root.absolute()).parts[:-1]
    if inner and rule != "name":
        return inner[0]
    if rule == "folder":
        return root.absolute().name
    if rule is None and path.suffix.lower() in VIDEO_SUFFIXES:
        return path.stem
    start = re.match(r"[^_\-\s]*", path.stem).group()
    return (start if start != path.stem else start.rstrip("0123456789")) or path.absolute().parent.name


def _natural(text):
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)]

"""Photos and videos in a folder, and who is on them."""

import re
import warnings
from os.path import commonpath
from pathlib import Path

from PIL import Image

from facesom.io import DatasetError, brief, is_hidden

from .video import VIDEO_SUFFIXES

# those that Pillow does not open are among them, so that they are reported rather than passed over
_SUFFIXES = """.apng .avif .avifs .bmp .cr2 .dib .dng .gif .heic .heics .heif .hif .j2k .jfif .jif .jp2 .jpe
 .jpeg .jpf .jpg .jpx .jxl .mpo .nef .pbm .pgm .png .pnm .ppm .psd .tga .tif .tiff .webp"""
KNOWN = VIDEO_SUFFIXES.union(_SUFFIXES.split())


def files_in(path):
    """Files of a folder in the order of their names, or a file alone; hidden ones are left out."""
    path = Path(path).expanduser()
    if not path.exists():
        where = f"from {str(Path.cwd())!r} there is no file or folder of this name"
        raise DatasetError(f"no folder or file {str(path)!r}: {where}; give a full path")
    found = sorted(path.iterdir()) if path.is_dir() else [path]
    return [file for file in found if file.is_file() and not is_hidden(file)]


def list_files(source, persons=None):
    """Find all photos and videos of a source, and name the person of each.

    A file in a folder is known by its suffix; what is neither is left out, with a warning that says so. A
    file that is named itself is taken whatever it is called.

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
        If a file is missing or is no file (a pipe, a device), or none is a photo or video.
    ValueError
        If there is no such rule.
    """
    if not callable(persons) and persons not in (None, "folder", "name"):
        raise ValueError(f'persons: expected "folder", "name" or a function of the path, got {persons!r}.')
    if isinstance(source, (list, tuple)) or not Path(source).is_dir():
        known = paths = [Path(path) for path in (source if isinstance(source, (list, tuple)) else [source])]
        for path in paths:
            if not path.exists():
                raise DatasetError(f"no file or folder {str(path)!r}; looked from {str(Path.cwd())!r}")
            if not path.is_file():
                raise DatasetError(f"{path}: expected a file, this is a folder, a pipe or a device")
        root = Path(commonpath([path.absolute().parent for path in paths] or [""]))
    else:
        root, paths = Path(source), sorted(_inside(Path(source)))
        known = [path for path in paths if path.is_file() and path.suffix.lower() in KNOWN]
    if not known:
        found = ", ".join(sorted({path.suffix or path.name for path in paths})[:6]) or "nothing"
        raise DatasetError(f"{str(source)!r:.200} holds no photo or video; expected JPEG, MP4, found {found}")
    if others := sorted({*paths}.difference(known)):
        names = brief(", ".join(path.name for path in others), 300)
        left_out = f"left out what is no photo or video by its name: {names}"
        warnings.warn(f"{root}: {left_out} (name such a file itself to have it read)", stacklevel=2)
    pairs = [(path, _person(path, root, persons)) for path in known]
    return sorted(pairs, key=lambda pair: (_natural(pair[1]), _natural(str(pair[0]))))


def is_video(path):
    """Whether a file is a video by its suffix, or, where that says nothing, as it is no picture."""
    suffix = path.suffix.lower()
    if suffix in KNOWN:
        return suffix in VIDEO_SUFFIXES
    try:
        with Image.open(path):
            return False
    except (OSError, ValueError):
        return True


def _inside(folder, above=()):
    above = (*above, folder.resolve())  # a link to one of these would go round
    for path in folder.iterdir():
        if not is_hidden(path):
            if not path.is_dir():
                yield path
            elif path.resolve() not in above:
                yield from _inside(path, above)


def _person(path, root, rule):
    if callable(rule):
        return str(rule(path))
    inner = path.absolute().relative_to(root.absolute()).parts[:-1]
    if inner and rule != "name":
        return inner[0]
    if rule == "folder":
        return root.absolute().name
    if rule is None and is_video(path):
        return path.stem
    start = re.match(r"[^_\-\s]*", path.stem).group()
    return (start if start != path.stem else start.rstrip("0123456789")) or path.absolute().parent.name


def _natural(text):
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)]

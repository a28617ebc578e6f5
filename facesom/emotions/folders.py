"""Faces sorted into folders, one for each class: read, and written."""

import re
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from facesom.io import DatasetError, atomic_folder, check_whole, is_hidden, read_image

from .labelled import EmotionFaces, few


def read_emotion_folder(path, *, size=48, person=None, skip_unreadable=False):
    """Read images that are sorted into folders, one for each class.

    Hidden files and those that systems leave behind (``Thumbs.db``, ``__MACOSX``) are not looked at, nor are
    files beside the folders.

    Parameters
    ----------
    path : str or Path
        The folder that holds the folders; their names become those of the classes, in alphabetical order.
    size : int or None, default 48
        Side in pixels to which the middle square of each image is brought. None: images stay as they are,
        which needs all to be of one size.
    person : "prefix", "folder" or callable, optional
        Who is on an image. "prefix": the start of the file's name up to the first ``_``, ``-``, ``.`` or
        blank (``S010_004_17.png``: S010). "folder": each class holds a folder a person. A function gets the
        file's `Path` and returns the name. Default: not known.
    skip_unreadable : bool, default False
        Leave out files that are no images, with a warning that names them, instead of raising.

    Returns
    -------
    EmotionFaces
        ``sources`` are paths below `path`.

    Raises
    ------
    DatasetError
        If there are no such folders or images, files are unreadable, or sizes differ under ``size=None``.
    """
    path = Path(path).expanduser()
    if person not in (None, "prefix", "folder") and not callable(person):
        raise ValueError(f'person: expected None, "prefix", "folder" or a function, got {person!r}.')
    if size is not None:
        check_whole(size, "size", 8)
    folders = _class_folders(path)

    images, labels, sources, unreadable = [], [], [], []
    for label, folder in enumerate(folders):
        for file in _files(folder, path, person == "folder"):
            try:
                images.append(read_image(file, gray=True, square=size)[0])
            except (OSError, ValueError):
                unreadable.append(str(file.relative_to(path)))
            else:
                labels.append(label)
                sources.append(file)
    if unreadable and not skip_unreadable:
        n = f"{len(unreadable)} of {len(unreadable) + len(images)}"
        raise DatasetError(f"{path}: cannot read {n}: {few(unreadable)}; mend them, or skip_unreadable=True.")
    if unreadable:
        left_out = f"left out {len(unreadable)} files that are no images: {few(unreadable)}"
        warnings.warn(f"{path}: {left_out}", stacklevel=2)
    names = tuple(folder.name for folder in folders)
    if not images:
        raise DatasetError(f"{path}: expected images in {few(names)}, found none.")
    sizes = {image.shape: f"{image.shape} ({s.name})" for image, s in zip(images, sources, strict=True)}
    if len(sizes) > 1:
        first, other, *_ = sizes.values()
        sizes = f"images of one size, got {first} and {other} as well"
        raise DatasetError(f"{path}: expected {sizes}; pass size=48.")
    persons = None if person is None else np.array([_person(file, person) for file in sources])
    if person == "prefix" and len(persons) > 1 and (persons == persons[0]).all():
        start = f"all {len(persons)} names start with {str(persons[0])!r}; that is hardly one person"
        raise DatasetError(f"{path}: {start}. Pass person=None, or a function that finds it.")
    below = np.array([file.relative_to(path).as_posix() for file in sources])
    return EmotionFaces(np.stack(images), np.array(labels), names, persons, below)


def write_emotion_folder(faces, path):
    """Write faces as PNG files, one folder for each class: what `read_emotion_folder` reads.

    Files are called ``PERSON_NUMBER.png``; the folder appears when all of them are written.

    Parameters
    ----------
    faces : EmotionFaces
    path : str or Path
        A folder that does not exist yet.

    Raises
    ------
    DatasetError
        If it exists, or a class or person has a name that no file can have.
    """
    path = Path(path).expanduser()
    if path.exists():
        raise DatasetError(f"{path} exists already; give another folder, or remove it first.")
    persons = ["face"] * len(faces) if faces.persons is None else [str(p) for p in faces.persons]
    wrong = sorted({name for name in (*faces.names, *persons) if not re.fullmatch(r"\w[\w .+-]*", name)})
    if wrong:
        raise DatasetError(f"{path}: expected names of letters and digits in files, got {wrong}.")
    with atomic_folder(path) as beside:
        for name in faces.names:
            (beside / name).mkdir()
        rows = zip(faces.images, faces.labels, persons, strict=True)
        for number, (image, label, person) in enumerate(rows):
            Image.fromarray(image).save(beside / faces.names[label] / f"{person}_{number:05d}.png")


def _class_folders(path):
    """Folders of classes in order, or raise `DatasetError` with a guess of what went wrong."""
    wanted = f"{path}: expected a folder that holds one folder for each emotion"
    if not path.is_dir():
        guess = "it is a file" if path.is_file() else "there is no such folder"
        guess += "; unpack it first" if path.suffix.lower() in (".zip", ".gz", ".tar", ".rar", ".7z") else ""
        raise DatasetError(f"{wanted}, but {guess} (looked from {Path.cwd()}).")
    inside = _listed(path)
    folders = [item for item in inside if item.is_dir()]
    if not folders:
        guess = f"only {len(inside)} files; did you mean {path.resolve().parent}?" if inside else "nothing."
        raise DatasetError(f"{wanted}, found {guess}")
    if all(folder.name.isdigit() for folder in folders):
        folders.sort(key=lambda folder: int(folder.name))
    return folders


def _files(folder, path, nested):
    """Files of a class in order, or raise `DatasetError` if they are not where they should be."""
    inside = _listed(folder)
    folders = [item for item in inside if item.is_dir()]
    if nested:
        if loose := [item.name for item in inside if not item.is_dir()]:
            found = f'found files: {few(loose)}; or pass person="prefix"'
            raise DatasetError(f"{folder}: expected a folder for each person, {found}.")
        return [item for each in folders for item in _listed(each)]
    names = few([item.name for item in folders])
    if folders and len(folders) < len(inside):
        raise DatasetError(f"{folder}: expected images, found folders among them: {names}; move them out.")
    if folders:
        found = f"{folder.name} holds folders itself: {names}"
        cure = f'Did you mean {folder}? If they are persons, pass person="folder".'
        raise DatasetError(f"{path}: expected one folder for each emotion, but {found}. {cure}")
    return inside


def _listed(folder):
    return sorted(item for item in folder.iterdir() if not is_hidden(item))


def _person(file, person):
    if person == "prefix":
        return re.split(r"[_\-. ]", file.stem, maxsplit=1)[0]
    return file.parent.name if person == "folder" else str(person(file))

"""Faces and action units with a class each: what readers return, what splits and classifiers take."""

from dataclasses import dataclass, replace

import numpy as np

from facesom.io import as_array, as_faces, is_colour

#: The seven classes of FER2013 in the order of their codes, 0 to 6.
EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

#: The classes of a table without labels.
UNLABELLED = ("unlabelled",)

#: Other words for them, as folders and tables have them.
SYNONYMS = {
    "angry": ("anger", "mad", "rage", "furious"),
    "disgust": ("disgusted", "disgusting"),
    "fear": ("afraid", "fearful", "scared", "frightened", "fright"),
    "happy": ("happiness", "glad", "joy", "joyful", "smile", "smiling", "laugh", "laughing"),
    "sad": ("sadness", "sorrow", "sorrowful"),
    "surprise": ("surprised", "astonished", "astonishment"),
    "neutral": ("neutrality", "no emotion"),
}
_MEANT = {word: name for name in EMOTIONS for word in (name, *SYNONYMS[name])}


def _emotion(word):
    """The emotion that a word means, else the word itself in lower case."""
    word = word.strip().lower()
    return _MEANT.get(word, word)


def few(values, n=5):
    """Some of many names, for a message."""
    values = [str(value) for value in values]
    return ", ".join(values[:n]) + (f" and {len(values) - n} more" if len(values) > n else "")


def check_labelled(data):
    """Raise `ValueError` where a table came without labels."""
    if data.names == UNLABELLED:
        cure = "see read_action_units(path, label=...)"
        raise ValueError(f"data: expected classes, this table has none; {cure}.")


class Labelled:
    """What samples with a class each can do, whatever they are."""

    def __len__(self):
        return len(self.labels)

    def __repr__(self):
        persons = "" if self.persons is None else f" of {len(np.unique(self.persons))} persons"
        classes = ", ".join(f"{n} × {name}" for name, n in self.counts.items())
        return f"{type(self).__name__}: {len(self)} faces{self._form(persons)}\n  {classes}"

    @property
    def counts(self):
        """Number of samples of each class, by its name."""
        n = np.bincount(self.labels, minlength=len(self.names)).tolist()
        return dict(zip(self.names, n, strict=True))

    def subset(self, index):
        """Return some of the samples.

        Parameters
        ----------
        index : array_like or slice
            Their places, or a mask (N,) of bool.

        Returns
        -------
        EmotionFaces or ActionUnits
            With the same names of classes, whether they occur or not.
        """
        if not isinstance(index, slice):
            index = as_array(index, "index") if len(index) else np.empty(0, int)
            if index.dtype.kind not in "iub":
                raise ValueError(f"index: expected whole numbers or a mask, none missing, got {index.dtype}.")
        rows = {name: values for name, values in vars(self).items() if isinstance(values, np.ndarray)}
        return replace(self, **{name: values[index] for name, values in rows.items()})

    def classes(self, *names):
        """Return the samples of some classes, which are numbered anew in the order given.

        Parameters
        ----------
        *names : str
            E.g. ``faces.classes("happy", "sad")``. Where a class is called otherwise but means the same
            emotion, "happiness" or "sadness", that one is taken, under its own name; see `SYNONYMS`.

        Returns
        -------
        EmotionFaces or ActionUnits

        Raises
        ------
        ValueError
            If there is no such class; the message lists those that there are. Or if samples have no labels.
        """
        check_labelled(self)
        by_emotion = {_emotion(name): name for name in reversed(self.names)}
        found = [name if name in self.names else by_emotion.get(_emotion(name)) for name in names]
        if None in found or len(set(found)) < len(found) or not names:
            pairs = zip(names, found, strict=True)
            meant = "".join(f" ({a} is {b} here)" for a, b in pairs if b not in (a, None))
            wanted = f"some of {', '.join(self.names)}, each once"
            raise ValueError(f"names: expected {wanted}, got {', '.join(names) or 'none'}{meant}.")
        return self._renumber([found.index(n) if n in found else -1 for n in self.names], tuple(found))

    def as_emotions(self):
        """Return the samples with FER2013's seven classes and codes, so that data of several sources fit.

        Words such as "anger", "happiness" or "afraid" are understood, whether upper or lower case.

        Returns
        -------
        EmotionFaces or ActionUnits
            With ``names == EMOTIONS``.

        Raises
        ------
        ValueError
            If a class that has samples is none of them, or samples have no labels.
        """
        check_labelled(self)
        emotions = [_emotion(name) for name in self.names]
        known = [name for name, emotion in zip(self.names, emotions, strict=True) if emotion in EMOTIONS]
        if unknown := [name for name, n in self.counts.items() if n and name not in known]:
            cure = f"data.classes({', '.join(map(repr, known))}) takes the others" if known else "rename them"
            raise ValueError(f"names: {', '.join(unknown)} is none of {', '.join(EMOTIONS)}; {cure}.")
        return self._renumber([EMOTIONS.index(e) if e in EMOTIONS else -1 for e in emotions], EMOTIONS)

    def _renumber(self, codes, names):
        """The samples whose class has a code of 0 or more, under the new names."""
        labels = np.asarray(codes)[self.labels]
        kept = labels >= 0
        if not kept.any():
            raise ValueError(f"names: expected samples of {', '.join(names)}, there are none.")
        return replace(self.subset(kept), labels=labels[kept], names=tuple(names))

    def _check(self, n):
        """Bring labels, names, persons to their types, or raise `ValueError`."""
        labels, names = as_array(self.labels, "labels"), tuple(str(name) for name in self.names)
        if labels.shape != (n,) or labels.dtype.kind not in "iu":
            got = f"{labels.dtype} of {labels.shape}"
            raise ValueError(f"labels: expected {n} whole numbers, one for each, got {got}.")
        if n and not 0 <= labels.min() <= labels.max() < len(names):
            wanted = f"0 to {len(names) - 1} for {', '.join(names)}"
            raise ValueError(f"labels: expected {wanted}, got {labels.min()} to {labels.max()}.")
        persons = None if self.persons is None else as_array(self.persons, "persons")
        if persons is not None and persons.shape != (n,):
            raise ValueError(f"persons: expected one for each of {n} samples, got {persons.shape}.")
        vars(self).update(labels=labels.astype(int), names=names, persons=persons)


@dataclass(frozen=True, eq=False, repr=False)
class EmotionFaces(Labelled):
    """N faces with a class each.

    Attributes
    ----------
    images : ndarray of uint8, shape (N, H, W)
        Gray, 0 to 255.
    labels : ndarray of int, shape (N,)
        Class of each face, an index into `names`.
    names : tuple of str
    persons : ndarray, shape (N,), or None
        Who is on each face, where that is known.
    sources : ndarray of str, shape (N,), or None
        Where each face comes from: a file, or a row of a table.
    """

    images: np.ndarray
    labels: np.ndarray
    names: tuple
    persons: np.ndarray | None = None
    sources: np.ndarray | None = None

    def __post_init__(self):
        images = self.images if np.size(self.images) == 0 else as_faces(self.images, leading=1)
        images = as_array(images, "images")  # a subset may be empty
        if images.ndim != 3 or (images.size and is_colour(images)) or images.dtype != np.uint8:
            got = f"{images.dtype} of {images.shape}"
            cure = "(255 * images).round().astype(np.uint8) makes them of floats, cv2.cvtColor of colours"
            raise ValueError(f"images: expected gray uint8 of shape (N, H, W), got {got}; {cure}.")
        sources = None if self.sources is None else np.asarray(self.sources)
        vars(self).update(images=images, sources=sources)
        self._check(len(images))

    def _form(self, persons):
        return " of {} × {}".format(*self.images.shape[1:]) + persons


@dataclass(frozen=True, eq=False, repr=False)
class ActionUnits(Labelled):
    """N faces as their action units (Ekman and Friesen, 1978), with a class each where it is known.

    Attributes
    ----------
    units : ndarray of float, shape (N, D)
        0 absent; intensities reach 5, presence and probabilities 1.
    unit_names : tuple of str, length D
        "AU01", "AU02", ...
    labels : ndarray of int, shape (N,)
        Class of each row, an index into `names`; all 0 where the table has none.
    names : tuple of str
        ("unlabelled",) where the table has none.
    persons : ndarray, shape (N,), or None
    rows : ndarray of int, shape (N,), or None
        Place of each in the table, 0 is the first row below the header.
    """

    units: np.ndarray
    unit_names: tuple
    labels: np.ndarray
    names: tuple
    persons: np.ndarray | None = None
    rows: np.ndarray | None = None

    def __post_init__(self):
        units = np.asarray(as_array(self.units, "units"), dtype=float)
        if units.ndim != 2 or units.shape[1] != len(self.unit_names):
            shape = f"(N, {len(self.unit_names)})"
            raise ValueError(f"units: expected shape {shape}, a column a unit, got {units.shape}.")
        vars(self).update(units=units)
        self._check(len(units))

    def _form(self, persons):
        return f"{persons} × {' '.join(self.unit_names)}"

"""The people on a photo: everybody's emotion, and what their faces say together."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial.distance import jensenshannon
from scipy.special import entr
from tqdm.auto import tqdm

from facesom.emotions import EMOTIONS, predict_emotions
from facesom.io import DatasetError

from .faces import as_boxes, as_photo, crop_faces, find_faces, read_again, read_photo
from .files import files_in

SURE = 0.5  # a probability from which an emotion is more probable than all others together


@dataclass(frozen=True, eq=False, repr=False)
class PeopleSummary:
    """What K faces say together, of C emotions.

    Attributes
    ----------
    names : tuple of str, length C
    counts : ndarray of int, shape (C,)
        How many faces show each emotion more than any other.
    sure : ndarray of int, shape (C,)
        How many of these show it with a probability of at least 0.5, more than all others together.
    mean : ndarray of float, shape (C,)
        Mean probability of each emotion, everybody counting alike.
    entropy : float
        Of the mean, 0 where all is one emotion, 1 where all are equally probable (Shannon, 1948).
    agreement : float
        1 where all faces have the same probabilities, 0 where they have nothing in common: 1 minus the
        Jensen-Shannon divergence (Lin, 1991) over its maximum. 1 for a single face.
    distances : ndarray of float, shape (K,)
        How far each face is from all others together: the Jensen-Shannon distance, 0 to 1.
    models_agree : float
        Share of the faces in which both models see the same emotion; NaN with one model.
    """

    names: tuple
    counts: np.ndarray
    sure: np.ndarray
    mean: np.ndarray
    entropy: float
    agreement: float
    distances: np.ndarray
    models_agree: float

    @property
    def differs(self):
        """int or None: number of the face that differs most from the others; None of fewer than three."""
        return int(self.distances.argmax()) if len(self.distances) > 2 else None

    def __repr__(self):
        k = len(self.distances)
        if not k:
            return "PeopleSummary: no face"
        average = [f"{self.names[c]} {self.mean[c]:.2f}" for c in np.argsort(-self.mean, kind="stable")[:3]]
        lines = [
            f"PeopleSummary: {k} face{'s' * (k > 1)}",
            f"  counted    {ranked(self.sure, self.counts, self.names)}",
            f"  on average {', '.join(average)}",
            f"  entropy {self.entropy:.2f}, agreement {self.agreement:.2f}",
        ]
        if k > 2:
            lines.append(f"  face {self.differs} differs most ({self.distances[self.differs]:.2f})")
        if not np.isnan(self.models_agree):
            lines.append(f"  both models agree on {self.models_agree:.0%} of the faces")
        return "\n".join(lines)


@dataclass(frozen=True, eq=False, repr=False)
class PeoplePhoto:
    """The K faces of a photo, from left to right, and how probable each of C emotions is in each.

    Attributes
    ----------
    name : str
        Name of the file, "photo" where an array was given.
    source : Path or ndarray
        Where the photo is; from a file it is read again when needed, so that many results take little memory.
    boxes : ndarray of int, shape (K, 4)
        x, y, width, height in pixels.
    crops : ndarray of uint8, shape (K, 96, 96, 3)
        The faces as the models got them.
    probabilities : ndarray of float, shape (K, C)
    second : ndarray of float, shape (K, C), or None
        The same of the second model.
    names : tuple of str, length C
        The emotions.
    """

    name: str
    source: Path | np.ndarray
    boxes: np.ndarray
    crops: np.ndarray
    probabilities: np.ndarray
    second: np.ndarray | None
    names: tuple

    def __len__(self):
        return len(self.boxes)

    def __repr__(self):
        summary = self.summary()
        shown = ranked(summary.sure, summary.counts, self.names) or "no face"
        return f"PeoplePhoto({self.name}: {len(self)} face{'s' * (len(self) != 1)}; {shown})"

    @property
    def photo(self):
        """ndarray of uint8, shape (H, W, 3): the photo."""
        return self.source if isinstance(self.source, np.ndarray) else read_again(self.source)

    @property
    def predicted(self):
        """ndarray of int, shape (K,): the most probable emotion of each face, an index into `names`."""
        return self.probabilities.argmax(axis=1)

    @property
    def sure(self):
        """ndarray of bool, shape (K,): whether that emotion has a probability of at least 0.5."""
        return self.probabilities.max(axis=1, initial=0) >= SURE

    def summary(self):
        """Return what the faces say together.

        Returns
        -------
        PeopleSummary
        """
        p, (k, n_classes) = self.probabilities, self.probabilities.shape
        mean = p.mean(axis=0) if k else np.full(n_classes, np.nan)
        divergence = (entr(mean).sum() - entr(p).sum() / max(k, 1)) / np.log(max(2, min(k, n_classes)))
        others = (p.sum(axis=0) - p) / (k - 1) if k > 1 else p
        with np.errstate(invalid="ignore"):  # rounding may leave a root of less than 0
            distances = jensenshannon(p, others, base=2, axis=1)
        agree = np.nan if self.second is None or not k else (self.second.argmax(1) == self.predicted).mean()
        return PeopleSummary(
            names=self.names,
            counts=np.bincount(self.predicted, minlength=n_classes),
            sure=np.bincount(self.predicted[self.sure], minlength=n_classes),
            mean=mean,
            entropy=float(entr(mean).sum() / np.log(n_classes)),
            agreement=float(1 - np.clip(divergence, 0, 1)),
            distances=np.nan_to_num(distances).clip(0, 1),
            models_agree=float(agree),
        )

    def to_frame(self):
        """Return a table, one row per face.

        Returns
        -------
        pandas.DataFrame
            Columns photo, face, x, y, w, h, emotion, probability, sure (whether that is at least 0.5), one
            for each emotion, and, with a second model, second (its emotion) and second_NAME.
        """
        names, boxes = np.array(self.names), dict(zip("xywh", self.boxes.T, strict=True))
        table = pd.DataFrame({"photo": self.name, "face": np.arange(len(self)), **boxes})
        table["emotion"] = names[self.predicted]
        table["probability"] = self.probabilities.max(axis=1, initial=0)
        table["sure"] = self.sure
        table[names] = self.probabilities
        if self.second is not None:
            table["second"] = names[self.second.argmax(axis=1)]
            table[[f"second_{name}" for name in names]] = self.second
        return table


def ranked(sure, counts, names):
    """Emotions in words, the commonest first: "2 × happy (and 1 unsure), 1 × sad"."""
    parts = []
    for c in np.argsort(-counts, kind="stable"):
        if counts[c]:
            unsure = counts[c] - sure[c]
            more = f" (and {unsure} unsure)" if sure[c] else " (unsure)"
            parts.append(f"{sure[c] or unsure} × {names[c]}{more if unsure else ''}")
    return ", ".join(parts)


def analyze_group(
    photo,
    *,
    model=predict_emotions,
    second=None,
    detector="network",
    min_size=None,
    boxes=None,
    names=EMOTIONS,
):
    """Find everybody in a photo and say which emotion each face shows.

    Parameters
    ----------
    photo : str, Path or ndarray of uint8, shape (H, W, 3)
        A file or an array, as from `read_photo`.
    model : callable, default `predict_emotions`
        Gets faces (K, 96, 96, 3) uint8 RGB and returns probabilities (K, C), e.g. `onnx_model("my.onnx")`.
    second : callable, optional
        Another one, to compare.
    detector, min_size
        As in `find_faces`.
    boxes : array_like of int, shape (K, 4), optional
        Faces, where you know better than the detector.
    names : sequence of str, length C
        What the columns mean.

    Returns
    -------
    PeoplePhoto
        Without a face: of length 0.

    Raises
    ------
    DatasetError
        If the file is no image.
    ValueError
        If a model returns anything but one row of probabilities for each face, or a box is empty or lies
        outside the photo.
    """
    if isinstance(photo, (str, Path)):
        source, name, picture = Path(photo), Path(photo).name, read_photo(photo)
    else:
        source = picture = as_photo(photo)
        name = "photo"
    if boxes is None:
        boxes = find_faces(picture, detector, min_size=min_size)
    boxes = as_boxes(np.rint(as_boxes(boxes))).astype(int)  # one of less than half a pixel is empty, too
    crops, names = crop_faces(picture, boxes), tuple(names)
    return PeoplePhoto(
        name=name,
        source=source,
        boxes=boxes,
        crops=crops,
        probabilities=ask(model, crops, names),
        second=None if second is None else ask(second, crops, names, "second"),
        names=names,
    )


def ask(model, crops, names, what="model"):
    """Probabilities (K, C) that a model gives faces (K, 96, 96, 3), or `ValueError`."""
    if not len(crops):
        return np.empty((0, len(names)))
    answer = np.asarray(model(crops), dtype=float)
    if answer.shape != (len(crops), len(names)):
        wanted = f"probabilities of shape ({len(crops)}, {len(names)}), a row for each face, columns"
        raise ValueError(f"{what}: expected {wanted} {', '.join(names)}, got {answer.shape}; pass names=...")
    if not ((answer >= 0).all() and np.allclose(answer.sum(axis=1), 1, atol=1e-3)):
        got = answer[0].round(3)
        raise ValueError(f"{what}: expected rows that sum to 1, got {got}; are these logits? use softmax.")
    return answer


def analyze_groups(paths, *, progress=True, **options):
    """Analyze many photos; one that cannot be read does not stop the others.

    Parameters
    ----------
    paths : str, Path or sequence of them
        A folder, whose files are taken in the order of their names, or files.
    progress : bool, default True
        Whether to show a progress bar.
    **options
        As in `analyze_group`.

    Returns
    -------
    results : list of PeoplePhoto
    failed : dict of str to str
        What was wrong with each file that could not be read; also said in one warning at the end.

    Raises
    ------
    DatasetError
        If there is no file.
    """
    if isinstance(paths, (str, Path)):
        paths = files_in(paths)
    if not len(paths):
        raise DatasetError("expected photos, found no file")
    results, failed = [], {}
    for path in tqdm(paths, desc="photos", disable=not progress, delay=1):
        try:
            results.append(analyze_group(Path(path), **options))
        except (DatasetError, OSError) as error:
            failed[str(path)] = str(error)
    if failed:
        reasons = "\n  ".join(failed.values())
        warnings.warn(f"{len(failed)} of {len(paths)} files left out:\n  {reasons}", stacklevel=2)
    return results, failed

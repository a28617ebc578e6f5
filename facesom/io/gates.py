"""The two gates through which arrays come in: `as_faces` for images, `per_person` for values of persons."""

import math
import warnings

import numpy as np

MIN_SIDE = 8  # pixels
MAX_ASPECT = 4  # a face longer than this is a wrong axis order
MAX_MESSAGE = 2000  # characters of an error, whatever names a file holds


class DatasetError(ValueError):
    """A file or an array that is not a data set of drawn faces; the message says what to do.

    Examples
    --------
    >>> import numpy as np
    >>> from facesom import DatasetError, to_grayscale
    >>> try:
    ...     to_grayscale(np.full((2, 16, 16), 200.0))
    ... except DatasetError as error:
    ...     print(str(error)[-37:])
    these look like 0..255, divide by 255
    """

    def __init__(self, message=""):
        super().__init__(brief(message, MAX_MESSAGE))


def brief(text, width=80):
    """Shorten a text to `width` characters by leaving out its middle, for messages."""
    text = str(text)
    half = (width - 3) // 2
    return text if len(text) <= width else f"{text[:half]}...{text[-half:]}"


def is_colour(images):
    """Whether the last axis of `images` holds colour.

    Parameters
    ----------
    images : ndarray (..., H, W), (..., H, W, 3) or (..., H, W, 4)

    Returns
    -------
    bool
        True when there are three axes or more and the last one is 3 or 4 long.
    """
    return images.ndim >= 3 and images.shape[-1] in (3, 4)


def as_array(values, name="values", expected="numbers or texts"):
    """Bring what users call arrays to a plain one: lists, masked arrays, columns of pandas.

    Parameters
    ----------
    values : array_like
        Numbers or texts. Masked ones and those that pandas calls missing become NaN.
    name, expected : str
        What the messages call them, and what they should be.

    Returns
    -------
    ndarray
        `values` itself where it is one; never of objects.

    Raises
    ------
    DatasetError
        When rows are of different lengths, texts are missing, or these are neither numbers nor texts.
    """
    if type(values).__name__ == "FaceDataset":
        raise DatasetError(f"{name} is a FaceDataset; expected an array of images: pass its .X1")
    if isinstance(values, (bytes, bytearray, memoryview)):
        raise DatasetError(f"{name} is {type(values).__name__}; expected {expected}, not bytes")
    of_objects = isinstance(values, np.ndarray) and is_listed(values)
    values = _unmasked(values, name)
    try:
        values = np.asarray(values)
    except ValueError:
        what = "dtype object, arrays of different sizes" if of_objects else "rows of different lengths"
        raise DatasetError(f"{name} has {what}; expected one shape for all") from None
    return values if values.dtype != object else _of_objects(values, name, expected)


def _unmasked(values, name):
    """Without masks, which `numpy.asarray` would drop: NaN in their place."""
    if isinstance(values, np.ma.MaskedArray):
        if not np.ma.is_masked(values):
            return values.data
        if values.dtype.kind not in "biuf":
            raise DatasetError(f"{name} has masked values of dtype {values.dtype}; expected none missing")
        return np.ma.filled(values.astype(np.result_type(values.dtype, np.float32)), np.nan)
    if isinstance(values, np.ndarray) and values.dtype == object and values.size and values.ndim:
        values = values.tolist() if isinstance(values.flat[0], (np.ndarray, list, tuple)) else values
    if isinstance(values, (list, tuple)) and values and not isinstance(values[0], (int, float, str)):
        return [_unmasked(row, name) for row in values]
    return values


def _of_objects(values, name, expected):
    """Objects of pandas and of columns of text as numbers or texts."""
    import pandas as pd  # only here: reading a file should not wait for it

    flat = values.ravel()
    if any(np.ndim(value) for value in flat):
        raise DatasetError(f"{name} has dtype object, arrays of different sizes; expected one shape for all")
    missing = pd.isna(flat)
    kinds = {np.asarray(value).dtype.kind for value in flat[~missing]}
    if kinds and kinds <= set("biuf"):
        numbers = np.where(missing, np.nan, flat).astype(float) if missing.any() else np.array(flat.tolist())
        return numbers.reshape(values.shape)
    if kinds == {"U"} and not missing.any():
        return values.astype(str)
    what = "Python objects or missing values" if missing.any() else "Python objects"
    cure = "use np.asarray(values, float) for numbers, np.asarray(values, str) for texts"
    raise DatasetError(f"{name} has dtype object; expected {expected}, but it holds {what}: {cure}")


def as_faces(images, *, name="images", leading=None):
    """Check face images and bring them to one of two dtypes: the gate of every function that takes faces.

    Parameters
    ----------
    images : array_like (..., H, W), (..., H, W, 3) or (..., H, W, 4)
        Gray, RGB or RGBA, at least 8 × 8 pixels: uint8 or other integers in 0..255, bool, or float in [0, 1].
    name : str
        What the messages call them.
    leading : int or tuple of int, optional
        How many axes may come before those of a face: 1 for frames (N, H, W), 2 for persons and frames
        (P, N, H, W), (1, 2) for either. With 2, a list of persons (N_p, H, W) may have unequal frames.
        Default: any number.

    Returns
    -------
    ndarray, uint8 or float32, or list of these
        Of the same shape; `images` itself when its dtype is one of these. bool becomes uint8, True = 255. A
        list where persons have unequal frames, all of one dtype.

    Raises
    ------
    DatasetError
        When these are no such images; the message says what came and what to do.

    Warns
    -----
    UserWarning
        When what is read as one or three frames for each of many persons may be channels.
    """
    allowed = (leading,) if isinstance(leading, int) else leading
    if allowed and 2 in allowed and _is_of_persons(images):
        return _persons(images, name)
    images = as_array(images, name)
    check_faces(images, name)
    if allowed and images.ndim - 2 - is_colour(images) not in allowed:
        forms = {1: "(N, H, W) or (N, H, W, 3)", 2: "(P, N, H, W) or (P, N, H, W, 3)"}
        wanted = " or those of persons, ".join(forms[n] for n in sorted(allowed))
        cure = axes_cure(images, name, allowed)
        raise DatasetError(f"{name}: expected faces {wanted}, got shape {images.shape}{cure}")
    suspect = leading != 2 and images.ndim > 3 and images.shape[-4] > 4 * images.shape[-3]
    if suspect and (cure := _channel_axis(images, name)):
        read = f"{images.shape[-3]} gray frames for each of {images.shape[-4]} persons"
        warnings.warn(f"{name} of shape {images.shape} is read as {read}, unless {cure}", stacklevel=3)
    if images.dtype == bool:
        return images.astype(np.uint8) * np.uint8(255)
    return images.astype(np.float32 if images.dtype.kind == "f" else np.uint8, copy=False)


def as_numbers(values, name, shape, expected, cure="", *, kinds="biuf", finite=False):
    """Bring values to an array of a known shape: the gate of every function that takes numbers.

    Parameters
    ----------
    values : array_like
    name : str
        What the message calls them.
    shape : tuple of int or str
        A text stands for any number from 1 up.
    expected, cure : str
        What the message says they should be, and what to do.
    kinds : str, default "biuf"
        Kinds of dtype that are taken.
    finite : bool, default False
        Whether NaN and infinity are refused.

    Returns
    -------
    ndarray

    Raises
    ------
    DatasetError
        When these are no such numbers.
    """
    values = as_array(values, name)
    pairs = zip(values.shape, shape, strict=False)
    fits = values.ndim == len(shape) and all(n if isinstance(want, str) else n == want for n, want in pairs)
    came = f"shape {values.shape} of {values.dtype}"
    if fits and values.dtype.kind in kinds:
        if not finite or np.isfinite(values).all():
            return values
        came = "NaN or infinity"
    raise DatasetError(f"{name}: expected {expected}, got {came}{cure and '; '}{cure}.")


def is_listed(values):
    """Whether values are a list, a tuple or an array of objects."""
    of_objects = getattr(getattr(values, "dtype", None), "kind", "") == "O" and np.ndim(values) > 0
    return isinstance(values, (list, tuple)) or of_objects


def _is_of_persons(images):
    """Whether these are persons in a list, their arrays different in shape or dtype."""
    if not is_listed(images) or not all(isinstance(x, (np.ndarray, list, tuple)) for x in images):
        return False
    try:
        kinds = {(np.shape(person), np.asarray(person).dtype) for person in images}
    except ValueError:  # ragged inside
        return False
    return len(kinds) > 1 and min(len(shape) for shape, _ in kinds) > 2


def _persons(images, name):
    persons = [as_faces(person, name=f"{name}[{p}]", leading=1) for p, person in enumerate(images)]
    for p, person in enumerate(persons):
        if person.shape[1:] != persons[0].shape[1:]:
            came = f"{person.shape[1:]} for person {p}; bring all persons to one size and one kind of colour"
            raise DatasetError(f"{name}: expected frames of {persons[0].shape[1:]}, got {came}.")
    if len({person.dtype for person in persons}) > 1:
        persons = [x / np.float32(255) if x.dtype == np.uint8 else x for x in persons]
    return persons if len({len(person) for person in persons}) > 1 else np.stack(persons)


def axes_cure(images, name, allowed):
    """What to do about images with more or fewer axes before those of a face than are `allowed`."""
    axes = images.ndim - 2 - is_colour(images)
    cures = f"pass {name}[None]", f"for one person pass {name}[None]", f"pick one person, pass {name}[0]"
    cure = (axes > max(allowed) and _channel_axis(images, name)) or (axes < 3 and cures[axes])
    return f"; {cure}." if cure else "."


def _channel_axis(images, name):
    """What to do if the axis before height and width is one of channels, as its length lets suspect."""
    at = images.ndim - 3
    if is_colour(images) or images.shape[at] not in (1, 3, 4):
        return ""
    if images.shape[at] == 1:
        return f"axis {at} is one gray channel: pass {name}[{':, ' * at}0]"
    return f"axis {at} is the colour axis, which must be the last one: pass np.moveaxis({name}, {at}, -1)"


def check_faces(images, name):
    """Raise `DatasetError` unless an array holds face images; see `as_faces`."""
    shape, kind = images.shape, images.dtype.kind
    if kind not in "biuf":
        raise DatasetError(f"{name} has dtype {images.dtype}; expected uint8 in 0..255 or float in [0, 1]")
    if images.size == 0:
        raise DatasetError(f"{name} is empty, of shape {shape}; expected at least one face")
    if images.ndim < 2:
        cure = "are the images flattened? Use reshape(-1, height, width)"
        raise DatasetError(f"{name} has shape {shape}; expected (..., height, width[, 3]): {cure}")
    if not _makes_faces(shape):
        cure = next((f": {cure}" for meant, cure in _other_readings(shape, name) if _makes_faces(meant)), "")
        height, width = shape[-3:-1] if is_colour(images) else shape[-2:]
        wanted = f"at least {MIN_SIDE} a side and one side at most {MAX_ASPECT} times the other"
        made = f"faces of {height} × {width} pixels"
        raise DatasetError(f"{name} has shape {shape}, which makes {made}; expected {wanted}{cure}")
    if images.dtype in (np.uint8, bool):
        return
    low, high = images.min(), images.max()
    if kind == "f" and not (np.isfinite(low) and np.isfinite(high)):
        counted = "as masked and missing pixels count"
        raise DatasetError(f"{name} holds NaN or infinity, {counted}; expected finite numbers in [0, 1]")
    top = 1 if kind == "f" else 255
    if low < 0 or high > top:
        guess = ""
        if kind == "f" and low >= 0 and high <= 255:
            guess = ": these look like 0..255, divide by 255"
        elif low < 0:
            guess = ": negative values, are the images standardised? Pass them as they were before"
        elif high <= 65535:
            guess = ": 16-bit images? Divide by 65535"
        wanted = "[0, 1] for floats" if kind == "f" else "0..255 for integers"
        came = f"{name} of dtype {images.dtype} runs from {low:.6g} to {high:.6g}"
        raise DatasetError(f"{came}; expected {wanted}{guess}")


def _makes_faces(shape):
    colour = len(shape) > 2 and shape[-1] in (3, 4)
    low, high = sorted(shape[-3:-1] if colour else shape[-2:])
    return low >= MIN_SIDE and high <= MAX_ASPECT * low


def _other_readings(shape, name):
    """Shapes that may be meant by one that makes strange faces, the likeliest first, and the way to them."""
    last, size = len(shape) - 1, shape[-1]
    if size == 1:
        yield shape[:-1], f"axis {last} is one gray channel, use {name}[..., 0]"
    for face in (3, 2):  # (..., H, W, 3, frames) and (..., H, W, frames)
        fits = last >= face and (face == 2 or shape[-2] == 3)
        if fits and shape[last - face] == shape[last - face + 1]:  # square
            meant = (size, *shape[last - face : -1])
            yield meant, f"the frames must come first, use np.moveaxis(images, -1, {last - face})"
    for at in (at for at in range(last) if shape[at] == 3):
        meant = (*shape[:at], *shape[at + 1 :], 3)
        yield meant, f"the colour axis must be the last one, use np.moveaxis({name}, {at}, -1)"
    frames = "-1" if last == 1 else f"*{name}.shape[:-1]"
    for colour in ((), (3,)):
        side = math.isqrt(size // (3 if colour else 1))
        if math.prod((side, side, *colour)) == size:
            meant = (side, side, *colour)
            yield meant, f"are the images flattened? Use reshape({frames}, {', '.join(map(str, meant))})"
    if last > 1:
        yield (size, *shape[-3:-1]), f"the frames must come first, use np.moveaxis(images, -1, {last - 2})"


def per_person(values, ndim, name, like=None):
    """Values as a list of arrays, one for each person: the gate of every function that takes such values.

    Parameters
    ----------
    values : array_like, or list of array_like
        With one axis more than `ndim`, persons first; a list may have unequal frames. With `ndim` axes these
        are the values of one person. Masked and missing numbers become NaN.
    ndim : int
        Axes of one person's values, frames first.
    name : str
        What the messages call them. "groups" must be whole numbers of -1 or more.
    like : list of ndarray, optional
        What is known already of the same persons: they must have as many frames.

    Returns
    -------
    list of ndarray

    Raises
    ------
    DatasetError
        When these are no such values, or a person has no frames.
    """
    if not isinstance(values, (list, tuple)) or not len(values) or np.ndim(values[0]) != ndim:
        values = as_array(values, name)
        values = values[None] if values.ndim == ndim else values
    persons = [as_array(v, name) for v in values] if len(values) else []
    if not persons or any(v.ndim != ndim or not len(v) for v in persons):
        wanted = f"{ndim} axes for each person, frames first, and at least one frame"
        raise DatasetError(f"{name}: expected {wanted}; got shapes {[v.shape for v in persons[:3]]}.")
    if name == "groups" and (wrong := [v for v in persons if v.dtype.kind not in "iu" or v.min() < -1]):
        came = wrong[0].min() if wrong[0].dtype.kind in "iu" else wrong[0].dtype
        raise DatasetError(f"groups: expected whole numbers, -1 or more, got {came}; pass `result.groups`.")
    expected, got = ([len(person) for person in x] for x in (persons if like is None else like, persons))
    if expected != got:
        what = "one" if ndim == 1 else "a row"
        wanted = f"{what} for each frame, {brief(expected)} of the persons"
        cure = "pass those of the same persons and frames"
        raise DatasetError(f"{name}: expected {wanted}, got {brief(got)}; {cure}.")
    return persons


def like(X, rows):
    """Cut rows (T, ...) as X is cut: an array (P, N, ...) for an array, a list of (N_p, ...) for a list."""
    parts = np.split(rows, np.cumsum([len(x) for x in X])[:-1])
    return np.stack(parts) if isinstance(X, np.ndarray) else parts

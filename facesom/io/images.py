"""The one reader of image files, whatever their format."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from .files import open_regular
from .gates import DatasetError, like

CLUTTER = {"thumbs.db", "desktop.ini", "__macosx", "ehthumbs.db"}
LARGEST = 200_000_000  # pixels of a file that is decoded at all
REC_601 = np.array([0.299, 0.587, 0.114])  # luminance of R, G, B
UNSEEN = 0.25  # a pixel's luminance differs by less from the ground's


def is_hidden(path):
    """Whether a file or folder is one that systems leave behind, and nobody means."""
    return path.name.startswith(".") or path.name.lower() in CLUTTER


def read_image(file, *, gray=False, max_side=None, square=None):
    """Read an image file as people see it: upright, 8 bits a channel.

    Any format that Pillow opens; of an animation the first frame. The rotation that a camera noted (EXIF) is
    applied, CMYK is converted, 16 bits and floats are brought to 8, transparent ground is filled as
    `on_ground` says.

    Parameters
    ----------
    file : str, Path or binary file
    gray : bool, default False
        Luminance (ITU-R BT.601) instead of RGB.
    max_side : int, optional
        The longer side in pixels at most; larger images are scaled down.
    square : int, optional
        Side in pixels to which the middle square of the image is brought.

    Returns
    -------
    image : ndarray of uint8, shape (H, W) or (H, W, 3)
    size : tuple of int
        Width and height in the file.

    Raises
    ------
    DatasetError
        If it has more than 200 million pixels, or NaN.
    OSError, ValueError
        If there is no such file, Pillow does not know it (`PIL.UnidentifiedImageError`), or it is damaged.
    """
    if isinstance(file, (str, Path)):
        with open_regular(file) as opened:
            return read_image(opened, gray=gray, max_side=max_side, square=square)
    mode, side = "L" if gray else "RGB", square or max_side
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit is our own
            image = Image.open(file)
        size = image.size
        if size[0] * size[1] > LARGEST:
            limit = f"past the limit of {LARGEST // 10**6} million"
            raise DatasetError(f"{size[0]} × {size[1]} pixels, {limit}; scale it down first")
        if side:
            image.draft(mode, (side, side))  # JPEG only: decodes a half, a quarter, an eighth
        image.load()
        image = ImageOps.exif_transpose(image)
    except (OSError, ValueError):
        raise
    except Exception as error:  # SyntaxError, EOFError, struct.error ...: Pillow has many ways to say damaged
        raise ValueError(str(error)) from error
    if max_side and image.mode in ("L", "RGB", "RGBA", "LA", "CMYK"):  # before it is copied
        image.thumbnail((max_side, max_side), Image.Resampling.BOX)
    image = _to_bytes(image).convert(mode)
    if max_side:
        image.thumbnail((max_side, max_side), Image.Resampling.BOX)
    if square:
        image = ImageOps.fit(image, (square, square), Image.Resampling.BICUBIC)
    return np.array(image), size


def _to_bytes(image):
    """An image of 8 bits without transparency."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, dtype=np.float32)
        if not np.isfinite(values).all():
            raise DatasetError("holds NaN or infinity; expected a photo or drawing")
        highest = values.max(initial=0)
        full = 1 if image.mode == "F" and highest <= 1 else 255 if highest <= 255 else max(65535, highest)
        return Image.fromarray(np.clip(values * (255 / full), 0, 255).round().astype(np.uint8))
    if image.has_transparency_data:
        return Image.fromarray(on_ground(np.asarray(image.convert("RGBA"))))
    return image


def as_bytes(images):
    """Images as `as_faces` returns them, as uint8 in 0..255."""
    return images if images.dtype == np.uint8 else np.rint(images * 255).astype(np.uint8)


def on_ground(images):
    """Lay RGBA images on one ground: black, or white where more of what is drawn would be lost on black.

    Parameters
    ----------
    images : ndarray of uint8 or float32, shape (..., H, W, 4), or list of such arrays
        A list gets one ground, as one array would. Others than RGBA are returned as they are.

    Returns
    -------
    ndarray of the same dtype, shape (..., H, W, 3), or list of these
        A drawing on transparent ground is seen, whether it is dark or light. Where all is as transparent,
        there is no ground: the colours stay.
    """
    first = images[0] if isinstance(images, list) else images
    if first.ndim < 3 or first.shape[-1] != 4:
        return images
    if isinstance(images, list):
        return like(images, on_ground(np.concatenate(images)))
    alpha = images[..., 3]
    if 0 < alpha.min() == alpha.max():
        return images[..., :3]
    stack = images.reshape(-1, *images.shape[-3:])
    full = np.float32(255 if images.dtype == np.uint8 else 1)
    some = stack[:: max(len(stack) // 1000, 1)]  # as many tell
    luminance, shown = some[..., :3] @ (REC_601 / full).astype(np.float32), some[..., 3].astype(float)
    lost_on_black, lost_on_white = shown[luminance < UNSEEN].sum(), shown[luminance > 1 - UNSEEN].sum()
    ground = full if lost_on_black > lost_on_white else 0
    laid = np.empty((*stack.shape[:-1], 3), images.dtype)
    for picture, rgba in zip(laid, stack, strict=True):
        alpha = rgba[..., 3:] / full
        blend = rgba[..., :3] * alpha + ground * (1 - alpha)
        picture[:] = np.rint(blend) if full == 255 else blend
    return laid.reshape(*images.shape[:-1], 3)

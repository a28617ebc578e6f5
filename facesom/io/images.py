"""One image file, whatever its format, as a gray face."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

__all__ = ["is_hidden", "read_gray"]

CLUTTER = {"thumbs.db", "desktop.ini", "__macosx", "ehthumbs.db"}


def is_hidden(path):
    """Whether a file or folder is one that systems leave behind, and nobody means."""
    return path.name.startswith(".") or path.name.lower() in CLUTTER


def read_gray(path, size=None):
    """Read an image as gray.

    Any format that Pillow reads; of several pictures in one file the first. It is turned as its EXIF tag
    says. Colour becomes luminance (ITU-R BT.601); what is transparent lies on black; 16 bits become 8.

    Parameters
    ----------
    path : Path
    size : int, optional
        Side in pixels to which the middle square of the picture is brought. Default: as it is.

    Returns
    -------
    ndarray of uint8, shape (H, W)

    Raises
    ------
    OSError, ValueError
        If this is no such image, or it is cut off.
    """
    try:
        with Image.open(path) as image:
            if size:
                image.draft("L", (size, size))  # large JPEGs decode at a fraction of their size
            image.load()
            image = _as_gray(ImageOps.exif_transpose(image))
    except (SyntaxError, Image.DecompressionBombError) as error:  # of broken PNG, of absurd sizes
        raise ValueError(str(error)) from error
    if size:
        image = ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC)
    return np.array(image)


def _as_gray(image):
    if image.mode.startswith(("I", "F")):
        values = np.nan_to_num(np.asarray(image, dtype=np.float32))
        full = next(full for full in (1, 255, 65535, np.inf) if values.max(initial=0) <= full)
        full = 255 if full == 1 and image.mode != "F" else full
        return Image.fromarray(np.clip(values * (255 / full), 0, 255).round().astype(np.uint8))
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    return image.convert("L")

"""From a photo or a scan of a digit to its ink."""

from __future__ import annotations

from typing import Any

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.plain_data import Array

SIDE = 400
"""Larger images are reduced to this many pixels on their longer side."""
FAINT = 24.0
"""Brightness, of 255, by which ink must differ from paper at least."""
SPECK = 0.04
"""Spots with a smaller share of the ink of the largest one are dust."""


def extract_ink(image: Any) -> Array:
    """Return the ink of a photographed or scanned drawing, float32 from 0 to 1.

    Paper is the median of the border, light or dark. Its shading is removed (a closing with a
    window wider than any pen, Serra 1982), brightness between paper and ink is cut by the
    threshold of Otsu (1979), edges stay grey, and specks of dust go. Images of more than 400
    pixels a side are reduced.

    Parameters
    ----------
    image : a Pillow image, or uint8 of shape (height, width) or (height, width, 3 or 4)

    Raises
    ------
    UserError
        If it is not an image.

    Examples
    --------
    >>> page = np.full((60, 60), 230, np.uint8); page[10:50, 28:33] = 40  # dark on light
    >>> ink = extract_ink(page)
    >>> float(ink[30, 30]), float(ink[2, 2])
    (1.0, 0.0)
    """
    from scipy import ndimage

    grey = _luminance(image)
    border = float(np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])))
    low, high = np.percentile(grey, [0.1, 99.9])
    if border - low < high - border:
        grey = 255 - grey  # light ink on dark paper
    window = max(3, max(grey.shape) // 3)
    paper = ndimage.grey_closing(grey, size=(window, window), mode="nearest")
    paper = ndimage.uniform_filter(paper, window // 2, mode="nearest")
    depth = (paper - grey).clip(0)
    if float(np.percentile(depth, 99.9)) < FAINT:
        return np.zeros(grey.shape, np.float32)
    threshold = max(_otsu(depth), FAINT / 2)
    # Full ink where it is as strong as most of the ink, so that a pen's core becomes 1.
    full = float(np.median(depth[depth > threshold]))
    ink = np.where(depth > threshold / 2, depth / full, 0).clip(0, 1)
    spots, _ = ndimage.label(ink > 0, np.ones((3, 3)))
    sums = np.bincount(spots.reshape(-1), ink.reshape(-1))
    return np.where(sums[spots] >= SPECK * sums.max(), ink, 0).astype(np.float32)


def _luminance(image: Any) -> Array:
    """Return brightness from 0 to 255, reduced in size, transparent pixels white."""
    from PIL import Image

    if not isinstance(image, Image.Image):
        array = np.asarray(image)
        is_colour = array.ndim == 3 and array.shape[2] in (3, 4)
        if array.dtype != np.uint8 or not (array.ndim == 2 or is_colour) or not array.size:
            raise UserError(
                f"an image must be uint8 of shape (height, width); got {array.dtype} of shape "
                f"{array.shape}"
            )
        image = Image.fromarray(array)
    rgba, factor = image.convert("RGBA"), -(-max(image.size) // SIDE)
    if factor > 1:
        rgba = rgba.reduce(factor)
    white = Image.new("RGBA", rgba.size, "white")
    return np.asarray(Image.alpha_composite(white, rgba).convert("L"), np.float64)


def _otsu(depth: Array) -> float:
    """Return the threshold between two groups with the largest variance between them."""
    counts, edges = np.histogram(depth, bins=128, range=(0, float(depth.max())))
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    above = depth.size - below
    sums = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = sums[:-1] / below - (sums[-1] - sums[:-1]) / above
        between = np.where((below > 0) & (above > 0), below * above * apart**2, -1)
    return float(edges[1:-1][between.argmax()])

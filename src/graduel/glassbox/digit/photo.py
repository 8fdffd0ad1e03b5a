"""Extraction of the ink from a photo or scan of a digit."""

from __future__ import annotations

from typing import Any

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.plain_data import Array

SIDE = 400
"""Maximum length of the longer side in pixels; larger images are downscaled."""
FAINT = 24.0
"""Minimum difference in brightness between ink and paper, out of 255."""
SPECK = 0.04
"""Connected components with less ink than this share of the largest one are dust."""


def extract_ink(image: Any) -> Array:
    """Return the ink of a photographed or scanned drawing, float32 from 0 to 1.

    The paper's brightness is the median of the border; light ink on dark paper is inverted.
    Shading is removed by a morphological closing with a window wider than any pen (Serra, 1982),
    ink is separated from paper by Otsu's threshold (1979), edges stay gray, and dust specks are
    removed. Images of more than 400 pixels a side are downscaled.

    Parameters
    ----------
    image : a Pillow image, or uint8 of shape (height, width) or (height, width, 3 or 4)

    Raises
    ------
    UserError
        If `image` is not an image.

    Examples
    --------
    >>> page = np.full((60, 60), 230, np.uint8); page[10:50, 28:33] = 40  # dark on light
    >>> ink = extract_ink(page)
    >>> float(ink[30, 30]), float(ink[2, 2])
    (1.0, 0.0)
    """
    from scipy import ndimage

    gray = _luminance(image)
    border = float(np.median(np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])))
    low, high = np.percentile(gray, [0.1, 99.9])
    if border - low < high - border:
        gray = 255 - gray  # light ink on dark paper
    window = max(3, max(gray.shape) // 3)
    paper = ndimage.grey_closing(gray, size=(window, window), mode="nearest")
    paper = ndimage.uniform_filter(paper, window // 2, mode="nearest")
    depth = (paper - gray).clip(0)
    if float(np.percentile(depth, 99.9)) < FAINT:
        return np.zeros(gray.shape, np.float32)
    threshold = max(_otsu(depth), FAINT / 2)
    # The median strength of the ink becomes 1, so that the core of a stroke is full ink.
    full = float(np.median(depth[depth > threshold]))
    ink = np.where(depth > threshold / 2, depth / full, 0).clip(0, 1)
    spots, _ = ndimage.label(ink > 0, np.ones((3, 3)))
    sums = np.bincount(spots.reshape(-1), ink.reshape(-1))
    return np.where(sums[spots] >= SPECK * sums.max(), ink, 0).astype(np.float32)


def _luminance(image: Any) -> Array:
    """Return brightness from 0 to 255, downscaled; transparent pixels are white."""
    from PIL import Image

    if not isinstance(image, Image.Image):
        array = np.asarray(image)
        is_color = array.ndim == 3 and array.shape[2] in (3, 4)
        if array.dtype != np.uint8 or not (array.ndim == 2 or is_color) or not array.size:
            raise UserError(
                "an image must be uint8 of shape (height, width) or (height, width, 3 or 4); got "
                f"{array.dtype} of shape {array.shape}"
            )
        image = Image.fromarray(array)
    rgba, factor = image.convert("RGBA"), -(-max(image.size) // SIDE)
    if factor > 1:
        rgba = rgba.reduce(factor)
    white = Image.new("RGBA", rgba.size, "white")
    return np.asarray(Image.alpha_composite(white, rgba).convert("L"), np.float64)


def _otsu(depth: Array) -> float:
    """Return Otsu's threshold, which maximizes the variance between the two groups."""
    counts, edges = np.histogram(depth, bins=128, range=(0, float(depth.max())))
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    above = depth.size - below
    sums = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = sums[:-1] / below - (sums[-1] - sums[:-1]) / above
        between = np.where((below > 0) & (above > 0), below * above * apart**2, -1)
    return float(edges[1:-1][between.argmax()])

"""Inline images of arrays: pixels as PNG data URIs, units as squares in SVG."""

from __future__ import annotations

import base64
from io import BytesIO
from math import ceil, sqrt

import numpy as np

from graduel.glassbox.plain_data import Array

POSITIVE, NEGATIVE = (0, 104, 168), (189, 74, 0)
"""Blue and orange, hue-0 and hue-1 of the page; distinguishable for all color vision types."""
MAX_UNITS = 1024
"""Layers with more units are not drawn."""


def encode_gray(image: Array) -> str:
    """Encode an image as a PNG data URI, dark ink on light paper.

    Parameters
    ----------
    image : shape (height, width, channels), uint8 or nonnegative numbers. One channel is ink;
        three channels are RGB
    """
    values = np.asarray(image, np.float64)
    top = 255.0 if image.dtype == np.uint8 else float(values.max()) or 1.0
    values = (values / top).clip(0, 1)
    if values.shape[2] == 3:
        return _encode_png(np.rint(255 * values).astype(np.uint8))
    return _encode_png(np.rint(255 * (1 - values.mean(axis=2))).astype(np.uint8))


def encode_signed(values: Array) -> str:
    """Encode signed numbers as a PNG data URI: blue for positive, orange for negative.

    Opacity is proportional to the absolute value, so the image works on light and dark paper; the
    largest absolute value is opaque.

    Parameters
    ----------
    values : shape (height, width, channels); channels are summed
    """
    flat = np.nan_to_num(np.asarray(values, np.float64)).sum(axis=2)
    most = float(np.abs(flat).max()) or 1.0
    pixels = np.empty((*flat.shape, 4), np.uint8)
    pixels[..., :3] = np.where((flat >= 0)[..., None], POSITIVE, NEGATIVE)
    pixels[..., 3] = np.rint(255 * np.abs(flat) / most)
    return _encode_png(pixels)


def _encode_png(pixels: Array) -> str:
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def draw_units(values: Array, label: str, gate: Array | None = None) -> str:
    """Draw units as squares in SVG, each with its value as title; empty for too many units.

    Blue is positive, orange negative, opacity the absolute value. Units with a closed gate are
    outlined.

    Parameters
    ----------
    values : shape (units,)
    label : alternative text, without markup
    gate : for each unit, whether it passes the gradient

    Examples
    --------
    >>> draw_units(np.array([1.0, -0.5]), "z").count("<rect")
    2
    """
    flat = np.nan_to_num(np.asarray(values, np.float64).reshape(-1))
    if not 0 < len(flat) <= MAX_UNITS:
        return ""
    n_columns = len(flat) if len(flat) <= 16 else ceil(sqrt(2.0 * len(flat)))
    n_rows = ceil(len(flat) / n_columns)
    most = float(np.abs(flat).max()) or 1.0
    rects = []
    for i, value in enumerate(flat):
        y, x = divmod(i, n_columns)
        sign = "above" if value >= 0 else "below"
        closed = " closed" if gate is not None and not gate.reshape(-1)[i] else ""
        share = f"{abs(value) / most:.2f}".rstrip("0").rstrip(".")
        rects.append(
            f'<rect class="{sign}{closed}" x="{x + 0.08:g}" y="{y + 0.08:g}" width=".84" '
            f'height=".84" fill-opacity="{share}"><title>{i}: {value:.4g}</title></rect>'
        )
    width = min(42.0, (1.5 if n_columns <= 16 else 1.1) * n_columns)
    return (
        f'<svg class="squares" role="img" aria-label="{label}" viewBox="0 0 {n_columns} {n_rows}" '
        f'style="max-width: {width:g}rem">{"".join(rects)}</svg>'
    )

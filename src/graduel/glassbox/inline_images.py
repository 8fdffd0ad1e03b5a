"""Pictures of arrays inside of a page: pixels as PNG in a data URI, units as squares in SVG."""

from __future__ import annotations

import base64
from io import BytesIO
from math import ceil, sqrt

import numpy as np

from graduel.glassbox.plain_data import Array

POSITIVE, NEGATIVE = (0, 104, 168), (189, 74, 0)
"""Blue and orange, as hue-0 and hue-1 of the page: apart for every kind of colour vision."""
MAX_UNITS = 1024
"""Layers of more units are not drawn as squares."""


def encode_gray(image: Array) -> str:
    """Return an image as a PNG in a data URI: ink dark on light.

    Parameters
    ----------
    image : shape (height, width, channels): uint8, or numbers from 0 up. One channel is ink;
        three are a photo
    """
    values = np.asarray(image, np.float64)
    top = 255.0 if image.dtype == np.uint8 else float(values.max()) or 1.0
    values = (values / top).clip(0, 1)
    if values.shape[2] == 3:
        return _encode_png(np.rint(255 * values).astype(np.uint8))
    return _encode_png(np.rint(255 * (1 - values.mean(axis=2))).astype(np.uint8))


def encode_signed(values: Array) -> str:
    """Return numbers of either sign as a PNG in a data URI: blue above 0, orange below.

    The strength is the opacity, so that it stands on light and on dark paper; the largest number
    by size is opaque.

    Parameters
    ----------
    values : shape (height, width, channels); channels are added up
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
    """Return units as squares in SVG, a title on each; nothing for very many units.

    Blue is above 0, orange below, the strength is the size of the number; where there is a gate,
    stopped units are only an outline.

    Parameters
    ----------
    values : shape (units,)
    label : alternative text; plain words, no markup
    gate : True where the gate passes

    Examples
    --------
    >>> draw_units(np.array([1.0, -0.5]), "z").count("<rect")
    2
    """
    flat = np.nan_to_num(np.asarray(values, np.float64).reshape(-1))
    if not 0 < len(flat) <= MAX_UNITS:
        return ""
    across = len(flat) if len(flat) <= 16 else ceil(sqrt(2.0 * len(flat)))
    down = ceil(len(flat) / across)
    most = float(np.abs(flat).max()) or 1.0
    rects = []
    for i, value in enumerate(flat):
        y, x = divmod(i, across)
        sign = "above" if value >= 0 else "below"
        shut = " shut" if gate is not None and not gate.reshape(-1)[i] else ""
        share = f"{abs(value) / most:.2f}".rstrip("0").rstrip(".")
        rects.append(
            f'<rect class="{sign}{shut}" x="{x + 0.08:g}" y="{y + 0.08:g}" width=".84" '
            f'height=".84" fill-opacity="{share}"><title>{i}: {value:.4g}</title></rect>'
        )
    width = min(42.0, 1.5 * across) if across <= 16 else min(42.0, 1.1 * across)
    return (
        f'<svg class="squares" role="img" aria-label="{label}" viewBox="0 0 {across} {down}" '
        f'style="max-width: {width:g}rem">{"".join(rects)}</svg>'
    )

"""Images as half-block characters, in color if the terminal has colors."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

INKED = 0.35
"""Brightness from which a pixel is drawn on a terminal without colors."""
HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def draw_blocks(image: Any, console: Console) -> Text:
    r"""Return an image of shape (height, width, channels) as text, two pixels per character.

    Parameters
    ----------
    image : uint8, or numbers scaled to their maximum
    console : gives width and colors; a wider image is downsampled

    Examples
    --------
    >>> plain = Console(width=20, force_terminal=False)
    >>> corner = np.array([[255, 0], [255, 0], [255, 255]], np.uint8)[..., None]
    >>> draw_blocks(corner, plain).plain
    '█ \n▀▀'
    """
    pixels = np.asarray(image, np.float64)
    every = -(-pixels.shape[1] // console.width)
    pixels = pixels[::every, ::every]
    top = 255.0 if image.dtype == np.uint8 else float(pixels.max()) or 1.0
    pixels = (pixels / top).clip(0, 1)
    if len(pixels) % 2:
        pixels = np.concatenate([pixels, np.zeros_like(pixels[:1])])
    if console.color_system not in ("truecolor", "256"):
        inked = pixels.mean(axis=2) >= INKED
        pairs = zip(inked[0::2], inked[1::2], strict=True)
        lines = ("".join(HALVES[a, b] for a, b in zip(*pair, strict=True)) for pair in pairs)
        return Text("\n".join(lines))
    colors = np.rint(255 * (pixels if pixels.shape[2] == 3 else pixels[..., :1].repeat(3, 2)))
    text = Text()
    for row, (upper, lower) in enumerate(zip(colors[0::2], colors[1::2], strict=True)):
        text.append("\n" if row else "")
        for a, b in zip(upper.astype(int), lower.astype(int), strict=True):
            fore, back = (f"rgb({c[0]},{c[1]},{c[2]})" for c in (a, b))
            text.append("▀", f"{fore} on {back}")
    return text

"""Charts of data in characters: histograms, bars, images."""

from __future__ import annotations

from itertools import pairwise, zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

STEPS = " ▁▂▃▄▅▆▇█"
"""Bars of zero to eight eighths of a line."""
PARTS = " ▏▎▍▌▋▊▉█"
"""Bars of zero to eight eighths of a character."""
SHADES = " ░▒▓█"
BINS = 10


def draw_bars(counts: Array) -> str:
    """Return counts as bars; counts above zero are visible.

    >>> draw_bars(np.array([0, 1, 50, 100]))
    ' ▁▄█'
    """
    top = counts.max(initial=1)
    return "".join(STEPS[int(np.ceil(8 * n / top)) if n < top else 8] for n in counts)


def draw_histogram(numbers: Array) -> str:
    """Return a histogram with bins of equal width between the 1 % and 99 % quantiles.

    Numbers outside are counted in the first and last bin. If there are at most ten distinct
    numbers, each has a bar.

    >>> draw_histogram(np.repeat([1, 2, 3, 9], [1, 2, 4, 8])), draw_histogram(np.arange(99) ** 2)
    ('▁▂▄█', '█▄▃▃▂▂▂▂▂▂')
    """
    if not len(numbers):
        return ""
    distinct, counts = np.unique(numbers, return_counts=True)
    if len(distinct) <= BINS:
        return draw_bars(counts)
    halves = numbers / 2  # differences stay finite
    low, high = np.quantile(halves, [0.01, 0.99])
    if low == high:
        low, high = halves.min(), halves.max()
    place = (halves - low) / ((high - low) or 1) * BINS
    return draw_bars(np.bincount(place.clip(0, BINS - 1).astype(int), minlength=BINS))


def draw_bar(share: float, width: int = 20) -> str:
    """Return a share as a bar.

    >>> draw_bar(0.5, 4), draw_bar(0.1, 4), draw_bar(0.0001, 4)
    ('██', '▍', '▏')
    """
    eighths = max(round(8 * width * share), share > 0)
    return "█" * (eighths // 8) + PARTS[eighths % 8].strip()


def draw_image(pixels: Array, height: int, width: int) -> list[str]:
    """Return an image of 0 to 255 as shaded characters, in at most `height` lines.

    A character is taken to be twice as high as wide.

    >>> draw_image(np.array([[0, 255], [0, 255], [128, 0], [128, 0]]), 4, 4)
    [' █', '▒ ']
    """
    gray = pixels.mean(axis=2) if pixels.ndim == 3 else pixels.astype(float)
    step = max(gray.shape[0] / (2 * height), gray.shape[1] / width, 1.0)
    rows = _average_rows(gray, max(1, round(gray.shape[0] / (2 * step))))
    cells = _average_rows(rows.T, max(1, round(gray.shape[1] / step))).T
    shades = (cells / 256 * len(SHADES)).astype(int)
    return ["".join(SHADES[shade] for shade in row) for row in shades]


def _average_rows(rows: Array, count: int) -> Array:
    """Average the rows of a matrix in `count` groups of adjacent rows."""
    edges = np.linspace(0, len(rows), count + 1).round().astype(int)
    return np.stack([rows[a : max(b, a + 1)].mean(axis=0) for a, b in pairwise(edges)])


def join_side_by_side(pictures: list[list[str]], titles: list[str], width: int) -> list[str]:
    """Return pictures side by side, each below its title, as many per line as fit the width.

    >>> join_side_by_side([["##"], ["++", "++"], ["xx"]], ["a", "b", "c"], 7)
    ['a   b', '##  ++', '    ++', 'c', 'xx']
    """
    column = max(len(line) for picture in pictures for line in picture)
    some = max(1, (width + 2) // (column + 2))
    shown = [[title[:column], *one] for title, one in zip(titles, pictures, strict=True)]
    lines = list[str]()
    for start in range(0, len(shown), some):
        row = zip_longest(*shown[start : start + some], fillvalue="")
        lines += ["  ".join(cell.ljust(column) for cell in cells).rstrip() for cells in row]
    return lines

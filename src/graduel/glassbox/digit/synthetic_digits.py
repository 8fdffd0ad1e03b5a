"""Drawings from strokes: lines of a pen turned to ink, and digits written by a random hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.errors import UserError

Array = NDArray[Any]
Point = tuple[float, float]
Stroke = Sequence[Point]


def draw_strokes(
    points: Sequence[Stroke], thickness: float = 20.0, size: tuple[int, int] = (280, 280)
) -> Array:
    """Draw lines of a round pen and return the ink, float32 from 0 to 1.

    Parameters
    ----------
    points : for each stroke its points (x, y) in pixels, x to the right and y down; a stroke of
        one point is a dot
    thickness : of the pen, in pixels
    size : (height, width) of the drawing

    Raises
    ------
    UserError
        If the size or the thickness is not positive, or a point is no pair of finite numbers.

    Examples
    --------
    >>> ink = draw_strokes([[(140, 40), (140, 240)]], thickness=20)
    >>> ink.shape, float(ink[140, 140]), float(ink[140, 100])
    ((280, 280), 1.0, 0.0)
    """
    from PIL import Image, ImageDraw

    height, width = size
    if not (height >= 1 and width >= 1 and 0 < thickness <= 4 * max(size)):
        raise UserError(f"size and thickness must be positive; got {size} and {thickness}")
    # Twice as large, and made smaller afterwards: the edges become smooth.
    image = Image.new("L", (2 * width, 2 * height))
    pen, radius = ImageDraw.Draw(image), float(thickness)
    for stroke in points:
        found = np.asarray(stroke, np.float64)
        if found.ndim != 2 or found.shape[1:] != (2,) or not np.isfinite(found).all():
            raise UserError("a stroke must be points (x, y) of finite numbers")
        line = [(float(x), float(y)) for x, y in 2 * found.clip(-1e5, 1e5)]
        if len(line) > 1:
            pen.line(line, fill=255, width=max(1, ceil(2 * thickness)))
        for x, y in line:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    small = image.resize((width, height), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / np.float32(255)


# Each digit in a box of 1 × 1, some in the several ways that people write them: lists of strokes,
# each a few points that a smooth curve goes through, or, where `sharp`, straight lines.
@dataclass(frozen=True, slots=True)
class _Way:
    lines: tuple[tuple[Point, ...], ...]
    sharp: tuple[bool, ...]


def _way(*lines: tuple[bool, tuple[Point, ...]]) -> _Way:
    return _Way(tuple(line for _, line in lines), tuple(sharp for sharp, _ in lines))


_ROUND = ((0.5, 0.0), (0.15, 0.2), (0.1, 0.5), (0.2, 0.85), (0.5, 1.0), (0.8, 0.85), (0.9, 0.5))
WAYS: dict[int, tuple[_Way, ...]] = {
    0: (_way((False, (*_ROUND, (0.82, 0.18), (0.5, 0.0)))),),
    1: (
        _way((True, ((0.5, 0.0), (0.5, 1.0)))),
        _way((True, ((0.32, 0.2), (0.52, 0.0), (0.52, 1.0)))),
    ),
    2: (
        _way(
            (
                False,
                ((0.12, 0.25), (0.3, 0.03), (0.65, 0.03), (0.82, 0.28), (0.6, 0.6), (0.1, 1.0)),
            ),
            (True, ((0.1, 1.0), (0.92, 0.98))),
        ),
    ),
    3: (
        _way(
            (False, ((0.15, 0.12), (0.45, 0.0), (0.78, 0.15), (0.7, 0.38), (0.4, 0.47))),
            (False, ((0.4, 0.47), (0.75, 0.55), (0.85, 0.78), (0.55, 1.0), (0.12, 0.88))),
        ),
    ),
    4: (
        _way(
            (True, ((0.22, 0.0), (0.12, 0.55), (0.88, 0.55))),
            (True, ((0.74, 0.05), (0.7, 1.0))),
        ),
        _way((True, ((0.7, 1.0), (0.7, 0.0), (0.08, 0.65), (0.95, 0.65)))),
    ),
    5: (
        _way(
            (True, ((0.85, 0.02), (0.28, 0.02), (0.22, 0.42))),
            (
                False,
                ((0.22, 0.42), (0.55, 0.38), (0.85, 0.6), (0.72, 0.92), (0.4, 1.0), (0.1, 0.88)),
            ),
        ),
    ),
    6: (
        _way(
            (
                False,
                (
                    (0.68, 0.0),
                    (0.3, 0.3),
                    (0.12, 0.68),
                    (0.3, 0.97),
                    (0.65, 0.97),
                    (0.8, 0.75),
                    (0.6, 0.55),
                    (0.3, 0.6),
                    (0.14, 0.78),
                ),
            ),
        ),
    ),
    7: (
        _way((True, ((0.1, 0.03), (0.85, 0.03), (0.4, 1.0)))),
        _way(
            (False, ((0.1, 0.08), (0.5, 0.04), (0.88, 0.03))), (True, ((0.88, 0.03), (0.42, 1.0)))
        ),
    ),
    8: (
        _way(
            (
                False,
                (
                    (0.8, 0.15),
                    (0.5, 0.0),
                    (0.22, 0.2),
                    (0.5, 0.47),
                    (0.8, 0.76),
                    (0.5, 1.0),
                    (0.2, 0.76),
                    (0.5, 0.47),
                    (0.8, 0.15),
                ),
            ),
        ),
    ),
    9: (
        _way(
            (
                False,
                (
                    (0.8, 0.2),
                    (0.5, 0.0),
                    (0.2, 0.2),
                    (0.35, 0.47),
                    (0.65, 0.42),
                    (0.8, 0.2),
                ),
            ),
            (False, ((0.8, 0.2), (0.78, 0.6), (0.7, 1.0))),
        ),
    ),
}
"""How each digit is written."""


def draw_digit(
    digit: int,
    rng: np.random.Generator,
    *,
    size: int = 280,
    thickness: tuple[float, float] = (8.0, 34.0),
    height: tuple[float, float] = (60.0, 220.0),
    slant: tuple[float, float] = (-0.1, 0.35),
    wobble: float = 0.02,
    margin: float = 12.0,
) -> tuple[list[list[Point]], float]:
    """Write a digit by a random hand: thin or thick, small or large, slanted, anywhere.

    Parameters
    ----------
    digit : 0 to 9
    rng : the hand
    size : of the square field, in pixels
    thickness : of the pen, from and to; a small digit gets no more than a seventh of its height
    height : of the digit, from and to
    slant : how far it leans to the right, as a share of its height, from and to
    wobble : the spread of every point, as a share of the height
    margin : what stays free at the edge

    Returns
    -------
    The strokes and the pen's thickness, as :func:`draw_strokes` takes them.

    Raises
    ------
    UserError
        If the digit is none.

    Examples
    --------
    >>> points, pen = draw_digit(7, np.random.default_rng(0))
    >>> draw_strokes(points, pen).shape
    (280, 280)
    """
    if digit not in WAYS:
        raise UserError(f"digit must be from 0 to 9; got {digit}")
    ways = WAYS[digit]
    way = ways[int(rng.integers(len(ways)))]
    tall = float(rng.uniform(*height))
    pen = min(float(rng.uniform(*thickness)), tall / 7)
    wide = tall * float(rng.uniform(0.6, 0.8))
    lean, turn = float(rng.uniform(*slant)), float(rng.normal(0, 0.04))
    drawn: list[Array] = []
    shift: dict[Point, Array] = {}
    for line, sharp in zip(way.lines, way.sharp, strict=True):
        moved = []
        for point in line:
            # Strokes that meet in a point meet in it after its wobble, too.
            if point not in shift:
                shift[point] = rng.normal(0, wobble, 2)
            moved.append(np.array(point) + shift[point])
        drawn.append(np.array(moved) if sharp else _smooth(np.array(moved)))
    turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    placed = []
    for path in drawn:
        x = (path[:, 0] - 0.5) * wide - (path[:, 1] - 0.5) * lean * tall
        placed.append(np.stack([x, (path[:, 1] - 0.5) * tall], axis=1) @ turned)
    every = np.concatenate(placed)
    low, high = every.min(axis=0) - pen / 2, every.max(axis=0) + pen / 2
    room = np.maximum(size - 2 * margin - (high - low), 0)
    start = margin + room * rng.uniform(size=2) - low
    found = [[(float(x), float(y)) for x, y in path + start] for path in placed]
    return found, pen


def _smooth(points: Array, pieces: int = 12) -> Array:
    """Lay a curve through points (Catmull and Rom, 1974)."""
    first, last = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
    if np.allclose(points[0], points[-1]):
        first, last = points[-2], points[1]
    p = np.vstack([first, points, last])
    t = np.linspace(0, 1, pieces, endpoint=False)[:, None]
    parts = [
        0.5
        * (
            2 * b
            + (c - a) * t
            + (2 * a - 5 * b + 4 * c - d) * t**2
            + (3 * b - 3 * c + d - a) * t**3
        )
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    return np.vstack([*parts, points[-1:]])

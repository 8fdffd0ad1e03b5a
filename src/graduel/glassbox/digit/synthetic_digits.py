"""Synthetic drawings: pen strokes rendered as ink, and random handwritten digits."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.plain_data import Array

Point = tuple[float, float]
Stroke = Sequence[Point]


def draw_strokes(
    points: Sequence[Stroke], thickness: float = 20.0, size: tuple[int, int] = (280, 280)
) -> Array:
    """Render strokes of a round pen, float32 from 0 to 1.

    Parameters
    ----------
    points : the points (x, y) of each stroke in pixels, x to the right and y down; a stroke of
        one point is a dot
    thickness : width of the pen in pixels
    size : (height, width) of the drawing

    Raises
    ------
    UserError
        If the size or the thickness is not positive, or a point is not two finite numbers.

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
    # Drawn at twice the size and downscaled, for smooth edges.
    image = Image.new("L", (2 * width, 2 * height))
    pen, radius = ImageDraw.Draw(image), float(thickness)
    for stroke in points:
        xy = np.asarray(stroke, np.float64)
        if xy.ndim != 2 or xy.shape[1:] != (2,) or not np.isfinite(xy).all():
            raise UserError(
                f"a stroke must be points (x, y) of finite numbers; got shape {xy.shape}"
            )
        line = [(float(x), float(y)) for x, y in 2 * xy.clip(-1e5, 1e5)]
        if len(line) > 1:
            pen.line(line, fill=255, width=max(1, ceil(2 * thickness)))
        for x, y in line:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    small = image.resize((width, height), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / np.float32(255)


STYLES: dict[int, tuple[str, ...]] = {
    0: ("~ .5,0 .15,.2 .1,.5 .2,.85 .5,1 .8,.85 .9,.5 .82,.18 .5,0",),
    1: ("- .5,0 .5,1", "- .32,.2 .52,0 .52,1"),
    2: ("~ .12,.25 .3,.03 .65,.03 .82,.28 .6,.6 .1,1 - .1,1 .92,.98",),
    3: ("~ .15,.12 .45,0 .78,.15 .7,.38 .4,.47 ~ .4,.47 .75,.55 .85,.78 .55,1 .12,.88",),
    4: ("- .22,0 .12,.55 .88,.55 - .74,.05 .7,1", "- .7,1 .7,0 .08,.65 .95,.65"),
    5: ("- .85,.02 .28,.02 .22,.42 ~ .22,.42 .55,.38 .85,.6 .72,.92 .4,1 .1,.88",),
    6: ("~ .68,0 .3,.3 .12,.68 .3,.97 .65,.97 .8,.75 .6,.55 .3,.6 .14,.78",),
    7: ("- .1,.03 .85,.03 .4,1", "~ .1,.08 .5,.04 .88,.03 - .88,.03 .42,1"),
    8: ("~ .8,.15 .5,0 .22,.2 .5,.47 .8,.76 .5,1 .2,.76 .5,.47 .8,.15",),
    9: ("~ .8,.2 .5,0 .2,.2 .35,.47 .65,.42 .8,.2 ~ .8,.2 .78,.6 .7,1",),
}
"""Handwriting styles of each digit: strokes as points x,y in a box of 1 × 1.

A stroke after ~ is a smooth curve through its points; a stroke after - is straight lines.
"""


def _parse_style(text: str) -> list[tuple[bool, list[Point]]]:
    """Return the strokes of a style: for each, whether it is a curve, and its points."""
    strokes: list[tuple[bool, list[Point]]] = []
    for token in text.split():
        if token in "~-":
            strokes.append((token == "~", []))
        else:
            x, y = map(float, token.split(","))
            strokes[-1][1].append((x, y))
    return strokes


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
    """Draw a random handwritten digit: pen, size, slant, position and shape vary.

    Parameters
    ----------
    digit : 0 to 9
    rng : the source of randomness
    size : side of the square field in pixels
    thickness : range of the pen's width in pixels, limited to a seventh of the digit's height
    height : range of the digit's height in pixels
    slant : range of the slant to the right, as a share of the height
    wobble : standard deviation of each point, as a share of the height
    margin : minimum distance to the edge in pixels

    Returns
    -------
    The strokes and the pen's thickness, the first two arguments of :func:`draw_strokes`.

    Raises
    ------
    UserError
        If `digit` is not from 0 to 9.

    Examples
    --------
    >>> points, pen = draw_digit(7, np.random.default_rng(0))
    >>> draw_strokes(points, pen).shape
    (280, 280)
    """
    if digit not in STYLES:
        raise UserError(f"digit must be from 0 to 9; got {digit}")
    styles = STYLES[digit]
    strokes = _parse_style(styles[int(rng.integers(len(styles)))])
    tall = float(rng.uniform(*height))
    pen = min(float(rng.uniform(*thickness)), tall / 7)
    wide = tall * float(rng.uniform(0.6, 0.8))
    lean, angle = float(rng.uniform(*slant)), float(rng.normal(0, 0.04))
    drawn: list[Array] = []
    shift: dict[Point, Array] = {}
    for is_curve, line in strokes:
        moved = []
        for point in line:
            # A point shared by two strokes moves once, so that they still meet.
            if point not in shift:
                shift[point] = rng.normal(0, wobble, 2)
            moved.append(np.array(point) + shift[point])
        drawn.append(_smooth(np.array(moved)) if is_curve else np.array(moved))
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    placed = []
    for path in drawn:
        x = (path[:, 0] - 0.5) * wide - (path[:, 1] - 0.5) * lean * tall
        placed.append(np.stack([x, (path[:, 1] - 0.5) * tall], axis=1) @ rotation)
    points = np.concatenate(placed)
    low, high = points.min(axis=0) - pen / 2, points.max(axis=0) + pen / 2
    room = np.maximum(size - 2 * margin - (high - low), 0)
    start = margin + room * rng.uniform(size=2) - low
    return [[(float(x), float(y)) for x, y in path + start] for path in placed], pen


def _smooth(points: Array, pieces: int = 12) -> Array:
    """Return a Catmull-Rom spline (1974) through the points."""
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

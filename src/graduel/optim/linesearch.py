"""Line search: a step that meets the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, nan, sqrt
from typing import NamedTuple


class Point(NamedTuple):
    """A function φ of one number, where it has been computed."""

    at: float
    value: float
    slope: float


def strong_wolfe(
    phi: Callable[[float], Point],
    start: Point,
    first: float,
    *,
    c1: float,
    c2: float,
    most: int,
) -> Point:
    """Search a > 0 with  φ(a) ≤ φ(0) + c₁ a φ′(0)  and  |φ′(a)| ≤ c₂ |φ′(0)|.

    First the step grows until it brackets such a point, then the bracket shrinks: each time to
    the minimum of a cubic through its ends, kept away from them.

    Source: Nocedal and Wright, *Numerical Optimization*, 2006, algorithms 3.5 and 3.6, equation
    3.59.

    Parameters
    ----------
    phi : computes φ and φ′; what is not finite counts as too high
    start : φ at 0, its slope negative
    first : the step to try first
    c1, c2 : 0 < c1 < c2 < 1
    most : how often φ may be computed

    Returns
    -------
    Point
        One that meets both conditions. If none has been found, the lowest that meets the first
        one; if there is none either, `start`.

    Examples
    --------
    >>> def phi(a):
    ...     return Point(a, (a - 3) ** 2, 2 * (a - 3))
    >>> strong_wolfe(phi, phi(0.0), 1.0, c1=1e-4, c2=0.1, most=20)
    Point(at=3.0, value=0.0, slope=0.0)
    """

    def low_enough(point: Point) -> bool:
        finite = isfinite(point.value) and isfinite(point.slope)
        return finite and point.value <= start.value + c1 * point.at * start.slope

    def flat_enough(point: Point) -> bool:
        return abs(point.slope) <= -c2 * start.slope

    previous, step, left = start, first, most
    while True:
        if not left:
            return previous
        point, left = phi(step), left - 1
        if not low_enough(point) or point.value >= previous.value:
            low, high = previous, point
            break
        if flat_enough(point):
            return point
        if point.slope >= 0:
            low, high = point, previous
            break
        previous, step = point, further(previous, point)
    # `low` is the lowest so far that meets the first condition, and φ falls from it to `high`.
    for count in range(left):
        step = between(low, high, halve=count % 3 == 2)
        if step in (low.at, high.at):
            break
        point = phi(step)
        if not low_enough(point) or point.value >= low.value:
            high = point
            continue
        if flat_enough(point):
            return point
        if point.slope * (high.at - low.at) >= 0:
            high = low
        low = point
    return low


def further(near: Point, far: Point) -> float:
    """Return a step beyond `far`, two to ten times as long, where φ still falls."""
    step = cubic_minimum(near, far)
    return min(max(step, 2 * far.at), 10 * far.at) if isfinite(step) else 2 * far.at


def between(low: Point, high: Point, *, halve: bool) -> float:
    """Return a step inside the bracket, at least a tenth of it away from its ends.

    Every third time it halves the bracket, so that this shrinks fast whatever φ is.
    """
    step = nan if halve else cubic_minimum(low, high)
    width = high.at - low.at
    share = (step - low.at) / width if isfinite(step) else 0.5
    return low.at + min(max(share, 0.1), 0.9) * width


def cubic_minimum(a: Point, b: Point) -> float:
    """Return where the cubic with the values and slopes of two points is lowest, or NaN."""
    width = b.at - a.at
    middle = a.slope + b.slope - 3 * (b.value - a.value) / width
    inside = middle * middle - a.slope * b.slope
    if not (isfinite(inside) and inside >= 0):
        return nan
    root = sqrt(inside) if width > 0 else -sqrt(inside)
    below = b.slope - a.slope + 2 * root
    return b.at - width * (b.slope + root - middle) / below if below else nan

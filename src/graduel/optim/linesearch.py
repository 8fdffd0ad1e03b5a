"""Line search for the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, nan, sqrt
from typing import NamedTuple


class Point(NamedTuple):
    """The value and slope of a function φ at a point."""

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
    max_evaluations: int,
) -> Point:
    """Return a point a > 0 with  φ(a) ≤ φ(0) + c₁ a φ′(0)  and  |φ′(a)| ≤ c₂ |φ′(0)|.

    The step grows until it brackets such a point. Then the bracket shrinks, each time at the
    minimum of the cubic interpolant, kept away from the ends.

    Source: Nocedal and Wright, *Numerical Optimization*, 2006, algorithms 3.5 and 3.6, equation
    3.59.

    Parameters
    ----------
    phi : returns φ and φ′; values that are not finite count as too high
    start : φ at 0, with a negative slope
    first : the first step to try
    c1, c2 : constants with 0 < c1 < c2 < 1
    max_evaluations : maximum number of evaluations of φ

    Returns
    -------
    Point
        A point that meets both conditions; if none is found, the lowest point that meets the
        first; if there is none, `start`.

    Examples
    --------
    >>> def phi(a):
    ...     return Point(a, (a - 3) ** 2, 2 * (a - 3))
    >>> strong_wolfe(phi, phi(0.0), 1.0, c1=1e-4, c2=0.1, max_evaluations=20)
    Point(at=3.0, value=0.0, slope=0.0)
    """

    def low_enough(point: Point) -> bool:
        finite = isfinite(point.value) and isfinite(point.slope)
        return finite and point.value <= start.value + c1 * point.at * start.slope

    def flat_enough(point: Point) -> bool:
        return abs(point.slope) <= -c2 * start.slope

    previous, step, left = start, first, max_evaluations
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
    # `low` is the lowest point so far that meets the first condition; φ decreases from it towards
    # `high`.
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
    """Return a step two to ten times as long as `far`, where φ still decreases."""
    step = cubic_minimum(near, far)
    return min(max(step, 2 * far.at), 10 * far.at) if isfinite(step) else 2 * far.at


def between(low: Point, high: Point, *, halve: bool) -> float:
    """Return a step inside the bracket, at least a tenth of its width away from the ends.

    With `halve` it is the midpoint, which guarantees that the bracket shrinks for any φ.
    """
    step = nan if halve else cubic_minimum(low, high)
    width = high.at - low.at
    share = (step - low.at) / width if isfinite(step) else 0.5
    return low.at + min(max(share, 0.1), 0.9) * width


def cubic_minimum(a: Point, b: Point) -> float:
    """Return the minimum of the cubic through the values and slopes of two points, or NaN."""
    width = b.at - a.at
    middle = a.slope + b.slope - 3 * (b.value - a.value) / width
    inside = middle * middle - a.slope * b.slope
    if not (isfinite(inside) and inside >= 0):
        return nan
    root = sqrt(inside) if width > 0 else -sqrt(inside)
    below = b.slope - a.slope + 2 * root
    return b.at - width * (b.slope + root - middle) / below if below else nan

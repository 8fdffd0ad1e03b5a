"""L-BFGS, a quasi-Newton method for the full batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np

from graduel.optim.chunking import CHUNK
from graduel.optim.linesearch import Point, strong_wolfe
from graduel.optim.minimizer import Array, Iteration, Objective
from graduel.optim.ranges import check_positive, check_range


@dataclass(frozen=True, slots=True)
class LBFGS:
    """θ ← θ + a d,   d = −H g,   a from a line search (strong Wolfe conditions).

    H approximates the inverse Hessian from the last `memory` steps s and gradient changes y,
    starting from (sᵀy / yᵀy) I; it is never formed. The loss must be deterministic and must not
    change: full batch, no dropout, no batch statistics.

    The iteration ends if the largest absolute entry of the gradient is at most `tolerance`
    ("converged"); if even steepest descent finds no lower point, for example at the precision of
    the dtype ("no decrease"); if the initial loss or gradient is not finite ("not finite"); or
    after the last step ("out of steps").

    Source: Nocedal and Wright, *Numerical Optimization*, 2006, algorithms 7.4 and 7.5.

    Parameters
    ----------
    memory : number of steps in the approximation
    c1, c2 : constants of the Wolfe conditions, 0 < c1 < c2 < 1
    most_evaluations : maximum number of loss evaluations in a line search
    tolerance : largest absolute entry of the gradient that counts as zero

    Examples
    --------
    >>> def f(x):  # minimum at (2, −1)
    ...     e = x - np.array([2.0, -1.0])
    ...     return e[0] ** 2 + 50 * e[1] ** 2, np.array([2.0, 100.0]) * e
    >>> theta = np.zeros(2)
    >>> for iteration in LBFGS().minimize(f, theta, steps=50):
    ...     pass
    >>> theta.round(4), iteration.end
    (array([ 2., -1.]), 'converged')
    """

    memory: int = 10
    c1: float = 1e-4
    c2: float = 0.9
    most_evaluations: int = 25
    tolerance: float = 1e-5

    def __post_init__(self) -> None:
        for name, value in (("memory", self.memory), ("most_evaluations", self.most_evaluations)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1; got {value}")
        check_positive("c1", self.c1)
        check_range("tolerance", self.tolerance)
        if not self.c1 < self.c2 < 1:
            raise ValueError(f"c2 must be above c1, {self.c1}, and below 1; got {self.c2}")

    def minimize(self, f: Objective, theta: Array, steps: int) -> Iterator[Iteration]:
        """Yield after each iteration, with `theta` moved in place to the accepted point.

        `f` is always called with `theta` itself, so it may also read the parameters through views.
        If it raises, `theta` is reset to the last accepted point.
        """
        if steps < 1:
            raise ValueError(f"steps must be at least 1; got {steps}")
        return self._iterate(_Line(f, theta), steps)

    def _iterate(self, line: _Line, steps: int) -> Iterator[Iteration]:
        loss, most = line.begin()
        if not (isfinite(loss) and isfinite(most)):
            yield Iteration(0, loss, most, line.evaluations, "not finite")
            return
        if most <= self.tolerance:
            yield Iteration(0, loss, most, line.evaluations, "converged")
            return
        pairs = _Pairs(self.memory, line.theta)
        for step in range(1, steps + 1):
            point = self._search(line, pairs, loss)
            if not point.at and pairs.count:
                pairs.count = 0
                point = self._search(line, pairs, loss)
            if not point.at:
                yield Iteration(step - 1, loss, most, line.evaluations, "no decrease")
                return
            loss = point.value
            pairs.add(line)
            most = line.accept()
            end = "out of steps" if step == steps else ""
            end = "converged" if most <= self.tolerance else end
            yield Iteration(step, loss, most, line.evaluations, end)
            if end:
                return

    def _search(self, line: _Line, pairs: _Pairs, loss: float) -> Point:
        """Move `line` to a lower point, which is returned; at a = 0 if there is none."""
        slope = pairs.direct(line)
        if not (slope < 0 and isfinite(slope)):
            return Point(0.0, loss, slope)
        first = 1.0 if pairs.count else min(1.0, 1 / sqrt(-slope))
        return line.search(Point(0.0, loss, slope), first, self)


class _Line:
    """The function along a direction, with the gradient at its starting point."""

    def __init__(self, f: Objective, theta: Array) -> None:
        self.f, self.theta = f, theta
        self.base, self.d = theta.copy(), np.empty_like(theta)
        self.gradient, self.trial = np.empty_like(theta), np.empty_like(theta)
        self.product = np.empty(min(len(theta), CHUNK), np.float64)
        self.evaluations = 0

    def begin(self) -> tuple[float, float]:
        """Return the loss and the largest absolute entry of the gradient at θ."""
        loss = self._evaluate()
        return loss, self.accept()

    def search(self, start: Point, first: float, rule: LBFGS) -> Point:
        """Move θ along the direction to a lower point, with its gradient in `trial`, or reset θ."""
        last = start

        def phi(step: float) -> Point:
            nonlocal last
            np.multiply(self.d, step, out=self.theta)
            self.theta += self.base
            value = self._evaluate()
            last = Point(step, value, self.dot(self.trial, self.d))
            return last

        moved = False
        try:
            point = strong_wolfe(
                phi, start, first, c1=rule.c1, c2=rule.c2, max_evaluations=rule.most_evaluations
            )
            if point.at and point is not last:
                point = phi(point.at)
            moved = point.at > 0
        finally:
            if not moved:
                self.theta[...] = self.base
        return point

    def accept(self) -> float:
        """Start the line at θ; return the largest absolute entry of the gradient."""
        self.base[...] = self.theta
        self.gradient, self.trial = self.trial, self.gradient
        return max(abs(float(self.gradient.min())), abs(float(self.gradient.max())))

    def dot(self, a: Array, b: Array) -> float:
        """Return aᵀb, summed in float64."""
        total = 0.0
        for start in range(0, len(a), CHUNK):
            one, two = a[start : start + CHUNK], b[start : start + CHUNK]
            total += float(np.multiply(one, two, out=self.product[: len(one)], dtype="f8").sum())
        return total

    def _evaluate(self) -> float:
        loss, gradient = self.f(self.theta)
        self.evaluations += 1
        self.trial[...] = gradient
        return float(loss)


class _Pairs:
    """A ring buffer of the last steps s and gradient changes y."""

    def __init__(self, memory: int, theta: Array) -> None:
        self.S = np.empty((memory, len(theta)), theta.dtype)
        self.Y = np.empty_like(self.S)
        self.curvature = [0.0] * memory  # sᵀy
        self.share = [0.0] * memory
        self.scale = 1.0  # sᵀy / yᵀy of the newest pair
        self.scratch = np.empty(min(len(theta), CHUNK), theta.dtype)
        self.eps = float(np.finfo(theta.dtype).eps)
        self.count, self.next = 0, 0

    def add(self, line: _Line) -> None:
        """Store the step from the line's start to θ, if its curvature is positive."""
        s, y = self.S[self.next], self.Y[self.next]
        np.subtract(line.theta, line.base, out=s)
        np.subtract(line.trial, line.gradient, out=y)
        sy, ss, yy = line.dot(s, y), line.dot(s, s), line.dot(y, y)
        if not (yy > 0 and sy > self.eps * sqrt(ss) * sqrt(yy)):
            # The rejected pair has overwritten the oldest one if the ring was full.
            self.count = min(self.count, len(self.S) - 1)
            return
        self.curvature[self.next], self.scale = sy, sy / yy
        self.next = (self.next + 1) % len(self.S)
        self.count = min(self.count + 1, len(self.S))

    def direct(self, line: _Line) -> float:
        """Set the line's direction to −H g; return the slope along it."""
        np.negative(line.gradient, out=line.d)
        newest_first = [(self.next - 1 - i) % len(self.S) for i in range(self.count)]
        for k in newest_first:
            self.share[k] = line.dot(self.S[k], line.d) / self.curvature[k]
            self._add_to(line.d, -self.share[k], self.Y[k])
        if self.count:
            line.d *= self.scale
        for k in reversed(newest_first):
            back = line.dot(self.Y[k], line.d) / self.curvature[k]
            self._add_to(line.d, self.share[k] - back, self.S[k])
        slope = line.dot(line.gradient, line.d)
        if (slope < 0 and isfinite(slope)) or not self.count:
            return slope
        self.count = 0
        return self.direct(line)

    def _add_to(self, total: Array, factor: float, vector: Array) -> None:
        for start in range(0, len(total), CHUNK):
            part = slice(start, start + CHUNK)
            step = np.multiply(vector[part], factor, out=self.scratch[: len(vector[part])])
            total[part] += step

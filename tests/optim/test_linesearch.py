"""The line search of L-BFGS on one-dimensional functions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.optim.linesearch import Point, cubic_minimum, strong_wolfe


@settings(deadline=None)
@given(
    st.floats(0.01, 100),
    st.floats(0.05, 50),
    st.sampled_from([0.01, 0.1, 0.9]),
    st.sampled_from(["square", "quartic", "cosh", "log"]),
)
def test_the_strong_wolfe_conditions_hold(bottom, first, c2, kind):
    def phi(a):
        e = a / bottom - 1
        values = {
            "square": (e**2, 2 * e),
            "quartic": (e**4 + e, 4 * e**3 + 1) if e > -2 else (0, 0),
            "cosh": (math.cosh(min(e, 300)), math.sinh(min(e, 300))),
            "log": (e - math.log1p(e + 0.1), 1 - 1 / (e + 1.1)),
        }[kind]
        return Point(a, values[0], values[1] / bottom)

    start = phi(0.0)
    found = strong_wolfe(phi, start, first, c1=1e-4, c2=c2, max_evaluations=60)
    assert found.value <= start.value + 1e-4 * found.at * start.slope
    assert abs(found.slope) <= c2 * abs(start.slope)
    assert found == phi(found.at)


def test_a_higher_flat_point_is_rejected():
    def phi(a):  # decreases to a = 1.05, increases to 5.24, and so on, with growing maxima
        return Point(a, 0.5 * a - math.sin(a), 0.5 - math.cos(a))

    top = 2 * math.pi - math.pi / 3
    found = strong_wolfe(phi, phi(0.0), top, c1=1e-4, c2=0.1, max_evaluations=20)
    assert found.at == pytest.approx(math.pi / 3, abs=0.1)


def test_a_step_with_too_little_decrease_is_rejected():
    def phi(a):
        return Point(a, (a - 1) ** 2, 2 * (a - 1))

    found = strong_wolfe(phi, phi(0.0), 1.9, c1=0.3, c2=0.95, max_evaluations=20)
    assert found.value <= 1 - 0.3 * 2 * found.at


@pytest.mark.parametrize("beyond", [(-math.inf, 0.0), (-1e9, math.nan), (math.nan, 0.0)])
def test_values_that_are_not_finite_count_as_too_high(beyond):
    def phi(a):
        return Point(a, (a - 1) ** 2, 2 * (a - 1)) if a < 3 else Point(a, *beyond)

    found = strong_wolfe(phi, phi(0.0), 50.0, c1=1e-4, c2=0.1, max_evaluations=20)
    assert found.at == pytest.approx(1, abs=0.1)


def test_with_few_evaluations_the_lowest_point_is_returned():
    def phi(a):
        return Point(a, (a - 1000.0) ** 2, 2 * (a - 1000.0))

    assert strong_wolfe(phi, phi(0.0), 1.0, c1=1e-4, c2=1e-6, max_evaluations=2).at == 10
    assert strong_wolfe(phi, phi(0.0), 1e6, c1=1e-4, c2=1e-6, max_evaluations=1).at == 0


def test_the_minimum_of_a_cubic():
    def at(x):
        return Point(x, x**3 - 3 * x, 3 * x**2 - 3)

    for a, b in ((0.0, 2.0), (2.0, 0.0), (0.5, 0.9), (-0.5, 5.0)):
        assert cubic_minimum(at(a), at(b)) == pytest.approx(1)
    rising = Point(0.0, 0.0, 1.0), Point(1.0, 1.0, 1.0)
    assert math.isnan(cubic_minimum(*rising))
    assert math.isnan(cubic_minimum(at(0.0), Point(1.0, math.inf, 1.0)))

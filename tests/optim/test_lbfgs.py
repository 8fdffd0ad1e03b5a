"""L-BFGS against known minima and SciPy."""

from __future__ import annotations

import itertools
import math
import tracemalloc
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, rosen, rosen_der
from sklearn.datasets import load_iris

from graduel.optim import LBFGS


def last(iterations):
    return deque(iterations, maxlen=1)[0]


def valley(x):
    return float(rosen(x)), rosen_der(x)


@pytest.mark.parametrize("n", [2, 20])
def test_rosenbrock_function(n):
    theta = np.where(np.arange(n) % 2, 1.0, -1.2)
    end = last(LBFGS(tolerance=1e-8).minimize(valley, theta, 300))
    assert end.end == "converged"
    assert end.evaluations < 1.5 * end.step + 10
    np.testing.assert_allclose(theta, 1, atol=1e-7)


def test_float32_stays_float32():
    theta = np.where(np.arange(20) % 2, 1.0, -1.2).astype(np.float32)
    seen = []

    def f(x):
        seen.append(x.dtype)
        value, gradient = valley(x.astype(np.float64))
        return value, gradient.astype(np.float32)

    end = last(LBFGS(tolerance=1e-3).minimize(f, theta, 300))
    assert end.end == "converged"
    assert {*seen, theta.dtype} == {np.dtype("float32")}
    np.testing.assert_allclose(theta, 1, atol=1e-3)


def quadratic(A, x0):
    def f(x):
        e = A @ (x - x0)
        return 0.5 * (x - x0) @ e, e

    return f


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 12), st.integers(0, 10**6), st.floats(0, 4))
def test_quadratics_are_minimized(n, seed, decades):
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(n, n)))[0]
    A = Q * np.logspace(0, decades, n) @ Q.T
    x0, theta = rng.normal(size=(2, n))
    losses = []
    for iteration in LBFGS(memory=n, tolerance=1e-7).minimize(quadratic(A, x0), theta, 40 * n + 40):
        losses.append(iteration.loss)
    assert iteration.end in ("converged", "no decrease")
    assert all(late <= early for early, late in itertools.pairwise(losses))
    np.testing.assert_allclose(theta, x0, atol=1e-5)


def test_a_quadratic_takes_about_as_many_steps_as_dimensions():
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    f = quadratic(Q * np.arange(1.0, 9.0) @ Q.T, rng.normal(size=8))
    # With a nearly exact line search, the directions of L-BFGS are conjugate.
    end = last(LBFGS(memory=8, c2=1e-3, tolerance=1e-6).minimize(f, np.zeros(8), 50))
    assert end.end == "converged"
    assert end.step <= 10


def logistic(X, y, penalty):
    onehot = np.eye(3)[y]

    def f(theta):
        W = theta.reshape(-1, 3)
        z = X @ W
        z -= z.max(axis=1, keepdims=True)
        total = np.log(np.exp(z).sum(axis=1, keepdims=True))
        loss = -(onehot * (z - total)).sum() / len(X) + penalty / 2 * (theta @ theta)
        return loss, (X.T @ (np.exp(z - total) - onehot) / len(X)).ravel() + penalty * theta

    return f


def test_logistic_regression_has_the_minimum_of_scipy():
    X, y = load_iris(return_X_y=True)
    X = np.column_stack([(X - X.mean(axis=0)) / X.std(axis=0), np.ones(len(X))])
    f = logistic(X, y, 0.01)
    theta = np.zeros(15)
    end = last(LBFGS(tolerance=1e-8).minimize(f, theta, 500))
    options = {"gtol": 1e-9, "ftol": 1e-15, "maxiter": 500}
    theirs = minimize(f, np.zeros(15), jac=True, method="L-BFGS-B", options=options)
    assert end.end == "converged"
    assert end.loss <= theirs.fun + 1e-12
    np.testing.assert_allclose(theta, theirs.x, atol=1e-5)
    assert end.evaluations <= 1.5 * theirs.nfev


def test_f_may_reuse_the_gradient_and_read_theta():
    theta, buffer = np.array([-1.2, 1.0]), np.empty(2)
    given_arrays = set()

    def f(x):
        given_arrays.add(id(x))
        buffer[...] = rosen_der(theta)
        return rosen(theta), buffer

    for count, iteration in enumerate(LBFGS().minimize(f, theta, 100), 1):
        assert iteration.loss == rosen(theta)
        assert iteration.gradient == np.abs(rosen_der(theta)).max()
        buffer.fill(np.nan)
        assert iteration.step == count
    assert given_arrays == {id(theta)}
    np.testing.assert_allclose(theta, 1, atol=1e-4)


def test_end_reasons():
    def flat(x):
        return 1.0, np.ones(2)

    def bad(x):
        return math.nan, np.ones(2)

    def run(f, steps=5, **options):
        theta = np.array([0.5, 0.5])
        return last(LBFGS(**options).minimize(f, theta, steps)), theta

    end, theta = run(flat)
    assert (end.end, end.step) == ("no decrease", 0)
    np.testing.assert_array_equal(theta, 0.5)
    end, theta = run(bad)
    assert (end.end, end.step, end.evaluations) == ("not finite", 0, 1)
    end, _ = run(lambda x: (x @ x, 2 * x), steps=3, memory=1)
    assert (end.end, end.step) == ("converged", 2)
    end, _ = run(valley, steps=3)
    assert (end.end, end.step) == ("out of steps", 3)
    end, _ = run(lambda x: (0.0, np.zeros(2)))
    assert (end.end, end.step, end.evaluations) == ("converged", 0, 1)


def test_no_decrease_at_the_precision_of_float32():
    def f(x):
        x = x.astype(np.float32)
        return float(np.float32(1e3) + (x * x).sum()), 2 * x

    theta = np.full(3, 0.3, np.float32)
    end = last(LBFGS(tolerance=0.0).minimize(f, theta, 100))
    assert end.end in ("no decrease", "converged")
    assert np.abs(theta).max() < 0.1


def test_a_region_that_is_not_finite_is_avoided():
    def f(x):  # undefined for x ≤ 0, minimum at 1
        if x[0] <= 0:
            return math.nan, np.array([math.nan])
        return x[0] - math.log(x[0]), 1 - 1 / x

    theta = np.array([50.0])
    assert last(LBFGS().minimize(f, theta, 50)).end == "converged"
    np.testing.assert_allclose(theta, 1, atol=1e-4)


def test_a_saddle_point_is_left():
    def f(x):
        return (x[0] ** 2 - 1) ** 2 + x[1] ** 2, np.array([4 * x[0] * (x[0] ** 2 - 1), 2 * x[1]])

    theta = np.array([1e-3, 1.0])
    assert last(LBFGS().minimize(f, theta, 100)).end == "converged"
    np.testing.assert_allclose(np.abs(theta), [1, 0], atol=1e-4)


def test_steepest_descent_is_tried_if_the_memory_gives_no_descent():
    theta, failing = np.array([-1.2, 1.0]), 0

    def f(x):
        nonlocal failing
        failing -= 1
        return (math.nan, x) if failing >= 0 else valley(x)

    for iteration in LBFGS(most_evaluations=20).minimize(f, theta, 100):
        if iteration.step == 3:
            failing = 20  # fail the search with memory, not the one without
    assert iteration.end == "converged"


@pytest.mark.parametrize("most", [2, 3, 25])
def test_the_loss_is_that_of_the_accepted_point(most):
    theta = np.where(np.arange(6) % 2, 1.0, -1.2)
    rule = LBFGS(most_evaluations=most, c2=0.01)
    for iteration in itertools.islice(rule.minimize(valley, theta, 100), 30):
        assert iteration.loss == rosen(theta)
        assert iteration.gradient == np.abs(rosen_der(theta)).max()


def test_an_error_leaves_theta_at_the_last_accepted_point():
    theta, calls = np.array([-1.2, 1.0]), 0
    known = [theta.copy()]

    def f(x):
        nonlocal calls
        calls += 1
        if calls == 9:
            raise KeyboardInterrupt
        return valley(x)

    with pytest.raises(KeyboardInterrupt):
        known.extend(theta.copy() for _ in LBFGS().minimize(f, theta, 100))
    assert len(known) > 3
    np.testing.assert_array_equal(theta, known[-1])


def test_results_do_not_depend_on_the_chunk_size(monkeypatch):
    ends = []
    for size in (1000, 7, 1):
        monkeypatch.setattr("graduel.optim.lbfgs.CHUNK", size)
        theta = np.where(np.arange(20) % 2, 1.0, -1.2)
        ends.append(last(LBFGS().minimize(valley, theta, 300)))
        np.testing.assert_allclose(theta, 1, atol=1e-4)
    assert {end.end for end in ends} == {"converged"}


def test_an_iteration_allocates_no_array_of_the_size_of_theta(monkeypatch):
    monkeypatch.setattr("graduel.optim.lbfgs.CHUNK", 2048)
    theta, buffer = np.ones((2, 50_000), np.float32)
    weights = np.linspace(1, 9, 50_000, dtype=np.float32)

    def f(x):
        np.multiply(x, weights, out=buffer)
        return float(np.dot(x, buffer)) / 2, buffer

    iterations = LBFGS(memory=3).minimize(f, theta, 20)
    next(iterations)
    tracemalloc.start()
    try:
        end = last(iterations)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert end.step > 6
    assert most < theta.nbytes / 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"memory": 0}, "memory must be at least 1; got 0"),
        ({"most_evaluations": 0}, "most_evaluations must be at least 1; got 0"),
        ({"c1": 0}, "c1 must be above 0; got 0"),
        ({"c1": 0.5, "c2": 0.4}, "c2 must be above c1, 0.5, and below 1; got 0.4"),
        ({"c2": 1.0}, "c2 must be above c1, 0.0001, and below 1; got 1.0"),
        ({"tolerance": -1}, "tolerance must be at least 0; got -1"),
    ],
)
def test_parameters_out_of_range_raise(options, message):
    with pytest.raises(ValueError, match=message):
        LBFGS(**options)


def test_zero_steps_raise_immediately():
    with pytest.raises(ValueError, match="steps must be at least 1; got 0"):
        LBFGS().minimize(valley, np.zeros(2), 0)

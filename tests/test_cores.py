"""Threads are chosen by the cores that are idle, and by trial where that is in doubt."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graduel import MLPClassifier, TabularMLPClassifier, cores
from graduel.cores import allowed_cores, choose_threads, idle_cores
from graduel.data.source import DataSource
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.plan.threads import largest_product
from graduel.estimators.fit import fit_loop
from graduel.estimators.table import table_training


@pytest.fixture(autouse=True)
def _all_cores(monkeypatch):
    """Lift the limit that conftest.py sets for all other tests."""
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)


@given(st.integers(1, 64), st.floats(0, 64), st.booleans())
def test_there_is_one_thread_at_least_and_none_more_than_allowed(allowed, idle, gains):
    number = choose_threads(allowed, lambda: idle, lambda n: 1 / n if gains else 1.0)
    assert 1 <= number <= allowed
    assert number <= max(1, idle + 1)
    if idle >= allowed:
        assert number == allowed


@pytest.mark.parametrize(
    ("idle", "seconds", "number"),
    [
        (1.5, {1: 1.0, 2: 0.6}, 2),
        (1.5, {1: 1.0, 2: 0.95}, 1),
        (1.5, {1: 1.0, 2: 20.0}, 1),  # threads that wait for each other
        (0.5, {}, 1),
    ],
)
def test_a_trial_decides_where_idle_cores_are_no_whole_number(idle, seconds, number):
    assert choose_threads(2, lambda: idle, seconds.__getitem__) == number


def test_a_trial_has_the_sizes_of_the_largest_network(monkeypatch):
    contenders = {
        "a": {"recipe": {"layers": [256, 512, "relu"], "batch_size": 64, "members": 2}},
        "b": {"recipe": {"layers": [16]}},
        "c": {"recipe": {"max_depth": 6}},
    }
    plan = replace(build_protocol(DataSource.builtin("mnist")), contenders=contenders)
    assert largest_product(plan) == (128, 256, 512)
    assert largest_product(replace(plan, contenders={"c": contenders["c"]})) == cores.SHAPE
    shapes = []
    monkeypatch.setattr(cores, "_seconds_a_step", lambda n, shape: shapes.append(shape) or 1.0)
    assert choose_threads(2, lambda: 1.5, shape=(8, 9, 10)) == 1
    assert shapes == [(8, 9, 10)] * 2


def test_one_core_is_not_measured():
    assert choose_threads(1, pytest.fail) == 1


def test_affinity_limits_the_cores():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system has no affinity")
    code = (
        "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
        "from graduel.cores import allowed_cores, choose_threads\n"
        "print(allowed_cores(), choose_threads())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1"]


def test_busy_processes_take_their_cores():
    loops = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(psutil.cpu_count())
    ]
    try:
        for loop in loops:
            assert psutil.Process(loop.pid).is_running()
        assert idle_cores(0.5) < allowed_cores() - 0.5 or psutil.cpu_count() > allowed_cores()
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


# In a process of its own: OpenBLAS's threads belong to the thread that set them first.
LIMITS = """
import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits
from graduel import cores
from graduel.cores import limit_fit, limit_step
from graduel.nn import Dense, Network
from graduel.optim import AdamW
from graduel.train import Fit, Rows

def threads():
    return max(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas")

with threadpool_limits(2, "blas"):
    small, large = limit_step(1000), limit_step(1e9)
    for _ in range(2):
        with small():
            assert threads() == 1
        assert threads() == 2
        with large():
            assert threads() == 2
    try:
        with small():
            raise ZeroDivisionError
    except ZeroDivisionError:
        assert threads() == 2

    counts = []

    class Counted(AdamW):
        def update(self, *arguments):
            counts.append(threads())
            AdamW.update(self, *arguments)

    X, y = np.zeros((300, 500), np.float32), np.zeros(300, int)
    for units in (4, 200):
        net = Network((Dense(units), Dense(2)), (500,))
        Fit(net, Rows(X), y, rng=np.random.default_rng(0), optimizer=Counted(), epochs=1).fit()
        assert threads() == 2
    assert counts == [1] * 3 + [2] * 3, counts

    for idle, work, expected in ((1, 1e9, 2), (1, 1e15, 1), (8, 1e15, 2)):
        cores._process_threads = lambda: idle
        with limit_fit(work):
            assert threads() == expected
        assert threads() == 2
with threadpool_limits(1, "blas"), limit_fit(1e15):
    cores._process_threads = None  # it is not measured
    assert threads() == 1
"""


def test_small_steps_and_long_fits_are_limited():
    subprocess.run([sys.executable, "-c", LIMITS], check=True)


@pytest.mark.parametrize("estimator", [MLPClassifier, TabularMLPClassifier])
def test_long_fits_of_estimators_are_limited(monkeypatch, estimator):
    asked = []

    @contextmanager
    def limit(multiply_adds):
        asked.append(multiply_adds)
        yield

    for module in (fit_loop, table_training):
        monkeypatch.setattr(module, "limit_fit", limit)
    X = np.random.default_rng(0).normal(size=(90, 3))
    options = {"max_iter": 3} if estimator is MLPClassifier else {"recipe": "epochs=3"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator(random_state=0, **options).fit(X, X[:, 0] > 0)
    (work,) = asked
    assert work > 0
    if estimator is MLPClassifier:
        assert work in ((3 * 100 + 100 * outputs) * 90 * 3 for outputs in (1, 2))


def test_a_step_is_measured(monkeypatch):
    monkeypatch.setattr(cores, "TRIAL", 0.001)
    assert 0 < cores._seconds_a_step(1) < 60

"""Threads are chosen by the cores that are idle, and by trial where that is in doubt."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graduel.duel.plan import threads
from graduel.duel.plan.threads import allowed_cores, choose_threads, idle_cores


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


def test_one_core_is_not_measured():
    assert choose_threads(1, pytest.fail) == 1


def test_affinity_limits_the_cores():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system has no affinity")
    code = (
        "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
        "from graduel.duel.plan.threads import allowed_cores, choose_threads\n"
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


def test_a_step_is_measured(monkeypatch):
    monkeypatch.setattr(threads, "TRIAL", 0.001)
    assert 0 < threads._seconds_a_step(1) < 60

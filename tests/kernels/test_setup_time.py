"""Loading and compiling are no training: the clock stands still, and the screen says what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from graduel import kernels
from graduel.cli.views.progress import describe
from graduel.contenders import fit_job
from graduel.duel.plan.protocol import Cell
from graduel.duel.run.job import Event


@pytest.fixture
def now(monkeypatch):
    """A clock that the test moves."""
    time = [100.0]
    for module in (kernels, fit_job):
        monkeypatch.setattr(module, "perf_counter", lambda: time[0])
    return time


def test_the_clock_of_a_fit_stands_still_while_kernels_are_compiled(now):
    clock = fit_job.Clock()
    now[0] += 1
    kernels.begin_setup()
    now[0] += 5
    kernels.begin_setup()  # compiling one may load another
    now[0] += 5
    kernels.end_setup()
    kernels.end_setup()
    now[0] += 2
    assert clock.stop() == 3
    clock.resume()
    now[0] += 1
    assert clock.seconds == 4


def test_what_is_compiled_is_announced_once_and_counted():
    numba = pytest.importorskip("numba")
    selected = kernels.name()
    kernels.use("numba")
    before, calls = kernels.setup_seconds(), []
    try:
        with kernels.announce(lambda: calls.append(1)):
            assert numba.njit(lambda x: x + 1)(1) == 2
            assert numba.njit(lambda x: x + 2)(1) == 3
        assert calls == [1]
        assert kernels.setup_seconds() > before
        assert numba.njit(lambda x: x + 3)(1) == 4
        assert calls == [1]  # nobody asks any more
    finally:
        kernels.use(selected)


def test_the_word_on_the_screen():
    assert describe(Event(Cell("net", 0), "compiling")) == "compiling kernels, once …"


def test_every_clock_of_training_is_that_one():
    """No other module times a fit with a clock of its own."""
    src = Path(kernels.__file__).parents[1]
    timed = {
        path.relative_to(src).as_posix()
        for folder in ("train", "contenders", "estimators", "duel", "web/training", "cli/actions")
        for path in (src / folder).rglob("*.py")
        if "perf_counter()" in path.read_text(encoding="utf-8")
    }
    # training_run.py subtracts the set-up itself.
    assert timed == {
        "contenders/fit_job.py",
        "web/training/training_run.py",
    }

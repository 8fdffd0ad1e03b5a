"""Fits whose cores other processes used are marked: on the screen, in sentences, in the report."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest

from graduel.cli.views.progress import describe
from graduel.duel.plan.protocol import Cell
from graduel.duel.run.job import Event
from graduel.duel.run.missing_cores import MissingCores


@pytest.fixture(autouse=True)
def _all_cores(monkeypatch):
    """Lift the limit that conftest.py sets for all other tests."""
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)


Times = type(psutil.cpu_times())


class Machine:
    """Processor times of a machine in which `others` cores are busy with other processes."""

    def __init__(self, cores, others, own):
        self.cores, self.others, self.own, self.seconds = cores, others, own, 0.0

    def times(self, percpu):
        busy = (self.others + self.own) / self.cores * self.seconds
        zeros = dict.fromkeys(Times._fields, 0.0)
        return [Times(**zeros | {"user": busy, "idle": self.seconds - busy})] * self.cores


@pytest.mark.parametrize(
    ("cores", "threads", "others", "own", "missing"),
    [
        (2, 2, 0, 2, 0),
        (2, 2, 0, 1, 0),  # a fit that uses one of its threads lacks nothing
        (2, 2, 1, 1, 1),
        (2, 1, 1, 1, 0),
        (8, 4, 6, 2, 2),
    ],
)
def test_missing_cores_are_threads_without_a_free_core(
    monkeypatch, cores, threads, others, own, missing
):
    machine = Machine(cores, others, own)
    monkeypatch.setattr(psutil, "cpu_times", machine.times)
    monkeypatch.setattr("graduel.duel.run.missing_cores.allowed_cores", lambda: cores)
    measured = MissingCores(threads)
    numbers = "graduel.duel.run.missing_cores.schedulable_cores"
    monkeypatch.setattr(numbers, lambda: list(range(cores)))
    monkeypatch.setattr(measured, "_process", Process(machine))
    with measured:
        machine.seconds = 10.0
    assert measured.mean == pytest.approx(missing)


def test_a_short_block_is_measured_for_a_tenth_of_a_second(monkeypatch):
    machine, naps = Machine(2, 2, 0), []

    def sleep(seconds):
        naps.append(seconds)
        machine.seconds += seconds

    monkeypatch.setattr(psutil, "cpu_times", machine.times)
    monkeypatch.setattr("graduel.duel.run.missing_cores.allowed_cores", lambda: 2)
    monkeypatch.setattr("graduel.duel.run.missing_cores.schedulable_cores", lambda: [0, 1])
    monkeypatch.setattr("time.sleep", sleep)
    for wait, missing in ((True, 1.0), (False, 0.0)):
        measured = MissingCores(1, wait=wait)
        monkeypatch.setattr(measured, "_process", Process(machine))
        with measured:
            machine.seconds += 0.03
        assert measured.mean == pytest.approx(missing)
    assert naps == [pytest.approx(0.07)]


class Process:
    """The processor time of this process on a :class:`Machine`."""

    def __init__(self, machine):
        self.machine = machine

    def cpu_times(self):
        return (self.machine.own * self.machine.seconds, 0.0, 0.0, 0.0)


def test_busy_processes_are_noticed():
    cores = psutil.cpu_count()
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores)]
    try:
        with MissingCores(cores) as missing:
            time.sleep(1.0)
        assert missing.mean > 0.25
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def test_the_screen_says_so():
    event = Event(Cell("net", 0), "finished")
    assert describe(event) == "finished"
    assert "other processes" in describe(replace(event, missing_cores=0.9))


@pytest.mark.long
def test_a_duel_on_busy_cores_reports_them_and_compares_no_costs(tmp_path):
    from graduel.duel.session import run_duel
    from graduel.report.sections.cost import describe_missing_cores

    command = [sys.executable, "-c", "while True: pass"]
    loops = [subprocess.Popen(command) for _ in range(max(2, psutil.cpu_count()))]
    try:
        options = {"split": "2x1", "quick": True, "probes": False, "threads": 1}
        run = run_duel("iris", contenders=["textbook", "logistic"], out=tmp_path / "run", **options)
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    assert "textbook network and logistic regression" in describe_missing_cores(run)
    (comparison,) = run.result.comparisons
    assert "the costs are not compared, since other processes used cores" in comparison.cost
    assert "fast" not in comparison.cost

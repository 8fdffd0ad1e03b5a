"""Crash safety of a run's folder: kills at random moments, full disks, two processes."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np
import psutil
import pytest

from graduel.cli import main
from graduel.contenders.registry import get_family
from graduel.contenders.search.trials import Trial, TrialLog
from graduel.duel.plan.protocol import Cell
from graduel.duel.result.result_builder import build_result
from graduel.duel.run.cell_runs import run_cells
from graduel.duel.store.store import open_store
from graduel.errors import UserError
from in_process import InProcess
from timeless import timeless

SCRIPT = """
import json, sys
from pathlib import Path
from graduel.duel.result.result_builder import build_result
from graduel.duel.plan.protocol import Protocol
from graduel.duel.run.cell_runs import run_cells
from graduel.duel.store.store import open_store
with open_store(Path(sys.argv[1]), Protocol.from_dict(json.loads(sys.argv[2]))) as store:
    for event in run_cells(store):
        print(event.cell.key, event.kind, flush=True)
    build_result(store, "a test")
"""


def run_to_result(path, protocol, executor=None):
    with open_store(path, protocol) as store:
        for _ in run_cells(store, executor):
            pass
        return build_result(store, "a test").result


@pytest.fixture(scope="module")
def four(tiny):
    """The small duel with four trials per contender."""
    return replace(tiny, trials=4)


@pytest.fixture(scope="module")
def undisturbed(four, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "whole"
    begin = time.perf_counter()
    process = start(path, four)  # started like the processes that are killed
    _, message = process.communicate()
    seconds = time.perf_counter() - begin
    assert process.returncode == 0, message
    return run_to_result(path, four), seconds


def start(path, protocol):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(path), json.dumps(protocol.as_dict())],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_at(moment, path, protocol, *, worker_too):
    """Run, send SIGKILL after `moment` seconds; return whether the process was still running."""
    process = start(path, protocol)
    with suppress(subprocess.TimeoutExpired):
        process.wait(moment)
    running = process.poll() is None
    children = psutil.Process(process.pid).children() if running else []
    process.send_signal(signal.SIGKILL)
    if worker_too:
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
    _, errors = process.communicate()
    assert running or process.returncode == 0, errors
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive  # a worker dies with its parent
    return running


def kill_and_resume(moments, undisturbed, four, path, seed):
    rng = np.random.default_rng(seed)
    whole, seconds = undisturbed
    number = disturbed = 0
    while disturbed < moments:
        folder = path / str(number)
        if kill_at(rng.uniform(0.1, seconds), folder, four, worker_too=rng.random() < 0.5):
            disturbed += 1
            if rng.random() < 0.5:
                continue  # kill it again during the resumed run
        else:
            number += 1
            continue
        assert timeless(run_to_result(folder, four)) == timeless(whole)
        number += 1
    for folder in path.iterdir():
        assert timeless(run_to_result(folder, four)) == timeless(whole)
        assert not list(folder.rglob("*.tmp"))
        assert not list(folder.rglob("*-trial_log"))


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_a_search_killed_at_random_moments_resumes_to_the_same_result(undisturbed, four, tmp_path):
    kill_and_resume(2, undisturbed, four, tmp_path, 0)


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_a_search_killed_at_many_random_moments_resumes_to_the_same_result(
    undisturbed, four, tmp_path
):
    kill_and_resume(25, undisturbed, four, tmp_path, 1)


def test_the_undisturbed_run_has_four_trials(undisturbed):
    for contender in undisturbed[0].contenders.values():
        (trials,) = contender.trials
        assert [trial.number for trial in trials] == [0, 1, 2, 3]
        assert contender.best_trial[0] in range(4)
        assert len(contender.curve) == 4


class FullDisk:
    """Writes succeed `good` times; every later write fails with a full disk."""

    def __init__(self, monkeypatch, good):
        self.left, self.failed = good, 0
        self._fsync = os.fsync
        monkeypatch.setattr(os, "fsync", self.fsync)

    def fsync(self, file):
        """Stand in for ``os.fsync``, which every atomic write calls before the rename."""
        if not stat.S_ISDIR(os.fstat(file).st_mode):
            if self.left <= 0:
                self.failed += 1
                raise OSError(errno.ENOSPC, "No space left on device")
            self.left -= 1
        self._fsync(file)


def test_a_full_disk_at_any_write_leaves_finished_cells_intact(
    undisturbed, four, tmp_path, monkeypatch
):
    path, failed = tmp_path / "run", 0
    for good in cycle((0, 1, 2, 1, 6)):  # number of writes before the disk is full again
        with monkeypatch.context() as patch:
            disk = FullDisk(patch, good)
            try:
                result = run_to_result(path, four, InProcess())
            except (OSError, UserError) as error:
                assert "No space left on device" in f"{error} {getattr(error, 'strerror', '')}"
                assert disk.failed == 1
                failed += 1
                assert failed < 50
            else:
                break
        assert not list(path.rglob("*.tmp"))
        if (path / "duel.json").exists():
            with open_store(path, four) as store:
                for cell in four.cells():
                    if store.is_finished(cell):
                        store.read_cell(cell)
    # Writes: the plan, the rows, four points per curve, the files of each cell, the result.
    assert failed >= 6
    assert timeless(result) == timeless(undisturbed[0])


def test_a_full_disk_in_sqlite_raises_oserror(tmp_path, monkeypatch):
    """A limit on SQLite's pages stands for a disk of that size."""
    import optuna
    from sqlalchemy import event

    class Small(optuna.storages.RDBStorage):
        def __init__(self, address):
            super().__init__(address)

            def limit(connection, record):
                connection.execute("pragma max_page_count = 1")  # no more than the current number

            event.listen(self.engine, "connect", limit)
            self.engine.dispose()

    trial_log = TrialLog(tmp_path / "cell.sqlite")
    space = get_family("logistic").space.table
    first = Trial(0, {"C": 1.0}, 0.1, 0.2, 1.0, 1.0, "complete")
    trial_log.add(first, space)
    course = dict.fromkeys(range(100), 0.5)
    added = [first]

    def fill():
        while len(added) < 100:  # until the existing pages are full
            more = replace(first, number=len(added), course=course, why="x" * 2000)
            trial_log.add(more, space)
            added.append(more)

    with monkeypatch.context() as patch:
        patch.setattr(optuna.storages, "RDBStorage", Small)
        with pytest.raises(OSError, match="No space left on device") as error:
            fill()
    assert error.value.errno == errno.ENOSPC
    assert trial_log.read(space) == added
    more = replace(first, number=len(added), course=course)
    trial_log.add(more, space)
    assert trial_log.read(space) == [*added, more]


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(os, "geteuid") or os.geteuid() != 0,
    reason="mounting a small disk needs root",
)
def test_a_real_full_disk(undisturbed, four, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    # Room for the first cell (400 kB of probabilities) and its trials, not for the second.
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=800k", "tmpfs", str(disk)], check=False
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with pytest.raises((OSError, UserError)) as error:
            run_to_result(disk / "run", four)
        message = f"{error.value} {getattr(error.value, 'strerror', '')}"
        assert "No space left on device" in message
        with open_store(disk / "run", four) as store:
            assert store.is_finished(Cell("textbook", 0))
            store.read_cell(Cell("textbook", 0))
        subprocess.run(["mount", "-o", "remount,size=40m", str(disk)], check=True)
        assert timeless(run_to_result(disk / "run", four)) == timeless(undisturbed[0])
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_the_command_line_reports_a_full_disk_in_one_line(tmp_path, monkeypatch, capsys):
    FullDisk(monkeypatch, 1)
    code = main(
        [
            *("duel", "iris", "--contenders", "logistic", "--split", "shuffle", "--threads", "1"),
            *("--out", str(tmp_path / "run")),
        ]
    )
    errors = capsys.readouterr().err
    assert code in (1, 2)
    assert errors.count("No space left on device") == 1
    assert "Traceback" not in errors


def test_a_folder_is_locked_by_one_process(tiny, tmp_path):
    path = tmp_path / "run"
    with open_store(path, tiny):
        process = start(path, tiny)
        _, errors = process.communicate()
    assert process.returncode != 0
    assert "is in use by another graduel" in errors


def test_missing_curve_points_are_reported(four, tmp_path):
    with open_store(tmp_path / "run", four) as store:
        list(run_cells(store, InProcess()))
        cell = Cell("net", 0)
        assert len(store.read_curve(cell)) == 4
        store.write_curve(cell, store.read_curve(cell)[:2])
        import shutil

        shutil.rmtree(Path(store.path) / "cells" / cell.key)
        with pytest.raises(UserError, match="has 2 points, its trials need 4"):
            list(run_cells(store, InProcess()))

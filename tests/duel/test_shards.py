"""Shards of the cells of a plan, and the lock files of cells."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graduel.duel.plan.protocol import Cell
from graduel.duel.run.cell_runs import prepare_folder, run_cells
from graduel.duel.shards.shard import Shard
from graduel.duel.store import lock_file
from graduel.duel.store.lock_file import STALE_SECONDS, Holder, acquire, is_locked
from graduel.duel.store.store import open_store, share_store
from graduel.errors import UserError
from in_process import InProcess


@given(st.integers(0, 200), st.integers(1, 250))
def test_shards_partition_the_cells(n_cells, count):
    parts = [Shard(i, count).select(range(n_cells)) for i in range(1, count + 1)]
    assert sorted(cell for part in parts for cell in part) == list(range(n_cells))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def write_holder(path, **changes):
    path.write_text(json.dumps(asdict(replace(Holder.current(), **changes))))


def age(path, seconds):
    time = path.stat().st_mtime - seconds
    os.utime(path, (time, time))


def dead_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("step", ["fsync", "thread"])
@pytest.mark.parametrize("is_stale", [False, True])
def test_a_process_stopped_while_it_locks_leaves_no_lock(tmp_path, monkeypatch, step, is_stale):
    def stop(*args, **kwargs):
        raise SystemExit(143)

    path = tmp_path / "cell"
    if is_stale:
        write_holder(path, pid=dead_pid())
    if step == "fsync":
        monkeypatch.setattr(os, "fsync", stop)
    else:
        monkeypatch.setattr(lock_file, "Thread", stop)
    with pytest.raises(SystemExit):
        acquire(path)
    assert not path.exists()


def test_a_lock_is_acquired_once(tmp_path):
    path = tmp_path / "locks" / "cell"
    with ThreadPoolExecutor(8) as pool:
        locks = [lock for lock in pool.map(lambda _: acquire(path), range(40)) if lock]
    (lock,) = locks
    assert lock.is_held()
    lock.release()
    assert not is_locked(path)
    again = acquire(path)
    assert again is not None
    again.release()


@pytest.mark.parametrize("changes", [{"pid": None}, {"started": "1"}])
def test_the_lock_of_a_dead_process_is_taken_over_once(tmp_path, changes):
    path = tmp_path / "cell"
    write_holder(path, **{k: dead_pid() if v is None else v for k, v in changes.items()})
    assert not is_locked(path)
    with ThreadPoolExecutor(8) as pool:
        (lock,) = [lock for lock in pool.map(lambda _: acquire(path), range(40)) if lock]
    assert lock.is_held()
    lock.release()


def test_a_lock_of_another_host_is_taken_over_after_ten_minutes(tmp_path):
    path = tmp_path / "cell"
    write_holder(path, host="elsewhere", pid=dead_pid())
    assert is_locked(path)
    assert acquire(path) is None
    age(path, STALE_SECONDS - 30)
    assert acquire(path) is None
    age(path, 60)
    lock = acquire(path)
    assert lock is not None
    lock.release()


def test_a_live_process_of_this_host_keeps_an_old_lock(tmp_path):
    path = tmp_path / "cell"
    lock = acquire(path)
    age(path, 10 * STALE_SECONDS)
    assert acquire(path) is None
    lock.release()


def test_a_half_written_lock_counts_as_held_for_ten_minutes(tmp_path):
    path = tmp_path / "cell"
    path.write_text("")
    assert acquire(path) is None
    age(path, STALE_SECONDS + 1)
    lock = acquire(path)
    assert lock is not None
    lock.release()


def test_a_heartbeat_refreshes_a_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(lock_file, "REFRESH_SECONDS", 0.01)
    path = tmp_path / "cell"
    lock = acquire(path)
    age(path, 1000)
    old = path.stat().st_mtime
    for _ in range(1000):
        if path.stat().st_mtime > old + 900:
            break
        lock._released.wait(0.01)
    else:
        pytest.fail("the lock was not refreshed")
    lock.release()


def test_a_lost_lock_is_not_released_and_its_cell_not_written(tiny, tmp_path):
    with open_store(tmp_path / "run", tiny) as store:
        prepare_folder(store)
    cell = Cell("textbook", 0)
    path = tmp_path / "run" / "locks" / f"cell-{cell.key}"
    with share_store(tmp_path / "run") as store:
        events = run_cells(store, InProcess(), [cell])
        assert next(events).kind == "started"
        write_holder(path, host="elsewhere")
        with pytest.raises(UserError, match="expected to hold its lock"):
            list(events)
        assert not store.is_finished(cell)
        assert is_locked(path)

"""What runs on a worker of a Dask cluster for one training: a process, and its files."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

from distributed import get_worker

from graduel.contenders.workers.row_group_job import MODEL
from graduel.contenders.workers.worker_group import WorkerProcess
from graduel.contenders.workers.worker_process import LOST
from graduel.duel.run.dask_worker import POLL, is_cancelled

CHECKPOINT = "checkpoint"
"""The name of a checkpoint among the files of a training."""
_running: dict[str, tuple[WorkerProcess, Path | None]] = {}
"""By key, the processes of trainings on this worker, and their folder if files were sent."""


def list_files(folder: str) -> tuple[str, dict[str, tuple[int, int]]]:
    """Return a folder, and of its files the size and the time of the last change."""
    stats = {path.name: path.stat() for path in Path(folder).iterdir()}
    return folder, {name: (one.st_size, one.st_mtime_ns) for name, one in stats.items()}


def sees_files(folder: str, files: Mapping[str, tuple[int, int]]) -> bool:
    """Return whether this worker sees a folder with these files."""
    try:
        there = list_files(folder)[1]
    except OSError:
        return False
    return there.keys() == files.keys() and all(there[name] == tuple(files[name]) for name in files)


def read_files(folder: str, checkpoint: str) -> dict[str, bytes]:
    """Return the files of a job, and its checkpoint if there is one."""
    files = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    with suppress(FileNotFoundError):
        files[CHECKPOINT] = Path(checkpoint).read_bytes()
    return files


def run_training(
    message: dict[str, Any],
    rank: int,
    files: Mapping[str, bytes] | None,
    topic: str,
    key: str,
) -> tuple[int, str, dict[str, bytes]]:
    """Run one process of a training; return its exit code, last line and what it wrote.

    Its events are sent to the client under `topic`. If the client or the scheduler is gone, or the
    task is cancelled, the process is killed.

    Parameters
    ----------
    message : job and tracker, see :class:`~graduel.contenders.workers.worker_group.WorkerProcess`
    rank : the number of the process
    files : the files of the job; None if this worker sees them
    topic : name of the events
    key : name of the process
    """
    worker = get_worker()
    with tempfile.TemporaryDirectory(prefix="graduel-", dir=worker.local_directory) as text:
        place = None if files is None else Path(text)
        if place is not None:
            message = message | {"job": message["job"] | _write_files(place, files or {})}
        process = WorkerProcess(rank, message)
        _running[key] = process, place
        task, looked = worker.get_current_task(), monotonic()
        try:
            while True:
                code = process.poll()
                with suppress(Empty):
                    event = process.events.get(timeout=0.05 if code is None else 0)
                    worker.log_event(topic, {"key": key, "event": event})
                    continue
                if code is not None:
                    return code, process.last_line(), {} if rank else collect_files(key)
                if monotonic() - looked > POLL:
                    looked = monotonic()
                    if is_cancelled(worker, task):
                        return LOST, "", {}
        finally:
            del _running[key]
            process.end()


def _write_files(place: Path, files: Mapping[str, bytes]) -> dict[str, str]:
    """Write the files of a job; return their places as fields of it."""
    rows, checkpoint = place / "rows", place / CHECKPOINT
    rows.mkdir()
    for name, content in files.items():
        (checkpoint if name == CHECKPOINT else rows / name).write_bytes(content)
    return {"folder": str(rows), "checkpoint": str(checkpoint)}


def collect_files(key: str) -> dict[str, bytes]:
    """Return the checkpoint and the model that a process wrote; none if the client sees them."""
    place = _running[key][1]
    if place is None:
        return {}
    paths = {CHECKPOINT: place / CHECKPOINT, MODEL: place / "rows" / MODEL}
    return {name: path.read_bytes() for name, path in paths.items() if path.exists()}


def answer_training(key: str, content: bytes) -> None:
    """Send an answer to a process that waits for it."""
    if key in _running:
        _running[key][0].answer(content)


def end_training(key: str) -> None:
    """Kill a process."""
    if key in _running:
        _running[key][0].process.kill()

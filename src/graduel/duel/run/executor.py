"""Running a duel: a generator of events, each cell in a process of its own, one at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import IO, Any

from graduel.contenders import Progress
from graduel.data import Dataset
from graduel.duel.plan.protocol import Cell, Split, split_rows
from graduel.duel.store.store import Store
from graduel.errors import UserError

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to a cell."""

    cell: Cell
    kind: str
    """"kept" (finished earlier), "started", "progress" or "finished"."""
    progress: Progress | None = None


class WorkerError(RuntimeError):
    """A cell's process ended without a word; this is a bug, or the machine's doing."""


def run_cells(store: Store) -> Iterator[Event]:
    """Run every cell that is not finished, telling what happens.

    Closing the generator, or an exception in the loop over it (Ctrl-C), ends the process that
    is at work; finished cells are kept.

    Raises
    ------
    UserError
        If a cell cannot be run as it was asked for (a network that diverges, a full disk).
    WorkerError
        If a process ends without saying why.
    """
    protocol = store.protocol
    if not all(store.finished(cell) for cell in protocol.cells()):
        store.cache_dataset()
    missing = [run for run in range(protocol.runs) if not store.has_split(run)]
    if missing:
        dataset = store.dataset()
        for run in missing:
            rows = split_rows(protocol, dataset, run)
            store.write_split(run, rows, **_of_own(store, dataset, rows))
    for cell in protocol.cells():
        if store.finished(cell):
            yield Event(cell, "kept")
            continue
        yield Event(cell, "started")
        for progress in _run(store, cell):
            yield Event(cell, "progress", progress)
        yield Event(cell, "finished")
    store.drop_cache()


def _of_own(store: Store, dataset: Dataset, rows: Split) -> dict[str, Any]:
    """Return what stands beside the rows of data of the user's own, so that they can be judged."""
    if store.protocol.source is None:
        return {}
    table = dataset.understood
    return {
        "truth": dataset.y[rows.test],
        "valid_truth": dataset.y[rows.valid],
        "places": None if table is None else table.rows[rows.test],
    }


def _run(store: Store, cell: Cell) -> Iterator[Progress]:
    """Run one cell in a process of its own; yield its progress."""
    job: dict[str, Any] = {
        "path": str(store.path.resolve()),
        "protocol": store.protocol.as_dict(),
        "cell": asdict(cell),
    }
    if (estimator := store.estimators.get(cell.contender)) is not None:
        job["estimator"] = b64encode(estimator).decode()
        job["paths"] = [os.path.abspath(entry) for entry in sys.path]
    threads = dict.fromkeys(THREAD_VARIABLES, str(store.protocol.threads))
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "graduel.duel.run.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, **threads},
            encoding="utf-8",
        )
        try:
            yield from _listen(process, json.dumps(job), cell)
            if process.wait() != 0 or not store.finished(cell):
                raise WorkerError(_last_words(process.returncode, cell, log))
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):  # what was not written cannot be flushed
                        pipe.close()


def _listen(process: subprocess.Popen[str], job: str, cell: Cell) -> Iterator[Progress]:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(job + "\n")
        process.stdin.flush()
    except BrokenPipeError:
        return
    for line in process.stdout:
        event = json.loads(line)
        kind = event.pop("kind")
        if kind == "progress":
            yield Progress(**event)
        elif kind == "failed":
            raise UserError(f"{cell.contender}: {event['message']}")


def _last_words(code: int, cell: Cell, log: IO[str]) -> str:
    """Say in one line how a process ended: its code, and the last thing it said."""
    log.seek(0)
    said = log.read().strip().splitlines()
    last = f": {said[-1][:500]}" if said else ""
    hint = " (killed; was there too little memory?)" if code == -9 else ""
    return f"the process of {cell.key} ended with code {code}{hint}{last}"

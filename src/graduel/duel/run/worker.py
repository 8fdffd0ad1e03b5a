"""The process of one cell: ``python -P -m graduel.duel.run.worker``.

It reads one line of JSON, the job, from standard input, runs it, and writes a line of JSON for
each event to standard output. Standard input stays open as long as the parent lives; when it
ends, this process ends too.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

WORKER_LOCK, PATIENCE = ".worker.lock", 60.0
"""Held while a cell is worked on, and how many seconds to wait for it."""


def main() -> int:
    """Run the job on standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    # Whatever a library prints must not mix with the events.
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    job = json.loads(sys.stdin.readline())
    Thread(target=_die_with_parent, daemon=True).start()

    def tell(kind: str, **content: Any) -> None:
        events.write(json.dumps({"kind": kind, **content}) + "\n")

    from graduel.errors import UserError

    try:
        _run(job, tell)
    except (UserError, ArithmeticError, MemoryError) as error:
        tell("failed", message=str(error) or type(error).__name__)
        return 1
    except OSError as error:
        tell("failed", message=f"{error.filename or job['path']}: {error.strerror or error}")
        return 1
    return 0


def _run(job: dict[str, Any], tell: Any) -> None:
    from filelock import FileLock, Timeout

    from graduel.contenders import Budget, Progress
    from graduel.duel.plan.protocol import Cell, Protocol
    from graduel.duel.run.cell import run_cell
    from graduel.duel.run.cell_contender import build_contender, load_curve
    from graduel.duel.store.store import Store
    from graduel.errors import UserError

    protocol = Protocol.from_dict(job["protocol"])
    cell = Cell(**job["cell"])
    store = Store(Path(job["path"]), protocol)
    # Where the user's own estimator is at home; behind all else, so that it hides nothing.
    sys.path.extend(entry for entry in job.get("paths", []) if entry not in sys.path)
    contender = build_contender(store, cell, job.get("estimator"))

    def notify(progress: Progress) -> None:
        tell("progress", **asdict(progress))

    rows, budget = store.read_split(cell.seed), Budget(protocol.threads)
    try:
        # One that was killed with its parent may need a moment to notice.
        with FileLock(store.path / WORKER_LOCK, timeout=PATIENCE):
            if not store.finished(cell):
                dataset = store.dataset()
                outcome, fitted = run_cell(
                    contender,
                    dataset,
                    rows,
                    cell,
                    budget,
                    notify,
                    load_curve(store, cell, contender),
                    lambda curve: store.write_curve(cell, curve),
                )
                _keep(store, cell, outcome, fitted)
    except Timeout:
        raise UserError(f"{store.path}: another fit is still at work there") from None
    tell("done")


def _keep(store: Any, cell: Any, outcome: Any, fitted: Any) -> None:
    """Try the model on disturbed rows, and keep it with its outcome.

    What that needs is imported here, so that it is no part of the memory of the fit.
    """
    from graduel.contenders.fitted_model import to_model
    from graduel.data.schema import Schema
    from graduel.duel.plan.splits import Design
    from graduel.duel.run.probes import run_probes
    from graduel.models.model_file import save_model

    protocol, dataset = store.protocol, store.dataset()
    if protocol.probes and not protocol.varies:
        probes = run_probes(fitted, dataset, store.read_split(cell.seed).test, cell.seed)
        outcome = replace(outcome, probes=probes)
    keep = None
    if Design.read(protocol.split).kind != "folds":  # a fold's model is no one's
        title = protocol.contenders[cell.contender]["title"]
        kept = to_model(fitted, Schema.of(dataset), title)
        keep = None if kept is None else partial(save_model, kept=kept)
    store.write_cell(cell, outcome, keep)


def _die_with_parent() -> None:
    """Wait for the end of standard input, which comes when the parent is gone."""
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())

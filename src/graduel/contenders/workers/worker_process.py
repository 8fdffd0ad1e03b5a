"""A worker process of this machine: ``python -P -m graduel.contenders.workers.worker_process``.

It reads one line of JSON from standard input: the job, its rank and the tracker's address. Worker 0
writes events to standard output, a line of JSON each. The parent keeps standard input open, and
answers there where the job is paced; when it closes, the worker exits.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from queue import SimpleQueue
from threading import Thread
from typing import Any

GO, STOP = b"g", b"s"
"""Answers of the parent after an epoch or round: go on, or end the training."""
LOST = 3
"""The exit code of a worker that lost another one."""
FAILED = 4
"""The exit code of a worker with an error that the user can correct."""


def main() -> int:
    """Run the worker described on standard input; return the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    # Keeps output that libraries print out of the events.
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    line = sys.stdin.buffer.readline()
    if not line:
        return 1
    answers: SimpleQueue[int] = SimpleQueue()
    Thread(target=_read_answers, args=(answers,), daemon=True).start()
    message = json.loads(line)

    from threadpoolctl import threadpool_limits

    from graduel.contenders.workers.train_job import TrainJob
    from graduel.contenders.workers.train_worker import train_worker
    from graduel.errors import UserError
    from graduel.kernels.shares import limit_threads
    from graduel.serialize import from_plain
    from graduel.train.loop.collectives import xgboost_collective
    from graduel.train.loop.parallel import LostWorkerError

    job = from_plain(TrainJob, message["job"])

    def emit(event: dict[str, Any]) -> None:
        events.write(json.dumps(event) + "\n")
        events.flush()

    try:
        with (
            threadpool_limits(job.threads),
            limit_threads(job.threads),
            xgboost_collective(message["tracker"], message["rank"]) as collective,
        ):
            train_worker(job, collective, emit, lambda: answers.get() == STOP[0])
    except LostWorkerError as error:
        print(error, file=sys.stderr)
        return LOST
    except (UserError, ArithmeticError, MemoryError) as error:
        print(str(error) or type(error).__name__, file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"{error.filename}: {error.strerror or error}", file=sys.stderr)
        return FAILED
    return 0


def _read_answers(answers: SimpleQueue[int]) -> None:
    """Read the parent's answers, a byte each; exit when it has died, which ends standard input."""
    while content := os.read(0, 4096):
        for byte in content:
            answers.put(byte)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())

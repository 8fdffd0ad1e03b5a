"""The worker process of one cell: ``python -P -m graduel.duel.run.worker``.

It reads the job from standard input and writes events to standard output, each message preceded by
its length. The parent keeps standard input open; when it closes, the worker exits. The worker
writes no files, only the parent does.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from threading import Thread
from typing import IO, Any

LENGTH = struct.Struct(">Q")


def write_frame(stream: IO[bytes], content: bytes) -> None:
    """Write a message, preceded by its length."""
    stream.write(LENGTH.pack(len(content)) + content)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    """Return the next message; None if the stream ends, even within a message."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    content = stream.read(length)
    return content if len(content) == length else None


def main(open_team: Callable[[Any], AbstractContextManager[Any]] | None = None) -> int:
    """Run the job received on standard input; return the exit code.

    `open_team` opens what starts the processes of the job's fits, if it has a team.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    # Keeps output that libraries print out of the event stream.
    events = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    content = read_frame(sys.stdin.buffer)
    if content is None:
        return 1
    Thread(target=_die_with_parent, daemon=True).start()

    from graduel.duel.run.job import CellJob, Event, from_message, run_job, to_message
    from graduel.errors import UserError
    from graduel.train.loop.parallel import LostWorkerError

    job = from_message(CellJob, content)

    def emit(event: Event) -> None:
        write_frame(events, to_message(event))

    try:
        with nullcontext() if open_team is None else open_team(job.team) as launch:
            run_job(job, emit, launch)
    except (UserError, ArithmeticError, MemoryError) as error:
        emit(Event(job.cell, "failed", message=str(error) or type(error).__name__))
    except LostWorkerError as error:
        message = f"{job.cell.key}: {error}; too little memory?"
        emit(Event(job.cell, "failed", message=message, died=True))
    except OSError as error:
        place = error.filename or job.data_folder
        emit(Event(job.cell, "failed", message=f"{place}: {error.strerror or error}"))
    return 0


def _die_with_parent() -> None:
    """Exit when standard input ends, which happens when the parent has died."""
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())

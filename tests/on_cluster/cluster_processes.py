"""A Dask cluster of processes that can be killed and started again, and the command as a client."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

TIMEOUTS = {
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "20s",
}
"""Short ones: a host that is cut off is noticed after seconds."""


class Program:
    """A command that is started, killed with all its processes, and started again.

    Parameters
    ----------
    command : the command; `prefix` before it enters a network namespace
    log : the file of its output
    """

    def __init__(self, command: Sequence[str], log: Path, prefix: Sequence[str] = ()) -> None:
        self._command, self._log = [*prefix, *command], log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=os.environ | TIMEOUTS,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill it and its children, if it runs."""
        if self.process is not None:
            with_children = os.getpgid(self.process.pid) if self.process.poll() is None else None
            if with_children is not None:
                os.killpg(with_children, signal.SIGKILL)
            self.process.wait()

    def restart(self) -> None:
        """Kill it and start it."""
        self.kill()
        self.start()


def scheduler(
    host: str, port: int, log: Path, prefix: Sequence[str] = (), more: Sequence[str] = ()
) -> Program:
    """Return a scheduler's program; `more` options, such as the files of TLS."""
    options = ("--host", host, "--port", str(port), "--no-dashboard", "--no-jupyter", *more)
    return Program([sys.executable, "-m", "distributed.cli.dask_scheduler", *options], log, prefix)


def worker(
    address: str,
    host: str,
    folder: Path,
    log: Path,
    prefix: Sequence[str] = (),
    more: Sequence[str] = (),
) -> Program:
    """Return the program of a worker that reconnects to a scheduler started again."""
    options = ("--host", host, "--nthreads", "1", "--no-dashboard", "--no-nanny")
    options += ("--local-directory", str(folder), "--death-timeout", "300", *more)
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, *options]
    return Program(command, log, prefix)


def find_port() -> int:
    """Return a free port of the loopback interface."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def cluster_of(workers: int) -> Iterator[tuple[Any, Any]]:
    """Yield the client and the executor of a cluster on this machine."""
    import distributed

    from graduel.duel.run.dask_executor import DaskExecutor

    with (
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
        closing(DaskExecutor(client)) as executor,
    ):
        yield client, executor

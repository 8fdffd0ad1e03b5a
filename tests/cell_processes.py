"""The processes in which cells run."""

from __future__ import annotations

from contextlib import suppress

import psutil


def cell_processes() -> list[psutil.Process]:
    """Return the processes of cells that this process or a cluster of it has started."""
    processes = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "graduel.duel.run.worker" in process.cmdline():
                processes.append(process)
    return processes

"""What runs on a worker of a Dask cluster: a cell in its own process, and the data it needs."""

from __future__ import annotations

import hashlib
import platform
import shutil
import signal
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from subprocess import Popen
from threading import Event as Flag
from threading import Thread
from typing import Any

from distributed import get_worker

from graduel import kernels
from graduel.data.dataset_cache import MANIFEST, is_intact
from graduel.duel.plan.packages import installed_version
from graduel.duel.run.job import CellJob, from_message, to_message
from graduel.duel.run.local import run_process
from graduel.duel.store.store import CACHE

RESOURCE = "graduel"
"""The Dask resource that a cell needs. A worker has one, so cells never share a worker."""
POLL = 0.5
"""Seconds between two checks whether a cell's task is cancelled."""
RUNNING = ("executing", "long-running")
"""States of a task that is not cancelled."""
CLOSED = ("closing", "closed", "failed", "stopping")
"""States of a worker that ends."""


def dask_setup(_: object) -> None:
    """Leave Ctrl-C to the client, which stops its workers; Dask calls this in preloaded modules."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def run_cell_here(content: bytes, topic: str, attempt: str) -> bytes:
    """Run a cell in a process of its own and return its last event, as a message.

    Other events are sent to the client under `topic` while the cell runs. If the client or the
    scheduler is gone, or the task is cancelled, the process is killed and nothing returned. A
    worker that only takes no new tasks (it is paused, or retires) finishes its cell.
    """
    worker, job = get_worker(), from_message(CellJob, content)
    if job.team is not None:
        job = replace(job, team=replace(job.team, tls=_tls_files(worker.security)))
    key, ended, cancelled = worker.get_current_task(), Flag(), Flag()

    def watch(process: Popen[bytes]) -> None:
        while not ended.wait(POLL):
            if is_cancelled(worker, key):
                cancelled.set()
                process.kill()
                return

    last = b""
    try:
        for event in run_process(
            job, lambda process: Thread(target=watch, args=(process,), daemon=True).start()
        ):
            last = to_message(event)
            if event.kind not in ("finished", "failed"):
                worker.log_event(topic, {"attempt": attempt, "event": last})
    finally:
        ended.set()
    return b"" if cancelled.is_set() else last


def _tls_files(security: Any) -> dict[str, str]:
    """Return the files of a worker's TLS connections, by the names of Dask's ``Security``."""
    names = {"tls_ca_file": "tls_ca_file", "tls_client_cert": "tls_worker_cert"}
    names |= {"tls_client_key": "tls_worker_key"}
    files = {name: getattr(security, own, None) for name, own in names.items()}
    return {name: str(path) for name, path in files.items() if path}


def is_cancelled(worker: Any, key: Any) -> bool:
    """Return whether a task that runs here is cancelled, or the worker ends."""
    task = worker.state.tasks.get(key)
    return task is None or task.state not in RUNNING or worker.status.name in CLOSED


def offer_resource() -> None:
    """Give this worker the resource that a cell needs."""
    worker = get_worker()
    if worker.state.total_resources.get(RESOURCE) != 1:
        worker.loop.add_callback(worker.set_resources, **{RESOURCE: 1})


def describe_versions(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python, the kernels and some distributions; "" if one is missing."""
    versions = {"python": platform.python_version(), "kernels": kernels.describe()}
    return versions | {name: installed_version(name) for name in names}


def digest_data(folder: str) -> str:
    """Return the SHA-256 of the manifest of a run's data; "" if the run has no such files.

    The manifest holds the checksums of the other files, which are compared when they are read.
    """
    manifest = Path(folder) / CACHE / MANIFEST
    try:
        return hashlib.sha256(manifest.read_bytes()).hexdigest()
    except OSError:
        return ""


def find_data(folder: str, digest: str, owner: str) -> str:
    """Return the folder with a run's data, as this worker sees it; "" if it has none."""
    for place in (folder, _local_folder(digest, owner)):
        if digest_data(str(place)) == digest:
            return str(place)
    return ""


def store_data(files: Mapping[str, bytes], digest: str, owner: str) -> str:
    """Write a run's data to the worker's own folder and return it; each client has its own copy.

    Raises
    ------
    OSError
        If it cannot be written, or was changed on the way.
    """
    folder = _local_folder(digest, owner)
    (folder / CACHE).mkdir(parents=True, exist_ok=True)
    for name in sorted(files, key=lambda name: name == MANIFEST):  # the manifest is written last
        (folder / CACHE / name).write_bytes(files[name])
    if digest_data(str(folder)) != digest or not is_intact(folder / CACHE):
        raise OSError(f"{folder}: the data were damaged on their way")
    return str(folder)


def remove_data(digest: str, owner: str) -> None:
    """Delete a run's data from the worker's own folder."""
    shutil.rmtree(_local_folder(digest, owner), ignore_errors=True)


def _local_folder(digest: str, owner: str) -> Path:
    return Path(get_worker().local_directory) / f"{owner}-{digest[:16]}"

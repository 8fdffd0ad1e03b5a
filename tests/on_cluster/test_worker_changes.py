"""Workers that restart at the same address, retire, or have other packages."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from threading import Thread
from time import sleep

import numpy as np
import psutil
import pytest
from cluster_processes import cluster_of, find_port
from small_duels import Collect, plan_small

import graduel
from graduel.duel.duel_api import resolve_source
from graduel.duel.session import plan_session
from graduel.errors import UserError

distributed = pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.processes,
    # Dask's own: sockets that its threads close after a worker was killed.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_a_worker_that_restarts_at_its_address_is_a_new_worker(tmp_path) -> None:
    from graduel.duel.run.dask_executor import DaskExecutor

    scheduler, port, processes = f"127.0.0.1:{find_port()}", find_port(), []

    def start(role: str, *options: str) -> None:
        command = [
            sys.executable,
            "-m",
            f"distributed.cli.dask_{role}",
            "--no-dashboard",
            "--dashboard-address",
            "127.0.0.1:0",
        ]
        processes.append(subprocess.Popen([*command, *options], stderr=subprocess.DEVNULL))

    def start_worker() -> None:
        place = ["--host", "127.0.0.1", "--worker-port", str(port)]
        folder = ["--local-directory", str(tmp_path / "scratch")]
        start("worker", f"tcp://{scheduler}", "--no-nanny", "--nthreads", "1", *place, *folder)

    def restart(event) -> None:
        if event.kind == "started" and len(processes) == 2:
            worker = psutil.Process(processes[1].pid)
            while not worker.children():  # the process of the run
                sleep(0.01)
            processes[1].kill()
            processes[1].wait()
            start_worker()

    seen = Collect(restart)
    try:
        start("scheduler", "--host", "127.0.0.1", "--port", scheduler.rpartition(":")[2])
        start_worker()
        with distributed.Client(f"tcp://{scheduler}", timeout=20, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=20)
            with closing(DaskExecutor(client)) as executor:
                there = plan_small(tmp_path / "run", executor).run(seen)
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()
    assert (len(seen.kinds("retried")), len(seen.kinds("finished"))) == (1, 2)
    alone = plan_small(tmp_path / "alone").run()
    np.testing.assert_array_equal(there.probabilities["textbook"], alone.probabilities["textbook"])


def test_a_worker_that_retires_loses_no_run(tmp_path) -> None:
    retired = []

    def retire(event) -> None:
        if event.kind == "started" and not retired:
            retired.append(event.worker.rstrip(")").rpartition("(")[2])
            Thread(target=client.retire_workers, args=(retired,), daemon=True).start()

    seen = Collect(retire)
    with cluster_of(2) as (client, executor):
        plan_small(tmp_path / "run", executor, split="3x1").run(seen)
        sleep(0.5)
        assert executor.slots == 1
    assert len(seen.kinds("finished")) == 3
    assert len(seen.kinds("failed")) == 0


def test_versions_of_all_workers_are_compared_before_the_first_run(tmp_path, monkeypatch) -> None:
    from graduel.duel.run import worker_versions

    describe = worker_versions.describe_versions
    monkeypatch.setattr(
        worker_versions, "describe_versions", lambda names: describe(names) | {"numpy": "1.0"}
    )
    seen = Collect()
    with cluster_of(2) as (_, executor), pytest.raises(UserError) as refused:
        plan_small(tmp_path / "run", executor).run(seen)
    assert str(refused.value).count("(here 1.0) on worker") == 2
    assert not len(seen.kinds("started"))


def test_a_package_that_a_worker_lacks_is_named() -> None:
    from graduel.duel.run.worker_versions import compare_versions

    error = ModuleNotFoundError("No module named 'graduel'", name="graduel")
    with pytest.raises(UserError, match=r"no package graduel on worker a.*Install the same"):
        compare_versions(["numpy"], {"a": error})


def test_a_run_begun_on_a_local_cluster_goes_on_without_it(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("graduel.duel.run.clusters.allowed_cores", lambda: 2)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(240, 4))
    y = (X[:, 0] > 0).astype(int)
    options = {"contenders": ["textbook"], "split": "2x1", "quick": True, "probes": False}
    there = graduel.run_duel(X, y, executor="local:2", **options)
    seen = Collect()
    data = resolve_source(X, y, {})
    alone = plan_session(data, **options).run(seen)
    assert there.path == alone.path
    assert len(seen.kinds("reused")) == 2


def test_workers_on_this_machine_leave_ctrl_c_to_the_client() -> None:
    import signal

    from graduel.duel.run.clusters import open_executor

    with open_executor("local:1") as executor:
        handlers = executor._client.run(lambda: signal.getsignal(signal.SIGINT) == signal.SIG_IGN)
    assert list(handlers.values()) == [True]

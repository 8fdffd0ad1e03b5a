"""Duels on a Dask cluster, through real workers and real cell processes."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from small_duels import Collect, plan_small

import graduel
from cell_processes import cell_processes
from graduel.duel.run import dask_worker, worker_versions
from graduel.duel.run.cell_runs import run_cells
from graduel.duel.run.clusters import local_threads, open_executor
from graduel.duel.run.dask_executor import DaskExecutor
from graduel.errors import UserError

distributed = pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.processes,
    # Dask's own: sockets that its threads close after a worker was killed.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def quiet():
    for name in ("distributed", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@pytest.fixture
def start():
    """Return a function that starts a cluster and returns it with a client."""
    started = []

    def start(workers: int = 2):
        cluster = distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
            silence_logs=logging.CRITICAL,
        )
        started.append(cluster)
        client = distributed.Client(cluster, set_as_default=False)
        started.append(client)
        return cluster, client

    yield start
    for one in reversed(started):
        one.close(timeout=5)


def assert_equal(one, other) -> None:
    for name in one.probabilities:
        np.testing.assert_array_equal(one.probabilities[name], other.probabilities[name])


def kill_worker(event) -> None:
    """Kill the Dask worker whose address an event has."""
    port = int(event.worker.rstrip(")").rpartition(":")[2])
    for one in psutil.net_connections("tcp"):
        if one.status == "LISTEN" and one.laddr.port == port and one.pid:
            os.kill(one.pid, signal.SIGKILL)
            return
    raise AssertionError(f"nobody listens on port {port}")


def test_a_duel_is_equal_to_one_without_a_cluster(start, tmp_path: Path) -> None:
    _, client = start()
    alone = plan_small(tmp_path / "alone", contenders=["xgboost", "textbook"]).run()
    seen = Collect()
    with closing(DaskExecutor(client)) as executor:
        assert executor.slots == 2
        session = plan_small(tmp_path / "cluster", executor, contenders=["xgboost", "textbook"])
        there = session.run(seen)
    assert_equal(alone, there)
    assert len({event.worker for event in seen.kinds("started")}) == 2
    assert [len(seen.kinds(kind)) for kind in ("started", "finished", "retried")] == [4, 4, 0]
    assert there.result.machines == alone.result.machines
    assert not list((tmp_path / "cluster").glob("cache"))


def test_a_lost_worker_is_replaced_and_its_run_counted(start, tmp_path: Path) -> None:
    _, client = start()
    killed = []

    def kill_once(event) -> None:
        if event.kind == "started" and not killed:
            killed.append(event)
            kill_worker(event)

    seen = Collect(kill_once)
    with closing(DaskExecutor(client, retries=1)) as executor:
        there = plan_small(tmp_path / "run", executor).run(seen)
    [again] = seen.kinds("retried")
    assert again.cell == killed[0].cell
    assert "lost" in again.message
    assert sum(there.result.contenders["textbook"].attempts) == 3
    assert_equal(there, plan_small(tmp_path / "alone").run())


def test_a_run_is_started_no_more_than_retries_and_one_times(start, tmp_path: Path) -> None:
    _, client = start()
    seen = Collect(lambda event: kill_worker(event) if event.kind == "started" else None)
    with closing(DaskExecutor(client, retries=1)) as executor:
        session = plan_small(tmp_path / "run", executor)
        with pytest.raises(RuntimeError, match=r"was lost 2 times \(--retries 1\)"):
            session.run(seen)
    counts = [seen.kinds("started").count(event) for event in seen.kinds("started")]
    assert max(counts) <= 2
    assert_equal(plan_small(tmp_path / "run").run(), plan_small(tmp_path / "alone").run())


def test_without_its_scheduler_a_run_ends_and_goes_on_without_a_cluster(
    start, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("graduel.duel.run.cluster_view.LOST_AFTER", 5.0)
    cluster, client = start()
    seen = Collect(lambda event: cluster.close(timeout=5) if event.kind == "finished" else None)
    with closing(DaskExecutor(client)) as executor:
        session = plan_small(tmp_path / "run", executor, split="3x1")
        with pytest.raises(UserError, match=r"scheduler has not answered.*same command again"):
            session.run(seen)
    assert 1 <= len(seen.kinds("finished")) < 3
    rest = Collect()
    resumed = plan_small(tmp_path / "run", split="3x1").run(rest)
    assert len(rest.kinds("reused")) == len(seen.kinds("finished"))
    assert_equal(resumed, plan_small(tmp_path / "alone", split="3x1").run())


def test_data_travel_once_to_a_worker_that_does_not_see_the_folder(
    start, tmp_path: Path, monkeypatch
) -> None:
    _, client = start(1)
    stored = []
    with closing(DaskExecutor(client)) as executor:
        call = executor._call

        def blind(attempt, function, *arguments, **options):
            if function is dask_worker.find_data:
                return ""  # as on a machine without this folder
            stored.append(function is dask_worker.store_data)
            return call(attempt, function, *arguments, **options)

        monkeypatch.setattr(executor, "_call", blind)
        there = plan_small(tmp_path / "run", executor).run()
        assert sum(stored) == 1
        place = f"{client.run(lambda dask_worker: dask_worker.local_directory).popitem()[1]}"
        for _ in range(50):
            if not list(Path(place).glob("graduel-*")):
                break
            time.sleep(0.1)
        assert not list(Path(place).glob("graduel-*"))
    assert_equal(there, plan_small(tmp_path / "alone").run())


def test_other_versions_on_a_worker_are_refused_by_name(start, tmp_path: Path, monkeypatch) -> None:
    _, client = start(1)
    describe = worker_versions.describe_versions
    monkeypatch.setattr(
        worker_versions, "describe_versions", lambda names: {**describe(names), "numpy": "1.0"}
    )
    with (
        closing(DaskExecutor(client)) as executor,
        pytest.raises(UserError, match=r"numpy \d\S* \(here 1.0\) on worker"),
    ):
        plan_small(tmp_path / "run", executor).run()


@pytest.mark.long
def test_a_search_resumes_after_a_lost_worker(start, tmp_path: Path) -> None:
    _, client = start(2)
    tuned = {"contenders": ["net"], "net": "epochs=400", "trials": 2, "split": "holdout"}
    killed = []

    def kill_in_the_search(event) -> None:
        if event.kind == "progress" and event.progress.trial and not killed:
            killed.append(event)
            kill_worker(started[0])

    started = []
    seen = Collect(
        lambda event: (
            started.append(event) if event.kind == "started" else kill_in_the_search(event)
        )
    )
    with closing(DaskExecutor(client)) as executor:
        there = plan_small(tmp_path / "run", executor, **tuned).run(seen)
    alone = plan_small(tmp_path / "alone", **tuned).run()
    assert len(seen.kinds("retried")) == len(killed) == 1
    assert_equal(there, alone)
    trials = [
        [(trial.number, trial.params) for trial in run.result.contenders["net"].trials[0]]
        for run in (there, alone)
    ]
    assert trials[0] == trials[1]


def test_closing_a_run_ends_its_processes(start, tmp_path: Path) -> None:
    _, client = start()
    with closing(DaskExecutor(client)) as executor:
        jobs = []

        class StopError(Exception):
            pass

        def stop(event) -> None:
            if event.kind == "started":
                jobs.append(event)
                time.sleep(0.5)
                raise StopError

        with pytest.raises(StopError):
            plan_small(tmp_path / "run", executor, contenders=["textbook"]).run(Collect(stop))
        for _ in range(100):
            if not cell_processes():
                break
            time.sleep(0.1)
        assert not cell_processes()


SCRIPT = """
import sys
import graduel, numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(20000, 20))
y = (X[:, 0] > 0).astype(int)
if __name__ == "__main__":
    print("go", flush=True)
    graduel.run_duel(X, y, contenders=["net"], split="3x1", threads=1, out=sys.argv[2],
                     executor=sys.argv[1])
"""


def test_when_the_client_is_killed_the_workers_end_their_runs(start, tmp_path: Path) -> None:
    cluster, client = start()
    script = tmp_path / "client.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), cluster.scheduler_address, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for _ in range(300):
            if cell_processes():
                break
            time.sleep(0.1)
        assert cell_processes()
        process.kill()
    killed = time.monotonic()
    while cell_processes() and time.monotonic() - killed < 10:
        time.sleep(0.1)
    assert not cell_processes()
    assert client.run(os.getpid)  # the workers themselves live


def test_a_suite_on_a_cluster_is_equal_to_one_without(start, tmp_path: Path) -> None:
    _, client = start()
    options = {"contenders": ["logistic", "textbook"], "quick": True, "threads": 1}
    options |= {"split": "holdout", "probes": False}
    alone = graduel.run_suite(["iris", "wine"], out=tmp_path / "alone", **options)
    there = graduel.run_suite(["iris", "wine"], out=tmp_path / "there", executor=client, **options)
    assert [one.name for one in there.result.datasets] == ["iris", "wine"]
    for one, other in zip(alone.result.datasets, there.result.datasets, strict=True):
        for name, entry in one.contenders.items():
            assert other.contenders[name] == replace(
                entry, fit_seconds=other.contenders[name].fit_seconds
            )
    assert there.result.across == alone.result.across


@pytest.mark.parametrize("on", ["local:0", "local:x", "host:8786", "", "tcp://", "local:"])
def test_what_is_no_address_is_refused(on: str) -> None:
    with pytest.raises(UserError, match="--on: expected the address"), open_executor(on):
        pass


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch) -> None:
    monkeypatch.setattr("graduel.duel.run.clusters.CONNECT_WAIT", 1)
    with (
        pytest.raises(UserError, match="no scheduler answers there"),
        open_executor("tcp://127.0.0.1:9"),
    ):
        pass


def test_workers_on_this_machine_share_its_cores(monkeypatch) -> None:
    monkeypatch.setattr("graduel.duel.run.clusters.allowed_cores", lambda: 8)
    assert [local_threads(on) for on in ("local:2", "local:3", "local:20", None, "tcp://a:1")] == [
        *(4, 2, 1),
        *(None, None),
    ]


def test_a_local_cluster_listens_on_loopback_only() -> None:
    with open_executor("local:1") as executor:
        here = psutil.Process()
        family = [here, *here.children(recursive=True)]
        addresses = {
            one.laddr.ip
            for process in family
            for one in process.net_connections("tcp")
            if one.status == "LISTEN"
        }
        assert executor.slots == 1
    assert addresses == {"127.0.0.1"}


def test_events_are_in_order(start, tmp_path: Path) -> None:
    _, client = start()
    with closing(DaskExecutor(client)) as executor:
        session = plan_small(tmp_path / "run", executor, contenders=["textbook"])
        threads = session._threads()
        with session._open(
            session.folder, replace(session.protocol, threads=threads), session.data
        ) as store:
            kinds: dict[str, list[str]] = {}
            for event in run_cells(store, executor):
                kinds.setdefault(event.cell.key, []).append(event.kind)
    for one in kinds.values():
        assert one[0] == "started"
        assert one[-1] == "finished"
        assert set(one[1:-1]) <= {"progress", "compiling"}

"""One training over the workers of a Dask cluster."""

from __future__ import annotations

import logging
import os
import signal
from contextlib import closing
from pathlib import Path

import numpy as np
import psutil
import pytest
from cluster_processes import cluster_of, find_port, scheduler, worker
from small_duels import Collect, plan_small

from graduel.contenders.workers.train_job import TrainJob, write_rows
from graduel.contenders.workers.worker_group import run_workers
from graduel.errors import UserError
from graduel.serialize import to_plain
from graduel.train.io.checkpoint_file import load_checkpoint
from graduel.train.recipes import NetRecipe

distributed = pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.processes,
    # Dask's own: sockets that its threads close after a worker was killed.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def executor():
    for name in ("distributed", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with cluster_of(2) as (_, executor):
        yield executor


def make_job(folder: Path, epochs: int = 2) -> TrainJob:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(170, 8)).astype("float32")
    y = (X[:, 0] + 0.3 * rng.normal(size=len(X)) > 0).astype(int)
    rows = folder / "rows"
    rows.mkdir()
    write_rows(rows, X=X[:110], y=y[:110], valid_X=X[110:], valid_y=y[110:])
    recipe = NetRecipe(layers=(12,), norm="batch", dropout=0.3, epochs=epochs, batch_size=32)
    return TrainJob(
        family="net",
        recipe=to_plain(recipe),
        metric="log_loss",
        folder=str(rows),
        n_classes=2,
        rng_state=np.random.default_rng(5).bit_generator.state,
        checkpoint=str(folder / "checkpoint"),
    ).with_key()


def train(job: TrainJob, launch=None, at=lambda event: None):
    """Return the events, times excepted, and the arrays of the last checkpoint."""
    events = []
    for event in run_workers(job, 2, 2, launch=launch):
        events.append(event | {"seconds": 0})
        at(event)
    arrays = load_checkpoint(job.checkpoint)[1]
    Path(job.checkpoint).unlink()
    return events, {name: array.tobytes() for name, array in arrays.items()}


def kill_a_dask_worker(address: str) -> None:
    """Kill the process of a worker."""
    port = int(address.rpartition(":")[2])
    for one in psutil.net_connections("tcp"):
        if one.status == "LISTEN" and one.laddr.port == port and one.pid:
            os.kill(one.pid, signal.SIGKILL)
            return
    raise AssertionError(f"nobody listens on port {port}")


def test_the_workers_of_a_cluster_train_as_processes_here(executor, tmp_path, monkeypatch):
    job = make_job(tmp_path)
    here = train(job)
    launcher = executor.launcher()
    # As on machines without this folder: the files are sent, and the checkpoint comes back.
    monkeypatch.setattr(launcher, "_sees", lambda job, places: dict.fromkeys(places, False))
    assert train(job, launcher) == here
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows"]


@pytest.mark.long
@pytest.mark.parametrize("sees", [True, False])
def test_a_training_resumes_after_a_lost_worker(executor, tmp_path, monkeypatch, sees):
    job, killed = make_job(tmp_path, epochs=100), []

    def kill_once(event) -> None:
        if event["kind"] == "epoch" and event["epoch"] == 2 and not killed:
            killed.append(event)
            kill_a_dask_worker(min(executor.view.live))

    launcher = executor.launcher()
    if not sees:
        monkeypatch.setattr(launcher, "_sees", lambda job, places: dict.fromkeys(places, False))
    events, arrays = train(job, launcher, kill_once)
    [restart] = [event for event in events if event["kind"] == "restart"]
    assert "of 2 died (its Dask worker" in restart["message"]
    assert arrays == train(job)[1]


@pytest.mark.long
def test_an_error_of_a_worker_is_that_of_the_command(executor, tmp_path):
    job = make_job(tmp_path)
    job.recipe["optimizer"] = "lbfgs"
    with pytest.raises(UserError, match="lbfgs"):
        train(job, executor.launcher())


@pytest.mark.long
def test_a_training_resumes_on_the_workers_that_remain(tmp_path, monkeypatch):
    from graduel.duel.run.dask_executor import DaskExecutor

    monkeypatch.setattr("graduel.duel.run.dask_training.WAIT", 3.0)
    port, programs = find_port(), []
    address, host = f"tcp://127.0.0.1:{port}", "127.0.0.1"
    programs.append(scheduler(host, port, tmp_path / "log"))
    programs += [worker(address, host, tmp_path / f"w{i}", tmp_path / "log") for i in range(2)]
    job = make_job(tmp_path, epochs=100)
    killed = []
    try:
        for one in programs:
            one.start()
        with distributed.Client(address, timeout=30, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=30)

            def kill_once(event) -> None:
                if event["kind"] == "epoch" and not killed:
                    killed.append(event)
                    programs[2].kill()

            with closing(DaskExecutor(client)) as executor:
                events, _ = train(job, executor.launcher(), kill_once)
    finally:
        for one in reversed(programs):
            one.kill()
    assert [event["kind"] for event in events].count("restart") == 1
    assert [event["epoch"] for event in events if event["kind"] == "epoch"][-1] == 100


@pytest.mark.long
@pytest.mark.parametrize("kills", [False, True])
def test_the_fits_of_a_duel_are_shared_by_workers_of_a_cluster(executor, tmp_path, kills):
    options = {"contenders": ["textbook", "logistic"], "workers": 2, "threads": 2}
    places, parents, killed = {}, set(), []

    def look(event) -> None:
        if event.kind == "started":
            places[event.cell] = event.worker
        elif event.kind == "progress" and event.cell.contender == "textbook" and not killed:
            for process in psutil.Process().children(recursive=True):
                if "graduel.contenders.workers.worker_process" in process.cmdline():
                    parents.add("graduel.duel.run.dask_training" in process.parent().cmdline())
            if kills:
                [other] = [one for one in executor.view.live if one not in places[event.cell]]
                killed.append(other)
                kill_a_dask_worker(other)

    seen = Collect(look)
    there = plan_small(tmp_path / "there", executor, **options).run(seen)
    alone = plan_small(tmp_path / "alone", **options).run()
    for name, p in alone.probabilities.items():
        np.testing.assert_array_equal(there.probabilities[name], p)
    assert parents == {True, False}  # one process is a child of the cell's, one of a Dask worker
    assert len(seen.kinds("retried")) == len(killed)

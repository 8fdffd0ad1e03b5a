"""Worker processes train together, and resume from the last checkpoint if one dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from graduel.contenders import LabelledRows
from graduel.contenders.workers.train_job import TrainJob, write_rows
from graduel.contenders.workers.train_worker import train_worker
from graduel.contenders.workers.tree_rows import load_trees, prepare_trees
from graduel.contenders.workers.worker_group import run_workers
from graduel.contenders.xgboost_recipes import XGBoostRecipe
from graduel.errors import UserError
from graduel.serialize import to_plain
from graduel.train.io.checkpoint_file import load_checkpoint
from graduel.train.loop.parallel import Alone, LostWorkerError
from graduel.train.recipes import NetRecipe

RECIPES = {
    "batchnorm": NetRecipe(layers=(12,), norm="batch", dropout=0.0, clip_norm=0.5),
    "images": NetRecipe(layers=("conv4", "maxpool", 8), norm="batch", dropout=0.0),
    "ensemble": NetRecipe(
        layers=(12,),
        members=3,
        ntk=True,
        calibrate=True,
        activation="parametric_selu",
        dropout=0.0,
        class_weight="balanced",
        rates="bias:0.1",
        scheduled="decay",
    ),
}
"""Recipes without random numbers after the start."""
RANDOM = NetRecipe(
    layers=(12,), norm="batch", dropout=0.3, noise=0.1, ema=0.9, plateau=1, max_norm=2.0
)


def make_job(folder: Path, recipe: NetRecipe, epochs: int = 3, **options) -> TrainJob:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(170, 36)).astype("float32")
    y = (X[:, 0] + 0.3 * rng.normal(size=len(X)) > 0).astype(int) + (X[:, 1] > 0.5)
    write_rows(folder, X=X[:110], y=y[:110], valid_X=X[110:], valid_y=y[110:])
    described = to_plain(replace(recipe, epochs=epochs, batch_size=32, lr=0.01))
    job = TrainJob(
        family="net",
        recipe=described,
        metric="log_loss",
        folder=str(folder),
        n_classes=3,
        rng_state=np.random.default_rng(5).bit_generator.state,
        checkpoint=str(folder / "checkpoint"),
        image=(6, 6, 1) if "maxpool" in described["layers"] else None,
        **options,
    )
    return job.with_key()


def epochs_of(events) -> list[dict]:
    kept = []
    for event in events:
        assert event["kind"] in ("epoch", "end"), event
        if event["kind"] == "epoch":
            kept.append(event | {"seconds": 0})
    return kept


def arrays_of(job: TrainJob) -> dict[str, np.ndarray]:
    return load_checkpoint(job.checkpoint)[1]


def are_equal(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all((a[name] == b[name]).all() for name in a)


def workers_of_this_process() -> list[psutil.Process]:
    return [
        process
        for process in psutil.Process().children()
        if any("worker_process" in word for word in process.cmdline())
    ]


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_one_two_and_four_processes_have_the_same_losses(tmp_path, name):
    job, curves = make_job(tmp_path, RECIPES[name]), []
    for n_workers in (1, 2, 4):
        if n_workers == 1:
            events: list[dict] = []
            train_worker(job, Alone(), events.append)
        else:
            events = list(run_workers(job, n_workers))
        epochs = epochs_of(events)
        curves.append([epoch["loss"] for epoch in epochs])
        Path(job.checkpoint).unlink()
    assert len(curves[0]) == 3
    for curve in curves[1:]:
        np.testing.assert_allclose(curve, curves[0], rtol=1e-3)


def test_equal_workers_and_seeds_give_equal_bits(tmp_path):
    job, runs = make_job(tmp_path, RANDOM, epochs=2), []
    for _ in range(2):
        epochs = epochs_of(run_workers(job, 2))
        runs.append((epochs, arrays_of(job)))
        Path(job.checkpoint).unlink()
    assert runs[0][0] == runs[1][0]
    assert are_equal(runs[0][1], runs[1][1])


@pytest.mark.parametrize("victim", [pytest.param(0, marks=pytest.mark.long), 1])
def test_a_killed_worker_is_replaced_and_the_end_is_that_of_an_undisturbed_run(tmp_path, victim):
    job = make_job(tmp_path, replace(RANDOM, ema=0.0), epochs=12, checkpoint_every=3)
    undisturbed = epochs_of(run_workers(job, 2))
    expected = arrays_of(job)
    Path(job.checkpoint).unlink()

    epochs, restarts, killed = {}, [], 0.0
    for event in run_workers(job, 2):
        if event["kind"] == "epoch":
            epochs[event["epoch"]] = event | {"seconds": 0}
            if event["epoch"] == 2:
                processes = workers_of_this_process()
                assert len(processes) == 2
                processes[victim].kill()
                killed = time.monotonic()
        elif event["kind"] == "restart":
            restarts.append(event["message"])
            assert time.monotonic() - killed < 30
            assert workers_of_this_process() == []
    assert restarts == [f"worker {victim} of 2 died (killed by signal 9)"]
    assert [epochs[number] for number in sorted(epochs)] == undisturbed
    assert are_equal(arrays_of(job), expected)


def test_workers_that_keep_dying_are_an_error(tmp_path):
    job = make_job(tmp_path, replace(RANDOM, ema=0.0), epochs=100_000)
    events = run_workers(job, 2, restarts=0)
    assert next(events)["kind"] == "epoch"
    workers_of_this_process()[1].kill()
    with pytest.raises(LostWorkerError, match=r"worker 1 of 2 died \(killed by signal 9\)"):
        list(events)
    assert workers_of_this_process() == []


def test_a_run_that_was_stopped_resumes_with_equal_bits(tmp_path):
    job = make_job(tmp_path, RANDOM, epochs=3, checkpoint_every=1)
    undisturbed = epochs_of(run_workers(job, 2))
    expected = arrays_of(job)
    Path(job.checkpoint).unlink()
    events = run_workers(job, 2)
    first = [next(events) | {"seconds": 0} for _ in range(2)]
    events.close()
    assert workers_of_this_process() == []
    rest = epochs_of(run_workers(job, 2))
    assert rest == undisturbed[len(undisturbed) - len(rest) :]
    assert first == undisturbed[:2]
    assert are_equal(arrays_of(job), expected)


def test_workers_end_with_their_parent(tmp_path):
    make_job(tmp_path, RANDOM)
    script = (
        "import sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path\n"
        "from test_workers import RANDOM, make_job, workers_of_this_process\n"
        "from graduel.contenders.workers.worker_group import run_workers\n"
        "events = run_workers(make_job(Path(sys.argv[1]), RANDOM, epochs=100_000), 2)\n"
        "next(events); print(*[one.pid for one in workers_of_this_process()], flush=True)\n"
        "for event in events: pass\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), str(Path(__file__).parent)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    with parent.stdout:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    assert len(pids) == 2
    deadline = time.monotonic() + 30
    while any(psutil.pid_exists(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    job = make_job(tmp_path, RANDOM, epochs=1)
    train_worker(job, Alone())
    other = make_job(tmp_path, RANDOM, epochs=2)
    with pytest.raises(UserError, match="expected a checkpoint of this training"):
        list(run_workers(other, 2))


def test_an_error_of_a_worker_reaches_the_parent(tmp_path):
    job = make_job(tmp_path, replace(RANDOM, optimizer="lbfgs", dropout=0, noise=0, max_norm=0))
    with pytest.raises(UserError, match=r"lbfgs does not support ema|BatchNorm"):
        list(run_workers(job, 2))


def test_xgboost_on_shards_has_the_trees_of_one_process(tmp_path):
    rng = np.random.default_rng(3)
    X = rng.integers(0, 12, (260, 5)).astype("float32")
    y = ((X[:, 0] > 5).astype(int) + (X[:, 1] > 3)) % 3
    train, valid = LabelledRows(X[:200], y[:200], 3), LabelledRows(X[200:], y[200:], 3)
    recipe = XGBoostRecipe(n_estimators=8, colsample_bynode=1.0)
    prepare, rows, options = prepare_trees(recipe, train, valid, "error", np.random.default_rng(0))
    write_rows(tmp_path, **rows)
    job = TrainJob(
        family="xgboost",
        recipe={},
        metric="error",
        folder=str(tmp_path),
        n_classes=3,
        rng_state={},
        checkpoint=str(tmp_path / "checkpoint"),
        options=options,
    )
    results = []
    for n_workers in (1, 2):
        rounds = [event for event in run_workers(job, n_workers) if event["kind"] == "round"]
        assert [round(event["share"] * 8) for event in rounds] == list(range(1, len(rounds) + 1))
        fitted = load_trees(Path(job.checkpoint), prepare, train)
        results.append((fitted.details, fitted.predict_proba(X)))
    assert results[0][0] == results[1][0]
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-3, atol=1e-4)
    assert (results[0][1].argmax(axis=1) == y).mean() > 0.95


def test_xgboost_refuses_a_metric_that_is_no_sum(tmp_path):
    rows = LabelledRows(np.zeros((4, 1), "float32"), np.array([0, 1, 0, 1]), 2)
    with pytest.raises(UserError, match="expected one of the metrics"):
        prepare_trees(XGBoostRecipe(), rows, rows, "auc", np.random.default_rng(0))

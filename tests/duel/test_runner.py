"""Complete duels: events, worker processes, interruption and resuming."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import psutil
import pytest

import graduel
from cell_processes import cell_processes
from graduel.data.source import DataSource
from graduel.duel.plan.protocol import Cell
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.result.duel_result import DatasetSummary, read_result
from graduel.duel.result.result_builder import build_result
from graduel.duel.run.cell_runs import run_cells
from graduel.duel.run.job import run_job
from graduel.duel.store.store import open_store
from graduel.errors import UserError, WorkerError
from in_process import InProcess
from timeless import timeless

pytestmark = pytest.mark.processes


without_times = partial(timeless, same_environment=True)


def run_to_result(path, protocol, executor=None):
    with open_store(path, protocol) as store:
        events = list(run_cells(store, executor))
        return build_result(store, "a test"), events


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, tiny):
    return run_to_result(tmp_path_factory.mktemp("runs") / "whole", tiny)


def test_a_duel_from_its_plan_to_its_result(undisturbed, mnist):
    run, events = undisturbed
    kinds = [(e.cell.contender, e.kind) for e in events if e.kind != "progress"]
    assert kinds == [
        ("textbook", "started"),
        ("textbook", "finished"),
        ("net", "started"),
        ("net", "finished"),
    ]
    shares = [e.progress.share for e in events if e.kind == "progress"]
    assert len(shares) >= 8
    result = read_result(run.path)
    assert result == run.result
    assert result.dataset == DatasetSummary(
        name="mnist", n_train=275, n_valid=25, n_test=10_000, n_features=784, n_classes=10
    )
    for name, contender in result.contenders.items():
        p = np.load(run.path / "cells" / f"{name}-seed0" / "probabilities.npy")
        error = (p.argmax(axis=1) != mnist.y[60_000:]).mean()
        assert contender.test_error == pytest.approx(error)
        assert contender.test_error_interval[0] < error < contender.test_error_interval[1]
        assert contender.model_bytes == 4 * (784 * 16 + 16 + 160 + 10)
        assert len(contender.fit_seconds) == 1
        assert contender.fit_seconds[0] > 0
        assert all(0 <= e <= 1 and s > 0 for s, e in contender.curve)
    (comparison,) = result.comparisons
    assert (comparison.a, comparison.b) == ("textbook", "net")
    errors = {k: c.test_error for k, c in result.contenders.items()}
    assert comparison.difference == pytest.approx(errors["textbook"] - errors["net"])
    assert result.environment.versions["numpy"] == np.__version__


def test_a_finished_run_is_loaded_unchanged(undisturbed):
    run, _ = undisturbed
    back = graduel.load_run(run.path)
    assert back.result == run.result
    assert back.curve_points == run.curve_points
    np.testing.assert_array_equal(back.probabilities["net"], run.probabilities["net"])
    assert back.images.shape == (10_000, 28, 28)


def test_another_executor_gives_the_same_result(undisturbed, tiny, tmp_path):
    """Jobs in and events out, both as bytes, are the whole interface."""
    executor = InProcess()
    with open_store(tmp_path / "run", tiny) as store:
        kinds = [e.kind for e in run_cells(store, executor) if e.kind != "progress"]
        run = build_result(store, "a test")
    assert kinds == ["started", "finished"] * 2
    assert without_times(run.result) == without_times(undisturbed[0].result)
    for cell in tiny.cells():
        folders = [path / "cells" / cell.key for path in (run.path, undisturbed[0].path)]
        for name in ("probabilities.npy", "valid_probabilities.npy", "model.safetensors"):
            assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_a_job_writes_no_file_of_the_run(tiny, tmp_path):
    with open_store(tmp_path / "run", tiny) as store:
        list(run_cells(store, executor := InProcess()))
        before = {path: path.stat().st_mtime_ns for path in store.path.rglob("*")}
        run_job(executor.jobs[0], lambda event: None)
        assert {path: path.stat().st_mtime_ns for path in store.path.rglob("*")} == before


def test_a_finished_duel_is_not_run_again(undisturbed, tiny, tmp_path):
    path = shutil.copytree(undisturbed[0].path, tmp_path / "run")
    run, events = run_to_result(path, tiny)
    assert [e.kind for e in events] == ["reused", "reused"]
    assert without_times(run.result) == without_times(undisturbed[0].result)


def test_closing_the_events_ends_the_process_and_keeps_finished_cells(undisturbed, tiny, tmp_path):
    with open_store(tmp_path / "run", tiny) as store:
        events = run_cells(store)
        for event in events:
            if event.kind == "progress" and event.cell.contender == "net":
                assert cell_processes()
                break
        events.close()
        assert not cell_processes()
        assert store.is_finished(Cell("textbook", 0))
        assert not store.is_finished(Cell("net", 0))
    run, events = run_to_result(tmp_path / "run", tiny)
    assert [e.kind for e in events if e.kind != "progress"] == ["reused", "started", "finished"]
    assert without_times(run.result) == without_times(undisturbed[0].result)


SCRIPT = """
import json, sys
from pathlib import Path
from graduel.duel.plan.protocol import Protocol
from graduel.duel.run.cell_runs import run_cells
from graduel.duel.store.store import open_store
protocol = Protocol.from_dict(json.loads(sys.argv[2]))
with open_store(Path(sys.argv[1]), protocol) as store:
    for event in run_cells(store):
        print(event.cell.key, event.kind, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
@pytest.mark.parametrize("wait", ["textbook-seed0 started", "net-seed0 progress"])
def test_a_killed_duel_resumes_to_the_same_result(undisturbed, tiny, tmp_path, wait):
    path = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(path), json.dumps(tiny.as_dict())],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        for line in process.stdout:
            if line.strip() == wait:
                break
        children = psutil.Process(process.pid).children()
        process.send_signal(signal.SIGKILL)
    # A worker dies with its parent.
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive
    run, _ = run_to_result(path, tiny, InProcess())
    assert without_times(run.result) == without_times(undisturbed[0].result)
    assert not list((path / "cells").glob(".*"))


def test_divergence_is_a_one_line_error(tiny, tmp_path):
    spec = tiny.contenders["net"]
    wild = {**spec, "recipe": {**spec["recipe"], "optimizer": "sgd", "lr": 1e30}}
    protocol = replace(tiny, contenders={"net": wild})
    with pytest.raises(UserError, match=r"net: the loss became .* lower the learning rate"):
        run_to_result(tmp_path, protocol)


def test_divergence_in_the_last_step_leaves_no_finished_cell(tiny, tmp_path):
    spec = tiny.contenders["net"]
    recipe = {**spec["recipe"], "epochs": 1, "batch_size": 10_000, "lr": 1e38, "warmup": 0}
    protocol = replace(tiny, contenders={"net": {**spec, "recipe": recipe}})
    with pytest.raises(UserError, match="net: the fitted model diverged"):
        run_to_result(tmp_path, protocol, InProcess())
    assert not list((tmp_path / "cells").iterdir())


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_a_killed_worker_is_a_one_line_error(tiny, tmp_path):
    def kill_the_running_worker():
        with open_store(tmp_path, tiny) as store:
            for event in run_cells(store):
                if event.kind == "progress":
                    cell_processes()[0].kill()

    with pytest.raises(
        WorkerError, match=r"textbook-seed0 died with exit code -9 \(killed"
    ) as error:
        kill_the_running_worker()
    assert "\n" not in str(error.value)


def test_two_seeds_on_two_threads_are_reproducible_with_xgboost(tmp_path, monkeypatch):
    # On busy cores, threads that wait by spinning slow each other down.
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    base = build_protocol(
        DataSource.builtin("mnist"),
        contenders=["net", "xgboost"],
        rows=300,
        threads=2,
        seeds=2,
        probes=False,
    )
    recipes = {"net": {"layers": [16], "epochs": 2}, "xgboost": {"n_estimators": 5}}
    specs = {k: {**v, "recipe": {**v["recipe"], **recipes[k]}} for k, v in base.contenders.items()}
    protocol = replace(base, contenders=specs)
    first = run_to_result(tmp_path / "a", protocol)[0].result
    second = run_to_result(tmp_path / "b", protocol)[0].result
    assert without_times(first) == without_times(second)
    assert len(first.contenders["xgboost"].test_errors) == 2
    assert first.claims == ()  # they are about textbook networks


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": 99}', '{"format": 1, "what": 2}'])
def test_a_folder_without_a_run_is_refused(undisturbed, tmp_path, text):
    with pytest.raises(UserError, match="finished duel's folder"):
        graduel.load_run(tmp_path)
    shutil.copy(undisturbed[0].path / "result.json", tmp_path)
    (tmp_path / "duel.json").write_text(text)
    with pytest.raises(UserError, match="expected a duel's plan"):
        graduel.load_run(tmp_path)


def test_a_worker_that_fails_to_start_is_reported(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", str(tmp_path / "nowhere"))
    with pytest.raises(WorkerError, match="worker process of textbook-seed0 died with exit code"):
        run_to_result(tmp_path / "run", tiny)


def test_run_duel_from_python(tmp_path):
    run = graduel.run_duel(contenders=["textbook"], rows=200, quick=True, out=tmp_path, threads=1)
    assert run.result.comparisons == ()
    assert run.result.contenders["textbook"].test_error < 0.5
    assert run.result.environment.command.startswith("graduel.run_duel")

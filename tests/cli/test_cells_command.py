"""``graduel cells``, ``--plan-only`` and the report of an unfinished run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from graduel.cli.app import main
from graduel.duel.result.result_builder import load_run
from graduel.duel.run.cell_runs import make_job
from graduel.duel.run.local import LocalExecutor
from graduel.duel.store import lock
from graduel.duel.store.store import open_store, read_store, share_store
from graduel.errors import WorkerError
from timeless import timeless

NET = "layers=8 epochs=2 batch_size=16 lr=0.01"
OPTIONS = ["--target", "outcome", "--threads", "1", "--contenders", "textbook,net", "--net", NET]
OPTIONS += ["--quick"]


def read_timeless(folder):
    """Return the result in a folder without times, memory and environment."""
    return timeless(load_run(folder).result)


def write_table(path, seed):
    rng = np.random.default_rng(seed)
    lines = ["age,town,outcome"]
    for i in range(90):
        age = f"{20 + 10 * (i % 3 > 0) + 6 * rng.normal():.1f}"
        lines.append(f"{age},{['Ulm', 'Kiel'][int(rng.integers(2))]},{'yes' if i % 3 else 'no'}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder with two tables, as the current folder."""
    (tmp_path / "tables").mkdir()
    for seed, name in enumerate(("first", "second")):
        write_table(tmp_path / "tables" / f"{name}.csv", seed)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["graduel", *args])
        return main(list(args))


def plan(*more):
    """Plan a duel on the first table into ``run``, then delete the table."""
    assert run("duel", "tables/first.csv", *OPTIONS, *more, "--out", "run", "--plan-only") == 0
    os.remove("tables/first.csv")


def start(*args):
    return subprocess.Popen(
        [sys.executable, "-m", "graduel", "cells", "run", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def states(capsys, folder="run"):
    capsys.readouterr()
    assert run("cells", folder, "--list", "--json") == 0
    return [one["state"] for one in json.loads(capsys.readouterr().out)]


def run_some(folder, number):
    """Run the first `number` missing fits of a folder in this process."""
    whole, left = LocalExecutor.run, [number]

    def some(self, jobs):
        for event in whole(self, jobs):
            yield event
            left[0] -= event.kind == "finished"
            if not left[0]:
                raise WorkerError("stopped by the test")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalExecutor, "run", some)
        assert run("cells", folder) == 1


def test_a_plan_needs_no_data_file_and_gives_the_result_of_an_undisturbed_duel(home, capsys):
    assert run("duel", "tables/first.csv", *OPTIONS, "--split", "holdout", "--out", "whole") == 0
    capsys.readouterr()
    plan("--split", "holdout", "--seeds", "1")
    out = capsys.readouterr().out
    assert "graduel cells run --shard 1/N" in out
    assert not (home / "run" / "result.json").exists()
    assert states(capsys) == ["missing"] * 2
    assert run("cells", "run", "--shard", "2/2") == 0
    assert states(capsys) == ["missing", "finished"]
    assert (home / "run" / "cache").exists()
    assert run("cells", "run") == 0
    assert "1 fit run here. All 2 are finished" in capsys.readouterr().out
    assert not (home / "run" / "cache").exists()
    assert read_timeless(home / "run") == read_timeless(home / "whole")
    command = json.loads((home / "run" / "result.json").read_text())["environment"]["command"]
    assert command.startswith("graduel duel tables/first.csv")
    assert run("report", "run") == 0
    assert run("cells", "run") == 0
    assert "0 fits run here" in capsys.readouterr().out


def test_shards_in_processes_at_the_same_time(home, capsys):
    more = ("--split", "holdout", "--seeds", "2")
    assert run("duel", "tables/first.csv", *OPTIONS, *more, "--out", "whole") == 0
    plan(*more)
    shards = [start("--shard", "1/2"), start("--shard", "2/2")]
    for process in shards:
        out, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        assert "2 fits run here" in out
    assert read_timeless(home / "run") == read_timeless(home / "whole")
    assert not list((home / "run" / "locks").glob("cell-*"))


def test_the_same_shard_twice_runs_no_cell_twice(home, capsys):
    plan("--split", "holdout", "--seeds", "2")
    processes = [start(), start()]
    numbers = []
    for process in processes:
        out, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        numbers.append(int(out.partition(" fits run here")[0].split()[-1]))
    assert sum(numbers) == 4
    assert states(capsys) == ["finished"] * 4


def test_the_cell_of_a_killed_process_is_taken_over(home, capsys):
    plan("--split", "holdout")
    first = start()
    locks = home / "run" / "locks"
    while not list(locks.glob("cell-*")):
        assert first.poll() is None, first.communicate()
        time.sleep(0.01)
    assert "running" in states(capsys)
    capsys.readouterr()
    assert run("cells", "run", "--shard", "1/2") == 0  # it runs elsewhere
    assert "run in other processes" in capsys.readouterr().out
    for worker in psutil.Process(first.pid).children():
        worker.kill()
    first.kill()
    first.communicate()
    assert run("cells", "run") == 0
    assert states(capsys) == ["finished"] * 2


def test_a_terminated_process_releases_its_locks(home, capsys):
    plan("--split", "holdout")
    process = start()
    locks = home / "run" / "locks"
    while not list(locks.glob("cell-*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert not [path for path in locks.iterdir() if path.name.startswith(("cell-", "process-"))]


def test_a_duel_needs_the_folder_for_itself(home, capsys):
    more = ("--split", "holdout", "--out", "run")
    assert run("duel", "tables/first.csv", *OPTIONS, *more, "--plan-only") == 0
    with share_store(home / "run"):
        assert run("duel", "tables/first.csv", *OPTIONS, *more) == 2
    assert f"is in use by graduel cells (process {os.getpid()} on" in capsys.readouterr().err
    assert run("duel", "tables/first.csv", *OPTIONS, *more) == 0
    assert states(capsys) == ["finished"] * 2


def test_cells_of_a_locked_folder_are_refused(home, capsys, monkeypatch):
    plan("--split", "holdout")
    monkeypatch.setattr(lock, "START_SECONDS", 0)
    with open_store(home / "run", read_store(home / "run").protocol):
        assert run("cells", "run") == 2
    assert "is in use by a graduel process that runs all of its cells" in capsys.readouterr().err


def test_a_suite_has_one_numbering(home, capsys):
    options = [*OPTIONS, "--split", "holdout"]
    (home / "tables" / "third.csv").write_text("age,outcome\n" + "1,no\n" * 50)
    assert run("duel", "tables", *options, "--out", "whole") == 2
    assert run("duel", "tables", *options, "--out", "run", "--plan-only") == 2
    assert run("cells", "run", "--list") == 0
    assert "4 missing, 0 running, 0 finished" in capsys.readouterr().out
    for shard in ("1/3", "2/3", "3/3"):
        assert run("cells", "run", "--shard", shard) == 0
    for name in ("first", "second"):
        assert read_timeless(home / "run" / name) == read_timeless(home / "whole" / name)


def test_sizes_belong_to_the_numbering(home, capsys):
    more = ("--split", "holdout", "--sizes", "40")
    assert run("duel", "tables/first.csv", *OPTIONS, *more, "--out", "whole") == 0
    plan(*more)
    capsys.readouterr()
    assert run("cells", "run", "--list", "--json") == 0
    names = [one["cell"] for one in json.loads(capsys.readouterr().out)]
    assert names == [
        *("textbook-seed0", "net-seed0"),
        *("sizes/40/textbook-seed0", "sizes/40/net-seed0"),
    ]
    assert run("cells", "run", "--shard", "2/2") == 0
    assert not (home / "run" / "result.json").exists()
    assert run("cells", "run", "--shard", "1/2") == 0
    assert read_timeless(home / "run") == read_timeless(home / "whole")
    assert load_run("run").result.learning_curve is not None


def test_an_experiment_is_planned_and_run(home, capsys):
    args = [
        "tables/first.csv",
        "--target",
        "outcome",
        "--net",
        NET,
        "--vary",
        "activation=relu,tanh",
    ]
    args += ["--split", "holdout", "--quick", "--out", "run"]
    assert run("experiment", *args, "--plan-only") == 0
    assert states(capsys) == ["missing"] * 2
    assert run("cells", "run") == 0
    assert run("report", "run") == 0


def test_a_tuned_cell_resumes_its_trials(home, capsys):
    more = ("--split", "holdout", "--trials", "3")
    assert run("duel", "tables/first.csv", *OPTIONS, *more, "--out", "whole") == 0
    plan(*more)

    whole = LocalExecutor.run

    def until_trial(self, jobs):
        for event in whole(self, jobs):
            yield event
            if event.kind == "trial" and event.trial.number == 1:
                raise WorkerError("stopped by the test")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalExecutor, "run", until_trial)
        assert run("cells", "run") == 1
    store = read_store(home / "run")
    cell = next(store.protocol.cells())
    assert len(make_job(store, cell).trials) == 2
    assert run("cells", "run") == 0
    one, other = (load_run(home / name).result.contenders for name in ("run", "whole"))
    for name in one:
        assert one[name].test_errors == other[name].test_errors
        assert [t.loss for t in one[name].trials[0]] == [t.loss for t in other[name].trials[0]]


def test_an_estimator_of_the_user_is_refused(home, capsys, monkeypatch):
    (home / "mine.py").write_text(
        "from sklearn.naive_bayes import GaussianNB\ndef make():\n    return GaussianNB()\n"
    )
    monkeypatch.syspath_prepend(home)
    args = ["tables/first.csv", *OPTIONS, "--contender", "mine:make", "--split", "holdout"]
    assert run("duel", *args, "--out", "run", "--plan-only") == 2
    assert "without --plan-only" in capsys.readouterr().err
    assert run("duel", *args, "--out", "other") == 0
    assert run("cells", "other") == 2
    errors = capsys.readouterr().err
    assert "got 'make', an estimator of your own" in errors
    assert len(errors.strip().splitlines()[-1:]) == 1


@pytest.mark.parametrize("shard", ["0/3", "4/3", "x", "1", "-1/3", "1/0", "1.5/3"])
def test_a_bad_shard_is_one_line(home, capsys, shard):
    assert run("cells", "run", f"--shard={shard}") == 2
    errors = capsys.readouterr().err
    assert errors.startswith("graduel: --shard must be a part and the number of parts such as 3/40")
    assert errors.count("\n") == 1


def test_a_folder_without_a_plan_is_one_line(home, capsys):
    for name in ("nowhere", "tables"):
        assert run("cells", name) == 2
        errors = capsys.readouterr().err
        assert errors.startswith("graduel: expected the folder of a planned duel")
        assert errors.count("\n") == 1


def report(capsys, *args):
    """Return the exit code, the text and the errors of ``graduel report run``."""
    capsys.readouterr()
    code = run("report", "run", *args)
    out, errors = capsys.readouterr()
    return code, " ".join(out.split()), errors


def test_a_report_needs_a_finished_fit(home, capsys):
    plan("--split", "holdout")
    code, _, errors = report(capsys)
    assert code == 2
    assert errors.startswith("graduel: expected a finished fit in run; got none of 2. Run graduel")
    assert errors.count("\n") == 1


def test_the_report_of_some_seeds(home, capsys):
    more = ("--split", "holdout", "--seeds", "3")
    assert run("duel", "tables/first.csv", *OPTIONS, *more, "--out", "whole") == 0
    plan(*more)
    run_some("run", 4)  # three of the textbook network, one of the other
    code, out, _ = report(capsys)
    assert code == 0
    missing = load_run("run").result.missing
    assert missing is not None
    assert (missing.fits, missing.planned, missing.runs) == (2, 6, {"net": (1, 2)})
    assert missing.sentence.startswith(
        "This duel is unfinished: 2 of 6 fits are missing (NumPy network: runs 1, 2)."
    )
    assert missing.sentence in out
    assert missing.sentence in (home / "run" / "report.html").read_text()
    result = load_run("run").result
    assert len(result.contenders["textbook"].test_errors) == 3
    (comparison,) = result.comparisons
    assert comparison.seeds == 1  # the runs that both have
    whole = load_run("whole").result
    assert result.contenders["textbook"].test_errors == whole.contenders["textbook"].test_errors
    assert result.contenders["textbook"].log_loss == whole.contenders["textbook"].log_loss
    assert (home / "run" / "cache").exists()
    assert run("cells", "run") == 0
    assert read_timeless(home / "run") == read_timeless(home / "whole")
    code, out, _ = report(capsys)
    assert "unfinished" not in out
    assert "unfinished" not in (home / "run" / "report.html").read_text()


def test_a_contender_without_a_fit_is_left_out(home, capsys):
    plan("--split", "holdout", "--seeds", "2")
    run_some("run", 2)
    code, out, _ = report(capsys)
    assert code == 0
    result = load_run("run").result
    assert list(result.contenders) == ["textbook"]
    assert result.comparisons == ()
    assert result.missing.contenders == ("NumPy network",)
    assert "Left out, because no fit is finished: NumPy network." in out
    capsys.readouterr()
    assert run("report", "run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["missing"]["fits"] == 2


@pytest.mark.parametrize("metric", ["error", "auc"])
def test_the_report_of_some_folds(home, capsys, metric):
    """A comparison needs a repeat that both have finished; the values of a contender do not."""
    plan("--split", "3x2", "--metric", metric)
    for n_finished in (1, 2, 4, 7):
        run_some("run", n_finished - states(capsys).count("finished"))
        code, out, errors = report(capsys)
        assert code == 0, errors
        result = load_run("run").result
        assert result.missing.fits == 12 - n_finished
        assert result.comparisons == ()
        assert len(result.contenders["textbook"].test_errors) == min(n_finished, 6)
        low, high = result.contenders["textbook"].test_error_interval
        assert low <= result.contenders["textbook"].test_error <= high
        assert "better than" not in out
    assert len(result.missing.pairs) == 1
    assert "they share no complete run or repeat" in out
    run_some("run", 3)  # a repeat and one fold
    assert report(capsys)[0] == 0
    result = load_run("run").result
    (comparison,) = result.comparisons
    assert (comparison.repeats, comparison.folds) == (1, 3)
    assert result.missing.pairs == ()
    assert "each comparison uses" in result.missing.sentence.lower()


def test_comparisons_are_corrected_for_all_planned_pairs(home, capsys):
    plan("--split", "holdout", "--contenders", "logistic", "--seeds", "2")
    run_some("run", 4)
    assert report(capsys)[0] == 0
    (comparison,) = load_run("run").result.comparisons
    assert comparison.p_adjusted == pytest.approx(min(1, 3 * comparison.p_value))
    assert comparison.equivalence_level == pytest.approx(1 - 0.1 / 3)


def test_the_report_of_unfinished_sizes(home, capsys):
    plan("--split", "holdout", "--sizes", "40")
    run_some("run", 3)
    code, out, _ = report(capsys)
    assert code == 0
    assert "The learning curve lacks unfinished sizes: 40." in out
    assert load_run("run").result.missing.fits == 0
    assert run("cells", "run") == 0
    assert report(capsys)[0] == 0
    assert load_run("run").result.missing is None
    assert load_run("run").result.learning_curve.sizes == (40, 72)


def test_the_report_of_an_unfinished_experiment(home, capsys):
    args = ["tables/first.csv", "--target", "outcome", "--net", NET]
    args += ["--vary", "activation=relu,tanh", "--seeds", "2", "--split", "holdout", "--quick"]
    assert run("experiment", *args, "--out", "run", "--plan-only") == 0
    run_some("run", 3)
    code, out, _ = report(capsys)
    assert code == 0
    assert "1 of 4 fits is missing" in out


def test_the_report_of_an_unfinished_suite(home, capsys):
    options = [*OPTIONS, "--split", "holdout"]
    (home / "tables" / "third.csv").write_text("age,outcome\n" + "1,no\n" * 50)
    assert run("duel", "tables", *options, "--out", "whole") == 2
    assert run("duel", "tables", *options, "--out", "run", "--plan-only") == 2
    code, _, errors = report(capsys)
    assert code == 2
    assert "expected a data set in run with all fits finished" in errors
    assert run("cells", "run", "--shard", "1/4") == 0
    assert run("cells", "run", "--shard", "2/4") == 0
    assert run("cells", "run", "--shard", "3/4") == 0
    code, out, errors = report(capsys)
    assert code == 0, errors
    assert "Unfinished: second: 1 of 2 fits is missing" in out
    assert "Failed: third:" in out
    assert "Unfinished: second." in (home / "run" / "suite.html").read_text()
    assert (home / "run" / "second" / "report.html").exists()
    assert run("cells", "run") == 0
    assert report(capsys)[0] == 0
    suites = [
        json.loads((home / name / "suite-result.json").read_text()) for name in ("run", "whole")
    ]
    assert suites[0]["across"] == suites[1]["across"]
    assert suites[0]["failures"] == suites[1]["failures"]
    assert suites[0]["unfinished"] == []

"""``graduel train`` and ``graduel experiment`` as their users meet them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from graduel.cli.app import main
from graduel.models.model_file import load_model
from graduel.train import load_network

NET = "layers=16 epochs=2 batch_size=32 lr=0.01"
SMALL = ["--rows", "300", "--threads", "1"]


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def graduel(capsys, *args):
    """Run in this process; return the exit code and what was said."""
    code = main(list(args))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_network_is_trained_evaluated_and_saved(capsys, tmp_path, mnist):
    code, out, err = graduel(capsys, "train", *SMALL, "--net", NET, "--out", "new/net.safetensors")
    assert code == 0
    assert "test error" in out
    assert "saved in new/net.safetensors" in out
    assert "epoch 2 of 2: loss" in err
    model = load_network(tmp_path / "new" / "net.safetensors")
    notes = model.notes
    X = mnist.table[60_000:]
    x = X.astype("float32") * np.float32(notes["scale"])
    answers = model.network.predict(x, model.weights).argmax(axis=1)
    assert np.mean(answers != mnist.y[60_000:]) == pytest.approx(notes["test_error"], abs=1e-3)
    assert notes["classes"] == list("0123456789")
    assert notes["recipe"]["layers"] == [16]
    assert notes["environment"]["command"].startswith("graduel")


def test_two_workers_train_the_network_of_one(capsys, tmp_path):
    net = "layers=16 norm=batch noise=0 epochs=2 batch_size=32 lr=0.01"
    notes = []
    for workers in ("1", "2"):
        options = ["--workers", workers, "--out", f"net{workers}"]
        code, _, err = graduel(capsys, "train", *SMALL, "--net", net, *options)
        assert code == 0
        assert "epoch 2 of 2: loss" in err
        notes.append(load_network(tmp_path / f"net{workers}").notes)
    assert notes[1]["test_log_loss"] == pytest.approx(notes[0]["test_log_loss"], rel=1e-3)
    assert notes[1]["workers"] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net1", "net2"]


@pytest.mark.long
@pytest.mark.processes
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("contender", ["net", "xgboost"])
def test_the_workers_of_a_cluster_train_the_model_of_processes_here(capsys, tmp_path, contender):
    options = [*SMALL, "--contender", contender, "--threads", "2"]
    options += ["--epochs", "2"] if contender == "net" else ["--quick"]
    notes = []
    for place in (("--workers", "2"), ("--on", "local:2")):
        code, out, _ = graduel(capsys, "train", *options, *place, "--out", place[1], "--json")
        assert code == 0
        notes.append(json.loads(out))
    assert notes[0]["test_log_loss"] == notes[1]["test_log_loss"]
    assert [one["workers"] for one in notes] == [2, 2]


def test_a_command_that_was_stopped_resumes(capsys, tmp_path):
    net = "layers=16 norm=batch dropout=0.1 epochs=4 batch_size=32 lr=0.01"
    options = [*SMALL, "--net", net, "--workers", "2", "--checkpoint-every", "1"]
    code, _, _ = graduel(capsys, "train", *options, "--out", "whole")
    assert code == 0
    killed = subprocess.Popen(
        [sys.executable, "-m", "graduel", "train", *options, "--out", "net"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    checkpoint = tmp_path / "net.checkpoint"
    while not checkpoint.exists() and killed.poll() is None:
        time.sleep(0.002)
    killed.kill()
    killed.wait()
    if checkpoint.exists():
        code, _, err = graduel(capsys, "train", *options, "--out", "net")
        assert code == 0
        assert "resuming from net.checkpoint" in err
        assert not checkpoint.exists()
    whole, net = (load_network(tmp_path / name).weights for name in ("whole", "net"))
    assert (whole.theta == net.theta).all()


def test_the_same_seed_gives_the_same_weights(capsys):
    found = []
    for seed in ("1", "1", "2"):
        code, out, _ = graduel(
            capsys,
            "train",
            *SMALL,
            "--net",
            NET,
            "--seed",
            seed,
            "--json",
            "--out",
            f"{len(found)}",
        )
        assert code == 0
        found.append(json.loads(out))
    theta = [load_network(one["model"]).weights.theta.tobytes() for one in found]
    assert theta[0] == theta[1] != theta[2]
    assert found[0]["test_error"] == found[1]["test_error"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["train", "mnits"], "Did you mean 'mnist'?"),
        (["train", "--net", "activation=rleu"], "Did you mean 'relu'?"),
        (["train", "--net", "layers=maxpool20,maxpool20,10"], "MaxPool2D"),
        (["train", "--net", "optimizer=lbfgs norm=none noise=0 dropout=0.1"], "Dropout"),
        (["train", "--net", "rates=bais:2"], "bais"),
        (["train", "--seed", "-1"], "--seed: expected at least 0"),
        (["train", *SMALL, "--net", "lr=1e30 epochs=2 layers=8"], "lower the learning rate"),
        (["train", "--contender", "nett"], "Did you mean 'net'?"),
        (["train", "--out", "there"], "--out: expected a new file"),
        (["train", "--out", "there/net"], "--out: cannot write"),
        (["train", "--workers", "0"], "--workers: expected at least 1"),
        (["train", "--checkpoint-every", "5"], "expected --workers of at least 2"),
        (["train", "--workers", "2", "--contender", "forest"], "trains in one process"),
        (["experiment"], "--vary must have a key and values"),
        (["experiment", "--vary", "activation=relu"], "at least two values"),
        (["experiment", "--vary", "activatoin=relu,tanh"], "Did you mean 'activation'?"),
        (["experiment", "--vary", "lr=1,2", "--net", "lr=3"], "in --net and in --vary"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(capsys, tmp_path, args, message):
    (tmp_path / "there").write_text("mine")
    code, out, err = graduel(capsys, *args)
    assert code == 2
    assert out == ""
    complaint = err.splitlines()[-1]
    assert complaint.startswith("graduel: ")
    assert message in complaint
    assert "Traceback" not in err
    assert [p.name for p in tmp_path.iterdir()] == ["there"]


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C works differently there")
def test_ctrl_c_keeps_the_best_epoch_so_far(tmp_path):
    net = "layers=32 epochs=100000"
    options = ["--rows", "2000", "--threads", "1", "--net", net, "--out", "net.safetensors"]
    process = subprocess.Popen(
        [sys.executable, "-m", "graduel", "train", *options],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background jobs, and all they start, ignore SIGINT; a terminal's do not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if line.startswith("epoch 1 "):
                break
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130, err
    assert "stopped after" in out
    assert "Traceback" not in err
    notes = load_network(tmp_path / "net.safetensors").notes
    assert 1 <= notes["best_epoch"] <= notes["epochs"] < 100_000


@pytest.mark.processes
def test_an_experiment_prints_a_table_and_resumes(capsys, tmp_path):
    args = ["experiment", *SMALL, "--net", NET, "--vary", "activation=relu,gelu", "--seeds", "2"]
    code, out, err = graduel(capsys, *args, "--out", "mine")
    assert code == 0
    for word in ("2 variants, 2 seeds", "relu", "gelu", "SD over seeds", "best", "experiment.png"):
        assert word in out
    assert "Experiment on mnist; results are saved in mine" in err
    assert {"experiment.md", "experiment.png", "result.json"} <= {
        p.name for p in (tmp_path / "mine").iterdir()
    }
    code, out, err = graduel(capsys, *args, "--out", "mine", "--json")
    assert code == 0
    assert err.count("finished earlier") == 4
    assert json.loads(out)["protocol"]["varies"] == ["activation"]


def test_a_contender_of_another_family_is_trained(capsys, tmp_path):
    args = ["train", "iris", "--quick", "--threads", "1", "--contender", "textbook"]
    code, out, err = graduel(capsys, *args, "--out", "textbook.safetensors")
    assert code == 0, err
    assert "100 %: validation error" in err
    assert "saved in textbook.safetensors" in out
    notes = load_network(tmp_path / "textbook.safetensors").notes
    assert (notes["contender"], notes["steps"]) == ("textbook", 60)
    args[-1] = "forest"
    assert graduel(capsys, *args, "--out", "forest.safetensors")[0] == 0
    assert load_model(tmp_path / "forest.safetensors").family == "sklearn"


def test_an_experiment_takes_a_split_and_a_metric(capsys, tmp_path):
    net = ["--net", "layers=4 epochs=1", "--vary", "activation=relu,gelu"]
    options = ["--split", "2x1", "--metric", "log_loss", "--threads", "1", "--out", "mine"]
    code, _, err = graduel(capsys, "experiment", "iris", *net, *options)
    assert code == 0, err
    protocol = json.loads((tmp_path / "mine" / "result.json").read_text())["protocol"]
    assert (protocol["split"], protocol["metric"]) == ("2x1", "log_loss")


def test_without_out_nothing_is_overwritten(capsys, tmp_path):
    for _ in range(2):
        assert graduel(capsys, "train", *SMALL, "--net", NET)[0] == 0
    first, second = sorted(path.name for path in tmp_path.iterdir())
    assert first.replace("-2.", ".") == second.replace("-2.", ".") != first != second


def test_a_late_divergence_saves_the_best_epoch_before(capsys, tmp_path, monkeypatch):
    from graduel.contenders import net
    from graduel.train import DivergedError

    class Late(net.Training):
        def epochs(self):
            yield next(super().epochs())
            raise DivergedError("the loss became nan")

    monkeypatch.setattr(net, "Training", Late)
    code, out, err = graduel(capsys, "train", *SMALL, "--net", NET, "--out", "late")
    assert code == 2
    assert "saved in late" in out
    assert err.splitlines()[-1] == "graduel: the loss became nan. The best epoch before is saved."
    assert load_network(tmp_path / "late").notes["best_epoch"] == 1

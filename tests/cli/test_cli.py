"""The command line in processes of its own, on MNIST."""

from __future__ import annotations

import html
import inspect
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib import import_module

import pytest
from typer.testing import CliRunner

from graduel.cli.app import app, main
from graduel.cli.options import CLUSTER_OPTIONS, NET_OPTIONS, READ_OPTIONS
from graduel.data.source import DataSource

NET = "layers=16 epochs=2 batch_size=32 lr=0.01"
SMALL = ["--rows", "300", "--threads", "1", "--contenders", "net", "--net", NET]
FASTER = [*SMALL, "--no-probes"]


def graduel(*args, cwd, **options):
    return subprocess.run(
        [sys.executable, "-m", "graduel", *args],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def get_error(capsys, *args):
    """Run in this process; return the exit code and the error line."""
    code = main(list(args))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("graduel: ")
    assert said.err.count("\n") == 1
    return code, said.err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["duel", "mnits"], "Did you mean 'mnist'?"),
        (["duel", "--contenders", "net,xgbost"], "Did you mean 'xgboost'?"),
        (["duel", "--contenders", ","], "at least one contender"),
        (["duel", "--net", "activation=rleu"], "Did you mean 'relu'?"),
        (["duel", "--net", "lr"], "key=value pairs separated by spaces"),
        (["duel", "--rows", "5"], "rows must be between 100 (10 for each of 10 classes)"),
        (["duel", "--rows", "60001"], "and 60,000, the training rows"),
        (["duel", "--rows", "many"], "Invalid value for '--rows'"),
        (["duel", "--seeds", "0"], "seeds must be at least 1"),
        (["duel", "--threads", "-2"], "threads must be at least 1"),
        (["duel", "--threads", "9999999999999"], "at most"),
        (["duel", "--quik"], "No such option"),
        (["duell"], "No such command"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(capsys, monkeypatch, tmp_path, args, message):
    monkeypatch.chdir(tmp_path)
    code, line = get_error(capsys, *args)
    assert code == 2
    assert message in line


def test_an_out_that_is_something_else(capsys, tmp_path):
    (tmp_path / "file").write_text("mine")
    for out, message in ((tmp_path, "holds other files (file)"), (tmp_path / "file", "is a file")):
        code, line = get_error(capsys, "duel", *SMALL, "--out", str(out))
        assert code == 2
        assert message in line
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_an_out_that_cannot_be_written(capsys, tmp_path):
    tmp_path.chmod(0o500)
    code, line = get_error(capsys, "duel", *SMALL, "--out", str(tmp_path / "run"))
    assert code == 2
    assert "can be written" in line


def test_help_names_every_option():
    result = CliRunner().invoke(app, ["duel", "--help"])
    assert result.exit_code == 0
    for option in ("contenders", "net", "seeds", "rows", "quick", "out", "json", "threads"):
        assert f"--{option}" in result.output
    assert CliRunner().invoke(app, ["--version"]).output.startswith("graduel 0.")


def test_import_and_help_load_no_heavy_library():
    code = (
        "import sys, graduel; from graduel.cli import main; main(['duel', '--help']); "
        "heavy = {'xgboost', 'sklearn', 'matplotlib', 'scipy', 'numpy', 'pandas', 'jinja2'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert found.stderr == ""
    assert found.returncode == 0


def test_every_public_name_is_there():
    import graduel as package

    for name in package.__all__:
        assert getattr(package, name).__doc__
    assert set(package.__all__) <= set(dir(package))
    assert package.__version__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing


def test_subpackages_are_reachable_and_show_public_names_alone():
    code = """
import graduel, types
packages = [n for n in graduel.__all__ if n not in graduel._MODULES]
assert "nn" in packages and "stats" in packages
for name in packages:
    package = getattr(graduel, name)
    assert isinstance(package, types.ModuleType), name
    names = [n for n in dir(package) if n[0] != "_"]
    assert names, name
    for n in names:
        value = getattr(package, n)
        assert not isinstance(value, types.ModuleType), (name, n)
    assert set(names) == set(getattr(package, "__all__", names)), name
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    args = [*SMALL, "--contenders", "textbook,xgboost", "--quick", "--out", "run"]
    return folder, args, graduel("duel", *args, cwd=folder)


def test_a_whole_duel(finished):
    folder, _, done = finished
    assert done.returncode == 0, done.stderr
    for word in (
        "textbook network",
        "NumPy network",
        "XGBoost",
        "Test error",
        "--quick",
        "Report: ",
    ):
        assert word in done.stdout
    for line in ("textbook-seed0: starting", "net-seed0: finished", "xgboost-seed0: finished"):
        assert line in done.stderr
    assert "Traceback" not in done.stderr
    result = json.loads((folder / "run" / "result.json").read_text())
    assert set(result["contenders"]) == {"textbook", "net", "xgboost"}
    assert len(result["comparisons"]) == 3
    assert [(c["booster"], c["network"]) for c in result["claims"]] == [("xgboost", "textbook")]
    assert result["environment"]["command"].startswith("graduel duel --rows 300")
    report = (folder / "run" / "report.html").read_text(encoding="utf-8").replace("\xa0", " ")
    for claim in result["claims"]:
        assert claim["sentence"] in done.stdout.replace("\n", " ").replace("  ", " ")
        assert html.escape(claim["sentence"]) in report


def test_the_same_command_again_reuses_all_fits_without_warnings(finished):
    folder, args, first = finished
    again = graduel("duel", *args, cwd=folder, env={**os.environ, "PYTHONWARNINGS": "error"})
    assert again.returncode == 0, again.stderr
    assert "net-seed0: finished earlier" in again.stderr
    assert "starting" not in again.stderr
    assert again.stdout == first.stdout


def test_output_works_in_any_encoding(monkeypatch, finished, tmp_path):
    folder, args, _ = finished
    shutil.copytree(folder / "run", tmp_path / "run")  # its result will name this command
    monkeypatch.chdir(tmp_path)
    shown = io.BytesIO()
    for name in ("stdout", "stderr"):  # other encodings include ASCII
        stream = io.TextIOWrapper(shown, encoding="ascii", write_through=True)
        monkeypatch.setattr(sys, name, stream)
    assert main(["duel", *args]) == 0
    assert b"NumPy network" in shown.getvalue()


def test_a_minus_sign_that_the_encoding_lacks_is_a_hyphen():
    code = "import sys; from graduel.cli import main; main(['--version']); print('−0.5 – ≥')"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.splitlines()[-1] == "-0.5 - ?"


def test_a_folder_may_be_called_anything(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    name = "[red]x y[] ünï"
    assert main(["duel", *FASTER, "--out", name]) == 0
    assert name in capsys.readouterr().err
    assert (tmp_path / name / "report.html").exists()


def test_the_table_fits_a_narrow_terminal(finished):
    from rich.console import Console

    from graduel import load_run
    from graduel.cli.views.duel_table import show

    folder, _, _ = finished
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, color_system=None)
    run = load_run(folder / "run")
    show(run, folder / "report.html", console)
    lines = screen.getvalue().splitlines()
    assert max(map(len, lines[:-1])) <= 80
    for contender in run.result.contenders.values():
        assert any(contender.title in line for line in lines)
        assert any(f"{100 * contender.test_error:.2f}" in line for line in lines)


def test_json_is_the_result_and_nothing_else(capfd, monkeypatch, finished, tmp_path):
    folder, args, _ = finished
    shutil.copytree(folder / "run", tmp_path / "run")  # its result will name this command
    monkeypatch.chdir(tmp_path)
    assert main(["duel", *args, "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == json.loads(
        (tmp_path / "run" / "result.json").read_text()
    )


def test_another_duel_in_the_same_folder(capsys, monkeypatch, finished):
    folder, args, _ = finished
    monkeypatch.chdir(folder)
    code, line = get_error(capsys, "duel", *args, "--seeds", "2")
    assert code == 2
    assert "holds a different duel (seeds 1 there, 2 here)" in line


def test_without_out_a_duel_has_a_folder_of_its_own(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for line in ("net-seed1 (seed 2 of 2): finished", "net-seed1 (seed 2 of 2): finished earlier"):
        assert main(["duel", *FASTER, "--seeds", "2"]) == 0
        assert line in capsys.readouterr().err
    (run,) = (tmp_path / "duels").iterdir()
    result = json.loads((run / "result.json").read_text())
    assert len(result["contenders"]["net"]["fit_seconds"]) == 2


@pytest.mark.skipif(os.name != "posix", reason="SIGINT to a process is POSIX's")
def test_ctrl_c_stops_soon_reports_saved_fits_and_resumes(tmp_path):
    args = [*FASTER, "--contenders", "textbook", "--out", "run"]
    args[args.index("--net") + 1] = "layers=64 epochs=3000"
    process = subprocess.Popen(
        [sys.executable, "-m", "graduel", "duel", *args],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell's background jobs, and all they start, ignore SIGINT; a terminal's do not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    said = ""
    try:
        end = time.monotonic() + 60
        while not (tmp_path / "run" / "cells" / "textbook-seed0").is_dir():
            assert time.monotonic() < end
            time.sleep(0.02)
        time.sleep(0.5)  # the network is training
        start = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the worker too
        out, rest = process.communicate(timeout=20)
        waited = time.monotonic() - start
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert "1 of 2 fits is finished and saved in run" in rest
    assert "Traceback" not in said + rest
    assert out == ""
    assert waited < 10
    assert (tmp_path / "run" / "cells" / "textbook-seed0").is_dir()


def test_a_terminal_shows_a_line_per_contender(monkeypatch):
    from pathlib import Path

    from rich.console import Console

    from graduel.cli.views.progress import show_progress
    from graduel.contenders import Progress
    from graduel.duel.plan.protocol import Cell
    from graduel.duel.plan.protocol_builder import build_protocol
    from graduel.duel.run.job import Event

    monkeypatch.setenv("TERM", "xterm")  # a dumb terminal shows only the last state
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    cell = Cell("net", 0)
    events = [
        Event(Cell("textbook", 0), "reused"),
        Event(cell, "started"),
        Event(cell, "progress", Progress(0.25, 20.0, 0.05)),
        Event(cell, "finished"),
    ]
    slowly = (time.sleep(0.2) or event for event in events)  # the screen follows 10 times a second
    show_progress(
        slowly, build_protocol(DataSource.builtin("mnist"), threads=1), console, Path("run")
    )
    last = screen.getvalue()
    assert "validation error 5.00 %, at most 60 s left" in last
    assert "finished earlier" in last
    assert "waiting" in last


@pytest.mark.parametrize("command", [one.callback for one in app.registered_commands])
def test_every_action_takes_the_options_of_its_command(command):
    """The two are joined by name when the command runs."""
    options = set(inspect.signature(command).parameters)
    # The names of graduel verdict are those of its two models.
    read_options = READ_OPTIONS.keys() - ({"names"} if command.__name__ == "verdict" else set())
    if options & read_options:
        options = options - read_options | {"read_options"}
    if options >= NET_OPTIONS.keys():
        options = options - NET_OPTIONS.keys()
    if options & CLUSTER_OPTIONS.keys():
        options = options - CLUSTER_OPTIONS.keys() | {"cluster"}
    module, _, function = command.action.partition(":")
    run = getattr(import_module(f"graduel.cli.actions.{module}"), function)
    inspect.signature(run).bind(**dict.fromkeys(options))

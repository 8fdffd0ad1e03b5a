"""The notebook of the docs runs in its own kernel, and shows results without a script."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Return the outputs of each cell with code, by the last line of the cell."""
    folder = tmp_path_factory.mktemp("notebook")  # a kernel works in the folder of its notebook
    shutil.copy(NOTEBOOK, folder / "stored.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "stored.ipynb"]
    done = subprocess.run(
        [*command, "--output", "executed.ipynb"],
        cwd=folder,
        env={**os.environ, "JUPYTER_RUNTIME_DIR": str(folder), "IPYTHONDIR": str(folder / "ipy")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    cells = json.loads((folder / "executed.ipynb").read_text(encoding="utf-8"))["cells"]
    return {
        "".join(cell["source"]).splitlines()[-1]: cell["outputs"]
        for cell in cells
        if cell["cell_type"] == "code"
    }


def html(outputs):
    """Return the HTML of a cell's outputs."""
    return "".join("".join(one.get("data", {}).get("text/html", "")) for one in outputs)


def text(outputs):
    """Return what a cell printed."""
    return "".join("".join(one.get("text", "")) for one in outputs)


def test_the_stored_notebook_has_no_outputs():
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_a_run_shows_verdicts_table_and_race(outputs):
    shown = html(outputs["run"])
    assert "Duel on data" in shown
    assert "<table" in shown
    assert "<svg" in shown
    assert "2 fits in " in shown  # the progress
    assert "Test error" in shown


def test_figures_need_no_magic_command(outputs):
    assert "<svg" in html(outputs["run.race()"])
    (drawn,) = outputs["plt.show()"]
    assert "image/png" in drawn["data"]


def test_objects_are_shown_short(outputs):
    for last in ("network", 'graduel.load_dataset("mnist")', "run.result.comparisons[0]"):
        shown = outputs[last][-1]
        assert len("".join(shown["data"]["text/plain"]).splitlines()) < 10
        assert len(shown["data"]["text/html"]) > 0
    every = "".join(html(one) for one in outputs.values())
    assert "<script" not in every
    assert "Traceback" not in "".join(text(one) for one in outputs.values())


def test_errors_are_in_the_words_of_python(outputs):
    errors = text(outputs['        print(error, end="\\n\\n")'])
    assert "a key in net must be one of" in errors
    assert "Mistaken raised IndexError" in errors
    assert "(line 3 of a notebook cell, in fit" in errors
    assert "--" not in errors

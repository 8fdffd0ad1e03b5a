"""The adapter between the frozen data and graduel's current names.

Only this file and :mod:`stored_models` import graduel; the other files work with plain numbers. It
runs the commands of :data:`RUNS`, records a finished folder in a neutral form, rebuilds a folder
from that form, and renders reports, verdicts and predictions.

The neutral form of a run is a dictionary for JSON and a dictionary of arrays:

- ``kind``: "duel", "experiment" or "suite"; ``show_rows``: whether the report may show rows
- ``duels``: for each folder of a duel ("." for the run itself, "sizes/300" for a size, "wine" for a
  data set of a suite) its ``plan``, its number of ``runs`` (splits times seeds) and its ``cells``
- ``suite``: the plan of a suite without those of its data sets; None otherwise
- arrays: ``FOLDER|splits|RUN|NAME`` and ``FOLDER|cells|CONTENDER|RUN|NAME``
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import tempfile
from dataclasses import fields
from pathlib import Path

import numpy as np
from stored_models import convert

from graduel.cli import main
from graduel.data.source import DataSource
from graduel.data.spec import SourceSpec
from graduel.duel.plan.protocol import Cell, Protocol
from graduel.duel.plan.splits import Split
from graduel.duel.result.duel_result import Environment, read_result
from graduel.duel.result.outcome import Outcome
from graduel.duel.result.result_builder import build_result
from graduel.duel.store.cell_files import pack_outcome
from graduel.duel.store.store import Store, open_store
from graduel.duel.suite.suite_plan import Member, SuitePlan
from graduel.duel.suite.suite_runner import build_suite_result
from graduel.serialize import read_json, to_plain, write_json

DATA = Path(__file__).parent / "data"
TABLE = DATA / "mixed.csv"

SMALL = "--net 'layers=8 members=2 epochs=12'"
RUNS = {
    "mnist": "duel mnist --rows 2000 --quick --net 'layers=32 epochs=12 lr=3e-3'",
    "mixed": "duel mixed.csv --target label --split 5x2 --quick "
    f"--contenders net,xgboost,logistic {SMALL}",
    "suite": "duel iris wine breast_cancer --split 3x1 --quick --no-probes "
    f"--contenders net,xgboost,logistic {SMALL}",
    "tuned": "duel iris --split holdout --quick --trials 3 --metric balanced_accuracy "
    "--contenders net,xgboost",
    "experiment": "experiment mixed.csv --target label --time day --seeds 2 "
    f"--vary activation=relu,tanh,identity {SMALL}",
    "holdout": "duel mixed.csv --target label --split holdout --quick --seeds 3 --show-rows "
    f"--metric log_loss --contenders textbook,net,xgboost {SMALL}",
    "sizes": "duel digits --split holdout --quick --sizes 150,400,900 --metric auc "
    "--contenders net,xgboost-plain --net 'layers=16 epochs=12'",
}
"""The commands of all runs: small, and covering every kind of result."""

MODELS: dict[str, tuple[str, str]] = {
    "mixed-net": ("holdout", "net-seed0"),
    "mixed-textbook": ("holdout", "textbook-seed0"),
    "mixed-xgboost": ("holdout", "xgboost-seed0"),
    "digits-net": ("sizes", "net-seed0"),
}
"""Run and cell of each saved model."""

RESULT, SUITE_RESULT = "result.json", "suite-result.json"
PAGE, SUITE_PAGE, MARKDOWN = "report.html", "suite.html", "experiment.md"
ARRAYS = ("probabilities", "valid_probabilities")
IN_SPLIT = ("train", "valid", "test", "truth", "valid_truth", "places")
WIDE = "600"
"""Terminal width in columns, so that no line wraps."""


def perform(name: str, folder: Path) -> None:
    """Run the named command into a folder, with fits, result and report."""
    words = [str(TABLE) if word == TABLE.name else word for word in shlex.split(RUNS[name])]
    _command([*words, "--threads", "1", "--out", str(folder)])


def _command(words: list[str]) -> str:
    """Run graduel in this process; return its standard output without color codes."""
    stdout, stderr, environment = io.StringIO(), io.StringIO(), dict(os.environ)
    os.environ |= {"FORCE_COLOR": "1", "COLUMNS": WIDE, "TERM": "xterm"}
    try:
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            code = main(words)
    finally:
        os.environ.clear()
        os.environ |= environment
    if code != 0:
        raise RuntimeError(f"graduel {' '.join(words)} exited with {code}: {stderr.getvalue()}")
    return re.sub(r"\x1b\[[0-9;]*m", "", stdout.getvalue())


def report(folder: Path) -> str:
    """Render the pages of a finished folder again; return the terminal output."""
    return _command(["report", str(folder)])


def results(folder: Path) -> dict[str, dict]:
    """Return every result in a finished folder, by the path of its file."""
    return {path.relative_to(folder).as_posix(): read_json(path) for path in _results(folder)}


def _results(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.name in (RESULT, SUITE_RESULT))


def set_environment(folder: Path, environment: dict) -> None:
    """Replace the environment in every result of a folder."""
    names = {field.name for field in fields(Environment)}
    machine = {key: value for key, value in environment.items() if key in names}
    machine["versions"] = {k: v for k, v in environment.items() if k not in names}
    for path in _results(folder):
        write_json(path, {**read_json(path), "environment": machine})


def pages(folder: Path) -> dict[str, str]:
    """Return the text of every page in a folder and its subfolders."""
    names = (PAGE, SUITE_PAGE, MARKDOWN)
    found = sorted(path for path in folder.rglob("*") if path.name in names)
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in found}


def verdict(a: Path, b: Path, y: Path, metric: str) -> tuple[dict, str]:
    """Return the verdict on two files of predictions, and its terminal output."""
    words = ["verdict", str(a), str(b), str(y), "--metric", metric]
    return json.loads(_command([*words, "--json"])), _command(words)


def predict(model: Path, rows: Path) -> tuple[list[str], np.ndarray]:
    """Return the classes and probabilities that a saved model predicts for the rows of a file."""
    import polars as pl

    with tempfile.TemporaryDirectory() as folder:
        current = Path(folder) / model.name
        convert(model, current)
        predictions = pl.read_csv(io.StringIO(_command(["predict", str(current), str(rows)])))
    start = next(i for i, name in enumerate(predictions.columns) if name.startswith("predict"))
    probabilities = predictions[:, start + 1 :].to_numpy().astype(np.float64)
    return [str(one) for one in predictions[:, start]], probabilities


def model_path(folder: Path, cell: str) -> Path:
    """Return the path of a cell's model in a finished folder."""
    return folder / "cells" / cell / "model.safetensors"


# From a finished folder to the neutral form


def record(name: str, folder: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """Return a finished run in the neutral form."""
    kind = "suite" if (folder / SUITE_RESULT).exists() else RUNS[name].split()[0]
    places = (
        ["."]
        if kind != "suite"
        else [one["name"] for one in read_json(folder / SUITE_RESULT)["datasets"]]
    )
    places += [path.relative_to(folder).as_posix() for path in sorted(folder.glob("sizes/*"))]
    duels, arrays = {}, {}
    for place in places:
        duels[place], more = _record_duel(folder / place)
        arrays |= {f"{place}|{key}": array for key, array in more.items()}
    plan = None
    if kind == "suite":
        found = read_json(folder / "suite.json")
        plan = {key: found[key] for key in ("datasets", "options", "net", "versions")}
    shows = "--show-rows" in RUNS[name]
    return {"kind": kind, "show_rows": shows, "duels": duels, "suite": plan}, arrays


def _record_duel(folder: Path) -> tuple[dict, dict[str, np.ndarray]]:
    protocol = Protocol.from_dict(read_json(folder / "duel.json"))
    store = Store(folder, protocol)
    cells, arrays = [], {}
    for run in range(protocol.runs):
        with np.load(folder / "splits" / f"seed{run}.npz") as rows:
            arrays |= {f"splits|{run}|{key}": _least(rows[key]) for key in rows.files}
    for cell in protocol.cells():
        outcome = store.read_cell(cell)
        found = {
            "contender": outcome.contender,
            "run": outcome.seed,
            "fit_seconds": outcome.fit_seconds,
            "predict_row_seconds": outcome.predict_row_seconds,
            "predict_batch_seconds": outcome.predict_batch_seconds,
            "peak_memory_bytes": outcome.peak_memory_bytes,
            "model_bytes": outcome.model_bytes,
            "curve": [list(point) for point in outcome.curve],
            "details": outcome.details,
            "probes": to_plain(outcome.probes),
            "trials": outcome.trials,
            "best_trial": outcome.best_trial,
            "tuning_seconds": outcome.tuning_seconds,
        }
        cells.append(found)
        for key in ARRAYS:
            arrays[f"cells|{cell.contender}|{cell.seed}|{key}"] = getattr(outcome, key)
    plan = {
        "dataset": protocol.dataset,
        "contenders": dict(protocol.contenders),
        "seeds": protocol.seeds,
        "rows": protocol.rows,
        "quick": protocol.quick,
        "threads": protocol.threads,
        "rope": protocol.rope,
        "varies": list(protocol.varies),
        "versions": dict(protocol.versions),
        "source": protocol.source,
        "split": protocol.split,
        "metric": protocol.metric,
        "trials": protocol.trials,
        "seconds": protocol.seconds,
        "probes": protocol.probes,
    }
    return {"plan": plan, "runs": protocol.runs, "cells": cells}, arrays


def _least(array: np.ndarray) -> np.ndarray:
    return array.astype(np.uint16 if array.max(initial=0) < 2**16 else np.int64)


# From the neutral form to a finished folder


def rebuild(run: dict, arrays: dict[str, np.ndarray], folder: Path) -> None:
    """Write a run's folder from the neutral form, with results but without pages."""
    stores = {
        place: _write_duel(duel, _of_place(arrays, place), folder / place)
        for place, duel in run["duels"].items()
    }
    for store in reversed(stores.values()):  # sizes before the duel that summarizes them
        build_result(store, "graduel duel", show_rows=run["show_rows"])
    if run["suite"] is not None:
        plan = _suite_plan(run["suite"])
        found = {member.name: read_result(folder / member.name) for member in plan.members}
        write_json(folder / "suite.json", plan.as_dict())
        write_json(folder / SUITE_RESULT, build_suite_result(plan, found, [], "graduel duel"))


def _of_place(arrays: dict[str, np.ndarray], place: str) -> dict[str, np.ndarray]:
    parted = [(key.partition("|"), array) for key, array in arrays.items()]
    return {key: array for (of, _, key), array in parted if of == place}


def _write_duel(duel: dict, arrays: dict[str, np.ndarray], folder: Path) -> Store:
    """Write plan, splits and cells of one duel; return its store."""
    protocol = Protocol(**duel["plan"])
    source = duel["plan"]["source"]
    with open_store(folder, protocol, None if source is None else _source(source)) as store:
        for run in range(duel["runs"]):
            rows = {
                name: arrays[f"splits|{run}|{name}"].astype(np.int64)
                for name in IN_SPLIT
                if f"splits|{run}|{name}" in arrays
            }
            split = Split(rows.pop("train"), rows.pop("valid"), rows.pop("test"))
            store.write_split(run, split, **rows)
        for cell in duel["cells"]:
            _write_cell(store, cell, arrays)
    return store


def _write_cell(store: Store, cell: dict, arrays: dict[str, np.ndarray]) -> None:
    name, run = cell["contender"], cell["run"]
    outcome = Outcome(
        contender=name,
        seed=run,
        fit_seconds=cell["fit_seconds"],
        predict_row_seconds=cell["predict_row_seconds"],
        predict_batch_seconds=cell["predict_batch_seconds"],
        peak_memory_bytes=cell["peak_memory_bytes"],
        model_bytes=cell["model_bytes"],
        curve=[(seconds, error) for seconds, error in cell["curve"]],
        details=cell["details"],
        probabilities=arrays[f"cells|{name}|{run}|probabilities"],
        valid_probabilities=arrays[f"cells|{name}|{run}|valid_probabilities"],
        probes=cell["probes"],
        trials=cell["trials"],
        best_trial=cell["best_trial"],
        tuning_seconds=cell["tuning_seconds"],
    )
    store.write_cell(Cell(name, run), pack_outcome(outcome))


def _source(source: dict) -> DataSource:
    """Return the source: a file of these tests or a built-in data set."""
    described = SourceSpec.from_dict(source)
    place = DATA / described.file
    return DataSource(described, place if place.exists() else None)


def _suite_plan(plan: dict) -> SuitePlan:
    members = tuple(Member(one["name"], _source(one["source"])) for one in plan["datasets"])
    return SuitePlan(members, plan["options"], plan["net"], (), plan["versions"])


# Reading and writing the neutral form


def save(run: dict, arrays: dict[str, np.ndarray], stem: Path) -> None:
    """Write the neutral form to ``STEM.json`` and ``STEM.npz``."""
    text = json.dumps(run, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    stem.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    np.savez_compressed(stem.with_suffix(".npz"), **arrays)


def load(stem: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """Read what :func:`save` wrote."""
    run = json.loads(stem.with_suffix(".json").read_text(encoding="utf-8"))
    with np.load(stem.with_suffix(".npz")) as arrays:
        return run, {key: arrays[key] for key in arrays.files}

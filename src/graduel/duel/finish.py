"""From finished cells to the result: every number of ``result.json``, and the run for a report."""

from __future__ import annotations

from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from graduel.data import Dataset, load_dataset
from graduel.duel.environment import describe
from graduel.duel.metrics import brier, log_loss, wrong
from graduel.duel.protocol import FORMAT, Protocol
from graduel.duel.results import Outcome, Run
from graduel.duel.statistics import error_interval
from graduel.duel.store import PLAN, RESULT, Store, read_json, write_json
from graduel.duel.verdict import Comparison, compare_all, judge_claim
from graduel.errors import UserError
from graduel.recipes import STRONGEST_XGBOOST


def finish(store: Store, command: str) -> Run:
    """Judge the finished cells, write ``result.json`` and return the run."""
    protocol = store.protocol
    dataset = load_dataset(protocol.dataset)
    outcomes = _outcomes(store)
    rows = store.read_split(0)
    y = dataset.y[rows.test]
    misses = {
        name: np.stack([wrong(outcome.probabilities, y) for outcome in cells])
        for name, cells in outcomes.items()
    }
    titles = {name: spec["title"] for name, spec in protocol.contenders.items()}
    contenders = {
        name: {
            "title": titles[name],
            "test_error": float(misses[name].mean()),
            "test_error_interval": list(error_interval(misses[name], 0.95)),
            **_contender(cells, y),
            "recipe": protocol.contenders[name]["recipe"],
        }
        for name, cells in outcomes.items()
    }
    # An experiment asks who is as good as the best; a duel, how every pair stands.
    best = min(misses, key=lambda name: misses[name].mean()) if protocol.varies else None
    comparisons = compare_all(misses, rope=protocol.rope, titles=titles, against=best)
    result = {
        "format": FORMAT,
        "dataset": {
            "name": dataset.name,
            "n_train": len(rows.train),
            "n_valid": len(rows.valid),
            "n_test": len(rows.test),
            "n_features": dataset.n_features,
            "n_classes": len(dataset.classes),
        },
        "protocol": {
            "split": "given",
            "metric": "error",
            "seeds": protocol.seeds,
            "rows": protocol.rows,
            "quick": protocol.quick,
            "varies": list(protocol.varies),
            "rope": protocol.rope,
            "threads": protocol.threads,
        },
        "contenders": contenders,
        "comparisons": [comparison.as_dict() for comparison in comparisons],
        "claims": _claims(protocol, comparisons, contenders, titles),
        "known_best": STRONGEST_XGBOOST if dataset.name == "mnist" else None,
        "environment": describe(command, protocol.threads),
    }
    write_json(store.path / RESULT, result)
    return _run(store, result, outcomes, dataset, rows.test)


def read_run(path: str | Path) -> Run:
    """Read a finished duel's folder; nothing is trained.

    Raises
    ------
    UserError
        If the folder holds no finished duel.
    """
    path = Path(path)
    if not (path / RESULT).exists():
        raise UserError(f"expected a finished duel's folder; {path} has no {RESULT}")
    written = read_json(path / PLAN)
    try:
        store = Store(path, Protocol.from_dict(written))
    except UserError as error:
        raise UserError(f"{path / PLAN}: {error}") from None
    dataset = load_dataset(store.protocol.dataset)
    test = store.read_split(0).test
    return _run(store, read_json(path / RESULT), _outcomes(store), dataset, test)


def _outcomes(store: Store) -> dict[str, list[Outcome]]:
    """Return each contender's outcomes, seed by seed."""
    found: dict[str, list[Outcome]] = {name: [] for name in store.protocol.contenders}
    for cell in store.protocol.cells():
        found[cell.contender].append(store.read_cell(cell))
    return found


def _run(
    store: Store,
    result: dict[str, Any],
    outcomes: dict[str, list[Outcome]],
    dataset: Dataset,
    test: Any,
) -> Run:
    return Run(
        path=store.path,
        result=result,
        probabilities={k: np.stack([o.probabilities for o in v]) for k, v in outcomes.items()},
        curves={k: [o.curve for o in v] for k, v in outcomes.items()},
        y_test=dataset.y[test],
        classes=dataset.classes,
        images=dataset.X[test] if dataset.X.ndim == 3 else None,
    )


def _contender(cells: list[Outcome], y: Any) -> dict[str, Any]:
    """Return a contender's figures: qualities and costs are means over the seeds."""
    return {
        "test_errors": [float(wrong(o.probabilities, y).mean()) for o in cells],
        "log_loss": mean(log_loss(o.probabilities, y) for o in cells),
        "brier": mean(brier(o.probabilities, y) for o in cells),
        "fit_seconds": [o.fit_seconds for o in cells],
        "predict_row_seconds": mean(o.predict_row_seconds for o in cells),
        "predict_batch_seconds": mean(o.predict_batch_seconds for o in cells),
        "batch_rows": len(y),
        "peak_memory_bytes": max(o.peak_memory_bytes for o in cells),
        "model_bytes": max(o.model_bytes for o in cells),
        "curve": [list(point) for point in cells[0].curve],
        "details": [o.details for o in cells],
    }


def _claims(
    protocol: Protocol,
    comparisons: list[Comparison],
    contenders: dict[str, dict[str, Any]],
    titles: dict[str, str],
) -> list[dict[str, Any]]:
    """Hold the claim that XGBoost blows it out of the water against every network."""
    family = {name: spec["family"] for name, spec in protocol.contenders.items()}
    boosters = [name for name in family if family[name] == "xgboost"]
    networks = [name for name in family if family[name] in ("textbook", "net")]
    errors = {name: contender["test_error"] for name, contender in contenders.items()}
    return [
        judge_claim(
            next(c for c in comparisons if {c.a, c.b} == {booster, network}),
            errors,
            booster=booster,
            network=network,
            titles=titles,
        ).as_dict()
        for booster in boosters
        for network in networks
    ]

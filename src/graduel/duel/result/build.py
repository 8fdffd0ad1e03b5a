"""From finished cells to the result: every number of ``result.json``, and the run for a report."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from pathlib import Path
from statistics import mean
from typing import Any

from graduel.contenders.xgboost_recipes import STRONGEST_XGBOOST
from graduel.duel.plan.protocol import FORMAT, Protocol
from graduel.duel.plan.splits import Design
from graduel.duel.result.dataset_summary import summarize_dataset
from graduel.duel.result.environment import describe_environment
from graduel.duel.result.outcome import Outcome, Run
from graduel.duel.run import probes
from graduel.duel.store.store import PLAN, RESULT, Store, read_json, write_json
from graduel.duel.suite.training_sizes import learning_curve
from graduel.duel.verdict import costs
from graduel.duel.verdict.error_counts import judge_claim
from graduel.duel.verdict.metric_interval import metric_interval
from graduel.duel.verdict.runs import RunPredictions, collect_predictions
from graduel.errors import UserError
from graduel.metrics.calibration import apply_temperature, fit_temperature, measure_calibration
from graduel.metrics.metric import (
    Metric,
    brier,
    default_rope,
    get_metric,
    is_misclassified,
    log_loss,
)


def build_result(store: Store, command: str, *, show_rows: bool = False) -> Run:
    """Judge the finished cells, write ``result.json`` and return the run.

    `show_rows` lets a report show rows of data of the user's own.
    """
    protocol = store.protocol
    dataset, outcomes = store.dataset(), _outcomes(store)
    found = _answers(store, outcomes)
    metric = get_metric(protocol.metric)
    titles = {name: spec["title"] for name, spec in protocol.contenders.items()}
    contenders = {
        name: {
            "title": titles[name],
            **_quality(found, name, metric),
            **_cost(cells, found),
            "calibration": _calibration(store, found, name, cells),
            "probes": probes.merge_probes([cell.probes for cell in cells]),
            "recipe": protocol.contenders[name]["recipe"],
        }
        for name, cells in outcomes.items()
    }
    # An experiment asks who is as good as the best; a duel, how every pair stands.
    best = (
        min(outcomes, key=lambda name: mean(found.losses(name, metric)))
        if protocol.varies
        else None
    )
    comparisons = found.compare(metric, protocol.rope, titles, best)
    rows = store.read_split(0)
    result = {
        "format": FORMAT,
        "dataset": {
            "name": dataset.name,
            "n_train": len(rows.train),
            "n_valid": len(rows.valid),
            "n_test": len(rows.test),
            "n_features": dataset.n_features,
            "n_classes": len(dataset.classes),
            **summarize_dataset(protocol, dataset, rows, show_rows=show_rows),
        },
        "protocol": {
            "split": protocol.split,
            "metric": protocol.metric,
            "metric_title": metric.title,
            "metric_unit": metric.unit,
            "lower_is_better": metric.lower_is_better,
            "seeds": protocol.seeds,
            "rows": protocol.rows,
            "quick": protocol.quick,
            "varies": list(protocol.varies),
            "rope": protocol.rope,
            "threads": protocol.threads,
            "budget": protocol.budget,
        },
        "contenders": contenders,
        "comparisons": [
            {**one.as_dict(), "cost": costs.cost_sentence(one, contenders, metric, titles)}
            for one in comparisons
        ],
        "claims": _claims(protocol, found, titles),
        "known_best": STRONGEST_XGBOOST if protocol.dataset == "mnist" else None,
        "environment": describe_environment(command, protocol.threads),
    }
    if protocol.source is not None or protocol.split != "given":
        result["known_best"] = None
    if (curve := learning_curve(store.path, result)) is not None:
        result["learning_curve"] = curve
    write_json(store.path / RESULT, result)
    return _run(store, result, outcomes, found)


def load_run(path: str | Path) -> Run:
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
    outcomes = _outcomes(store)
    return _run(store, read_json(path / RESULT), outcomes, _answers(store, outcomes))


def _outcomes(store: Store) -> dict[str, list[Outcome]]:
    """Return each contender's outcomes, run by run."""
    found: dict[str, list[Outcome]] = {name: [] for name in store.protocol.contenders}
    for cell in store.protocol.cells():
        found[cell.contender].append(store.read_cell(cell))
    return found


def _answers(store: Store, outcomes: dict[str, list[Outcome]]) -> RunPredictions:
    protocol = store.protocol
    return collect_predictions(
        Design.read(protocol.split),
        protocol.seeds,
        [store.read_split(run) for run in range(protocol.runs)],
        [store.read_truth(run) for run in range(protocol.runs)],
        {name: [o.probabilities for o in cells] for name, cells in outcomes.items()},
    )


def _run(
    store: Store, result: dict[str, Any], outcomes: dict[str, list[Outcome]], found: RunPredictions
) -> Run:
    images, table = None, None
    known = store.protocol.source is None
    dataset = None
    if known or result["dataset"].get("show_rows", True):
        # Data of the user's own may be gone; then what is to be shown of them is.
        with nullcontext() if known else suppress(UserError):
            dataset = store.dataset()
    if dataset is not None:
        rows = slice(None) if found.design.kind == "folds" else found.tests[0]
        if dataset.columns:
            table = dataset.X[rows]
        elif dataset.image is not None and dataset.X.ndim == 3:
            images = dataset.X[rows]
    classes = tuple(result["dataset"]["classes"]) if dataset is None else dataset.classes
    places = [store.read_places(run) for run in range(store.protocol.runs)]
    there = [of for of in places if of is not None]
    return Run(
        path=store.path,
        result=result,
        probabilities={name: found.whole(name) for name in outcomes},
        curves={k: [o.curve for o in v] for k, v in outcomes.items()},
        y_test=found.whole_y,
        classes=classes,
        images=images,
        rows=found.by_row(there) if len(there) == len(places) else None,
        cells=table,
        kept=any(store.model_path(cell).exists() for cell in store.protocol.cells()),
    )


def _quality(found: RunPredictions, name: str, metric: Metric) -> dict[str, Any]:
    """Return how good a contender is: means over the runs, and the error of each."""
    runs = list(zip(found.runs[name], found.y, strict=True))
    error, interval = found.error(name)
    quality: dict[str, Any] = {
        "test_error": error,
        "test_error_interval": list(interval),
        "test_errors": [float(is_misclassified(p, y).mean()) for p, y in runs],
        "log_loss": mean(log_loss(p, y) for p, y in runs),
        "brier": mean(brier(p, y) for p, y in runs),
    }
    if metric.name != "error":
        quality["metric"] = metric.shown(mean(found.losses(name, metric)))
        bounds = metric_interval(found, name, metric)
        quality["metric_interval"] = None if bounds is None else list(bounds)
        quality["metrics"] = [metric.shown(loss) for loss in found.losses(name, metric)]
    return quality


def _calibration(
    store: Store, found: RunPredictions, name: str, cells: list[Outcome]
) -> dict[str, Any]:
    """Return how far probabilities are to be believed, before and after temperature scaling.

    Each run's temperature is that of its own validation rows. Folders of before these rows'
    probabilities were kept have none.
    """
    runs = found.runs[name]
    before = measure_calibration(runs, found.y, found.tests)
    kept = [(cell.valid_probabilities, store.read_valid_truth(cell.seed)) for cell in cells]
    temperatures = [fit_temperature(p, y) for p, y in kept if p is not None and y is not None]
    after = None
    if len(temperatures) == len(cells):
        cooled = [apply_temperature(p, t) for p, t in zip(runs, temperatures, strict=True)]
        after = measure_calibration(cooled, found.y, found.tests).as_dict()
    return {
        "temperatures": temperatures if after else None,
        "before": before.as_dict(),
        "after": after,
    }


def _cost(cells: list[Outcome], found: RunPredictions) -> dict[str, Any]:
    """Return what a contender costs: means over the runs, memory and size the largest."""
    return {
        "fit_seconds": [o.fit_seconds for o in cells],
        "predict_row_seconds": mean(o.predict_row_seconds for o in cells),
        "predict_batch_seconds": mean(o.predict_batch_seconds for o in cells),
        "batch_rows": len(found.y[0]),
        "peak_memory_bytes": max(o.peak_memory_bytes for o in cells),
        "model_bytes": max(o.model_bytes for o in cells),
        "curve": [list(point) for point in cells[0].curve],
        "details": [o.details for o in cells],
        "trials": [o.trials for o in cells],
        "best_trial": [o.best_trial for o in cells],
        "tuning_seconds": [o.tuning_seconds for o in cells],
    }


def _claims(
    protocol: Protocol, found: RunPredictions, titles: dict[str, str]
) -> list[dict[str, Any]]:
    """Hold the claim that XGBoost blows it out of the water against every network.

    The claim is of errors, whatever metric leads.
    """
    family = {name: spec["family"] for name, spec in protocol.contenders.items()}
    boosters = [name for name in family if family[name] == "xgboost"]
    networks = [name for name in family if family[name] in ("textbook", "net")]
    if not boosters or not networks:
        return []
    metric, rope = get_metric("error"), protocol.rope
    if protocol.metric != "error":
        rope = default_rope(metric, table=protocol.source is not None)
    comparisons = found.compare(metric, rope, titles, None)
    errors = {name: found.error(name)[0] for name in family}
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

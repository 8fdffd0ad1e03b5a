"""The result of a duel, computed from its finished cells, and the run for a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from math import inf
from pathlib import Path
from statistics import mean
from typing import Any

from graduel.contenders.xgboost_recipes import STRONGEST_XGBOOST
from graduel.data.prepare.calibration_scores import CalibrationScores
from graduel.data.task import TaskKind
from graduel.duel.plan.protocol import Protocol
from graduel.duel.result.best_model import is_explained
from graduel.duel.result.dataset_summary import summarize_dataset
from graduel.duel.result.duel_result import (
    RESULT,
    BudgetSummary,
    CalibrationResult,
    ConformalResult,
    ContenderResult,
    DatasetSummary,
    KnownBest,
    ProtocolSummary,
    Result,
    TrialResult,
    metric_fields,
    read_result,
)
from graduel.duel.result.environment import describe_environment
from graduel.duel.result.machine import Machine
from graduel.duel.result.missing_fits import find_missing
from graduel.duel.result.outcome import Outcome, Run
from graduel.duel.run.probes import merge_probes
from graduel.duel.store.plan_file import PLAN
from graduel.duel.store.store import Store
from graduel.duel.suite.training_sizes import learning_curve
from graduel.duel.verdict.claim import answer_claim
from graduel.duel.verdict.costs import cost_sentence
from graduel.duel.verdict.partial_runs import PartialRuns
from graduel.duel.verdict.runs import RunPredictions
from graduel.duel.verdict.types import Claim
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
from graduel.metrics.positive_class import name_positive_class
from graduel.models.prediction_sets import true_scores
from graduel.serialize import from_plain, read_json, write_json
from graduel.stats.conformal import clopper_pearson

INTERVALS = 0.9
"""The level of the intervals and sets whose coverage is reported."""


def build_result(store: Store, command: str, *, show_rows: bool = False) -> Run:
    """Evaluate the finished cells, write ``result.json`` and return the run.

    If cells are missing, the result is about the finished ones and lists the others.

    Parameters
    ----------
    store : the duel's folder
    command : the user's command
    show_rows : whether a report may show rows of user data

    Raises
    ------
    UserError
        If no cell is finished.
    """
    protocol = store.protocol
    outcomes = _outcomes(store)
    if not outcomes:
        raise UserError(
            f"expected a finished fit in {store.path}; got none of "
            f"{len(list(protocol.cells()))}. Run graduel cells {store.path}, or the duel's command"
        )
    dataset = store.dataset()
    predictions = _collect_predictions(store, outcomes)
    own = {name: predictions.own(name) for name in outcomes}
    metric = name_positive_class(get_metric(protocol.metric), dataset.classes)
    titles = {name: spec["title"] for name, spec in protocol.contenders.items()}
    machines = tuple(
        dict.fromkeys(o.machine for cells in outcomes.values() for o in cells if o.machine)
    )
    contenders = {
        name: ContenderResult(
            title=titles[name],
            **QUALITY[protocol.task](store, own[name], name, cells),
            conformal=_conformal(store, own[name], name, cells),
            **_leading(own[name], name, metric),
            **_cost(cells, own[name], machines),
            probes=merge_probes([cell.probes for cell in cells]),
            recipe=protocol.contenders[name]["recipe"],
        )
        for name, cells in outcomes.items()
    }
    # An experiment compares the variants with the best one; a duel compares every pair.
    best = (
        min(outcomes, key=lambda name: mean(own[name].run_losses(name, metric)))
        if protocol.varies
        else None
    )
    comparisons = predictions.compare(metric, protocol.rope_rule, titles, best)
    missing = find_missing(store, titles, comparisons, best)
    rows = store.read_split(0)
    data = {
        "name": dataset.name,
        "n_train": len(rows.train),
        "n_valid": len(rows.valid),
        "n_test": len(rows.test),
        "n_features": dataset.n_features,
        "n_classes": len(dataset.classes),
        **summarize_dataset(store, show_rows=show_rows),
    }
    known = (protocol.dataset, protocol.source, protocol.split) == ("mnist", None, "given")
    result = Result(
        dataset=from_plain(DatasetSummary, data),
        protocol=_summarize_protocol(protocol, metric, dataset.classes),
        contenders=contenders,
        comparisons=tuple(
            replace(one, cost=cost_sentence(one, contenders, metric, titles)) for one in comparisons
        ),
        claims=_claims(protocol, predictions, titles),
        known_best=KnownBest(**STRONGEST_XGBOOST) if known else None,
        environment=describe_environment(
            command, protocol.threads, protocol.versions.get("kernels")
        ),
        machines=machines,
        missing=missing,
    )
    result = replace(result, learning_curve=learning_curve(store.path, result))
    write_json(store.path / RESULT, result)
    # Read back, to be equal to what later commands read: JSON turns tuples in recipes into lists.
    return _run(store, read_result(store.path), outcomes, predictions)


def has_complete_result(store: Store) -> bool:
    """Return whether the folder has a result in which no run is missing."""
    return (store.path / RESULT).exists() and read_result(store.path).missing is None


def load_run(path: str | Path) -> Run:
    """Load a finished duel from its folder, without training anything.

    Raises
    ------
    UserError
        If the folder is not a finished duel.
    """
    path = Path(path)
    result = read_result(path)
    plan = read_json(path / PLAN)
    try:
        store = Store(path, Protocol.from_dict(plan))
    except UserError as error:
        raise UserError(f"{path / PLAN}: {error}") from None
    outcomes = _outcomes(store, result)
    return _run(store, result, outcomes, _collect_predictions(store, outcomes))


def _outcomes(store: Store, result: Result | None = None) -> dict[str, list[Outcome]]:
    """Return the outcomes by contender, in the order of the runs.

    Without `result` they are those of all finished cells; with an unfinished duel's result, those
    that it is about, since more cells may be finished now.
    """
    missing = {} if result is None or result.missing is None else result.missing.runs
    outcomes: dict[str, list[Outcome]] = {name: [] for name in store.protocol.contenders}
    for cell in store.protocol.cells():
        absent = (
            not store.is_finished(cell)
            if result is None
            else (cell.seed in missing.get(cell.contender, ()))
        )
        if not absent:
            outcomes[cell.contender].append(store.read_cell(cell))
    return {name: cells for name, cells in outcomes.items() if cells}


def _collect_predictions(store: Store, outcomes: dict[str, list[Outcome]]) -> PartialRuns:
    protocol = store.protocol
    return PartialRuns(
        protocol.design,
        protocol.seeds,
        [store.read_split(run).test for run in range(protocol.runs)],
        [store.read_labels(run, "test") for run in range(protocol.runs)],
        {name: {o.seed: o.probabilities for o in cells} for name, cells in outcomes.items()},
    )


def _run(
    store: Store, result: Result, outcomes: dict[str, list[Outcome]], partial: PartialRuns
) -> Run:
    predictions, by_row = partial.planned(), partial.probabilities_by_row()
    images, table = None, None
    built_in = store.protocol.source is None
    dataset = None
    if built_in or result.dataset.show_rows:
        # User data may have been deleted; the report then shows no rows.
        with nullcontext() if built_in else suppress(UserError):
            dataset = store.dataset()
    if dataset is not None:
        rows = slice(None) if predictions.design.kind == "folds" else predictions.test_rows[0]
        if dataset.columns:
            table = dataset.X[rows]
        elif dataset.image is not None and dataset.X.ndim == 3:
            images = dataset.X[rows]
    classes = result.dataset.classes or () if dataset is None else dataset.classes
    row_numbers = [store.read_places(run) for run in range(store.protocol.runs)]
    families = {name: spec["family"] for name, spec in store.protocol.contenders.items()}
    cells = store.protocol.cells()
    saved = {families[cell.contender] for cell in cells if store.model_path(cell).exists()}
    known_row_numbers = [rows for rows in row_numbers if rows is not None]
    return Run(
        path=store.path,
        result=result,
        probabilities=by_row,
        curve_points={k: [o.curve for o in v] for k, v in outcomes.items()},
        y_test=predictions.y_by_row,
        classes=classes,
        images=images,
        rows=(
            predictions.in_row_order(known_row_numbers)
            if len(known_row_numbers) == len(row_numbers)
            else None
        ),
        cells=table,
        has_models=bool(saved),
        has_pages=store.protocol.task == "classification" and any(map(is_explained, saved)),
    )


def _classification_quality(
    store: Store, predictions: RunPredictions, name: str, cells: list[Outcome]
) -> dict[str, Any]:
    """Return the metrics of a classifier: means over the runs, and the error of each run."""
    runs = list(zip(predictions.probabilities[name], predictions.y, strict=True))
    error, interval = predictions.error_rate(name)
    return {
        "test_error": error,
        "test_error_interval": interval,
        "test_errors": tuple(float(is_misclassified(p, y).mean()) for p, y in runs),
        "log_loss": mean(log_loss(p, y) for p, y in runs),
        "brier": mean(brier(p, y) for p, y in runs),
        "calibration": _calibration(store, predictions, name, cells),
    }


def _regression_quality(
    store: Store, predictions: RunPredictions, name: str, cells: list[Outcome]
) -> dict[str, Any]:
    """Return the metrics of a regressor: means over the runs, and the RMSE of each run."""
    losses = {
        key: tuple(predictions.run_losses(name, get_metric(key)))
        for key in ("rmse", "mae", "medae", "r2")
    }
    return {
        "rmse": mean(losses["rmse"]),
        "rmse_interval": predictions.rmse_interval(name),
        "rmses": losses["rmse"],
        "mae": mean(losses["mae"]),
        "median_error": mean(losses["medae"]),
        "r2": 1 - mean(losses["r2"]),
    }


def _conformal(
    store: Store, predictions: RunPredictions, name: str, cells: list[Outcome]
) -> ConformalResult | None:
    """Return coverage and size of conformal intervals or sets on the test rows of all runs."""
    covered: list[Any] = []
    sizes: list[float] = []
    for cell, p, y in zip(cells, predictions.probabilities[name], predictions.y, strict=True):
        scores = true_scores(cell.valid_probabilities, store.read_labels(cell.seed, "valid"))
        bound = CalibrationScores.of(scores).quantile(INTERVALS)
        if bound == inf:
            return None
        covered.append(true_scores(p, y) <= bound)
        is_class = y.dtype.kind != "f"
        sizes.append(float((1 - p <= bound).sum(axis=1).mean()) if is_class else 2 * bound)
    interval = clopper_pearson(int(covered[0].sum()), len(covered[0]))
    return ConformalResult(
        level=INTERVALS,
        coverage=mean(float(one.mean()) for one in covered),
        coverage_interval=interval,
        size=mean(sizes),
    )


QUALITY: dict[TaskKind, Callable[..., dict[str, Any]]] = {
    "classification": _classification_quality,
    "regression": _regression_quality,
}
"""The metrics of a contender by the kind of target."""


def _leading(predictions: RunPredictions, name: str, metric: Metric) -> dict[str, Any]:
    """Return the leading metric of a contender, its mean, interval and runs; none for the error."""
    if metric.name == "error":
        return {}
    losses = predictions.run_losses(name, metric)
    return {
        "metric": metric.shown(mean(losses)),
        "metric_interval": predictions.metric_interval(name, metric),
        "metrics": tuple(metric.shown(loss) for loss in losses),
    }


def _calibration(
    store: Store, predictions: RunPredictions, name: str, cells: list[Outcome]
) -> CalibrationResult:
    """Return the calibration before and after temperature scaling, fitted on validation rows."""
    runs, temperatures = predictions.probabilities[name], []
    for cell in cells:
        y = store.read_labels(cell.seed, "valid")
        temperatures.append(fit_temperature(cell.valid_probabilities, y))
    scaled = [apply_temperature(p, t) for p, t in zip(runs, temperatures, strict=True)]
    return CalibrationResult(
        temperatures=tuple(temperatures),
        before=measure_calibration(runs, predictions.y, predictions.test_rows),
        after=measure_calibration(scaled, predictions.y, predictions.test_rows),
    )


def _summarize_protocol(
    protocol: Protocol, metric: Metric, classes: Sequence[str]
) -> ProtocolSummary:
    return ProtocolSummary(
        **metric_fields(metric, protocol.rope, classes, rope_is_share=protocol.rope_is_share),
        split=protocol.split,
        seeds=protocol.seeds,
        rows=protocol.rows,
        quick=protocol.quick,
        varies=tuple(protocol.varies),
        threads=protocol.threads,
        workers=protocol.workers,
        budget=BudgetSummary(**protocol.budget),
    )


def _cost(
    cells: list[Outcome], predictions: RunPredictions, machines: Sequence[Machine]
) -> dict[str, Any]:
    """Return the costs of a contender: means over the runs; of memory and size, the maximum."""
    return {
        "fit_seconds": tuple(o.fit_seconds for o in cells),
        "predict_row_seconds": mean(o.predict_row_seconds for o in cells),
        "predict_batch_seconds": mean(o.predict_batch_seconds for o in cells),
        "predict_row_quartiles": _widest([o.predict_row_quartiles for o in cells]),
        "predict_batch_quartiles": _widest([o.predict_batch_quartiles for o in cells]),
        "batch_rows": len(predictions.y[0]),
        "peak_memory_bytes": max(o.peak_memory_bytes for o in cells),
        "model_bytes": max(o.model_bytes for o in cells),
        "curve": tuple(cells[0].curve),
        "details": tuple(o.details for o in cells),
        "trials": from_plain(tuple[tuple[TrialResult, ...], ...], [o.trials for o in cells]),
        "best_trial": tuple(o.best_trial for o in cells),
        "tuning_seconds": tuple(o.tuning_seconds for o in cells),
        "missing_cores": tuple(o.missing_cores for o in cells),
        "machines": tuple(machines.index(o.machine) for o in cells if o.machine is not None),
        "attempts": tuple(o.attempts for o in cells),
    }


def _widest(intervals: Sequence[tuple[float, float] | None]) -> tuple[float, float] | None:
    """Return the interval that contains all intervals; None if one is missing."""
    measured = [one for one in intervals if one is not None]
    if len(measured) < len(intervals):
        return None
    return min(low for low, _ in measured), max(high for _, high in measured)


def _claims(
    protocol: Protocol, predictions: PartialRuns, titles: dict[str, str]
) -> tuple[Claim, ...]:
    """Return the answer to the claim for every XGBoost contender and textbook network.

    The claim is about test errors on MNIST; on other data the verdicts are the answer.
    """
    if (protocol.dataset, protocol.source) != ("mnist", None):
        return ()
    contenders = protocol.contenders
    family = {name: contenders[name]["family"] for name in predictions.probabilities}
    boosters = [name for name in family if family[name] == "xgboost"]
    networks = [name for name in family if family[name] == "textbook"]
    if not boosters or not networks:
        return ()
    metric, rope = get_metric("error"), protocol.rope
    if protocol.metric != "error":
        rope = default_rope(metric, table=False)
    comparisons = predictions.compare(metric, rope, titles, None)
    claims = []
    for booster in boosters:
        for network in networks:
            shared = predictions.shared([booster, network])
            if shared is not None:
                claims.append(
                    answer_claim(
                        next(c for c in comparisons if {c.a, c.b} == {booster, network}),
                        {name: shared.error_rate(name)[0] for name in (booster, network)},
                        booster=booster,
                        network=network,
                        titles=titles,
                    )
                )
    return tuple(claims)

"""Synthetic runs: seeded, small, and of every shape that a report may have."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from graduel.duel.result.duel_result import (
    BudgetSummary,
    CalibrationResult,
    ContenderResult,
    DatasetSummary,
    Environment,
    KnownBest,
    ProtocolSummary,
    Result,
    TrialResult,
)
from graduel.duel.result.outcome import Run
from graduel.duel.result.probe_results import Importance, PerturbationErrors, Probes
from graduel.duel.verdict.types import Claim, Comparison
from graduel.metrics.calibration import Calibration, apply_temperature, measure_calibration

TITLES = {"textbook": "textbook network", "net": "NumPy network", "xgboost": "XGBoost"}
SKILL = {"textbook": (0.061, 60.0), "net": (0.013, 50.0), "xgboost": (0.018, 170.0)}

IMAGE_WAYS = {
    "noise": (0.1, 0.2, 0.4),
    "rotation": (10, 20, 40),
    "shift": (1, 2, 4),
    "occlusion": (7, 10, 14),
}

CLAIMS = (
    Claim(
        "xgboost",
        "textbook",
        "yes",
        3.4,
        "Yes: XGBoost blows the textbook network out of the water; it makes 3.4 times fewer "
        "mistakes.",
    ),
    Claim(
        "xgboost",
        "net",
        "no",
        0.72,
        "No: once the network is trained as one trains networks today, XGBoost makes 1.4 times as "
        "many mistakes.",
    ),
)
ENVIRONMENT = Environment(
    command="graduel duel mnist --out <here>",
    python="3.11.7",
    versions={
        "graduel": "0.1.0",
        "numpy": "2.4.6",
        "scikit-learn": "1.9.0",
        "xgboost": "3.2.0",
    },
    platform="Linux-6.1-x86_64",
    processor="A processor with a name",
    cores=2,
    memory_bytes=8_000_000_000,
    threads=2,
    blas="openblas 0.3.30",
    finished="2026-11-22T10:49:00+00:00",
)


def make_run(
    *,
    names: tuple[str, ...] = ("textbook", "net", "xgboost"),
    seeds: int = 1,
    n_test: int = 600,
    n_classes: int = 10,
    classes: tuple[str, ...] | None = None,
    images: Any = None,
    y_test: Any = None,
    skill: dict[str, tuple[float, float]] | None = None,
    points: int = 25,
    claims: bool = True,
    known_best: bool = True,
    trials: int = 0,
    table: bool = False,
    probes: bool = True,
) -> Run:
    """Return a synthetic run with consistent numbers.

    With `trials` it was tuned, with `table` it is on user data; without `probes` robustness,
    importance and costs in words were not measured.
    """
    rng = np.random.default_rng(7)
    y = rng.integers(0, n_classes, n_test) if y_test is None else np.asarray(y_test)
    n_test = len(y)
    shared = rng.uniform(size=n_test)  # what is hard for one is hard for all
    probabilities, curves, contenders = {}, {}, {}
    for number, name in enumerate(names):
        error, seconds = {**SKILL, **(skill or {})}.get(name, (0.02 + 0.01 * number, 30.0))
        probabilities[name] = np.stack(
            [_answers(rng, y, n_classes, error, shared) for _ in range(seeds)]
        )
        test_errors = [float(np.mean(p.argmax(-1) != y)) for p in probabilities[name]]
        curves[name] = [_curve(rng, end, seconds, points) for end in test_errors]
        test_error = float(np.mean(test_errors))
        half = 1.96 * float(np.sqrt(test_error * (1 - test_error) / n_test))
        contenders[name] = ContenderResult(
            title=TITLES.get(name, name),
            test_error=test_error,
            test_error_interval=(max(0.0, test_error - half), test_error + half),
            test_errors=tuple(test_errors),
            log_loss=3.4 * test_error + 0.001,
            brier=1.5 * test_error,
            fit_seconds=tuple(seconds * (1 + 0.03 * seed) for seed in range(seeds)),
            predict_row_seconds=2.1e-5 * (1 + 9 * number),
            predict_batch_seconds=0.021 * (1 + number),
            batch_rows=n_test,
            peak_memory_bytes=412_000_000 + 300_000_000 * number,
            model_bytes=407_080 * (1 + 12 * number),
            tuning_seconds=(None,) * seeds,
            curve=tuple(curves[name][0]),
            details=({"best_epoch": 17, "epochs": 20, "valid_error": test_error + 0.001},) * seeds,
            trials=((),) * seeds,
            best_trial=(None,) * seeds,
            calibration=_calibration(probabilities[name], y, 1.2 + 0.1 * number),
            probes=_probes(rng, probabilities[name], y, number, table=table) if probes else None,
            recipe={
                "layers": [784, 128, 10],
                "activation": "relu",
                "rate": 0.5,
                "early_stopping": number > 0,
            },
        )
        if trials:
            contenders[name] = _tuned(rng, contenders[name], trials)
    best = KnownBest(
        contender="xgboost-best",
        test_error=0.0156,
        fit_seconds=330.0,
        settings={"multi_strategy": "multi_output_tree", "max_bin": 64, "rounds": 300},
        note="Measured on two cores with the whole of MNIST.",
    )
    result = Result(
        format=1,
        dataset=DatasetSummary(
            name="mnist",
            n_train=54_000,
            n_valid=6_000,
            n_test=n_test,
            n_features=784,
            n_classes=n_classes,
        ),
        protocol=ProtocolSummary(
            metric="error",
            metric_title="error",
            metric_unit="%",
            lower_is_better=True,
            rope=0.0025,
            split="given",
            seeds=seeds,
            rows=None,
            quick=False,
            varies=(),
            threads=2,
            budget=BudgetSummary(kind="trials" if trials else "none", value=trials or None),
        ),
        contenders=contenders,
        comparisons=_comparisons(contenders, n_test, seeds, costs=probes),
        claims=CLAIMS if claims and {"textbook", "net", "xgboost"} <= set(names) else (),
        known_best=best if known_best else None,
        environment=ENVIRONMENT,
    )
    names_of_classes = classes or tuple(str(k) for k in range(n_classes))
    rows = np.arange(3, 3 + 2 * n_test, 2) if table else None
    return Run(Path("nowhere"), result, probabilities, curves, y, names_of_classes, images, rows)


def _answers(rng: Any, y: Any, k: int, error: float, shared: Any) -> Any:
    """Return probabilities with exactly the error rate `error`, higher where confidence is low."""
    n, wrongs = len(y), round(error * len(y))
    hard = 0.8 * shared + 0.2 * rng.uniform(size=n)
    sure = 0.35 + 0.64 * (1 - hard**12 * rng.uniform(0.6, 1, n))
    keys = rng.exponential(size=n) / (1.02 - sure) ** 1.4
    wrong = np.zeros(n, bool)
    wrong[np.argsort(keys, kind="stable")[:wrongs]] = True
    answer = np.where(wrong, (y + rng.integers(1, k, n)) % k, y)
    p = np.full((n, k), 0.0)
    p[np.arange(k) != answer[:, None]] = rng.dirichlet(np.ones(k - 1), n).ravel()
    p *= np.minimum(1 - sure, 0.45)[:, None]
    p[np.arange(n), answer] = 1 - p.sum(1)
    return p.astype(np.float32)


def _calibration(p: Any, y: Any, temperature: float) -> CalibrationResult:
    """Return the calibration, with temperatures fitted on these rows."""

    def measure(t: float) -> Calibration:
        scaled = [apply_temperature(one, t) for one in p]
        return measure_calibration(scaled, [y] * len(p), [np.arange(len(y))] * len(p))

    temperatures = (temperature,) * len(p)
    return CalibrationResult(
        temperatures=temperatures, before=measure(1.0), after=measure(temperature)
    )


def _probes(rng: Any, p: Any, y: Any, number: int, *, table: bool) -> Probes:
    """Return robustness and importance; one model cannot predict rows with the weakest noise."""
    error = float(np.mean(p.argmax(-1) != y))
    ways = {"missing": (0.1, 0.2, 0.4), "permuted": (0.1, 0.25, 0.5)} if table else IMAGE_WAYS
    shape = (18,) if table else (7, 7)
    rises = rng.exponential(0.02, shape) * np.linspace(2, 0, shape[-1]) ** 2 - 0.001
    columns = (*((f"column {i}",) for i in range(17)), ("first", "last"))

    def errors(name: str) -> tuple[float | None, ...]:
        rising = (min(1.0, e) for e in error + np.cumsum(rng.uniform(0.01, 0.3, 3)))
        refused = name == "noise" and number == 1
        return tuple(None if refused and not i else e for i, e in enumerate(rising))

    return Probes(
        rows=min(1000, len(y)),
        error=error,
        log_loss=3 * error,
        robustness=tuple(
            PerturbationErrors(name=name, strengths=strengths, errors=errors(name))
            for name, strengths in ways.items()
        ),
        importance=Importance(
            rows=min(489, len(y)),
            log_loss=rises.tolist(),
            error=(rises / 4).tolist(),
            columns=columns if table else None,
            block=None if table else 4,
        ),
    )


def _tuned(rng: Any, entry: ContenderResult, count: int) -> ContenderResult:
    """Return the contender with a search of `count` trials for each seed."""
    searches = []
    for _ in entry.test_errors:
        states = ["complete", *rng.choice(["complete", "complete", "pruned", "failed"], count - 1)]
        searches.append(
            tuple(
                TrialResult(
                    number=i,
                    params={"lr": float(rng.uniform(1e-4, 1e-2)), "layers": "512,512"},
                    loss=float(entry.test_error + rng.exponential(0.01))
                    if state == "complete"
                    else None,
                    seconds=float(rng.uniform(5, 60)),
                    state=str(state),
                )
                for i, state in enumerate(states)
            )
        )
    best = [min((t for t in trials if t.loss), key=lambda t: t.loss) for trials in searches]
    return replace(
        entry,
        trials=tuple(searches),
        best_trial=tuple(trial.number for trial in best),
        tuning_seconds=tuple(sum(trial.seconds for trial in trials) for trials in searches),
    )


def _curve(rng: Any, end: float, seconds: float, points: int) -> list[tuple[float, float]]:
    times = np.linspace(seconds / points, seconds, points)
    fall = np.exp(-5 * np.linspace(0, 1, points) ** 0.6)
    fall = (fall - fall[-1]) / max(1 - fall[-1], 1e-9)
    noise = 1 + 0.03 * rng.standard_normal(points) * np.linspace(1, 0, points)
    errors = np.clip((end + (0.6 - end) * fall) * noise, 0, 1)
    errors[-1] = end
    return [(float(t), float(e)) for t, e in zip(times, errors, strict=True)]


def _comparisons(
    contenders: dict[str, ContenderResult], n: int, seeds: int, *, costs: bool
) -> tuple[Comparison, ...]:
    comparisons = []
    for a, b in combinations(contenders, 2):
        first, second = contenders[a].test_error, contenders[b].test_error
        difference = first - second
        half = 1.96 * float(np.sqrt(max(first + second, 1e-9) / n))
        verdict = "b better" if difference > 0 else "a better"
        undecided = abs(difference) < half
        if undecided:
            verdict = "undecided"
        comparisons.append(
            Comparison(
                a=a,
                b=b,
                metric="error",
                error_a=first,
                error_b=second,
                difference=difference,
                interval=(difference - half, difference + half),
                interval_level=0.95,
                equivalence_interval=(difference - 0.9 * half, difference + 0.9 * half),
                equivalence_level=0.9667,
                rope=0.0025,
                test="McNemar, mid-p",
                why="One fixed test set and one seed: the two fitted models answer the "
                "same rows, so only rows on which they disagree can tell them apart.",
                p_value=0.21 if undecided else 0.00003,
                p_adjusted=0.21 if undecided else 0.00009,
                verdict=verdict,
                detectable=not undecided,
                scope="These fitted models, on rows like these test rows.",
                rows=n,
                seeds=seeds,
                more_rows=12_345 if undecided else None,
                more_seeds=None,
                cost=f"{a} and {b} cost about as much to train." if costs else None,
                sentence=_sentence(a, b, verdict, abs(difference)),
            )
        )
    return tuple(comparisons)


def _sentence(a: str, b: str, verdict: str, difference: float) -> str:
    first, second = (a, b) if verdict == "a better" else (b, a)
    words = f"Undecided between {a} and {b}"
    words = words if verdict == "undecided" else f"{first} is better than {second}"
    return f"{words}: a difference of {100 * difference:.2f} points."


def change(run: Run, **changes: Any) -> Run:
    """Return the run with some fields of its result replaced."""
    return replace(run, result=replace(run.result, **changes))


def change_contender(run: Run, name: str, **changes: Any) -> Run:
    """Return the run with some fields of one contender replaced."""
    entries = run.result.contenders
    return change(run, contenders={**entries, name: replace(entries[name], **changes)})

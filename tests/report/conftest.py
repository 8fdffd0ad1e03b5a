"""Runs that never ran: seeded, small, and of every shape a report may meet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graduel.duel.result.outcome import Run
from graduel.metrics.calibration import apply_temperature, measure_calibration

TITLES = {"textbook": "textbook network", "net": "NumPy network", "xgboost": "XGBoost"}
SKILL = {"textbook": (0.061, 60.0), "net": (0.013, 50.0), "xgboost": (0.018, 170.0)}

IMAGE_WAYS = {
    "noise": (0.1, 0.2, 0.4),
    "rotation": (10, 20, 40),
    "shift": (1, 2, 4),
    "occlusion": (7, 10, 14),
}

Make = Callable[..., Run]


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
    behind: bool = True,
) -> Run:
    """Return a run whose stored numbers agree with one another as a duel's would.

    With `trials` it was tuned, with `table` it is on a table of the user's own; without `behind`
    it is of before calibration, probes and costs in words were kept.
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
        contenders[name] = {
            "title": TITLES.get(name, name),
            "test_error": test_error,
            "test_error_interval": [max(0.0, test_error - half), test_error + half],
            "test_errors": test_errors,
            "log_loss": 3.4 * test_error + 0.001,
            "brier": 1.5 * test_error,
            "fit_seconds": [seconds * (1 + 0.03 * seed) for seed in range(seeds)],
            "predict_row_seconds": 2.1e-5 * (1 + 9 * number),
            "predict_batch_seconds": 0.021 * (1 + number),
            "batch_rows": n_test,
            "peak_memory_bytes": 412_000_000 + 300_000_000 * number,
            "model_bytes": 407_080 * (1 + 12 * number),
            "curve": [list(point) for point in curves[name][0]],
            "recipe": {
                "layers": [784, 128, 10],
                "activation": "relu",
                "rate": 0.5,
                "early_stopping": number > 0,
            },
            "details": [{"best_epoch": 17, "epochs": 20, "valid_error": test_error + 0.001}]
            * seeds,
        }
        if behind:
            contenders[name] |= _behind(rng, probabilities[name], y, number, table=table)
        if trials:
            contenders[name] |= _tuned(rng, test_error, trials, seeds)
    result: dict[str, Any] = {
        "format": 1,
        "dataset": {
            "name": "mnist",
            "n_train": 54_000,
            "n_valid": 6_000,
            "n_test": n_test,
            "n_features": 784,
            "n_classes": n_classes,
        },
        "protocol": {
            "split": "given",
            "seeds": seeds,
            "rows": None,
            "quick": False,
            "metric": "error",
            "rope": 0.0025,
            "threads": 2,
            "budget": {"kind": "trials", "value": trials}
            if trials
            else {"kind": "none", "value": None},
        },
        "contenders": contenders,
        "comparisons": _comparisons(contenders, n_test),
        "claims": [],
        "environment": {
            "command": "graduel duel mnist --out <here>",
            "graduel": "0.1.0",
            "python": "3.11.7",
            "numpy": "2.4.6",
            "scikit-learn": "1.9.0",
            "xgboost": "3.2.0",
            "platform": "Linux-6.1-x86_64",
            "processor": "A processor with a name",
            "cores": 2,
            "memory_bytes": 8_000_000_000,
            "threads": 2,
            "blas": "openblas 0.3.30",
            "finished": "2026-11-22T10:49:00+00:00",
        },
    }
    if claims and {"textbook", "net", "xgboost"} <= set(names):
        result["claims"] = [
            {
                "booster": "xgboost",
                "network": "textbook",
                "answer": "yes",
                "ratio": 3.4,
                "sentence": "Yes: XGBoost blows the textbook network out of the water; it makes "
                "3.4 times fewer mistakes.",
            },
            {
                "booster": "xgboost",
                "network": "net",
                "answer": "no",
                "ratio": 0.72,
                "sentence": "No: once the network is trained as one trains networks today, "
                "XGBoost makes 1.4 times as many mistakes.",
            },
        ]
    if known_best:
        result["known_best"] = {
            "contender": "xgboost-best",
            "test_error": 0.0156,
            "fit_seconds": 330.0,
            "settings": {"multi_strategy": "multi_output_tree", "max_bin": 64, "rounds": 300},
            "note": "Measured on two cores with the whole of MNIST.",
        }
    if not behind:
        for one in result["comparisons"]:
            del one["cost"]
    names_of_classes = classes or tuple(str(k) for k in range(n_classes))
    rows = np.arange(3, 3 + 2 * n_test, 2) if table else None
    return Run(Path("nowhere"), result, probabilities, curves, y, names_of_classes, images, rows)


def _answers(rng: Any, y: Any, k: int, error: float, shared: Any) -> Any:
    """Return probabilities that are wrong on exactly the share `error`, oftener where unsure."""
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


def _behind(rng: Any, p: Any, y: Any, number: int, *, table: bool) -> dict[str, Any]:
    """Return what stands behind the errors; temperatures as if of validation rows like these."""
    rows = np.arange(len(y))

    def side(t: float) -> dict[str, Any]:
        of = [apply_temperature(one, t) for one in p]
        return measure_calibration(of, [y] * len(p), [rows] * len(p)).as_dict()

    heat = 1.2 + 0.1 * number
    error = float(np.mean(p.argmax(-1) != y))
    ways = {"missing": (0.1, 0.2, 0.4), "permuted": (0.1, 0.25, 0.5)} if table else IMAGE_WAYS
    shape = (18,) if table else (7, 7)
    rises = rng.exponential(0.02, shape) * np.linspace(2, 0, shape[-1]) ** 2 - 0.001
    return {
        "calibration": {
            "temperatures": [heat] * len(p),
            "before": side(1.0),
            "after": side(heat),
        },
        "probes": {
            "rows": min(1000, len(y)),
            "error": error,
            "log_loss": 3 * error,
            "robustness": [
                {
                    "name": name,
                    "strengths": list(strengths),
                    "errors": [
                        None if name == "noise" and number == 1 and not i else min(1.0, e)
                        for i, e in enumerate(error + np.cumsum(rng.uniform(0.01, 0.3, 3)))
                    ],
                }
                for name, strengths in ways.items()
            ],
            "importance": {
                "rows": min(489, len(y)),
                "log_loss": rises.tolist(),
                "error": (rises / 4).tolist(),
                **(
                    {"columns": [[f"column {i}"] for i in range(17)] + [["first", "last"]]}
                    if table
                    else {"block": 4}
                ),
            },
        },
    }


def _tuned(rng: Any, error: float, number: int, seeds: int) -> dict[str, Any]:
    """Return a search of so many trials for each seed."""
    runs = []
    for _ in range(seeds):
        states = ["complete", *rng.choice(["complete", "complete", "pruned", "failed"], number - 1)]
        runs.append(
            [
                {
                    "number": i,
                    "params": {"lr": float(rng.uniform(1e-4, 1e-2)), "layers": "512,512"},
                    "loss": float(error + rng.exponential(0.01)) if state == "complete" else None,
                    "seconds": float(rng.uniform(5, 60)),
                    "state": str(state),
                }
                for i, state in enumerate(states)
            ]
        )
    best = [min((t for t in run if t["loss"]), key=lambda t: t["loss"])["number"] for run in runs]
    return {
        "trials": runs,
        "best_trial": best,
        "tuning_seconds": [sum(t["seconds"] for t in run) for run in runs],
    }


def _curve(rng: Any, end: float, seconds: float, points: int) -> list[tuple[float, float]]:
    times = np.linspace(seconds / points, seconds, points)
    fall = np.exp(-5 * np.linspace(0, 1, points) ** 0.6)
    fall = (fall - fall[-1]) / max(1 - fall[-1], 1e-9)
    noise = 1 + 0.03 * rng.standard_normal(points) * np.linspace(1, 0, points)
    errors = np.clip((end + (0.6 - end) * fall) * noise, 0, 1)
    errors[-1] = end
    return [(float(t), float(e)) for t, e in zip(times, errors, strict=True)]


def _comparisons(contenders: dict[str, Any], n: int) -> list[dict[str, Any]]:
    found = []
    names = list(contenders)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            first, second = contenders[a]["test_error"], contenders[b]["test_error"]
            difference = first - second
            half = 1.96 * float(np.sqrt(max(first + second, 1e-9) / n))
            verdict = (
                "undecided"
                if abs(difference) < half
                else "b better"
                if difference > 0
                else "a better"
            )
            found.append(
                {
                    "a": a,
                    "b": b,
                    "metric": "error",
                    "difference": difference,
                    "interval": [difference - half, difference + half],
                    "interval_level": 0.95,
                    "equivalence_interval": [difference - 0.9 * half, difference + 0.9 * half],
                    "equivalence_level": 0.9667,
                    "rope": 0.0025,
                    "test": "McNemar, mid-p",
                    "why": "One fixed test set and one seed: the two fitted models answer the "
                    "same rows, so only rows on which they disagree can tell them apart.",
                    "p_value": 0.00003 if verdict != "undecided" else 0.21,
                    "p_adjusted": 0.00009 if verdict != "undecided" else 0.21,
                    "verdict": verdict,
                    "detectable": verdict != "undecided",
                    "scope": "These fitted models, on rows like these test rows.",
                    "more_rows": 12_345 if verdict == "undecided" else None,
                    "cost": f"{a} and {b} cost about as much to train.",
                    "sentence": _sentence(a, b, verdict, abs(difference)),
                }
            )
    return found


def _sentence(a: str, b: str, verdict: str, difference: float) -> str:
    first, second = (a, b) if verdict == "a better" else (b, a)
    words = f"Undecided between {a} and {b}"
    words = words if verdict == "undecided" else f"{first} is better than {second}"
    return f"{words}: a difference of {100 * difference:.2f} points."


@pytest.fixture(scope="session")
def make() -> Make:
    """Return :func:`make_run`."""
    return make_run

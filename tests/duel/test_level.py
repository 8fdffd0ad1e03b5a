"""The confidence interval of one contender's metric."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from graduel.duel.plan.design import Design
from graduel.duel.verdict.runs import RunPredictions
from graduel.metrics.metric import get_metric

RNG = np.random.default_rng(5)


def predictions(split="given", seeds=1, n=60):
    design = Design.parse(split)
    y = RNG.integers(2, size=n)
    tests = [np.arange(n)] * seeds
    if design.kind == "folds":
        parts = np.array_split(np.arange(n), design.folds)
        tests = [part for part in parts * design.repeats for _ in range(seeds)]
    p = RNG.dirichlet((2, 2), size=(len(tests), n)).astype(np.float32)
    runs = [p[i][rows] for i, rows in enumerate(tests)]
    return RunPredictions(design, seeds, tests, [y[rows] for rows in tests], {"a": runs})


def test_on_one_test_set_it_is_the_t_interval_over_rows():
    result, metric = predictions(), get_metric("log_loss")
    losses = metric.per_row(result.probabilities["a"][0], result.y[0])
    expected = stats.t.interval(0.95, len(losses) - 1, losses.mean(), stats.sem(losses))
    assert result.metric_interval("a", metric) == pytest.approx(expected)


def test_over_folds_it_is_the_corrected_t_interval():
    result, metric = predictions("5x1"), get_metric("auc")
    values = np.array(
        [metric.value(p, y) for p, y in zip(result.probabilities["a"], result.y, strict=True)]
    )
    se = np.sqrt(values.var(ddof=1) * (1 / 5 + 1 / 4))
    low, high = stats.t.interval(0.95, 4, values.mean(), se)
    assert result.metric_interval("a", metric) == pytest.approx((max(low, 0), min(high, 1)))


def test_accuracy_mirrors_error_and_shares_stay_between_0_and_1():
    result = predictions(seeds=3)
    error = result.metric_interval("a", get_metric("error"))
    accuracy = result.metric_interval("a", get_metric("accuracy"))
    assert accuracy == pytest.approx((1 - error[1], 1 - error[0]))
    assert 0 <= error[0] < error[1] <= 1


def test_none_without_an_interval():
    assert predictions().metric_interval("a", get_metric("auc")) is None
    result = predictions()
    result.probabilities["a"][0][:] = 0.5
    assert result.metric_interval("a", get_metric("brier")) is None

"""The warning about too few test rows agrees with the intervals of the verdicts."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import stats

from graduel.duel.plan.power import explain_power
from graduel.metrics.metric import get_metric
from graduel.stats.corrected_t import MOST_FITS, CorrectedT
from graduel.stats.proportions import paired_score_interval
from graduel.stats.two_way import paired_t

ERROR = get_metric("error")


def least(metric, rope, design=None, **options):
    """Return the smallest number of rows without a warning."""
    low, high = 1, 10**8
    while high - low > 1:
        middle = (low + high) // 2
        message = explain_power(middle, rope, metric, design, **options)
        low, high = (low, middle) if message is None else (middle, high)
    return high


@pytest.mark.parametrize("rope", [0.0025, 0.01, 0.02])
@pytest.mark.parametrize("pairs", [1, 3])
def test_error_needs_the_rows_that_bring_the_score_interval_into_the_rope(rope, pairs):
    n = least(ERROR, rope, pairs=pairs)

    def half(rows):
        differ = round(0.025 * rows)  # exactly one is right on 5 % of the rows, equally often each
        return paired_score_interval(differ, differ, rows, 1 - 0.1 / pairs)[1]

    assert half(round(0.93 * n)) > rope > half(round(1.15 * n))


def test_log_loss_needs_the_rows_that_bring_the_t_interval_into_the_rope():
    n = least(get_metric("log_loss"), 0.02)
    d = 0.5 * stats.norm.ppf((np.arange(n) + 0.5) / n)[np.newaxis]
    assert paired_t(d, 0.9).high == pytest.approx(0.02, rel=0.01)


@pytest.mark.parametrize("design", [(1, 10), (10, 10), (5, 2)])
def test_cross_validation_needs_the_rows_that_bring_the_corrected_t_into_the_rope(design):
    repeats, folds = design
    n = least(ERROR, 0.01, design)
    statistic = CorrectedT(0.0, 0.05 / (n / folds), repeats, folds, 1 / (folds - 1), MOST_FITS)
    assert statistic.interval(0.9)[1] == pytest.approx(0.01, rel=0.01)
    assert f"in {folds}-fold" in explain_power(n // 2, 0.01, ERROR, design)
    # Repeats increase the power only up to eight fits.
    assert least(ERROR, 0.01, (2, 5)) < least(ERROR, 0.01, (1, 5))
    assert least(ERROR, 0.01, (10, 10)) == least(ERROR, 0.01, (1, 10))


def test_the_number_of_rows_in_the_message_is_sufficient_and_not_much_too_large():
    for name in ("error", "log_loss", "brier", "balanced_accuracy", "auc", "accuracy"):
        metric = get_metric(name)
        for options in ({}, {"design": (3, 5)}, {"class_rows": [20, 180]}):
            message = explain_power(200, 0.01, metric, **options)
            assert message.startswith("200 ")
            named = int(re.search(r"about ([\d,]+) (test )?rows", message)[1].replace(",", ""))
            if "class_rows" in options:  # with the same class shares
                options = {"class_rows": [named // 10, named - named // 10]}
            assert explain_power(named, 0.01, metric, **options) is None
            if "class_rows" not in options:
                assert explain_power(int(0.85 * named), 0.01, metric, **options) is not None


def test_rare_classes_need_more_rows():
    auc, balanced = get_metric("auc"), get_metric("balanced_accuracy")
    for metric in (auc, balanced):
        n = least(metric, 0.01)
        assert explain_power(n, 0.01, metric, class_rows=[n // 2, n - n // 2]) is None
        assert explain_power(n, 0.01, metric, class_rows=[n // 20, n - n // 20]) is not None
    assert explain_power(n, 0.01, ERROR, class_rows=[1, n - 1]) is None  # counts rows, not classes
    assert explain_power(50, 0.01, balanced, class_rows=[25, 25, 0]) is not None


def test_there_is_no_warning_without_an_assumed_spread():
    assert explain_power(10, 0.01, get_metric("f1_macro")) is None
    assert explain_power(10, 0.005, get_metric("auc"), class_rows=[3, 3, 4]) is None


def test_a_rope_of_zero_always_warns():
    assert "no two contenders can be practically equal" in explain_power(10**9, 0.0, ERROR)


def test_the_message_names_design_rope_and_metric():
    message = explain_power(690, 0.01, ERROR, (3, 10), pairs=3)
    assert message.startswith(
        "690 rows are too few in 10-fold cross-validation with 3 repeats to show that two "
        "contenders are practically equal (within 1 percentage point of error): "
    )
    assert "within 0.5 points of AUC" in explain_power(100, 0.005, get_metric("auc"))
    assert "within 0.02 of log loss" in explain_power(100, 0.02, get_metric("log_loss"))

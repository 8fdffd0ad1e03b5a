"""What is said before fitting is what the verdict's own intervals would do."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import stats

from graduel.duel.plan.power import resolution
from graduel.metrics.metric import metric_of
from graduel.stats.corrected_t import MOST_FITS, Resampled
from graduel.stats.multiplicity import by_row, paired_score_interval

ERROR = metric_of("error")


def least(metric, rope, design=None, **options):
    """The fewest rows about which nothing is said."""
    low, high = 1, 10**8
    while high - low > 1:
        middle = (low + high) // 2
        said = resolution(middle, rope, metric, design, **options)
        low, high = (low, middle) if said is None else (middle, high)
    return high


@pytest.mark.parametrize("rope", [0.0025, 0.01, 0.02])
@pytest.mark.parametrize("pairs", [1, 3])
def test_error_is_resolved_where_the_score_interval_would_be_inside(rope, pairs):
    n = least(ERROR, rope, pairs=pairs)

    def half(rows):
        differ = round(0.025 * rows)  # 5 % differ, and neither is better
        return paired_score_interval(differ, differ, rows, 1 - 0.1 / pairs)[1]

    assert half(round(0.93 * n)) > rope > half(round(1.15 * n))


def test_log_loss_is_resolved_where_a_t_would_be_inside():
    n = least(metric_of("log_loss"), 0.02)
    d = 0.5 * stats.norm.ppf((np.arange(n) + 0.5) / n)[np.newaxis]
    assert by_row(d, 0.9).high == pytest.approx(0.02, rel=0.01)


@pytest.mark.parametrize("design", [(1, 10), (10, 10), (5, 2)])
def test_cross_validation_is_resolved_where_its_corrected_t_would_be_inside(design):
    repeats, folds = design
    n = least(ERROR, 0.01, design)
    found = Resampled(0.0, 0.05 / (n / folds), repeats, folds, 1 / (folds - 1), MOST_FITS)
    assert found.interval(0.9)[1] == pytest.approx(0.01, rel=0.01)
    assert f"in {folds}-fold" in resolution(n // 2, 0.01, ERROR, design)
    # Repeats resolve more up to eight fits, and no more beyond.
    assert least(ERROR, 0.01, (2, 5)) < least(ERROR, 0.01, (1, 5))
    assert least(ERROR, 0.01, (10, 10)) == least(ERROR, 0.01, (1, 10))


def test_the_number_named_is_enough_and_not_far_too_many():
    for name in ("error", "log_loss", "brier", "balanced_accuracy", "auc", "accuracy"):
        metric = metric_of(name)
        for options in ({}, {"design": (3, 5)}, {"class_rows": [20, 180]}):
            said = resolution(200, 0.01, metric, **options)
            assert said.startswith("200 ")
            named = int(re.search(r"about ([\d,]+) (test )?rows", said)[1].replace(",", ""))
            if "class_rows" in options:  # as many times as many of each
                options = {"class_rows": [named // 10, named - named // 10]}
            assert resolution(named, 0.01, metric, **options) is None
            if "class_rows" not in options:
                assert resolution(int(0.85 * named), 0.01, metric, **options) is not None


def test_rare_classes_resolve_less():
    auc, balanced = metric_of("auc"), metric_of("balanced_accuracy")
    for metric in (auc, balanced):
        n = least(metric, 0.01)
        assert resolution(n, 0.01, metric, class_rows=[n // 2, n - n // 2]) is None
        assert resolution(n, 0.01, metric, class_rows=[n // 20, n - n // 20]) is not None
    assert resolution(n, 0.01, ERROR, class_rows=[1, n - 1]) is None  # counts rows, not classes
    assert resolution(50, 0.01, balanced, class_rows=[25, 25, 0]) is not None


def test_nothing_is_said_where_nothing_is_known():
    assert resolution(10, 0.01, metric_of("f1_macro")) is None
    assert resolution(10, 0.005, metric_of("auc"), class_rows=[3, 3, 4]) is None


def test_a_rope_of_zero_is_never_resolved():
    assert "no two contenders count as equal" in resolution(10**9, 0.0, ERROR)


def test_words():
    said = resolution(690, 0.01, ERROR, (3, 10), pairs=3)
    assert said.startswith(
        "690 rows are too few in 10-fold cross-validation, 3 times, to show two contenders to be "
        "practically equal (within 1 point of error): "
    )
    assert "within 0.5 points of AUC" in resolution(100, 0.005, metric_of("auc"))
    assert "within 0.02 of log loss" in resolution(100, 0.02, metric_of("log_loss"))

"""Intervals and sets of a saved model, and their coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.data.prepare.calibration_scores import CalibrationScores
from graduel.data.schema import Schema
from graduel.errors import UserError
from graduel.models.model import Model
from graduel.models.prediction_sets import CalibratedModel, calibrate, true_scores
from graduel.stats.conformal import conformal_quantile


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=300),
    st.floats(0.01, 0.99),
)
@settings(max_examples=60, deadline=None)
def test_the_quantile_is_that_of_all_scores(scores, level):
    values = np.array(scores)
    assert CalibrationScores.of(values).quantile(level) == conformal_quantile(values, level)


@pytest.mark.parametrize("n", [1001, 1999, 7500])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
def test_of_many_scores_the_quantile_is_at_most_one_saved_score_too_large(n, level):
    values = np.random.default_rng(n).exponential(size=n)
    saved = CalibrationScores.of(values)
    assert len(saved.scores) <= 1000
    exact = conformal_quantile(values, level)
    assert saved.quantile(level) >= exact
    assert (values <= saved.quantile(level)).sum() - (values <= exact).sum() <= n / 1000 + 1


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_intervals_contain_the_share_of_exchangeable_rows(level):
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(400):
        y = rng.standard_t(3, size=150)
        p = np.zeros((150, 1))
        schema = calibrate(Schema(), p[:50], y[:50])
        model = CalibratedModel.of(Model("net", "net", schema), level)
        low, high = model.select(p[50:])
        shares.append(((low <= y[50:]) & (y[50:] <= high)).mean())
    error = np.std(shares) / np.sqrt(len(shares))
    expected = np.ceil(51 * level) / 51
    assert abs(np.mean(shares) - expected) < 3 * error


def test_sets_name_the_classes_within_the_bound():
    p = np.array([[0.7, 0.2, 0.1], [0.4, 0.35, 0.25], [0.1, 0.6, 0.3]])
    schema = calibrate(Schema(classes=("a", "b", "c")), p, np.array([0, 1, 1]))
    assert schema.calibration.scores == pytest.approx((0.3, 0.4, 0.65))
    model = CalibratedModel.of(Model("net", "net", schema), 0.75)
    assert model.select(p)[0].tolist() == ["a", "a | b", "b"]


def test_scores_of_classes_and_numbers():
    assert true_scores(np.array([[0.25, 0.75]]), np.array([0])).tolist() == [0.75]
    assert true_scores(np.array([[2.0]]), np.array([5.0])).tolist() == [3.0]


@pytest.mark.parametrize(
    ("level", "message"),
    [
        (1.5, r"expected a level between 0 and 1, such as 0\.9; got 1\.5"),
        (0.99, r"needs more validation rows than the 3 of this model\. Give at most 0\.750"),
    ],
)
def test_levels_that_are_not_possible_are_refused(level, message):
    schema = calibrate(Schema(), np.zeros((3, 1)), np.arange(3.0))
    with pytest.raises(UserError, match=message):
        CalibratedModel.of(Model("net", "net", schema), level)


def test_a_model_without_scores_is_refused():
    with pytest.raises(UserError, match="saved without"):
        CalibratedModel.of(Model("net", "net", Schema()), 0.9)

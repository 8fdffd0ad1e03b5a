"""Fit of TabularMLPRegressor: as that of the classifier, on targets of mean 0 and variance 1."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import column_or_1d

from graduel.data.prepare.target_scale import TargetScale
from graduel.data.task import Regression
from graduel.estimators.parameters import NUMBER_CONSTRAINTS, check
from graduel.estimators.table import table_input
from graduel.estimators.table.table_fit import (
    FittedTable,
    TableRows,
    describe_training,
    fit_preparation,
    fitted_attributes,
    make_generator,
    read_rows,
    read_validation_rows,
    resolve_recipe,
    split_validation,
)
from graduel.estimators.table.table_training import NumberScorer, train_and_select
from graduel.train.build.network_builder import predicts_rates
from graduel.train.loop.training import Training

Array = NDArray[Any]


def fit(p: Any, X: Any, y: Any, sample_weight: Any, eval_set: Any) -> dict[str, Any]:
    """Fit a table; return the fitted attributes of the estimator `p`, which is not modified.

    Raises
    ------
    ValueError
        If a parameter or the data are invalid, or if the training diverges in its first epoch.
    """
    check(p, NUMBER_CONSTRAINTS)
    stand_in, raw, y, weight = read_rows(p, X, y, sample_weight, validate_numbers)
    categorical = table_input.resolve_columns(p.categorical_features, X, raw.columns)
    schema, set_aside, frame = table_input.infer_schema(raw, categorical)
    rng = make_generator(p.random_state)
    rows = TableRows(frame, y, weight)
    if eval_set is None:
        strata = Regression().strata(y)
        train_index, valid_index = split_validation(strata, p.validation_fraction, rng)
        train, valid = rows[train_index], rows[valid_index]
    else:
        cells, targets = read_validation_rows(
            stand_in, schema, raw.columns, eval_set, validate_numbers
        )
        train, valid = rows, TableRows(cells, targets)
    recipe = resolve_recipe(p, len(train.y), regression=True)
    preparation = fit_preparation(train, schema, recipe)
    scale = TargetScale.fit(train.y, is_rate=predicts_rates(recipe))
    training = Training(
        recipe,
        preparation.transform(train.frame),
        scale.encode(train.y),
        0,
        rng=rng,
        inputs=preparation,
        weight=train.weight,
    )
    best, epochs = train_and_select(
        p.verbose,
        training,
        preparation.transform(valid.frame),
        NumberScorer(p.metric, scale, valid.y, valid.weight),
    )
    fitted = FittedTable(
        tuple(raw.columns),
        replace(schema, target_scale=scale),
        set_aside,
        preparation,
        training.network,
        best.weights,
        np.empty(0),
        getattr(stand_in, "feature_names_in_", None),
    )
    attributes = fitted_attributes(fitted)
    del attributes["classes_"]
    return attributes | describe_training(recipe, best, epochs, len(valid.y) > 0)


def validate_numbers(y: Any) -> Array:
    """Return y as one finite number per row; raise `ValueError` if it is not."""
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    numbers: Array = np.asarray(column_or_1d(y, warn=True))
    if numbers.dtype.kind in "OUSM":
        try:
            numbers = numbers.astype(np.float64)
        except (TypeError, ValueError):
            raise ValueError(
                f"expected y with a number in each row; got {type(numbers[0]).__name__}. Use "
                "TabularMLPClassifier for labels"
            ) from None
    assert_all_finite(numbers, input_name="y")
    return numbers.astype(np.float64)

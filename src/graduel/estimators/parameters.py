"""Valid values of parameters; names of parts are validated when the parts are built."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import (
    Interval,
    Options,
    StrOptions,
    validate_parameter_constraints,
)

from graduel.train.recipes import NetRecipe

POSITIVE = Interval(Real, 0, None, closed="neither")
AT_LEAST_0 = Interval(Real, 0, None, closed="left")
AT_LEAST_1 = Interval(Integral, 1, None, closed="left")
SHARE = Interval(Real, 0, 1, closed="left")

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", AT_LEAST_1],
    "alpha": [AT_LEAST_0],
    "batch_size": [StrOptions({"auto"}), AT_LEAST_1],
    "learning_rate_init": [POSITIVE],
    "power_t": [AT_LEAST_0],
    "max_iter": [AT_LEAST_1],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [AT_LEAST_0],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [SHARE],
    "beta_1": [SHARE],
    "beta_2": [SHARE],
    "epsilon": [POSITIVE],
    "n_iter_no_change": [AT_LEAST_1, Options(Real, {np.inf})],
    "max_fun": [AT_LEAST_1],
    "layers": [list, tuple, None],
    "dropout": [SHARE, list, tuple],
    "weight_decay": [AT_LEAST_0, None],
    "clip_norm": [POSITIVE, None],
    "clip_value": [POSITIVE, None],
    "ema": [SHARE],
    "vat": [AT_LEAST_0],
    "scoring": [str, callable, None],
    "input_scale": [StrOptions({"auto"}), POSITIVE],
    "label_smoothing": [SHARE],
    "class_weight": [StrOptions({"balanced"}), dict, list, None],
}
"""Constraints of MLPClassifier and MLPRegressor, except for parameters that name parts."""

TABLE_CONSTRAINTS: dict[str, list[Any]] = {
    "recipe": [str, dict, NetRecipe, None],
    "metric": [StrOptions({"error", "log_loss", "balanced_accuracy"})],
    "categorical_features": [StrOptions({"auto"}), "array-like"],
    "class_weight": [StrOptions({"balanced"}), dict, None],
    "validation_fraction": [SHARE],
    "max_epochs": [AT_LEAST_1, None],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}
"""Constraints of TabularMLPClassifier."""
NUMBER_CONSTRAINTS = {
    name: one for name, one in TABLE_CONSTRAINTS.items() if name != "class_weight"
} | {"metric": [StrOptions({"rmse", "mae"})]}
"""Constraints of TabularMLPRegressor."""


def check(estimator: Any, constraints: dict[str, list[Any]] = CONSTRAINTS) -> None:
    """Raise `ValueError` if a parameter is invalid."""
    validate_parameter_constraints(
        constraints, estimator.get_params(deep=False), type(estimator).__name__
    )


def check_class_weight(class_weight: Any) -> None:
    """Raise `ValueError` unless class weights are finite numbers of at least 0."""
    if not isinstance(class_weight, dict):
        return
    for label, value in class_weight.items():
        if not (isinstance(value, int | float | np.number) and 0 <= value < np.inf):
            raise ValueError(
                f"class_weight must hold finite numbers of at least 0; got {value!r} for {label!r}"
            )


def set_parameters(estimator: Any, values: dict[str, Any]) -> None:
    """Store the arguments of a constructor unchanged, as scikit-learn requires."""
    for name, value in values.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)

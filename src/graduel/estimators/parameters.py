"""Which values the parameters may have; the names of parts are checked where they are made."""

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
    "scoring": [str, callable, None],
    "input_scale": [StrOptions({"auto"}), POSITIVE],
    "label_smoothing": [SHARE],
    "class_weight": [StrOptions({"balanced"}), dict, list, None],
}
"""Of both estimators; the other parameters name parts of the engine."""


def check(estimator: Any) -> None:
    """Refuse a parameter out of its range.

    Raises
    ------
    ValueError
        With the parameter's name, what it may be, and what it is.
    """
    validate_parameter_constraints(
        CONSTRAINTS, estimator.get_params(deep=False), type(estimator).__name__
    )


def keep(estimator: Any, given: dict[str, Any]) -> None:
    """Keep the arguments of a constructor as they are, as scikit-learn wants it."""
    for name, value in given.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)

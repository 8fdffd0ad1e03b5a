"""Validation rows, given by the user or split off, and the score of weights on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from inspect import signature
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.model_selection import train_test_split

from graduel.estimators import inputs
from graduel.estimators.fit.fit_history import Validation
from graduel.estimators.fit.fitted_network import FittedNetwork
from graduel.nn import Network, Weights

Array = NDArray[Any]


def make_user_validation(estimator: Any, fitted: FittedNetwork, X: Any, y: Any) -> Validation:
    """Return a function that scores weights on the user's validation rows."""
    if X is None or y is None:
        missing = "X_val" if X is None else "y_val"
        raise ValueError(f"X_val and y_val go together; {missing} is missing")
    stand_in = estimator._stand_in(fitted)
    X, _ = inputs.flatten_images(X, fitted.image)
    X, y = inputs.validate_features_and_target(
        stand_in, X, y, numeric=estimator._is_regressor, reset=False
    )
    estimator._check_validation_target(y, fitted.targets)
    return _make_validation(estimator, fitted, X, y, None)


def split_validation(
    estimator: Any,
    fitted: FittedNetwork,
    X: Any,
    y: Array,
    weight: Array | None,
    draws: np.random.RandomState,
) -> tuple[Array, Validation]:
    """Split off validation rows; return training row indices and a scoring function."""
    rows, validation = train_test_split(
        np.arange(X.shape[0]),
        random_state=draws,
        test_size=estimator.validation_fraction,
        stratify=estimator._split_strata(y, fitted.targets),
    )
    if len(validation) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            "dataset."
        )
    validation_weight = None if weight is None else weight[validation]
    return rows, _make_validation(
        estimator, fitted, X[validation], y[validation], validation_weight
    )


def _make_validation(
    estimator: Any, fitted: FittedNetwork, X: Any, y: Array, weight: Array | None
) -> Validation:
    targets = fitted.targets
    rows = inputs.make_rows(X, fitted.scale, fitted.network.dtype)
    encoded = targets.encode(y)
    factor, summand = targets.report(encoded, weight)
    scorer = resolve_scorer(estimator)
    options = {} if weight is None or not _accepts_weights(scorer) else {"sample_weight": weight}

    def validate(weights: Weights) -> tuple[float, float]:
        loss, outputs = evaluate(fitted.network, weights, rows, encoded, weight)
        loss = loss * factor + summand
        if estimator.scoring == "loss":
            return loss, -loss
        if not np.isfinite(outputs).all():
            return loss, float("nan")
        if scorer is None:
            with np.errstate(over="ignore"):  # the score of huge outputs is −∞
                return loss, estimator._score(y, outputs, targets, weight)
        current = replace(fitted, weights=weights, names=None)
        try:
            score = scorer(estimator._with_fitted(current), X, y, **options)
        except ValueError as error:
            raise ValueError(
                f"scoring={estimator.scoring!r} fails on the validation rows ({error}). Use "
                "another one, such as 'loss', or pass X_val and y_val"
            ) from error
        if not isinstance(score, Real):
            raise ValueError(f"scoring must return a number; got {score!r}")
        return loss, float(score)

    return validate


def resolve_scorer(estimator: Any) -> Callable[..., Any] | None:
    """Return the scorer of the parameter `scoring`; None for the loss and for ``score``."""
    if not isinstance(estimator.scoring, str):
        scorer: Callable[..., Any] | None = estimator.scoring
        return scorer
    if estimator.scoring == "loss":
        return None
    names = get_scorer_names()
    if estimator.scoring not in names:
        near = get_close_matches(estimator.scoring, names, n=1)
        hint = f". Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            "scoring must be 'loss', a scorer, or a name of sklearn.metrics.get_scorer_names(); "
            f"got {estimator.scoring!r}{hint}"
        )
    return get_scorer(estimator.scoring)


def _accepts_weights(scorer: Callable[..., Any] | None) -> bool:
    """Return whether a scorer accepts row weights."""
    if scorer is None:
        return False
    parameters = signature(getattr(scorer, "_score_func", scorer)).parameters
    return "sample_weight" in parameters


def evaluate(
    network: Network, weights: Weights, rows: Any, y: Array, weight: Array | None
) -> tuple[float, Array]:
    """Return the mean loss of the rows, and the network's outputs."""
    workspace = network.workspace(weights, gradient=False)
    outputs = np.empty((len(rows), *network.output_shape), network.dtype)
    size, loss, total = inputs.chunk_rows(rows), 0.0, 0.0
    with np.errstate(all="ignore"):  # an overflow gives a score of NaN
        for start in range(0, len(rows), size):
            part = slice(start, min(start + size, len(rows)))
            raw = network.forward(rows.block(part.start, part.stop), workspace)
            outputs[part] = raw
            part_weight = None if weight is None else weight[part]
            share = part.stop - part.start if part_weight is None else float(part_weight.sum())
            loss += (
                share
                * network.loss.value_and_gradient(raw, y[part], part_weight, workspace.loss)[0]
            )
            total += share
        return loss / total if total else 0.0, network.loss.link(outputs)

"""Validation rows: given or set aside, and how weights do on them."""

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
from graduel.estimators.fit.fit_loop import Validation
from graduel.estimators.fit.fitted_network import FittedNetwork
from graduel.nn import Network, Weights

Array = NDArray[Any]


def given_validation(p: Any, fitted: FittedNetwork, X: Any, y: Any) -> Validation:
    """Return a function that judges weights by the user's validation rows.

    Raises
    ------
    ValueError
        If one of X and y is missing, or they do not fit.
    """
    if X is None or y is None:
        missing = "X_val" if X is None else "y_val"
        raise ValueError(f"X_val and y_val go together; {missing} is missing")
    stand_in = p._stand_in(fitted)
    X, _ = inputs.flatten_images(X, fitted.image)
    X, y = inputs.validate_features_and_target(stand_in, X, y, numeric=p._numeric, reset=False)
    p._known(y, fitted.targets)
    return _judge(p, fitted, X, y, None)


def split_validation(
    p: Any,
    fitted: FittedNetwork,
    X: Any,
    y: Array,
    weight: Array | None,
    draws: np.random.RandomState,
) -> tuple[Array, Validation]:
    """Set a part of the rows aside; return the numbers of the others, and what judges weights.

    Raises
    ------
    ValueError
        If the part would be too small.
    """
    rows, aside = train_test_split(
        np.arange(X.shape[0]),
        random_state=draws,
        test_size=p.validation_fraction,
        stratify=p._strata(y, fitted.targets),
    )
    if len(aside) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            "dataset."
        )
    watched = None if weight is None else weight[aside]
    return rows, _judge(p, fitted, X[aside], y[aside], watched)


def _judge(p: Any, fitted: FittedNetwork, X: Any, y: Array, weight: Array | None) -> Validation:
    targets = fitted.targets
    rows = inputs.make_rows(X, fitted.scale, fitted.network.dtype)
    encoded = targets.encode(y)
    factor, summand = targets.report(encoded, weight)
    scorer = resolve_scorer(p)
    options = {} if weight is None or not _weighs(scorer) else {"sample_weight": weight}

    def judge(weights: Weights) -> tuple[float, float]:
        loss, answers = evaluate(fitted.network, weights, rows, encoded, weight)
        loss = loss * factor + summand
        if p.scoring == "loss":
            return loss, -loss
        if not np.isfinite(answers).all():
            return loss, float("nan")
        if scorer is None:
            with np.errstate(over="ignore"):  # of huge answers the score is −∞
                return loss, p._score(y, answers, targets, weight)
        now = replace(fitted, weights=weights, names=None)
        try:
            score = scorer(p._answering(now), X, y, **options)
        except ValueError as error:
            raise ValueError(
                f"scoring={p.scoring!r} cannot judge the validation rows ({error}). Take another, "
                "such as 'loss', or pass X_val and y_val"
            ) from error
        if not isinstance(score, Real):
            raise ValueError(f"scoring must give a number; got {score!r}")
        return loss, float(score)

    return judge


def resolve_scorer(p: Any) -> Callable[..., Any] | None:
    """Return the scorer that `scoring` asks for; None for the loss and for ``score``.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if not isinstance(p.scoring, str):
        scorer: Callable[..., Any] | None = p.scoring
        return scorer
    if p.scoring == "loss":
        return None
    names = get_scorer_names()
    if p.scoring not in names:
        near = get_close_matches(p.scoring, names, n=1)
        hint = f". Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            "scoring must be 'loss', a scorer, or a name of sklearn.metrics.get_scorer_names(); "
            f"got {p.scoring!r}{hint}"
        )
    return get_scorer(p.scoring)


def _weighs(scorer: Callable[..., Any] | None) -> bool:
    """Tell whether a scorer takes row weights: not every metric has them."""
    if scorer is None:
        return False
    takes = signature(getattr(scorer, "_score_func", scorer)).parameters
    return "sample_weight" in takes


def evaluate(
    network: Network, weights: Weights, rows: Any, y: Array, weight: Array | None
) -> tuple[float, Array]:
    """Return the mean loss of some rows, and the network's answers to them."""
    workspace = network.workspace(weights, gradient=False)
    answers = np.empty((len(rows), *network.output_shape), network.dtype)
    size, loss, total = inputs.chunk_rows(rows), 0.0, 0.0
    with np.errstate(all="ignore"):  # what overflows makes a score that is no number
        for start in range(0, len(rows), size):
            part = slice(start, min(start + size, len(rows)))
            raw = network.forward(rows.block(part.start, part.stop), workspace)
            answers[part] = raw
            some = None if weight is None else weight[part]
            share = part.stop - part.start if some is None else float(some.sum())
            loss += share * network.loss.value_and_gradient(raw, y[part], some, workspace.loss)[0]
            total += share
        return loss / total if total else 0.0, network.loss.link(answers)

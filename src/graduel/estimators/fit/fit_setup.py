"""A fit under way: from parameters, X and y to a course of training, and to fitted attributes."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from graduel.estimators import inputs
from graduel.estimators.fit import part_builder
from graduel.estimators.fit import validation as watch
from graduel.estimators.fit.fit_loop import FitHistory, FitLoop, FitSettings, Validation
from graduel.estimators.fit.fitted_network import FittedNetwork
from graduel.estimators.parameters import check
from graduel.estimators.targets import Targets, out_activation
from graduel.nn import Network, Weights
from graduel.optim import Minimizer
from graduel.train import WeightAverage

Array = NDArray[Any]


@dataclass(slots=True)
class PartialFitState:
    """What ``partial_fit`` goes on from, beside the weights."""

    rng: np.random.Generator
    optimizer: Any = None
    lr: float | None = None
    raw: Weights | None = None
    """The weights in training, where those that answer are their average."""
    average: WeightAverage | None = None
    epochs: int = 0
    """Epochs done, for schedules."""


@dataclass(slots=True)
class FitSetup:
    """A fit under way."""

    course: FitLoop
    history: FitHistory
    memory: PartialFitState
    fitted: FittedNetwork
    """With the weights in training."""
    watched: bool
    """Are there validation rows?"""
    epochs: int
    """The most epochs that there will be."""
    done: int
    """Epochs of earlier fits that this one goes on from."""

    def attributes(self, estimator: Any, weights: Weights) -> dict[str, Any]:
        """Return all fitted attributes of an estimator, as they are with these weights."""
        course, history, memory = self.course, self.history, self.memory
        memory.optimizer, memory.lr, memory.average = course.memory, course.lr, course.average
        memory.raw = course.weights if course.average is not None else None
        memory.epochs = self.done + course.epochs
        return {
            **fitted_attributes(estimator, replace(self.fitted, weights=weights)),
            "_history": history,
            "_kept": memory,
            "_no_improvement_count": history.stalled,
            "n_iter_": course.epochs,
            "t_": history.seen,
            "loss_": history.losses[-1],
            "loss_curve_": history.losses,
            "best_loss_": None if course.plan.early_stopping else history.best_loss,
            "validation_loss_curve_": history.validation_losses if self.watched else None,
            "validation_scores_": history.scores if self.watched else None,
            "best_validation_score_": best_score(history.scores) if self.watched else None,
            "learning_rate_": course.rate(),
        }


def fitted_attributes(estimator: Any, fitted: FittedNetwork) -> dict[str, Any]:
    """Return the fitted attributes that follow from what answers."""
    names = {} if fitted.names is None else {"feature_names_in_": fitted.names}
    return {
        "_fitted": fitted,
        "n_features_in_": fitted.n_features,
        **names,
        **estimator._own(fitted.targets),
        "n_outputs_": fitted.targets.n_outputs,
        "n_layers_": len(fitted.arrays("W")) + 1,
        "out_activation_": out_activation(fitted.network.loss),
    }


def best_score(scores: list[float]) -> float:
    """Return the highest score; NaN if none is a number."""
    return max((score for score in scores if not math.isnan(score)), default=math.nan)


def prepare_fit(
    p: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    X_val: Any = None,
    y_val: Any = None,
    *,
    incremental: bool = False,
    classes: Any = None,
) -> FitSetup:
    """Check everything, and make ready to train.

    Parameters
    ----------
    p : the estimator, for its parameters and what was fitted before; it is not changed
    X, y, sample_weight, X_val, y_val, classes : as its methods take them
    incremental : train for one epoch, going on from the last

    Raises
    ------
    ValueError
        If a parameter or the data do not fit.
    """
    check(p)
    watch.resolve_scorer(p)
    old = p._fitted if p.__sklearn_is_fitted__() and (p.warm_start or incremental) else None
    stand_in = p._stand_in(old)
    X, image = inputs.flatten_images(X, None if old is None else old.image)
    X, y = inputs.validate_features_and_target(
        stand_in, X, y, numeric=p._numeric, reset=old is None
    )
    targets = p._targets(y, old, incremental, classes)
    weight = p._weights(sample_weight, X, y)
    draws = check_random_state(p.random_state)
    memory = _memory(p, draws, go_on=incremental and old is not None)
    names = getattr(stand_in, "feature_names_in_", None)
    fitted = _network(p, X, targets, image, names, old, draws, memory)
    plan = _plan(p, fitted.network, incremental)
    validation: Validation | None = None
    if X_val is not None or y_val is not None:
        validation = watch.given_validation(p, fitted, X_val, y_val)
    elif plan.early_stopping and not isinstance(plan.rule, Minimizer):
        rows, validation = watch.split_validation(p, fitted, X, y, weight, draws)
        X, y, weight = X[rows], y[rows], None if weight is None else weight[rows]
    else:
        plan.early_stopping = False
    n = X.shape[0]
    plan.batch_size = _batch_size(p, n)
    if incremental:
        plan.schedule = _part_of(plan.schedule, memory.epochs, int(p.max_iter))
    encoded = targets.encode(y)
    history = _history(p, old, incremental)
    course = FitLoop(
        plan,
        fitted.network,
        fitted.weights,
        inputs.make_rows(X, fitted.scale, fitted.network.dtype),
        encoded,
        weight,
        history=history,
        rng=memory.rng,
        order=_order(n, draws, p.shuffle),
        validation=validation,
        report=targets.report(encoded, weight),
        memory=memory.optimizer,
        average=memory.average if plan.ema else None,
        lr=memory.lr,
    )
    return FitSetup(
        course, history, memory, fitted, validation is not None, plan.epochs, memory.epochs
    )


def _memory(p: Any, draws: np.random.RandomState, *, go_on: bool) -> PartialFitState:
    kept: PartialFitState | None = p.__dict__.get("_kept")
    if go_on and kept is not None:
        return kept
    # Dropout and the like draw from a stream of their own, so that the draws that scikit-learn
    # makes too stay the same.
    aside = copy.deepcopy(draws)
    return PartialFitState(np.random.default_rng(aside.randint(0, 2**32, 4, dtype=np.uint32)))


def _network(
    p: Any,
    X: Any,
    targets: Targets,
    image: inputs.Image | None,
    names: Array | None,
    old: FittedNetwork | None,
    draws: np.random.RandomState,
    memory: PartialFitState,
) -> FittedNetwork:
    """Return the network, with the weights to begin with."""
    n_in, n_out, loss = X.shape[1], targets.n_outputs, targets.loss
    if old is None:
        scale, dtype = inputs.resolve_scale(X, p.input_scale), inputs.dtype_of(X)
        network = part_builder.build_network(p, n_in, n_out, loss, dtype, image)
        weights = part_builder.init_weights(p, network, draws, memory.rng)
        return FittedNetwork(network, weights, targets, scale, names, image)
    network = part_builder.build_network(p, n_in, n_out, loss, old.network.dtype, old.image)
    if (network.layout, network.state_layout) != (old.network.layout, old.network.state_layout):
        raise ValueError(
            "a warm start needs the network that was fitted before; its layers have changed. "
            "Set warm_start=False, or the layers as they were"
        )
    weights = memory.raw if memory.raw is not None else old.weights.copy()
    return FittedNetwork(network, weights, targets, old.scale, old.names, old.image)


def _plan(p: Any, network: Network, incremental: bool) -> FitSettings:
    """Make objects of the parameters of training."""
    rule = part_builder.build_solver(p)
    if isinstance(rule, Minimizer):
        part_builder.check_minimizer(p, network)
    if p.early_stopping and incremental:
        raise ValueError("partial_fit does not support early_stopping=True")
    return FitSettings(
        rule=rule,
        lr=float(p.learning_rate_init),
        schedule=part_builder.build_schedule(p),
        by_rule=part_builder.sklearn_rule(p),
        power_t=float(p.power_t),
        epochs=1 if incremental else int(p.max_iter),
        batch_size=0,
        penalty=float(p.alpha),
        most_evaluations=int(p.max_fun),
        tol=float(p.tol),
        patience=float(p.n_iter_no_change),
        early_stopping=bool(p.early_stopping),
        ema=float(p.ema),
    )


def _batch_size(p: Any, n: int) -> int:
    if isinstance(p.batch_size, str):
        return min(200, n)
    if p.batch_size > n:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=4,
        )
    return min(int(p.batch_size), n)


def _part_of(whole: Callable[[float], float], done: int, epochs: int) -> Callable[[float], float]:
    """Return one epoch's part of a schedule; beyond its end it stays there."""
    return lambda t: whole(min(1.0, (done + t) / epochs))


def _history(p: Any, old: FittedNetwork | None, incremental: bool) -> FitHistory:
    kept: FitHistory | None = p.__dict__.get("_history")
    if old is None or kept is None:
        return FitHistory()
    if incremental:
        return kept
    return replace(
        kept,
        losses=list(kept.losses),
        validation_losses=list(kept.validation_losses),
        scores=list(kept.scores),
    )


def _order(n: int, draws: np.random.RandomState, shuffle: bool) -> Callable[[], Array]:
    """Return what returns the order of the next epoch's rows; scikit-learn's, draw for draw."""
    order = np.arange(n)

    def following() -> Array:
        nonlocal order
        if shuffle:
            order = order[draws.permutation(n)]
        return order

    return following

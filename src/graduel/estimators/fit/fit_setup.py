"""Preparation of a fit: parameters, X and y → training loop → fitted attributes."""

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
from graduel.estimators.fit import part_builder, solver_builder
from graduel.estimators.fit import validation as validation_rows
from graduel.estimators.fit.fit_history import FitHistory, FitSettings, Validation
from graduel.estimators.fit.fit_loop import FitLoop
from graduel.estimators.fit.fitted_network import FittedNetwork
from graduel.estimators.parameters import check
from graduel.estimators.targets import Targets, out_activation
from graduel.nn import Network, Weights
from graduel.optim import Minimizer
from graduel.train import WeightAverage

Array = NDArray[Any]


@dataclass(slots=True)
class ResumeState:
    """The state from which ``partial_fit`` resumes, in addition to the weights."""

    rng: np.random.Generator
    optimizer: Any = None
    lr: float | None = None
    raw: Weights | None = None
    """The weights in training, if predictions use their EMA."""
    average: WeightAverage | None = None
    epochs: int = 0
    """The number of completed epochs, for schedules."""


@dataclass(slots=True)
class FitSetup:
    """A prepared fit."""

    loop: FitLoop
    history: FitHistory
    resume_state: ResumeState
    fitted: FittedNetwork
    """The network, with the weights in training."""
    has_validation: bool
    """Whether there are validation rows."""
    epochs: int
    """The maximum number of epochs."""
    epochs_before: int
    """The number of epochs of earlier fits that this one continues."""

    def attributes(self, estimator: Any, weights: Weights) -> dict[str, Any]:
        """Return all fitted attributes of an estimator for these weights."""
        loop, history, resume_state = self.loop, self.history, self.resume_state
        resume_state.optimizer, resume_state.lr, resume_state.average = (
            loop.optimizer_state,
            loop.lr,
            loop.average,
        )
        resume_state.raw = loop.weights if loop.average is not None else None
        resume_state.epochs = self.epochs_before + loop.epochs
        return {
            **fitted_attributes(estimator, replace(self.fitted, weights=weights)),
            "_history": history,
            "_resume_state": resume_state,
            "_no_improvement_count": history.stalled,
            "n_iter_": loop.epochs,
            "t_": history.seen,
            "loss_": history.losses[-1],
            "loss_curve_": history.losses,
            "best_loss_": None if loop.settings.early_stopping else history.best_loss,
            "validation_loss_curve_": history.validation_losses if self.has_validation else None,
            "validation_scores_": history.scores if self.has_validation else None,
            "best_validation_score_": best_score(history.scores) if self.has_validation else None,
            "learning_rate_": loop.learning_rate(),
        }


def fitted_attributes(estimator: Any, fitted: FittedNetwork) -> dict[str, Any]:
    """Return the fitted attributes that follow from the fitted network."""
    return {
        "_fitted": fitted,
        **inputs.feature_attributes(fitted),
        **estimator._target_attributes(fitted.targets),
        "n_outputs_": fitted.targets.n_outputs,
        "n_layers_": len(fitted.arrays("W")) + 1,
        "out_activation_": out_activation(fitted.network.loss),
    }


def best_score(scores: list[float]) -> float:
    """Return the highest score; NaN if all are NaN."""
    return max((score for score in scores if not math.isnan(score)), default=math.nan)


def prepare_fit(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    X_val: Any = None,
    y_val: Any = None,
    *,
    incremental: bool = False,
    classes: Any = None,
) -> FitSetup:
    """Validate parameters and data, and prepare training.

    Parameters
    ----------
    estimator : the estimator, with its parameters and last fit; it is not modified
    X, y, sample_weight, X_val, y_val, classes : as in its methods
    incremental : train for one epoch, continuing the last fit
    """
    check(estimator)
    validation_rows.resolve_scorer(estimator)
    previous = (
        estimator._fitted
        if estimator.__sklearn_is_fitted__() and (estimator.warm_start or incremental)
        else None
    )
    stand_in = estimator._stand_in(previous)
    X, image = inputs.flatten_images(X, None if previous is None else previous.image)
    X, y = inputs.validate_features_and_target(
        stand_in, X, y, numeric=estimator._is_regressor, reset=previous is None
    )
    targets = estimator._build_targets(y, previous, incremental, classes)
    weight = estimator._row_weights(sample_weight, X, y)
    draws = check_random_state(estimator.random_state)
    resume_state = _load_resume_state(estimator, draws, resume=incremental and previous is not None)
    names = getattr(stand_in, "feature_names_in_", None)
    fitted = _build_fitted_network(
        estimator, X, targets, image, names, previous, draws, resume_state
    )
    settings = _build_settings(estimator, fitted.network, incremental)
    validation: Validation | None = None
    if X_val is not None or y_val is not None:
        validation = validation_rows.make_user_validation(estimator, fitted, X_val, y_val)
    elif settings.early_stopping and not isinstance(settings.rule, Minimizer):
        rows, validation = validation_rows.split_validation(estimator, fitted, X, y, weight, draws)
        X, y, weight = X[rows], y[rows], None if weight is None else weight[rows]
    else:
        settings.early_stopping = False
    n = X.shape[0]
    settings.batch_size = _resolve_batch_size(estimator, n)
    if incremental:
        settings.schedule = _slice_schedule(
            settings.schedule, resume_state.epochs, int(estimator.max_iter)
        )
    encoded = targets.encode(y)
    history = _start_history(estimator, previous, incremental)
    loop = FitLoop(
        settings,
        fitted.network,
        fitted.weights,
        inputs.make_rows(X, fitted.scale, fitted.network.dtype),
        encoded,
        weight,
        history=history,
        rng=resume_state.rng,
        order=_make_row_order(n, draws, estimator.shuffle),
        validation=validation,
        report=targets.report(encoded, weight),
        optimizer_state=resume_state.optimizer,
        average=resume_state.average if settings.ema else None,
        lr=resume_state.lr,
    )
    return FitSetup(
        loop,
        history,
        resume_state,
        fitted,
        validation is not None,
        settings.epochs,
        resume_state.epochs,
    )


def _load_resume_state(
    estimator: Any, draws: np.random.RandomState, *, resume: bool
) -> ResumeState:
    saved: ResumeState | None = estimator.__dict__.get("_resume_state")
    if resume and saved is not None:
        return saved
    # Dropout and the like have their own generator, so that all other draws are the same as in
    # scikit-learn.
    copied_draws = copy.deepcopy(draws)
    return ResumeState(np.random.default_rng(copied_draws.randint(0, 2**32, 4, dtype=np.uint32)))


def _build_fitted_network(
    estimator: Any,
    X: Any,
    targets: Targets,
    image: inputs.Image | None,
    names: Array | None,
    previous: FittedNetwork | None,
    draws: np.random.RandomState,
    resume_state: ResumeState,
) -> FittedNetwork:
    """Return the network with its initial weights."""
    n_in, n_out, loss = X.shape[1], targets.n_outputs, targets.loss
    if previous is None:
        scale, dtype = inputs.resolve_scale(X, estimator.input_scale), inputs.dtype_of(X)
        network = part_builder.build_network(estimator, n_in, n_out, loss, dtype, image)
        weights = part_builder.init_weights(estimator, network, draws, resume_state.rng)
        return FittedNetwork(network, weights, targets, scale, names, image)
    network = part_builder.build_network(
        estimator, n_in, n_out, loss, previous.network.dtype, previous.image
    )
    if (network.layout, network.state_layout) != (
        previous.network.layout,
        previous.network.state_layout,
    ):
        raise ValueError(
            "a warm start requires the same layers as the previous fit; they have changed. "
            "Set warm_start=False, or restore the layers"
        )
    weights = resume_state.raw if resume_state.raw is not None else previous.weights.copy()
    return FittedNetwork(network, weights, targets, previous.scale, previous.names, previous.image)


def _build_settings(estimator: Any, network: Network, incremental: bool) -> FitSettings:
    """Return the :class:`FitSettings` of an estimator, with names replaced by objects."""
    rule = solver_builder.build_solver(estimator)
    if isinstance(rule, Minimizer):
        solver_builder.check_minimizer(estimator, network)
    if estimator.early_stopping and incremental:
        raise ValueError("partial_fit does not support early_stopping=True")
    return FitSettings(
        rule=rule,
        lr=float(estimator.learning_rate_init),
        schedule=solver_builder.build_schedule(estimator),
        sklearn_rule=solver_builder.resolve_sklearn_rule(estimator),
        power_t=float(estimator.power_t),
        epochs=1 if incremental else int(estimator.max_iter),
        batch_size=0,
        penalty=float(estimator.alpha),
        max_evaluations=int(estimator.max_fun),
        tol=float(estimator.tol),
        patience=float(estimator.n_iter_no_change),
        early_stopping=bool(estimator.early_stopping),
        ema=float(estimator.ema),
        smoothness=solver_builder.build_smoothness(estimator, network),
    )


def _resolve_batch_size(estimator: Any, n: int) -> int:
    if isinstance(estimator.batch_size, str):
        return min(200, n)
    if estimator.batch_size > n:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=4,
        )
    return min(int(estimator.batch_size), n)


def _slice_schedule(
    schedule: Callable[[float], float], epochs_before: int, epochs: int
) -> Callable[[float], float]:
    """Return the part of a schedule for one epoch; it is constant beyond the end."""
    return lambda t: schedule(min(1.0, (epochs_before + t) / epochs))


def _start_history(estimator: Any, previous: FittedNetwork | None, incremental: bool) -> FitHistory:
    saved: FitHistory | None = estimator.__dict__.get("_history")
    if previous is None or saved is None:
        return FitHistory()
    if incremental:
        return saved
    return replace(
        saved,
        losses=list(saved.losses),
        validation_losses=list(saved.validation_losses),
        scores=list(saved.scores),
    )


def _make_row_order(n: int, draws: np.random.RandomState, shuffle: bool) -> Callable[[], Array]:
    """Return a function for the row order of the next epoch, with the draws of scikit-learn."""
    order = np.arange(n)

    def next_order() -> Array:
        nonlocal order
        if shuffle:
            order = order[draws.permutation(n)]
        return order

    return next_order

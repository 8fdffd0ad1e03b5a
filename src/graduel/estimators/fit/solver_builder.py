"""Build the optimizer and the learning-rate schedule from an estimator's parameters."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

from graduel.estimators.fit.part_builder import SKLEARN_RULES, resolve_part
from graduel.nn import Network
from graduel.optim import (
    LBFGS,
    SGD,
    Adam,
    ClipNorm,
    ClipValue,
    Constant,
    Minimizer,
    Optimizer,
)
from graduel.train.build.optimizer_builder import WITH_MOMENTUM
from graduel.train.loop.full_batch import reject_random_layers
from graduel.train.loop.virtual_adversarial import VirtualAdversarial, can_smooth


def build_solver(estimator: Any) -> Optimizer | Minimizer:
    """Build the update rule or the minimizer."""
    decay = (
        {} if estimator.weight_decay is None else {"weight_decay": float(estimator.weight_decay)}
    )
    rule: Any
    if not isinstance(estimator.solver, str):
        if decay:
            raise ValueError(
                "weight_decay requires solver to be a name; for an object, set its own "
                f"weight_decay; got {estimator.solver!r}"
            )
        minimizer = isinstance(estimator.solver, Minimizer) and not isinstance(
            estimator.solver, type
        )
        rule = estimator.solver if minimizer else resolve_part("solver", estimator.solver)
    elif estimator.solver == "sgd":
        nesterov = bool(estimator.nesterovs_momentum and estimator.momentum)
        rule = SGD(momentum=estimator.momentum, nesterov=nesterov, **decay)
    elif estimator.solver == "adam":
        rule = Adam(estimator.beta_1, estimator.beta_2, estimator.epsilon, hat=False, **decay)
    elif estimator.solver == "lbfgs":
        rule = LBFGS(tolerance=estimator.tol)
    else:
        with_momentum = estimator.solver.partition("(")[0].strip() in WITH_MOMENTUM
        rule = resolve_part(
            "solver",
            estimator.solver,
            **decay,
            **{"momentum": estimator.momentum} if with_momentum else {},
        )
    if isinstance(rule, Minimizer):
        for name in ("weight_decay", "clip_norm", "clip_value", "ema", "vat"):
            if getattr(estimator, name, None):
                raise ValueError(
                    f"solver={estimator.solver!r} does not support {name}; leave it out"
                )
        return rule
    if estimator.clip_value is not None:
        rule = ClipValue(rule, estimator.clip_value)
    return rule if estimator.clip_norm is None else ClipNorm(rule, estimator.clip_norm)


def build_smoothness(estimator: Any, network: Network) -> VirtualAdversarial | None:
    """Build the penalty on changes of predictions near the rows, if ``vat`` asks for one."""
    radius = getattr(estimator, "vat", 0.0)
    if not radius:
        return None
    if not can_smooth(network.loss):
        raise ValueError(
            f"vat expects loss='log_loss', which has class probabilities; got {estimator.loss!r}. "
            "Set vat=0"
        )
    return VirtualAdversarial(float(radius))


def build_schedule(estimator: Any) -> Callable[[float], float]:
    """Build the schedule over all epochs; for scikit-learn's rules it is constant."""
    if is_sklearn_rule(estimator.learning_rate):
        return Constant()
    schedule: Callable[[float], float] = resolve_part("learning_rate", estimator.learning_rate)
    first_rate: Any = schedule(0.0)
    if not isinstance(first_rate, Real):
        raise ValueError(
            "learning_rate must be a function that maps the progress t, from 0 to 1, to a number; "
            f"got {first_rate!r} for t=0"
        )
    return schedule


def is_sklearn_rule(learning_rate: Any) -> bool:
    """Return whether `learning_rate` is one of scikit-learn's rules, not a schedule."""
    return isinstance(learning_rate, str) and learning_rate in SKLEARN_RULES


def resolve_sklearn_rule(estimator: Any) -> str:
    """Return the scikit-learn rule that changes the learning rate, or 'constant'.

    As in scikit-learn, 'adam' ignores the rule.
    """
    adam = isinstance(estimator.solver, str) and estimator.solver == "adam"
    return (
        estimator.learning_rate
        if is_sklearn_rule(estimator.learning_rate) and not adam
        else "constant"
    )


def check_minimizer(estimator: Any, network: Network) -> None:
    """Raise `ValueError` if a minimizer cannot train a layer of the network."""
    try:
        reject_random_layers(network)
    except ValueError as error:
        raise ValueError(f"solver={estimator.solver!r}: {error}") from None


def is_minimizer(solver: Any) -> bool:
    """Return whether a solver is a full-batch minimizer."""
    return isinstance(solver, Minimizer) or (
        isinstance(solver, str) and solver.partition("(")[0].strip() == "lbfgs"
    )


def can_partial_fit(estimator: Any) -> bool:
    """Return True, or raise `AttributeError`, which hides ``partial_fit``."""
    if is_minimizer(estimator.solver):
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not "
            "stochastic."
        )
    return True

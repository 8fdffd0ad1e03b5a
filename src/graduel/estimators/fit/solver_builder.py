"""Build the update rule and the schedule from an estimator's parameters."""

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


def build_solver(estimator: Any) -> Optimizer | Minimizer:
    """Build the update rule, or the minimizer."""
    decay = (
        {} if estimator.weight_decay is None else {"weight_decay": float(estimator.weight_decay)}
    )
    rule: Any
    if not isinstance(estimator.solver, str):
        if decay:
            raise ValueError(
                "weight_decay goes with the name of a solver; set it on the object, "
                f"{estimator.solver!r}"
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
        for name in ("weight_decay", "clip_norm", "clip_value", "ema"):
            if getattr(estimator, name):
                raise ValueError(f"solver={estimator.solver!r} goes without {name}; leave it out")
        return rule
    if estimator.clip_value is not None:
        rule = ClipValue(rule, estimator.clip_value)
    return rule if estimator.clip_norm is None else ClipNorm(rule, estimator.clip_norm)


def build_schedule(estimator: Any) -> Callable[[float], float]:
    """Build the schedule over the whole training; scikit-learn's rules are constant here."""
    if is_sklearn_rule(estimator.learning_rate):
        return Constant()
    schedule: Callable[[float], float] = resolve_part("learning_rate", estimator.learning_rate)
    first_rate: Any = schedule(0.0)
    if not isinstance(first_rate, Real):
        raise ValueError(
            "learning_rate must be a function from the progress t, from 0 to 1, to a number; it "
            f"gives {first_rate!r}"
        )
    return schedule


def is_sklearn_rule(learning_rate: Any) -> bool:
    """Return whether the rate follows one of scikit-learn's rules, and not a schedule."""
    return isinstance(learning_rate, str) and learning_rate in SKLEARN_RULES


def resolve_sklearn_rule(estimator: Any) -> str:
    """Return which of scikit-learn's rules moves the rate from epoch to epoch, if one does.

    As in scikit-learn, 'adam' keeps its rate whatever the rule.
    """
    adam = isinstance(estimator.solver, str) and estimator.solver == "adam"
    return (
        estimator.learning_rate
        if is_sklearn_rule(estimator.learning_rate) and not adam
        else "constant"
    )


def check_minimizer(estimator: Any, network: Network) -> None:
    """Raise ValueError with the name of a layer that a minimizer cannot train, if there is one."""
    try:
        reject_random_layers(network)
    except ValueError as error:
        raise ValueError(f"solver={estimator.solver!r}: {error}") from None


def is_minimizer(solver: Any) -> bool:
    """Return whether a solver is a minimizer, which sees all rows at once."""
    return isinstance(solver, Minimizer) or (
        isinstance(solver, str) and solver.partition("(")[0].strip() == "lbfgs"
    )


def can_partial_fit(estimator: Any) -> bool:
    """Return True, or raise AttributeError, so that ``partial_fit`` is not there."""
    if is_minimizer(estimator.solver):
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not "
            "stochastic."
        )
    return True

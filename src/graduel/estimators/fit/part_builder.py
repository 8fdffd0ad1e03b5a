"""From an estimator's parameters to network, first weights, update rule and schedule."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.errors import UserError, unknown
from graduel.estimators.inputs import Image
from graduel.nn import Dense, Dropout, Layer, Loss, Network, Weights
from graduel.nn.initializers import GlorotUniform, Initializer
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
from graduel.train.build import part_registry
from graduel.train.build.layer_text import LayerText, build_layers, parse_layer
from graduel.train.build.optimizer_builder import WITH_MOMENTUM
from graduel.train.loop.full_batch import reject_random_layers

Array = NDArray[Any]

RATES = ("constant", "invscaling", "adaptive")
"""scikit-learn's rules for the learning rate, which go by epochs done and not by progress."""
ALIASES = {
    "activation": {"logistic": "sigmoid"},
    "loss": {"squared_error": "squared", "absolute_error": "absolute"},
}
"""scikit-learn's names of parts."""
KINDS = {"solver": "optimizer", "learning_rate": "schedule"}
"""Parameters that are called otherwise among the parts."""
NAMES = {
    "activation": ("logistic",),
    "init": ("auto",),
    "learning_rate": RATES,
    "loss": ("log_loss", "squared_error", "absolute_error"),
}
"""Names beside those of the parts."""
LAYER = ("plan", "forward", "backward"), "graduel.nn.LayerNorm()"
OBJECTS = {
    "activation": LAYER,
    "norm": LAYER,
    "init": (("__call__",), "graduel.nn.HeNormal()"),
    "loss": (("value_and_gradient", "link"), "graduel.nn.Huber()"),
    "solver": (("init", "update"), "graduel.optim.Lion()"),
    "learning_rate": (("__call__",), "graduel.optim.Cosine()"),
}
"""What an object must have in place of a name, and an example."""


def resolve_part(parameter: str, value: Any, **given: Any) -> Any:
    """Return the part that a parameter names; an object is returned as it is.

    Raises
    ------
    ValueError
        If the name does not exist, its parameters do not fit, or the object is of another kind.
    """
    kind = KINDS.get(parameter, parameter)
    if not isinstance(value, str):
        needs, example = OBJECTS[parameter]
        if isinstance(value, type) or not all(hasattr(value, need) for need in needs):
            raise ValueError(
                f"{parameter} must be a name, or an object such as {example}; got {value!r}"
            )
        return value
    value = ALIASES.get(kind, {}).get(value, value)
    name = value.partition("(")[0].strip()
    if name not in part_registry.KINDS[kind]:
        raise unknown(parameter, name, (*NAMES.get(parameter, ()), *part_registry.KINDS[kind]))
    try:
        return part_registry.make(kind, value, **given)
    except UserError as error:
        raise ValueError(str(error).replace(kind, parameter)) from None


def hidden_sizes(hidden_layer_sizes: Any) -> list[int]:
    """Return the sizes of the hidden layers as a list."""
    found = np.atleast_1d(np.asarray(hidden_layer_sizes)).tolist()
    if not all(isinstance(size, Integral) and not isinstance(size, bool) for size in found):
        raise ValueError(f"hidden_layer_sizes must be whole numbers, got {hidden_layer_sizes!r}.")
    if any(size <= 0 for size in found):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {found}.")
    return found


def hidden_layers(p: Any) -> list[LayerText | Layer]:
    """Return the hidden layers that `layers` or `hidden_layer_sizes` ask for."""
    if p.layers is None:
        return [LayerText("dense", size) for size in hidden_sizes(p.hidden_layer_sizes)]
    found: list[LayerText | Layer] = []
    for layer in p.layers:
        if isinstance(layer, str) or type(layer) is int or isinstance(layer, np.integer):
            found.append(parse_layer(str(layer)))
        elif not isinstance(layer, type) and all(hasattr(layer, need) for need in LAYER[0]):
            found.append(layer)
        else:
            raise ValueError(
                "layers must hold sizes such as 128, texts such as 'conv32' or 'maxpool', and "
                f"layers such as graduel.nn.Dense(128); got {layer!r}"
            )
    return found


def broadcast_parameter(parameter: str, value: Any, count: int) -> list[Any]:
    """Return a value for each of `count` layers: one for all, or a list of equal length."""
    if not isinstance(value, list | tuple | np.ndarray):
        return [value] * count
    if len(value) != count:
        raise ValueError(
            f"{parameter} must be one for all layers, or a list of {count}, one for each hidden "
            f"layer; got {len(value)}"
        )
    return list(value)


def build_network(
    p: Any, n_in: int, n_out: int, loss: Loss, dtype: str, image: Image | None
) -> Network:
    """Make the network: the hidden layers, and a dense one for the answers.

    Raises
    ------
    ValueError
        If a name does not exist, or a layer does not fit its input.
    """
    wanted = hidden_layers(p)
    count = sum(isinstance(layer, LayerText) and layer.trained for layer in wanted)
    after = []
    for activation, norm, rate in zip(
        broadcast_parameter("activation", p.activation, count),
        broadcast_parameter("norm", p.norm, count),
        broadcast_parameter("dropout", p.dropout, count),
        strict=True,
    ):
        if not (isinstance(rate, int | float | np.floating) and 0 <= rate < 1):
            raise ValueError(f"dropout must be at least 0 and below 1; got {rate!r}")
        after.append(
            (
                *(() if norm is None else (resolve_part("norm", norm),)),
                resolve_part("activation", activation),
                *((Dropout(float(rate)),) if rate else ()),
            )
        )
    init: Initializer = GlorotUniform() if uses_sklearn_init(p) else resolve_part("init", p.init)
    hidden = build_layers(wanted, n_in, image, init=init, after=after)
    return Network((*hidden, Dense(n_out, init)), (n_in,), loss, dtype)


def uses_sklearn_init(p: Any) -> bool:
    """Tell whether weights begin as scikit-learn's do."""
    return isinstance(p.init, str) and p.init == "auto"


def init_weights(
    p: Any, network: Network, draws: np.random.RandomState, rng: np.random.Generator
) -> Weights:
    """Draw weights: those of dense layers as scikit-learn does, number for number.

    W and b of a dense layer are uniform in ±√(6 / (n_in + n_out)), or ±√(2 / …) before a logistic
    sigmoid. Layers that are given as objects begin as they say themselves.

    Source: Glorot and Bengio 2010.
    """
    weights = network.init(rng)
    if not uses_sklearn_init(p):
        return weights
    factor = 2.0 if isinstance(p.activation, str) and p.activation == "logistic" else 6.0
    given = {id(layer) for layer in p.layers or ()}
    for node in network.nodes:
        if isinstance(node.layer, Dense) and id(node.layer) not in given:
            W, b = (network.layout[f"{node.name}.{k}"].view(weights.theta) for k in "Wb")
            bound = sqrt(factor / sum(W.shape))
            W[...] = draws.uniform(-bound, bound, W.shape)
            b[...] = draws.uniform(-bound, bound, b.shape)
    return weights


def build_loss(p: Any, default: type[Loss]) -> Loss:
    """Make the loss that `loss` names; 'log_loss' stands for the default."""
    s = getattr(p, "label_smoothing", 0.0)
    given = {"label_smoothing": s} if s else {}
    if isinstance(p.loss, str) and p.loss == "log_loss":
        return default(**given)
    loss: Loss = resolve_part("loss", p.loss, **given)
    if s and not (isinstance(p.loss, str) and hasattr(loss, "label_smoothing")):
        raise ValueError(
            f"label_smoothing goes with loss='log_loss', 'softmax' or 'binary'; got {p.loss!r}. "
            "Set it on the object itself, where it has such"
        )
    return loss


def build_solver(p: Any) -> Optimizer | Minimizer:
    """Make the update rule, or the minimizer.

    Raises
    ------
    ValueError
        If the name does not exist, or it cannot do what else is asked for.
    """
    decay = {} if p.weight_decay is None else {"weight_decay": float(p.weight_decay)}
    rule: Any
    if not isinstance(p.solver, str):
        if decay:
            raise ValueError(
                f"weight_decay goes with the name of a solver; set it on the object, {p.solver!r}"
            )
        minimizer = isinstance(p.solver, Minimizer) and not isinstance(p.solver, type)
        rule = p.solver if minimizer else resolve_part("solver", p.solver)
    elif p.solver == "sgd":
        nesterov = bool(p.nesterovs_momentum and p.momentum)
        rule = SGD(momentum=p.momentum, nesterov=nesterov, **decay)
    elif p.solver == "adam":
        rule = Adam(p.beta_1, p.beta_2, p.epsilon, hat=False, **decay)
    elif p.solver == "lbfgs":
        rule = LBFGS(tolerance=p.tol)
    else:
        with_momentum = p.solver.partition("(")[0].strip() in WITH_MOMENTUM
        rule = resolve_part(
            "solver", p.solver, **decay, **{"momentum": p.momentum} if with_momentum else {}
        )
    if isinstance(rule, Minimizer):
        for name in ("weight_decay", "clip_norm", "clip_value", "ema"):
            if getattr(p, name):
                raise ValueError(f"solver={p.solver!r} goes without {name}; leave it out")
        return rule
    if p.clip_value is not None:
        rule = ClipValue(rule, p.clip_value)
    return rule if p.clip_norm is None else ClipNorm(rule, p.clip_norm)


def build_schedule(p: Any) -> Callable[[float], float]:
    """Make the schedule over the whole training; scikit-learn's rules are constant here."""
    if is_sklearn_rule(p.learning_rate):
        return Constant()
    schedule: Callable[[float], float] = resolve_part("learning_rate", p.learning_rate)
    begins: Any = schedule(0.0)
    if not isinstance(begins, Real):
        raise ValueError(
            "learning_rate must be a function from the progress t, from 0 to 1, to a number; it "
            f"gives {begins!r}"
        )
    return schedule


def is_sklearn_rule(learning_rate: Any) -> bool:
    """Tell whether the rate goes by one of scikit-learn's rules, and not by a schedule."""
    return isinstance(learning_rate, str) and learning_rate in RATES


def sklearn_rule(p: Any) -> str:
    """Return which of scikit-learn's rules moves the rate from epoch to epoch, if one does.

    As in scikit-learn, 'adam' keeps its rate whatever the rule.
    """
    adam = isinstance(p.solver, str) and p.solver == "adam"
    return p.learning_rate if is_sklearn_rule(p.learning_rate) and not adam else "constant"


def check_minimizer(p: Any, network: Network) -> None:
    """Refuse layers that a minimizer cannot train.

    Raises
    ------
    ValueError
        If there is such a layer; the message names it.
    """
    try:
        reject_random_layers(network)
    except ValueError as error:
        raise ValueError(f"solver={p.solver!r}: {error}") from None


def is_minimizer(solver: Any) -> bool:
    """Tell whether a solver is a minimizer, which sees all rows at once."""
    return isinstance(solver, Minimizer) or (
        isinstance(solver, str) and solver.partition("(")[0].strip() == "lbfgs"
    )


def can_step(p: Any) -> bool:
    """Tell that the solver can do a single epoch.

    Raises
    ------
    AttributeError
        If it cannot, so that ``partial_fit`` is not there.
    """
    if is_minimizer(p.solver):
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {p.solver} is not "
            "stochastic."
        )
    return True

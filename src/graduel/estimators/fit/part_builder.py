"""Build network, loss and initial weights from an estimator's parameters."""

from __future__ import annotations

from math import sqrt
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.errors import UserError, unknown
from graduel.estimators.inputs import Image
from graduel.nn import Dense, Dropout, Layer, Loss, Network, Weights
from graduel.nn.initializers import GlorotUniform, Initializer
from graduel.train.build import part_registry
from graduel.train.build.layer_text import LayerText, build_layers, parse_layer

Array = NDArray[Any]

SKLEARN_RULES = ("constant", "invscaling", "adaptive")
"""scikit-learn's rules for the learning rate, which depend on epochs and not on progress."""
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
    "learning_rate": SKLEARN_RULES,
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
"""The methods that an object must have in place of a name, and an example."""


def resolve_part(parameter: str, value: Any, **options: Any) -> Any:
    """Return the part that a parameter names; an object is returned as it is."""
    kind = KINDS.get(parameter, parameter)
    if not isinstance(value, str):
        methods, example = OBJECTS[parameter]
        if isinstance(value, type) or not all(hasattr(value, method) for method in methods):
            raise ValueError(
                f"{parameter} must be a name, or an object such as {example}; got {value!r}"
            )
        return value
    value = ALIASES.get(kind, {}).get(value, value)
    name = value.partition("(")[0].strip()
    if name not in part_registry.KINDS[kind]:
        raise unknown(parameter, name, (*NAMES.get(parameter, ()), *part_registry.KINDS[kind]))
    try:
        return part_registry.make(kind, value, **options)
    except UserError as error:
        raise ValueError(str(error).replace(kind, parameter)) from None


def hidden_sizes(hidden_layer_sizes: Any) -> list[int]:
    """Return the sizes of the hidden layers as a list."""
    sizes = np.atleast_1d(np.asarray(hidden_layer_sizes)).tolist()
    if not all(isinstance(size, Integral) and not isinstance(size, bool) for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be whole numbers, got {hidden_layer_sizes!r}.")
    if any(size <= 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return sizes


def hidden_layers(estimator: Any) -> list[LayerText | Layer]:
    """Return the hidden layers that `layers` or `hidden_layer_sizes` ask for."""
    if estimator.layers is None:
        return [LayerText("dense", size) for size in hidden_sizes(estimator.hidden_layer_sizes)]
    layers: list[LayerText | Layer] = []
    for layer in estimator.layers:
        if isinstance(layer, str) or type(layer) is int or isinstance(layer, np.integer):
            layers.append(parse_layer(str(layer)))
        elif not isinstance(layer, type) and all(hasattr(layer, method) for method in LAYER[0]):
            layers.append(layer)
        else:
            raise ValueError(
                "layers must hold sizes such as 128, texts such as 'conv32' or 'maxpool', and "
                f"layers such as graduel.nn.Dense(128); got {layer!r}"
            )
    return layers


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
    estimator: Any, n_in: int, n_out: int, loss: Loss, dtype: str, image: Image | None
) -> Network:
    """Build the network: the hidden layers, and a dense output layer."""
    items = hidden_layers(estimator)
    count = sum(isinstance(layer, LayerText) and layer.has_weights for layer in items)
    after = []
    for activation, norm, rate in zip(
        broadcast_parameter("activation", estimator.activation, count),
        broadcast_parameter("norm", estimator.norm, count),
        broadcast_parameter("dropout", estimator.dropout, count),
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
    init: Initializer = (
        GlorotUniform() if uses_sklearn_init(estimator) else resolve_part("init", estimator.init)
    )
    hidden = build_layers(items, n_in, image, init=init, after=after)
    return Network((*hidden, Dense(n_out, init)), (n_in,), loss, dtype)


def uses_sklearn_init(estimator: Any) -> bool:
    """Return whether weights are initialized as in scikit-learn."""
    return isinstance(estimator.init, str) and estimator.init == "auto"


def init_weights(
    estimator: Any, network: Network, draws: np.random.RandomState, rng: np.random.Generator
) -> Weights:
    """Draw weights: those of dense layers as scikit-learn does, number for number.

    W and b of a dense layer are uniform in ±√(6 / (n_in + n_out)), or ±√(2 / …) before a logistic
    sigmoid. Layers passed as objects use their own initializers.

    Source: Glorot and Bengio 2010.
    """
    weights = network.init(rng)
    if not uses_sklearn_init(estimator):
        return weights
    factor = (
        2.0 if isinstance(estimator.activation, str) and estimator.activation == "logistic" else 6.0
    )
    user_layers = {id(layer) for layer in estimator.layers or ()}
    for node in network.nodes:
        if isinstance(node.layer, Dense) and id(node.layer) not in user_layers:
            W, b = (network.layout[f"{node.name}.{k}"].view(weights.theta) for k in "Wb")
            bound = sqrt(factor / sum(W.shape))
            W[...] = draws.uniform(-bound, bound, W.shape)
            b[...] = draws.uniform(-bound, bound, b.shape)
    return weights


def build_loss(estimator: Any, default: type[Loss]) -> Loss:
    """Build the loss that `loss` names; 'log_loss' stands for the default."""
    s = getattr(estimator, "label_smoothing", 0.0)
    options = {"label_smoothing": s} if s else {}
    if isinstance(estimator.loss, str) and estimator.loss == "log_loss":
        return default(**options)
    loss: Loss = resolve_part("loss", estimator.loss, **options)
    if s and not (isinstance(estimator.loss, str) and hasattr(loss, "label_smoothing")):
        raise ValueError(
            "label_smoothing goes with loss='log_loss', 'softmax' or 'binary'; got "
            f"{estimator.loss!r}. Set it on the object itself, where it has such"
        )
    return loss

"""Build the network, the loss and the initial weights from an estimator's parameters."""

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
"""scikit-learn's learning-rate rules, which depend on epochs instead of the progress."""
ALIASES = {
    "activation": {"logistic": "sigmoid"},
    "loss": {"squared_error": "squared", "absolute_error": "absolute"},
}
"""scikit-learn's names of parts."""
KINDS = {"solver": "optimizer", "learning_rate": "schedule"}
"""Parameters whose name differs from the kind of part."""
NAMES = {
    "activation": ("logistic",),
    "init": ("auto",),
    "learning_rate": SKLEARN_RULES,
    "loss": ("log_loss", "squared_error", "absolute_error"),
}
"""Additional names that these parameters accept."""
LAYER = ("plan", "forward", "backward"), "graduel.nn.LayerNorm()"
OBJECTS = {
    "activation": LAYER,
    "norm": LAYER,
    "init": (("__call__",), "graduel.nn.HeNormal()"),
    "loss": (("value_and_gradient", "link"), "graduel.nn.Huber()"),
    "solver": (("init", "update"), "graduel.optim.Lion()"),
    "learning_rate": (("__call__",), "graduel.optim.Cosine()"),
}
"""The methods that an object for each parameter must have, and an example."""


def resolve_part(parameter: str, value: Any, **options: Any) -> Any:
    """Build the part that a parameter names; return an object unchanged."""
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
        raise ValueError(f"hidden_layer_sizes must be integers, got {hidden_layer_sizes!r}.")
    if any(size <= 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return sizes


def hidden_layers(estimator: Any) -> list[LayerText | Layer]:
    """Return the hidden layers of the parameter `layers` or `hidden_layer_sizes`."""
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
    """Return a list of `count` values, from one value or a list of this length."""
    if not isinstance(value, list | tuple | np.ndarray):
        return [value] * count
    if len(value) != count:
        raise ValueError(
            f"{parameter} must be one value, or a list of {count}, one for each hidden layer; "
            f"got a list of {len(value)}"
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
    """Draw initial weights; those of dense layers are the same numbers as in scikit-learn.

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


def build_loss(estimator: Any, default: type[Loss], *, clipped: bool = False) -> Loss:
    """Build the loss of the parameter `loss`; 'log_loss' means `default`.

    With `clipped`, that is scikit-learn's, of clipped probabilities, unless labels are smoothed.
    """
    s = getattr(estimator, "label_smoothing", 0.0)
    options = {"label_smoothing": s} if s else {}
    if isinstance(estimator.loss, str) and estimator.loss == "log_loss":
        return default(**(options or ({"clipped": True} if clipped else {})))
    loss: Loss = resolve_part("loss", estimator.loss, **options)
    if s and not (isinstance(estimator.loss, str) and hasattr(loss, "label_smoothing")):
        raise ValueError(
            "label_smoothing requires loss='log_loss', 'softmax' or 'binary'; got "
            f"{estimator.loss!r}. For a loss object, set its own label_smoothing"
        )
    return loss

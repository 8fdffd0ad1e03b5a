"""Networks to export with non-trivial weights, shared by the tests of both formats."""

from __future__ import annotations

import ast
from dataclasses import is_dataclass

import numpy as np

from graduel import nn
from graduel.nn import (
    ELU,
    GELU,
    PBLD,
    SELU,
    AbsoluteError,
    AveragePool2D,
    BatchNorm,
    BinaryCrossEntropy,
    Call,
    Columns,
    Conv2D,
    Dense,
    Dropout,
    EnsembleDense,
    EnsembleMean,
    EnsembleOutput,
    Flatten,
    HardSwish,
    Huber,
    Identity,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    Mish,
    Network,
    Noise,
    NTKDense,
    Parametric,
    ParametricReLU,
    Poisson,
    ReLU,
    Reshape,
    Residual,
    Scale,
    Sigmoid,
    SiLU,
    SoftmaxCrossEntropy,
    Softplus,
    SquaredError,
    Tanh,
)

ROWS = [
    *(
        Dense(3),
        Dropout(0.3),
        Dropout(lambda t: 0.5 * t),
        Noise(),
        Identity(),
        Scale(),
        BatchNorm(),
    ),
    *(BatchNorm(momentum=1, eps=0.1), LayerNorm(), LayerNorm(eps=0.1), Flatten(), Reshape((3, 2))),
    *(ReLU(), LeakyReLU(0.3), ParametricReLU(), ELU(), ELU(0.4), SELU(), GELU()),
    *(GELU(approximate=True), SiLU(), Mish(), HardSwish(), Softplus(), Sigmoid(), Tanh()),
    *(Columns(4, (3, 60)), Columns(0, (2, 3, 4, 5, 6, 7), 2), Columns(6), Residual(())),
    Residual((Dense(4), Tanh(), Residual((BatchNorm(), Dense(4))), Dropout(), Dense(6))),
    *(PBLD(), PBLD((4, 0), 3, 2, 0.5), PBLD(()), NTKDense(3), NTKDense(2, calibrated=True)),
    *(EnsembleDense(4, 3), EnsembleDense(2, 3, scaled=True)),
    *(Parametric(), Parametric(Mish()), Parametric(ParametricReLU()), Residual((Parametric(),))),
]
ENSEMBLES = [
    *(EnsembleDense(4, 3), EnsembleDense(2, 3, scaled=True), EnsembleOutput(2, 3), Parametric()),
    *(EnsembleOutput(4, 3, scaled=True), BatchNorm(), Residual((Parametric(),))),
]
IMAGES = [
    *(Conv2D(3), Conv2D(3, 2, 2), Conv2D(2, (2, 3), (2, 1)), Conv2D(2, (1, 5), (1, 3), "valid")),
    *(
        Conv2D(3, 3, 2, padding="valid"),
        Conv2D(1, 8),
        Conv2D(2, 1, 3),
        MaxPool2D(),
        MaxPool2D(3, 1),
    ),
    *(MaxPool2D((2, 3), (1, 2)), MaxPool2D(2, 3), AveragePool2D(), AveragePool2D((3, 2), (1, 2))),
    *(
        AveragePool2D((6, 5)),
        BatchNorm(),
        LayerNorm(),
        Scale(),
        ParametricReLU(),
        Flatten(),
        GELU(),
    ),
    Reshape((5, 12)),
    Residual((Conv2D(4), BatchNorm(), ReLU(), Conv2D(2))),
]
# Layers with their input shape.
LAYERS = [*((layer, (6,)) for layer in ROWS), *((layer, (6, 5, 2)) for layer in IMAGES)]
LAYERS += [(layer, (3, 5)) for layer in ENSEMBLES]
ODD = [0.5, 1.5, 2.4999, 3.5, -0.2, -7, 9, 1e30, np.inf, -np.inf, np.nan]
"""Invalid category codes: the layer rounds and clips them."""
LOSSES = [
    *(SoftmaxCrossEntropy(), BinaryCrossEntropy(), SquaredError(), AbsoluteError(), Huber()),
    Poisson(),
]
OF_ENSEMBLES = [EnsembleMean(loss) for loss in LOSSES]


def parts(attribute):
    """Return all classes of graduel.nn with an attribute: layers or losses."""
    result = [getattr(nn, name) for name in nn.__all__]
    return {part for part in result if is_dataclass(part) and hasattr(part, attribute)}


def grown(layers, shape, *, loss=None, dtype="float32"):
    """Return a network with weights and running means that differ from the initial ones."""
    rng = np.random.default_rng(7)
    network = Network(tuple(layers), shape, loss or SquaredError(), dtype)
    weights = network.init(rng)
    weights.theta += 0.3 * rng.normal(size=weights.theta.shape).astype(dtype)
    workspace = network.workspace(weights)
    for _ in range(3):
        x = (2 + 3 * rng.normal(size=(16, *shape))).astype(dtype)
        network.forward(x, workspace, Call(train=True, rng=rng))
    return network, weights


def batches(shape, dtype="float32"):
    """Yield inputs of one row and of seven, small ones and from −50 to 50."""
    rng = np.random.default_rng(8)
    for n in (1, 7):
        yield rng.normal(size=(n, *shape)).astype(dtype)
        yield rng.uniform(-50, 50, size=(n, *shape)).astype(dtype)


def name(case):
    """Return a short name of a layer or loss for test ids."""
    text = repr(case)
    return text if len(text) < 40 else type(case).__name__


def docstring(source):
    """Return a generated module's docstring."""
    return ast.get_docstring(ast.parse(source))

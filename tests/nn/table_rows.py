"""Layers that take rows of six numbers, for parametrized tests, and their flags."""

from __future__ import annotations

from graduel.nn import (
    ELU,
    GELU,
    PBLD,
    SELU,
    BatchNorm,
    Columns,
    Dense,
    Dropout,
    EnsembleDense,
    EnsembleOutput,
    Flatten,
    HardSwish,
    Identity,
    LayerNorm,
    LeakyReLU,
    Mish,
    Noise,
    NTKDense,
    Parametric,
    ParametricReLU,
    ReLU,
    Reshape,
    Residual,
    Scale,
    Sigmoid,
    Signs,
    SiLU,
    Softplus,
    Tanh,
)

SHAPE = (6,)
LAYERS = [
    Dense(6),
    ReLU(),
    Tanh(),
    Dropout(0.3),
    Dropout(lambda t: 0.5 * t),
    Dropout(0.0),
    Noise(0.3),
    BatchNorm(),
    BatchNorm(momentum=1, eps=0.1),
    Residual((Dense(6), Tanh())),
    Residual((Tanh(), Residual((Dense(4), ReLU(), Dense(6))), Dropout(0.2))),
    Residual(()),
    Residual((Columns(4, (3, 2)), Dense(6))),
    Reshape((3, 2, 1)),
    Flatten(),
    Identity(),
    LeakyReLU(0.3),
    ParametricReLU(),
    Sigmoid(),
    Softplus(),
    ELU(),
    SELU(),
    SiLU(),
    GELU(),
    GELU(approximate=True),
    Mish(),
    HardSwish(),
    LayerNorm(),
    LayerNorm(eps=0.1),
    Scale(),
    NTKDense(6),
    NTKDense(4, calibrated=True),
    Parametric(),
    Parametric(Tanh()),
    Parametric(ParametricReLU()),
    PBLD(std=0.5),
    PBLD(columns=(4, 0), frequencies=3, size=2, std=1.0),
    EnsembleDense(4, members=3, adapter=Signs()),
]
ENSEMBLES = [
    (EnsembleDense(4, members=2, scaled=True), (2, 5)),
    (EnsembleDense(3, members=2, adapter=Signs(), calibrated=True), (2, 5)),
    (EnsembleOutput(3, members=2), (2, 5)),
    (EnsembleOutput(3, members=2, scaled=True), (2, 5)),
]
"""Ensemble layers with their input shapes."""
# All other parts are row_wise, deterministic and smooth.
NOT_ROW_WISE = [BatchNorm]
NOT_DETERMINISTIC = [Dropout, Noise]
# (ELU is smooth if α = 1: test_activations.py.)
NOT_SMOOTH = [Columns, ReLU, LeakyReLU, ParametricReLU, SELU, HardSwish]

"""Small random networks for the glass box's tests."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from graduel.nn import (
    ELU,
    GELU,
    BatchNorm,
    BinaryCrossEntropy,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Identity,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    Network,
    Noise,
    ReLU,
    Reshape,
    Residual,
    Scale,
    Sigmoid,
    SoftmaxCrossEntropy,
    Tanh,
)

SMOOTH = (
    Tanh(),
    Sigmoid(),
    GELU(),
    ELU(),
    Dropout(0.5),
    Noise(0.2),
    Identity(),
    BatchNorm(),
    LayerNorm(eps=0.1),
    Scale(),
    Dense(4),
    Dense(3),
)
KINKED = (ReLU(), LeakyReLU(0.1))
LOSSES = (
    SoftmaxCrossEntropy(),
    SoftmaxCrossEntropy(label_smoothing=0.2),
    SoftmaxCrossEntropy(class_weight=(1.0, 2.0, 0.5)),
    BinaryCrossEntropy(),
)


@st.composite
def networks(draw, *, smooth=False, dtype="float64"):
    """Draw a network, randomized weights and running means, an example and a label."""
    layer_types = SMOOTH if smooth else SMOOTH + KINKED
    layers = draw(st.lists(st.sampled_from(layer_types), max_size=6))
    n_in = draw(st.integers(2, 6))
    has_block = draw(st.booleans())
    if has_block:
        layers.append(Dense(4))
        layers.append(Residual((Dense(3), Tanh(), Dense(4))))
    net = Network((*layers, Dense(3)), (n_in,), draw(st.sampled_from(LOSSES)), dtype)
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    weights = net.init(rng)
    weights.theta += rng.normal(0, 0.1, weights.theta.shape).astype(dtype)
    weights.state += rng.random(weights.state.shape).astype(dtype)
    x = rng.normal(size=n_in).astype(dtype)
    return net, weights, x, int(rng.integers(3))


def image_network(rng, dtype="float64"):
    """Return a small convolutional network for 8 × 7 pixels of two channels, and an input."""
    layers = (
        Reshape((8, 7, 2)),
        Conv2D(3, 3),
        ReLU(),
        MaxPool2D(2),
        Conv2D(4, (3, 2), 2),
        Tanh(),
        Flatten(),
        Dense(5),
        ReLU(),
        Dense(3),
    )
    net = Network(layers, (112,), dtype=dtype)
    weights = net.init(rng)
    weights.theta += rng.normal(0, 0.1, weights.theta.shape)
    return net, weights, rng.random(112)

"""Summaries of dense layers during training: activations, gradients, dead units."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from graduel.nn import Call, Dense, Network, Weights
from graduel.web.array_codec import Array

BINS = 30


def summarize_layers(
    network: Network, weights: Weights, x: Array, y: Array
) -> Iterator[dict[str, Any]]:
    """Yield histograms of activations and gradients and the number of dead units per dense layer.

    Activations are the input of the next dense layer; gradients are log₁₀ |dW| on these rows. A
    unit is dead if its activation is 0 for every row.
    """
    outputs: dict[int, Array] = {}

    def watch(name: str, way: str, array: Array) -> None:
        if way == "forward" and name.isdigit():
            outputs[int(name)] = array.copy()

    workspace = network.workspace(weights)
    network.loss_and_gradient(x, y, workspace, Call(watch=watch))
    assert workspace.gradient is not None
    dense = [i for i, layer in enumerate(network.layers) if isinstance(layer, Dense)]
    for index, next_index in zip(dense, [*dense[1:], len(network.layers)], strict=True):
        activations = outputs[next_index - 1]
        last = next_index == len(network.layers)
        dW = network.layout[f"{index}.W"].view(workspace.gradient)
        sizes = np.log10(np.maximum(np.abs(dW), 1e-12))
        dead = 0 if last else int(np.all(activations == 0, axis=0).sum())
        yield {
            "layer": index,
            "units": int(dW.shape[1]),
            "output": last,
            "activations": histogram(activations),
            "gradients": histogram(sizes, -8.0, 1.0),
            "gradient_norm": float(np.linalg.norm(dW)),
            "dead": dead,
        }


def histogram(values: Array, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    """Return counts in bins of equal width; values outside count in the first or last bin.

    >>> histogram(np.array([0.0, 1.0, 2.0]), 0, 1)["counts"][-1]
    2
    """
    low = float(values.min()) if low is None else low
    high = float(values.max()) if high is None else high
    if not high > low:
        high = low + 1.0
    counts, _ = np.histogram(np.clip(values, low, high), BINS, (low, high))
    return {"low": low, "high": high, "counts": [int(n) for n in counts]}

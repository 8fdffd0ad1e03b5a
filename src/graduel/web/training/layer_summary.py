"""Summaries of dense layers during a training: activations, gradients, dead units."""

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
    """Yield for each dense layer histograms of activations and gradients, and dead units.

    Activations are the input of the next dense layer; gradients are log10 |dW| on these rows. A
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
    for index, following in zip(dense, [*dense[1:], len(network.layers)], strict=True):
        activations = outputs[following - 1]
        last = following == len(network.layers)
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
    """Return counts in equal bins; values outside of the range count at its ends.

    >>> histogram(np.array([0.0, 1.0, 2.0]), 0, 1)["counts"][-1]
    2
    """
    low = float(values.min()) if low is None else low
    high = float(values.max()) if high is None else high
    if not high > low:
        high = low + 1.0
    counts, _ = np.histogram(np.clip(values, low, high), BINS, (low, high))
    return {"low": low, "high": high, "counts": [int(n) for n in counts]}

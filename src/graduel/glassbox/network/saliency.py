"""Saliency: the gradient of a network's output with respect to its input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.network.dense_terms import average_members, count_outputs
from graduel.glassbox.network.layer_info import as_batch
from graduel.glassbox.plain_data import Array, PlainData
from graduel.nn import Network, Weights
from graduel.nn.layers.layer import backward_through
from graduel.nn.workspace import Call


@dataclass(frozen=True, slots=True, eq=False)
class Saliency(PlainData):
    """The gradient of one raw prediction with respect to the input."""

    output: int
    z: float
    gradient: Array
    """∂z_k/∂x, in the shape of the input."""
    times_input: Array
    """x ⊙ ∂z_k/∂x (gradient × input): each input's contribution if the network were linear."""


def compute_saliency(network: Network, weights: Weights, x: Any, output: int) -> Saliency:
    """Compute the gradient of one raw prediction z_k (a logit) with respect to the input.

    Source: Simonyan, Vedaldi and Zisserman, *Deep Inside Convolutional Networks*, 2014; gradient
    × input: Shrikumar et al., *Not Just a Black Box*, 2016.

    Parameters
    ----------
    network, weights : a fitted network
    x : one example, prepared and scaled for the network
    output : k; for an ensemble, z_k is the mean over its members

    Raises
    ------
    UserError
        If the output does not exist, or `x` does not fit the network.

    Examples
    --------
    >>> from graduel.nn import Dense
    >>> net = Network((Dense(2),), (3,))
    >>> weights = net.init(np.random.default_rng(0))
    >>> W = net.layout["0.W"].view(weights.theta)
    >>> bool((compute_saliency(net, weights, [1, 2, 3], 1).gradient == W[:, 1]).all())
    True
    """
    n = count_outputs(network)
    if not 0 <= output < n:
        raise UserError(f"output must be from 0 to {n - 1}; got {output}")
    row, call = as_batch(network, x), Call()
    ws = network.workspace(weights)
    raw = network.forward(row, ws, call)
    z = float(average_members(network, raw[0])[output])
    dy = np.zeros_like(raw)
    dy.reshape(-1, n)[:, output] = n / dy.size  # for k ensemble members, 1/k each
    dx = backward_through(network.layers, ws.scopes, dy, call, need_dx=True)
    assert dx is not None
    gradient = dx[0].copy()
    return Saliency(int(output), z, gradient, gradient * row[0])

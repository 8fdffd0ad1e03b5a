"""What each layer with weights sums, and what several heads answer together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.glassbox.network.equations import Equation, make_equation
from graduel.nn import Dense, EnsembleDense, HeadsDense, Loss, MeanOfHeads, Network, NTKDense
from graduel.nn.layers.layer import Layer

Array = NDArray[Any]
DENSE = Dense, NTKDense, EnsembleDense, HeadsDense
"""Layers whose units are sums over all of what they are given, or over a head of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Summands:
    """z = Σ wᵢ xᵢ + b of one unit."""

    x: Array
    w: Array
    """What each x counts in the sum, everything that scales it included."""
    index: Array
    """Where each x stands in the layer's input, counted over all axes."""
    bias: float


def unit_terms(layer: Layer, x: Array, p: Mapping[str, Array], unit: int) -> Summands:
    """Return one unit's sum in a dense layer of any kind; units of heads count head by head.

    >>> p = {"W": np.eye(2), "b": np.zeros(2)}
    >>> unit_terms(NTKDense(2), np.array([3.0, 4.0]), p, 1).w.round(3).tolist()
    [0.0, 0.707]
    """
    W, b, place = p["W"], p["b"].reshape(-1)[unit], np.arange(x.shape[-1])
    if isinstance(layer, Dense | NTKDense):
        scale = layer_scale(layer, len(x))
        return Summands(x, W[:, unit] if scale == 1 else W[:, unit] * scale, place, b)
    assert isinstance(layer, EnsembleDense | HeadsDense)
    head, unit = divmod(unit, layer.units)
    if x.ndim == 2:
        place, x = place + head * x.shape[1], x[head]
    scale = layer_scale(layer, len(x))
    if isinstance(layer, HeadsDense):
        return Summands(x, W[head, :, unit] * scale, place, b)
    return Summands(x, p["r"][head] * W[:, unit] * (p["s"][head, unit] * scale), place, b)


def layer_scale(layer: Layer, inputs: int) -> float:
    """Return what a layer multiplies its sums by: 1/√n for one that scales them, else 1."""
    scales = isinstance(layer, NTKDense) or getattr(layer, "scaled", False)
    return 1 / sqrt(inputs) if scales else 1.0


def equations(
    layer: Layer, x: str, y: str, W: str, b: str
) -> tuple[Equation, tuple[Equation, ...]]:
    """Return the equations of a dense layer of any kind, forward and backward."""
    if isinstance(layer, Dense):
        return make_equation(f"{y} = {W} {x} + {b}", 1), (
            make_equation(f"d{W} = 1/m d{y} {x}ᵀ", 5),
            make_equation(f"d{b} = 1/m Σ d{y}", 6),
            make_equation(f"d{x} = {W}ᵀ d{y}", 7),
        )
    by = " / √n" if isinstance(layer, NTKDense) or getattr(layer, "scaled", False) else ""
    told = f", n the length of {x}" if by else ""
    if isinstance(layer, EnsembleDense):
        told = f"; each head has its own r, s and {b}{told}"
        return Equation(f"{y} = s ⊙ {W} (r ⊙ {x}){by} + {b}{told}"), (
            Equation(f"d{W} = 1/m Σ (s ⊙ d{y}) (r ⊙ {x})ᵀ{by}, the sum over heads"),
            Equation(f"d{b} = 1/m Σ d{y}"),
            Equation(f"d{x} = r ⊙ {W}ᵀ (s ⊙ d{y}){by}"),
        )
    each = f"; each head has its own {W} and {b}" if isinstance(layer, HeadsDense) else ""
    return Equation(f"{y} = {W} {x}{by} + {b}{each}{told}"), (
        Equation(f"d{W} = 1/m d{y} {x}ᵀ{by}"),
        make_equation(f"d{b} = 1/m Σ d{y}", 6),
        Equation(f"d{x} = {W}ᵀ d{y}{by}"),
    )


def single_loss(network: Network) -> Loss:
    """Return the loss that a network has, or each of its heads."""
    return network.loss.loss if isinstance(network.loss, MeanOfHeads) else network.loss


def n_outputs(network: Network) -> int:
    """Return how many numbers an answer has."""
    return prod(network.answer_shape)


def mean_output(network: Network, raw: Array) -> Array:
    """Return one example's raw prediction, flat; of several heads, the mean of theirs."""
    heads = isinstance(network.loss, MeanOfHeads)
    return np.asarray(raw.mean(axis=0) if heads else raw).reshape(-1)

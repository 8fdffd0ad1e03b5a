"""The weighted sums of all kinds of dense layers, and the outputs of ensembles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod, sqrt

import numpy as np

from graduel.glassbox.network.equations import Equation, make_equation
from graduel.glassbox.plain_data import Array
from graduel.nn import Dense, EnsembleDense, EnsembleMean, EnsembleOutput, Loss, Network, NTKDense
from graduel.nn.layers.layer import Layer

DENSE = Dense, NTKDense, EnsembleDense, EnsembleOutput
"""Layers whose units sum over all inputs, or over those of one ensemble member."""


@dataclass(frozen=True, slots=True, eq=False)
class Summands:
    """z = Σ wᵢ xᵢ + b of one unit."""

    x: Array
    w: Array
    """The weight of each x in the sum, including all scale factors."""
    index: Array
    """The flat index of each x in the layer's input."""
    bias: float


def get_unit_terms(layer: Layer, x: Array, p: Mapping[str, Array], unit: int) -> Summands:
    """Return the terms of one unit's sum; units of an ensemble are numbered member by member.

    >>> p = {"W": np.eye(2), "b": np.zeros(2)}
    >>> get_unit_terms(NTKDense(2), np.array([3.0, 4.0]), p, 1).w.round(3).tolist()
    [0.0, 0.707]
    """
    W, b, index = p["W"], p["b"].reshape(-1)[unit], np.arange(x.shape[-1])
    if isinstance(layer, Dense | NTKDense):
        scale = get_layer_scale(layer, len(x))
        return Summands(x, W[:, unit] if scale == 1 else W[:, unit] * scale, index, b)
    assert isinstance(layer, EnsembleDense | EnsembleOutput)
    member, unit = divmod(unit, layer.units)
    if x.ndim == 2:
        index, x = index + member * x.shape[1], x[member]
    scale = get_layer_scale(layer, len(x))
    if isinstance(layer, EnsembleOutput):
        return Summands(x, W[member, :, unit] * scale, index, b)
    return Summands(x, p["r"][member] * W[:, unit] * (p["s"][member, unit] * scale), index, b)


def get_layer_scale(layer: Layer, inputs: int) -> float:
    """Return the scale factor of a layer's sums: 1/√n if the layer scales them, otherwise 1."""
    scales = isinstance(layer, NTKDense) or getattr(layer, "scaled", False)
    return 1 / sqrt(inputs) if scales else 1.0


def write_equations(
    layer: Layer, x: str, y: str, W: str, b: str
) -> tuple[Equation, tuple[Equation, ...]]:
    """Return the forward equation and the backward equations of a dense layer."""
    if isinstance(layer, Dense):
        return make_equation(f"{y} = {W} {x} + {b}", 1), (
            make_equation(f"d{W} = 1/m d{y} {x}ᵀ", 5),
            make_equation(f"d{b} = 1/m Σ d{y}", 6),
            make_equation(f"d{x} = {W}ᵀ d{y}", 7),
        )
    by = " / √n" if isinstance(layer, NTKDense) or getattr(layer, "scaled", False) else ""
    note = f", n the length of {x}" if by else ""
    if isinstance(layer, EnsembleDense):
        note = f"; each ensemble member has its own r, s and {b}{note}"
        return Equation(f"{y} = s ⊙ {W} (r ⊙ {x}){by} + {b}{note}"), (
            Equation(f"d{W} = 1/m Σ (s ⊙ d{y}) (r ⊙ {x})ᵀ{by}, summed over ensemble members"),
            Equation(f"d{b} = 1/m Σ d{y}"),
            Equation(f"d{x} = r ⊙ {W}ᵀ (s ⊙ d{y}){by}"),
        )
    each = (
        f"; each ensemble member has its own {W} and {b}"
        if isinstance(layer, EnsembleOutput)
        else ""
    )
    return Equation(f"{y} = {W} {x}{by} + {b}{each}{note}"), (
        Equation(f"d{W} = 1/m d{y} {x}ᵀ{by}"),
        make_equation(f"d{b} = 1/m Σ d{y}", 6),
        Equation(f"d{x} = {W}ᵀ d{y}{by}"),
    )


def get_member_loss(network: Network) -> Loss:
    """Return a network's loss, or the loss of each ensemble member."""
    return network.loss.loss if isinstance(network.loss, EnsembleMean) else network.loss


def count_outputs(network: Network) -> int:
    """Return the number of outputs of a network."""
    return prod(network.prediction_shape)


def average_members(network: Network, raw: Array) -> Array:
    """Return one example's raw prediction, flat; for an ensemble, the mean of its members."""
    is_ensemble = isinstance(network.loss, EnsembleMean)
    return np.asarray(raw.mean(axis=0) if is_ensemble else raw).reshape(-1)

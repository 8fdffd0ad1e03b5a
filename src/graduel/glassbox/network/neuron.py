"""One neuron's sum, written out term by term."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.network.dense_terms import DENSE, Summands, layer_scale, unit_terms
from graduel.glassbox.network.equations import Equation, make_equation, subscript
from graduel.glassbox.network.forward_pass import Forward, forward
from graduel.glassbox.network.layer_info import (
    Array,
    LayerInfo,
    check_unit,
    find_layer,
    get_parameters,
    sees_input,
)
from graduel.glassbox.plain_data import PlainData
from graduel.nn import Conv2D, EnsembleDense, HeadsDense, Network, Weights
from graduel.nn.workspace import Call, Scope


@dataclass(frozen=True, slots=True)
class Term(PlainData):
    """One summand xᵢ wᵢ."""

    index: int
    name: str
    x: float
    w: float
    product: float


@dataclass(frozen=True, slots=True, eq=False)
class Neuron(PlainData):
    """z = Σ wᵢ xᵢ + b, term by term, the largest first."""

    place: LayerInfo
    unit: int
    terms: tuple[Term, ...]
    rest: float
    """The sum of all other terms."""
    n_rest: int
    bias: float
    z: float
    a: float
    """After normalization and activation; in the last layer, after the loss's link."""
    equation: Equation
    weights_image: Array | None = None
    """The weights in the shape of the image, where the layer sees pixels."""
    products_image: Array | None = None
    """wᵢ xᵢ in that shape."""


def explain_neuron(
    network: Network,
    weights: Weights,
    x: Any,
    layer: int | str,
    unit: int,
    top: int = 20,
    *,
    seen: Forward | None = None,
    image: tuple[int, int, int] | None = None,
    names: Sequence[str] = (),
) -> Neuron:
    """Write out one neuron's sum, the largest terms first.

    Parameters
    ----------
    network, weights, x : as in :func:`forward`
    layer : l of W_l, counted from 1, or an index path; a dense layer or a convolution
    unit : its number, counted over all axes of the output
    top : so many terms; the rest comes as a sum
    seen : what :func:`forward` returned for the same x, if it is there
    image : the shape (height, width, channels) of x, where x is pixels
    names : of the features, where the layer is given the example's own numbers

    Raises
    ------
    UserError
        If there is no such layer or unit, or the layer has no weights.

    Examples
    --------
    >>> from graduel.nn import Dense
    >>> net = Network((Dense(2),), (3,))
    >>> weights = net.init(np.random.default_rng(0))
    >>> one = explain_neuron(net, weights, [1.0, 0.0, 2.0], layer=1, unit=0, top=1)
    >>> abs(sum(t.product for t in one.terms) + one.rest + one.bias - one.z) < 1e-6
    True
    """
    place = find_layer(network, layer)
    unit = check_unit(place, unit)
    seen = seen or forward(network, weights, x)
    given = seen.layer(place.path)
    if given.input is None or not isinstance(place.layer, (Conv2D, *DENSE)):
        raise UserError(
            f"layer must be a dense layer or a convolution, which have sums to write out; "
            f"got {place.title}"
        )
    p = get_parameters(network, weights, place.path)
    dense = not isinstance(place.layer, Conv2D)
    if isinstance(place.layer, Conv2D):
        one = _patch(place.layer, given.input, p, unit, place.shape_out)
    else:
        one = unit_terms(place.layer, given.input, p, unit)
    xs, ws, index = one.x, one.w, one.index
    products = xs.astype(np.float64) * ws
    order = np.argsort(-np.abs(products), kind="stable")[: max(0, top)]
    rest = np.delete(products, order)
    own = sees_input(network, place)
    named = InputNames(given.input.shape, image if own else None, names if own else ())
    terms = tuple(
        Term(int(index[i]), named(int(index[i])), float(xs[i]), float(ws[i]), float(products[i]))
        for i in order
    )
    pixels = own and image is not None and dense
    l = place.number
    W, Z, b, before = subscript("W", l), subscript("Z", l), subscript("b", l), place.takes or "x"
    return Neuron(
        place,
        unit,
        terms,
        float(rest.sum()),
        len(rest),
        float(one.bias),
        float(given.output.reshape(-1)[unit]),
        _activation(seen, place, unit),
        _equation(place, unit, Z, W, before, b),
        ws.reshape(image) if pixels and image else None,
        products.reshape(image) if pixels and image else None,
    )


def _equation(place: LayerInfo, unit: int, Z: str, W: str, x: str, b: str) -> Equation:
    """Write a unit's sum in symbols."""
    layer, n = place.layer, place.shape_in[-1] if place.shape_in else 1
    by = " / √n" if not isinstance(layer, Conv2D) and layer_scale(layer, n) != 1 else ""
    if isinstance(layer, EnsembleDense | HeadsDense):
        head, own = divmod(unit, layer.units)
        x = f"{x}[{head}, i]" if len(place.shape_in) == 2 else f"{x}[i]"
        if isinstance(layer, EnsembleDense):
            w = f"s[{head}, {own}] {W}[{own}, i] r[{head}, i]"
        else:
            w = f"{W}[{head}, {own}, i]"
        return Equation(f"{Z}[{head}, {own}] = Σᵢ {w}{by} {x} + {b}[{head}, {own}]")
    if by:
        return Equation(f"{Z}[{unit}] = Σᵢ {W}[{unit}, i]{by} {x}[i] + {b}[{unit}]")
    return make_equation(f"{Z}[{unit}] = Σᵢ {W}[{unit}, i] {x}[i] + {b}[{unit}]", 1)


def _activation(seen: Forward, place: LayerInfo, unit: int) -> float:
    """Return what normalization, activation and, at the end, the link make of this unit."""
    size = int(np.prod(place.shape_out))
    last = seen.columns[-1]
    if last.path == place.path and last.a.size == size:
        return float(last.a.reshape(-1)[unit])
    a = seen.layer(place.path).output
    row = [one for one in seen.layers if "." not in one.place.path]
    after = [one for one in row if "." not in place.path and int(one.place.path) > int(place.path)]
    for one in after:
        if one.place.number or one.place.kind == "pooling" or one.output.size != size:
            break
        a = one.output
    return float(a.reshape(-1)[unit])


def _patch(
    layer: Conv2D, x: Array, p: Mapping[str, Array], unit: int, out: tuple[int, ...]
) -> Summands:
    """Return the window under one output of a convolution: inputs, weights, places, bias.

    Found by the convolution's own backward pass: of an input that holds its own places, and of
    this one output, it tells which input goes with which weight.
    """
    channel = int(np.unravel_index(unit, out)[-1])
    # dW of this one output alone is its window: the inputs, each at the place of its weight.
    window = _window(layer, x, unit, out)
    # The same with the places of the inputs, from 1, in their stead: 0 is padding.
    place = _window(layer, np.arange(1, x.size + 1, dtype=np.float64).reshape(x.shape), unit, out)
    inside = place > 0
    ws = p["W"][..., channel]
    return Summands(window[inside], ws[inside], place[inside].astype(int) - 1, p["b"][channel])


def _window(layer: Conv2D, x: Array, unit: int, out: tuple[int, ...]) -> Array:
    """Return dW of one output, whose gradient is 1: shape (height, width, channels)."""
    plan = layer.plan(x.shape)
    p = {k: np.zeros(spec.shape, x.dtype) for k, spec in plan.params.items()}
    g = {k: np.empty(spec.shape, x.dtype) for k, spec in plan.params.items()}
    scope = Scope("one", SimpleNamespace(**p), SimpleNamespace(**g), SimpleNamespace(), ())
    call = Call()
    layer.forward(x[np.newaxis], scope, call)
    dy = np.zeros((1, *out), x.dtype)
    dy.reshape(-1)[unit] = 1
    layer.backward(dy, scope, call, need_dx=False)
    found: Array = g["W"][..., np.unravel_index(unit, out)[-1]]
    return found


@dataclass(frozen=True, slots=True)
class InputNames:
    """Names the inputs of a layer."""

    shape: tuple[int, ...]
    image: tuple[int, int, int] | None
    names: Sequence[str] = field(default=())

    def __call__(self, index: int) -> str:
        """Return the name of one input."""
        if len(self.names):
            return str(self.names[index])
        shape = self.image or (self.shape if len(self.shape) == 3 else None)
        if shape is None:
            return str(index)
        row, column, channel = (int(i) for i in np.unravel_index(index, shape))
        where = f"row {row}, column {column}"
        return where if shape[2] == 1 else f"{where}, channel {channel}"

"""One neuron's sum, written out term by term."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.network.dense_terms import DENSE, Summands, get_layer_scale, get_unit_terms
from graduel.glassbox.network.equations import Equation, make_equation, subscript
from graduel.glassbox.network.forward_pass import Forward, forward
from graduel.glassbox.network.layer_info import (
    Array,
    LayerInfo,
    check_unit,
    find_layer,
    get_parameters,
    takes_example,
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
    forward_pass: Forward | None = None,
    image: tuple[int, int, int] | None = None,
    names: Sequence[str] = (),
) -> Neuron:
    """Write out one neuron's sum, the largest terms first.

    Parameters
    ----------
    network, weights, x : as in :func:`forward`
    layer : l of W_l, counted from 1, or an index path; a dense layer or a convolution
    unit : its number, counted over all axes of the output
    top : the number of terms; the rest is summed up
    forward_pass : the result of :func:`forward` for the same x; None: computed here
    image : the shape (height, width, channels) of x, where x is pixels
    names : of the features, where the layer's input is the example's numbers

    Raises
    ------
    UserError
        If there is no such layer or unit, or the layer has no weights.

    Examples
    --------
    >>> from graduel.nn import Dense
    >>> net = Network((Dense(2),), (3,))
    >>> weights = net.init(np.random.default_rng(0))
    >>> neuron = explain_neuron(net, weights, [1.0, 0.0, 2.0], layer=1, unit=0, top=1)
    >>> abs(sum(t.product for t in neuron.terms) + neuron.rest + neuron.bias - neuron.z) < 1e-6
    True
    """
    place = find_layer(network, layer)
    unit = check_unit(place, unit)
    forward_pass = forward_pass or forward(network, weights, x)
    layer_pass = forward_pass.layer(place.path)
    if layer_pass.input is None or not isinstance(place.layer, (Conv2D, *DENSE)):
        raise UserError(
            f"layer must be a dense layer or a convolution, which have sums to write out; "
            f"got {place.title}"
        )
    p = get_parameters(network, weights, place.path)
    if isinstance(place.layer, Conv2D):
        summands = _window_terms(place.layer, layer_pass.input, p, unit, place.shape_out)
    else:
        summands = get_unit_terms(place.layer, layer_pass.input, p, unit)
    xs, ws, index = summands.x, summands.w, summands.index
    products = xs.astype(np.float64) * ws
    order = np.argsort(-np.abs(products), kind="stable")[: max(0, top)]
    rest = np.delete(products, order)
    is_first = takes_example(network, place)
    input_name = InputNames(
        layer_pass.input.shape, image if is_first else None, names if is_first else ()
    )
    terms = tuple(
        Term(
            int(index[i]), input_name(int(index[i])), float(xs[i]), float(ws[i]), float(products[i])
        )
        for i in order
    )
    has_image = is_first and image is not None and not isinstance(place.layer, Conv2D)
    l = place.number
    W, Z, b, before = subscript("W", l), subscript("Z", l), subscript("b", l), place.takes or "x"
    return Neuron(
        place,
        unit,
        terms,
        float(rest.sum()),
        len(rest),
        float(summands.bias),
        float(layer_pass.output.reshape(-1)[unit]),
        _find_activation(forward_pass, place, unit),
        _equation(place, unit, Z, W, before, b),
        ws.reshape(image) if has_image and image else None,
        products.reshape(image) if has_image and image else None,
    )


def _equation(place: LayerInfo, unit: int, Z: str, W: str, x: str, b: str) -> Equation:
    """Write a unit's sum in symbols."""
    layer, n = place.layer, place.shape_in[-1] if place.shape_in else 1
    by = " / √n" if not isinstance(layer, Conv2D) and get_layer_scale(layer, n) != 1 else ""
    if isinstance(layer, EnsembleDense | HeadsDense):
        head, member_unit = divmod(unit, layer.units)
        x = f"{x}[{head}, i]" if len(place.shape_in) == 2 else f"{x}[i]"
        if isinstance(layer, EnsembleDense):
            w = f"s[{head}, {member_unit}] {W}[{member_unit}, i] r[{head}, i]"
        else:
            w = f"{W}[{head}, {member_unit}, i]"
        return Equation(f"{Z}[{head}, {member_unit}] = Σᵢ {w}{by} {x} + {b}[{head}, {member_unit}]")
    if by:
        return Equation(f"{Z}[{unit}] = Σᵢ {W}[{unit}, i]{by} {x}[i] + {b}[{unit}]")
    return make_equation(f"{Z}[{unit}] = Σᵢ {W}[{unit}, i] {x}[i] + {b}[{unit}]", 1)


def _find_activation(forward_pass: Forward, place: LayerInfo, unit: int) -> float:
    """Return a unit's output after normalization, activation and, at the end, the link."""
    size = int(np.prod(place.shape_out))
    last = forward_pass.columns[-1]
    if last.path == place.path and last.a.size == size:
        return float(last.a.reshape(-1)[unit])
    a = forward_pass.layer(place.path).output
    row = [layer for layer in forward_pass.layers if "." not in layer.place.path]
    after = [
        layer for layer in row if "." not in place.path and int(layer.place.path) > int(place.path)
    ]
    for layer in after:
        if layer.place.number or layer.place.kind == "pooling" or layer.output.size != size:
            break
        a = layer.output
    return float(a.reshape(-1)[unit])


def _window_terms(
    layer: Conv2D, x: Array, p: Mapping[str, Array], unit: int, out: tuple[int, ...]
) -> Summands:
    """Return the window under one output of a convolution: inputs, weights, indices, bias.

    The convolution's backward pass from this one output says which input goes with which weight.
    """
    channel = int(np.unravel_index(unit, out)[-1])
    # dW of this one output alone is its window: the inputs, each at the place of its weight.
    window = _find_window(layer, x, unit, out)
    # The same with the indices of the inputs, from 1, in their stead: 0 is padding.
    index = _find_window(
        layer, np.arange(1, x.size + 1, dtype=np.float64).reshape(x.shape), unit, out
    )
    inside = index > 0
    ws = p["W"][..., channel]
    return Summands(window[inside], ws[inside], index[inside].astype(int) - 1, p["b"][channel])


def _find_window(layer: Conv2D, x: Array, unit: int, out: tuple[int, ...]) -> Array:
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
    dW: Array = g["W"][..., np.unravel_index(unit, out)[-1]]
    return dW


@dataclass(frozen=True, slots=True)
class InputNames:
    """Function from the index of a layer's input to its name."""

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
        pixel = f"row {row}, column {column}"
        return pixel if shape[2] == 1 else f"{pixel}, channel {channel}"

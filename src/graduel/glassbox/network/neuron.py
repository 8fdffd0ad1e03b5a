"""One unit in detail: the terms of its sum (forward) and its row of dW (backward)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.network.backward_pass import Backward
from graduel.glassbox.network.dense_terms import DENSE, Summands, get_layer_scale, get_unit_terms
from graduel.glassbox.network.equations import Equation, make_equation, subscript
from graduel.glassbox.network.forward_pass import Forward, forward
from graduel.glassbox.network.layer_info import (
    LayerInfo,
    check_unit,
    find_layer,
    get_parameters,
    takes_example,
)
from graduel.glassbox.plain_data import Array, PlainData
from graduel.nn import Conv2D, Dense, EnsembleDense, EnsembleOutput, Network, NTKDense, Weights
from graduel.nn.workspace import Call, Scope


@dataclass(frozen=True, slots=True)
class Term(PlainData):
    """One term wᵢ xᵢ of a sum."""

    index: int
    name: str
    x: float
    w: float
    product: float


@dataclass(frozen=True, slots=True, eq=False)
class Neuron(PlainData):
    """The sum z = Σ wᵢ xᵢ + b of one unit, largest terms first."""

    place: LayerInfo
    unit: int
    terms: tuple[Term, ...]
    rest: float
    """The sum of the remaining terms."""
    n_rest: int
    bias: float
    z: float
    a: float
    """The activation, after normalization; in the last layer, the prediction."""
    equation: Equation
    weights_image: Array | None = None
    """The weights in the shape of the image; None if the layer's input is not an image."""
    products_image: Array | None = None
    """wᵢ xᵢ in the shape of the image."""


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
    """Compute the terms of one unit's sum, largest first.

    Parameters
    ----------
    network, weights, x : as in :func:`forward`
    layer : l of W_l, counted from 1, or an index path; a dense layer or a convolution
    unit : flat index into the layer's output
    top : number of terms to list; the remaining terms are summed
    forward_pass : the result of :func:`forward` for the same x; default: computed here
    image : shape (height, width, channels) of x if x is an image
    names : names of the features, used if the layer's input is the example itself

    Raises
    ------
    UserError
        If the layer or unit does not exist, or the layer is neither dense nor a convolution.

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
        raise UserError(f"layer must be a dense layer or a convolution; got {place.title}")
    p = get_parameters(network, weights, place.path)
    if isinstance(place.layer, Conv2D):
        summands = _window_terms(place.layer, layer_pass.input, p, unit, place.shape_out)
    else:
        summands = get_unit_terms(place.layer, layer_pass.input, p, unit)
    xs, ws = summands.x, summands.w
    products = xs.astype(np.float64) * ws
    order = rank_by_size(products, top)
    rest = np.delete(products, order)
    if not takes_example(network, place):
        image, names = None, ()
    terms = []
    for i in order:
        index = int(summands.index[i])
        name = _name_input(index, layer_pass.input.shape, image, names)
        terms.append(Term(index, name, float(xs[i]), float(ws[i]), float(products[i])))
    shape = None if isinstance(place.layer, Conv2D) else image
    return Neuron(
        place,
        unit,
        tuple(terms),
        float(rest.sum()),
        len(rest),
        float(summands.bias),
        float(layer_pass.output.reshape(-1)[unit]),
        _find_activation(forward_pass, place, unit),
        _write_sum(place, unit),
        None if shape is None else ws.reshape(shape),
        None if shape is None else products.reshape(shape),
    )


def _write_sum(place: LayerInfo, unit: int) -> Equation:
    """Return the equation of a unit's sum."""
    Z, W, b = (subscript(symbol, place.number) for symbol in "ZWb")
    x = place.takes or "x"
    layer, n = place.layer, place.shape_in[-1] if place.shape_in else 1
    by = " / √n" if not isinstance(layer, Conv2D) and get_layer_scale(layer, n) != 1 else ""
    if isinstance(layer, EnsembleDense | EnsembleOutput):
        member, member_unit = divmod(unit, layer.units)
        x = f"{x}[{member}, i]" if len(place.shape_in) == 2 else f"{x}[i]"
        if isinstance(layer, EnsembleDense):
            w = f"s[{member}, {member_unit}] {W}[{member_unit}, i] r[{member}, i]"
        else:
            w = f"{W}[{member}, {member_unit}, i]"
        return Equation(
            f"{Z}[{member}, {member_unit}] = Σᵢ {w}{by} {x} + {b}[{member}, {member_unit}]"
        )
    if by:
        return Equation(f"{Z}[{unit}] = Σᵢ {W}[{unit}, i]{by} {x}[i] + {b}[{unit}]")
    return make_equation(f"{Z}[{unit}] = Σᵢ {W}[{unit}, i] {x}[i] + {b}[{unit}]", 1)


def _find_activation(forward_pass: Forward, place: LayerInfo, unit: int) -> float:
    """Return a unit's activation; in the last layer, its prediction."""
    size = int(np.prod(place.shape_out))
    last = forward_pass.columns[-1]
    if last.path == place.path and last.a.size == size:
        return float(last.a.reshape(-1)[unit])
    a = forward_pass.layer(place.path).output
    if "." not in place.path:
        row = [layer for layer in forward_pass.layers if "." not in layer.place.path]
        for layer in row[int(place.path) + 1 :]:
            if layer.place.number or layer.place.kind == "pooling" or layer.output.size != size:
                break
            a = layer.output
    return float(a.reshape(-1)[unit])


def _window_terms(
    layer: Conv2D, x: Array, p: Mapping[str, Array], unit: int, out: tuple[int, ...]
) -> Summands:
    """Return the terms of one output of a convolution: inputs, weights, indices, bias.

    The convolution's backward pass from this output pairs each input with its weight.
    """
    channel = int(np.unravel_index(unit, out)[-1])
    # With dy = 1 for this output, dW equals its window: each input at its weight's position.
    window = _find_window(layer, x, unit, out)
    # The same for the indices of the inputs, counted from 1; 0 marks padding.
    indices = np.arange(1, x.size + 1, dtype=np.float64).reshape(x.shape)
    index = _find_window(layer, indices, unit, out)
    inside = index > 0
    ws = p["W"][..., channel]
    return Summands(window[inside], ws[inside], index[inside].astype(int) - 1, p["b"][channel])


def _find_window(layer: Conv2D, x: Array, unit: int, out: tuple[int, ...]) -> Array:
    """Return dW for a gradient of 1 at one output, shape (height, width, channels)."""
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


def _name_input(
    index: int,
    shape: tuple[int, ...],
    image: tuple[int, int, int] | None,
    names: Sequence[str],
) -> str:
    """Return the name of one input of a layer: feature name, pixel position, or index."""
    if len(names):
        return str(names[index])
    pixels = image or (shape if len(shape) == 3 else None)
    if pixels is None:
        return str(index)
    row, column, channel = (int(i) for i in np.unravel_index(index, pixels))
    pixel = f"row {row}, column {column}"
    return pixel if pixels[2] == 1 else f"{pixel}, channel {channel}"


def rank_by_size(values: Array, top: int) -> Array:
    """Return the indices of the `top` values largest in absolute value; ties keep their order."""
    return np.argsort(-np.abs(values), kind="stable")[: max(0, top)]


@dataclass(frozen=True, slots=True, eq=False)
class WeightGradients(PlainData):
    """One unit's row of dW = dZ Aᵀ: dW[j, k] = dz_j a_k, largest entries first."""

    place: LayerInfo
    unit: int
    dz: float
    terms: tuple[Term, ...]
    """x is a_k, w is dz_j (divided by √n if the layer scales its sums), product is dW[j, k]."""
    norm: float
    """√Σₖ dW[j, k]²."""
    db: float
    equations: tuple[Equation, ...]
    image: Array | None = None
    """The row in the shape of the image; None if the layer's input is not an image."""


def explain_gradients(
    network: Network,
    backward_pass: Backward,
    layer: int | str,
    unit: int,
    top: int = 20,
    *,
    image: tuple[int, int, int] | None = None,
    names: Sequence[str] = (),
) -> WeightGradients:
    """Return one unit's row of dW, largest entries first.

    Parameters
    ----------
    network : the network
    backward_pass : from :func:`~graduel.glassbox.backward`
    layer, unit, top, image, names : as in :func:`~graduel.glassbox.explain_neuron`, for a
        dense layer

    Raises
    ------
    UserError
        If the layer or unit does not exist, or the layer is not dense.
    """
    place = find_layer(network, layer)
    unit = check_unit(place, unit)
    back = backward_pass.layer(place.path)
    x = backward_pass.forward.layer(place.path).input
    if not isinstance(place.layer, Dense | NTKDense) or back.dy is None or x is None:
        raise UserError(f"layer must be a dense layer; got {place.title}")
    row = back.gradients["W"][:, unit]
    dz = float(back.dy[unit])
    factor = dz * get_layer_scale(place.layer, len(x))
    if not takes_example(network, place):
        image, names = None, ()
    terms = tuple(
        Term(int(k), _name_input(int(k), x.shape, image, names), float(x[k]), factor, float(row[k]))
        for k in rank_by_size(row, top)
    )
    return WeightGradients(
        place,
        unit,
        dz,
        terms,
        float(np.linalg.norm(row.astype(np.float64))),
        float(back.gradients["b"][unit]),
        place.backward[:2],
        None if image is None else row.reshape(image),
    )

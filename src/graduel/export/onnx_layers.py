"""Layers as nodes of an ONNX graph.

onnxruntime lacks some operators in float64 (Erf, Elu, Selu, Softplus): these are composed of
simpler operators.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import pi, sqrt

import numpy as np

from graduel import nn
from graduel.export.export_graph import ExportLayer
from graduel.export.onnx_graph import Graph
from graduel.export.onnx_images import average_pool, conv, max_pool
from graduel.nn import special
from graduel.nn.layers.gated_activation import CUBIC, ROOT

Exporter = Callable[[Graph, ExportLayer, str], str]
"""Function that appends the nodes of a layer; from the input's name it returns the output's."""


def append_layers(graph: Graph, nodes: Sequence[ExportLayer], x: str) -> str:
    """Append the nodes of layers to the value `x`; return the name of the output."""
    for node in nodes:
        x = LAYERS[type(node.layer)](graph, node, x)
    return x


def _array(graph: Graph, node: ExportLayer, name: str) -> str:
    """Add an array of the layer under its name in a network file, such as 0.W."""
    return graph.array(f"{node.name}.{name}", node.arrays[name])


def _operator(op: str) -> Exporter:
    """Return the exporter of a layer that is one operator without parameters."""
    return lambda graph, node, x: graph.node(op, x)


def _columns(graph: Graph, node: ExportLayer, x: str) -> str:
    from onnx import TensorProto

    numeric, counts = node.layer.numeric, node.layer.categorical
    if not counts:
        return x
    width, axis = graph.integers(node.shape[0]), graph.integers(1)
    codes = graph.node("Slice", x, graph.integers(numeric), width, axis)
    zero = graph.number(0.0)
    codes = graph.node("Where", graph.node("IsNaN", codes), zero, graph.node("Round", codes))
    last = graph.array(f"{node.name}.last", np.array(counts, graph.dtype) - 1)
    codes = graph.node("Min", graph.node("Max", codes, zero), last)
    codes = graph.node("Cast", codes, to=TensorProto.INT64)
    parts = [graph.node("Slice", x, graph.integers(0), graph.integers(numeric), axis)]
    for j in range(len(counts)):
        column = graph.node("Gather", codes, graph.integer(j), axis=1)
        parts.append(graph.node("Gather", _array(graph, node, f"E{j}"), column))
    return graph.node("Concat", *parts, axis=1)


def _dense(graph: Graph, node: ExportLayer, x: str) -> str:
    """Append Dense, or NTKDense with its scale multiplied into the weights."""
    W = node.arrays["W"]
    W = W / sqrt(node.shape[0]) if isinstance(node.layer, nn.NTKDense) else W
    z = graph.node("MatMul", x, graph.array(f"{node.name}.W", W))
    return graph.node("Add", z, _array(graph, node, "b"))


def _leaky_relu(graph: Graph, node: ExportLayer, x: str) -> str:
    # Not LeakyRelu, whose slope is float32.
    return graph.node("PRelu", x, graph.number(node.layer.slope))


def _elu(graph: Graph, node: ExportLayer, x: str) -> str:
    if graph.double:
        return _slow_elu(graph, x, 1.0, node.layer.alpha)
    return graph.node("Elu", x, alpha=node.layer.alpha)


def _selu(graph: Graph, node: ExportLayer, x: str) -> str:
    if graph.double:
        return _slow_elu(graph, x, nn.SELU.scale, nn.SELU.alpha)
    return graph.node("Selu", x, alpha=nn.SELU.alpha, gamma=nn.SELU.scale)


def _slow_elu(graph: Graph, x: str, scale: float, alpha: float) -> str:
    """Append λ max(0, x) + λ α (exp(min(0, x)) − 1)."""
    zero = graph.number(0.0)
    left = graph.node("Exp", graph.node("Min", x, zero))
    left = graph.node("Sub", left, graph.number(1.0))
    left = graph.node("Mul", left, graph.number(scale * alpha))
    right = graph.node("Mul", graph.node("Max", x, zero), graph.number(scale))
    return graph.node("Add", right, left)


def _softplus(graph: Graph, node: ExportLayer, x: str) -> str:
    if not graph.double:
        return graph.node("Softplus", x)
    rest = graph.node("Exp", graph.node("Neg", graph.node("Abs", x)))
    rest = graph.node("Log", graph.node("Add", rest, graph.number(1.0)))
    return graph.node("Add", graph.node("Max", x, graph.number(0.0)), rest)


def _mish(graph: Graph, node: ExportLayer, x: str) -> str:
    return graph.node("Mul", x, graph.node("Tanh", _softplus(graph, node, x)))


def _hard_swish(graph: Graph, node: ExportLayer, x: str) -> str:
    six = graph.number(6.0)
    gate = graph.node("Add", x, graph.number(3.0))
    gate = graph.node("Clip", gate, graph.number(0.0), six)
    return graph.node("Mul", x, graph.node("Div", gate, six))


def _gelu(graph: Graph, node: ExportLayer, x: str) -> str:
    if node.layer.approximate:
        u = graph.node("Mul", graph.node("Mul", x, x), graph.number(ROOT * CUBIC))
        u = graph.node("Mul", graph.node("Add", u, graph.number(ROOT)), x)
        gate = graph.node("Tanh", u)
    else:
        z = graph.node("Mul", x, graph.number(sqrt(0.5)))
        gate = _slow_erf(graph, z) if graph.double else graph.node("Erf", z)
    gate = graph.node("Add", gate, graph.number(1.0))
    return graph.node("Mul", x, graph.node("Mul", gate, graph.number(0.5)))


def _slow_erf(graph: Graph, z: str) -> str:
    """Append erf by quotients of polynomials, as in :mod:`graduel.nn.special`."""
    z = graph.node("Clip", z, graph.number(-6.0), graph.number(6.0))
    a, u = graph.node("Abs", z), graph.node("Mul", z, z)

    def quotient(x: str, above: tuple[float, ...], below: tuple[float, ...]) -> str:
        return graph.node("Div", _polynomial(graph, x, above), _polynomial(graph, x, below))

    near = graph.node("Mul", z, quotient(u, special.A, special.B))
    far = graph.node("Exp", graph.node("Neg", u))
    far = graph.node("Mul", far, quotient(a, special.C, special.D))
    far = graph.node("Mul", graph.node("Sub", graph.number(1.0), far), graph.node("Sign", z))
    beyond = graph.node("Greater", a, graph.number(special.NEAR))
    return graph.node("Where", beyond, far, near)


def _polynomial(graph: Graph, x: str, coefficients: tuple[float, ...]) -> str:
    """Append Σ cᵢ xⁱ; `coefficients` start with the highest power."""
    total = graph.number(coefficients[0])
    for c in coefficients[1:]:
        total = graph.node("Add", graph.node("Mul", total, x), graph.number(c))
    return total


def _batch_norm(graph: Graph, node: ExportLayer, x: str) -> str:
    p = node.arrays
    # Running variance and γ are one factor, as in the forward pass of the layer.
    slope = graph.array(f"{node.name}.slope", p["gamma"] / np.sqrt(p["var"] + node.layer.eps))
    x = graph.node("Sub", x, _array(graph, node, "mean"))
    return graph.node("Add", graph.node("Mul", x, slope), _array(graph, node, "beta"))


def _layer_norm(graph: Graph, node: ExportLayer, x: str) -> str:
    # Not LayerNormalization: a runtime can compute the variance as mean(x²) − mean(x)², which is
    # inaccurate for a large mean.
    x = graph.node("Sub", x, graph.node("ReduceMean", x, axes=[-1]))
    var = graph.node("ReduceMean", graph.node("Mul", x, x), axes=[-1])
    root = graph.node("Sqrt", graph.node("Add", var, graph.number(node.layer.eps)))
    x = graph.node("Mul", graph.node("Div", x, root), _array(graph, node, "gamma"))
    return graph.node("Add", x, _array(graph, node, "beta"))


def _reshape(graph: Graph, node: ExportLayer, x: str) -> str:
    return graph.node("Reshape", x, graph.integers(0, *node.out))  # 0: any number of rows


def _parametric(graph: Graph, node: ExportLayer, x: str) -> str:
    difference = graph.node("Sub", append_layers(graph, node.kids, x), x)
    return graph.node("Add", x, graph.node("Mul", difference, _array(graph, node, "alpha")))


def _ensemble(graph: Graph, node: ExportLayer, x: str) -> str:
    """Append EnsembleDense; all members share an input without a member axis."""
    i, p = node.shape[-1], node.arrays
    if len(node.shape) == 1:
        x = graph.node("Reshape", x, graph.integers(0, 1, i))
    W, b, r = (graph.array(f"{node.name}.{name}", p[name]) for name in ("W", "b", "r"))
    factor = p["s"] / sqrt(i) if node.layer.scaled else p["s"]
    s = graph.array(f"{node.name}.s", factor)
    z = graph.node("MatMul", graph.node("Mul", x, r), W)
    return graph.node("Add", graph.node("Mul", z, s), b)


def _ensemble_output(graph: Graph, node: ExportLayer, x: str) -> str:
    """Append EnsembleOutput: one matrix product per member."""
    W = node.arrays["W"]
    each = graph.array(f"{node.name}.W", W / sqrt(W.shape[1]) if node.layer.scaled else W)
    return graph.node("Add", _multiply_each(graph, x, each), _array(graph, node, "b"))


def _periodic_embedding(graph: Graph, node: ExportLayer, x: str) -> str:
    """Append PBLD: each numeric column with its periodic embedding, then the other columns."""
    p, (i,) = node.arrays, node.shape
    columns = node.layer.columns
    numbers = tuple(range(i)) if columns is None else columns
    if not numbers:
        return x
    rest = [j for j in range(i) if j not in numbers]
    selected = graph.node("Gather", x, graph.integers(*numbers), axis=1)
    column = graph.node("Reshape", selected, graph.integers(0, len(numbers), 1))
    frequency = graph.array(f"{node.name}.frequency", p["w"] * np.asarray(2 * pi, graph.dtype))
    phase, A, c = (graph.array(f"{node.name}.{name}", p[name]) for name in ("b", "A", "c"))
    cosine = graph.node("Cos", graph.node("Add", graph.node("Mul", column, frequency), phase))
    cosine = graph.node("Add", _multiply_each(graph, cosine, A), c)
    both = graph.node("Concat", column, cosine, axis=2)
    width = len(numbers) * node.layer.size
    y = graph.node("Reshape", both, graph.integers(0, width))
    if not rest:
        return y
    return graph.node("Concat", y, graph.node("Gather", x, graph.integers(*rest), axis=1), axis=1)


def _multiply_each(graph: Graph, x: str, W: str) -> str:
    """Append the product of x, shape (n, k, i), with one matrix for each of the k."""
    z = graph.node("MatMul", graph.node("Transpose", x, perm=[1, 0, 2]), W)
    return graph.node("Transpose", z, perm=[1, 0, 2])


LAYERS: Mapping[type, Exporter] = {
    nn.Columns: _columns,
    nn.PBLD: _periodic_embedding,
    nn.Dense: _dense,
    nn.NTKDense: _dense,
    nn.EnsembleDense: _ensemble,
    nn.EnsembleOutput: _ensemble_output,
    nn.Conv2D: conv,
    nn.MaxPool2D: max_pool,
    nn.AveragePool2D: average_pool,
    nn.BatchNorm: _batch_norm,
    nn.LayerNorm: _layer_norm,
    nn.Scale: lambda graph, node, x: graph.node("Mul", x, _array(graph, node, "s")),
    nn.Dropout: lambda graph, node, x: x,
    nn.Noise: lambda graph, node, x: x,
    nn.Identity: lambda graph, node, x: x,
    nn.Flatten: _reshape,
    nn.Reshape: _reshape,
    nn.Residual: lambda graph, node, x: graph.node("Add", x, append_layers(graph, node.kids, x)),
    nn.Parametric: _parametric,
    nn.ReLU: _operator("Relu"),
    nn.LeakyReLU: _leaky_relu,
    nn.ParametricReLU: lambda graph, node, x: graph.node("PRelu", x, _array(graph, node, "slope")),
    nn.ELU: _elu,
    nn.SELU: _selu,
    nn.GELU: _gelu,
    nn.SiLU: lambda graph, node, x: graph.node("Mul", x, graph.node("Sigmoid", x)),
    nn.Mish: _mish,
    nn.HardSwish: _hard_swish,
    nn.Softplus: _softplus,
    nn.Sigmoid: _operator("Sigmoid"),
    nn.Tanh: _operator("Tanh"),
}
"""The exporter of each layer of graduel.nn."""

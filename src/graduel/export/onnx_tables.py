"""Layers for tables, and heads that share a matrix, as nodes of an ONNX graph."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np

from graduel.export.export_graph import ExportLayer
from graduel.export.onnx_graph import Graph


def scaled_dense(graph: Graph, node: ExportLayer, x: str) -> str:
    """Append NTKDense: the scale becomes part of the weights."""
    W = graph.array(f"{node.name}.W", node.arrays["W"] / sqrt(node.shape[0]))
    b = graph.array(f"{node.name}.b", node.arrays["b"])
    return graph.node("Add", graph.node("MatMul", x, W), b)


def ensemble(graph: Graph, node: ExportLayer, x: str) -> str:
    """Append EnsembleDense; a single input is every head's."""
    i, p = node.shape[-1], node.arrays
    if len(node.shape) == 1:
        x = graph.node("Reshape", x, graph.integers(0, 1, i))
    W, b, r = (graph.array(f"{node.name}.{name}", p[name]) for name in ("W", "b", "r"))
    factor = p["s"] / sqrt(i) if node.layer.scaled else p["s"]
    s = graph.array(f"{node.name}.s", factor)
    z = graph.node("MatMul", graph.node("Mul", x, r), W)
    return graph.node("Add", graph.node("Mul", z, s), b)


def heads(graph: Graph, node: ExportLayer, x: str) -> str:
    """Append HeadsDense: a product for each head."""
    W = node.arrays["W"]
    each = graph.array(f"{node.name}.W", W / sqrt(W.shape[1]) if node.layer.scaled else W)
    b = graph.array(f"{node.name}.b", node.arrays["b"])
    return graph.node("Add", _multiply_each(graph, x, each), b)


def periodic_embedding(graph: Graph, node: ExportLayer, x: str) -> str:
    """Append PBLD: each number beside its waves, then the other columns."""
    p, (i,) = node.arrays, node.shape
    columns = node.layer.columns
    numbers = tuple(range(i)) if columns is None else columns
    if not numbers:
        return x
    rest = [j for j in range(i) if j not in numbers]
    chosen = graph.node("Gather", x, graph.integers(*numbers), axis=1)
    column = graph.node("Reshape", chosen, graph.integers(0, len(numbers), 1))
    frequency = graph.array(f"{node.name}.frequency", p["w"] * np.asarray(2 * pi, graph.dtype))
    phase, A, c = (graph.array(f"{node.name}.{name}", p[name]) for name in ("b", "A", "c"))
    wave = graph.node("Cos", graph.node("Add", graph.node("Mul", column, frequency), phase))
    wave = graph.node("Add", _multiply_each(graph, wave, A), c)
    both = graph.node("Concat", column, wave, axis=2)
    width = len(numbers) * node.layer.size
    y = graph.node("Reshape", both, graph.integers(0, width))
    if not rest:
        return y
    return graph.node("Concat", y, graph.node("Gather", x, graph.integers(*rest), axis=1), axis=1)


def _multiply_each(graph: Graph, x: str, W: str) -> str:
    """Multiply x, of shape (n, k, i), by a matrix for each of the k."""
    z = graph.node("MatMul", graph.node("Transpose", x, perm=[1, 0, 2]), W)
    return graph.node("Transpose", z, perm=[1, 0, 2])

"""Layers for tables, and heads that share a matrix, as a line or two of NumPy."""

from __future__ import annotations

from math import sqrt

from graduel.export.code_builder import CodeBuilder
from graduel.export.export_graph import ExportLayer


def scaled_dense(builder: CodeBuilder, node: ExportLayer) -> None:
    """Write NTKDense."""
    W, b = (builder.array(name, node.arrays[name]) for name in ("W", "b"))
    builder.weigh(
        f"{{x}} @ {W} / {sqrt(node.shape[0])!r} + {b}",
        f"NTKDense: {{to}} = {{x}} {W} / sqrt({node.shape[0]}) + {b}",
    )


def ensemble(builder: CodeBuilder, node: ExportLayer) -> None:
    """Write EnsembleDense; a single input is every head's."""
    i = node.shape[-1]
    W, b, r, s = (builder.array(name, node.arrays[name]) for name in ("W", "b", "r", "s"))
    x = "{x}[:, None]" if len(node.shape) == 1 else "{x}"
    by = f" / {sqrt(i)!r}" if node.layer.scaled else ""
    builder.weigh(
        f"({x} * {r}) @ {W}{by} * {s} + {b}",
        f"EnsembleDense: {node.layer.heads} heads share {W}, each with its own {r}, {s}, {b}",
    )


def heads(builder: CodeBuilder, node: ExportLayer) -> None:
    """Write HeadsDense."""
    W, b = (builder.array(name, node.arrays[name]) for name in ("W", "b"))
    by = f" / {sqrt(node.shape[1])!r}" if node.layer.scaled else ""
    builder.weigh(
        f'np.einsum("nki,kio->nko", {{x}}, {W}){by} + {b}',
        f"HeadsDense: a matrix for each of {node.layer.heads} heads",
    )


def periodic_embedding(builder: CodeBuilder, node: ExportLayer) -> None:
    """Write PBLD."""
    (i,), columns = node.shape, node.layer.columns
    numbers = tuple(range(i)) if columns is None else columns
    if not numbers:
        builder.line("", f"PBLD: {builder.variable} stays as it is")
        return
    builder.helpers.add("waves")
    named = (("wave", "w"), ("phase", "b"), ("mix", "A"), ("shift", "c"))
    arrays = ", ".join(builder.array(name, node.arrays[key]) for name, key in named)
    chosen = "{x}" if columns is None else f"{{x}}[:, {list(numbers)}]"
    code = f"waves({chosen}, {arrays})"
    rest = [j for j in range(i) if j not in numbers]
    if rest:
        code = f"np.hstack([{code}, {{x}}[:, {rest}]])"
    builder.change(code, "PBLD: each number beside its waves")

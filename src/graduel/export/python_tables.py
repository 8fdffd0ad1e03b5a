"""Layers for tables, and heads that share a matrix, as a line or two of NumPy."""

from __future__ import annotations

from math import sqrt

from graduel.export.code_builder import CodeBuilder
from graduel.export.export_graph import ExportLayer


def scaled_dense(page: CodeBuilder, place: ExportLayer) -> None:
    """Write NTKDense."""
    W, b = (page.array(name, place.arrays[name]) for name in ("W", "b"))
    page.weigh(
        f"{{x}} @ {W} / {sqrt(place.shape[0])!r} + {b}",
        f"NTKDense: {{to}} = {{x}} {W} / sqrt({place.shape[0]}) + {b}",
    )


def ensemble(page: CodeBuilder, place: ExportLayer) -> None:
    """Write EnsembleDense; a single input is every head's."""
    i = place.shape[-1]
    W, b, r, s = (page.array(name, place.arrays[name]) for name in ("W", "b", "r", "s"))
    x = "{x}[:, None]" if len(place.shape) == 1 else "{x}"
    by = f" / {sqrt(i)!r}" if place.layer.scaled else ""
    page.weigh(
        f"({x} * {r}) @ {W}{by} * {s} + {b}",
        f"EnsembleDense: {place.layer.heads} heads share {W}, each with its own {r}, {s}, {b}",
    )


def heads(page: CodeBuilder, place: ExportLayer) -> None:
    """Write HeadsDense."""
    W, b = (page.array(name, place.arrays[name]) for name in ("W", "b"))
    by = f" / {sqrt(place.shape[1])!r}" if place.layer.scaled else ""
    page.weigh(
        f'np.einsum("nki,kio->nko", {{x}}, {W}){by} + {b}',
        f"HeadsDense: a matrix for each of {place.layer.heads} heads",
    )


def periodic_embedding(page: CodeBuilder, place: ExportLayer) -> None:
    """Write PBLD."""
    (i,), own = place.shape, place.layer.columns
    numbers = tuple(range(i)) if own is None else own
    if not numbers:
        page.line("", f"PBLD: {page.now} stays as it is")
        return
    page.helpers.add("waves")
    named = (("wave", "w"), ("phase", "b"), ("mix", "A"), ("shift", "c"))
    arrays = ", ".join(page.array(name, place.arrays[key]) for name, key in named)
    chosen = "{x}" if own is None else f"{{x}}[:, {list(numbers)}]"
    code = f"waves({chosen}, {arrays})"
    rest = [j for j in range(i) if j not in numbers]
    if rest:
        code = f"np.hstack([{code}, {{x}}[:, {rest}]])"
    page.change(code, "PBLD: each number beside its waves")

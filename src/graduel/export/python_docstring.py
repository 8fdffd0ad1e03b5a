"""The docstring of a generated file."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from graduel.export import python_text as text
from graduel.export.export_graph import ExportGraph, ExportLayer
from graduel.export.python_layers import format_shape

FEW = 20
"""The most classes that are listed."""


def describe_scale(scale: float) -> str:
    """Return the scaling of X as code; a division where that is shorter.

    >>> describe_scale(0.5), describe_scale(1 / 255), describe_scale(0.3)
    ('/ 2', '/ 255', '* 0.3')
    """
    whole = round(1 / scale) if 1e-6 < scale < 1 else 0
    return f"/ {whole}" if whole and 1 / whole == scale else f"* {scale!r}"


def write_docstring(exported: ExportGraph, title: str, *, named: bool) -> list[str]:
    """Write the module's title, layers, classes and usage."""
    network = exported.network
    probabilities = exported.link in ("softmax", "sigmoid")
    first, *more = text.escape_docstring(title, 90)
    values = prod(network.input_shape)
    lines = [f'"""{first}', *more, ""]
    lines += [
        f"A trained network of {network.layout.size:,} parameters, computed in {network.dtype}:",
        "",
        *_table(exported),
        "",
    ]
    if exported.classes is not None:
        names = ", ".join(map(repr, exported.classes[:FEW]))
        rest = f" and {len(exported.classes) - FEW} more" if len(exported.classes) > FEW else ""
        lines += [*text.escape_docstring(f"Classes: {names}{rest}."), ""]
    order = ", in the order of COLUMNS" if named else ""
    lines += [f"X has {values} numbers for each example{order}.", ""]
    if probabilities:
        lines.append(f"    predict_proba(X)  probabilities, shape (n, {_shape(exported.out)})")
    lines += [
        f"    predict(X)        {_describe_prediction(exported)}",
        "",
        f"As a script it reads a CSV file, {values} numbers on each line with commas between them,",
        "and prints an answer for each line:",
        "",
        "    python this_file.py rows.csv",
        "",
        "It needs NumPy and nothing else. The equations come first, the numbers that training",
        "found stand at the end. graduel wrote this file.",
        '"""',
    ]
    return lines


def _describe_prediction(exported: ExportGraph) -> str:
    """Describe the result of predict."""
    if exported.link == "softmax" or exported.pair:
        label = "class" if exported.classes is not None else "number of the class, from 0"
        return f"the likeliest {label}, shape (n,)"
    out = f"shape (n, {_shape(exported.out)})"
    if exported.link == "sigmoid":
        return f"1 where the probability is above one half, else 0, {out}"
    return f"the network's answers, {out}"


def _shape(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))


def _table(exported: ExportGraph) -> list[str]:
    """Tabulate layers, their output shapes and their parameters."""
    network = exported.network
    scaled = f"X {describe_scale(exported.scale)}" if exported.scale != 1 else ""
    rows = [("input", format_shape(network.input_shape), scaled)]

    def add(nodes: Sequence[ExportLayer], depth: int) -> None:
        for node in nodes:
            name = "  " * depth + type(node.layer).__name__
            names = {f"{node.name}.{array}" for array in node.arrays}
            size = sum(entry.size for entry in network.layout.entries if entry.name in names)
            rows.append((name, format_shape(node.out), f"{size:,} parameters" if size else ""))
            add(node.kids, depth + 1)

    add(exported.nodes, 0)
    if exported.link != "identity":
        rows.append((exported.link, format_shape(exported.out), ""))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return [
        f"    {name:<{widths[0]}}  {out:<{widths[1]}}  {note:>{widths[2]}}".rstrip()
        for name, out, note in rows
    ]

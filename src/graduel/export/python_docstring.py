"""What a generated file says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from graduel.export import python_text as text
from graduel.export.export_graph import ExportGraph, ExportLayer
from graduel.export.python_layers import format_shape

FEW = 20
"""So many classes are named."""


def describe_scale(scale: float) -> str:
    """Write what is done to X; a division where that is the shorter way to say it.

    >>> describe_scale(0.5), describe_scale(1 / 255), describe_scale(0.3)
    ('/ 2', '/ 255', '* 0.3')
    """
    whole = round(1 / scale) if 1e-6 < scale < 1 else 0
    return f"/ {whole}" if whole and 1 / whole == scale else f"* {scale!r}"


def write_docstring(subject: ExportGraph, title: str, *, named: bool) -> list[str]:
    """Write what the module is and how it is used."""
    network = subject.network
    probabilities = subject.link in ("softmax", "sigmoid")
    first, *more = text.escape_docstring(title, 90)
    values = prod(network.input_shape)
    lines = [f'"""{first}', *more, ""]
    lines += [
        f"A trained network of {network.layout.size:,} parameters, computed in {network.dtype}:",
        "",
        *_table(subject),
        "",
    ]
    if subject.classes is not None:
        names = ", ".join(map(repr, subject.classes[:FEW]))
        rest = f" and {len(subject.classes) - FEW} more" if len(subject.classes) > FEW else ""
        lines += [*text.escape_docstring(f"Classes: {names}{rest}."), ""]
    order = ", in the order of COLUMNS" if named else ""
    lines += [f"X has {values} numbers for each example{order}.", ""]
    if probabilities:
        lines.append(f"    predict_proba(X)  probabilities, shape (n, {_shape(subject.out)})")
    lines += [
        f"    predict(X)        {_says(subject)}",
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


def _says(subject: ExportGraph) -> str:
    """Tell what predict returns."""
    if subject.link == "softmax" or subject.pair:
        label = "class" if subject.classes is not None else "number of the class, from 0"
        return f"the likeliest {label}, shape (n,)"
    out = f"shape (n, {_shape(subject.out)})"
    if subject.link == "sigmoid":
        return f"1 where the probability is above one half, else 0, {out}"
    return f"the network's answers, {out}"


def _shape(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))


def _table(subject: ExportGraph) -> list[str]:
    """Tabulate layers, what comes out of them, and their parameters."""
    network = subject.network
    scaled = f"X {describe_scale(subject.scale)}" if subject.scale != 1 else ""
    rows = [("input", format_shape(network.input_shape), scaled)]

    def add(places: Sequence[ExportLayer], depth: int) -> None:
        for place in places:
            name = "  " * depth + type(place.layer).__name__
            own = sum(e.size for e in network.layout.entries if e.name in _owned(place))
            rows.append((name, format_shape(place.out), f"{own:,} parameters" if own else ""))
            add(place.kids, depth + 1)

    add(subject.places, 0)
    if subject.link != "identity":
        rows.append((subject.link, format_shape(subject.out), ""))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return [
        f"    {name:<{widths[0]}}  {out:<{widths[1]}}  {note:>{widths[2]}}".rstrip()
        for name, out, note in rows
    ]


def _owned(place: ExportLayer) -> set[str]:
    return {f"{place.name}.{name}" for name in place.arrays}

"""One example in one model, on the screen."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from math import isfinite
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from graduel.cli.views.image_blocks import draw_blocks
from graduel.glassbox.inspection import (
    Inspection,
    NetInspection,
    TreeInspection,
    rank_inputs,
)
from graduel.glassbox.network.equations import FILE, Equation
from graduel.glassbox.network.neuron import Term
from graduel.glassbox.trees.tree_votes import Path

MOST_CLASSES = 12
"""Of more classes, the most probable are shown."""
MOST_FEATURES = 40
"""Of more columns of a table, the first are shown."""


def show(found: Inspection, console: Console) -> None:
    """Print everything, from the example to the step."""
    _say(console, f"{found.title}: {found.where}")
    _example(found, console)
    _answers(found, console)
    if found.net is not None:
        _forward(found, found.net, console)
        _backward(found, found.net, console)
        _step(found, found.net, console)
    if found.trees is not None:
        _trees(found, found.trees, console)


def _say(console: Console, text: str, style: str | None = None) -> None:
    console.print(Text(text, style or ""), highlight=False)


def _head(console: Console, text: str) -> None:
    console.print()
    _say(console, text, "bold")


def _equation(one: Equation) -> str:
    """Write an equation with its number and its line."""
    if one.line is None:
        return one.text
    return f"{one.text}   ({one.number}) {one.line.file}:{one.line.number}"


def number(value: float) -> str:
    """Write a number so that a column of them can be read.

    >>> number(0.12345678), number(-1234.5), number(1e-9), number(45.0)
    ('0.1235', '-1234', '1.000e-09', '45')
    """
    if not isfinite(value):
        return str(value)
    if value == round(value) and abs(value) < 1e5:
        return str(round(value))
    if 1e-3 <= abs(value) < 1e5:
        return f"{value:.4f}" if abs(value) < 100 else f"{value:.0f}"
    return f"{value:.3e}"


def _table(*headings: str, title: str | None = None) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, heading in enumerate(headings):
        table.add_column(escape(heading), justify="left" if i == 0 else "right")
    return table


def _rows(table: Table, rows: Iterable[Iterable[str]]) -> Table:
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def _example(found: Inspection, console: Console) -> None:
    if found.example.image is not None:
        console.print(draw_blocks(found.example.image, console))
        return
    if not found.example.features:
        return
    _head(console, "The example, and the numbers that are made of it")
    table = _table("Column", "as it came", "prepared")
    table.columns[1].justify = table.columns[2].justify = "left"
    for feature in found.example.features[:MOST_FEATURES]:
        raw = "missing" if feature.raw is None else feature.raw
        made = "; ".join(_input(one.name, feature.name, one.value) for one in _telling(feature))
        table.add_row(escape(feature.name), escape(raw[:30]), escape(made))
    console.print(table)
    if (more := len(found.example.features) - MOST_FEATURES) > 0:
        _say(console, f"and {more} more columns")


def _telling(feature: Any) -> list[Any]:
    """Return the inputs that say something: of one-hot columns, those that are not 0."""
    return [one for one in feature.inputs if one.value != 0] or list(feature.inputs[:1])


def _input(name: str, column: str, value: float) -> str:
    short = name if name != column else ""
    return f"{short}: {number(value)}" if short else number(value)


def _answers(found: Inspection, console: Console) -> None:
    p, true = found.probabilities, found.label
    head = f"The answer: {found.classes[found.prediction]}, with {100 * p[found.prediction]:.2f} %"
    if found.label_known:
        right = "right" if found.prediction == true else f"wrong: it is {found.classes[true]}"
        head += f" ({right})"
    _head(console, head)
    if not found.label_known:
        _say(console, "No label is known; the answer is taken as true. --label names another.")
    table = _table("Class", "probability", "")
    table.columns[2].justify = "left"
    for k in _classes(found):
        table.add_row(escape(found.classes[k]), f"{p[k]:.4f}", "█" * round(40 * float(p[k])))
    console.print(table)


def _classes(found: Inspection) -> list[int]:
    """Return the classes to show: all, or the most probable, and the true one."""
    n = len(found.classes)
    if n <= MOST_CLASSES:
        return list(range(n))
    best = [int(k) for k in np.argsort(-found.probabilities, kind="stable")[:MOST_CLASSES]]
    return best if found.label in best else [*best, found.label]


def _terms(terms: Iterable[Term], x: str, w: str, product: str) -> Table:
    rows = ([t.name, number(t.x), number(t.w), number(t.product)] for t in terms)
    return _rows(_table("input", x, w, product), rows)


def _forward(found: Inspection, net: NetInspection, console: Console) -> None:
    _head(console, f"Forward, through {net.parameters:,} parameters")
    table = _table("layer", "computes", "units", "at 0", "largest")
    table.columns[1].justify = "left"
    for one in net.forward.layers:
        a = one.output
        cells = (one.place.title, one.place.forward.text[:44], f"{a.size:,}")
        table.add_row(*map(escape, cells), f"{int((a == 0).sum()):,}", number(float(a.max())))
    console.print(table)
    for one_neuron in net.neurons:
        place, l = one_neuron.place, one_neuron.place.number
        name = f"Unit {one_neuron.unit} of layer {l}, {place.title}"
        _head(console, name)
        _say(console, _equation(one_neuron.equation))
        console.print(_terms(one_neuron.terms, "x", "w", "w·x"))
        shown = sum(term.product for term in one_neuron.terms)
        sums = _table("", "")
        last = (
            one_neuron.place is net.neurons[-1].place
            and place.number == len(net.forward.columns) - 1
            and place.shape_out == net.forward.answers.shape
        )
        _rows(
            sums,
            [
                [f"these {len(one_neuron.terms)} terms", number(shown)],
                [f"the other {one_neuron.n_rest:,}", number(one_neuron.rest)],
                ["bias b", number(one_neuron.bias)],
                ["z, the sum", number(one_neuron.z)],
                ["a, " + ("its probability" if last else "what goes on"), number(one_neuron.a)],
            ],
        )
        sums.show_header = False
        console.print(sums)
    _softmax(found, net, console)


def _softmax(found: Inspection, net: NetInspection, console: Console) -> None:
    steps = net.forward.softmax
    if steps is None:
        return
    _head(console, "Softmax, step by step, and the loss's gradient")
    _say(console, _equation(steps.equation))
    for told in net.backward.output:
        _say(console, _equation(told))
    table = _table("class", "z", "z − max", "exp", "a = exp / Σ", "Y", "dZ = A − Y")
    for k in _classes(found):
        values = (steps.z[k], steps.shifted[k], steps.exponentials[k], steps.a[k])
        ends = (net.backward.target[k], net.backward.dz[k])
        table.add_row(escape(found.classes[k]), *(number(float(v)) for v in (*values, *ends)))
    console.print(table)
    _say(console, f"max = {number(steps.largest)}, Σ exp = {number(steps.total)}")


def _backward(found: Inspection, net: NetInspection, console: Console) -> None:
    true = found.classes[found.label]
    _head(console, f"Backward from the loss {number(net.backward.loss)}, with {true} as true")
    _say(console, f"lines are those of {FILE}")
    table = _table("layer", "computes", "line", "size")
    table.columns[1].justify = table.columns[2].justify = "left"
    for one in net.backward.layers:
        sizes = [f"‖d{name}‖ {_norm(g)}" for name, g in one.gradients.items()]
        if one.gate is not None:
            sizes.append(f"{int(one.gate.sum()):,} of {one.gate.size:,} let through")
        if one.place.kind != "dropout" and one.gate is None:
            sizes.append(f"‖dx‖ {_norm(one.dx)}")
        for i, (told, size) in enumerate(zip_longest(one.place.backward, sizes, fillvalue=None)):
            title = one.place.title if i == 0 else ""
            table.add_row(*map(escape, (title, *_in_cells(told), size or "")))
    console.print(table)
    for row in net.rows:
        _head(console, f"dW of unit {row.unit} of layer {row.place.number}")
        for told in row.equations:
            _say(console, _equation(told))
        if row.norm == 0:
            why = "its gate was shut" if row.dz == 0 else "its inputs are 0"
            _say(console, f"dz = {number(row.dz)}: {why}, and this example changes none of it.")
            continue
        console.print(_terms(row.terms, "a", "dz", "dW = dz·a"))
        _say(console, f"db = dz = {number(row.db)}; ‖dW‖ of the unit {number(row.norm)}")


def _in_cells(one: Equation | None) -> tuple[str, str]:
    """Return an equation, and its number with its line."""
    if one is None:
        return "", ""
    return one.text, "" if one.line is None else f"({one.number}) {one.line.number}"


def _norm(array: Any) -> str:
    return number(float(np.linalg.norm(array.astype(np.float64))))


def _step(found: Inspection, net: NetInspection, console: Console) -> None:
    one, k = net.step, found.label
    _head(console, f"One gradient step on this example, α = {one.lr:g}")
    _say(console, _equation(one.equation))
    fell = one.loss_before - one.loss_after
    verdict = "it helped" if one.helped else "it did not help: the step was too long"
    if fell == 0:
        verdict = "nothing changed"
    loss = f"loss {number(one.loss_before)} → {number(one.loss_after)}"
    _say(console, f"{loss}: {verdict}. α ‖gradient‖² = {number(one.expected)} was to be gained.")
    before, after = 100 * float(one.before[k]), 100 * float(one.after[k])
    _say(console, f"probability of {found.classes[k]}: {before:.3f} % → {after:.3f} %")


def _trees(found: Inspection, trees: TreeInspection, console: Console) -> None:
    told = trees.votes
    _head(console, f"The votes of {trees.rounds:,} rounds, {told.kind}, in log-odds")
    marks = sorted({0, 1, trees.rounds // 4, trees.rounds // 2, trees.rounds})
    table = _table("class", *(f"after {n}" for n in marks))
    for k, name in enumerate(trees.groups):
        table.add_row(escape(name), *(number(float(told.so_far[n, k])) for n in marks))
    console.print(table)
    for one in told.strongest[:3]:
        _path(trees, one, console)
    if trees.shap is None:
        _head(console, "No SHAP values")
        _say(console, trees.why_no_shap)
        return
    k = 0 if len(trees.groups) == 1 else trees.groups.index(found.classes[found.prediction])
    values = trees.shap.values[k]
    _head(console, f"SHAP: what each input added to the log-odds of {trees.groups[k]}")
    inputs = rank_inputs(values, found.top)
    rows = ([found.names[i], trees.inputs[i], number(float(values[i]))] for i in inputs)
    console.print(_rows(_table("input", "value", "added"), rows))
    rest = float(values.sum() - values[inputs].sum())
    _say(
        console,
        f"expected {number(float(trees.shap.bias[k]))}, these {len(inputs)} "
        f"{number(float(values[inputs].sum()))}, all others {number(rest)}: "
        f"margin {number(float(trees.shap.margin[k]))}",
    )


def _path(trees: TreeInspection, one: Path, console: Console) -> None:
    most = f"{number(one.value)} for {trees.groups[one.strongest]}"
    also = ", and less for the others" if one.group is None else ""
    _head(console, f"Tree {one.tree}, of round {one.round}: {most}{also}")
    rows = (
        [
            f"{split.name} {split.condition}?",
            split.value_text,
            split.went,
        ]
        for split in one.splits
    )
    console.print(_rows(_table("asks", "value", "goes"), rows))

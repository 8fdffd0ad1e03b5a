"""Terminal output of one example in a model."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from graduel.cli.views.image_blocks import draw_blocks
from graduel.cli.views.inspect_text import (
    add_rows,
    build_table,
    print_heading,
    print_text,
)
from graduel.cli.views.inspect_trees import print_trees
from graduel.glassbox.inspection import Inspection, NetInspection
from graduel.glassbox.network.equations import FILE, Equation
from graduel.glassbox.network.neuron import Term
from graduel.number_format import format_number, format_percent, format_term

MOST_CLASSES = 12
"""Most classes shown; of more, the most probable."""
MOST_FEATURES = 40
"""Most columns of a table shown; of more, the first."""


def show(inspection: Inspection, console: Console) -> None:
    """Print the inspection, from the example to the gradient step."""
    print_text(console, f"{inspection.title}: {inspection.where}")
    _print_example(inspection, console)
    _print_prediction(inspection, console)
    if inspection.net is not None:
        _print_forward(inspection, inspection.net, console)
        _print_backward(inspection, inspection.net, console)
        _print_step(inspection, inspection.net, console)
    if inspection.trees is not None:
        print_trees(inspection, inspection.trees, console)


def _format_equation(one: Equation) -> str:
    """Return an equation with its number and its line of code."""
    if one.line is None:
        return one.text
    return f"{one.text}   ({one.number}) {one.line.file}:{one.line.number}"


def _print_example(inspection: Inspection, console: Console) -> None:
    if inspection.example.image is not None:
        console.print(draw_blocks(inspection.example.image, console))
        return
    if not inspection.example.features:
        return
    print_heading(console, "Example and prepared inputs")
    table = build_table("Column", "value", "prepared")
    table.columns[1].justify = table.columns[2].justify = "left"
    for feature in inspection.example.features[:MOST_FEATURES]:
        raw = "missing" if feature.raw is None else feature.raw
        inputs = "; ".join(
            _format_input(one.name, feature.name, one.value) for one in _select_inputs(feature)
        )
        table.add_row(escape(feature.name), escape(raw[:30]), escape(inputs))
    console.print(table)
    if (more := len(inspection.example.features) - MOST_FEATURES) > 0:
        print_text(console, f"and {more} more columns")


def _select_inputs(feature: Any) -> list[Any]:
    """Return the inputs to show: those that are not 0 of one-hot columns."""
    return [one for one in feature.inputs if one.value != 0] or list(feature.inputs[:1])


def _format_input(name: str, column: str, value: float) -> str:
    short = name if name != column else ""
    return f"{short}: {format_term(value)}" if short else format_term(value)


def _print_prediction(inspection: Inspection, console: Console) -> None:
    p, true = inspection.probabilities, inspection.label
    predicted = inspection.prediction
    head = (
        f"Prediction: {inspection.classes[predicted]}, with {format_percent(float(p[predicted]))}"
    )
    if inspection.label_known:
        right = "correct" if predicted == true else f"wrong: true class {inspection.classes[true]}"
        head += f" ({right})"
    print_heading(console, head)
    if not inspection.label_known:
        print_text(
            console,
            "The label is unknown; the prediction is taken as true. Set another with --label.",
        )
    table = build_table("Class", "probability", "")
    table.columns[2].justify = "left"
    for k in _select_classes(inspection):
        table.add_row(
            escape(inspection.classes[k]), format_number(p[k]), "█" * round(40 * float(p[k]))
        )
    console.print(table)


def _select_classes(inspection: Inspection) -> list[int]:
    """Return the classes to show: all, or the most probable and the true one."""
    n = len(inspection.classes)
    if n <= MOST_CLASSES:
        return list(range(n))
    best = [int(k) for k in np.argsort(-inspection.probabilities, kind="stable")[:MOST_CLASSES]]
    return best if inspection.label in best else [*best, inspection.label]


def _build_terms(terms: Iterable[Term], x: str, w: str, product: str) -> Table:
    rows = ([t.name, format_term(t.x), format_term(t.w), format_term(t.product)] for t in terms)
    return add_rows(build_table("input", x, w, product), rows)


def _print_forward(inspection: Inspection, net: NetInspection, console: Console) -> None:
    print_heading(console, f"Forward pass through {net.parameters:,} parameters")
    table = build_table("layer", "equation", "units", "zeros", "largest")
    table.columns[1].justify = "left"
    for one in net.forward.layers:
        a = one.output
        cells = (one.place.title, one.place.forward.text, f"{a.size:,}")
        table.add_row(*map(escape, cells), f"{int((a == 0).sum()):,}", format_term(float(a.max())))
    console.print(table)
    for one_neuron in net.neurons:
        place, l = one_neuron.place, one_neuron.place.number
        name = f"Unit {one_neuron.unit} of layer {l}, {place.title}"
        print_heading(console, name)
        print_text(console, _format_equation(one_neuron.equation))
        console.print(_build_terms(one_neuron.terms, "x", "w", "w·x"))
        shown = sum(term.product for term in one_neuron.terms)
        sums = build_table("", "")
        last = (
            one_neuron.place is net.neurons[-1].place
            and place.number == len(net.forward.columns) - 1
            and place.shape_out == net.forward.predictions.shape
        )
        add_rows(
            sums,
            [
                [f"these {len(one_neuron.terms)} terms", format_term(shown)],
                [f"the other {one_neuron.n_rest:,}", format_term(one_neuron.rest)],
                ["bias b", format_term(one_neuron.bias)],
                ["z, the sum", format_term(one_neuron.z)],
                [
                    "a, " + ("its probability" if last else "the output"),
                    format_term(one_neuron.a),
                ],
            ],
        )
        sums.show_header = False
        console.print(sums)
    _print_softmax(inspection, net, console)


def _print_softmax(inspection: Inspection, net: NetInspection, console: Console) -> None:
    steps = net.forward.softmax
    if steps is None:
        return
    print_heading(console, "Softmax step by step, and the gradient of the loss")
    print_text(console, _format_equation(steps.equation))
    for equation in net.backward.output:
        print_text(console, _format_equation(equation))
    table = build_table("class", "z", "z − max", "exp", "a = exp / Σ", "Y", "dZ = A − Y")
    for k in _select_classes(inspection):
        values = (steps.z[k], steps.shifted[k], steps.exponentials[k], steps.a[k])
        ends = (net.backward.target[k], net.backward.dz[k])
        table.add_row(
            escape(inspection.classes[k]), *(format_term(float(v)) for v in (*values, *ends))
        )
    console.print(table)
    print_text(console, f"max = {format_term(steps.largest)}, Σ exp = {format_term(steps.total)}")


def _print_backward(inspection: Inspection, net: NetInspection, console: Console) -> None:
    true = inspection.classes[inspection.label]
    print_heading(
        console, f"Backward pass from the loss {format_term(net.backward.loss)}, true class {true}"
    )
    print_text(console, f"line numbers of {FILE}")
    table = build_table("layer", "equation", "line", "norm")
    table.columns[1].justify = table.columns[2].justify = "left"
    for one in net.backward.layers:
        sizes = [f"‖d{name}‖ {_format_norm(g)}" for name, g in one.gradients.items()]
        if one.gate is not None:
            sizes.append(f"{int(one.gate.sum()):,} of {one.gate.size:,} let through")
        if one.place.kind != "dropout" and one.gate is None:
            sizes.append(f"‖dx‖ {_format_norm(one.dx)}")
        for i, (equation, size) in enumerate(
            zip_longest(one.place.backward, sizes, fillvalue=None)
        ):
            title = one.place.title if i == 0 else ""
            table.add_row(*map(escape, (title, *_split_equation(equation), size or "")))
    console.print(table)
    for row in net.rows:
        print_heading(console, f"dW of unit {row.unit} of layer {row.place.number}")
        for equation in row.equations:
            print_text(console, _format_equation(equation))
        if row.norm == 0:
            why = "the gradient is 0" if row.dz == 0 else "the inputs are 0"
            print_text(
                console,
                f"dz = {format_term(row.dz)}: {why}, so this example does not change its weights.",
            )
            continue
        console.print(_build_terms(row.terms, "a", "dz", "dW = dz·a"))
        print_text(
            console,
            f"db = dz = {format_term(row.db)}; ‖dW‖ of the unit {format_term(row.norm)}",
        )


def _split_equation(one: Equation | None) -> tuple[str, str]:
    """Return an equation, and its number with its line of code."""
    if one is None:
        return "", ""
    return one.text, "" if one.line is None else f"({one.number}) {one.line.number}"


def _format_norm(array: Any) -> str:
    return format_term(float(np.linalg.norm(array.astype(np.float64))))


def _print_step(inspection: Inspection, net: NetInspection, console: Console) -> None:
    one, k = net.step, inspection.label
    print_heading(console, f"One gradient step on this example, α = {one.lr:g}")
    print_text(console, _format_equation(one.equation))
    verdict = "it decreased" if one.helped else "it did not decrease: the step was too long"
    if one.loss_before == one.loss_after:
        verdict = "unchanged"
    loss = f"loss {format_term(one.loss_before)} → {format_term(one.loss_after)}"
    print_text(console, f"{loss}: {verdict}")
    print_text(console, f"expected decrease: α ‖gradient‖² = {format_term(one.expected)}")
    before, after = (format_percent(float(p[k]), 3) for p in (one.before, one.after))
    print_text(console, f"probability of {inspection.classes[k]}: {before} → {after}")

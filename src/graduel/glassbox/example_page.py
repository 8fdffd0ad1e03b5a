"""The HTML page of an inspection: one self-contained file that opens from disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from graduel.atomic_io import atomic_write
from graduel.errors import UserError
from graduel.glassbox import inline_images
from graduel.glassbox.inspection import (
    Inspection,
    NetInspection,
    TreeInspection,
    rank_inputs,
)
from graduel.glassbox.network.backward_pass import LayerBack
from graduel.glassbox.network.equations import Equation
from graduel.glassbox.network.forward_pass import Column
from graduel.glassbox.plain_data import Array
from graduel.number_format import format_percent, format_term

COLORS = (
    ("ink", "#1d2025", "#e9ebee"),
    ("muted", "#5c636d", "#a3abb6"),
    ("grid", "#dfe2e6", "#33383f"),
    ("paper", "#fdfdfc", "#14161a"),
    ("hue-0", "#0068a8", "#56b4e9"),
    ("hue-1", "#bd4a00", "#ff8f52"),
)
"""Name, light and dark value of each color; equal to those of the report."""
MAX_ROWS = 1024
"""Layers with more units get no table of units."""


def write_page(
    inspections: Inspection | Sequence[Inspection], path: str | os.PathLike[str]
) -> Path:
    """Write the page atomically to a new file and return its path.

    Parameters
    ----------
    inspections : one inspection, or those of several models for the same example
    path : a file that does not exist yet

    Raises
    ------
    UserError
        If the file exists.
    OSError
        If it cannot be written.
    """
    target = Path(path)
    text = render(inspections)
    if target.exists():
        raise UserError(
            f"the page must be a new file; {target} already exists. Choose another name"
        )
    atomic_write(target, text)
    return target


def render(inspections: Inspection | Sequence[Inspection]) -> str:
    """Return the page as HTML; equal inspections give equal text.

    Parameters
    ----------
    inspections : as in :func:`write_page`
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    if isinstance(inspections, Inspection):
        inspections = [inspections]
    if not inspections:
        raise UserError("expected at least one inspection; got none")
    environment = Environment(
        loader=PackageLoader("graduel.glassbox", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # Only images and the style sheet skip escaping: they contain numbers and constants.
    environment.filters["drawing"] = Markup
    environment.filters["number"] = format_term
    style = environment.get_template("example.css.j2").render(colors=COLORS)
    first = inspections[0]
    image = first.example.image
    return environment.get_template("example.html.j2").render(
        style=Markup(style),
        version=version("graduel"),
        first=first,
        image=None if image is None else inline_images.encode_gray(image),
        models=[_model_content(inspection) for inspection in inspections],
    )


def _model_content(inspection: Inspection) -> dict[str, Any]:
    """Return the template variables of one model."""
    k = inspection.prediction
    true = inspection.label if inspection.label_known else None
    verdict = "" if true is None else "correct" if k == true else "wrong"
    return {
        "inspection": inspection,
        "prediction": f"{inspection.classes[k]} "
        f"({format_percent(float(inspection.probabilities[k]))})",
        "verdict": verdict,
        "bars": [
            {"name": name, "p": float(inspection.probabilities[j]), "true": j == true}
            for j, name in enumerate(inspection.classes)
        ],
        "net": None if inspection.net is None else _net_content(inspection, inspection.net),
        "trees": None if inspection.trees is None else _trees_content(inspection, inspection.trees),
    }


def _net_content(inspection: Inspection, net: NetInspection) -> dict[str, Any]:
    back = {layer.place.path: layer for layer in net.backward.layers}
    rows = {row.place.path: row for row in net.rows}
    return {
        "inside": net,
        "columns": [_column_content(net, column, back) for column in net.forward.columns[1:]],
        "neurons": [
            {
                "neuron": neuron,
                "shown": sum(term.product for term in neuron.terms),
                "weights": _signed_image(neuron.weights_image),
                "products": _signed_image(neuron.products_image),
                "row": (row := rows.get(neuron.place.path)),
                "row_image": _signed_image(None if row is None else row.image),
            }
            for neuron in net.neurons
        ],
        "back": [_layer_content(layer) for layer in net.backward.layers],
        "saliency": _saliency_content(inspection, net),
        "softmax": _softmax_rows(inspection, net),
    }


def _signed_image(values: Array | None) -> str | None:
    return None if values is None else inline_images.encode_signed(values)


def _column_content(
    net: NetInspection, column: Column, back: dict[str, LayerBack]
) -> dict[str, Any]:
    """Return a column of neurons with its gradients, for the template."""
    assert column.z is not None
    dy = back[column.path].dy
    dz = np.zeros_like(column.z) if dy is None else dy
    z, a, dz = (np.asarray(v).reshape(-1) for v in (column.z, column.a, dz))
    same_size = len(a) == len(z)
    units = range(len(z)) if same_size and len(z) <= MAX_ROWS else ()
    return {
        "column": column,
        "equations": _column_equations(net, column),
        "units": len(z),
        "a": inline_images.draw_units(
            a, f"activations of the {len(a)} units of layer {column.number}"
        ),
        "dz": inline_images.draw_units(dz, f"dZ of the {len(dz)} units of layer {column.number}"),
        "rows": [(i, z[i], a[i], dz[i]) for i in units],
        "named": bool(column.names),
    }


def _column_equations(net: NetInspection, column: Column) -> list[Equation]:
    """Return the equations from a column's layer to the next layer with weights."""
    row = [layer.place for layer in net.forward.layers if "." not in layer.place.path]
    start = next(i for i, place in enumerate(row) if place.path == column.path)
    equations = [row[start].forward]
    for place in row[start + 1 :]:
        if place.number:
            break
        equations.append(place.forward)
    last = column is net.forward.columns[-1]
    return equations + ([net.forward.softmax.equation] if last and net.forward.softmax else [])


def _layer_content(layer: LayerBack) -> dict[str, Any]:
    """Return a layer's backward equations, each with the norm of its result."""
    sizes = [f"‖d{name}‖ = {format_term(_norm(g))}" for name, g in layer.gradients.items()]
    gate = ""
    if layer.gate is not None:
        sizes.append(f"{int(layer.gate.sum()):,} of {layer.gate.size:,} gates open")
        if layer.dy is not None:
            gate = inline_images.draw_units(
                layer.dy,
                f"gradients at {layer.place.title}; outlined units are blocked",
                layer.gate,
            )
    elif layer.place.kind != "dropout":
        sizes.append(f"‖dx‖ = {format_term(_norm(layer.dx))}")
    pairs = list(zip_longest(layer.place.backward, sizes))
    return {"place": layer.place, "pairs": pairs, "gate": gate}


def _norm(array: Array) -> float:
    return float(np.linalg.norm(array.astype(np.float64)))


def _softmax_rows(inspection: Inspection, net: NetInspection) -> list[tuple[Any, ...]]:
    steps, back = net.forward.softmax, net.backward
    if steps is None:
        return []
    columns = (steps.z, steps.shifted, steps.exponentials, steps.a, back.target, back.dz)
    return [
        (name, *(float(values[k]) for values in columns))
        for k, name in enumerate(inspection.classes)
    ]


def _saliency_content(inspection: Inspection, net: NetInspection) -> dict[str, Any]:
    predicted = inspection.classes[inspection.prediction]
    gradient, times = net.saliency.gradient.reshape(-1), net.saliency.times_input.reshape(-1)
    image = inspection.example.image
    if image is not None and image.size == len(gradient):
        return {
            "images": [
                (title, inline_images.encode_signed(values.reshape(image.shape)))
                for title, values in (
                    (f"Input gradient ∂z/∂x of the logit of {predicted}", gradient),
                    ("Gradient × input x ⊙ ∂z/∂x", times),
                )
            ],
            "rows": [],
        }
    indices = rank_inputs(times, inspection.top)
    x = inspection.example.x.reshape(-1)
    rows = [
        (inspection.names[i], float(x[i]), float(gradient[i]), float(times[i])) for i in indices
    ]
    return {"images": [], "rows": rows}


def _trees_content(inspection: Inspection, trees: TreeInspection) -> dict[str, Any]:
    votes = trees.votes
    marks = sorted({0, 1, trees.rounds // 4, trees.rounds // 2, trees.rounds})
    predicted = inspection.classes[inspection.prediction]
    k = 0 if len(trees.groups) == 1 else trees.groups.index(predicted)
    images, rows, sums = [], [], None
    image = inspection.example.image
    if trees.shap is not None:
        values = trees.shap.values
        indices = rank_inputs(values[k], inspection.top)
        rows = [(inspection.names[i], trees.inputs[i], float(values[k, i])) for i in indices]
        shown = float(values[k, indices].sum())
        sums = {
            "bias": float(trees.shap.bias[k]),
            "shown": shown,
            "rest": float(values[k].sum()) - shown,
            "margin": float(trees.shap.margin[k]),
        }
        if image is not None:
            images = [
                (name, inline_images.encode_signed(one.reshape(image.shape)))
                for name, one in zip(trees.groups, values, strict=True)
            ]
    return {
        "inside": trees,
        "marks": marks,
        "rounds": [
            (name, [float(votes.so_far[n, j]) for n in marks])
            for j, name in enumerate(trees.groups)
        ],
        "group": trees.groups[k],
        "paths": [
            (
                one,
                trees.groups[one.strongest] + " (and less to other classes)" * (one.group is None),
            )
            for one in votes.strongest
        ],
        "shap_rows": rows,
        "shap_sums": sums,
        "shap_images": images,
    }

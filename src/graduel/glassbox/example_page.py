"""One example, forward and back, as one HTML file: it opens from disk and asks no network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.metadata import version
from itertools import zip_longest
from math import isfinite
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from graduel.errors import UserError
from graduel.glassbox import inline_images
from graduel.glassbox.inspection import (
    Inspection,
    NetInspection,
    TreeInspection,
    strongest_inputs,
)
from graduel.glassbox.network.backward_pass import LayerBack
from graduel.glassbox.network.equations import Equation
from graduel.glassbox.network.forward_pass import Column
from graduel.glassbox.network.layer_info import Array

COLOURS = (
    ("ink", "#1d2025", "#e9ebee"),
    ("muted", "#5c636d", "#a3abb6"),
    ("grid", "#dfe2e6", "#33383f"),
    ("paper", "#fdfdfc", "#14161a"),
    ("hue-0", "#0068a8", "#56b4e9"),
    ("hue-1", "#bd4a00", "#ff8f52"),
)
"""Name, on light paper, on dark; as the report has them."""
MOST_ROWS = 1024
"""Layers of more units have no table of every unit."""


def write_page(found: Inspection | Sequence[Inspection], path: str | os.PathLike[str]) -> Path:
    """Write the page to a new file, whole or not at all, and return where it lies.

    Parameters
    ----------
    found : one model's inspection, or those of several models for the same example
    path : a file that is not there yet

    Raises
    ------
    UserError
        If the file is there.
    OSError
        If it cannot be written.
    """
    target = Path(path)
    text = render(found)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{uuid4().hex}.tmp")
    try:
        aside.write_text(text, encoding="utf-8", newline="\n")
        if target.exists():
            raise UserError(f"the page must be a new file; {target} exists. Choose another name")
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)
    return target


def render(found: Inspection | Sequence[Inspection]) -> str:
    """Return the page as HTML; the same inspection gives the same text.

    Parameters
    ----------
    found : one model's inspection, or those of several models for the same example
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    every = [found] if isinstance(found, Inspection) else list(found)
    if not every:
        raise UserError("expected an inspection; got none")
    environment = Environment(
        loader=PackageLoader("graduel.glassbox", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # Only pictures and the style are trusted as they are: they hold numbers and our own words.
    environment.filters["drawing"] = Markup
    environment.filters["number"] = number
    style = environment.get_template("example.css.j2").render(colours=COLOURS)
    first = every[0]
    return environment.get_template("example.html.j2").render(
        style=Markup(style),
        version=version("graduel"),
        first=first,
        image=None if first.example.image is None else inline_images.gray_png(first.example.image),
        models=[_model(one) for one in every],
    )


def number(value: Any) -> str:
    """Write a number for a table.

    >>> number(0.12345678), number(-1234.5), number(1e-9), number(45.0), number(float("nan"))
    ('0.1235', '−1234', '1.00e−09', '45', 'missing')
    """
    value = float(value)
    if not isfinite(value):
        return "missing" if np.isnan(value) else str(value)
    if value == round(value) and abs(value) < 1e5:
        text = str(round(value))
    elif 1e-3 <= abs(value) < 1e5:
        text = f"{value:.4f}" if abs(value) < 100 else f"{value:.0f}"
    else:
        text = f"{value:.2e}"
    return text.replace("-", "−")


def _model(found: Inspection) -> dict[str, Any]:
    """Gather what the template shows of one model."""
    k = found.answer
    verdict = "" if not found.label_known else "right" if k == found.label else "wrong"
    return {
        "found": found,
        "says": f"{found.classes[k]}, with {100 * float(found.answers[k]):.2f} %",
        "verdict": verdict,
        "bars": [
            {"name": name, "p": float(p), "true": j == found.label and found.label_known}
            for j, (name, p) in enumerate(zip(found.classes, found.answers, strict=True))
        ],
        "net": None if found.net is None else _net(found, found.net),
        "trees": None if found.trees is None else _trees(found, found.trees),
    }


def _net(found: Inspection, net: NetInspection) -> dict[str, Any]:
    back = {one.place.path: one for one in net.backward.layers}
    rows = {row.place.path: row for row in net.rows}
    return {
        "inside": net,
        "columns": [_column(net, column, back) for column in net.forward.columns[1:]],
        "neurons": [
            {
                "neuron": one,
                "shown": sum(term.product for term in one.terms),
                "weights": None
                if one.weights_image is None
                else inline_images.signed_png(one.weights_image),
                "products": (
                    None
                    if one.products_image is None
                    else inline_images.signed_png(one.products_image)
                ),
                "row": rows.get(one.place.path),
                "row_image": _row_image(rows.get(one.place.path)),
            }
            for one in net.neurons
        ],
        "back": [_back(one) for one in net.backward.layers],
        "saliency": _saliency(found, net),
        "softmax": _softmax(found, net),
    }


def _row_image(row: Any) -> str | None:
    return None if row is None or row.image is None else inline_images.signed_png(row.image)


def _column(net: NetInspection, column: Column, back: dict[str, LayerBack]) -> dict[str, Any]:
    """Return a column of neurons with what came back to it."""
    assert column.z is not None
    one = back[column.path]
    dz = np.zeros_like(column.z) if one.dy is None else one.dy
    z, a, dz = (np.asarray(v).reshape(-1) for v in (column.z, column.a, dz))
    alike = len(a) == len(z)
    places = range(len(z)) if alike and len(z) <= MOST_ROWS else ()
    return {
        "column": column,
        "equations": _equations(net, column),
        "units": len(z),
        "a": inline_images.unit_squares(
            a, f"activations of the {len(a)} units of layer {column.number}"
        ),
        "dz": inline_images.unit_squares(dz, f"dZ of the {len(dz)} units of layer {column.number}"),
        "rows": [(i, z[i], a[i], dz[i]) for i in places],
        "named": bool(column.names),
    }


def _equations(net: NetInspection, column: Column) -> list[Equation]:
    """Return what is computed from the layer of a column up to the next one with weights."""
    row = [one.place for one in net.forward.layers if "." not in one.place.path]
    start = next(i for i, place in enumerate(row) if place.path == column.path)
    found = [row[start].forward]
    for place in row[start + 1 :]:
        if place.number:
            break
        found.append(place.forward)
    last = column is net.forward.columns[-1]
    return found + ([net.forward.softmax.equation] if last and net.forward.softmax else [])


def _back(one: LayerBack) -> dict[str, Any]:
    """Return a layer's equations, each beside the size of what it computes."""
    sizes = [f"‖d{name}‖ = {number(_norm(g))}" for name, g in one.gradients.items()]
    gate = ""
    if one.gate is not None:
        sizes.append(f"{int(one.gate.sum()):,} of {one.gate.size:,} let through")
        if one.dy is not None:
            gate = inline_images.unit_squares(
                one.dy, f"what reached {one.place.title}; outlines were stopped", one.gate
            )
    elif one.place.kind != "dropout":
        sizes.append(f"‖dx‖ = {number(_norm(one.dx))}")
    pairs = list(zip_longest(one.place.backward, sizes))
    return {"place": one.place, "pairs": pairs, "gate": gate}


def _norm(array: Array) -> float:
    return float(np.linalg.norm(array.astype(np.float64)))


def _softmax(found: Inspection, net: NetInspection) -> list[tuple[Any, ...]]:
    steps, back = net.forward.softmax, net.backward
    if steps is None:
        return []
    columns = (steps.z, steps.shifted, steps.exponentials, steps.a, back.target, back.dz)
    return [
        (name, *(float(values[k]) for values in columns)) for k, name in enumerate(found.classes)
    ]


def _saliency(found: Inspection, net: NetInspection) -> dict[str, Any]:
    one = net.saliency
    gradient, times = one.gradient.reshape(-1), one.times_input.reshape(-1)
    image = found.example.image
    if image is not None and image.size == len(gradient):
        return {
            "images": [
                (
                    f"∂z/∂x: how the logit of {found.classes[found.answer]} moves with each pixel",
                    inline_images.signed_png(gradient.reshape(image.shape)),
                ),
                (
                    "x ⊙ ∂z/∂x: what each pixel adds",
                    inline_images.signed_png(times.reshape(image.shape)),
                ),
            ],
            "rows": [],
        }
    places = strongest_inputs(times, found.top)
    x = found.example.x.reshape(-1)
    rows = [(found.names[i], float(x[i]), float(gradient[i]), float(times[i])) for i in places]
    return {"images": [], "rows": rows}


def _trees(found: Inspection, trees: TreeInspection) -> dict[str, Any]:
    told = trees.votes
    marks = sorted({0, 1, trees.rounds // 4, trees.rounds // 2, trees.rounds})
    k = 0 if len(trees.groups) == 1 else trees.groups.index(found.classes[found.answer])
    images, rows, sums = [], [], None
    image = found.example.image
    if trees.shap is not None:
        values = trees.shap.values
        places = strongest_inputs(values[k], found.top)
        rows = [(found.names[i], trees.inputs[i], float(values[k, i])) for i in places]
        shown = float(values[k, places].sum())
        sums = {
            "bias": float(trees.shap.bias[k]),
            "shown": shown,
            "rest": float(values[k].sum()) - shown,
            "margin": float(trees.shap.margin[k]),
        }
        if image is not None:
            images = [
                (name, inline_images.signed_png(one.reshape(image.shape)))
                for name, one in zip(trees.groups, values, strict=True)
            ]
    return {
        "inside": trees,
        "marks": marks,
        "rounds": [
            (name, [float(told.so_far[n, j]) for n in marks]) for j, name in enumerate(trees.groups)
        ],
        "group": trees.groups[k],
        "paths": [
            (one, trees.groups[one.strongest] + ", less to the others" * (one.group is None))
            for one in told.strongest
        ],
        "shap_rows": rows,
        "shap_sums": sums,
        "shap_images": images,
    }

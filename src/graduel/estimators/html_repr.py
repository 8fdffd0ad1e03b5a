"""Summary of a fitted network, as text and as HTML."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import Any

from graduel.estimators.fit.fitted_network import FittedNetwork
from graduel.estimators.fit.solver_builder import is_minimizer
from graduel.estimators.targets import LabelTarget
from graduel.nn import Conv2D, Dense
from graduel.number_format import format_quantity

MAX_DOTS = 7
"""The maximum number of units drawn for a layer."""


def describe_ends(fitted: FittedNetwork) -> tuple[str, str]:
    """Return descriptions of the input and of the output."""
    n, k = fitted.n_features, fitted.targets.n_outputs
    input_text = format_quantity(n, "feature")
    if fitted.image is not None:
        input_text = "images of " + " × ".join(map(str, fitted.image))
    if isinstance(fitted.targets, LabelTarget):
        noun = "label" if fitted.targets.multilabel else "class"
        return input_text, format_quantity(len(fitted.targets.classes), noun)
    return input_text, format_quantity(k, "number")


def render_summary(estimator: Any) -> str:
    """Return the summary of a fitted estimator as text, with a table of layers."""
    fitted: FittedNetwork = estimator._fitted
    input_text, output_text = describe_ends(fitted)
    network = fitted.network
    lines = [
        f"{type(estimator).__name__}: {input_text} to {output_text}, "
        f"{network.layout.size:,} parameters, {network.dtype}",
        network.summary(),
    ]
    unit = "iteration" if is_minimizer(estimator.solver) else "epoch"
    training = f"{format_quantity(estimator.n_iter_, unit)}, loss {estimator.loss_:.4g}"
    if estimator.best_validation_score_ is not None:
        training += f", best validation score {estimator.best_validation_score_:.4g}"
    return "\n".join([*lines, training])


def render_html(estimator: Any) -> str:
    """Return a drawing of the network as HTML, with a collapsed table of layers."""
    fitted: FittedNetwork = estimator._fitted
    columns = [(fitted.n_features, "input")]
    for node in fitted.network.nodes[:-1]:
        if isinstance(node.layer, Dense):
            columns.append((node.layer.units, "hidden"))
        elif isinstance(node.layer, Conv2D):
            columns.append((node.layer.filters, "channels"))
    columns.append((fitted.targets.n_outputs, "output"))
    return (
        '<div class="graduel-network" style="font:13px/1.4 system-ui,sans-serif;margin:.6em 0">'
        f"{_draw_network(columns, describe_ends(fitted))}<details><summary>Layers</summary>"
        f'<pre style="margin:.4em 0">{escape(render_summary(estimator))}</pre></details></div>'
    )


def _draw_network(columns: list[tuple[int, str]], ends: tuple[str, str]) -> str:
    """Draw a column of dots for each layer, and lines between adjacent columns."""
    gap, step, top = 110, 16, 14
    height = top + MAX_DOTS * step + 30
    centers = []
    for i, (units, _) in enumerate(columns):
        count = min(units, MAX_DOTS)
        first = top + (MAX_DOTS - count) * step / 2
        centers.append([(50 + i * gap, first + j * step) for j in range(count)])
    lines = [
        f'<line x1="{x1}" y1="{y1:g}" x2="{x2}" y2="{y2:g}"/>'
        for left, right in pairwise(centers)
        for x1, y1 in left
        for x2, y2 in right
    ]
    dots = [f'<circle cx="{x}" cy="{y:g}" r="4.5"/>' for column in centers for x, y in column]
    names = [
        f'<text x="{50 + i * gap}" y="{height - 18}">{units:,}</text>'
        f'<text x="{50 + i * gap}" y="{height - 4}" opacity=".7">{name}</text>'
        for i, (units, name) in enumerate(columns)
    ]
    width = 100 + (len(columns) - 1) * gap
    label = escape(f"Network from {ends[0]} to {ends[1]}")
    return (
        f'<svg role="img" aria-label="{label}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" style="max-width:100%"><title>{label}</title>'
        f'<g stroke="currentColor" stroke-opacity=".12">{"".join(lines)}</g>'
        f'<g fill="#2a78d6">{"".join(dots)}</g>'
        f'<g fill="currentColor" font-size="12" text-anchor="middle">{"".join(names)}</g></svg>'
    )

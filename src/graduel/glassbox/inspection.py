"""An inspection: all results for one example in one model, for the terminal and the page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.example import Example
from graduel.glassbox.network.backward_pass import Backward, backward
from graduel.glassbox.network.forward_pass import Forward
from graduel.glassbox.network.gradient_step import GradientStep, step
from graduel.glassbox.network.layer_info import find_layer, list_layers
from graduel.glassbox.network.neuron import (
    Neuron,
    WeightGradients,
    explain_gradients,
    explain_neuron,
    rank_by_size,
)
from graduel.glassbox.network.saliency import Saliency, compute_saliency
from graduel.glassbox.plain_data import Array, PlainData
from graduel.glassbox.trees.tree_arrays import category_names, get_forest, margin_codes
from graduel.glassbox.trees.tree_votes import Shap, Votes, explain_shap, explain_votes, format_value
from graduel.models.model import Model
from graduel.nn import Dense, NTKDense


@dataclass(frozen=True, slots=True, eq=False)
class NetInspection(PlainData):
    """One example in a network."""

    parameters: int
    forward: Forward
    neurons: tuple[Neuron, ...]
    """For each W_l one unit: the requested one, or the most active."""
    backward: Backward
    rows: tuple[WeightGradients, ...]
    """For each of these units that is a dense layer's, its row of dW."""
    step: GradientStep
    saliency: Saliency
    """Of the logit of the predicted class."""


@dataclass(frozen=True, slots=True, eq=False)
class TreeInspection(PlainData):
    """One example in XGBoost's trees."""

    groups: tuple[str, ...]
    """The class of each margin."""
    rounds: int
    inputs: tuple[str, ...]
    """The trees' inputs, as text."""
    votes: Votes
    shap: Shap | None
    """None for vector leaves, for which XGBoost computes none."""
    why_no_shap: str
    """The reason, where there are none; else empty."""


@dataclass(frozen=True, slots=True, eq=False)
class Inspection(PlainData):
    """One example in one model."""

    where: str
    """Which model and which example, in words."""
    title: str
    """The contender's name."""
    classes: tuple[str, ...]
    names: tuple[str, ...]
    """Of the model's inputs."""
    example: Example
    probabilities: Array
    """Of every class."""
    prediction: int
    """The most probable class."""
    label: int
    """The class that is taken as true."""
    label_known: bool
    """False where the label is unknown: then it is the prediction."""
    top: int
    net: NetInspection | None = None
    trees: TreeInspection | None = None


def inspect_example(
    model: Model,
    example: Example,
    label: int | None = None,
    *,
    where: str = "",
    layer: int | None = None,
    unit: int | None = None,
    lr: float = 0.1,
    top: int = 8,
) -> Inspection:
    """Inspect one example in one model, from every side.

    Parameters
    ----------
    model : a fitted model
    example : from :func:`~graduel.glassbox.prepare_example`
    label : the class code that is taken as true; None: the model's own prediction
    where : which model and which example, in words
    layer, unit : of a network, the unit to write out; without a unit the most active one
    lr : the rate of the one gradient step
    top : the number of terms of each sum

    Raises
    ------
    UserError
        If there is no such layer, unit or class.
    """
    if label is not None and not 0 <= label < len(model.classes):
        raise UserError(f"label must be from 0 to {len(model.classes) - 1}; got {label}")
    probabilities = model.predict_proba_prepared(example.matrix[np.newaxis])[0]
    prediction = int(probabilities.argmax())
    inspection = Inspection(
        where,
        model.title,
        model.classes,
        model.input_names,
        example,
        probabilities,
        prediction,
        prediction if label is None else label,
        label is not None,
        top,
    )
    if model.network is not None:
        return replace(inspection, net=_inspect_net(model, inspection, layer, unit, lr))
    if layer is not None or unit is not None:
        raise UserError("layer and unit are a network's; this model is XGBoost's")
    return replace(inspection, trees=_inspect_trees(model, inspection))


def _inspect_net(
    model: Model, inspection: Inspection, layer: int | None, unit: int | None, lr: float
) -> NetInspection:
    network, weights, x = model.network, model.weights, inspection.example.x
    assert network is not None
    assert weights is not None
    back = backward(network, weights, x, inspection.label, classes=model.classes)
    weighted = [place for place in list_layers(network) if place.number]
    if unit is not None and layer is None:
        raise UserError("a unit goes with its layer; name the layer, too")
    if layer is not None:
        weighted = [find_layer(network, layer)]
    options: dict[str, Any] = {
        "image": model.image if model.preparation is None else None,
        "names": model.input_names,
    }
    neurons, rows = [], []
    for place in weighted:
        column = back.forward.columns[place.number or 0]
        z = back.forward.layer(place.path).output.reshape(-1)
        active = column.a.reshape(-1) if column.a.size == z.size else z
        active_unit = int(active.argmax()) if unit is None or layer is None else unit
        which = place.path, active_unit, inspection.top
        neurons.append(
            explain_neuron(network, weights, x, *which, forward_pass=back.forward, **options)
        )
        if isinstance(place.layer, Dense | NTKDense):
            rows.append(explain_gradients(network, back, *which, **options))
    return NetInspection(
        network.layout.size,
        back.forward,
        tuple(neurons),
        back,
        tuple(rows),
        step(network, weights, x, inspection.label, lr, backward_pass=back),
        compute_saliency(network, weights, x, inspection.prediction),
    )


def _inspect_trees(model: Model, inspection: Inspection) -> TreeInspection:
    forest, row = get_forest(model), inspection.example.matrix
    why_no_shap, shap = "", None
    try:
        shap = explain_shap(forest, row)
    except UserError as error:
        why_no_shap = str(error)
    categories = category_names(model)
    votes = explain_votes(forest, row, inspection.top, model.input_names, categories)
    return TreeInspection(
        tuple(model.classes[code] for code in margin_codes(model)),
        forest.n_rounds,
        tuple(format_value(float(v), categories.get(i)) for i, v in enumerate(row)),
        votes,
        shap,
        why_no_shap,
    )


def rank_inputs(values: Array, top: int) -> list[int]:
    """Return the indices of the largest values by size; zeros are ignored.

    >>> rank_inputs(np.array([0.1, -3.0, 0.0, 2.0]), 5)
    [1, 3, 0]
    """
    flat = values.reshape(-1)
    return [int(i) for i in rank_by_size(flat, top) if flat[i] != 0]

"""An inspection: all glass-box results for one example and one model."""

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
from graduel.glassbox.trees.tree_arrays import get_forest, margin_codes
from graduel.glassbox.trees.tree_votes import Shap, Votes, explain_shap, explain_votes, format_value
from graduel.models.model import Model
from graduel.nn import Dense, NTKDense


@dataclass(frozen=True, slots=True, eq=False)
class NetInspection(PlainData):
    """The results of a network for one example."""

    parameters: int
    forward: Forward
    neurons: tuple[Neuron, ...]
    """One unit of each layer with weights: the requested unit, or the most active."""
    backward: Backward
    rows: tuple[WeightGradients, ...]
    """For each of these units in a dense layer, its row of dW."""
    step: GradientStep
    saliency: Saliency
    """The input gradient of the predicted class's logit."""


@dataclass(frozen=True, slots=True, eq=False)
class TreeInspection(PlainData):
    """The results of XGBoost's trees for one example."""

    groups: tuple[str, ...]
    """The class of each margin (log-odds)."""
    rounds: int
    inputs: tuple[str, ...]
    """The values of the trees' inputs, as text."""
    votes: Votes
    shap: Shap | None
    """None for trees with vector leaves, which XGBoost's SHAP does not support."""
    why_no_shap: str
    """The reason if `shap` is None, otherwise empty."""


@dataclass(frozen=True, slots=True, eq=False)
class Inspection(PlainData):
    """The results of one model for one example."""

    where: str
    """A description of the model and the example."""
    title: str
    """The contender's name."""
    classes: tuple[str, ...]
    names: tuple[str, ...]
    """Names of the model's inputs."""
    example: Example
    probabilities: Array
    """Probabilities of all classes."""
    prediction: int
    """The most probable class."""
    label: int
    """The class used as the true one."""
    label_known: bool
    """False if no label was given; `label` is then the prediction."""
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
    """Compute all glass-box results for one example and one model.

    Parameters
    ----------
    model : a fitted model
    example : from :func:`~graduel.glassbox.prepare_example`
    label : the class code used as the true class; default: the model's prediction
    where : a description of the model and the example
    layer, unit : for a network, the unit to explain; default: the most active unit of each layer
    lr : learning rate of the gradient step
    top : number of terms to list for each sum

    Raises
    ------
    UserError
        If the layer, unit or class does not exist.
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
        raise UserError("layer and unit apply to networks; this model is XGBoost. Omit them")
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
        raise UserError("expected layer and unit together; got a unit without its layer")
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
    votes = explain_votes(forest, row, inspection.top, model.input_names)
    return TreeInspection(
        tuple(model.classes[code] for code in margin_codes(model)),
        forest.n_rounds,
        tuple(format_value(float(v), forest.levels.get(i)) for i, v in enumerate(row)),
        votes,
        shap,
        why_no_shap,
    )


def rank_inputs(values: Array, top: int) -> list[int]:
    """Return the indices of the values largest in absolute value; zeros are ignored.

    >>> rank_inputs(np.array([0.1, -3.0, 0.0, 2.0]), 5)
    [1, 3, 0]
    """
    flat = values.reshape(-1)
    return [int(i) for i in rank_by_size(flat, top) if flat[i] != 0]

"""Handlers for the glass box: forward pass, neurons, trees, backward pass, gradient step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from fastapi import APIRouter

from graduel import glassbox
from graduel.data import TreePreparation
from graduel.glassbox.example import prepare_example
from graduel.glassbox.network.dense_terms import count_outputs
from graduel.glassbox.trees.tree_arrays import get_forest, margin_codes
from graduel.models.model import Model
from graduel.web.array_codec import pack
from graduel.web.dependencies import (
    CurrentClient,
    check_label,
    find_net,
    find_plain_net,
    find_trees,
    read_example,
)
from graduel.web.request_schemas import (
    BackwardRequest,
    ClassRequest,
    ExampleRequest,
    GradientRequest,
    NeuronRequest,
    TreeRequest,
)
from graduel.web.state.model_pair import ModelPair

router = APIRouter(prefix="/sessions/{session}")

TERMS, PATHS = 14, 8
"""Number of terms and of tree paths to show, largest first."""
MAX_SIZE = 8192
"""A larger dW is not sent; the row of a single neuron is available on request."""


@router.post("/forward")
def forward(client: CurrentClient, request: ExampleRequest) -> dict[str, Any]:
    """Return the forward pass of an example: the features of a table, layers, softmax."""
    models = client.edit_models(request)
    net, network, weights = find_plain_net(models)
    X = read_example(models, request)
    example = prepare_example(net, X)
    result = glassbox.forward(network, weights, example.x, classes=net.classes)
    return {
        "features": [feature.as_dict() for feature in example.features],
        "columns": [column.as_dict() for column in result.columns],
        "softmax": None if result.softmax is None else result.softmax.as_dict(),
        "predictions": models.predict_example(X),
        "layers": [
            layer.place.as_dict() for layer in result.layers if layer.place.kind != "dropout"
        ],
    }


@router.post("/neuron")
def neuron(client: CurrentClient, request: NeuronRequest) -> dict[str, Any]:
    """Return the terms of one neuron's sum; its weights as an image if its inputs are pixels."""
    models = client.edit_models(request)
    net, network, weights = find_plain_net(models)
    result = glassbox.explain_neuron(
        network,
        weights,
        _net_input(net, read_example(models, request)),
        request.layer,
        request.unit,
        TERMS,
        image=net.image,
        names=_column_names(net),
    )
    content = result.as_dict()
    for name in ("weights_image", "products_image"):
        image = getattr(result, name)
        content[name] = None if image is None else pack(image.reshape(net.image))
    W = network.layout[f"{request.layer}.W"].view(weights.theta)
    # In an ensemble layer, a unit has no single column of weights.
    has_column = W.ndim == 2 and W.shape[1:] == result.place.shape_out
    return content | {"weights": pack(W[:, request.unit]) if has_column else None}


@router.post("/trees")
def trees(client: CurrentClient, request: ClassRequest) -> dict[str, Any]:
    """Return the trees' contributions to each class, and the paths with the largest leaf values."""
    models = client.edit_models(request)
    model = find_trees(models)
    forest, row = get_forest(model), model.prepare(read_example(models, request))[0]
    votes = glassbox.explain_votes(forest, row, PATHS, _feature_names(model))
    return votes.as_dict() | {
        "vector_leaves": forest.vector_leaves,
        "rounds": forest.n_rounds,
        "groups": list(margin_codes(model)),
    }


@router.post("/tree")
def tree(client: CurrentClient, request: TreeRequest) -> dict[str, Any]:
    """Return the path of an example through one tree."""
    models = client.edit_models(request)
    model = find_trees(models)
    row = model.prepare(read_example(models, request))[0]
    names = _feature_names(model)
    return glassbox.explain_path(get_forest(model), row, request.tree, names).as_dict()


@router.post("/attribution")
def attribute(client: CurrentClient, request: ClassRequest) -> dict[str, Any]:
    """Return each input's attribution to a class: network gradient, XGBoost's SHAP values."""
    models = client.edit_models(request)
    X = read_example(models, request)
    first = next(iter(models.models.values()))
    label = int(first.predict_proba(X)[0].argmax()) if request.label is None else request.label
    check_label(models.classes, label)
    return {
        "label": label,
        "net": None if models.net is None else _saliency(models, X, label),
        "xgboost": None if models.trees is None else _shap(models.trees, X, label),
    }


def _saliency(models: ModelPair, X: Any, label: int) -> dict[str, Any]:
    """Return the gradient of a class's logit with respect to each input."""
    net, network, weights = find_net(models)
    output = min(label, count_outputs(network) - 1)
    result = glassbox.compute_saliency(network, weights, _net_input(net, X), output)
    return {
        "z": result.z,
        "gradient": pack(result.gradient),
        "times_input": pack(result.times_input),
        "names": list(_column_names(net)),
    }


def _shap(model: Model, X: Any, label: int) -> dict[str, Any] | None:
    """Return the SHAP values of a class's margin; None if they are not available."""
    forest = get_forest(model)
    if forest.vector_leaves:
        return None
    margin, sign = _find_margin(margin_codes(model), label)
    if margin is None:
        return None
    shap = glassbox.explain_shap(forest, model.prepare(X)[0])
    return {
        "values": pack(sign * shap.values[margin]),
        "bias": sign * float(shap.bias[margin]),
        "margin": sign * float(shap.margin[margin]),
        "names": list(_column_names(model)),
    }


@router.post("/backward")
def backward(client: CurrentClient, request: BackwardRequest) -> dict[str, Any]:
    """Return the backward pass of an example (dZ, dW, db, gates), and one gradient step."""
    models = client.edit_models(request)
    net, network, weights = find_plain_net(models)
    x, label = (
        _net_input(net, read_example(models, request)),
        check_label(models.classes, request.label),
    )
    result = glassbox.backward(network, weights, x, label, classes=net.classes)
    layers = []
    for layer in result.layers:
        if layer.place.kind == "dropout":
            continue
        content = layer.as_dict() | {"W": None, "norms": None}
        if (W := layer.gradients.get("W")) is not None:
            content["W"] = pack(W.T) if W.size <= MAX_SIZE else None
            content["norms"] = pack(np.linalg.norm(W, axis=0))
        layers.append(content)
    return result.as_dict() | {
        "layers": layers,
        "columns": [column.as_dict() for column in result.forward.columns],
        "dx": pack(result.dx),
        "step": glassbox.step(network, weights, x, label, request.rate).as_dict(),
    }


@router.post("/gradient")
def gradient(client: CurrentClient, request: GradientRequest) -> dict[str, Any]:
    """Return one neuron's row of dW."""
    models = client.edit_models(request)
    net, network, weights = find_plain_net(models)
    x, label = (
        _net_input(net, read_example(models, request)),
        check_label(models.classes, request.label),
    )
    result = glassbox.explain_gradients(
        network,
        glassbox.backward(network, weights, x, label),
        request.layer,
        request.unit,
        TERMS,
        image=net.image,
        names=_column_names(net),
    )
    image = None if result.image is None else pack(result.image.reshape(net.image))
    return result.as_dict() | {"image": image}


def _find_margin(codes: Sequence[int], label: int) -> tuple[int | None, int]:
    """Return the index of a class's margin, and its sign for the class.

    >>> _find_margin([1], 0), _find_margin([0, 2, 3], 2), _find_margin([0, 2, 3], 1)
    ((0, -1), (1, 1), (None, 1))
    """
    if len(codes) == 1:
        return 0, 1 if label == codes[0] else -1
    return (codes.index(label), 1) if label in codes else (None, 1)


def _net_input(net: Model, X: Any) -> Any:
    """Prepare and scale one raw example for the network."""
    return net.scale(net.prepare(X))[0]


def _column_names(model: Model) -> Sequence[str]:
    """Return the names of the model's inputs for a table; empty for images."""
    return () if model.preparation is None else model.input_names


def _feature_names(model: Model) -> Sequence[str]:
    """Return the names of the trees' features, as shown in splits."""
    if isinstance(model.preparation, TreePreparation):
        return model.preparation.feature_names
    return model.input_names if model.image is not None and model.image[2] == 1 else ()

"""Looking inside: forward, one neuron, the trees, backward, one gradient step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from fastapi import APIRouter

from graduel import glassbox
from graduel.web.array_codec import pack
from graduel.web.dependencies import TheServer, TheSession, example, label_of, shown_net, trees_of
from graduel.web.request_schemas import (
    Asked,
    AskedBack,
    AskedClass,
    AskedGradient,
    AskedNeuron,
    AskedTree,
)
from graduel.web.state.model_pair import ModelPair, NetSide

router = APIRouter(prefix="/sessions/{session}")

TERMS, PATHS = 14, 8
"""Summands, and trees with their paths, that are shown; the largest ones."""
SHOWN = 8192
"""Numbers of a dW that are sent whole; of a larger one, each neuron's row comes when asked for."""


@router.post("/forward")
def forward(server: TheServer, session: TheSession, asked: Asked) -> dict[str, Any]:
    """Send an example forward: every column of neurons, and the softmax step by step."""
    contest = server.contest(session, asked)
    side, x = _asked(contest, asked)
    seen = glassbox.forward(side.network, side.weights, x, classes=contest.classes)
    return {
        "columns": [column.as_dict() for column in seen.columns],
        "softmax": None if seen.softmax is None else seen.softmax.as_dict(),
        "answers": contest.answers(example(contest, asked)),
        "layers": [one.place.as_dict() for one in seen.layers if one.place.kind != "dropout"],
    }


@router.post("/neuron")
def neuron(server: TheServer, session: TheSession, asked: AskedNeuron) -> dict[str, Any]:
    """Write out one neuron's sum; its weights as an image, where it sees pixels."""
    contest = server.contest(session, asked)
    side, x = _asked(contest, asked)
    one = glassbox.explain_neuron(
        side.network,
        side.weights,
        x,
        asked.layer,
        asked.unit,
        TERMS,
        image=contest.image,
        names=_names(contest, side),
    )
    found = one.as_dict()
    for name in ("weights_image", "products_image"):
        image = getattr(one, name)
        found[name] = None if image is None else pack(image.reshape(contest.image))
    W = side.network.layout[f"{asked.layer}.W"].view(side.weights.theta)
    # A unit of several heads has no weights of its own to show whole.
    alone = W.ndim == 2 and W.shape[1:] == one.place.shape_out
    return found | {"weights": pack(W[:, asked.unit]) if alone else None}


@router.post("/trees")
def trees(server: TheServer, session: TheSession, asked: AskedClass) -> dict[str, Any]:
    """Tell how the trees voted for each class, and follow the strongest of one class."""
    contest = server.contest(session, asked)
    side = trees_of(contest)
    forest = side.forest
    names = side.preparation.feature_names if side.preparation is not None else _pixels(contest)
    row = side.rows(example(contest, asked))[0]
    seen = glassbox.explain_votes(forest, row, PATHS, names)
    found = seen.as_dict() | {"vector_leaves": forest.vector_leaves}
    return found | {"rounds": forest.n_rounds, "groups": side.groups}


@router.post("/tree")
def tree(server: TheServer, session: TheSession, asked: AskedTree) -> dict[str, Any]:
    """Follow an example through one tree."""
    contest = server.contest(session, asked)
    side = trees_of(contest)
    names = side.preparation.feature_names if side.preparation is not None else _pixels(contest)
    row = side.rows(example(contest, asked))[0]
    return glassbox.explain_path(side.forest, row, asked.tree, names).as_dict()


@router.post("/why")
def why(server: TheServer, session: TheSession, asked: AskedClass) -> dict[str, Any]:
    """Return what each input did for one class: the net's gradient, the trees' SHAP values."""
    contest = server.contest(session, asked)
    X = example(contest, asked)
    answers = contest.answers(X)
    best = int(np.argmax(answers["net"] or answers["xgboost"] or [0]))
    label = best if asked.label is None else label_of(contest, asked.label)
    found: dict[str, Any] = {"label": label, "net": None, "xgboost": None}
    if contest.net is not None:
        side = contest.net
        output = min(label, int(np.prod(side.network.answer_shape)) - 1)
        seen = glassbox.input_gradient(side.network, side.weights, side.matrix(X)[0], output)
        found["net"] = {
            "z": seen.z,
            "gradient": pack(seen.gradient),
            "times_input": pack(seen.times_input),
            "names": list(_names(contest, side)),
        }
    if contest.trees is not None and not contest.trees.forest.vector_leaves:
        told = glassbox.explain_shap(contest.trees.forest, contest.trees.rows(X)[0])
        groups = contest.trees.groups
        place, sign = _margin(groups, label)
        named = contest.trees.preparation
        found["xgboost"] = (
            None
            if place is None
            else {
                "values": pack(sign * told.values[place]),
                "bias": sign * float(told.bias[place]),
                "margin": sign * float(told.margin[place]),
                "names": [] if named is None else list(named.names),
            }
        )
    return found


@router.post("/backward")
def backward(server: TheServer, session: TheSession, asked: AskedBack) -> dict[str, Any]:
    """Send the loss back: dZ, dW, db, the gates; then take one step, and look again."""
    contest = server.contest(session, asked)
    side, x = _asked(contest, asked)
    label = label_of(contest, asked.label)
    seen = glassbox.backward(side.network, side.weights, x, label, classes=contest.classes)
    layers = []
    for one in seen.layers:
        if one.place.kind == "dropout":
            continue
        told = one.as_dict()
        told |= {"W": None, "norms": None}
        if (W := one.gradients.get("W")) is not None:
            told["W"] = pack(W.T) if W.size <= SHOWN else None
            told["norms"] = pack(np.linalg.norm(W, axis=0))
        layers.append(told)
    step = glassbox.step(side.network, side.weights, x, label, asked.rate)
    found = seen.as_dict()
    return found | {
        "layers": layers,
        "columns": [column.as_dict() for column in seen.forward.columns],
        "dx": pack(seen.dx),
        "step": step.as_dict(),
    }


@router.post("/gradient")
def gradient(server: TheServer, session: TheSession, asked: AskedGradient) -> dict[str, Any]:
    """Write out one neuron's row of dW."""
    contest = server.contest(session, asked)
    side, x = _asked(contest, asked)
    label = label_of(contest, asked.label)
    seen = glassbox.backward(side.network, side.weights, x, label)
    one = glassbox.weight_gradients(
        side.network,
        seen,
        asked.layer,
        asked.unit,
        TERMS,
        image=contest.image,
        names=_names(contest, side),
    )
    found = one.as_dict()
    found["image"] = None if one.image is None else pack(one.image.reshape(contest.image))
    return found


def _margin(groups: list[int], label: int) -> tuple[int | None, int]:
    """Return which margin speaks for a class, and with which sign.

    >>> _margin([1], 0), _margin([0, 2, 3], 2), _margin([0, 2, 3], 1)
    ((0, -1), (1, 1), (None, 1))
    """
    if len(groups) == 1:
        return 0, 1 if label == groups[0] else -1
    return (groups.index(label), 1) if label in groups else (None, 1)


def _asked(contest: ModelPair, asked: Asked) -> tuple[NetSide, Any]:
    side = shown_net(contest)
    return side, side.matrix(example(contest, asked))[0]


def _names(contest: ModelPair, side: NetSide) -> Sequence[str]:
    """Name the network's inputs, where it is given a table's columns."""
    return () if side.preparation is None else side.preparation.names


def _pixels(contest: ModelPair) -> Sequence[str]:
    if contest.image is None:
        return ()
    height, width, channels = contest.image
    if channels > 1:
        return ()
    return [f"row {i}, column {j}" for i in range(height) for j in range(width)]

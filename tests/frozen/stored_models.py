"""Conversion of models saved by graduel 0.1.0 to the current format.

Besides :mod:`adapter`, the only file of these tests that imports graduel.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

from graduel.data.column import Column
from graduel.data.prepare.preparation import NetPreparation, Preparation, TreePreparation
from graduel.data.schema import Schema
from graduel.models.model_file import Model, save_model
from graduel.nn.network import Network
from graduel.nn.weights import Weights

RENAMED = {
    "MeanOfHeads": "EnsembleMean",
    "HeadsDense": "EnsembleOutput",
    "heads": "members",
    "falls": "scheduled",
}
"""Renamed types and fields of a stored network: old to current name."""


def convert(old: Path, new: Path) -> None:
    """Write a model saved by 0.1.0 in the current format."""
    with safe_open(old, framework="numpy") as file:
        (text,) = file.metadata().values()
        notes = json.loads(text)["notes"]
        if "kept" not in notes:  # already in the current format, from fresh runs
            new.write_bytes(old.read_bytes())
            return
        note = notes["kept"]
        spec = rename(json.loads(text).get("spec"))
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        booster = arrays.get("booster")
    schema, title = _schema(note["task"]), note["title"]
    if booster is None:
        network = Network.from_spec(spec)
        preparation = _preparation(note["preparation"], NetPreparation)
        model = Model("net", title, schema, preparation, network, _weights(network, arrays))
    else:
        preparation, codes = (
            _preparation(note["preparation"], TreePreparation),
            tuple(note["learned"]),
        )
        model = Model("xgboost", title, schema, preparation, None, None, _booster(booster), codes)
    save_model(new, model)


def rename(spec: Any) -> Any:
    """Return a network's plain form with the names of :data:`RENAMED`."""
    if isinstance(spec, dict):
        return {RENAMED.get(key, key): rename(value) for key, value in spec.items()}
    if isinstance(spec, list):
        return [rename(value) for value in spec]
    return RENAMED.get(spec, spec) if isinstance(spec, str) else spec


def _weights(network: Network, arrays: dict[str, np.ndarray]) -> Weights:
    """Return weights and state from the arrays of a file."""
    weights = network.init(np.random.default_rng(0))
    for entry in network.layout.entries:
        entry.view(weights.theta)[...] = arrays[entry.name]
    for entry in network.state_layout.entries:
        entry.view(weights.state)[...] = arrays[f"state:{entry.name}"]
    return weights


def _booster(content: np.ndarray) -> Any:
    from xgboost import Booster

    return Booster(model_file=bytearray(content.tobytes()))


def _schema(task: dict[str, Any]) -> Schema:
    return Schema(
        name=task["name"],
        classes=tuple(task["classes"]),
        image=None if task["image"] is None else tuple(task["image"]),
        scale=task["scale"],
        target=task["target"],
        columns=tuple(Column(name, kind) for name, kind in task["columns"]),
        date_formats=task["formats"],
        numeric_categories=tuple(task["numbers"]),
    )


def _preparation(spec: dict[str, Any] | None, kind: type[Preparation]) -> Preparation | None:
    if spec is None:
        return None
    encoders = [_encoder(dict(column), kind.for_trees) for column in spec["columns"]]
    return kind.from_spec({"type": spec["preparation"], "encoders": encoders})


def _encoder(old: dict[str, Any], for_trees: bool) -> dict[str, Any]:
    """Return the current plain form of an encoder, in which scalers are separate."""

    def part(kind: str, *fields: str) -> dict[str, Any]:
        return {"type": kind, **{field: old[field] for field in fields}}

    robust = ("Shift", "shift", "whole") if for_trees else ("Robust", "center", "width", "missing")
    quantile = ("Quantile", "knots", "missing")
    match old["type"]:
        case "Numeric":
            return part("Number", "name") | {"scaler": part(*robust)}
        case "Quantile":
            return part("Number", "name") | {"scaler": part(*quantile)}
        case "Both":
            both = {"type": "Both", "quantile": part(*quantile), "robust": part(*robust)}
            return part("Number", "name") | {"scaler": both}
        case "Date":
            return part("Date", "name", "parts") | {"days": part(*robust)}
        case "OneHot":
            return old
        case "Boolean":
            return {"missing": False} | old | {"for_trees": for_trees}
        case _:
            return old | {"type": "CategoryCode", "for_trees": for_trees}

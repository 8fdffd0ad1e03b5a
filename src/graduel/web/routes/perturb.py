"""Handlers for robustness: perturbations, one column varied, adversarial examples."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter

from graduel import glassbox
from graduel.data import perturb
from graduel.models.model import Model
from graduel.web.array_codec import Array, pack
from graduel.web.dependencies import (
    CurrentClient,
    check_label,
    find_net,
    read_example,
)
from graduel.web.http_error import ClientError
from graduel.web.request_schemas import (
    AdversarialRequest,
    ColumnRequest,
    PerturbationRequest,
    SweepRequest,
)
from graduel.web.state.model_pair import ModelPair

router = APIRouter(prefix="/sessions/{session}")


MAX_ROWS = 1000
"""Maximum number of test rows to perturb; the first ones are used."""
EXAMPLE_STRENGTHS: dict[str, list[float]] = {
    "noise": [0.05 * i for i in range(21)],
    "rotate": [7.5 * i for i in range(-12, 13)],
    "shift": [float(i) for i in range(-12, 13)],
    "occlude": [float(i) for i in range(25)],
}
"""The strengths of perturbations of one example."""
TEST_STRENGTHS: dict[str, list[float]] = {
    "noise": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8],
    "rotate": [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 90.0],
    "shift": [float(i) for i in range(8)],
    "occlude": [0.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 18.0],
    "missing": [0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9],
    "scramble": [0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9],
}
"""The strengths of perturbations of test rows."""
UNITS = {
    "noise": "standard deviation / pixel range",
    "rotate": "degrees",
    "shift": "pixels",
    "occlude": "side length in pixels",
    "missing": "share of cells",
    "scramble": "share of columns",
}


@router.post("/perturb")
def perturb_example(client: CurrentClient, request: PerturbationRequest) -> dict[str, Any]:
    """Perturb one image and return both models' predictions."""
    models = client.edit_models(request)
    X = _as_images(models, read_example(models, request))
    strength = request.strength
    if request.kind in ("shift", "occlude"):
        strength = float(round(strength))
    if request.kind in ("noise", "occlude"):
        strength = max(strength, 0.0)
    pixels = _perturb(X, request.kind, strength, request.seed).reshape(1, -1)
    return {"pixels": pack(pixels[0]), "predictions": models.predict_example(pixels)}


@router.post("/sweep")
def sweep(client: CurrentClient, request: SweepRequest) -> dict[str, Any]:
    """Perturb one image at every strength and return both models' probabilities."""
    models = client.edit_models(request)
    if request.kind not in EXAMPLE_STRENGTHS:
        kinds = ", ".join(EXAMPLE_STRENGTHS)
        raise ClientError(422, f"kind must be one of {kinds} for one image; got {request.kind}")
    X = _as_images(models, read_example(models, request))
    strengths = EXAMPLE_STRENGTHS[request.kind]
    images = [_perturb(X, request.kind, strength, request.seed) for strength in strengths]
    rows = np.stack([image.reshape(-1) for image in images])
    return _predict_curves(models, rows, strengths) | {
        "unit": UNITS[request.kind],
        "images": pack(rows.reshape(len(rows), *X.shape[1:3])) if X.ndim == 3 else None,
    }


@router.post("/vary")
def vary_column(client: CurrentClient, request: ColumnRequest) -> dict[str, Any]:
    """Vary one numeric column of a row over its range and return both models' probabilities."""
    import polars as pl

    models = client.edit_models(request)
    frame = read_example(models, request)
    field = next((f for f in models.fields if f.name == request.field), None)
    if field is None or not isinstance(frame, pl.DataFrame):
        raise ClientError(422, f"field must be a column of the table; got {request.field[:40]!r}")
    if field.low is None or field.high is None:
        raise ClientError(422, f"field must be a numeric column; {field.name!r} is {field.kind}")
    values = np.linspace(field.low, field.high, 41)
    rows = pl.concat([frame] * len(values)).with_columns(pl.Series(field.name, values))
    return _predict_curves(models, rows, [float(v) for v in values]) | {"unit": field.name}


@router.post("/sweep-test")
def sweep_test_rows(client: CurrentClient, request: SweepRequest) -> dict[str, Any]:
    """Perturb the test rows at every strength and return both models' error rates."""
    models = client.edit_models(request)
    holdout = client.find_data(request.model)
    data, rows = holdout.data, holdout.test[:MAX_ROWS]
    if tuple(data.classes) != models.classes:
        raise ClientError(
            409, "expected test rows with the classes of the models; their classes differ"
        )
    X, y = data.X[rows], data.y[rows]
    is_table = bool(models.fields)
    if is_table != (request.kind in ("missing", "scramble")):
        kinds = ("missing", "scramble") if is_table else tuple(EXAMPLE_STRENGTHS)
        raise ClientError(
            422, f"kind must be one of {', '.join(kinds)} for these data; got {request.kind}"
        )
    strengths = TEST_STRENGTHS[request.kind]
    errors = {family: list[float]() for family in models.models}
    for strength in strengths:
        rng = np.random.default_rng(request.seed)
        perturbed = getattr(perturb, request.kind)(X, strength, rng)
        if not is_table:
            perturbed = perturbed.reshape(len(X), -1)
        for family, model in models.models.items():
            wrong = model.predict_proba(perturbed).argmax(axis=1) != y
            errors[family].append(float(wrong.mean()))
    return {
        "strengths": strengths,
        "unit": UNITS[request.kind],
        "rows": len(y),
        "errors": {"net": None, "xgboost": None} | errors,
    }


@router.post("/attack")
def attack(client: CurrentClient, request: AdversarialRequest) -> dict[str, Any]:
    """Compute an adversarial example of the network and return both models' predictions."""
    models = client.edit_models(request)
    net, network, weights = find_net(models)
    label = check_label(models.classes, request.label)
    X = _as_images(models, read_example(models, request))
    x = net.scale(net.prepare(X))[0]

    def as_pixels(rows: Array) -> Array:
        return np.rint(np.clip(rows, 0, 1) * 255).astype(np.uint8)

    def predictor(model: Model) -> glassbox.Predictor:
        return lambda rows: model.predict_proba(as_pixels(rows))

    predictors = {family: predictor(model) for family, model in models.models.items()}
    result = glassbox.attack_example(network, weights, x, label, request.epsilon, predictors)
    smallest_eps = {
        family: glassbox.find_smallest_eps(x, result.direction, predict, steps=64).eps
        for family, predict in predictors.items()
    }
    return {
        "pixels": pack(as_pixels(result.x)),
        "direction": pack(result.direction),
        "outcomes": result.as_dict()["outcomes"],
        "smallest_eps": smallest_eps,
    }


def _as_images(models: ModelPair, X: Any) -> Array:
    if models.image is None:
        raise ClientError(409, "expected models of images; these are models of a table")
    images: Array = X.reshape(len(X), *models.image)
    return images[..., 0] if models.image[2] == 1 else images


def _perturb(X: Array, kind: str, strength: float, seed: int) -> Array:
    # The other perturbations of one example are deterministic.
    rng = np.random.default_rng(seed) if kind == "noise" else None
    perturbed: Array = getattr(perturb, kind)(X, strength, rng)
    return perturbed


def _predict_curves(models: ModelPair, rows: Any, strengths: list[float]) -> dict[str, Any]:
    """Return the strengths and each model's probabilities for the rows."""
    curves: dict[str, Any] = {"strengths": strengths, "net": None, "xgboost": None}
    return curves | {family: pack(m.predict_proba(rows)) for family, m in models.models.items()}

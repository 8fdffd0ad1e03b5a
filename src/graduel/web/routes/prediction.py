"""Handlers for predictions: for a drawing, an image file, or any example."""

from __future__ import annotations

from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from graduel.web.array_codec import pack, unpack_pixels
from graduel.web.dependencies import CurrentClient, read_example
from graduel.web.drawing_input import prepare_drawing, read_picture
from graduel.web.http_error import ClientError
from graduel.web.request_schemas import DrawingRequest, ExampleRequest, ModelChoice
from graduel.web.state.model_pair import ModelPair

router = APIRouter(prefix="/sessions/{session}")


@router.post("/draw")
def predict_drawing(client: CurrentClient, request: DrawingRequest) -> dict[str, Any]:
    """Prepare a drawing and return the steps and both models' predictions."""
    start = perf_counter()
    models = client.edit_models(request)
    _check_digits(models)
    canvas = unpack_pixels(request.pixels, request.size**2).reshape(request.size, request.size)
    return _predict_ink(models, canvas, request.prepare) | {"seconds": perf_counter() - start}


@router.post("/predict")
def predict_example(client: CurrentClient, request: ExampleRequest) -> dict[str, Any]:
    """Return both models' predictions for an example."""
    models = client.edit_models(request)
    return {"predictions": models.predict_example(read_example(models, request))}


@router.post("/image")
async def predict_picture(
    request: Request,
    client: CurrentClient,
    model: ModelChoice = "ready",
    prepare: Annotated[bool, Query()] = True,
) -> dict[str, Any]:
    """Read a PNG, JPEG or WebP file as a drawing and return both models' predictions."""
    from anyio import to_thread

    content = await request.body()
    models = client.find_models(model)
    _check_digits(models)
    return await to_thread.run_sync(lambda: _predict_ink(models, read_picture(content), prepare))


def _check_digits(models: ModelPair) -> None:
    if models.image != (28, 28, 1):
        raise ClientError(
            409, "expected models of 28 × 28 grayscale images; these models take other inputs"
        )


def _predict_ink(models: ModelPair, ink: Any, prepare: bool) -> dict[str, Any]:
    """Return the preparation steps, the pixels and both models' predictions."""
    steps, pixels = prepare_drawing(ink, prepare)
    return {
        "steps": steps,
        "pixels": pack(pixels.reshape(-1)),
        "empty": not bool(pixels.any()),
        "predictions": models.predict_example(pixels.reshape(1, -1)),
    }

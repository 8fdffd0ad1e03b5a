"""Answers: to a drawing, to a picture's file, to any example."""

from __future__ import annotations

from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from graduel.web.array_codec import pack, unpack_pixels
from graduel.web.dependencies import TheServer, TheSession, example
from graduel.web.drawing_input import as_ink, prepared
from graduel.web.http_error import ClientError
from graduel.web.request_schemas import Asked, Drawing, Which

router = APIRouter(prefix="/sessions/{session}")


@router.post("/draw")
def draw(server: TheServer, session: TheSession, asked: Drawing) -> dict[str, Any]:
    """Prepare a drawing, step by step, and let both contenders answer."""
    begun = perf_counter()
    contest = server.contest(session, asked)
    if contest.image != (28, 28, 1):
        raise ClientError(409, "these models do not read drawings of 28 × 28 pixels")
    canvas = unpack_pixels(asked.pixels, asked.size**2).reshape(asked.size, asked.size)
    steps, pixels = prepared(canvas, asked.prepare)
    return {
        "steps": steps,
        "pixels": pack(pixels.reshape(-1)),
        "empty": not bool(pixels.any()),
        "answers": contest.answers(pixels.reshape(1, -1)),
        "seconds": perf_counter() - begun,
    }


@router.post("/answer")
def answer(server: TheServer, session: TheSession, asked: Asked) -> dict[str, Any]:
    """Let both contenders answer."""
    contest = server.contest(session, asked)
    return {"answers": contest.answers(example(contest, asked))}


@router.post("/image")
async def image(
    request: Request,
    server: TheServer,
    session: TheSession,
    model: Which = "ready",
    prepare: Annotated[bool, Query()] = True,
) -> dict[str, Any]:
    """Read a picture's file (PNG, JPEG, WebP) as a drawing, dark ink on light paper or reversed."""
    from anyio import to_thread

    content = await request.body()
    contest = server.contest(session, model)
    if contest.image != (28, 28, 1):
        raise ClientError(409, "these models do not read drawings of 28 × 28 pixels")

    def work() -> dict[str, Any]:
        steps, pixels = prepared(as_ink(content), prepare)
        return {
            "steps": steps,
            "pixels": pack(pixels.reshape(-1)),
            "empty": not bool(pixels.any()),
            "answers": contest.answers(pixels.reshape(1, -1)),
        }

    return await to_thread.run_sync(work)

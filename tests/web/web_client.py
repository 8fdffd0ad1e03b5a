"""One page's side of the conversation, for tests."""

from __future__ import annotations

import base64
from functools import cached_property
from typing import Any

import httpx
import numpy as np

from graduel.glassbox.digit.synthetic_digits import draw_digit, draw_strokes


class Client(httpx.Client):
    """One page's side: a session, and short ways to ask."""

    def __init__(self, address: str) -> None:
        super().__init__(base_url=address, timeout=30)

    @cached_property
    def session(self) -> str:
        """The name of its session, which begins with the first question."""
        return str(self.post("/api/sessions").json()["session"])

    def path(self, end: str) -> str:
        return f"/api/sessions/{self.session}/{end}".rstrip("/")

    def ask(self, end: str, **body: Any) -> Any:
        answer = self.post(self.path(end), json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def refused(self, end: str, **body: Any) -> tuple[int, str]:
        answer = self.post(self.path(end), json=body)
        assert 400 <= answer.status_code < 500, (answer.status_code, answer.text)
        return answer.status_code, answer.json()["detail"]

    def test(self, index: int = 0, **query: Any) -> Any:
        answer = self.get(self.path("test"), params={"index": index, **query})
        assert answer.status_code == 200, answer.text
        return answer.json()


def encoded(pixels: Any) -> str:
    """Return pixels as a page sends them."""
    return base64.b64encode(np.ascontiguousarray(pixels, np.uint8).tobytes()).decode()


def unpacked(packed: dict[str, Any]) -> Any:
    """Return an array as a page reads it."""
    kind = np.uint8 if packed["dtype"] == "uint8" else np.dtype("<f4")
    return np.frombuffer(base64.b64decode(packed["data"]), kind).reshape(packed["shape"])


def drawn(digit: int, rng: np.random.Generator) -> Any:
    """Return a digit drawn by strokes, uint8 of 280 × 280."""
    points, thickness = draw_digit(digit, rng)
    return np.rint(255 * draw_strokes(points, thickness)).astype(np.uint8)

"""A client of the web API for tests."""

from __future__ import annotations

import base64
from functools import cached_property
from typing import Any

import httpx
import numpy as np

from graduel.glassbox.digit.synthetic_digits import draw_digit, draw_strokes


class Client(httpx.Client):
    """A client with its own session."""

    def __init__(self, address: str) -> None:
        super().__init__(base_url=address, timeout=30)

    @cached_property
    def session(self) -> str:
        """The name of the session, started at first use."""
        return str(self.post("/api/sessions").json()["session"])

    def path(self, end: str) -> str:
        return f"/api/sessions/{self.session}/{end}".rstrip("/")

    def call(self, end: str, **body: Any) -> Any:
        """Post a request that succeeds; return the response's content."""
        response = self.post(self.path(end), json=body)
        assert response.status_code in (200, 201), response.text
        return response.json()

    def reject(self, end: str, **body: Any) -> tuple[int, str]:
        """Post a request that is rejected; return its status and message."""
        response = self.post(self.path(end), json=body)
        assert 400 <= response.status_code < 500, (response.status_code, response.text)
        return response.status_code, response.json()["detail"]

    def test(self, index: int = 0, **query: Any) -> Any:
        """Return a test row."""
        response = self.get(self.path("test"), params={"index": index, **query})
        assert response.status_code == 200, response.text
        return response.json()


def encode_pixels(pixels: Any) -> str:
    """Encode pixels as the page does."""
    return base64.b64encode(np.ascontiguousarray(pixels, np.uint8).tobytes()).decode()


def unpack(content: dict[str, Any]) -> Any:
    """Decode an array as the page does."""
    kind = np.uint8 if content["dtype"] == "uint8" else np.dtype("<f4")
    return np.frombuffer(base64.b64decode(content["data"]), kind).reshape(content["shape"])


def draw_pixels(digit: int, rng: np.random.Generator) -> Any:
    """Return a random handwritten digit, uint8 of 280 × 280."""
    points, thickness = draw_digit(digit, rng)
    return np.rint(255 * draw_strokes(points, thickness)).astype(np.uint8)

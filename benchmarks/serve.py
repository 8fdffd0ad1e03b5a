"""Latency of a prediction with many clients and running trainings.

    python benchmarks/serve.py [--clients 50] [--seconds 20]

Starts ``graduel serve`` in its own process. Every client requests predictions for drawings one
after another, first without and then with two trainings; the median and 95th percentile of the
latency are printed. One client alone is measured first.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import re
import subprocess
import sys
import time
from contextlib import suppress

import machine  # before NumPy: see there

# isort: split
import httpx
import numpy as np

from graduel.glassbox.digit.synthetic_digits import draw_digit, draw_strokes


def drawings(count: int) -> list[str]:
    """Return drawings of 140 × 140 pixels in the page's encoding."""
    rng, images = np.random.default_rng(0), []
    for number in range(count):
        points, thickness = draw_digit(number % 10, rng)
        ink = draw_strokes(points, thickness)[::2, ::2]
        images.append(base64.b64encode(np.rint(255 * ink).astype(np.uint8).tobytes()).decode())
    return images


async def client(
    address: str, seconds: float, pixels: list[str], pause: float, seed: int
) -> list[float]:
    """Request predictions for `seconds`; return the latency of each."""
    times = []
    async with httpx.AsyncClient(base_url=address, timeout=60) as one:
        session = (await one.post("/api/sessions")).json()["session"]
        await asyncio.sleep(pause * np.random.default_rng(seed).random())
        end, number = time.perf_counter() + seconds, 0
        while time.perf_counter() < end:
            body = {"pixels": pixels[number % len(pixels)], "size": 140}
            start = time.perf_counter()
            (await one.post(f"/api/sessions/{session}/draw", json=body)).raise_for_status()
            times.append(time.perf_counter() - start)
            number += 1
            await asyncio.sleep(pause)
        await one.post(f"/api/sessions/{session}/end")
    return times


async def training(address: str, seconds: float) -> None:
    """Train for `seconds`, and read the event stream."""
    async with httpx.AsyncClient(base_url=address, timeout=60) as one:
        session = (await one.post("/api/sessions")).json()["session"]
        path = f"/api/sessions/{session}/training"
        settings = {"layers": [64, 32], "activations": ["relu"], "epochs": 200, "rounds": 500}
        (await one.post(path, json=settings)).raise_for_status()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), one.stream("GET", path + "/events") as stream:
                await one.post(path + "/command", json={"do": "run"})
                async for _ in stream.aiter_lines():
                    pass


async def measure(address: str, clients: int, seconds: float, trainings: int, pause: float) -> None:
    """Print the median and 95th percentile of the latency."""
    pixels = drawings(50)
    asking = [client(address, seconds, pixels, pause, i) for i in range(clients)]
    busy = [training(address, seconds) for _ in range(trainings)]
    results = await asyncio.gather(*asking, *busy)
    times = np.array([t for one in results if one for t in one])
    print(
        f"{clients:3d} clients, {trainings} trainings: {len(times):6,d} predictions, "
        f"{len(times) / seconds:5.0f} per second, median {1e3 * np.median(times):6.1f} ms, "
        f"95th percentile {1e3 * np.percentile(times, 95):6.1f} ms"
    )


def main() -> None:
    """Start the server, measure, stop it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument(
        "--pause", type=float, default=0.25, help="seconds between a client's requests"
    )
    options = parser.parse_args()
    print(machine.describe())
    command = [sys.executable, "-m", "graduel", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            match = re.search(r"http://\S+", server.stdout.readline())
            assert match is not None
            address = match.group().rstrip("/")
            while not _ready(address):
                time.sleep(0.2)
            asyncio.run(measure(address, 1, options.seconds / 4, 0, 0.05))
            asyncio.run(measure(address, options.clients, options.seconds, 0, options.pause))
            asyncio.run(measure(address, options.clients, options.seconds, 2, options.pause))
        finally:
            server.terminate()


def _ready(address: str) -> bool:
    try:
        return bool(httpx.get(address + "/api/about").json()["ready"])
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    main()

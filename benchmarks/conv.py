"""Time of convolution and pooling, forward and backward: this engine and PyTorch on the CPU.

    python -m pip install -e ".[bench]"
    python benchmarks/conv.py [--json FILE] [--rounds 9]

The frameworks are measured in turn, in one run, on random float32 images; the median over the
rounds is reported. A pass takes images and the gradient of the output, and computes the output and
the gradients of all parameters, and of the images unless the layer is the first of the network.
For PyTorch the faster of its two memory formats counts. The *floor* is the engine's matrix
products alone, on prepared patches: ``cap`` is the ratio to PyTorch of a pass that takes no longer
than that.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from math import prod
from typing import Any

THREADS = os.environ.get("GRADUEL_BENCH_THREADS", "2")
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = THREADS

import machine  # before NumPy: see there

# isort: split
import numpy as np

from graduel.nn import AveragePool2D, Call, Conv2D, MaxPool2D, Network, ReLU
from graduel.nn.layers.layer import backward_through, forward_through

BATCH = 128
CASES: dict[str, tuple[tuple[int, int, int], tuple[Any, ...], bool]] = {
    # name → shape of an image, layers, whether the gradient of the images is computed
    "28x28: 1-32-64 channels": ((28, 28, 1), (Conv2D(32), ReLU(), Conv2D(64)), False),
    "28x28: 1-32 channels": ((28, 28, 1), (Conv2D(32),), False),
    "28x28: 32-64 channels": ((28, 28, 32), (Conv2D(64),), True),
    "14x14: 64-64 channels": ((14, 14, 64), (Conv2D(64),), True),
    "28x28: 32-64, stride 2": ((28, 28, 32), (Conv2D(64, stride=2),), True),
    "28x28x64: max pool": ((28, 28, 64), (MaxPool2D(),), True),
    "28x28x64: average pool": ((28, 28, 64), (AveragePool2D(),), True),
}
"""The speed target refers to the first."""
SECONDS = 0.3
"""Approximate time per framework and round."""
PAUSE = 0.1
"""Wait before each measurement: threads of the previous library keep spinning for a while."""

Stepper = Callable[[], object]


def engine(shape: tuple[int, ...], layers: tuple[Any, ...], need_dx: bool) -> Stepper:
    """Return a function that runs one pass of this engine."""
    rng = np.random.default_rng(0)
    net = Network(layers, shape)
    ws, call = net.workspace(net.init(rng)), Call(train=True, rng=rng)
    x = rng.random((BATCH, *shape), np.float32)
    dy = rng.random((BATCH, *net.output_shape), np.float32)
    gradient = dy.copy()

    def step() -> None:
        forward_through(net.layers, ws.scopes, x, call)
        if isinstance(net.layers[-1], AveragePool2D):
            np.copyto(gradient, dy)  # average pooling divides in place
        backward_through(net.layers, ws.scopes, gradient, call, need_dx=need_dx)

    return step


def torch_passes(
    shape: tuple[int, ...], layers: tuple[Any, ...], need_dx: bool
) -> dict[str, Stepper]:
    """Return functions that run one pass of PyTorch, by memory format."""
    import torch

    torch.set_num_threads(int(THREADS))
    steps = {}
    for name, order in (("nchw", torch.contiguous_format), ("nhwc", torch.channels_last)):
        torch.manual_seed(0)
        parts: list[torch.nn.Module] = []
        h, w, c = shape
        for layer in layers:
            if isinstance(layer, Conv2D):
                # Equal to 'same' padding for a window of 3 at an even size; with stride 2 the
                # windows are shifted, which is the same amount of work.
                parts.append(torch.nn.Conv2d(c, layer.filters, 3, layer.stride, padding=1))
                c = layer.filters
            elif isinstance(layer, ReLU):
                parts.append(torch.nn.ReLU())
            else:
                kind = torch.nn.MaxPool2d if isinstance(layer, MaxPool2D) else torch.nn.AvgPool2d
                parts.append(kind(layer.size))
        model = torch.nn.Sequential(*parts).to(memory_format=order)
        x = torch.rand(BATCH, shape[2], h, w).contiguous(memory_format=order)
        x.requires_grad_(need_dx)
        with torch.no_grad():
            dy = torch.rand_like(model(x))

        def step(
            model: torch.nn.Module = model, x: torch.Tensor = x, dy: torch.Tensor = dy
        ) -> None:
            model.zero_grad(set_to_none=True)
            x.grad = None
            model(x).backward(dy)

        steps[name] = step
    return steps


def floor(shape: tuple[int, ...], layers: tuple[Any, ...], need_dx: bool) -> Stepper | None:
    """Return a function that runs a pass's matrix products, eight images each; None for pooling."""
    rng = np.random.default_rng(0)
    products = []
    for i, layer in enumerate(layers):
        plan = layer.plan(shape)
        if isinstance(layer, Conv2D):
            size, o = plan.params["W"].shape, layer.filters
            rows, k = 8 * prod(plan.out[:2]), prod(size[:3])
            P, W = rng.random((rows, k), np.float32), rng.random((k, o), np.float32)
            y, dW = np.empty((rows, o), np.float32), np.empty_like(W)
            W_places = W.reshape(-1, size[2], o).transpose(0, 2, 1)
            pieces = np.empty((len(W_places), rows, size[2]), np.float32)
            products.append((P, W, y, dW, W_places, pieces, need_dx or i > 0))
        shape = plan.out
    if not products:
        return None

    def step() -> None:
        for P, W, y, dW, W_places, pieces, backwards in products:
            for _ in range(BATCH // 8):
                np.matmul(P, W, out=y)
                np.matmul(P.T, y, out=dW)
                if backwards:
                    np.matmul(y, W_places, out=pieces)

    return step


def seconds_a_pass(step: Stepper, count: int) -> float:
    """Return the mean seconds of `count` calls after a warm-up call."""
    time.sleep(PAUSE)
    step()
    start = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - start) / count


def measure(case: tuple[Any, ...], rounds: int) -> dict[str, float]:
    """Return the median seconds per pass of one case, the frameworks in turn."""
    runners: dict[str, Stepper] = {"graduel": engine(*case)}
    bare = floor(*case)
    if bare is not None:
        runners["floor"] = bare
    for order, step in torch_passes(*case).items():
        runners[f"torch {order}"] = step
    counts = {name: max(1, round(SECONDS / seconds_a_pass(r, 2))) for name, r in runners.items()}
    times: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(rounds):
        for name, step in runners.items():
            times[name].append(seconds_a_pass(step, counts[name]))
    medians = {name: statistics.median(values) for name, values in times.items()}
    medians["torch"] = min(medians["torch nchw"], medians["torch nhwc"])
    return medians


def main() -> int:
    """Measure and print all cases."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--json", metavar="FILE", help="also write the results to a JSON file")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    print(machine.describe())
    import torch

    entries = []
    print(
        f"{'3x3, same, batch ' + str(BATCH):>24} | {'ms':>7} {'torch':>7} {'/torch':>6} "
        f"| {'floor':>5} {'cap':>5}"
    )
    for name, case in CASES.items():
        medians = measure(case, options.rounds)
        mine, bare = medians["graduel"], medians.get("floor")
        entry = {
            "case": name,
            "batch": BATCH,
            "seconds_a_pass": medians,
            "images_a_second": BATCH / mine,
            "against_torch": medians["torch"] / mine,
            "floor_share": bare and bare / mine,
            "cap_against_torch": bare and medians["torch"] / bare,
        }
        entries.append(entry)
        share = f"{bare / mine:>5.2f} {medians['torch'] / bare:>5.2f}" if bare else ""
        print(
            f"{name:>24} | {1e3 * mine:>7.2f} {1e3 * medians['torch']:>7.2f} "
            f"{entry['against_torch']:>6.2f} | {share}",
            flush=True,
        )
    result = {
        "target_against_torch": entries[0]["against_torch"],
        "entries": entries,
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": torch.__version__,
        },
        "threads": int(THREADS),
    }
    ratio = entries[0]["against_torch"]
    print(f"two convolutions: {ratio:.2f} of PyTorch's speed, {1 / ratio:.2f} times its time")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())

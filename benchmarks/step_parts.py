"""The parts of a training step's time: matrix products, the passes between them, and Python.

    python -m pip install -e ".[fast]"
    python benchmarks/step_parts.py [--out FILE.json] [--plot docs/images/step-parts.svg]

Steps of Adam on MNIST rows, with both kernels in turn, on one thread, so that no part waits for
another core. Each operation is timed where the layers call it; the rest of the step is Python.
Of the rounds the one with the median total is reported.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import machine  # before NumPy: see there

# isort: split
import numpy as np
from train_step import engine

import graduel
from graduel import kernels

CASES = (((128,), 32), ((512, 512), 128), ((1024, 1024), 512))
KERNELS = ("numpy", "numba")
PRODUCTS, PYTHON = "matrix products", "Python"
PARTS = {
    PRODUCTS: ("matmul",),
    "optimizer": ("adam_update",),
    "bias and ReLU": ("bias_relu", "relu_gate_bias", "add_bias", "bias_gradient"),
    "gathering rows": ("gather_scale",),
    "softmax and loss": ("softmax_cross_entropy",),
}
SECONDS = 0.3
"""Approximate time of a round."""


@contextmanager
def timed(spent: dict[str, float]) -> Iterator[None]:
    """Add the seconds of each operation to `spent` within this context."""

    def wrap(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            start = time.perf_counter()
            result = call(*arguments, **options)
            spent[name] += time.perf_counter() - start
            return result

        return run

    names = [name for group in PARTS.values() for name in group]
    places = [(np if name == "matmul" else kernels, name) for name in names]
    originals = [getattr(place, name) for place, name in places]
    for (place, name), call in zip(places, originals, strict=True):
        setattr(place, name, wrap(name, call))
    try:
        yield
    finally:
        for (place, name), call in zip(places, originals, strict=True):
            setattr(place, name, call)


def measure_round(step: Callable[[], object], count: int) -> dict[str, float]:
    """Return the microseconds of a step by part."""
    spent: dict[str, float] = defaultdict(float)
    with timed(spent):
        start = time.perf_counter()
        for _ in range(count):
            step()
        total = time.perf_counter() - start
    parts = {part: sum(spent[name] for name in names) for part, names in PARTS.items()}
    parts[PYTHON] = total - sum(parts.values())
    return {part: 1e6 * seconds / count for part, seconds in parts.items()}


def measure(rounds: int) -> list[dict[str, Any]]:
    """Return the parts of a step for each network and kernel."""
    mnist = graduel.load_dataset("mnist")
    X, y = mnist.table[:60_000], mnist.y[:60_000]
    results = []
    for hidden, batch in CASES:
        steps, counts = {}, {}
        for name in KERNELS:
            kernels.use(name)
            steps[name] = engine(hidden, batch, "adam", X, y)
            measure_round(steps[name], 2)
            counts[name] = max(2, round(SECONDS / (1e-6 * total(measure_round(steps[name], 2)))))
        by_kernels: dict[str, list[dict[str, float]]] = {name: [] for name in KERNELS}
        for _ in range(rounds):
            for name in KERNELS:
                kernels.use(name)
                by_kernels[name].append(measure_round(steps[name], counts[name]))
        for name, each in by_kernels.items():
            middle = sorted(each, key=total)[len(each) // 2]
            results.append(
                {"net": [784, *hidden, 10], "batch": batch, "kernels": name, "parts": middle}
            )
    return results


def total(parts: dict[str, float]) -> float:
    """Return the microseconds of a whole step."""
    return sum(parts.values())


def plot(results: list[dict[str, Any]], path: Path) -> None:
    """Draw a bar per network and kernel, as long as its share of the time with NumPy kernels."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    from graduel.report.draw.style import HUES

    figure = Figure(figsize=(7, 3.4), layout="constrained")
    FigureCanvasSVG(figure)
    ax = figure.subplots()
    names, places = [], []
    for place, one in enumerate(results):
        where = place + 0.5 * (place // len(KERNELS))
        net = "-".join(map(str, one["net"]))
        names.append(f"{net}, batch {one['batch']}\n{one['kernels']} kernels")
        places.append(where)
        whole = total(results[place - place % len(KERNELS)]["parts"])
        left = 0.0
        for hue, (part, value) in enumerate(one["parts"].items()):
            share = 100 * value / whole
            label = part if place == 0 else None
            ax.barh(where, share, left=left, height=0.8, color=HUES[hue].light, label=label)
            left += share
        ax.text(left + 1, where, f"{total(one['parts']) / 1000:.2f} ms", va="center", fontsize=8)
    ax.set_yticks(places, names, fontsize=8)
    ax.invert_yaxis()
    ax.set_xlim(0, 112)
    ax.set_xlabel("time of a step, % of that with NumPy kernels")
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "graduel"}):
        figure.savefig(path, format="svg", metadata={"Date": None})


def main() -> None:
    """Measure, print, write and plot."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, help="JSON file for the results")
    parser.add_argument("--plot", type=Path, help="SVG file for the plot")
    options = parser.parse_args()
    print(machine.describe())
    results = measure(options.rounds)
    for one in results:
        net, whole = "-".join(map(str, one["net"])), total(one["parts"])
        shares = ", ".join(f"{part} {value / whole:.0%}" for part, value in one["parts"].items())
        print(f"{net}, batch {one['batch']}, {one['kernels']}: {whole:,.0f} µs: {shares}")
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if options.plot:
        plot(results, options.plot)


if __name__ == "__main__":
    main()

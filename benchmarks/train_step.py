"""Training speed in rows per second: this engine, PyTorch on the CPU, scikit-learn.

    python -m pip install -e ".[bench,fast]"
    python benchmarks/train_step.py [--json FILE] [--rounds 7]

The frameworks are measured in turn, in one run, on rows of MNIST, this engine with both of its
kernels; the median over the rounds is reported. The *floor* is the step's matrix products alone,
into existing arrays: no step can be faster. ``share`` is the floor's share of a step, ``cap`` the
ratio to PyTorch of a step that takes no longer than its floor. ``torch floor`` is the same products
by PyTorch's library. Each step gathers its batch: this engine from uint8 rows, which it converts,
PyTorch and scikit-learn from float32 rows. For PyTorch the fastest of its eager variants (fused and
foreach optimizers) counts, for scikit-learn ``partial_fit``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from itertools import pairwise, product
from typing import Any

THREADS = os.environ.get("GRADUEL_BENCH_THREADS", "2")
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = THREADS

import machine  # before NumPy: see there

# isort: split
import numpy as np

import graduel
from graduel import kernels
from graduel.nn import Dense, Network, ReLU
from graduel.optim import SGD, Adam
from graduel.train import Fit, Rows

NETS = ((128,), (512, 512), (1024, 1024))
BATCHES = (32, 128, 512)
OPTIMIZERS = ("momentum", "adam")
KERNELS = ("numba", "numpy")
LARGE = 128
"""Batches of at least this size are summed up apart from smaller ones."""
SECONDS = 0.25
"""Approximate time per framework and round."""
PAUSE = 0.1
"""Wait before each measurement: threads of the previous library keep spinning for a while."""

Stepper = Callable[[], object]


def engine(
    hidden: tuple[int, ...], batch: int, optimizer: str, X: np.ndarray, y: np.ndarray
) -> Stepper:
    """Return a function that runs one training step of this engine."""
    layers: list[object] = []
    for units in hidden:
        layers += [Dense(units), ReLU()]
    rule = SGD(momentum=0.9) if optimizer == "momentum" else Adam()
    fit = Fit(
        Network((*layers, Dense(10)), (784,)),
        Rows(X, 1 / 255),
        y,
        rng=np.random.default_rng(0),
        optimizer=rule,
        lr=1e-3,
        batch_size=batch,
        epochs=10**6,
    )
    steps = fit.fit_steps()
    return lambda: next(steps)


def torch_steps(
    hidden: tuple[int, ...], batch: int, optimizer: str, X: np.ndarray, y: np.ndarray
) -> dict[str, Stepper]:
    """Return functions that run one step of PyTorch, by variant of its optimizer."""
    import torch

    torch.set_num_threads(int(THREADS))
    data = torch.from_numpy((X / 255).astype(np.float32))
    target = torch.from_numpy(y.astype(np.int64))
    steps = {}
    for variant in ("foreach", "fused"):
        torch.manual_seed(0)
        sizes = (784, *hidden, 10)
        parts: list[torch.nn.Module] = []
        for n_in, n_out in pairwise(sizes):
            parts += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU()]
        model, loss = torch.nn.Sequential(*parts[:-1]), torch.nn.CrossEntropyLoss()
        kind = {variant: True}
        rule = (
            torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, **kind)
            if optimizer == "momentum"
            else torch.optim.Adam(model.parameters(), lr=1e-3, **kind)
        )

        def batches() -> Iterator[torch.Tensor]:
            while True:
                for index in torch.randperm(len(data)).split(batch):
                    if len(index) == batch:
                        yield index

        def step(
            loss: torch.nn.Module = loss,
            model: torch.nn.Module = model,
            rule: torch.optim.Optimizer = rule,
            stream: Iterator[torch.Tensor] = batches(),  # noqa: B008
        ) -> None:
            index = next(stream)
            rule.zero_grad(set_to_none=True)
            loss(model(data[index]), target[index]).backward()
            rule.step()

        steps[variant] = step
    return steps


def sklearn_epoch(
    hidden: tuple[int, ...], batch: int, optimizer: str, X: np.ndarray, y: np.ndarray
) -> tuple[Stepper, int]:
    """Return scikit-learn's pass over a few batches, and its number of steps."""
    from sklearn.neural_network import MLPClassifier

    steps = max(2, min(40, len(X) // batch))
    data, target = (X[: steps * batch] / 255).astype(np.float32), y[: steps * batch]
    model = MLPClassifier(
        hidden,
        batch_size=batch,
        alpha=0,
        solver="sgd" if optimizer == "momentum" else "adam",
        nesterovs_momentum=False,
        learning_rate_init=1e-3,
        random_state=0,
    )
    model.partial_fit(data, target, classes=np.arange(10))
    return lambda: model.partial_fit(data, target), steps


def floor(hidden: tuple[int, ...], batch: int) -> Stepper:
    """Return a function that runs the matrix products of a step."""
    rng = np.random.default_rng(0)
    sizes = (784, *hidden, 10)

    def draw(*shape: int) -> np.ndarray:
        return rng.random(shape, np.float32)

    A = [draw(batch, n) for n in sizes]
    W = [draw(n_in, n_out) for n_in, n_out in pairwise(sizes)]
    dW = [np.empty_like(w) for w in W]
    Y, dA = [np.empty_like(a) for a in A], [np.empty_like(a) for a in A]

    def step() -> None:
        for i, w in enumerate(W):
            np.matmul(A[i], w, out=Y[i + 1])
        for i in reversed(range(len(W))):
            np.matmul(A[i].T, A[i + 1], out=dW[i])
            if i:
                np.matmul(A[i + 1], W[i].T, out=dA[i])

    return step


def torch_floor(hidden: tuple[int, ...], batch: int) -> Stepper:
    """Return the same products with PyTorch's library and memory layout of weights."""
    import torch

    sizes = (784, *hidden, 10)
    A = [torch.rand(batch, n) for n in sizes]
    W = [torch.rand(n_out, n_in) for n_in, n_out in pairwise(sizes)]
    dW = [torch.empty_like(w) for w in W]
    Y, dA = [torch.empty_like(a) for a in A], [torch.empty_like(a) for a in A]

    def step() -> None:
        for i, w in enumerate(W):
            torch.mm(A[i], w.T, out=Y[i + 1])
        for i in reversed(range(len(W))):
            torch.mm(A[i + 1].T, A[i], out=dW[i])
            if i:
                torch.mm(A[i + 1], W[i], out=dA[i])

    return step


def seconds_a_step(step: Stepper, count: int, steps_each: int = 1) -> float:
    """Return the mean seconds per step of `count` calls after a warm-up call."""
    time.sleep(PAUSE)
    step()
    start = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - start) / (count * steps_each)


def select(runner: str) -> None:
    """Select the kernels that a runner is named after, if any."""
    if runner in KERNELS:
        kernels.use(runner)


def geometric(values: list[float]) -> float:
    """Return the geometric mean."""
    return statistics.geometric_mean(values)


def measure(hidden: tuple[int, ...], batch: int, optimizer: str, rounds: int) -> dict[str, float]:
    """Return the median seconds per step of one setting, the frameworks in turn."""
    mnist = graduel.load_dataset("mnist")
    X, y = mnist.table[:60_000], mnist.y[:60_000]
    runners: dict[str, tuple[Stepper, int]] = {
        **{name: (engine(hidden, batch, optimizer, X, y), 1) for name in KERNELS},
        "floor": (floor(hidden, batch), 1),
        "torch floor": (torch_floor(hidden, batch), 1),
    }
    for variant, step in torch_steps(hidden, batch, optimizer, X, y).items():
        runners[f"torch {variant}"] = (step, 1)
    runners["sklearn"] = sklearn_epoch(hidden, batch, optimizer, X, y)
    counts, times = {}, {name: [] for name in runners}
    for name, (step, _) in runners.items():
        select(name)
        for _warm in range(3):
            once = seconds_a_step(step, 2)
        counts[name] = max(1, round(SECONDS / once))
    for _ in range(rounds):
        for name, (step, each) in runners.items():
            select(name)
            times[name].append(seconds_a_step(step, counts[name], each))
    medians = {name: statistics.median(values) for name, values in times.items()}
    medians["torch"] = min(medians["torch foreach"], medians["torch fused"])
    return medians


def summarize(entries: list[dict[str, Any]], name: str) -> dict[str, float]:
    """Return the geometric means of one module's kernels, and the least ratio to PyTorch."""
    against = [e[name]["against_torch"] for e in entries]
    large = [e[name]["floor_share"] for e in entries if e["batch"] >= LARGE]
    small = [e[name]["floor_share"] for e in entries if e["batch"] < LARGE]
    return {
        "against PyTorch": geometric(against),
        "least": min(against),
        "against scikit-learn": geometric([e[name]["against_sklearn"] for e in entries]),
        f"share of products at batch {LARGE} and more": geometric(large),
        "at smaller batches": geometric(small),
    }


def main() -> int:
    """Measure and print all settings."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", metavar="FILE", help="also write the results to a JSON file")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    print(machine.describe())
    import sklearn
    import torch

    entries = []
    columns = "".join(f" | {name:>10} {'/torch':>6} {'/skl':>6} {'share':>5}" for name in KERNELS)
    print(f"{'rows a second':>14} {'batch':>5} {'rule':>9}{columns} | {'cap':>5}")
    for hidden, batch, optimizer in product(NETS, BATCHES, OPTIMIZERS):
        medians = measure(hidden, batch, optimizer, options.rounds)
        floor_seconds = medians["floor"]
        entry: dict[str, Any] = {
            "net": list(hidden),
            "batch": batch,
            "optimizer": optimizer,
            "seconds_a_step": medians,
            "cap_against_torch": medians["torch"] / floor_seconds,
            "floor_against_torchs": medians["torch floor"] / floor_seconds,
        }
        for name in KERNELS:
            entry[name] = {
                "rows_a_second": batch / medians[name],
                "against_torch": medians["torch"] / medians[name],
                "against_sklearn": medians["sklearn"] / medians[name],
                "floor_share": floor_seconds / medians[name],
            }
        entries.append(entry)
        columns = "".join(
            " | {rows_a_second:>10,.0f} {against_torch:>6.2f} {against_sklearn:>6.2f} "
            "{floor_share:>5.2f}".format(**entry[name])
            for name in KERNELS
        )
        print(
            f"{'-'.join(map(str, hidden)):>14} {batch:>5} {optimizer:>9}{columns} "
            f"| {entry['cap_against_torch']:>5.2f}",
            flush=True,
        )
    result: dict[str, Any] = {"entries": entries}
    for name in KERNELS:
        result[name] = summarize(entries, name)
        print(f"{name}:", ", ".join(f"{key} {value:.2f}" for key, value in result[name].items()))
    result |= {
        "geometric_mean_cap": geometric([e["cap_against_torch"] for e in entries]),
        "geometric_mean_floor_against_torchs": geometric(
            [e["floor_against_torchs"] for e in entries]
        ),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": torch.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "threads": int(THREADS),
    }
    print(
        f"a step of matrix products alone would reach {result['geometric_mean_cap']:.2f} "
        "against PyTorch; these products run at "
        f"{result['geometric_mean_floor_against_torchs']:.2f} of PyTorch's speed"
    )
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Write schedules.json: learning rates of PyTorch's schedulers at each step.

    python -m pip install torch==2.13.0
    python tests/golden/make_schedules.py

An entry holds a schedule's name, the progress t of each step, and the rate at that step; the base
rate is 1. NumPy draws the observed values for plateaus with a fixed seed.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

STEPS = 70


def rates(make, steps, read):
    """Return the rate of a scheduler at each step."""
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler, seen = make(optimizer), []
    for step in steps:
        if read == "before":
            seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step() if read == "before" else scheduler.step(step)
        if read == "after":
            seen.append(optimizer.param_groups[0]["lr"])
    return seen


def main() -> None:
    """Write schedules.json next to this file."""
    import torch
    from torch.optim import lr_scheduler as torchs

    n = STEPS
    share = n / (n - 1)  # PyTorch's 1cycle counts to the last step, where the others count to n
    makers = {
        "Step(drop=0.3, every=0.2)": lambda o: torchs.StepLR(o, n // 5, 0.3),
        "Step(drop=0.1, every=0.5)": lambda o: torchs.StepLR(o, n // 2, 0.1),
        "Exponential(end=0.02)": lambda o: torchs.ExponentialLR(o, 0.02 ** (1 / n)),
        "Linear(end=0.0)": lambda o: torchs.LinearLR(o, 1.0, 0.0, n),
        "Linear(end=0.25)": lambda o: torchs.LinearLR(o, 1.0, 0.25, n),
        "Cosine(end=0.0)": lambda o: torchs.CosineAnnealingLR(o, n),
        "Cosine(end=0.1)": lambda o: torchs.CosineAnnealingLR(o, n, 0.1),
        "WarmRestarts(periods=3, growth=2, end=0.05)": lambda o: torchs.CosineAnnealingWarmRestarts(
            o, n // 7, 2, 0.05
        ),
        "WarmRestarts(periods=5, growth=1, end=0.0)": lambda o: torchs.CosineAnnealingWarmRestarts(
            o, n // 5, 1
        ),
    }
    times = [step / n for step in range(n)]
    schedules = {
        name: {"t": times, "factor": rates(make, range(n), "before")}
        for name, make in makers.items()
    }
    for pct, div, final in ((0.3, 25.0, 1e4), (0.5, 4.0, 10.0)):
        peak = pct * share - 1 / (n - 1)
        name = f"OneCycle(peak={peak!r}, start={1 / div!r}, end={1 / div / final!r})"

        def make(o, pct=pct, div=div, final=final):
            return torchs.OneCycleLR(
                o, 1.0, n, pct_start=pct, div_factor=div, final_div_factor=final,
                cycle_momentum=False,
            )  # fmt: skip

        schedules[name] = {
            "t": [step / (n - 1) for step in range(n)],
            "factor": rates(make, range(n), "before"),
        }
    rng = np.random.default_rng(20261122)
    values = np.round(np.exp(-np.arange(120) / 25) + rng.normal(0, 0.05, size=120), 3)
    values[17] = np.nan
    observed = [float(value) for value in values]
    plateaus = {
        f"ReduceOnPlateau(factor={f}, patience={p}, min_delta={d}, min_factor={m})": rates(
            lambda o, f=f, p=p, d=d, m=m: torchs.ReduceLROnPlateau(
                o, "min", f, p, d, "abs", min_lr=m, eps=0
            ),
            observed,
            "after",
        )
        for f, p, d, m in (
            (0.5, 5, 1e-4, 1e-4),
            (0.2, 2, 1e-4, 0.0),
            (0.1, 0, 0.01, 1e-3),
            (0.7, 9, 0.0, 0.5),
        )
    }
    content = {
        "torch": torch.__version__,
        "schedules": schedules,
        "observed": [None if np.isnan(value) else value for value in observed],
        "plateaus": plateaus,
    }
    path = Path(__file__).with_name("schedules.json")
    path.write_text(json.dumps(content, indent=None) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Write golden.json: losses, gradients and optimizer steps computed by PyTorch.

    python -m pip install torch==2.13.0
    python tests/golden/make_golden.py

NumPy draws all inputs with a fixed seed, and the file holds them beside the results, so that the
tests need no PyTorch. Names and shapes are the engine's: W is (in, out).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

N, SIZES = 6, (5, 4, 4, 3)


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw rows and parameters of Dense, BatchNorm, ReLU, Residual(Dense, Tanh), Dense."""
    return {
        "x": rng.normal(size=(N, SIZES[0])),
        "0.W": rng.normal(size=SIZES[0:2]),
        "0.b": rng.normal(size=SIZES[1]),
        "1.gamma": rng.normal(1, 0.2, size=SIZES[1]),
        "1.beta": rng.normal(size=SIZES[1]),
        "3.0.W": rng.normal(size=SIZES[1:3]),
        "3.0.b": rng.normal(size=SIZES[2]),
        "4.W": rng.normal(size=SIZES[2:4]),
        "4.b": rng.normal(size=SIZES[3]),
    }


def forward(p: dict[str, torch.Tensor], state: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return logits in training mode; update the running means."""
    h = p["x"] @ p["0.W"] + p["0.b"]
    h = torch.nn.functional.batch_norm(
        h, state["1.mean"], state["1.var"], p["1.gamma"], p["1.beta"], training=True
    )
    h = torch.relu(h)
    h = h + torch.tanh(h @ p["3.0.W"] + p["3.0.b"])
    return h @ p["4.W"] + p["4.b"]


LOSSES = {
    "SoftmaxCrossEntropy": lambda z, y: torch.nn.functional.cross_entropy(z, y["codes"]),
    "BinaryCrossEntropy": lambda z, y: (
        torch.nn.functional.binary_cross_entropy_with_logits(z, y["bits"], reduction="sum") / N
    ),
    "SquaredError": lambda z, y: (
        torch.nn.functional.mse_loss(z, y["reals"], reduction="sum") / 2 / N
    ),
}
RULES = {
    "SGD()": lambda p: torch.optim.SGD(p, lr=0.5),
    "SGD(momentum=0.9)": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "SGD(momentum=0.9, nesterov=True)": lambda p: torch.optim.SGD(
        p, lr=0.1, momentum=0.9, nesterov=True
    ),
    "Adam()": lambda p: torch.optim.Adam(p, lr=0.3),
    "AdamW(weight_decay=0.2)": lambda p: torch.optim.AdamW(p, lr=0.3, weight_decay=0.2),
    "AdamW(beta1=0.5, beta2=0.9, eps=0.001, weight_decay=0.0)": lambda p: torch.optim.AdamW(
        p, lr=1.0, betas=(0.5, 0.9), eps=1e-3, weight_decay=0.0
    ),
}
"""Rate and PyTorch's rule by the name of ours, from which the tests build it."""


def main() -> None:
    """Write golden.json next to this file."""
    torch.set_default_dtype(torch.float64)
    rng = np.random.default_rng(20261122)
    drawn = draw(rng)
    y = {
        "codes": rng.integers(SIZES[-1], size=N),
        "bits": rng.integers(2, size=(N, SIZES[-1])).astype(float),
        "reals": rng.normal(size=(N, SIZES[-1])),
    }
    targets = {name: torch.tensor(value) for name, value in y.items()}
    losses = {}
    for name, loss_of in LOSSES.items():
        p = {k: torch.tensor(v, requires_grad=True) for k, v in drawn.items()}
        state = {"1.mean": torch.zeros(SIZES[1]), "1.var": torch.ones(SIZES[1])}
        loss = loss_of(forward(p, state), targets)
        loss.backward()
        losses[name] = {
            "loss": loss.item(),
            "gradients": {k: v.grad.tolist() for k, v in p.items()},
            "state": {k: v.tolist() for k, v in state.items()},
        }
    theta, pulls = rng.normal(size=7), rng.normal(size=(12, 7))
    pulls[:, 2] *= 1e-3
    steps = {}
    for name, make in RULES.items():
        parameter = torch.tensor(theta, requires_grad=True)
        rule = make([parameter])
        for pull in pulls:
            parameter.grad = torch.tensor(pull)
            rule.step()
        steps[name] = {"lr": rule.param_groups[0]["lr"], "theta": parameter.tolist()}
    content = {
        "torch": torch.__version__,
        "drawn": {k: v.tolist() for k, v in drawn.items()},
        "y": {k: v.tolist() for k, v in y.items()},
        "losses": losses,
        "theta": theta.tolist(),
        "pulls": pulls.tolist(),
        "steps": steps,
    }
    Path(__file__).with_name("golden.json").write_text(json.dumps(content, indent=None) + "\n")


if __name__ == "__main__":
    main()

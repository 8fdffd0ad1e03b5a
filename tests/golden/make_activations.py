"""Write activations.json: activations and normalizations computed by PyTorch.

    python -m pip install torch==2.13.0
    python tests/golden/make_activations.py

NumPy draws all inputs with a fixed seed, and the file holds them beside the results, so that the
tests need no PyTorch. Axes are in the engine's order: examples first, channels last.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

ACTIVATIONS = {
    "Identity()": lambda x: x.clone(),
    "ReLU()": functional.relu,
    "LeakyReLU()": functional.leaky_relu,
    "LeakyReLU(slope=0.3)": lambda x: functional.leaky_relu(x, 0.3),
    "Sigmoid()": torch.sigmoid,
    "Tanh()": torch.tanh,
    "Softplus()": functional.softplus,
    "ELU()": functional.elu,
    "ELU(alpha=0.5)": lambda x: functional.elu(x, 0.5),
    "ELU(alpha=2.0)": lambda x: functional.elu(x, 2.0),
    "SELU()": functional.selu,
    "SiLU()": functional.silu,
    "GELU()": functional.gelu,
    "GELU(approximate=True)": lambda x: functional.gelu(x, approximate="tanh"),
    "Mish()": functional.mish,
    "HardSwish()": functional.hardswish,
}
"""PyTorch's function or module by the name of ours, from which the tests build it."""
X = [-1e4, -60.0, -12.0, -6.0, -3.5, -2.5, -1.0, -0.4, -1e-6, 0.0, 1e-6, 0.3, 1.0, 2.5, 3.5, 6.0]
X += [12.0, 60.0, 1e4]


def channels_first(x: torch.Tensor) -> torch.Tensor:
    """Move the last axis to position 1, where PyTorch expects channels."""
    return x.movedim(-1, 1)


def normalized(
    kind: str, p: dict[str, torch.Tensor], state: dict[str, torch.Tensor], *, train: bool
) -> torch.Tensor:
    """Apply a layer with parameters."""
    x = p["x"]
    if kind == "BatchNorm":
        y = functional.batch_norm(
            channels_first(x), state["mean"], state["var"], p["gamma"], p["beta"], training=train
        )
        return y.movedim(1, -1)
    if kind == "LayerNorm":
        return functional.layer_norm(x, x.shape[-1:], p["gamma"], p["beta"])
    if kind == "ParametricReLU":
        return functional.prelu(channels_first(x), p["slope"]).movedim(1, -1)
    return x * p["s"]


NAMES = {
    "BatchNorm": ("gamma", "beta"),
    "LayerNorm": ("gamma", "beta"),
    "ParametricReLU": ("slope",),
    "Scale": ("s",),
}
SHAPES = {"rows": (6, 3), "images": (4, 3, 2, 3)}


def with_parameters(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> dict[str, Any]:
    """Run one layer forward and backward, then in prediction."""
    drawn = {"x": rng.normal(0.5, 2, size=shape)}
    drawn |= {name: rng.normal(0.5, 1, size=shape[-1:]) for name in NAMES[kind]}
    dy = rng.normal(size=shape)
    p = {k: torch.tensor(v, requires_grad=True) for k, v in drawn.items()}
    state = {"mean": torch.zeros(shape[-1]), "var": torch.ones(shape[-1])}
    y = normalized(kind, p, state, train=True)
    y.backward(torch.tensor(dy))
    answers = {
        "drawn": {k: v.tolist() for k, v in drawn.items()},
        "dy": dy.tolist(),
        "y": y.tolist(),
        "gradients": {k: v.grad.tolist() for k, v in p.items()},
    }
    if kind == "BatchNorm":
        answers["state"] = {k: v.tolist() for k, v in state.items()}
        answers["predicted"] = normalized(kind, p, state, train=False).tolist()
    return answers


def main() -> None:
    """Write activations.json next to this file."""
    torch.set_default_dtype(torch.float64)
    rng = np.random.default_rng(20261123)
    elementwise = {}
    for name, function in ACTIVATIONS.items():
        x = torch.tensor(X, requires_grad=True)
        y = function(x)
        y.sum().backward()
        elementwise[name] = {"y": y.tolist(), "dx": x.grad.tolist()}
    content = {
        "torch": torch.__version__,
        "x": X,
        "elementwise": elementwise,
        "with_parameters": {
            f"{kind} of {which}": with_parameters(kind, shape, rng)
            for kind in NAMES
            for which, shape in SHAPES.items()
        },
    }
    path = Path(__file__).with_name("activations.json")
    path.write_text(json.dumps(content, indent=None) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

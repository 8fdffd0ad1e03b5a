"""Write optim.json: steps of update rules computed by PyTorch.

    python -m pip install torch==2.13.0
    python tests/golden/make_optim.py

NumPy draws all inputs with a fixed seed, and the file holds them beside the results, so that the
tests need no PyTorch. Names and shapes are the engine's: W is (in, out), transposed in PyTorch.
Decoupled weight decay applies to weights only, so biases are in a group without it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

SHAPES = {"0.W": (6, 5), "1.W": (5, 3), "2.W": (3, 7), "3.W": (7, 2), "0.b": (5,), "3.b": (2,)}
HIDDEN = ("1.W", "2.W")
STEPS = 12

Groups = list[dict[str, object]]


def rules(ends: list, hidden: list, biases: list) -> dict[str, list[torch.optim.Optimizer]]:
    """Return PyTorch's optimizers by the name of our rule."""
    o = torch.optim
    weights = ends + hidden
    every = weights + biases

    def split(decay: float) -> Groups:
        return [
            {"params": weights, "weight_decay": decay},
            {"params": biases, "weight_decay": 0.0},
        ]

    def rest(decay: float, lr: float) -> torch.optim.Optimizer:
        groups = [
            {"params": ends, "weight_decay": decay},
            {"params": biases, "weight_decay": 0.0},
        ]
        return o.AdamW(groups, lr=lr)

    return {
        "SGD()": [o.SGD(every, lr=3.0)],
        "SGD(momentum=0.9)": [o.SGD(every, lr=0.5, momentum=0.9)],
        "SGD(momentum=0.9, nesterov=True)": [o.SGD(every, lr=0.5, momentum=0.9, nesterov=True)],
        "AdaGrad()": [o.Adagrad(every, lr=0.01)],
        "AdaGrad(initial=0.3, eps=1e-3)": [
            o.Adagrad(every, lr=2.0, initial_accumulator_value=0.3, eps=1e-3)
        ],
        "RMSProp(decay=0.99)": [o.RMSprop(every, lr=0.01)],
        "RMSProp(decay=0.6, eps=1e-3, momentum=0.8)": [
            o.RMSprop(every, lr=1.5, alpha=0.6, eps=1e-3, momentum=0.8)
        ],
        "Adam()": [o.Adam(every, lr=2.0)],
        "AdamW(beta1=0.5, beta2=0.9, eps=1e-3, weight_decay=0.2)": [
            o.AdamW(split(0.2), lr=2.0, betas=(0.5, 0.9), eps=1e-3)
        ],
        "AMSGrad()": [o.AdamW(split(0.01), lr=0.001, amsgrad=True)],
        "AMSGrad(beta1=0.7, beta2=0.6, eps=1e-3, weight_decay=0.2)": [
            o.AdamW(split(0.2), lr=2.0, betas=(0.7, 0.6), eps=1e-3, amsgrad=True)
        ],
        "Muon()": [
            o.Muon(hidden, lr=0.001, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"),
            rest(0.01, 0.001),
        ],
        "Muon(momentum=0.8, nesterov=False, weight_decay=0.3, steps=3, match_rms=False, "
        "others=AdamW(weight_decay=0.2), others_rate=0.25)": [
            o.Muon(hidden, lr=2.0, momentum=0.8, nesterov=False, weight_decay=0.3, ns_steps=3),
            rest(0.2, 0.5),
        ],
    }


def main() -> None:
    """Write optim.json next to this file."""
    torch.set_default_dtype(torch.float64)
    # PyTorch's Muon uses bfloat16 for its matrix products; replace it by full precision.
    torch.Tensor.bfloat16 = torch.Tensor.clone
    rng = np.random.default_rng(20261123)
    theta = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
    pulls = [{name: rng.normal(size=shape) for name, shape in SHAPES.items()} for _ in range(STEPS)]
    for i, pull in enumerate(pulls):
        pull["0.W"][2] *= 1e-3
        pull["2.W"] *= 10 ** (1 - i / 4)
    steps = {}
    count = len(rules(*([torch.zeros(2, 2, requires_grad=True)] for _ in range(3))))
    for k in range(count):
        p = {name: torch.tensor(value.T, requires_grad=True) for name, value in theta.items()}
        hidden = [p[name] for name in HIDDEN]
        ends = [p["0.W"], p["3.W"]]
        name, those = list(rules(ends, hidden, [p["0.b"], p["3.b"]]).items())[k]
        for pull in pulls:
            for key, parameter in p.items():
                parameter.grad = torch.tensor(pull[key].T)
            for rule in those:
                rule.step()
        steps[name] = {
            "lr": those[0].param_groups[0]["lr"],
            "theta": {key: parameter.detach().numpy().T.tolist() for key, parameter in p.items()},
        }
    content = {
        "torch": torch.__version__,
        "theta": {key: value.tolist() for key, value in theta.items()},
        "pulls": [{key: value.tolist() for key, value in pull.items()} for pull in pulls],
        "steps": steps,
    }
    path = Path(__file__).with_name("optim.json")
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

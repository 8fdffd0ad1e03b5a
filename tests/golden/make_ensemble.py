"""Write ensemble.json: training steps of a small ensemble with a periodic embedding, by PyTorch.

    python -m pip install torch==2.13.0
    python tests/golden/make_ensemble.py

Four members share two hidden layers after the periodic embedding of three of four columns, and have
an output layer each. Adam (β₂ = 0.95) minimizes the mean of their losses. NumPy draws the inputs
with a fixed seed, and the file holds them beside the results, so that the tests need no PyTorch.
Names and shapes are the engine's.
"""

from __future__ import annotations

import json
from math import pi
from pathlib import Path

import numpy as np

N, K, CLASSES, STEPS, LR, BETA2 = 9, 4, 3, 5, 0.02, 0.95
NUMBERS, REST, F, D = (2, 0, 1), (3,), 5, 4
WIDTHS = (len(NUMBERS) * D + len(REST), 6, 5)
VARIANTS = {
    # name → (whether products are divided by √width, whether rows have weights)
    "plain": (False, False),
    "scaled and weighted": (True, True),
}


def shapes() -> dict[str, tuple[int, ...]]:
    """Return names and shapes of the parameters, from the periodic embedding to the output."""
    p = len(NUMBERS)
    found = {"0.w": (p, F), "0.b": (p, F), "0.A": (p, F, D - 1), "0.c": (p, D - 1)}
    for place, i, o in ((1, WIDTHS[0], WIDTHS[1]), (3, WIDTHS[1], WIDTHS[2])):
        found |= {f"{place}.W": (i, o), f"{place}.b": (K, o)}
        found |= {f"{place}.r": (K, i), f"{place}.s": (K, o)}
        found[f"{place + 1}.alpha"] = (o,)
    return found | {"5.W": (K, WIDTHS[2], CLASSES), "5.b": (K, CLASSES)}


def main() -> None:
    """Write ensemble.json next to this file."""
    import torch
    from torch.nn import functional

    torch.set_default_dtype(torch.float64)
    rng = np.random.default_rng(20261126)

    def draw(*shape):
        return rng.normal(size=shape).round(2)

    def raw(p, x, scaled):
        embedded = []
        for j, column in enumerate(NUMBERS):
            angle = 2 * pi * x[:, column, None] * p["0.w"][j] + p["0.b"][j]
            embedded += [x[:, column, None], torch.cos(angle) @ p["0.A"][j] + p["0.c"][j]]
        h = torch.cat([*embedded, x[:, list(REST)]], dim=1)[:, None].expand(-1, K, -1)
        for place in (1, 3):
            z = (h * p[f"{place}.r"]) @ p[f"{place}.W"]
            z = z / h.shape[-1] ** 0.5 if scaled else z
            h = z * p[f"{place}.s"] + p[f"{place}.b"]
            h = h + p[f"{place + 1}.alpha"] * (functional.selu(h) - h)
        z = torch.einsum("nki,kio->nko", h, p["5.W"])
        return (z / h.shape[-1] ** 0.5 if scaled else z) + p["5.b"]

    cases = {}
    for name, (scaled, weighted) in VARIANTS.items():
        x, y = draw(N, len(NUMBERS) + len(REST)), rng.integers(CLASSES, size=N)
        weight = rng.integers(1, 5, size=N) / 4 if weighted else None
        start = {key: draw(*shape) for key, shape in shapes().items()}
        p = {key: torch.tensor(value, requires_grad=True) for key, value in start.items()}
        rule = torch.optim.Adam(p.values(), lr=LR, betas=(0.9, BETA2))
        tx, ty = torch.tensor(x, requires_grad=True), torch.tensor(y)
        w = torch.ones(N) if weight is None else torch.tensor(weight)
        losses, first = [], {}
        for step in range(STEPS):
            rule.zero_grad()
            z = raw(p, tx, scaled)
            each = functional.cross_entropy(
                z.reshape(N * K, CLASSES), ty.repeat_interleave(K), reduction="none"
            )
            loss = (each.reshape(N, K).mean(dim=1) * w).sum() / w.sum()
            loss.backward()
            if step == 0:
                first = {key: value.grad.tolist() for key, value in p.items()}
                first["x"] = tx.grad.tolist()
            losses.append(loss.item())
            rule.step()
        answers = torch.softmax(raw(p, tx, scaled), dim=-1).mean(dim=1)
        cases[name] = {
            "scaled": scaled,
            "x": x.tolist(),
            "y": y.tolist(),
            "weight": None if weight is None else weight.tolist(),
            "start": {key: value.tolist() for key, value in start.items()},
            "gradients": first,
            "losses": losses,
            "end": {key: value.tolist() for key, value in p.items()},
            "answers": answers.tolist(),
        }
    content = {"torch": torch.__version__, "lr": LR, "beta2": BETA2, "cases": cases}
    Path(__file__).with_name("ensemble.json").write_text(json.dumps(content) + "\n")


if __name__ == "__main__":
    main()

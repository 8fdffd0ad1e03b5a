"""Write losses.json: losses and their gradients by raw predictions, computed by PyTorch.

    python -m pip install torch==2.13.0
    python tests/golden/make_losses.py

NumPy draws all inputs with a fixed seed, and the file holds them beside the results, so that the
tests need no PyTorch. The losses of several outputs are summed; that of a batch is the mean over
rows.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

N, K = 8, 4
C = [0.5, 2.0, 0.0, 1.25]
"""Weights of classes, or of positive targets."""


def cases():
    """Return name → (kind of y, PyTorch's loss); the tests build ours from the name."""
    import torch

    fn = torch.nn.functional

    def bce(z, y, **options):
        return fn.binary_cross_entropy_with_logits(z, y, reduction="sum", **options) / N

    return {
        "SoftmaxCrossEntropy()": ("codes", fn.cross_entropy),
        "SoftmaxCrossEntropy(label_smoothing=0.2)": (
            "codes",
            lambda z, y: fn.cross_entropy(z, y, label_smoothing=0.2),
        ),
        "SoftmaxCrossEntropy(class_weight=(0.5, 2.0, 0.0, 1.25))": (
            "codes",
            lambda z, y: fn.cross_entropy(z, y, weight=torch.tensor(C)),
        ),
        "BinaryCrossEntropy()": ("bits", bce),
        "BinaryCrossEntropy(label_smoothing=0.2)": ("bits", lambda z, y: bce(z, 0.8 * y + 0.1)),
        "BinaryCrossEntropy(positive_weight=(0.5, 2.0, 0.0, 1.25))": (
            "bits",
            lambda z, y: bce(z, y, pos_weight=torch.tensor(C)),
        ),
        "BinaryCrossEntropy(label_smoothing=0.2, positive_weight=(0.5, 2.0, 0.0, 1.25))": (
            "bits",
            lambda z, y: bce(z, 0.8 * y + 0.1, pos_weight=torch.tensor(C)),
        ),
        "SquaredError()": ("reals", lambda z, y: fn.mse_loss(z, y, reduction="sum") / 2 / N),
        "AbsoluteError()": ("reals", lambda z, y: fn.l1_loss(z, y, reduction="sum") / N),
        "Huber()": ("reals", lambda z, y: fn.huber_loss(z, y, reduction="sum") / N),
        "Huber(delta=0.4)": (
            "reals",
            lambda z, y: fn.huber_loss(z, y, reduction="sum", delta=0.4) / N,
        ),
        "Poisson()": (
            "counts",
            lambda z, y: fn.poisson_nll_loss(z, y, log_input=True, full=False, reduction="sum") / N,
        ),
    }


def main() -> None:
    """Write losses.json next to this file."""
    import torch

    torch.set_default_dtype(torch.float64)
    rng = np.random.default_rng(20261123)
    raw = 2 * rng.normal(size=(N, K))
    y = {
        "codes": rng.permutation(np.arange(N) % K),
        "bits": rng.integers(2, size=(N, K)).astype(float),
        "reals": rng.normal(size=(N, K)),
        "counts": rng.poisson(2.0, size=(N, K)).astype(float),
    }
    answers = {}
    for name, (kind, loss_of) in cases().items():
        z = torch.tensor(raw, requires_grad=True)
        loss = loss_of(z, torch.tensor(y[kind]))
        loss.backward()
        answers[name] = {"y": kind, "loss": loss.item(), "dz": z.grad.tolist()}
    content = {
        "torch": torch.__version__,
        "raw": raw.tolist(),
        "y": {k: v.tolist() for k, v in y.items()},
        "answers": answers,
    }
    Path(__file__).with_name("losses.json").write_text(json.dumps(content, indent=None) + "\n")


if __name__ == "__main__":
    main()

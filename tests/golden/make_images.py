"""Write images.json: convolutions, pooling and their gradients, computed by PyTorch.

    python -m pip install torch==2.13.0
    python tests/golden/make_images.py

NumPy draws all inputs with a fixed seed, and the file holds them beside the results, so that the
tests need no PyTorch. Shapes are the engine's: images (n, h, w, c), W (kh, kw, c, o). Paddings are
passed to PyTorch as numbers.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

N, H, W = 2, 6, 5
CONVOLUTIONS = {
    # name → channels, kernel, stride, padding (left, right, top, bottom)
    "Conv2D(3)": (2, (3, 3), (1, 1), (1, 1, 1, 1)),
    "Conv2D(3) of six channels": (6, (3, 3), (1, 1), (1, 1, 1, 1)),
    "Conv2D(3, 2, 2)": (2, (2, 2), (2, 2), (0, 1, 0, 0)),
    "Conv2D(3, (4, 3), (1, 2))": (6, (4, 3), (1, 2), (1, 1, 1, 2)),
    "Conv2D(3, (3, 2), (2, 1), 'valid')": (2, (3, 2), (2, 1), (0, 0, 0, 0)),
}
POOLS = {
    # name → kind, size, stride
    "MaxPool2D()": ("max", (2, 2), (2, 2)),
    "MaxPool2D(3, 2)": ("max", (3, 3), (2, 2)),
    "MaxPool2D((2, 3), 1)": ("max", (2, 3), (1, 1)),
    "AveragePool2D()": ("avg", (2, 2), (2, 2)),
    "AveragePool2D((3, 2), (1, 2))": ("avg", (3, 2), (1, 2)),
}


def main() -> None:
    """Write images.json next to this file."""
    import torch

    torch.set_default_dtype(torch.float64)
    fn = torch.nn.functional
    rng = np.random.default_rng(20261123)

    def draw(*shape):
        return rng.normal(size=shape).round(2)

    def tensor(array, *axes):
        return torch.tensor(np.transpose(array, axes).copy(), requires_grad=True)

    def back(tensor, *axes):
        return np.transpose(tensor.detach().numpy(), axes).tolist()

    cases = {}
    for name, (c, kernel, stride, zeros) in CONVOLUTIONS.items():
        x, w, b = draw(N, H, W, c), draw(*kernel, c, 3), draw(3)
        tx, tw, tb = tensor(x, 0, 3, 1, 2), tensor(w, 3, 2, 0, 1), tensor(b, 0)
        y = fn.conv2d(fn.pad(tx, zeros), tw, tb, stride=stride)
        dy = draw(N, *y.shape[2:], 3)
        y.backward(tensor(dy, 0, 3, 1, 2))
        cases[name] = {
            "x": x.tolist(),
            "params": {"W": w.tolist(), "b": b.tolist()},
            "y": back(y, 0, 2, 3, 1),
            "dy": dy.tolist(),
            "dx": back(tx.grad, 0, 2, 3, 1),
            "gradients": {"W": back(tw.grad, 2, 3, 1, 0), "b": back(tb.grad, 0)},
        }
    for name, (kind, size, stride) in POOLS.items():
        # Few distinct values, so that many windows have tied maxima.
        x = rng.integers(3, size=(N, H, W, 2)).astype(float)
        tx = tensor(x, 0, 3, 1, 2)
        pool = fn.max_pool2d if kind == "max" else fn.avg_pool2d
        y = pool(tx, size, stride)
        dy = draw(N, *y.shape[2:], 2)
        y.backward(tensor(dy, 0, 3, 1, 2))
        cases[name] = {
            "x": x.tolist(),
            "params": {},
            "y": back(y, 0, 2, 3, 1),
            "dy": dy.tolist(),
            "dx": back(tx.grad, 0, 2, 3, 1),
            "gradients": {},
        }
    content = {"torch": torch.__version__, "cases": cases}
    Path(__file__).with_name("images.json").write_text(json.dumps(content) + "\n")


if __name__ == "__main__":
    main()

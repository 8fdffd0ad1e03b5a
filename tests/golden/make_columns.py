"""Write columns.json: embeddings of category columns and their gradients, computed by PyTorch.

    python -m pip install torch==2.13.0
    python tests/golden/make_columns.py

NumPy draws all inputs with a fixed seed, and the file holds them beside the results, so that the
tests need no PyTorch. Numeric columns precede category codes.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

N = 7
CASES = {
    # name → numeric columns, codes of each category column, embedding sizes
    "Columns(2, (4, 3), (3, 2))": (2, (4, 3), (3, 2)),
    "Columns(0, (5,))": (0, (5,), (5,)),
    "Columns(1, (20, 2, 1))": (1, (20, 2, 1), (8, 2, 1)),
}


def main() -> None:
    """Write columns.json next to this file."""
    import torch

    torch.set_default_dtype(torch.float64)
    rng = np.random.default_rng(20261124)

    def draw(*shape):
        return rng.normal(size=shape).round(2)

    cases = {}
    for name, (numbers, categorical, sizes) in CASES.items():
        x = draw(N, numbers)
        codes = [rng.integers(k, size=N) for k in categorical]
        tables = [draw(k, d) for k, d in zip(categorical, sizes, strict=True)]
        tx = torch.tensor(x, requires_grad=True)
        layers = [torch.nn.Embedding.from_pretrained(torch.tensor(E), freeze=False) for E in tables]
        y = torch.cat(
            [tx, *(layer(torch.tensor(c)) for layer, c in zip(layers, codes, strict=True))], dim=1
        )
        dy = draw(*y.shape)
        y.backward(torch.tensor(dy))
        cases[name] = {
            "x": np.column_stack([x, *codes]).tolist(),
            "params": {f"E{j}": E.tolist() for j, E in enumerate(tables)},
            "y": y.detach().tolist(),
            "dy": dy.tolist(),
            "dx": tx.grad.tolist(),
            "gradients": {f"E{j}": layer.weight.grad.tolist() for j, layer in enumerate(layers)},
        }
    content = {"torch": torch.__version__, "cases": cases}
    Path(__file__).with_name("columns.json").write_text(json.dumps(content) + "\n")


if __name__ == "__main__":
    main()

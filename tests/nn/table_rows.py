"""Layers that take rows of six numbers, for the table tests; and what sets them apart."""

from __future__ import annotations

from graduel.nn import BatchNorm, Dense, Dropout, ReLU, Reshape, Residual, Tanh
from graduel.nn.layers import Flatten

SHAPE = (6,)
LAYERS = [
    Dense(6),
    ReLU(),
    Tanh(),
    Dropout(0.3),
    Dropout(lambda t: 0.5 * t),
    Dropout(0.0),
    BatchNorm(),
    BatchNorm(momentum=1, eps=0.1),
    Residual((Dense(6), Tanh())),
    Residual((Tanh(), Residual((Dense(4), ReLU(), Dense(6))), Dropout(0.2))),
    Residual(()),
    Reshape((3, 2, 1)),
    Flatten(),
]
# Every part is row_wise, deterministic and smooth but for these.
NOT_ROW_WISE = [BatchNorm]
NOT_DETERMINISTIC = [Dropout]
NOT_SMOOTH = [ReLU]

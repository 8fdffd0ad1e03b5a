"""Layers that take small images (height, width, channels), for parametrized tests."""

from __future__ import annotations

from graduel.nn import AveragePool2D, Conv2D, Flatten, MaxPool2D

SHAPE = (6, 5, 2)
LAYERS = [
    Flatten(),
    Conv2D(3),
    Conv2D(3, 2, 2),
    Conv2D(2, (2, 3), (2, 1)),
    Conv2D(2, (1, 5), (1, 3), "valid"),
    Conv2D(3, 3, 2, padding="valid"),
    Conv2D(1, 8),
    MaxPool2D(),
    MaxPool2D(3, 1),
    MaxPool2D((2, 3), (1, 2)),
    MaxPool2D((2, 3), (2, 1)),
    MaxPool2D(2, 3),
    AveragePool2D(),
    AveragePool2D((3, 2), (1, 2)),
    AveragePool2D((2, 3), (2, 1)),
    AveragePool2D((6, 5)),
]
NOT_SMOOTH: list[type] = [MaxPool2D]

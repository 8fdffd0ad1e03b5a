"""Layers that take small images (height, width, channels), for the table tests."""

from __future__ import annotations

from graduel.nn.layers import Flatten

SHAPE = (6, 5, 2)
LAYERS = [Flatten()]
NOT_SMOOTH: list[type] = []

"""Layers: forward and backward side by side, a file each."""

from graduel.nn.layers.activation import ReLU, Tanh
from graduel.nn.layers.base import Layer, Plan, Spec
from graduel.nn.layers.dense import Dense
from graduel.nn.layers.dropout import Dropout
from graduel.nn.layers.normalization import BatchNorm
from graduel.nn.layers.residual import Residual
from graduel.nn.layers.shape import Flatten, Reshape

__all__ = [
    "BatchNorm",
    "Dense",
    "Dropout",
    "Flatten",
    "Layer",
    "Plan",
    "ReLU",
    "Reshape",
    "Residual",
    "Spec",
    "Tanh",
]

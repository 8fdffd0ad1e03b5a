"""Layers: forward and backward passes side by side."""

from graduel.nn.layers.activation import ELU, SELU, Identity, ReLU, Sigmoid, Softplus, Tanh
from graduel.nn.layers.convolution import Conv2D
from graduel.nn.layers.dense import Dense
from graduel.nn.layers.dropout import Dropout
from graduel.nn.layers.embedding import Columns
from graduel.nn.layers.ensemble import EnsembleDense, EnsembleOutput
from graduel.nn.layers.gated_activation import GELU, HardSwish, Mish, SiLU
from graduel.nn.layers.layer import Layer, Plan, Spec
from graduel.nn.layers.leaky_activation import LeakyReLU, ParametricReLU
from graduel.nn.layers.noise import Noise
from graduel.nn.layers.normalization import BatchNorm, LayerNorm
from graduel.nn.layers.ntk import NTKDense
from graduel.nn.layers.parametric import Parametric
from graduel.nn.layers.periodic_embedding import PBLD
from graduel.nn.layers.pooling import AveragePool2D, MaxPool2D
from graduel.nn.layers.residual import Residual
from graduel.nn.layers.scale import Scale
from graduel.nn.layers.shape import Flatten, Reshape

__all__ = [
    "ELU",
    "GELU",
    "PBLD",
    "SELU",
    "AveragePool2D",
    "BatchNorm",
    "Columns",
    "Conv2D",
    "Dense",
    "Dropout",
    "EnsembleDense",
    "EnsembleOutput",
    "Flatten",
    "HardSwish",
    "Identity",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "MaxPool2D",
    "Mish",
    "NTKDense",
    "Noise",
    "Parametric",
    "ParametricReLU",
    "Plan",
    "ReLU",
    "Reshape",
    "Residual",
    "Scale",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Spec",
    "Tanh",
]

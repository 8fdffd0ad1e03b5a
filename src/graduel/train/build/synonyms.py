"""Names that other libraries use for a part or a field, for suggestions in messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from graduel.errors import UserError, unknown

SYNONYMS: Mapping[str, Mapping[str, str]] = {
    "key": {
        "act": "activation",
        "alpha": "weight_decay",
        "batch": "batch_size",
        "batchnorm": "norm",
        "epoch": "epochs",
        "eta": "lr",
        "hidden": "layers",
        "hiddenlayers": "layers",
        "hiddenlayersizes": "layers",
        "initializer": "init",
        "l2": "weight_decay",
        "learningrate": "lr",
        "learningrateinit": "lr",
        "learningrateschedule": "schedule",
        "lrschedule": "schedule",
        "lrscheduler": "schedule",
        "maxiter": "epochs",
        "nepochs": "epochs",
        "normalization": "norm",
        "numepochs": "epochs",
        "scheduler": "schedule",
        "solver": "optimizer",
        "units": "layers",
    },
    "activation": {
        "leaky": "leaky_relu",
        "linear": "identity",
        "logistic": "sigmoid",
        "lrelu": "leaky_relu",
        "none": "identity",
        "swish": "silu",
    },
    "loss": {
        "bce": "binary",
        "binarycrossentropy": "binary",
        "categoricalcrossentropy": "softmax",
        "ce": "softmax",
        "crossentropy": "softmax",
        "l1": "absolute",
        "l2": "squared",
        "logloss": "softmax",
        "mae": "absolute",
        "meanabsoluteerror": "absolute",
        "meansquarederror": "squared",
        "mse": "squared",
        "negloglikelihood": "softmax",
        "nll": "softmax",
        "smoothl1": "huber",
        "softmaxcrossentropy": "softmax",
        "sparsecategoricalcrossentropy": "softmax",
        "squarederror": "squared",
    },
    "optimizer": {
        "adamdecoupled": "adamw",
        "gradientdescent": "gd",
        "heavyball": "momentum",
        "nag": "nesterov",
        "sgdm": "momentum",
        "sgdmomentum": "momentum",
        "sgdnesterov": "nesterov",
        "sgdwithmomentum": "momentum",
    },
    "norm": {
        "batchnorm": "batch",
        "batchnormalization": "batch",
        "bn": "batch",
        "layernorm": "layer",
        "layernormalization": "layer",
        "ln": "layer",
    },
    "init": {
        "glorot": "glorot_uniform",
        "he": "he_normal",
        "kaiming": "he_normal",
        "kaimingnormal": "he_normal",
        "kaiminguniform": "he_uniform",
        "lecun": "lecun_normal",
        "xavier": "glorot_uniform",
        "xaviernormal": "glorot_normal",
        "xavieruniform": "glorot_uniform",
    },
    "schedule": {
        "1cycle": "one_cycle",
        "constantlr": "constant",
        "cosineannealing": "cosine",
        "cosinedecay": "cosine",
        "none": "constant",
        "sgdr": "warm_restarts",
        "steplr": "step",
    },
}
"""By kind of part, or "key" for the fields of ``--net``: other names, lower case without signs."""


def unknown_part(kind: str, what: str, got: str, names: Iterable[str]) -> UserError:
    """Return the error for an unknown name of a part or field; it suggests the name here.

    >>> print(unknown_part("loss", "loss", "MSE", ["softmax", "squared"]))
    loss must be one of 'softmax', 'squared'; got 'MSE'. Did you mean 'squared'?
    """
    names = list(names)
    plain = re.sub(r"[^a-z0-9]", "", got.lower())
    meant = SYNONYMS.get(kind, {}).get(plain)
    same = next((name for name in names if re.sub(r"[^a-z0-9]", "", name) == plain), None)
    suggestion = same or (meant if meant in names else None)
    return unknown(what, got, names, suggestion)

"""Registry of the names of layers, losses, optimizers and other parts.

A part is given by its name, ``relu`` or ``leaky_relu(slope=0.2)``, or as an object.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import partial
from math import isfinite
from typing import Any

from graduel import nn, optim
from graduel.errors import UserError, unknown
from graduel.train.augment import augmentation
from graduel.train.build.synonyms import unknown_part

Kind = Mapping[str, Callable[..., Any]]

ACTIVATIONS: Kind = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "prelu": nn.ParametricReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "gelu_tanh": partial(nn.GELU, approximate=True),
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "softplus": nn.Softplus,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "hard_swish": nn.HardSwish,
    "parametric_selu": nn.Parametric,
    "parametric_mish": partial(nn.Parametric, activation=nn.Mish()),
    "parametric_relu": partial(nn.Parametric, activation=nn.ReLU()),
}
NUMERIC_EMBEDDINGS: Kind = {"plain": nn.Identity, "pbld": partial(nn.PBLD, columns=None)}
NORMS: Kind = {"batch": nn.BatchNorm, "layer": nn.LayerNorm}
LOSSES: Kind = {
    "softmax": nn.SoftmaxCrossEntropy,
    "binary": nn.BinaryCrossEntropy,
    "squared": nn.SquaredError,
    "absolute": nn.AbsoluteError,
    "huber": nn.Huber,
    "poisson": nn.Poisson,
}
INITIALIZERS: Kind = {
    "zeros": nn.Zeros,
    "constant": nn.Constant,
    "normal": nn.Normal,
    "uniform": nn.Uniform,
    "glorot_normal": nn.GlorotNormal,
    "glorot_uniform": nn.GlorotUniform,
    "he_normal": nn.HeNormal,
    "he_uniform": nn.HeUniform,
    "lecun_normal": nn.LeCunNormal,
    "lecun_uniform": nn.LeCunUniform,
    "orthogonal": nn.Orthogonal,
}
OPTIMIZERS: Kind = {
    "gd": optim.SGD,
    "sgd": optim.SGD,
    "momentum": partial(optim.SGD, momentum=0.9),
    "nesterov": partial(optim.SGD, momentum=0.9, nesterov=True),
    "adagrad": optim.AdaGrad,
    "rmsprop": optim.RMSProp,
    "adam": optim.Adam,
    "amsgrad": optim.AMSGrad,
    "adamw": optim.AdamW,
    "lion": optim.Lion,
    "muon": optim.Muon,
    "lbfgs": optim.LBFGS,
}
SCHEDULES: Kind = {
    "constant": optim.Constant,
    "step": optim.Step,
    "exponential": optim.Exponential,
    "inverse": optim.Inverse,
    "linear": optim.Linear,
    "cosine": optim.Cosine,
    "warm_restarts": optim.WarmRestarts,
    "one_cycle": optim.OneCycle,
    "coslog4": optim.CosLog4,
    "flat_cos": optim.FlatCos,
}
AUGMENTATIONS: Kind = {"warp": augmentation.Warp}
KINDS: dict[str, Kind] = {
    "activation": ACTIVATIONS,
    "norm": NORMS,
    "numeric_embedding": NUMERIC_EMBEDDINGS,
    "loss": LOSSES,
    "init": INITIALIZERS,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "augment": AUGMENTATIONS,
}
"""The names of each kind of part."""

_FORM = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\((.*)\))?\s*", re.DOTALL)


def make(kind: str, value: Any, **options: Any) -> Any:
    """Build a part from its name; return an object unchanged.

    Parameters
    ----------
    kind : a key of :data:`KINDS`
    value : a name, optionally with parameters in brackets, or an object
    options : further parameters; those in brackets take precedence, and those that the part does
        not accept are ignored

    Raises
    ------
    UserError
        If the name or a parameter is unknown, or a value is out of range.

    Examples
    --------
    >>> make("activation", "leaky_relu(slope=0.2)")
    LeakyReLU(slope=0.2)
    >>> make("optimizer", "sgd", momentum=0.5, beta1=0.9)
    SGD(momentum=0.5, weight_decay=0.0, nesterov=False)
    """
    if not isinstance(value, str):
        return value
    name, user_options = parse(kind, value)
    accepted = _fields(kind, name)
    for key, user_value in user_options.items():
        if key not in accepted:
            if not accepted:
                raise UserError(f"{kind} {name} takes no parameters; got '{key}'")
            raise unknown(f"a parameter of {kind} {name}", key, accepted)
        _check_type(f"{key} of {kind} {name}", accepted[key], user_value)
    for key, field in accepted.items():
        if field.default is MISSING and key not in user_options:
            raise UserError(f"{kind} {name} requires {key}, such as {_example(kind, name)}")
    try:
        accepted_options = {k: v for k, v in options.items() if k in accepted} | user_options
        return KINDS[kind][name](**accepted_options)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{kind} {value}: {error}") from None


def _check_type(what: str, field: Field[Any], value: Any) -> None:
    """Raise `UserError` unless a value has the type of the default; without one, a number."""
    default = field.default
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(default, bool):
        expected, fits = "True or False", isinstance(value, bool)
    elif isinstance(default, int):
        expected, fits = "an integer", number and isinstance(value, int)
    elif isinstance(default, float) or default is MISSING:
        expected, fits = "a number", number and isfinite(value)
    elif default is None:
        expected = "numbers in brackets, such as (1, 2)"
        fits = isinstance(value, tuple | list) and all(isinstance(v, int | float) for v in value)
    else:
        raise UserError(f"{what} is an object and cannot be given as text; set it from Python")
    if not fits:
        raise UserError(f"{what} must be {expected}; got {value!r}")


def parse(kind: str, text: str) -> tuple[str, dict[str, Any]]:
    """Parse ``name(key=value, …)`` into the name, which must exist, and the parameters.

    >>> parse("schedule", "cosine(end=0.1)")
    ('cosine', {'end': 0.1})
    """
    match = _FORM.fullmatch(text)
    name = match.group(1) if match else text.partition("(")[0].strip()
    if name not in KINDS[kind]:
        raise unknown_part(kind, kind, name, KINDS[kind])
    try:
        if match is None:
            raise ValueError("unbalanced brackets")
        call = ast.parse(f"f({match.group(2) or ''})", mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            raise ValueError("a value without a key")
        user_options = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
        if len(user_options) < len(call.keywords):
            raise ValueError("a duplicate key")
        return name, user_options
    except (SyntaxError, TypeError, ValueError, RecursionError, MemoryError):
        raise UserError(
            f"parameters of {kind} {name} must be comma-separated key=value pairs, such as "
            f"{_example(kind, name)}; got '{text}'"
        ) from None


def _fields(kind: str, name: str) -> dict[str, Field[Any]]:
    """Return the parameters of a part, without those that its name fixes (except momentum)."""
    maker = KINDS[kind][name]
    fixed = set(maker.keywords) - {"momentum"} if isinstance(maker, partial) else set()
    part = maker.func if isinstance(maker, partial) else maker
    assert is_dataclass(part)
    return {field.name: field for field in fields(part) if field.init and field.name not in fixed}


def _example(kind: str, name: str) -> str:
    for key, field in _fields(kind, name).items():
        if field.default is MISSING:
            return f"{name}({key}=0.1)"
        if isinstance(field.default, bool | int | float):
            return f"{name}({key}={field.default})"
    return name


def split(text: str, comma: str = ",") -> list[str]:
    """Split at commas outside brackets.

    >>> split("leaky_relu(slope=0.2),tanh")
    ['leaky_relu(slope=0.2)', 'tanh']
    """
    parts, depth, last = [], 0, 0
    for i, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == comma and depth == 0:
            parts.append(text[last:i].strip())
            last = i + 1
    return [*parts, text[last:].strip()]

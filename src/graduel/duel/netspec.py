"""A network of one's own, written as ``layers=256,128 activation=relu lr=1e-3 …``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from math import isfinite
from typing import Any

from graduel.duel.contenders.net import ACTIVATIONS, OPTIMIZERS, SCHEDULES
from graduel.errors import UserError, unknown
from graduel.recipes import NetRecipe

Reader = Callable[[str, str], Any]
MOST_UNITS = 100_000


def _whole(key: str, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise UserError(f"{key} in --net must be a whole number, at least 1; got '{text}'")
    return number


def _sizes(key: str, text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1 or max(sizes) > MOST_UNITS:
        raise UserError(
            f"{key} in --net must be sizes of hidden layers from 1 to {MOST_UNITS:,} with commas "
            f"between them, such as 256,128; got '{text}'"
        )
    return sizes


def _number(low: float, below: float, *, low_too: bool = True) -> Reader:
    bound = f"{'at least' if low_too else 'above'} {low:g}"
    bound += f" and below {below:g}" if isfinite(below) else ""

    def read(key: str, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not (low <= number < below) or (number == low and not low_too):
            raise UserError(f"{key} in --net must be a number {bound}; got '{text}'")
        return number

    return read


def _one_of(names: Any) -> Reader:
    def read(key: str, text: str) -> str:
        if text not in names:
            raise unknown(f"{key} in --net", text, names)
        return text

    return read


INFINITY = float("inf")
READERS: dict[str, Reader] = {
    "layers": _sizes,
    "activation": _one_of(ACTIVATIONS),
    "dropout": _number(0, 1),
    "optimizer": _one_of(OPTIMIZERS),
    "lr": _number(0, INFINITY, low_too=False),
    "momentum": _number(0, 1),
    "weight_decay": _number(0, INFINITY),
    "schedule": _one_of(SCHEDULES),
    "warmup": _number(0, 1),
    "batch_size": _whole,
    "epochs": _whole,
}
assert set(READERS) == {field.name for field in fields(NetRecipe)}


def parse_net(text: str, base: NetRecipe) -> NetRecipe:
    """Read a recipe from ``key=value`` parts; what is not named stays as in `base`.

    Raises
    ------
    UserError
        If a part is not ``key=value``, a key unknown or named twice, or a value out of range.

    Examples
    --------
    >>> recipe = parse_net("layers=64,32 lr=0.01", NetRecipe())
    >>> recipe.layers, recipe.lr, recipe.epochs
    ((64, 32), 0.01, 20)
    """
    found: dict[str, Any] = {}
    for part in text.split():
        key, equals, value = part.partition("=")
        if not equals:
            raise UserError(f"--net must be parts of the form key=value; got '{part}'")
        if key not in READERS:
            raise unknown("a key in --net", key, READERS)
        if key in found:
            raise UserError(f"each key in --net may stand once; got '{key}' twice")
        found[key] = READERS[key](key, value)
    if not found:
        raise UserError("--net must name something to change, such as layers=256,128; got nothing")
    return replace(base, **found)


def checked(recipe: NetRecipe) -> NetRecipe:
    """Hold a recipe made in Python against the same rules, and make its numbers plain ones.

    Raises
    ------
    UserError
        If a field is out of range.

    Examples
    --------
    >>> checked(NetRecipe(layers=[32])).layers
    (32,)
    """
    parts = []
    for field in fields(NetRecipe):
        value = getattr(recipe, field.name)
        text = ",".join(str(n) for n in value) if field.name == "layers" else str(value)
        parts.append(f"{field.name}={text}")
    return parse_net(" ".join(parts), NetRecipe())

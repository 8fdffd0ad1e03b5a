"""A network of one's own, written as ``layers=256,128 activation=relu lr=1e-3 …``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from math import isfinite
from typing import Any

from graduel.errors import UserError, unknown
from graduel.train.build import part_registry
from graduel.train.build.layer_text import parse_layer
from graduel.train.build.optimizer_builder import (
    FALLING,
    RATE,
    RATES,
    RISING,
    WITH_MOMENTUM,
    WITHOUT_DECAY,
    parse_by_role,
)
from graduel.train.recipes import RECIPES, NetRecipe

Reader = Callable[[str, str], Any]


def _whole(least: int) -> Reader:
    def read(key: str, text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise UserError(
                f"{key} in --net must be a whole number, at least {least}; got '{text}'"
            )
        return number

    return read


def _layers(key: str, text: str) -> tuple[int | str, ...]:
    found: list[int | str] = []
    for part in text.split(","):
        layer = parse_layer(part)
        found.append(layer.units if layer.kind == "dense" else part)
    return tuple(found)


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


def _one_of(*names: str) -> Reader:
    def read(key: str, text: str) -> str:
        if text not in names:
            raise unknown(f"{key} in --net", text, names)
        return text

    return read


def _part(key: str, text: str) -> str:
    for one in part_registry.split(text) if key == "activation" else [text]:
        part_registry.make(key, one)
    return text


def _norm(key: str, text: str) -> str:
    if text != "none":
        if text.partition("(")[0] not in part_registry.NORMS:
            raise unknown(key, text, ("none", *part_registry.NORMS))
        part_registry.make(key, text)
    return text


def _augment(key: str, text: str) -> str:
    if text != "none":
        for one in part_registry.split(text):
            if one.partition("(")[0] not in part_registry.AUGMENTATIONS:
                raise unknown(key, one, ("none", *part_registry.AUGMENTATIONS))
            part_registry.make(key, one)
    return text


def _by_role(key: str, text: str) -> str:
    parse_by_role(key, text)
    return text


def _yes_or_no(key: str, text: str) -> bool:
    if text.lower() not in ("yes", "no", "true", "false"):
        raise UserError(f"{key} in --net must be yes or no; got '{text}'")
    return text.lower() in ("yes", "true")


def _falling(key: str, text: str) -> str:
    for one in text.split(","):
        if one not in FALLING:
            raise unknown(f"{key} in --net", one, FALLING)
    return text


INFINITY = float("inf")
READERS: dict[str, Reader] = {
    "layers": _layers,
    "activation": _part,
    "norm": _norm,
    "dropout": _number(0, 1),
    "noise": _number(0, INFINITY),
    "init": _part,
    "loss": _part,
    "label_smoothing": _number(0, 1),
    "class_weight": _one_of("none", "balanced"),
    "optimizer": _part,
    "lr": _number(0, INFINITY, low_too=False),
    "momentum": _number(0, 1),
    "weight_decay": _number(0, INFINITY),
    "decays": _by_role,
    "rates": _by_role,
    "clip_norm": _number(0, INFINITY),
    "clip_value": _number(0, INFINITY),
    "max_norm": _number(0, INFINITY),
    "ema": _number(0, 1),
    "schedule": _part,
    "warmup": _number(0, 1),
    "plateau": _whole(0),
    "augment": _augment,
    "batch_size": _whole(1),
    "epochs": _whole(1),
    "scaling": _one_of("robust", "quantile", "both"),
    "embed": _whole(0),
    "numbers": _part,
    "front_scale": _yes_or_no,
    "ntk": _yes_or_no,
    "calibrate": _yes_or_no,
    "heads": _whole(1),
    "falls": _falling,
}
"""How each field of a recipe is read. Fields that are empty text are left out."""
KEYS = ("recipe", *READERS)
"""What may be named: a recipe to begin with, and each field."""
UNUSED = {"lbfgs": ("lr", "schedule", "warmup", "batch_size"), "gd": ("batch_size",)}
"""What a rule that goes over all rows at once has no use for."""
assert set(READERS) == {field.name for field in fields(NetRecipe)}


def parse_recipe(text: str, base: NetRecipe) -> NetRecipe:
    """Read a recipe from ``key=value`` parts; what is not named stays as in `base`.

    ``recipe=mnist`` begins with that one of :data:`~graduel.train.recipes.RECIPES` instead. A rule
    that is named without a rate gets a rate that suits it.

    Raises
    ------
    UserError
        If a part is not ``key=value``, a key unknown or named twice, or a value out of range.

    Examples
    --------
    >>> text = "layers=64,32 activation=leaky_relu(slope=0.2) optimizer=sgd"
    >>> recipe = parse_recipe(text, NetRecipe())
    >>> recipe.layers, recipe.activation, recipe.lr, recipe.epochs
    ((64, 32), 'leaky_relu(slope=0.2)', 0.1, 20)
    """
    found = parse_pairs(text)
    if not found:
        raise UserError("--net must name something to change, such as layers=256,128; got nothing")
    return apply_pairs(base, found)


def parse_pairs(text: str) -> dict[str, str]:
    """Divide ``key=value key=value`` at blanks outside brackets; every key must exist, once."""
    found: dict[str, str] = {}
    for part in part_registry.split(" ".join(text.split()), " "):
        key, equals, value = part.partition("=")
        if not part:
            continue
        if not equals:
            raise UserError(f"--net must be parts of the form key=value; got '{part}'")
        if key not in KEYS:
            raise unknown("a key in --net", key, KEYS)
        if key in found:
            raise UserError(f"each key in --net may stand once; got '{key}' twice")
        found[key] = value
    return found


def apply_pairs(base: NetRecipe, named: dict[str, str]) -> NetRecipe:
    """Change in `base` what is named, each value read and checked.

    Where a ``recipe`` is named, that one is changed instead.
    """
    if "recipe" in named:
        name, named = named["recipe"], {k: v for k, v in named.items() if k != "recipe"}
        if name not in RECIPES:
            raise unknown("recipe in --net", name, RECIPES)
        base = RECIPES[name]
    found = {key: READERS[key](key, value) for key, value in named.items()}
    for kind in ("optimizer", "loss"):
        for key in part_registry.parse(kind, found[kind])[1] if kind in found else ():
            if key in found:
                raise UserError(
                    f"'{key}' stands in {kind}={found[kind]} and beside it; name it once"
                )
    if "optimizer" in found:
        rule, _ = part_registry.parse("optimizer", found["optimizer"])
        found.setdefault("lr", RATES.get(rule, RATE))
        if rule == "lbfgs":
            found.setdefault("dropout", 0.0)
    recipe = replace(base, **found)
    rule, _ = part_registry.parse("optimizer", recipe.optimizer)
    schedule, _ = part_registry.parse("schedule", recipe.schedule)
    for key in UNUSED.get(rule, ()):
        if key in named:
            raise UserError(f"optimizer={rule} makes no use of {key}; leave it out")
    if found.get("warmup") and schedule in RISING:
        raise UserError(f"schedule={schedule} begins low by itself; leave out warmup")
    if found.get("weight_decay") and rule in WITHOUT_DECAY:
        raise UserError(f"optimizer={rule} goes without weight_decay; adamw is Adam with it")
    if "momentum" in found and rule not in WITH_MOMENTUM:
        raise UserError(
            f"momentum goes with optimizer={' or '.join(WITH_MOMENTUM)}; got optimizer={rule}"
        )
    return recipe


def validate_recipe(recipe: NetRecipe) -> NetRecipe:
    """Hold a recipe made in Python against the same rules, and make its numbers plain ones.

    Raises
    ------
    UserError
        If a field is out of range.

    Examples
    --------
    >>> validate_recipe(NetRecipe(layers=[32])).layers
    (32,)
    """
    found = {}
    for field in fields(NetRecipe):
        value = getattr(recipe, field.name)
        text = ",".join(str(n) for n in value) if field.name == "layers" else str(value)
        if text or field.name not in ("decays", "rates", "falls"):
            found[field.name] = READERS[field.name](field.name, text)
    return NetRecipe(**found)

"""Parse and validate recipes: ``layers=256,128 activation=relu lr=1e-3 …``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from math import isfinite
from typing import Any

from graduel.errors import UserError, unknown
from graduel.train.build import part_registry
from graduel.train.build.layer_text import parse_layer
from graduel.train.build.optimizer_builder import (
    RATE,
    RATES,
    SCHEDULABLE,
    STARTING_LOW,
    WITH_MOMENTUM,
    WITHOUT_DECAY,
    parse_by_role,
)
from graduel.train.build.synonyms import unknown_part
from graduel.train.recipes import RECIPES, NetRecipe, RecipeLike

Parser = Callable[[str, str], Any]
WITH_NONE = ("norm", "augment")
"""Kinds of parts that can be ``none``."""


def _integer_parser(least: int) -> Parser:
    def parse(key: str, text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise UserError(f"{key} in --net must be an integer of at least {least}; got '{text}'")
        return number

    return parse


def _parse_layers(key: str, text: str) -> tuple[int | str, ...]:
    layers: list[int | str] = []
    for part in text.split(","):
        layer = parse_layer(part)
        layers.append(layer.units if layer.kind == "dense" else part)
    return tuple(layers)


def _number_parser(low: float, below: float, *, low_too: bool = True) -> Parser:
    bound = f"{'at least' if low_too else 'above'} {low:g}"
    bound += f" and below {below:g}" if isfinite(below) else ""

    def parse(key: str, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not (low <= number < below) or (number == low and not low_too):
            raise UserError(f"{key} in --net must be a number {bound}; got '{text}'")
        return number

    return parse


def _choice_parser(*names: str) -> Parser:
    def parse(key: str, text: str) -> str:
        if text not in names:
            raise unknown(f"{key} in --net", text, names)
        return text

    return parse


def _parse_part(key: str, text: str) -> str:
    for one in part_registry.split(text) if key in ("activation", "augment") else [text]:
        if one.partition("(")[0] not in part_registry.KINDS[key] and key in WITH_NONE:
            raise unknown_part(key, key, one, ("none", *part_registry.KINDS[key]))
        part_registry.make(key, one)
    return text


def _parse_part_or_none(key: str, text: str) -> str:
    return text if text == "none" else _parse_part(key, text)


def _parse_roles(key: str, text: str) -> str:
    parse_by_role(key, text)
    return text


def _parse_yes_or_no(key: str, text: str) -> bool:
    if text.lower() not in ("yes", "no", "true", "false"):
        raise UserError(f"{key} in --net must be yes or no; got '{text}'")
    return text.lower() in ("yes", "true")


def _parse_scheduled(key: str, text: str) -> str:
    for one in text.split(","):
        if one not in SCHEDULABLE:
            raise unknown(f"{key} in --net", one, SCHEDULABLE)
    return text


INFINITY = float("inf")
PARSERS: dict[str, Parser] = {
    "layers": _parse_layers,
    "activation": _parse_part,
    "norm": _parse_part_or_none,
    "dropout": _number_parser(0, 1),
    "noise": _number_parser(0, INFINITY),
    "init": _parse_part,
    "loss": _parse_part,
    "label_smoothing": _number_parser(0, 1),
    "class_weight": _choice_parser("none", "balanced"),
    "optimizer": _parse_part,
    "lr": _number_parser(0, INFINITY, low_too=False),
    "momentum": _number_parser(0, 1),
    "weight_decay": _number_parser(0, INFINITY),
    "decays": _parse_roles,
    "rates": _parse_roles,
    "clip_norm": _number_parser(0, INFINITY),
    "clip_value": _number_parser(0, INFINITY),
    "max_norm": _number_parser(0, INFINITY),
    "vat": _number_parser(0, INFINITY),
    "vat_weight": _number_parser(0, INFINITY),
    "ema": _number_parser(0, 1),
    "schedule": _parse_part,
    "warmup": _number_parser(0, 1),
    "plateau": _integer_parser(0),
    "augment": _parse_part_or_none,
    "batch_size": _integer_parser(1),
    "epochs": _integer_parser(1),
    "scaling": _choice_parser("robust", "quantile", "both"),
    "category_embedding": _integer_parser(0),
    "numeric_embedding": _parse_part,
    "input_scale": _parse_yes_or_no,
    "ntk": _parse_yes_or_no,
    "calibrate": _parse_yes_or_no,
    "members": _integer_parser(1),
    "scheduled": _parse_scheduled,
    "selects_by": _choice_parser("metric", "log_loss"),
}
"""The parser of each field of a recipe. Empty text means that the field is unused."""
KEYS = ("recipe", *PARSERS)
"""The keys of ``--net``: a recipe to start from, and each field."""
UNUSED = {"lbfgs": ("lr", "schedule", "warmup", "batch_size"), "gd": ("batch_size",)}
"""Fields that full-batch optimizers do not use."""
assert set(PARSERS) == {field.name for field in fields(NetRecipe)}


def parse_recipe(text: str, base: NetRecipe) -> NetRecipe:
    """Parse a recipe from ``key=value`` pairs; other fields are those of `base`.

    ``recipe=mnist`` starts from that entry of :data:`~graduel.train.recipes.RECIPES` instead. An
    optimizer without a learning rate gets its default learning rate.

    Raises
    ------
    UserError
        If a part is not ``key=value``, a key is unknown or repeated, or a value out of range.

    Examples
    --------
    >>> text = "layers=64,32 activation=leaky_relu(slope=0.2) optimizer=sgd"
    >>> recipe = parse_recipe(text, NetRecipe())
    >>> recipe.layers, recipe.activation, recipe.lr, recipe.epochs
    ((64, 32), 'leaky_relu(slope=0.2)', 0.1, 20)
    """
    pairs = parse_pairs(text)
    if not pairs:
        raise UserError(
            "--net expects at least one key=value pair, such as layers=256,128; got none"
        )
    return apply_pairs(base, pairs)


def resolve_recipe(net: RecipeLike, base: NetRecipe) -> NetRecipe:
    """Return the recipe that a user gives as an object, or as changes to `base`.

    Changes are text in the form of ``--net``, or a mapping of the same keys, whose values are
    numbers, lists, booleans or text.

    Raises
    ------
    UserError
        If a key is unknown or a value out of range.

    Examples
    --------
    >>> changes = {"layers": (64, 32), "optimizer": "sgd", "ntk": True}
    >>> resolve_recipe(changes, NetRecipe()) == parse_recipe(
    ...     "layers=64,32 optimizer=sgd ntk=yes", NetRecipe()
    ... )
    True
    """
    if isinstance(net, NetRecipe):
        return validate_recipe(net)
    if isinstance(net, str):
        return parse_recipe(net, base)
    if not isinstance(net, Mapping):
        raise UserError(
            "--net must be text such as 'layers=256,128', a dict such as {'layers': (256, 128)} or "
            f"a NetRecipe; got {type(net).__name__}"
        )
    return parse_recipe(recipe_text(net), base)


def recipe_text(changes: Mapping[str, Any]) -> str:
    """Return changes to a recipe in the form of ``--net``.

    >>> recipe_text({"layers": (64, 32), "lr": 1e-3})
    'layers=64,32 lr=0.001'
    """

    def text(value: Any) -> str:
        return ",".join(map(text, value)) if isinstance(value, list | tuple) else str(value)

    return " ".join(f"{key}={text(value)}" for key, value in changes.items())


def parse_pairs(text: str) -> dict[str, str]:
    """Parse ``key=value key=value``; raise `UserError` if a key is unknown or repeated."""
    pairs: dict[str, str] = {}
    for part in part_registry.split(" ".join(text.split()), " "):
        key, equals, value = part.partition("=")
        if not part:
            continue
        if not equals:
            raise UserError(f"--net must be key=value pairs separated by spaces; got '{part}'")
        if key not in KEYS:
            raise unknown_part("key", "a key in --net", key, KEYS)
        if key in pairs:
            raise UserError(f"each key in --net may occur once; got '{key}' twice")
        pairs[key] = value
    return pairs


def apply_pairs(base: NetRecipe, pairs: dict[str, str]) -> NetRecipe:
    """Return `base`, or the recipe under the key ``recipe``, with the given fields replaced."""
    if "recipe" in pairs:
        name, pairs = pairs["recipe"], {k: v for k, v in pairs.items() if k != "recipe"}
        if name not in RECIPES:
            raise unknown("recipe in --net", name, RECIPES)
        base = RECIPES[name]
    values = {key: PARSERS[key](key, value) for key, value in pairs.items()}
    for kind in ("optimizer", "loss"):
        for key in part_registry.parse(kind, values[kind])[1] if kind in values else ():
            if key in values:
                raise UserError(
                    f"'{key}' is given twice, in {kind}={values[kind]} and as {key}=…; give it once"
                )
    if "optimizer" in values:
        rule, _ = part_registry.parse("optimizer", values["optimizer"])
        values.setdefault("lr", RATES.get(rule, RATE))
        if rule == "lbfgs":
            values.setdefault("dropout", 0.0)
    recipe = replace(base, **values)
    rule, _ = part_registry.parse("optimizer", recipe.optimizer)
    schedule, _ = part_registry.parse("schedule", recipe.schedule)
    for key in UNUSED.get(rule, ()):
        if key in pairs:
            raise UserError(f"optimizer={rule} does not use {key}; leave it out")
    if values.get("warmup") and schedule in STARTING_LOW:
        raise UserError(f"schedule={schedule} starts low already; leave out warmup")
    if values.get("weight_decay") and rule in WITHOUT_DECAY:
        raise UserError(f"optimizer={rule} has no weight_decay; use optimizer=adamw")
    if "momentum" in values and rule not in WITH_MOMENTUM:
        raise UserError(
            f"momentum requires optimizer={' or '.join(WITH_MOMENTUM)}; got optimizer={rule}"
        )
    return recipe


def validate_recipe(recipe: NetRecipe) -> NetRecipe:
    """Validate a recipe built in Python by the rules of ``--net``; return it with plain numbers.

    Raises
    ------
    UserError
        If a field is out of range.

    Examples
    --------
    >>> validate_recipe(NetRecipe(layers=[32])).layers
    (32,)
    """
    values = {}
    for field in fields(NetRecipe):
        value = getattr(recipe, field.name)
        text = ",".join(str(n) for n in value) if field.name == "layers" else str(value)
        if text or field.name not in ("decays", "rates", "scheduled"):
            values[field.name] = PARSERS[field.name](field.name, text)
    return NetRecipe(**values)

"""From a recipe to the update rule and the schedule that it names, and what goes around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from math import isfinite
from typing import Any

from numpy.typing import NDArray

from graduel.errors import UserError
from graduel.optim import (
    AdamW,
    ByRole,
    ClipNorm,
    ClipValue,
    Decay,
    FlatCos,
    MaxNorm,
    Minimizer,
    Optimizer,
    Schedule,
    WarmUp,
)
from graduel.train.build import part_registry
from graduel.train.recipes import NetRecipe

Array = NDArray[Any]

RATES: dict[str, float] = {
    "gd": 0.5,
    "sgd": 0.1,
    "momentum": 0.02,
    "nesterov": 0.02,
    "adagrad": 0.02,
    "lion": 1e-4,
}
"""A rate that suits a rule where nobody names one; 0.001 for the rest."""
RATE = 1e-3
WITH_MOMENTUM = ("momentum", "nesterov")
"""The rules whose momentum is the recipe's."""
RISING = ("coslog4", "one_cycle")
"""The schedules that begin low by themselves, and go without warm-up."""
FALLING = ("dropout", "decay")
"""What may fall to 0 over the second half of the training, as :class:`FlatCos` does."""
WITHOUT_DECAY = ("adam",)
"""The rules that decay nothing: AdamW is Adam with decay."""


def build_optimizer(recipe: NetRecipe) -> Optimizer | Minimizer:
    """Make the update rule, with what the recipe puts around it."""
    name, own = part_registry.parse("optimizer", recipe.optimizer)
    given: dict[str, Any] = {}
    decay = own.get("weight_decay", recipe.weight_decay)
    falls = "decay" in recipe.falls.split(",") and name not in WITHOUT_DECAY
    if name not in WITHOUT_DECAY:
        given["weight_decay"] = decay
    if name == "muon":  # the matrices that it leaves to AdamW decay alike
        given["others"] = AdamW(weight_decay=0.0 if falls else decay)
    if name in WITH_MOMENTUM:
        given["momentum"] = recipe.momentum
    rule = part_registry.make("optimizer", recipe.optimizer, **given)
    if falls and name != "lbfgs":  # what stands around it does that
        rule = replace(rule, weight_decay=0.0)
    try:
        around = list(_around(recipe, decay if falls else None))
        if around and name == "lbfgs":
            raise UserError(
                "optimizer=lbfgs searches along a line and goes without decays, rates, max_norm, "
                "clip_value, clip_norm and a decay that falls; leave them out"
            )
        for wrap in around:
            rule = wrap(rule)
    except UserError:
        raise
    except ValueError as error:
        raise UserError(str(error)) from None
    return rule


def _around(recipe: NetRecipe, falling: float | None) -> Iterator[Callable[[Any], Any]]:
    """Yield what wraps the update rule, the innermost first; `falling` is a decay that falls."""
    if recipe.rates:
        yield partial(ByRole, rates=parse_by_role("rates", recipe.rates))
    if recipe.max_norm:
        yield partial(MaxNorm, most=recipe.max_norm)
    if recipe.clip_value:
        yield partial(ClipValue, most=recipe.clip_value)
    if recipe.clip_norm:
        yield partial(ClipNorm, most=recipe.clip_norm)
    decays = parse_by_role("decays", recipe.decays) if recipe.decays else {}
    if falling is not None:
        decays = {"weight": falling} | decays
    falls = "decay" in recipe.falls.split(",")
    if decays:  # outermost, where the loop tells it how far training is
        yield partial(Decay, amounts=decays, schedule=FlatCos() if falls else None)


def parse_by_role(key: str, text: str) -> dict[str, float]:
    """Read ``bias:2,scale:0.5``."""
    try:
        pairs = [part.split(":") for part in text.split(",")]
        found = {role.strip(): float(value) for role, value in pairs}
        if len(found) < len(pairs) or not all(isfinite(value) for value in found.values()):
            raise ValueError
        return found
    except ValueError:
        raise UserError(
            f"{key} must be role:number with commas between them, such as bias:2,scale:0.5; "
            f"got '{text}'"
        ) from None


def build_schedule(recipe: NetRecipe) -> Schedule:
    """Make the schedule, with the warm-up in front where it does not begin low by itself."""
    schedule: Schedule = part_registry.make("schedule", recipe.schedule)
    name, _ = part_registry.parse("schedule", recipe.schedule)
    return WarmUp(recipe.warmup, schedule) if recipe.warmup and name not in RISING else schedule

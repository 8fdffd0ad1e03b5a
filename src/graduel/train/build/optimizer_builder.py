"""Build the optimizer, its wrappers and the learning-rate schedule of a recipe."""

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
"""The default learning rate of each optimizer."""
RATE = 1e-3
"""The default learning rate of the other optimizers."""
WITH_MOMENTUM = ("momentum", "nesterov")
"""Optimizers that use the recipe's momentum."""
STARTING_LOW = ("coslog4", "one_cycle")
"""Schedules that start low and need no warm-up."""
SCHEDULABLE = ("dropout", "decay")
"""Hyperparameters that can decay to 0 by a :class:`FlatCos` schedule."""
WITHOUT_DECAY = ("adam",)
"""Optimizers without weight decay: AdamW is Adam with it."""


def build_optimizer(recipe: NetRecipe) -> Optimizer | Minimizer:
    """Build the update rule with the recipe's wrappers around it."""
    name, user_options = part_registry.parse("optimizer", recipe.optimizer)
    options: dict[str, Any] = {}
    decay = user_options.get("weight_decay", recipe.weight_decay)
    is_scheduled = "decay" in recipe.scheduled.split(",") and name not in WITHOUT_DECAY
    if name not in WITHOUT_DECAY:
        options["weight_decay"] = decay
    if name == "muon":  # parameters that Muon leaves to AdamW decay too
        options["others"] = AdamW(weight_decay=0.0 if is_scheduled else decay)
    if name in WITH_MOMENTUM:
        options["momentum"] = recipe.momentum
    rule = part_registry.make("optimizer", recipe.optimizer, **options)
    if is_scheduled and name != "lbfgs":  # the Decay wrapper applies it
        rule = replace(rule, weight_decay=0.0)
    try:
        wrappers = list(_iter_wrappers(recipe, decay if is_scheduled else None))
        if wrappers and name == "lbfgs":
            raise UserError(
                "optimizer=lbfgs does not support decays, rates, max_norm, clip_value, clip_norm "
                "and a scheduled decay; leave them out"
            )
        for wrap in wrappers:
            rule = wrap(rule)
    except UserError:
        raise
    except ValueError as error:
        raise UserError(str(error)) from None
    return rule


def _iter_wrappers(
    recipe: NetRecipe, scheduled_decay: float | None
) -> Iterator[Callable[[Any], Any]]:
    """Yield the wrappers of the update rule, innermost first."""
    if recipe.rates:
        yield partial(ByRole, rates=parse_by_role("rates", recipe.rates))
    if recipe.max_norm:
        yield partial(MaxNorm, maximum=recipe.max_norm)
    if recipe.clip_value:
        yield partial(ClipValue, maximum=recipe.clip_value)
    if recipe.clip_norm:
        yield partial(ClipNorm, maximum=recipe.clip_norm)
    decays = parse_by_role("decays", recipe.decays) if recipe.decays else {}
    if scheduled_decay is not None:
        decays = {"weight": scheduled_decay} | decays
    is_scheduled = "decay" in recipe.scheduled.split(",")
    if decays:  # outermost, where the training loop sets the progress
        yield partial(Decay, amounts=decays, schedule=FlatCos() if is_scheduled else None)


def parse_by_role(key: str, text: str) -> dict[str, float]:
    """Parse numbers by parameter role: ``bias:2,scale:0.5``."""
    try:
        pairs = [part.split(":") for part in text.split(",")]
        values = {role.strip(): float(value) for role, value in pairs}
        if len(values) < len(pairs) or not all(isfinite(value) for value in values.values()):
            raise ValueError
        return values
    except ValueError:
        raise UserError(
            f"{key} must be comma-separated role:number pairs, such as bias:2,scale:0.5; "
            f"got '{text}'"
        ) from None


def build_schedule(recipe: NetRecipe) -> Schedule:
    """Build the learning-rate schedule, with a warm-up unless it starts low already."""
    schedule: Schedule = part_registry.make("schedule", recipe.schedule)
    name, _ = part_registry.parse("schedule", recipe.schedule)
    return (
        WarmUp(recipe.warmup, schedule) if recipe.warmup and name not in STARTING_LOW else schedule
    )

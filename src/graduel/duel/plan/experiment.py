"""Experiments: variants of one network on the same rows, seeds and random numbers.

An experiment is a duel among networks: the same cells, folder, statistics and guarantees.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from typing import Any

from graduel.data.source import DataSource
from graduel.duel.plan.protocol import Protocol, protocol_for, table_training_rows
from graduel.errors import UserError, unknown
from graduel.train.build.part_registry import split
from graduel.train.build.recipe_parser import KEYS, apply_pairs, parse_pairs
from graduel.train.recipes import NetRecipe, net_recipe

MOST_VARIANTS = 24


def parse_variants(texts: Sequence[str]) -> dict[str, list[str]]:
    """Read what is varied: ``key=a,b,c``, or ``key=a|b`` where a value has commas itself.

    Raises
    ------
    UserError
        If a key is unknown or stands twice, or has fewer than two values.

    Examples
    --------
    >>> parse_variants(["activation=relu,tanh", "layers=256|256,128"])
    {'activation': ['relu', 'tanh'], 'layers': ['256', '256,128']}
    """
    found: dict[str, list[str]] = {}
    for text in texts:
        key, equals, value = text.strip().partition("=")
        if not equals:
            raise UserError(
                f"--vary must be key=value,value,… such as activation=relu,tanh; got '{text}'"
            )
        if key not in KEYS:
            raise unknown("a key in --vary", key, KEYS)
        values = [part.strip() for part in split(value, "|" if "|" in value else ",")]
        if key in found:
            raise UserError(f"each key in --vary may stand once; got '{key}' twice")
        if len(values) < 2 or len(set(values)) < len(values):
            raise UserError(
                f"{key} in --vary must have at least two values, all different, with commas "
                f"between them (or | where a value has commas itself); got '{value}'"
            )
        found[key] = values
    if not found:
        raise UserError("--vary must say what to vary, such as activation=relu,tanh; got nothing")
    return found


def plan_experiment(
    dataset: str | DataSource = "mnist",
    *,
    vary: Sequence[str],
    net: str | None = None,
    seeds: int = 1,
    rows: int | None = None,
    quick: bool = False,
    threads: int | None = None,
    split: str | None = None,
    metric: str | None = None,
    rope: float | None = None,
) -> Protocol:
    """Check what was asked for and make a protocol of it: a variant for each combination.

    Parameters
    ----------
    dataset : name of a data set, or data of one's own
    vary : ``key=value,value`` texts; every combination of their values is a variant
    net : what all variants share, as ``--net`` takes it
    seeds, rows, quick, threads, split, metric, rope : as in a duel

    Raises
    ------
    UserError
        If something does not exist, is out of range, or does not fit.
    """
    shared, varied = parse_pairs(net or ""), parse_variants(vary)
    for key in varied:
        if key in shared:
            raise UserError(f"'{key}' stands in --net and in --vary; leave it out of --net")
    choices = list(product(*varied.values()))
    if len(choices) > MOST_VARIANTS:
        raise UserError(
            f"an experiment has at most {MOST_VARIANTS} variants; got {len(choices)}. "
            "Vary fewer things at once"
        )
    asked: dict[str, Any] = {
        "split": split,
        "metric": metric,
        "rope": rope,
        "rows": rows,
        "quick": quick,
    }
    learning = table_training_rows(dataset, **asked) if isinstance(dataset, DataSource) else None
    variants: dict[str, tuple[str, str, NetRecipe]] = {}
    for values in choices:
        recipe = apply_pairs(
            net_recipe(quick, learning), shared | dict(zip(varied, values, strict=True))
        )
        for _, title, other in variants.values():
            if other == recipe:
                raise UserError(
                    f"two variants are the same network: {title} and {', '.join(values)}; "
                    "leave one out"
                )
        name = _name(len(variants) + 1, values)
        variants[name] = ("net", ", ".join(values), recipe)
    return protocol_for(
        dataset,
        variants,
        seeds=seeds,
        threads=threads,
        varies=list(varied),
        **asked,
    )


def _name(number: int, values: Sequence[str]) -> str:
    """Return a name that is a folder's on every system.

    >>> _name(3, ["leaky_relu(slope=0.2)", "256,128"])
    '03-leaky-relu-slope-0.2-256-128'
    """
    plain = re.sub(r"[^a-z0-9.]+", "-", " ".join(values).lower()).strip("-")
    return f"{number:02}-{plain[:40]}".rstrip("-.")

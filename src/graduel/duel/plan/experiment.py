"""Experiments: variants of one network on the same rows, with the same seeds.

An experiment is a duel between network variants, with the same cells, folder and statistics.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product

from graduel.data.source import DataSource
from graduel.duel.plan.defaults import choose_defaults
from graduel.duel.plan.protocol import Protocol
from graduel.duel.plan.protocol_builder import assemble_protocol
from graduel.errors import UserError
from graduel.train.build.part_registry import split
from graduel.train.build.recipe_parser import KEYS, apply_pairs, parse_pairs
from graduel.train.build.synonyms import unknown_part
from graduel.train.recipes import NetRecipe, net_recipe

MAX_VARIANTS = 24


def parse_variants(texts: str | Sequence[str]) -> dict[str, list[str]]:
    """Parse ``key=a,b,c`` texts; values that contain commas are separated by ``|``: ``key=a|b``.

    A text may have several keys, separated by spaces; the values of a repeated key add up.

    Raises
    ------
    UserError
        If a key is unknown or has fewer than two values, or a value is repeated.

    Examples
    --------
    >>> parse_variants(["activation=relu,tanh", "layers=256|256,128"])
    {'activation': ['relu', 'tanh'], 'layers': ['256', '256,128']}
    >>> parse_variants(["lr=0.1 dropout=0,0.2", "lr=0.3"])
    {'lr': ['0.1', '0.3'], 'dropout': ['0', '0.2']}
    """
    values_by_key: dict[str, list[str]] = {}
    for text in _split_keys([texts] if isinstance(texts, str) else texts):
        key, equals, value = text.strip().partition("=")
        if not equals:
            raise UserError(
                f"--vary must be key=value,value,… such as activation=relu,tanh; got '{text}'"
            )
        if key not in KEYS:
            raise unknown_part("key", "a key in --vary", key, KEYS)
        values = [part.strip() for part in split(value, "|" if "|" in value else ",")]
        values_by_key.setdefault(key, []).extend(values)
    for key, values in values_by_key.items():
        if len(values) < 2 or len(set(values)) < len(values):
            raise UserError(
                f"{key} in --vary must have at least two values, all different, separated by "
                f"commas (or by | if values contain commas); got '{', '.join(values)}'"
            )
    if not values_by_key:
        raise UserError(
            "--vary must have a key and values such as activation=relu,tanh; got nothing"
        )
    return values_by_key


def _split_keys(texts: Sequence[str]) -> list[str]:
    """Split texts before each ``key=``; a value may have spaces after its commas."""
    parts: list[str] = []
    for text in texts:
        words = [word for word in split(" ".join(text.split()), " ") if word]
        for i, word in enumerate(words):
            if i and not re.match(r"\w+=", word):
                parts[-1] += " " + word
            else:
                parts.append(word)
    return parts


def plan_experiment(
    data: DataSource,
    *,
    vary: str | Sequence[str],
    net: str | None = None,
    seeds: int = 1,
    rows: int | None = None,
    quick: bool = False,
    threads: int | str | None = None,
    split: str | None = None,
    metric: str | None = None,
    positive: object = None,
    rope: float | None = None,
) -> Protocol:
    """Validate the options and build a protocol with one variant per combination of values.

    Parameters
    ----------
    data : the data set
    vary : one or more ``key=value,value`` texts; every combination of values is a variant
    net : settings shared by all variants, in the syntax of ``--net``
    seeds, rows, quick, threads, split, metric, positive, rope : as in a duel

    Raises
    ------
    UserError
        If a name is unknown, a number out of range, or a network does not fit the data.
    """
    shared, varied = parse_pairs(net or ""), parse_variants(vary)
    for key in varied:
        if key in shared:
            raise UserError(f"'{key}' is in --net and in --vary; leave it out of --net")
    choices = list(product(*varied.values()))
    if len(choices) > MAX_VARIANTS:
        raise UserError(
            f"an experiment must have at most {MAX_VARIANTS} variants; got {len(choices)}. "
            "Vary fewer keys or values"
        )
    defaults = choose_defaults(
        data, split=split, metric=metric, positive=positive, rope=rope, rows=rows, quick=quick
    )
    is_number = defaults.task == "regression"
    base = net_recipe(quick, defaults.table_rows, regression=is_number)
    variants: dict[str, tuple[str, str, NetRecipe]] = {}
    for values in choices:
        recipe = apply_pairs(base, shared | dict(zip(varied, values, strict=True)))
        for _, title, other in variants.values():
            if other == recipe:
                raise UserError(
                    f"two variants are the same network: {title} and {', '.join(values)}; "
                    "leave one out"
                )
        name = _name(len(variants) + 1, values)
        variants[name] = ("net", ", ".join(values), recipe)
    return assemble_protocol(
        data,
        defaults,
        variants,
        seeds=seeds,
        quick=quick,
        threads=threads,
        varies=list(varied),
    )


def _name(number: int, values: Sequence[str]) -> str:
    """Return a variant's name, valid as a folder name on every system.

    >>> _name(3, ["leaky_relu(slope=0.2)", "256,128"])
    '03-leaky-relu-slope-0.2-256-128'
    """
    plain = re.sub(r"[^a-z0-9.]+", "-", " ".join(values).lower()).strip("-")
    return f"{number:02}-{plain[:40]}".rstrip("-.")

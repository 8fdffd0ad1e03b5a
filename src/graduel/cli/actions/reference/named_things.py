"""The commands contenders, metrics, parts and recipes, which list names from the code."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from functools import partial
from typing import Any

import typer

from graduel.cli.views.name_list import format_entries, format_pairs
from graduel.errors import UserError, suggest

TABLE_ROWS = 10_000
"""Training rows of the table whose recipe is shown."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A name with a summary, and further facts about it as (term, text)."""

    name: str
    summary: str
    facts: tuple[tuple[str, str], ...] = ()


def show(what: str, name: str | None, groups: Mapping[str, Sequence[Entry]], as_json: bool) -> None:
    """Print all names in groups, or all that is known about one.

    Raises
    ------
    UserError
        If there is no such name.
    """
    entries = [entry for group in groups.values() for entry in group]
    if name is not None and name not in groups:
        entries = [entry for entry in entries if entry.name == name]
        if not entries:
            names = list(dict.fromkeys(one.name for group in groups.values() for one in group))
            other = _find_kind(name)
            hint = suggest(name, names) if other is None else f". Run graduel {other}s {name}"
            raise UserError(
                f"expected the name of a {what}; got '{name}'; graduel {what}s lists the names"
                f"{hint}"
            )
    if as_json:
        sys.stdout.write(json.dumps([asdict(entry) for entry in entries], indent=1) + "\n")
        return
    for title, group in groups.items():
        if name in (None, title):
            typer.echo(format_entries(title, [(one.name, one.summary) for one in group]))
        for entry in group:
            if entry.name == name:
                typer.echo(format_entries(title, [(entry.name, entry.summary)]))
                if entry.facts:
                    typer.echo(format_pairs(entry.facts))


def _find_kind(name: str) -> str | None:
    """Return the kind of thing that has this name: contender, recipe, metric, part or None."""
    from graduel.contenders.registry import list_contenders
    from graduel.metrics.metric import METRICS
    from graduel.metrics.scorers import list_scorers
    from graduel.train.build.part_registry import KINDS
    from graduel.train.recipes import RECIPES, NetRecipe

    kinds: dict[str, set[str]] = {
        "contender": set(list_contenders()),
        "recipe": set(RECIPES),
        "part": {one for names in KINDS.values() for one in names}
        | {field.name for field in fields(NetRecipe)},
        "metric": {*METRICS, *list_scorers()},
    }
    return next((kind for kind, names in kinds.items() if name in names), None)


def contenders(name: str | None, as_json: bool) -> None:
    """List the contenders: their models, data, packages and recipes."""
    from graduel.contenders.family import TableTraits, has_no_saved_form
    from graduel.contenders.registry import BUILT_IN_CONTENDERS, list_contenders

    groups: dict[str, list[Entry]] = {"contenders": [], "contenders of installed packages": []}
    for one, (family, contender) in list_contenders().items():
        recipe_texts = {
            kind: _describe_fields(variants.full)
            for kind, traits in (("images", None), ("tables", TableTraits(TABLE_ROWS)))
            if (variants := contender.recipes(traits)) is not None
        }
        data = " and ".join(recipe_texts)
        needs = [f"needs {need.install}" for need in family.requires]
        facts = [
            ("data", data),
            ("default", "yes" if contender.default else "no: name it with --contenders"),
            ("saved model", "no" if family.to_model is has_no_saved_form else "yes"),
        ]
        facts += [(f"recipe, {kind}", text) for kind, text in recipe_texts.items()]
        summary = "; ".join([f"{contender.title}, for {data}", *needs])
        group = "contenders" if one in BUILT_IN_CONTENDERS else "contenders of installed packages"
        groups[group].append(Entry(one, summary, tuple(facts)))
    show("contender", name, {k: v for k, v in groups.items() if v}, as_json)


def metrics(name: str | None, as_json: bool) -> None:
    """List the metrics: graduel's own and scikit-learn's scorers."""
    from graduel.metrics.metric import METRICS, get_metric
    from graduel.metrics.scorers import describe_scorer, fits_classes, list_scorers
    from graduel.metrics.scorers import has_positive_class as has_positive

    groups: dict[str, list[Entry]] = {"metrics": [], "scikit-learn's scorers": []}
    for metric in METRICS.values():
        better = "Lower" if metric.lower_is_better else "Higher"
        facts = [("better", better.lower()), ("default ROPE", f"{metric.rope:g}")]
        summary = f"{metric.meaning} {better} is better."
        groups["metrics"].append(Entry(metric.name, summary, tuple(facts)))
    for one in list_scorers():
        if get_metric(one).name in METRICS:
            continue
        classes = [text for k, text in ((2, "two"), (3, "more")) if fits_classes(one, k)]
        facts = [("better", "higher"), ("classes", " or ".join(classes))]
        if has_positive(one):
            facts.append(("positive class", "the rarer of two, or --positive LABEL"))
        facts.append(("default ROPE", f"{get_metric(one).rope:g}"))
        groups["scikit-learn's scorers"].append(Entry(one, describe_scorer(one), tuple(facts)))
    show("metric", name, groups, as_json)


def parts(name: str | None, as_json: bool) -> None:
    """List the parts and fields of ``--net``."""
    from graduel.train.build.layer_text import parse_layer
    from graduel.train.build.part_registry import KINDS
    from graduel.train.recipes import NetRecipe

    groups = {
        kind: [_describe_part(one, maker) for one, maker in names.items()]
        for kind, names in KINDS.items()
    }
    layers = " ".join((inspect.getdoc(parse_layer) or "").split("\n\n")[1].split())
    settings = [Entry(field.name, f"default {_text(field.default)}") for field in fields(NetRecipe)]
    settings[0] = Entry("layers", f"{settings[0].summary}. {layers.replace('`', '')}")
    show("part", name, groups | {"fields": settings}, as_json)


def recipes(name: str | None, as_json: bool) -> None:
    """List the named recipes for ``--net recipe=NAME``."""
    from graduel.train.recipes import RECIPES, NetRecipe

    base, entries = asdict(NetRecipe()), []
    for one, recipe in RECIPES.items():
        changed = {key: value for key, value in asdict(recipe).items() if value != base[key]}
        facts = tuple((key, _text(value)) for key, value in asdict(recipe).items())
        entries.append(Entry(one, " ".join(f"{k}={_text(v)}" for k, v in changed.items()), facts))
    show("recipe", name, {"recipes": entries}, as_json)


def _describe_part(name: str, maker: Callable[..., Any]) -> Entry:
    """Return the entry of a part: the first paragraph of its docstring, and its parameters."""
    fixed = maker.keywords if isinstance(maker, partial) else {}
    part: Any = maker.func if isinstance(maker, partial) else maker
    paragraphs = (inspect.getdoc(part) or "").split("\n\n")
    summary = " ".join(paragraphs[0].replace("`", "").split())
    facts = [
        (field.name, "required" if field.default is MISSING else f"default {_text(field.default)}")
        for field in fields(part)
        if field.init and field.name not in fixed
    ]
    if shown := {k: v for k, v in fixed.items() if isinstance(v, int | float | bool)}:
        summary += " With " + ", ".join(f"{k}={v}" for k, v in shown.items()) + "."
    if len(paragraphs) > 1 and not paragraphs[1].startswith((">>>", "Source")):
        lines = [
            re.sub(r" {3,}", "; ", line.strip())
            for line in paragraphs[1].replace("`", "").splitlines()
        ]
        is_formula = paragraphs[1].startswith(" ")
        facts.insert(0, ("formula", "; ".join(lines)) if is_formula else ("", " ".join(lines)))
    return Entry(name, summary, tuple(facts))


def _describe_fields(recipe: Any) -> str:
    return " ".join(f"{f.name}={_text(getattr(recipe, f.name))}" for f in fields(recipe))


def _text(value: Any) -> str:
    """Return a value as in ``--net``."""
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value != "" else "none"

"""Recipes of the contenders, values selected by their fits, and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from graduel.duel.result.outcome import Run
from graduel.number_format import NONE, format_bytes, format_setting
from graduel.report.draw.contender_names import list_titles
from graduel.report.draw.picture import TextTable
from graduel.report.sections.protocol_text import name_run

if TYPE_CHECKING:
    from graduel.duel.result.duel_result import Environment


def build_table(caption: str, settings: Mapping[str, Any]) -> TextTable:
    """Return a table of settings and their values."""
    rows = tuple((key, format_setting(value)) for key, value in settings.items())
    return TextTable(caption, ("Setting", "Value"), rows)


def build_recipe_tables(run: Run, name: str) -> list[TextTable]:
    """Return the recipe of a contender and the values selected by its fits, if any."""
    title, entry = list_titles(run)[name], run.result.contenders[name]
    tables = [build_table(f"Recipe of {title}", entry.recipe)] if entry.recipe else []
    details = entry.details
    keys = list(dict.fromkeys(key for one in details for key in one))
    if keys:
        several = len(details) > 1
        runs = [f"{name_run(run)} {number}" for number in range(len(details))]
        rows = tuple(
            (
                key,
                *(format_setting(one[key]) if key in one else NONE for one in details),
            )
            for key in keys
        )
        caption = f"Values selected or measured by the {'fits' if several else 'fit'} of {title}"
        head = ("Name", *(runs if several else ["Value"]))
        tables.append(TextTable(caption, head, rows))
    return tables


def build_environment_table(environment: Environment) -> TextTable:
    """Return the versions and the machine."""
    return build_table(
        "Versions and machine",
        {
            "python": environment.python,
            **environment.versions,
            "platform": environment.platform,
            "processor": environment.processor,
            "cores": environment.cores,
            "memory": format_bytes(environment.memory_bytes),
            "threads": environment.threads,
            "blas": environment.blas,
            **({"kernels": environment.kernels} if environment.kernels else {}),
            "finished": environment.finished,
        },
    )

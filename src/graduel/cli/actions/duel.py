"""``graduel duel``: from the options to the verdict on the screen."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from graduel.cli.actions.run_cells import command_line, run_live
from graduel.cli.data_source import parse_source, print_findings, print_notes, resolve_source
from graduel.cli.views.duel_table import show
from graduel.data.source import DataSource
from graduel.duel.plan.protocol import Protocol, build_protocol, table_training_rows
from graduel.duel.plan.user_estimators import load_contender
from graduel.duel.result.build import build_result
from graduel.duel.session import default_folder
from graduel.duel.store.finding_file import check_once
from graduel.duel.store.store import RESULT, open_store
from graduel.duel.suite.api import expand_datasets
from graduel.duel.suite.training_sizes import (
    load_data,
    open_size,
    parse_sizes,
    plan_sizes,
    shared_options,
)
from graduel.errors import UserError
from graduel.report import write_report
from graduel.train.build.recipe_parser import parse_recipe
from graduel.train.recipes import net_recipe


def run(
    datasets: list[str],
    described: dict[str, Any],
    *,
    contender: list[str],
    out: Path | None,
    as_json: bool,
    show_rows: bool,
    sizes: str | None,
    **options: Any,
) -> None:
    """Run a duel, write its report, show the result; of several data sets, one on each."""
    if len(every := expand_datasets(datasets)) > 1 or every != datasets:
        if sizes is not None:
            raise UserError("--sizes goes with one data set")
        from graduel.cli.actions.suite import run as run_suite

        run_suite(
            every,
            described,
            mine=[load_contender(text) for text in contender],
            out=out,
            as_json=as_json,
            show_rows=show_rows,
            **options,
        )
        return
    data = resolve_source(parse_source(datasets[0], described), options)
    own = [load_contender(text) for text in contender]
    wanted = None if sizes is None else parse_sizes(sizes)
    protocol = _planned(data, own=own, **options)
    smaller = {}
    if sizes is not None:
        shared = options | shared_options(protocol) | {"own": own}
        smaller = plan_sizes(
            wanted,
            protocol,
            load_data(data),
            lambda size: _planned(data, **shared | {"rows": size}),
        )
    mine = data if isinstance(data, DataSource) else None
    if mine is not None:
        print_notes(mine, Console(stderr=True))
    estimators = {one.name: one.pickled() for one in own}
    folder = out if out is not None else default_folder(protocol)
    with open_store(folder, protocol, mine) as store:
        print_findings(check_once(store, own), Console(stderr=True))
        store.estimators = estimators
        finished, report = run_live(store, protocol, folder, write_report, show_rows=show_rows)
        for size, one in smaller.items():
            with open_size(folder, size, one, mine) as other:
                check_once(other, own)
                other.estimators = estimators
                run_live(other, one, other.path, write_report, show_rows=show_rows)
        if smaller:
            finished = build_result(store, command_line(), show_rows=show_rows)
            report = write_report(finished)
    if as_json:
        sys.stdout.write((folder / RESULT).read_text(encoding="utf-8"))
    else:
        show(finished, report, Console())


def _planned(
    data: str | DataSource, *, contenders: str | None, net: str | None, **options: Any
) -> Protocol:
    """Plan a duel of what was typed."""
    recipe = None
    if net is not None:
        asked = {k: options[k] for k in ("split", "metric", "rope", "rows", "quick")}
        rows = table_training_rows(data, **asked) if isinstance(data, DataSource) else None
        recipe = parse_recipe(net, net_recipe(options["quick"], rows))
    return build_protocol(data, contenders=split_names(contenders), net=recipe, **options)


def split_names(text: str | None) -> list[str] | None:
    """Read names with commas between them."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]

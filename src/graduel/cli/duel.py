"""``graduel duel``: from the options to the verdict on the screen."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from graduel.cli.fight import fight
from graduel.cli.source import source, with_target
from graduel.cli.table import show
from graduel.data.description import Own, held
from graduel.data.read.names import harmless
from graduel.data.table import told as set_aside_told
from graduel.duel.api import default_folder
from graduel.duel.protocol import Protocol, plan, table_rows
from graduel.duel.settle import QUICK_ROWS, remarks
from graduel.duel.store import open_store
from graduel.recipes import net_recipe
from graduel.report import write_report
from graduel.train.netspec import parse_net


def run(
    dataset: str,
    described: dict[str, Any],
    *,
    contenders: str | None,
    net: str | None,
    out: Path | None,
    as_json: bool,
    show_rows: bool,
    **options: Any,
) -> None:
    """Run a duel, write its report, show the result."""
    data = source(dataset, described)
    if isinstance(data, Own):
        data = with_target(data)
        data = held(data, options["rows"] or (QUICK_ROWS if options["quick"] else None))
    recipe = None
    if net is not None:
        asked = {k: options[k] for k in ("split", "metric", "rope", "rows", "quick")}
        rows = table_rows(data, **asked) if isinstance(data, Own) else None
        recipe = parse_net(net, net_recipe(options["quick"], rows))
    protocol = plan(
        data,
        contenders=None if contenders is None else _names(contenders),
        net=recipe,
        **options,
    )
    mine = data if isinstance(data, Own) else None
    if mine is not None:
        _say(mine, protocol, Console(stderr=True))
    folder = out if out is not None else default_folder(protocol)
    with open_store(folder, protocol, mine) as store:
        write = partial(fight, store, protocol, folder, write_report)
        finished, report = write(show_rows=show_rows)
    if as_json:
        sys.stdout.write((folder / "result.json").read_text(encoding="utf-8"))
    else:
        show(finished, report, Console())


def _say(data: Own, protocol: Protocol, console: Console) -> None:
    """Say what was understood and what is to be known before anything is fitted."""
    found = data.load()
    split, metric, rope = protocol.split, protocol.metric, protocol.rope
    told: list[str] = []
    if found.understood is not None:
        told += [*found.understood.notes, *set_aside_told(found.understood.set_aside)]
    for line in told:
        console.out(f"note: {line}", highlight=False)
    for line in remarks(found, split, metric, rope, len(protocol.contenders)):
        console.out(f"warning: {harmless(line)}", highlight=False)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]

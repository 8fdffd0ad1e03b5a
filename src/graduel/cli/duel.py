"""``graduel duel``: from the options to the verdict on the screen."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from graduel.cli.fight import fight
from graduel.cli.table import show
from graduel.duel.api import default_folder
from graduel.duel.protocol import plan
from graduel.duel.store import open_store
from graduel.recipes import net_recipe
from graduel.report import write_report
from graduel.train.netspec import parse_net


def run(
    dataset: str,
    *,
    contenders: str | None,
    net: str | None,
    out: Path | None,
    as_json: bool,
    quick: bool,
    **options: Any,
) -> None:
    """Run a duel, write its report, show the result."""
    protocol = plan(
        dataset,
        contenders=None if contenders is None else _names(contenders),
        net=None if net is None else parse_net(net, net_recipe(quick)),
        quick=quick,
        **options,
    )
    folder = out if out is not None else default_folder(protocol)
    with open_store(folder, protocol) as store:
        finished, report = fight(store, protocol, folder, write_report)
    if as_json:
        sys.stdout.write((folder / "result.json").read_text(encoding="utf-8"))
    else:
        show(finished, report, Console())


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]

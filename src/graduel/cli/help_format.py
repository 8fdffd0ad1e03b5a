"""The help of graduel itself: the commands by task."""

from __future__ import annotations

import inspect
from collections import defaultdict
from typing import Any

from typer.core import TyperGroup

FIRST_STEPS = (
    ("graduel duel --quick", "A first duel, on MNIST."),
    ("graduel duel my.csv --target y", "A duel on your table."),
    ("graduel help duel", "The options of a command."),
)


class Group(TyperGroup):
    """The commands of graduel; without a command, the help is shown."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; none at all ask for help."""
        return super().parse_args(ctx, args or ["--help"])

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands by task, each with its whole first sentence."""
        by_task: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for name in self.list_commands(ctx):
            command: Any = self.get_command(ctx, name)
            paragraph = inspect.cleandoc(command.help or "").split("\n\n")[0]
            by_task[command.rich_help_panel].append((name, " ".join(paragraph.split())))
        for title, rows in by_task.items():
            with formatter.section(title):
                formatter.write_dl(rows)
        with formatter.section("First steps"):
            formatter.write_dl(FIRST_STEPS, col_max=32)

"""Output of ``verbose``: a progress bar on a terminal or in a notebook, lines elsewhere."""

from __future__ import annotations

from typing import Any


class Progress:
    """Display of the epochs of a fit on standard output.

    ``verbose=True`` or 1 shows a progress bar on a terminal or in a notebook. Elsewhere, or from 2
    on, each epoch prints a line in scikit-learn's format.
    """

    def __init__(self, verbose: Any, epochs: int) -> None:
        self.bar: Any = None
        self.lines = bool(verbose)
        if verbose in (True, 1):
            from rich.console import Console

            console = Console()
            if console.is_terminal or console.is_jupyter:
                self.bar, self.lines = _bar(console), False
                self.task = self.bar.add_task("", total=epochs)

    def __enter__(self) -> Progress:
        if self.bar is not None:
            self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def epoch(self, number: int, loss: float, score: float | None) -> None:
        """Show an epoch: its training loss, and the score of the validation rows."""
        if self.bar is not None:
            text = f"loss {loss:.4f}"
            if score is not None:
                text += f"   validation {score:.4f}"
            self.bar.update(self.task, completed=number, description=text)
        elif self.lines:
            print(f"Iteration {number}, loss = {loss:.8f}")
            if score is not None:
                print(f"Validation score: {score:f}")

    def end(self, reason: str) -> None:
        """Show the reason why training ended."""
        if reason and self.bar is not None:
            self.bar.console.print(reason, highlight=False)
        elif reason and self.lines:
            print(reason)


def _bar(console: Any) -> Any:
    from rich import progress

    return progress.Progress(
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("epochs   {task.description}"),
        progress.TimeElapsedColumn(),
        progress.TextColumn("remaining at most"),
        progress.TimeRemainingColumn(),
        console=console,
    )

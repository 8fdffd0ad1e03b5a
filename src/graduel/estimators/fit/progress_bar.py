"""Output of ``verbose``: a progress bar on a terminal or in a notebook, lines elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Protocol


class Done(Protocol):
    """A completed epoch."""

    @property
    def epoch(self) -> int:
        """Epochs so far."""
        ...

    @property
    def loss(self) -> float:
        """The training loss."""
        ...

    @property
    def validation_score(self) -> float | None:
        """The score on the validation rows; None if there are none."""
        ...


class Progress:
    """Shows the epochs of a fit on standard output.

    ``verbose=True`` or 1 is a bar where there is a terminal or a notebook; elsewhere, and from 2
    on everywhere, a line for each epoch in scikit-learn's words.
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.stop()

    def epoch(self, epoch: Done) -> None:
        """Show one more epoch."""
        if self.bar is not None:
            text = f"loss {epoch.loss:.4f}"
            if epoch.validation_score is not None:
                text += f"   validation {epoch.validation_score:.4f}"
            self.bar.update(self.task, completed=epoch.epoch, description=text)
        elif self.lines:
            print(f"Iteration {epoch.epoch}, loss = {epoch.loss:.8f}")
            if epoch.validation_score is not None:
                print(f"Validation score: {epoch.validation_score:f}")

    def end(self, why: str) -> None:
        """Show why it ended."""
        if why and self.bar is not None:
            self.bar.console.print(why, highlight=False)
        elif why and self.lines:
            print(why)


def _bar(console: Any) -> Any:
    from rich import progress

    return progress.Progress(
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("epochs   {task.description}"),
        progress.TimeElapsedColumn(),
        progress.TextColumn("left at most"),
        progress.TimeRemainingColumn(),
        console=console,
    )

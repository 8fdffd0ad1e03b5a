"""``graduel train``: one network, live, and saved."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryFile
from time import perf_counter
from typing import Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from threadpoolctl import threadpool_limits

from graduel.cli.fight import command
from graduel.cli.progress import PLAIN_EVERY, span
from graduel.data import Dataset, load_dataset
from graduel.duel.environment import describe
from graduel.duel.metrics import log_loss, wrong
from graduel.duel.protocol import Protocol, Split, plan_contenders, split
from graduel.errors import UserError
from graduel.recipes import CONTENDERS, NetRecipe, net_recipe
from graduel.train import DivergedError, Epoch, save_model
from graduel.train.netspec import parse_net
from graduel.train.training import Best, Training


@dataclass(slots=True)
class Standing:
    """How a training stands after an epoch."""

    epoch: Epoch
    valid_error: float
    best: Best
    seconds: float

    def line(self, epochs: int) -> str:
        """Say it in one line."""
        left = self.seconds * (1 - self.epoch.t) / self.epoch.t
        return (
            f"epoch {self.epoch.epoch} of {epochs}: loss {self.epoch.loss:.4f}, validation error "
            f"{100 * self.valid_error:.2f} % (best {100 * self.best.error:.2f} %), "
            f"{span(left)} left"
        )


def run(
    dataset: str,
    *,
    net: str | None,
    seed: int,
    rows: int | None,
    quick: bool,
    threads: int | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Train, choose the best epoch on the validation rows, judge it on the test rows, save it."""
    recipe = net_recipe(quick)
    if net is not None:
        recipe = parse_net(net, recipe)
    if seed < 0:
        raise UserError(f"seed must be at least 0; got {seed}")
    protocol = plan_contenders(
        dataset,
        {"net": ("net", CONTENDERS["net"].title, recipe)},
        seeds=1,
        rows=rows,
        quick=quick,
        threads=threads,
    )
    path = out if out is not None else _free(f"{dataset}-{protocol.digest}-seed{seed}")
    _check_writable(path)
    data = load_dataset(dataset)
    with threadpool_limits(protocol.threads):
        part = split(protocol, data, seed)
        found = _train(recipe, data, part, seed, Console(stderr=True), protocol)
    report = _report(found, data, part, protocol, seed)
    save_model(path, found.training.network, found.best.weights, report)
    if as_json:
        sys.stdout.write(json.dumps(report | {"model": str(path)}, indent=1) + "\n")
    else:
        _show(report, found, path, Console())
    if found.diverged:
        typer.echo(f"graduel: {found.diverged}. The best epoch before is saved.", err=True)
        raise typer.Exit(2)
    if found.stopped:
        raise typer.Exit(130)


def _free(stem: str) -> Path:
    """Return a name that no file has yet."""
    path, number = Path(f"{stem}.safetensors"), 1
    while path.exists():
        number += 1
        path = Path(f"{stem}-{number}.safetensors")
    return path


def _check_writable(path: Path) -> None:
    """Refuse a file that is there, or that could not be written after all the training."""
    if path.exists():
        raise UserError(f"--out must be a new file; {path} exists. Choose another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise UserError(
            f"--out must be a file that can be written; {path}: {error.strerror}"
        ) from None


@dataclass(slots=True)
class Found:
    """What a training came to."""

    training: Training
    best: Best
    epochs: int
    seconds: float
    stopped: bool
    diverged: str = ""


def _train(
    recipe: NetRecipe,
    data: Dataset,
    part: Split,
    seed: int,
    console: Console,
    protocol: Protocol,
) -> Found:
    """Train under a live display; Ctrl-C ends it early, and the best epoch so far stays."""
    table, y = data.table, data.y
    training = Training(
        recipe,
        table[part.train],
        y[part.train],
        len(data.classes),
        rng=np.random.default_rng(seed),
        image=data.image,
    )
    best, done, start = Best(training.answer.copy()), 0, perf_counter()
    stopped, diverged = False, ""

    def standings() -> Iterator[Standing]:
        with np.errstate(over="ignore", invalid="ignore"):
            for epoch, error in training.judged(table[part.valid], y[part.valid], best):
                yield Standing(epoch, error, best, perf_counter() - start)

    console.out(training.network.summary(), highlight=False)
    try:
        for standing in _shown(standings(), recipe.epochs, console):
            done = standing.epoch.epoch
    except KeyboardInterrupt:
        if not best.epoch:
            typer.echo("graduel: stopped before the first epoch; nothing is saved.", err=True)
            raise typer.Exit(130) from None
        stopped = True
    except DivergedError as error:
        if not best.epoch:
            raise UserError(str(error)) from None
        diverged = str(error)
    return Found(training, best, done, perf_counter() - start, stopped, diverged)


def _shown(standings: Iterator[Standing], epochs: int, console: Console) -> Iterator[Standing]:
    """Show each standing and hand it on: a live line on a terminal, plain lines elsewhere."""
    if not console.is_terminal:
        said = float("-inf")
        for standing in standings:
            if standing.seconds - said >= PLAIN_EVERY or standing.epoch.t == 1:
                console.out(standing.line(epochs), highlight=False)
                said = standing.seconds
            yield standing
        return
    columns = (BarColumn(bar_width=24), TextColumn("{task.description}"))
    with Progress(*columns, console=console) as display:
        task = display.add_task("epoch 1", total=1.0)
        for standing in standings:
            display.update(task, completed=standing.epoch.t, description=standing.line(epochs))
            yield standing


def _report(
    found: Found, data: Dataset, part: Split, protocol: Protocol, seed: int
) -> dict[str, Any]:
    """Judge the chosen weights on the test rows; return what is kept beside them."""
    answers = found.training.predict_proba(data.table[part.test], found.best.weights)
    if not np.isfinite(answers).all():
        raise UserError(
            "the network gives probabilities that are no numbers: it diverged. "
            "Lower the learning rate"
        )
    return {
        "dataset": data.name,
        "classes": list(data.classes),
        "scale": found.training.rows.scale,
        "recipe": asdict(found.training.recipe),
        "seed": seed,
        "rows": len(part.train),
        "epochs": found.epochs,
        "best_epoch": found.best.epoch,
        "valid_error": found.best.error,
        "test_error": float(wrong(answers, data.y[part.test]).mean()),
        "test_log_loss": log_loss(answers, data.y[part.test]),
        "seconds": found.seconds,
        "environment": describe(command(), protocol.threads),
    }


def _show(report: dict[str, Any], found: Found, path: Path, console: Console) -> None:
    lines = [
        f"test error {100 * report['test_error']:.2f} %, with the weights of epoch "
        f"{report['best_epoch']}, the best on the validation rows "
        f"({100 * report['valid_error']:.2f} %); {span(report['seconds'])} for "
        f"{report['epochs']} epoch{'s' * (report['epochs'] > 1)}",
        f"saved in {path}",
    ]
    if found.stopped:
        lines.insert(0, f"stopped after {found.epochs} of {found.training.recipe.epochs} epochs")
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

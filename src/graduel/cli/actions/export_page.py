"""``graduel export-page``: write the page that needs no server."""

from __future__ import annotations

from pathlib import Path

import typer


def run(out: Path, *, seed: int) -> None:
    """Train the two models of the page, write it, and print its size."""
    from graduel.glassbox.standalone.digit_models import DigitRecipe, train_digit_models
    from graduel.glassbox.standalone.standalone_page import require_new, write_standalone
    from graduel.number_format import format_percent

    require_new(out)  # before the training
    models = train_digit_models(DigitRecipe(seed=seed), typer.echo)
    write_standalone(models, out)
    typer.echo(
        f"{out}: {out.stat().st_size / 1e6:.1f} MB; test error of the network "
        f"{format_percent(models.net_error)}, of XGBoost {format_percent(models.tree_error)}"
    )
    typer.echo("open the file in a browser, from disk or any web server")

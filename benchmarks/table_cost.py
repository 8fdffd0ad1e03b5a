"""Training time of the network for tables, over rows and over columns.

    python benchmarks/table_cost.py --out cost.json --plot docs/images/table-cost.svg

Half of the columns are numbers, half categories of twelve values; two classes. The recipe is that
for 10,000 rows (``graduel.train.recipes.net_recipe``), once as an ensemble and once as one network
of 256 units a layer (``members=1 layers=256,256,256``). Three epochs are timed after a warm-up
epoch; seconds are their median times the recipe's epochs. Sizes are measured in turn, so that a
disturbance affects all of them. `--rows` and `--columns` change the sizes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import machine  # before NumPy: see there

# isort: split
import numpy as np
import polars as pl

from graduel.data.column import Column
from graduel.data.prepare.preparation import NetPreparation
from graduel.train.build.recipe_parser import parse_recipe
from graduel.train.loop.training import Training
from graduel.train.recipes import NetRecipe, net_recipe

TYPICAL = 10_000, 20
KINDS = {"ensemble": "", "one network": "members=1 layers=256,256,256"}


def training(recipe: NetRecipe, rows: int, columns: int) -> Training:
    """Return a training on a random table."""
    rng = np.random.default_rng(0)
    half = columns // 2
    frame = pl.DataFrame(
        {f"n{i}": rng.normal(size=rows) for i in range(columns - half)}
        | {f"c{i}": rng.integers(12, size=rows).astype(str) for i in range(half)}
    )
    kinds = ["numeric"] * (columns - half) + ["categorical"] * half
    features = [Column(name, kind) for name, kind in zip(frame.columns, kinds, strict=True)]
    y = (frame["n0"].to_numpy() + rng.normal(size=rows) > 0).astype(int)
    preparation = NetPreparation.fit(frame, features, **recipe.preparation)
    X = preparation.transform(frame)
    return Training(recipe, X, y, 2, rng=rng, inputs=preparation)


def measure(sizes: list[tuple[int, int]], rounds: int) -> list[dict[str, Any]]:
    """Time an epoch of every size and kind, in turn."""
    whole = net_recipe(quick=False, table_rows=TYPICAL[0])
    recipes = {name: parse_recipe(text, whole) if text else whole for name, text in KINDS.items()}
    running = {
        (name, *size): training(recipe, *size).epochs()
        for name, recipe in recipes.items()
        for size in sizes
    }
    for epochs in running.values():
        next(epochs)
    seconds: dict[tuple[str, int, int], list[float]] = {key: [] for key in running}
    for _ in range(rounds):
        for key, epochs in running.items():
            start = perf_counter()
            next(epochs)
            seconds[key].append(perf_counter() - start)
    return [
        {
            "kind": key[0],
            "rows": key[1],
            "columns": key[2],
            "epochs": whole.epochs,
            "seconds": round(median(times) * whole.epochs, 2),
        }
        for key, times in seconds.items()
    ]


def plot(results: list[dict[str, Any]], path: Path) -> None:
    """Plot seconds over rows and over columns."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    from graduel.report.draw.style import HUES, MARKS

    figure = Figure(figsize=(7, 3.2), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots(1, 2)
    for ax, over, fixed, value in (
        (axes[0], "rows", "columns", TYPICAL[1]),
        (axes[1], "columns", "rows", TYPICAL[0]),
    ):
        for place, kind in enumerate(KINDS):
            points = sorted(
                (one[over], one["seconds"])
                for one in results
                if one["kind"] == kind and one[fixed] == value
            )
            x, y = zip(*points, strict=True)
            mark, color = MARKS[place][0], HUES[place].light
            ax.plot(x, y, mark, ls="-", lw=1.2, ms=5, color=color, label=kind)
        ax.set_xlabel(f"{over} ({value:,} {fixed})")
        ax.set_ylim(bottom=0)
        ax.set_xlim(left=0)
        ax.grid(lw=0.4, alpha=0.4)
    axes[0].set_ylabel("seconds of training")
    axes[0].legend(frameon=False)
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "graduel"}):
        figure.savefig(path, format="svg", metadata={"Date": None})


def main() -> None:
    """Measure, print, write and plot."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", default="1250,2500,5000,10000,20000")
    parser.add_argument("--columns", default="5,10,20,40,80")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="JSON file for the results")
    parser.add_argument("--plot", type=Path, help="SVG file for the plot")
    options = parser.parse_args()
    print(machine.describe())
    rows, columns = ([int(n) for n in text.split(",")] for text in (options.rows, options.columns))
    sizes = {(n, TYPICAL[1]) for n in rows} | {(TYPICAL[0], n) for n in columns} | {TYPICAL}
    results = measure(sorted(sizes), options.rounds)
    for one in results:
        print(json.dumps(one))
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if options.plot:
        plot(results, options.plot)


if __name__ == "__main__":
    main()

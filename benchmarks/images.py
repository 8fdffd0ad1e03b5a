"""Test error and training time of the network's image recipes, by seed.

    python benchmarks/images.py mnist mnist-augmented --seeds 5 --out images.jsonl
    python benchmarks/images.py mnist --epochs 100 --out images.jsonl
    python benchmarks/images.py mnist --data /usr/share/datasets/fashion-mnist --out images.jsonl
    python benchmarks/images.py --out images.jsonl --plot images.svg

A run trains on a duel's training rows of the same seed, selects the epoch on its validation rows,
and is evaluated on the test rows once, at the end. It prints one line of JSON and appends it to
`--out`; runs in that file are skipped, so the command can be stopped and repeated. `seconds` cover
training and validation, on the contender's clock. `--data` is a folder of IDX files, for instance
Fashion-MNIST from the Debian package dataset-fashion-mnist. `--plot` draws mean test error over
mean seconds: a line per recipe and data set, a large point per number of epochs, a small one per
run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import machine  # before NumPy: see there

# isort: split
import numpy as np

from graduel import kernels
from graduel.contenders import Budget, LabelledRows
from graduel.contenders.contender import finish_fit
from graduel.contenders.family import Family, FamilyContender
from graduel.contenders.net import FAMILY
from graduel.data import Dataset, load_dataset
from graduel.data.source import DataSource, open_source
from graduel.duel.plan.protocol import Protocol
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.result.environment import describe_environment
from graduel.errors import UserError, unknown
from graduel.metrics.metric import is_misclassified, log_loss
from graduel.train.build.recipe_parser import parse_recipe
from graduel.train.recipes import RECIPES, NetRecipe

SAME = ("recipe", "dataset", "seed", "settings", "threads", "versions")
"""Keys that identify a run."""
VERSIONS = ("graduel", "numpy", "python", "blas", "processor")


def read(folder: str | None, threads: int) -> tuple[Dataset, Protocol]:
    """Return the images and the protocol of a duel on them."""
    if folder is None:
        return load_dataset("mnist"), build_protocol(
            DataSource.builtin("mnist"), contenders=["net"], threads=threads
        )
    data = open_source(Path(folder))
    return data.load(), build_protocol(data, contenders=["net"], threads=threads)


def recipe_of(name: str, epochs: int | None, net: str | None) -> NetRecipe:
    """Return the named recipe with changed epochs and fields."""
    if name not in RECIPES:
        raise unknown("recipe", name, RECIPES)
    recipe = RECIPES[name] if epochs is None else replace(RECIPES[name], epochs=epochs)
    return recipe if net is None else parse_recipe(net, recipe)


def fit(
    recipe: Any, data: Dataset, protocol: Protocol, seed: int, family: Family = FAMILY
) -> dict[str, Any]:
    """Train once; return seconds, selected epoch and errors."""
    rows, image, k = protocol.split_rows(data, seed), data.image, len(data.classes)
    train, valid = (
        LabelledRows(data.table[i], data.y[i], k, image) for i in (rows.train, rows.valid)
    )
    started = time.process_time()
    fitting = FamilyContender(family, recipe, family.name).fit(
        train,
        valid,
        rng=np.random.default_rng(seed),
        budget=Budget(protocol.threads),
        notify=lambda progress: None,
    )
    fitted = finish_fit(fitting)
    cpu_seconds = time.process_time() - started
    p, y = fitted.predict_proba(data.table[rows.test]), data.y[rows.test]
    return {
        "seconds": round(fitted.seconds, 2),
        "cpu_seconds": round(cpu_seconds, 2),
        "best_epoch": fitted.details.get("best_epoch"),
        "valid_error": fitted.details["valid_error"],
        "test_error": float(is_misclassified(p, y).mean()),
        "log_loss": float(log_loss(p, y)),
    }


def runs(path: Path | None) -> list[dict[str, Any]]:
    """Return the runs stored in a file."""
    if path is None or not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def plot(results: list[dict[str, Any]], path: Path) -> None:
    """Plot test error over seconds of training."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    from graduel.report.draw.style import HUES, MARKS

    figure = Figure(figsize=(6, 4), layout="constrained")
    FigureCanvasSVG(figure)
    ax = figure.add_subplot()
    lines: dict[str, list[dict[str, Any]]] = defaultdict(list)
    several = len({run["dataset"] for run in results}) > 1
    for run in results:
        changes = f", {run['net']}" if run["net"] else ""
        data = f" ({run['dataset']})" if several else ""
        lines[f"{run['recipe']}{changes}{data}"].append(run)
    for place, (label, line) in enumerate(sorted(lines.items())):
        color, (mark, _) = HUES[place % len(HUES)].light, MARKS[place % len(MARKS)]
        ax.plot(*spots(line), mark, ms=3, mfc="none", mew=0.6, color=color)
        groups: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for run in line:
            groups[run["epochs"]].append(run)
        means = [[fmean(values) for values in spots(groups[e])] for e in sorted(groups)]
        x, y = zip(*sorted(map(tuple, means)), strict=True)
        ax.plot(x, y, mark, ls="-", lw=1.2, ms=6, color=color, label=label)
    ax.set_xscale("log")
    ax.set_yscale("log")
    for axis in (ax.xaxis, ax.yaxis):
        low, high = axis.get_data_interval()
        near = [1, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2, 2.5, 3, 4, 5, 6, 7, 8, 9]
        far = [1, 1.5, 2, 3, 4, 5, 6, 8] if high < 20 * low else [1, 2, 5]
        subs = near if high < 3 * low else far
        axis.set_major_locator(LogLocator(subs=subs, numticks=99))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_locator(NullLocator())
    ax.set_xlabel("seconds of training")
    ax.set_ylabel("test error, %")
    ax.grid(lw=0.4, alpha=0.4)
    figure.legend(frameon=False, loc="outside upper left", ncols=2)
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "graduel"}):
        figure.savefig(path, format="svg", metadata={"Date": None})


def spots(some: list[dict[str, Any]]) -> tuple[list[float], list[float]]:
    """Return seconds and test errors in per cent."""
    return [run["seconds"] for run in some], [100 * run["test_error"] for run in some]


def main() -> None:
    """Train the missing runs; plot all if requested."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recipes", nargs="*", help=f"recipes: {', '.join(RECIPES)}")
    parser.add_argument("--data", help="a folder of IDX files; default: MNIST")
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds, from 0")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--net", help="other fields to change, such as 'layers=2048,2048'")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, help="JSON Lines file")
    parser.add_argument("--plot", type=Path, help="SVG file with the results in --out")
    options = parser.parse_args()
    print(machine.describe(), file=sys.stderr)
    if options.plot and not options.out:
        parser.error("--plot needs --out, the file with the results to plot")
    try:
        recipes = {name: recipe_of(name, options.epochs, options.net) for name in options.recipes}
        for line in new_runs(options, recipes):
            text = json.dumps(line)
            print(text, flush=True)
            if options.out:
                with options.out.open("a", encoding="utf-8") as file:
                    file.write(text + "\n")
    except UserError as error:
        sys.exit(f"{parser.prog}: {error}")
    if options.plot:
        results = runs(options.out)
        if not results:
            sys.exit(f"{parser.prog}: {options.out} holds no runs to plot")
        plot(results, options.plot)


def new_runs(
    options: argparse.Namespace, recipes: dict[str, NetRecipe]
) -> Iterator[dict[str, Any]]:
    """Yield each finished run that `options.out` does not hold yet."""
    if not recipes:
        return
    from threadpoolctl import threadpool_limits

    data, protocol = read(options.data, options.threads)
    if data.image is None:
        raise UserError(f"these recipes expect images; {data.name} has none")
    environment = describe_environment("", options.threads, kernels.describe())
    versions = {**asdict(environment), **environment.versions}
    done = [[run.get(key) for key in SAME] for run in runs(options.out)]
    for seed in range(options.seeds):
        for name, recipe in recipes.items():
            line: dict[str, Any] = {
                "recipe": name,
                "dataset": data.name,
                "seed": seed,
                "epochs": recipe.epochs,
                "net": options.net,
                "threads": protocol.threads,
                "versions": {key: versions[key] for key in VERSIONS},
                "settings": json.loads(json.dumps(asdict(recipe))),
            }
            if [line[key] for key in SAME] in done:
                continue
            with threadpool_limits(protocol.threads):
                line |= fit(recipe, data, protocol, seed)
            yield line


if __name__ == "__main__":
    main()

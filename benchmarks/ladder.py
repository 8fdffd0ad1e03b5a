"""From the textbook network to the best one, a step at a time: docs/ladder.md and its picture.

    python benchmarks/ladder.py --seeds 3 --out ladder.jsonl
    python benchmarks/ladder.py --out ladder.jsonl --write

The first line trains each step with each seed on MNIST, on one thread, and appends a line of JSON
for each run; runs in the file are skipped, so the command can be stopped and repeated. ``--steps``
selects some. ``--write`` writes the tables and the picture of docs/ladder.md from the file.

Each run has the rows of a duel with that seed: 55,000 to train, 5,000 to select the epoch, and the
test rows, which are predicted once at the end.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import machine  # before NumPy: see there

# isort: split
import images

from graduel import kernels
from graduel.contenders.registry import get_family
from graduel.contenders.textbook import TextbookRecipe
from graduel.contenders.xgboost_recipes import XGBoostRecipe
from graduel.duel.result.environment import describe_environment
from graduel.train.recipes import IMAGE_NET, RECIPES, NetRecipe

DOCS = Path(__file__).parents[1] / "docs"
NN, LOOP = "../src/graduel/nn", "../src/graduel/train/loop"
OPTIM = "../src/graduel/optim"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the idea that it adds, and the recipe with it."""

    key: str
    idea: str
    equation: str
    """What the idea adds to the equations."""
    file: str
    why: str
    recipe: Any
    after: str = ""
    """The step that it changes."""
    family: str = "net"


PLAIN = NetRecipe(
    layers=(128,),
    dropout=0.0,
    optimizer="sgd",
    lr=0.2,
    weight_decay=0.0,
    schedule="constant",
    warmup=0.0,
    selects_by="log_loss",
)
MOMENTUM = replace(PLAIN, optimizer="momentum", lr=0.05)
ADAM = replace(PLAIN, optimizer="adamw", lr=1e-3)
UNITS = replace(ADAM, layers=(512, 512))
NOISE = replace(UNITS, noise=IMAGE_NET.noise)
NORM = replace(NOISE, norm="batch")
EMA = replace(NORM, ema=0.998)
SCHEDULE = replace(EMA, lr=2e-3, schedule="cosine", warmup=0.05, weight_decay=0.01)
STEPS = (
    Step(
        "textbook",
        "the equations alone: 784-128-10, 250 steps on all rows",
        "(1) to (8)",
        f"{NN}/textbook.py",
        "Every step follows the exact gradient, but there are only 250 of them.",
        TextbookRecipe(),
        family="textbook",
    ),
    Step(
        "mini-batches",
        "mini-batches of 128 rows, 20 epochs",
        "m = 128 in (5) and (6)",
        f"{LOOP}/fit.py",
        "The gradient of 128 rows points nearly the same way and costs 1/430: 8,600 steps "
        "instead of 250.",
        PLAIN,
        "textbook",
    ),
    Step(
        "momentum",
        "momentum",
        "v ← 0.9 v + dθ, θ ← θ − α v",
        f"{OPTIM}/sgd.py",
        "Steps that agree add up, steps back and forth cancel.",
        MOMENTUM,
        "mini-batches",
    ),
    Step(
        "adam",
        "Adam",
        "θ ← θ − α m̂ / (√v̂ + ε)",
        f"{OPTIM}/adam.py",
        "Each parameter has a step of its own size: pixels at the edge, which are rarely on, "
        "learn as fast as those in the middle.",
        ADAM,
        "momentum",
    ),
    Step(
        "units",
        "more units: 784-512-512-10",
        "(1) and (2) once more",
        f"{NN}/layers/dense.py",
        "The second hidden layer combines strokes into parts of digits; by now the network "
        "memorizes the training rows.",
        UNITS,
        "adam",
    ),
    Step(
        "noise",
        "noise of 0.25 at the input and before each activation",
        "Z ← Z + 0.25 n in training",
        f"{NN}/layers/noise.py",
        "No row is seen twice in the same form, so it cannot be memorized.",
        NOISE,
        "units",
    ),
    Step(
        "normalization",
        "batch normalization",
        "Z ← γ (Z − μ) / √(σ² + ε) + β",
        f"{NN}/layers/normalization.py",
        "Every unit has the same scale, so the noise has the same effect on each and the rate "
        "suits all.",
        NORM,
        "noise",
    ),
    Step(
        "average",
        "an average of the weights (EMA)",
        "θ̄ ← 0.998 θ̄ + 0.002 θ",
        f"{LOOP}/ema.py",
        "The weights of the last steps vary around the minimum; their mean is closer to it.",
        EMA,
        "normalization",
    ),
    Step(
        "schedule",
        "a rate that rises to 2e-3 and falls to 0 (warm-up, cosine), and weight decay",
        "α(t) = α (1 + cos πt) / 2",
        f"{OPTIM}/schedules.py",
        "Large steps first, to get far; small ones last, to settle.",
        SCHEDULE,
        "average",
    ),
    Step(
        "deeper",
        "wider, deeper and longer: 784-1200-600-300-10, 38 epochs, no EMA",
        "(1) and (2) once more",
        "../src/graduel/train/recipes.py",
        "With this much noise a larger network still does not memorize the rows.",
        RECIPES["mnist"],
        "schedule",
    ),
    Step(
        "vat",
        "virtual adversarial training in place of noise, 784-1200-600-300-150-10",
        "dZ = q − p at x + r",
        f"{LOOP}/virtual_adversarial.py",
        "Noise is a random change of the row; this is the worst one of its length.",
        RECIPES["mnist-vat"],
        "deeper",
    ),
    Step(
        "warps",
        "augmented rows (recipe mnist-augmented)",
        "x ← warp(x)",
        "../src/graduel/train/augment/augmentation.py",
        "Augmented rows show what a prediction should not depend on, such as a rotation.",
        RECIPES["mnist-augmented"],
        "deeper",
    ),
    Step(
        "convolution",
        "convolutions, and augmented rows (recipe mnist-conv)",
        "Z = W ∗ X + b",
        f"{NN}/layers/convolution.py",
        "A stroke is the same stroke one pixel further on, with the same weights.",
        RECIPES["mnist-conv"],
        "warps",
    ),
    Step(
        "xgboost",
        "XGBoost, the default contender",
        "",
        "",
        "",
        XGBoostRecipe(),
        family="xgboost",
    ),
)
LINE = "xgboost"
"""The step that is drawn as a line."""
BRANCH = ("warps", "convolution")
"""Steps whose training rows are augmented."""


def main() -> None:
    """Train the missing runs, or write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds, from 0")
    parser.add_argument("--steps", help="keys, such as textbook,momentum; default: all")
    parser.add_argument("--out", type=Path, required=True, help="JSON Lines file")
    parser.add_argument("--write", action="store_true", help="write docs/ladder.md from --out")
    options = parser.parse_args()
    print(machine.describe(), file=sys.stderr)
    keys = [step.key for step in STEPS]
    selected = options.steps.split(",") if options.steps else keys
    if unknown := set(selected) - set(keys):
        parser.error(f"unknown steps {', '.join(unknown)}; known are {', '.join(keys)}")
    if options.write:
        write(images.runs(options.out))
        return
    train(options.out, [step for step in STEPS if step.key in selected], options.seeds)


def train(out: Path, steps: list[Step], seeds: int) -> None:
    """Train each step with each seed that the file does not hold."""
    from threadpoolctl import threadpool_limits

    data, protocol = images.read(None, 1)
    environment = describe_environment("", 1, kernels.describe())
    versions = {**asdict(environment), **environment.versions}
    done = [(run["step"], run["seed"], run["settings"]) for run in images.runs(out)]
    for seed in range(seeds):
        for step in steps:
            settings = json.loads(json.dumps(asdict(step.recipe)))
            if (step.key, seed, settings) in done:
                continue
            with threadpool_limits(1):
                run = images.fit(step.recipe, data, protocol, seed, get_family(step.family))
            line = {"step": step.key, "seed": seed, **run, "settings": settings}
            line["versions"] = {key: versions[key] for key in images.VERSIONS}
            with out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            print(f"{step.key} {seed}: {100 * run['test_error']:.2f} %", flush=True)


def write(runs: list[dict[str, Any]]) -> None:
    """Write the tables of docs/ladder.md and its picture."""
    errors, seconds = defaultdict(list), defaultdict(list)
    for run in runs:
        errors[run["step"]].append(100 * run["test_error"])
        seconds[run["step"]].append(run["cpu_seconds"])
    steps = [step for step in STEPS if step.key in errors]
    draw(steps, errors, seconds, DOCS / "images" / "ladder.svg")
    parts = {
        "figure": f"![{in_words(steps, errors)}](images/ladder.svg)",
        "table": "\n".join(table(steps, errors, seconds)),
        "steps": "\n".join(explain(steps)),
    }
    page = DOCS / "ladder.md"
    text = page.read_text(encoding="utf-8")
    for name, part in parts.items():
        before, rest = text.split(f"<!-- {name} -->\n")
        _, after = rest.split(f"<!-- /{name} -->\n")
        text = f"{before}<!-- {name} -->\n{part}\n<!-- /{name} -->\n{after}"
    page.write_text(text, encoding="utf-8")


def half_width(values: list[float]) -> float:
    """Return half the width of the 95 % CI of the mean (t); 0 for one value."""
    from scipy.stats import t

    n = len(values)
    return float(t.ppf(0.975, n - 1) * stdev(values) / sqrt(n)) if n > 1 else 0.0


def in_words(steps: list[Step], errors: dict[str, list[float]]) -> str:
    """Return the picture in words."""
    means = ", ".join(f"{step.key} {fmean(errors[step.key]):.2f} %" for step in steps)
    return f"Test error of each step, mean of the seeds: {means}"


def table(
    steps: list[Step], errors: dict[str, list[float]], seconds: dict[str, list[float]]
) -> list[str]:
    """Return a line for each step."""
    lines = [
        "| | Step | Test error | 95 % CI | Seeds | CPU seconds |",
        "|---|---|---:|---:|---|---:|",
    ]
    for number, step in enumerate(steps, 1):
        values = errors[step.key]
        mean, half = fmean(values), half_width(values)
        interval = f"{max(mean - half, 0):.2f} to {mean + half:.2f}" if half else ""
        each = ", ".join(f"{value:.2f}" for value in values)
        name = "" if step.key == LINE else number
        cpu = f"{fmean(seconds[step.key]):,.0f}"
        lines.append(f"| {name} | {step.idea} | {mean:.2f} % | {interval} | {each} | {cpu} |")
    return lines


def explain(steps: list[Step]) -> list[str]:
    """Return a line for each step: equation, file and reason."""
    places = {step.key: number for number, step in enumerate(steps, 1)}
    lines = ["| | Changes | What it adds | Where | Why it helps |", "|---|---|---|---|---|"]
    for number, step in enumerate(steps, 1):
        if step.key != LINE:
            name = step.file.rpartition("/")[2]
            lines.append(
                f"| {number} | {places.get(step.after, '')} | {step.equation} | "
                f"[{name}]({step.file}) | {step.why} |"
            )
    return lines


def draw(
    steps: list[Step],
    errors: dict[str, list[float]],
    seconds: dict[str, list[float]],
    path: Path,
) -> None:
    """Draw a line for each step: mean test error, its CI, each seed; XGBoost as a vertical line."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    from graduel.report.draw.style import HUES, INK, MUTED

    figure = Figure(figsize=(7.2, 0.8 + 0.36 * len(steps)), layout="constrained")
    FigureCanvasSVG(figure)
    ax = figure.add_subplot()
    labels = []
    for place, step in enumerate(steps):
        values = errors[step.key]
        mean = fmean(values)
        color = HUES[1 if step.key == LINE else 2 if step.key in BRANCH else 0].light
        if step.key == LINE:
            ax.axvline(mean, color=color, lw=1.2, ls="--")
        low = max(mean - half_width(values), 0.1)
        ax.plot([low, mean + half_width(values)], [place, place], color=color, lw=1.5)
        ax.plot(values, [place] * len(values), "|", color=color, ms=9)
        ax.plot([mean], [place], "o", color=color, ms=7)
        labels.append("XGBoost" if step.key == LINE else f"{place + 1}  {step.key}")
        text = f"{mean:.2f} %   {fmean(seconds[step.key]):,.0f} s"
        ax.annotate(
            text,
            (1.02, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
            color=INK.light,
        )
    ax.set_yticks(range(len(steps)), labels)
    ax.invert_yaxis()
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator((0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5)))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("test error, % (mean, 95 % CI, each seed); right: CPU seconds of a fit")
    ax.grid(axis="x", lw=0.4, alpha=0.4)
    ax.tick_params(colors=MUTED.light)
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "graduel"}):
        figure.savefig(path, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    main()

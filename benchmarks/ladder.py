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
from dataclasses import asdict, dataclass, replace
from pathlib import Path
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
DEEP = replace(RECIPES["mnist"], selects_by="log_loss")
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
        "The last steps wander around the minimum; their mean lies closer to it.",
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
        DEEP,
        "schedule",
    ),
    Step(
        "vat",
        "virtual adversarial training in place of noise, 784-1200-600-300-150-10",
        "dZ = q − p at x + r",
        f"{LOOP}/virtual_adversarial.py",
        "Noise is a random change of the row; this is the worst one of its length.",
        replace(DEEP, layers=(1200, 600, 300, 150), noise=0.0, vat=2.1, epochs=40),
        "deeper",
    ),
    Step(
        "warps",
        "augmented rows (recipe mnist-augmented)",
        "x ← warp(x)",
        "../src/graduel/train/augment/augmentation.py",
        "What the network should not depend on is told by example: a turned digit is the same.",
        replace(RECIPES["mnist-augmented"], selects_by="log_loss"),
        "deeper",
    ),
    Step(
        "convolution",
        "convolutions, and warped rows (recipe mnist-conv)",
        "Z = W ∗ X + b",
        f"{NN}/layers/convolution.py",
        "A stroke is the same stroke one pixel further on, with the same weights.",
        replace(RECIPES["mnist-conv"], selects_by="log_loss"),
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
"""Steps whose training rows are warped."""


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
    chosen = options.steps.split(",") if options.steps else keys
    if unknown := set(chosen) - set(keys):
        parser.error(f"unknown steps {', '.join(unknown)}; known are {', '.join(keys)}")
    if options.write:
        write(images.runs(options.out))
        return
    train(options.out, [step for step in STEPS if step.key in chosen], options.seeds)


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
    raise NotImplementedError


if __name__ == "__main__":
    main()

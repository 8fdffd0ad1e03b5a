"""Ablation of the network for tables: the effect of each of its parts.

    python benchmarks/ablation.py TABLES --target target --out ablation.jsonl
    python benchmarks/ablation.py --out ablation.jsonl --table

TABLES are files, or a folder of Parquet and CSV files. The ten largest with at most 10,000 rows
are used, each split as by ``graduel duel --split 5x1``, two of the five splits. Every variant
trains for 64 epochs and uses the epoch with the fewest errors on the validation rows; ties go to
the lower log loss. Runs that `--out` holds are skipped, so the command can be stopped and
repeated. `--table` prints, for each variant, the geometric mean over the runs of its error and log
loss relative to the full recipe, and the number of tables on which it was worse.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import machine  # before NumPy: see there

# isort: split
import numpy as np

from graduel.contenders import Budget, LabelledRows
from graduel.contenders.contender import finish_fit
from graduel.contenders.family import FamilyContender
from graduel.contenders.net import FAMILY
from graduel.data import Dataset
from graduel.data.read.table_folder import list_tables
from graduel.data.source import open_source
from graduel.duel.plan.protocol import Protocol
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.metrics.metric import is_misclassified, log_loss
from graduel.train.recipes import RECIPES, NetRecipe

WHOLE = "full recipe"
BASE = replace(RECIPES["tabular"], epochs=64)
SINGLE = {"members": 1, "layers": (256, 256, 256)}
CHANGES: dict[str, dict[str, Any]] = {
    "no ensemble (one network, 256 units)": SINGLE,
    "robust scaling only": {"scaling": "robust"},
    "quantile transform only": {"scaling": "quantile"},
    "no periodic embedding (PBLD)": {"numeric_embedding": "plain"},
    "no embeddings of categories": {"category_embedding": 0},
    "no factor per column": {"input_scale": False},
    "no NTK parametrization (learning rate 0.003)": {"ntk": False, "calibrate": False, "lr": 3e-3},
    "no calibration by the first rows": {"calibrate": False},
    "fixed activation (SELU)": {"activation": "selu"},
    "one cosine instead of coslog4": {"schedule": "cosine"},
    "β₂ = 0.999": {"optimizer": "adamw"},
    "one learning rate for all roles": {"rates": ""},
    "no dropout": {"dropout": 0.0},
    "no weight decay": {"weight_decay": 0.0},
    "constant dropout and weight decay": {"scheduled": ""},
    "label smoothing 0.1": {"label_smoothing": 0.1},
    "RealMLP-TD's choices (one network, robust, smoothing)": {
        **SINGLE,
        "scaling": "robust",
        "label_smoothing": 0.1,
    },
}
"""The variants, by the fields of the recipe that each changes."""
VARIANTS: dict[str, NetRecipe] = {WHOLE: BASE}
VARIANTS |= {name: replace(BASE, **changes) for name, changes in CHANGES.items()}
MOST, TABLES, SPLITS = 10_000, 10, (0, 1)


def select_tables(paths: list[Path], target: str) -> Iterator[tuple[str, Dataset, Protocol]]:
    """Yield name, data and split of the `TABLES` largest tables with at most `MOST` rows."""
    files = [file for path in paths for file in (list_tables(path) if path.is_dir() else [path])]
    tables = []
    for file in files:
        data = open_source(file, target=target)
        dataset = data.load()
        if len(dataset.y) <= MOST:
            protocol = build_protocol(
                data, contenders=["net"], split="5x1", threads=1, metric="error"
            )
            tables.append((file.stem, dataset, protocol))
    yield from sorted(tables, key=lambda one: -len(one[1].y))[:TABLES]


def fit(recipe: NetRecipe, data: Dataset, protocol: Protocol, run: int) -> dict[str, float]:
    """Train once; return error and log loss on the test rows, and seconds."""
    rows, k = protocol.split_rows(data, run), len(data.classes)
    train, valid = (
        LabelledRows(data.table[i], data.y[i], k, None, data.columns)
        for i in (rows.train, rows.valid)
    )
    fitting = FamilyContender(FAMILY, recipe, "net").fit(
        train,
        valid,
        rng=np.random.default_rng(run),
        budget=Budget(1),
        notify=lambda progress: None,
    )
    fitted = finish_fit(fitting)
    p, y = fitted.predict_proba(data.table[rows.test]), data.y[rows.test]
    return {
        "error": float(is_misclassified(p, y).mean()),
        "log_loss": float(log_loss(p, y)),
        "seconds": round(fitted.seconds, 2),
    }


def runs(path: Path) -> list[dict[str, Any]]:
    """Return the runs stored in a file."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def table(lines: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of a Markdown table, one per variant."""
    by: dict[str, dict[tuple[str, int], dict[str, Any]]] = defaultdict(dict)
    for run in lines:
        by[run["variant"]][run["table"], run["split"]] = run
    yield "| | error | log loss | tables worse by error | by log loss | seconds |"
    yield "|---|---:|---:|---:|---:|---:|"
    for variant in VARIANTS:
        both = [key for key in by[variant] if key in by[WHOLE]]
        if not both:
            continue
        shares, worse = [], []
        for name, least in (("error", 1e-3), ("log_loss", 1e-6)):
            mine, whole = (np.array([by[v][key][name] for key in both]) for v in (variant, WHOLE))
            # Added to both, so that a table without an error can be compared.
            shares.append(float(np.exp(np.log((mine + least) / (whole + least)).mean())))
            gaps: dict[str, float] = defaultdict(float)
            for key, gap in zip(both, mine - whole, strict=True):
                gaps[key[0]] += gap
            worse.append(f"{sum(gap > 0 for gap in gaps.values())} of {len(gaps)}")
        seconds = sum(by[variant][key]["seconds"] for key in both)
        cells = variant, f"{shares[0]:.3f}", f"{shares[1]:.3f}", *worse, f"{seconds:.0f}"
        yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Train the missing runs; print the table if requested."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tables", nargs="*", type=Path)
    parser.add_argument("--target", default="target")
    parser.add_argument("--out", type=Path, required=True, help="a file of JSON lines")
    parser.add_argument("--table", action="store_true", help="print the results in --out")
    options = parser.parse_args()
    print(machine.describe())
    done = {(run["variant"], run["table"], run["split"]) for run in runs(options.out)}
    for name, data, protocol in select_tables(options.tables, options.target):
        for run in SPLITS:
            for variant, recipe in VARIANTS.items():
                if (variant, name, run) in done:
                    continue
                line = {"variant": variant, "table": name, "split": run}
                text = json.dumps(line | fit(recipe, data, protocol, run), ensure_ascii=False)
                print(text, flush=True)
                with options.out.open("a", encoding="utf-8") as file:
                    file.write(text + os.linesep)
    if options.table:
        print("\n".join(table(runs(options.out))))


if __name__ == "__main__":
    main()

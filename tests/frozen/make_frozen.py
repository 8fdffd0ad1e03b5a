"""Make the data of these tests from scratch: the runs, their neutral form, what comes of them.

``python tests/frozen/make_frozen.py`` writes everything in ``tests/frozen/data``; it takes a few
minutes. What is there was made by graduel 0.1.0, commit a9a6f4b, with OMP_NUM_THREADS=1 and
OPENBLAS_NUM_THREADS=1; do not make it again to have a change of the code pass.
Names of runs after it make those alone.
``python tests/frozen/make_frozen.py --expected`` leaves the runs as they are and works out anew
what is expected of them: for numbers that were meant to change, with the difference reviewed.

Probabilities of MNIST are rounded to 8 bits of their mantissa, since 10,000 rows of them take much
room otherwise; all others stand as the fits gave them. Rows that are predicted by the saved models
are written beside the models.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import adapter
import numpy as np
import reading

ROUNDED = ("mnist",)
"""Runs whose probabilities are rounded."""
ENVIRONMENT = {
    "command": "graduel duel",
    "python": "3.12.0",
    "graduel": "0.1.0",
    "numpy": "2.0.0",
    "scipy": "1.14.0",
    "scikit-learn": "1.7.0",
    "xgboost": "3.0.0",
    "matplotlib": "3.9.0",
    "platform": "Linux",
    "processor": "a processor",
    "cores": 2,
    "memory_bytes": 8_000_000_000,
    "threads": 1,
    "blas": "openblas 0.3.30",
    "finished": "2026-01-02T03:04:05+00:00",
}
"""The machine that every frozen report tells of."""
N_ROWS, N_PREDICTED = 240, 10


def main() -> None:
    """Make the data, all of them or only what is expected."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", default=list(adapter.RUNS), help="which runs")
    parser.add_argument("--expected", action="store_true", help="leave the runs as they are")
    given = parser.parse_args()
    adapter.DATA.mkdir(exist_ok=True)
    if not given.expected:
        write_inputs()
        make_runs(given.names)
    for name in given.names:
        reading.write_expected(name, reading.facts_of(name))
    reading.write_expected("models", reading.predictions())
    reading.write_expected("verdicts", reading.verdicts())


def write_inputs() -> None:
    """Write the machine that reports tell of, the table, and the rows that models predict."""
    text = json.dumps(ENVIRONMENT, indent=1) + "\n"
    (adapter.DATA / "environment.json").write_text(text, encoding="utf-8")
    table = mixed_table(np.random.default_rng(20260102))
    adapter.TABLE.write_text(table, encoding="utf-8")
    lines = table.splitlines(keepends=True)
    some = [lines[0], *lines[1 :: N_ROWS // N_PREDICTED][:N_PREDICTED]]
    (adapter.DATA / "mixed-rows.csv").write_text("".join(some), encoding="utf-8")
    from sklearn.datasets import load_digits

    images = np.round(load_digits().images[:N_PREDICTED] * (255 / 16)).astype(np.uint8)
    np.savez_compressed(adapter.DATA / "digits-rows.npz", X=images)


def mixed_table(rng: np.random.Generator) -> str:
    """Return a CSV of numbers, categories, truth values, dates and gaps, with three classes."""
    colours, sizes = np.array(["red", "green", "blue", "grey"]), np.array(["S", "M", "L"])
    label = rng.choice(3, N_ROWS, p=[0.5, 0.3, 0.2])
    colour = np.where(rng.random(N_ROWS) < 0.5, label, rng.integers(0, 4, N_ROWS))
    weight = rng.lognormal(0.4 * label, 0.5)
    height = rng.normal(170 - 4 * label, 6)
    count = rng.poisson(2 + 3 * (label == 1))
    size = rng.integers(0, 3, N_ROWS)
    truth = rng.random(N_ROWS) < 0.3 + 0.25 * label
    day = np.datetime64("2020-01-01") + rng.integers(0, 900, N_ROWS) + 200 * label
    gap = {name: rng.random(N_ROWS) < share for name, share in (("weight", 0.1), ("colour", 0.08))}
    lines = ["weight,height,count,colour,size,member,day,label"]
    for i in range(N_ROWS):
        cells = [
            "" if gap["weight"][i] else f"{weight[i]:.3f}",
            f"{height[i]:.1f}",
            str(count[i]),
            "" if gap["colour"][i] else colours[colour[i]],
            sizes[size[i]],
            str(bool(truth[i])).lower(),
            str(day[i]),
            ("low", "middle", "high")[label[i]],
        ]
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


def make_runs(names: list[str]) -> None:
    """Run commands; keep the neutral form of each and its models."""
    with tempfile.TemporaryDirectory() as temporary:
        for name in names:
            folder = Path(temporary) / name
            adapter.perform(name, folder)
            run, arrays = adapter.record(name, folder)
            if name in ROUNDED:
                arrays = {key: rounded(array) for key, array in arrays.items()}
            adapter.save(run, arrays, adapter.DATA / name)
            if name not in ROUNDED:
                check_rebuilt(name, folder)
            for model, (of, cell) in adapter.MODELS.items():
                if of == name:
                    target = adapter.DATA / f"{model}.safetensors"
                    shutil.copyfile(adapter.model_path(folder, cell), target)
            print(f"{name}: made", flush=True)


def rounded(array: np.ndarray) -> np.ndarray:
    """Return float32 numbers with 8 bits of their mantissa; others as they are."""
    if array.dtype != np.float32:
        return array
    bits = array.view(np.uint32) + np.uint32(1 << 14)
    return (bits & np.uint32(0xFFFF8000)).view(np.float32)


def check_rebuilt(name: str, folder: Path) -> None:
    """Raise if a folder that is rebuilt from the neutral form has another result."""
    with tempfile.TemporaryDirectory() as temporary:
        again = Path(temporary) / "again"
        adapter.rebuild(*adapter.load(adapter.DATA / name), again)
        first, second = (reading.results_of(path) for path in (folder, again))
    if first != second:
        raise RuntimeError(f"{name}: the neutral form gives another result than the run")


if __name__ == "__main__":
    main()

"""Compare two versions of the code: run all commands, fits included, and compare the numbers.

``python tests/frozen/compare_runs.py OUT.json`` takes a few minutes and writes the numbers. With
``--against OTHER.json`` they are compared with those of other code on the same machine: all must be
identical to the bit, except times and memory. Names after OUT select runs; ``--only-compare`` runs
nothing and reads OUT.

Set OMP_NUM_THREADS and OPENBLAS_NUM_THREADS to 1, so that sums have the same order; PYTHONPATH
selects the code::

    PYTHONPATH=old/src python tests/frozen/compare_runs.py old.json
    PYTHONPATH=new/src python tests/frozen/compare_runs.py new.json --against old.json

Keys renamed in the new code are listed in ``RENAMED`` in ``test_frozen.py``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import adapter
import reading


def main() -> int:
    """Run and compare; return 1 if numbers differ."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, help="JSON file for the numbers")
    parser.add_argument("names", nargs="*", help="runs; default: all")
    parser.add_argument("--against", type=Path, help="JSON file with the numbers of other code")
    parser.add_argument("--only-compare", action="store_true", help="run nothing, read OUT")
    given = parser.parse_args()
    if not given.only_compare:
        found = {name: run_command(name) for name in given.names or adapter.RUNS}
        text = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False)
        given.out.write_text(text + "\n", encoding="utf-8")
    if given.against is None:
        return 0
    new, old = (json.loads(path.read_text(encoding="utf-8")) for path in (given.out, given.against))
    lines = [line for name in new for line in unequal(old[name], new[name], name)]
    print("\n".join(lines) or f"all numbers of {len(new)} runs are identical")
    return 1 if lines else 0


def run_command(name: str) -> dict[str, Any]:
    """Run one command; return its results, digests of its arrays, and its models' predictions."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / name
        adapter.perform(name, folder)
        run, arrays = adapter.record(name, folder)
        print(f"{name}: done", flush=True)
        return {
            "results": reading.results_of(folder),
            "inputs": reading.numbers_of(run["duels"]),
            "arrays": {key: digest(array) for key, array in arrays.items()},
            "models": {
                model: reading.predicted(model, adapter.model_path(folder, cell))
                for model, (of, cell) in adapter.MODELS.items()
                if of == name
            },
        }


def digest(array: Any) -> str:
    """Return a hash of an array's dtype, shape and bytes."""
    return sha256(f"{array.dtype}{array.shape}".encode() + array.tobytes()).hexdigest()


def unequal(old: dict[str, Any], new: dict[str, Any], name: str) -> list[str]:
    """Return a line for each number that is missing or differs, except times and memory."""
    from test_frozen import RENAMED

    lines = []
    for place, result in old["results"].items():
        now = dict(reading.leaves(new["results"].get(place, {})))
        lines += _lines(result, now, f"{name}/{place}", RENAMED)
    for part in ("inputs", "arrays", "models"):
        lines += _lines(old[part], dict(reading.leaves(new[part])), f"{name}/{part}", {})
    return lines


def _lines(old: Any, now: dict[str, Any], where: str, names: dict[str, str]) -> list[str]:
    lines = []
    for path, value in reading.leaves(old):
        place = reading.renamed(path, names)
        if place not in now:
            lines.append(f"{where}/{place}: missing")
        elif not reading.is_time(path) and now[place] != value:
            lines.append(f"{where}/{place}: {value} before, {now[place]} now")
    return lines


if __name__ == "__main__":
    raise SystemExit(main())

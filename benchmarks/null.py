"""Error rates and power of the shipped verdicts, by simulation.

    python benchmarks/null.py                          all designs, 4,000 duels each: hours
    python benchmarks/null.py --kinds rows,sets --draws 400
    python benchmarks/null.py --only AUC

Each duel samples rows from a known distribution, splits them, fits two learners and computes the
verdict. Three rates are shown, each ± two simulation errors:

better   false "A better" or "B better" when there is no difference; the ROPE is 0, so that no pair
         is called equal first. With several pairs: any of them.
equal    false "practically equal" when the true difference is the ROPE.
power    "better" at a larger true difference. The reference is McNemar's power by Connor's formula
         for errors on one test set, otherwise an oracle that rejects the 5 % largest differences of
         the null distribution.

"better" and "equal" may exceed 5 % by at most two simulation errors. A higher rate is marked with
an exclamation mark and makes the exit code 1, unless the report labels the design.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from null_designs import DESIGNS, Design, TestSet, any_better, size_of

from graduel.stats import signed_rank

HEAD = "| Design | false better | false equal | power | reference |\n|---|--:|--:|--:|--:|"


@dataclass(frozen=True)
class Rates:
    """Simulated rates of a design; None if not simulated."""

    better: float
    equal: float | None
    power: float | None
    reference: float | None
    draws: int

    @property
    def most(self) -> float:
        """The largest simulated rate compatible with 5 %."""
        return 0.05 + 2 * sqrt(0.05 * 0.95 / self.draws)

    @property
    def honest(self) -> bool:
        """Whether both false rates are at most `most`."""
        return max(self.better, self.equal or 0.0) <= self.most


def simulate(design: Design, draws: int, seed: int = 0) -> Rates:
    """Simulate the duels of a design."""
    streams = np.random.default_rng(seed).spawn(4)
    null = [design.draw(streams[0], 0.0, 0.0) for _ in range(draws)]
    better = float(np.mean([any_better(pairs) for pairs in null]))
    if len(null[0]) > 1:
        return Rates(better, None, None, None, draws)
    at_rope = [design.draw(streams[1], design.rope, design.rope) for _ in range(draws)]
    equal = float(np.mean([pairs[0].verdict == "practically equal" for pairs in at_rope]))
    fewer = max(draws // 8, 1)
    apart = [design.draw(streams[2], design.larger, 0.0) for _ in range(fewer)]
    power = float(np.mean([any_better(pairs) for pairs in apart]))
    if isinstance(design, TestSet) and design.metric == "error" and design.seeds == 1:
        formulas = [design.formula(streams[3], design.larger) for _ in range(max(fewer // 2, 1))]
        return Rates(better, equal, power, float(np.mean(formulas)), draws)
    rare = np.quantile([abs(size_of(pairs)) for pairs in null], 0.95)
    reference = float(np.mean([abs(size_of(pairs)) > rare for pairs in apart]))
    return Rates(better, equal, power, reference, draws)


def line(name: str, rates: Rates) -> str:
    """Return a row of the Markdown table."""

    def shown(rate: float | None, draws: int, most: float = 1.0) -> str:
        if rate is None:
            return ""
        error = 2 * sqrt(max(rate * (1 - rate), 1 / draws) / draws)
        return f"{100 * rate:.1f} ± {100 * error:.1f} %" + (" !" if rate > most else "")

    return (
        f"| {name} | {shown(rates.better, rates.draws, rates.most)} "
        f"| {shown(rates.equal, rates.draws, rates.most)} "
        f"| {shown(rates.power, max(rates.draws // 8, 1))} "
        f"| {'' if rates.reference is None else f'{100 * rates.reference:.0f} %'} |"
    )


def main() -> int:
    """Simulate the selected designs, and print a row for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=4000, help="duels per design and rate")
    parser.add_argument(
        "--kinds", default=",".join(DESIGNS), help="kinds of designs, comma-separated"
    )
    parser.add_argument("--only", default="", help="only designs whose name contains this")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    signed_rank.DRAWS = 100  # the Bayesian test does not affect verdicts and is the slowest part
    print(HEAD, flush=True)
    honest = True
    for kind in options.kinds.split(","):
        for design in DESIGNS[kind]:
            if options.only not in design.name:
                continue
            start = time.perf_counter()
            rates = simulate(design, options.draws, options.seed)
            honest &= rates.honest or design.labelled
            print(line(design.name, rates), flush=True)
            took = time.perf_counter() - start
            print(f"  {design.name}: {took:.0f} s", file=sys.stderr, flush=True)
    return 0 if honest else 1


if __name__ == "__main__":
    sys.exit(main())

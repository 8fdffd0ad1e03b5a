"""Error rates and power of verdicts on the losses of regression, by simulation.

    python benchmarks/null_regression.py                 paired_loss_t, 4,000 duels a design: 30 min
    python benchmarks/null_regression.py --compare       other tests and intervals, the same duels
    python benchmarks/null_regression.py --rows 100 --only t3
    python benchmarks/null_regression.py --seeds 3       RMSE with several seeds each

The errors of two contenders on one test row share the noise e of the target::

    error of A = e + s u_a        error of B = e + s c u_b

- **noise** e, mean 0 and variance 1: normal; Student's t with 3 degrees of freedom; lognormal (exp
  of a standard normal); heteroscedastic (s = exp(z / 2 - 1 / 4) times a normal; s = 1 otherwise).
- **own errors** u, mean square 0.16: "alike", normal for both; "offset", normal against a constant;
  "rare", normal against a normal on 10 % of the rows and 0 on the others.
- **seeds**, if several: each changes the sign of the own errors on a quarter of the rows.
- c makes the two metrics equal, or those of B larger by the ROPE: exactly for the RMSE, from two
  million rows for the MAE.

better   false "A better" or "B better" when the metrics are equal
equal    false "practically equal" when B's metric is larger by exactly the ROPE, a share of the
         better metric: 20 % (100 rows), 10 % (500) or 5 % (2,000), by the interval of the ratio
observed the same by the interval of the difference, with that share of the observed better metric
power    "A better" in the same duels; the reference is an oracle that rejects the 5 % largest
         differences of the duels without a difference
covered  95 % intervals that contain the true difference in the same duels

Rates above 5 % by more than two simulation errors are marked with an exclamation mark.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from functools import cache
from itertools import product
from math import log, sqrt
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from graduel.stats import paired_loss_t, root_mean_values

Array = NDArray[Any]
NOISES = ("normal", "t3", "lognormal", "heteroscedastic")
EXCESSES = ("alike", "offset", "rare")
SHARES = {100: 0.2, 500: 0.1, 2000: 0.05}
"""The ROPE as a share of the better metric, by number of rows."""
OWN = 0.4
MANY = (2_000_000,)
_BLOCK = 500  # duels drawn at once


def draw_errors(noise: str, excess: str, shape: tuple[int, ...], rng: Any) -> tuple[Array, ...]:
    """Return the shared noise, and the own errors of A and of B before the factor c."""
    scale: Any = 1.0
    z = rng.normal(size=shape)
    if noise == "t3":
        z = rng.standard_t(3, shape) / sqrt(3)
    elif noise == "lognormal":
        z = (np.exp(z) - sqrt(np.e)) / sqrt((np.e - 1) * np.e)
    elif noise == "heteroscedastic":
        scale = np.exp(rng.normal(size=shape) / 2 - 0.25)
        z = scale * z
    of_b = rng.normal(size=shape)
    if excess == "offset":
        of_b = np.ones(shape)
    elif excess == "rare":
        of_b *= (rng.random(shape) < 0.1) / sqrt(0.1)
    return z, OWN * scale * rng.normal(size=shape), OWN * scale * of_b


def losses(metric: str, errors: Array) -> Array:
    """Return the losses by row of a metric."""
    return errors * errors if metric == "rmse" else np.abs(errors)


@cache
def truth(noise: str, excess: str, metric: str) -> float:
    """Return the metric of A: exact for the RMSE, of two million rows for the MAE."""
    if metric == "rmse":
        return sqrt(1 + OWN**2)
    shared, of_a, _ = draw_errors(noise, excess, MANY, np.random.default_rng(1))
    return float(np.abs(shared + of_a).mean())


@cache
def factor(noise: str, excess: str, metric: str, ratio: float) -> float:
    """Return the factor c at which the metric of B is `ratio` times that of A."""
    target = ratio * truth(noise, excess, metric)
    if metric == "rmse":
        return sqrt((target**2 - 1) / OWN**2)
    shared, _, of_b = draw_errors(noise, excess, MANY, np.random.default_rng(1))
    return float(brentq(lambda c: np.abs(shared + c * of_b).mean() - target, 0, 9, xtol=1e-4))


def draw_losses(
    design: tuple[str, str, str], rows: int, ratio: float, draws: int, seed: int, seeds: int = 1
) -> Iterator[tuple[Array, Array]]:
    """Yield blocks of losses of A and of B, shape (duels in the block, seeds, rows)."""
    noise, excess, metric = design
    c, rng = factor(noise, excess, metric, ratio), np.random.default_rng(seed)
    for start in range(0, draws, _BLOCK):
        shape = min(_BLOCK, draws - start), rows
        errors = draw_errors(noise, excess, shape, rng)
        shared, *own = (one[:, np.newaxis] for one in errors)
        if seeds > 1:
            changes = [rng.random((shape[0], seeds, rows)) < 0.25 for _ in own]
            own = [
                one * np.where(is_other, -1, 1) for one, is_other in zip(own, changes, strict=True)
            ]
        yield losses(metric, shared + own[0]), losses(metric, shared + c * own[1])


RATES = ("better", "equal", "observed", "power", "reference", "covered")


def simulate(
    design: tuple[str, str, str], rows: int, draws: int, seed: int = 0, seeds: int = 1
) -> dict[str, float]:
    """Return the rates of the shipped verdict, by their names in :data:`RATES`."""
    is_root, share = design[2] == "rmse", SHARES[rows]
    true = -share * truth(*design)
    null = [
        paired_loss_t(a, b, is_root=is_root)
        for block in draw_losses(design, rows, 1.0, draws, seed, seeds)
        for a, b in zip(*block, strict=True)
    ]
    rare = np.quantile([abs(estimate.mean) for estimate in null], 0.95)
    results = []
    for block in draw_losses(design, rows, 1 + share, draws, seed + 1, seeds):
        for a, b in zip(*block, strict=True):
            estimate = paired_loss_t(a, b, is_root=is_root, level=0.9)
            ratio = paired_loss_t(a, b, is_root=is_root, is_ratio=True, level=0.9)
            means = [x.mean(axis=1) for x in (a, b)]
            rope = share * min(np.mean(np.sqrt(x) if is_root else x) for x in means)
            results.append(
                (
                    max(-ratio.low, ratio.high) < log(1 + share),
                    max(-estimate.low, estimate.high) < rope,
                    estimate.p_value < 0.05,
                    abs(estimate.mean) > rare,
                    abs(estimate.mean - true) <= estimate.spread.half_width(0.05),
                )
            )
    better_rate = float(np.mean([estimate.p_value < 0.05 for estimate in null]))
    return dict(zip(RATES, (better_rate, *np.mean(results, axis=0).tolist()), strict=True))


def compare(design: tuple[str, str, str], rows: int, draws: int, seed: int = 0) -> dict[str, float]:
    """Return the false positives of several tests and 95 % intervals on the same duels.

    The tests of all duels share their random signs and resamples, which makes them a matrix
    product.
    """
    n, is_root = rows, design[2] == "rmse"
    rng = np.random.default_rng(2)
    signs = 2.0 * rng.integers(2, size=(1999, n)) - 1
    weights = np.stack([np.bincount(rng.integers(n, size=n), minlength=n) / n for _ in range(2000)])
    rates: dict[str, list[float]] = {}
    for x, y in draw_losses(design, rows, 1.0, draws, seed):
        a, b = x[:, 0], y[:, 0]
        d = root_mean_values(a) - root_mean_values(b) if is_root else a - b
        mean, se = d.mean(axis=1), d.std(axis=1, ddof=1) / sqrt(n)
        resampled = [x @ weights.T for x in (a, b)]
        values = np.subtract(*(np.sqrt(x) if is_root else x for x in resampled))
        outside = {
            "t": 2 * stdtr(n - 1, -np.abs(mean) / se) < 0.05,
            "signs": _flip(a - b, signs) < 0.05,
            "percentile": _excludes(values, _expanded_tail(n)),
            "BCa": _bca_excludes(values, mean, d),
            "bootstrap t": _symmetric_t(d, mean, se, weights) < 0.05,
            "paired_loss_t": np.array(
                [
                    paired_loss_t(x, y, is_root=is_root).p_value < 0.05
                    for x, y in zip(a, b, strict=True)
                ]
            ),
        }
        for name, is_false in outside.items():
            rates.setdefault(name, []).extend(is_false)
    return {name: float(np.mean(is_false)) for name, is_false in rates.items()}


def _flip(d: Array, signs: Array) -> Array:
    """Return the p-values of the sign-flip test, as `graduel.stats.sign_flip_test`."""
    observed = np.abs(d.sum(axis=1)) * (1 - 1e-12)
    extreme = (np.abs(d @ signs.T) >= observed[:, np.newaxis]).sum(axis=1)
    return np.asarray((1 + extreme) / (1 + len(signs)))


def _expanded_tail(n: int) -> float:
    """Return the tail of the expanded percentile interval, as `graduel.stats.Bootstrap`."""
    return float(ndtr(sqrt(n / (n - 1)) * stdtrit(n - 1, 0.025)))


def _excludes(values: Array, tail: float) -> Array:
    low, high = np.quantile(values, [tail, 1 - tail], axis=1)
    return np.asarray((low > 0) | (high < 0))


def _bca_excludes(values: Array, mean: Array, d: Array) -> Array:
    """Return whether the BCa interval (Efron 1987) excludes 0."""
    x, resamples = d - d.mean(axis=1, keepdims=True), values.shape[1]
    skew = (x**3).sum(axis=1) / (6 * (x**2).sum(axis=1) ** 1.5)
    share = (values < mean[:, np.newaxis]).mean(axis=1)
    z0 = ndtri(np.clip(share, 1 / resamples, 1 - 1 / resamples))
    values = np.sort(values, axis=1)
    ends = []
    for z in (ndtri(0.025), ndtri(0.975)):
        level = ndtr(z0 + (z0 + z) / (1 - skew * (z0 + z)))
        index = np.clip((level * resamples).astype(int), 0, resamples - 1)
        ends.append(values[np.arange(len(values)), index])
    return np.asarray((ends[0] > 0) | (ends[1] < 0))


def _symmetric_t(d: Array, mean: Array, se: Array, weights: Array) -> Array:
    """Return the p-values of the symmetric bootstrap-t of the mean of `d`."""
    means = d @ weights.T
    variance = np.maximum((d * d) @ weights.T - means**2, 1e-300) / (d.shape[1] - 1)
    t = np.abs(means - mean[:, np.newaxis]) / np.sqrt(variance)
    return np.asarray(
        (1 + (t >= np.abs(mean / se)[:, np.newaxis]).sum(axis=1)) / (1 + len(weights))
    )


def main() -> None:
    """Simulate the selected designs, and print a row for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=4000, help="duels per design and rate")
    parser.add_argument("--rows", default="100,500,2000", help="numbers of test rows")
    parser.add_argument("--only", default="", help="only designs whose name contains this")
    parser.add_argument("--compare", action="store_true", help="other tests on the same duels")
    parser.add_argument("--seeds", type=int, default=1, help="seeds of each contender")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    most = 0.05 + 2 * sqrt(0.05 * 0.95 / options.draws)

    def shown(rate: float) -> str:
        return f"{100 * rate:.1f}" + (" !" if rate > most else "")

    names = "t,signs,percentile,BCa,bootstrap t,paired_loss_t" if options.compare else ""
    columns = names.split(",") if names else list(RATES)
    print(f"| Design | {' | '.join(columns)} |\n|---|{'--:|' * len(columns)}", flush=True)
    metrics = ("rmse", "mae") if options.seeds == 1 else ("rmse",)
    sizes = [int(rows) for rows in options.rows.split(",")]
    for rows, metric, noise, excess in product(sizes, metrics, NOISES, EXCESSES):
        name, design = f"{rows} rows, {metric}: {noise}, {excess}", (noise, excess, metric)
        if options.only not in name:
            continue
        if options.compare:
            rates = list(compare(design, rows, options.draws, options.seed).values())
            cells = [shown(rate) for rate in rates]
        else:
            by_name = simulate(design, rows, options.draws, options.seed, options.seeds)
            cells = [shown(by_name[one]) for one in RATES[:3]]
            cells += [f"{100 * by_name[one]:.1f}" for one in RATES[3:]]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

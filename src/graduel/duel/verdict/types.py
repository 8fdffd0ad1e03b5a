"""What a verdict consists of: comparisons of a pair, across data sets and by training-set size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["a better", "b better", "practically equal", "undecided"]

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the test rows say about one pair. Losses and differences of shares are 0 to 1."""

    a: str
    b: str
    metric: str
    error_a: float
    """The loss of a: lower is better (an AUC of 0.98 is a loss of 0.02)."""
    error_b: float
    difference: float
    """Loss of a minus loss of b: positive where b is better."""
    interval: Interval
    """Confidence interval of the difference."""
    interval_level: float
    equivalence_interval: Interval
    """Decides "practically equal": inside ±rope."""
    equivalence_level: float
    rope: float
    """The largest difference that makes no difference in practice."""
    test: str
    why: str
    """Why that test."""
    p_value: float
    """Two-sided."""
    p_adjusted: float
    """Holm over all the pairs."""
    verdict: Verdict
    detectable: bool
    """Practically equal, and yet the adjusted p-value is below 0.05."""
    scope: str
    """What the verdict speaks of."""
    rows: int
    """Test rows; of a cross-validation all rows."""
    seeds: int
    more_rows: int | None
    """Undecided: test rows in all that would settle it (after cross-validation, rows of data); None
    where more rows do not help."""
    more_seeds: int | None
    """Undecided: seeds in all that would settle it; None where more seeds do not help."""
    sentence: str
    """The verdict in words."""
    value_a: float | None = None
    """The value of the metric of a: an AUC of 0.98 is 0.98."""
    value_b: float | None = None
    repeats: int | None = None
    """Repeats of the cross-validation; None without one."""
    folds: int | None = None
    more_repeats: int | None = None
    """Undecided after cross-validation: repeats in all that would settle it."""
    bayes: tuple[float, float, float] | None = None
    """The probabilities that a is better by more than the ROPE, that they are practically equal,
    and that b is better; of the Bayesian correlated t, None in other designs."""
    p_exact: float | None = None
    """McNemar's exact p beside its mid-p; null in other designs."""
    cost: str | None = None
    """The verdict with the costs, in a sentence; null where costs were not measured."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to "does the booster blow the network out of the water?"."""

    booster: str
    network: str
    answer: Literal["yes", "no"]
    ratio: float | None
    """The network's errors over the booster's; None where the booster makes none."""
    sentence: str
    """The answer in words."""


@dataclass(frozen=True, slots=True)
class DatasetComparison:
    """What the data sets say about one pair. Losses and differences of shares are 0 to 1."""

    a: str
    b: str
    wins: int
    """Data sets on which a is better by more than the ROPE."""
    ties: int
    """Data sets on which the two are within the ROPE of each other."""
    losses: int
    """Data sets on which b is better by more than the ROPE."""
    equal: int
    """Data sets on which both have exactly the same loss; they are among the ties."""
    median_difference: float
    """Loss of a minus loss of b, Hodges and Lehmann's: positive where b is better."""
    interval: Interval | None
    """None where there are too few data sets for any."""
    interval_level: float
    equivalence_interval: Interval | None
    equivalence_level: float
    p_value: float
    """Wilcoxon's signed-rank test, exact."""
    p_adjusted: float
    """Holm over all the pairs."""
    bayes: tuple[float, float, float]
    """Of the Bayesian signed-rank test: the probabilities that a is better by more than the ROPE,
    that they are practically equal, and that b is better."""
    verdict: Verdict
    detectable: bool
    """Practically equal, and yet the adjusted p-value is below 0.05."""
    more_datasets: int | None
    """Undecided: data sets in all that would settle it; None where no number would."""
    sentence: str


@dataclass(frozen=True, slots=True)
class DatasetVerdict:
    """Contenders compared across data sets."""

    metric: str
    rope: float
    datasets: int
    ranks: dict[str, float]
    """Mean rank of each contender, 1 the best; equal losses share their ranks."""
    pairs: tuple[DatasetComparison, ...]
    friedman_p: float | None
    """Of three contenders or more."""
    iman_davenport_p: float | None
    """The same by an F that is less cautious: the one to go by."""
    critical_difference: float | None
    """Nemenyi's, of mean ranks; of five contenders or more."""
    groups: tuple[tuple[str, ...], ...]
    """Contenders whose ranks do not differ by more than the critical difference."""
    test: str
    why: str
    """Why that test."""
    scope: str
    """What the verdict speaks of."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where two learning curves cross."""

    rows: int
    """Training rows at the crossing."""
    between: tuple[int, int]
    """The two sizes whose verdicts show it."""
    before: str
    """The contender that is better below."""
    after: str
    """The contender that is better above."""


@dataclass(frozen=True, slots=True)
class PairCurve:
    """One pair by training-set size."""

    a: str
    b: str
    verdicts: tuple[Verdict, ...]
    """By size."""
    differences: tuple[float, ...]
    """Loss of a minus loss of b, by size."""
    crossing: Crossing | None
    """Null where no verdicts show one."""
    sentence: str
    """The same in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a contender costs: means over the runs, memory and size the largest."""

    fit_seconds: tuple[float, ...]
    """One for each run, of the contender's own clock, which stands still while it is scored."""
    predict_row_seconds: float
    """One row at a time: median of at most 200, or of a quarter of a second of them."""
    predict_batch_seconds: float
    """All test rows at once: median of at most 5, or of a quarter of a second of them."""
    batch_rows: int
    """Rows of the batch."""
    peak_memory_bytes: int
    """Largest resident memory of the contender's process while it fits, data included."""
    model_bytes: int
    """Size of the model's numbers."""
    tuning_seconds: tuple[float | None, ...]
    """The whole search of each run; null without one. `fit_seconds` is the best trial's fit."""

"""Verdicts as dataclasses: of one pair, across data sets and by training-set size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from graduel.number_format import format_equals_p, format_exact, format_quantity, format_term
from graduel.short_view import MOST_LINES, join_lines, render_table, render_text, render_view

Verdict = Literal["a better", "b better", "practically equal", "undecided"]

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Rope:
    """The largest difference that does not matter, as a share of the lower loss of the two.

    Metrics in the unit of the target have no scale of their own: 1 % of the lower RMSE is a small
    difference whether the target is in cents or in millions.

    >>> Rope(0.01).of(2.0, 3.0)
    0.02
    """

    share: float

    def of(self, loss_a: float, loss_b: float) -> float:
        """Return the difference of losses."""
        return self.share * min(loss_a, loss_b)


RopeLike = float | Rope


def resolve_rope(rope: RopeLike, loss_a: float, loss_b: float) -> float:
    """Return the ROPE of a pair as a difference of losses."""
    return rope.of(loss_a, loss_b) if isinstance(rope, Rope) else rope


@dataclass(frozen=True, slots=True)
class Comparison:
    """The verdict on one pair. Losses and differences of shares are from 0 to 1."""

    a: str
    b: str
    metric: str
    error_a: float
    """Loss of a; lower is better (an AUC of 0.98 is a loss of 0.02)."""
    error_b: float
    difference: float
    """Loss of a minus loss of b: positive if b is better."""
    interval: Interval
    """CI of the difference."""
    interval_level: float
    equivalence_interval: Interval
    """Inside ±`rope`: practically equal."""
    equivalence_level: float
    rope: float
    """The largest difference that does not matter in practice."""
    test: str
    why: str
    """Reason for the test."""
    p_value: float
    """Two-sided."""
    p_adjusted: float
    """Adjusted by Holm's method over all pairs."""
    verdict: Verdict
    detectable: bool
    """Practically equal, but the adjusted p-value is below 0.05."""
    scope: str
    """What the verdict generalizes to."""
    rows: int
    """Test rows; after cross-validation, all rows."""
    seeds: int
    more_rows: int | None
    """If undecided: total test rows for 80 % power (after cross-validation, rows of the data set);
    null if more rows do not help."""
    more_seeds: int | None
    """If undecided: total seeds for 80 % power; null if more seeds do not help."""
    sentence: str
    value_a: float | None = None
    """Metric of a (an AUC of 0.98 is 0.98)."""
    value_b: float | None = None
    repeats: int | None = None
    """Repeats of the cross-validation."""
    folds: int | None = None
    more_repeats: int | None = None
    """If undecided after cross-validation: total repeats for 80 % power."""
    bayes: tuple[float, float, float] | None = None
    """Cross-validation: probabilities by the Bayesian correlated t-test that a is better by more
    than the ROPE, that they are practically equal, and that b is better."""
    p_exact: float | None = None
    """McNemar's exact p-value; null in other designs."""
    cost: str | None = None
    """Sentence with verdict and costs; null if costs were not measured."""
    notes: tuple[str, ...] = ()
    """Changes made to the predictions before the comparison, such as renormalization."""
    simultaneous_interval: Interval | None = None
    """CI of level 1 − 0.05 / pairs: those of all pairs hold together with 95 % (Bonferroni). Null
    in results of earlier versions."""
    reproduction: float | None = None
    """One seed: an estimate of the probability that the verdict is the same after another fit of
    both, on as many new test rows."""

    @property
    def printed_interval(self) -> Interval:
        """The CI that reports print: simultaneous, like the decision."""
        return self.simultaneous_interval or self.interval

    def __repr__(self) -> str:
        return join_lines([self._title(), self.sentence, self._numbers()])

    def _repr_html_(self) -> str:
        return render_view(self._title(), *map(render_text, (self.sentence, self._numbers())))

    def _title(self) -> str:
        return f"{self.a} (a) and {self.b} (b): {self.verdict}"

    def _numbers(self) -> str:
        """Return difference, CI, ROPE and p-values in one line."""
        low, high = map(format_term, self.interval)
        return (
            f"difference {format_term(self.difference)}, {format_exact(100 * self.interval_level)} "
            f"% CI {low} to {high}, ROPE {format_exact(self.rope)}; {self.test}: "
            f"{format_equals_p(self.p_value)}, adjusted {format_equals_p(self.p_adjusted)}"
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to "does the booster blow the network out of the water?"."""

    booster: str
    network: str
    answer: Literal["yes", "no"]
    ratio: float | None
    """The network's errors divided by the booster's; null if the booster makes none."""
    sentence: str


@dataclass(frozen=True, slots=True)
class DatasetComparison:
    """The verdict on one pair across data sets. Differences of shares are from 0 to 1."""

    a: str
    b: str
    wins: int
    """Data sets on which a is better by more than the ROPE."""
    ties: int
    """Data sets with a difference within ±ROPE."""
    losses: int
    """Data sets on which b is better by more than the ROPE."""
    equal: int
    """Ties with exactly equal losses."""
    median_difference: float
    """Loss of a minus loss of b, Hodges-Lehmann estimate: positive if b is better."""
    interval: Interval | None
    """CI of the median difference; null with too few data sets."""
    interval_level: float
    equivalence_interval: Interval | None
    equivalence_level: float
    p_value: float
    """Wilcoxon's signed-rank test, exact."""
    p_adjusted: float
    """Adjusted by Holm's method over all pairs."""
    bayes: tuple[float, float, float]
    """Probabilities by the Bayesian signed-rank test that a is better by more than the ROPE, that
    they are practically equal, and that b is better."""
    verdict: Verdict
    detectable: bool
    """Practically equal, but the adjusted p-value is below 0.05."""
    more_datasets: int | None
    """If undecided: total data sets for 80 % power; null if no number suffices."""
    sentence: str
    simultaneous_interval: Interval | None = None
    """CI of level 1 − 0.05 / pairs; null with too few data sets, and in results of earlier
    versions."""

    @property
    def printed_interval(self) -> Interval | None:
        """The CI that reports print: simultaneous, like the decision."""
        return self.simultaneous_interval or self.interval


@dataclass(frozen=True, slots=True)
class DatasetVerdict:
    """The comparison of contenders across data sets."""

    metric: str
    rope: float
    datasets: int
    ranks: dict[str, float]
    """Mean rank of each contender, 1 is best; ties share ranks."""
    pairs: tuple[DatasetComparison, ...]
    friedman_p: float | None
    """With three or more contenders."""
    iman_davenport_p: float | None
    """Friedman's test as an F-test, less conservative: prefer this one."""
    critical_difference: float | None
    """Nemenyi's critical difference of mean ranks, with five or more contenders."""
    groups: tuple[tuple[str, ...], ...]
    """Contenders whose ranks differ by at most the critical difference."""
    test: str
    why: str
    """Reason for the test."""
    scope: str
    """What the verdict generalizes to."""

    def __repr__(self) -> str:
        return join_lines([self._title(), *(pair.sentence for pair in self.pairs)], "verdicts")

    def _repr_html_(self) -> str:
        ranks = sorted(self.ranks.items(), key=lambda pair: pair[1])
        table = render_table(("contender", "mean rank"), [(k, f"{v:.2f}") for k, v in ranks])
        sentences = [render_text(pair.sentence) for pair in self.pairs[:MOST_LINES]]
        return render_view(self._title(), *sentences, table)

    def _title(self) -> str:
        return f"Verdict across {format_quantity(self.datasets, 'data set')} by {self.metric}"


@dataclass(frozen=True, slots=True)
class Crossing:
    """The crossing of two learning curves."""

    rows: int
    """Training rows at the crossing."""
    between: tuple[int, int]
    """The two sizes whose verdicts show it."""
    before: str
    """The contender that is better at fewer rows."""
    after: str
    """The contender that is better at more rows."""


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
    """Null if no verdicts show one."""
    sentence: str


NOTABLE_CORES = 0.25
"""Missing cores from which times are too long to compare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """The costs of a contender: means over the runs; for memory and size, the maximum."""

    fit_seconds: tuple[float, ...]
    """By run, by the contender's clock, which is paused while the contender is scored."""
    predict_row_seconds: float
    """One row at a time: median of 50 to 200 predictions after a warm-up, or of those in 5 s."""
    predict_batch_seconds: float
    """All test rows together: median of 5 to 50 predictions, or of those in 5 s."""
    batch_rows: int
    """Rows of the batch."""
    peak_memory_bytes: int
    """Peak resident memory of the process during the fit, data included."""
    model_bytes: int
    """Size of the model's numbers."""
    tuning_seconds: tuple[float | None, ...]
    """By run, the whole search; null without one. `fit_seconds` is then the best trial's fit."""
    missing_cores: tuple[float, ...] = ()
    """By run, threads without a free core, on average, because of other processes: during the fit
    or the timed predictions, the higher of the two. Above 0.25 the times are too long to
    compare."""
    machines: tuple[int, ...] = ()
    """By run, the index in `machines` of the kind of machine it ran on."""
    attempts: tuple[int, ...] = ()
    """By run, how often the cell was started: more than once if a machine was lost."""
    predict_row_quartiles: Interval | None = None
    """The lowest first and the highest third quartile of all runs' `predict_row_seconds`; null if a
    run was too slow for 50 predictions within 5 s."""
    predict_batch_quartiles: Interval | None = None
    """The same of `predict_batch_seconds`; null if a run was too slow for 5."""

    @property
    def lacked_cores(self) -> bool:
        """Whether other processes used the cores of a run, so that its times are too long."""
        return max(self.missing_cores, default=0.0) > NOTABLE_CORES

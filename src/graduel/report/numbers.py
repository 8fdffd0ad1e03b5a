"""The numbers behind each figure, as plain data: what is drawn and what stands in the tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graduel.duel.results import Curve, Run
from graduel.report import units

Z95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


def contenders(run: Run) -> tuple[str, ...]:
    """Return the contenders' names, in the order of the result."""
    return tuple(run.result["contenders"])


def titles(run: Run) -> dict[str, str]:
    """Return what to call each contender; where two would read the same, with their names."""
    found = {
        name: "".join(filter(str.isprintable, str(entry.get("title") or name)))
        for name, entry in run.result["contenders"].items()
    }
    often = Counter(found.values())
    return {
        name: title if often[title] == 1 else f"{title} ({name})" for name, title in found.items()
    }


def phrase(title: str) -> str:
    """Return what to call a contender within a sentence: a title of several words gets a "the".

    >>> phrase("NumPy network"), phrase("XGBoost"), phrase("my net")
    ('the NumPy network', 'XGBoost', 'my net')
    """
    first, *more = title.split() or [""]
    own = first.lower() in ("the", "a", "an", "my", "our", "your")
    return f"the {title}" if more and not own else title


def known(run: Run, name: str) -> str:
    """Return `name`, or raise a ValueError that lists the contenders there are."""
    if name not in run.result["contenders"]:
        names = ", ".join(map(repr, contenders(run)))
        raise ValueError(f"contender must be one of {names}; got {name!r}")
    return name


@dataclass(frozen=True, slots=True)
class Racer:
    """One contender in the race: a curve for each seed, and the model it chose."""

    name: str
    curves: tuple[Curve, ...]
    fit_seconds: tuple[float, ...]
    test_errors: tuple[float, ...]
    test_error: float

    @property
    def mean_seconds(self) -> float:
        """Seconds of a fit, the mean over the seeds."""
        return float(np.mean(self.fit_seconds))

    def at(self, seconds: float) -> float | None:
        """Return the first seed's test error at its last checkpoint up to `seconds`."""
        found = [error for time, error in self.curves[0] if time <= seconds] if self.curves else []
        return found[-1] if found else None


def race(run: Run) -> list[Racer]:
    """Return every contender's curves of test error (a share) over seconds of training."""
    return [
        Racer(
            name,
            tuple([(float(s), float(e)) for s, e in curve] for curve in run.curves.get(name, [])),
            tuple(map(float, entry["fit_seconds"])),
            tuple(map(float, entry["test_errors"])),
            float(entry["test_error"]),
        )
        for name, entry in run.result["contenders"].items()
    ]


def learning(run: Run) -> list[Racer]:
    """Return the same curves over epochs (or rounds); a racer ends at the epoch that it chose."""
    racers = []
    for racer in race(run):
        curves = tuple([(i + 1.0, error) for i, (_, error) in enumerate(c)] for c in racer.curves)
        details = run.result["contenders"][racer.name].get("details") or []
        chosen = tuple(
            float(one.get("best_epoch") or len(curve))
            for one, curve in zip(details, curves, strict=True)
        )
        racers.append(Racer(racer.name, curves, chosen, racer.test_errors, racer.test_error))
    return racers


def race_moments(racers: list[Racer]) -> list[float]:
    """Return the moments at which a table of the race looks at it: 1, 2, 5, 10, … seconds."""
    times = [time for racer in racers for curve in racer.curves[:1] for time, _ in curve]
    if not times:
        return []
    moments = [step * 10.0**power for power in range(-3, 7) for step in (1, 2, 5)]
    return [moment for moment in moments if min(times) <= moment <= max(times)]


def smallest_drawn(run: Run) -> float:
    """Return where a test error of zero is drawn on a log scale: half of one row."""
    return 0.5 / max(len(run.y_test), 1)


@dataclass(frozen=True, slots=True)
class Level:
    """One contender's test error with its 95 % interval; shares."""

    name: str
    value: float
    interval: tuple[float, float] | None
    by_seed: tuple[float, ...]


def errors(run: Run) -> list[Level]:
    """Return every contender's test error and its interval."""
    return [
        Level(
            name,
            float(entry["test_error"]),
            _pair(entry.get("test_error_interval")),
            tuple(map(float, entry["test_errors"])),
        )
        for name, entry in run.result["contenders"].items()
    ]


@dataclass(frozen=True, slots=True)
class Difference:
    """The paired difference of two contenders' test errors, `a` − `b`; shares."""

    a: str
    b: str
    value: float
    interval: tuple[float, float] | None
    rope: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Scale:
    """How differences are told: shares in percentage points, log loss and the like as they are.

    A difference times `factor` is told as if it were a share, with `places` decimals.
    """

    of: str
    unit: str
    short: str
    factor: float
    places: int


def scale(run: Run) -> Scale:
    """Return how the differences of the leading metric are told."""
    protocol = run.result["protocol"]
    name = str(protocol.get("metric", "error"))
    title = str(protocol.get("metric_title", name))
    if not protocol.get("metric_unit", "%"):
        return Scale(title, title, "", 0.01, 4)
    of = "test errors" if name == "error" else title
    return Scale(of, "percentage points", "points", 1.0, units.decimals(len(run.y_test)))


def differences(run: Run, name: str | None = None) -> list[Difference]:
    """Return the paired difference of each comparison; with `name`, of each of that contender.

    They are told as :func:`scale` says.
    """
    if name is not None:
        known(run, name)
    factor = scale(run).factor
    return [
        Difference(
            entry["a"],
            entry["b"],
            factor * float(entry["difference"]),
            _pair(entry.get("interval"), factor),
            factor * float(entry.get("rope") or run.result["protocol"]["rope"]),
            entry["verdict"],
        )
        for entry in run.result.get("comparisons", [])
        if name in (None, entry["a"], entry["b"])
    ]


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often each true class (a row) was taken for each class (a column), over all seeds."""

    name: str
    classes: tuple[str, ...]
    counts: NDArray[np.int64]
    seeds: int

    @property
    def total(self) -> int:
        """How many test rows were judged."""
        return int(self.counts.sum())

    @property
    def wrong(self) -> int:
        """How many of them wrongly."""
        return self.total - int(np.trace(self.counts))

    def mistakes(self, limit: int = 10) -> list[tuple[str, str, int]]:
        """Return the most frequent mistakes: (true class, answer, how often)."""
        off = self.counts.copy()
        np.fill_diagonal(off, 0)
        order = np.argsort(-off, axis=None, kind="stable")[:limit]
        cells = [divmod(int(cell), off.shape[1]) for cell in order]
        return [(self.classes[i], self.classes[j], int(off[i, j])) for i, j in cells if off[i, j]]


def confusion(run: Run, name: str) -> Confusion:
    """Count the answers of one contender by true class."""
    answers = run.probabilities[known(run, name)].argmax(axis=-1)
    n, seeds = len(run.classes), len(answers)
    cells = np.tile(run.y_test.astype(np.int64), seeds) * n + answers.ravel()
    counts = np.bincount(cells, minlength=n * n).reshape(n, n).astype(np.int64)
    return Confusion(name, run.classes, counts, seeds)


@dataclass(frozen=True, slots=True)
class Bin:
    """The test rows whose most probable class has a probability in one range."""

    low: float
    high: float
    rows: int
    confidence: float
    right: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Reliability:
    """Whether a contender is right as often as it says; all seeds together."""

    name: str
    bins: tuple[Bin, ...]
    ece: float


def calibration(run: Run, bins: int = 10) -> list[Reliability]:
    """Return for every contender how often it is right, by how sure it is.

    The expected calibration error is Σ rows_b / rows · |right_b − confidence_b| over `bins`
    ranges of equal width (Guo et al., *On calibration of modern neural networks*, 2017). The
    intervals are Wilson's, 95 %.
    """
    found = []
    for name in contenders(run):
        p = run.probabilities[name].astype(np.float64)
        confidence = p.max(axis=-1).ravel()
        right = (p.argmax(axis=-1) == run.y_test).ravel()
        place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
        drawn = []
        for number in np.unique(place):
            inside = place == number
            rows = int(inside.sum())
            share = float(right[inside].mean())
            drawn.append(
                Bin(
                    int(number) / bins,
                    (int(number) + 1) / bins,
                    rows,
                    float(confidence[inside].mean()),
                    share,
                    _wilson(share, rows),
                )
            )
        gaps = [b.rows * abs(b.right - b.confidence) for b in drawn]
        found.append(Reliability(name, tuple(drawn), float(sum(gaps) / max(len(right), 1))))
    return found


@dataclass(frozen=True, slots=True)
class Cost:
    """One kind of cost, for every contender; None where it was not measured."""

    key: str
    label: str
    unit: Literal["seconds", "bytes"]
    values: dict[str, float | None]


def cost(run: Run) -> list[Cost]:
    """Return what each contender costs: time to fit and to answer, memory, size."""
    entries = run.result["contenders"]
    rows = {int(entry.get("batch_rows") or 0) for entry in entries.values()}
    batch = f"{units.rows(rows.pop())}" if len(rows) == 1 else "a batch"
    kinds: list[tuple[str, str, Literal["seconds", "bytes"]]] = [
        ("fit_seconds", "Fit", "seconds"),
        ("predict_row_seconds", "Predict one row", "seconds"),
        ("predict_batch_seconds", f"Predict {batch}", "seconds"),
        ("peak_memory_bytes", "Peak memory", "bytes"),
        ("model_bytes", "Model size", "bytes"),
    ]
    return [
        Cost(key, label, unit, {name: _mean(entry.get(key)) for name, entry in entries.items()})
        for key, label, unit in kinds
    ]


@dataclass(frozen=True, slots=True)
class Case:
    """One test row that one contender got right and another wrong."""

    row: int
    truth: str
    answer: str
    confidence: float
    """The probability that the wrong answer had."""


@dataclass(frozen=True, slots=True)
class Alone:
    """The test rows that only `right` got right, of a pair; the surest mistakes first."""

    right: str
    wrong: str
    total: int
    cases: tuple[Case, ...]


def only_one_right(run: Run, a: str, b: str, limit: int = 12) -> tuple[Alone, Alone]:
    """Return the rows that only `a` got right, and those that only `b` did, with the first seed.

    Each side names at most `limit` rows, those on which the other was surest of its wrong
    answer.
    """
    p = {name: run.probabilities[known(run, name)][0] for name in (a, b)}
    right = {name: p[name].argmax(axis=-1) == run.y_test for name in (a, b)}

    def side(winner: str, loser: str) -> Alone:
        rows = np.flatnonzero(right[winner] & ~right[loser])
        sure = p[loser][rows].max(axis=-1)
        shown = rows[np.argsort(-sure, kind="stable")[:limit]]
        cases = tuple(
            Case(
                int(row),
                run.classes[int(run.y_test[row])],
                run.classes[int(p[loser][row].argmax())],
                float(p[loser][row].max()),
            )
            for row in shown
        )
        return Alone(winner, loser, len(rows), cases)

    return side(a, b), side(b, a)


def _pair(bounds: Any, factor: float = 1.0) -> tuple[float, float] | None:
    return None if bounds is None else (factor * float(bounds[0]), factor * float(bounds[1]))


def _mean(value: Any) -> float | None:
    """Return a number, or the mean of a list over seeds."""
    return None if value is None or value == [] else float(np.mean(value))


def _wilson(share: float, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, 1927)."""
    z2 = Z95 * Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * float(np.sqrt(share * (1 - share) / n + z2 / (4 * n * n)))
    return max(0.0, middle - half), min(1.0, middle + half)

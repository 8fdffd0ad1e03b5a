"""Row by row: what is taken for what, what only one gets right, what all get wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graduel.duel.result.outcome import Run
from graduel.report.sections.numbers.names import contenders, known


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


@dataclass(frozen=True, slots=True)
class Doubt:
    """One test row that every contender gets wrong; its label may be."""

    row: int
    truth: str
    answers: dict[str, tuple[str, float]]
    """For each contender its answer and the probability that it gave it."""

    @property
    def agreed(self) -> bool:
        """Whether all give the same answer."""
        return len({answer for answer, _ in self.answers.values()}) == 1


@dataclass(frozen=True, slots=True)
class Doubts:
    """The test rows that every contender gets wrong; the surest mistakes first."""

    total: int
    cases: tuple[Doubt, ...]


def doubts(run: Run, limit: int = 28) -> Doubts | None:
    """Return what all contenders get wrong with the first seed; None of a single contender.

    First come the rows on which all of them, the least sure included, are sure of a wrong answer:
    a label that is wrong looks like this (Northcutt, Athalye and Mueller, *Pervasive label errors
    in test sets destabilize machine learning benchmarks*, 2021).
    """
    names = contenders(run)
    if len(names) < 2:
        return None
    p = {name: run.probabilities[name][0] for name in names}
    answers = {name: p[name].argmax(axis=-1) for name in names}
    wrong = np.all([answers[name] != run.y_test for name in names], axis=0)
    rows = np.flatnonzero(wrong)
    least = np.min([p[name][rows].max(axis=-1) for name in names], axis=0)
    shown = rows[np.argsort(-least, kind="stable")[:limit]]
    cases = tuple(
        Doubt(
            int(row),
            run.classes[int(run.y_test[row])],
            {
                name: (run.classes[int(answers[name][row])], float(p[name][row].max()))
                for name in names
            },
        )
        for row in shown
    )
    return Doubts(len(rows), cases)


def label(run: Run, row: int) -> int:
    """Return how a test row is told: of a table of the user's own its row there, from 1."""
    return row if run.rows is None else int(run.rows[row]) + 1

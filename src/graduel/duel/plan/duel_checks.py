"""Checks of a duel before anything is fitted: its data, its plan, the user's own contenders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graduel.data import Dataset
from graduel.data.finding import (
    FEWER_ROWS_THAN_FOLDS,
    LEAKED_ROWS,
    LOW_POWER,
    METRIC_CHOICE,
    NO_PROBABILITIES,
    NO_SEARCH_SPACE,
    Finding,
)
from graduel.data.table_checks import check_table
from graduel.duel.plan.defaults import RARE, minority_share
from graduel.duel.plan.design import Design
from graduel.duel.plan.protocol import Protocol
from graduel.duel.plan.user_estimators import UserContender
from graduel.metrics.metric import Metric, get_metric


def check_duel(
    dataset: Dataset, protocol: Protocol, user_contenders: Sequence[UserContender] = ()
) -> tuple[Finding, ...]:
    """Return the findings about a duel's data, its plan and the user's own contenders.

    Built-in data and plans on them are not checked: there is nothing to find.
    """
    findings: list[Finding] = []
    if protocol.source is not None:
        if dataset.inferred_table is not None:
            findings += check_table(dataset.inferred_table)
        design, metric = protocol.design, get_metric(protocol.metric)
        findings += check_folds(dataset, design)
        findings += check_metric(dataset, metric)
        findings += check_power(dataset, design, metric, protocol.rope, len(protocol.contenders))
    return (*findings, *check_estimators(user_contenders, protocol.budget["kind"]))


def check_folds(dataset: Dataset, design: Design) -> Iterator[Finding]:
    """Find classes that cannot be in every fold."""
    counts = np.bincount(dataset.y, minlength=len(dataset.classes))
    n_rare = int((counts < design.folds).sum())
    if n_rare and design.kind == "folds":
        classes = "class has" if n_rare == 1 else "classes have"
        yield FEWER_ROWS_THAN_FOLDS.report(
            f"{n_rare} {classes} fewer rows than there are folds ({design.folds}): not every fold "
            "has training rows and test rows of them"
        )


def check_metric(dataset: Dataset, metric: Metric) -> Iterator[Finding]:
    """Explain why log loss is compared, where nearly all rows are of one class."""
    share = minority_share(dataset)
    if metric.name == "log_loss" and share < RARE:
        yield METRIC_CHOICE.report(
            f"Log loss leads: {100 * share:.2g} % of the rows are not of the most frequent class, "
            "so that always naming that class is seldom wrong and the error says little."
        )


def check_power(
    dataset: Dataset, design: Design, metric: Metric, rope: float, n_contenders: int
) -> Iterator[Finding]:
    """Find out whether the test rows are too few for the ROPE."""
    if n_contenders < 2:
        return
    n, shape = len(dataset.y), None
    counts = np.bincount(dataset.y)
    if design.kind == "folds":
        shape = (design.repeats, design.folds)
    else:
        n_test = len(dataset.test_rows) if design.kind == "given" else n // design.folds
        counts = np.maximum(counts * n_test // n, 1)
        n = n_test
    from graduel.duel.plan.power import explain_power  # SciPy's statistics, which no fit needs

    message = explain_power(
        n,
        rope,
        metric,
        shape,
        pairs=n_contenders * (n_contenders - 1) // 2,
        class_rows=[int(count) for count in counts if count],
    )
    if message is not None:
        yield LOW_POWER.report(message)


def check_leaks(n_leaked: int, n_test: int) -> Iterator[Finding]:
    """Report test rows that have the features of a training row."""
    if n_leaked:
        yield LEAKED_ROWS.report(
            f"{n_leaked:,} of {n_test:,} test rows have the features of a training row: there a "
            "model that memorizes rows does as well as one that generalizes"
        )


def check_estimators(contenders: Sequence[UserContender], budget: str) -> Iterator[Finding]:
    """Find what a user's own contenders lack; `budget` is the kind of budget."""
    for one in contenders:
        if one.lacks_probabilities:
            yield NO_PROBABILITIES.report(
                f"{one.title} has no predict_proba: its predicted class counts as certain, so that "
                "its log loss, Brier score and ranking metrics say little"
            )
        if budget != "none" and not one.recipe.space:
            yield NO_SEARCH_SPACE.report(
                f"{one.title} has no search space: it is fitted once, with its own parameters"
            )

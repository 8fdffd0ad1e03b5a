"""Checks of a duel before any fit: data, plan and the user's own contenders."""

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
    ONE_PROCESS,
    Finding,
)
from graduel.data.read.column_names import quote_name
from graduel.data.table_checks import check_table, report_decisions
from graduel.data.task import TaskKind
from graduel.duel.plan.defaults import RARE_SHARE, minority_share
from graduel.duel.plan.design import Design
from graduel.duel.plan.protocol import Protocol
from graduel.duel.plan.splits import Split, count_leaked_rows
from graduel.duel.plan.user_estimators import UserContender
from graduel.metrics.metric import Metric, get_metric
from graduel.number_format import agree, format_quantity, format_rows


def check_duel(
    dataset: Dataset, protocol: Protocol, user_contenders: Sequence[UserContender] = ()
) -> tuple[Finding, ...]:
    """Check a duel's data, plan and the user's own contenders; return the findings.

    Built-in data, and plans on them, are not checked.
    """
    findings: list[Finding] = []
    if protocol.source is not None:
        findings += [*report_decisions(dataset, with_values=False), *dataset.findings]
        if dataset.inferred_table is not None:
            findings += check_table(dataset.inferred_table)
        design, metric = protocol.design, get_metric(protocol.metric)
        if design.kind == "given":
            rows = Split(dataset.train_rows, dataset.train_rows[:0], dataset.test_rows)
            findings += check_leaks(count_leaked_rows(dataset, rows), len(rows.test))
        if dataset.classes:
            findings += check_folds(dataset, design)
            findings += check_metric(dataset, metric)
            n_contenders = len(protocol.contenders)
            findings += check_power(dataset, design, metric, protocol.rope, n_contenders)
    findings += check_workers(protocol)
    estimators = check_estimators(user_contenders, protocol.budget["kind"], protocol.task)
    return (*findings, *estimators)


def check_folds(dataset: Dataset, design: Design) -> Iterator[Finding]:
    """Find classes with fewer rows than folds."""
    counts = np.bincount(dataset.y, minlength=len(dataset.classes))
    n_rare = int((counts < design.folds).sum())
    if n_rare and design.kind == "folds":
        classes = f"{format_quantity(n_rare, 'class')} {agree(n_rare, 'has', 'have')}"
        yield FEWER_ROWS_THAN_FOLDS.report(
            f"{classes} fewer rows than there are folds ({design.folds}): some folds "
            "have no training rows or no test rows of them"
        )


def check_metric(dataset: Dataset, metric: Metric) -> Iterator[Finding]:
    """Report why log loss is the metric, or which class is the positive one."""
    share = minority_share(dataset)
    if metric.name == "log_loss" and share < RARE_SHARE:
        yield METRIC_CHOICE.report(
            f"The metric is log loss: only {100 * share:.2g} % of the rows are outside the most "
            "frequent class, so always predicting that class already has a low error."
        )
    if metric.positive is not None:
        label = quote_name(dataset.classes[metric.positive])
        n_rows = int(np.bincount(dataset.y, minlength=2)[metric.positive])
        yield METRIC_CHOICE.report(
            f"The positive class of {metric.name} is {label} ({format_rows(n_rows)} of "
            f"{len(dataset.y):,}); by default it is the rarer one."
        )


def check_power(
    dataset: Dataset, design: Design, metric: Metric, rope: float, n_contenders: int
) -> Iterator[Finding]:
    """Report if the test rows are too few for the ROPE."""
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
    from graduel.duel.plan.power import explain_power  # imports SciPy, which fits do not need

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
    """Report test rows with the same features as a training row."""
    if n_leaked:
        yield LEAKED_ROWS.report(
            f"{n_leaked:,} of {format_quantity(n_test, 'test row')} "
            f"{agree(n_leaked, 'has', 'have')} the same features as a training row: a model can "
            "predict them by memorizing, without generalizing"
        )


def check_workers(protocol: Protocol) -> Iterator[Finding]:
    """Report contenders that are fitted in one process although there are workers."""
    if protocol.workers == 1:
        return
    for name in protocol.contenders:
        if reason := protocol.explain_one_process(name):
            threads = "with all threads" if protocol.threads != 1 else "with one thread"
            yield ONE_PROCESS.report(f"{name} is fitted in one process, {threads}: {reason}")


def check_estimators(
    contenders: Sequence[UserContender], budget: str, task: TaskKind = "classification"
) -> Iterator[Finding]:
    """Report missing methods and search spaces of the user's own contenders.

    `budget` is the kind of budget: "none", "trials" or "seconds".
    """
    for one in contenders:
        if one.lacks_probabilities and task == "classification":
            yield NO_PROBABILITIES.report(
                f"{one.title} has no predict_proba: its predicted class gets probability 1, so its "
                "log loss, Brier score and ranking metrics are of little use"
            )
        if budget != "none" and not one.recipe.space:
            yield NO_SEARCH_SPACE.report(
                f"{one.title} has no search space: it is fitted once, with the parameters you set"
            )

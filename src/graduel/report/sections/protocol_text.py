"""The protocol of a duel in words: data, splits, metric, budget, and how verdicts are reached."""

from __future__ import annotations

from graduel.duel.result.outcome import Run
from graduel.number_format import format_seconds


def name_run(run: Run) -> str:
    """Return what one fit of a contender is called: "Seed", or "Fit" in cross-validation."""
    return "Fit" if "x" in run.result.protocol.split else "Seed"


def describe_test_rows(run: Run) -> str:
    """Return where the test rows come from.

    In cross-validation every row is a test row of one fold of each repeat.
    """
    split = run.result.protocol.split
    if split == "given":
        return "the data set’s own test split"
    if split == "holdout":
        return "a fifth of the rows, drawn by class; rows with equal features stay together"
    folds, _, repeats = split.partition("x")
    times = "" if repeats == "1" else f", {repeats} times"
    return (
        f"{folds}-fold cross-validation{times}: every row is a test row once in each repeat; "
        "rows with equal features stay in one fold"
    )


def build_terms(run: Run) -> list[tuple[str, str]]:
    """Return the protocol as terms and descriptions."""
    data, protocol = run.result.dataset, run.result.protocol
    part = "" if protocol.rows is None else ", a stratified part of the training rows"
    threads = f"{protocol.threads} {'thread' if protocol.threads == 1 else 'threads'}"
    terms = [
        ("Data", f"{data.name}: {data.n_features:,} features, {data.n_classes:,} classes"),
        (
            "Rows",
            f"{data.n_train:,} training rows and {data.n_valid:,} validation rows{part}; "
            f"{data.n_test:,} test rows" + (" (first fold)" if name_run(run) == "Fit" else ""),
        ),
        (
            "Test rows",
            f"{describe_test_rows(run)}; nothing is fitted, selected or stopped on them",
        ),
        ("Seeds", f"{protocol.seeds}"),
        ("Metric", _describe_metric(run)),
        ("Budget", _describe_budget(run)),
        ("Cores", f"{threads} for each contender, one at a time"),
    ]
    if protocol.quick:
        terms.append(("Quick", "yes: few rows and small budgets; the full duel may end otherwise"))
    return terms


def _describe_budget(run: Run) -> str:
    budget = run.result.protocol.budget
    if budget.kind == "trials":
        return (
            f"{budget.value:,} trials of hyperparameter search for each contender, the default "
            "recipe first"
        )
    if budget.kind == "seconds":
        return f"{format_seconds(budget.value)} of search and fitting for each contender and fit"
    return "none: every contender is fitted once, with its default recipe"


def _describe_metric(run: Run) -> str:
    protocol = run.result.protocol
    if protocol.metric == "error":
        return "error: the share of misclassified test rows"
    return f"{protocol.metric_title}: verdicts and early stopping go by it"

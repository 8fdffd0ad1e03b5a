"""The protocol of a duel in words: data, splits, metric, budget."""

from __future__ import annotations

from graduel.duel.result.outcome import Run
from graduel.duel.verdict.sentences import join_words
from graduel.number_format import format_quantity, format_seconds


def name_run(run: Run) -> str:
    """Return the name of a run of a contender: "Seed", or "Fit" in cross-validation."""
    return "Fit" if "x" in run.result.protocol.split else "Seed"


def describe_test_rows(run: Run) -> str:
    """Return in words how the test rows are chosen."""
    split = run.result.protocol.split
    by = "class" if run.result.dataset.n_classes else "ranges of the target"
    if split == "given":
        return "the test split given with the data set"
    if split == "holdout":
        return f"20 % of the rows, stratified by {by}; rows with equal features stay in one part"
    folds, _, repeats = split.partition("x")
    times = "" if repeats == "1" else f" with {repeats} repeats"
    return (
        f"{folds}-fold cross-validation{times}: each row is a test row once per repeat; "
        "rows with equal features stay in one fold"
    )


def describe_predictions(run: Run, times: int | None = None) -> str:
    """Return the number of test rows, and how often each contender predicts each of them.

    Parameters
    ----------
    run : the run
    times : predictions of each row; by default those of the first contender
    """
    rows = format_quantity(len(run.y_test), "test row")
    times = _count_predictions(run) if times is None else times
    if times == 1:
        return rows
    return f"{rows}, each predicted {times} times ({_name_causes(run, times)})"


def name_first(run: Run) -> str:
    """Return a space and which predictions of a row are shown if there are several; or ""."""
    times = _count_predictions(run)
    return "" if times == 1 else f" in the first of {times} predictions of each row"


def _count_predictions(run: Run) -> int:
    return max((len(p) for p in run.probabilities.values()), default=1)


def _name_causes(run: Run, times: int) -> str:
    """Return why rows are predicted several times: "5 seeds", "2 repeats", or both."""
    seeds = run.result.protocol.seeds if name_run(run) == "Fit" else times
    parts = [(times // seeds, "repeats"), (seeds, "seeds")]
    return join_words([f"{number} {noun}" for number, noun in parts if number > 1])


def build_terms(run: Run) -> list[tuple[str, str]]:
    """Return the protocol as (term, description) pairs."""
    data, protocol = run.result.dataset, run.result.protocol
    part = "" if protocol.rows is None else ", a stratified sample of the training rows"
    threads = format_quantity(protocol.threads, "thread")
    terms = [
        (
            "Data",
            f"{data.name}: {format_quantity(data.n_features, 'feature')}, "
            + (
                format_quantity(data.n_classes, "class") if data.n_classes else "a number as target"
            ),
        ),
        (
            "Rows",
            f"{format_quantity(data.n_train, 'training row')} and "
            f"{format_quantity(data.n_valid, 'validation row')}{part}; "
            f"{format_quantity(data.n_test, 'test row')}" + _first_fold(run),
        ),
        (
            "Test rows",
            f"{describe_test_rows(run)}; not used for fitting, selection or early stopping",
        ),
        ("Seeds", f"{protocol.seeds}"),
        ("Metric", _describe_metric(run)),
        ("Budget", _describe_budget(run)),
        ("Threads", f"{threads} for each fit, one fit at a time"),
    ]
    if protocol.workers > 1:
        terms.append(("Workers", describe_workers(protocol.workers)))
    if protocol.quick:
        terms.append(
            ("Quick", "yes: few rows and small budgets; the full duel may give a different result")
        )
    return terms


def describe_workers(workers: int) -> str:
    """Return how many processes share a fit and its threads."""
    return f"{workers} processes share each fit and its threads"


def _first_fold(run: Run) -> str:
    if name_run(run) != "Fit":
        return ""
    return f" in the first fold; over all folds, {describe_predictions(run)}"


def _describe_budget(run: Run) -> str:
    budget = run.result.protocol.budget
    if budget.kind == "trials":
        return (
            f"{format_quantity(int(budget.value or 0), 'trial')} of hyperparameter search for "
            "each contender; the first is the default recipe"
        )
    if budget.kind == "seconds":
        return f"{format_seconds(budget.value)} of search and fitting for each contender and fit"
    return "none: each contender is fitted with its default recipe"


def _describe_metric(run: Run) -> str:
    protocol = run.result.protocol
    if protocol.metric == "error":
        return "error: the share of misclassified test rows"
    return f"{protocol.metric_title}; used for verdicts and early stopping"

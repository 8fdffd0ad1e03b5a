"""The Python entry points of duels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graduel.data.source import DataSource, open_source, sample_if_large, source_from_arrays
from graduel.data.task import TaskKind
from graduel.duel.argument_check import check_arguments, known_names
from graduel.duel.duel_progress import ProgressKind, make_observer
from graduel.duel.plan.defaults import QUICK_ROWS
from graduel.duel.plan.user_estimators import parse_contenders
from graduel.duel.result import result_builder
from graduel.duel.result.outcome import Run
from graduel.duel.result.python_words import name_parameters
from graduel.duel.run.clusters import open_executor
from graduel.duel.session import plan_session
from graduel.errors import UserError, python_errors
from graduel.train.recipes import RecipeLike


@python_errors
def load_run(path: str | Path) -> Run:
    """Load a finished duel from its folder, without training anything.

    Raises
    ------
    UserError
        If the folder is not a finished duel.
    """
    return name_parameters(result_builder.load_run(path))


@python_errors
@known_names
def run_duel(
    dataset: Any = "mnist",
    y: Any = None,
    *,
    X_test: Any = None,
    y_test: Any = None,
    target: str | None = None,
    categorical: str | Sequence[str] | None = None,
    numeric: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    bins: int | None = None,
    task: TaskKind | None = None,
    log_target: bool | None = None,
    group: str | None = None,
    time: str | None = None,
    test: str | Path | None = None,
    missing: str | Sequence[str] | None = None,
    date_order: str | None = None,
    separator: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    header: bool | int | None = None,
    names: str | Sequence[str] | None = None,
    quote: str | None = None,
    size: tuple[int, int] | None = None,
    contenders: str | Sequence[Any] | Mapping[str, Any] | None = None,
    net: RecipeLike | None = None,
    seeds: int = 1,
    rows: int | None = None,
    quick: bool = False,
    threads: int | str | None = None,
    out: str | Path | None = None,
    split: str | int | None = None,
    metric: str | None = None,
    positive: object = None,
    rope: float | None = None,
    probes: bool = True,
    budget: str | float | None = None,
    trials: int | None = None,
    show_rows: bool = False,
    sizes: Sequence[int] | str | None = None,
    workers: int = 1,
    executor: Any = None,
    retries: int = 2,
    progress: ProgressKind = "auto",
) -> Run:
    """Run a duel and return its result, as ``graduel duel`` does.

    Parameters
    ----------
    dataset : name of a built-in data set, file or folder; a Polars or pandas DataFrame with a
        target column; or features for `y`
    y : labels, if `dataset` is the features
    X_test, y_test : test rows in the form of `dataset` and `y`, read with the columns, types and
        classes of these; by default test rows are split off
    target : the target column of a table; by default the column that is probably the target
    categorical, numeric : columns to treat as categories or as numbers; the types of the others
        are inferred
    drop : columns that are not used
    log_target : predict the logarithm of a positive target; errors are those of the target itself
    task : "classification" or "regression"; by default by the values of the target
    bins : predict ranges of a numeric target: the number of ranges with equal numbers of rows
    group : the column whose equal values stay on one side of every split; not used as a feature
    time : the column that orders rows in time; the latest rows are the test rows
    test : a file with the test rows of a table
    missing : further cells that mean a missing value
    date_order : ``dmy`` or ``mdy``: what comes first in dates that do not show it
    separator, decimal, encoding, quote : of a text file, where detection fails
    header : whether a text file has a line of names, or the number of that line, from 1
    names : the names of the columns of a text file
    size : (height, width) to which images are scaled
    contenders : a list of names and of your own classifiers, such as ``["net", SVC()]``; by default
        'textbook', 'net' and 'xgboost'. Or a mapping of your classifiers by name,
        ``{"mine": estimator}`` or ``{"mine": (estimator, space)}``, compared with the default
        contenders, or with those the mapping sets to None
    net : the recipe of the contender 'net': a ``NetRecipe``, or changes to the default such as
        ``"layers=64 epochs=5"`` or ``{"layers": (64,), "epochs": 5}``
    seeds : number of fits of each contender, each with other validation rows and random numbers
    rows : train on a stratified subsample of this many training and validation rows
    quick : use 10,000 rows and short fits
    threads : threads of each contender; by default ``auto``, the cores that are idle when the run
        begins
    out : the run's folder; the same call with the same folder resumes an interrupted run
    split : ``given``, ``shuffle``, a number of folds, or folds and repeats such as ``5x2``; the
        default depends on the data
    metric : the metric to compare, also used for model selection and early stopping; by default the
        error, or log loss if nearly all rows are of one class
    positive : the label of the positive class of metrics such as ``f1``; by default the rarer of
        the two classes
    rope : the largest difference in that metric without practical relevance
    probes : measure robustness and feature importance of every fitted model on test rows
    budget : time budget of each contender in each run, for hyperparameter search and fits, in
        seconds or such as ``"2m"``; by default each contender is fitted once with its default
        recipe
    trials : number of hyperparameter-search trials, instead of `budget`; the first is the default
        recipe
    show_rows : let the report show rows of your data
    sizes : numbers of training rows for a learning curve, or ``auto``: one more duel per size, on
        the same test rows
    workers : number of processes that share each fit of a network, a textbook network or XGBoost,
        and its threads; other contenders are fitted in one process with all threads
    executor : where the runs are computed: a ``distributed.Client`` of a Dask cluster, the address
        of its scheduler, ``local:4`` for a cluster of 4 workers on this machine, or an object with
        the methods of :class:`~graduel.duel.run.executor.Executor`; by default this machine, one
        run after the other
    retries : how often a run is started again because its worker on a cluster was lost, or one of
        its `workers` died
    progress : where the progress is shown: 'terminal' (a line on standard error), 'notebook',
        'none', or 'auto', whichever this is

    Raises
    ------
    UserError
        If a name is unknown, a number out of range, or the duel cannot be run. If one of your own
        classifiers fails, the message has the line of your code.
    WorkerError
        If a worker process dies without reporting an error.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.naive_bayes import GaussianNB
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = run_duel(
    ...         "wine", contenders=["textbook", GaussianNB()], split="holdout", quick=True,
    ...         threads=1, out=folder,
    ...     )
    >>> list(run.result.contenders)
    ['textbook', 'GaussianNB']
    """
    check_arguments(run_duel, {k: v for k, v in locals().items() if k != "contenders"})
    observer = make_observer(progress)
    source = {
        "target": target,
        "categorical": categorical,
        "numeric": numeric,
        "drop": drop,
        "bins": bins,
        "task": task,
        "log_target": log_target or None,
        "group": group,
        "time": time,
        "test": test,
        "missing": missing,
        "date_order": date_order,
        "separator": separator,
        "decimal": decimal,
        "encoding": encoding,
        "header": header,
        "names": names,
        "quote": quote,
        "size": size,
    }
    read_options = {k: v for k, v in source.items() if v is not None}
    data = resolve_source(dataset, y, read_options, X_test, y_test)
    data = sample_if_large(data, rows or (QUICK_ROWS if quick else None))
    contender_names, user_contenders = parse_contenders(contenders)
    if sizes is not None and not isinstance(sizes, str):
        sizes = ",".join(map(str, sizes))
    name = repr(data.name) if data.is_builtin else "…"
    with open_executor(executor, retries=retries) as where:
        session = plan_session(
            data,
            out=out,
            sizes=sizes,
            user_contenders=user_contenders,
            command=f"graduel.run_duel({name}, …)",
            show_rows=show_rows,
            executor=where,
            contenders=contender_names,
            net=net,
            seeds=seeds,
            rows=rows,
            quick=quick,
            threads=threads,
            split=split if split is None else str(split),
            metric=metric,
            positive=positive,
            rope=rope,
            budget=budget,
            trials=trials,
            probes=probes,
            workers=workers,
        )
        return name_parameters(session.run(observer))


def resolve_source(
    dataset: Any, y: Any, source: dict[str, Any], X_test: Any = None, y_test: Any = None
) -> DataSource:
    """Return the data source for a name, file, DataFrame or arrays."""
    options = {
        key: tuple([value] if isinstance(value, str) else value)
        if key in ("categorical", "numeric", "drop", "names", "missing")
        else value
        for key, value in source.items()
    }
    if not isinstance(dataset, str | Path):
        return source_from_arrays(dataset, y, X_test=X_test, y_test=y_test, **options)
    if X_test is not None or y_test is not None:
        raise UserError("X_test is for features in memory; for a file, pass test= its test table")
    if y is not None:
        raise UserError("y is for features in memory; for a file or a name, pass target= instead")
    return open_source(dataset, **options)

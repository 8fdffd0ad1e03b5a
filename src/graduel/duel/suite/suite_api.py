"""The Python entry point of suites."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from graduel.data import DATASETS
from graduel.data.read.table_folder import list_tables
from graduel.data.spec import SourceSpec
from graduel.duel.argument_check import check_arguments, check_names, list_parameters
from graduel.duel.duel_api import resolve_source, run_duel
from graduel.duel.duel_progress import ProgressKind, make_observer
from graduel.duel.plan.user_estimators import parse_contenders
from graduel.duel.result.outcome import Suite
from graduel.duel.run.clusters import open_executor
from graduel.duel.run.job import Event
from graduel.duel.session import Observer
from graduel.duel.store.store import Store
from graduel.duel.suite.suite_plan import SuitePlan, plan_suite
from graduel.duel.suite.suite_runner import SuiteObserver, run_plan
from graduel.errors import python_errors

OPTIONS = tuple(
    name
    for name in list_parameters(run_duel)
    if name not in ("dataset", "y", "X_test", "y_test", "sizes", "show_rows")
)
"""The options of a duel that a suite takes."""


def default_folder(plan: SuitePlan) -> Path:
    """Return the default folder of a suite; the same command gives the same folder."""
    quick = "-quick" if plan.options.get("quick") else ""
    return Path("duels") / f"suite{quick}-{plan.digest}"


class SuiteProgress(SuiteObserver):
    """Shows the progress of one duel of a suite after the other."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def watch(self, store: Store, events: Iterator[Event]) -> None:
        """Consume the events of one duel."""
        self._observer.watch(store, events)


@python_errors
def run_suite(
    datasets: Sequence[Any] | Mapping[str, Any] | str | Path,
    *,
    out: str | Path | None = None,
    executor: Any = None,
    retries: int = 2,
    progress: ProgressKind = "auto",
    **options: Any,
) -> Suite:
    """Run a duel on several data sets with the same options, and compare across data sets.

    Equivalent to ``graduel duel a.csv b.csv``. If the duel on a data set fails, the failure is in
    ``suite.result.failures`` and the other duels are run.

    Parameters
    ----------
    datasets : names, files or folders, where a folder of tables means all tables in it; or data by
        name: ``{"mine": df}`` with a target column, or ``{"mine": (X, y)}``
    out : the suite's folder; the same call with the same folder resumes an interrupted suite
    executor, retries : see :func:`graduel.run_duel`; on a cluster, several duels run at the same
        time, and no progress is shown
    progress : see :func:`graduel.run_duel`
    options : see :func:`graduel.run_duel`; the same for every data set

    Raises
    ------
    UserError
        If there are no data sets, an option is wrong for all of them, or the folder holds other
        files.

    Examples
    --------
    >>> import graduel, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     options = {"split": "holdout", "quick": True, "threads": 1, "out": folder}
    ...     suite = graduel.run_suite(["iris", "wine"], contenders=["textbook"], **options)
    >>> [dataset.name for dataset in suite.result.datasets]
    ['iris', 'wine']
    """
    check_names(run_suite, options, OPTIONS)
    check_arguments(run_duel, {k: v for k, v in options.items() if k != "contenders"})
    observer = SuiteProgress(make_observer(progress))
    if isinstance(options.get("split"), int):
        options["split"] = str(options["split"])
    fields = SourceSpec.__dataclass_fields__
    source = {name: options.pop(name) for name in list(options) if name in fields}
    names = list(datasets) if isinstance(datasets, Mapping) else None
    every = list(datasets.values()) if isinstance(datasets, Mapping) else expand_datasets(datasets)
    pairs = [one if isinstance(one, tuple) else (one, None) for one in every]
    data = [resolve_source(X, y, source) for X, y in pairs]
    options["contenders"], user_contenders = parse_contenders(options.get("contenders"))
    plan = plan_suite(data, names=names, user_contenders=user_contenders, **options)
    folder = default_folder(plan) if out is None else Path(out)
    with open_executor(executor, retries=retries) as where:
        return run_plan(folder, plan, observer, executor=where)


def expand_datasets(datasets: Sequence[Any] | str | Path) -> list[Any]:
    """Return a list of data sets, with folders of tables replaced by their tables.

    >>> expand_datasets(["mnist", "iris"])
    ['mnist', 'iris']
    """
    expanded: list[Any] = []
    for one in [datasets] if isinstance(datasets, str | Path) else datasets:
        is_path = isinstance(one, str | Path) and str(one) not in DATASETS
        expanded += (list_tables(Path(one)) if is_path else []) or [one]
    return expanded

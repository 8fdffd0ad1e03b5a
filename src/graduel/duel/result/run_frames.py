"""The content of a run as DataFrames."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from graduel.duel.result.duel_result import Result
from graduel.errors import unknown

Library = Literal["polars", "pandas"]
"""The package of a DataFrame."""


class RunFrames:
    """Methods of a run that return DataFrames, of Polars or of pandas.

    Errors, differences and intervals are shares from 0 to 1, times are in seconds, sizes in bytes.
    """

    __slots__ = ()

    result: Result
    probabilities: dict[str, NDArray[Any]]
    curve_points: dict[str, list[list[tuple[float, float]]]]
    y_test: NDArray[Any]
    classes: tuple[str, ...]
    rows: NDArray[Any] | None

    def table(self, library: Library = "polars") -> Any:
        """Return quality and costs, a row for each contender; times are means over the runs.

        ``metric`` is the duel's metric, with which verdicts compare. In a regression, RMSE, mean
        and median absolute error and R² take the place of test error, log loss and Brier score.
        """
        rows = []
        for name, entry in self.result.contenders.items():
            low, high = entry.curve_loss_interval
            loss = "rmse" if entry.test_error is None else "test_error"
            more = ("log_loss", "brier") if entry.rmse is None else ("mae", "median_error", "r2")
            rows.append(
                {
                    "contender": name,
                    "title": entry.title,
                    "metric": entry.leading_metric,
                    loss: entry.curve_loss,
                    f"{loss}_low": low,
                    f"{loss}_high": high,
                    **{one: getattr(entry, one) for one in more},
                    "fit_seconds": mean(entry.fit_seconds),
                    "predict_row_seconds": entry.predict_row_seconds,
                    "predict_batch_seconds": entry.predict_batch_seconds,
                    "peak_memory_bytes": entry.peak_memory_bytes,
                    "model_bytes": entry.model_bytes,
                }
            )
        return build_frame(rows, library)

    def verdicts(self, library: Library = "polars") -> Any:
        """Return the verdicts, a row for each pair; a positive difference means that b is better.

        ``low`` and ``high`` are the confidence interval of the difference; with several pairs it is
        simultaneous.
        """
        rows = [
            {
                "a": pair.a,
                "b": pair.b,
                "verdict": pair.verdict,
                "difference": pair.difference,
                "low": pair.printed_interval[0],
                "high": pair.printed_interval[1],
                "level": pair.interval_level,
                "rope": pair.rope,
                "p_value": pair.p_value,
                "p_adjusted": pair.p_adjusted,
                "test": pair.test,
                "sentence": pair.sentence,
            }
            for pair in self.result.comparisons
        ]
        return build_frame(rows, library, ("a", "b", "verdict"))

    def predictions(self, library: Library = "polars") -> Any:
        """Return the predictions: a row for each contender, repeat or seed, and test row.

        ``row`` is the row number in your table, from 0; for other data, the position among the test
        rows. ``p(label)`` is the probability of a class. In a regression ``true`` and ``predicted``
        are numbers.
        """
        import polars as pl

        n = len(self.y_test)
        positions = np.arange(n) if self.rows is None else np.asarray(self.rows)
        if not self.result.dataset.n_classes:
            parts = [
                pl.DataFrame(
                    {
                        "contender": np.repeat(name, n),
                        "repeat": np.full(n, repeat),
                        "row": positions,
                        "true": self.y_test,
                        "predicted": p[:, 0],
                    }
                )
                for name, runs in self.probabilities.items()
                for repeat, p in enumerate(runs)
            ]
            return _convert(pl.concat(parts) if parts else pl.DataFrame(), library)
        labels = np.array(self.classes or [str(k) for k in range(self.result.dataset.n_classes)])
        frames = []
        for name, runs in self.probabilities.items():
            for repeat, p in enumerate(runs):
                columns: dict[str, Any] = {
                    "contender": np.repeat(name, n),
                    "repeat": np.full(n, repeat),
                    "row": positions,
                    "true": labels[self.y_test],
                    "predicted": labels[p.argmax(axis=1)],
                }
                columns |= {f"p({label})": p[:, k] for k, label in enumerate(labels.tolist())}
                frames.append(pl.DataFrame(columns))
        return _convert(pl.concat(frames) if frames else pl.DataFrame(), library)

    def trials(self, library: Library = "polars") -> Any:
        """Return the hyperparameter search, a row for each trial; empty without a search.

        ``loss`` is the duel's metric as a loss on the validation rows. Each hyperparameter has a
        column; a list is text.
        """
        rows = []
        for name, entry in self.result.contenders.items():
            for run, trials, best in zip(
                self._run_numbers(name, len(entry.trials)),
                entry.trials,
                entry.best_trial,
                strict=True,
            ):
                for trial in trials:
                    row = {
                        "contender": name,
                        "run": run,
                        "trial": trial.number,
                        "state": trial.state,
                        "loss": trial.loss,
                        "seconds": trial.seconds,
                        "is_best": trial.number == best,
                    }
                    plain = {
                        key: ",".join(map(str, value)) if isinstance(value, list | tuple) else value
                        for key, value in trial.params.items()
                    }
                    rows.append(row | {k: v for k, v in plain.items() if k not in row})
        return build_frame(rows, library, ("contender", "run", "trial", "state", "loss"))

    def curves(self, library: Library = "polars") -> Any:
        """Return the race: a row for each contender, run and checkpoint of its training."""
        loss = "test_error" if self.result.dataset.n_classes else "rmse"
        rows = [
            {"contender": name, "run": run, "seconds": seconds, loss: error}
            for name, curves in self.curve_points.items()
            for run, curve in zip(self._run_numbers(name, len(curves)), curves, strict=True)
            for seconds, error in curve
        ]
        return build_frame(rows, library, ("contender", "run", "seconds", loss))

    def _run_numbers(self, name: str, count: int) -> list[int]:
        """Return the numbers of the finished runs of a contender."""
        missing = self.result.missing
        absent = set() if missing is None else set(missing.runs.get(name, ()))
        return [run for run in range(count + len(absent)) if run not in absent][:count]


def build_frame(
    rows: Sequence[dict[str, Any]], library: Library, columns: Sequence[str] = ()
) -> Any:
    """Return a DataFrame of rows, which may lack columns; `columns` are those without any row.

    Raises
    ------
    UserError
        If `library` is neither "polars" nor "pandas".
    """
    import polars as pl

    names = list(dict.fromkeys(name for row in rows for name in row)) or list(columns)
    series = [pl.Series(name, [row.get(name) for row in rows], strict=False) for name in names]
    return _convert(pl.DataFrame(series), library)


def _convert(frame: Any, library: Library) -> Any:
    """Return a Polars DataFrame in the package of that name; pandas needs no Arrow for it."""
    if library not in get_args(Library):
        raise unknown("library", str(library), get_args(Library))
    if library == "polars":
        return frame
    import pandas as pd

    return pd.DataFrame(frame.to_dict(as_series=False))

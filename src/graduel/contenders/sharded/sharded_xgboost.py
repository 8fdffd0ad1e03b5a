"""XGBoost on a table larger than memory: histogram bins in memory, or in a cache on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from xgboost import DataIter, ExtMemQuantileDMatrix, QuantileDMatrix, train
from xgboost.callback import EarlyStopping, TrainingCallback

from graduel.contenders.contender import Array, Notify, Progress
from graduel.contenders.fit_job import Clock, selection_details
from graduel.contenders.prepared_table import PreparedTable
from graduel.contenders.xgboost_recipes import XGBoostRecipe
from graduel.contenders.xgboost_settings import settings_of_recipe
from graduel.data.prepare.preparation import TreePreparation
from graduel.data.read.file_checks.memory_check import free_bytes
from graduel.data.row_groups.prepared_stream import CHUNK
from graduel.data.row_groups.row_assignment import TRAIN
from graduel.data.row_groups.sharded_table import ShardedTable
from graduel.errors import UserError
from graduel.models.model import Model

BYTES_A_CELL = 7
"""Approximate size of a cell in XGBoost's histogram bins of a table with missing values."""
SHARE_OF_MEMORY = 0.25
"""Share of the free memory above which the bins are in a cache on disk."""
BATCH = 1 << 18
"""Rows that XGBoost takes at a time; in the cache on disk, a page."""
RENAMED = {
    "learning_rate": "eta",
    "n_jobs": "nthread",
    "random_state": "seed",
    "reg_alpha": "alpha",
    "reg_lambda": "lambda",
}


class RowGroups(DataIter):
    """Prepared training rows of the row groups, as XGBoost's ``DataIter``."""

    def __init__(
        self, table: ShardedTable, preparation: TreePreparation, classes: Array, cache: str | None
    ) -> None:
        self._table, self._preparation, self._classes = table, preparation, classes
        self._blocks: Iterator[tuple[Array, Array]] = iter(())
        super().__init__(cache_prefix=cache)

    def reset(self) -> None:
        """Start at the first row group."""
        self._blocks = self._prepare()

    def next(self, input_data: Callable[..., Any]) -> bool:
        """Pass the next rows to XGBoost; return whether there were any."""
        block = next(self._blocks, None)
        if block is None:
            return False
        kinds = self._preparation.feature_types
        input_data(data=block[0], label=block[1], feature_types=kinds)
        return True

    def _prepare(self) -> Iterator[tuple[Array, Array]]:
        """Yield batches of at least :data:`BATCH` rows, except for the last."""
        pieces: list[tuple[Array, Array]] = []
        n = 0
        for features, codes in self._table.blocks(TRAIN):
            for start in range(0, len(codes), CHUNK):
                part = features[start : start + CHUNK]
                y = np.searchsorted(self._classes, codes[start : start + CHUNK])
                pieces.append((self._preparation.transform(part), y))
                n += len(y)
                if n >= BATCH:
                    yield _join(pieces)
                    pieces, n = [], 0
        if pieces:
            yield _join(pieces)


def _join(pieces: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    rows, codes = zip(*pieces, strict=True)
    return np.concatenate(rows), np.concatenate(codes)


def fit_xgboost(
    recipe: XGBoostRecipe,
    table: ShardedTable,
    *,
    metric: str,
    title: str,
    seed: int,
    threads: int,
    notify: Notify,
) -> tuple[Model, dict[str, Any], float]:
    """Fit with the recipe's parameters; return the model, its details and the seconds.

    As in memory, the rounds stop by log loss on the validation rows, unless the recipe stops by the
    error. The bins are in memory, or in a cache on disk if they are larger than a quarter of the
    free memory; the trees are the same.

    Raises
    ------
    UserError
        If the recipe needs all rows in memory.
    """
    if recipe.copies:
        raise UserError(
            "--contender: augmented copies of rows need all rows in memory; this table is read "
            "from disk. Choose xgboost"
        )
    clock, rounds = Clock(), recipe.n_estimators
    preparation = TreePreparation.from_summaries(table.summaries)
    classes = np.flatnonzero(table.counts[TRAIN])
    is_known = np.isin(table.valid[1], classes)
    valid_X = preparation.transform(table.valid[0].filter(is_known))
    valid_y = np.searchsorted(classes, table.valid[1][is_known])
    is_binary = len(classes) == 2
    losses, errors = ("logloss", "error") if is_binary else ("mlogloss", "merror")
    by_error = recipe.stops_by == "metric" and metric in ("error", "accuracy")
    params = _parameters(recipe, preparation, len(classes))
    params |= {"nthread": threads, "seed": seed, "eval_metric": [errors, losses]}
    history: dict[str, Any] = {}

    class Report(TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            scores = evals_log["valid"]
            loss = scores[errors if metric in ("error", "accuracy") else losses][-1]
            share = (epoch + 1) / rounds
            error, selected = scores[errors][-1], scores[errors if by_error else losses][-1]
            selection = ("error" if by_error else "log_loss", selected)
            return bool(notify(Progress(share, clock.seconds, error, loss, selection=selection)))

    callbacks: list[Any] = [Report()]
    if recipe.early_stopping_rounds:
        callbacks.append(
            EarlyStopping(
                rounds=recipe.early_stopping_rounds,
                metric_name=errors if by_error else losses,
                data_name="valid",
            )
        )
    size = table.n_train * len(preparation.names) * BYTES_A_CELL
    with TemporaryDirectory(prefix="graduel-", ignore_cleanup_errors=True) as folder:
        on_disk = size > SHARE_OF_MEMORY * free_bytes()
        cache = str(Path(folder) / "bins") if on_disk else None
        rows = RowGroups(table, preparation, classes, cache)
        options = {
            "max_bin": recipe.max_bin,
            "missing": np.nan,
            "enable_categorical": True,
            "nthread": threads,
        }
        matrix = (ExtMemQuantileDMatrix if on_disk else QuantileDMatrix)(rows, **options)
        types = preparation.feature_types
        valid = QuantileDMatrix(valid_X, valid_y, feature_types=types, ref=matrix, **options)
        booster = train(
            params,
            matrix,
            num_boost_round=rounds,
            evals=[(valid, "valid")],
            evals_result=history,
            verbose_eval=False,
            callbacks=callbacks,
        )
        del matrix, valid
    scores = history["valid"]
    n_rounds = len(scores[errors])
    best = n_rounds - 1
    if recipe.early_stopping_rounds:
        first, second = (errors, losses) if by_error else (losses, errors)
        ties = scores[second] if by_error else np.arange(n_rounds)
        best = int(np.lexsort((ties, scores[first]))[0])
    details = {
        "best_round": best + 1,
        "rounds": n_rounds,
        "valid_error": float(scores[errors][best]),
        "bins": "on disk" if on_disk else "in memory",
    }
    if recipe.early_stopping_rounds:
        details |= selection_details("error" if by_error else "log_loss", scores[first][best])
    codes = tuple(int(code) for code in classes)
    model = Model(
        "xgboost", title, table.schema, preparation, booster=booster[: best + 1], class_codes=codes
    )
    return model, details, clock.stop()


def _parameters(
    recipe: XGBoostRecipe, preparation: TreePreparation, n_classes: int
) -> dict[str, Any]:
    """Return the parameters of ``xgboost.train`` that equal those of ``XGBClassifier``."""
    one_tree = n_classes == 2 or "c" in preparation.feature_types
    settings = settings_of_recipe(recipe, PreparedTable(preparation), one_tree)
    for name in ("n_estimators", "early_stopping_rounds", "feature_types", "enable_categorical"):
        settings.pop(name, None)
    params = {RENAMED.get(name, name): value for name, value in settings.items()}
    params |= {"tree_method": "hist", "objective": "binary:logistic"}
    if n_classes > 2:
        params |= {"objective": "multi:softprob", "num_class": n_classes}
    return params

"""One worker of a boosting: XGBoost on a contiguous shard of the rows, over the same collective.

XGBoost merges the quantile sketches of the shards and adds up their histograms, as
``xgboost.dask`` does.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from graduel.contenders.contender import Progress
from graduel.contenders.fit_job import Clock, selection_details
from graduel.contenders.workers.row_group_job import KEY, describe_table, finish, open_shard
from graduel.contenders.workers.train_job import Emit, TrainJob, Wait
from graduel.contenders.xgboost_recipes import XGBoostRecipe
from graduel.serialize import from_plain
from graduel.train.io.checkpoint_file import save_checkpoint
from graduel.train.loop.parallel import Collective, DataParallel


def train_trees(
    job: TrainJob, collective: Collective, emit: Emit, wait: Wait, clock: Clock
) -> None:
    """Train all rounds on this worker's shard; worker 0 writes the booster.

    A training that lost a worker starts again from the first round.
    """
    if KEY in job.options:
        return _train_on_row_groups(job, collective, emit, clock)
    import xgboost
    from xgboost.callback import EarlyStopping, TrainingCallback

    options = job.options
    shards = []
    for X, y in (("X", "y"), ("valid_X", "valid_y")):
        rows, codes = job.rows(X), job.rows(y)
        start, stop = DataParallel(collective, 0).bounds(len(rows))
        shards.append(
            xgboost.DMatrix(
                rows[start:stop],
                codes[start:stop],
                feature_types=options["feature_types"],
                enable_categorical=bool(options["feature_types"]),
                missing=np.nan,
                nthread=job.threads,
            )
        )
    rounds = options["rounds"]

    class Watch(TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            history, name = evals_log["valid"], "error" if options["by_error"] else "loss"
            error, loss = (float(history[options[one]][-1]) for one in ("error", name))
            selection = "error" if options["by_error"] else "log_loss", loss
            if job.paced:
                clock.stop()
            emit(_round((epoch + 1) / rounds, error, selection, clock))
            if not job.paced:
                return False
            stop = wait()
            clock.resume()
            return stop and epoch > 0  # XGBoost has no best round before the second one

    callbacks: list[Any] = [Watch()]
    if options["early_stopping_rounds"]:
        callbacks.append(EarlyStopping(options["early_stopping_rounds"]))
    history: dict[str, Any] = {}
    booster = xgboost.train(
        options["parameters"] | {"nthread": job.threads},
        shards[0],
        num_boost_round=rounds,
        evals=[(shards[1], "valid")],
        evals_result=history,
        verbose_eval=False,
        callbacks=callbacks,
    )
    done = len(history["valid"][options["error"]])
    best = int(booster.best_iteration) if options["early_stopping_rounds"] else done - 1
    if options["by_error"] and options["early_stopping_rounds"]:
        errors, losses = (history["valid"][options[name]] for name in ("error", "loss"))
        best = int(np.lexsort((losses, errors))[0])
        booster.best_iteration = best
    if not collective.rank:
        progress = {"rounds": done, "best_round": best + 1, "seconds": clock.seconds}
        progress["valid_error"] = float(history["valid"][options["error"]][best])
        if options["early_stopping_rounds"]:
            name, key = ("error", "error") if options["by_error"] else ("log_loss", "loss")
            loss = float(history["valid"][options[key]][best])
            progress |= selection_details(name, loss)
        content = np.frombuffer(bytes(booster.save_raw("ubj")), np.uint8)
        save_checkpoint(Path(job.checkpoint), progress, {"booster": content})
    emit({"kind": "end"})
    return None


def _round(
    share: float, error: float, selection: tuple[str, float], clock: Clock
) -> dict[str, Any]:
    """Return the event of a round: its share, error, and the metric that selects the last round."""
    about = {"share": share, "error": error, "selection": list(selection)}
    return {"kind": "round", **about, "seconds": clock.seconds}


def _train_on_row_groups(job: TrainJob, collective: Collective, emit: Emit, clock: Clock) -> None:
    """Train all rounds on this worker's row groups, and validate on its share of those rows."""
    from graduel.contenders.sharded.sharded_xgboost import fit_xgboost

    table = open_shard(job, collective)
    emit(describe_table(table))
    X, y = table.valid
    start, stop = DataParallel(collective, 0).bounds(len(y))

    def notify(progress: Progress) -> None:
        assert progress.selection is not None
        emit(_round(progress.share, progress.valid_error, progress.selection, clock))

    model, details, _ = fit_xgboost(
        from_plain(XGBoostRecipe, job.recipe),
        replace(table, valid=(X[start:stop], y[start:stop])),
        metric=job.metric,
        title=job.options["title"],
        seed=job.options[KEY]["seed"],
        threads=job.threads,
        notify=notify,
    )
    emit({"kind": "details", **details})
    finish(job, collective, model, table, emit)
    emit({"kind": "end"})

"""One worker of a boosting: XGBoost on a contiguous shard of the rows, over the same collective.

XGBoost merges the quantile sketches of the shards and adds up their histograms, as
``xgboost.dask`` does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from graduel.contenders.fit_job import Clock, selection_details
from graduel.contenders.workers.train_job import Emit, TrainJob
from graduel.train.io.checkpoint_file import save_checkpoint
from graduel.train.loop.parallel import Collective, DataParallel


def train_trees(job: TrainJob, collective: Collective, emit: Emit, clock: Clock) -> None:
    """Train all rounds on this worker's shard; worker 0 writes the booster.

    A training that lost a worker starts again from the first round.
    """
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
            history = evals_log["valid"]
            emit(
                {
                    "kind": "round",
                    "share": (epoch + 1) / rounds,
                    "error": float(history[options["error"]][-1]),
                    "loss": float(history[options["loss"]][-1]),
                    "seconds": clock.seconds,
                }
            )
            return False

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

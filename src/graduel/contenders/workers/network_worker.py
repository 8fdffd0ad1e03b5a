"""One worker of a network's training: epochs, checkpoints, and resuming from the last one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from graduel.contenders.contender import Array
from graduel.contenders.fit_job import Clock
from graduel.contenders.sharded.sharded_net import start_streamed_training
from graduel.contenders.workers.row_group_job import KEY, describe_table, finish, open_shard
from graduel.contenders.workers.train_job import Emit, TrainJob, Wait, check_key
from graduel.data.prepare.preparation import NetPreparation
from graduel.data.row_groups.sharded_table import ShardedTable
from graduel.errors import UserError
from graduel.models.model import Model
from graduel.train import DivergedError, Epoch
from graduel.train.io.checkpoint_file import load_checkpoint, save_checkpoint
from graduel.train.loop.parallel import Collective
from graduel.train.loop.training import BestEpoch, Training
from graduel.train.recipes import NetRecipe


def build_recipe(job: TrainJob) -> NetRecipe:
    """Return the recipe of a job."""
    lists: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in job.recipe.items()
    }
    return NetRecipe(**lists)


def train_network(
    job: TrainJob, collective: Collective, emit: Emit, wait: Wait, clock: Clock
) -> None:
    """Train from the last checkpoint, or from the start; worker 0 writes checkpoints.

    Those of a paced job have the weights for predictions too, and the event of their epoch, which
    is emitted again when the training resumes: the parent may not have received it.
    """
    training, rows = _load_rows(job, collective, emit)
    best = BestEpoch(training.prediction_weights.copy())
    path, before, steps = Path(job.checkpoint), 0.0, 0
    if path.exists():
        progress, arrays = load_checkpoint(path)
        check_key(path, progress, job.key)
        training.restore(best, progress, arrays)
        before = progress["seconds"]
        if job.paced and _pause(clock, progress["event"], emit, wait):
            emit({"kind": "end"})
            return

    def save(event: dict[str, Any] | None = None) -> None:
        if collective.rank:
            return
        progress, arrays = training.checkpoint(best)
        about: dict[str, Any] = {"key": job.key, "seconds": before + clock.seconds, "event": event}
        if job.paced:
            weights = training.prediction_weights
            arrays |= {"predict.theta": weights.theta, "predict.state": weights.state}
        save_checkpoint(path, progress | about, arrays)

    def on_step() -> None:
        nonlocal steps
        steps += 1
        if job.checkpoint_every and steps % job.checkpoint_every == 0:
            save()

    latest: list[float] = []

    def losses(p: Any, codes: Any) -> tuple[float, ...]:
        latest[:] = job.losses(p, codes)
        return tuple(latest)

    training.on_step = on_step
    try:
        for epoch, error in training.validated_epochs(rows.X, rows.y, best, losses):
            steps += 1
            seconds = before + (clock.stop() if job.paced else clock.seconds)
            event = _describe_epoch(epoch, error, latest[0], best, seconds)
            save(event)
            if not job.paced:
                emit(event)
            elif _pause(clock, event, emit, wait):
                break
    except DivergedError as error:  # the loss is the sum over the workers: all of them end here
        if not best.epoch:
            raise UserError(str(error)) from None
        emit({"kind": "diverged", "message": str(error)})
    if rows.table is not None:
        title, network, schema = job.options["title"], training.network, rows.table.schema
        model = Model("net", title, schema, rows.preparation, network, best.weights)
        finish(job, collective, model, rows.table, emit)
    emit({"kind": "end"})


def _pause(clock: Clock, event: dict[str, Any], emit: Emit, wait: Wait) -> bool:
    """Emit an event and wait for the parent; return whether the training ends."""
    clock.stop()
    emit(event)
    stops = wait()
    clock.resume()
    return stops


def _describe_epoch(
    epoch: Epoch, error: float, loss: float, best: BestEpoch, seconds: float
) -> dict[str, Any]:
    """Return the event of an epoch: its validation error and loss, and those of the best."""
    return {
        "kind": "epoch",
        "epoch": epoch.epoch,
        "step": epoch.step,
        "t": epoch.t,
        "loss": epoch.loss,
        "error": error,
        "valid_loss": loss,
        "best_epoch": best.epoch,
        "best_error": best.error,
        "best_loss": best.losses[0],
        "seconds": seconds,
    }


def _load_rows(job: TrainJob, collective: Collective, emit: Emit) -> tuple[Training, _Rows]:
    """Return the training on the rows of a job, in memory or in row groups, and those rows."""
    recipe = build_recipe(job)
    if KEY not in job.options:
        rows = _Rows(job.rows("valid_X"), job.rows("valid_y"))
        return _start_in_memory(job, recipe, collective), rows
    table, seed = open_shard(job, collective), job.options[KEY]["seed"]
    emit(describe_table(table))
    prepare, training = start_streamed_training(recipe, table, seed, collective=collective)
    emit({"kind": "network", "summary": training.network.summary()})
    return training, _Rows(prepare(table.valid[0]), table.valid[1], table, prepare.preparation)


class _Rows(NamedTuple):
    """The validation rows; of a table in row groups, the table and its preparation too."""

    X: Array
    y: Array
    table: ShardedTable | None = None
    preparation: Any = None


def _start_in_memory(job: TrainJob, recipe: NetRecipe, collective: Collective) -> Training:
    """Return the training on the rows of the job's folder."""
    preparation = None
    if job.preparation is not None:
        preparation = NetPreparation.from_spec(job.preparation)
    return Training(
        recipe,
        job.rows("X"),
        job.rows("y"),
        job.n_classes,
        rng=job.rng(),
        image=job.image,
        inputs=preparation,
        collective=collective,
    )

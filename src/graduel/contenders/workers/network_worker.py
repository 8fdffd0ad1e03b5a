"""One worker of a network's training: epochs, checkpoints, and resuming from the last one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graduel.contenders.fit_job import Clock
from graduel.contenders.sharded.sharded_net import start_streamed_training
from graduel.contenders.workers.row_group_job import KEY, describe_table, finish, open_shard
from graduel.contenders.workers.train_job import Emit, TrainJob
from graduel.data.prepare.preparation import NetPreparation
from graduel.errors import UserError
from graduel.models.model import Model
from graduel.train import DivergedError
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


def train_network(job: TrainJob, collective: Collective, emit: Emit, clock: Clock) -> None:
    """Train from the last checkpoint, or from the start; worker 0 writes checkpoints."""
    recipe, key, table = build_recipe(job), job.key, None
    if KEY in job.options:
        table = open_shard(job, collective)
        emit(describe_table(table))
        seed = job.options[KEY]["seed"]
        prepare, training = start_streamed_training(recipe, table, seed, collective=collective)
        valid_X, valid_y = prepare(table.valid[0]), table.valid[1]
        emit({"kind": "network", "summary": training.network.summary()})
    else:
        training = _start_in_memory(job, recipe, collective)
        valid_X, valid_y = job.rows("valid_X"), job.rows("valid_y")
    best = BestEpoch(training.prediction_weights.copy())
    path, before, steps = Path(job.checkpoint), 0.0, 0
    if path.exists():
        progress, arrays = load_checkpoint(path)
        check_key(path, progress, key)
        training.restore(best, progress, arrays)
        before = progress["seconds"]

    def save() -> None:
        if not collective.rank:
            progress, arrays = training.checkpoint(best)
            about: dict[str, Any] = {"key": key, "seconds": before + clock.seconds}
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
        for epoch, error in training.validated_epochs(valid_X, valid_y, best, losses):
            steps += 1
            save()
            emit(
                {
                    "kind": "epoch",
                    "epoch": epoch.epoch,
                    "step": epoch.step,
                    "t": epoch.t,
                    "loss": epoch.loss,
                    "error": error,
                    "valid_loss": latest[0],
                    "best_epoch": best.epoch,
                    "best_error": best.error,
                    "best_loss": best.losses[0],
                    "seconds": before + clock.seconds,
                }
            )
    except DivergedError as error:  # the loss is the sum over the workers: all of them end here
        if not best.epoch:
            raise UserError(str(error)) from None
        emit({"kind": "diverged", "message": str(error)})
    if table is not None:
        title, network = job.options["title"], training.network
        model = Model("net", title, table.schema, prepare.preparation, network, best.weights)
        finish(job, collective, model, table, emit)
    emit({"kind": "end"})


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


def check_key(path: Path, progress: dict[str, Any], key: str) -> None:
    """Raise `UserError` unless a checkpoint is of this job."""
    if progress.get("key") != key:
        raise UserError(
            f"{path}: expected a checkpoint of this training, got one of other rows, another "
            "recipe or another seed; delete it to train from the start, or choose another --out"
        )

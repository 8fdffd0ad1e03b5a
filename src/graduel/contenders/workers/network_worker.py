"""One worker of a network's training: epochs, checkpoints, and resuming from the last one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graduel.contenders.fit_job import Clock
from graduel.contenders.workers.train_job import Emit, TrainJob
from graduel.data.prepare.preparation import NetPreparation
from graduel.errors import UserError
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
    preparation = None
    if job.preparation is not None:
        preparation = NetPreparation.from_spec(job.preparation)
    recipe, key = build_recipe(job), job.key
    training = Training(
        recipe,
        job.rows("X"),
        job.rows("y"),
        job.n_classes,
        rng=job.rng(),
        image=job.image,
        inputs=preparation,
        collective=collective,
    )
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
        for epoch, error in training.validated_epochs(
            job.rows("valid_X"), job.rows("valid_y"), best, losses
        ):
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
    emit({"kind": "end"})


def check_key(path: Path, progress: dict[str, Any], key: str) -> None:
    """Raise `UserError` unless a checkpoint is of this job."""
    if progress.get("key") != key:
        raise UserError(
            f"{path}: expected a checkpoint of this training, got one of other rows, another "
            "recipe or another seed; delete it to train from the start, or choose another --out"
        )

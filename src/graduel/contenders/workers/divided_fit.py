"""Fits of a contender that several worker processes share, for duels and ``graduel train``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from graduel.contenders.contender import Array, Fitting
from graduel.contenders.family import FamilyContender
from graduel.contenders.fit_job import FitJob, margin_checkpoints, selecting_metric
from graduel.contenders.net import FittedNet, describe_best, epoch_checkpoint
from graduel.contenders.textbook import FittedTextbook, TextbookRecipe, prepare_textbook
from graduel.contenders.workers.network_rows import prepare_network
from graduel.contenders.workers.rows_folder import rows_folder
from graduel.contenders.workers.train_job import TrainJob, write_rows
from graduel.contenders.workers.worker_group import PACED, Launch, run_workers
from graduel.metrics.metric import get_metric
from graduel.nn import Weights
from graduel.serialize import to_plain
from graduel.train import DivergedError
from graduel.train.io.checkpoint_file import load_checkpoint
from graduel.train.loop.parallel import LostWorkerError
from graduel.train.loop.training import BestEpoch
from graduel.train.recipes import NetRecipe


def divide_fits(
    contender: FamilyContender,
    workers: int,
    restarts: int,
    on_restart: Callable[[str], object] = lambda message: None,
    launch: Launch | None = None,
) -> FamilyContender:
    """Return a contender whose fits are each shared by worker processes.

    Recipe, rows, random numbers, checkpoints and selection are those of one process; so are the
    numbers, to the rounding that ``docs/parallel.md`` describes. The clock is that of worker 0 and
    stands still while a checkpoint is evaluated.

    Parameters
    ----------
    contender : a contender that
        :func:`~graduel.contenders.workers.train_job.explain_one_process` does not exclude
    workers : number of processes; the threads of the budget are divided among them
    restarts : how often the workers of a fit are started again because one died
    on_restart : receives a sentence each time that happens
    launch : starts the workers. Default: on this machine

    Raises
    ------
    LostWorkerError
        In a fit, if workers die more often.
    """
    fit = partial(_fit, contender.family.name, workers, restarts, on_restart, launch)
    return replace(contender, family=replace(contender.family, fit=fit))


def _fit(
    family: str,
    workers: int,
    restarts: int,
    on_restart: Callable[[str], object],
    launch: Launch | None,
    recipe: Any,
    job: FitJob,
) -> Fitting:
    """Fit by workers; the rows and checkpoints are in a temporary folder."""
    with rows_folder() as folder:
        group = _Group(family, recipe, job, folder, workers, restarts, on_restart, launch)
        fitted = yield from FITS[family](recipe, job, group)
    fitted.details |= {"workers": workers}
    return fitted


@dataclass(slots=True)
class _Group:
    """The worker processes of one fit.

    Attributes
    ----------
    stops : whether the training ends with the current epoch or round
    """

    family: str
    recipe: Any
    job: FitJob
    folder: Path
    workers: int
    restarts: int
    on_restart: Callable[[str], object]
    launch: Launch | None
    stops: bool = False

    @property
    def checkpoint(self) -> Path:
        """The file of the last checkpoint; while the workers wait, that of the last event."""
        return self.folder / "checkpoint"

    def events(self, rng_state: Mapping[str, Any], **fields: Any) -> Iterator[dict[str, Any]]:
        """Train; yield the events of epochs or rounds, with the seconds of the whole fit.

        The fit's clock shows these seconds at each event.
        """
        rows = self.folder / "rows"
        job = TrainJob(
            family=self.family,
            recipe=to_plain(self.recipe),
            folder=str(rows),
            n_classes=self.job.train.n_classes,
            rng_state=dict(rng_state),
            checkpoint=str(self.checkpoint),
            image=self.job.train.image,
            breaks_ties=True,
            threads=max(1, self.job.budget.threads // self.workers),
            paced=True,
            **{"metric": self.job.metric.key, **fields},
        ).with_key()
        before = self.job.clock.stop()
        events = run_workers(job, self.workers, self.restarts, lambda: self.stops, self.launch)
        try:
            with closing(events):
                for event in events:
                    if event["kind"] in PACED:
                        self.job.clock.stop_at(before + event["seconds"])
                        yield event | {"seconds": before + event["seconds"]}
                    elif event["kind"] == "restart":
                        self.on_restart(f"{event['message']}; starting its workers again")
                    elif event["kind"] == "diverged":
                        raise DivergedError(event["message"])
        except LostWorkerError as error:
            times = "once" if not self.restarts else f"{self.restarts + 1} times"
            raise LostWorkerError(f"the workers of a fit died {times}, at last: {error}") from None

    def rows(self) -> Path:
        """Return the new folder of the prepared rows."""
        folder = self.folder / "rows"
        folder.mkdir()
        return folder


def _fit_network(recipe: NetRecipe, job: FitJob, group: _Group) -> Fitting:
    """Train a network, as :func:`graduel.contenders.net.fit` does in one process."""
    state = job.rng.bit_generator.state
    rows = prepare_network(recipe, job.train, job.valid, job.rng, group.rows())
    prepare, training = rows.prepare, rows.training
    selecting = get_metric(selecting_metric(recipe.selects_by, job.metric.key))
    seconds, best = 0.0, BestEpoch(training.weights)

    def predict(X: Any) -> Array:
        arrays = load_checkpoint(group.checkpoint)[1]
        weights = Weights(arrays["predict.theta"], arrays["predict.state"])
        return prepare.predict_cached(X, partial(training.predict_proba, weights=weights))

    number = 0
    for event in group.events(state, metric=selecting.key, preparation=rows.preparation):
        if event["epoch"] <= number:  # repeated by workers that were started again
            continue
        number, seconds = event["epoch"], event["seconds"]
        best.epoch, best.error = event["best_epoch"], event["best_error"]
        best.losses = (event["best_loss"],)
        group.stops = yield from epoch_checkpoint(
            recipe, job, selecting, (number, event["t"]), best, predict
        )
    prepare.clear()
    arrays = load_checkpoint(group.checkpoint)[1]
    weights = Weights(arrays["best.theta"], arrays["best.state"])
    details = describe_best(recipe, training, best, selecting)
    return FittedNet(training, weights, prepare, seconds, details)


def _fit_textbook(recipe: TextbookRecipe, job: FitJob, group: _Group) -> Fitting:
    """Train a textbook network, as :func:`graduel.contenders.textbook.fit` does in one process."""
    prepare, state = prepare_textbook(job.train), job.rng.bit_generator.state
    valid_X, n = prepare(job.valid.X), len(recipe.layers) + 1
    write_rows(group.rows(), X=prepare(job.train.X), y=job.train.y)
    seconds, step, error = 0.0, 0, 1.0
    model = FittedTextbook([], [], prepare)
    for event in group.events(state):
        if event["epoch"] <= step:
            continue
        step, seconds = event["epoch"], event["seconds"]
        arrays = load_checkpoint(group.checkpoint)[1]
        model = FittedTextbook(
            [arrays[str(i)] for i in range(n)], [arrays[str(n + i)] for i in range(n)], prepare
        )
        error, loss = job.evaluate(model.predict(valid_X))
        predict = partial(prepare.predict_cached, predict=model.predict)
        group.stops = yield from job.checkpoint(event["t"], error, loss, predict)
    prepare.clear()
    model.seconds, model.details = seconds, {"steps": step, "valid_error": error}
    return model


def _fit_trees(recipe: Any, job: FitJob, group: _Group) -> Fitting:
    """Boost trees, as :func:`graduel.contenders.xgboost.fit` does in one process."""
    from graduel.contenders.workers.tree_rows import load_trees, prepare_trees
    from graduel.contenders.xgboost import describe_copies
    from graduel.contenders.xgboost_settings import extend_margin

    state, metric = job.rng.bit_generator.state, job.metric.name
    prepare, rows, options = prepare_trees(recipe, job.train, job.valid, metric, job.rng)
    write_rows(group.rows(), **rows)
    rounds, seconds = options["rounds"], list[float]()
    before = job.clock.seconds
    for event in group.events(state, options=options):
        number = round(event["share"] * rounds)
        del seconds[number - 1 :]  # workers that were started again begin with the first round
        seconds.append(event["seconds"])
        name, loss = event["selection"]
        selection = None if options["by_error"] else (name, loss)
        error = event["error"]
        group.stops = job.report(
            event["share"],
            seconds[-1],
            error,
            loss if metric == "log_loss" else error,
            selection,
        )
    fitted = load_trees(group.checkpoint, prepare, job.train, job.budget.threads)
    fitted.seconds += before
    extend = partial(extend_margin, fitted.model.get_booster())
    yield from margin_checkpoints(fitted, seconds, rounds, extend)
    fitted.details |= describe_copies(recipe, len(rows["y"]))
    return fitted


FITS: dict[str, Callable[..., Fitting]] = {
    "net": _fit_network,
    "textbook": _fit_textbook,
    "xgboost": _fit_trees,
}

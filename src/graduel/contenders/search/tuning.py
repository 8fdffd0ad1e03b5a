"""A contender with its hyperparameters searched for: itself a contender."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graduel.contenders.contender import (
    Budget,
    Checkpoint,
    Clock,
    Contender,
    FittedContender,
    LabelledRows,
    Notify,
    Progress,
)
from graduel.contenders.search.space import Space
from graduel.contenders.search.trials import (
    PendingTrial,
    Trial,
    TrialLog,
    propose_trial,
    select_best,
)
from graduel.errors import UserError
from graduel.metrics.metric import get_metric, log_loss


@dataclass(slots=True)
class TunedFit:
    """The best trial's model, as it was fitted, and the search that found it."""

    fitted: FittedContender
    trials: list[Trial]
    best: int
    tuning_seconds: float


@dataclass(frozen=True, slots=True)
class TunedContender:
    """Trials of a contender; the one of the lowest validation loss is the model.

    Attributes
    ----------
    contender : with the default recipe, which is trial 0 and fitted as without a tuning
    space : what is searched; a contender without one is fitted once
    metric : what decides, on the cell's own validation rows
    journal : where finished trials are kept
    trials : how many there are; None where seconds count
    seconds : of tuning and fitting in all; None where trials count
    """

    contender: Contender
    space: Space
    metric: str
    journal: TrialLog
    trials: int | None = None
    seconds: float | None = None

    @property
    def name(self) -> str:
        """What it is called in a duel."""
        return self.contender.name

    def finished(self) -> list[Trial]:
        """Return the trials that are finished already."""
        return self.journal.read(self.space)

    def fit(
        self,
        train: LabelledRows,
        valid: LabelledRows,
        *,
        rng: np.random.Generator,
        budget: Budget,
        notify: Notify,
    ) -> Generator[Checkpoint, None, TunedFit]:
        """Search; yield after each trial the best model so far, on the clock of the whole search.

        Where trials are finished already, it goes on behind the last of them.
        """
        trials = self.finished()
        before = trials[-1].clock if trials else 0.0
        clock, best, model = Clock(), select_best(trials), None
        while not self._over(trials, before + clock.seconds):
            number = len(trials)
            asked = None
            if number and self.space:
                asked = propose_trial(trials, self.space, number, _sampler_seed(rng, number))
            run = _Run(self, number, asked, clock, before, notify)
            fitted = run.fit(train, valid, _rng(rng, number), budget)
            trial = run.trial
            better = trial is select_best([*([best] if best else []), trial])
            if better and fitted is not None:
                best, model = trial, fitted
            seconds = before + clock.stop()
            trial = replace(trial, clock=seconds)
            best = trial if better else best
            trials.append(trial)
            if best is not None:
                yield Checkpoint(seconds, model.predict_proba if better and model else None)
            self.journal.add(trial, self.space)
            fitted = None  # no more than the best is kept while the next one is fitted
            clock.go()
        spent = trials[-1].clock
        if best is None:
            raise UserError(f"no trial could be fitted; the first: {trials[0].why}")
        if model is None:
            model = self._again(best, train, valid, rng, budget)
        model.details = {**model.details, "trial": best.number}
        return TunedFit(model, trials, best.number, spent)

    def _over(self, trials: list[Trial], seconds: float) -> bool:
        if not trials:
            return False
        if not self.space:
            return True
        if self.trials is not None:
            return len(trials) >= self.trials
        assert self.seconds is not None
        return trials[-1].cut or seconds >= self.seconds

    def _again(
        self,
        best: Trial,
        train: LabelledRows,
        valid: LabelledRows,
        rng: np.random.Generator,
        budget: Budget,
    ) -> FittedContender:
        """Fit a trial of a process that is gone once more: the same numbers give the same bits."""
        stop = max(best.course, default=100) if best.cut else 101

        def notify(progress: Progress) -> bool:
            return int(100 * progress.share) >= stop

        made = variant(self.contender, best.params if best.number else {})
        fitted = _last(
            made.fit(train, valid, rng=_rng(rng, best.number), budget=budget, notify=notify)
        )
        fitted.seconds = best.seconds
        return fitted


class _Run:
    """One trial under way."""

    def __init__(
        self,
        tuned: TunedContender,
        number: int,
        asked: PendingTrial | None,
        clock: Clock,
        before: float,
        notify: Notify,
    ) -> None:
        self._tuned, self._asked, self._clock, self._before = tuned, asked, clock, before
        self._notify, self._number = notify, number
        self._course: dict[int, float] = {}
        self._pruned = self._cut = False
        self.params: Mapping[str, Any] = (
            asked.params if asked is not None else _defaults(tuned.contender, tuned.space)
        )
        self.trial = Trial(number, self.params, None, None, 0.0, 0.0, "failed")

    def fit(
        self, train: LabelledRows, valid: LabelledRows, rng: np.random.Generator, budget: Budget
    ) -> FittedContender | None:
        """Fit, and judge on the validation rows; a trial that fails is a trial."""
        tuned, start = self._tuned, self._clock.seconds
        contender = tuned.contender
        if self._asked is not None:
            contender = variant(contender, self.params)
        try:
            fitted = _last(
                contender.fit(train, valid, rng=rng, budget=budget, notify=self._observe)
            )
            p = fitted.predict_proba(valid.X)
            if not np.isfinite(p).all():
                raise ArithmeticError("it diverged")
        except (UserError, ArithmeticError, MemoryError) as error:
            said = " ".join(str(error).split()) or type(error).__name__
            if not tuned.space:
                raise
            seconds = self._clock.seconds - start
            self.trial = replace(self.trial, seconds=seconds, why=said[:200])
            return None
        state = "pruned" if self._pruned else "complete"
        self.trial = replace(
            self.trial,
            loss=float(get_metric(tuned.metric).loss(p, valid.y)),
            tie=float(log_loss(p, valid.y)),
            seconds=float(fitted.seconds),
            state=state,
            cut=self._cut,
            course=self._course,
        )
        return fitted

    def _observe(self, progress: Progress) -> bool:
        """Pass the progress on; answer whether the trial is to end here."""
        tuned = self._tuned
        seconds = self._before + self._clock.seconds
        if tuned.trials is not None:
            share = (self._number + min(progress.share, 1.0)) / tuned.trials
        else:
            assert tuned.seconds is not None
            share = min(1.0, seconds / tuned.seconds)
        if not tuned.space:
            share = progress.share
        self._notify(
            Progress(share, seconds, progress.valid_error, progress.valid_loss, self._number)
        )
        if progress.valid_loss is not None and np.isfinite(progress.valid_loss):
            self._course.setdefault(int(100 * progress.share), float(progress.valid_loss))
        if tuned.seconds is not None and tuned.space and seconds >= tuned.seconds:
            self._cut = progress.share < 1
            return True
        if self._asked is not None and progress.valid_loss is not None:
            self._pruned = self._asked.prune(progress.share, progress.valid_loss)
        return self._pruned


def variant(contender: Any, params: Mapping[str, Any]) -> Contender:
    """Return a contender with other hyperparameters."""
    if not params:
        return contender
    if hasattr(contender, "values"):  # an estimator of the user's, which has no recipe's fields
        return replace(contender, values=dict(params))
    return replace(contender, recipe=replace(contender.recipe, **params))


def _defaults(contender: Any, space: Space) -> dict[str, Any]:
    """Return the default recipe's values of what is searched."""
    if hasattr(contender, "values"):
        given = contender.estimator.get_params()
        return {name: given[name] for name in sorted(space)}
    return {name: getattr(contender.recipe, name) for name in sorted(space)}


def _last(fitting: Generator[Checkpoint, None, FittedContender]) -> FittedContender:
    """Go through a fit to its end; its checkpoints are not looked at."""
    while True:
        try:
            next(fitting)
        except StopIteration as end:
            fitted: FittedContender = end.value
            return fitted


def _sequence(rng: np.random.Generator, *key: int) -> np.random.SeedSequence:
    own: Any = rng.bit_generator.seed_seq
    return np.random.SeedSequence(own.entropy, spawn_key=(*own.spawn_key, *key))


def _rng(rng: np.random.Generator, number: int) -> np.random.Generator:
    """Return a trial's random numbers; those of trial 0 are the cell's, as without a tuning."""
    return np.random.default_rng(_sequence(rng, *([number] if number else [])))


def _sampler_seed(rng: np.random.Generator, number: int) -> int:
    return int(_sequence(rng, number, 1).generate_state(1)[0])


def count_curve_points(trials: list[Trial]) -> int:
    """Return how many points of the curve some trials have given: none before the first model."""
    return sum(select_best(trials[: i + 1]) is not None for i in range(len(trials)))

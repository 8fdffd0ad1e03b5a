"""Hyperparameter search as a contender that fits another contender once per trial."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graduel.contenders.contender import (
    Budget,
    Checkpoint,
    FittedContender,
    LabelledRows,
    Notify,
    Progress,
    TunableContender,
    finish_fit,
)
from graduel.contenders.fit_job import Clock
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
    """The model of the best trial, as fitted during the search, and all trials."""

    fitted: FittedContender
    trials: list[Trial]
    best: int
    tuning_seconds: float


@dataclass(frozen=True, slots=True)
class TunedContender:
    """A contender with a hyperparameter search; the trial with the lowest validation loss wins.

    Attributes
    ----------
    contender : the contender with its default recipe, which is trial 0, fitted as without a search
    space : the search space; if empty, the contender is fitted once
    metric : the metric that selects a trial, computed on the cell's validation rows
    trial_log : storage of the finished trials
    trials : number of trials; None with a time budget
    seconds : time budget for the search, fits included; None with a number of trials
    """

    contender: TunableContender
    space: Space
    metric: str
    trial_log: TrialLog
    trials: int | None = None
    seconds: float | None = None

    @property
    def name(self) -> str:
        """The name in a duel."""
        return self.contender.name

    def read_trials(self) -> list[Trial]:
        """Return the finished trials in order."""
        return self.trial_log.read(self.space)

    def fit(
        self,
        train: LabelledRows,
        valid: LabelledRows,
        *,
        rng: np.random.Generator,
        budget: Budget,
        notify: Notify,
    ) -> Generator[Checkpoint, None, TunedFit]:
        """Run the search; yield the best model so far after each trial, with the search's clock.

        Finished trials are not repeated: the search resumes after the last one.
        """
        trials = self.read_trials()
        before = trials[-1].clock if trials else 0.0
        clock, best, model = Clock(), select_best(trials), None
        while not self._over(trials, before + clock.seconds):
            number = len(trials)
            proposal = None
            if number and self.space:
                proposal = propose_trial(trials, self.space, number, _sampler_seed(rng, number))
            run = _TrialRun(self, number, proposal, clock, before, notify)
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
            self.trial_log.add(trial, self.space)
            fitted = None  # frees the memory: only the best model is kept during the next fit
            clock.resume()
        spent = trials[-1].clock
        if best is None:
            raise UserError(
                f"expected a trial without an error; all {len(trials)} failed, the first with: "
                f"{trials[0].why}"
            )
        if model is None:
            model = self._refit(best, train, valid, rng, budget)
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

    def _refit(
        self,
        best: Trial,
        train: LabelledRows,
        valid: LabelledRows,
        rng: np.random.Generator,
        budget: Budget,
    ) -> FittedContender:
        """Refit the best trial of an earlier process: the same seed gives the same bits."""
        stop = max(best.course, default=100) if best.cut else 101

        def notify(progress: Progress) -> bool:
            return int(100 * progress.share) >= stop

        contender = self.contender
        if best.number:
            contender = contender.with_parameters(best.params)
        fitted = finish_fit(
            contender.fit(train, valid, rng=_rng(rng, best.number), budget=budget, notify=notify)
        )
        fitted.seconds = best.seconds
        return fitted


class _TrialRun:
    """One running trial."""

    def __init__(
        self,
        tuned: TunedContender,
        number: int,
        proposal: PendingTrial | None,
        clock: Clock,
        before: float,
        notify: Notify,
    ) -> None:
        self._tuned, self._proposal, self._clock, self._before = tuned, proposal, clock, before
        self._notify, self._number = notify, number
        self._course: dict[int, float] = {}
        self._pruned = self._cut = False
        self.params: Mapping[str, Any] = (
            proposal.params
            if proposal is not None
            else {name: tuned.contender.get_parameter(name) for name in sorted(tuned.space)}
        )
        self.trial = Trial(number, self.params, None, None, 0.0, 0.0, "failed")

    def fit(
        self, train: LabelledRows, valid: LabelledRows, rng: np.random.Generator, budget: Budget
    ) -> FittedContender | None:
        """Fit the trial and evaluate it on the validation rows; return None if the fit fails."""
        tuned, start = self._tuned, self._clock.seconds
        contender = tuned.contender
        if self._proposal is not None:
            contender = contender.with_parameters(self.params)
        try:
            fitted = finish_fit(
                contender.fit(train, valid, rng=rng, budget=budget, notify=self._observe)
            )
            p = fitted.predict_proba(valid.X)
            if not np.isfinite(p).all():
                raise ArithmeticError("the fit diverged: its probabilities are not finite")
        except (UserError, ArithmeticError, MemoryError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            if not tuned.space:
                raise
            seconds = self._clock.seconds - start
            self.trial = replace(self.trial, seconds=seconds, why=reason[:200])
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
        """Forward the progress; return whether the trial must end here."""
        tuned = self._tuned
        seconds = self._before + self._clock.seconds
        if tuned.trials is not None:
            share = (self._number + min(progress.share, 1.0)) / tuned.trials
        else:
            assert tuned.seconds is not None
            share = min(1.0, seconds / tuned.seconds)
        if not tuned.space:
            share = progress.share
        self._notify(replace(progress, share=share, seconds=seconds, trial=self._number))
        if progress.valid_loss is not None and np.isfinite(progress.valid_loss):
            self._course.setdefault(int(100 * progress.share), float(progress.valid_loss))
        if tuned.seconds is not None and tuned.space and seconds >= tuned.seconds:
            self._cut = progress.share < 1
            return True
        if self._proposal is not None and progress.valid_loss is not None:
            self._pruned = self._proposal.prune(progress.share, progress.valid_loss)
        return self._pruned


def _sequence(rng: np.random.Generator, *key: int) -> np.random.SeedSequence:
    parent: Any = rng.bit_generator.seed_seq
    return np.random.SeedSequence(parent.entropy, spawn_key=(*parent.spawn_key, *key))


def _rng(rng: np.random.Generator, number: int) -> np.random.Generator:
    """Return a trial's random generator; trial 0 has that of the cell, as without a search."""
    return np.random.default_rng(_sequence(rng, *([number] if number else [])))


def _sampler_seed(rng: np.random.Generator, number: int) -> int:
    return int(_sequence(rng, number, 1).generate_state(1)[0])


def count_curve_points(trials: list[Trial]) -> int:
    """Count the curve points of these trials: one per trial from the first complete one on."""
    return sum(select_best(trials[: i + 1]) is not None for i in range(len(trials)))

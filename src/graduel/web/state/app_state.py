"""What a server was started on: the ready-trained models, a model, a finished duel, or a table."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property

from graduel.data import load_dataset
from graduel.web.state.demo_models import DemoModels
from graduel.web.state.holdout import HoldoutData
from graduel.web.state.model_pair import ModelPair


@dataclass
class AppState:
    """What every client finds at the start; it is shared, and never changed.

    Attributes
    ----------
    title : what the page is about
    ready : models that are trained at the first start, where nothing else was given
    given : models that were given
    table : a table that was given, to train on and to take examples from
    """

    title: str = "mnist"
    ready: DemoModels | None = None
    given: ModelPair | None = None
    table: HoldoutData | None = None

    @cached_property
    def digits(self) -> HoldoutData:
        """MNIST: its test digits are there to be picked, its training digits to train on."""
        return HoldoutData.of(load_dataset("mnist"))

    def warm(self) -> None:
        """Read what the first client will ask for, in a thread of its own."""

        def work() -> None:
            if self.is_digits:
                _ = self.digits
            if self.contest is not None and self.contest.trees is not None:
                _ = self.contest.trees.forest

        threading.Thread(target=work, name="warm", daemon=True).start()

    @property
    def contest(self) -> ModelPair | None:
        """The models, once they are there."""
        return self.given if self.ready is None else self.ready.contest

    @property
    def is_digits(self) -> bool:
        """Whether examples are images of MNIST's size."""
        if self.given is not None:
            return self.given.image == (28, 28, 1)
        return self.table is None

    def material(self) -> HoldoutData | None:
        """Return the data to train on and to take examples from; None where there are none."""
        if self.table is not None:
            return self.table
        return self.digits if self.is_digits else None

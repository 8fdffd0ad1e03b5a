"""What a server was started on: the demo models, a model, a finished duel, or a table."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property

from graduel.data import load_dataset
from graduel.glassbox.trees.tree_arrays import get_forest
from graduel.web.state.demo_models import DemoModels
from graduel.web.state.holdout import HoldoutData
from graduel.web.state.model_pair import ModelPair


@dataclass
class AppState:
    """State that all clients share; it does not change.

    Attributes
    ----------
    title : the page's subject
    demo : models that are trained at the first start, if the server was started on nothing else
    loaded : models of a file or of a duel's folder
    table : the table that the server was started on, for training and for examples
    """

    title: str = "mnist"
    demo: DemoModels | None = None
    loaded: ModelPair | None = None
    table: HoldoutData | None = None

    @cached_property
    def mnist(self) -> HoldoutData:
        """MNIST: its test digits are examples, its training digits are trained on."""
        return HoldoutData.of(load_dataset("mnist"))

    def warm_up(self) -> None:
        """Load what the first client needs, in a thread of its own."""

        def load() -> None:
            if self.is_digits:
                _ = self.mnist
            if self.models is not None and self.models.trees is not None:
                get_forest(self.models.trees)

        threading.Thread(target=load, name="warm-up", daemon=True).start()

    @property
    def models(self) -> ModelPair | None:
        """The models; None while they are being trained, and where there are none."""
        return self.loaded if self.demo is None else self.demo.models

    @property
    def is_digits(self) -> bool:
        """Whether examples are images of MNIST's size."""
        if self.loaded is not None:
            return self.loaded.image == (28, 28, 1)
        return self.table is None

    @property
    def data(self) -> HoldoutData | None:
        """The data for training and for examples; None where there are none."""
        if self.table is not None:
            return self.table
        return self.mnist if self.is_digits else None

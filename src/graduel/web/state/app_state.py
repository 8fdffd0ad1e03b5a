"""The shared state of a server: demo models, a saved model, a finished duel, or a table."""

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
    """The state shared by all clients; it is read-only.

    Attributes
    ----------
    title : the name of the data, shown on the page
    demo : the demo models, if the server was started without a source
    loaded : models from a model file or a duel's folder
    table : a table, for training and for examples
    """

    title: str = "mnist"
    demo: DemoModels | None = None
    loaded: ModelPair | None = None
    table: HoldoutData | None = None

    @cached_property
    def mnist(self) -> HoldoutData:
        """MNIST: the test digits serve as examples, the training digits for training."""
        return HoldoutData.of(load_dataset("mnist"))

    def warm_up(self) -> None:
        """Load the data that the first client needs, in a background thread."""

        def load() -> None:
            if self.is_digits:
                _ = self.mnist
            if self.models is not None and self.models.trees is not None:
                get_forest(self.models.trees)

        threading.Thread(target=load, name="warm-up", daemon=True).start()

    @property
    def models(self) -> ModelPair | None:
        """The models; None during training of the demo models, or if there are none."""
        return self.loaded if self.demo is None else self.demo.models

    @property
    def is_digits(self) -> bool:
        """Whether examples are 28 × 28 images."""
        if self.loaded is not None:
            return self.loaded.image == (28, 28, 1)
        return self.table is None

    @property
    def data(self) -> HoldoutData | None:
        """The data for training and examples; None if there are none."""
        if self.table is not None:
            return self.table
        return self.mnist if self.is_digits else None

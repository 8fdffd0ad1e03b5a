"""Two small MNIST models, trained in seconds at the first start and saved for later starts.

The files are saved under GRADUEL_CACHE, with a digest of the recipes in their names. If a file is
damaged, the models are trained again.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from graduel.cores import choose_threads
from graduel.data import load_dataset
from graduel.data.read.named_data.openml import cache_folder
from graduel.data.schema import Schema
from graduel.errors import UserError
from graduel.glassbox.trees.tree_arrays import get_forest
from graduel.models.model_file import Model, load_model, save_model
from graduel.train.recipes import NetRecipe
from graduel.web.state.model_pair import ModelPair
from graduel.web.training.boosting_run import BoostingRun, TreeSettings
from graduel.web.training.training_run import TrainingRun

FORMAT = 2


@dataclass(frozen=True, slots=True)
class DemoRecipe:
    """Recipes that train in seconds, for models small enough to show completely."""

    net: NetRecipe = NetRecipe(
        layers=(64, 32), dropout=0.05, lr=3e-3, batch_size=64, epochs=8, weight_decay=0.01
    )
    trees: TreeSettings = TreeSettings(rounds=30, learning_rate=0.35, max_depth=5, max_bin=16)
    net_rows: int = 20_000
    tree_rows: int = 12_000
    valid_rows: int = 1_000
    seed: int = 0

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that depend on everything that affects the models."""
        content = asdict(self) | {"format": FORMAT, "xgboost": version("xgboost")}
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


class DemoModels:
    """The demo models and the progress of loading or training them.

    Parameters
    ----------
    recipe : the recipes of the two models
    folder : the folder of the saved models. Default: ``web`` under :func:`cache_folder`
    threads : number of XGBoost threads. Default: the idle cores, when training begins

    Attributes
    ----------
    models : the models; None until the network is ready, and without XGBoost until it is
    is_complete : whether both models are ready
    log : called with each new step, one line
    progress : progress of the training, from 0 to 1
    message : the current step
    error : the error message if training failed, otherwise empty
    """

    def __init__(
        self,
        recipe: DemoRecipe | None = None,
        folder: Path | None = None,
        threads: int | None = None,
    ) -> None:
        self.recipe = recipe if recipe is not None else DemoRecipe()
        self.folder = folder if folder is not None else cache_folder() / "web"
        self.threads = threads
        self.models: ModelPair | None = None
        self.is_complete = False
        self.log: Callable[[str], Any] = lambda line: None
        self.progress, self.message, self.error = 0.0, "starting", ""

    def start(self) -> None:
        """Load or train the models in a background thread."""
        threading.Thread(target=self.run, name="demo-models", daemon=True).start()

    def run(self) -> None:
        """Load the models; if that fails, train and save them."""
        try:
            net, trees = self._load() or self._train()
            get_forest(trees)  # cached now, so that the first client need not wait
            recipe = self.recipe
            about = (
                f"trained on this machine on {recipe.net_rows:,} (network) and "
                f"{recipe.tree_rows:,} (XGBoost) MNIST digits"
            )
            self.models = ModelPair.of((net, trees), about)
            self.is_complete = True
            self._report(1.0, "ready")
        except Exception as error:  # otherwise clients would wait forever
            self.error = f"{type(error).__name__}: {error}"
            self.log(f"Training the models for the page failed: {self.error}")

    def _report(self, progress: float, message: str) -> None:
        """Set progress and step; a new step is a line in the terminal."""
        is_new, self.progress, self.message = message != self.message, progress, message
        if is_new:
            self.log(f"Models for the page: {message}.")

    def _path(self, family: str) -> Path:
        return self.folder / f"mnist-{family}-{self.recipe.digest}.safetensors"

    def _load(self) -> tuple[Model, Model] | None:
        try:
            return load_model(self._path("net")), load_model(self._path("xgboost"))
        except UserError:
            return None

    def _train(self) -> tuple[Model, Model]:
        recipe = self.recipe
        mnist = load_dataset("mnist")
        assert mnist.n_train is not None
        rows = np.random.default_rng(recipe.seed).permutation(mnist.n_train)

        def select(rows: NDArray[np.intp]) -> tuple[NDArray[Any], NDArray[Any]]:
            return mnist.table[rows], mnist.y[rows]

        valid, train = select(rows[: recipe.valid_rows]), rows[recipe.valid_rows :]
        self._report(0.0, "training the network, once, for this and later starts")
        net_rows = select(train[: recipe.net_rows])
        net_run = TrainingRun(recipe.net, net_rows, valid, 10, seed=recipe.seed)
        with threadpool_limits(
            1, user_api="blas"
        ):  # such small batches do not benefit from two threads
            while net_run.advance():
                self.progress = 0.4 * net_run.t
        schema = Schema("mnist", tuple("0123456789"), (28, 28, 1), 1 / 255)
        network, weights, _ = net_run.snapshot()
        net = Model("net", "NumPy network", schema, network=network, weights=weights)
        about = f"trained on this machine on {recipe.net_rows:,} MNIST digits"
        self.models = ModelPair.of((net,), f"{about}; XGBoost is still training")
        self._report(0.4, "the network is ready and the page usable, XGBoost is still training")
        X, y = select(train[: recipe.tree_rows])
        tree_run = BoostingRun(
            recipe.trees,
            X,
            y,
            valid[0],
            10,
            seed=recipe.seed,
            threads=self.threads or choose_threads(),
        )
        while not tree_run.done:
            tree_run.advance()
            self.progress = 0.4 + 0.6 * tree_run.round / recipe.trees.rounds
        booster, codes = tree_run.booster, tuple(range(10))
        trees = Model("xgboost", "XGBoost", schema, booster=booster, class_codes=codes)
        with suppress(OSError):  # without a cache, the next start trains again
            for model in (net, trees):
                save_model(self._path(model.family), model)
        return net, trees

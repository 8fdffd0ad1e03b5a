"""Two small models of MNIST, trained at the first start in seconds and kept for every later one.

They lie under GRADUEL_CACHE: the network as safetensors, the trees in XGBoost's binary JSON, and
the SHA-256 of both beside them. A file that does not fit its checksum is trained anew.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from threadpoolctl import threadpool_limits

from graduel.data import load_dataset
from graduel.data.read.openml import cache_folder
from graduel.data.schema import Schema
from graduel.errors import UserError
from graduel.train import load_network, save_network
from graduel.train.recipes import NetRecipe
from graduel.web.state.model_pair import ModelPair, NetSide, TreeSide
from graduel.web.training.training_run import TrainingData, TrainingRun, TreeSettings

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Small:
    """What is trained for a first start: small enough for seconds, and to be seen whole."""

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
        """Sixteen letters that change with anything that changes the models."""
        about = asdict(self) | {"format": FORMAT, "xgboost": version("xgboost")}
        return sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]


class DemoModels:
    """The ready-trained models, on their way or there.

    Parameters
    ----------
    small : what is trained
    folder : where they are kept. Default: ``web`` under :func:`cache_folder`
    threads : of XGBoost. Default: all cores

    Attributes
    ----------
    share : how far the training is, from 0 to 1
    said : what is being done
    failed : why there are none, if so
    """

    def __init__(
        self, small: Small | None = None, folder: Path | None = None, threads: int | None = None
    ) -> None:
        self.small = small if small is not None else Small()
        self.folder = folder if folder is not None else cache_folder() / "web"
        self.threads = threads if threads is not None else os.cpu_count() or 1
        self.share, self.said, self.failed = 0.0, "beginning", ""
        self._contest: ModelPair | None = None
        self._there = threading.Event()

    @property
    def contest(self) -> ModelPair | None:
        """The models, once they are there."""
        return self._contest

    def begin(self) -> None:
        """Load or train in a thread of its own."""
        threading.Thread(target=self.make, name="ready", daemon=True).start()

    def wait(self, seconds: float) -> ModelPair | None:
        """Return the models, or None if they are not there in time."""
        self._there.wait(seconds)
        return self._contest

    def make(self) -> None:
        """Load the models; train and keep them, where that fails."""
        try:
            found = self._load() or self._train()
            if found.trees is not None:
                _ = found.trees.forest  # read once, before the first client waits for it
            self._contest = found
            self.share, self.said = 1.0, "ready"
        except Exception as error:  # told to every client, who would wait for ever
            self.failed = f"{type(error).__name__}: {error}"
        self._there.set()

    @property
    def _stem(self) -> Path:
        return self.folder / f"mnist-{self.small.digest}"

    def _load(self) -> ModelPair | None:
        import xgboost

        net, trees, about = (
            self._stem.with_suffix(end) for end in (".safetensors", ".ubj", ".json")
        )
        try:
            sums = json.loads(about.read_text(encoding="ascii"))
            content = [path.read_bytes() for path in (net, trees)]
            if [sha256(one).hexdigest() for one in content] != [sums["net"], sums["trees"]]:
                return None
            model = load_network(net)
            booster = xgboost.Booster({"nthread": 1})
            booster.load_model(bytearray(content[1]))
        except (OSError, ValueError, LookupError, TypeError, UserError):
            return None
        return self._made(model.network, model.weights, booster)

    def _train(self) -> ModelPair:
        small = self.small
        mnist = load_dataset("mnist")
        assert mnist.n_train is not None
        rows = np.random.default_rng(small.seed).permutation(mnist.n_train)
        valid, rest = rows[: small.valid_rows], rows[small.valid_rows :]
        judged = TrainingData(mnist.table[valid], mnist.table[valid], mnist.y[valid])

        def part(n: int) -> TrainingData:
            some = rest[:n]
            return TrainingData(mnist.table[some], mnist.table[some], mnist.y[some])

        self.said = "training the network"
        net = TrainingRun(small.net, None, part(small.net_rows), judged, 10, seed=small.seed)
        with threadpool_limits(1, user_api="blas"):  # batches this small are no work for two
            while net.advance():
                self.share = 0.4 * net.t
        self.said = "boosting XGBoost's trees"
        boost = TrainingRun(
            small.net,
            small.trees,
            part(small.tree_rows),
            judged,
            10,
            seed=small.seed,
            threads=self.threads,
        )
        assert boost.trees is not None
        while boost.advance("trees"):
            self.share = 0.4 + 0.6 * boost.trees.round / small.trees.rounds
        network, weights, _ = net.snapshot()
        booster = boost.trees.booster
        booster.set_param({"nthread": 1})
        self._keep(network, weights, booster)
        return self._made(network, weights, booster)

    def _keep(self, network: Any, weights: Any, booster: Any) -> None:
        """Keep both, whole or not at all; a cache that cannot be written is none."""
        net, trees, about = (
            self._stem.with_suffix(end) for end in (".safetensors", ".ubj", ".json")
        )
        try:
            save_network(net, network, weights, {"classes": list("0123456789"), "scale": 1 / 255})
            _write(trees, bytes(booster.save_raw("ubj")))
            sums = {
                "net": sha256(net.read_bytes()).hexdigest(),
                "trees": sha256(trees.read_bytes()).hexdigest(),
            }
            _write(about, json.dumps(sums).encode("ascii"))
        except OSError:
            return

    def _made(self, network: Any, weights: Any, booster: Any) -> ModelPair:
        small = self.small
        return ModelPair(
            Schema("mnist", tuple("0123456789"), (28, 28, 1), 1 / 255),
            net=NetSide(network, weights),
            trees=TreeSide(booster, 10),
            about=f"trained here on {small.net_rows:,} of MNIST's digits (the network) and "
            f"{small.tree_rows:,} (XGBoost, one tree for each class and round)",
        )


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        aside.write_bytes(content)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)

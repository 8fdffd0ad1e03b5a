"""graduel's own network; the epoch is selected on the validation rows."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from graduel.contenders.contender import Array, Checkpoint, Fitting, LabelledRows
from graduel.contenders.family import (
    Family,
    NamedContender,
    Recipes,
    Regressor,
    TableTraits,
)
from graduel.contenders.fit_job import FitJob, selecting_metric, selection_details
from graduel.contenders.prepared_table import PreparedTable
from graduel.contenders.search.space import Choice, Integer, Real, RecipeSpace, Space
from graduel.data.prepare.preparation import NetPreparation
from graduel.data.prepare.target_scale import TargetScale
from graduel.metrics.metric import Metric, get_metric
from graduel.nn import Weights
from graduel.train.build.network_builder import predicts_rates
from graduel.train.loop.training import BestEpoch, Training
from graduel.train.recipes import RECIPES, NetRecipe, net_recipe

if TYPE_CHECKING:
    from graduel.data.schema import Schema
    from graduel.models.model import Model

CURVE_POINTS, FIRST_EPOCHS = 10, 4
"""On images, only the first epochs and about ten later ones get a checkpoint, because predicting
10,000 test images takes a large part of an epoch's time. On tables every epoch gets one."""


@dataclass(slots=True)
class FittedNet:
    """A network with its selected weights."""

    training: Training
    weights: Weights
    prepare: PreparedTable
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)
    scale: TargetScale | None = None
    """The scale of numbers that it predicts; None for classes."""

    def predict_proba(self, X: Any) -> Array:
        """Return float32 class probabilities `(n_rows, n_classes)`, or numbers `(n_rows, 1)`."""
        p = self.prepare.predict(X, partial(self.training.predict_proba, weights=self.weights))
        return p if self.scale is None else self.scale.decode(p)

    def to_bytes(self) -> bytes:
        """Return θ, the state and the preparation."""
        arrays = self.weights.theta.tobytes() + self.weights.state.tobytes()
        return arrays + self.prepare.to_bytes()


def start_training(
    recipe: NetRecipe, train: LabelledRows, rng: np.random.Generator, y: Array | None = None
) -> tuple[PreparedTable, Training]:
    """Fit the recipe's preparation on the training rows and build the training.

    `y` are the targets; by default the class codes of the rows.
    """
    preparation = None
    if train.columns:
        preparation = NetPreparation.fit(train.X, train.columns, **recipe.preparation)
    prepare = PreparedTable(preparation)
    training = Training(
        recipe,
        prepare(train.X),
        train.y if y is None else y,
        train.n_classes,
        rng=rng,
        image=train.image,
        inputs=preparation,
    )
    return prepare, training


def fit(recipe: NetRecipe, job: FitJob) -> Fitting:
    """Train and select the epoch with the lowest loss by the recipe's metric, then by log loss."""
    prepare, training = start_training(recipe, job.train, job.rng)
    return _select_epoch(recipe, job, prepare, training)


def fit_numbers(recipe: NetRecipe, job: FitJob) -> Fitting:
    """Train on scaled targets and select the epoch with the lowest loss by the leading metric."""
    scale = TargetScale.fit(job.train.y, is_rate=predicts_rates(recipe))
    prepare, training = start_training(recipe, job.train, job.rng, scale.encode(job.train.y))
    return _select_epoch(recipe, job, prepare, training, scale)


def _select_epoch(
    recipe: NetRecipe,
    job: FitJob,
    prepare: PreparedTable,
    training: Training,
    scale: TargetScale | None = None,
) -> Fitting:
    """Train, select the epoch with the lowest loss, and yield the checkpoints."""
    decode = (lambda outputs: outputs) if scale is None else scale.decode
    valid_X, y = prepare(job.valid.X), job.valid.y

    def predict_prepared(matrix: Array) -> Array:
        return decode(training.predict_proba(matrix))

    predict = partial(prepare.predict_cached, predict=predict_prepared)
    best = BestEpoch(training.prediction_weights.copy())
    selecting = get_metric(selecting_metric(recipe.selects_by, job.metric.key))

    def losses(outputs: Array, y: Array) -> tuple[float, float]:
        return job.losses(decode(outputs), y, selecting)

    error_of = None if scale is None else lambda outputs, y: job.evaluate(decode(outputs), y)[0]
    for epoch, _ in training.validated_epochs(valid_X, y, best, losses, error_of):
        if (
            yield from epoch_checkpoint(
                recipe, job, selecting, (epoch.epoch, epoch.t), best, predict
            )
        ):
            break
    prepare.clear()
    details = describe_best(recipe, training, best, selecting)
    return FittedNet(training, best.weights, prepare, job.clock.stop(), details, scale)


def epoch_checkpoint(
    recipe: NetRecipe,
    job: FitJob,
    selecting: Metric,
    epoch: tuple[int, float],
    best: BestEpoch,
    predict: Callable[[Any], Array],
) -> Generator[Checkpoint, None, bool]:
    """Report an epoch and yield its checkpoint if it has one; return whether the fit must stop.

    Parameters
    ----------
    recipe, job : the network and its fit
    selecting : the metric that selects the best epoch
    epoch : the number of the epoch, and the share of all epochs that is done
    best : the best epoch so far
    predict : predictions of the current weights
    """
    n, t = epoch
    every = 1 if job.train.columns else max(1, recipe.epochs // CURVE_POINTS)
    skip = not (n <= FIRST_EPOCHS or n % every == 0 or n == recipe.epochs)
    loss = best.losses[0] if selecting.name == job.metric.name else best.error
    selection = selecting.name, best.losses[0]
    return (yield from job.checkpoint(t, best.error, loss, predict, skip=skip, selection=selection))


def describe_best(
    recipe: NetRecipe, training: Training, best: BestEpoch, selecting: Metric
) -> dict[str, Any]:
    """Return the details of a fit: its best epoch, and what selected it."""
    return {
        "best_epoch": best.epoch,
        "epochs": recipe.epochs,
        "valid_error": best.error,
        "parameters": training.network.layout.size,
        **selection_details(selecting.name, best.losses[0]),
    }


def to_model(fitted: FittedNet, schema: Schema, title: str) -> Model:
    """Return the network with the selected weights."""
    from graduel.models.model import Model

    network, preparation = fitted.training.network, fitted.prepare.preparation
    schema = schema if fitted.scale is None else replace(schema, target_scale=fitted.scale)
    return Model("net", title, schema, preparation, network, fitted.weights)


STDS = (0.05, 0.1, 0.3, 1.0)
"""Standard deviations of the frequencies of periodic embeddings."""

TABLE_SPACE: Space = {
    "layers": Choice(
        (
            *((64,), (100,), (256,), (512,)),
            *((128, 128), (256, 256), (512, 512)),
            *((128, 128, 128), (256, 256, 256), (512, 512, 512)),
        )
    ),
    "members": Choice((1, 4, 8, 16)),
    "activation": Choice(
        ("relu", "selu", "silu", "mish", "tanh", "parametric_selu", "parametric_mish")
    ),
    "scaling": Choice(("robust", "quantile", "both")),
    "numeric_embedding": Choice(
        (
            "plain",
            *(f"pbld(frequencies=16,size={size},std={std})" for size in (4, 8) for std in STDS),
        )
    ),
    "norm": Choice(("none", "batch", "layer")),
    "dropout": Real(0.0, 0.5),
    "init": Choice(("he_normal", "lecun_normal", "glorot_uniform")),
    "label_smoothing": Real(0.0, 0.1),
    "optimizer": Choice(("adamw", "adamw(beta2=0.95)")),
    # For NTK parametrization, which needs about ten times the usual learning rate.
    "lr": Real(1e-3, 0.3, log=True),
    "weight_decay": Real(1e-5, 0.3, log=True),
    "schedule": Choice(("cosine", "coslog4", "flat_cos", "constant")),
    "batch_size": Integer(16, 512, log=True),
    "epochs": Integer(10, 256, log=True),
}
"""Contains RealMLP-TD (Holzmüller et al., *Better by Default*, 2024: 3 layers of 256 units,
parametric SELU, periodic embeddings of 16 frequencies, dropout 0.15, weight decay 0.02, label
smoothing 0.1, Adam with learning rate 0.04 and β₂ = 0.95, schedule coslog4, batch size 256, 256
epochs) and scikit-learn's ``MLPClassifier`` (100 units, ReLU, Glorot uniform initialization, Adam
with learning rate 0.001, batch size 200, 200 epochs)."""

NUMBER_SPACE: Space = {
    **{name: one for name, one in TABLE_SPACE.items() if name != "label_smoothing"},
    "loss": Choice(("squared", "huber", "absolute")),
    "lr": Real(1e-3, 0.5, log=True),
}
"""Contains RealMLP-TD for regression, with the activation Mish and the learning rate 0.2."""

IMAGE_SPACE: Space = {
    "layers": Choice(
        (
            *((256,), (512,), (256, 256), (512, 512)),
            *((1024, 512), (512, 512, 512), (800, 400, 200)),
        )
    ),
    "activation": Choice(("relu", "silu", "mish")),
    "norm": Choice(("none", "batch", "layer")),
    "dropout": Real(0.0, 0.5),
    "label_smoothing": Real(0.0, 0.1),
    "lr": Real(3e-4, 1e-2, log=True),
    "weight_decay": Real(1e-3, 0.3, log=True),
    "schedule": Choice(("cosine", "coslog4", "flat_cos")),
    "batch_size": Integer(64, 256, log=True),
    "epochs": Integer(10, 40, log=True),
}


def _table_recipes(table: TableTraits) -> Recipes:
    return Recipes(net_recipe(False, table.n_rows), net_recipe(True, table.n_rows))


def _number_recipes(table: TableTraits) -> Recipes:
    n = table.n_rows
    return Recipes(net_recipe(False, n, regression=True), net_recipe(True, n, regression=True))


def _for_images(name: str, title: str, recipe: str, quick_epochs: int) -> NamedContender:
    full = RECIPES[recipe]
    return NamedContender(name, title, Recipes(full, replace(full, epochs=quick_epochs)), None)


FAMILY = Family(
    name="net",
    title="NumPy network",
    recipe=NetRecipe,
    fit=fit,
    space=RecipeSpace(TABLE_SPACE, IMAGE_SPACE, lengths=("epochs",)),
    contenders=(
        NamedContender(
            "net",
            "NumPy network",
            Recipes(net_recipe(False), net_recipe(True)),
            _table_recipes,
            default=True,
        ),
        _for_images("net-best", "best dense network", "mnist-vat", 4),
        _for_images("net-augmented", "NumPy network on augmented digits", "mnist-augmented", 15),
        _for_images("net-conv", "convolutional network", "mnist-conv", 6),
    ),
    to_model=to_model,
    regressor=Regressor(fit_numbers, {"net": _number_recipes}, RecipeSpace(NUMBER_SPACE)),
)

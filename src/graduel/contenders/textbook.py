"""The textbook network: full-batch gradient descent with ``nn/textbook.py``."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from graduel.contenders.contender import Array, Fitting, LabelledRows
from graduel.contenders.family import Family, Recipes
from graduel.contenders.fit_job import FitJob
from graduel.contenders.prepared_table import PreparedTable
from graduel.contenders.search.space import Choice, Real, RecipeSpace
from graduel.data.prepare.preparation import NetPreparation
from graduel.nn import textbook
from graduel.pixels import detect_scale

if TYPE_CHECKING:
    from graduel.data.schema import Schema
    from graduel.models.model import Model

CHECKPOINTS = 25
"""Number of checkpoints in a fit."""


@dataclass(frozen=True, slots=True)
class TextbookRecipe:
    """Hyperparameters of the textbook network, trained by full-batch gradient descent."""

    layers: tuple[int, ...] = (128,)
    rate: float = 0.5
    steps: int = 250


def to_columns(X: Array) -> Array:
    """Return the rows as float32 columns; uint8 pixels are scaled to 0 to 1."""
    return (X * np.float32(detect_scale(X))).astype(np.float32, copy=False).T


@dataclass(slots=True)
class FittedTextbook:
    """Weight matrices and bias vectors after a gradient step."""

    W: textbook.Arrays
    b: textbook.Arrays
    prepare: PreparedTable
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)

    def predict_proba(self, X: Any) -> Array:
        """Return float32 class probabilities `(n_rows, n_classes)`."""
        return self.prepare.predict(X, self.predict)

    def predict(self, matrix: Array) -> Array:
        """Return the class probabilities of prepared rows."""
        return textbook.predict(to_columns(matrix), self.W, self.b).T

    def to_bytes(self) -> bytes:
        """Return every W and b, and the preparation."""
        arrays = b"".join(array.tobytes() for array in (*self.W, *self.b))
        return arrays + self.prepare.to_bytes()


def prepare_textbook(train: LabelledRows) -> PreparedTable:
    """Fit the preparation of raw rows on the training rows."""
    return PreparedTable(NetPreparation.fit(train.X, train.columns) if train.columns else None)


def fit(recipe: TextbookRecipe, job: FitJob) -> Fitting:
    """Take the recipe's number of gradient steps; the last step's weights are the model.

    There is no model selection: the validation rows are used only to report progress.
    """
    train, steps = job.train, recipe.steps
    prepare = prepare_textbook(train)
    valid_X, X = prepare(job.valid.X), to_columns(prepare(train.X))
    Y = textbook.one_hot(train.y, train.n_classes).astype(np.float32)
    W, b = textbook.initialize((len(X), *recipe.layers, train.n_classes), job.rng)
    W, b = [w.astype(np.float32) for w in W], [v.astype(np.float32) for v in b]
    every = max(1, steps // CHECKPOINTS)
    model, error = FittedTextbook(W, b, prepare), 1.0
    descent = textbook.descend(X, Y, W, b, rate=recipe.rate, steps=steps)
    for step, (W, b, _) in enumerate(descent, 1):
        if step % every and step < steps:
            continue
        model = FittedTextbook(W, b, prepare)
        error, loss = job.evaluate(model.predict(valid_X))
        predict = partial(prepare.predict_cached, predict=model.predict)
        if (yield from job.checkpoint(step / steps, error, loss, predict)):
            break
    prepare.clear()
    model.seconds = job.clock.stop()
    model.details = {"steps": step, "valid_error": error}
    return model


def to_model(fitted: FittedTextbook, schema: Schema, title: str) -> Model:
    """Convert to an ``nn.Network``: the same matrices, transposed."""
    from graduel.models.model import Model
    from graduel.nn import Dense, Network, ReLU

    layers: list[Any] = []
    for W in fitted.W:
        layers += [Dense(len(W)), ReLU()]
    network = Network(tuple(layers[:-1]), (fitted.W[0].shape[1],))
    weights = network.init(np.random.default_rng(0))
    for i, (W, b) in enumerate(zip(fitted.W, fitted.b, strict=True)):
        network.layout[f"{2 * i}.W"].view(weights.theta)[...] = W.T
        network.layout[f"{2 * i}.b"].view(weights.theta)[...] = b[:, 0]
    return Model("net", title, schema, fitted.prepare.preparation, network, weights)


FAMILY = Family(
    name="textbook",
    title="textbook network",
    recipe=TextbookRecipe,
    fit=fit,
    space=RecipeSpace(
        {
            "layers": Choice(((32,), (64,), (128,), (256,))),
            "rate": Real(0.05, 2.0, log=True),
        }
    ),
    images=Recipes(TextbookRecipe(), TextbookRecipe(steps=100)),
    tables=Recipes(TextbookRecipe(rate=0.2, steps=500), TextbookRecipe(rate=0.2, steps=60)),
    default=True,
    to_model=to_model,
)

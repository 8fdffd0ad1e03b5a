"""The textbook network: full-batch gradient descent with ``nn/textbook.py``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from graduel.contenders.contender import Array, Fitting, LabelledRows
from graduel.contenders.family import Family, Recipes, Regressor
from graduel.contenders.fit_job import FitJob
from graduel.contenders.prepared_table import PreparedTable
from graduel.contenders.search.space import Choice, Real, RecipeSpace
from graduel.data.prepare.preparation import NetPreparation
from graduel.data.prepare.target_scale import TargetScale
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
    scale: TargetScale | None = None
    """The scale of numbers that it predicts; None for classes."""

    def predict_proba(self, X: Any) -> Array:
        """Return float32 class probabilities `(n_rows, n_classes)`, or numbers `(n_rows, 1)`."""
        return self.prepare.predict(X, self.predict)

    def predict(self, matrix: Array) -> Array:
        """Return the predictions of prepared rows."""
        if self.scale is None:
            return textbook.predict(to_columns(matrix), self.W, self.b).T
        _, A = forward_numbers(to_columns(matrix), self.W, self.b)
        return self.scale.decode(A[-1].T)

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
    Y = textbook.one_hot(job.train.y, job.train.n_classes).astype(np.float32)
    return _train(recipe, job, Y, textbook.descend)


def fit_numbers(recipe: TextbookRecipe, job: FitJob) -> Fitting:
    """Take gradient steps on the squared error of standardized targets, as :func:`fit` does."""
    scale = TargetScale.fit(job.train.y)
    return _train(recipe, job, scale.encode(job.train.y).T, descend_numbers, scale)


def forward_numbers(
    X: Array, W: textbook.Arrays, b: textbook.Arrays
) -> tuple[textbook.Arrays, textbook.Arrays]:
    """Return all Z[l] and A[l] of a network that predicts numbers: its output is Z, not softmax."""
    Z, A = textbook.forward(X, W, b)
    A[-1] = Z[-1]  # (3') of docs/derivation.md
    return Z, A


def descend_numbers(
    X: Array, Y: Array, W: textbook.Arrays, b: textbook.Arrays, *, rate: float, steps: int
) -> Iterator[tuple[textbook.Arrays, textbook.Arrays, float]]:
    """Run gradient descent on L = 1/2m Σ (A − Y)²; yield W, b and the loss *before* the step.

    The gradient is that of classes, since dZ = A − Y for both.
    """
    for _ in range(steps):
        Z, A = forward_numbers(X, W, b)
        dW, db = textbook.backward(Z, A, Y, W)
        W = [w - rate * d for w, d in zip(W, dW, strict=True)]
        b = [v - rate * d for v, d in zip(b, db, strict=True)]
        yield W, b, float(np.sum((A[-1] - Y) ** 2)) / (2 * Y.shape[1])


def _train(
    recipe: TextbookRecipe,
    job: FitJob,
    Y: Array,
    descend: Callable[..., Iterator[Any]],
    scale: TargetScale | None = None,
) -> Fitting:
    """Descend towards the targets Y, shape (n_outputs, n_rows)."""
    train, steps = job.train, recipe.steps
    prepare = prepare_textbook(train)
    valid_X, X = prepare(job.valid.X), to_columns(prepare(train.X))
    W, b = textbook.initialize((len(X), *recipe.layers, len(Y)), job.rng)
    W, b = [w.astype(np.float32) for w in W], [v.astype(np.float32) for v in b]
    every = max(1, steps // CHECKPOINTS)
    model, error = FittedTextbook(W, b, prepare, scale=scale), 1.0
    descent = descend(X, Y, W, b, rate=recipe.rate, steps=steps)
    for step, (W, b, _) in enumerate(descent, 1):
        if step % every and step < steps:
            continue
        model = FittedTextbook(W, b, prepare, scale=scale)
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
    from graduel.nn import Dense, Network, ReLU, SoftmaxCrossEntropy, SquaredError

    layers: list[Any] = []
    for W in fitted.W:
        layers += [Dense(len(W)), ReLU()]
    loss = SoftmaxCrossEntropy() if fitted.scale is None else SquaredError()
    network = Network(tuple(layers[:-1]), (fitted.W[0].shape[1],), loss)
    weights = network.init(np.random.default_rng(0))
    for i, (W, b) in enumerate(zip(fitted.W, fitted.b, strict=True)):
        network.layout[f"{2 * i}.W"].view(weights.theta)[...] = W.T
        network.layout[f"{2 * i}.b"].view(weights.theta)[...] = b[:, 0]
    schema = schema if fitted.scale is None else replace(schema, target_scale=fitted.scale)
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
    regressor=Regressor(
        fit_numbers,
        {
            "textbook": Recipes(
                TextbookRecipe(rate=0.05, steps=500), TextbookRecipe(rate=0.05, steps=60)
            )
        },
    ),
)

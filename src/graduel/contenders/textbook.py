"""The network exactly as derived: ``nn/textbook.py`` on all rows at once."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from graduel.contenders.contender import (
    Array,
    Budget,
    Checkpoint,
    Clock,
    FittedContender,
    LabelledRows,
    Notify,
    Progress,
    error_rate,
)
from graduel.contenders.prepared_table import PreparedTable
from graduel.contenders.recipes import TextbookRecipe
from graduel.data.prepare.preparation import NetPreparation
from graduel.metrics.metric import get_metric
from graduel.nn import textbook
from graduel.pixels import detect_scale

CHECKPOINTS = 25
"""How often the curve is sampled over a fit."""


def to_columns(X: Array) -> Array:
    """Return uint8 pixels as columns between 0 and 1; other numbers as they are."""
    return (X * np.float32(detect_scale(X))).astype(np.float32, copy=False).T


@dataclass(slots=True)
class FittedTextbook:
    """Matrices and vectors as they stand after some step."""

    W: textbook.Arrays
    b: textbook.Arrays
    ready: PreparedTable
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)

    def predict_proba(self, X: Any) -> Array:
        """Return float32 probabilities, shape (n, classes)."""
        return self.ready.answer(X, self.predict)

    def predict(self, matrix: Array) -> Array:
        """Return the probabilities of rows that are prepared."""
        return textbook.predict(to_columns(matrix), self.W, self.b).T

    def to_bytes(self) -> bytes:
        """Return every W and b, and the preparation."""
        arrays = b"".join(array.tobytes() for array in (*self.W, *self.b))
        return arrays + self.ready.to_bytes()


@dataclass(frozen=True, slots=True)
class Textbook:
    """Full-batch gradient descent. It chooses nothing: the last step's weights are the model."""

    recipe: TextbookRecipe = TextbookRecipe()
    name: str = "textbook"
    metric: str = "error"

    def fit(
        self,
        train: LabelledRows,
        valid: LabelledRows,
        *,
        rng: np.random.Generator,
        budget: Budget,
        notify: Notify,
    ) -> Generator[Checkpoint, None, FittedContender]:
        """Descend for the recipe's steps; the validation rows only show progress."""
        clock, recipe, metric = Clock(), self.recipe, get_metric(self.metric)
        ready = PreparedTable(NetPreparation.fit(train.X, train.columns) if train.columns else None)
        valid_X = ready(valid.X)
        X, Y = (
            to_columns(ready(train.X)),
            textbook.one_hot(train.y, train.n_classes).astype(np.float32),
        )
        W, b = textbook.initialize((len(X), *recipe.layers, train.n_classes), rng)
        W, b = [w.astype(np.float32) for w in W], [v.astype(np.float32) for v in b]
        every = max(1, recipe.steps // CHECKPOINTS)
        model, valid_error = FittedTextbook(W, b, ready), 1.0
        descent = textbook.descend(X, Y, W, b, rate=recipe.rate, steps=recipe.steps)
        for step, (W, b, _) in enumerate(descent, 1):
            if step % every == 0 or step == recipe.steps:
                model = FittedTextbook(W, b, ready)
                p = model.predict(valid_X)
                valid_error, loss = error_rate(p, valid.y), metric.loss(p, valid.y)
                seconds = clock.stop()
                enough = notify(Progress(step / recipe.steps, seconds, valid_error, loss))
                yield Checkpoint(seconds, partial(ready.again, predict=model.predict))
                clock.go()
                if enough:
                    break
        ready.forget()
        model.seconds = clock.stop()
        model.details = {"steps": step, "valid_error": valid_error}
        return model

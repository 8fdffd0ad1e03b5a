"""Training of a network from its recipe, and selection of the best epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.errors import UserError
from graduel.nn import Loss, Weights
from graduel.nn.textbook import one_hot
from graduel.optim import Minimizer
from graduel.train.augment.augmentation import Augmented
from graduel.train.build import part_registry
from graduel.train.build.front_layers import Inputs
from graduel.train.build.layer_text import Image
from graduel.train.build.network_builder import (
    build_augmentations,
    build_loss,
    check_recipe,
    takes_class_codes,
)
from graduel.train.build.optimizer_builder import build_optimizer, build_schedule
from graduel.train.loop.batches import BatchStream, CodeStream, Rows, Source, TargetStream
from graduel.train.loop.ema import WeightAverage, iter_averaged_epochs
from graduel.train.loop.fit import Epoch, Fit
from graduel.train.loop.full_batch import FullBatch
from graduel.train.loop.plateau import ReduceOnPlateau
from graduel.train.recipes import NetRecipe

Array = NDArray[Any]
CALIBRATION_ROWS = 1024
"""The number of training rows for layers that initialize their parameters from data."""
Losses = Callable[[Array, Array], tuple[float, ...]]


class Training:
    """Training of a network from its recipe: a generator of epochs, and the current weights.

    Parameters
    ----------
    recipe : all hyperparameters
    X, y : rows, shape (n_rows, n_features), and class codes; uint8 stays uint8
    n_classes : number of classes
    rng : source of all random numbers: initial weights, then order and dropout
    image : shape (height, width, channels) of a row, where rows are images
    inputs : the column kinds, where rows are those of a prepared table
    class_weight : a weight for each class, in place of the recipe's

    Raises
    ------
    UserError
        If the recipe names an unknown part, or its parts do not fit together.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(90, 2)).astype("float32")
    >>> recipe = NetRecipe(layers=(8,), epochs=30, batch_size=10, lr=0.02)
    >>> training = Training(recipe, X, (X[:, 0] > 0).astype(int), 2, rng=rng)
    >>> for epoch in training.epochs():
    ...     pass
    >>> labels = training.predict_proba(X).argmax(axis=1)
    >>> epoch.epoch, bool((labels == (X[:, 0] > 0)).mean() > 0.9)
    (30, True)
    """

    def __init__(
        self,
        recipe: NetRecipe,
        X: Array,
        y: Array,
        n_classes: int,
        *,
        rng: np.random.Generator,
        image: Image | None = None,
        inputs: Inputs | None = None,
        class_weight: tuple[float, ...] | None = None,
    ) -> None:
        self._begin(
            recipe,
            Rows.of(X),
            y,
            n_classes,
            rng=rng,
            image=image,
            inputs=inputs,
            class_weight=class_weight,
        )

    @classmethod
    def on_stream(
        cls,
        recipe: NetRecipe,
        stream: CodeStream,
        *,
        rng: np.random.Generator,
        inputs: Inputs | None = None,
    ) -> Training:
        """Return a training on rows that are not in memory; `rng` does not draw their order.

        Layers that are initialized from data, and the state of averaged weights, use the stream's
        sample.

        Raises
        ------
        UserError
            If the recipe needs all rows in memory, or its parts do not fit together.
        """
        training = cls.__new__(cls)
        training._begin(recipe, stream, None, len(stream.class_counts), rng=rng, inputs=inputs)
        return training

    def _begin(
        self,
        recipe: NetRecipe,
        rows: Rows | CodeStream,
        y: Array | None,
        n_classes: int,
        *,
        rng: np.random.Generator,
        image: Image | None = None,
        inputs: Inputs | None = None,
        class_weight: tuple[float, ...] | None = None,
    ) -> None:
        self.recipe, self.rng = recipe, rng
        if isinstance(rows, Rows):
            assert y is not None
            self.rows, counts = rows, np.bincount(y, minlength=n_classes)
        else:
            self.rows, counts = Rows.of(rows.sample()), rows.class_counts
        loss = build_loss(recipe, counts, class_weight)
        self.network = check_recipe(
            recipe, rows.n_features, n_classes, image=image, loss=loss, inputs=inputs
        )
        self._rule = build_optimizer(recipe)
        rule, _ = part_registry.parse("optimizer", recipe.optimizer)
        self._fit: Fit | None = None
        self._average: WeightAverage | None = None
        self._plateau = ReduceOnPlateau(patience=recipe.plateau) if recipe.plateau else None
        steps = build_augmentations(recipe.augment, image)
        source: Source | BatchStream
        if isinstance(rows, Rows) and y is not None:
            self.y: Array | None = y if takes_class_codes(loss) else _to_targets(y, n_classes)
            source = Augmented(rows, steps, rng=rng, image=image) if steps else rows
            self._state_rows: Source = source
        else:
            reject_full_batch(recipe)
            assert not isinstance(rows, Rows)
            self.y, source, self._state_rows = None, rows, self.rows
            if not takes_class_codes(loss):
                source = TargetStream(rows, partial(_to_targets, n_classes=n_classes))
        if isinstance(self._rule, Minimizer):
            self.weights = self.network.init(rng)
        else:
            self._fit = Fit(
                self.network,
                source,
                self.y,
                rng=rng,
                optimizer=self._rule,
                lr=recipe.lr,
                schedule=build_schedule(recipe),
                epochs=recipe.epochs,
                batch_size=len(rows) if rule == "gd" else recipe.batch_size,
            )
            self.weights = self._fit.weights
        if recipe.calibrate:
            some = rng.permutation(len(self.rows))[:CALIBRATION_ROWS]
            self.network.calibrate(self.rows.gather(len(some))(some), self.weights, rng)
        if recipe.ema:
            self._average = WeightAverage(self.weights, recipe.ema)
        self.prediction_weights = self.weights
        """The current weights for predictions: those in training, or their EMA."""

    def epochs(self) -> Iterator[Epoch]:
        """Train, yielding after every epoch (with L-BFGS: after every iteration)."""
        if self._fit is None:
            assert isinstance(self._rule, Minimizer)
            assert self.y is not None
            yield from FullBatch(
                self.network,
                self.rows,
                self.y,
                weights=self.weights,
                minimizer=self._rule,
                steps=self.recipe.epochs,
                weight_decay=self.recipe.weight_decay,
            ).fit_iter()
            return
        if self._average is None:
            yield from self._fit.fit_iter()
            return
        for epoch in iter_averaged_epochs(self._fit, self._average):
            # Augmented rows: the state must belong to the distribution seen in training.
            self.prediction_weights = self._average.weights(
                self.network, self._state_rows, rng=self.rng, batch_size=self._fit.batch_size
            )
            yield epoch

    def validated_epochs(
        self, X: Array, y: Array, best: BestEpoch, losses: Losses | None = None
    ) -> Iterator[tuple[Epoch, float]]:
        """Train, yielding each epoch with its error on validation rows; record the best epoch.

        The best epoch has the lowest `losses` of probabilities and class codes, compared in order;
        by default the lowest error.
        """
        for epoch in self.epochs():
            p = self.predict_proba(X)
            error = float(np.mean(p.argmax(axis=1) != y))
            values = (error,) if losses is None else losses(p, y)
            self.observe(values[0])
            best.record(self.prediction_weights, epoch.epoch, error, values)
            yield epoch, error

    def observe(self, value: float) -> None:
        """Pass a validation loss to the plateau controller, if the recipe has one."""
        if self._plateau is not None and self._fit is not None:
            self._fit.lr = self.recipe.lr * self._plateau.observe(value)

    def predict_proba(self, X: Array, weights: Weights | None = None) -> Array:
        """Return float32 probabilities, shape (n_rows, n_classes)."""
        outputs = self.network.predict(X, weights or self.prediction_weights, rows=Rows.of(X).block)
        return to_probabilities(self.network.loss, outputs)


@dataclass(slots=True)
class BestEpoch:
    """The best epoch on validation rows so far, with a copy of its weights."""

    weights: Weights
    epoch: int = 0
    error: float = float("inf")
    losses: tuple[float, ...] = (float("inf"),)
    """The losses that it was selected by, compared in order."""

    def record(
        self, weights: Weights, epoch: int, error: float, losses: tuple[float, ...] = ()
    ) -> None:
        """Record an epoch; ties keep the earlier one. `losses` default to the error."""
        values = losses or (error,)
        if values < self.losses:
            self.weights, self.losses = weights.copy(), values
            self.epoch, self.error = epoch, error


def reject_full_batch(recipe: NetRecipe) -> None:
    """Raise `UserError` if a recipe needs all training rows in memory."""
    rule, _ = part_registry.parse("optimizer", recipe.optimizer)
    is_augmented = recipe.augment != "none"
    if rule == "gd" or isinstance(build_optimizer(recipe), Minimizer) or is_augmented:
        part = f"augment={recipe.augment}" if is_augmented else f"optimizer={recipe.optimizer}"
        raise UserError(
            f"--net: {part} needs all training rows in memory; this table is read from disk. "
            "Choose another"
        )


def _to_targets(y: Array, n_classes: int) -> Array:
    """Return a float32 target for each class, shape (n_rows, n_classes)."""
    return np.ascontiguousarray(one_hot(y, n_classes).T, np.float32)


def to_probabilities(loss: Loss, outputs: Array) -> Array:
    """Convert a network's outputs to probabilities, in place: at least 0, each row's sum 1.

    Under losses other than softmax cross-entropy, the outputs of a row do not sum to 1.
    """
    if takes_class_codes(loss):
        return outputs
    np.clip(outputs, 0, None, out=outputs)
    outputs += np.finfo(outputs.dtype).tiny  # a row of zeros becomes equal probabilities
    outputs /= outputs.sum(axis=1, keepdims=True)
    return outputs

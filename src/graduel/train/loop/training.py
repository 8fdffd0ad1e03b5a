"""Training of a network from its recipe, and selection of the best epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
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
    build_smoothness,
    check_recipe,
    takes_class_codes,
)
from graduel.train.build.optimizer_builder import build_optimizer, build_schedule
from graduel.train.io.checkpoint_file import collect_state, restore_state
from graduel.train.loop.batches import BatchStream, CodeStream, Rows, Source, TargetStream
from graduel.train.loop.ema import WeightAverage
from graduel.train.loop.fit import Epoch, Fit, Step, iter_epochs
from graduel.train.loop.full_batch import FullBatch
from graduel.train.loop.parallel import Collective, DataParallel
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
    X, y : rows, shape (n_rows, n_features), and class codes, or with `n_classes` 0 the numbers to
        predict, shape (n_rows, 1); uint8 stays uint8
    n_classes : number of classes; 0 for numbers
    rng : source of all random numbers: initial weights, then order and dropout
    image : shape (height, width, channels) of a row, where rows are images
    inputs : the column kinds, where rows are those of a prepared table
    class_weight : a weight for each class, in place of the recipe's
    weight : weight of each row in the loss, at least 0, shape (n_rows,)
    collective : the workers of a parallel training, each with the same arguments but this one

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
        weight: Array | None = None,
        collective: Collective | None = None,
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
            weight=weight,
            collective=collective,
        )

    @classmethod
    def on_stream(
        cls,
        recipe: NetRecipe,
        stream: CodeStream,
        *,
        rng: np.random.Generator,
        inputs: Inputs | None = None,
        collective: Collective | None = None,
    ) -> Training:
        """Return a training on rows that are not in memory; `rng` does not draw their order.

        Each worker of a parallel training has a stream of its own rows. Layers that are initialized
        from data, and the state of averaged weights, use the stream's sample.

        Raises
        ------
        UserError
            If the recipe needs all rows in memory, or its parts do not fit together.
        """
        training = cls.__new__(cls)
        training._begin(
            recipe,
            stream,
            None,
            len(stream.class_counts),
            rng=rng,
            inputs=inputs,
            collective=collective,
        )
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
        weight: Array | None = None,
        collective: Collective | None = None,
    ) -> None:
        self.recipe, self.rng, self._weight = recipe, rng, weight
        self.parallel: DataParallel | None = None
        if collective is not None:
            # Drawn from a copy: the order of rows is that of one process.
            self.parallel = DataParallel(collective, int(deepcopy(rng).integers(2**63)))
        self.on_step: Callable[[], None] | None = None
        """Called after every step but the last one of an epoch."""
        if isinstance(rows, Rows):
            assert y is not None
            self.rows = rows
            counts = np.bincount(y, minlength=n_classes) if n_classes else np.empty(0)
        else:
            self.rows, counts = Rows.of(rows.sample()), rows.class_counts
        loss = build_loss(recipe, counts, class_weight)
        self.n_classes = n_classes
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
            is_final = not n_classes or takes_class_codes(loss)
            self.y: Array | None = y if is_final else _to_targets(y, n_classes)
            stream = rng if self.parallel is None else self.parallel.rng
            source = Augmented(rows, steps, rng=stream, image=image) if steps else rows
            self._state_rows: Source = source
        else:
            reject_full_batch(recipe)
            assert not isinstance(rows, Rows)
            self.y, source, self._state_rows = None, rows, self.rows
            if not takes_class_codes(loss):
                source = TargetStream(rows, partial(_to_targets, n_classes=n_classes))
        if isinstance(self._rule, Minimizer):
            if self.parallel is not None:
                raise UserError(
                    "optimizer=lbfgs trains in one process; choose another optimizer for several "
                    "workers"
                )
            self.weights = self.network.init(rng)
        else:
            self._fit = Fit(
                self.network,
                source,
                self.y,
                rng=rng,
                weight=weight,
                smoothness=build_smoothness(recipe),
                optimizer=self._rule,
                lr=recipe.lr,
                schedule=build_schedule(recipe),
                epochs=recipe.epochs,
                batch_size=len(rows) if rule == "gd" else recipe.batch_size,
                parallel=self.parallel,
            )
            self.weights = self._fit.weights
        if recipe.calibrate:
            some = rng.permutation(len(self.rows))[:CALIBRATION_ROWS]
            self.network.calibrate(self.rows.gather(len(some))(some), self.weights, rng)
            if self.parallel is not None:
                self.parallel.collective.broadcast(self.weights.theta)
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
                weight=self._weight,
                weights=self.weights,
                minimizer=self._rule,
                steps=self.recipe.epochs,
                weight_decay=self.recipe.weight_decay,
            ).fit_iter()
            return
        started = self._fit.started_epoch()
        for epoch in iter_epochs(self._iter_steps(self._fit), len(self._fit.rows), started):
            if self._average is not None:
                # Augmented rows: the state must belong to the distribution seen in training.
                self.prediction_weights = self._average.weights(
                    self.network,
                    self._state_rows,
                    rng=self.rng,
                    batch_size=self._fit.batch_size,
                    parallel=self.parallel,
                )
            if self.parallel is not None:
                weights = self.prediction_weights
                self.parallel.check_equal(self.weights.theta, weights.theta, weights.state)
            yield epoch

    def _iter_steps(self, fit: Fit) -> Iterator[Step]:
        for step in fit.fit_steps():
            if self._average is not None:
                self._average.update()
            if self.on_step is not None and fit.started_epoch()[1]:
                self.on_step()
            yield step

    def validated_epochs(
        self,
        X: Array,
        y: Array,
        best: BestEpoch,
        losses: Losses | None = None,
        error_of: Callable[[Array, Array], float] | None = None,
    ) -> Iterator[tuple[Epoch, float]]:
        """Train, yielding each epoch with its error on validation rows; record the best epoch.

        The best epoch has the lowest `losses` of predictions and targets, compared in order; by
        default the lowest error. `error_of` is the error of predictions; by default the share of
        rows whose most probable class is another one.
        """
        for epoch in self.epochs():
            p = self._predict_together(X)
            error = _misclassified_share(p, y) if error_of is None else error_of(p, y)
            values = (error,) if losses is None else losses(p, y)
            self.observe(values[0])
            best.record(self.prediction_weights, epoch.epoch, error, values)
            yield epoch, error

    def _predict_together(self, X: Array) -> Array:
        """Return probabilities; in a parallel training each worker predicts some of the rows."""
        if self.parallel is None:
            return self.predict_proba(X)
        return self.parallel.predict(len(X), lambda start, stop: self.predict_proba(X[start:stop]))

    def checkpoint(self, best: BestEpoch) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return all that an equal training needs to resume here: plain data and arrays.

        The arrays are views; the best epoch is among them.
        """
        assert self._fit is not None
        numbers, moments = collect_state(self._fit.optimizer_state)
        arrays = {f"optimizer.{name}": array for name, array in moments.items()}
        arrays |= {"theta": self.weights.theta, "state": self.weights.state}
        arrays |= {"best.theta": best.weights.theta, "best.state": best.weights.state}
        progress: dict[str, Any] = {"fit": self._fit.progress(), "optimizer": numbers}
        progress["best"] = {"epoch": best.epoch, "error": best.error, "losses": list(best.losses)}
        if self._average is not None:
            arrays["average"] = self._average.theta
            progress["average_step"] = self._average.step
        if self._plateau is not None:
            plateau = self._plateau
            progress["plateau"] = [plateau.now, plateau.best, plateau.waited]
        return progress, arrays

    def restore(self, best: BestEpoch, progress: dict[str, Any], arrays: dict[str, Array]) -> None:
        """Continue from the :meth:`checkpoint` of an equal training.

        Raises
        ------
        UserError
            If the training has other arrays.
        """
        assert self._fit is not None
        theta, state = arrays.get("theta"), arrays.get("state")
        best_theta, best_state = (arrays.get(f"best.{name}") for name in ("theta", "state"))
        for stored, own in (
            *((theta, self.weights.theta), (state, self.weights.state)),
            *((best_theta, best.weights.theta), (best_state, best.weights.state)),
        ):
            if stored is None or stored.shape != own.shape:
                raise UserError(
                    "the checkpoint is of another network; delete it to train from the start"
                )
            np.copyto(own, stored)
        prefix = "optimizer."
        moments = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
        restore_state(self._fit.optimizer_state, progress["optimizer"], moments)
        saved = progress["best"]
        best.epoch, best.error = saved["epoch"], saved["error"]
        best.losses = tuple(saved["losses"])
        if self._average is not None:
            np.copyto(self._average.theta, arrays["average"])
            self._average.step = progress["average_step"]
        if self._plateau is not None:
            plateau = self._plateau
            plateau.now, plateau.best, plateau.waited = progress["plateau"]
        self._fit.resume(progress["fit"])

    def observe(self, value: float) -> None:
        """Pass a validation loss to the plateau controller, if the recipe has one."""
        if self._plateau is not None and self._fit is not None:
            self._fit.lr = self.recipe.lr * self._plateau.observe(value)

    def predict_proba(self, X: Array, weights: Weights | None = None) -> Array:
        """Return float32 probabilities, shape (n_rows, n_classes), or numbers (n_rows, 1)."""
        outputs = self.network.predict(X, weights or self.prediction_weights, rows=Rows.of(X).block)
        return to_probabilities(self.network.loss, outputs) if self.n_classes else outputs


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


def _misclassified_share(p: Array, y: Array) -> float:
    return float(np.mean(p.argmax(axis=1) != y))


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

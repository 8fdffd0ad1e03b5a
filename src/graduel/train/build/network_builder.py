"""Build the network and the loss of a recipe, and validate the recipe."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.errors import UserError
from graduel.nn import (
    BinaryCrossEntropy,
    Constant,
    Dense,
    Dropout,
    EnsembleDense,
    EnsembleMean,
    EnsembleOutput,
    Initializer,
    Layer,
    Loss,
    Network,
    Noise,
    Normal,
    NTKDense,
    Signs,
    SoftmaxCrossEntropy,
)
from graduel.optim import Minimizer
from graduel.train.augment.augmentation import Augmentation
from graduel.train.build import part_registry
from graduel.train.build.front_layers import Inputs, table_front_layers
from graduel.train.build.layer_text import Image, build_layers, parse_layer
from graduel.train.build.optimizer_builder import build_optimizer, build_schedule
from graduel.train.loop.full_batch import reject_random_layers
from graduel.train.loop.virtual_adversarial import VirtualAdversarial, can_smooth
from graduel.train.recipes import NetRecipe

Array = NDArray[Any]
OF_CLASSES, RATES = ("softmax", "binary"), ("poisson", "gamma")
"""Losses of classes only, and losses of rates."""


def iter_layers(
    recipe: NetRecipe, n_in: int, image: Image | None, inputs: Inputs | None = None
) -> Iterator[Layer]:
    """Yield the layers before the output layer.

    The recipe's normalization, noise, activation and dropout follow each dense layer or
    convolution. The same noise is added to the rows.
    """
    texts = [parse_layer(str(layer)) for layer in recipe.layers]
    names = _activation_names(recipe.activation, sum(layer.has_weights for layer in texts))
    norm = () if recipe.norm == "none" else (part_registry.make("norm", recipe.norm),)
    is_scheduled = "dropout" in recipe.scheduled.split(",")
    dropout = (Dropout(recipe.dropout, is_scheduled),) if recipe.dropout else ()
    noise = (Noise(recipe.noise),) if recipe.noise else ()
    after = [(*norm, *noise, part_registry.make("activation", name), *dropout) for name in names]
    return build_layers(
        [*table_front_layers(recipe, n_in, inputs, image is not None), *noise, *texts],
        n_in,
        image,
        init=part_registry.make("init", recipe.init),
        after=after,
        dense=partial(_dense_layer, recipe),
        axes=1 if recipe.members == 1 else 2,
    )


def _dense_layer(recipe: NetRecipe, units: int, first: bool) -> Layer:
    """Build a hidden dense layer."""
    if recipe.members > 1:
        return EnsembleDense(
            units,
            recipe.members,
            _initializer(recipe),
            adapter=Signs() if first else Constant(1.0),
            scaled=recipe.ntk,
            calibrated=recipe.calibrate,
        )
    if recipe.ntk:
        return NTKDense(units, calibrated=recipe.calibrate)
    return Dense(units, _initializer(recipe))


def _output_layer(recipe: NetRecipe, units: int) -> Layer:
    """Build the output layer."""
    if recipe.members > 1:
        return EnsembleOutput(units, recipe.members, _initializer(recipe), scaled=recipe.ntk)
    return NTKDense(units) if recipe.ntk else Dense(units, _initializer(recipe))


def _initializer(recipe: NetRecipe) -> Initializer:
    """Return the weight initializer: variance 1 where the layer itself scales the weights."""
    init: Initializer = Normal(1.0) if recipe.ntk else part_registry.make("init", recipe.init)
    return init


def _activation_names(text: str, count: int) -> list[str]:
    """Return the names of the activations of `count` layers, from one name or a list of `count`."""
    names = part_registry.split(text)
    if len(names) not in (1, count):
        raise UserError(
            f"activation must be one name for all hidden layers, or {count} names, one for each; "
            f"got {len(names)} ({text})"
        )
    return names * count if len(names) == 1 else names


def build_loss(
    recipe: NetRecipe, counts: Array, class_weight: tuple[float, ...] | None = None
) -> Loss:
    """Build the loss from the number of training rows of each class; none to predict a number.

    `class_weight` replaces the recipe's class weights.
    """
    if not len(counts):
        return _build_number_loss(recipe)
    weight = class_weight
    if weight is None and recipe.class_weight == "balanced":
        weight = tuple(float(w) for w in counts.sum() / (len(counts) * np.maximum(counts, 1)))
    loss: Loss = part_registry.make(
        "loss", recipe.loss, label_smoothing=recipe.label_smoothing, class_weight=weight
    )
    for name, value in (("label_smoothing", recipe.label_smoothing), ("class_weight", weight)):
        if value and not hasattr(loss, name):
            also = " or binary" if name == "label_smoothing" else ""
            raise UserError(f"{name} requires loss=softmax{also}; got loss={recipe.loss}")
    return EnsembleMean(loss) if recipe.members > 1 else loss


def _build_number_loss(recipe: NetRecipe) -> Loss:
    """Build the loss of predicted numbers."""
    loss: Loss = part_registry.make("loss", recipe.loss)
    if isinstance(loss, SoftmaxCrossEntropy | BinaryCrossEntropy):
        names = ", ".join(name for name in part_registry.LOSSES if name not in OF_CLASSES)
        raise UserError(
            f"loss must be one of {names} where the target is a number; got '{recipe.loss}'"
        )
    if recipe.label_smoothing or recipe.class_weight != "none":
        name = "label_smoothing" if recipe.label_smoothing else "class_weight"
        raise UserError(f"{name} is for classes, but the target is a number. Leave it out")
    return EnsembleMean(loss) if recipe.members > 1 else loss


def predicts_rates(recipe: NetRecipe) -> bool:
    """Return whether the outputs of a recipe's network are logarithms of rates.

    >>> predicts_rates(NetRecipe(loss="poisson")), predicts_rates(NetRecipe(loss="squared"))
    (True, False)
    """
    return part_registry.parse("loss", recipe.loss)[0] in RATES


def takes_class_codes(loss: Loss) -> bool:
    """Return whether a loss takes class codes instead of a target for each class."""
    return isinstance(loss.loss if isinstance(loss, EnsembleMean) else loss, SoftmaxCrossEntropy)


def build_network(
    recipe: NetRecipe,
    n_in: int,
    n_out: int,
    *,
    image: Image | None = None,
    loss: Loss | None = None,
    inputs: Inputs | None = None,
) -> Network:
    """Build the network: the recipe's layers and a dense output layer.

    `n_out` is the number of classes; 0 to predict a number.
    """
    loss = loss if loss is not None else build_loss(recipe, np.ones(n_out))
    n_out = n_out or 1
    try:
        layers = (*iter_layers(recipe, n_in, image, inputs), _output_layer(recipe, n_out))
        return Network(layers, (n_in,), loss)
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"layers={','.join(map(str, recipe.layers))}: {error}") from None


def build_smoothness(recipe: NetRecipe) -> VirtualAdversarial | None:
    """Build the penalty on changes of predictions near the rows, if the recipe has one."""
    return VirtualAdversarial(recipe.vat, recipe.vat_weight) if recipe.vat else None


def build_augmentations(augment: str, image: Image | None) -> tuple[Augmentation, ...]:
    """Build the augmentations of training rows in order; return () for ``none``."""
    if augment == "none":
        return ()
    augmentations: list[Augmentation] = [
        part_registry.make("augment", one) for one in part_registry.split(augment)
    ]
    for augmentation in augmentations:
        augmentation.check(image)
    return tuple(augmentations)


def check_recipe(
    recipe: NetRecipe,
    n_in: int,
    n_out: int,
    *,
    image: Image | None = None,
    loss: Loss | None = None,
    inputs: Inputs | None = None,
) -> Network:
    """Build everything that training needs, to find errors early; return the network."""
    if recipe.calibrate and not recipe.ntk and recipe.members == 1:
        raise UserError(
            "calibrate=yes requires ntk=yes or members above 1; set one of them, or calibrate=no"
        )
    network = build_network(recipe, n_in, n_out, image=image, loss=loss, inputs=inputs)
    _check_first_loss(recipe, network)
    rule = build_optimizer(recipe)
    build_schedule(recipe)
    augmented = build_augmentations(recipe.augment, image)
    if recipe.vat and not can_smooth(network.loss):
        raise UserError(f"vat requires loss=softmax or binary; got loss={recipe.loss}")
    if recipe.vat and inputs is not None and inputs.categorical:
        raise UserError(
            "vat moves numbers, but this table has category codes; leave it out, or set "
            "category_embedding=0 so that categories become columns of 0 and 1"
        )
    if isinstance(rule, Minimizer):
        try:
            reject_random_layers(network)
        except ValueError as error:
            raise UserError(
                f"optimizer=lbfgs: {error}. Set dropout=0, noise=0, and norm=none or norm=layer in "
                "--net"
            ) from None
        for name, used in (
            ("ema", recipe.ema),
            ("plateau", recipe.plateau),
            ("augment", augmented),
            ("vat", recipe.vat),
        ):
            if used:
                raise UserError(f"optimizer=lbfgs does not support {name}; leave it out")
    else:
        try:
            rule.init(network.layout, network.dtype)
        except ValueError as error:
            raise UserError(str(error)) from None
    return network


def _check_first_loss(recipe: NetRecipe, network: Network) -> None:
    """Compute the loss of two rows with initial weights; raise `UserError` if that fails."""
    with np.errstate(all="ignore"):
        weights = network.init(np.random.default_rng(0))
    if not np.isfinite(weights.theta).all():
        raise UserError(
            f"init={recipe.init} draws weights too large for {network.dtype}; use smaller ones"
        )
    ws = network.workspace(weights, gradient=False)
    raw = np.zeros((2, *network.output_shape), network.dtype)
    codes = takes_class_codes(network.loss)
    y = np.zeros(2, np.intp) if codes else np.zeros((2, raw.shape[-1]), network.dtype)
    try:
        network.loss.value_and_gradient(raw, y, None, ws.loss)
    except ValueError as error:
        raise UserError(f"loss={recipe.loss}: {error}") from None

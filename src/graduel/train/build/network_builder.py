"""Build the network and the loss of a recipe, and check a recipe as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.errors import UserError
from graduel.nn import (
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
from graduel.train.recipes import NetRecipe

Array = NDArray[Any]


def iter_layers(
    recipe: NetRecipe, n_in: int, image: Image | None, inputs: Inputs | None = None
) -> Iterator[Layer]:
    """Yield the layers in front of the last one, as :func:`.layer_text.build_layers` does.

    After each dense layer or convolution come the normalization, the noise, the activation and the
    dropout of the recipe. The noise is that of the rows as well.
    """
    texts = [parse_layer(str(layer)) for layer in recipe.layers]
    names = _activation_names(recipe.activation, sum(layer.trained for layer in texts))
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
    """Return the initializer of weights: variance 1 where the layer scales them down itself."""
    init: Initializer = Normal(1.0) if recipe.ntk else part_registry.make("init", recipe.init)
    return init


def _activation_names(text: str, count: int) -> list[str]:
    """Return an activation for each of `count` layers: one for all, or a list of equal length."""
    names = part_registry.split(text)
    if len(names) not in (1, count):
        raise UserError(
            f"activation must be one for all hidden layers, or one for each of the {count}; "
            f"got {len(names)} ({text})"
        )
    return names * count if len(names) == 1 else names


def build_loss(
    recipe: NetRecipe, counts: Array, class_weight: tuple[float, ...] | None = None
) -> Loss:
    """Build the loss; `counts` are the training rows of each class.

    `class_weight` are weights for the classes in place of the recipe's.
    """
    weight = class_weight
    if weight is None and recipe.class_weight == "balanced":
        weight = tuple(float(w) for w in counts.sum() / (len(counts) * np.maximum(counts, 1)))
    loss: Loss = part_registry.make(
        "loss", recipe.loss, label_smoothing=recipe.label_smoothing, class_weight=weight
    )
    for name, value in (("label_smoothing", recipe.label_smoothing), ("class_weight", weight)):
        if value and not hasattr(loss, name):
            also = " or binary" if name == "label_smoothing" else ""
            raise UserError(f"{name} goes with loss=softmax{also}; got loss={recipe.loss}")
    return EnsembleMean(loss) if recipe.members > 1 else loss


def takes_class_codes(loss: Loss) -> bool:
    """Return whether a loss takes class codes, and not a target for each class."""
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
    """Build the network: the recipe's layers, and a dense one for the classes."""
    loss = loss if loss is not None else build_loss(recipe, np.ones(n_out))
    try:
        layers = (*iter_layers(recipe, n_in, image, inputs), _output_layer(recipe, n_out))
        return Network(layers, (n_in,), loss)
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"layers={','.join(map(str, recipe.layers))}: {error}") from None


def build_augmentations(augment: str, image: Image | None) -> tuple[Augmentation, ...]:
    """Build the augmentations of training rows, in their order; none for ``none``."""
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
    """Return the network; build all else that training needs, so that mistakes show first."""
    if recipe.calibrate and not recipe.ntk and recipe.members == 1:
        raise UserError(
            "calibrate=yes goes with ntk=yes or members; name one of them, or calibrate=no"
        )
    network = build_network(recipe, n_in, n_out, image=image, loss=loss, inputs=inputs)
    _check_first_loss(recipe, network)
    rule = build_optimizer(recipe)
    build_schedule(recipe)
    augmented = build_augmentations(recipe.augment, image)
    if isinstance(rule, Minimizer):
        try:
            reject_random_layers(network)
        except ValueError as error:
            raise UserError(
                f"optimizer=lbfgs: {error}. In --net: dropout=0, noise=0, and norm=none or "
                "norm=layer"
            ) from None
        for name, used in (
            ("ema", recipe.ema),
            ("plateau", recipe.plateau),
            ("augment", augmented),
        ):
            if used:
                raise UserError(f"optimizer=lbfgs goes without {name}; leave it out")
    else:
        try:
            rule.init(network.layout, network.dtype)
        except ValueError as error:
            raise UserError(str(error)) from None
    return network


def _check_first_loss(recipe: NetRecipe, network: Network) -> None:
    """Draw weights and compute the loss of two rows, to find mistakes that only this shows."""
    with np.errstate(all="ignore"):
        weights = network.init(np.random.default_rng(0))
    if not np.isfinite(weights.theta).all():
        raise UserError(
            f"init={recipe.init} draws weights too large for {network.dtype}; take smaller ones"
        )
    ws = network.workspace(weights, gradient=False)
    raw = np.zeros((2, *network.output_shape), network.dtype)
    codes = takes_class_codes(network.loss)
    y = np.zeros(2, np.intp) if codes else np.zeros((2, raw.shape[-1]), network.dtype)
    try:
        network.loss.value_and_gradient(raw, y, None, ws.loss)
    except ValueError as error:
        raise UserError(f"loss={recipe.loss}: {error}") from None

"""Both contenders as they are asked: an example in, the probabilities of each out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.prepare.preparation import Preparation
from graduel.data.schema import Schema
from graduel.glassbox import Forest, ablate_units, read_forest, set_weight
from graduel.models.model import Model
from graduel.nn import Network, Weights
from graduel.train import Rows
from graduel.train.loop.training import to_probabilities

if TYPE_CHECKING:
    from graduel.web.state.form_fields import Field

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class NetSide:
    """A network with its weights, and how an example becomes its input.

    Attributes
    ----------
    network, weights : never changed here: edits are made on copies
    preparation : from a table's row to the network's; None where rows are numbers already
    title : what it is, in a few words
    scale : what raw numbers are multiplied by; None: pixels by 1/255, other numbers by 1
    """

    network: Network
    weights: Weights
    preparation: Preparation | None = None
    title: str = "NumPy network"
    scale: float | None = None

    def matrix(self, X: Any) -> Array:
        """Return the rows as the network takes them, float32 of shape (n, inputs)."""
        if self.preparation is not None:
            X = self.preparation.transform(X)
        rows = Rows.of(X) if self.scale is None else Rows(X, self.scale)
        return rows.block(0, len(X))

    def predict_proba(self, X: Any) -> Array:
        """Return probabilities, shape (n, classes)."""
        answers = self.network.predict(self.matrix(X), self.weights)
        found = to_probabilities(self.network.loss, answers)
        return np.hstack([1 - found, found]) if found.shape[1] == 1 else found


@dataclass(frozen=True, eq=False)
class TreeSide:
    """A booster, and how an example becomes its row.

    Attributes
    ----------
    booster : an ``xgboost.Booster``
    n_classes : how many classes there are
    preparation : from a table's row to the trees'; None where rows are numbers already
    title : what it is, in a few words
    learned : the codes of the classes that it knows, where those are not all
    """

    booster: Any
    n_classes: int
    preparation: Any = None
    title: str = "XGBoost"
    learned: tuple[int, ...] = ()

    @cached_property
    def forest(self) -> Forest:
        """The structure of the trees, read once."""
        return read_forest(self.booster)

    def rows(self, X: Any) -> Array:
        """Return the rows as the trees take them, float32 of shape (n, features)."""
        if self.preparation is not None:
            X = self.preparation.transform(X)
        return np.asarray(X, np.float32)

    def matrix(self, X: Any) -> Any:
        """Return the rows as a DMatrix."""
        import xgboost

        given: dict[str, Any] = {}
        if self.preparation is not None:
            given = {
                "feature_types": self.preparation.feature_types,
                "feature_names": self.preparation.feature_names,
                "enable_categorical": True,
            }
        return xgboost.DMatrix(self.rows(X), nthread=1, **given)

    def predict_proba(self, X: Any) -> Array:
        """Return probabilities, shape (n, classes)."""
        if self.preparation is None:
            p = np.asarray(self.booster.inplace_predict(self.rows(X)))
        else:
            p = np.asarray(self.booster.predict(self.matrix(X)))
        found = np.stack([1 - p, p], axis=1) if p.ndim == 1 else p
        if len(self.learned) in (0, self.n_classes):
            return found
        answers = np.zeros((len(found), self.n_classes), np.float32)
        answers[:, list(self.learned)] = found
        return answers

    @property
    def groups(self) -> list[int]:
        """The code of the class that each margin is for; of two classes the second alone."""
        codes = list(self.learned) or list(range(self.n_classes))
        return codes[1:] if len(codes) == 2 else codes


@dataclass(frozen=True, slots=True, eq=False)
class ModelPair:
    """Two models of the same data; one of them may be missing.

    Attributes
    ----------
    task : what is predicted, and what from
    fields : the columns of a table, as a form asks for them
    net, trees : the contenders
    about : a sentence on where they come from
    """

    task: Schema
    fields: tuple[Field, ...] = ()
    net: NetSide | None = None
    trees: TreeSide | None = None
    about: str = ""

    @property
    def classes(self) -> tuple[str, ...]:
        """The name of each class."""
        return self.task.classes

    @property
    def image(self) -> tuple[int, int, int] | None:
        """Height, width and channels, where examples are images."""
        return self.task.image

    def kept(self) -> list[Model]:
        """Return the models as they are kept in files."""
        found = []
        if (net := self.net) is not None:
            found.append(
                Model("net", net.title, self.task, net.preparation, net.network, net.weights)
            )
        if (trees := self.trees) is not None:
            learned = trees.learned or tuple(range(trees.n_classes))
            found.append(
                Model(
                    "xgboost",
                    trees.title,
                    self.task,
                    trees.preparation,
                    booster=trees.booster,
                    learned=learned,
                )
            )
        return found

    def answers(self, X: Any) -> dict[str, list[float] | None]:
        """Return what each contender answers to one example: a probability for each class."""
        found: dict[str, list[float] | None] = {}
        for who, side in (("net", self.net), ("xgboost", self.trees)):
            found[who] = None if side is None else [float(p) for p in side.predict_proba(X)[0]]
        return found

    def edited(self, edits: Edits) -> ModelPair:
        """Return the contest with neurons switched off and weights changed, on copies."""
        if self.net is None or not edits:
            return self
        return replace(self, net=replace(self.net, weights=edits.apply(self.net)))


@dataclass(frozen=True, slots=True)
class Edits:
    """What a client did to a network: weights that it set, and neurons that it switched off.

    Attributes
    ----------
    weights : ``(layer, neuron, input or None for the bias) → value``, layers by index path
    off : ``(layer, neuron)`` whose answer is 0 from then on
    """

    weights: Mapping[tuple[str, int, int | None], float]
    off: tuple[tuple[str, int], ...]

    def __bool__(self) -> bool:
        return bool(self.weights or self.off)

    def apply(self, side: NetSide) -> Weights:
        """Return a copy of the weights with the edits.

        Raises
        ------
        UserError
            If there is no such layer, neuron or weight.
        """
        weights = side.weights
        for (layer, unit, index), value in self.weights.items():
            weights = set_weight(side.network, weights, layer, unit, index, value)
        for layer in dict.fromkeys(layer for layer, _ in self.off):
            units = [unit for where, unit in self.off if where == layer]
            weights = ablate_units(side.network, weights, layer, units)
        return weights


def dense_layers(network: Network) -> list[str]:
    """Return the index paths of the dense layers that stand in a row.

    >>> from graduel.nn import Dense, ReLU
    >>> dense_layers(Network((Dense(4), ReLU(), Dense(2)), (3,)))
    ['0', '2']
    """
    from graduel.nn import Dense

    return [str(i) for i, layer in enumerate(network.layers) if isinstance(layer, Dense)]


def plain(network: Network) -> bool:
    """Tell a network of dense layers, activations and dropout alone, which can be shown whole.

    >>> from graduel.nn import Conv2D, Dense, ReLU
    >>> plain(Network((Dense(4), ReLU(), Dense(2)), (3,)))
    True
    """
    from graduel.nn import Dense, Dropout
    from graduel.train.build.part_registry import ACTIVATIONS

    kinds = tuple(k for k in ACTIVATIONS.values() if isinstance(k, type))
    return isinstance(network.layers[-1], Dense) and all(
        isinstance(layer, (Dense, Dropout, *kinds)) for layer in network.layers
    )

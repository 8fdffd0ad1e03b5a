"""The two models that the page compares: a network and boosted trees for the same data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graduel.data.schema import Schema
from graduel.errors import UserError
from graduel.glassbox import ablate_units, set_weight
from graduel.models.model import Model
from graduel.nn import Dense, Dropout, Network
from graduel.train.build.part_registry import ACTIVATIONS
from graduel.web.request_schemas import UnitAblation, WeightEdit
from graduel.web.state.form_fields import Field, fields_of


@dataclass(frozen=True, slots=True, eq=False)
class ModelPair:
    """Two models for the same data; one of them may be missing.

    Attributes
    ----------
    net, trees : the models
    fields : the columns of a table as form fields
    about : the origin of the models, as a phrase
    """

    net: Model | None = None
    trees: Model | None = None
    fields: tuple[Field, ...] = ()
    about: str = ""

    @classmethod
    def of(cls, models: Iterable[Model], about: str) -> ModelPair:
        """Build a pair from fitted models; UserError if their classes differ."""
        by_family = {model.family: model for model in models}
        net, trees = by_family.get("net"), by_family.get("xgboost")
        if net is not None and trees is not None and net.classes != trees.classes:
            raise UserError(
                "expected models with the same classes; those of the network and XGBoost differ"
            )
        if net is None and trees is None:
            raise UserError(
                f"expected a network or XGBoost, which the page shows; got "
                f"{', '.join(by_family) or 'no model'}. graduel predict works with every model"
            )
        if trees is not None:
            trees.booster.set_param({"nthread": 1})  # many clients share few cores
        pair = cls(net, trees, about=about)
        return replace(pair, fields=fields_of(None, pair.schema.columns))

    @property
    def models(self) -> dict[str, Model]:
        """The available models by family."""
        pair = {"net": self.net, "xgboost": self.trees}
        return {family: model for family, model in pair.items() if model is not None}

    @property
    def schema(self) -> Schema:
        """The schema of both models."""
        return next(iter(self.models.values())).schema

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.schema.classes

    @property
    def image(self) -> tuple[int, int, int] | None:
        """Height, width and channels of an image; None for tables."""
        return self.schema.image

    def predict_example(self, X: Any) -> dict[str, list[float] | None]:
        """Return the class probabilities of one example by family; None for a missing model."""
        probabilities: dict[str, list[float] | None] = {"net": None, "xgboost": None}
        for family, model in self.models.items():
            probabilities[family] = [float(p) for p in model.predict_proba(X)[0]]
        return probabilities

    def edit(
        self, weight_edits: Sequence[WeightEdit], ablations: Sequence[UnitAblation]
    ) -> ModelPair:
        """Return the pair with a client's edits, applied to a copy of the network's weights.

        UserError if a layer, unit or weight does not exist.
        """
        net = self.net
        if net is None or net.network is None or net.weights is None:
            return self
        weights = net.weights
        for edit in weight_edits:
            weights = set_weight(
                net.network, weights, edit.layer, edit.unit, edit.index, edit.value
            )
        for layer in dict.fromkeys(ablation.layer for ablation in ablations):
            units = [ablation.unit for ablation in ablations if ablation.layer == layer]
            weights = ablate_units(net.network, weights, layer, units)
        return self if weights is net.weights else replace(self, net=replace(net, weights=weights))


def is_plain(network: Network) -> bool:
    """Return whether a network consists of dense layers, activations and dropout.

    The page can show only such networks.

    >>> from graduel.nn import ReLU
    >>> is_plain(Network((Dense(4), ReLU(), Dense(2)), (3,)))
    True
    """
    activations = tuple(kind for kind in ACTIVATIONS.values() if isinstance(kind, type))
    return isinstance(network.layers[-1], Dense) and all(
        isinstance(layer, (Dense, Dropout, *activations)) for layer in network.layers
    )

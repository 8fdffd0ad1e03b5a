"""Schemas of requests: types and bounds of all fields; invalid requests get status 422."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from graduel.train.build.part_registry import ACTIVATIONS, OPTIMIZERS, make

Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]
Layer = Annotated[str, Field(pattern=r"^\d{1,3}$")]
Unit = Annotated[int, Field(ge=0, le=100_000)]
Label = Annotated[int, Field(ge=0, le=1000)]
Base64 = Annotated[str, Field(max_length=200_000)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
ModelChoice = Literal["ready", "trained"]


def _one_of(names: Iterable[str], field: str) -> AfterValidator:
    """Return a validator of names, whose error lists the valid names."""
    known = sorted(names)

    def check(name: str) -> str:
        if name not in known:
            raise ValueError(f"{field} must be one of {', '.join(known)}; got {name[:40]!r}")
        return name

    return AfterValidator(check)


ACTIVATION_NAMES = sorted(set(ACTIVATIONS) - {"prelu"})
PAGE_ACTIVATIONS = [name for name in ACTIVATIONS if not make("activation", name).plan((1,)).params]
"""The activations that the page offers: those without parameters, in the registry's order."""
OPTIMIZER_NAMES = sorted(set(OPTIMIZERS) - {"lbfgs", "gd"})
Activation = Annotated[
    str,
    _one_of(ACTIVATION_NAMES, "activation"),
    Field(max_length=40, json_schema_extra={"enum": list(ACTIVATION_NAMES)}),
]
Optimizer = Annotated[
    str,
    _one_of(OPTIMIZER_NAMES, "optimizer"),
    Field(max_length=40, json_schema_extra={"enum": list(OPTIMIZER_NAMES)}),
]


class RequestBody(BaseModel):
    """A JSON body; unknown fields are rejected."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WeightEdit(RequestBody):
    """A weight (bias if `index` is null) set to a value."""

    layer: Layer
    unit: Unit
    index: Unit | None
    value: Number


class UnitAblation(RequestBody):
    """A hidden unit to ablate: its output is set to 0."""

    layer: Layer
    unit: Unit


class ModelRequest(RequestBody):
    """The models that a request selects, and the client's edits of the network."""

    model: ModelChoice = "ready"
    weights: Annotated[list[WeightEdit], Field(max_length=200)] = []
    ablations: Annotated[list[UnitAblation], Field(max_length=2000)] = []


class ExampleRequest(ModelRequest):
    """An example: pixels as base64, or a table row."""

    pixels: Base64 | None = None
    row: (
        Annotated[dict[Annotated[str, Field(max_length=500)], Any], Field(max_length=500)] | None
    ) = None


class DrawingRequest(ModelRequest):
    """A square grayscale canvas with bright ink; `prepare` applies MNIST's preparation."""

    pixels: Base64
    size: Annotated[int, Field(ge=8, le=320)]
    prepare: bool = True


class NeuronRequest(ExampleRequest):
    """One neuron of a layer."""

    layer: Layer
    unit: Unit


class GradientRequest(NeuronRequest):
    """One neuron's gradients, given the true class."""

    label: Label


class BackwardRequest(ExampleRequest):
    """A backward pass: the true class, and the learning rate of the gradient step."""

    label: Label
    rate: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] = 0.1


class ClassRequest(ExampleRequest):
    """A class; default: the predicted class."""

    label: Label | None = None


class TreeRequest(ExampleRequest):
    """One tree, by index."""

    tree: Annotated[int, Field(ge=0, le=10_000_000)]


class PerturbationRequest(ExampleRequest):
    """A perturbation of one example."""

    kind: Literal["noise", "rotate", "shift", "occlude"]
    strength: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    seed: Seed = 0


class SweepRequest(ExampleRequest):
    """A perturbation at a range of strengths, of one example or of the test rows."""

    kind: Literal["noise", "rotate", "shift", "occlude", "missing", "scramble"]
    seed: Seed = 0


class AdversarialRequest(ExampleRequest):
    """An adversarial example: a step along the sign of the input gradient of the loss."""

    label: Label
    epsilon: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.1


class ColumnRequest(ExampleRequest):
    """One column of a table."""

    field: Annotated[str, Field(max_length=500)]


class ExportRequest(ExampleRequest):
    """An export; `label` is the true class for the backward pass on the example page."""

    label: Label | None = None


class TrainingSettings(RequestBody):
    """The settings of a training."""

    data: Literal["server", "table"] = "server"
    layers: Annotated[list[Annotated[int, Field(ge=1, le=1024)]], Field(min_length=1, max_length=6)]
    activations: Annotated[list[Activation], Field(min_length=1, max_length=6)]
    optimizer: Optimizer = "adamw"
    rate: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = 0.002
    batch: Annotated[int, Field(ge=1, le=4096)] = 64
    dropout: Annotated[float, Field(ge=0, le=0.95, allow_inf_nan=False)] = 0.0
    epochs: Annotated[int, Field(ge=1, le=200)] = 10
    rows: Annotated[int, Field(ge=10, le=60_000)] = 10_000
    seed: Seed = 0
    race: bool = True
    rounds: Annotated[int, Field(ge=1, le=500)] = 40


class TrainingCommand(RequestBody):
    """A command for a training."""

    do: Literal["run", "pause", "step", "stop", "slow", "rate", "dropout"]
    value: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 0.0

"""What requests may hold: every field with its kind and bounds, so that anything else is a 422."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from graduel.train.build.part_registry import ACTIVATIONS, OPTIMIZERS

Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]
Layer = Annotated[str, Field(pattern=r"^\d{1,3}$")]
Unit = Annotated[int, Field(ge=0, le=100_000)]
Label = Annotated[int, Field(ge=0, le=1000)]
Base64 = Annotated[str, Field(max_length=200_000)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Which = Literal["ready", "trained"]


def _one_of(names: Iterable[str], what: str) -> AfterValidator:
    """Refuse other names; the description lists those that exist."""
    known = sorted(names)

    def checked(name: str) -> str:
        if name not in known:
            raise ValueError(f"{what} must be one of {', '.join(known)}")
        return name

    return AfterValidator(checked)


ACTIVATION_NAMES = sorted(set(ACTIVATIONS) - {"prelu"})
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


class Model(BaseModel):
    """Fields that are not named are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WeightEdit(Model):
    """One weight set to a value."""

    layer: Layer
    unit: Unit
    index: Unit | None
    value: Number


class NeuronOff(Model):
    """One hidden neuron switched off."""

    layer: Layer
    unit: Unit


class Asked(Model):
    """An example, and the model that is asked: pixels as base64, or a table's row."""

    model: Which = "ready"
    pixels: Base64 | None = None
    row: (
        Annotated[dict[Annotated[str, Field(max_length=500)], Any], Field(max_length=500)] | None
    ) = None
    weights: Annotated[list[WeightEdit], Field(max_length=200)] = []
    off: Annotated[list[NeuronOff], Field(max_length=2000)] = []


class Drawing(Model):
    """A square canvas in grey, ink bright, and whether it is prepared as MNIST's digits were."""

    model: Which = "ready"
    pixels: Base64
    size: Annotated[int, Field(ge=8, le=320)]
    prepare: bool = True
    weights: Annotated[list[WeightEdit], Field(max_length=200)] = []
    off: Annotated[list[NeuronOff], Field(max_length=2000)] = []


class AskedNeuron(Asked):
    """One neuron of one layer."""

    layer: Layer
    unit: Unit


class AskedGradient(AskedNeuron):
    """One neuron's gradient, given the true class."""

    label: Label


class AskedBack(Asked):
    """The true class, and the size of the gradient step."""

    label: Label
    rate: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] = 0.1


class AskedClass(Asked):
    """One class's score; None for that of the most probable one."""

    label: Label | None = None


class AskedTree(Asked):
    """One tree, by its number."""

    tree: Annotated[int, Field(ge=0, le=10_000_000)]


class Disturbed(Asked):
    """A disturbance of one example."""

    kind: Literal["noise", "rotate", "shift", "occlude"]
    strength: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    seed: Seed = 0


class Sweep(Asked):
    """A disturbance in every strength: of one example, or of many test rows."""

    kind: Literal["noise", "rotate", "shift", "occlude", "missing", "scramble"]
    seed: Seed = 0


class Attack(Asked):
    """A step along the sign of the loss's gradient by the input."""

    label: Label
    epsilon: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.1


class AskedField(Asked):
    """One column of a table."""

    field: Annotated[str, Field(max_length=500)]


class AskedPage(Asked):
    """What is taken away; the label for the way back on an example's page."""

    label: Label | None = None


class Settings(Model):
    """A training that is watched."""

    data: Literal["home", "table"] = "home"
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


class Command(Model):
    """What a training is told to do."""

    do: Literal["run", "pause", "step", "stop", "slow", "rate", "dropout"]
    value: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 0.0

"""Dependencies of the handlers: the server, the client of a request, its models and example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, cast

import numpy as np
from fastapi import Depends, Path, Request

from graduel.data.read.named_data.openml import cache_folder
from graduel.models.model import Model
from graduel.nn import Network, Weights
from graduel.web.array_codec import unpack_pixels
from graduel.web.http_error import ClientError
from graduel.web.limits import Limits
from graduel.web.request_schemas import ExampleRequest, ModelRequest
from graduel.web.state.app_state import AppState
from graduel.web.state.form_fields import frame_of
from graduel.web.state.holdout import HoldoutData
from graduel.web.state.model_bytes import SignedModels
from graduel.web.state.model_pair import ModelPair, is_plain
from graduel.web.state.sessions import Session, Sessions
from graduel.web.training.training_queue import TrainingQueue


@dataclass
class ServerState:
    """The state of one server: its models and data, sessions and training queue."""

    app: AppState
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.sessions = Sessions(self.limits)
        self.trainings = TrainingQueue(self.limits)
        self.signed_models = SignedModels.of(cache_folder() / "web")

    def close(self) -> None:
        """End all sessions and the training queue."""
        self.sessions.close()
        self.trainings.close()


@dataclass(frozen=True, slots=True)
class Client:
    """The client that sent a request, with its session."""

    server: ServerState
    session: Session

    def find_models(self, choice: str) -> ModelPair:
        """Return the ``ready`` or the ``trained`` models; ClientError 409 if there are none."""
        app = self.server.app
        if choice == "trained":
            if self.session.trained is None:
                raise ClientError(409, "this session has no trained model; train one first")
            return self.session.trained
        if app.models is not None:
            return app.models
        if app.demo is not None:
            raise ClientError(
                409, app.demo.error or "the demo models are still training; try again"
            )
        raise ClientError(409, "the server has no model; train one first")

    def edit_models(self, request: ModelRequest) -> ModelPair:
        """Return the models that a request selects, with the client's edits applied."""
        return self.find_models(request.model).edit(request.weights, request.ablations)

    def find_data(self, choice: str) -> HoldoutData:
        """Return the data of the selected models; ClientError 409 if there are none."""
        data = self.session.training_data if choice == "trained" else self.server.app.data
        if data is None:
            raise ClientError(
                409,
                "no test rows are available: the server was started on a model without data; start "
                "it on the folder of a duel",
            )
        return data


def read_example(models: ModelPair, request: ExampleRequest) -> Any:
    """Return the example of a request as one raw row; ClientError 422 if it is invalid."""
    if models.image is not None:
        if request.pixels is None:
            raise ClientError(422, "pixels: expected an image as base64; got none")
        return unpack_pixels(request.pixels, int(np.prod(models.image)))[np.newaxis]
    if request.row is None:
        raise ClientError(422, "row: expected the values of a table row, by column; got none")
    return frame_of(request.row, models.fields)


def find_net(models: ModelPair) -> tuple[Model, Network, Weights]:
    """Return the network's model, the network and its weights; ClientError 409 if there is none."""
    net = models.net
    if net is None or net.network is None or net.weights is None:
        raise ClientError(
            409, "no network is available, only XGBoost; choose models with a network"
        )
    return net, net.network, net.weights


def find_plain_net(models: ModelPair) -> tuple[Model, Network, Weights]:
    """Return the same as :func:`find_net`; ClientError 409 if the page cannot show the network."""
    net, network, weights = find_net(models)
    if not is_plain(network):
        raise ClientError(
            409,
            "expected a network of dense layers, activations and dropout only; use graduel inspect "
            "for this one",
        )
    return net, network, weights


def find_trees(models: ModelPair) -> Model:
    """Return the XGBoost model; ClientError 409 if there is none."""
    if models.trees is None:
        raise ClientError(
            409, "no XGBoost model is available, only a network; choose models with XGBoost"
        )
    return models.trees


def check_label(classes: Sequence[str], label: int) -> int:
    """Validate a class code; ClientError 422 if the class does not exist."""
    if label >= len(classes):
        raise ClientError(
            422, f"label must be a class code from 0 to {len(classes) - 1}; got {label}"
        )
    return label


def find_server(request: Request) -> ServerState:
    """Return the server of a request."""
    return cast(ServerState, request.app.state.server)


CurrentServer = Annotated[ServerState, Depends(find_server)]


def find_client(
    server: CurrentServer,
    session: Annotated[str, Path(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")],
) -> Client:
    """Return the client of a request; ClientError 404 if its session does not exist."""
    return Client(server, server.sessions.find(session))


CurrentClient = Annotated[Client, Depends(find_client)]

"""What all handlers share: the sessions, the queue, and how a request finds what it asks about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, cast

import numpy as np
from fastapi import Depends, Path, Request

from graduel.web.array_codec import unpack_pixels
from graduel.web.http_error import ClientError
from graduel.web.limits import Limits
from graduel.web.request_schemas import Asked, Drawing
from graduel.web.state.app_state import AppState
from graduel.web.state.form_fields import frame_of
from graduel.web.state.holdout import HoldoutData
from graduel.web.state.model_pair import Edits, ModelPair, NetSide, TreeSide, plain
from graduel.web.state.sessions import Session, Sessions
from graduel.web.training.training_queue import TrainingQueue


@dataclass
class ServerState:
    """One server: what it was started on, and its clients."""

    home: AppState
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.sessions = Sessions(self.limits)
        self.trainings = TrainingQueue(self.limits)

    def close(self) -> None:
        """End every session and the queue."""
        self.sessions.close()
        self.trainings.close()

    def contest(self, session: Session, asked: Asked | Drawing | str) -> ModelPair:
        """Return the models that a request asks, with its edits.

        Raises
        ------
        Problem
            With status 409, where they are not there yet; 422, where an edit does not fit.
        """
        which = asked if isinstance(asked, str) else asked.model
        found = session.trained if which == "trained" else self.home.contest
        if found is None:
            if which == "trained":
                raise ClientError(409, "nothing is trained in this session; train something first")
            if self.home.ready is not None:
                raise ClientError(
                    409, self.home.ready.failed or "the models are being trained; wait a moment"
                )
            raise ClientError(409, "no model was given; train one first")
        if isinstance(asked, str):
            return found
        edits = Edits(
            {(e.layer, e.unit, e.index): e.value for e in asked.weights},
            tuple((o.layer, o.unit) for o in asked.off),
        )
        try:
            return found.edited(edits)
        except ValueError as error:
            raise ClientError(422, str(error)) from None

    def material(self, session: Session, which: str) -> HoldoutData:
        """Return the data that a model's examples come from.

        Raises
        ------
        Problem
            With status 409, where there are none.
        """
        found = session.learned_from if which == "trained" else self.home.material()
        if found is None:
            raise ClientError(
                409, "there are no data to take examples from; only a model was given"
            )
        return found


def example(contest: ModelPair, asked: Asked) -> Any:
    """Return the example of a request as one row.

    Raises
    ------
    Problem
        With status 422, where it does not fit the models.
    """
    if contest.image is not None:
        if asked.pixels is None:
            raise ClientError(422, "expected an image: pixels as base64")
        return unpack_pixels(asked.pixels, int(np.prod(contest.image)))[np.newaxis]
    if asked.row is None:
        raise ClientError(422, "expected a row of the table: its values by column")
    return frame_of(asked.row, contest.fields)


def net_of(contest: ModelPair) -> NetSide:
    """Return the network.

    Raises
    ------
    Problem
        With status 409, where there is none.
    """
    if contest.net is None:
        raise ClientError(409, "there is no network here, only XGBoost's trees")
    return contest.net


def shown_net(contest: ModelPair) -> NetSide:
    """Return the network, if it is one that the page can show whole.

    Raises
    ------
    Problem
        With status 409.
    """
    side = net_of(contest)
    if not plain(side.network):
        raise ClientError(
            409,
            "this network has layers beyond dense ones and activations; "
            "graduel inspect shows it in the terminal",
        )
    return side


def trees_of(contest: ModelPair) -> TreeSide:
    """Return XGBoost's trees.

    Raises
    ------
    Problem
        With status 409, where there are none.
    """
    if contest.trees is None:
        raise ClientError(409, "there are no trees here, only a network")
    return contest.trees


def label_of(contest: ModelPair, label: int) -> int:
    """Return a class's code.

    Raises
    ------
    Problem
        With status 422, where there is no such class.
    """
    if label >= len(contest.classes):
        raise ClientError(
            422, f"label must be from 0 to {len(contest.classes) - 1}, a class's code; got {label}"
        )
    return label


def the_server(request: Request) -> ServerState:
    """Return the server of a request."""
    return cast(ServerState, request.app.state.server)


TheServer = Annotated[ServerState, Depends(the_server)]


def the_session(
    server: TheServer,
    session: Annotated[str, Path(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")],
) -> Session:
    """Return the session of a request."""
    return server.sessions.find(session)


TheSession = Annotated[Session, Depends(the_session)]

"""Malformed requests, generated from the OpenAPI schema: status 4xx, never 5xx."""

from __future__ import annotations

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from web_client import Client

SLOW = list(HealthCheck)
LEFT_OUT = (
    "/api/ready",
    "/api/sessions/{session}/training/events",  # streams
    "/api/sessions/{session}/end",  # the session used by the other requests
)
BODIES = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [b"", b"null", b"[]", b"{", b'{"a":1e999}', b'{"pixels":"\\ud800"}', b"[" * 5000]
    ),
)


def send_malformed(address: str, number: int) -> None:
    """Send `number` generated requests."""
    description = httpx.get(address + "/api/openapi.json").json()
    schema = schemathesis.openapi.from_dict(description)
    operations = [result.ok() for result in schema.get_all_operations()]
    operations = [one for one in operations if one.path not in LEFT_OUT]
    counts: dict[int, int] = {}
    with Client(address) as client:
        session = client.session

        def send(case) -> None:
            path = case.formatted_path.replace("{session}", session)
            # Half of the requests use an existing session.
            if case.path_parameters and len(str(case.path_parameters.get("session"))) % 2:
                case.path_parameters["session"] = session
                path = case.formatted_path
            arguments = case.as_transport_kwargs(base_url=address)
            request = client.build_request(
                case.method,
                address + path,
                params=arguments.get("params"),
                json=arguments.get("json"),
                content=arguments.get("data"),
                headers={"content-type": "application/json"},
            )
            response = client.send(request)
            counts[response.status_code] = counts.get(response.status_code, 0) + 1
            assert response.status_code < 500, (case.method, path, arguments, response.text)

        modes = (GenerationMode.NEGATIVE, GenerationMode.POSITIVE)
        cases = st.one_of(*(one.as_strategy(mode) for one in operations for mode in modes))

        @settings(
            max_examples=number,
            deadline=None,
            suppress_health_check=SLOW,
            phases=[Phase.generate],
            database=None,
            derandomize=True,
        )
        @given(cases)
        def generated(case) -> None:
            try:
                send(case)
            except (httpx.InvalidURL, UnicodeError):
                return  # cannot be sent by any client

        generated()
    assert sum(counts.values()) > number // 2, counts
    assert sum(n for status, n in counts.items() if status >= 400) > number // 4, counts


def test_a_hundred_malformed_requests(address):
    send_malformed(address, 100)


@pytest.mark.long
def test_two_thousand_malformed_requests(address):
    send_malformed(address, 2000)


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(st.sampled_from(["predict", "draw", "training", "table", "image", "export/json"]), BODIES)
def test_bodies_that_are_not_json(address, end, body):
    with Client(address) as client:
        result = client.post(
            client.path(end), content=body, headers={"content-type": "application/json"}
        )
        assert result.status_code < 500, result.text

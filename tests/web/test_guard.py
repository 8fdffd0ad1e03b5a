"""What the server lets in: names, origins, sizes, times."""

from __future__ import annotations

import socket
import time

import httpx
import pytest
from web_client import Client, encoded
from web_served import served

from graduel.web.state.app_state import AppState


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost:8000", 200),
        ("[::1]:8000", 200),
        ("evil.example", 421),
        ("evil.example:8000", 421),
        ("127.0.0.1.evil.example", 421),
        ("192.168.1.7", 421),
        ("[", 421),
    ],
)
def test_only_its_own_names_are_answered(address, host, status):
    assert httpx.get(address + "/api/about", headers={"host": host}).status_code == status
    assert httpx.get(address + "/", headers={"host": host}).status_code == status


def test_a_server_for_all_is_reached_by_address_and_by_the_names_it_is_given(ready):
    with served(AppState(demo=ready), host="0.0.0.0", allowed=["box.lan"]) as address:
        for host, status in (("192.168.1.7:80", 200), ("box.lan", 200), ("evil.example", 421)):
            result = httpx.get(address + "/api/about", headers={"host": host})
            assert result.status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"origin": "ITSELF"}, 201),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:1"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 201),
    ],
)
def test_only_its_own_page_changes_something(address, headers, status):
    headers = {k: address if v == "ITSELF" else v for k, v in headers.items()}
    assert httpx.post(address + "/api/sessions", headers=headers).status_code == status


def test_every_answer_carries_what_keeps_the_page_to_itself(address):
    for path in ("/", "/js/main.js", "/api/about", "/api/nothing"):
        headers = httpx.get(address + path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers
    assert httpx.get(address + "/api/about").headers["cache-control"] == "no-store"
    assert "javascript" in httpx.get(address + "/js/main.js").headers["content-type"]


def test_bodies_are_limited_in_size(client):
    big = b"x" * ((1 << 18) + 1)
    result = client.post(client.path("predict"), content=big)
    assert result.status_code == 413

    def pieces():
        for _ in range(5):
            yield b"x" * (1 << 16)

    assert client.post(client.path("predict"), content=pieces()).status_code == 413
    assert client.post(client.path("table"), content=b"a" * (11 << 20)).status_code == 413


def test_a_body_that_does_not_come_is_given_up(address, client):
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = (
            f"POST {client.path('answer')} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 10\r\n\r\n{{"
        )
        connection.sendall(head.encode())
        assert b" 408 " in connection.recv(1000)


def test_a_client_that_hangs_up_in_the_middle_hurts_nobody(address, client):
    host, port = address.removeprefix("http://").split(":")
    for _ in range(3):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            path = client.path("table")
            head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 99\r\n\r\na"
            connection.sendall(head.encode())
    time.sleep(0.1)
    assert client.ask("predict", pixels=encoded([0] * 784))["answers"]["net"]


def test_sessions_that_are_not_there_are_told_so(address):
    for name in ("nobody-knows-it", "short", "with space here", "../../etc/passwd"):
        result = httpx.get(f"{address}/api/sessions/{name}")
        assert result.status_code in (404, 422)
    with Client(address) as one:
        assert len(one.session) >= 20


def test_a_page_that_closes_is_forgotten(client):
    client.ask("end")
    assert client.get(client.path("")).status_code == 404


def test_nothing_outside_the_page_is_served(address):
    for path in ("/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "/js/../../app.py"):
        assert httpx.get(address + path).status_code == 404

"""Security checks of the server: host names, origins, body sizes, timeouts."""

from __future__ import annotations

import socket
import time

import httpx
import pytest
from web_client import Client, encode_pixels
from web_server import serve

from graduel.web.limits import Limits
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
def test_unknown_host_names_are_rejected(address, host, status):
    assert httpx.get(address + "/api/about", headers={"host": host}).status_code == status
    assert httpx.get(address + "/", headers={"host": host}).status_code == status


def test_a_public_server_accepts_addresses_and_allowed_names(ready):
    with serve(AppState(demo=ready), host="0.0.0.0", allowed=["box.lan"]) as address:
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
def test_requests_from_other_origins_are_rejected(address, headers, status):
    headers = {k: address if v == "ITSELF" else v for k, v in headers.items()}
    assert httpx.post(address + "/api/sessions", headers=headers).status_code == status


def test_every_response_has_security_headers(address):
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


def test_body_size_is_limited(client):
    big = b"x" * ((1 << 18) + 1)
    result = client.post(client.path("predict"), content=big)
    assert result.status_code == 413

    def pieces():
        for _ in range(5):
            yield b"x" * (1 << 16)

    assert client.post(client.path("predict"), content=pieces()).status_code == 413
    assert client.post(client.path("table"), content=b"a" * (11 << 20)).status_code == 413


def test_an_incomplete_body_times_out(address, client):
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        path = client.path("predict")
        head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 10\r\n\r\n{{"
        connection.sendall(head.encode())
        assert b" 408 " in connection.recv(1000)


def test_a_disconnecting_client_does_not_affect_others(address, client):
    host, port = address.removeprefix("http://").split(":")
    for _ in range(3):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            path = client.path("table")
            head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 99\r\n\r\na"
            connection.sendall(head.encode())
    time.sleep(0.1)
    assert client.call("predict", pixels=encode_pixels([0] * 784))["predictions"]["net"]


def test_unknown_sessions_are_not_found(address):
    for name in ("nobody-knows-it", "short", "with space here", "../../etc/passwd"):
        result = httpx.get(f"{address}/api/sessions/{name}")
        assert result.status_code in (404, 422)
    with Client(address) as one:
        assert len(one.session) >= 20


def test_a_closing_page_ends_its_session(client):
    client.call("end")
    assert client.get(client.path("")).status_code == 404


def test_files_outside_static_are_not_served(address):
    for path in ("/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "/js/../../app.py"):
        assert httpx.get(address + path).status_code == 404


def test_connections_without_a_request_are_closed(ready):
    with serve(AppState(demo=ready), limits=Limits(head_seconds=0.3)) as address:
        host, port = address.removeprefix("http://").split(":")
        heads = [
            b"",
            b"G",
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n",
            b"POST /api/sessions HTTP/1.1\r\n",
        ]
        waiting = []
        for k in range(100):
            connection = socket.create_connection((host, int(port)), timeout=20)
            connection.sendall(heads[k % len(heads)])
            waiting.append(connection)
        with httpx.Client(base_url=address) as client:
            assert client.get("/api/about").status_code == 200
        for connection in waiting:
            with connection:
                assert connection.recv(100) == b""  # closed, before the socket's own timeout


def test_a_second_request_that_stays_incomplete_is_closed_and_a_stream_is_not(ready):
    with serve(AppState(demo=ready), limits=Limits(head_seconds=0.3)) as address:
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(f"GET /api/about HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert b"200 OK" in connection.recv(5000)
            connection.sendall(b"GET /api/ab")
            while connection.recv(5000):
                pass
        with Client(address) as client:
            client.call("training", layers=[2], activations=["relu"], rows=100)
            with client.stream("GET", client.path("training/events")) as stream:
                time.sleep(0.8)
                client.call("training/command", do="stop")
                assert "stopped" in stream.read().decode()

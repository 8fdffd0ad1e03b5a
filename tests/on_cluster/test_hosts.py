"""A cluster of three hosts, as network namespaces; one is cut off in mid-run and comes back."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_processes import Program, scheduler, worker
from test_chaos import attempts_of_equal_runs, duel, write_table

pytest.importorskip("distributed")
pytestmark = [pytest.mark.long, pytest.mark.processes]

HOSTS = {"gr-a": "10.213.0.1", "gr-b": "10.213.0.2", "gr-c": "10.213.0.3"}
BRIDGE = "gr-bridge"


def call(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def inside(host: str) -> list[str]:
    return ["ip", "netns", "exec", host]


def remove_hosts() -> None:
    for host in HOSTS:
        subprocess.run(["ip", "netns", "del", host], capture_output=True, check=False)
    subprocess.run(["ip", "link", "del", BRIDGE], capture_output=True, check=False)


@pytest.fixture
def hosts() -> Iterator[None]:
    """Three namespaces with an address each, on one bridge."""
    if os.getuid() or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and the command ip")
    remove_hosts()
    try:
        call("ip", "link", "add", BRIDGE, "type", "bridge")
        call("ip", "link", "set", BRIDGE, "up")
        for number, (host, address) in enumerate(HOSTS.items()):
            call("ip", "netns", "add", host)
            outer = f"gr-link{number}"
            call("ip", "link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", host)
            call("ip", "link", "set", outer, "master", BRIDGE, "up")
            call(*inside(host), "ip", "addr", "add", f"{address}/24", "dev", "eth0")
            for device in ("eth0", "lo"):
                call(*inside(host), "ip", "link", "set", device, "up")
    except subprocess.CalledProcessError as error:
        remove_hosts()
        pytest.skip(f"network namespaces are not allowed here: {error.stderr.decode()[:200]}")
    yield
    remove_hosts()


def test_a_run_survives_a_host_that_is_cut_off_and_comes_back(hosts, tmp_path: Path) -> None:
    table, log = tmp_path / "table.csv", tmp_path / "log.txt"
    write_table(table)
    a, b, c = HOSTS
    address = f"tcp://{HOSTS[a]}:8786"
    programs: list[Program] = [scheduler(HOSTS[a], 8786, log, inside(a))]
    programs += [worker(address, HOSTS[n], tmp_path / n, log, inside(n)) for n in (b, c)]
    client = duel(table, tmp_path / "run", log, "--on", address, prefix=inside(a))
    try:
        for program in (*programs, client):
            program.start()
        assert client.process is not None
        started = time.monotonic()
        while not list((tmp_path / "run" / "cells").glob("*/outcome.json")):
            assert client.process.poll() is None, log.read_text()[-3_000:]
            assert time.monotonic() - started < 120
            time.sleep(0.2)
        call(*inside(c), "ip", "link", "set", "eth0", "down")
        time.sleep(40)
        call(*inside(c), "ip", "link", "set", "eth0", "up")
        assert client.process.wait(600) == 0, log.read_text()[-3_000:]
    finally:
        for program in (client, *programs):
            program.kill()
    attempts = attempts_of_equal_runs(table, tmp_path, log)
    assert max(attempts) == 2, f"no cell was lost on {c}"

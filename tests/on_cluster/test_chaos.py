"""Workers, scheduler and client are killed at random moments; the result is that of a quiet run."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from cluster_processes import Program, find_port, scheduler, worker

pytest.importorskip("distributed")
pytestmark = [pytest.mark.long, pytest.mark.processes]

CONTENDERS = ("net", "textbook", "xgboost-plain")
RETRIES = 10


def write_table(path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4_000, 6)).round(4)
    y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)
    rows = (",".join(map(str, [*row, label])) for row, label in zip(X, y, strict=True))
    path.write_text("\n".join(["a,b,c,d,e,f,y", *rows]) + "\n")


def duel(table: Path, out: Path, log: Path, *more: str, prefix: Sequence[str] = ()) -> Program:
    options = ("--target", "y", "--split", "5x2", "--threads", "1", "--no-probes", "--quick")
    options += ("--contenders", ",".join(CONTENDERS), "--out", str(out), *more)
    return Program([sys.executable, "-m", "graduel", "duel", str(table), *options], log, prefix)


def comparable(folder: Path) -> dict:
    """Return the errors and verdicts of a result."""
    result = json.loads((folder / "result.json").read_text())
    pairs = [
        (one["a"], one["b"], one["difference"], one["verdict"]) for one in result["comparisons"]
    ]
    return {
        "contenders": {k: one["test_error"] for k, one in result["contenders"].items()},
        "pairs": pairs,
    }


def attempts_of_equal_runs(table: Path, folder: Path, log: Path) -> list[int]:
    """Check that ``run`` equals a duel without faults; return the attempts of its cells."""
    quiet = duel(table, folder / "quiet", log)
    quiet.start()
    assert quiet.process is not None
    assert quiet.process.wait() == 0
    assert comparable(folder / "run") == comparable(folder / "quiet")
    result = json.loads((folder / "run" / "result.json").read_text())
    return [n for one in result["contenders"].values() for n in one["attempts"]]


def test_a_run_with_fifteen_faults_equals_a_quiet_one(tmp_path: Path) -> None:
    table, log = tmp_path / "table.csv", tmp_path / "log.txt"
    write_table(table)
    port = find_port()
    address = f"tcp://127.0.0.1:{port}"
    on = ("--on", address, "--retries", str(RETRIES))
    host = scheduler("127.0.0.1", port, log)
    workers = [worker(address, "127.0.0.1", tmp_path / f"w{i}", log) for i in range(2)]
    client = duel(table, tmp_path / "run", log, *on)
    rng = np.random.default_rng(1)
    faults = list(rng.permutation(["worker"] * 10 + ["scheduler"] * 2 + ["client"] * 3))
    done: list[str] = []
    programs = [host, *workers, client]
    try:
        for program in programs:
            program.start()
        deadline = time.monotonic() + 900
        while time.monotonic() < deadline:
            assert client.process is not None
            if client.process.poll() == 0:
                break
            if client.process.poll() is not None:  # the scheduler was lost: the same command again
                client.start()
            time.sleep(rng.uniform(2, 5))
            if faults:
                done.append(faults.pop())
                if done[-1] == "scheduler":
                    for program in programs[:-1]:
                        program.restart()
                else:
                    (client if done[-1] == "client" else rng.choice(workers)).restart()
        assert client.process is not None
        assert client.process.poll() == 0, log.read_text()[-4_000:]
        assert not faults, f"the run ended before {len(faults)} of the faults"
    finally:
        for program in programs:
            program.kill()
    attempts = attempts_of_equal_runs(table, tmp_path, log)
    assert len(attempts) == 30
    assert max(attempts) <= RETRIES + 1

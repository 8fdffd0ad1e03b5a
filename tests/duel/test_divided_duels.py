"""Duels whose fits are each shared by several worker processes."""

from __future__ import annotations

import json
import time

import numpy as np
import psutil
import pytest

import graduel
from graduel.duel.duel_api import resolve_source
from graduel.duel.plan.protocol import Protocol
from graduel.duel.session import Observer, plan_session
from graduel.errors import UserError
from graduel.report import write_report

X = np.random.default_rng(0).normal(size=(240, 4))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
SMALL = {"quick": True, "split": "holdout", "probes": False, "threads": 2}


def test_a_duel_by_workers_says_so_and_fits_others_in_one_process(tmp_path):
    options = SMALL | {"contenders": ["textbook", "logistic"]}
    alone = graduel.run_duel(X, Y, out=tmp_path / "alone", **options)
    run = graduel.run_duel(X, Y, out=tmp_path / "run", workers=2, **options)
    for name in options["contenders"]:
        one, other = run.probabilities[name], alone.probabilities[name]
        np.testing.assert_allclose(one, other, atol=1e-4)
    assert json.loads((tmp_path / "run" / "duel.json").read_text())["workers"] == 2
    assert "workers" not in json.loads((tmp_path / "alone" / "duel.json").read_text())
    assert run.result.protocol.workers == 2
    details = {name: one.details[0] for name, one in run.result.contenders.items()}
    assert details["textbook"]["workers"] == 2
    assert "workers" not in details["logistic"]
    [finding] = [one for one in run.result.dataset.warnings if one.code == "GRD027"]
    assert finding.message.startswith("logistic is fitted in one process, with all threads")
    page = write_report(run).read_text(encoding="utf-8")
    assert "2 processes share each fit and its threads" in page


def test_a_plan_without_workers_is_as_before_there_were_any():
    plan = Protocol("iris", {}, versions={})
    assert "workers" not in plan.as_dict()
    assert Protocol.from_dict(plan.as_dict()).as_dict() == plan.as_dict()
    more = Protocol("iris", {}, versions={}, workers=3)
    assert Protocol.from_dict(more.as_dict()).workers == 3
    assert more.digest != plan.digest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "workers must be at least 1"),
        ({"workers": 2, "threads": 1}, r"workers: expected at most the number of threads"),
        ({"workers": 1.5}, "workers must be a whole number"),
    ],
)
def test_a_number_of_workers_out_of_range_is_refused(options, message):
    with pytest.raises(UserError, match=message):
        graduel.run_duel(X, Y, **SMALL | options)


@pytest.mark.processes
def test_a_killed_worker_is_replaced_and_counted(tmp_path):
    class Kill(Observer):
        restarts: list = []  # noqa: RUF012
        killed = 0.0

        def watch(self, store, events):
            for event in events:
                if event.kind == "progress" and not self.killed:
                    self.killed = time.monotonic()
                    workers = [
                        one
                        for one in psutil.Process().children(recursive=True)
                        if any("worker_process" in word for word in one.cmdline())
                    ]
                    workers[-1].kill()
                elif event.kind == "restarted":
                    assert time.monotonic() - self.killed < 30
                    self.restarts.append(event.message)

    options = SMALL | {"contenders": ["textbook"], "workers": 2}
    seen = Kill()
    run = plan_session(resolve_source(X, Y, {}), out=tmp_path / "run", **options).run(seen)
    assert len(seen.restarts) == 1
    assert "of 2 died (killed by signal 9)" in seen.restarts[0]
    assert run.result.contenders["textbook"].attempts == (2,)

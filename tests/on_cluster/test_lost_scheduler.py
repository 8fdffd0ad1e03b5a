"""A suite whose scheduler is lost ends with one error; the same suite resumes."""

from __future__ import annotations

import logging
from contextlib import closing

import pytest
from cluster_processes import find_port, scheduler, worker

from graduel.data.source import open_source
from graduel.duel.suite.suite_plan import plan_suite
from graduel.duel.suite.suite_runner import SuiteObserver, run_plan
from graduel.errors import UserError

distributed = pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.processes,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
OPTIONS = {"contenders": ["logistic", "textbook"], "quick": True, "threads": 1, "split": "holdout"}


class KillAt(SuiteObserver):
    """Kills the scheduler when the first run is finished; counts the errors of data sets."""

    def __init__(self, scheduler) -> None:
        self._scheduler, self.finished, self.failed = scheduler, 0, []

    def notice(self, store, event) -> None:
        if event.kind == "finished":
            self.finished += 1
            self._scheduler.kill()

    def fail(self, member, message) -> None:
        self.failed.append(message)


@pytest.mark.long
def test_a_suite_without_its_scheduler_has_one_error_and_resumes(tmp_path, monkeypatch) -> None:
    from graduel.duel.run.dask_executor import DaskExecutor

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    monkeypatch.setattr("graduel.duel.run.cluster_view.LOST_AFTER", 5.0)
    port = find_port()
    address, host, log = f"tcp://127.0.0.1:{port}", "127.0.0.1", tmp_path / "log"
    head = scheduler(host, port, log)
    programs = [head, *(worker(address, host, tmp_path / f"w{i}", log) for i in range(2))]
    data = [open_source(name) for name in ("iris", "wine", "breast_cancer")]
    plan = plan_suite(data, probes=False, **OPTIONS)
    seen = KillAt(head)
    try:
        for one in programs:
            one.start()
        with distributed.Client(address, timeout=30, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=30)
            with (
                closing(DaskExecutor(client)) as executor,
                pytest.raises(UserError, match=r"has not answered.*Run the same command again"),
            ):
                run_plan(tmp_path / "suite", plan, seen, executor=executor)
    finally:
        for one in reversed(programs):
            one.kill()
    assert seen.failed == []
    assert seen.finished >= 1
    resumed = run_plan(tmp_path / "suite", plan)
    assert len(resumed.result.datasets) == 3
    assert resumed.result.failures == ()

"""The list of workers of a cluster, from what the scheduler answers."""

from __future__ import annotations

import asyncio
from contextlib import closing
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.duel.run.cluster_view import ClusterView


def make_client(workers):
    """Return a client whose own list of workers is empty, as it is between its own requests."""

    async def identity(n_workers):
        assert n_workers == -1
        return {"workers": dict(workers)}

    return SimpleNamespace(
        status="running",
        scheduler=SimpleNamespace(identity=identity),
        sync=lambda function, **options: asyncio.run(function(**options)),
        scheduler_info=lambda n_workers: {"workers": {}},
        subscribe_topic=lambda topic, handler: None,
        unsubscribe_topic=lambda topic: None,
    )


WORKERS = st.dictionaries(
    st.sampled_from(["tcp://a:1", "tcp://a:2", "tcp://b:1"]),
    st.fixed_dictionaries(
        {
            "local_directory": st.sampled_from(["x", "y", "z"]),
            "status": st.sampled_from(["running", "paused", "closing_gracefully"]),
            "nthreads": st.integers(1, 8),
        }
    ),
)


@settings(max_examples=30)
@given(WORKERS, WORKERS)
def test_a_worker_is_lost_if_it_left_or_another_has_its_address(before, after):
    workers = dict(before)
    with closing(ClusterView(make_client(workers))) as view:
        assert view.live.keys() == before.keys()
        for address, one in before.items():
            assert not view.is_lost(address, one["local_directory"])
            assert view.live[address].is_open == (one["status"] == "running")
        workers.clear()
        workers.update(after)
        view.update()
        for address, one in before.items():
            same = after.get(address, {}).get("local_directory") == one["local_directory"]
            assert view.is_lost(address, one["local_directory"]) == (not same)

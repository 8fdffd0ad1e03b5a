"""The collectives over XGBoost's communicator and over MPI exchange exact arrays."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from graduel.contenders.workers.worker_group import GRACE
from graduel.errors import UserError
from graduel.train.loop.collectives import MPICollective, xgboost_collective, xgboost_tracker
from graduel.train.loop.parallel import Alone, LostWorkerError

HERE = Path(__file__).parent
EXCHANGE = """
import json, sys, zlib
import numpy as np
from graduel.train.loop import collectives
from graduel.train.loop.parallel import LostWorkerError
collectives.PIECE = 1000  # several messages
with collectives.xgboost_collective(json.loads(sys.argv[1]), int(sys.argv[2]), timeout=10) as one:
    rng = np.random.default_rng(one.rank)
    array = rng.normal(size=(5, 700)).astype("float32")
    own, checksums = array.copy(), []
    for _ in range(5):
        array[...] = own
        assert one.all_reduce(array) is array
        checksums.append(zlib.crc32(array.data))
    odd = np.array([-0.0, np.nan, np.inf, 5e-324 + one.rank])
    one.broadcast(odd, root=1)
    empty = one.broadcast(one.all_reduce(np.zeros(0)))
    numbers = one.all_reduce(np.array([one.rank, 1], np.int64))
    bits = odd.tobytes().hex()
    print("result", json.dumps([one.rank, one.size, checksums, bits, numbers.tolist()]))
    sys.stdout.flush()
    if one.rank == 1:
        import os
        os._exit(1)
    try:
        one.all_reduce(np.zeros(3))
    except LostWorkerError as error:
        print(error)
"""


def finish(worker):
    """Return a worker's lines, and kill it if it does not end, as its group does.

    With four workers a survivor sometimes stays in XGBoost's sum, whatever its timeout.
    """
    try:
        text, _ = worker.communicate(timeout=GRACE)
    except subprocess.TimeoutExpired:
        worker.kill()
        text, _ = worker.communicate()
    return text.splitlines()


@pytest.mark.parametrize("size", [2, 4])
def test_sums_and_broadcasts_over_xgboost_are_the_same_bits_on_every_worker(size):
    with xgboost_tracker(size) as address:
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", EXCHANGE, json.dumps(address), str(rank)],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            for rank in range(size)
        ]
        lines = [finish(worker) for worker in workers]
    texts = [next(line for line in one if line.startswith("result")) for one in lines]
    results = [json.loads(text.removeprefix("result")) for text in texts]
    assert [(rank, n) for rank, n, *_ in results] == [(rank, size) for rank in range(size)]
    assert len({checksum for _, _, checksums, *_ in results for checksum in checksums}) == 1
    expected = np.array([-0.0, np.nan, np.inf, 1.0]).tobytes().hex()
    assert {odd for *_, odd, _ in results} == {expected}
    assert all(numbers == [size * (size - 1) // 2, size] for *_, numbers in results)
    survivors = [rank for rank in range(size) if rank != 1]
    ended = [rank for rank in survivors if workers[rank].returncode == 0]
    assert ended
    assert size > 2 or ended == survivors
    for rank in ended:
        assert f"worker {rank} of {size} lost another worker" in lines[rank][-1]


@pytest.mark.filterwarnings("ignore")
def test_an_absent_tracker_is_an_error():
    arguments = {"dmlc_tracker_uri": "127.0.0.1", "dmlc_tracker_port": 9}
    with (
        pytest.raises(LostWorkerError, match=r"did not reach the tracker at 127\.0\.0\.1:9"),
        xgboost_collective(arguments, 0, timeout=1),
    ):
        pass


def test_mpi_needs_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(UserError, match="pip install mpi4py"):
        MPICollective()


def test_a_training_over_mpi_has_the_losses_of_one_process():
    pytest.importorskip("mpi4py")
    from mpi_training import train

    if shutil.which("mpirun") is None:
        pytest.skip("mpirun is not installed")
    command = ["mpirun", "--oversubscribe", "-n", "2", sys.executable, HERE / "mpi_training.py"]
    permissions = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    run = subprocess.run(
        command,
        check=False,
        env=os.environ | permissions,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout.strip().splitlines()[-1])
    np.testing.assert_allclose(result["losses"], train(Alone())["losses"], rtol=1e-4)

"""How pytest runs here; read before any module of the package, whose doctests are tests too."""

from __future__ import annotations

import os
from pathlib import Path

# One thread for products in each process, before NumPy is loaded: the processes share the cores.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
# The reference kernels, unless others are asked for: stored numbers are theirs.
os.environ.setdefault("GRADUEL_KERNELS", "numpy")

MOST_WORKERS = 8  # each imports everything and trains its own fixtures


def pytest_xdist_auto_num_workers(config):
    """Return the number of processes of ``-n auto``: none beside this one for a single file."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return int(os.environ["PYTEST_XDIST_AUTO_NUM_WORKERS"])
    paths = {Path(argument.split("::")[0]) for argument in config.args}
    if len(paths) == 1 and paths.pop().is_file():
        return 0
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        cores = os.cpu_count() or 1
    return min(cores, MOST_WORKERS) if cores > 1 else 0

"""Pytest settings, loaded before any module of the package (doctests are collected too)."""

from __future__ import annotations

import gc
import os
from pathlib import Path

# One BLAS thread per worker process, set before NumPy is imported: the workers share the cores.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT"):
    os.environ.setdefault(_variable, "1")
# The reference kernels, unless others are asked for: stored numbers are theirs.
os.environ.setdefault("GRADUEL_KERNELS", "numpy")

MOST_WORKERS = 8  # each worker imports everything and trains its own fixtures


def pytest_xdist_auto_num_workers(config):
    """Return the number of worker processes for ``-n auto``; 0 for a single test file."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return int(os.environ["PYTEST_XDIST_AUTO_NUM_WORKERS"])
    paths = {Path(argument.split("::")[0]) for argument in config.args}
    if len(paths) == 1 and paths.pop().is_file():
        return 0
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not available on every system
        cores = os.cpu_count() or 1
    return min(cores, MOST_WORKERS) if cores > 1 else 0


def pytest_collection_finish():
    """Exempt the collected tests, millions of objects that stay, from garbage collection."""
    gc.freeze()

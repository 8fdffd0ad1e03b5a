"""The machine and the versions that a duel ran with, for reproducing it."""

from __future__ import annotations

import platform
from datetime import UTC, datetime

import psutil

from graduel.contenders.registry import known_packages
from graduel.duel.plan.packages import installed_versions
from graduel.duel.result.duel_result import Environment
from graduel.duel.result.machine import describe_blas, processor

PACKAGES = ("graduel", "numpy", "scipy", "scikit-learn", "xgboost", "xgboost-cpu", "matplotlib")


def describe_environment(command: str, threads: int, kernels: str | None) -> Environment:
    """Return the environment of this process: the command, the versions and the machine.

    `kernels` are those that the networks were trained with, if any were.
    """
    return Environment(
        command=command,
        python=platform.python_version(),
        versions=installed_versions((*PACKAGES, *known_packages(), "optuna")),
        platform=platform.platform(),
        processor=processor(),
        cores=psutil.cpu_count(),
        memory_bytes=psutil.virtual_memory().total,
        threads=threads,
        blas=describe_blas(),
        kernels=kernels,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
    )

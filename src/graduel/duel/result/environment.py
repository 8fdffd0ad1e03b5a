"""The machine and the versions that a duel ran with, for reproducing it."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from graduel.contenders.registry import known_packages
from graduel.duel.result.duel_result import Environment

PACKAGES = ("graduel", "numpy", "scipy", "scikit-learn", "xgboost", "xgboost-cpu", "matplotlib")


def describe_environment(command: str, threads: int, kernels: str | None) -> Environment:
    """Return the environment of this process: the command, the versions and the machine.

    `kernels` are those that the networks were trained with, if any were.
    """
    from threadpoolctl import threadpool_info

    versions: dict[str, str] = {}
    for name in (*PACKAGES, *known_packages(), "optuna"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    pools = [pool for pool in threadpool_info() if pool.get("user_api") == "blas"]
    blas = {f"{pool['internal_api']} {pool.get('version') or ''}".strip() for pool in pools}
    return Environment(
        command=command,
        python=platform.python_version(),
        versions=versions,
        platform=platform.platform(),
        processor=_processor(),
        cores=psutil.cpu_count(),
        memory_bytes=psutil.virtual_memory().total,
        threads=threads,
        blas=", ".join(sorted(blas)) or "unknown",
        kernels=kernels,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _processor() -> str:
    """Return the name of the processor; on Linux only /proc/cpuinfo has it."""
    if sys.platform == "linux":
        try:
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
        except OSError:
            pass
    return platform.processor() or platform.machine()

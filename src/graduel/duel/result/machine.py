"""The kind of machine that a cell ran on."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A kind of machine: what decides how fast a cell runs. Two hosts may be of one kind."""

    processor: str
    cores: int | None
    memory_gib: float
    """Rounded to 0.1."""
    platform: str
    """Operating system and architecture."""
    blas: str
    """NumPy's BLAS library and its version, with the architecture that its kernels are for."""

    def __str__(self) -> str:
        cores = "" if self.cores is None else f", {self.cores} cores"
        return f"{self.processor}{cores}, {self.memory_gib:g} GiB, {self.blas}"


def describe_machine() -> Machine:
    """Return the kind of machine that this process runs on."""
    return Machine(
        processor=processor(),
        cores=psutil.cpu_count(),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        platform=f"{platform.system()} {platform.machine()}",
        blas=_numpy_blas(),
    )


def _numpy_blas() -> str:
    """Return NumPy's BLAS; a process may have loaded others, for SciPy."""
    pools = _blas_pools()
    own = [pool for pool in pools if "numpy" in Path(pool["filepath"]).parent.name] or pools
    return _describe(own[0], "architecture") if own else "unknown"


def describe_blas() -> str:
    """Return the BLAS libraries in this process by name and version, or "unknown"."""
    return ", ".join(sorted({_describe(pool) for pool in _blas_pools()})) or "unknown"


def _blas_pools() -> list[dict[str, Any]]:
    from threadpoolctl import threadpool_info

    return [pool for pool in threadpool_info() if pool.get("user_api") == "blas"]


def _describe(pool: dict[str, Any], *more: str) -> str:
    return " ".join(
        str(pool[word]) for word in ("internal_api", "version", *more) if pool.get(word)
    )


@cache
def processor() -> str:
    """Return the name of the processor; on Linux only /proc/cpuinfo has it."""
    if sys.platform == "linux":
        try:
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
        except OSError:
            pass
    return platform.processor() or platform.machine()

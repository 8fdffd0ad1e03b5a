"""What a benchmark runs on, for its figures; imported before NumPy.

OpenBLAS chooses its kernels by the processor. Two environment variables can select others that are
up to twice as slow, so that figures differ from those of users. Importing this module drops them
for this process and its subprocesses.
"""

from __future__ import annotations

import os
import platform
import sys

VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Environment variables that OpenBLAS reads when it is loaded."""

DROPPED = [name for name in VARIABLES if os.environ.pop(name, None) is not None]
if DROPPED and "numpy" in sys.modules:
    sys.exit(f"{' and '.join(DROPPED)} held OpenBLAS to other kernels: unset it and run again")


def processor() -> str:
    """Return the name of the processor."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    named = {key.strip(): value.strip() for key, value in fields.items()}
    family = f"family {named.get('cpu family')}, model {named.get('model')}"
    return f"{named.get('model name', platform.machine())} ({family})"


def kernels() -> str:
    """Return the BLAS libraries that are loaded, with their kernels and threads."""
    import numpy  # noqa: F401  # loads its BLAS
    from threadpoolctl import threadpool_info

    libraries = [one for one in threadpool_info() if one["user_api"] == "blas"]
    return ", ".join(
        f"{one['internal_api']} {one['version']} {one.get('architecture') or ''}".rstrip()
        + f" ({one['num_threads']} threads)"
        for one in libraries
    )


def describe() -> str:
    """Return one line: processor, cores, Python, NumPy, BLAS kernels, graduel's kernels."""
    import numpy

    from graduel import __version__
    from graduel import kernels as compute_kernels

    return (
        f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, NumPy "
        f"{numpy.__version__}, {kernels()}, graduel {__version__} "
        f"({compute_kernels.describe()} kernels)"
    )

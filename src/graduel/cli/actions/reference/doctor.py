"""``graduel doctor``: versions, BLAS, kernels, threads, extras, cache and browser."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
import webbrowser
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

import psutil
import typer
from threadpoolctl import threadpool_info

from graduel import kernels
from graduel.cli.views.name_list import format_entries
from graduel.contenders.registry import known_packages
from graduel.cores import allowed_cores, choose_threads
from graduel.data.read.named_data.openml import cache_folder, list_fetched
from graduel.duel.plan.packages import installed_versions
from graduel.duel.result.machine import processor
from graduel.number_format import format_bytes, format_quantity

FOR_DEVELOPERS = ("test", "lint", "bench")
"""Extras that a user does not need."""
PACKAGES = ("numpy", "scipy", "scikit-learn", "polars", "xgboost", "xgboost-cpu")


def run(as_json: bool) -> None:
    """Print what a run on this machine would use."""
    sections = {
        "graduel": {"version": version("graduel"), "Python": platform.python_version()},
        "machine": _describe_machine(),
        "packages": installed_versions([*PACKAGES, *known_packages()]),
        "BLAS": _describe_blas(),
        "kernels": _describe_kernels(),
        "extras": _describe_extras(),
        "cache": _describe_cache(),
        "browser": {"opened by serve --open": _find_browser()},
    }
    if as_json:
        sys.stdout.write(json.dumps(sections, indent=1) + "\n")
        return
    for title, facts in sections.items():
        typer.echo(format_entries(title, [(term, str(text)) for term, text in facts.items()]))


def _describe_machine() -> dict[str, Any]:
    memory = psutil.virtual_memory()
    return {
        "platform": platform.platform(),
        "processor": processor(),
        "cores": f"{psutil.cpu_count()}, of which this process may use {allowed_cores()}",
        "threads of a fit": f"{choose_threads()} with --threads auto, by the cores idle now",
        "memory": f"{format_bytes(memory.total)}, {format_bytes(memory.available)} free",
    }


def _describe_blas() -> dict[str, str]:
    """Return each thread pool: its version, the kernels that it selected, and its threads."""
    import scipy.linalg  # noqa: F401  # loads its own BLAS

    described = {}
    for pool in threadpool_info():
        words = [str(pool[key]) for key in ("version", "architecture") if pool.get(key)]
        threads = format_quantity(pool["num_threads"], "thread")
        place = Path(pool["filepath"]).parent.name
        described[f"{pool['prefix']} in {place}"] = ", ".join([*words, threads])
    variables = ("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
    return described | {name: os.environ[name] for name in variables if name in os.environ}


def _describe_kernels() -> dict[str, str]:
    """Return the kernels in use; without Numba, how to install it."""
    facts = {"in use": kernels.describe()}
    if kernels.VARIABLE in os.environ:
        facts[kernels.VARIABLE] = os.environ[kernels.VARIABLE]
    elif kernels.name() == "numpy":
        facts["faster"] = 'compiled loops: pip install "graduel[fast]"'
    return facts


def _describe_extras() -> dict[str, str]:
    """Return each extra of the package: installed, or how to install it."""
    extras: dict[str, list[str]] = {}
    for requirement in requires("graduel") or []:
        name, _, condition = requirement.partition(";")
        if match := re.search(r"extra == [\"']([\w-]+)[\"']", condition):
            package = re.match(r"[\w.-]+", name)
            assert package is not None
            extras.setdefault(match[1], []).append(package[0])
    described = {}
    for extra, packages in extras.items():
        if extra in FOR_DEVELOPERS:
            continue
        versions = installed_versions(packages)
        if len(versions) == len(packages):
            described[extra] = ", ".join(f"{name} {text}" for name, text in versions.items())
        else:
            described[extra] = f'not installed: pip install "graduel[{extra}]"'
    return described


def _describe_cache() -> dict[str, str]:
    fetched = list_fetched()
    size = sum(one.path.stat().st_size for one in fetched)
    return {
        "folder": str(cache_folder()),
        "OpenML": f"{format_quantity(len(fetched), 'data set')}, {format_bytes(size)}",
    }


def _find_browser() -> str:
    try:
        return str(getattr(webbrowser.get(), "name", "the default browser"))
    except webbrowser.Error:
        return "none; open the address that serve prints in a browser"

"""Runs tests against a copy of the package in processes that start warm.

A server imports pytest and the libraries once, and each run is a fork of it: most mutants are
noticed within a second, less than these imports take. Where nothing can be forked, on Windows,
each run starts afresh.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

WARM = (
    *("pytest", "_pytest.assertion.rewrite", "hypothesis.strategies", "hypothesis.extra.numpy"),
    *("numpy.testing", "scipy.special", "scipy.stats", "scipy.optimize", "sklearn.preprocessing"),
    *("sklearn.neural_network", "polars", "safetensors.numpy"),
)


class Done(NamedTuple):
    """How a run of pytest ended, and all it said."""

    code: int | None
    said: str


def run(folder: Path, tests: tuple[str, ...], log: Path, *, first: Sequence[str] = ()) -> Done:
    """Run tests of a copy in a process of its own, which ends with the first failure.

    Tests whose names hold a word of `first` run before the others.
    """
    known = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in known else "spawn")
    if "forkserver" in known:
        context.set_forkserver_preload(list(WARM))
    process = context.Process(target=_pytest, args=(str(folder), tests, str(log), first))
    process.start()
    process.join()
    return Done(process.exitcode, log.read_text(encoding="utf-8"))


class _Hurry:
    """Likely failures first; Hypothesis neither shrinks an example nor saves it."""

    def __init__(self, first):
        self.first = [word.lower() for word in first]

    def pytest_collection_modifyitems(self, items):
        items.sort(key=lambda item: not any(word in item.nodeid.lower() for word in self.first))

    def pytest_collection(self):
        from hypothesis import Phase, settings

        settings.register_profile(
            "mutants",
            derandomize=True,
            deadline=None,
            database=None,
            phases=(Phase.explicit, Phase.generate),
        )
        settings.load_profile("mutants")


def _pytest(folder: str, tests: tuple[str, ...], log: str, first: Sequence[str]) -> None:
    with open(log, "w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    assert "graduel" not in sys.modules, "the warm process holds the package without its mutation"
    os.chdir(folder)
    src = os.path.join(folder, "src")
    sys.path[:0] = [src]
    os.environ.update(PYTHONPATH=src, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    import pytest

    options = ("-o", "addopts=-m 'not long'", "-p", "no:cacheprovider")  # one process is enough
    command = ["-q", "-x", "--tb=short", *options, *tests]
    code = pytest.main(command, plugins=[_Hurry(first)])
    import graduel

    assert graduel.__file__.startswith(src), f"tested {graduel.__file__}, not the copy"
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(code))

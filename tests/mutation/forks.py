"""Test runs against a copy of the package, in processes forked from a preloaded server.

The server imports pytest and the libraries once; these imports take longer than most mutants need
to fail a test. Without fork (Windows) each run starts a new process.
"""

from __future__ import annotations

import gc
import json
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
    """Exit code and output of a pytest run."""

    code: int | None
    output: str


def run(folder: Path, tests: tuple[str, ...], log: Path, *, first: Sequence[str] = ()) -> Done:
    """Run tests against the copy in a new process, up to the first failure.

    Tests whose ids contain a word of `first` run before the others.
    """
    known = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in known else "spawn")
    if "forkserver" in known:
        context.set_forkserver_preload(list(WARM))
    process = context.Process(target=_pytest, args=(str(folder), tests, str(log), first))
    process.start()
    process.join()
    return Done(process.exitcode, log.read_text(encoding="utf-8"))


class _FailFast:
    """A pytest plugin for speed: likely failures first, then quick tests, and no shrinking.

    The seconds of each test are kept in a file for the runs that follow.
    """

    def __init__(self, first, file):
        self.first, self.file = [word.lower() for word in first], file
        self.seconds = json.loads(file.read_text()) if file.exists() else {}

    def pytest_collection_modifyitems(self, items):
        def rank(item):
            is_named = any(word in item.nodeid.lower() for word in self.first)
            steps = int(self.seconds.get(item.nodeid, 0) / 0.03).bit_length()
            return not is_named, steps, hasattr(item.function, "hypothesis")

        items.sort(key=rank)

    def pytest_runtest_logreport(self, report):
        known = self.seconds.get(report.nodeid, 0)
        self.seconds[report.nodeid] = max(known, report.duration)  # a failing test may be shorter

    def pytest_sessionfinish(self):
        self.file.write_text(json.dumps(self.seconds))

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
    assert "graduel" not in sys.modules, "the preloaded process has imported the unmutated package"
    os.chdir(folder)
    src = os.path.join(folder, "src")
    sys.path[:0] = [src]
    os.environ.update(PYTHONPATH=src, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    os.environ["GRADUEL_KERNELS"] = "numpy"  # the mutants are in these; their twins are compiled
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False  # tests are rewritten once per copy
    gc.freeze()  # pytest collects garbage several times; the preloaded libraries hold none
    import pytest

    options = ("-o", "addopts=-m 'not long'", "-p", "no:cacheprovider")  # no pytest-xdist
    command = ["-q", "-x", "--tb=short", *options, *tests]
    code = pytest.main(command, plugins=[_FailFast(first, Path(folder, "seconds.json"))])
    import graduel

    assert graduel.__file__.startswith(src), f"expected the copy, tested {graduel.__file__}"
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(code))

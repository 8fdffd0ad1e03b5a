"""Which operations are used: the environment variable, what is installed, what works."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest

from graduel import kernels


@pytest.fixture(autouse=True)
def unselected(monkeypatch):
    """As in a fresh process; the selection is restored afterwards."""
    before = kernels.name()
    for one in kernels.operations():
        kernels.__dict__.pop(one, None)
    monkeypatch.setattr(kernels, "_selected", None)
    monkeypatch.delenv(kernels.VARIABLE, raising=False)
    yield
    monkeypatch.undo()
    kernels.use(before)


def uninstall(monkeypatch):
    def version(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(kernels, "version", version)


def test_numba_is_used_where_it_is_installed():
    pytest.importorskip("numba")
    assert kernels.name() == "numba"
    assert kernels.describe().startswith("numba 0.")
    assert "numba" in kernels.add_bias.__module__


def test_without_numba_it_is_numpy_without_another_word(monkeypatch):
    uninstall(monkeypatch)
    assert kernels.name() == kernels.describe() == "numpy"


@pytest.mark.parametrize("name", ["numpy", "numba", " numpy "])
def test_the_variable_chooses(monkeypatch, name):
    if name == "numba":
        pytest.importorskip("numba")
    monkeypatch.setenv(kernels.VARIABLE, name)
    y = np.zeros((2, 3), "float32")
    kernels.add_bias(y, np.ones(3, "float32"))
    assert y.all()
    assert kernels.name() == name.strip()


def test_a_wrong_name_says_which_there_are(monkeypatch):
    monkeypatch.setenv(kernels.VARIABLE, "cuda")
    with pytest.raises(ValueError, match="GRADUEL_KERNELS must be one of numpy, numba; got 'cuda'"):
        kernels.relu  # noqa: B018  # the attribute selects


def test_numba_that_is_asked_for_and_missing_says_how_to_get_it(monkeypatch):
    monkeypatch.setenv(kernels.VARIABLE, "numba")
    monkeypatch.setitem(sys.modules, "graduel.kernels.numba", None)
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(ImportError, match=r"pip install \"graduel\[fast\]\""):
        kernels.name()


def test_numba_that_is_broken_warns_once(monkeypatch):
    monkeypatch.setattr(kernels, "version", lambda name: "0.0")
    monkeypatch.delitem(sys.modules, "graduel.kernels.numba", raising=False)
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.warns(RuntimeWarning, match="Numba is installed but cannot be used"):
        assert kernels.name() == "numpy"
    kernels.add_bias(np.zeros((1, 1)), np.zeros(1))  # no other warning


def test_a_compiler_that_fails_warns_too(monkeypatch):
    fused = pytest.importorskip("graduel.kernels.numba")

    def fail():
        raise OSError("LLVM cannot be loaded")

    monkeypatch.setattr(fused, "check", fail)
    with pytest.warns(RuntimeWarning, match="OSError: LLVM cannot be loaded"):
        assert kernels.name() == "numpy"


def test_an_unknown_attribute_is_an_error():
    with pytest.raises(AttributeError, match="no attribute 'conv9'"):
        kernels.conv9  # noqa: B018


PROGRAM = """
import sys
import graduel, graduel.nn, graduel.optim, graduel.train
from graduel import kernels
assert "numba" not in sys.modules, "the compiler was loaded before it was needed"
import numpy as np
y = np.zeros((2, 3), "float32")
kernels.add_bias(y, np.ones(3, "float32"))
assert y.all()
print(kernels.name())
"""


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path):
    pytest.importorskip("numba")
    (tmp_path / "file").touch()
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "file" / "cache")}
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "numba\n"), done.stderr


def test_importing_the_package_loads_no_compiler():
    environment = os.environ | {kernels.VARIABLE: "numpy"}
    command = [sys.executable, "-c", PROGRAM + "assert 'numba' not in sys.modules"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "numpy\n"), done.stderr

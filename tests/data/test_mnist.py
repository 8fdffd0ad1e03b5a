"""The MNIST files in the package, and built-in data sets as data sources."""

from __future__ import annotations

import gzip
from hashlib import sha256
from importlib.resources import files

import numpy as np
import pytest

import graduel
from graduel.data import Dataset
from graduel.data.source import DataSource, open_source, source_from_arrays
from graduel.data.spec import SourceSpec
from graduel.errors import UserError

SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


@pytest.mark.parametrize("name", SHA256)
def test_files_have_the_original_checksums(name):
    folder = files("graduel.data") / "mnist"
    raw = gzip.decompress((folder / f"{name}.gz").read_bytes())
    assert sha256(raw).hexdigest() == SHA256[name]
    notice = (folder / "NOTICE.md").read_text(encoding="utf-8")
    assert SHA256[name] in notice
    assert "LeCun, Corinna Cortes and Christopher J. C. Burges" in notice


def test_load_dataset(mnist):
    assert mnist.X.shape == (70_000, 28, 28)
    assert mnist.X.dtype == np.uint8
    assert mnist.y.shape == (70_000,)
    assert len(mnist.train_rows) == 60_000
    assert len(mnist.test_rows) == 10_000
    assert mnist.classes == tuple("0123456789")
    # The known first labels of both parts, and the class counts of the training part.
    assert list(mnist.y[:5]) == [5, 0, 4, 1, 9]
    assert list(mnist.y[60_000:60_005]) == [7, 2, 1, 0, 4]
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert list(np.bincount(mnist.y[:60_000])) == counts
    assert np.shares_memory(mnist.table, mnist.X)


def test_loading_uses_the_public_idx_reader(monkeypatch):
    from graduel.data import builtin

    read = []
    monkeypatch.setattr(builtin, "read_idx", lambda p: read.append(p.name) or np.zeros((2, 2, 2)))
    dataset = graduel.load_dataset("mnist")
    assert len(read) == 4
    assert (dataset.X.shape, dataset.n_train) == ((4, 2, 2), 2)


def test_an_unknown_name():
    with pytest.raises(UserError, match=r"data set must be one of 'mnist'.*Did you mean 'mnist'\?"):
        graduel.load_dataset("mnits")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.zeros(2)}, "the same number of rows; got 3 and 2"),
        ({"n_train": 3}, "n_train must lie between 1 and 2; got 3"),
    ],
)
def test_inconsistent_data_sets_are_rejected(change, message):
    fields = {
        "name": "x",
        "X": np.zeros((3, 4)),
        "y": np.zeros(3),
        "classes": ("a",),
    }
    with pytest.raises(ValueError, match=message):
        Dataset(**{**fields, **change})
    with pytest.raises(ValueError, match="has n_train=None"):
        _ = Dataset(**fields).test_rows


def test_a_builtin_data_set_is_a_source(mnist):
    source = open_source("mnist")
    assert source == DataSource.builtin("mnist")
    assert source.is_builtin
    assert source.name == "mnist"
    assert SourceSpec.from_dict(source.spec.as_dict()) == source.spec
    data = source.load()
    assert np.array_equal(data.X[::997], mnist.X[::997])
    assert data.n_train == mnist.n_train
    assert not open_source("iris").is_builtin
    assert not source_from_arrays(np.zeros((4, 2)), [0, 0, 1, 1]).is_builtin


def test_builtin_data_sets_reject_options_and_unknown_names():
    with pytest.raises(UserError, match="--target applies to tables only; mnist is"):
        open_source("mnist", target="x")
    with pytest.raises(UserError, match=r"data set must be one of 'mnist'.*Did you mean 'mnist'\?"):
        DataSource.builtin("mnits")
    with pytest.raises(UserError, match="description of a data source"):
        SourceSpec.from_dict({"name": 1})

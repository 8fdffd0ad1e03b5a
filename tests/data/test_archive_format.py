"""Files of MATLAB and HDF5: tables, images, training and test parts."""

from __future__ import annotations

import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from graduel.cli.app import main
from graduel.data.read import read_source
from graduel.data.read.file_checks import memory_check
from graduel.data.read.row_stream import open_stream
from graduel.errors import UserError

h5py = pytest.importorskip("h5py")

X = np.array([[1.5, 2], [np.nan, 4], [5, 6]])
Y = np.array([0, 1, 1])
TABLE = {"f0": [1.5, None, 5.0], "f1": [2.0, 4.0, 6.0], "target": [0, 1, 1]}


def write_h5(path, arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return path


def write_mat(path, arrays):
    savemat(path, arrays)
    return path


def write_mat_7(path, arrays):
    """Write a file as MATLAB 7.3 does: HDF5 behind a header, dimensions in reverse."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file[name] = np.atleast_2d(array).T
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM")
    return path


def write_npz(path, arrays):
    np.savez(path, **arrays)
    return path


WRITERS = {"t.h5": write_h5, "t.mat": write_mat, "t7.mat": write_mat_7}
every = pytest.mark.parametrize("name", WRITERS)


def refuse(path):
    with pytest.raises(UserError) as error:
        read_source(path)
    assert "\n" not in str(error.value)
    return str(error.value)


@every
@pytest.mark.parametrize("names", [("X", "y"), ("data", "label"), ("fea", "gnd")])
def test_features_and_labels(tmp_path, name, names):
    path = WRITERS[name](tmp_path / name, dict(zip(names, (X, Y), strict=True)))
    source = read_source(path)
    assert source.content.to_dict(as_series=False) == TABLE
    assert source.target == "target"
    kind = "HDF5" if name == "t.h5" else "MATLAB"
    assert source.notes == (f"{kind}: features are '{names[0]}', labels are '{names[1]}'",)
    assert pl.concat(block.read for block in open_stream(path).blocks).equals(source.content)


@every
def test_columns_and_matrices(tmp_path, name):
    columns = {"a": np.arange(3), "b": np.array([1.5, 2, 3]), "about": np.array([7])}
    source = read_source(WRITERS[name](tmp_path / name, columns))
    assert source.content.to_dict(as_series=False) == {"a": [0, 1, 2], "b": [1.5, 2, 3]}
    kind = "HDF5" if name == "t.h5" else "MATLAB"
    assert source.notes == (f"{kind}: the arrays 'about' are not read",)
    source = read_source(WRITERS[name](tmp_path / name, {"m": X}))
    assert source.notes == (f"{kind}: the columns are those of the array 'm'",)
    content = source.content
    assert content.to_dict(as_series=False) == {"m_1": [1.5, None, 5.0], "m_2": [2, 4, 6]}


@every
def test_images(tmp_path, name):
    images = np.arange(5 * 4 * 3).reshape(5, 4, 3).astype(np.uint8)
    labels = np.array([3, 1, 3, 1, 1])
    for array, notes in (
        (images, ()),
        (np.moveaxis(images, 0, -1), ("the examples are the last dimension of 'X'",)),
    ):
        source = read_source(WRITERS[name](tmp_path / name, {"X": array, "y": labels}))
        assert source.notes == notes
        data = source.content
        np.testing.assert_array_equal(data.X, images)
        assert data.classes == ("1", "3")
        np.testing.assert_array_equal(data.y, [1, 0, 1, 0, 0])


@every
def test_training_and_test_parts(tmp_path, name):
    arrays = {"x_train": X, "y_train": Y, "x_test": X[:2] + 1, "y_test": Y[:2]}
    data = read_source(WRITERS[name](tmp_path / name, arrays)).content
    assert data.n_train == 3
    np.testing.assert_array_equal(data.X, np.concatenate([X, X[:2] + 1]))


BYTES = np.random.default_rng(0).integers(0, 256, (40, 64), np.uint8)
both = pytest.mark.parametrize(
    ("name", "write"), [*WRITERS.items(), ("t.npz", write_npz)], ids=[*WRITERS, "t.npz"]
)


@both
@pytest.mark.parametrize("names", [("x", "y"), ("X", "Y")])
def test_a_validation_part_is_said(tmp_path, name, write, names):
    arrays = {}
    for part, n in (("train", 3), ("val", 2), ("test", 2)):
        arrays |= {f"{names[0]}_{part}": X[:n], f"{names[1]}_{part}": Y[:n]}
    data = read_source(write(tmp_path / name, arrays)).content
    assert data.n_train == 5
    np.testing.assert_array_equal(data.X, np.concatenate([X, X[:2], X[:2]]))
    assert f"the rows of {names[0]}_val are added" in data.findings[0].message
    assert [one.code for one in data.findings] == ["GRD018"]
    without_test = {key: array for key, array in arrays.items() if "test" not in key}
    data = read_source(write(tmp_path / name, without_test | {"more": X})).content
    assert (data.n_train, len(data.X)) == (3, 5)
    assert [one.code for one in data.findings] == ["GRD018", "GRD017"]
    arrays[f"{names[1]}_val"] = Y
    assert "expected as many labels as rows" in refuse(write(tmp_path / name, arrays))


@both
@settings(max_examples=2)
@given(sizes=st.lists(st.integers(2, 4), min_size=2, max_size=4), as_images=st.booleans())
def test_arrays_of_one_class_each(tmp_path_factory, name, write, sizes, as_images):
    """The layout of mnist_all.mat: train0 … train9, test0 … test9."""
    path = tmp_path_factory.getbasetemp() / name
    width = 64 if as_images else 63
    parts = {
        f"{part}{label}": BYTES[label : label + n, :width]
        for part in ("train", "test")
        for label, n in enumerate(sizes)
    }
    data = read_source(write(path, parts)).content
    rows = np.concatenate([*parts.values()])
    assert data.image == ((8, 8, 1) if as_images else None)
    np.testing.assert_array_equal(data.X.reshape(len(rows), -1), rows)
    np.testing.assert_array_equal(data.y, np.tile(np.repeat(np.arange(len(sizes)), sizes), 2))
    assert data.n_train == sum(sizes)
    assert data.classes == tuple(map(str, range(len(sizes))))
    assert "GRD025" in [one.code for one in data.findings]
    parts["train0"] = parts["train0"][:, :9]
    assert "expected arrays of shape (n, features) for each class" in refuse(write(path, parts))


def test_a_damaged_file_of_matlab_crashes_another_process(tmp_path, monkeypatch):
    from graduel.data.read.arrays import matlab_file

    path = write_mat(tmp_path / "t.mat", {"X": X, "y": Y})
    code = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    monkeypatch.setattr(matlab_file, "MODULE", "crash")
    (tmp_path / "crash.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert refuse(path) == (
        f"{path}: expected a complete MATLAB file; it cannot be read. Get the file again"
    )


def test_a_structure_and_texts_of_matlab(tmp_path):
    labels = np.array(["no", "yes", "yes"], object)
    path = write_mat(tmp_path / "t.mat", {"data": {"X": X, "y": labels}})
    assert read_source(path).content["target"].to_list() == ["no", "yes", "yes"]
    path = write_mat(tmp_path / "t.mat", {"X": X, "y": labels.reshape(-1, 1)})
    assert read_source(path).content["target"].to_list() == ["no", "yes", "yes"]


def test_groups_texts_and_records_of_hdf5(tmp_path):
    path = tmp_path / "t.h5"
    records = np.array([(1, 2.5, b"x"), (2, 3.5, b"y")], [("a", "i8"), ("b", ">f4"), ("c", "S1")])
    with h5py.File(path, "w") as file:
        file["one/X"], file["one/y"] = X, ["u", "v", "w"]
        file["two/table"] = records
        file["two/link"] = h5py.ExternalLink("other.h5", "/a")
        file["two/self"] = h5py.SoftLink("/two")
    content = read_source(f"{path}::one").content
    assert content["target"].to_list() == ["u", "v", "w"]
    content = read_source(f"{path}::/two/table").content
    assert content.to_dict(as_series=False) == {"a": [1, 2], "b": [2.5, 3.5], "c": ["x", "y"]}
    assert read_source(f"{path}::two").content.equals(content)
    with pytest.raises(UserError, match="expected the name of an array or a group after ::"):
        read_source(f"{path}::three")


def test_a_table_of_pandas(tmp_path):
    """The layout of ``DataFrame.to_hdf(format="table")``; names are in pickles, which stay shut."""
    records = np.array([(0, [1.5, 2.5]), (1, [3.5, 4.5])], [("index", "i8"), ("values", "f8", 2)])
    content = read_source(write_h5(tmp_path / "t.h5", {"df/table": records})).content
    assert content.columns == ["index", "values_0", "values_1"]
    assert content.rows() == [(0, 1.5, 2.5), (1, 3.5, 4.5)]


@every
def test_arrays_that_are_refused(tmp_path, name, monkeypatch):
    path = WRITERS[name](tmp_path / name, {"a": np.zeros((2, 3)), "b": np.zeros((4, 5))})
    assert "expected arrays X and y, an array of records, or arrays of one length; got" in (
        refuse(path)
    )
    path = WRITERS[name](tmp_path / name, {"X": X, "y": np.zeros(4)})
    assert "expected as many labels as rows; got 'X' of shape (3, 2) and 'y' of shape" in (
        refuse(path)
    )
    path = WRITERS[name](tmp_path / name, {"X": np.zeros((1000, 10)), "y": np.zeros(1000)})
    monkeypatch.setattr(memory_check, "free_bytes", lambda: 1000)
    assert "of memory" in refuse(path)


@every
@pytest.mark.parametrize("seed", range(2))
def test_damaged_files(tmp_path, name, seed, capfd):
    path = WRITERS[name](tmp_path / name, {"X": X, "y": Y})
    raw = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    raw[600 * (name != "t.mat") + 130 :] = bytes(
        b ^ int(rng.integers(256)) if rng.random() < 0.05 else b
        for b in raw[600 * (name != "t.mat") + 130 :]
    )
    path.write_bytes(raw)
    code = main(["data", str(path)])
    out, err = capfd.readouterr()
    assert code in (0, 2)
    assert err.count("\n") == (code == 2), err
    assert code == 0 or out == ""


def test_without_the_package(tmp_path, monkeypatch):
    path = write_h5(tmp_path / "t.h5", {"X": X, "y": Y})
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert refuse(path).endswith("Run python -m pip install 'graduel[hdf5]'")

"""The folder of a duel: identification, atomic writes, damaged files."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from graduel.duel.plan.protocol import Cell
from graduel.duel.plan.splits import Split
from graduel.duel.result.outcome import Outcome
from graduel.duel.result.probe_results import Importance, PerturbationErrors, Probes
from graduel.duel.store.cell_files import pack_outcome
from graduel.duel.store.store import open_store
from graduel.errors import UserError
from graduel.serialize import to_plain, write_json

PROBES = Probes(
    rows=4,
    error=0.25,
    log_loss=0.5,
    robustness=(PerturbationErrors(name="missing", strengths=(0.1, 0.2), errors=(0.25, None)),),
    importance=Importance(rows=4, columns=(("a",),), log_loss=(0.1,), error=(0.0,)),
)


def outcome(cell):
    return Outcome(
        contender=cell.contender,
        seed=cell.seed,
        fit_seconds=1.5,
        predict_row_seconds=1e-5,
        predict_batch_seconds=0.1,
        peak_memory_bytes=10,
        model_bytes=20,
        curve=[(0.5, 0.2), (1.5, 0.1)],
        details={"best_epoch": 2},
        probabilities=np.full((4, 10), 0.1, np.float32),
        valid_probabilities=np.full((2, 10), 0.1, np.float32),
        probes=PROBES,
    )


def test_cells_and_splits_are_read_back_unchanged(tiny, tmp_path):
    cell = Cell("net", 0)
    with open_store(tmp_path / "run", tiny) as store:
        assert not store.is_finished(cell)
        store.write_cell(cell, pack_outcome(outcome(cell)))
        store.write_split(0, Split(np.arange(3), np.arange(3, 5), np.arange(5, 9)))
    with open_store(tmp_path / "run", tiny) as store:
        assert store.is_finished(cell)
        back = store.read_cell(cell)
        assert back == outcome(cell)
        np.testing.assert_array_equal(back.probabilities, outcome(cell).probabilities)
        valid = back.valid_probabilities
        np.testing.assert_array_equal(valid, outcome(cell).valid_probabilities)
        assert valid.dtype == np.float32
        assert back.probes == PROBES
        assert store.has_split(0)
        np.testing.assert_array_equal(store.read_split(0).test, np.arange(5, 9))


def test_partially_written_cells_are_removed(tiny, tmp_path):
    cell = Cell("net", 0)
    with open_store(tmp_path, tiny):
        half = tmp_path / "cells" / ".net-seed0.123.tmp"
        half.mkdir()
        (half / "outcome.json").write_text("{")
    with open_store(tmp_path, tiny) as store:
        assert not half.exists()
        assert not store.is_finished(cell)


def test_a_partially_written_plan_does_not_claim_the_folder(tiny, tmp_path):
    (tmp_path / ".duel.json.123.tmp").write_text("{")
    with open_store(tmp_path, tiny):
        assert not list(tmp_path.glob(".duel*"))


def test_a_cell_that_cannot_be_written_completely_is_not_finished(tiny, tmp_path, monkeypatch):
    cell = Cell("net", 0)

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    with open_store(tmp_path, tiny) as store:
        monkeypatch.setattr(np, "save", full)
        with pytest.raises(OSError, match="No space left"):
            store.write_cell(cell, pack_outcome(outcome(cell)))
        assert not store.is_finished(cell)


@pytest.mark.parametrize(
    "damage", ["outcome.json", "probabilities.npy", "valid_probabilities.npy", "probes.json"]
)
def test_a_damaged_cell_is_named_in_the_error(tiny, tmp_path, damage):
    cell = Cell("net", 0)
    with open_store(tmp_path, tiny) as store:
        store.write_split(0, Split(np.arange(3), np.arange(3, 5), np.arange(5, 9)))
        store.write_cell(cell, pack_outcome(outcome(cell)))
        path = tmp_path / "cells" / cell.key / damage
        path.write_bytes(path.read_bytes()[:40])
        with pytest.raises(UserError, match=r"net-seed0: .*damaged.*Delete this folder"):
            store.read_cell(cell)


def test_a_cell_without_probes_can_be_read(tiny, tmp_path):
    cell = Cell("net", 0)
    with open_store(tmp_path, tiny) as store:
        store.write_split(0, Split(np.arange(3), np.arange(3, 5), np.arange(5, 9)))
        store.write_cell(cell, pack_outcome(outcome(cell)))
        (tmp_path / "cells" / cell.key / "probes.json").unlink()
        assert store.read_cell(cell).probes is None


def spoil_json(**change):
    def spoil(folder):
        path = folder / "outcome.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **change}))

    return spoil


def spoil_array(array, name="probabilities.npy"):
    return lambda folder: np.save(folder / name, array)


def spoil_probes(text):
    return lambda folder: (folder / "probes.json").write_text(text)


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_json(seed=7),
        spoil_json(contender="xgboost"),
        spoil_json(fit_seconds="x"),
        spoil_json(curve=[["a", 1]]),
        spoil_json(more=1),
        spoil_array(np.zeros((5, 10), np.float32)),
        spoil_array(np.full((4, 10), np.nan, np.float32)),
        spoil_array(np.zeros((4, 10))),
        lambda folder: (folder / "probabilities.npy").write_bytes(b""),
        lambda folder: (folder / "outcome.json").write_text("[" * 100_000),
        spoil_array(np.zeros((3, 10), np.float32), "valid_probabilities.npy"),
        spoil_array(np.zeros((2, 9), np.float32), "valid_probabilities.npy"),
        spoil_array(np.full((2, 10), np.inf, np.float32), "valid_probabilities.npy"),
        spoil_array(np.zeros((2, 10)), "valid_probabilities.npy"),
        spoil_probes("[]"),
        spoil_probes("[" * 100_000),
        spoil_probes(json.dumps({**to_plain(PROBES), "importance": {"columns": [1]}})),
        spoil_probes(json.dumps({**to_plain(PROBES), "robustness": [{"name": "a"}]})),
        spoil_probes(
            json.dumps(
                {
                    **to_plain(PROBES),
                    "robustness": [{"name": "noise", "strengths": [0.1], "errors": [1.5]}],
                }
            )
        ),
    ],
)
def test_an_inconsistent_cell_is_refused(tiny, tmp_path, spoil):
    cell = Cell("net", 0)
    with open_store(tmp_path, tiny) as store:
        store.write_split(0, Split(np.arange(3), np.arange(3, 5), np.arange(5, 9)))
        store.write_cell(cell, pack_outcome(outcome(cell)))
        store.read_cell(cell)
        spoil(tmp_path / "cells" / cell.key)
        with pytest.raises(UserError, match=r"net-seed0: .*damaged") as error:
            store.read_cell(cell)
        assert "\n" not in str(error.value)
        assert "allow_pickle" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", "cut", "negative"])
def test_damaged_row_numbers_are_refused(tiny, tmp_path, content):
    with open_store(tmp_path, tiny) as store:
        store.write_split(0, Split(np.arange(300), np.arange(3), np.arange(5)))
        path = tmp_path / "splits" / "seed0.npz"
        if content == "cut":
            path.write_bytes(path.read_bytes()[:900])
        elif content == "negative":
            np.savez(path, train=np.array([-1]), valid=np.arange(3), test=np.arange(5))
        else:
            path.write_bytes(content)
        with pytest.raises(UserError, match=r"seed0\.npz: expected row numbers"):
            store.read_split(0)


def test_a_pickle_is_never_loaded(tiny, tmp_path):
    cell = Cell("net", 0)
    with open_store(tmp_path, tiny) as store:
        store.write_cell(cell, pack_outcome(outcome(cell)))
        path = tmp_path / "cells" / cell.key / "probabilities.npy"
        np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
        with pytest.raises(UserError, match="damaged"):
            store.read_cell(cell)


def test_a_folder_in_use_is_refused(tiny, tmp_path):
    with (
        open_store(tmp_path, tiny),
        pytest.raises(UserError, match="in use by another graduel"),
        open_store(tmp_path, tiny),
    ):
        pass


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": 3}, "holds a different duel .seeds 1 there, 3 here."),
        ({"rows": None}, "holds a different duel .rows 300 there, None here."),
        ({"versions": {}}, "holds a different duel .versions"),
    ],
)
def test_another_duels_folder_is_refused(tiny, tmp_path, change, message):
    with open_store(tmp_path, tiny):
        pass
    with (
        pytest.raises(UserError, match=message),
        open_store(tmp_path, replace(tiny, **change)),
    ):
        pass


def test_a_folder_with_other_files_is_refused_and_not_changed(tiny, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with (
        pytest.raises(UserError, match=r"other files \(thesis.txt\)"),
        open_store(tmp_path, tiny),
    ):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_a_path_below_a_file_and_an_invalid_plan_are_refused(tiny, tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(UserError, match="is a file"), open_store(file, tiny):
        pass
    with pytest.raises(UserError, match="can be written"), open_store(file / "run", tiny):
        pass
    assert file.read_text() == "mine"
    folder = tmp_path / "folder"
    folder.mkdir()
    for text, message in (("[]", "not a plan"), ("{", "expected readable JSON")):
        (folder / "duel.json").write_text(text)
        with pytest.raises(UserError, match=message), open_store(folder, tiny):
            pass


def test_json_is_written_atomically(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="Out of range"):
        write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text()) == {"a": 1}

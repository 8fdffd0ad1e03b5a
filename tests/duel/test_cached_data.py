"""The data cache: written by the parent, read by the workers, deleted at the end of the run."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from graduel.contenders import Budget, make_contender
from graduel.data.dataset_cache import is_intact, read_dataset, write_dataset
from graduel.data.source import DataSource, open_source
from graduel.duel.plan.protocol import Cell
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.result.result_builder import build_result, load_run
from graduel.duel.run.cell import run_cell
from graduel.duel.run.cell_runs import run_cells
from graduel.duel.store.store import CACHE, open_store
from graduel.errors import UserError


@pytest.fixture
def csv(tmp_path):
    """Write a table with numbers, missing values, text, dates and two classes."""
    rng = np.random.default_rng(0)
    n = 120
    frame = pl.DataFrame(
        {
            "age": rng.normal(40, 9, n).round(2),
            "town": rng.choice(["Rome", "Oslo", "Bern"], n),
            "born": pl.Series(rng.integers(0, 20000, n).astype("datetime64[D]")),
            "label": np.where(rng.random(n) < 0.5, "yes", "no"),
        }
    ).with_columns(age=pl.when(pl.col("age") > 50).then(None).otherwise("age"))
    path = tmp_path / "table.csv"
    frame.write_csv(path)
    return path


def plan(source):
    return build_protocol(source, contenders=["xgboost"], split="2x1", threads=1, quick=True)


@pytest.mark.parametrize("name", ["net", "xgboost"])
def test_fits_on_cached_data_are_bit_identical(csv, tmp_path, name):
    source = open_source(csv, target="label")
    loaded, protocol = source.load(), build_protocol(source, quick=True, threads=1)
    write_dataset(tmp_path / "data", loaded)
    opened = read_dataset(tmp_path / "data")
    spec = protocol.contenders[name]
    outcomes = []
    for dataset in (loaded, opened):
        rows = protocol.split_rows(dataset, 0)
        contender = make_contender(name, spec["family"], spec["recipe"], "error")
        outcomes.append(run_cell(contender, dataset, rows, Cell(name, 0), Budget(threads=1)))
    (one, fitted), (other, again) = outcomes
    assert fitted.to_bytes() == again.to_bytes()
    assert one.probabilities.tobytes() == other.probabilities.tobytes()


def test_workers_read_the_cache_and_the_end_deletes_it(csv, tmp_path):
    source = open_source(csv, target="label")
    content = csv.read_bytes()
    path = tmp_path / "run"
    with open_store(path, plan(source), source) as store:
        events = run_cells(store)
        assert next(events).kind == "started"
        assert is_intact(path / CACHE)
        csv.unlink()  # no worker reads it again
        kinds = {event.kind for event in events}
        assert "finished" in kinds
        assert not (path / CACHE).exists()
        run = build_result(store, "test")
    assert load_run(path).result.contenders == run.result.contenders
    csv.write_bytes(content)
    with open_store(path, plan(source), source) as store:
        assert [event.kind for event in run_cells(store)] == ["reused", "reused"]
        assert not (path / CACHE).exists()


def test_a_damaged_cache_is_rebuilt(csv, tmp_path):
    source = open_source(csv, target="label")
    path = tmp_path / "run"
    with open_store(path, plan(source), source) as store:
        events = run_cells(store)
        next(events)
        events.close()  # as Ctrl-C does: the cache is kept for the next start
        file = path / CACHE / "X.arrow"
        file.write_bytes(file.read_bytes()[:-100])
    with open_store(path, plan(source), source) as store:
        assert store.dataset().X.equals(source.load().X)
        store.cache_dataset()
        assert is_intact(path / CACHE)
        before = file.stat().st_mtime_ns
        store.cache_dataset()  # an intact cache is not written again
        assert file.stat().st_mtime_ns == before


def test_a_changed_source_is_refused_even_if_the_cache_is_intact(csv, tmp_path):
    source = open_source(csv, target="label")
    protocol, path = plan(source), tmp_path / "run"
    with open_store(path, protocol, source) as store:
        store.cache_dataset()
        assert is_intact(path / CACHE)
    csv.write_text(csv.read_text(encoding="utf-8").replace("Rome", "Riga"), encoding="utf-8")
    open_source("iris").load()  # so that the last loaded data set is another one
    with (
        open_store(path, protocol, source) as store,
        pytest.raises(UserError, match=r"table\.csv has changed"),
    ):
        next(run_cells(store))


def test_a_full_disk_only_disables_the_cache(csv, tmp_path, monkeypatch):
    from graduel.duel.store import store as module

    def full(folder, dataset):
        folder.mkdir()
        (folder / "half").write_bytes(b"x")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_dataset", full)
    source = open_source(csv, target="label")
    with open_store(tmp_path / "run", plan(source), source) as store:
        store.cache_dataset()
        assert not (tmp_path / "run" / CACHE).exists()
        assert store.dataset().X.equals(source.load().X)


def test_built_in_data_are_not_cached(tmp_path):
    protocol = build_protocol(
        DataSource.builtin("mnist"), contenders=["textbook"], quick=True, threads=1
    )
    with open_store(tmp_path / "run", protocol) as store:
        store.cache_dataset()
    assert not (tmp_path / "run" / CACHE).exists()

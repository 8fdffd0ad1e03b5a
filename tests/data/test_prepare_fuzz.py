"""Random files from Hypothesis: read, inferred, prepared, and prepared again in blocks.

A row must be prepared for prediction exactly as for training, bit for bit, although the file is
then read in blocks, and each block is converted independently.
"""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_read_fuzz import files

from graduel.data.prepare.preparation import NetPreparation, TreePreparation
from graduel.data.read.checksum import fingerprint
from graduel.data.read.delimited import csv
from graduel.data.read.row_stream import open_stream
from graduel.data.schema import Schema
from graduel.data.source import DataSource
from graduel.data.spec import SourceSpec
from graduel.errors import UserError

QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)
BLOCK = 100
"""Characters per block, so that there are several blocks."""


def fits(frame, columns, rows):
    """Fit one preparation of each kind to these rows."""
    return [
        NetPreparation.fit(frame, columns, rows=rows),
        NetPreparation.fit(frame, columns, rows=rows, embed=True, limit=2),
        TreePreparation.fit(frame, columns, rows=rows),
    ]


def check_matrix(preparation, matrix):
    """Check the properties of every prepared matrix."""
    assert matrix.dtype == np.float32
    assert matrix.shape[1] == len(preparation.names)
    if isinstance(preparation, TreePreparation):
        assert not np.isinf(matrix).any()
        return
    assert np.isfinite(matrix).all()
    assert (np.abs(matrix[:, : preparation.numeric]) <= 3).all()
    codes = matrix[:, preparation.numeric :]
    assert ((codes >= 0) & (codes < preparation.categorical)).all()


def spoil(frame, columns, data):
    """Return a later table with new missing values, unseen categories and huge numbers."""
    names = [c.name for c in columns]
    gone = data.draw(st.lists(st.sampled_from(names), unique=True))
    odd = data.draw(st.lists(st.sampled_from(names), unique=True))
    kinds = {c.name: c.kind for c in columns}
    later = []
    for series in frame.select(names):
        if series.name in gone:
            series = pl.Series(series.name, [None] * len(series), series.dtype)
        elif series.name in odd and kinds[series.name] == "categorical":
            series = series.cast(pl.String) + "?!"
        elif series.name in odd and kinds[series.name] == "numeric":
            series = series.cast(pl.Float64) * 1e300
        later.append(series)
    return pl.DataFrame(later)


def go_through(path, raw, data):
    path.write_bytes(raw)
    try:
        names = open_stream(path).schema
        target = data.draw(st.sampled_from(sorted(names)))
        bins = data.draw(st.sampled_from([None, None, 2]))
        spec = SourceSpec("table", path.name, fingerprint(path), target=target, bins=bins)
        dataset = DataSource(spec, path).load()
    except UserError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 1500
        return
    assert path.read_bytes() == raw
    frame, columns, table = dataset.X, dataset.columns, dataset.inferred_table
    n = len(frame)
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, n - 1), min_size=1))))
    later = spoil(frame, columns, data)
    schema = Schema.of(dataset)
    stream = open_stream(path)
    first, blocks = 0, []
    for block in stream.blocks:
        # Rows without a target are dropped; their cells may be invalid for the inferred kinds.
        here = table.rows[(table.rows >= first) & (table.rows < first + len(block.read))] - first
        blocks.append(schema.conform(block.read[here], decimal=stream.decimal, first_row=first))
        first += len(block.read)
    for preparation in fits(frame, columns, rows):
        matrix = preparation.transform(frame)
        check_matrix(preparation, matrix)
        check_matrix(preparation, preparation.transform(later))
        spec = json.loads(json.dumps(preparation.to_spec(), allow_nan=False))
        for other in (preparation, type(preparation).from_spec(spec)):
            again = np.concatenate([other.transform(block) for block in blocks])
            assert again.tobytes() == matrix.tobytes()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "table.csv"


@pytest.fixture(autouse=True, scope="module")
def blocks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv, "BLOCK", BLOCK)
        yield


@settings(deadline=None, max_examples=80, suppress_health_check=QUIET)
@given(raw=files(), data=st.data())
def test_rows_are_prepared_the_same_for_training_and_prediction(path, raw, data):
    go_through(path, raw, data)


@pytest.mark.long
@settings(deadline=None, max_examples=5000, suppress_health_check=QUIET)
@given(raw=files(), data=st.data())
def test_rows_of_many_tables_are_prepared_the_same(path, raw, data):
    go_through(path, raw, data)

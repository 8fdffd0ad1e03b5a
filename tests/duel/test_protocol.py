"""Protocols: options, splits of built-in data, digests and cells."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.contenders import make_contender
from graduel.contenders.registry import BUILT_IN_CONTENDERS, get_contender
from graduel.data import Dataset
from graduel.data.source import DataSource
from graduel.duel.plan.protocol import Cell, Protocol
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.errors import UserError
from graduel.train.recipes import NetRecipe


def digits(n_train=600, n_test=100, k=10):
    rng = np.random.default_rng(0)
    y = np.concatenate([np.arange(n_train) % k, rng.integers(k, size=n_test)])
    return Dataset(
        "toy",
        rng.integers(0, 256, size=(len(y), 2, 2), dtype=np.uint8),
        y,
        tuple(str(i) for i in range(k)),
        n_train,
    )


def protocol(**options):
    return build_protocol(DataSource.builtin("mnist"), threads=2, **options)


@settings(deadline=None, max_examples=30)
@given(rows=st.one_of(st.none(), st.integers(100, 600)), seed=st.integers(0, 50))
def test_split_parts_are_disjoint_stratified_and_keep_the_test_rows(rows, seed):
    data = digits()
    s = protocol(rows=rows).split_rows(data, seed)
    everything = np.concatenate([s.train, s.valid, s.test])
    assert len(np.unique(everything)) == len(everything)
    assert len(s.train) + len(s.valid) == (rows or 600)
    np.testing.assert_array_equal(s.test, np.arange(600, 700))
    for part in (s.train, s.valid):
        assert set(data.y[part]) == set(range(10))
    share = np.bincount(data.y[s.train]) / len(s.train)
    np.testing.assert_allclose(share, 0.1, atol=0.03)


def test_seeds_draw_other_validation_rows_from_the_same_subsample():
    data, p = digits(), protocol(rows=300)
    a, again, b = p.split_rows(data, 0), p.split_rows(data, 0), p.split_rows(data, 1)
    np.testing.assert_array_equal(a.valid, again.valid)
    assert set(a.valid) != set(b.valid)
    assert set(a.valid) | set(a.train) == set(b.valid) | set(b.train)


@pytest.mark.parametrize("rows", [5, 99, 601, 0, -3])
def test_rows_out_of_range_are_refused(rows):
    with pytest.raises(UserError, match=r"rows must be between 100 \(10 for each of 10 classes\)"):
        replace(protocol(), rows=rows).split_rows(digits(), 0)
    if rows != 601:
        with pytest.raises(UserError, match="rows must be between 100"):
            protocol(rows=rows)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"contenders": ["xgbost"]}, r"contender must be one of .*Did you mean 'xgboost'\?"),
        ({"contenders": []}, "at least one contender"),
        ({"contenders": ["net", "net"]}, "got 'net' twice"),
        ({"contenders": ["xgboost"], "net": NetRecipe()}, "add it to --contenders"),
        ({"seeds": 0}, "seeds must be at least 1 and at most 1000; got 0"),
        ({"seeds": 10**9}, "seeds must be at least 1 and at most 1000"),
        ({"threads": 0}, "threads must be at least 1 and at most .*; got 0"),
        ({"threads": 10**13}, "threads must be at least 1 and at most"),
        ({"rows": 200.5}, "rows must be a whole number; got 200.5"),
        ({"net": NetRecipe(activation="rleu")}, r"Did you mean 'relu'\?"),
        ({"net": NetRecipe(layers=(0,))}, "list of sizes from 1"),
    ],
)
def test_invalid_options_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        build_protocol(DataSource.builtin("mnist"), **options)
    with pytest.raises(UserError, match=r"data set must be one of 'mnist'; got 'cifar'"):
        build_protocol(DataSource.builtin("cifar"))


def test_a_plan_survives_json_and_digests_differ():
    p = protocol(seeds=2)
    back = json.loads(json.dumps(p.as_dict()))
    assert Protocol.from_dict(back).digest == p.digest
    others = [protocol(), protocol(seeds=2, quick=True), protocol(seeds=2, rows=500)]
    assert len({q.digest for q in [p, *others]}) == 4


@pytest.mark.parametrize("name", [name for name in BUILT_IN_CONTENDERS if name != "ridge"])
def test_every_contender_can_be_built_from_its_plan(name):
    family, contender = get_contender(name)
    for quick in (False, True):
        spec = protocol(contenders=[name], quick=quick).contenders[name]
        made = make_contender(name, spec["family"], json.loads(json.dumps(spec["recipe"])))
        assert made.name == name
        assert made.recipe == (contender.images.quick if quick else contender.images.full)
        assert spec["family"] == family.name == BUILT_IN_CONTENDERS[name]


def test_the_digest_ignores_contender_order_and_number_types():
    import numpy as np

    a = build_protocol(
        DataSource.builtin("mnist"),
        contenders=["xgboost", "net"],
        net=NetRecipe(lr=np.float32(0.5)),
        threads=1,
    )
    b = build_protocol(
        DataSource.builtin("mnist"),
        contenders=["net", "xgboost"],
        net=NetRecipe(lr=0.5, layers=[512, 512]),
        threads=1,
    )
    assert list(a.contenders) == ["net", "xgboost"]
    assert a.digest == b.digest
    assert build_protocol(DataSource.builtin("mnist"), rows=np.int64(200), threads=1).rows == 200


def test_every_cell_has_its_own_random_numbers():
    first = {c.key: c.rng().random() for c in protocol(seeds=3).cells()}
    assert len(set(first.values())) == 9
    assert Cell("net", 1).rng().random() == first["net-seed1"]

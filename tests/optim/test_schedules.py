"""Learning-rate schedules."""

from __future__ import annotations

import json
import math
import pickle
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graduel.optim import (
    Constant,
    Cosine,
    CosLog4,
    Exponential,
    FlatCos,
    Inverse,
    Linear,
    OneCycle,
    Step,
    WarmRestarts,
    WarmUp,
)

SCHEDULES = [
    Constant(),
    Step(),
    Step(drop=0.5, every=0.1),
    Step(drop=1e-300, every=5e-324),
    Exponential(),
    Exponential(end=5e-324),
    Inverse(),
    Inverse(k=1e308),
    Inverse(k=6e5, power=0.5),
    Inverse(k=0.0, power=1e308),
    Linear(),
    Linear(end=0.1),
    Cosine(),
    Cosine(end=0.1),
    WarmRestarts(),
    WarmRestarts(periods=1),
    WarmRestarts(periods=7, growth=1.0, end=0.3),
    OneCycle(),
    OneCycle(peak=0.0, end=0.0),
    OneCycle(peak=1.0, start=0.0),
    CosLog4(),
    FlatCos(),
    FlatCos(flat=0.0),
    WarmUp(),
    WarmUp(0.3, Constant()),
    WarmUp(0.0),
    WarmUp(5e-324, WarmRestarts()),
    WarmUp(0.2, WarmUp(0.5, OneCycle())),
]
"""Schedules with factors between 0 and 1."""
FALLING = [
    s for s in SCHEDULES if isinstance(s, Step | Exponential | Inverse | Linear | Cosine | FlatCos)
]
PROGRESS = st.floats(0, 1)
ENDS = st.floats(0, 1e300)
PARTS = st.floats(0, 1, exclude_min=True)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
@given(t=PROGRESS)
def test_factors_lie_between_zero_and_one(schedule, t):
    factor = schedule(t)
    assert type(factor) is float
    assert 0 <= factor <= 1 + 1e-12


@given(
    t=PROGRESS,
    schedule=st.one_of(
        st.builds(Step, PARTS, PARTS),
        st.builds(Exponential, st.floats(0, 1e300, exclude_min=True)),
        st.builds(Inverse, ENDS, ENDS),
        st.builds(Linear, ENDS),
        st.builds(Cosine, ENDS),
        st.builds(FlatCos, st.floats(0, 1, exclude_max=True)),
        st.builds(WarmRestarts, st.integers(1, 5), st.floats(1, 10), ENDS),
        st.builds(OneCycle, PROGRESS, ENDS, ENDS),
        st.builds(WarmUp, st.floats(0, 1, exclude_max=True), st.builds(Cosine, ENDS)),
    ),
)
def test_with_any_parameters_factors_are_finite_and_not_negative(schedule, t):
    assert math.isfinite(schedule(t))
    assert schedule(t) >= 0


@pytest.mark.parametrize("schedule", FALLING, ids=repr)
@given(PROGRESS, PROGRESS)
def test_decaying_schedules_never_increase(schedule, s, t):
    assert schedule(max(s, t)) <= schedule(min(s, t)) + 1e-12


@given(PROGRESS, st.floats(0.01, 0.9))
def test_warm_up_is_linear_and_then_follows_the_schedule(t, share):
    schedule = WarmUp(share, Cosine(end=0.2))
    if t < share:
        assert schedule(t) == pytest.approx(t / share)
    else:
        assert schedule(t) == pytest.approx(Cosine(end=0.2)((t - share) / (1 - share)))


@pytest.mark.parametrize(
    ("schedule", "first", "last"),
    [
        (Step(0.1, every=0.4), 1.0, 0.01),
        (Exponential(0.03), 1.0, 0.03),
        (Exponential(7.0), 1.0, 7.0),
        (Inverse(3.0), 1.0, 0.25),
        (Inverse(3.0, power=0.5), 1.0, 0.5),
        (Linear(0.1), 1.0, 0.1),
        (Linear(3.0), 1.0, 3.0),
        (Cosine(0.1), 1.0, 0.1),
        (WarmRestarts(4, end=0.1), 1.0, 0.1),
        (OneCycle(0.2, start=0.3, end=0.1), 0.3, 0.1),
        (OneCycle(0.0, end=0.1), 1.0, 0.1),
        (OneCycle(1.0, start=0.3), 0.3, 1.0),
        (CosLog4(), 0.0, 0.0),
        (FlatCos(), 1.0, 0.0),
        (WarmUp(0.1), 0.0, 0.0),
        (WarmUp(0.1, OneCycle(start=0.5, end=0.25)), 0.0, 0.25),
    ],
    ids=repr,
)
def test_ends(schedule, first, last):
    assert schedule(0) == pytest.approx(first, abs=1e-12)
    assert schedule(1) == pytest.approx(last, abs=1e-12)


def test_steps_drop_at_their_borders_despite_rounding():
    schedule = Step(0.5, every=0.1)
    for i in range(10):
        assert schedule(i / 10) == pytest.approx(0.5**i)
        assert schedule(i / 10 + 0.0999) == pytest.approx(0.5**i)
    # 0.1 + 0.2 is slightly above 0.3, and 0.3 / 0.1 slightly below 3.
    assert schedule(0.1 + 0.2) == schedule(0.3) == 0.125


def test_warm_restarts_have_growing_periods():
    schedule = WarmRestarts(3, growth=2, end=0.1)
    for begin, end in ((0, 1 / 7), (1 / 7, 3 / 7), (3 / 7, 1)):
        assert schedule(begin) == pytest.approx(1)
        assert schedule((begin + end) / 2) == pytest.approx(0.55)
        assert schedule(end - 1e-6) == pytest.approx(0.1, abs=1e-6)


def test_warm_restarts_are_exact_despite_rounding():
    schedule = WarmRestarts(100, growth=1)
    assert 0.29 * 100 < 29
    assert [schedule(i / 100) for i in range(100)] == pytest.approx([1] * 100)


def test_coslog_has_periods_of_doubling_length():
    schedule = CosLog4()
    for wave in range(4):
        assert schedule((2**wave - 1) / 15) == pytest.approx(0, abs=1e-12)
        assert schedule((2 ** (wave + 0.5) - 1) / 15) == pytest.approx(1)


@given(PROGRESS)
def test_flat_cos_equals_the_published_formula(t):
    published = 0.5 * (1 + math.cos(math.pi * (max(1, 2 * t) - 1)))
    assert FlatCos()(t) == pytest.approx(published, abs=1e-12)


def test_flat_cos_decays_from_flat():
    schedule = FlatCos(flat=0.7)
    assert [schedule(t) for t in (0.69, 0.85, 1)] == pytest.approx([1, 0.5, 0])


@given(st.integers(1, 500), st.integers(1, 30))
def test_inverse_is_scikit_learns_invscaling(rows, epochs):
    schedule = Inverse(k=rows * epochs, power=0.5)
    for epoch in range(epochs):
        seen = rows * epoch
        assert schedule(epoch / epochs) == pytest.approx(1 / (seen + 1) ** 0.5)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_schedules_compare_by_value_and_pickle(schedule):
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert hash(schedule) == hash(pickle.loads(pickle.dumps(schedule)))
    plain = json.loads(json.dumps(asdict(schedule)))
    assert plain == asdict(schedule)
    if not isinstance(schedule, WarmUp):
        assert type(schedule)(**plain) == schedule


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Step(drop=0), "drop must be above 0 and at most 1; got 0"),
        (lambda: Step(every=1.5), "every must be above 0 and at most 1; got 1.5"),
        (lambda: Exponential(0), "end must be above 0; got 0"),
        (lambda: Exponential(math.inf), "end must be above 0; got inf"),
        (lambda: Inverse(-1), "k must be at least 0; got -1"),
        (lambda: Inverse(1, power=-1), "power must be at least 0; got -1"),
        (lambda: Linear(-0.1), "end must be at least 0; got -0.1"),
        (lambda: Cosine(math.nan), "end must be at least 0; got nan"),
        (lambda: FlatCos(1), "flat must be at least 0 and below 1; got 1"),
        (lambda: WarmRestarts(0), "periods must be a whole number from 1 to 1000; got 0"),
        (lambda: WarmRestarts(2, growth=0.5), "growth must be at least 1; got 0.5"),
        (lambda: WarmRestarts(2, end=-1), "end must be at least 0; got -1"),
        (lambda: WarmRestarts(30), "at most a million times .* got 30 periods with growth 2.0"),
        (lambda: OneCycle(peak=2), r"peak must be in \[0, 1\]; got 2"),
        (lambda: OneCycle(start=-1), "start must be at least 0; got -1"),
        (lambda: OneCycle(end=math.nan), "end must be at least 0; got nan"),
        (lambda: WarmUp(1), "warm-up must be at least 0 and below 1; got 1"),
    ],
)
def test_parameters_out_of_range_raise(make, message):
    with pytest.raises(ValueError, match=message):
        make()

"""Schedules: pure functions of progress."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graduel.optim import Constant, Cosine, WarmUp

SCHEDULES = [Constant(), Cosine(), Cosine(end=0.1), WarmUp(), WarmUp(0.3, Constant()), WarmUp(0.0)]
PROGRESS = st.floats(0, 1)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
@given(t=PROGRESS)
def test_factors_lie_between_zero_and_one(schedule, t):
    assert -1e-12 <= schedule(t) <= 1 + 1e-12


@given(PROGRESS, PROGRESS)
def test_cosine_falls(s, t):
    assert Cosine()(max(s, t)) <= Cosine()(min(s, t)) + 1e-12


@given(PROGRESS, st.floats(0.01, 0.9))
def test_warm_up_rises_to_its_end_and_then_follows(t, share):
    schedule = WarmUp(share, Cosine(end=0.2))
    if t < share:
        assert schedule(t) == pytest.approx(t / share)
    else:
        assert schedule(t) == pytest.approx(Cosine(end=0.2)((t - share) / (1 - share)))


def test_ends():
    assert Cosine(end=0.1)(1) == pytest.approx(0.1)
    assert WarmUp(0.1)(0) == 0
    assert WarmUp(0.1)(0.1) == 1


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_schedules_are_values_that_pickle(schedule):
    assert pickle.loads(pickle.dumps(schedule)) == schedule


def test_a_warm_up_of_everything_is_refused():
    with pytest.raises(ValueError, match="warm-up must be at least 0 and below 1; got 1"):
        WarmUp(1)

"""The probability that a repetition gives the same verdict."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graduel.duel.verdict.reproduction import LIKELY, reproduction_probability
from graduel.duel.verdict.test_rows import compare_rows
from graduel.metrics.metric import get_metric

VERDICTS = ("a better", "b better", "practically equal", "undecided")
ERROR = get_metric("error")


def as_probabilities(wrong):
    """Return probabilities of two classes for rows of class 0; shape (1, n, 2)."""
    p = np.where(wrong, 0.2, 0.8)
    return np.stack([p, 1 - p], axis=-1)[np.newaxis]


def compare(wrong_a, wrong_b, rope=0.0025):
    p = {"a": as_probabilities(wrong_a), "b": as_probabilities(wrong_b)}
    y = np.zeros(len(wrong_a), int)
    [comparison] = compare_rows(p, y, metric=ERROR, rope=rope)
    return comparison


@given(
    difference=st.floats(-1, 1),
    widths=st.tuples(*[st.floats(1e-4, 1)] * 3),
    rope=st.floats(0, 0.5),
)
def test_the_four_verdicts_have_probabilities_that_add_up_to_1(difference, widths, rope):
    named = zip(("interval", "decision", "equivalence"), widths, strict=True)
    intervals = {name: (difference - w, difference + w) for name, w in named}
    shares = [
        reproduction_probability(verdict, difference, **intervals, rope=rope)
        for verdict in VERDICTS
    ]
    assert sum(shares) == pytest.approx(1, abs=1e-9)
    assert all(0 <= share <= 1 for share in shares)


def test_a_difference_at_its_critical_value_is_reproduced_half_of_the_time():
    """Goodman 1992: p = 0.05 is significant again with a probability of 50 %."""
    same = {"interval": (0.0, 0.4), "decision": (0.0, 0.4), "equivalence": (0.03, 0.37)}
    assert reproduction_probability("b better", 0.2, **same, rope=0.0) == pytest.approx(0.5)
    # p = 0.01: z = 2.576, Φ((2.576 − 1.96) / √2) = 0.668
    far = {"interval": (0.0628, 0.4628), "decision": (0.0628, 0.4628), "equivalence": (0.0, 0.5)}
    p = reproduction_probability("b better", 0.2628, **far, rope=0.0)
    assert p == pytest.approx(0.668, abs=0.002)


def test_differences_that_do_not_vary_have_none():
    none = (0.1, 0.1)
    assert (
        reproduction_probability(
            "a better", 0.1, interval=none, decision=none, equivalence=none, rope=0.0
        )
        is None
    )


def test_a_verdict_close_to_a_boundary_says_so_and_others_do_not():
    rows = np.arange(10_000)
    near = compare(rows < 135, (rows >= 25) & (rows < 177))  # 25 against 42 rows
    assert near.verdict == "a better"
    assert near.reproduction < LIKELY
    percent = round(100 * near.reproduction)
    assert (
        "This verdict is close to a boundary: after another fit of both, on as many new test rows, "
        f"it would be the same with a probability of about {percent} %." in near.sentence
    )
    far = compare(rows < 20, (rows >= 20) & (rows < 200))
    assert far.reproduction > 0.99
    assert "boundary" not in far.sentence


def test_several_seeds_have_none():
    p = as_probabilities(np.arange(200) < 20)
    q = as_probabilities(np.arange(200) < 60)
    several = {"a": np.concatenate([p, p, q]), "b": np.concatenate([q, q, p])}
    [comparison] = compare_rows(several, np.zeros(200, int), metric=ERROR, rope=0.0025)
    assert comparison.reproduction is None


@pytest.mark.parametrize("gap", [0.0, 0.002, 0.004, 0.006])
def test_repetitions_with_other_rows_and_seeds_give_the_same_verdict_that_often(gap):
    """Each row is misclassified with its own probability, in each fit anew."""
    rng = np.random.default_rng(int(gap * 1000))
    runs = []
    for _ in range(60):
        hard = rng.beta(0.03, 1.5, size=4000)
        a, b = (rng.random(4000) < np.clip(hard * scale, 0, 1) for scale in (1, 1 + gap / 0.0196))
        runs.append(compare(a, b))
    verdicts = [run.verdict for run in runs]
    same = np.mean([one == other for i, one in enumerate(verdicts) for other in verdicts[:i]])
    stated = np.mean([run.reproduction for run in runs])
    # The estimate assumes that all true differences are equally likely; here there is one.
    assert stated == pytest.approx(same, abs=0.2)

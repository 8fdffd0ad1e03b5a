"""Quality and cost of a pair in one sentence, and never more than the verdict says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graduel.duel.verdict.costs import OTHERS, cost_sentence, training_seconds
from graduel.duel.verdict.types import Comparison, Costs
from graduel.metrics.metric import get_metric

TITLES = {"a": "net", "b": "XGBoost", "c": "NumPy network"}
EVEN = Costs(
    fit_seconds=(10.0,),
    predict_row_seconds=1e-4,
    predict_batch_seconds=0.1,
    batch_rows=1000,
    peak_memory_bytes=100,
    model_bytes=1000,
    tuning_seconds=(None,),
)


def compared(verdict: str, difference: float = -0.007, a: str = "a", b: str = "b") -> Comparison:
    return Comparison(
        a=a,
        b=b,
        metric="error",
        error_a=0.013,
        error_b=0.013 - difference,
        difference=difference,
        interval=(difference - 0.01, difference + 0.01),
        interval_level=0.95,
        equivalence_interval=(difference - 0.01, difference + 0.01),
        equivalence_level=0.9,
        rope=0.0025,
        test="",
        why="",
        p_value=0.01,
        p_adjusted=0.01,
        verdict=verdict,  # type: ignore[arg-type]
        detectable=False,
        scope="",
        rows=1000,
        seeds=1,
        more_rows=None,
        more_seeds=None,
        sentence="",
    )


def said(found: Comparison, mine: dict, theirs: dict, metric: str = "error") -> str:
    entries = {found.a: replace(EVEN, **mine), found.b: replace(EVEN, **theirs)}
    return cost_sentence(found, entries, get_metric(metric), TITLES)


@pytest.mark.parametrize(
    ("verdict", "difference", "mine", "theirs", "words"),
    [
        (
            "a better",
            -0.007,
            {},
            {"fit_seconds": (60.0, 62.0)},
            "Net is 0.7 points better than XGBoost and 6.1 times cheaper to train.",
        ),
        (
            "b better",
            0.01,
            {"fit_seconds": (2.0,), "model_bytes": 100},
            {"predict_row_seconds": 1e-5},
            "XGBoost is 1 point better than net, but 5 times dearer to train; it answers one row "
            "10 times faster, but has a model 10 times as large.",
        ),
        (
            "practically equal",
            0.001,
            {},
            {"fit_seconds": (30.0,), "peak_memory_bytes": 300, "model_bytes": 4000},
            "Net is as good as XGBoost for practical purposes and 3 times cheaper to train; it "
            "takes 3 times less memory to train and has a model 4 times smaller.",
        ),
        (
            "undecided",
            0.001,
            {"fit_seconds": (25.0,)},
            {},
            "Neither is shown to be better; XGBoost is 2.5 times cheaper to train.",
        ),
        (
            "undecided",
            0.001,
            {"model_bytes": 5000},
            {"fit_seconds": (10.4,)},
            "Neither is shown to be better, and both cost about as much to train; net has a model "
            "5 times as large.",
        ),
        (
            "practically equal",
            0.001,
            {},
            {"fit_seconds": (10.4,), "model_bytes": 1999},
            "Net is as good as XGBoost for practical purposes, and costs about as much to train.",
        ),
        (
            "a better",
            -0.007,
            {"tuning_seconds": (100.0, 120.0)},
            {"tuning_seconds": (400.0, 490.0)},
            "Net is 0.7 points better than XGBoost and 4 times cheaper to tune and train.",
        ),
    ],
)
def test_what_a_manager_reads(verdict, difference, mine, theirs, words) -> None:
    assert said(compared(verdict, difference), mine, theirs) == words


def test_metrics_without_a_unit_and_titles_of_several_words() -> None:
    found = compared("b better", 0.0123, a="b", b="c")
    assert said(found, {}, {"fit_seconds": (5.0,)}, "log_loss") == (
        "The NumPy network is better by 0.0123 (log loss) than XGBoost and 2 times cheaper to "
        "train."
    )


COST = st.one_of(st.just(0.0), st.floats(1e-6, 1e6))


@given(
    verdict=st.sampled_from(["a better", "b better", "practically equal", "undecided"]),
    costs=st.lists(COST, min_size=10, max_size=10),
    difference=st.floats(-0.5, 0.5),
)
def test_better_is_never_said_without_a_verdict(verdict, costs, difference) -> None:
    names = [key for key, *_ in OTHERS]

    def entry(part: list) -> dict:
        first, *rest = part
        return {"fit_seconds": (first or 1.0,), **dict(zip(names, rest, strict=True))}

    found = compared(verdict, difference)
    words = said(found, entry(costs[:5]), entry(costs[5:]))
    lead = words.split(";")[0]
    winner = {"a better": "Net is", "b better": "XGBoost is"}.get(verdict)
    if winner:
        assert lead.startswith(winner)
        assert "better than" in lead
    elif verdict == "undecided":
        assert lead.startswith("Neither is shown to be better")
        assert words.count("better") == 1
    else:
        assert "better" not in words
        assert "is as good as" in lead
    assert words.endswith(".")
    assert "None" not in words
    assert "inf" not in words


def test_training_counts_the_whole_search_where_there_was_one() -> None:
    fit = replace(EVEN, fit_seconds=(2.0, 4.0), tuning_seconds=(None, None))
    assert training_seconds(fit) == 3
    assert training_seconds(replace(fit, tuning_seconds=(7.0, 9.0))) == 8

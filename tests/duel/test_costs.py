"""The sentence with quality and cost of a pair, which never claims more than the verdict."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graduel.duel.verdict.costs import OTHER_COSTS, QUARTILES, cost_sentence, training_seconds
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
    predict_row_quartiles=(0.9e-4, 1.1e-4),
    predict_batch_quartiles=(0.09, 0.11),
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


def sentence(result: Comparison, mine: dict, theirs: dict, metric: str = "error") -> str:
    entries = {result.a: replace(EVEN, **mine), result.b: replace(EVEN, **theirs)}
    return cost_sentence(result, entries, get_metric(metric), TITLES)


@pytest.mark.parametrize(
    ("verdict", "difference", "mine", "theirs", "words"),
    [
        (
            "a better",
            -0.007,
            {},
            {"fit_seconds": (60.0, 62.0)},
            "Net is 0.7 percentage points better than XGBoost and trains 6.1 times as fast.",
        ),
        (
            "b better",
            0.01,
            {"fit_seconds": (2.0,), "model_bytes": 100},
            {"predict_row_seconds": 1e-5, "predict_row_quartiles": (0.9e-5, 1.1e-5)},
            "XGBoost is 1.0 percentage points better than net, but takes 5 times as long to train; "
            "it predicts one row 10 times as fast, but has a model 10 times as large.",
        ),
        (
            "practically equal",
            0.001,
            {},
            {"fit_seconds": (30.0,), "peak_memory_bytes": 300, "model_bytes": 4000},
            "Net is practically equal to XGBoost and trains 3 times as fast; it needs 34 % as "
            "much memory to train and has a model 25 % as large.",
        ),
        (
            "undecided",
            0.001,
            {"fit_seconds": (25.0,)},
            {},
            "Neither is shown to be better; XGBoost trains 2.5 times as fast.",
        ),
        (
            "undecided",
            0.001,
            {"model_bytes": 5000},
            {"fit_seconds": (10.4,)},
            "Neither is shown to be better, and both take about as long to train; net has a model "
            "5 times as large.",
        ),
        (
            "practically equal",
            0.001,
            {},
            {"fit_seconds": (10.4,), "model_bytes": 1999},
            "Net is practically equal to XGBoost, and takes about as long to train.",
        ),
        (
            "a better",
            -0.007,
            {"tuning_seconds": (100.0, 120.0)},
            {"tuning_seconds": (400.0, 490.0)},
            "Net is 0.7 percentage points better than XGBoost and tunes and trains 4 times as "
            "fast.",
        ),
    ],
)
def test_sentence(verdict, difference, mine, theirs, words) -> None:
    assert sentence(compared(verdict, difference), mine, theirs) == words


def test_metrics_without_a_unit_and_titles_of_several_words() -> None:
    result = compared("b better", 0.0123, a="b", b="c")
    assert sentence(result, {}, {"fit_seconds": (5.0,)}, "log_loss") == (
        "The NumPy network is better by 0.0123 (log loss) than XGBoost and trains twice as fast."
    )


def test_costs_are_not_compared_if_other_processes_used_the_cores() -> None:
    result = compared("a better")
    same = sentence(result, {"missing_cores": (0.2,)}, {"missing_cores": ()})
    assert same == sentence(result, {}, {})
    reason = "; the costs are not compared, since other processes used cores of {}."
    for mine, theirs, names in (
        ((0.0, 0.9), (), "net"),
        ((1.0,), (1.0,), "net and XGBoost"),
    ):
        words = sentence(
            result,
            {"missing_cores": mine},
            {"missing_cores": theirs, "fit_seconds": (90.0,), "model_bytes": 9},
        )
        assert words == "Net is 0.7 percentage points better than XGBoost" + reason.format(names)


def test_prediction_times_are_compared_only_if_their_quartiles_are_apart() -> None:
    result, slow = compared("a better"), {"predict_row_seconds": 61e-3}
    plain = sentence(result, {}, {})
    for quartiles in (None, (1e-4, 1.0)):
        assert sentence(result, {}, slow | {"predict_row_quartiles": quartiles}) == plain
    words = sentence(result, {}, slow | {"predict_row_quartiles": (50e-3, 70e-3)})
    assert words == plain[:-1] + "; it predicts one row 610 times as fast."


def test_training_times_that_overlap_are_not_compared() -> None:
    result = compared("undecided")
    words = sentence(result, {"fit_seconds": (2.0, 4.0, 30.0)}, {"fit_seconds": (3.0, 5.0, 7.0)})
    assert words == "Neither is shown to be better; their times to train overlap."


def test_costs_on_different_machines_are_not_compared() -> None:
    result = compared("a better")
    same = sentence(result, {"machines": (1, 1)}, {"machines": (1,)})
    assert same == sentence(result, {}, {})
    for mine, theirs in (((0, 0), (1, 1)), ((0, 1), (0, 1)), ((0,), (0, 1))):
        words = sentence(result, {"machines": mine}, {"machines": theirs})
        assert words.endswith(
            "the costs are not compared, since the runs were on different machines."
        )
        assert "times" not in words


def quartiles_of(costs: dict) -> dict:
    """Return narrow quartiles of the prediction times."""
    return {QUARTILES[key]: (0.99 * t, 1.01 * t) for key, t in costs.items() if key in QUARTILES}


@given(
    a=st.tuples(st.floats(1e-6, 1e3), st.floats(1, 10)),
    b=st.tuples(st.floats(1e-6, 1e3), st.floats(1, 10)),
)
def test_a_sentence_on_latency_implies_quartiles_that_are_apart(a, b) -> None:
    (mine, mine_spread), (theirs, theirs_spread) = a, b
    words = sentence(
        compared("a better"),
        {
            "predict_row_seconds": mine,
            "predict_row_quartiles": (mine / mine_spread, mine * mine_spread),
        },
        {
            "predict_row_seconds": theirs,
            "predict_row_quartiles": (theirs / theirs_spread, theirs * theirs_spread),
        },
    )
    if "one row" in words:
        low, high = sorted([(mine, mine_spread), (theirs, theirs_spread)])
        assert low[0] * low[1] < high[0] / high[1]
        assert high[0] >= 2 * low[0] * (1 - 1e-9)


COST = st.one_of(st.just(0.0), st.floats(1e-6, 1e6))


@given(
    verdict=st.sampled_from(["a better", "b better", "practically equal", "undecided"]),
    costs=st.lists(COST, min_size=10, max_size=10),
    difference=st.floats(-0.5, 0.5),
)
def test_better_requires_a_verdict(verdict, costs, difference) -> None:
    names = [key for key, *_ in OTHER_COSTS]

    def entry(part: list) -> dict:
        first, *rest = part
        costs = dict(zip(names, rest, strict=True))
        return {"fit_seconds": (first or 1.0,), **costs, **quartiles_of(costs)}

    result = compared(verdict, difference)
    words = sentence(result, entry(costs[:5]), entry(costs[5:]))
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
        assert "is practically equal to" in lead
    assert words.endswith(".")
    assert "None" not in words
    assert "inf" not in words


@given(st.floats(1.2, 200))
def test_every_ratio_has_a_grammatical_and_cautious_phrase(ratio) -> None:
    costs = {key: 1e6 * ratio for key, *_ in OTHER_COSTS}
    even = dict.fromkeys(costs, 1000000.0)
    mine, theirs = even | quartiles_of(even), costs | quartiles_of(costs)
    words = sentence(compared("a better"), mine, theirs)
    back = sentence(compared("b better"), mine, theirs)
    notable = ratio >= 2
    assert notable == ("memory" in words) == ("memory" in back)
    if notable:
        shares = re.findall(r"([0-9.]+) % as (much memory|large)", words)
        assert [noun for _, noun in shares] == ["much memory", "large"]
        for share, _ in shares:
            assert 100 / ratio - 1e-6 <= float(share) < 1.11 * 100 / ratio
        times = re.findall(r"(twice|[0-9.]+ times) as (fast|long|much memory|large)", back)
        assert [noun for _, noun in times] == ["long", "long", "much memory", "large"]
        for text, _ in times:
            assert 0.9 * ratio < float(text.replace("twice", "2 times").split()[0]) <= ratio + 1e-6
    for text in (words, back):
        assert not re.search(r"\ban? [0-9]|times (less|smaller|more|larger)", text)


def test_training_time_includes_the_whole_search() -> None:
    fit = replace(EVEN, fit_seconds=(2.0, 4.0), tuning_seconds=(None, None))
    assert training_seconds(fit) == 3
    assert training_seconds(replace(fit, tuning_seconds=(7.0, 9.0))) == 8

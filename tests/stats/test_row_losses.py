"""The paired t of losses with heavy tails: its formula, invariances and simulated errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.differentiate import derivative

from graduel.stats import paired_loss_t, root_mean_values, rows_and_seeds_needed, two_way_t
from graduel.stats.row_losses import EXTRA_ROWS

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@st.composite
def losses(draw, most_seeds=4):
    """Losses of two contenders, light or heavy-tailed, shape (seeds, rows)."""
    shape = draw(st.integers(1, most_seeds)), draw(st.integers(2, 60))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    df = draw(st.sampled_from([1, 3, 50]))
    shared = rng.standard_t(df, shape[1])
    return tuple((shared + rng.standard_t(df, shape)) ** 2 for _ in "ab")


@settings(deadline=None)
@given(losses(most_seeds=2), st.booleans(), st.floats(0.5, 0.99))
def test_formula(both, is_root, level):
    if is_root:
        d = [np.sqrt(x.mean(axis=1, keepdims=True)) for x in both]
        d = [root + (x - root**2) / (2 * root) for x, root in zip(both, d, strict=True)]
        expected = np.mean(
            [np.sqrt(a.mean()) - np.sqrt(b.mean()) for a, b in zip(*both, strict=True)]
        )
    else:
        d, expected = both, both[0].mean() - both[1].mean()
    rows = (d[0] - d[1]).mean(axis=0)
    n = len(rows)
    kurtosis = stats.kurtosis(rows, fisher=False)
    df = min(2 * n / (kurtosis - 1 + 2 / (n - 1)), n - 1)
    se = np.sqrt(rows.var(ddof=1) / n * (1 + EXTRA_ROWS / n))
    result = paired_loss_t(*both, is_root=is_root, level=level)
    t = stats.t(df, result.mean, se)
    scale = max(abs(result.mean), se)
    assert result.mean == pytest.approx(expected, rel=1e-8, abs=1e-10 * scale)
    assert (result.low, result.high) == pytest.approx(t.interval(level), rel=1e-8, abs=1e-8 * scale)
    assert result.p_value == pytest.approx(2 * t.sf(result.mean + abs(result.mean)), rel=1e-7)
    assert (result.p_value < 1 - level) == (result.low > 0 or result.high < 0)


@settings(deadline=None)
@given(losses(), st.booleans(), st.floats(1e-90, 1e70), st.integers(0, 99))
def test_order_scale_and_sides_do_not_matter(both, is_root, scale, seed):
    result = paired_loss_t(*both, is_root=is_root)
    order = np.random.default_rng(seed).permutation(both[0].shape[1])
    a, b = (x[:, order] * scale for x in both)
    other = paired_loss_t(b, a, is_root=is_root)
    unit = np.sqrt(scale) if is_root else scale
    size = max(abs(result.low), abs(result.high)) * unit
    assert other.low == pytest.approx(-result.high * unit, abs=1e-7 * size)
    assert other.high == pytest.approx(-result.low * unit, abs=1e-7 * size)
    assert other.p_value == pytest.approx(result.p_value, rel=1e-5)


@settings(deadline=None)
@given(losses(), st.booleans(), st.floats(1e-60, 1e60))
def test_ratio_does_not_depend_on_the_unit(both, is_root, scale):
    a, b = both
    result = paired_loss_t(a, b, is_root=is_root, is_ratio=True)
    power = 0.5 if is_root else 1.0
    expected = power * np.log(a.mean(axis=1) / b.mean(axis=1)).mean()
    assert result.mean == pytest.approx(expected, abs=1e-9)
    other = paired_loss_t(scale * a, scale * b, is_root=is_root, is_ratio=True)
    assert (other.low, other.high) == pytest.approx((result.low, result.high), abs=1e-7)
    if is_root:
        squared = paired_loss_t(a, b, is_ratio=True)
        assert (squared.low, squared.high) == pytest.approx((2 * result.low, 2 * result.high))


def test_ratio_of_many_rows_is_the_difference_over_the_metric():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=20_000)
    a, b = ((noise + rng.normal(size=20_000) / 10) ** 2 for _ in "ab")
    ratio = paired_loss_t(a, b, is_root=True, is_ratio=True)
    difference = paired_loss_t(a, b, is_root=True)
    rmse = np.sqrt(b.mean())
    assert ratio.low == pytest.approx(difference.low / rmse, rel=0.02)
    assert ratio.high == pytest.approx(difference.high / rmse, rel=0.02)


def test_degrees_of_freedom_follow_the_tails():
    n = 400
    normal = stats.norm.ppf((np.arange(n) + 0.5) / n)
    one_row = np.zeros(n)
    one_row[7] = 1.0
    heavy = np.random.default_rng(0).standard_t(2, n)
    of_normal, of_heavy, of_one_row = (
        paired_loss_t(d, np.zeros(n)).df for d in (normal, heavy, one_row)
    )
    assert 0.98 * (n - 1) < of_normal <= n - 1
    assert of_one_row == pytest.approx(2, abs=0.02)
    assert of_one_row < of_heavy < of_normal / 3


def test_three_seeds_are_the_two_way_t_but_for_the_rows():
    rng = np.random.default_rng(0)
    a, b = rng.standard_t(3, size=(2, 3, 200)) ** 2 + rng.standard_t(3, 200) ** 2
    spread, plain = paired_loss_t(a, b).spread, two_way_t(a - b).spread
    assert (spread.of_seeds, spread.of_both) == (plain.of_seeds, plain.of_both)
    assert spread.of_rows == pytest.approx(plain.of_rows * (1 + EXTRA_ROWS / 200))
    assert spread.rows_df < 150
    estimate = paired_loss_t(a, b)
    t = [stats.t.isf(0.025, df) for df in (spread.rows_df, 2)]
    half = np.sqrt(spread.of_rows * t[0] ** 2 + (spread.of_seeds + spread.of_both) * t[1] ** 2)
    assert estimate.high - estimate.mean == pytest.approx(half, rel=1e-8)
    assert spread.half_width(estimate.p_value) == pytest.approx(abs(estimate.mean), rel=1e-8)


def test_more_rows_have_more_degrees_of_freedom():
    rng = np.random.default_rng(1)
    noise = rng.standard_t(3, 300)
    estimate = paired_loss_t((noise + rng.normal(size=300) / 4) ** 2, noise**2, is_root=True)
    assert estimate.spread.resized(1200, 1).rows_df == pytest.approx(4 * estimate.df)
    rows, seeds = rows_and_seeds_needed(estimate, alpha=0.05, rope=0.0, level=0.9)
    assert rows > 300
    assert seeds == 1


@given(losses())
def test_root_mean_values_are_the_gradient_of_the_root(both):
    values = root_mean_values(both[0])
    x = both[0][0]
    assert values.mean(axis=1) == pytest.approx(np.sqrt(both[0].mean(axis=1)))

    def root(step):  # with the first row weighted by 1 + step
        return np.sqrt((x.sum() + step * x[0]) / (len(x) + step))

    slope = derivative(root, 0.0, initial_step=0.1).df * len(x)
    spread = np.ptp(x) / np.sqrt(x.mean())
    assert values[0, 0] - values[0].mean() == pytest.approx(slope, rel=1e-5, abs=1e-6 * spread)


def test_equal_losses():
    a = np.array([[1.0, 4.0, 9.0]])
    result = paired_loss_t(a, a, is_root=True)
    assert (result.mean, result.se, result.p_value, result.low, result.high) == (0, 0, 1, 0, 0)
    perfect = paired_loss_t(np.zeros(3), np.ones(3), is_root=True)
    assert (perfect.mean, perfect.low, perfect.p_value) == (-1, -1, 0)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([1.0, 2.0], [1.0], "on the same rows"),
        ([1.0, np.inf], [1.0, 2.0], "finite losses"),
        ([1.0], [2.0], "at least 1 seeds and 2 rows"),
        ([1.0, -2.0], [1.0, 2.0], "at least 0; got -2"),
    ],
)
def test_unusable_losses_are_refused(a, b, message):
    with pytest.raises(ValueError, match=message):
        paired_loss_t(a, b, is_root=True)


def test_losses_of_0_have_no_ratio():
    with pytest.raises(ValueError, match="have no ratio"):
        paired_loss_t([0.0, 0.0], [1.0, 2.0], is_ratio=True)


# Simulated errors; benchmarks/null_regression.py has all designs


@pytest.fixture
def benchmark(monkeypatch):
    if not BENCHMARKS.is_dir():
        pytest.skip("the benchmarks are not beside the tests")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import null_regression

    monkeypatch.setattr(null_regression, "MANY", (200_000,))
    return null_regression


@pytest.mark.parametrize("noise", ["normal", "t3", "lognormal", "heteroscedastic"])
def test_simulated_metrics_are_equal(benchmark, noise):
    rng = np.random.default_rng(3)
    for excess in benchmark.EXCESSES:
        shared, of_a, of_b = benchmark.draw_errors(noise, excess, (400_000,), rng)
        for metric, ratio in (("rmse", 1.0), ("mae", 1.2)):
            c = benchmark.factor(noise, excess, metric, ratio)
            d = benchmark.losses(metric, shared + c * of_b)
            a = benchmark.losses(metric, shared + of_a)
            power = 0.5 if metric == "rmse" else 1.0
            assert d.mean() ** power / a.mean() ** power == pytest.approx(ratio, rel=0.02)


@pytest.mark.parametrize(("noise", "metric"), [("t3", "rmse"), ("lognormal", "mae")])
def test_false_verdicts_are_rare(benchmark, noise, metric):
    draws = 600
    rates = benchmark.simulate((noise, "alike", metric), 500, draws)
    most = 0.05 + 2 * np.sqrt(0.05 * 0.95 / draws)
    assert max(rates["better"], rates["equal"], 1 - rates["covered"]) <= most
    assert 0.8 * rates["reference"] < rates["power"]

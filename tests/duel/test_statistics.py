"""Each statistic against another library, an independent computation or a published example."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mlxtend.evaluate import mcnemar as mlxtends_mcnemar
from numpy.polynomial import Polynomial
from scipy import stats
from scipy.optimize import minimize_scalar
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from graduel.stats.multiplicity import holm
from graduel.stats.proportions import (
    mcnemar_exact,
    mcnemar_midp,
    paired_score_interval,
    wilson_interval,
)
from graduel.stats.sample_size import rows_and_seeds_needed, rows_needed_equal, rows_needed_mcnemar
from graduel.stats.two_way import MeanEstimate, Spread, error_interval, paired_t, two_way_t

levels = st.floats(0.5, 0.999)


@st.composite
def paired_counts(draw, most=300):
    n = draw(st.integers(1, most))
    b = draw(st.integers(0, n))
    return b, draw(st.integers(0, n - b)), n


@st.composite
def seeds_by_rows(draw, least_seeds=2):
    seeds, rows = draw(st.integers(least_seeds, 6)), draw(st.integers(2, 25))
    cells = st.lists(st.integers(-1, 1), min_size=seeds * rows, max_size=seeds * rows)
    return np.reshape(draw(cells), (seeds, rows))


# McNemar's mid-p


@pytest.mark.parametrize(("b", "c"), [(0, 1), (1, 7), (6, 16), (5, 5), (40, 20), (0, 30), (900, 1)])
def test_midp_counts_less_likely_outcomes_and_half_of_equally_likely_ones(b, c):
    pmf = stats.binom.pmf(np.arange(b + c + 1), b + c, 0.5)
    as_likely = np.isclose(pmf, pmf[b], rtol=1e-9, atol=0)
    expected = pmf[(pmf < pmf[b]) & ~as_likely].sum() + pmf[as_likely].sum() / 2
    assert mcnemar_midp(b, c) == pytest.approx(expected, rel=1e-10, abs=1e-15)


@given(st.integers(0, 200), st.integers(0, 200))
def test_midp_is_the_exact_p_minus_the_probability_of_the_observed_counts(b, c):
    if b != c:
        exact = mcnemar([[0, b], [c, 0]], exact=True).pvalue
        expected = exact - stats.binom.pmf(b, b + c, 0.5)
        assert mcnemar_midp(b, c) == pytest.approx(expected, rel=1e-9, abs=1e-14)
    assert 0 <= mcnemar_midp(b, c) <= 1
    assert mcnemar_midp(b, c) == pytest.approx(mcnemar_midp(c, b), rel=1e-12)


@given(st.integers(0, 200), st.integers(0, 200))
def test_exact_p_equals_statsmodels_and_mlxtends(b, c):
    result = mcnemar_exact(b, c)
    table = np.array([[7, b], [c, 5]])
    assert result == pytest.approx(min(mcnemar(table, exact=True).pvalue, 1), abs=1e-8)
    if b != c:  # with b = c, mlxtend counts the observed outcome twice
        assert result == pytest.approx(mlxtends_mcnemar(table, exact=True)[1], abs=1e-8)
    assert result >= mcnemar_midp(b, c) - 1e-12


def test_exact_p_of_published_examples():
    # Fagerland, Lydersen and Laake 2013, table 1 (Bentur et al. 2009): 0.070.
    assert round(mcnemar_exact(1, 7), 3) == 0.070
    assert mcnemar_exact(0, 0) == 1.0


def test_midp_of_published_examples():
    # Fagerland, Lydersen and Laake: 2013, Table 1 (Bentur et al. 2009), and "Statistical Analysis
    # of Contingency Tables", 2017, chapter 8 (Cavo et al. 2012; P as in its R package).
    assert round(mcnemar_midp(1, 7), 3) == 0.039
    assert round(mcnemar_midp(6, 16), 6) == 0.034690
    assert mcnemar_midp(0, 0) == 1.0


# Tango's interval


def tango_by_quartic(b, c, n, level):
    """Return Tango's limits as roots of one polynomial: q from T² = z², put into q's equation."""
    z2 = stats.chi2.ppf(level, 1)
    delta = Polynomial([0, 1])
    q = (b - c - n * delta) ** 2 / (2 * z2 * n) - delta * (1 - delta) / 2
    linear = (2 * n - b + c) * delta - b - c
    roots = (2 * n * q**2 + linear * q - c * delta * (1 - delta)).roots()
    real = roots[abs(roots.imag) < 1e-6].real
    # Only the larger of q's two roots is the maximum of the likelihood.
    likeliest = q(real) + 1e-7 >= -linear(real) / (4 * n)
    real = np.clip(real[likeliest & (abs(real) < 1 + 1e-6)], -1, 1)
    return real.min(), real.max()


@pytest.mark.parametrize("level", [0.9, 0.95, 1 - 0.1 / 3])
@pytest.mark.parametrize(
    ("b", "c", "n"),
    [(6, 16, 161), (40, 20, 160), (1, 7, 21), (3, 0, 50), (0, 1, 44), (180, 610, 10**4)],
)
def test_score_interval_equals_roots_of_the_quartic(b, c, n, level):
    assert paired_score_interval(b, c, n, level) == pytest.approx(
        tango_by_quartic(b, c, n, level), abs=1e-9
    )


@given(paired_counts(), st.floats(0.6, 0.99))
@settings(max_examples=60, deadline=None)
def test_score_interval_ends_where_the_most_likely_table_is_z_away(counts, level):
    b, c, n = counts
    z = stats.norm.isf((1 - level) / 2)
    for limit, sign in zip(paired_score_interval(b, c, n, level), (1, -1), strict=True):
        if abs(limit) > 1 - 1e-6:
            continue

        def loss(q, delta=limit):
            cells = np.array([q + delta, q, 1 - 2 * q - delta])
            return -np.sum(np.array([b, c, n - b - c]) * np.log(np.maximum(cells, 1e-300)))

        bounds = max(0.0, -limit), (1 - limit) / 2
        q = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
        t = (b - c - n * limit) / np.sqrt(n * (2 * q + limit * (1 - limit)))
        assert t == pytest.approx(sign * z, rel=1e-3)


def test_score_interval_of_published_examples():
    # Cavo et al. 2012 in Fagerland, Lydersen and Laake 2017, chapter 8 (the limits as printed by
    # the book's R package contingencytables, Tango_asymptotic_score_CI_paired_2x2).
    low, high = paired_score_interval(6, 16, 161, 0.95)
    assert (round(low, 4), round(high, 4)) == (-0.1240, -0.0054)


def test_score_interval_of_extreme_counts():
    z2 = stats.norm.isf(0.025) ** 2
    assert paired_score_interval(0, 0, 50) == pytest.approx((-z2 / (50 + z2), z2 / (50 + z2)))
    assert paired_score_interval(50, 0, 50) == pytest.approx(((50 - z2) / (50 + z2), 1))
    assert paired_score_interval(0, 50, 50) == pytest.approx((-1, (z2 - 50) / (50 + z2)))
    low, high = paired_score_interval(0, 0, 10**9)
    assert -1e-8 < low < 0 < high < 1e-8


@given(paired_counts(), levels, levels)
@example((1, 0, 1), 0.95, 0.9)
@example((0, 0, 1), 0.95, 0.9)
@example((150, 150, 300), 0.95, 0.9)
def test_score_interval_is_sound(counts, one, other):
    b, c, n = counts
    low, high = paired_score_interval(b, c, n, one)
    assert -1 <= low <= (b - c) / n <= high <= 1
    assert paired_score_interval(c, b, n, one) == (-high, -low)
    narrow, wide = sorted((one, other))
    inner, outer = (paired_score_interval(b, c, n, level) for level in (narrow, wide))
    assert outer[0] <= inner[0] + 1e-12
    assert inner[1] <= outer[1] + 1e-12


@given(paired_counts(60), levels)
def test_score_interval_moves_with_the_counts(counts, level):
    b, c, n = counts
    if b + c < n:
        less, more = (paired_score_interval(k, c, n, level) for k in (b, b + 1))
        assert less[0] <= more[0] + 1e-9
        assert less[1] <= more[1] + 1e-9


def test_score_interval_covers():
    rng = np.random.default_rng(7)
    n, p_b, p_c = 300, 0.06, 0.03
    counts = rng.multinomial(n, [p_b, p_c, 1 - p_b - p_c], size=1500)
    intervals = [paired_score_interval(int(b), int(c), n) for b, c, _ in counts]
    covered = np.mean([low <= p_b - p_c <= high for low, high in intervals])
    assert 0.935 < covered < 0.965


# Wilson


@pytest.mark.parametrize(("k", "n"), [(0, 1), (0, 100), (3, 100), (100, 100), (182, 10_000)])
def test_wilson_equals_statsmodels(k, n):
    expected = proportion_confint(k, n, alpha=0.1, method="wilson")
    assert wilson_interval(k, n, 0.9) == pytest.approx(expected, abs=1e-12)


# Two-way and by row


def mean_squares(d):
    """Return mean squares of rows, seeds and residual from statsmodels' analysis of variance."""
    seeds, rows = d.shape
    table = pd.DataFrame(
        {
            "d": d.ravel().astype(float),
            "seed": np.repeat(np.arange(seeds), rows),
            "row": np.tile(np.arange(rows), seeds),
        }
    )
    anova = anova_lm(ols("d ~ C(row) + C(seed)", table).fit())
    squares = anova["sum_sq"] / anova["df"]
    return squares["C(row)"], squares["C(seed)"], squares["Residual"]


def examples_of_differences():
    rng = np.random.default_rng(3)
    for seeds, rows, shift in [(3, 40, 0.0), (3, 40, 0.5), (5, 12, 0.2), (4, 60, 0.1)]:
        effect = rng.normal(size=rows) + shift * rng.normal(size=(seeds, 1))
        yield np.rint(np.clip(effect + rng.normal(size=(seeds, rows)), -1, 1))


@pytest.mark.parametrize("d", list(examples_of_differences()))
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_two_way_follows_its_formula(d, level):
    seeds, rows = d.shape
    r, s, e = (square / d.size for square in mean_squares(d))
    result = two_way_t(d, level)
    variance = max(r + s - e, r, s)
    of_rows = variance - s
    assert result.mean == pytest.approx(d.mean(), abs=1e-12)
    assert result.se == pytest.approx(np.sqrt(variance), rel=1e-8)
    df = variance**2 / (of_rows**2 / (rows - 1) + s**2 / (seeds - 1))
    assert result.df == pytest.approx(df, rel=1e-8)

    def half(alpha):
        t_rows, t_seeds = stats.t.ppf(1 - alpha / 2, [rows - 1, seeds - 1])
        return np.sqrt(t_rows**2 * of_rows + t_seeds**2 * s)

    assert result.high - result.mean == pytest.approx(half(1 - level), rel=1e-8)
    assert result.mean - result.low == pytest.approx(half(1 - level), rel=1e-8)
    assert half(result.p_value) == pytest.approx(abs(d.mean()), rel=1e-8)


def test_two_way_is_a_one_sample_t_if_only_rows_or_only_seeds_vary():
    rng = np.random.default_rng(5)
    rows_only = np.tile(rng.normal(size=30), (4, 1))
    result, expected = two_way_t(rows_only), stats.ttest_1samp(rows_only[0], 0)
    assert result.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert result.df == pytest.approx(29)
    seeds_only = np.tile(rng.normal(1, 1, size=(4, 1)), (1, 30))
    result, expected = two_way_t(seeds_only), stats.ttest_1samp(seeds_only[:, 0], 0)
    assert result.p_value == pytest.approx(expected.pvalue, rel=1e-6)
    assert result.df == pytest.approx(3, rel=1e-6)
    limits = expected.confidence_interval(0.95)
    assert (result.low, result.high) == pytest.approx((limits.low, limits.high), rel=1e-6)


def test_two_way_includes_variance_that_cancels_over_seeds():
    # Each row's mean is 0, so a t over rows alone would have a width of 0.
    d = np.array([[1, -1] * 10, [-1, 1] * 10, [0, 0] * 10])
    result = two_way_t(d)
    assert result.se**2 == pytest.approx(max(s / d.size for s in mean_squares(d)[:2]), abs=1e-12)


@given(seeds_by_rows(), levels, levels)
@settings(max_examples=60, deadline=None)
def test_two_way_and_by_row_are_sound(d, one, other):
    for statistic in (two_way_t, paired_t):
        result, mirrored = statistic(d, one), statistic(-d, one)
        assert 0 <= result.p_value <= 1
        assert result.low <= result.mean <= result.high
        assert (mirrored.low, mirrored.high) == pytest.approx(
            (-result.high, -result.low), abs=1e-12
        )
        assert mirrored.p_value == pytest.approx(result.p_value, rel=1e-6)
        narrow, wide = (statistic(d, level) for level in sorted((one, other)))
        assert wide.low <= narrow.low + 1e-12
        assert narrow.high <= wide.high + 1e-12
        # The interval excludes 0 exactly when the p-value is significant.
        if abs(result.p_value - (1 - one)) > 1e-9 and result.se > 1e-12:
            assert (result.low <= 0 <= result.high) == (result.p_value > 1 - one)


def test_by_row_is_a_paired_t():
    rng = np.random.default_rng(2)
    a, b = rng.random((2, 2, 200)) < np.array([0.3, 0.2]).reshape(2, 1, 1)
    result = paired_t(a.astype(int) - b.astype(int), 0.9)
    expected = stats.ttest_rel(a.mean(axis=0), b.mean(axis=0))
    limits = expected.confidence_interval(0.9)
    assert result.p_value == pytest.approx(expected.pvalue, rel=1e-10)
    assert (result.low, result.high) == pytest.approx((limits.low, limits.high), abs=1e-12)
    assert result.df == expected.df


@pytest.mark.parametrize("statistic", [two_way_t, paired_t])
def test_zero_differences(statistic):
    result = statistic(np.zeros((3, 10)))
    assert (result.mean, result.se, result.p_value, result.low, result.high) == (0, 0, 1, 0, 0)


@pytest.mark.parametrize("row_effect", [0.0, 1.0])
def test_false_positives_of_three_seeds_that_vary_more_than_rows(row_effect):
    rng = np.random.default_rng(11)
    draws, seeds, rows = 1200, 3, 60
    variance_of_rows = (row_effect + 1 / seeds) / rows
    ours = satterthwaite = 0
    for _ in range(draws):
        d = rng.normal(size=(seeds, rows)) + np.sqrt(row_effect) * rng.normal(size=rows)
        result = two_way_t(d + rng.normal(size=(seeds, 1)) * np.sqrt(5 * variance_of_rows * seeds))
        ours += result.p_value < 0.05
        satterthwaite += 2 * stats.t.sf(abs(result.mean) / result.se, result.df) < 0.05
    limit = 0.05 + 2 * np.sqrt(0.05 * 0.95 / draws)
    assert ours / draws < limit
    if row_effect:  # the reason not to use the usual t
        assert satterthwaite / draws > limit


# Holm


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
@settings(max_examples=12, deadline=None)  # statsmodels runs the garbage collector in every call
@example([0.01, 0.01, 0.02])
def test_holm_equals_statsmodels(p_values):
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1], abs=1e-12)


def test_holm_of_an_empty_list():
    assert holm([]) == []


# Confidence intervals of one error rate


def test_error_interval_follows_the_design():
    rng = np.random.default_rng(4)
    wrong = rng.random((4, 500)) < 0.1 + 0.2 * (np.arange(500) % 5 == 0)
    k = int(wrong[0].sum())
    assert error_interval(wrong[:1], 0.9) == pytest.approx(
        proportion_confint(k, 500, alpha=0.1, method="wilson")
    )
    limits = stats.ttest_1samp(wrong[:2].mean(axis=0), 0).confidence_interval(0.95)
    assert error_interval(wrong[:2]) == pytest.approx((limits.low, limits.high))
    result = two_way_t(wrong)
    assert error_interval(wrong) == (result.low, result.high)


@pytest.mark.parametrize("seeds", [1, 2, 3])
@pytest.mark.parametrize("value", [False, True])
def test_error_interval_has_a_positive_width_without_errors(seeds, value):
    low, high = error_interval(np.full((seeds, 40), value))
    assert (low, high) == pytest.approx(
        proportion_confint(40 * value, 40, method="wilson"), abs=1e-12
    )
    assert high - low > 0.05


def test_error_interval_stays_between_0_and_1():
    wrong = np.zeros((2, 60), bool)
    wrong[0, 0] = True
    assert error_interval(wrong)[0] == 0.0
    assert error_interval(~wrong)[1] == 1.0


# Sample sizes


def test_connor_published_example():
    # p01 = 0.45, p10 = 0.05, two-sided 5 %, power 80 %: 23 pairs (powerandsamplesize.com, after
    # Connor 1987).
    assert rows_needed_mcnemar(45, 5, 100) == 23
    assert rows_needed_mcnemar(7, 7, 100) is None
    assert rows_needed_mcnemar(5, 45, 100) == 23


def test_rows_needed_mcnemar_gives_the_power():
    rng = np.random.default_rng(0)
    n = rows_needed_mcnemar(40, 25, 1000)
    draws = rng.multinomial(n, [0.040, 0.025, 0.935], size=1500)
    assert np.mean([mcnemar_midp(int(b), int(c)) < 0.05 for b, c, _ in draws]) == pytest.approx(
        0.8, abs=0.03
    )


def test_rows_needed_equal_gives_the_power():
    rng = np.random.default_rng(0)
    n = rows_needed_equal(30, 30, 1000, rope=0.01)
    draws = rng.multinomial(n, [0.03, 0.03, 0.94], size=1500)
    inside = [max(map(abs, paired_score_interval(int(b), int(c), n, 0.9))) for b, c, _ in draws]
    assert np.mean(np.array(inside) < 0.01) == pytest.approx(0.8, abs=0.04)
    assert rows_needed_equal(30, 10, 1000, rope=0.02) is None
    assert rows_needed_equal(0, 0, 1000, rope=1e-300) is None
    n = rows_needed_equal(0, 0, 20, rope=0.01, level=0.9)
    here, before = (paired_score_interval(0, 0, k, 0.9)[1] for k in (n, n - 1))
    assert here <= 0.01 < before


def test_rows_and_seeds_needed_gives_the_power():
    rng = np.random.default_rng(1)
    result = paired_t(np.repeat([[1.6, -1.4]], 50, axis=1))
    rows, seeds = rows_and_seeds_needed(result)
    assert seeds == 1
    x = rng.normal(0.1, result.se * 10, size=(4000, rows))
    power = np.mean(stats.ttest_1samp(x, 0, axis=1).pvalue < 0.05)
    assert power == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    ("parts", "grows"),
    [
        ((1e-4, 0.0, 0.0), "rows"),
        ((1e-4, 1e-7, 1e-7), "rows"),
        ((1e-7, 1e-4, 1e-7), "seeds"),
        ((1e-7, 1e-7, 1e-4), "seeds"),
        ((1e-4, 8e-5, 1e-5), "both"),
    ],
)
def test_rows_and_seeds_needed_increases_what_helps_most(parts, grows):
    spread = Spread(*parts, rows=1000, seeds=3)
    rows, seeds = rows_and_seeds_needed(MeanEstimate.build(0.008, spread, 0.95))
    assert (rows > 1000) == (grows in ("rows", "both"))
    assert (seeds > 3) == (grows in ("seeds", "both"))
    new = spread.resized(rows, seeds)
    assert new.half_width(0.05) + stats.norm.ppf(0.8) * new.se <= 0.008
    if grows != "both":
        smaller = spread.resized(*((rows - 1, seeds) if grows == "rows" else (rows, seeds - 1)))
        assert smaller.half_width(0.05) + stats.norm.ppf(0.8) * smaller.se > 0.008


def test_rows_and_seeds_needed_counts_equality_as_a_decision():
    result = MeanEstimate.build(0.0001, Spread(1e-5, 0.0, 0.0, rows=1000, seeds=1), 0.95)
    apart, equal = rows_and_seeds_needed(result)[0], rows_and_seeds_needed(result, rope=0.005)[0]
    assert equal < apart / 100
    new = result.spread.resized(equal, 1)
    assert 0.0001 + new.half_width(0.1) + stats.norm.ppf(0.9) * new.se < 0.005
    assert rows_and_seeds_needed(MeanEstimate.build(0.0, result.spread, 0.95)) is None


# Invalid arguments


@pytest.mark.parametrize(
    "call",
    [
        lambda: mcnemar_midp(-1, 2),
        lambda: paired_score_interval(3, 4, 6),
        lambda: paired_score_interval(0, 0, 0),
        lambda: paired_score_interval(1, 1, 6, level=95),
        lambda: wilson_interval(7, 6),
        lambda: two_way_t(np.zeros((1, 5))),
        lambda: two_way_t(np.zeros((3, 1))),
        lambda: paired_t(np.zeros(5)),
        lambda: two_way_t(np.zeros((3, 5)), level=0),
        lambda: holm([0.1, 1.1]),
    ],
)
def test_errors_state_expected_and_actual_values(call):
    with pytest.raises(ValueError, match=r"(must|expected) .*; got "):
        call()

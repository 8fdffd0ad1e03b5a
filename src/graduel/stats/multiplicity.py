"""Correction of p-values for multiple comparisons."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm-adjusted p-values, which control the family-wise error rate.

    In ascending order, the i-th of m (from 0) is multiplied by m - i. An adjusted p-value is at
    least the one before it and at most 1.

    References
    ----------
    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6, 1979.

    Examples
    --------
    >>> holm([0.04, 0.01, 0.03])
    [0.06, 0.03, 0.06]
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError(f"p-values must be between 0 and 1; got {list(p_values)}")
    adjusted, largest = [0.0] * len(p_values), 0.0
    for i, index in enumerate(sorted(range(len(p_values)), key=lambda j: p_values[j])):
        largest = max(largest, min((len(p_values) - i) * float(p_values[index]), 1.0))
        adjusted[index] = largest
    return adjusted

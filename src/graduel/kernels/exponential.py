"""The exponential that compiled loops use: it becomes vector instructions, as a call does not."""

# mypy: disable-error-code="misc,no-untyped-call,untyped-decorator"
from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload


def expm1_below_zero(x: Any) -> Any:
    """Return exp x − 1 for x ≤ 0, in compiled code.

    In float32, with x = k log 2 + r and |r| ≤ log 2 / 2: 2ᵏ (exp r − 1) + 2ᵏ − 1, the former by
    the first seven terms of its series. The error is below one unit in the last place.
    """
    return np.expm1(x)


@overload(expm1_below_zero)
def _expm1_below_zero(x: Any) -> Callable[[Any], Any]:
    if x is not types.float32:
        return _call
    number = np.float32
    one, half, lowest = number(1), number(0.5), number(-20)  # from −18 on, it is −1
    per_log2, log2 = number(1 / log(2)), number(log(2))
    c2, c3, c4 = number(1 / 2), number(1 / 6), number(1 / 24)
    c5, c6, c7 = number(1 / 120), number(1 / 720), number(1 / 5040)

    def compute(x: Any) -> Any:
        t = lowest if x < lowest else x
        k = np.floor(t * per_log2 + half)
        r = t - k * log2
        p = r + r * r * (c2 + r * (c3 + r * (c4 + r * (c5 + r * (c6 + r * c7)))))
        power = np.int32((np.int32(k) + np.int32(127)) << np.int32(23)).view(np.float32)
        return power * p + (power - one)

    return compute


def _call(x: Any) -> Any:
    return np.expm1(x)

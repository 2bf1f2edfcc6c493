"""What a number of cases lets one claim of all cases, with 95 % confidence: exact, and without SciPy.

Every claim inverts the binomial distribution, whatever the distribution of what was measured.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

MISS: Final = 0.05
"""One claim in twenty may be wrong."""
_HALVINGS: Final = 60
"""A share is found to within 2^−60: finer than a float near one can tell."""
_NEGLIGIBLE: Final = 1e-18
"""A term this small beside the sum changes no digit of it, nor do all the smaller ones after it."""
_FEW: Final = 1000
"""Up to here the ways are counted exactly. Beyond, 1e-9 of their logarithm changes less than 1e-9 of a share."""


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`."""

    low: float
    high: float


@cache
def share_at_most(count: int, of: int, *, miss: float = MISS) -> float:
    """The one-sided upper bound of a share, when `count` of so many counted (Clopper and Pearson, 1934).

    The largest share with which so few, or fewer, are still seen with probability `miss`. None in `of` bounds it by
    1 − miss^(1/of): none in 30, 100 and 300 by 9.5, 3.0 and 1.0 %.

    >>> round(share_at_most(0, 59), 4), round(share_at_most(1, 10), 4), share_at_most(0, 0)
    (0.0495, 0.3942, 1.0)
    """
    if count >= of:
        return 1.0
    if count == 0:
        return -math.expm1(math.log(miss) / of)
    ways = _log_ways(count, of)
    return _last(lambda share: _at_most(count, of, share, 1 - share, ways) > miss, count / of, 1.0)


@cache
def share_at_least(count: int, of: int, *, miss: float = MISS) -> float:
    """The one-sided lower bound of a share, when `count` of so many counted: what the rest has at most, taken from one.

    >>> round(share_at_least(9, 10), 4), share_at_least(0, 10)
    (0.6058, 0.0)
    """
    if count == 0:
        return 0.0
    if count >= of:
        return math.exp(math.log(miss) / of)
    rest = of - count
    ways = _log_ways(rest, of)
    return _last(lambda share: _at_most(rest, of, 1 - share, share, ways) <= miss, 0.0, count / of)


def share_interval(count: int, of: int) -> Interval:
    """The exact interval of a share (Clopper and Pearson, 1934): two-sided, whatever was seen.

    Where none of them count, or all, `share_at_most` and `share_at_least` bound more closely, and alone.
    """
    if of == 0:
        return Interval(0.0, 1.0)
    return Interval(share_at_least(count, of, miss=MISS / 2), share_at_most(count, of, miss=MISS / 2))


@cache
def median_ranks(samples: int) -> tuple[int, int] | None:
    """Which of the sorted samples (from 0) enclose the median, whatever the distribution; None below six of them.

    Order statistics: the number of samples below the median is binomial with one half.
    """

    def probable(below: int) -> float:
        return _at_most(below, samples, 0.5, 0.5, _log_ways(below, samples))

    below = bisect_right(range(samples // 2 + 1), MISS / 2, key=probable)
    return (below - 1, samples - below) if below else None


def bounded_by_worst(samples: int) -> float:
    """The share of all cases that the worst of so many samples bounds: 0.95 from 59, 0.99 from 299.

    >>> round(bounded_by_worst(59), 3), round(bounded_by_worst(299), 3)
    (0.95, 0.99)
    """
    return 1 - share_at_most(0, samples)


def _last(holds: Callable[[float], bool], low: float, high: float) -> float:
    """The end of the shares, from `low` on, for which something holds."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return high


def _at_most(count: int, of: int, share: float, rest: float, ways: float) -> float:
    """How probable it is that at most `count` of so many count, each with probability `share`; `rest` is one less it.

    `ways` is the logarithm of the number of ways to choose so many. Summed downwards from `count`: as long as the share is
    `count / of` or more, each term is smaller than the one before, and falls off ever more steeply.
    """
    term = total = 1.0
    for one in range(count, 0, -1):
        term *= one * rest / ((of - one + 1) * share)
        total += term
        if term < total * _NEGLIGIBLE:
            break
    return total * math.exp(ways + count * _log(share, rest) + (of - count) * _log(rest, share))


def _log(share: float, rest: float) -> float:
    """The logarithm of a share; of one near 1, from the rest, which tells it with more digits."""
    return math.log(share) if share < rest else math.log1p(-rest)


def _log_ways(count: int, of: int) -> float:
    few = min(count, of - count)
    if few <= _FEW:
        return math.log(math.comb(of, few))
    return math.lgamma(of + 1) - math.lgamma(few + 1) - math.lgamma(of - few + 1)

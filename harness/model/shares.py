"""What a number of cases lets one claim of all cases, with 95 % confidence: exact, and without SciPy.

Every claim inverts the binomial distribution, whatever the distribution of what was measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Final

MISS: Final = 0.05
"""One claim in twenty may be wrong."""
_HALVINGS: Final = 60
"""A share is found to within 2^−60: finer than a float near one can tell."""


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`; `high` alone is a bound when nothing was seen, and `low` is then 0."""

    low: float
    high: float


@cache
def share_at_most(count: int, of: int, *, miss: float = MISS) -> float:
    """The one-sided upper bound of a share, when `count` of so many counted (Clopper and Pearson, 1934).

    The largest share with which so few, or fewer, are still seen with probability `miss`. None in `of` bounds it by
    1 − miss^(1/of).

    >>> round(share_at_most(0, 59), 4), round(share_at_most(1, 10), 4), share_at_most(0, 0)
    (0.0495, 0.3942, 1.0)
    """
    if count >= of:
        return 1.0
    if count == 0:
        return float(1 - miss ** (1 / of))
    low, high = count / of, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _at_most(count, of, middle) > miss:
            low = middle
        else:
            high = middle
    return high


def share_interval(count: int, of: int) -> Interval:
    """The exact interval of a share (Clopper and Pearson, 1934).

    Two-sided, but one-sided where all or none of them count: none in 30, 100 and 300 bound the share by 9.5, 3.0 and
    1.0 %.
    """
    if of == 0:
        return Interval(0.0, 1.0)
    miss = MISS if count in (0, of) else MISS / 2
    return Interval(1 - share_at_most(of - count, of, miss=miss), share_at_most(count, of, miss=miss))


@cache
def median_ranks(samples: int) -> tuple[int, int] | None:
    """Which of the sorted samples (from 0) enclose the median, whatever the distribution; None below six of them.

    Order statistics: the number of samples below the median is binomial with one half.
    """
    ways, total, below = 1, 1, 0
    # Of 2^samples, those with exactly, and with at most, `below` samples below the median.
    while total / 2**samples <= MISS / 2:
        ways = ways * (samples - below) // (below + 1)
        below += 1
        total += ways
    return (below - 1, samples - below) if below else None


def bounded_by_worst(samples: int) -> float:
    """The share of all cases that the worst of so many samples bounds: 0.95 from 59, 0.99 from 299.

    >>> round(bounded_by_worst(59), 3), round(bounded_by_worst(299), 3)
    (0.95, 0.99)
    """
    return 1 - share_at_most(0, samples)


def _at_most(count: int, of: int, share: float) -> float:
    """How probable it is that at most `count` of so many count, each with probability `share` (0 < share < 1)."""
    yes, no = math.log(share), math.log1p(-share)
    whole = math.lgamma(of + 1)
    return math.fsum(
        math.exp(whole - math.lgamma(one + 1) - math.lgamma(of - one + 1) + one * yes + (of - one) * no)
        for one in range(count + 1)
    )

"""What a number of mistakes or a number of deaths lets one claim, with 95 % confidence. Exact, never by a normal curve."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from harness.model.errors import EnvironmentUnfit

MISS: Final = 0.05
"""One claim in twenty may be wrong."""


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`; `high` alone is a bound when nothing was seen, and `low` is then 0."""

    low: float
    high: float


def rate_interval(count: int, exposure: float, *, spread: float = 1.0) -> Interval:
    """The exact interval of a Poisson rate: `count` events in `exposure`.

    Garwood (1936): quantiles of the gamma distribution. Without an event it is the one-sided bound −ln(0.05) / exposure,
    about 3 / exposure. Where events come in clusters, `spread` (variance by mean) divides both, which widens it.
    """
    if count == 0:
        return Interval(0.0, -math.log(MISS) / exposure)
    special, effective, effort = _special(), count / spread, exposure / spread
    low = float(special.gammaincinv(effective, MISS / 2)) / effort
    high = float(special.gammaincinv(effective + 1, 1 - MISS / 2)) / effort
    return Interval(low, high)


def share_interval(count: int, of: int) -> Interval:
    """The exact interval of a share (Clopper and Pearson, 1934): quantiles of the beta distribution.

    One-sided where all or none of them count: none in 30, 100 and 300 bound the share by 9.5, 3.0 and 1.0 %.
    """
    if of == 0:
        return Interval(0.0, 1.0)
    if count == 0:
        return Interval(0.0, 1 - MISS ** (1 / of))
    if count == of:
        return Interval(MISS ** (1 / of), 1.0)
    special = _special()
    low = float(special.betaincinv(count, of - count + 1, MISS / 2))
    return Interval(low, float(special.betaincinv(count + 1, of - count, 1 - MISS / 2)))


@cache
def median_ranks(samples: int) -> tuple[int, int] | None:
    """Which of the sorted samples (from 0) enclose the median, whatever the distribution; None below six of them.

    Order statistics: the number of samples below the median is binomial with one half.
    """
    ways, total, below = (
        1,
        1,
        0,
    )  # of 2^samples, those with exactly, and with at most, `below` samples below the median
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
    return float(MISS ** (1 / samples)) if samples else 0.0


def _special() -> Any:
    try:
        from scipy import special
    except ImportError as error:
        raise EnvironmentUnfit(
            "SciPy is not installed: the intervals of rates are its inverse gamma and beta functions",
            next_step="pip install 'failover-harness[detectors]'",
        ) from error
    return special

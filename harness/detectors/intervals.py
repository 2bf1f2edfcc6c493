"""What a number of mistakes in a time lets one claim, with 95 % confidence. Exact, never by a normal curve."""

from __future__ import annotations

import math
from typing import Any

from harness.model.errors import EnvironmentUnfit
from harness.model.shares import MISS, Interval


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


def _special() -> Any:
    try:
        from scipy import special
    except ImportError as error:
        raise EnvironmentUnfit(
            "SciPy is not installed: the intervals of rates are its inverse gamma function",
            next_step="pip install 'failover-harness[detectors]'",
        ) from error
    return special

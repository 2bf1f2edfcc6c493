"""The index of a coin: the median of its constituents, so that no single one can move it far."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

LEAST_CONSTITUENTS: Final = 3  # below three, one wrong constituent would decide


def robust_index(prices: Iterable[int]) -> int | None:
    """The median of the positive prices, in their own integer unit; None when fewer than three are left.

    With an even number left it is the mean of the middle two, rounded down. Whatever one constituent says, the median of
    four or five lies within the second lowest and the second highest; two wrong ones of five leave it between the good
    ones. A price of zero or below is no price and counts as absent.
    """
    good = sorted(price for price in prices if price > 0)
    if len(good) < LEAST_CONSTITUENTS:
        return None
    middle = len(good) // 2
    return good[middle] if len(good) % 2 else (good[middle - 1] + good[middle]) // 2


def mean_index(prices: Iterable[int]) -> int | None:
    """Planted defect `constituent-not-excluded`: the mean of whatever came in."""
    values = list(prices)
    return sum(values) // len(values) if len(values) >= LEAST_CONSTITUENTS else None

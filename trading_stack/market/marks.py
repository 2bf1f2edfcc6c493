"""Mark prices of perpetuals and futures: the index and a clamped moving average of their basis.

`mark = index + clamp(30 s moving average of (mid − index), ±0.5 % of the index)`. Everything is an exact integer of
1e-8 USD up to the last addition of two floats, so that equal inputs have bit-equal marks.
"""

from __future__ import annotations

from typing import Final

from trading_stack.instruments import SCALE

CLAMP_PARTS: Final = 200  # 0.5 %


def rounded_ratio(total: int, count: int) -> int:
    """`total / count`, rounded half to even."""
    quotient, rest = divmod(total, count)
    twice = 2 * rest
    if twice > count or (twice == count and quotient % 2):
        return quotient + 1
    return quotient


def clamped_basis(total: int, count: int, index: int) -> int:
    """The basis that a mark adds to its index, from the exact sum of the window's samples; all in 1e-8 USD."""
    bound = index // CLAMP_PARTS
    return max(-bound, min(bound, rounded_ratio(total, count)))


def clamped_float_basis(average_usd: float, index: int) -> float:
    """The same in USD from an average of floats: what the planted defect `float-drift` uses."""
    bound = index // CLAMP_PARTS / SCALE
    return max(-bound, min(bound, average_usd))


def scaled(price: float) -> int:
    """A price as an integer of 1e-8, rounded half to even."""
    return round(price * SCALE)

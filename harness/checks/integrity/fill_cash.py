"""What each fill pays in coin, computed again from its price, its quantity and the kind of its instrument.

Inverse perpetuals and futures (DOMAIN, section 2): a position of q USD that was opened at p0 and is closed at p gains
q (1/p0 - 1/p) coin. Positions close first in, first out; fills of one price that follow each other are one lot, and each
lot that a fill closes, wholly or partly, is rounded once. Options: the buyer pays the price, which is coin for one whole
coin, times what the contracts cover, and the seller is paid as much. All sums are integers of 1e-8 coin, rounded half to
even; what rounding leaves over is the house's, which O7 sees in the sum over all accounts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

SCALE: Final = 10**8


class Leg(NamedTuple):
    """One side of a fill: `quantity` contracts, below zero when sold, at `price` (1e-8 of the quote unit).

    `position` is a number for the account and instrument, `value` what one contract is worth: 1e-8 coin of an option,
    1e-8 USD otherwise.
    """

    position: int
    quantity: int
    price: int
    value: int
    option: bool


def cash_of(legs: Iterable[Leg]) -> list[int]:
    """The coin that each leg books, in 1e-8 coin, fees aside; legs in the order in which they happened, prices above 0."""
    lots: dict[int, deque[list[int]]] = {}
    return [
        -half_even(leg.quantity * leg.price * leg.value, SCALE)
        if leg.option
        else _trade(lots.setdefault(leg.position, deque()), leg)
        for leg in legs
    ]


def half_even(numerator: int, denominator: int) -> int:
    """The integer nearest to a fraction, of two the even one; the denominator is above zero.

    >>> [half_even(n, 2) for n in (-3, -1, 1, 3, 5)]
    [-2, 0, 0, 2, 2]
    """
    down, rest = divmod(numerator, denominator)
    up = 2 * rest > denominator or (2 * rest == denominator and down % 2 == 1)
    return down + up


def _trade(lots: deque[list[int]], leg: Leg) -> int:
    """Close the oldest lots of the other sign, open the rest as a lot; what closing pays. A lot is [price, quantity]."""
    left, paid = leg.quantity, 0
    while left and lots and (lots[0][1] > 0) != (left > 0):
        opened_at, held = lots[0]
        closed = held if abs(held) <= abs(left) else -left
        paid += half_even(SCALE * leg.value * closed * (leg.price - opened_at), opened_at * leg.price)
        left += closed
        lots[0][1] -= closed
        if not lots[0][1]:
            lots.popleft()
    if left and lots and lots[-1][0] == leg.price:
        lots[-1][1] += left
    elif left:
        lots.append([leg.price, left])
    return paid

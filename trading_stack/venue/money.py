"""Exact money: integers of 1e-8 coin from prices and contracts, rounded half to even once, at the end.

Inverse contracts: q contracts of 10 USD at a price of p (1e-8 USD) are worth 10 q / (p / 1e8) coin, which is
1e17 q / p in 1e-8 coin; a long that opened at p0 and closes at p gains q (1/p0 - 1/p) in the same unit.
Options: a price (1e-8 coin for a whole coin) over ten is what a contract of 0.1 coin costs.
"""

from __future__ import annotations

from typing import Final

from trading_stack.instruments import CONTRACTS_A_COIN, SCALE, USD_A_CONTRACT, Instrument

_INVERSE: Final = USD_A_CONTRACT * SCALE * SCALE
_CONTRACT: Final = SCALE // CONTRACTS_A_COIN

# Takers pay half a basis point of the contracts' value in coin, makers nothing. An option's fee never exceeds an
# eighth of its premium, as is usual, so that cheap options can be traded.
_TAKER_FEE: Final = (5, 100_000)
_PREMIUM_CAP: Final = 8


def round_half_even(numerator: int, denominator: int) -> int:
    """The integer nearest to a fraction, ties to even; `denominator` must be positive.

    >>> [round_half_even(n, 2) for n in (-3, -1, 1, 3, 5)]
    [-2, 0, 0, 2, 2]
    """
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


def inverse_profit(contracts: int, opened_at: int, closed_at: int) -> int:
    """What closing `contracts` (negative: of a short) pays, in 1e-8 coin."""
    return round_half_even(_INVERSE * contracts * (closed_at - opened_at), opened_at * closed_at)


def premium(contracts: int, price: int) -> int:
    """What the buyer of options pays the seller, in 1e-8 coin."""
    return round_half_even(contracts * price, CONTRACTS_A_COIN)


def taker_fee(instrument: Instrument, contracts: int, price: int) -> int:
    """What the side that takes liquidity pays the house, in 1e-8 coin."""
    share, base = _TAKER_FEE
    if not instrument.is_option:
        return round_half_even(_INVERSE * contracts * share, price * base)
    fee = round_half_even(_CONTRACT * contracts * share, base)
    return min(fee, round_half_even(contracts * price, CONTRACTS_A_COIN * _PREMIUM_CAP))

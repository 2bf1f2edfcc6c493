"""Positions and coin of every account, booked so that each coin sums to zero exactly after every fill.

The house is the other side of everything that two legs don't pay each other: it receives fees, it keeps what
rounding leaves over, and as central counterparty it owes the results of positions that are still open. When all
positions are closed, its coin is fees and residues alone.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from trading_stack.instruments import Instrument
from trading_stack.venue.money import premium, taker_fee
from trading_stack.venue.position import Position

HOUSE: Final = "house"

PositionKey: TypeAlias = tuple[str, str]  # account, instrument
CoinKey: TypeAlias = tuple[str, str]  # account, coin


class Booking(NamedTuple):
    """What one fill did to the coin of its two accounts, in 1e-8 coin: realised results, and the taker's fee."""

    maker_cash: int
    taker_cash: int
    taker_fee: int


class Ledger:
    """Accounts exist once they trade, with as much coin as they need: limits on it come with margin."""

    __slots__ = ("coins", "positions")

    def __init__(self) -> None:
        self.positions: dict[PositionKey, Position] = {}
        self.coins: dict[CoinKey, int] = {}

    def settle(
        self, instrument: Instrument, *, maker: str, taker: str, taker_buys: bool, contracts: int, price: int
    ) -> Booking:
        """Book one fill on both accounts and the house."""
        signed = contracts if taker_buys else -contracts
        taker_cash = self._leg(instrument, taker, signed, price)
        maker_cash = self._leg(instrument, maker, -signed, price)
        fee = taker_fee(instrument, contracts, price)
        coin = instrument.underlying
        self._book(taker, coin, taker_cash - fee)
        self._book(maker, coin, maker_cash)
        self._book(HOUSE, coin, fee - taker_cash - maker_cash)
        return Booking(maker_cash, taker_cash, fee)

    def position(self, account: str, instrument: str) -> Position:
        """The account's position, flat when it has never traded."""
        key = (account, instrument)
        position = self.positions.get(key)
        if position is None:
            position = self.positions[key] = Position()
        return position

    def _leg(self, instrument: Instrument, account: str, signed: int, price: int) -> int:
        position = self.position(account, instrument.name)
        if instrument.is_option:
            position.hold(signed)
            return -premium(signed, price)
        return position.trade(signed, price)

    def _book(self, account: str, coin: str, amount: int) -> None:
        key = (account, coin)
        self.coins[key] = self.coins.get(key, 0) + amount

"""A second venue, written for clarity alone and sharing no code with the first: sorted lists and fractions."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

COIN = 10**8
TICKS = {"BTC-PERPETUAL": COIN // 2, "ETH-PERPETUAL": COIN // 20, "BTC-30JAN26-50000-C": COIN // 2000}


@dataclass
class NaiveOrder:
    number: int
    account: str
    id: str
    instrument: str
    side: str
    quantity: int
    type: str
    price: int | None
    force: str
    state: str = "open"
    cum: int = 0

    @property
    def leaves(self) -> int:
        return self.quantity - self.cum if self.state == "open" else 0

    def content(self) -> tuple[Any, ...]:
        return (self.instrument, self.side, self.quantity, self.type, self.price, self.force)


@dataclass
class NaiveVenue:
    orders: list[NaiveOrder] = field(default_factory=list)
    closed: list[tuple[str, str]] = field(default_factory=list)
    trades: list[tuple[int, int, int, int]] = field(default_factory=list)  # maker, taker, quantity, price

    def find(self, account: str, id_: str) -> NaiveOrder | None:
        return next((order for order in self.orders if (order.account, order.id) == (account, id_)), None)

    def new(self, order: NaiveOrder) -> str:
        """`ok`, or the word that refuses it."""
        if (order.account, order.id) in self.closed:
            return "id_closed"
        known = self.find(order.account, order.id)
        if known is not None:
            return "again" if known.content() == order.content() else "duplicate_id"
        self.orders.append(order)
        word = self._broken_rule(order)
        if word is not None:
            order.state = "rejected"
            return word
        if order.force == "fok" and self._reachable(order) < order.quantity:
            order.state = "cancelled"
            return "ok"
        self._trade(order)
        if order.state == "open" and (order.type == "market" or order.force in ("ioc", "fok")):
            order.state = "cancelled"
        return "ok"

    def cancel(self, account: str, id_: str) -> str:
        if (account, id_) in self.closed:
            return "id_closed"
        order = self.find(account, id_)
        if order is None:
            return "unknown_order"
        if order.state == "open":
            order.state = "cancelled"
        return {"cancelled": "ok", "filled": "already_filled", "rejected": "was_rejected"}[order.state]

    def resolve(self, account: str, id_: str) -> str:
        if self.find(account, id_) is None and (account, id_) not in self.closed:
            self.closed.append((account, id_))
        return "ok"

    def queue(self, instrument: str, side: str) -> list[NaiveOrder]:
        """The resting orders of one side, the first to trade first."""
        resting = [o for o in self.orders if (o.instrument, o.side, o.state) == (instrument, side, "open")]
        sign = -1 if side == "buy" else 1
        return sorted(resting, key=lambda order: (sign * (order.price or 0), order.number))

    def position(self, account: str, instrument: str) -> int:
        total = 0
        for maker, taker, quantity, _ in self.trades:
            for number in (maker, taker):
                order = next(order for order in self.orders if order.number == number)
                if (order.account, order.instrument) == (account, instrument):
                    total += quantity if order.side == "buy" else -quantity
        return total

    def _broken_rule(self, order: NaiveOrder) -> str | None:
        if order.instrument not in TICKS:
            return "unknown_instrument"
        if order.quantity < 1:
            return "bad_quantity"
        if order.type == "market":
            if order.price is not None:
                return "market_with_price"
            return "market_post_only" if order.force == "post_only" else None
        if order.price is None or order.price < 1 or order.price % TICKS[order.instrument]:
            return "bad_price"
        return "would_trade" if order.force == "post_only" and self._opposite(order) else None

    def _opposite(self, order: NaiveOrder) -> list[NaiveOrder]:
        """What an order could trade with, in order; itself not among them."""
        other = self.queue(order.instrument, "sell" if order.side == "buy" else "buy")
        if order.price is None:
            return other
        sign = 1 if order.side == "buy" else -1
        return [resting for resting in other if sign * (resting.price or 0) <= sign * order.price]

    def _reachable(self, order: NaiveOrder) -> int:
        total = 0
        for resting in self._opposite(order):
            if resting.account == order.account:
                break
            total += resting.leaves
        return total

    def _trade(self, order: NaiveOrder) -> None:
        for resting in self._opposite(order):
            if resting.account == order.account:
                order.state = "cancelled"
                return
            quantity = min(resting.leaves, order.leaves)
            self.trades.append((resting.number, order.number, quantity, resting.price or 0))
            for leg in (resting, order):
                leg.cum += quantity
                if leg.cum == leg.quantity:
                    leg.state = "filled"
            if order.state != "open":
                return


def open_value(lots: list[tuple[int, int]]) -> Fraction:
    """What a list of (signed contracts, price) of an inverse contract was opened for, in 1e-8 coin."""
    return sum((Fraction(10 * q * COIN * COIN, p) for q, p in lots), Fraction(0))

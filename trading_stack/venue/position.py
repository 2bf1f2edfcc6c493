"""One account's position in one inverse contract: lots closed first in, first out, so that profit is exact."""

from __future__ import annotations

from collections import deque

from trading_stack.venue.money import inverse_profit


class Position:
    """Contracts held, negative when short, in lots of the price they were opened at.

    Lots rather than an average price: an average of inverse prices is a fraction whose size has no bound, and a
    rounded one would book profits that the formula doesn't give.
    """

    __slots__ = ("contracts", "lots")

    def __init__(self, contracts: int = 0, lots: list[tuple[int, int]] | None = None) -> None:
        self.contracts = contracts
        self.lots: deque[tuple[int, int]] = deque(lots or ())

    def trade(self, contracts: int, price: int) -> int:
        """Buy (or, below zero, sell) at a price; the realised profit in 1e-8 coin."""
        profit = 0
        held, self.contracts = self.contracts, self.contracts + contracts
        while contracts and held and (held > 0) != (contracts > 0):
            opened_at, size = self.lots[0]
            closed = min(size, abs(contracts))
            signed = closed if held > 0 else -closed
            profit += inverse_profit(signed, opened_at, price)
            held -= signed
            contracts += signed
            if closed == size:
                self.lots.popleft()
            else:
                self.lots[0] = (opened_at, size - closed)
        if contracts:
            self._open(abs(contracts), price)
        return profit

    def hold(self, contracts: int) -> None:
        """Add contracts that book no profit on closing: options, which are paid for in full."""
        self.contracts += contracts

    def _open(self, size: int, price: int) -> None:
        if self.lots and self.lots[-1][0] == price:
            size += self.lots.pop()[1]
        self.lots.append((price, size))

"""One side of one instrument's book: price levels, best first, and in each the orders by their priority."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from trading_stack.venue.order import Order

Level = OrderedDict[int, Order]
ANY_PRICE: Final = -(1 << 100)  # lies below every key: what a market order accepts


class Ladder:
    """The resting orders of one side.

    A *key* is the price for buys and its negative for sells, so that on both sides a greater key is a better
    price. Levels keep their orders by acceptance; removal from the middle is constant time.
    """

    __slots__ = ("_keys", "_levels", "_sign")

    def __init__(self, *, buys: bool) -> None:
        self._sign = 1 if buys else -1
        self._keys: list[int] = []
        self._levels: dict[int, Level] = {}

    def limit_key(self, price: int | None) -> int:
        """The worst key that an incoming order of the other side with this limit accepts."""
        return ANY_PRICE if price is None else self._sign * price

    def rest(self, order: Order, price: int) -> None:
        """Put an order last at its price."""
        key = self._sign * price
        level = self._levels.get(key)
        if level is None:
            insort(self._keys, key)
            level = self._levels[key] = OrderedDict()
        level[order.index] = order

    def remove(self, order: Order, price: int) -> None:
        """Take an order out; it must rest here."""
        key = self._sign * price
        level = self._levels[key]
        del level[order.index]
        if not level:
            del self._levels[key]
            del self._keys[bisect_left(self._keys, key)]

    def best(self, limit_key: int = ANY_PRICE) -> Order | None:
        """The order that trades next with one that accepts `limit_key`."""
        if not self._keys or self._keys[-1] < limit_key:
            return None
        return next(iter(self._levels[self._keys[-1]].values()))

    def best_level(self) -> Level:
        """The orders at the best price; there must be one."""
        return self._levels[self._keys[-1]]

    def orders(self, limit_key: int = ANY_PRICE) -> Iterator[Order]:
        """All orders that trade with one that accepts `limit_key`, best first; the ladder must not change."""
        for key in reversed(self._keys):
            if key < limit_key:
                return
            yield from self._levels[key].values()

    def levels(self, depth: int) -> list[tuple[int, int, int]]:
        """Price, quantity and number of orders of the best levels."""
        return [
            (self._sign * key, sum(order.leaves for order in level.values()), len(level))
            for key in self._keys[: -depth - 1 : -1]
            for level in (self._levels[key],)
        ]

    def requeue_newest_first(self) -> None:
        """Planted defect `resting-order-loses-priority`: each level's queue is rebuilt newest first.

        By acceptance, not by turning the queue around, so that a second promotion does not undo it.
        """
        for level in self._levels.values():
            priorities = [order.priority for order in level.values()]
            newest_first = sorted(level.values(), key=lambda order: order.index, reverse=True)
            level.clear()
            for order, priority in zip(newest_first, priorities, strict=True):
                order.priority = priority
                level[order.index] = order

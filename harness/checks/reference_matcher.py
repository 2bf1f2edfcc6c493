"""An independent matcher: what price-time priority makes of a log of commands.

It shares no code and no data structure with any stack under test. Orders match by price, then by acceptance; trades are at
the resting order's price. Self-trade prevention cancels the incoming order's rest when it would next trade with an order
of its own account; fill-or-kill counts what can be traded before that point; a post-only order that would trade ends. A
client order id means its first order for ever; an id that was resolved before its order came is closed.

Prices and quantities are whole numbers of any unit; a price of None takes what comes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush
from typing import NamedTuple


class Fill(NamedTuple):
    """One trade: which log entry made it, which orders met, how much and at which price."""

    entry: int
    maker: int
    taker: int
    quantity: int
    price: int


class _Order:
    __slots__ = ("account", "buys", "cum", "instrument", "key", "leaves", "price")

    def __init__(
        self, key: int, account: int, instrument: int, *, buys: bool, quantity: int, price: int | None
    ) -> None:
        self.key = key
        self.account = account
        self.instrument = instrument
        self.buys = buys
        self.price = price
        self.cum = 0
        self.leaves = quantity


class _Side:
    """The resting orders of one side: a queue a price, and a heap of prices, best first. The dead are dropped lazily."""

    __slots__ = ("_heap", "_levels", "_sign")

    def __init__(self, *, buys: bool) -> None:
        self._sign = -1 if buys else 1
        self._heap: list[int] = []
        self._levels: dict[int, deque[_Order]] = {}

    def rest(self, order: _Order, price: int) -> None:
        key = self._sign * price
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = deque()
            heappush(self._heap, key)
        level.append(order)

    def best(self) -> _Order | None:
        """The order that is next to trade."""
        heap, levels = self._heap, self._levels
        while heap:
            level = levels[heap[0]]
            while level and not level[0].leaves:
                level.popleft()
            if level:
                return level[0]
            del levels[heappop(heap)]
        return None

    def queue(self, price: int | None) -> Iterator[_Order]:
        """The living orders that an order of the other side with this limit crosses, best first."""
        keys = self._levels if price is None else [key for key in self._levels if key <= self._sign * price]
        for key in sorted(keys):
            living = [order for order in self._levels[key] if order.leaves]
            self._levels[key] = deque(living)
            yield from living


class ReferenceMatcher:
    """A venue's books, replayed. Keys, accounts and instruments are numbers of the caller's; `fills` is by time."""

    def __init__(self) -> None:
        self.fills: list[Fill] = []
        self._orders: dict[int, _Order | None] = {}
        self._books: dict[int, tuple[_Side, _Side]] = {}

    def final(self) -> dict[int, tuple[int, int]]:
        """Each order's filled and open quantity by its key; keys that were closed without an order are left out."""
        return {key: (order.cum, order.leaves) for key, order in self._orders.items() if order is not None}

    def refuse(self, key: int) -> None:
        """An order that must not reach its book: its id is taken, and nothing rests."""
        if key not in self._orders:
            self._orders[key] = _Order(key, -1, -1, buys=True, quantity=0, price=None)

    def new(
        self,
        index: int,
        key: int,
        *,
        account: int,
        instrument: int,
        buys: bool,
        quantity: int,
        price: int | None,
        time_in_force: str,
    ) -> bool:
        """Take an order as the log has it; a repeat of an id changes nothing.

        Whether a rule ended it before it traded at all: self-trade prevention, post-only or fill-or-kill.
        """
        if key in self._orders:
            return False
        order = self._orders[key] = _Order(
            key, account, instrument, buys=buys, quantity=quantity, price=price
        )
        book = self._books.get(instrument)
        if book is None:
            book = self._books[instrument] = (_Side(buys=True), _Side(buys=False))
        own, other = book if buys else (book[1], book[0])
        if _killed(order, other, time_in_force):
            return True
        self._trade(index, order, other)
        if not order.leaves:
            return False
        meets_own = _crosses(order, other.best())
        if price is None or meets_own or time_in_force in ("ioc", "fok"):
            order.leaves = 0
        else:
            own.rest(order, price)
        return meets_own and not order.cum

    def cancel(self, key: int) -> None:
        """Take what is left of an order off the book."""
        order = self._orders.get(key)
        if order is not None:
            order.leaves = 0

    def resolve(self, key: int) -> None:
        """Close an id that no order has."""
        self._orders.setdefault(key, None)

    def _trade(self, index: int, taker: _Order, other: _Side) -> None:
        while taker.leaves:
            maker = other.best()
            if maker is None or not _crosses(taker, maker) or maker.account == taker.account:
                return
            quantity = min(maker.leaves, taker.leaves)
            for order in (maker, taker):
                order.leaves -= quantity
                order.cum += quantity
            assert maker.price is not None
            self.fills.append(Fill(index, maker.key, taker.key, quantity, maker.price))


def _crosses(taker: _Order, maker: _Order | None) -> bool:
    if maker is None:
        return False
    if taker.price is None:
        return True
    assert maker.price is not None
    return taker.price >= maker.price if taker.buys else taker.price <= maker.price


def _killed(order: _Order, other: _Side, time_in_force: str) -> bool:
    """Whether an order ends before it trades: post-only that would trade, fill-or-kill that cannot fill."""
    would_trade = time_in_force == "post_only" and _crosses(order, other.best())
    ends = would_trade or (time_in_force == "fok" and not _can_fill(order, other))
    if ends:
        order.leaves = 0
    return ends


def _can_fill(order: _Order, other: _Side) -> bool:
    missing = order.leaves
    for maker in other.queue(order.price):
        if maker.account == order.account:
            return False
        missing -= maker.leaves
        if missing <= 0:
            return True
    return False

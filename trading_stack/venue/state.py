"""Everything that a venue's commands have made: orders, books, ids, money, executions."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, TypeAlias

import msgspec

from trading_stack.instruments import INSTRUMENTS
from trading_stack.venue.execution import Execution
from trading_stack.venue.ladder import Ladder
from trading_stack.venue.ledger import HOUSE, Ledger
from trading_stack.venue.order import Order
from trading_stack.venue.replies import OrderReport
from trading_stack.venue.state_hash import ItemKey, StateHash

ClientOrderId: TypeAlias = tuple[str, str]  # account, client order id

_ORDER: Final = "order"
_ID: Final = "id"
_POSITION: Final = "position"
_COIN: Final = "coin"
_REFUSAL: Final = "refusal"


class Closed(msgspec.Struct, frozen=True, gc=False):
    """A client order id that `resolve` closed: the entry that did, and its epoch."""

    index: int
    epoch: int

    def report(self) -> OrderReport:
        return OrderReport(
            "", "rejected", 0, 0, self.index, self.epoch, [], never_received=True, reason="never received"
        )


class Book:
    """Both sides of one instrument."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = Ladder(buys=True)
        self.asks = Ladder(buys=False)

    def own(self, side: str) -> Ladder:
        """Where an order of this side rests."""
        return self.bids if side == "buy" else self.asks

    def other(self, side: str) -> Ladder:
        """What an order of this side trades with."""
        return self.asks if side == "buy" else self.bids


class State:
    """The venue after `index`. Whoever changes an item of it touches the item's hash, too.

    `orders` are by index, `ids` what each client order id means, `refusals` the replies to cancels of orders that
    weren't there, by the cancel's own id. `chain` is a hash over all that was ever said and executed.
    """

    __slots__ = (
        "_hash",
        "books",
        "chain",
        "epoch",
        "executions",
        "fills",
        "ids",
        "index",
        "ledger",
        "marks",
        "orders",
        "primary",
        "refusals",
        "time_ns",
        "touch",
    )

    def __init__(self) -> None:
        self.index = 0
        self.epoch = 0
        self.time_ns = 0
        self.primary = ""
        self.marks: dict[str, int] = {}
        self.orders: dict[int, Order] = {}
        self.ids: dict[ClientOrderId, Order | Closed] = {}
        self.refusals: dict[str, bytes] = {}
        self.books = {name: Book() for name in INSTRUMENTS}
        self.ledger = Ledger()
        self.executions: list[Execution] = []
        self.fills: dict[str, list[Execution]] = {}
        self.chain = bytes(16)
        self._hash = StateHash(self._row)
        self.touch = self._hash.touch

    def add_order(self, order: Order) -> None:
        """Keep a new order, and the meaning of its client order id."""
        request = order.request
        self.orders[order.index] = order
        self.ids[(request.account, request.client_order_id)] = order
        self.touch((_ID, request.account, request.client_order_id))
        self.touch_order(order)

    def close_id(self, client_order_id: ClientOrderId, closed: Closed) -> None:
        """Let a client order id mean nothing, for ever."""
        self.ids[client_order_id] = closed
        self.touch((_ID, *client_order_id))

    def refuse(self, request: str, reply: bytes) -> None:
        """Remember the refusal of a cancel under the cancel's own id."""
        self.refusals[request] = reply
        self.touch((_REFUSAL, request))

    def touch_order(self, order: Order) -> None:
        self.touch((_ORDER, str(order.index)))

    def touch_accounts(self, instrument: str, coin: str, *accounts: str) -> None:
        """Say that a fill was booked on these accounts, and on the house."""
        for account in accounts:
            self.touch((_POSITION, account, instrument))
            self.touch((_COIN, account, coin))
        self.touch((_COIN, HOUSE, coin))

    def touch_all(self) -> None:
        """Say that everything is new: after a restore."""
        for index in self.orders:
            self.touch((_ORDER, str(index)))
        for client_order_id in self.ids:
            self.touch((_ID, *client_order_id))
        for request in self.refusals:
            self.touch((_REFUSAL, request))
        for position_key in self.ledger.positions:
            self.touch((_POSITION, *position_key))
        for coin_key in self.ledger.coins:
            self.touch((_COIN, *coin_key))

    def keep(self, execution: Execution) -> None:
        """Append an execution to the venue's record."""
        self.executions.append(execution)
        if execution.last_quantity:
            self.fills.setdefault(execution.account, []).append(execution)

    def dismantle(self) -> None:
        """Let go of everything piece by piece: a great state that goes at once holds the interpreter while it does."""
        self.books.clear()
        self.fills.clear()
        for table in (self.ids, self.orders, self.refusals):
            while table:
                table.popitem()
        while self.executions:
            del self.executions[-1000:]
        self._hash.dismantle()

    def digest(self) -> str:
        """A hash over the whole state and everything that led to it."""
        whole = blake2b(self._hash.value() + self.chain, digest_size=16)
        marks = ",".join(f"{name}={self.marks[name]}" for name in sorted(self.marks))
        whole.update(f"{self.index} {self.epoch} {self.time_ns} {self.primary} {marks}".encode())
        return whole.hexdigest()

    def _row(self, key: ItemKey) -> object:
        kind, *names = key
        match kind:
            case "order":
                return self.orders[int(names[0])].row()
            case "id":
                meaning = self.ids[(names[0], names[1])]
                return (meaning.index, isinstance(meaning, Closed))
            case "position":
                position = self.ledger.positions[(names[0], names[1])]
                return (position.contracts, list(position.lots))
            case "coin":
                return self.ledger.coins[(names[0], names[1])]
            case _:
                return self.refusals[names[0]]

"""One order as the venue holds it, for ever: its client order id must never mean another order."""

from __future__ import annotations

from typing import Final, TypeAlias

from trading_stack.venue.commands import New
from trading_stack.venue.replies import OrderReport

OPEN: Final = "open"
FILLED: Final = "filled"
CANCELLED: Final = "cancelled"
REJECTED: Final = "rejected"

OrderRow: TypeAlias = tuple[New, int, int, int, str, int, int, int | None, int, list[str], str, bytes]


class Order:
    """A client's order and what became of it.

    `index` is the journal entry that accepted it, and makes its order id. `priority` orders the resting orders
    of one price: lower first; None once it doesn't rest. `changed_index` and `changed_epoch` name the entry that
    changed it last. `first_reply` is what its client was told at first, and is told again for every copy.
    """

    __slots__ = (
        "accepted_ns",
        "changed_epoch",
        "changed_index",
        "cum",
        "exec_ids",
        "first_reply",
        "index",
        "leaves",
        "priority",
        "reason",
        "request",
        "state",
    )

    def __init__(self, request: New, *, index: int, epoch: int, accepted_ns: int) -> None:
        self.request = request
        self.index = index
        self.changed_index = index
        self.changed_epoch = epoch
        self.accepted_ns = accepted_ns
        self.state = OPEN
        self.cum = 0
        self.leaves = request.quantity
        self.priority: int | None = None
        self.exec_ids: list[str] = []
        self.reason = ""
        self.first_reply = b""

    @property
    def order_id(self) -> str:
        return f"O{self.index}"

    def report(self) -> OrderReport:
        """What a client is told of it now."""
        return OrderReport(
            self.order_id,
            self.state,
            self.cum,
            self.leaves,
            self.changed_index,
            self.changed_epoch,
            self.exec_ids,
            reason=self.reason,
        )

    def row(self) -> OrderRow:
        """All of its state, in a fixed order: what snapshots keep and digests cover."""
        return (
            self.request,
            self.index,
            self.changed_index,
            self.changed_epoch,
            self.state,
            self.cum,
            self.leaves,
            self.priority,
            self.accepted_ns,
            self.exec_ids,
            self.reason,
            self.first_reply,
        )

    @classmethod
    def from_row(cls, row: OrderRow) -> Order:
        order = cls(row[0], index=row[1], epoch=row[3], accepted_ns=row[8])
        order.changed_index = row[2]
        order.state, order.cum, order.leaves, order.priority = row[4:8]
        order.exec_ids, order.reason, order.first_reply = row[9:]
        return order

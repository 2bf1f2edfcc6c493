"""The journal entry that is being applied: what executions are numbered and stamped with."""

from __future__ import annotations

from typing import Final

from trading_stack.venue.execution import Execution
from trading_stack.venue.order import Order

ACCEPTED: Final = "accepted"
EXEC_REJECTED: Final = "rejected"
FILL: Final = "filled"
EXEC_CANCELLED: Final = "cancelled"
ID_CLOSED: Final = "closed"


class Entry:
    """Collects what one entry does, in order."""

    __slots__ = ("epoch", "executions", "index", "time_ns")

    def __init__(self, index: int, epoch: int, time_ns: int) -> None:
        self.index = index
        self.epoch = epoch
        self.time_ns = time_ns
        self.executions: list[Execution] = []

    def next_exec_id(self) -> str:
        return f"{self.index}-{len(self.executions)}"

    def changed(self, order: Order) -> None:
        """Say that this entry decided the order's present state."""
        order.changed_index = self.index
        order.changed_epoch = self.epoch

    def step(self, order: Order, kind: str, *, reason: str = "") -> None:
        """Record a step of an order that moves no money."""
        request = order.request
        self.executions.append(
            Execution(
                self.index,
                len(self.executions),
                self.epoch,
                self.next_exec_id(),
                kind,
                request.account,
                request.client_order_id,
                order.order_id,
                request.instrument,
                request.side,
                request.quantity,
                request.price,
                order.cum,
                order.leaves,
                reason=reason,
            )
        )

    def fill(self, order: Order, *, counter: Order, contracts: int, price: int, fee: int, cash: int) -> None:
        """Record one leg of a trade, after the order took it."""
        request = order.request
        exec_id = self.next_exec_id()
        order.exec_ids.append(exec_id)
        self.executions.append(
            Execution(
                self.index,
                len(self.executions),
                self.epoch,
                exec_id,
                FILL,
                request.account,
                request.client_order_id,
                order.order_id,
                request.instrument,
                request.side,
                request.quantity,
                request.price,
                order.cum,
                order.leaves,
                contracts,
                price,
                counter.order_id,
                fee,
                cash,
            )
        )

    def close(self, account: str, client_order_id: str) -> None:
        """Record that a client order id was closed without an order."""
        self.executions.append(
            Execution(
                self.index,
                len(self.executions),
                self.epoch,
                self.next_exec_id(),
                ID_CLOSED,
                account,
                client_order_id,
                "",
                "",
                "",
                0,
                None,
                0,
                0,
                reason="never received",
            )
        )

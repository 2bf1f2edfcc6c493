"""Executions: each step of each order, with an id that no replica can make twice."""

from __future__ import annotations

import msgspec


class Execution(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What applying one journal entry did to one order. Field for field what a drop copy tells.

    `type` is `accepted`, `rejected`, `filled`, `cancelled` or `closed`. The id is made of the entry's index and
    the ordinal in it, so that the same entry makes the same ids on every replica and no other entry can.
    """

    index: int
    ordinal: int
    epoch: int
    exec_id: str
    type: str
    account: str
    client_order_id: str
    order_id: str
    instrument: str
    side: str
    quantity: int
    price: int | None
    cum_quantity: int
    leaves_quantity: int
    last_quantity: int = 0
    last_price: int | None = None
    counter_order_id: str | None = None
    fee: int = 0
    cash: int = 0
    reason: str = ""

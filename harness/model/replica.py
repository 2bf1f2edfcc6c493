"""What one replica of a venue holds, read from the replica itself, and what the venue tells its clients.

Prices are integers of 1e-8 of the quote unit, quantities whole contracts, coin amounts integers of 1e-8 coin.
"""

from __future__ import annotations

import msgspec


class LogEntry(msgspec.Struct, frozen=True):
    """One entry of a replica's log. `hash` chains over the one before (hexadecimal).

    `type` is the command: `new`, `cancel`, `resolve`, `mark`, `epoch` (a new primary's own first entry), or the
    stack's own word; the fields of an order are those that its client sent. `marks` holds a mark command's prices.
    `refusal` is the verdict that a new order came with into the log (of its gateway's price band): `price_band` or
    `no_fresh_price`, empty when nothing spoke against it, None when the stack doesn't tell.
    """

    index: int
    epoch: int
    hash: str
    type: str
    time_ns: int
    account: str | None = None
    client_order_id: str | None = None
    instrument: str | None = None
    side: str | None = None
    quantity: int | None = None
    order_type: str | None = None
    price: int | None = None
    time_in_force: str | None = None
    marks: dict[str, int] | None = None
    marks_source_sequence: int | None = None
    marks_input_age_ns: int | None = None
    refusal: str | None = None


class Execution(msgspec.Struct, frozen=True):
    """One step of one order: what applying the entry `index` did, in the order `ordinal`.

    `type` is `accepted`, `rejected`, `filled`, `cancelled` or `closed` (an id that `resolve` closed). `price` and
    `quantity` are the order's; `last_price` and `last_quantity` the fill's; `counter_order_id` the other leg's order.
    `fee` is what the account paid for this fill (negative: a rebate) and `cash` the realised coin it booked.
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


class FinalOrder(msgspec.Struct, frozen=True):
    """One order as the replica holds it now. `priority` orders resting orders of one side and price."""

    account: str
    client_order_id: str
    order_id: str
    instrument: str
    side: str
    quantity: int
    price: int | None
    state: str
    cum_quantity: int
    leaves_quantity: int
    priority: int | None = None


class Balance(msgspec.Struct, frozen=True):
    """One account's position in one instrument (`instrument` set) or its coin (`instrument` None, `amount` 1e-8 coin)."""

    account: str
    instrument: str | None
    amount: int


class ReplicaDump(msgspec.Struct, frozen=True):
    """Everything a replica holds. `digest` is its own hash over the applied state after `applied_index`."""

    node: str
    provider: str
    store_incarnation: str
    role: str
    epoch: int
    promised_epoch: int
    commit_index: int
    applied_index: int
    first_index: int
    digest: str
    read_mono_ns: int
    entries: list[LogEntry]
    executions: list[Execution]
    orders: list[FinalOrder]
    balances: list[Balance]


class ReportedFill(msgspec.Struct, frozen=True):
    exec_id: str
    order_id: str
    client_order_id: str
    instrument: str
    side: str
    quantity: int
    price: int


class AccountReport(msgspec.Struct, frozen=True):
    """What the venue tells one client: its fills, and its position by instrument."""

    account: str
    fills: list[ReportedFill]
    positions: dict[str, int]
    through: str = ""
    sequence: int = 0

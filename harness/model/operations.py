"""What clients ask of a stack, and what they are told: the vocabulary of every adapter.

Prices are integers of 1e-8 of the instrument's quote unit (USD for futures and perpetuals, coin for options);
quantities are whole contracts.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

PRICE_SCALE: Final = 10**8


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    LIMIT = "limit"
    MARKET = "market"


class TimeInForce(StrEnum):
    GOOD_TILL_CANCEL = "gtc"
    IMMEDIATE_OR_CANCEL = "ioc"
    FILL_OR_KILL = "fok"
    POST_ONLY = "post_only"


class OrderState(StrEnum):
    """`open` may be partly filled; the other three are terminal."""

    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class NewOrder(msgspec.Struct, frozen=True, tag="new", tag_field="kind"):
    account: str
    client_order_id: str
    instrument: str
    side: Side
    quantity: int
    order_type: OrderType = OrderType.LIMIT
    price: int | None = None
    time_in_force: TimeInForce = TimeInForce.GOOD_TILL_CANCEL


class CancelOrder(msgspec.Struct, frozen=True, tag="cancel", tag_field="kind"):
    """Cancel what is left of the order that `client_order_id` names."""

    account: str
    client_order_id: str


class QueryOrder(msgspec.Struct, frozen=True, tag="query", tag_field="kind"):
    account: str
    client_order_id: str


class ResolveOrder(msgspec.Struct, frozen=True, tag="resolve", tag_field="kind"):
    """Close an id whose outcome is unknown: answers the order, or that it was and will be never received."""

    account: str
    client_order_id: str


class RegisterKind(StrEnum):
    """What a store of registers may offer."""

    READ = "read"
    WRITE = "write"
    CAS = "cas"


class ReadRegister(msgspec.Struct, frozen=True, tag="read", tag_field="kind"):
    key: str


class WriteRegister(msgspec.Struct, frozen=True, tag="write", tag_field="kind"):
    key: str
    value: str


class CompareAndSet(msgspec.Struct, frozen=True, tag="cas", tag_field="kind"):
    key: str
    expected: str | None
    value: str


OrderOperation: TypeAlias = NewOrder | CancelOrder | QueryOrder | ResolveOrder
RegisterOperation: TypeAlias = ReadRegister | WriteRegister | CompareAndSet
Operation: TypeAlias = OrderOperation | RegisterOperation


class OrderReport(msgspec.Struct, frozen=True):
    """The state of one order as its venue told a client. `sequence` is the index of the log entry that decided it."""

    order_id: str
    state: OrderState
    cum_quantity: int
    leaves_quantity: int
    sequence: int = 0
    epoch: int = 0
    exec_ids: tuple[str, ...] = ()
    never_received: bool = False
    reason: str = ""


class Ok(msgspec.Struct, frozen=True, tag="ok", tag_field="outcome"):
    """It took effect (or was read). For a refused order that the venue *decided*, see `Fail`."""

    order: OrderReport | None = None
    value: str | None = None


class Fail(msgspec.Struct, frozen=True, tag="fail", tag_field="outcome"):
    """It certainly did not take effect, and never will: the venue decided so."""

    code: str
    reason: str = ""
    order: OrderReport | None = None


class Info(msgspec.Struct, frozen=True, tag="info", tag_field="outcome"):
    """Nobody knows: a time-out, a broken connection, an error that is not a decision."""

    reason: str


Reply: TypeAlias = Ok | Fail | Info

"""All that the author of an adapter imports: the contract, and the words that it speaks in.

An adapter is one class; see `docs/extending.md` for an example, and `harness.stack.adapter` for what each method promises.
Prices of orders are integers of `1 / PRICE_SCALE` of the quote unit, quantities whole contracts, coin amounts integers of
1e-8 coin; times are nanoseconds, `mono` ones of the host's monotonic clock.
"""

from __future__ import annotations

from harness.model.instrument import Instrument
from harness.model.operations import (
    PRICE_SCALE,
    CancelOrder,
    CompareAndSet,
    Fail,
    Info,
    NewOrder,
    Ok,
    Operation,
    OrderReport,
    OrderState,
    OrderType,
    QueryOrder,
    ReadRegister,
    RegisterKind,
    Reply,
    ResolveOrder,
    Side,
    TimeInForce,
    WriteRegister,
)
from harness.model.quotes import Quote, QuoteBatch
from harness.model.replica import (
    AccountReport,
    Balance,
    Execution,
    FinalOrder,
    LogEntry,
    ReplicaDump,
    ReportedFill,
)
from harness.model.stack_event import Moment, StackEvent
from harness.stack.adapter import (
    Accounts,
    Adapter,
    Address,
    DropCopy,
    Heartbeat,
    Leadership,
    Market,
    Metrics,
    Quotes,
    Registers,
)

__all__ = [
    "PRICE_SCALE",
    "AccountReport",
    "Accounts",
    "Adapter",
    "Address",
    "Balance",
    "CancelOrder",
    "CompareAndSet",
    "DropCopy",
    "Execution",
    "Fail",
    "FinalOrder",
    "Heartbeat",
    "Info",
    "Instrument",
    "Leadership",
    "LogEntry",
    "Market",
    "Metrics",
    "Moment",
    "NewOrder",
    "Ok",
    "Operation",
    "OrderReport",
    "OrderState",
    "OrderType",
    "QueryOrder",
    "Quote",
    "QuoteBatch",
    "Quotes",
    "ReadRegister",
    "RegisterKind",
    "Registers",
    "ReplicaDump",
    "Reply",
    "ReportedFill",
    "ResolveOrder",
    "Side",
    "StackEvent",
    "TimeInForce",
    "WriteRegister",
]

"""The table of operations, from the records that load generators left behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pandas as pd

from harness.history.columns import OPERATIONS
from harness.history.frames import make_frame
from harness.model.operations import (
    CancelOrder,
    CompareAndSet,
    Fail,
    Info,
    NewOrder,
    Ok,
    Operation,
    OrderReport,
    QueryOrder,
    ReadRegister,
    Reply,
    ResolveOrder,
    WriteRegister,
)
from harness.model.record import OPERATIONS_GLOB, Completed, Invoked, OperationRecord

NOT_COMPLETED: Final = "no completion was recorded: its generator ended before it"

_decoder: Final[msgspec.json.Decoder[OperationRecord]] = msgspec.json.Decoder(OperationRecord)
_KINDS: Final = {
    NewOrder: "new",
    CancelOrder: "cancel",
    QueryOrder: "query",
    ResolveOrder: "resolve",
    ReadRegister: "read",
    WriteRegister: "write",
    CompareAndSet: "cas",
}
_PLAIN: Final = (
    "account",
    "client_order_id",
    "instrument",
    "side",
    "order_type",
    "time_in_force",
    "quantity",
    "price",
    "key",
    "value",
    "expected",
)


def read_records(folder: Path) -> Iterator[OperationRecord]:
    """The records of all generators that wrote into `folder`; each file up to its last whole line."""
    for path in sorted(folder.glob(OPERATIONS_GLOB)):
        for line in path.read_bytes().split(b"\n")[:-1]:
            try:
                yield _decoder.decode(line)
            except msgspec.DecodeError:
                break


def operations_table(records: Iterable[OperationRecord], *, origin_mono_ns: int) -> pd.DataFrame:
    """The table `operations`, by intended time. `origin_mono_ns` is the run's origin on the host's monotonic clock.

    An operation without a completion is info: nobody knows what became of it.
    """
    invoked: dict[int, Invoked] = {}
    completed: dict[int, Completed] = {}
    for record in records:
        if isinstance(record, Invoked):
            invoked[record.op] = record
        else:
            completed[record.op] = record
    ordered = sorted(invoked.values(), key=lambda item: (item.intended_ns, item.op))
    rows = [_row(item, completed.get(item.op), origin_mono_ns) for item in ordered]
    return make_frame(OPERATIONS, {name: [row.get(name) for row in rows] for name in OPERATIONS})


def _row(sent: Invoked, done: Completed | None, origin_ns: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "op": sent.op,
        "worker": sent.worker,
        "client": sent.client,
        "purpose": sent.purpose,
        "gateway": sent.gateway,
        "provider": sent.provider,
        "intended_ns": sent.intended_ns - origin_ns,
        "sent_ns": None if sent.sent_ns is None else sent.sent_ns - origin_ns,
        **_asked(sent.operation),
    }
    if done is None:
        return {**row, "outcome": "info", "first_attempt": "info", "reason": NOT_COMPLETED}
    row |= {
        "gateway": done.gateway,
        "provider": done.provider,
        "completed_ns": done.completed_ns - origin_ns,
        "first_attempt": done.first_attempt,
        "attempts": done.attempts,
    }
    read = isinstance(sent.operation, ReadRegister)
    return row | _told(done.reply, read=read)


def _asked(operation: Operation) -> dict[str, Any]:
    asked = {name: getattr(operation, name, None) for name in _PLAIN}
    return {**asked, "kind": _KINDS[type(operation)]}


def _told(reply: Reply, *, read: bool) -> dict[str, Any]:
    match reply:
        case Ok(order=order, value=value):
            told = {"outcome": "ok", **_order(order)}
            return {**told, "value": value} if read else told
        case Fail(code=code, reason=reason, order=order):
            return {"outcome": "fail", "code": code, **_order(order), "reason": reason}
        case Info(reason=reason):
            return {"outcome": "info", "reason": reason}


def _order(order: OrderReport | None) -> dict[str, Any]:
    if order is None:
        return {}
    return {
        "order_id": order.order_id,
        "state": order.state.value,
        "cum_quantity": order.cum_quantity,
        "leaves_quantity": order.leaves_quantity,
        "sequence": order.sequence,
        "epoch": order.epoch,
        "exec_ids": " ".join(order.exec_ids),
        "never_received": order.never_received,
        "reason": order.reason,
    }

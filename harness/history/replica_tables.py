"""Tables from what replicas hold and what the venue tells its clients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import pandas as pd

from harness.history.columns import (
    ACCOUNT_FILLS,
    ACCOUNT_POSITIONS,
    BALANCES,
    ENTRIES,
    EXECUTIONS,
    MARKS,
    ORDERS,
    REPLICAS,
)
from harness.history.frames import Columns, concat_frames, frame_of_rows, frame_of_structs
from harness.model.replica import AccountReport, ReplicaDump

_KINDS: Final[dict[str, Columns]] = {
    "entries": ENTRIES,
    "marks": MARKS,
    "executions": EXECUTIONS,
    "orders": ORDERS,
    "balances": BALANCES,
    "replicas": REPLICAS,
}


def replica_tables(dumps: Iterable[ReplicaDump], *, origin_mono_ns: int) -> dict[str, pd.DataFrame]:
    """The tables `entries`, `marks`, `executions`, `orders`, `balances` and `replicas`.

    Readings of one node are numbered from 1 in the order given. `origin_mono_ns` is the run's origin on the host's
    monotonic clock; only `read_ns` is counted from it, the venue's own times stay as they are.
    """
    readings: Counter[str] = Counter()
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in _KINDS}
    for dump in dumps:
        readings[dump.node] += 1
        for name, frame in _frames_of(dump, read=readings[dump.node], origin_mono_ns=origin_mono_ns).items():
            parts[name].append(frame)
    return {name: concat_frames(columns, parts[name]) for name, columns in _KINDS.items()}


def account_tables(reports: Iterable[AccountReport]) -> dict[str, pd.DataFrame]:
    """The tables `account_fills` and `account_positions`; each position carries its report's sequence."""
    kept = list(reports)
    fills = [
        frame_of_structs(ACCOUNT_FILLS, report.fills, {"through": report.through, "account": report.account})
        for report in kept
    ]
    positions = [
        {
            "through": report.through,
            "account": report.account,
            "instrument": instrument,
            "amount": amount,
            "sequence": report.sequence,
        }
        for report in kept
        for instrument, amount in sorted(report.positions.items())
    ]
    return {
        "account_fills": concat_frames(ACCOUNT_FILLS, fills),
        "account_positions": frame_of_rows(ACCOUNT_POSITIONS, positions),
    }


def _frames_of(dump: ReplicaDump, *, read: int, origin_mono_ns: int) -> dict[str, pd.DataFrame]:
    here: dict[str, object] = {"node": dump.node, "read": read}
    committed = [entry.index <= dump.commit_index for entry in dump.entries]
    return {
        "entries": frame_of_structs(
            ENTRIES, dump.entries, {**here, "provider": dump.provider, "committed": committed}
        ),
        "marks": frame_of_rows(MARKS, _mark_rows(dump, read)),
        "executions": frame_of_structs(EXECUTIONS, dump.executions, here),
        "orders": frame_of_structs(ORDERS, dump.orders, here),
        "balances": frame_of_structs(BALANCES, dump.balances, here),
        "replicas": frame_of_structs(
            REPLICAS, [dump], {"read": read, "read_ns": dump.read_mono_ns - origin_mono_ns}
        ),
    }


def _mark_rows(dump: ReplicaDump, read: int) -> Sequence[dict[str, object]]:
    return [
        {
            "node": dump.node,
            "read": read,
            "index": entry.index,
            "epoch": entry.epoch,
            "instrument": instrument,
            "price": price,
            "source_sequence": entry.marks_source_sequence,
            "input_age_ns": entry.marks_input_age_ns,
        }
        for entry in dump.entries
        if entry.marks is not None
        for instrument, price in sorted(entry.marks.items())
    ]

"""A replica's drop copy: its log, executions, orders and balances as it holds them itself, as JSON.

The shape is that of the harness's `ReplicaDump`; nothing of the harness is imported here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from trading_stack.journal.entries import Entry
from trading_stack.journal.replica import View
from trading_stack.venue.commands import describe
from trading_stack.venue.dump import VenueDump

CHUNK: Final = 1000


class Dump(msgspec.Struct, frozen=True):
    """Everything a replica holds; entries up to `commit_index` are committed, those after it may yet be truncated.

    Entries up to `base_index` are gone from the log: a snapshot stands for them.
    """

    node: str
    provider: str
    store_incarnation: str
    role: str
    epoch: int
    promised_epoch: int
    commit_index: int
    applied_index: int
    first_index: int
    base_index: int
    digest: str
    read_mono_ns: int
    entries: msgspec.Raw
    executions: msgspec.Raw
    orders: msgspec.Raw
    balances: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is gathered in one turn of the loop, so that it belongs together; `encode` may run in another thread."""

    node: str
    provider: str
    view: View
    digest: str
    applied_index: int
    base_index: int
    entries: list[Entry]
    venue: VenueDump

    def encode(self) -> bytes:
        view = self.view
        return msgspec.json.encode(
            Dump(
                node=self.node,
                provider=self.provider,
                store_incarnation=view.incarnation,
                role=str(view.role),
                epoch=view.epoch,
                promised_epoch=view.promised_epoch,
                commit_index=view.commit_index,
                applied_index=self.applied_index,
                first_index=self.entries[0].index if self.entries else view.last.end + 1,
                base_index=self.base_index,
                digest=self.digest,
                read_mono_ns=time.monotonic_ns(),
                entries=_rows(self.entries, _described),
                executions=_rows(self.venue.executions, _itself),
                orders=_rows(self.venue.orders, _itself),
                balances=_rows(self.venue.balances, _itself),
            )
        )


Row = TypeVar("Row")


def _rows(rows: Sequence[Row], shape: Callable[[Row], object]) -> msgspec.Raw:
    """A JSON array, encoded in pieces: each holds the interpreter, and heartbeats must get through between them."""
    pieces = [
        msgspec.json.encode([shape(row) for row in rows[start : start + CHUNK]])[1:-1]
        for start in range(0, len(rows), CHUNK)
    ]
    return msgspec.Raw(b"[" + b",".join(pieces) + b"]")


def _itself(row: object) -> object:
    return row


def _described(entry: Entry) -> dict[str, object]:
    return {
        "index": entry.index,
        "epoch": entry.epoch,
        "hash": entry.hash.hex(),
        "time_ns": entry.time_ns,
        **describe(entry.command),
    }

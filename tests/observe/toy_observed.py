"""An adapter that reads a stack kept in files: what the observers' own tests watch.

The "address" of a service is a folder's port number: `port` picks the file `<port>.json` beside this stack's state,
whose folder is in the environment variable `TOY_STATE`.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import msgspec

from harness.model.instrument import Instrument
from harness.model.operations import Info, Operation, Reply
from harness.model.quotes import Quote, QuoteBatch
from harness.model.replica import AccountReport, ReplicaDump, ReportedFill
from harness.model.stack_event import StackEvent
from harness.stack.adapter import Address


def quote(cursor: int) -> Quote:
    return Quote(
        cursor, "alpha", "BTC-PERPETUAL", "perpetual", 1, cursor, 1, "v1", "h", 50_000.0, 50_000.0, 1, 1
    )


def replica(node: str, *, index: int) -> ReplicaDump:
    return ReplicaDump(node, node, "i1", "standby", 1, 1, index, index, 1, "digest", 5, [], [], [], [])


def state(port: int) -> dict[str, int]:
    found: dict[str, int] = json.loads((Path(os.environ["TOY_STATE"]) / f"{port}.json").read_text())
    return found


class Watched:
    """Reads events, quotes, replicas and accounts."""

    def connect(self, address: Address, *, deadline_s: float) -> None:
        self._port = address.port

    def invoke(self, operation: Operation, *, deadline_s: float) -> Reply:
        return Info("it only watches")

    def close(self) -> None:
        return

    def stack_event(self, service: str, line: bytes) -> StackEvent | None:
        if not line.startswith(b"{"):
            return None
        told = json.loads(line)
        return StackEvent(
            service=service, kind=told["event"], mono_ns=told["mono_ns"], epoch=told.get("epoch")
        )

    def quotes(self, address: Address, *, since: int, deadline_s: float) -> QuoteBatch:
        newest = state(address.port)["cursor"]
        return QuoteBatch([quote(cursor) for cursor in range(since + 1, newest + 1)], newest)

    def replica(self, address: Address, *, deadline_s: float) -> ReplicaDump:
        held = state(address.port)
        if held.get("hangs"):
            time.sleep(3600)
        return replica(f"node-{address.port}", index=held["index"])

    def account_reports(self, *, deadline_s: float) -> list[AccountReport]:
        if state(self._port).get("refuses"):
            raise ConnectionRefusedError("nobody there")
        fill = ReportedFill("e1", "o1", "c1", "BTC-PERPETUAL", "buy", 1, 5)
        return [AccountReport("account", [fill], {"BTC-PERPETUAL": 1})]


class Listing(Watched):
    """Tells what can be traded, too."""

    def market(self) -> list[Instrument]:
        return [Instrument("BTC-PERPETUAL", "perpetual", 5, 50_000, 1, 9, contract_value=10)]


class Delisted(Watched):
    """Should tell what can be traded, and can't."""

    def market(self) -> list[Instrument]:
        raise LookupError("no list")


class Blind:
    """An adapter without any optional protocol."""

    connect = Watched.connect
    invoke = Watched.invoke
    close = Watched.close


def write_state(folder: Path, port: int, **held: int) -> None:
    fresh = folder / f".{port}.tmp"
    fresh.write_bytes(msgspec.json.encode(held))
    fresh.replace(folder / f"{port}.json")

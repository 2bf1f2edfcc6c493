"""A history that is written by hand, row by row, can be changed row by row, and is judged as any other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from harness.history.columns import TABLES
from harness.history.frames import frame_of_rows
from harness.history.journal import Journal
from harness.history.meta import RunMeta
from harness.history.run import Run
from harness.model.events import Event, StackSaid
from harness.model.stack_event import StackEvent

Row: TypeAlias = dict[str, Any]

MS: Final = 1_000_000
INSTRUMENT: Final = "BTC-PERPETUAL"
PROVIDERS: Final = ("alpha", "bravo", "charlie")
OF_REPLICAS: Final = ("entries", "marks", "executions", "orders", "balances")
ONSET_MS: Final = 1_000
READ_MS: Final = 5_000


@dataclass
class Replica:
    """What one replica holds; every reading of it is alike."""

    node: str
    tables: dict[str, list[Row]]
    state: Row
    reads: int = 2

    def rows(self, table: str) -> list[Row]:
        """The table's rows, once a reading, with what a reading adds."""
        return [
            {**row, "node": self.node, "read": read, **self._more(table, row)}
            for read in range(1, self.reads + 1)
            for row in self.tables[table]
        ]

    def readings(self) -> list[Row]:
        """Its rows of the table `replicas`."""
        return [
            {**self.state, "node": self.node, "read": read, "read_ns": (READ_MS + 100 * read) * MS}
            for read in range(1, self.reads + 1)
        ]

    def _more(self, table: str, row: Row) -> Row:
        if table != "entries":
            return {}
        return {"provider": self.state["provider"], "committed": row["index"] <= self.state["commit_index"]}


@dataclass
class LiteralHistory:
    """A history that can be changed row by row, and judged at any moment by `run()`."""

    replicas: dict[str, Replica]
    operations: list[Row] = field(default_factory=list)
    account_fills: list[Row] = field(default_factory=list)
    account_positions: list[Row] = field(default_factory=list)
    quotes: list[Row] = field(default_factory=list)
    instruments: list[Row] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)
    waives: dict[str, str] = field(default_factory=dict)

    def every(self, table: str) -> list[list[Row]]:
        """The rows of a table on each replica, to be changed alike."""
        return [replica.tables[table] for replica in self.replicas.values()]

    def change(self, table: str, where: Row, **values: Any) -> None:
        """Change the rows that match: of an own table, or of a replicated one on every replica."""
        for rows in self.every(table) if table in OF_REPLICAS else [getattr(self, table)]:
            for row in rows:
                if all(row.get(key) == value for key, value in where.items()):
                    row.update(values)

    def drop(self, table: str, **where: Any) -> None:
        """Take the rows that match away, on every replica."""
        for rows in self.every(table) if table in OF_REPLICAS else [getattr(self, table)]:
            rows[:] = [row for row in rows if any(row.get(key) != value for key, value in where.items())]

    def run(self) -> Run:
        """The history as checks see it."""
        rows = {
            name: [row for one in self.replicas.values() for row in one.rows(name)] for name in OF_REPLICAS
        }
        rows["replicas"] = [row for one in self.replicas.values() for row in one.readings()]
        own = ("operations", "account_fills", "account_positions", "quotes", "instruments")
        rows |= {name: getattr(self, name) for name in own}
        tables = {name: frame_of_rows(TABLES[name], rows[name]) for name in TABLES if name not in self.absent}
        return Run(meta(waives=self.waives), Journal(tuple(self.events)), tables=tables)


def meta(**values: Any) -> RunMeta:
    """The identity of a hand-written run on three providers."""
    base: Row = {
        "run_id": "literal",
        "scenario": "literal",
        "seed": 7,
        "platform": "process",
        "stack": "literal",
        "providers": PROVIDERS,
        "entry_points": {f"gateway-{name}": name for name in PROVIDERS},
        "machine": {"cpus": 2},
    }
    return RunMeta(**{**base, **values})


def stack_said(at_ms: float, service: str, kind: str, **more: Any) -> StackSaid:
    """One event of the stack, seen at once; the provider is the last word of the service's name."""
    at_ns = round(at_ms * MS)
    provider = service.rpartition("-")[2]
    event = StackEvent(service=service, kind=kind, mono_ns=at_ns, provider=provider, **more)
    return StackSaid(at_ns=at_ns, seen_ns=at_ns, event=event)

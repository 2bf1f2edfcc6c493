"""How mistakes are planted into a hand-written history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from harness.checks.examples.history import MS, LiteralHistory, Row, stack_said
from harness.model.events import LoadDrained

Plant: TypeAlias = Callable[[LiteralHistory], None]


@dataclass(frozen=True, slots=True)
class Mistake:
    """What went wrong, in words, and how the sound history is changed for it. The first of a predicate explains it."""

    predicate: str
    text: str
    plant: Plant


def change(table: str, where: Row, **values: object) -> Plant:
    """Change all rows of a table that match, on every replica where the table is replicated."""
    return lambda history: history.change(table, where, **values)


def on_charlie(table: str, where: Row, **values: object) -> Plant:
    """Change the rows that match on one replica alone."""

    def plant(history: LiteralHistory) -> None:
        for row in history.replicas["charlie"].tables[table]:
            if all(row.get(key) == value for key, value in where.items()):
                row.update(values)

    return plant


def drop(table: str, **where: object) -> Plant:
    """Take the rows that match away, on every replica where the table is replicated."""
    return lambda history: history.drop(table, **where)


def copy(table: str, where: Row, **values: object) -> Plant:
    """Add a changed copy of the first row that matches, on every replica where the table is replicated."""

    def plant(history: LiteralHistory) -> None:
        own = getattr(history, table, None)
        for rows in [own] if own is not None else history.every(table):
            found = next(row for row in rows if all(row.get(key) == value for key, value in where.items()))
            rows.append({**found, **values})

    return plant


def both(*plants: Plant) -> Plant:
    """Several changes, in order, that make one mistake."""

    def plant(history: LiteralHistory) -> None:
        for one in plants:
            one(history)

    return plant


def told(at_ms: float, service: str, kind: str, **more: object) -> Plant:
    """Let a service tell one event more."""
    return lambda history: history.events.insert(-2, stack_said(at_ms, service, kind, **more))


def drained(at_ms: int) -> Plant:
    """End the load, and all that follows it, later."""

    def plant(history: LiteralHistory) -> None:
        at = next(i for i, event in enumerate(history.events) if isinstance(event, LoadDrained))
        later = at_ms * MS - history.events[at].at_ns
        history.events[at:] = [
            msgspec.structs.replace(event, at_ns=event.at_ns + later) for event in history.events[at:]
        ]

    return plant


def state(node: str, **values: object) -> Plant:
    """Let one replica say another thing of itself (`promised_epoch`, `commit_index`, …)."""
    return lambda history: history.replicas[node].state.update(values)


def charlie_lacks(table: str, where: Row) -> Plant:
    """Take the rows that match away from one replica."""

    def plant(history: LiteralHistory) -> None:
        rows = history.replicas["charlie"].tables[table]
        rows[:] = [row for row in rows if any(row.get(key) != value for key, value in where.items())]

    return plant


def fill(index: int, ordinal: int) -> Row:
    """What finds one execution: the entry that made it, and its number in that entry, from 0."""
    return {"index": index, "ordinal": ordinal}


def order(coid: str) -> Row:
    """What finds all that belongs to a client order id."""
    return {"client_order_id": coid}

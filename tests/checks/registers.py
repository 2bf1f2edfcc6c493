"""Histories of registers, written by hand, and a judge of them that tries every order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any

from harness.checks.examples.history import MS, meta
from harness.checks.registers.history import NEVER, History, RegisterOp, Value
from harness.history.columns import OPERATIONS, TABLES
from harness.history.frames import frame_of_rows
from harness.history.journal import Journal
from harness.history.run import Run
from harness.model.events import Collected, LoadStarted
from harness.model.operations import RegisterKind as Kind

Row = dict[str, Any]


def read(value: Value, called: float, returned: float) -> RegisterOp:
    return RegisterOp(0, Kind.READ, value, None, called, returned)


def write(value: Value, called: float, returned: float = NEVER) -> RegisterOp:
    return RegisterOp(0, Kind.WRITE, value, None, called, returned)


def cas(expected: Value, value: Value, called: float, returned: float = NEVER) -> RegisterOp:
    return RegisterOp(0, Kind.CAS, value, expected, called, returned)


def numbered(ops: Sequence[RegisterOp]) -> History:
    """As a history has them: by call, each with a row of its own."""
    ordered = sorted(ops, key=lambda op: op.called_ns)
    return tuple(op._replace(row=row) for row, op in enumerate(ordered))


def any_order_fits(history: History) -> bool:
    """Try every order of every choice of the operations that may never have taken effect."""
    return any(_fits(order) for chosen in _choices(history) for order in permutations(chosen))


def _choices(history: History) -> Iterator[tuple[RegisterOp, ...]]:
    known = tuple(op for op in history if op.known)
    doubtful = [op for op in history if not op.known]
    for bits in range(1 << len(doubtful)):
        yield known + tuple(op for at, op in enumerate(doubtful) if bits >> at & 1)


def _fits(order: Sequence[RegisterOp]) -> bool:
    value: Value = None
    latest_call = -NEVER
    for op in order:
        latest_call = max(latest_call, op.called_ns)
        if op.returned_ns < latest_call:
            return False
        if op.kind is Kind.READ and op.value != value:
            return False
        if op.kind is Kind.CAS and op.expected != value:
            return False
        if op.kind is not Kind.READ:
            value = op.value
    return True


def asked(kind: str, key: str, at_ms: float, *, took_ms: float | None = 5.0, **values: Any) -> Row:
    """A row of the table of operations; `took_ms` None: nothing was ever heard."""
    sent_ns = round(at_ms * MS)
    outcome = "info" if took_ms is None else "ok"
    return {
        "worker": "flow-0",
        "client": "flow-0@alpha",
        "purpose": "flow",
        "kind": kind,
        "gateway": "alpha",
        "key": key,
        "intended_ns": sent_ns,
        "sent_ns": sent_ns,
        "completed_ns": None if took_ms is None else sent_ns + round(took_ms * MS),
        "outcome": outcome,
        "first_attempt": outcome,
        "attempts": 1,
        **values,
    }


def final(key: str, value: Value, at_ms: float = 9_000) -> Row:
    """What a read of the end state showed."""
    return asked("read", key, at_ms, value=value, purpose="final")


def run_of(*rows: Row) -> Run:
    """A whole run with these operations and nothing else."""
    table = frame_of_rows(OPERATIONS, [{"op": number, **row} for number, row in enumerate(rows, 1)])
    tables = {name: frame_of_rows(columns, []) for name, columns in TABLES.items()} | {"operations": table}
    journal = Journal(
        (
            LoadStarted(at_ns=0, workers=1),
            Collected(at_ns=10_000 * MS, replicas=0, quotes=0, accounts=0, missing=()),
        )
    )
    return Run(meta(), journal, tables=tables)

"""The operations on each register of a run, as the search for an order sees them.

What a client asked for and was told becomes an interval of the run's clock: it took effect at one moment from `called_ns`
to `returned_ns`. A write or a compare-and-set whose outcome nobody knows may take effect at any later moment, or never. A
refused one took no effect, and tells nothing of what the register held.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from harness.checks.view import MISSING, View
from harness.model.operations import RegisterKind as Kind
from harness.model.record import FINAL

NEVER: Final = math.inf

Value: TypeAlias = str | None
"""What a register holds; None before its first write."""


class RegisterOp(NamedTuple):
    """One operation on one register.

    `row` is its row in the table of operations. `value` is what was read, or what was to be written; `expected` what a
    compare-and-set compared with. `returned_ns` is `NEVER` where nobody knows whether it took effect (not `known`).
    """

    row: int
    kind: Kind
    value: Value
    expected: Value
    called_ns: float
    returned_ns: float

    @property
    def known(self) -> bool:
        """Whether it certainly took effect."""
        return self.returned_ns != NEVER

    @property
    def found(self) -> Value:
        """What a read or a compare-and-set that took effect found in the register."""
        return self.expected if self.kind is Kind.CAS else self.value


History: TypeAlias = tuple[RegisterOp, ...]


def histories(view: View) -> dict[str, History]:
    """Every key's operations that took effect, or may have, by the time of their call; made once a run."""
    found = view.run.cache.get("registers")
    if found is None:
        found = view.run.cache["registers"] = _histories(view)
    made: dict[str, History] = found
    return made


def observed(history: Iterable[RegisterOp]) -> History:
    """Without the operations of unknown outcome that nothing speaks of: an order without them fits as well as with them.

    Nobody found what they wrote, so whatever stands between one of them and the next change fits the value before it, too.
    """
    whole = tuple(history)
    needed = {op.found for op in whole if op.known and op.kind is not Kind.WRITE}
    doubtful = [op for op in whole if not op.known]
    while more := [op for op in doubtful if op.value in needed]:
        doubtful = [op for op in doubtful if op.value not in needed]
        needed |= {op.expected for op in more if op.kind is Kind.CAS}
    left_out = {op.row for op in doubtful}
    return tuple(op for op in whole if op.row not in left_out)


def mutators(history: Iterable[RegisterOp]) -> History:
    """The writes and compare-and-sets."""
    return tuple(op for op in history if op.kind is not Kind.READ)


def are_unique(history: Iterable[RegisterOp]) -> bool:
    """Whether no value is written twice, so that what is read tells who wrote it."""
    values = [op.value for op in mutators(history)]
    return None not in values and len(set(values)) == len(values)


def final_reads(view: View) -> Mapping[str, Sequence[RegisterOp]]:
    """By key, the reads of the end state that were answered."""
    final = view.equals("operations", "purpose", FINAL)
    return {
        key: found
        for key, ops in histories(view).items()
        if (found := [op for op in ops if op.kind is Kind.READ and final[op.row]])
    }


def _histories(view: View) -> dict[str, History]:
    rows = _judged(view)
    frame = view.run.operations.iloc[rows]
    columns = zip(
        rows.tolist(),
        frame["key"].tolist(),
        frame["kind"].tolist(),
        _texts(frame["value"]),
        _texts(frame["expected"]),
        view.ints("operations", "sent_ns")[rows].tolist(),
        view.ints("operations", "completed_ns")[rows].tolist(),
        view.equals("operations", "outcome", "ok")[rows].tolist(),
        strict=True,
    )
    found: dict[str, list[RegisterOp]] = {}
    for row, key, kind, value, expected, sent_ns, completed_ns, ok in columns:
        op = RegisterOp(row, Kind(kind), value, expected, sent_ns, completed_ns if ok else NEVER)
        found.setdefault(key, []).append(op)
    return {key: tuple(sorted(ops, key=_by_call)) for key, ops in sorted(found.items())}


def _judged(view: View) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Rows of reads that were answered, and of changes that were sent and not refused."""
    reads = view.equals("operations", "kind", Kind.READ)
    changes = view.equals("operations", "kind", Kind.WRITE) | view.equals("operations", "kind", Kind.CAS)
    ok, fail = (view.equals("operations", "outcome", word) for word in ("ok", "fail"))
    sent = view.ints("operations", "sent_ns") != MISSING
    return np.flatnonzero(sent & ~view.missing("operations", "key") & ((reads & ok) | (changes & ~fail)))


def _texts(column: Any) -> list[Value]:
    """A column of text with None where nothing stands."""
    texts: Collection[Value] = column.astype(object).where(column.notna(), None)
    return list(texts)


def _by_call(op: RegisterOp) -> tuple[float, int]:
    return op.called_ns, op.row

"""How the probes fare right now: a fold over their records, for steady states and guards while a run goes on."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from harness.load.timed import PROBE, RECONNECT, outcome_of
from harness.model.record import Completed, Invoked, OperationRecord

KEEP_NS: Final = 120 * 10**9
OUT_OF_ORDER_NS: Final = (
    5 * 10**9
)  # probes end in another order than they were due, but not by more than this


@dataclass(frozen=True, slots=True)
class ProbeCount:
    """The probes that one stream should have sent in a window, and what came of them.

    `on_time` were ok within the deadline, `late` ok after it; `failed` and `unknown` were answered so; the rest of
    `scheduled` was not over yet, or never sent.
    """

    scheduled: int
    on_time: int
    late: int
    failed: int
    unknown: int

    @property
    def availability(self) -> float:
        """The share of scheduled probes that were ok in time; 1 when none was scheduled."""
        return self.on_time / self.scheduled if self.scheduled else 1.0


@dataclass(slots=True)
class _Stream:
    """One stream of probes: (due, completed, outcome), by due time as far as records came in order."""

    first_due_ns: int
    over: deque[tuple[int, int, str]] = field(default_factory=deque)


class LiveProbes:
    """Counts probes a stream: each gateway's name, and `reconnect` for the client that moves."""

    def __init__(self, *, every_ns: int, keep_ns: int = KEEP_NS) -> None:
        self._every_ns = every_ns
        self._keep_ns = keep_ns
        self._open: dict[int, tuple[str, int]] = {}
        self._streams: dict[str, _Stream] = {}

    def feed(self, records: Iterable[OperationRecord]) -> None:
        """Take in new records; those that are no probes are passed over."""
        for record in records:
            if isinstance(record, Invoked):
                self._invoked(record)
            else:
                self._completed(record)

    def counts(self, *, from_ns: int, to_ns: int, deadline_ns: int) -> dict[str, ProbeCount]:
        """Of each stream, the probes due in [from_ns, to_ns); monotonic time.

        What should have been sent is counted from the schedule, not from the records: a probe that waits for a
        connection has no record yet, and must not look as if it had never been due.
        """
        return {
            name: self._count(stream, max(from_ns, stream.first_due_ns), to_ns, deadline_ns)
            for name, stream in self._streams.items()
        }

    def _invoked(self, record: Invoked) -> None:
        if record.purpose not in (PROBE, RECONNECT):
            return
        name = RECONNECT if record.purpose == RECONNECT else record.gateway
        stream = self._streams.setdefault(name, _Stream(record.intended_ns))
        stream.first_due_ns = min(stream.first_due_ns, record.intended_ns)
        self._open[record.op] = (name, record.intended_ns)

    def _completed(self, record: Completed) -> None:
        known = self._open.pop(record.op, None)
        if known is None:
            return
        name, due_ns = known
        over = self._streams[name].over
        over.append((due_ns, record.completed_ns, outcome_of(record.reply)))
        while over and over[0][0] < due_ns - self._keep_ns:
            over.popleft()

    def _count(self, stream: _Stream, from_ns: int, to_ns: int, deadline_ns: int) -> ProbeCount:
        scheduled = _ticks_before(to_ns, stream.first_due_ns, self._every_ns)
        scheduled -= _ticks_before(from_ns, stream.first_due_ns, self._every_ns)
        recent = itertools.takewhile(lambda each: each[0] >= from_ns - OUT_OF_ORDER_NS, reversed(stream.over))
        inside = [each for each in recent if from_ns <= each[0] < to_ns]
        ok = [completed_ns - due_ns for due_ns, completed_ns, outcome in inside if outcome == "ok"]
        on_time = sum(took_ns <= deadline_ns for took_ns in ok)
        failed = sum(outcome == "fail" for _, _, outcome in inside)
        unknown = sum(outcome == "info" for _, _, outcome in inside)
        return ProbeCount(max(0, scheduled), on_time, len(ok) - on_time, failed, unknown)


def sum_of(counts: Mapping[str, ProbeCount]) -> ProbeCount:
    """All streams as one."""
    return ProbeCount(
        scheduled=sum(count.scheduled for count in counts.values()),
        on_time=sum(count.on_time for count in counts.values()),
        late=sum(count.late for count in counts.values()),
        failed=sum(count.failed for count in counts.values()),
        unknown=sum(count.unknown for count in counts.values()),
    )


def _ticks_before(at_ns: int, first_ns: int, every_ns: int) -> int:
    return max(0, -((first_ns - at_ns) // every_ns))

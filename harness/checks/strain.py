"""When the machine was not the run's own: stretches in which it stood still, or strangers held much of it."""

from __future__ import annotations

from typing import Final, NamedTuple

from harness.checks.circumstances import CONTENTION_LIMIT, unexplained_stalls
from harness.history.run import Run
from harness.model.events import HostContended

CONTENDED_NS: Final = 2_000_000_000
"""How long a stretch one `HostContended` speaks of: the time between two readings, which ends with the event."""


class Stretch(NamedTuple):
    """From and until when, on the run's clock."""

    begin_ns: int
    end_ns: int

    @property
    def length_ns(self) -> int:
        return self.end_ns - self.begin_ns


def stalls(run: Run) -> tuple[Stretch, ...]:
    """Stretches in which the host stood still, not because of the stack."""
    return tuple(Stretch(stall.at_ns - stall.stall_ns, stall.at_ns) for stall in unexplained_stalls(run))


def contentions(run: Run) -> dict[Stretch, float]:
    """Stretches in which strangers used more than 30 % of the machine, and the share that they used."""
    return {
        Stretch(event.at_ns - CONTENDED_NS, event.at_ns): event.share
        for event in run.events
        if isinstance(event, HostContended) and event.share > CONTENTION_LIMIT
    }


def strained(run: Run, since_ns: int, until_ns: int) -> bool:
    """Whether the machine stood still, or was in strangers' hands, at any time between the two."""
    return any(
        begin_ns <= until_ns and since_ns <= end_ns for begin_ns, end_ns in (*stalls(run), *contentions(run))
    )

"""When the machine was not the run's own: stretches in which it stood still, or strangers held much of it."""

from __future__ import annotations

from typing import Final, NamedTuple

from harness.history.run import Run
from harness.model.events import HostContended, HostStalled

STALL_LIMIT_NS: Final = 50_000_000
STACK_SHARE: Final = 0.5
"""A stall is the stack's own doing when its processes used at least this share of all processors meanwhile."""

CONTENTION_LIMIT: Final = 0.3
"""Above this share of the machine in strangers' hands, the stack's processes wait for their turn: the reference stack
under its usual load needs about half of two processors itself."""

CONTENDED_NS: Final = 2_000_000_000
"""How long a stretch one `HostContended` speaks of: the time between two readings, which ends with the event."""


class Stretch(NamedTuple):
    """From and until when, on the run's clock."""

    begin_ns: int
    end_ns: int

    @property
    def length_ns(self) -> int:
        return self.end_ns - self.begin_ns


def unexplained_stalls(run: Run) -> tuple[HostStalled, ...]:
    """Stalls of the host above 50 ms, while load was due, that the stack's own processor time doesn't explain."""
    cpus = run.meta.machine.get("cpus")
    capacity = float(cpus) if isinstance(cpus, (int, float)) and cpus > 0 else 1.0
    end_ns = run.drained_ns
    return tuple(
        event
        for event in run.events
        if isinstance(event, HostStalled)
        and event.stall_ns > STALL_LIMIT_NS
        and event.stack_cpu_ns < STACK_SHARE * capacity * event.stall_ns
        and event.at_ns >= run.zero_ns
        and (end_ns is None or event.at_ns - event.stall_ns <= end_ns)
    )


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


def contended_shares(run: Run) -> tuple[float, ...]:
    """The shares of the machine that strangers used, of the stretches under load in which they used more than 30 %."""
    end_ns = run.drained_ns
    return tuple(
        share
        for stretch, share in contentions(run).items()
        if stretch.end_ns >= run.zero_ns and (end_ns is None or stretch.end_ns <= end_ns)
    )


def strained(run: Run, since_ns: int, until_ns: int) -> bool:
    """Whether the machine stood still, or was in strangers' hands, at any time between the two."""
    return any(
        begin_ns <= until_ns and since_ns <= end_ns for begin_ns, end_ns in (*stalls(run), *contentions(run))
    )

"""All monitors of one primary together."""

from __future__ import annotations

from typing import Final

from trading_stack.sentinel.messages import Heartbeat
from trading_stack.sentinel.monitors.commits import COMMITS
from trading_stack.sentinel.monitors.errors import ERRORS
from trading_stack.sentinel.monitors.fsyncs import FSYNCS
from trading_stack.sentinel.monitors.gauge import Level
from trading_stack.sentinel.monitors.latencies import LATENCIES
from trading_stack.sentinel.monitors.limits import Limits
from trading_stack.sentinel.monitors.monitor import Monitor
from trading_stack.sentinel.monitors.queues import QUEUES

SUBJECTS: Final = (COMMITS, FSYNCS, QUEUES, ERRORS, LATENCIES)


def noteworthy(beat: Heartbeat, limits: Limits) -> bool:
    """Whether any figure of this heartbeat is worse than healthy; one that is not changes no panel at rest."""
    for subject in SUBJECTS:  # noqa: SIM110 - asked of each heartbeat, and a generator costs more than the figures
        if subject.figure(beat, limits) >= subject.bounds(limits).degraded:
            return True
    return False


def stuck(beat: Heartbeat, limits: Limits) -> bool:
    """Whether an engine that says this could not make a promise durable now."""
    return FSYNCS.figure(beat, limits) >= limits.fsync_age_ns.failing


class Panel:
    """Judges one primary from its first heartbeat to its last."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._monitors = [Monitor(subject, limits) for subject in SUBJECTS]
        self._at_rest = True

    @property
    def at_rest(self) -> bool:
        """Whether heartbeats that are not `noteworthy` would change nothing."""
        return self._at_rest

    @property
    def levels(self) -> dict[str, Level]:
        """Each monitor's level, by its name."""
        return {monitor.subject.name: monitor.level for monitor in self._monitors}

    def hear(self, beat: Heartbeat, now_ns: int) -> None:
        """Take a heartbeat of the primary while it serves."""
        if self._at_rest and not noteworthy(beat, self._limits):
            return
        for monitor in self._monitors:
            monitor.hear(beat, now_ns)
        self._at_rest = all(monitor.at_rest for monitor in self._monitors)

    def complaint(self) -> str | None:
        """What of this primary's work fails, or None."""
        if self._at_rest:
            return None
        failing = [str(monitor) for monitor in self._monitors if monitor.level is Level.FAILING]
        return f"it works badly: {', '.join(failing)}" if failing else None

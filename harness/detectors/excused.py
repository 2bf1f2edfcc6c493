"""A fixed time-out that doesn't hold its own lag against anybody: time in which the watcher did not run is no silence."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np

from harness.detectors.contract import Deadlines
from harness.detectors.fixed import STEPS
from harness.detectors.timeline import Timeline
from harness.detectors.trace import Ints

OWN_LAG_NS: Final = 15_000_000
"""Lags above this are excused: three ticks of a watcher that looks every 5 ms."""


class ExcusedSilence:
    """Suspects `timeout_ns` after the last heartbeat, own lags not counted."""

    def __init__(self, timeout_ns: int) -> None:
        self.deadline_ns: int | None = None
        self._timeout_ns = timeout_ns

    def heard(self, sequence: int, at_ns: int) -> None:
        self.deadline_ns = at_ns + self._timeout_ns

    def lagged(self, lag_ns: int, at_ns: int) -> None:
        """Who was suspected before the lag began stays so; who was not is as if heard that much later, but not after now."""
        if self.deadline_ns is None or lag_ns <= OWN_LAG_NS or self.deadline_ns < at_ns - lag_ns:
            return
        self.deadline_ns = min(self.deadline_ns + lag_ns, at_ns + self._timeout_ns)


class Excused:
    """For machines on which processes wait for their turn."""

    name: ClassVar[str] = "excused"
    title: ClassVar[str] = "own lag excused"
    told: ClassVar[str] = (
        f"suspects after the time-out, not counting times of over {OWN_LAG_NS // 10**6} ms in which it did not run itself"
    )
    unit: ClassVar[str] = "ns"

    def settings(self, heartbeat_ns: int) -> tuple[float, ...]:
        return tuple(step * heartbeat_ns for step in STEPS)

    def detector(self, setting: float, *, heartbeat_ns: int) -> ExcusedSilence:
        return ExcusedSilence(round(setting))

    def over(self, timeline: Timeline) -> Deadlines:
        return lambda setting: excused_deadlines(timeline, round(setting))


def excused_deadlines(timeline: Timeline, timeout_ns: int) -> Ints:
    """Heartbeats that no lag follows in time are done at once; the others take one step a lag."""
    deadline = timeline.heard_ns + timeout_ns
    kept = timeline.lag_ns > OWN_LAG_NS
    begin, end = timeline.from_ns[kept], timeline.until_ns[kept]
    following = np.searchsorted(end, timeline.heard_ns, side="right")
    left = np.flatnonzero(following < len(end))
    at = following[left]
    while len(left):
        counts = deadline[left] >= begin[at]
        left, at = left[counts], at[counts]
        later = deadline[left] + end[at] - begin[at]
        deadline[left] = np.minimum(later, end[at] + timeout_ns)
        more = at + 1 < len(end)
        left, at = left[more], at[more] + 1
    return deadline

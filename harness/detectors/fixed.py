"""A fixed time-out: suspect when nothing was heard for so long."""

from __future__ import annotations

from typing import ClassVar

from harness.detectors.contract import Deadlines
from harness.detectors.timeline import Timeline

STEPS = (1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 17, 20, 25, 30, 40, 50)
"""Time-outs of a curve, in heartbeats."""


class Silence:
    """Suspects `timeout_ns` after the last heartbeat."""

    def __init__(self, timeout_ns: int) -> None:
        self.timeout_ns = timeout_ns
        self.deadline_ns: int | None = None

    def heard(self, sequence: int, at_ns: int) -> None:
        self.deadline_ns = at_ns + self.timeout_ns

    def lagged(self, lag_ns: int, at_ns: int) -> None:
        """Own lag makes no difference to it."""


class Fixed:
    """The detector that most systems ship."""

    name: ClassVar[str] = "fixed"
    title: ClassVar[str] = "fixed time-out"
    told: ClassVar[str] = "suspects when nothing was heard for the time-out"
    unit: ClassVar[str] = "ns"

    def settings(self, heartbeat_ns: int) -> tuple[float, ...]:
        return tuple(step * heartbeat_ns for step in STEPS)

    def detector(self, setting: float, *, heartbeat_ns: int) -> Silence:
        return Silence(round(setting))

    def over(self, timeline: Timeline) -> Deadlines:
        return lambda setting: timeline.heard_ns + round(setting)

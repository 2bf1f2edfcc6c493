"""What a monitor is: a figure of a heartbeat, and the bounds that it is judged by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from trading_stack.sentinel.messages import Heartbeat
from trading_stack.sentinel.monitors.gauge import Bounds, Gauge, Level
from trading_stack.sentinel.monitors.limits import Limits

MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing to watch: its figure in a heartbeat, where its bounds stand, and how to say the figure to people."""

    name: str
    figure: Callable[[Heartbeat, Limits], int]
    bounds: Callable[[Limits], Bounds]
    say: Callable[[int], str]


class Monitor:
    """Watches one subject of one primary."""

    def __init__(self, subject: Subject, limits: Limits) -> None:
        self.subject = subject
        self._limits = limits
        self._gauge = Gauge(subject.bounds(limits), gap_ns=limits.gap_ns)

    @property
    def level(self) -> Level:
        return self._gauge.level

    @property
    def at_rest(self) -> bool:
        return self._gauge.at_rest

    def hear(self, beat: Heartbeat, now_ns: int) -> None:
        """Take the figure of a heartbeat."""
        self._gauge.tell(self.subject.figure(beat, self._limits), now_ns)

    def __str__(self) -> str:
        return self.subject.say(self._gauge.figure)

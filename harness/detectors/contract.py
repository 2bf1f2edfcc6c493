"""What a failure detector is, and what a kind of them adds for going through a whole trace at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Protocol, TypeAlias

from harness.detectors.timeline import Timeline
from harness.detectors.trace import Ints

Deadlines: TypeAlias = Callable[[float], Ints]
"""From a setting to one moment a heartbeat: from when its watcher suspects, unless it hears another one before."""


class Detector(Protocol):
    """One watcher's opinion of one sender. It is told the time and never asks for it; times never fall."""

    @property
    def deadline_ns(self) -> int | None:
        """From when the sender is suspected unless more is heard; None before the first heartbeat."""

    def heard(self, sequence: int, at_ns: int) -> None:
        """A heartbeat, newer than all before it."""

    def lagged(self, lag_ns: int, at_ns: int) -> None:
        """The watcher itself had not run for `lag_ns` when it did again at `at_ns`."""


class Kind(Protocol):
    """A family of detectors with one setting, swept to draw its curve. One a file, registered in `registry`."""

    name: ClassVar[str]
    title: ClassVar[str]
    told: ClassVar[str]
    """What it does, in one sentence."""
    unit: ClassVar[str]
    """Of its setting: `ns`, shown and read as a duration, or empty for a plain number."""

    def settings(self, heartbeat_ns: int) -> tuple[float, ...]:
        """The settings that draw its curve, rising."""

    def detector(self, setting: float, *, heartbeat_ns: int) -> Detector:
        """One detector, for one life of a sender."""

    def over(self, timeline: Timeline) -> Deadlines:
        """The same detector over a whole trace; what doesn't depend on the setting is computed once.

        A deadline rests on what its watcher had noted by then, and on no later heartbeat.
        """


def suspects(detector: Detector, now_ns: int) -> bool:
    """Whether the sender is suspected at this moment."""
    deadline_ns = detector.deadline_ns
    return deadline_ns is not None and now_ns >= deadline_ns

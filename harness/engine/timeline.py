"""When things are due: the pure schedule of one run, on the scenario's clock.

The schedule holds what is due at a time and what waits for a moment (`when:`). It never sleeps and reads no clock: the
engine asks `next_due_ns`, sleeps, takes what is due, and tells it what happened.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Waiting(Generic[T]):
    """Something that waits for an event: due `after_ns` after the first event that `matches` names."""

    matches: str
    after_ns: int
    what: T


@dataclass(frozen=True, slots=True)
class Due(Generic[T]):
    """Something that has become due. `trigger_ns` is when the event that it waited for happened."""

    at_ns: int
    what: T
    trigger: str | None = None
    trigger_ns: int | None = None


@dataclass(slots=True)
class Timeline(Generic[T]):
    """Steps by time, ties in the order in which they were added; and those that wait for an event."""

    _heap: list[tuple[int, int, Due[T]]] = field(default_factory=list)
    _waiting: list[Waiting[T]] = field(default_factory=list)
    _order: Callable[[], int] = field(default_factory=lambda: count().__next__)

    def add(self, at_ns: int, what: T, *, trigger: str | None = None, trigger_ns: int | None = None) -> None:
        """Add a step that is due at a time; one in the past is due at once."""
        heapq.heappush(self._heap, (at_ns, self._order(), Due(at_ns, what, trigger, trigger_ns)))

    def wait_for(self, event: str, after_ns: int, what: T) -> None:
        """Add a step that is due `after_ns` after the first event of that name."""
        self._waiting.append(Waiting(event, after_ns, what))

    def happened(self, event: str, at_ns: int) -> bool:
        """Tell that an event happened; answers whether anything had waited for it."""
        met = [waiting for waiting in self._waiting if waiting.matches == event]
        if not met:
            return False
        self._waiting = [waiting for waiting in self._waiting if waiting.matches != event]
        for waiting in met:
            self.add(at_ns + waiting.after_ns, waiting.what, trigger=event, trigger_ns=at_ns)
        return True

    def next_due_ns(self) -> int | None:
        """When the next step is due; None when nothing is scheduled."""
        return self._heap[0][0] if self._heap else None

    def take_due(self, now_ns: int) -> Iterable[Due[T]]:
        """Take out, in order, all that is due by now."""
        while self._heap and self._heap[0][0] <= now_ns:
            yield heapq.heappop(self._heap)[2]

    def drop(self, unwanted: Callable[[T], bool]) -> None:
        """Forget steps that are no longer wanted (those of a fault that was healed early)."""
        self._heap = [item for item in self._heap if not unwanted(item[2].what)]
        heapq.heapify(self._heap)
        self._waiting = [waiting for waiting in self._waiting if not unwanted(waiting.what)]

    def still_waiting(self) -> tuple[str, ...]:
        """The events that something waits for and that have not happened."""
        return tuple(sorted({waiting.matches for waiting in self._waiting}))

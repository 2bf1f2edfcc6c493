"""Bytes on their way: a first-in, first-out queue whose entries leave when they are due."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from harness.wan.timing import Alarm
from harness.wan.toxics.contract import End, Outlet, Place

_AT_ONCE_NS: Final = 20_000  # an alarm would come later than that


class HasNext(Protocol):
    """The stage that owns a queue; its outlet may change at any time."""

    next: Outlet


class Held:
    """The queue of one stage. Due times must not decrease, so that order is kept.

    Reading from the source pauses above `limit_bytes` and resumes at half of it.
    """

    __slots__ = ("_alarm", "_full", "_limit_bytes", "_now_ns", "_owner", "_queue", "_valve", "held_bytes")

    def __init__(self, owner: HasNext, place: Place, *, limit_bytes: int) -> None:
        self._owner = owner
        self._valve = place.valve
        self._now_ns = place.timer.now_ns
        self._alarm = Alarm(place.timer, self._on_due)
        self._queue: deque[tuple[int, bytes | End, int]] = deque()
        self._limit_bytes = limit_bytes
        self._full = False
        self.held_bytes = 0

    def __iter__(self) -> Iterator[tuple[int, bytes | End, int]]:
        return iter(self._queue)

    def put(self, item: bytes | End, due_ns: int, at_ns: int) -> None:
        """Hold bytes or an end that came at `at_ns` until `due_ns`."""
        queue = self._queue
        if not queue:
            if due_ns - at_ns < _AT_ONCE_NS and due_ns <= self._now_ns():
                self._hand_on(item, due_ns)
                return
            self._alarm.set(due_ns)
        queue.append((due_ns, item, at_ns))
        if item.__class__ is bytes:
            self.held_bytes += len(item)
            if self.held_bytes > self._limit_bytes and not self._full:
                self._full = True
                self._valve.block(self)

    def retime(self, due_ns: Callable[[bytes | End, int], int]) -> None:
        """Compute every due time again from what waits and when it came."""
        self._queue = deque((due_ns(item, at_ns), item, at_ns) for _, item, at_ns in self._queue)
        if self._queue:
            self._alarm.set(self._queue[0][0])

    def flush(self, at_ns: int) -> None:
        """Pass everything on now."""
        self._pass_on(at_ns, now=True)

    def clear(self) -> None:
        """Lose everything."""
        self._queue.clear()
        self._alarm.clear()
        self.held_bytes = 0
        self._relieve()

    def _on_due(self, now_ns: int) -> None:
        self._pass_on(now_ns, now=False)
        if self._queue:
            self._alarm.set(self._queue[0][0])

    def _pass_on(self, until_ns: int, *, now: bool) -> None:
        queue, owner = self._queue, self._owner
        while queue and (now or queue[0][0] <= until_ns):
            due_ns, item, _ = queue.popleft()
            moved_ns = until_ns if now else due_ns
            if isinstance(item, bytes):
                self.held_bytes -= len(item)
                owner.next.feed(item, moved_ns)
            else:
                owner.next.end(item, moved_ns)
        if self._full:
            self._relieve()

    def _hand_on(self, item: bytes | End, at_ns: int) -> None:
        if isinstance(item, bytes):
            self._owner.next.feed(item, at_ns)
        else:
            self._owner.next.end(item, at_ns)

    def _relieve(self) -> None:
        if self._full and self.held_bytes <= self._limit_bytes // 2:
            self._full = False
            self._valve.unblock(self)

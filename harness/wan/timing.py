"""Alarms on the monotonic clock, finer than the whole milliseconds of uvloop's own timers.

On Linux one timerfd serves every alarm of the process; elsewhere the event loop's timers do, with their resolution.
"""

from __future__ import annotations

import asyncio
import ctypes
import heapq
import os
import sys
import time
from collections.abc import Callable
from typing import Final, Protocol

NEVER: Final = 1 << 61
_NANOSECONDS: Final = 10**9


class Waker(Protocol):
    """Calls back once at, or shortly after, an absolute time of the monotonic clock."""

    def arm(self, due_ns: int) -> None:
        """Replace the time at which the call comes."""

    def close(self) -> None:
        """Never call again."""


class Timer:
    """Every alarm of one event loop, in a heap with lazy re-arming."""

    __slots__ = ("_armed_ns", "_count", "_heap", "_loop", "_ringing", "_waker", "now_ns")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        now_ns: Callable[[], int] = time.monotonic_ns,
        waker: Callable[[asyncio.AbstractEventLoop, Callable[[], None]], Waker] | None = None,
    ) -> None:
        self._loop = loop
        self.now_ns = now_ns
        self._heap: list[tuple[int, int, Alarm]] = []
        self._count = 0
        self._armed_ns = NEVER
        self._ringing = False
        self._waker = (waker or _best_waker)(loop, self.ring)

    def push(self, due_ns: int, alarm: Alarm) -> None:
        """Ring an alarm at a time; called by `Alarm` alone."""
        self._count += 1
        heapq.heappush(self._heap, (due_ns, self._count, alarm))
        if due_ns < self._armed_ns and not self._ringing:
            self._armed_ns = due_ns
            self._waker.arm(due_ns)

    def ring(self) -> None:
        """Ring every alarm that is due, then arm for the next."""
        now, heap = self.now_ns(), self._heap
        self._ringing = True
        try:
            while heap and heap[0][0] <= now:
                due_ns, _, alarm = heapq.heappop(heap)
                self._ring_one(alarm, due_ns, now)
        finally:
            self._ringing = False
        self._armed_ns = heap[0][0] if heap else NEVER
        self._waker.arm(self._armed_ns)

    def close(self) -> None:
        """Forget every alarm."""
        self._heap.clear()
        self._waker.close()

    def _ring_one(self, alarm: Alarm, due_ns: int, now_ns: int) -> None:
        try:
            alarm.ring(due_ns, now_ns)
        except Exception as error:  # one link's mistake must not stop the others' clocks
            self._loop.call_exception_handler({"message": "an alarm failed", "exception": error})


class Alarm:
    """One callback that can be set, moved and cleared at little cost: the heap is touched only to move it earlier."""

    __slots__ = ("_call", "_due_ns", "_queued_ns", "_timer")

    def __init__(self, timer: Timer, call: Callable[[int], None]) -> None:
        self._timer = timer
        self._call = call
        self._due_ns = NEVER
        self._queued_ns = NEVER

    def set(self, due_ns: int) -> None:
        """Call back once with the current time when `due_ns` has come, instead of at any earlier setting."""
        self._due_ns = due_ns
        if due_ns < self._queued_ns:
            self._queued_ns = due_ns
            self._timer.push(due_ns, self)

    def clear(self) -> None:
        """Don't call back."""
        self._due_ns = NEVER

    def ring(self, queued_ns: int, now_ns: int) -> None:
        """Called by the timer for each entry of the heap; all but the latest entry are stale."""
        if queued_ns != self._queued_ns:
            return
        self._queued_ns = NEVER
        if self._due_ns > now_ns:
            if self._due_ns < NEVER:
                self.set(self._due_ns)
            return
        self._due_ns = NEVER
        self._call(now_ns)


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


class TimerDescriptor:
    """A Linux timerfd on CLOCK_MONOTONIC (timerfd_create(2)); setting it again also clears its readiness."""

    _ABSOLUTE: Final = 1
    _NONBLOCK_CLOEXEC: Final = os.O_NONBLOCK | os.O_CLOEXEC

    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        self._settime = library.timerfd_settime
        self._settime.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
        self._descriptor: int = library.timerfd_create(time.CLOCK_MONOTONIC, self._NONBLOCK_CLOEXEC)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        self._spec = _TimerSpec()
        self._address = ctypes.addressof(self._spec)
        self._value = self._spec.value
        self._loop = loop
        loop.add_reader(self._descriptor, call)

    def arm(self, due_ns: int) -> None:
        value = self._value
        value.seconds, value.nanoseconds = divmod(due_ns, _NANOSECONDS) if due_ns < NEVER else (0, 0)
        self._settime(self._descriptor, self._ABSOLUTE, self._address, None)

    def close(self) -> None:
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1


class LoopTimer:
    """The event loop's own timers, for systems without timerfd."""

    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        self._loop = loop
        self._call = call
        self._handle: asyncio.TimerHandle | None = None

    def arm(self, due_ns: int) -> None:
        self.close()
        if due_ns < NEVER:
            self._handle = self._loop.call_later(
                max(0, due_ns - time.monotonic_ns()) / _NANOSECONDS, self._call
            )

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


def _best_waker(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> Waker:
    if sys.platform == "linux":
        try:
            return TimerDescriptor(loop, call)
        except (OSError, AttributeError):
            return LoopTimer(loop, call)
    return LoopTimer(loop, call)

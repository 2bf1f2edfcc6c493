"""Loses every byte of one direction, and closes the connection after a while."""

from __future__ import annotations

from typing import Final

import msgspec

from harness.wan.timing import Alarm
from harness.wan.toxics.contract import NOWHERE, End, Outlet, Place
from harness.wan.toxics.registry import register

_NS_PER_MS: Final = 1_000_000


class Timeout(msgspec.Struct, frozen=True, rename={"timeout_ms": "timeout"}):
    """Milliseconds without a byte after which the connection is closed; never at 0.

    As in Toxiproxy, every lost piece starts the wait again, and removing the toxic closes the connection.
    """

    timeout_ms: int | float = 0


class TimeoutStage:
    """Loses bytes; an end of the stream, the wait, or the toxic's removal closes the connection."""

    __slots__ = ("_alarm", "_now_ns", "_timeout_ns", "next")
    dark = False

    def __init__(self, settings: Timeout, place: Place) -> None:
        self.next: Outlet = NOWHERE
        self._alarm = Alarm(place.timer, self._close)
        self._now_ns = place.timer.now_ns
        self.update(settings, self._now_ns())

    def feed(self, data: bytes, at_ns: int) -> None:
        del data, at_ns
        self._wait_again(self._now_ns())

    def end(self, how: End, at_ns: int) -> None:
        self._alarm.clear()
        self.next.end(max(how, End.CLOSE), at_ns)

    def update(self, settings: Timeout, at_ns: int) -> None:
        self._timeout_ns = round(settings.timeout_ms * _NS_PER_MS)
        self._wait_again(at_ns)

    def release(self, at_ns: int) -> None:
        self._alarm.clear()
        self._close(at_ns)

    def discard(self) -> None:
        self._alarm.clear()

    def held_bytes(self) -> int:
        return 0

    def _wait_again(self, at_ns: int) -> None:
        if self._timeout_ns > 0:
            self._alarm.set(at_ns + self._timeout_ns)
        else:
            self._alarm.clear()

    def _close(self, at_ns: int) -> None:
        self.next.end(End.CLOSE, at_ns)


register("timeout", Timeout, TimeoutStage)

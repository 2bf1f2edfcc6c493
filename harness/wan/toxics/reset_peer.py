"""Resets a connection, at once or after a while, when something is sent over it."""

from __future__ import annotations

from typing import Final

import msgspec

from harness.wan.timing import Alarm
from harness.wan.toxics.contract import NOWHERE, End, Outlet, Place
from harness.wan.toxics.registry import register

_NS_PER_MS: Final = 1_000_000


class ResetPeer(msgspec.Struct, frozen=True, rename={"timeout_ms": "timeout"}):
    """Milliseconds from the first piece of data, or the end of the stream, to the reset of both sides."""

    timeout_ms: int | float = 0


class ResetPeerStage:
    """Loses what is sent; the first piece starts the wait for the reset, as in Toxiproxy."""

    __slots__ = ("_alarm", "_now_ns", "_pending", "_timeout_ns", "next")
    dark = False

    def __init__(self, settings: ResetPeer, place: Place) -> None:
        self.next: Outlet = NOWHERE
        self._alarm = Alarm(place.timer, self._reset)
        self._now_ns = place.timer.now_ns
        self._pending = False
        self._timeout_ns = round(settings.timeout_ms * _NS_PER_MS)

    def feed(self, data: bytes, at_ns: int) -> None:
        del data, at_ns
        self._begin()

    def end(self, how: End, at_ns: int) -> None:
        del how, at_ns
        self._begin()

    def update(self, settings: ResetPeer, at_ns: int) -> None:
        del at_ns
        self._timeout_ns = round(settings.timeout_ms * _NS_PER_MS)

    def release(self, at_ns: int) -> None:
        if self._pending:
            self._reset(at_ns)

    def discard(self) -> None:
        self._alarm.clear()
        self._pending = False

    def held_bytes(self) -> int:
        return 0

    def _begin(self) -> None:
        if self._pending:
            return
        self._pending = True
        if self._timeout_ns > 0:
            self._alarm.set(self._now_ns() + self._timeout_ns)
        else:
            self._reset(self._now_ns())

    def _reset(self, at_ns: int) -> None:
        self._alarm.clear()
        self.next.end(End.RESET, at_ns)


register("reset_peer", ResetPeer, ResetPeerStage)

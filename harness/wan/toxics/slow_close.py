"""Lets a connection close only after a delay."""

from __future__ import annotations

from typing import Final

import msgspec

from harness.wan.toxics.contract import NOWHERE, End, Outlet, Place
from harness.wan.toxics.held import Held
from harness.wan.toxics.registry import register

_NS_PER_MS: Final = 1_000_000


class SlowClose(msgspec.Struct, frozen=True, rename={"delay_ms": "delay"}):
    """Milliseconds between the end of a stream and the moment the other side learns of it."""

    delay_ms: int | float = 0


class SlowCloseStage:
    """Passes bytes straight on, and holds the end of the stream."""

    __slots__ = ("_delay_ns", "_held", "next")
    dark = False

    def __init__(self, settings: SlowClose, place: Place) -> None:
        self.next: Outlet = NOWHERE
        self._held = Held(self, place, limit_bytes=0)
        self._delay_ns = round(settings.delay_ms * _NS_PER_MS)

    def feed(self, data: bytes, at_ns: int) -> None:
        self.next.feed(data, at_ns)

    def end(self, how: End, at_ns: int) -> None:
        self._held.put(how, self._due_ns(how, at_ns), at_ns)

    def update(self, settings: SlowClose, at_ns: int) -> None:
        del at_ns
        self._delay_ns = round(settings.delay_ms * _NS_PER_MS)
        self._held.retime(self._due_ns)

    def release(self, at_ns: int) -> None:
        self._held.flush(at_ns)

    def discard(self) -> None:
        self._held.clear()

    def held_bytes(self) -> int:
        return 0

    def _due_ns(self, item: bytes | End, at_ns: int) -> int:
        del item
        return at_ns + self._delay_ns


register("slow_close", SlowClose, SlowCloseStage)

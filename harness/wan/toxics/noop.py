"""Does nothing, as Toxiproxy's toxic of that name."""

from __future__ import annotations

import msgspec

from harness.wan.toxics.contract import NOWHERE, End, Outlet, Place
from harness.wan.toxics.registry import register


class Noop(msgspec.Struct, frozen=True):
    """No settings."""


class NoopStage:
    """Passes everything straight on."""

    __slots__ = ("next",)
    dark = False

    def __init__(self, settings: Noop, place: Place) -> None:
        del settings, place
        self.next: Outlet = NOWHERE

    def feed(self, data: bytes, at_ns: int) -> None:
        self.next.feed(data, at_ns)

    def end(self, how: End, at_ns: int) -> None:
        self.next.end(how, at_ns)

    def update(self, settings: Noop, at_ns: int) -> None:
        del settings, at_ns

    def release(self, at_ns: int) -> None:
        del at_ns

    def discard(self) -> None:
        self.next = NOWHERE

    def held_bytes(self) -> int:
        return 0


register("noop", Noop, NoopStage)

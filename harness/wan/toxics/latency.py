"""Adds a delay, with jitter, to everything that moves in one direction."""

from __future__ import annotations

from random import Random
from typing import Final

import msgspec

from harness.wan.toxics.contract import NOWHERE, End, Outlet, Place
from harness.wan.toxics.held import Held
from harness.wan.toxics.registry import register

_WINDOW_BYTES: Final = 16 * 2**20
_NS_PER_MS: Final = 1_000_000


class Latency(msgspec.Struct, frozen=True, rename={"latency_ms": "latency", "jitter_ms": "jitter"}):
    """Milliseconds, plus or minus a jitter that is drawn evenly for each piece; order is kept.

    Fractions are ours: a Toxiproxy server takes whole milliseconds.
    """

    latency_ms: int | float = 0
    jitter_ms: int | float = 0


class LatencyStage:
    """Holds every piece for its delay; closes and resets travel with the same delay as bytes."""

    __slots__ = ("_held", "_jitter_ns", "_last_ns", "_latency_ns", "_place", "_random", "next")
    dark = False

    def __init__(self, settings: Latency, place: Place) -> None:
        self.next: Outlet = NOWHERE
        self._place = place
        self._random: Random | None = None
        self._held = Held(self, place, limit_bytes=_WINDOW_BYTES)
        self._last_ns = 0
        self._set(settings)

    def _set(self, settings: Latency) -> None:
        self._latency_ns = round(settings.latency_ms * _NS_PER_MS)
        self._jitter_ns = round(settings.jitter_ms * _NS_PER_MS)
        if self._jitter_ns and self._random is None:
            self._random = self._place.draw()

    def feed(self, data: bytes, at_ns: int) -> None:
        self._held.put(data, self._due_ns(data, at_ns), at_ns)

    def end(self, how: End, at_ns: int) -> None:
        self._held.put(how, self._due_ns(how, at_ns), at_ns)

    def update(self, settings: Latency, at_ns: int) -> None:
        del at_ns
        self._set(settings)
        self._last_ns = 0
        self._held.retime(self._due_ns)

    def release(self, at_ns: int) -> None:
        self._held.flush(at_ns)

    def discard(self) -> None:
        self._held.clear()

    def held_bytes(self) -> int:
        return self._held.held_bytes

    def _due_ns(self, item: bytes | End, at_ns: int) -> int:
        del item
        due_ns = at_ns + self._latency_ns
        if self._jitter_ns and self._random is not None:
            due_ns += int((2 * self._random.random() - 1) * self._jitter_ns)
        self._last_ns = max(self._last_ns, due_ns, at_ns)
        return self._last_ns


register("latency", Latency, LatencyStage)

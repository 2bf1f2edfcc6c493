"""Limits one direction to a rate."""

from __future__ import annotations

from typing import Final

import msgspec

from harness.wan.timing import NEVER
from harness.wan.toxics.contract import NOWHERE, End, Outlet, Place
from harness.wan.toxics.held import Held
from harness.wan.toxics.registry import register

_LIMIT_BYTES: Final = 64 * 2**10
_PIECE_BYTES: Final = 32 * 2**10
_NS_PER_MS: Final = 1_000_000


class Bandwidth(msgspec.Struct, frozen=True, rename={"rate_kb_per_s": "rate"}):
    """Thousands of bytes a second; nothing moves at 0."""

    rate_kb_per_s: int = 0


class BandwidthStage:
    """Passes each piece on when the line, busy with one piece at a time, has carried its last byte."""

    __slots__ = ("_free_ns", "_held", "_rate", "next")
    dark = False

    def __init__(self, settings: Bandwidth, place: Place) -> None:
        self.next: Outlet = NOWHERE
        self._held = Held(self, place, limit_bytes=max(_LIMIT_BYTES, settings.rate_kb_per_s * 10))
        self._rate = settings.rate_kb_per_s
        self._free_ns = 0

    def feed(self, data: bytes, at_ns: int) -> None:
        # Pieces of at most 100 ms of the line, as Toxiproxy cuts them, and none for a line that is done in 1 ms.
        step = max(1, min(max(_PIECE_BYTES, self._rate), self._rate * 100))
        if len(data) <= step:
            self._held.put(data, self._due_ns(data, at_ns), at_ns)
            return
        for start in range(0, len(data), step):
            piece = data[start : start + step]
            self._held.put(piece, self._due_ns(piece, at_ns), at_ns)

    def end(self, how: End, at_ns: int) -> None:
        self._held.put(how, self._due_ns(how, at_ns), at_ns)

    def update(self, settings: Bandwidth, at_ns: int) -> None:
        self._rate = settings.rate_kb_per_s
        self._free_ns = at_ns
        self._held.retime(self._due_ns)

    def release(self, at_ns: int) -> None:
        self._held.flush(at_ns)

    def discard(self) -> None:
        self._held.clear()

    def held_bytes(self) -> int:
        return self._held.held_bytes

    def _due_ns(self, item: bytes | End, at_ns: int) -> int:
        size = len(item) if isinstance(item, bytes) else 0
        if self._rate <= 0:
            return NEVER
        self._free_ns = max(self._free_ns, at_ns) + size * _NS_PER_MS // self._rate
        return self._free_ns


register("bandwidth", Bandwidth, BandwidthStage)

"""What `stall`, `drop` and `reject` share: a direction goes dark, and what was stalled is severed when it is lit again.

These are the harness's own toxics; a Toxiproxy server has none of them.

While a direction is dark nothing comes out at its far end: no byte, no close and no reset, whatever happens to the
process at its source. Reading from the source stops, so that nothing is acknowledged beyond the kernel's buffers.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

import msgspec

from harness.wan.toxics.contract import NOWHERE, End, Outlet, Place


class Established(StrEnum):
    """What happens to connections that exist when the toxic is added."""

    CUT = "cut"  # both ends are reset at once
    STALL = "stall"  # this direction goes dark
    KEEP = "keep"  # nothing: only new connections are affected


class Listening(StrEnum):
    """What a new connection meets."""

    OPEN = "open"  # an accepted handshake
    SATURATE = "saturate"  # silence: a full accept queue
    REFUSE = "refuse"  # a reset: nobody listens


class Gate(msgspec.Struct, frozen=True):
    """Settings of a toxic that can darken a link.

    With `sever`, connections that were stalled are reset when the last toxic that darkens them goes, so that their
    bytes never drain, as those of a cut cable; without it they flow again, as after a short outage that TCP bridges.
    """

    listening: ClassVar[Listening] = Listening.OPEN
    established: Established = Established.STALL
    sever: bool = True


class GateStage:
    """Holds everything."""

    __slots__ = ("_held", "_place", "_sever", "next")
    dark = True

    def __init__(self, settings: Gate, place: Place) -> None:
        self.next: Outlet = NOWHERE
        self._held: list[bytes | End] = []
        self._place = place
        self._sever = settings.sever
        place.valve.block(self)

    def feed(self, data: bytes, at_ns: int) -> None:
        del at_ns
        self._held.append(data)

    def end(self, how: End, at_ns: int) -> None:
        del at_ns
        self._held.append(how)

    def update(self, settings: Gate, at_ns: int) -> None:
        del at_ns
        self._sever = settings.sever

    def release(self, at_ns: int) -> None:
        held, self._held = self._held, []
        if self._sever:
            self._place.sever()
            return
        for item in held:
            if isinstance(item, bytes):
                self.next.feed(item, at_ns)
            else:
                self.next.end(item, at_ns)
        self._place.valve.unblock(self)

    def discard(self) -> None:
        self._held.clear()

    def held_bytes(self) -> int:
        return sum(len(item) for item in self._held if isinstance(item, bytes))

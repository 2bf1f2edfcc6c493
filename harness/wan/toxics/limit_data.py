"""Closes a connection once so many bytes have passed in one direction."""

from __future__ import annotations

import msgspec

from harness.wan.toxics.contract import NOWHERE, End, Outlet, Place
from harness.wan.toxics.registry import register


class LimitData(msgspec.Struct, frozen=True, rename={"limit_bytes": "bytes"}):
    """Bytes that pass on each connection before it is closed, counted from when the toxic came to it."""

    limit_bytes: int = 0


class LimitDataStage:
    """Passes bytes up to the limit; the last of them, or the first that is too many, closes the connection.

    As in Toxiproxy, a limit that is changed to less than has passed closes at the next byte.
    """

    __slots__ = ("_closed", "_limit_bytes", "_passed_bytes", "next")
    dark = False

    def __init__(self, settings: LimitData, place: Place) -> None:
        del place
        self.next: Outlet = NOWHERE
        self._limit_bytes = settings.limit_bytes
        self._passed_bytes = 0
        self._closed = False

    def feed(self, data: bytes, at_ns: int) -> None:
        if self._closed:
            return
        passing = data[: max(0, self._limit_bytes - self._passed_bytes)]
        if passing:
            self._passed_bytes += len(passing)
            self.next.feed(passing, at_ns)
        if self._passed_bytes >= self._limit_bytes:
            self._closed = True
            self.next.end(End.CLOSE, at_ns)

    def end(self, how: End, at_ns: int) -> None:
        if not self._closed:
            self.next.end(how, at_ns)

    def update(self, settings: LimitData, at_ns: int) -> None:
        del at_ns
        self._limit_bytes = settings.limit_bytes

    def release(self, at_ns: int) -> None:
        del at_ns

    def discard(self) -> None:
        self._closed = True

    def held_bytes(self) -> int:
        return 0


register("limit_data", LimitData, LimitDataStage)

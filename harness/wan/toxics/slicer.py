"""Cuts what moves in one direction into small pieces, with a pause behind each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from random import Random
from typing import Final

import msgspec

from harness.wan.timing import Alarm
from harness.wan.toxics.contract import NOWHERE, End, Outlet, Place
from harness.wan.toxics.registry import register

_READ_BYTES: Final = 32 * 2**10  # Toxiproxy cuts what it reads at once, and that is at most so much
_LIMIT_BYTES: Final = 64 * 2**10
_NS_PER_US: Final = 1000


class Slicer(
    msgspec.Struct,
    frozen=True,
    rename={
        "average_size_bytes": "average_size",
        "size_variation_bytes": "size_variation",
        "delay_us": "delay",
    },
):
    """The size of a piece, how much that varies either way, and the microseconds behind each piece.

    The variation should be less than the average. No piece has less than one byte.
    """

    average_size_bytes: int = 0
    size_variation_bytes: int = 0
    delay_us: int = 0


class SlicerStage:
    """Cuts one read at a time, and lets the next wait until the pause behind its last piece is over.

    As in Toxiproxy, a change or removal passes the rest of the read that is being cut on in one piece.
    """

    __slots__ = (
        "_alarm",
        "_due_ns",
        "_full",
        "_held_bytes",
        "_now_ns",
        "_pausing",
        "_pieces",
        "_random",
        "_reads",
        "_settings",
        "_valve",
        "next",
    )
    dark = False

    def __init__(self, settings: Slicer, place: Place) -> None:
        self.next: Outlet = NOWHERE
        self._alarm = Alarm(place.timer, self._resume)
        self._now_ns = place.timer.now_ns
        self._valve = place.valve
        self._random = place.draw()
        self._settings = settings
        self._reads: deque[bytes | End] = deque()
        self._pieces: deque[bytes] = deque()  # what is left of the read that is being cut
        self._pausing = False
        self._due_ns = 0
        self._held_bytes = 0
        self._full = False

    def feed(self, data: bytes, at_ns: int) -> None:
        self._reads.extend(data[at : at + _READ_BYTES] for at in range(0, len(data), _READ_BYTES))
        self._held_bytes += len(data)
        self._go_on(at_ns)
        if self._held_bytes > _LIMIT_BYTES and not self._full:
            self._full = True
            self._valve.block(self)

    def end(self, how: End, at_ns: int) -> None:
        self._reads.append(how)
        self._go_on(at_ns)

    def update(self, settings: Slicer, at_ns: int) -> None:
        self._settings = settings
        self._pass_rest_on(at_ns)
        self._go_on(at_ns)

    def release(self, at_ns: int) -> None:
        self._pass_rest_on(at_ns)
        while self._reads:
            item = self._reads.popleft()
            if isinstance(item, bytes):
                self._pass_on(item, at_ns)
            else:
                self.next.end(item, at_ns)

    def discard(self) -> None:
        self._alarm.clear()
        self._reads.clear()
        self._pieces.clear()
        self._held_bytes = 0

    def held_bytes(self) -> int:
        return self._held_bytes

    def _resume(self, now_ns: int) -> None:
        del now_ns
        self._pausing = False
        self._go_on(self._due_ns)

    def _go_on(self, at_ns: int) -> None:
        while not self._pausing and (self._pieces or self._reads):
            if self._pieces:
                self._pass_on(self._pieces.popleft(), at_ns)
                self._pause(at_ns)
                continue
            item = self._reads.popleft()
            if isinstance(item, bytes):
                self._pieces.extend(cut(item, self._settings, self._random))
            else:
                self.next.end(item, at_ns)

    def _pause(self, at_ns: int) -> None:
        # Through the timer even at 0: pieces that are written in one turn of the event loop leave as one.
        self._pausing = True
        self._due_ns = at_ns + max(0, self._settings.delay_us) * _NS_PER_US
        self._alarm.set(max(self._due_ns, self._now_ns()))

    def _pass_rest_on(self, at_ns: int) -> None:
        self._alarm.clear()
        self._pausing = False
        if self._pieces:
            rest = b"".join(self._pieces)
            self._pieces.clear()
            self._pass_on(rest, at_ns)

    def _pass_on(self, piece: bytes, at_ns: int) -> None:
        self._held_bytes -= len(piece)
        self.next.feed(piece, at_ns)
        if self._full and self._held_bytes <= _LIMIT_BYTES // 2:
            self._full = False
            self._valve.unblock(self)


def cut(data: bytes, settings: Slicer, random: Random) -> Iterator[bytes]:
    """Halve data at about its middle until each piece is at most the average and its variation long.

    >>> [len(piece) for piece in cut(b"x" * 100, Slicer(average_size_bytes=30), Random(7))]
    [25, 25, 25, 25]
    """
    most = max(1, settings.average_size_bytes + settings.size_variation_bytes)
    shift = _shift(max(0, settings.size_variation_bytes), random)
    ends = [len(data)]
    start = 0
    while ends:
        size = ends[-1] - start
        if size > most:
            ends.append(start + min(max(1, size // 2 + shift()), size - 1))
        else:
            end = ends.pop()
            yield data[start:end]
            start = end


def _shift(variation: int, random: Random) -> Callable[[], int]:
    return (lambda: random.randrange(-variation, variation)) if variation else (lambda: 0)


register("slicer", Slicer, SlicerStage)

"""Everything that happens in a world, one line an event: two equal traces are two equal runs."""

from __future__ import annotations

import hashlib
from typing import IO

import msgspec

from trading_stack.sentinel.events import Beat, Tick
from trading_stack.simulation.rules import Happening


class Trace:
    """Writes `time node event` lines to `file` (if any), and keeps their count and hash.

    `quiet` leaves out ticks and heartbeats, which a dozing sentinel does without.
    """

    def __init__(self, file: IO[str] | None = None, *, quiet: bool = False) -> None:
        self.lines = 0
        self._file = file
        self._quiet = quiet
        self._hash = hashlib.blake2b(digest_size=16)

    def line(self, at_ns: int, node: str, event: msgspec.Struct | Happening) -> None:
        """Note an event as it is handled."""
        if self._quiet and type(event) in (Tick, Beat):
            return
        text = f"{at_ns} {node} {event!r}\n"
        self.lines += 1
        self._hash.update(text.encode())
        if self._file is not None:
            self._file.write(text)

    @property
    def digest(self) -> str:
        """The hash of all lines so far, in hexadecimal."""
        return self._hash.hexdigest()

"""A replica's store in virtual time: the records that were written, and how many of them a power cut would leave."""

from __future__ import annotations

from typing import Final

from trading_stack.journal.events import Persist, PersistRefused, Stored
from trading_stack.journal.image import Image, Opened, Record

FSYNC_LEAST_NS: Final = 200_000
FSYNC_SPREAD_NS: Final = 1_000_000


class Disk:
    """One store. A kill keeps what was `written`; a power cut leaves what was `synced`.

    `lying`: an fsync reports success and does nothing. `full`: no write succeeds. `slow_ns`: how much longer each
    write takes than the half a millisecond or so of a sound disk.
    """

    def __init__(self, image: Image) -> None:
        self.written = image
        self.lying = False
        self.full = False
        self.slow_ns = 0
        self._base = image.copy()
        self._records: list[Record] = []
        self._synced = 0

    def write(self, persist: Persist) -> PersistRefused | None:
        self._records.append(persist)
        return self.written.write(persist)

    def sync(self) -> None:
        """Make durable what was written, unless the disk lies."""
        if not self.lying:
            self._synced = len(self._records)

    def synced(self) -> Image:
        """What a power cut would leave now."""
        return self._base.after(self._records[: self._synced])

    def lose_power(self) -> None:
        """What was not synced is gone."""
        if self._synced < len(self._records):
            self.written = self.synced()
            del self._records[self._synced :]

    def open(self) -> Stored:
        """What the store holds; opening it is itself a write, which is synced with all before it."""
        self._records.append(Opened())
        self.written.open()
        self.sync()
        return self.written.stored()

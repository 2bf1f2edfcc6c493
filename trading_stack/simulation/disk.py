"""What a replica's store holds: as the system sees it, and as it would be after a power cut."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Final

from trading_stack.journal.entries import Base, Entry, Position
from trading_stack.journal.events import Persist, PersistRefused, Promise, Stored
from trading_stack.journal.life import Age
from trading_stack.journal.snapshots import Snapshot

FSYNC_LEAST_NS: Final = 200_000
FSYNC_SPREAD_NS: Final = 1_000_000


@dataclass(slots=True)
class Image:
    """The contents of a store at one moment."""

    incarnation: str
    proven: bool = False
    founders: dict[str, str] = field(default_factory=dict)
    promise: Promise = field(default_factory=Promise)
    entries: list[Entry] = field(default_factory=list)
    fresh: bool = True
    age: Age = field(default_factory=Age)
    opened_writes: int = 0
    seen: dict[str, Age] = field(default_factory=dict)
    snapshot: Snapshot | None = None

    def write(self, persist: Persist) -> PersistRefused | None:
        """Carry out one write; refused when its fence is below the promise, as by the real store."""
        self.age = Age(self.age.opens, self.opened_writes + persist.ticket)
        if persist.fence is not None and persist.fence < self.promise.epoch:
            return PersistRefused(persist.ticket, self.promise.epoch)
        if persist.truncate_from is not None:
            del self.entries[max(0, persist.truncate_from - 1 - self.base.index) :]
        if persist.snapshot is not None:
            del self.entries[: max(0, persist.snapshot.base.index - self.base.index)]
            self.snapshot = persist.snapshot
        self.entries.extend(persist.entries)
        if persist.promise is not None:
            self.promise = persist.promise
        if persist.founders is not None:
            self.founders = persist.founders
        if persist.proven is not None:
            self.proven = persist.proven
        if persist.incarnation is not None:
            self.incarnation, self.fresh = persist.incarnation, False
        if persist.seen is not None:
            self.seen = persist.seen
        return None

    def open(self) -> None:
        """Count an opening."""
        self.age = Age(self.age.opens + 1, self.age.writes + 1)
        self.opened_writes = self.age.writes

    def copy(self) -> Image:
        """One that later writes leave alone; all but the list of entries is replaced, never changed, by a write."""
        image = copy.copy(self)
        image.entries = list(self.entries)
        return image

    @property
    def base(self) -> Base:
        """The last of the entries that the snapshot stands for."""
        return self.snapshot.base if self.snapshot else Base()

    @property
    def last(self) -> Position:
        entries, base = self.entries, self.base
        return Position(entries[-1].epoch, entries[-1].index) if entries else Position(base.epoch, base.index)

    def holds(self, entry: Entry) -> bool:
        """Whether this very entry, and so all before it, is here, or the snapshot stands for it."""
        offset = entry.index - self.base.index - 1
        if offset < 0:
            return offset < -1 or self.base.hash == entry.hash
        return offset < len(self.entries) and self.entries[offset].hash == entry.hash


class Disk:
    """One store. A kill keeps what was `written`; a power cut leaves what was `synced`.

    `lying`: an fsync reports success and does nothing. `full`: no write succeeds. `slow_ns`: how much longer each
    write takes than the half a millisecond or so of a sound disk.
    """

    def __init__(self, image: Image) -> None:
        self.written = image
        self.synced = image.copy()
        self.lying = False
        self.full = False
        self.slow_ns = 0
        self._unsynced: list[Persist] = []

    def write(self, persist: Persist) -> PersistRefused | None:
        self._unsynced.append(persist)
        return self.written.write(persist)

    def sync(self) -> None:
        """Make durable what was written, unless the disk lies."""
        if self.lying:
            return
        for persist in self._unsynced:
            self.synced.write(persist)
        self._unsynced.clear()

    def lose_power(self) -> None:
        """What was not synced is gone."""
        self.written = self.synced.copy()
        self._unsynced.clear()

    def open(self) -> Stored:
        """What the store holds; opening it is itself a write, and what was written is synced before it."""
        self.sync()
        self.written.open()
        if not self.lying:
            self.synced = self.written.copy()
        image = self.written
        return Stored(
            image.incarnation,
            image.proven,
            dict(image.founders),
            image.promise,
            list(image.entries),
            fresh=image.fresh,
            age=image.age,
            seen=dict(image.seen),
            snapshot=image.snapshot,
        )

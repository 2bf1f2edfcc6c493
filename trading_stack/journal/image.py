"""What a store holds, as a pure function of what was written to it: the store without its files.

Simulations keep a store as the records that were written to it, oldest first. A power cut leaves those that were synced,
and its contents are then the image of these.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from trading_stack.journal.entries import Base, Entry, Position
from trading_stack.journal.events import Persist, PersistRefused, Promise, Stored
from trading_stack.journal.life import Age, opened
from trading_stack.journal.snapshots import Snapshot


class Opened(NamedTuple):
    """The store was opened; the first opening gives it its name."""

    name: str = ""


Record = Persist | Opened
NOTHING: Final = Base()


@dataclass(slots=True)
class Image:
    """The contents of a store at one moment."""

    incarnation: str = ""
    proven: bool = False
    founders: dict[str, str] = field(default_factory=dict)
    promise: Promise = field(default_factory=Promise)
    entries: list[Entry] = field(default_factory=list)
    fresh: bool = True
    age: Age = field(default_factory=Age)
    opened_writes: int = 0
    seen: dict[str, Age] = field(default_factory=dict)
    snapshot: Snapshot | None = None
    openings: tuple[int, ...] = ()

    def after(self, records: Iterable[Record]) -> Image:
        """What becomes of it when these are written; it stays as it is."""
        image = self.copy()
        for record in records:
            if isinstance(record, Persist):
                image.write(record)
            else:
                image.open(record.name)
        return image

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

    def open(self, name: str = "") -> None:
        """Count an opening; the first one names the store, unless it has a name."""
        self.incarnation = self.incarnation or name
        self.age = Age(self.age.opens + 1, self.age.writes + 1)
        self.opened_writes = self.age.writes
        self.openings = opened(self.openings, self.age.writes)

    def stored(self) -> Stored:
        """What a replica that opens it begins with."""
        return Stored(
            self.incarnation,
            self.proven,
            dict(self.founders),
            self.promise,
            list(self.entries),
            fresh=self.fresh,
            age=self.age,
            seen=dict(self.seen),
            snapshot=self.snapshot,
            openings=self.openings,
        )

    def copy(self) -> Image:
        """One that later writes leave alone; all but the list of entries is replaced, never changed, by a write."""
        image = copy.copy(self)
        image.entries = list(self.entries)
        return image

    @property
    def base(self) -> Base:
        """The last of the entries that the snapshot stands for."""
        return self.snapshot.base if self.snapshot else NOTHING

    @property
    def last(self) -> Position:
        last = self.entries[-1] if self.entries else self.base
        return Position(last.epoch, last.index)

    def holds(self, entry: Entry) -> bool:
        """Whether this very entry, and so all before it, is here, or the snapshot stands for it."""
        offset = entry.index - self.base.index - 1
        if offset < 0:
            return offset < -1 or self.base.hash == entry.hash
        return offset < len(self.entries) and self.entries[offset].hash == entry.hash

"""The life of a replica whose store is then damaged, in virtual time: what it wrote, and what the others hold.

Alpha leads, bravo does, alpha does again; snapshots shorten the logs. Charlie is cut off, so that alpha and bravo alone
hold what is acknowledged last. Alpha is cut off as well, with entries of its own that nobody else has, promises a higher
epoch to bravo, and dies: a log of several epochs after a snapshot, with a committed and an uncommitted tail, and a
promise above all of it. Everything is drawn from one seed, so that the world can be had as often as it is damaged.
"""

from __future__ import annotations

import queue
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trading_stack.journal.events import Persist, Persisted, PersistRefused, Stored
from trading_stack.journal.files import FILE, WAL, make
from trading_stack.journal.image import Image
from trading_stack.journal.meta import FORMAT, Meta
from trading_stack.journal.opening import open_store
from trading_stack.journal.store import Outcome, Store
from trading_stack.journal.write_counter import COUNTER
from trading_stack.simulation.disk import Disk
from trading_stack.simulation.network import MS
from trading_stack.simulation.world import World

VICTIM: Final = "alpha"
NEVER: Final = 1000
WHOLE: Final = "whole"
SNAPSHOTS_EVERY: Final = {WHOLE: NEVER, "shortened": 9}
SHM: Final = f"{FILE}-shm"
FILES: Final = (FILE, WAL, SHM, COUNTER)
PAGE_BYTES: Final = 512
IN_THE_WAL: Final = 6
LEADERS: Final = ("alpha", "bravo", "alpha")
REQUESTS: Final = 4
UNCOMMITTED: Final = 2
SECOND: Final = 1000 * MS


class Recorded(Disk):
    """A disk that remembers what was written to it."""

    def __init__(self, image: Image) -> None:
        super().__init__(image)
        self.wrote: list[Persist] = []

    def write(self, persist: Persist) -> PersistRefused | None:
        self.wrote.append(persist)
        return super().write(persist)


class Life(World):
    """Three engines, and the oracle that certifies; up to the moment at which the victim is dead."""

    def __init__(self, *, snapshot_every: int) -> None:
        super().__init__(7, snapshot_every=snapshot_every)
        self.run(SECOND // 2)
        for number, leader in enumerate(LEADERS):
            self.lead(leader)
            if number + 1 == len(LEADERS):
                self.isolate("charlie")
            self.commit(range(number * REQUESTS, (number + 1) * REQUESTS))
        self._part()

    def new_disk(self) -> Disk:
        return Recorded(super().new_disk().written)

    def lead(self, node: str) -> None:
        self.certify(node)
        self.expect(lambda: self.primary() == node)

    def commit(self, requests: range) -> None:
        for request in requests:
            primary = self.primary()
            assert primary is not None
            self.propose(primary, request)
            self.expect(lambda request=request: request in self.judge.acked)

    def expect(self, true: object, *, within_ns: int = 3 * SECOND) -> None:
        assert callable(true)
        if not self.run(within_ns, until=true):
            raise RuntimeError(f"the world did not get there; it told {self.kinds()[-5:]}")

    def _part(self) -> None:
        """Alpha writes what nobody hears of, promises bravo an epoch, and dies."""
        store = self.disks[VICTIM].written
        self.network.cut.add((VICTIM, "bravo"))
        before = store.last.end
        for request in range(900, 900 + UNCOMMITTED):
            self.propose(VICTIM, request)
            self.run(3 * MS)
        assert store.last.end == before + UNCOMMITTED
        self.network.cut.remove((VICTIM, "bravo"))
        epoch = self.certify("bravo")
        self.expect(lambda: store.promise.epoch == epoch)
        self.isolate(VICTIM)
        self.run(10 * MS)
        self.providers[VICTIM].kill()

    @property
    def wrote(self) -> list[Persist]:
        """What the victim asked its store for, in its one life."""
        disk = self.disks[VICTIM]
        assert isinstance(disk, Recorded)
        return disk.wrote


@dataclass(frozen=True)
class Sample:
    """The files of the victim's store as its death leaves them, and what they hold.

    `written` are the hashes of all entries that it ever wrote, `earlier` the files after each write but the last.
    """

    snapshot_every: int
    files: dict[str, bytes]
    durable: Stored
    written: frozenset[bytes]
    earlier: tuple[dict[str, bytes], ...]


def sample_of(directory: Path, *, snapshot_every: int = NEVER) -> Sample:
    """Write that life to a real store; all but the last few writes have moved from the write-ahead log to the database."""
    life = Life(snapshot_every=snapshot_every)
    name = life.disks[VICTIM].written.incarnation
    make(directory, Meta(FORMAT, "trading", name, fresh=True), page_bytes=PAGE_BYTES)
    store, outcomes = Store(directory), queue.SimpleQueue[list[Outcome]]()
    moments: list[dict[str, bytes]] = []
    store.start(outcomes.put)
    for number, persist in enumerate(life.wrote):
        if number == len(life.wrote) - IN_THE_WAL:
            _checkpoint(directory)
        store.write(persist)
        assert outcomes.get(timeout=60) == [Persisted(persist.ticket)]
        moments.append({file: (directory / file).read_bytes() for file in FILES})
    store.close()
    files = moments.pop()
    written = frozenset(entry.hash for persist in life.wrote for entry in persist.entries)
    return Sample(snapshot_every, files, open_store(directory, cluster="trading"), written, tuple(moments))


def _checkpoint(directory: Path) -> None:
    with closing(sqlite3.connect(directory / FILE)) as database:
        assert database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0

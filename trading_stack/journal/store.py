"""The durable store of one replica: SQLite in WAL mode with `synchronous=FULL`, written by one thread.

Writes that queue up while a transaction is under way share the next one (group commit), and none happens on the event
loop. Each write carries a fence: inside the very transaction that appends, an epoch below the stored promise is
refused. Nothing is taken on trust when the store is opened: entries are a chain of hashes, everything else is one
sealed row, and a write counter beside the database tells when writes are missing at its end. Damage makes it a store that
may not vote, which then recovers from its peers.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec

from trading_stack.defects import LOST_FSYNC_NS, Defect
from trading_stack.journal.events import Persist, Persisted, PersistFailed, PersistRefused
from trading_stack.journal.files import connect, insert, put_snapshot, read_meta, write_meta
from trading_stack.journal.meta import Meta, StoreBroken
from trading_stack.journal.opening import open_store
from trading_stack.journal.write_counter import WriteCounter

Outcome = Persisted | PersistRefused | PersistFailed


class Store:
    """One replica's journal on disk. Open it, read `stored`, then `start` its writer and `write`."""

    def __init__(
        self, directory: Path, *, cluster: str = "trading", defects: frozenset[Defect] = frozenset()
    ) -> None:
        """Raises `StoreRefused` when the files are another cluster's, or of a newer format."""
        self._directory = directory
        self._defects = defects
        self._queue: queue.SimpleQueue[Persist | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self.last_fsync_ns = time.monotonic_ns()
        self.stored = open_store(directory, cluster=cluster)

    def start(self, report: Callable[[list[Outcome]], object]) -> None:
        """Begin to write; `report` is called from the writer's thread, once a transaction."""
        self._thread = threading.Thread(target=self._run, args=(report,), name="store", daemon=True)
        self._thread.start()

    def write(self, persist: Persist) -> None:
        """Queue one write; never blocks."""
        self._queue.put(persist)

    def close(self) -> None:
        """Finish what is queued, and end the writer."""
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    def _run(self, report: Callable[[list[Outcome]], object]) -> None:
        """Write until the first failure: what could not be synchronised is not tried again in this life."""
        try:
            self._write_batches(report)
        except (sqlite3.Error, OSError, StoreBroken) as failure:
            report([PersistFailed(f"{type(failure).__name__}: {failure}")])

    def _write_batches(self, report: Callable[[list[Outcome]], object]) -> None:
        with closing(connect(self._directory)) as database, closing(WriteCounter(self._directory)) as counter:
            if Defect.LOST_FSYNC in self._defects:
                database.execute("PRAGMA synchronous=OFF")
            while (batch := self._take()) is not None:
                outcomes = self._transact(database, counter, batch, report)
                self.last_fsync_ns = time.monotonic_ns()
                if outcomes:
                    report(outcomes)

    def _take(self) -> list[Persist] | None:
        """Everything that is queued, at least one write; None when the store is to close."""
        batch = [self._queue.get()]
        while not self._queue.empty():
            batch.append(self._queue.get())
        writes = [persist for persist in batch if persist is not None]
        if len(writes) < len(batch):
            self._queue.put(None)
        return writes or None

    def _transact(
        self,
        database: sqlite3.Connection,
        counter: WriteCounter,
        batch: list[Persist],
        report: Callable[[list[Outcome]], object],
    ) -> list[Outcome]:
        if Defect.LOST_FSYNC in self._defects:  # planted: said to be durable, and written a while later
            report([Persisted(batch[-1].ticket)])
            time.sleep(LOST_FSYNC_NS / 1e9)
        database.execute("BEGIN IMMEDIATE")
        try:
            refused, writes = self._write_all(database, batch)
            database.execute("COMMIT")
        except (sqlite3.Error, StoreBroken):
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise
        counter.write(writes)
        return [] if Defect.LOST_FSYNC in self._defects else [*refused, Persisted(batch[-1].ticket)]

    def _write_all(
        self, database: sqlite3.Connection, batch: list[Persist]
    ) -> tuple[list[PersistRefused], int]:
        """What was refused, and how many writes the store has made with these."""
        refused: list[PersistRefused] = []
        meta = read_meta(database)
        for persist in batch:
            after = _write(database, meta, persist)
            if after is None:
                refused.append(PersistRefused(persist.ticket, meta.promise.epoch))
            else:
                meta = after
        writes = max(meta.writes, self.stored.age.writes + batch[-1].ticket)
        _end(database, meta, writes=writes)
        return refused, writes


# --- within a transaction


def _write(database: sqlite3.Connection, meta: Meta, persist: Persist) -> Meta | None:
    """The meta after this write; None when its epoch is refused."""
    if persist.fence is not None and persist.fence < meta.promise.epoch:
        return None
    if persist.truncate_from is not None:
        database.execute("DELETE FROM entries WHERE idx >= ?", (persist.truncate_from,))
    if persist.snapshot is not None:
        put_snapshot(database, persist.snapshot)
    insert(database, persist.entries)
    return _after(meta, persist)


def _after(meta: Meta, persist: Persist) -> Meta:
    changes: dict[str, object] = {
        name: value
        for name in ("promise", "founders", "proven", "incarnation", "seen")
        if (value := getattr(persist, name)) is not None
    }
    if persist.incarnation is not None:
        changes["fresh"] = False
    if persist.snapshot is not None:
        changes |= {"base": persist.snapshot.base, "digest": persist.snapshot.digest}
    return msgspec.structs.replace(meta, **changes) if changes else meta


def _end(database: sqlite3.Connection, meta: Meta, *, writes: int) -> None:
    """Write down how far the log is durable once this transaction is."""
    last = database.execute("SELECT idx, hash FROM entries ORDER BY idx DESC LIMIT 1").fetchone()
    last_index, last_hash = last or (meta.base.index, meta.base.hash)
    write_meta(
        database, msgspec.structs.replace(meta, writes=writes, last_index=last_index, last_hash=last_hash)
    )

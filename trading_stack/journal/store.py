"""The durable store of one replica: SQLite in WAL mode with `synchronous=FULL`, written by one thread.

Writes that queue up while a transaction is under way share the next one (group commit), and none happens on the event
loop. Each write carries a fence: inside the very transaction that appends, an epoch below the stored promise is
refused. When the store is opened, every entry's hash is checked along the chain; damage below the durable mark makes
it a store that may not vote, cut before the damage, which then recovers from its peers.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from trading_stack.defects import Defect
from trading_stack.journal.entries import GENESIS, Entry, sound
from trading_stack.journal.events import (
    Persist,
    Persisted,
    PersistFailed,
    PersistRefused,
    Promise,
    Stored,
)

Value = TypeVar("Value")
Outcome = Persisted | PersistRefused | PersistFailed
FILE: Final = "journal.sqlite"
MSGPACK_FALSE: Final = b"\xc2"
ROWS_A_STATEMENT: Final = 400
LOST_FSYNC_DELAY_S: Final = 0.25
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
    idx INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, time_ns INTEGER NOT NULL, command BLOB NOT NULL, hash BLOB NOT NULL
);
"""

_encode = msgspec.msgpack.encode


class Store:
    """One replica's journal on disk. Open it, read `stored`, then `start` its writer and `write`."""

    def __init__(self, directory: Path, *, defects: frozenset[Defect] = frozenset()) -> None:
        self._path = directory / FILE
        self._defects = defects
        self._queue: queue.SimpleQueue[Persist | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self.last_fsync_ns = time.monotonic_ns()
        with closing(_connect(self._path, defects)) as database:
            database.executescript(SCHEMA)
            self.stored = _read(database)

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
        with closing(_connect(self._path, self._defects)) as database:
            while (batch := self._take()) is not None:
                try:
                    outcomes = self._transact(database, batch, report)
                except sqlite3.Error as failure:
                    report([PersistFailed(f"{type(failure).__name__}: {failure}")])
                    return
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
        self, database: sqlite3.Connection, batch: list[Persist], report: Callable[[list[Outcome]], object]
    ) -> list[Outcome]:
        if Defect.LOST_FSYNC in self._defects:  # planted: said to be durable, and written a while later
            report([Persisted(batch[-1].ticket)])
            time.sleep(LOST_FSYNC_DELAY_S)
        outcomes: list[Outcome] = []
        database.execute("BEGIN IMMEDIATE")
        try:
            for persist in batch:
                refused = _write(database, persist)
                if refused is not None:
                    outcomes.append(refused)
            _mark(database)
            database.execute("COMMIT")
        except sqlite3.Error:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise
        return [] if Defect.LOST_FSYNC in self._defects else [*outcomes, Persisted(batch[-1].ticket)]


def _connect(path: Path, defects: frozenset[Defect]) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute(f"PRAGMA synchronous={'OFF' if Defect.LOST_FSYNC in defects else 'FULL'}")
    database.execute("PRAGMA wal_autocheckpoint=4000")
    return database


# --- writing


def _write(database: sqlite3.Connection, persist: Persist) -> PersistRefused | None:
    if persist.fence is not None:
        promise = _promise(database)
        if persist.fence < promise.epoch:
            return PersistRefused(persist.ticket, promise.epoch)
    if persist.truncate_from is not None:
        database.execute("DELETE FROM entries WHERE idx >= ?", (persist.truncate_from,))
    for start in range(0, len(persist.entries), ROWS_A_STATEMENT):
        _insert(database, persist.entries[start : start + ROWS_A_STATEMENT])
    for key, value in _meta(persist).items():
        database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, _encode(value)))
    return None


def _insert(database: sqlite3.Connection, entries: list[Entry]) -> None:
    """All rows in one statement: each statement takes and gives back the interpreter's lock."""
    marks = ",".join(["(?,?,?,?,?)"] * len(entries))
    values = [
        value
        for entry in entries
        for value in (entry.index, entry.epoch, entry.time_ns, entry.command, entry.hash)
    ]
    database.execute(f"INSERT INTO entries VALUES {marks}", values)  # noqa: S608 - nothing but marks


def _meta(persist: Persist) -> dict[str, object]:
    values: dict[str, object] = {}
    if persist.promise is not None:
        values["promise"] = persist.promise
    if persist.founders is not None:
        values["founders"] = persist.founders
    if persist.proven is not None:
        values["proven"] = persist.proven
    return values


def _mark(database: sqlite3.Connection) -> None:
    """Write down how far the log is durable once this transaction is."""
    database.execute("INSERT OR REPLACE INTO meta VALUES ('mark', (SELECT ifnull(max(idx), 0) FROM entries))")


# --- reading


def _promise(database: sqlite3.Connection) -> Promise:
    row = database.execute("SELECT value FROM meta WHERE key = 'promise'").fetchone()
    return Promise() if row is None else msgspec.msgpack.decode(row[0], type=Promise)


def _read(database: sqlite3.Connection) -> Stored:
    try:
        meta = dict(database.execute("SELECT key, value FROM meta").fetchall())
        entries, damage = _sound_entries(database, int(meta.get("mark", 0)))
    except sqlite3.DatabaseError as failure:
        meta, entries, damage = {}, [], f"unreadable: {failure}"
    incarnation = _incarnation(database, meta.get("incarnation"), anew=bool(damage))
    if damage:
        _disown(database, len(entries))
    return Stored(
        incarnation=incarnation,
        proven=not damage and bool(_decoded(meta.get("proven"), bool, default=False)),
        founders=_decoded(meta.get("founders"), dict[str, str], default={}),
        promise=_decoded(meta.get("promise"), Promise, default=Promise()),
        entries=entries,
        damage=damage,
    )


def _decoded(data: bytes | None, kind: type[Value], *, default: Value) -> Value:
    return default if data is None else msgspec.msgpack.decode(data, type=kind)


def _sound_entries(database: sqlite3.Connection, mark: int) -> tuple[list[Entry], str]:
    """The entries up to the first that is broken or missing, and what is wrong if that one was durable once."""
    entries: list[Entry] = []
    before = GENESIS
    for row in database.execute("SELECT idx, epoch, time_ns, command, hash FROM entries ORDER BY idx"):
        entry = Entry(*row)
        if entry.index != len(entries) + 1 or not sound(entry, before):
            return entries, f"entry {len(entries) + 1} does not match its checksum"
        entries.append(entry)
        before = entry.hash
    if len(entries) < mark:
        return entries, f"entries {len(entries) + 1} to {mark} are missing"
    return entries, ""


def _incarnation(database: sqlite3.Connection, known: bytes | None, *, anew: bool) -> str:
    """The store's own name, made when the store is, and again when it forgot something."""
    if known is not None and not anew:
        return msgspec.msgpack.decode(known, type=str)
    name = uuid.uuid4().hex
    database.execute("INSERT OR REPLACE INTO meta VALUES ('incarnation', ?)", (_encode(name),))
    return name


def _disown(database: sqlite3.Connection, sound_entries: int) -> None:
    """Cut a damaged log before its damage, and take its vote away, for good."""
    database.execute("DELETE FROM entries WHERE idx > ?", (sound_entries,))
    database.execute("INSERT OR REPLACE INTO meta VALUES ('proven', ?)", (MSGPACK_FALSE,))
    _mark(database)

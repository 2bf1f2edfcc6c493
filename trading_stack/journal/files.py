"""A store's files: making them, reading them with nothing taken on trust, and putting damaged ones aside."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from trading_stack.durable import sync_directory
from trading_stack.journal.entries import Entry, sound
from trading_stack.journal.meta import Meta, StoreBroken, StoreRefused, seal, unseal
from trading_stack.journal.snapshots import Snapshot
from trading_stack.journal.write_counter import COUNTER, read_count

FILE: Final = "journal.sqlite"
WAL: Final = f"{FILE}-wal"
ASIDE: Final = "damaged"
_KEPT_WAL: Final = f"{WAL}.kept"
_DRAFT: Final = f"{FILE}.new"
_SMALLEST_BYTES: Final = 512
_NOT_THE_FILES: Final = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
}
_MAGIC: Final = b"SQLite format 3\0"
_ENTRIES: Final = (
    "CREATE TABLE entries (idx INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, time_ns INTEGER NOT NULL,"
    " command BLOB NOT NULL, hash BLOB NOT NULL)"
)
_META: Final = "CREATE TABLE meta (one INTEGER PRIMARY KEY, value BLOB NOT NULL)"
_SNAPSHOT: Final = "CREATE TABLE snapshot (part INTEGER PRIMARY KEY, data BLOB NOT NULL)"
_TABLES: Final = [
    ("table", "entries", "entries", _ENTRIES),
    ("table", "meta", "meta", _META),
    ("table", "snapshot", "snapshot", _SNAPSHOT),
]
ROWS_A_STATEMENT: Final = 400


@dataclass(slots=True)
class Found:
    """What can be read of a store: its entries up to the first that is broken, and what is wrong, if anything is.

    Without their snapshot, the entries after it are nothing.
    """

    meta: Meta | None = None
    snapshot: Snapshot | None = None
    entries: list[Entry] = field(default_factory=list)
    damage: str = ""


def absent(directory: Path) -> bool:
    """Whether there is nothing of a store in the directory."""
    return not any((directory / name).exists() for name in (FILE, WAL, COUNTER))


def make(directory: Path, meta: Meta, found: Found | None = None, *, page_bytes: int = 4096) -> None:
    """Make the database, whole or not at all; it takes the place of one that is there. Of `found`, it gets the log."""
    draft = directory / _DRAFT
    for leftover in (draft, directory / f"{_DRAFT}-wal", directory / f"{_DRAFT}-journal"):
        leftover.unlink(missing_ok=True)
    with closing(sqlite3.connect(draft, isolation_level=None)) as database:
        database.execute(f"PRAGMA page_size={page_bytes}")
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("BEGIN")
        for *_, statement in _TABLES:
            database.execute(statement)
        if found is not None:
            insert(database, found.entries)
            if found.snapshot is not None:
                put_snapshot(database, found.snapshot)
        database.execute("INSERT INTO meta VALUES (1, ?)", (seal(meta),))
        database.execute("COMMIT")
        _write_anew(database)
    draft.replace(directory / FILE)
    sync_directory(directory)


def _write_anew(database: sqlite3.Connection) -> None:
    """Move all that the write-ahead log holds into the database, and synchronise that; raises `sqlite3.Error`, and
    `StoreRefused` when another process keeps it from that.

    What an earlier process wrote and could not synchronise may be in the system's cache alone, which takes it for
    written: to synchronise it again proves nothing, to write it again does. SQLite does so too when a database is
    closed, but keeps a failure to itself.
    """
    busy, _, _ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise StoreRefused(f"{FILE}: in use; see that nobody else has it open")


def connect(directory: Path) -> sqlite3.Connection:
    """A connection to a database that was made; every commit is on disk before it returns."""
    database = sqlite3.connect(
        directory / FILE, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    database.execute("PRAGMA synchronous=FULL")
    database.execute("PRAGMA wal_autocheckpoint=4000")
    return database


def insert(database: sqlite3.Connection, entries: list[Entry]) -> None:
    """Some hundred rows a statement: each statement takes and gives back the interpreter's lock."""
    for start in range(0, len(entries), ROWS_A_STATEMENT):
        piece = entries[start : start + ROWS_A_STATEMENT]
        marks = ",".join(["(?,?,?,?,?)"] * len(piece))
        values = [
            value
            for entry in piece
            for value in (entry.index, entry.epoch, entry.time_ns, entry.command, entry.hash)
        ]
        database.execute(f"INSERT INTO entries VALUES {marks}", values)  # noqa: S608 - nothing but marks


def put_snapshot(database: sqlite3.Connection, snapshot: Snapshot) -> None:
    """Let it take the place of the one before, and of the entries that it stands for."""
    database.execute("DELETE FROM entries WHERE idx <= ?", (snapshot.base.index,))
    database.execute("DELETE FROM snapshot")
    database.executemany("INSERT INTO snapshot VALUES (?, ?)", enumerate(snapshot.parts()))


def read_meta(database: sqlite3.Connection) -> Meta:
    """The store's meta; raises `StoreBroken`."""
    rows = database.execute("SELECT value FROM meta").fetchall()
    if len(rows) != 1 or not isinstance(rows[0][0], bytes):
        raise StoreBroken(f"{FILE}: table meta: {len(rows)} rows instead of 1")
    return unseal(rows[0][0], file=FILE)


def write_meta(database: sqlite3.Connection, meta: Meta) -> None:
    database.execute("UPDATE meta SET value = ?", (seal(meta),))


def examine(directory: Path, *, cluster: str) -> Found:
    """Read a store whole; raises `StoreRefused` when it is another cluster's, newer than this code, or out of reach."""
    found = Found()
    try:
        _look_at_header(directory)
        _keep_wal(directory)
        with closing(connect(directory)) as database:
            _read(database, found, cluster)
        _compare_with_counter(directory, found)
    except StoreBroken as broken:
        found.damage = str(broken)
    except sqlite3.Error as failure:
        if getattr(failure, "sqlite_errorcode", 0) & 0xFF in _NOT_THE_FILES:
            raise StoreRefused(
                f"{directory / FILE}: {failure}; see that its disk works and has room, and that nobody else has it open"
            ) from failure
        found.damage = f"{FILE}: unreadable: {failure}"
    except (msgspec.MsgspecError, UnicodeDecodeError) as failure:
        found.damage = f"{FILE}: unreadable: {failure}"
    return found


def put_aside(directory: Path) -> Path:
    """Move the files of a damaged store to a folder of their own, for people to look at; returns the folder.

    The write counter goes first: a crash in between leaves a database without one, which is recognised.
    """
    number = 1 + sum(1 for _ in directory.glob(f"{ASIDE}-*"))
    aside = directory / f"{ASIDE}-{number}"
    aside.mkdir()
    for name in (COUNTER, _KEPT_WAL, WAL):
        if (directory / name).exists():
            (directory / name).replace(aside / name)
    if (directory / FILE).exists():
        os.link(directory / FILE, aside / FILE)  # the name stays taken until the new store takes it
    return aside


def forget_kept_wal(directory: Path) -> None:
    (directory / _KEPT_WAL).unlink(missing_ok=True)


def _look_at_header(directory: Path) -> None:
    """SQLite takes an empty file for a new database, and deletes the log beside it."""
    if not (directory / FILE).exists():
        raise StoreBroken(f"{FILE}: missing, and other files of a store are there")
    if not os.access(directory / FILE, os.W_OK):
        raise StoreRefused(f"{directory / FILE}: not writable; give it to the user that runs the engine")
    with (directory / FILE).open("rb") as file:
        head = file.read(_SMALLEST_BYTES)
    if len(head) < _SMALLEST_BYTES or not head.startswith(_MAGIC):
        raise StoreBroken(f"{FILE}: the first {len(head)} bytes are no database's")


def _keep_wal(directory: Path) -> None:
    """Give the write-ahead log a second name, since SQLite deletes it when the database is closed."""
    forget_kept_wal(directory)
    if (directory / WAL).exists():
        with suppress(OSError):  # a file system without links: the log is evidence, not needed
            os.link(directory / WAL, directory / _KEPT_WAL)


def _read(database: sqlite3.Connection, found: Found, cluster: str) -> None:
    tables = database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name").fetchall()
    if tables != _TABLES:
        raise StoreBroken(f"{FILE}: the tables are not those of a store")
    meta = found.meta = read_meta(database)
    if meta.cluster != cluster:
        raise StoreRefused(
            f"{FILE}: the store of cluster {meta.cluster!r}, and this replica is of {cluster!r}; "
            "set CLUSTER to the store's, or DATA to another directory"
        )
    _read_snapshot(database, found, meta)
    _read_entries(database, found, meta)
    [problem] = database.execute("PRAGMA quick_check(1)").fetchone()
    if problem != "ok":
        raise StoreBroken(f"{FILE}: {problem}")
    database.execute("BEGIN IMMEDIATE")
    write_meta(database, meta)  # a damaged header can forbid to write
    database.execute("ROLLBACK")
    _write_anew(database)


def _read_snapshot(database: sqlite3.Connection, found: Found, meta: Meta) -> None:
    if not meta.base.index:
        return
    parts = [row[0] for row in database.execute("SELECT data FROM snapshot ORDER BY part")]
    if not all(isinstance(part, bytes) for part in parts):
        raise StoreBroken(f"{FILE}: table snapshot: not what was written")
    snapshot = Snapshot(meta.base, meta.digest, b"".join(parts))
    if not snapshot.sound:
        raise StoreBroken(
            f"{FILE}: table snapshot: the state after entry {meta.base.index} does not match its digest"
        )
    found.snapshot = snapshot


def _read_entries(database: sqlite3.Connection, found: Found, meta: Meta) -> None:
    before = meta.base.hash
    rows = database.execute("SELECT idx, epoch, time_ns, command, hash FROM entries ORDER BY idx")
    for index, entry in enumerate(_entries(rows), meta.base.index + 1):
        if entry is None or entry.index != index or not sound(entry, before):
            raise StoreBroken(f"{FILE}: entry {index} does not match its checksum")
        found.entries.append(entry)
        before = entry.hash
    last = meta.base.index + len(found.entries)
    if last < meta.last_index:
        raise StoreBroken(f"{FILE}: entries {last + 1} to {meta.last_index} are missing")
    if (last, before) != (meta.last_index, meta.last_hash):
        raise StoreBroken(f"{FILE}: entry {last} is not the last that was written")


def _entries(rows: Iterable[tuple[object, ...]]) -> Iterable[Entry | None]:
    """The rows as entries; None for one that can't be."""
    for row in rows:
        try:
            entry = msgspec.convert(row, Entry)
        except msgspec.ValidationError:
            yield None
        else:
            yield entry if min(entry.index, entry.epoch) >= 0 else None


def _compare_with_counter(directory: Path, found: Found) -> None:
    assert found.meta is not None
    counted = read_count(directory)
    if counted is None:
        if found.meta.opens:
            raise StoreBroken(f"{COUNTER}: missing or damaged")
    elif found.meta.writes < counted:
        lost = counted - found.meta.writes
        raise StoreBroken(f"{COUNTER}: the last {lost} durable writes are not in {FILE} and {WAL}")

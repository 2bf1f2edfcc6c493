"""Opening a store: a new one is made, a damaged one put aside and made anew, and every opening is counted."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

import msgspec

from trading_stack.journal import files
from trading_stack.journal.entries import Base
from trading_stack.journal.events import Stored
from trading_stack.journal.life import Age, opened
from trading_stack.journal.meta import FORMAT, Meta, StoreRefused
from trading_stack.journal.write_counter import WriteCounter, read_count


def open_store(directory: Path, *, cluster: str) -> Stored:
    """What the store holds, its opening counted; raises `StoreRefused` when it isn't this replica's to open, or when
    its disk fails.

    Damage costs a store its name and its vote. What of it is sound stays: the snapshot and the entries before the
    damage, and the promise if the row that holds it is whole.
    """
    try:
        return _open(directory, cluster)
    except (sqlite3.Error, OSError) as failure:
        raise StoreRefused(
            f"{directory / files.FILE}: {failure}; see that its disk works and has room, and that nobody else has it open"
        ) from failure


def _open(directory: Path, cluster: str) -> Stored:
    if files.absent(directory):
        files.make(directory, Meta(FORMAT, cluster, uuid.uuid4().hex, fresh=True))
    found = files.examine(directory, cluster=cluster)
    if found.damage:
        aside = files.put_aside(directory)
        found.damage += f"; the files are kept in {aside}"
        found.meta = _replacement(found, cluster)
        files.make(directory, found.meta, found)
    files.forget_kept_wal(directory)
    assert found.meta is not None
    meta = _count(directory, found.meta)
    return Stored(
        incarnation=meta.incarnation,
        proven=meta.proven,
        founders=meta.founders,
        promise=meta.promise,
        entries=found.entries,
        damage=found.damage,
        fresh=meta.fresh,
        age=Age(meta.opens, meta.writes),
        seen=meta.seen,
        snapshot=found.snapshot,
        openings=meta.openings,
    )


def _replacement(found: files.Found, cluster: str) -> Meta:
    """Under a new name, and without a vote."""
    base = found.snapshot.base if found.snapshot else Base()
    last = found.entries[-1] if found.entries else base
    old = found.meta or Meta(FORMAT, cluster, "", fresh=False)
    return Meta(
        FORMAT,
        cluster,
        uuid.uuid4().hex,
        fresh=False,
        founders=old.founders,
        promise=old.promise,
        seen=old.seen,
        last_index=last.index,
        last_hash=last.hash,
        base=base,
        digest=found.snapshot.digest if found.snapshot else b"",
    )


def _count(directory: Path, meta: Meta) -> Meta:
    counted = read_count(directory)
    with closing(files.connect(directory)) as database, closing(WriteCounter(directory)) as counter:
        if counted is None:
            counter.write_both(meta.writes)  # from the first opening on, a store has a write counter
        writes = meta.writes + 1
        meta = msgspec.structs.replace(
            meta, opens=meta.opens + 1, writes=writes, openings=opened(meta.openings, writes)
        )
        database.execute("BEGIN IMMEDIATE")
        files.write_meta(database, meta)
        database.execute("COMMIT")
        counter.write_both(meta.writes)
    return meta

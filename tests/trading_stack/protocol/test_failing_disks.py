"""A real store on a disk that fails to synchronise, or is full: nothing is reported durable from then on.

After a failed fsync the system takes what was not written for written, and the next fsync succeeds (Rebello et al.,
"Can Applications Recover from fsync Failures?", USENIX ATC 2020). So it is not tried again in that life, and the next
one writes everything anew before it believes it.
"""

from __future__ import annotations

import errno
import queue
import sqlite3
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from failing_calls import SYNCS, WRITES, available, fail
from test_store import LIMIT_S, Writer, log_of

from trading_stack.journal import events as j
from trading_stack.journal import files
from trading_stack.journal.files import FILE, WAL
from trading_stack.journal.meta import StoreRefused
from trading_stack.journal.store import Outcome, Store

pytestmark = pytest.mark.skipif(not available(), reason="needs Linux's system call filters")

FAILURES = [(SYNCS, errno.EIO), (WRITES, errno.ENOSPC), (WRITES, errno.EIO)]


def fails_from(store: Store, ticket: int, calls: str, error: int) -> queue.Queue[list[Outcome]]:
    """Start the store; its writer's calls fail once this write is durable."""
    outcomes: queue.Queue[list[Outcome]] = queue.Queue()

    def report(done: list[Outcome]) -> None:
        if done == [j.Persisted(ticket)]:
            fail(calls, error)
        outcomes.put(done)

    store.start(report)
    return outcomes


def in_a_thread(action: Callable[[], object]) -> list[object]:
    """What it returned or raised, in a thread of its own."""
    found: list[object] = []

    def run() -> None:
        try:
            found.append(action())
        except Exception as failure:
            found.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found


@pytest.mark.parametrize(("calls", "error"), FAILURES)
def test_nothing_is_reported_durable_after_a_failure(tmp_path: Path, calls: str, error: int) -> None:
    store, entries = Store(tmp_path), log_of(5).slice(1, 5)
    outcomes = fails_from(store, 2, calls, error)
    for ticket, entry in enumerate(entries[:2], 1):
        store.write(j.Persist(ticket, 1, entries=[entry]))
        assert outcomes.get(timeout=LIMIT_S) == [j.Persisted(ticket)]
    for ticket, entry in enumerate(entries[2:], 3):
        store.write(j.Persist(ticket, 1, entries=[entry]))
    [failed] = outcomes.get(timeout=LIMIT_S)
    assert isinstance(failed, j.PersistFailed)
    assert "OperationalError" in failed.reason
    store.close()
    assert outcomes.empty()
    again = Store(tmp_path).stored
    assert again.damage == ""
    assert again.entries[:2] == entries[:2]


def test_a_writer_that_can_not_begin_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / FILE).unlink()
    (tmp_path / FILE).mkdir()
    outcomes: queue.Queue[list[Outcome]] = queue.Queue()
    store.start(outcomes.put)
    [failed] = outcomes.get(timeout=LIMIT_S)
    assert isinstance(failed, j.PersistFailed)
    store.close()


@pytest.mark.parametrize(("calls", "error"), FAILURES)
def test_a_store_is_not_opened_on_a_disk_that_fails(tmp_path: Path, calls: str, error: int) -> None:
    made = Writer(tmp_path)
    entries = log_of(3).slice(1, 3)
    made.write(fence=1, entries=entries)
    for left_over in (False, True):  # with the write-ahead log of a killed process, and without
        directory = tmp_path / f"copy-{left_over}"
        directory.mkdir()
        if not left_over:
            made.store.close()
        for file in (FILE, WAL, "journal.witness"):
            if (tmp_path / file).exists():
                (directory / file).write_bytes((tmp_path / file).read_bytes())

        def opened(directory: Path = directory) -> Store:
            fail(calls, error)
            return Store(directory)

        [refusal] = in_a_thread(opened)
        assert isinstance(refusal, StoreRefused), refusal
        assert "see that its disk works" in str(refusal)
        assert Store(directory).stored.entries == entries
        assert not list(directory.glob("damaged-*"))


def test_a_new_store_is_not_made_on_a_disk_that_fails(tmp_path: Path) -> None:
    def made() -> Store:
        fail(SYNCS)
        return Store(tmp_path)

    [refusal] = in_a_thread(made)
    assert isinstance(refusal, StoreRefused)
    assert Store(tmp_path).stored.entries == []


class Unsynced(sqlite3.Connection):
    """Can't synchronise the database itself; commits to the write-ahead log succeed."""

    def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        if "wal_checkpoint" in statement:
            failure = sqlite3.OperationalError("disk I/O error")
            failure.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise failure
        return super().execute(statement, *values)


def test_a_store_that_can_not_be_written_anew_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Writer(tmp_path).store.close()
    monkeypatch.setattr(files.sqlite3, "connect", partial(sqlite3.connect, factory=Unsynced))
    with pytest.raises(StoreRefused, match="see that its disk works"):
        Store(tmp_path)

"""The durable store: what survives, what it refuses, and what it finds broken."""

from __future__ import annotations

import multiprocessing
import os
import queue
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from trading_stack.defects import Defect
from trading_stack.journal.entries import GENESIS, Entry, chain, sound
from trading_stack.journal.events import Persist, Persisted, PersistFailed, PersistRefused, Promise
from trading_stack.journal.files import FILE, WAL, make
from trading_stack.journal.life import Age
from trading_stack.journal.log import Log
from trading_stack.journal.meta import FORMAT, Meta, StoreRefused
from trading_stack.journal.store import Outcome, Store
from trading_stack.journal.write_counter import COUNTER

LIMIT_S = 10


class Writer:
    """A store with its outcomes in a queue."""

    def __init__(self, directory: Path, *, defects: frozenset[Defect] = frozenset()) -> None:
        self.store = Store(directory, defects=defects)
        self.outcomes: queue.Queue[list[Outcome]] = queue.Queue()
        self.store.start(self.outcomes.put)
        self.ticket = 0

    def write(self, *, fence: int | None = None, **what: object) -> list[Outcome]:
        self.ticket += 1
        self.store.write(Persist(self.ticket, fence, **what))  # type: ignore[arg-type]
        return self.outcomes.get(timeout=LIMIT_S)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    made = Writer(tmp_path)
    yield made
    made.store.close()


def log_of(count: int, *, epoch: int = 1) -> Log:
    log = Log()
    for number in range(count):
        log.write(epoch, number * 10, f"command {number}".encode())
    return log


def test_what_was_persisted_is_there_when_opened_again(tmp_path: Path, writer: Writer) -> None:
    entries = log_of(1000).slice(1, 1000)
    assert writer.write(fence=1, entries=entries) == [Persisted(1)]
    assert writer.write(promise=Promise(3, "bravo"), founders={"alpha": "x"}, proven=True) == [Persisted(2)]
    stored = Store(tmp_path).stored
    assert stored.entries == entries
    assert (stored.promise, stored.founders, stored.proven) == (Promise(3, "bravo"), {"alpha": "x"}, True)
    assert (stored.incarnation, stored.damage) == (writer.store.stored.incarnation, "")


def test_an_empty_store_is_new_and_may_not_vote(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = Store(tmp_path / "a").stored, Store(tmp_path / "b").stored
    assert not one.proven
    assert one.incarnation != other.incarnation


def test_a_lower_epoch_is_refused_in_the_transaction(tmp_path: Path, writer: Writer) -> None:
    writer.write(promise=Promise(5, "bravo"))
    entries = log_of(2).slice(1, 2)
    assert writer.write(fence=4, entries=entries) == [PersistRefused(2, 5), Persisted(2)]
    assert Store(tmp_path).stored.entries == []
    assert writer.write(fence=5, entries=entries) == [Persisted(3)]


def test_a_refusal_does_not_undo_its_neighbours(tmp_path: Path) -> None:
    store = Store(tmp_path)
    outcomes: queue.Queue[list[Outcome]] = queue.Queue()
    log = log_of(3)
    store.write(Persist(1, 2, entries=log.slice(1, 1)))
    store.write(Persist(2, None, promise=Promise(3, "x")))
    store.write(Persist(3, 2, entries=log.slice(2, 2)))
    store.write(Persist(4, 3, entries=log.slice(2, 3)))
    store.start(outcomes.put)
    assert outcomes.get(timeout=LIMIT_S) == [PersistRefused(3, 3), Persisted(4)]
    store.close()
    assert len(Store(tmp_path).stored.entries) == 3


def test_a_tail_is_truncated_and_written_again(tmp_path: Path, writer: Writer) -> None:
    log = log_of(10)
    writer.write(fence=1, entries=log.slice(1, 10))
    log.truncate(6)
    entry = log.write(2, 0, b"another")
    writer.write(fence=2, truncate_from=6, entries=[entry])
    assert Store(tmp_path).stored.entries == log.slice(1, 6)


def test_queued_writes_share_a_transaction(tmp_path: Path) -> None:
    store = Store(tmp_path)
    outcomes: queue.Queue[list[Outcome]] = queue.Queue()
    log = log_of(50)
    for index in range(1, 51):
        store.write(Persist(index, 1, entries=[log.at(index)]))
    store.start(outcomes.put)
    assert outcomes.get(timeout=LIMIT_S) == [Persisted(50)]
    store.close()


def damage(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path / FILE, isolation_level=None)) as database:
        database.execute(statement)


@pytest.mark.parametrize(
    ("statement", "left", "reason"),
    [
        ("UPDATE entries SET command = x'00' WHERE idx = 7", 6, "entry 7 does not match its checksum"),
        ("UPDATE entries SET epoch = 9 WHERE idx = 3", 2, "entry 3 does not match"),
        ("DELETE FROM entries WHERE idx = 5", 4, "entry 5 does not match"),
        ("DELETE FROM entries WHERE idx > 8", 8, "entries 9 to 10 are missing"),
    ],
)
def test_damage_below_the_durable_mark_takes_the_vote_away(
    tmp_path: Path, statement: str, left: int, reason: str
) -> None:
    made = Writer(tmp_path)
    made.write(fence=1, entries=log_of(10).slice(1, 10), proven=True, promise=Promise(2, "bravo"))
    made.store.close()
    damage(tmp_path, statement)
    stored = Store(tmp_path).stored
    assert reason in stored.damage
    assert len(stored.entries) == left
    assert not stored.proven
    assert stored.promise == Promise(2, "bravo")
    assert stored.incarnation != made.store.stored.incarnation
    again = Store(tmp_path).stored
    assert (again.damage, again.proven, len(again.entries)) == ("", False, left)


def copied(source: Path, target: Path) -> Path:
    """The files as a crash would leave them at this moment."""
    target.mkdir()
    for name in (FILE, WAL, COUNTER):
        if (source / name).exists():
            shutil.copy(source / name, target / name)
    return target


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """The files of a voter with ten entries, the last few of them in the write-ahead log alone."""
    made = Writer(tmp_path)
    log = log_of(10)
    made.write(fence=1, entries=log.slice(1, 4), proven=True, promise=Promise(2, "bravo"))
    for index in range(5, 11):
        made.write(fence=2, entries=log.slice(index, index), seen={"other": Age(3, 9)})
    left = copied(tmp_path, tmp_path / "left")
    made.store.close()
    return left


def test_files_as_a_crash_leaves_them_are_whole(crashed: Path) -> None:
    stored = Store(crashed).stored
    assert (stored.damage, stored.proven, stored.fresh) == ("", True, True)
    assert (len(stored.entries), stored.promise) == (10, Promise(2, "bravo"))
    assert stored.seen == {"other": Age(3, 9)}
    assert list(crashed.glob("damaged-*")) == []


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


@pytest.mark.parametrize(
    ("name", "spoil", "reason"),
    [
        (FILE, lambda p: p.unlink(), "journal.sqlite: missing"),
        (FILE, lambda p: cut(p, 0), "the first 0 bytes are no database's"),
        (FILE, lambda p: p.write_bytes(b"nonsense" * 1000), "are no database's"),
        (WAL, lambda p: cut(p, p.stat().st_size // 2), "durable writes are not in"),
        (WAL, lambda p: cut(p, p.stat().st_size - 1), "the last 1 durable writes are not in"),
        (WAL, lambda p: p.unlink(), "durable writes are not in"),
        (COUNTER, lambda p: p.unlink(), "journal.witness: missing or damaged"),
        (COUNTER, lambda p: cut(p, 5), "journal.witness: missing or damaged"),
    ],
)
def test_a_file_that_is_cut_or_gone_is_recognised(
    crashed: Path, name: str, spoil: Callable[[Path], object], reason: str
) -> None:
    spoil(crashed / name)
    stored = Store(crashed).stored
    assert reason in stored.damage
    assert (stored.proven, stored.fresh) == (False, False)
    assert "the files are kept in" in stored.damage
    assert any((crashed / "damaged-1").iterdir())
    again = Store(crashed).stored
    assert (again.damage, again.proven, again.fresh) == ("", False, False)
    assert again.incarnation == stored.incarnation


@pytest.mark.parametrize("word", [b"bravo", b"trading", b"other"])
def test_the_meta_row_is_checksummed(crashed: Path, word: bytes) -> None:
    Store(crashed)  # what was in the write-ahead log is in the database now
    data = bytearray((crashed / FILE).read_bytes())
    for at in [n for n in range(len(data)) if data.startswith(word, n)]:
        data[at] ^= 1
    (crashed / FILE).write_bytes(data)
    stored = Store(crashed).stored
    assert "table meta: the row does not match its checksum" in stored.damage
    assert not stored.proven


def test_the_store_of_another_cluster_is_refused_and_left_alone(crashed: Path) -> None:
    with pytest.raises(
        StoreRefused, match="of cluster 'trading', and this replica is of 'paper'; set CLUSTER"
    ):
        Store(crashed, cluster="paper")
    assert len(Store(crashed).stored.entries) == 10


def test_a_newer_format_is_refused_and_left_alone(tmp_path: Path) -> None:
    meta = Meta(FORMAT + 1, "trading", "name", fresh=False, proven=True)
    make(tmp_path, meta)
    with pytest.raises(StoreRefused, match=r"written in format 2.*start a version that is at least as new"):
        Store(tmp_path)
    assert list(tmp_path.glob("damaged-*")) == []


def test_openings_and_writes_are_counted(tmp_path: Path) -> None:
    made = Writer(tmp_path)
    assert made.store.stored.age == Age(1, 1)
    made.write(promise=Promise(1, "bravo"))
    made.write(promise=Promise(2, "bravo"))
    made.store.close()
    assert Store(tmp_path).stored.age == Age(2, 4)


def test_a_first_opening_that_was_cut_short_is_no_damage(tmp_path: Path) -> None:
    make(tmp_path, Meta(FORMAT, "trading", "name", fresh=True))  # killed before the opening was counted
    assert Store(tmp_path).stored.damage == ""
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / f"{FILE}.new").write_bytes(b"half a draft")
    assert (Store(tmp_path / "b").stored.damage, Store(tmp_path / "b").stored.fresh) == ("", True)


def test_a_new_name_makes_a_store_that_is_fresh_no_more(tmp_path: Path, writer: Writer) -> None:
    writer.write(proven=False, incarnation="another")
    stored = Store(tmp_path).stored
    assert (stored.incarnation, stored.fresh) == ("another", False)


def test_a_failing_store_says_so_and_writes_no_more(tmp_path: Path) -> None:
    made = Writer(tmp_path)
    entry = log_of(1).at(1)
    made.write(fence=1, entries=[entry])
    outcome = made.write(fence=1, entries=[entry])  # the row is there already
    assert isinstance(outcome[0], PersistFailed)
    assert "IntegrityError" in outcome[0].reason
    made.store.close()


def test_a_planted_mistake_reports_writes_that_are_not_done(tmp_path: Path) -> None:
    made = Writer(tmp_path, defects=frozenset({Defect.LOST_FSYNC}))
    assert made.write(fence=1, entries=log_of(1).slice(1, 1)) == [Persisted(1)]
    assert Store(tmp_path).stored.entries == []
    made.store.close()
    assert len(Store(tmp_path).stored.entries) == 1


def _write_for_ever(directory: str, pipe: int) -> None:
    store = Store(Path(directory))
    log = Log(store.stored.entries)

    def report(outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, Persisted):
                os.write(pipe, outcome.ticket.to_bytes(8, "big"))

    store.start(report)
    while True:
        entry = log.write(1, 0, os.urandom(200))
        store.write(Persist(entry.index, 1, entries=[entry]))
        time.sleep(0.0002)


@pytest.mark.processes
def test_nothing_that_was_reported_durable_is_lost_by_a_kill(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("fork")
    reported = 0
    for _ in range(4):
        read, write = os.pipe()
        process = spawn.Process(target=_write_for_ever, args=(str(tmp_path), write))
        process.start()
        os.close(write)
        for _ in range(40):
            reported = int.from_bytes(os.read(read, 8), "big")
        os.kill(process.pid or 0, signal.SIGKILL)
        while last := os.read(read, 8):
            reported = int.from_bytes(last, "big")
        process.join()
        os.close(read)
        stored = Store(tmp_path).stored
        assert stored.damage == ""
        assert len(stored.entries) >= reported


def test_a_hash_covers_the_entry_and_everything_before_it() -> None:
    log = log_of(3)
    entry = log.at(2)
    assert sound(entry, log.hash_at(1))
    assert not sound(entry, GENESIS)
    for changed in (
        Entry(3, entry.epoch, entry.time_ns, entry.command, entry.hash),
        Entry(2, 9, entry.time_ns, entry.command, entry.hash),
        Entry(2, entry.epoch, 1, entry.command, entry.hash),
        Entry(2, entry.epoch, entry.time_ns, b"", entry.hash),
    ):
        assert not sound(changed, log.hash_at(1))
    assert entry.hash == chain(log.hash_at(1), 2, entry.epoch, entry.time_ns, entry.command)


def test_time_in_the_log_never_stands_still() -> None:
    log = Log()
    times = [log.write(1, wall_ns, b"").time_ns for wall_ns in (100, 50, 100, 101, 500)]
    assert times == [100, 101, 102, 103, 500]


def test_a_batch_is_limited_by_count_and_by_bytes() -> None:
    log = log_of(10)
    assert [e.index for e in log.batch_after(2, most=3, most_bytes=1 << 20)] == [3, 4, 5]
    assert [e.index for e in log.batch_after(2, most=9, most_bytes=10)] == [3]
    assert log.batch_after(10, most=9, most_bytes=10) == []

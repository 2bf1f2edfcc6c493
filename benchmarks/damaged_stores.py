"""Every cut and every flipped bit of a short store's files: is each one recognised, or without consequence?

A store with small pages is written in two lives, the second of which ends without closing, so that the database, the
write-ahead log and the witness all matter. Its files are then damaged in every way that there is: cut at each byte, and
with each single bit flipped. Each time the store is opened, and what it then says is compared with what was durable.

    unharmed    it holds exactly what was durable
    torn        it holds what was durable before the last transaction, and doesn't know it
    recognised  it says what is damaged and where, gives up its vote, and keeps nothing but a true beginning of the log
    lost        something durable is gone, and it doesn't know it
    other       it holds something that was never written
    crashed     it could not be opened at all

`lost`, `other` and `crashed` must be 0; exits with 1 otherwise, and names the first few. Prints one line of JSON a file.
Usage: `python benchmarks/damaged_stores.py [--workers N] [--every N]` (`--every 50` tries each fiftieth damage alone).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import queue
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from trading_stack.journal.entries import Log
from trading_stack.journal.events import Persist, Persisted, Promise, Stored
from trading_stack.journal.files import FILE, WAL, make
from trading_stack.journal.life import Age
from trading_stack.journal.meta import FORMAT, Meta, StoreRefused
from trading_stack.journal.opening import open_store
from trading_stack.journal.store import Outcome, Store
from trading_stack.journal.witness import WITNESS

FILES = (FILE, WAL, WITNESS)
BAD = ("lost", "other", "crashed")
PAGE_BYTES = 512
SHOWN = 5


@dataclass(frozen=True)
class Damage:
    """One change to one file: cut to `at` bytes, or bit `bit` of byte `at` flipped."""

    file: str
    at: int
    bit: int | None = None

    def __str__(self) -> str:
        what = "cut to" if self.bit is None else f"bit {self.bit} flipped of byte"
        return f"{self.file} {what} {self.at}"

    def of(self, data: bytes) -> bytes:
        if self.bit is None:
            return data[: self.at]
        return data[: self.at] + bytes([data[self.at] ^ 1 << self.bit]) + data[self.at + 1 :]


@dataclass(frozen=True)
class Sample:
    """A store's files, what they hold, and what they held before the last transaction."""

    files: dict[str, bytes]
    durable: Stored
    before: Stored


def damages(sample: Sample) -> Iterator[Damage]:
    for name, data in sample.files.items():
        for at in range(len(data)):
            yield Damage(name, at)
            yield from (Damage(name, at, bit) for bit in range(8))


class Writer:
    """A store that is open for writing; one transaction for each write."""

    def __init__(self, directory: Path) -> None:
        self._store = Store(directory)
        self._outcomes: queue.Queue[list[Outcome]] = queue.Queue()
        self._store.start(self._outcomes.put)
        self._ticket = 0

    def write(self, persist: Persist) -> None:
        self._ticket += 1
        self._store.write(msgspec.structs.replace(persist, ticket=self._ticket))
        outcomes = self._outcomes.get(timeout=60)
        assert outcomes == [Persisted(self._ticket)], outcomes

    def close(self) -> None:
        self._store.close()


def sample_of(directory: Path) -> Sample:
    """Two lives: the first ends in order, the second has its files copied while it goes on."""
    log = Log()
    for number in range(1, 23):
        log.write(
            1 if number <= 16 else 2, number, b"x" * 600 if number == 3 else f"command {number}".encode()
        )
    make(directory, Meta(FORMAT, "trading", "a-store", fresh=True), page_bytes=PAGE_BYTES)
    first = Writer(directory)
    first.write(Persist(0, None, founders={"alpha": "a-store", "bravo": "b-store"}, proven=True))
    first.write(Persist(0, 0, promise=Promise(1, "bravo"), entries=log.slice(1, 16)))
    first.close()
    second = Writer(directory)
    second.write(Persist(0, None, promise=Promise(2, "alpha"), seen={"b-store": Age(1, 4, 99)}))
    second.write(Persist(0, 2, entries=log.slice(17, 19)))
    before = read(directory)
    second.write(Persist(0, 2, truncate_from=19, entries=log.slice(19, 22), seen={"b-store": Age(2, 9, 7)}))
    files = read(directory)
    second.close()
    return Sample(files, opened(files), opened(before))


def read(directory: Path) -> dict[str, bytes]:
    return {name: (directory / name).read_bytes() for name in FILES}


def opened(files: dict[str, bytes]) -> Stored:
    """What a store with these files holds when it is opened; raises what opening it raises."""
    with tempfile.TemporaryDirectory() as name:
        for file, data in files.items():
            (Path(name) / file).write_bytes(data)
        return open_store(Path(name), cluster="trading")


# --- judging


def verdict(sample: Sample, damage: Damage) -> str:
    files = {**sample.files, damage.file: damage.of(sample.files[damage.file])}
    try:
        stored = opened(files)
    except StoreRefused:
        return "recognised"
    except Exception as error:
        return f"crashed: {type(error).__name__}: {error}"
    if stored.damage:
        return "recognised" if honest(stored, sample.durable) else "other"
    if content(stored) == content(sample.durable):
        return "unharmed"
    if content(stored) == content(sample.before):
        return "torn"
    known = sample.durable.entries[: len(stored.entries)] == stored.entries
    return "lost" if known else "other"


def content(stored: Stored) -> tuple[object, ...]:
    return (
        stored.incarnation,
        stored.proven,
        stored.founders,
        stored.promise,
        stored.entries,
        stored.fresh,
        stored.seen,
    )


def honest(stored: Stored, durable: Stored) -> bool:
    """Whether a store that was recognised as damaged kept nothing false, and may not vote."""
    kept = stored.entries == durable.entries[: len(stored.entries)]
    older = (
        kept or stored.entries[:-1] == durable.entries[: len(stored.entries) - 1]
    )  # truncated by what was lost
    return older and not stored.proven and not stored.fresh and stored.incarnation != durable.incarnation


def campaign(sample: Sample, cases: list[Damage], workers: int) -> Iterator[tuple[Damage, str]]:
    if workers == 1:
        yield from ((case, verdict(sample, case)) for case in cases)
        return
    with multiprocessing.Pool(workers) as pool:
        yield from zip(cases, pool.imap(partial(verdict, sample), cases, chunksize=200), strict=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--every", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        sample = sample_of(Path(directory))
    cases = list(damages(sample))[:: arguments.every]
    counts: dict[str, Counter[str]] = {name: Counter() for name in FILES}
    bad: list[str] = []
    started = time.perf_counter()
    for case, found in campaign(sample, cases, arguments.workers):
        kind = found.partition(":")[0]
        counts[case.file][kind] += 1
        if kind in BAD:
            bad.append(f"{case}: {found}")
    for name in FILES:
        print(json.dumps({"file": name, "bytes": len(sample.files[name]), **counts[name]}))
    print(
        json.dumps({"damages": len(cases), "bad": len(bad), "seconds": round(time.perf_counter() - started)})
    )
    for line in bad[:SHOWN]:
        print(line, file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

"""Every cut and every flipped bit of a short store: is each one recognised, told, and recovered from?

`damaged_sample.py` tells the life of the replica whose store it is: once with its whole log, once with a snapshot and a
tail after it. Its files, as a kill leaves them, are damaged in every way that there is: gone, cut at each byte, and
with each single bit flipped. So is every value of every row of the database, and each row is taken away; and files of
different moments are put together. Each time the store is opened, and what it then says is compared with what was durable.

    unharmed    it holds exactly what was durable: that place is not read, or is told by another
    recognised  it says what is damaged and in which file, has a new name and no vote, and keeps nothing that was never
                written
    rolled back two of three files are those of an earlier moment, and so is all that it holds: sound by itself, it is told
                by its peers (`tests/trading_stack/protocol/test_rolled_back.py`)
    refused     it doesn't open, so that this replica can't recover
    lost        something durable is gone, and it doesn't know it
    other       it holds something that was never written, or says too little
    crashed     opening it failed in another way

Then the cluster of three goes on, in virtual time, with each different content that was kept (`damaged_recovery.py`).
All but the first three kinds must be 0, and every recovery must succeed; exits with 1 otherwise, and names the first few.
The wal-index (`-shm`), which knows nothing of what the pages hold, is damaged beside one of the two stores alone, and
compared by what SQLite then reads, which is quicker.
Usage: `python benchmarks/damaged_stores.py [--workers N] [--every N]` (`--every 50` tries each fiftieth damage alone).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import msgspec
from damaged_records import Record, records
from damaged_recovery import recover
from damaged_sample import FILES, SHM, SNAPSHOTS_EVERY, WHOLE, Sample, sample_of
from damaged_unread import unread

from trading_stack.journal.events import Stored
from trading_stack.journal.files import FILE, WAL, connect
from trading_stack.journal.meta import StoreRefused
from trading_stack.journal.opening import open_store
from trading_stack.journal.write_counter import COUNTER

GOOD: Final = ("unharmed", "recognised", "rolled back")
CHUNK: Final = 400
SHOWN: Final = 5
ROWS: Final = "rows"
MIXED: Final = "files of different moments"
TABLES: Final = ("meta", "entries", "snapshot")


@dataclass(frozen=True)
class Damage:
    """One change to one file: gone (`at` is None), cut to `at` bytes, or bit `bit` of byte `at` flipped."""

    file: str
    at: int | None = None
    bit: int | None = None

    def __str__(self) -> str:
        if self.at is None:
            return f"{self.file} gone"
        return (
            f"{self.file} cut to {self.at}"
            if self.bit is None
            else f"{self.file} bit {self.bit} of {self.at}"
        )

    def of(self, files: dict[str, bytes]) -> dict[str, bytes]:
        if self.at is None:
            return {name: data for name, data in files.items() if name != self.file}
        data = files[self.file]
        if self.bit is None:
            return {**files, self.file: data[: self.at]}
        flipped = bytes([data[self.at] ^ 1 << self.bit])
        return {**files, self.file: data[: self.at] + flipped + data[self.at + 1 :]}


def damages(sample: Sample, name: str) -> Iterator[Damage]:
    yield Damage(name)
    for at in range(len(sample.files[name])):
        yield Damage(name, at)
        yield from (Damage(name, at, bit) for bit in range(8))


@dataclass(frozen=True)
class Mixture:
    """Some of the files put back to what they were after an earlier write."""

    names: tuple[str, ...]
    earlier: dict[str, bytes]
    write: int

    def __str__(self) -> str:
        return f"{' and '.join(self.names)} as of write {self.write}"

    def of(self, files: dict[str, bytes]) -> dict[str, bytes]:
        return {**files, **{name: self.earlier[name] for name in self.names}}


def mixtures(sample: Sample) -> Iterator[Mixture]:
    """One or two of the three files that are read, as of each earlier write; not what is a whole earlier store."""
    read = (FILE, WAL, COUNTER)
    for write, earlier in enumerate(sample.earlier, 1):
        for names in (names for count in (1, 2) for names in combinations(read, count)):
            mixture = Mixture(names, earlier, write)
            if any(mixture.of(sample.files)[name] != earlier[name] for name in read):
                yield mixture


Case = Damage | Record | Mixture


# --- judging


@dataclass
class Tally:
    """What was found of some damages, and one store for each different content that was kept."""

    kinds: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    kept: dict[bytes, Stored] = field(default_factory=dict)
    bad: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.kinds += other.kinds
        self.told += other.told
        self.unread += other.unread
        self.kept = {**other.kept, **self.kept}
        self.bad += other.bad


def opened(files: dict[str, bytes]) -> Stored:
    """What a store with these files holds when it is opened; raises what opening it raises."""
    with tempfile.TemporaryDirectory() as name:
        for file, data in files.items():
            (Path(name) / file).write_bytes(data)
        return open_store(Path(name), cluster="trading")


def verdict(sample: Sample, damage: Case) -> tuple[str, Stored | None]:
    try:
        stored = opened(damage.of(sample.files))
    except StoreRefused as refusal:
        return f"refused: {refusal}", None
    except Exception as error:
        return f"crashed: {type(error).__name__}: {error}", None
    if stored.damage:
        return honest(sample, stored), stored
    if stored == sample.durable:
        return "unharmed", stored
    if isinstance(damage, Mixture) and stored in [opened(moment) for moment in sample.earlier]:
        return "rolled back", None
    known = {entry.hash for entry in stored.entries} <= sample.written
    return "lost" if known else "other", stored


def honest(sample: Sample, stored: Stored) -> str:
    """Whether a store that was recognised as damaged says where, kept nothing false, and may not vote."""
    hashes = {entry.hash for entry in stored.entries}
    older = stored.promise.epoch <= sample.durable.promise.epoch
    snapshot = stored.snapshot in (None, sample.durable.snapshot)
    if not (hashes <= sample.written and older and snapshot):
        return "other: it keeps what was never written"
    if stored.proven or stored.fresh or stored.incarnation == sample.durable.incarnation:
        return "other: it may still vote"
    if not stored.damage.startswith(FILES):
        return f"other: it doesn't say where: {stored.damage}"
    return "recognised"


def content(stored: Stored) -> bytes:
    """All but its new name and its words."""
    return msgspec.msgpack.encode(msgspec.structs.replace(stored, incarnation="", damage=""))


def diagnosis(stored: Stored) -> str:
    """What was told, without the place and without SQLite's last word."""
    said = re.split(r"; the files|: malformed|: Could not|: \*\*\*", stored.damage)[0]
    return re.sub(r"\d+", "N", said) or "nothing"


def without_consequence(sample: Sample, case: Case) -> str:
    if isinstance(case, Record):
        return "the key of a table's only row"
    if isinstance(case, Mixture):
        return f"an earlier {' and '.join(case.names)}"
    return unread(sample.files, case.file, case.at, cut=case.bit is None)


def judged(sample: Sample, cases: Sequence[Case]) -> Tally:
    tally = Tally()
    for case in cases:
        found, stored = verdict(sample, case)
        kind = found.partition(":")[0]
        tally.kinds[kind] += 1
        if kind not in GOOD:
            tally.bad.append(f"{case}: {found}")
        if kind == "unharmed":
            tally.unread[without_consequence(sample, case)] += 1
        if stored is not None:
            tally.told[diagnosis(stored)] += 1
            tally.kept.setdefault(content(stored), stored)
    return tally


def campaign(
    sample: Sample, cases: Sequence[Any], workers: int, judge: Callable[[Sample, Any], Tally] = judged
) -> Tally:
    tally = Tally()
    chunks = [cases[start : start + CHUNK] for start in range(0, len(cases), CHUNK)]
    if workers == 1:
        for chunk in chunks:
            tally.add(judge(sample, chunk))
        return tally
    with multiprocessing.Pool(workers) as pool:
        for found in pool.imap(partial(judge, sample), chunks):
            tally.add(found)
    return tally


# --- the wal-index


def same_reading(sample: Sample, cases: Sequence[Damage]) -> Tally:
    """Whether SQLite reads the same with each damaged wal-index, which it is to make anew at the first opening."""
    tally, files = Tally(), {name: data for name, data in sample.files.items() if name != COUNTER}
    with tempfile.TemporaryDirectory() as name:
        whole = _rows(Path(name), files)
        for case in cases:
            same = _rows(Path(name), case.of(files)) == whole
            tally.kinds["unharmed" if same else "lost"] += 1
            if same:
                tally.unread["the wal-index, made anew at each opening"] += 1
            else:
                tally.bad.append(f"{case}: it reads other rows")
    return tally


def _rows(directory: Path, files: dict[str, bytes]) -> list[tuple[object, ...]]:
    for file in FILES:
        (directory / file).unlink(missing_ok=True)
    for file, data in files.items():
        (directory / file).write_bytes(data)
    with closing(connect(directory)) as database:
        return [row for table in TABLES for row in database.execute(f"SELECT * FROM {table}")]


# --- the command line


def cases_of(sample: Sample, place: str) -> list[Case]:
    if place == ROWS:
        return list(records(sample.files))
    return list(mixtures(sample) if place == MIXED else damages(sample, place))


def measured(name: str, sample: Sample, arguments: argparse.Namespace) -> Tally:
    """Damage everything of a sample, and say what came of each file."""
    whole = Tally()
    for place in (*FILES, ROWS, MIXED):
        if place == SHM and name == WHOLE:
            continue
        cases = cases_of(sample, place)[:: arguments.every]
        found = campaign(sample, cases, arguments.workers, same_reading if place == SHM else judged)
        size = len(sample.files.get(place, b""))
        print(json.dumps({"store": name, "of": place, "bytes": size, "damages": len(cases), **found.kinds}))
        whole.add(found)
    print(json.dumps({"store": name, "without consequence": dict(whole.unread.most_common())}))
    print(json.dumps({"store": name, "told": dict(whole.told.most_common())}))
    failures = list(unrecovered(whole.kept.values(), snapshot_every=sample.snapshot_every))
    whole.bad += failures
    recovered = len(whole.kept) - len(failures)
    print(json.dumps({"store": name, "contents": len(whole.kept), "recovered": recovered}))
    return whole


def unrecovered(kept: Iterable[Stored], *, snapshot_every: int) -> Iterator[str]:
    """What was wrong with each recovery that failed."""
    for stored in kept:
        wrong = recover(stored, snapshot_every=snapshot_every)
        if wrong:
            yield f"with {len(stored.entries)} entries, {stored.promise}, {stored.damage}: {wrong}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--every", type=int, default=1)
    arguments = parser.parse_args()
    whole, started = Tally(), time.perf_counter()
    for name, snapshot_every in SNAPSHOTS_EVERY.items():
        with tempfile.TemporaryDirectory() as directory:
            sample = sample_of(Path(directory), snapshot_every=snapshot_every)
        whole.add(measured(name, sample, arguments))
    ran = {"damages": whole.kinds.total(), "bad": len(whole.bad)}
    print(json.dumps({**ran, "seconds": round(time.perf_counter() - started), "cpu_s": round(_cpu_s())}))
    for line in whole.bad[:SHOWN]:
        print(line, file=sys.stderr)
    return 1 if whole.bad else 0


def _cpu_s() -> float:
    return sum(os.times()[:4])


if __name__ == "__main__":
    sys.exit(main())

"""Reads, at the end, every register that was written in a run: through each entry point, as a client would.

What is read is recorded like any other operation, so that the checks see one history.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TextIO

import msgspec

from harness.model.operations import CompareAndSet, Fail, Info, Ok, ReadRegister, Reply, WriteRegister
from harness.model.record import FINAL, OPERATIONS_GLOB, Completed, Invoked, OperationRecord
from harness.model.units import counted
from harness.observe.plan import CollectPlan, Endpoint
from harness.stack.adapter import Adapter, Address

READERS: Final = 8
"""Connections to each entry point: most of a read's time is the way there and back."""

WITHIN_S: Final = 25.0
FIRST_OP: Final = 10**15
"""Beyond what load generators number their operations from."""


def written_keys(folder: Path) -> list[str]:
    """Every register that somebody tried to change, in the order of first trying."""
    decoder = msgspec.json.Decoder(OperationRecord)
    keys: dict[str, None] = {}
    for path in sorted(folder.glob(OPERATIONS_GLOB)):
        for line in path.read_bytes().split(b"\n")[:-1]:
            record = decoder.decode(line)
            if isinstance(record, Invoked) and isinstance(record.operation, WriteRegister | CompareAndSet):
                keys[record.operation.key] = None
    return list(keys)


def read_all(plan: CollectPlan, factory: Callable[[], Adapter]) -> list[str]:
    """Read and record; answers what could not be read, and why."""
    folder = Path(plan.folder)
    keys = written_keys(folder)
    until = time.monotonic() + WITHIN_S
    shares = [keys[number::READERS] for number in range(min(READERS, len(keys)))]
    readers = [
        _Reader(endpoint, number, share, factory, plan.deadline_s, until)
        for number, (endpoint, share) in enumerate(
            (endpoint, share) for endpoint in plan.entry_points for share in shares
        )
    ]
    if not readers:
        return []
    with ThreadPoolExecutor(len(readers)) as pool:
        for _ in pool.map(_Reader.run, readers):
            pass
    with (folder / OPERATIONS_GLOB.replace("*", FINAL)).open("w", encoding="utf-8") as file:
        for reader in readers:
            _write(file, reader.records)
    return [text for endpoint in plan.entry_points if (text := _told(endpoint, readers))]


class _Reader:
    """One connection to one entry point, and its share of the registers."""

    def __init__(
        self,
        endpoint: Endpoint,
        number: int,
        keys: Sequence[str],
        factory: Callable[[], Adapter],
        deadline_s: float,
        until: float,
    ) -> None:
        self.endpoint = endpoint
        self.records: list[OperationRecord] = []
        self.unread = len(keys)
        self.why = ""
        self._next_op = FIRST_OP + number * FIRST_OP // 1000
        self._keys = keys
        self._factory = factory
        self._deadline_s = deadline_s
        self._until = until

    def run(self) -> None:
        """Read every key once; `unread` is left of them, and `why`."""
        adapter = self._factory()
        try:
            adapter.connect(Address(self.endpoint.host, self.endpoint.port), deadline_s=self._deadline_s)
            self._read_all(adapter)
        except Exception as error:
            self.why = f"{type(error).__name__}: {error}"
        finally:
            adapter.close()

    def _read_all(self, adapter: Adapter) -> None:
        for key in self._keys:
            if time.monotonic() >= self._until:
                self.why = f"not within {WITHIN_S:g} s"
                return
            reply = self._read(adapter, key)
            if isinstance(reply, Ok):
                self.unread -= 1
            else:
                self.why = f"{key}: {reply.reason}"

    def _read(self, adapter: Adapter, key: str) -> Reply:
        where, op = self.endpoint, self._next_op
        self._next_op += 1
        read = ReadRegister(key)
        sent_ns = time.monotonic_ns()
        client = f"{FINAL}@{where.name}"
        invoked = Invoked(op, FINAL, client, FINAL, where.name, where.provider, sent_ns, sent_ns, read)
        try:
            reply: Reply = adapter.invoke(read, deadline_s=self._deadline_s)
        except Exception as error:  # whatever an adapter raises says nothing of the register
            reply = Info(f"the adapter raised {type(error).__name__}: {error}")
        outcome = "ok" if isinstance(reply, Ok) else "fail" if isinstance(reply, Fail) else "info"
        over_ns = time.monotonic_ns()
        self.records += [invoked, Completed(op, over_ns, where.name, where.provider, 1, outcome, reply)]
        return reply


def _told(endpoint: Endpoint, readers: Sequence[_Reader]) -> str:
    """What could not be read through an entry point; empty when all was."""
    failed = [reader for reader in readers if reader.endpoint == endpoint and reader.unread]
    if not failed:
        return ""
    count = sum(reader.unread for reader in failed)
    return f"{counted(count, 'register')} through {endpoint.name} ({failed[0].why})"


def _write(file: TextIO, records: Sequence[OperationRecord]) -> None:
    for record in records:
        file.write(msgspec.json.encode(record).decode() + "\n")

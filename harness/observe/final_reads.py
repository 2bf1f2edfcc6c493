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
    missing: list[str] = []
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
        outcomes = list(pool.map(_Reader.run, readers))
    with (folder / OPERATIONS_GLOB.replace("*", FINAL)).open("w", encoding="utf-8") as file:
        for reader, problem in zip(readers, outcomes, strict=True):
            _write(file, reader.records)
            if problem:
                missing.append(f"registers through {reader.endpoint.name}: {problem}")
    return list(dict.fromkeys(missing))


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
        self._next_op = FIRST_OP + number * FIRST_OP // 1000
        self._keys = keys
        self._factory = factory
        self._deadline_s = deadline_s
        self._until = until

    def run(self) -> str:
        """Read every key once; answers what went wrong, empty when nothing did."""
        adapter = self._factory()
        try:
            adapter.connect(Address(self.endpoint.host, self.endpoint.port), deadline_s=self._deadline_s)
            return self._read_all(adapter)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        finally:
            adapter.close()

    def _read_all(self, adapter: Adapter) -> str:
        refused = ""
        for number, key in enumerate(self._keys):
            if time.monotonic() >= self._until:
                return f"{len(self._keys) - number} were not read within {WITHIN_S:g} s"
            reply = self._read(adapter, key)
            if isinstance(reply, Fail | Info):
                refused = refused or f"{key}: {reply.reason}"
        return refused

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


def _write(file: TextIO, records: Sequence[OperationRecord]) -> None:
    for record in records:
        file.write(msgspec.json.encode(record).decode() + "\n")

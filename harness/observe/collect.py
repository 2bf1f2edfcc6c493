"""Reads at the end what each replica holds and what clients are told: `python -m harness.observe.collect PLAN.json`.

Of a store of registers it reads every register instead.

Every call to the adapter runs in a thread of its own with a deadline; what cannot be read is named, never guessed.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from harness.model.replica import AccountReport, ReplicaDump
from harness.observe.files import accounts_path, instruments_path, replica_path
from harness.observe.final_reads import read_all
from harness.observe.plan import Collection, CollectPlan, Endpoint
from harness.stack.adapter import Accounts, Adapter, Address, DropCopy, Market, Registers
from harness.stack.loading import load_adapter

T = TypeVar("T")

GRACE_S: Final = 0.25
RETRY_S: Final = 0.2
EQUAL_TRIES: Final = 4
"""Readings in which replicas that have all caught up may still fail to be at one index, since marks go on."""


def at_once(calls: Mapping[str, Callable[[], T]], *, within_s: float) -> tuple[dict[str, T], dict[str, str]]:
    """Make all calls at the same time; their results, and for those that failed or overran, why."""
    results: dict[str, T] = {}
    problems: dict[str, str] = {}

    def attempt(name: str, call: Callable[[], T]) -> None:
        try:
            results[name] = call()
        except Exception as error:
            problems[name] = f"{type(error).__name__}: {error}"

    threads = {
        name: threading.Thread(target=attempt, args=(name, call), daemon=True) for name, call in calls.items()
    }
    for thread in threads.values():
        thread.start()
    until = time.monotonic() + within_s
    for name, thread in threads.items():
        thread.join(max(0.0, until - time.monotonic()))
        if thread.is_alive():
            problems.setdefault(name, f"no answer within {within_s:g} s")
    answered = {name: result for name, result in results.items() if name not in problems}
    return answered, dict(problems)


class ReplicaReader:
    """Reads all replicas at once, after giving those that are behind some time."""

    def __init__(
        self,
        read: Callable[[Endpoint], ReplicaDump],
        engines: Sequence[Endpoint],
        *,
        deadline_s: float,
        clock_s: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._read = read
        self._engines = {engine.name: engine for engine in engines}
        self._deadline_s = deadline_s
        self._clock_s = clock_s
        self._pause = pause
        self.problems: dict[str, str] = {}

    def once(self) -> dict[str, ReplicaDump]:
        """One reading of each that answers."""

        def call(engine: Endpoint) -> Callable[[], ReplicaDump]:
            return lambda: self._read(engine)

        calls = {name: call(engine) for name, engine in self._engines.items()}
        found, self.problems = at_once(calls, within_s=self._deadline_s + GRACE_S)
        return found

    def settled(self, *, within_s: float) -> tuple[dict[str, ReplicaDump], bool]:
        """The first reading in which all agree how far the log goes, and whether it came in time.

        A venue may never rest (marks are journalled all the time), so that equality is a matter of luck: when all
        have reached what the first reading knew as committed, a few more tries are enough.
        """
        until = self._clock_s() + within_s
        found = self.once()
        target = max((dump.commit_index for dump in found.values()), default=0)
        caught_up = 0
        while True:
            whole = len(found) == len(self._engines)
            target = target or max((dump.commit_index for dump in found.values()), default=0)
            if whole and len({dump.applied_index for dump in found.values()}) == 1:
                return found, True
            if whole and all(dump.applied_index >= target for dump in found.values()):
                caught_up += 1
                if caught_up >= EQUAL_TRIES:
                    return found, True
            if self._clock_s() >= until:
                return found, caught_up > 0
            self._pause(RETRY_S)
            found = self.once()


def collect(plan: CollectPlan) -> Collection:
    """Read and write everything; what is missing is named."""
    factory = load_adapter(plan.adapter, base=Path(plan.base))
    if isinstance(factory(), Registers):
        return Collection(replicas=0, accounts=0, settled=True, missing=tuple(read_all(plan, factory)))
    replicas, settled, missing = _collect_replicas(plan, factory())
    accounts, missing_accounts = _collect_accounts(plan, factory)
    missing += missing_accounts + _collect_instruments(plan, factory())
    return Collection(replicas=replicas, accounts=accounts, settled=settled, missing=tuple(missing))


def _collect_replicas(plan: CollectPlan, adapter: Adapter) -> tuple[int, bool, list[str]]:
    if not isinstance(adapter, DropCopy):
        return 0, False, ["replicas: the adapter doesn't read them (DropCopy)"]
    drop_copy: DropCopy = adapter

    def read(engine: Endpoint) -> ReplicaDump:
        return drop_copy.replica(Address(engine.host, engine.port), deadline_s=plan.deadline_s)

    reader = ReplicaReader(read, plan.engines, deadline_s=plan.deadline_s)
    found, settled = reader.settled(within_s=plan.settle_s)
    count, missing = 0, []
    for reading in range(1, plan.reads + 1):
        if reading > 1:
            time.sleep(plan.gap_s)
            found = reader.once()
        for service, dump in found.items():
            replica_path(Path(plan.folder), service, reading).write_bytes(msgspec.json.encode(dump))
        count += len(found)
        missing += [f"replica {name}, reading {reading}: {why}" for name, why in reader.problems.items()]
    if not settled:
        missing.append(f"a common log: replicas were not equally far within {plan.settle_s:g} s")
    return count, settled, missing


def _collect_accounts(plan: CollectPlan, factory: Callable[[], Adapter]) -> tuple[int, list[str]]:
    if not isinstance(factory(), Accounts):
        return 0, ["accounts: the adapter doesn't read them (Accounts)"]

    def call(endpoint: Endpoint) -> Callable[[], list[AccountReport]]:
        return lambda: account_reports(factory(), endpoint, deadline_s=plan.deadline_s)

    calls = {endpoint.name: call(endpoint) for endpoint in plan.entry_points}
    found, problems = at_once(calls, within_s=2 * plan.deadline_s + GRACE_S)
    for gateway, reports in found.items():
        accounts_path(Path(plan.folder), gateway).write_bytes(msgspec.json.encode(reports))
    missing = [f"accounts through {gateway}: {why}" for gateway, why in problems.items()]
    return sum(len(reports) for reports in found.values()), missing


def _collect_instruments(plan: CollectPlan, adapter: Adapter) -> list[str]:
    """Write what can be traded; a stack that doesn't tell it lacks nothing here, and checks say what they can't judge."""
    if not isinstance(adapter, Market):
        return []
    found, problems = at_once({"instruments": adapter.market}, within_s=plan.deadline_s)
    for instruments in found.values():
        instruments_path(Path(plan.folder)).write_bytes(msgspec.json.encode(instruments))
    return [f"{name}: {why}" for name, why in problems.items()]


def account_reports(adapter: Adapter, endpoint: Endpoint, *, deadline_s: float) -> list[AccountReport]:
    """What one entry point tells of every account, marked with its name."""
    adapter.connect(Address(endpoint.host, endpoint.port), deadline_s=deadline_s)
    try:
        reports = adapter.account_reports(deadline_s=deadline_s) if isinstance(adapter, Accounts) else []
        return [msgspec.structs.replace(report, through=endpoint.name) for report in reports]
    finally:
        adapter.close()


def _end_with_input() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


def main(arguments: Sequence[str]) -> int:
    plan = msgspec.json.decode(Path(arguments[0]).read_bytes(), type=CollectPlan)
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        collection = collect(plan)
    except Exception as error:
        reason = f"everything: {type(error).__name__}: {error}"
        collection = Collection(replicas=0, accounts=0, settled=False, missing=(reason,))
    os.write(1, msgspec.json.encode(collection) + b"\n")
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    os._exit(code)  # threads that still wait for an answer don't keep the process

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from toy_observed import Listing, replica, write_state

from harness.model.replica import ReplicaDump
from harness.observe.collect import ReplicaReader, at_once, collect
from harness.observe.files import read_accounts, read_instruments, read_replicas, replica_path
from harness.observe.plan import CollectPlan, Endpoint

HERE = Path(__file__).parent
ENGINES = tuple(Endpoint(f"engine-{n}", None, "127.0.0.1", n) for n in (1, 2, 3))
GATEWAYS = tuple(Endpoint(f"gateway-{n}", None, "127.0.0.1", n) for n in (1, 2))


class Clock:
    """Time that passes only by pauses."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def read(self) -> float:
        return self.now_s

    def pause(self, seconds: float) -> None:
        self.now_s += seconds


def reader(indexes: Callable[[str, float], int | None], clock: Clock) -> ReplicaReader:
    """Replicas whose index is a function of name and time; None: it doesn't answer."""

    def read(engine: Endpoint) -> ReplicaDump:
        index = indexes(engine.name, clock.now_s)
        if index is None:
            raise ConnectionRefusedError("nobody there")
        return replica(engine.name, index=index)

    return ReplicaReader(read, ENGINES, deadline_s=1, clock_s=clock.read, pause=clock.pause)


def test_equal_replicas_are_read_at_once() -> None:
    clock = Clock()
    found, settled = reader(lambda name, now_s: 10, clock).settled(within_s=5)
    assert (settled, clock.now_s, len(found)) == (True, 0, 3)


def test_one_that_is_behind_gets_time_to_catch_up() -> None:
    clock = Clock()
    found, settled = reader(
        lambda name, now_s: min(10, int(now_s * 5)) if name == "engine-2" else 10, clock
    ).settled(within_s=5)
    assert settled
    assert {dump.applied_index for dump in found.values()} == {10}
    assert clock.now_s == pytest.approx(2, abs=0.3)


def test_a_log_that_never_rests_is_settled_when_all_reached_what_was_committed() -> None:
    clock = Clock()
    order = {"engine-1": 0, "engine-2": 1, "engine-3": 2}
    found, settled = reader(lambda name, now_s: int(now_s * 100) + order[name], clock).settled(within_s=5)
    assert settled
    assert len(found) == 3
    assert clock.now_s < 2


@pytest.mark.parametrize("stuck", [3, None])
def test_one_that_stays_behind_or_dark_is_not_waited_for_for_ever(stuck: int | None) -> None:
    clock = Clock()
    readings = reader(lambda name, now_s: stuck if name == "engine-2" else 10, clock)
    found, settled = readings.settled(within_s=3)
    assert not settled
    assert clock.now_s == pytest.approx(3, abs=0.3)
    assert len(found) == (3 if stuck else 2)
    assert readings.problems == ({} if stuck else {"engine-2": "ConnectionRefusedError: nobody there"})


def test_calls_that_hang_don_t_delay_the_others() -> None:
    never = threading.Event()
    results, problems = at_once(
        {"good": lambda: 1, "hangs": lambda: int(never.wait(5)), "raises": lambda: 1 // 0}, within_s=0.1
    )
    never.set()
    assert results == {"good": 1}
    assert problems == {
        "hangs": "no answer within 0.1 s",
        "raises": "ZeroDivisionError: integer division or modulo by zero",
    }


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CollectPlan:
    monkeypatch.setenv("TOY_STATE", str(tmp_path))
    for number in (1, 2, 3):
        write_state(tmp_path, number, index=10, cursor=5)
    return CollectPlan(
        adapter="toy_observed:Watched",
        folder=str(tmp_path),
        engines=ENGINES,
        entry_points=GATEWAYS,
        base=str(HERE),
        gap_s=0.01,
        settle_s=0.3,
        deadline_s=0.2,
    )


def test_replicas_are_read_twice_and_accounts_through_each_entry_point(
    plan: CollectPlan, tmp_path: Path
) -> None:
    collection = collect(plan)
    assert (collection.replicas, collection.accounts, collection.settled, collection.missing) == (
        6,
        2,
        True,
        (),
    )
    assert [dump.node for dump in read_replicas(tmp_path)] == [f"node-{n}" for n in (1, 1, 2, 2, 3, 3)]
    assert [report.through for report in read_accounts(tmp_path)] == ["gateway-1", "gateway-2"]


def test_what_can_be_traded_is_written_down(plan: CollectPlan, tmp_path: Path) -> None:
    assert collect(plan).missing == ()
    assert read_instruments(tmp_path) is None
    listing = msgspec.structs.replace(plan, adapter="toy_observed:Listing")
    assert collect(listing).missing == ()
    assert read_instruments(tmp_path) == Listing().market()
    raising = msgspec.structs.replace(plan, adapter="toy_observed:Delisted")
    assert collect(raising).missing == ("instruments: LookupError: no list",)


def test_what_could_not_be_read_is_named_and_the_rest_is_read(plan: CollectPlan, tmp_path: Path) -> None:
    write_state(tmp_path, 3, index=4, hangs=1)
    write_state(tmp_path, 2, index=10, refuses=1)
    collection = collect(plan)
    assert (collection.replicas, collection.accounts, collection.settled) == (4, 1, False)
    assert collection.missing == (
        "replica engine-3, reading 1: no answer within 0.45 s",
        "replica engine-3, reading 2: no answer within 0.45 s",
        "a common log: replicas were not equally far within 0.3 s",
        "accounts through gateway-2: ConnectionRefusedError: nobody there",
    )


def test_an_adapter_that_can_read_nothing_says_so(plan: CollectPlan) -> None:
    collection = collect(msgspec.structs.replace(plan, adapter="toy_observed:Blind"))
    assert collection.missing == (
        "replicas: the adapter doesn't read them (DropCopy)",
        "accounts: the adapter doesn't read them (Accounts)",
    )


def test_readings_of_one_replica_stay_in_their_order(tmp_path: Path) -> None:
    import msgspec

    for number in (1, 2, 10):
        dump = replica("engine-1", index=number)
        replica_path(tmp_path, "engine-1", number).write_bytes(msgspec.json.encode(dump))
    assert [dump.applied_index for dump in read_replicas(tmp_path)] == [1, 2, 10]

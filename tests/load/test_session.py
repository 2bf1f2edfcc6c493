"""Load sessions end to end: real processes, real sockets, a toy stack."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from toy_stack import ToyStack, pid_alive, running

from harness.history.operation_table import read_records
from harness.load.plan import GatewayAddress
from harness.load.session import LoadSession, LoadSettings, worker_plans
from harness.model.errors import AdapterError, UsageError
from harness.model.operations import Info, NewOrder, Ok
from harness.model.record import Completed, Invoked

HERE = Path(__file__).parent
START_IN_NS = 30_000_000


def settings(adapter: str = "ToyAdapter", **changes: object) -> LoadSettings:
    plain = LoadSettings(adapter=f"toy_stack:{adapter}", seed=7, orders_per_s=100, base=str(HERE))
    return msgspec.structs.replace(plain, **changes)


def addresses(stack: ToyStack) -> list[GatewayAddress]:
    return [
        GatewayAddress(f"gateway-{number}", f"p{number}", "127.0.0.1", gateway.port)
        for number, gateway in enumerate(stack.gateways)
    ]


@pytest.fixture
def stack() -> Iterator[ToyStack]:
    with running(2) as toy:
        yield toy


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[Callable[..., LoadSession]]:
    started: list[LoadSession] = []

    def start(adapter: str = "ToyAdapter", **changes: object) -> LoadSession:
        started.append(LoadSession(settings(adapter, **changes), tmp_path))
        return started[-1]

    yield start
    for session in started:
        session.kill()


def wait_for(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + 60.0  # as nothing takes that works, on however busy a machine
    while not (met := condition()) and time.monotonic() < until:
        time.sleep(0.02)
    return met


def test_order_flow_is_shared_and_operation_numbers_are_not(tmp_path: Path) -> None:
    plans = worker_plans(settings(workers=3), tmp_path)
    assert [plan.worker for plan in plans] == ["flow-0", "flow-1", "flow-2", "probes"]
    assert sum(plan.flow.per_s for plan in plans if plan.flow) == pytest.approx(100)
    assert len({plan.first_op for plan in plans}) == 4
    assert [plan.probes is not None for plan in plans] == [False, False, False, True]


def test_an_unknown_profile_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a load profile"):
        LoadSession(settings(profile="wild"), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.processes
def test_a_healthy_stack(stack: ToyStack, sessions: Callable[..., LoadSession], tmp_path: Path) -> None:
    session = sessions(workers=2)
    session.wait_loaded(timeout_s=30)
    session.connect(addresses(stack), first_gateway="gateway-1")
    assert "to the next gateway" in session.policies["probe-reconnecting"]
    began_ns = time.monotonic_ns() + START_IN_NS
    session.begin(began_ns)
    assert wait_for(lambda: _on_time(session) >= 40)
    assert session.problem() == ""
    summary = session.drain(timeout_s=10)
    assert (summary.unresolved, summary.unknown, summary.missing) == (0, 0, ())
    assert summary.lateness.samples > 100
    assert all(worker.locust_requests == worker.operations for worker in summary.workers)
    assert not any(pid_alive(pid) for pid in session.pids)
    assert_records_are_whole(tmp_path, summary.operations, began_ns)


def _on_time(session: LoadSession) -> int:
    return sum(count.on_time for count in session.live(window_s=1.0).values())


def _unknown(folder: Path) -> int:
    return sum(
        isinstance(record, Completed) and isinstance(record.reply, Info) for record in read_records(folder)
    )


def assert_records_are_whole(folder: Path, operations: int, began_ns: int) -> None:
    found = list(read_records(folder))
    invoked = {record.op: record for record in found if isinstance(record, Invoked)}
    completed = {record.op: record for record in found if isinstance(record, Completed)}
    assert len(invoked) == len(completed) == operations == len(found) // 2
    for op, record in invoked.items():
        assert began_ns <= record.intended_ns
        assert record.sent_ns is not None
        assert record.intended_ns <= record.sent_ns <= completed[op].completed_ns
        assert not isinstance(completed[op].reply, Info)
    assert {record.purpose for record in invoked.values()} == {"flow", "probe", "reconnect"}


@pytest.mark.processes
def test_a_gateway_that_falls_silent(
    stack: ToyStack, sessions: Callable[..., LoadSession], tmp_path: Path
) -> None:
    session = sessions()
    session.wait_loaded(timeout_s=30)
    session.connect(addresses(stack), first_gateway="gateway-0")
    session.begin(time.monotonic_ns() + START_IN_NS)
    assert wait_for(lambda: _on_time(session) > 20)
    stack.set_mode(0, "mute")
    assert wait_for(lambda: session.live(window_s=0.5)["gateway-0"].on_time == 0)
    assert wait_for(lambda: session.live(window_s=0.5)["reconnect"].availability > 0.9)
    assert session.live(window_s=0.5)["gateway-1"].availability > 0.9
    stack.set_mode(0, "answers")
    assert wait_for(lambda: session.live(window_s=0.5)["gateway-0"].availability > 0.9)
    summary = session.drain(timeout_s=15)
    assert summary.unresolved == 0
    assert summary.unknown > 0
    assert_moved_orders_keep_their_ids(tmp_path)


def assert_moved_orders_keep_their_ids(folder: Path) -> None:
    found = list(read_records(folder))
    invoked = {record.op: record for record in found if isinstance(record, Invoked)}
    moved = [
        record
        for record in found
        if isinstance(record, Completed) and record.attempts > 1 and isinstance(record.reply, Ok)
    ]
    assert any(
        record.gateway == "gateway-1" and invoked[record.op].gateway == "gateway-0" for record in moved
    )
    assert all(record.first_attempt == "info" for record in moved)
    ids = [
        (record.operation.account, record.operation.client_order_id)
        for record in invoked.values()
        if isinstance(record.operation, NewOrder)
    ]
    assert len(ids) == len(set(ids))
    assert {record.purpose for record in invoked.values()} >= {"query", "resolve"}


@pytest.mark.processes
@pytest.mark.parametrize(("adapter", "count"), [("Raising", "exceptions"), ("Hanging", "overruns")])
def test_an_adapter_that_breaks_its_contract_is_counted(
    stack: ToyStack, sessions: Callable[..., LoadSession], tmp_path: Path, adapter: str, count: str
) -> None:
    session = sessions(adapter)
    session.wait_loaded(timeout_s=30)
    session.connect(addresses(stack), first_gateway="gateway-0")
    session.begin(time.monotonic_ns() + START_IN_NS)
    assert wait_for(lambda: _unknown(tmp_path) > 0)
    summary = session.drain(timeout_s=10)
    flow = summary.workers[0]
    assert getattr(flow, count) > 0
    assert flow.last_mishap
    assert summary.lateness.p50_ns < 5_000_000_000  # what hangs, hangs alone, and for an hour


@pytest.mark.processes
def test_a_stack_that_does_not_say_what_it_trades(sessions: Callable[..., LoadSession]) -> None:
    with pytest.raises(AdapterError, match="doesn't say what can be traded"):
        sessions("WithoutMarket").wait_loaded(timeout_s=30)


@pytest.mark.processes
def test_an_adapter_that_is_not_there(sessions: Callable[..., LoadSession]) -> None:
    session = sessions("NoSuchAdapter")
    with pytest.raises(AdapterError, match="NoSuchAdapter"):
        session.wait_loaded(timeout_s=30)
    assert "NoSuchAdapter" in session.problem()


@pytest.mark.processes
def test_a_gateway_that_nobody_can_reach(stack: ToyStack, sessions: Callable[..., LoadSession]) -> None:
    session = sessions()
    session.wait_loaded(timeout_s=30)
    stack.set_mode(1, "mute")
    with pytest.raises(AdapterError, match="probe@gateway-1"):
        session.connect(addresses(stack), first_gateway="gateway-0", timeout_s=0.5)


@pytest.mark.processes
def test_a_worker_that_was_killed_is_reported(stack: ToyStack, sessions: Callable[..., LoadSession]) -> None:
    session = sessions()
    session.wait_loaded(timeout_s=30)
    session.connect(addresses(stack), first_gateway="gateway-0")
    session.begin(time.monotonic_ns() + START_IN_NS)
    os.kill(session.pids[0], signal.SIGKILL)
    assert wait_for(lambda: "flow-0" in session.problem())
    summary = session.drain(timeout_s=5)
    assert [each.split(":")[0] for each in summary.missing] == ["flow-0"]
    assert [worker.worker for worker in summary.workers] == ["probes"]


@pytest.mark.processes
def test_no_worker_outlives_a_parent_that_was_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "from test_session import settings, LoadSession\n"
        "session = LoadSession(settings(), Path(sys.argv[2])); session.wait_loaded(timeout_s=30)\n"
        "print(*session.pids, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(HERE), str(tmp_path)], stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    with parent.stdout:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.kill()
        parent.wait()
        assert wait_for(lambda: not any(map(pid_alive, pids)))

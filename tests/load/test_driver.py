from __future__ import annotations

import itertools
import time
from pathlib import Path

import gevent
from test_client import GATEWAYS, ORDER, QUICK, World

from harness.history.operation_table import read_records
from harness.load.client import Client
from harness.load.connection import Mishaps
from harness.load.driver import Driver
from harness.load.lateness import lateness_of
from harness.load.records import RecordWriter, records_path
from harness.load.timed import FLOW, QUERY, TimedOperation
from harness.model.operations import CancelOrder, Info, Ok, Operation, QueryOrder, Reply
from harness.model.record import Completed, Invoked
from harness.stack.adapter import Address

MS = 10**6


class Slow:
    """Answers, but only after 300 ms: thirty times the spacing of the operations."""

    def __init__(self) -> None:
        self.closed = False

    def connect(self, address: Address, *, deadline_s: float) -> None:
        return

    def invoke(self, operation: Operation, *, deadline_s: float) -> Reply:
        gevent.sleep(0.3)
        return Ok()

    def close(self) -> None:
        self.closed = True


def every_ten_ms(count: int, operation: Operation = ORDER) -> list[TimedOperation]:
    return [TimedOperation(10 * MS * n, FLOW, "client", "alpha", operation) for n in range(count)]


def driver_of(client: Client, folder: Path, requests: list[int] | None = None) -> Driver:
    writer = RecordWriter(records_path(folder, "flow-0"))
    log = requests if requests is not None else []
    return Driver(
        {"client": client},
        writer,
        worker="flow-0",
        first_op=1000,
        on_request=lambda timed, attempted, due_ns: log.append(attempted.completed_ns - due_ns),
    )


def connected(factory: type[Slow] | World, mishaps: Mishaps | None = None) -> Client:
    make = factory.adapter if isinstance(factory, World) else factory
    client = Client("client", GATEWAYS, make, QUICK, mishaps or Mishaps())
    client.start()
    assert client.wait_connected(1)
    return client


def records(driver: Driver, folder: Path) -> tuple[dict[int, Invoked], dict[int, Completed]]:
    driver._writer.flush()
    found = list(read_records(folder))
    return (
        {record.op: record for record in found if isinstance(record, Invoked)},
        {record.op: record for record in found if isinstance(record, Completed)},
    )


def test_a_slow_stack_delays_no_send(tmp_path: Path) -> None:
    """Planted coordinated omission: a closed loop would send 20 operations in 6 s, each late by its elders."""
    client = connected(Slow)
    took_ns: list[int] = []
    driver = driver_of(client, tmp_path, took_ns)
    began_ns = time.monotonic_ns()
    driver.run(every_ten_ms(20), start_mono_ns=began_ns + 10 * MS)
    assert time.monotonic_ns() - began_ns < 300 * MS  # all were sent before the first was answered
    assert driver.wait_idle(2)
    invoked, completed = records(driver, tmp_path)
    assert len(invoked) == len(completed) == 20
    assert lateness_of(driver.tally.late_ns).p50_ns < 10 * MS
    for op, record in invoked.items():
        assert record.sent_ns is not None
        assert record.sent_ns - record.intended_ns < 100 * MS
        assert completed[op].completed_ns - record.intended_ns >= 300 * MS
    assert min(took_ns) >= 300 * MS  # Locust, too, hears of times from when operations were due


def test_a_generator_that_falls_behind_says_by_how_much(tmp_path: Path) -> None:
    driver = driver_of(connected(World()), tmp_path)
    driver.run(every_ten_ms(5), start_mono_ns=time.monotonic_ns() - 1000 * MS)
    assert driver.wait_idle(1)
    late = lateness_of(driver.tally.late_ns)
    assert late.samples == 5
    assert 950 * MS < late.p50_ns < 1500 * MS


def test_stop_ends_an_endless_flow(tmp_path: Path) -> None:
    driver = driver_of(connected(World()), tmp_path)
    endless = (TimedOperation(10 * MS * n, FLOW, "client", "alpha", ORDER) for n in itertools.count())
    running = gevent.spawn(driver.run, endless, start_mono_ns=time.monotonic_ns())
    gevent.sleep(0.05)
    driver.stop()
    assert running.join(1) is None
    assert running.dead
    assert driver.wait_idle(1)


def test_orders_of_which_nothing_was_heard_are_kept_to_be_resolved(tmp_path: Path) -> None:
    world = World()
    client = connected(world)
    world.mode = {0: "unknown", 1: "unknown"}
    driver = driver_of(client, tmp_path)
    driver.run(every_ten_ms(1), start_mono_ns=time.monotonic_ns())
    assert driver.wait_idle(1)
    driver.run(every_ten_ms(1, CancelOrder("account", "id-1")), start_mono_ns=time.monotonic_ns())
    assert driver.wait_idle(1)
    assert driver.tally.unknown == [ORDER]


def test_an_order_that_was_never_sent_says_so_and_needs_no_resolving(tmp_path: Path) -> None:
    world = World()
    world.mode = {0: "refuses", 1: "refuses"}
    client = Client("client", GATEWAYS, world.adapter, QUICK, Mishaps())
    client.start()
    driver = driver_of(client, tmp_path)
    driver.run(every_ten_ms(1), start_mono_ns=time.monotonic_ns())
    assert driver.wait_idle(2)
    world.mode = {0: "answers", 1: "answers"}
    invoked, completed = records(driver, tmp_path)
    assert invoked[1000].sent_ns is None
    assert completed[1000].attempts == 0
    assert isinstance(completed[1000].reply, Info)
    assert driver.tally.unknown == []
    assert client.wait_connected(1)


def test_asking_is_recorded_like_any_operation(tmp_path: Path) -> None:
    client = connected(World())
    driver = driver_of(client, tmp_path)
    assert driver.ask(client, QUERY, QueryOrder("account", "id-1"), within_ns=100 * MS).reply == Ok()
    invoked, completed = records(driver, tmp_path)
    assert (invoked[1000].purpose, completed[1000].first_attempt) == (QUERY, "ok")
    assert driver.tally.operations == 1


def test_records_reach_the_file_while_the_driver_runs(tmp_path: Path) -> None:
    client = connected(World())
    driver = driver_of(client, tmp_path)
    flushing = gevent.spawn(driver.keep_flushing)
    driver.ask(client, QUERY, QueryOrder("account", "id-1"), within_ns=100 * MS)
    gevent.sleep(0.05)
    assert len(list(read_records(tmp_path))) == 2
    flushing.kill()

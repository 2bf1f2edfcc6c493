"""Machines, roads and disks in virtual time, by a stack of two services."""

from __future__ import annotations

import pytest
from sim_toy import MS, ToyWorld

from harness.model.errors import UsageError
from harness.platforms.sim.delays import Added, Meter
from harness.platforms.sim.machine import SimMachine
from harness.stack.simulation import Ears


def machine(toy: ToyWorld, name: str) -> SimMachine:
    return toy.world.machines[name]


def test_messages_arrive_once_in_order_and_after_the_declared_delay() -> None:
    toy = ToyWorld()
    road = toy.world.road(toy.link)
    meter = road.to.meters[0] = Meter()
    road.to.added[0] = Added(0, 1)  # a nanosecond, so that there is something to measure
    toy.run(1_000)
    numbers = [number for _, number in toy.counter.came]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 90
    assert 2.0 <= meter.delay_ns / meter.arrived / MS <= 2.4
    assert [event.kind for event in toy.told] == ["connected"]
    assert (toy.told[0].service, toy.told[0].provider) == ("counter", "bravo")


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    def story(seed: int) -> list[tuple[int, object]]:
        toy = ToyWorld(seed)
        toy.run(500)
        toy.world.stop("counter")
        toy.world.restart("counter")
        toy.run(1_000)
        return [*toy.echo.heard, *toy.counter.came]

    assert story(1) == story(1)
    assert story(1) != story(2)


def test_clocks_of_providers_drift_and_those_outside_do_not() -> None:
    toy = ToyWorld()
    before = {name: each.now_ns() for name, each in toy.world.machines.items()}
    toy.run(100_000)
    passed = {name: each.now_ns() - before[name] for name, each in toy.world.machines.items()}
    assert passed["clients"] == 100_000 * MS
    assert passed["echo"] != passed["counter"]
    assert all(abs(ns - 100_000 * MS) <= 6 * MS for ns in passed.values())


def test_a_killed_service_is_reset_forgets_its_state_and_keeps_its_disk() -> None:
    toy = ToyWorld()
    toy.run(500)
    first = toy.counter
    toy.world.stop("counter")
    written = len(machine(toy, "counter").disk("numbers").records())
    toy.run(50)
    assert toy.echo.downs == ["reset: connection reset by peer"]
    assert toy.world.unready() == {"counter": "it does not run"}
    toy.world.restart("counter")
    toy.run(1_000)
    assert toy.counter is not first
    assert toy.counter.ups == 1
    assert toy.counter.came[0][1] == written > 0


def test_what_was_not_durable_may_be_lost_by_a_kill_and_what_was_never_is() -> None:
    lost = 0
    for seed in range(30):
        toy = ToyWorld(seed)
        disk = machine(toy, "counter").disk("numbers")
        done: list[str] = []
        for number in range(5):
            disk.append(f"late {number}", done.append)
        before = disk.records()
        toy.world.stop("counter")
        survived = disk.records()
        assert survived[: len(before)] == before
        late = [record for record in survived if str(record).startswith("late")]
        assert late == [f"late {number}" for number in range(len(late))]
        assert not done
        lost += len(late) < 5
    assert 0 < lost < 30


def test_a_frozen_service_does_nothing_and_then_all_that_came_in_order() -> None:
    toy = ToyWorld()
    toy.run(300)
    heard, steps = len(toy.echo.heard), machine(toy, "echo").steps
    toy.world.hold("echo")
    toy.run(500)
    assert (len(toy.echo.heard), machine(toy, "echo").steps) == (heard, steps)
    toy.world.release("echo")
    assert len(toy.echo.heard) > heard + 40
    numbers = [number for _, number in toy.echo.heard]
    assert numbers == list(range(len(numbers)))


def test_a_service_stays_frozen_until_everybody_has_let_it_go() -> None:
    toy = ToyWorld()
    toy.world.hold("echo")
    toy.world.hold("echo")
    toy.world.release("echo")
    assert machine(toy, "echo").frozen
    toy.world.release("echo")
    assert not machine(toy, "echo").frozen


def test_a_peer_that_stays_frozen_is_given_up_after_three_seconds() -> None:
    toy = ToyWorld()
    toy.world.hold("echo")
    toy.run(2_900)
    assert toy.counter.downs == []
    toy.run(200)
    assert toy.counter.downs == ["silent"]
    assert toy.counter.failures == []
    toy.run(2_000)
    assert set(toy.counter.failures) == {"no hello in time"}


def test_a_service_can_dial_only_what_its_settings_name() -> None:
    toy = ToyWorld()
    with pytest.raises(UsageError, match="echo dials counter:7000, which nothing in its settings names"):
        machine(toy, "echo").connect(
            "counter:7000", Ears(on_message=lambda _, __: None), within_ns=MS, on_failed=lambda _: None
        )


def test_nobody_listens_where_nobody_runs() -> None:
    toy = ToyWorld()
    toy.world.stop("echo")
    toy.run(500)
    assert toy.counter.downs == ["reset: connection reset by peer"]
    assert set(toy.counter.failures) == {"refused: nobody listens"}
    assert 2 <= len(toy.counter.failures) <= 12  # it dials again ever more rarely
    toy.world.restart("echo")
    toy.run(1_500)
    assert toy.counter.ups == 2

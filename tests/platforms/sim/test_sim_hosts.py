"""What can be done to power and disks in virtual time: each change is seen at its victims, and healed."""

from __future__ import annotations

import pytest
from sim_toy import Counter, ToyWorld

from harness.faults.contract import Fact
from harness.platforms.sim.disk import SimDisk
from harness.platforms.sim.hands import SimHosts
from harness.platforms.sim.machine import SimMachine

BOTH = ["counter", "echo"]


def convincing(facts: list[Fact]) -> bool:
    return bool(facts) and all(fact.convincing for fact in facts)


def machine(toy: ToyWorld, name: str = "counter") -> SimMachine:
    return toy.world.machines[name]


def disk(toy: ToyWorld) -> SimDisk:
    return machine(toy).disk("numbers")


def test_a_power_cut_takes_what_no_finished_fsync_covers_and_nothing_else() -> None:
    toy = ToyWorld()
    toy.run(300)
    done: list[str] = []
    disk(toy).append("late", done.append)
    before = disk(toy).records()
    cut = SimHosts(toy.world).lose_power(BOTH)
    cut.apply()
    assert disk(toy).records() == before
    toy.run(200)
    assert (done, "late" in disk(toy).records()) == ([], False)
    facts = cut.facts()
    assert convincing(facts)
    assert facts[0].fact.endswith("1 that were not are gone")
    cut.revert()
    cut.revert()
    toy.run(1_500)
    assert convincing(cut.facts())
    assert toy.world.unready() == {}
    assert toy.counter.came[0][1] == len(before)


def test_what_a_kill_leaves_in_the_cache_is_lost_by_a_power_cut_unless_it_was_synced() -> None:
    lost = 0
    for seed in range(20):
        toy = ToyWorld(seed)
        for number in range(5):
            disk(toy).append(f"late {number}", lambda _: None)
        toy.world.stop("counter")
        in_cache = disk(toy).written - disk(toy).synced
        synced = disk(toy).synced
        toy.world.cut_power("counter")
        assert disk(toy).written == synced
        lost += in_cache
    assert lost
    disk(toy).append_now("kept")
    toy.world.cut_power("counter")
    assert disk(toy).records()[-1] == "kept"


def test_without_power_a_host_sends_no_reset_and_answers_no_handshake() -> None:
    toy = ToyWorld()
    cut = SimHosts(toy.world).lose_power(["echo"])
    cut.apply()
    toy.run(2_900)
    assert toy.counter.downs == []
    toy.run(300)
    assert toy.counter.downs == ["silent"]
    toy.run(1_500)
    assert set(toy.counter.failures) == {"no hello in time"}
    cut.revert()
    toy.run(2_500)
    assert toy.counter.ups == 2


def test_a_host_that_is_back_resets_what_it_knows_nothing_of() -> None:
    toy = ToyWorld()
    cut = SimHosts(toy.world).lose_power(["echo"])
    cut.apply()
    toy.run(500)
    cut.revert()
    toy.run(1_500)
    assert toy.counter.downs == ["reset: connection reset by peer"]
    assert toy.counter.ups == 2


def test_two_power_cuts_and_a_kill_must_all_be_over() -> None:
    toy = ToyWorld()
    for take in (toy.world.cut_power, toy.world.cut_power, toy.world.stop):
        take("echo")
    toy.world.give_power("echo")
    toy.run(500)
    assert machine(toy, "echo").dark
    toy.world.give_power("echo")
    toy.run(500)
    assert toy.world.unready()["echo"] == "it does not run"
    toy.world.restart("echo")
    toy.run(500)
    assert "echo" not in toy.world.unready()


def test_a_power_cut_that_lost_nothing_it_should_have_is_not_proved() -> None:
    toy = ToyWorld()
    cut = SimHosts(toy.world).lose_power(["counter"])
    machine(toy).lose_power = lambda: 0  # type: ignore[method-assign]  # a fault that isn't in force
    cut.apply()
    toy.run(200)
    assert not convincing(cut.facts())


def test_a_slow_disk_is_measured_at_its_writes() -> None:
    toy = ToyWorld()
    slow = SimHosts(toy.world).slow_disks(BOTH, latency_ms=40, jitter_ms=5)
    slow.apply()
    toy.run(1_000)
    (fact,) = slow.facts()  # the echo writes nothing, so there is nothing to see
    assert fact.convincing
    assert fact.measured == pytest.approx(46, abs=8)
    slow.revert()
    slow.revert()
    assert not machine(toy).drive.slow
    toy.run(50)
    durable = disk(toy).synced
    toy.run(100)
    assert disk(toy).synced >= durable + 8


def test_a_slow_disk_that_nobody_felt_is_not_proved() -> None:
    toy = ToyWorld()
    slow = SimHosts(toy.world).slow_disks(["counter"], latency_ms=40)
    slow.apply()
    machine(toy).drive.slow.clear()
    toy.run(500)
    assert not convincing(slow.facts())


def test_a_full_disk_refuses_writes_and_keeps_what_was_there() -> None:
    toy = ToyWorld()
    toy.run(200)
    before, done = disk(toy).records(), list[str]()
    full = SimHosts(toy.world).fill_disks(BOTH, restart=False)
    full.apply()
    disk(toy).append("more", done.append)
    toy.run(500)
    assert done == ["No space left on device"]
    assert disk(toy).records()[: len(before)] == before
    assert "more" not in disk(toy).records()
    assert convincing(full.facts())
    full.revert()
    full.revert()
    disk(toy).append("more", done.append)
    toy.run(100)
    assert done[-1] == ""
    assert convincing(full.facts())


def test_a_full_disk_that_took_writes_is_not_proved() -> None:
    toy = ToyWorld()
    full = SimHosts(toy.world).fill_disks(["counter"], restart=True)
    full.apply()
    machine(toy).drive.full_for.clear()
    toy.run(500)
    assert full.facts() == []


def test_whoever_makes_room_starts_anew_what_could_not_write() -> None:
    toy = ToyWorld()
    first = toy.counter
    full = SimHosts(toy.world).fill_disks(BOTH, restart=True)
    full.apply()
    toy.run(500)
    full.revert()
    full.revert()
    toy.run(1_000)
    assert toy.counter is not first
    assert len(toy.simulation.made["echo"]) == 1
    assert toy.world.unready() == {}


def test_a_service_that_can_not_open_its_disk_ends_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    toy = ToyWorld()
    monkeypatch.setattr(Counter, "start", lambda self: self.disk.append_now("begun"))
    full = SimHosts(toy.world).fill_disks(["counter"], restart=True)
    full.apply()
    toy.world.stop("counter")
    toy.world.restart("counter")
    toy.run(500)
    assert [(exit_.service, exit_.why) for exit_ in toy.world.exits] == [
        ("counter", "No space left on device")
    ]
    assert toy.world.unready() == {"counter": "it does not run"}
    full.revert()
    toy.run(500)
    assert machine(toy).alive


def test_a_lying_disk_keeps_everything_until_power_is_lost() -> None:
    toy = ToyWorld()
    toy.run(200)
    lies = SimHosts(toy.world).deceive(BOTH)
    lies.apply()
    durable = disk(toy).synced
    toy.run(300)
    assert disk(toy).written > durable + 20
    assert convincing(lies.facts())
    toy.world.stop("counter")
    assert disk(toy).written > durable + 20  # the system's cache outlives the process
    toy.world.cut_power("counter")
    assert disk(toy).written == durable
    lies.revert()
    assert convincing(lies.facts())


def test_a_lie_that_is_over_harms_nobody() -> None:
    toy = ToyWorld()
    hosts = SimHosts(toy.world)
    lies, again = hosts.deceive(["counter"]), hosts.deceive(["counter"])
    lies.apply()
    again.apply()
    toy.run(300)
    lies.revert()
    assert disk(toy).synced < disk(toy).written
    again.revert()
    again.revert()
    written = disk(toy).written
    toy.world.cut_power("counter")
    assert disk(toy).written == written


def test_a_lying_disk_that_told_the_truth_is_not_proved() -> None:
    toy = ToyWorld()
    lies = SimHosts(toy.world).deceive(["counter"])
    lies.apply()
    machine(toy).drive.lying_for.clear()
    toy.run(300)
    assert not convincing(lies.facts())


def test_a_wiped_disk_is_empty_when_its_service_comes_back() -> None:
    toy = ToyWorld()
    toy.run(300)
    held = disk(toy).written
    hosts = SimHosts(toy.world)
    cut, wipe = hosts.lose_power(BOTH), hosts.wipe(BOTH)
    cut.apply()
    wipe.apply()
    (fact,) = wipe.facts()
    assert fact.fact == f"{held} records are gone, 0 are left"
    assert fact.convincing
    wipe.revert()
    cut.revert()
    toy.run(1_500)
    assert toy.counter.came[0][1] == 0


@pytest.mark.parametrize("gone", [0, 1])
def test_a_wipe_that_leaves_records_is_not_proved(monkeypatch: pytest.MonkeyPatch, gone: int) -> None:
    toy = ToyWorld()
    toy.run(300)
    held = disk(toy).written
    monkeypatch.setattr(disk(toy), "wipe", lambda: gone)
    wipe = SimHosts(toy.world).wipe(["counter"])
    wipe.apply()
    (fact,) = wipe.facts()
    assert fact.fact == f"{gone} records are gone, {held} are left"
    assert not fact.convincing


def test_writes_of_one_seed_take_the_same_time_whatever_befell_others() -> None:
    def durable(*, slow: bool) -> list[int]:
        toy = ToyWorld(seed=3)
        if slow:
            SimHosts(toy.world).slow_disks(["echo"], latency_ms=10).apply()
        counts = []
        for _ in range(50):
            toy.run(7)
            counts.append(disk(toy).synced)
        return counts

    assert durable(slow=True) == durable(slow=False)

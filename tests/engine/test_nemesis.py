"""The nemesis writes undos down before it breaks anything, and mends all that it broke."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))
from three_providers import RecordingHands, scene

from harness.engine.nemesis import Nemesis
from harness.faults.connection_reset import ConnectionReset
from harness.faults.contract import Fact
from harness.faults.latency import Latency
from harness.faults.provider_outage import ProviderOutage
from harness.model.errors import HarnessError, HealFailed
from harness.model.events import Event, FaultChanged, FaultEvidence, FaultFailed, FaultHealed, FaultInjected
from harness.model.undo import Undo
from harness.scenario.target import Target


class RecordingLeases:
    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.silent = False
        self.read_only = False

    def grant(self, name: str, undos: tuple[Undo, ...], *, limit_s: float) -> str:
        self.log.append(f"grant {name} {len(undos)}")
        if self.silent:
            raise HarnessError("the guardian did not acknowledge")
        return name

    def extend(self, lease: str, undos: tuple[Undo, ...]) -> None:
        self.log.append("extend")

    def release(self, lease: str) -> None:
        self.log.append(f"release {lease}")
        if self.read_only:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))


class Fixture:
    def __init__(self) -> None:
        self.hands = RecordingHands()
        self.leases = RecordingLeases(self.hands.log)
        self.events: list[Event] = []
        self.nemesis = Nemesis(
            hands=self.hands,
            leases=self.leases,
            emit=self.events.append,
            origin_ns=0,
            limit_s=60,
        )

    def told(self, kind: type) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


def test_the_undo_is_safe_before_anything_is_broken_and_healing_is_newest_first(fixture: Fixture) -> None:
    fixture.nemesis.inject("outage", ProviderOutage(), scene(), asked_ns=5)
    fixture.nemesis.heal("outage", asked_ns=9)
    assert fixture.hands.log == [
        "grant fault outage 2",
        "apply cut",
        "apply kill",
        "revert kill",
        "revert cut",
        "release fault outage",
    ]
    injected = fixture.told(FaultInjected)[0]
    assert isinstance(injected, FaultInjected)
    assert (injected.first_effect_ns, injected.last_effect_ns, injected.primary, injected.epoch) == (
        1000,
        2000,
        "alpha",
        3,
    )
    healed = fixture.told(FaultHealed)[0]
    assert isinstance(healed, FaultHealed)
    assert (healed.first_lifted_ns, healed.last_lifted_ns, healed.by) == (3000, 4000, "engine")


def test_a_fault_without_any_fact_is_told_as_unproved(fixture: Fixture) -> None:
    fixture.nemesis.inject("outage", ProviderOutage(), scene(), asked_ns=5)
    fixture.nemesis.heal("outage", asked_ns=9)
    facts = fixture.told(FaultEvidence)
    assert [fact.convincing for fact in facts if isinstance(fact, FaultEvidence)] == [False]


def test_a_fault_that_breaks_while_it_is_applied_is_healed_at_once(fixture: Fixture) -> None:
    original = fixture.hands.kill

    def breaking(services):  # type: ignore[no-untyped-def]
        change = original(services)
        change.breaks = HarnessError("no such process")
        return change

    fixture.hands.kill = breaking  # type: ignore[method-assign]
    fixture.nemesis.inject("outage", ProviderOutage(), scene(), asked_ns=5)
    assert fixture.hands.log[-3:] == ["revert kill", "revert cut", "release fault outage"]
    assert len(fixture.told(FaultFailed)) == 1
    assert not fixture.nemesis.active


def test_a_target_that_means_nothing_is_told_and_touches_nothing(fixture: Fixture) -> None:
    fixture.nemesis.inject("outage", ProviderOutage(), scene(primary=None), asked_ns=5)
    assert fixture.hands.log == []
    assert len(fixture.told(FaultFailed)) == 1


def test_what_cannot_be_healed_keeps_its_lease_and_does_not_stop_the_others(fixture: Fixture) -> None:
    fixture.nemesis.inject("one", ProviderOutage(), scene(), asked_ns=5)
    fixture.hands.made[-1].heals = False
    fixture.nemesis.inject("two", Latency(target=Target(provider="bravo"), latency_ms=5), scene(), asked_ns=6)
    with pytest.raises(HealFailed, match="one: kill stays"):
        fixture.nemesis.heal_all(by="engine")
    assert list(fixture.nemesis.active) == ["one"]
    assert "release fault two" in fixture.hands.log
    assert "release fault one" not in fixture.hands.log


def test_an_instant_fault_has_nothing_to_heal(fixture: Fixture) -> None:
    fixture.nemesis.inject("reset", ConnectionReset(target=Target(provider="primary")), scene(), asked_ns=5)
    assert not fixture.nemesis.active
    assert fixture.nemesis.heal("reset", asked_ns=9) == ()


def test_moves_are_told_while_the_fault_is_in_force(fixture: Fixture) -> None:
    ramp = Latency.model_validate(
        {"target": {"provider": "primary"}, "latency": "50ms", "shape": "ramp", "over": "1s"}
    )
    moves = fixture.nemesis.inject("ramp", ramp, scene(), asked_ns=5)
    fixture.nemesis.move("ramp", moves[0])
    fixture.nemesis.heal("ramp", asked_ns=9)
    fixture.nemesis.move("ramp", moves[1])
    assert len(fixture.told(FaultChanged)) == 1


def test_facts_that_cannot_be_read_convince_nobody(fixture: Fixture) -> None:
    def unreadable() -> list[Fact]:
        raise OSError("no such file")

    fixture.nemesis.inject("outage", ProviderOutage(), scene(), asked_ns=5)
    change = fixture.hands.made[0]
    change.facts = unreadable  # type: ignore[method-assign]
    fixture.nemesis._gather(fixture.nemesis.active["outage"])
    assert any(
        "no proof could be read" in fact.fact
        for fact in fixture.told(FaultEvidence)
        if isinstance(fact, FaultEvidence)
    )


OUTAGE = ProviderOutage()


def test_a_prepared_fault_finds_its_undo_on_the_disk_and_only_makes_its_changes(fixture: Fixture) -> None:
    fixture.nemesis.prepare("outage", OUTAGE, scene())
    assert fixture.hands.log == ["grant fault outage 2"]
    assert not fixture.nemesis.active
    fixture.nemesis.inject("outage", OUTAGE, scene(), asked_ns=5)
    assert fixture.hands.log == ["grant fault outage 2", "apply cut", "apply kill"]


def test_a_preparation_for_another_leader_is_dropped_and_the_fault_strikes_who_leads_now(
    fixture: Fixture,
) -> None:
    fixture.nemesis.prepare("outage", OUTAGE, scene(primary="engine-alpha"))
    fixture.nemesis.inject("outage", OUTAGE, scene(primary="engine-bravo"), asked_ns=5)
    assert fixture.hands.log[:3] == ["grant fault outage 2", "release fault outage", "grant fault outage 2"]
    injected = fixture.told(FaultInjected)[0]
    assert isinstance(injected, FaultInjected)
    assert injected.primary == "bravo"
    assert any("bravo" in target for target in injected.targets)


def test_a_preparation_from_before_another_fault_is_made_anew(fixture: Fixture) -> None:
    fixture.nemesis.prepare("second", OUTAGE, scene())
    slow = Latency(target=Target(provider="bravo"), latency_ms=5)
    fixture.nemesis.inject("first", slow, scene(), asked_ns=5)
    fixture.nemesis.inject("second", OUTAGE, scene(), asked_ns=6)
    assert [line for line in fixture.hands.log if "second" in line] == [
        "grant fault second 2",
        "release fault second",
        "grant fault second 2",
    ]


def test_what_is_drawn_does_not_depend_on_preparations(fixture: Fixture) -> None:
    anyone = ProviderOutage(target=Target(provider="any"))

    def struck(*, prepared_for: str | None) -> tuple[str, ...]:
        each = Fixture()
        if prepared_for is not None:
            each.nemesis.prepare("outage", anyone, scene(primary=prepared_for))
        each.nemesis.inject("outage", anyone, scene(), asked_ns=5)
        injected = each.told(FaultInjected)[0]
        assert isinstance(injected, FaultInjected)
        return injected.targets

    assert (
        struck(prepared_for=None)
        == struck(prepared_for="engine-alpha")
        == struck(prepared_for="engine-bravo")
    )


def test_what_was_prepared_for_a_fault_that_never_came_is_given_back(fixture: Fixture) -> None:
    fixture.nemesis.prepare("outage", OUTAGE, scene())
    fixture.nemesis.heal_all(by="engine")
    assert fixture.hands.log == ["grant fault outage 2", "release fault outage"]
    assert not fixture.events


def test_what_cannot_be_prepared_is_told_at_its_moment_only(fixture: Fixture) -> None:
    nobody = scene(primary=None)
    fixture.nemesis.prepare("outage", OUTAGE, nobody)
    assert not fixture.events
    fixture.nemesis.inject("outage", OUTAGE, nobody, asked_ns=5)
    assert len(fixture.told(FaultFailed)) == 1


def test_an_undo_that_nobody_took_is_not_offered_again_at_the_moment(fixture: Fixture) -> None:
    fixture.leases.silent = True
    fixture.nemesis.prepare("outage", OUTAGE, scene())
    fixture.leases.silent = False
    fixture.nemesis.inject("outage", OUTAGE, scene(), asked_ns=5)
    (failed,) = fixture.told(FaultFailed)
    assert isinstance(failed, FaultFailed)
    assert "did not acknowledge" in failed.reason
    assert fixture.hands.log == ["grant fault outage 2"]


def test_what_is_in_force_is_healed_although_a_preparation_can_not_be_given_back(fixture: Fixture) -> None:
    slow = Latency(target=Target(provider="bravo"), latency_ms=5)
    fixture.nemesis.inject("first", slow, scene(), asked_ns=5)
    fixture.nemesis.prepare("second", OUTAGE, scene())
    released = fixture.leases.release

    def refuse_the_second(lease: str) -> None:
        fixture.leases.read_only = "second" in lease
        released(lease)

    fixture.leases.release = refuse_the_second  # type: ignore[method-assign]
    with pytest.raises(HealFailed, match=r"second \(prepared\): .*Read-only"):
        fixture.nemesis.heal_all(by="engine")
    assert any(line.startswith("revert") for line in fixture.hands.log)
    assert not fixture.nemesis.active


def test_a_preparation_that_no_longer_holds_and_can_not_be_given_back_fails_the_fault(
    fixture: Fixture,
) -> None:
    fixture.nemesis.prepare("outage", OUTAGE, scene(primary="engine-alpha"))
    fixture.leases.read_only = True
    fixture.nemesis.inject("outage", OUTAGE, scene(primary="engine-bravo"), asked_ns=5)
    assert len(fixture.told(FaultFailed)) == 1
    assert not any(line.startswith("apply") for line in fixture.hands.log)

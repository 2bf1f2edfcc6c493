"""Faults of hosts decide what to do to power and disks; recording hands show it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from three_providers import RecordingHands, scene

from harness.faults.clock_drift import ClockDrift
from harness.faults.contract import Capability, Fault
from harness.faults.disk_full import DiskFull
from harness.faults.disk_lies import DiskLies
from harness.faults.disk_slow import DiskSlow
from harness.faults.disk_wiped import DiskWiped
from harness.faults.power_cut import PowerCut
from harness.faults.rehearsal import RehearsingHands
from harness.faults.services import ServiceFault

ALL: tuple[tuple[type[ServiceFault], dict[str, Any], set[Capability], list[str]], ...] = (
    (PowerCut, {}, {Capability.POWER}, ["lose power"]),
    (DiskSlow, {"latency": "50ms"}, {Capability.SLOW_DISK}, ["slow disks"]),
    (DiskFull, {}, {Capability.FULL_DISK}, ["fill disks"]),
    (DiskLies, {}, {Capability.LYING_DISK}, ["deceive"]),
    (DiskWiped, {}, {Capability.POWER, Capability.WIPED_DISK}, ["lose power", "wipe"]),
    (ClockDrift, {"gains": "5ms"}, {Capability.DRIFT_CLOCK}, ["drift clocks"]),
)


def struck(fault: Fault) -> RecordingHands:
    hands = RecordingHands()
    fault.strike(scene(), hands)
    return hands


@pytest.mark.parametrize(("kind", "settings", "needs", "changes"), ALL)
def test_each_strikes_the_services_of_its_target_and_says_what_it_needs(
    kind: type[ServiceFault], settings: dict[str, Any], needs: set[Capability], changes: list[str]
) -> None:
    fault = kind.model_validate({"target": {"provider": "standbys", "role": "engine"}, **settings})
    hands = struck(fault)
    assert [change.what for change in hands.made] == changes
    assert {change.subjects for change in hands.made} == {("engine-bravo", "engine-charlie")}
    assert fault.needed() == needs
    assert not fault.hits_primary(scene())
    assert kind.model_validate({"target": {"service": "primary"}, **settings}).hits_primary(scene())


@pytest.mark.parametrize(("kind", "settings", "needs", "changes"), ALL)
def test_each_can_be_talked_about_and_strikes_no_link(
    kind: type[ServiceFault], settings: dict[str, Any], needs: set[Capability], changes: list[str]
) -> None:
    hands = RehearsingHands()
    kind.model_validate({"target": {"provider": "primary"}, **settings}).strike(scene(), hands)
    assert [change.subjects for change in hands.changes] == [("engine-alpha", "gateway-alpha")] * len(changes)
    with pytest.raises(ValidationError, match="strikes services"):
        kind.model_validate({"target": {"link": {"between": ["alpha", "bravo"]}}, **settings})


def test_how_slow_a_disk_is_and_whether_services_are_started_anew_reaches_the_hands() -> None:
    target = {"service": "primary"}
    assert struck(DiskSlow.model_validate({"target": target, "latency": "50ms", "jitter": "5ms"})).log == [
        "slow disks 50 5"
    ]
    assert struck(DiskFull.model_validate({"target": target})).log == ["fill disks, restart"]
    assert struck(DiskFull.model_validate({"target": target, "restart": False})).log == [
        "fill disks, no restart"
    ]
    with pytest.raises(ValidationError, match="can't be negative"):
        DiskSlow.model_validate({"target": target, "latency": "5ms", "jitter": "50ms"})


@pytest.mark.parametrize(
    ("settings", "gains"), [({"gains": "5ms"}, "drift 5"), ({"loses": "2ms"}, "drift -2")]
)
def test_a_clock_gains_or_loses(settings: dict[str, str], gains: str) -> None:
    assert struck(ClockDrift.model_validate({"target": {"service": "primary"}, **settings})).log == [gains]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "one of `gains` and `loses`"),
        ({"gains": "1ms", "loses": "1ms"}, "one of `gains` and `loses`"),
        ({"loses": "2s"}, "at most 500ms"),
        ({"gains": "0ms"}, "more than 0"),
    ],
)
def test_a_drift_that_makes_no_sense(settings: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        ClockDrift.model_validate({"target": {"service": "primary"}, **settings})

"""What local processes can't suffer is refused with its reason, and with the platform that can."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.faults.contract import Capability, Change
from harness.model.errors import EnvironmentUnfit
from harness.platforms.abilities import abilities
from harness.platforms.beyond import NoHosts
from harness.platforms.process import ProcessPlatform
from harness.platforms.sim.platform import SimPlatform

HOSTS = NoHosts()
BEYOND = (
    Capability.LOSE_PACKETS,
    Capability.POWER,
    Capability.SLOW_DISK,
    Capability.FULL_DISK,
    Capability.LYING_DISK,
    Capability.WIPED_DISK,
    Capability.DRIFT_CLOCK,
)


@pytest.mark.parametrize("capability", BEYOND)
def test_a_platform_says_why_it_lacks_something_and_where_it_is(capability: Capability) -> None:
    assert capability not in abilities()
    assert "--platform sim" in ProcessPlatform().lacking(capability)
    assert capability in SimPlatform().capabilities()


@pytest.mark.parametrize(
    "ask",
    [
        lambda: HOSTS.lose_power(["engine"]),
        lambda: HOSTS.slow_disks(["engine"], latency_ms=5),
        lambda: HOSTS.fill_disks(["engine"], restart=True),
        lambda: HOSTS.deceive(["engine"]),
        lambda: HOSTS.wipe(["engine"]),
        lambda: HOSTS.drift_clocks(["engine"], gains_ms=5),
    ],
)
def test_a_host_that_is_not_there_suffers_nothing(ask: Callable[[], Change]) -> None:
    with pytest.raises(EnvironmentUnfit, match="share its power, disks and clock"):
        ask()

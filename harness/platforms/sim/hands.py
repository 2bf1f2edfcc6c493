"""What faults may do to services in virtual time."""

from __future__ import annotations

from collections.abc import Sequence

from harness.faults.contract import Adjustable, Change, Cut, Direction
from harness.platforms.sim.clock_changes import DriftingClocks
from harness.platforms.sim.host_changes import (
    DeceivingDisks,
    FillingDisks,
    LosingPower,
    SlowingDisks,
    WipingDisks,
)
from harness.platforms.sim.link_changes import Cutting, Delaying, Losing, Resetting
from harness.platforms.sim.service_changes import Freezing, Killing
from harness.platforms.sim.world import World
from harness.stack.description import Link


class SimHands:
    """Makes changes; nothing happens before `Change.apply` (`harness.faults.contract.Hands`)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.hosts = SimHosts(world)

    def kill(self, services: Sequence[str]) -> Change:
        return Killing(self._world, services)

    def pause(self, services: Sequence[str]) -> Change:
        return Freezing(self._world, services)

    def cut(self, cuts: Sequence[Cut]) -> Change:
        return Cutting(self._world, cuts)

    def delay(
        self,
        links: Sequence[Link],
        *,
        latency_ms: float,
        jitter_ms: float = 0.0,
        direction: Direction = Direction.BOTH,
    ) -> Adjustable:
        return Delaying(self._world, links, latency_ms=latency_ms, jitter_ms=jitter_ms, direction=direction)

    def lose(self, links: Sequence[Link], *, share: float, direction: Direction = Direction.BOTH) -> Change:
        return Losing(self._world, links, share=share, direction=direction)

    def reset(self, links: Sequence[Link]) -> Change:
        return Resetting(self._world, links)


class SimHosts:
    """Makes changes to the power, the disks and the clocks of hosts (`harness.faults.contract.Hosts`)."""

    def __init__(self, world: World) -> None:
        self._world = world

    def lose_power(self, services: Sequence[str]) -> Change:
        return LosingPower(self._world, services)

    def slow_disks(self, services: Sequence[str], *, latency_ms: float, jitter_ms: float = 0.0) -> Change:
        return SlowingDisks(self._world, services, latency_ms=latency_ms, jitter_ms=jitter_ms)

    def fill_disks(self, services: Sequence[str], *, restart: bool) -> Change:
        return FillingDisks(self._world, services, restart=restart)

    def deceive(self, services: Sequence[str]) -> Change:
        return DeceivingDisks(self._world, services)

    def wipe(self, services: Sequence[str]) -> Change:
        return WipingDisks(self._world, services)

    def drift_clocks(self, services: Sequence[str], *, gains_ms: float) -> Change:
        return DriftingClocks(self._world, services, gains_ms=gains_ms)

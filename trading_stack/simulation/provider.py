"""One provider: a host with its power, its disk, its engine and its sentinel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from trading_stack.simulation.disk import Disk
from trading_stack.simulation.network import MS

if TYPE_CHECKING:
    from trading_stack.simulation.world import World

Part = Literal["both", "engine", "sentinel"]
REDIAL_NS: Final = 250 * MS  # the longest that an engine waits before it dials a peer again
NOTICE_NS: Final = 500 * MS  # a connection to a host that came back is reset by the next keep-alive


class Provider:
    """What befalls a provider; each may be asked for at any time, and does what is left to do."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self.name = name
        self.engine = world.engines[name]
        self.sentinel = world.sentinels.get(name)

    def start(self, part: Part = "both", *, within_ns: int = REDIAL_NS) -> None:
        """Start what does not run; peers reach it within so long."""
        world = self._world
        world.powered[self.name] = True
        if part != "sentinel" and not self.engine.alive:
            before = self.engine.life
            self.engine.start()
            world.joins.engine(self.name, within_ns=within_ns)
            for sentinel in world.sentinels.values():
                for life in (before, before - 1):
                    at_ns = world.now_ns + world.draws.below(NOTICE_NS)
                    if sentinel.links[self.name] == life:
                        world.at(at_ns, sentinel.reset_stale, self.name, life)
        if self.sentinel is not None and part != "engine" and not self.sentinel.alive:
            self.sentinel.start()
            world.joins.sentinel(self.name, within_ns=within_ns)

    def kill(self, part: Part = "both") -> None:
        """Kill its processes; the system resets their connections."""
        world = self._world
        if part != "sentinel" and self.engine.alive:
            life = self.engine.life
            self.engine.kill()
            for name, sentinel in world.sentinels.items():
                if world.network.reachable(self.name, name):
                    at_ns = world.now_ns + world.network.delay_ns(self.name, name)
                    world.at(at_ns, sentinel.reset_stale, self.name, life)
        if self.sentinel is not None and part != "engine" and self.sentinel.alive:
            self.sentinel.kill()

    def lose_power(self) -> None:
        """All stops without a word, and the disk keeps what was synced."""
        world = self._world
        world.powered[self.name] = False
        disk = world.disks[self.name]
        if disk.lying:
            world.forgot[self.name] = disk.synced().incarnation
        if self.engine.alive:
            self.engine.lose_power()
        else:
            self._world.disks[self.name].lose_power()
        if self.sentinel is not None and self.sentinel.alive:
            self.sentinel.kill()

    def replace_disk(self, disk: Disk) -> None:
        """Another disk is in its place; the provider must be down."""
        self._world.disks[self.name] = disk
        self._world.judge.check_recoverable()

    def freeze(self, part: Part = "both") -> None:
        if part != "sentinel" and self.engine.alive and not self.engine.frozen:
            self.engine.freeze()
        if (
            self.sentinel is not None
            and part != "engine"
            and self.sentinel.alive
            and not self.sentinel.frozen
        ):
            self.sentinel.freeze()

    def thaw(self, part: Part = "both") -> None:
        if part != "sentinel" and self.engine.alive and self.engine.frozen:
            self.engine.thaw()
            self._world.joins.engine(self.name, within_ns=REDIAL_NS)
        if self.sentinel is not None and part != "engine" and self.sentinel.alive and self.sentinel.frozen:
            self.sentinel.thaw()
            self._world.joins.sentinel(self.name, within_ns=REDIAL_NS)

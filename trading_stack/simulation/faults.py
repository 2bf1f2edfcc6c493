"""What can befall the providers: each with its onset, and its end after `lasts_ns` (0: when all is healed).

A node is a provider's name, or `primary` (who serves at the onset), `teller` (whose event triggered the fault) or
`standby` (the first that does not serve).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from trading_stack.sentinel.events import Order
from trading_stack.simulation import attacks
from trading_stack.simulation.disk import Disk
from trading_stack.simulation.network import MS, NODES, Pair, Weather

if TYPE_CHECKING:
    from trading_stack.simulation.provider import Part, Provider
    from trading_stack.simulation.world import World
else:
    Part = str


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """`begin` at the onset, `end` once at most; what is cut meanwhile is said by `pairs`."""

    lasts_ns: int = 0

    def begin(self, world: World) -> None:
        """Make it so."""

    def end(self, world: World) -> None:
        """Undo it; safe when something else has undone it."""

    def pairs(self) -> tuple[Pair, ...]:
        """The directed pairs that lose everything while it lasts."""
        return ()


class OfNode(Fault, frozen=True, omit_defaults=True):
    """A fault of one provider."""

    node: str = "primary"

    def of(self, world: World) -> Provider:
        return world.providers[self.node]


class Kill(OfNode, frozen=True, tag=True, omit_defaults=True):
    """Its processes are killed, and started again."""

    part: Part = "both"

    def begin(self, world: World) -> None:
        self.of(world).kill(self.part)

    def end(self, world: World) -> None:
        self.of(world).start(self.part)


class PowerCut(OfNode, frozen=True, tag=True, omit_defaults=True):
    """All stops at once, and everything after the last finished fsync is gone."""

    def begin(self, world: World) -> None:
        self.of(world).lose_power()

    def end(self, world: World) -> None:
        self.of(world).start()


class Wipe(PowerCut, frozen=True, tag=True, omit_defaults=True):
    """A power cut, and the disk comes back empty; as one store at a time may, the others remembering."""

    def begin(self, world: World) -> None:
        remembered = all(world.votes(node) for node in world.disks)
        self.of(world).lose_power()
        if remembered:
            self.of(world).replace_disk(world.new_disk())


class Rollback(OfNode, frozen=True, tag=True, omit_defaults=True):
    """A backup is taken; at the end, a power cut, and the disk is put back to it: it forgot what came between."""

    def begin(self, world: World) -> None:
        world.backups[self.node] = world.disks[self.node].synced()

    def end(self, world: World) -> None:
        provider = self.of(world)
        remembered = all(world.votes(node) for node in world.disks)
        provider.lose_power()
        if remembered:
            backup = world.backups[self.node].copy()
            world.forgot[self.node] = backup.incarnation
            provider.replace_disk(Disk(backup))
        provider.start()


class Freeze(OfNode, frozen=True, tag=True, omit_defaults=True):
    """Its processes stand still."""

    part: Part = "both"

    def begin(self, world: World) -> None:
        self.of(world).freeze(self.part)

    def end(self, world: World) -> None:
        self.of(world).thaw(self.part)


class Isolate(OfNode, frozen=True, tag=True, omit_defaults=True):
    """All its links to other providers are cut."""

    def pairs(self) -> tuple[Pair, ...]:
        others = [other for other in NODES if other != self.node]
        return tuple(pair for other in others for pair in ((self.node, other), (other, self.node)))


class Cut(OfNode, frozen=True, tag=True, omit_defaults=True):
    """What it sends to `other` is lost; with `both`, what it hears from there, too."""

    other: str = "standby"
    both: bool = False

    def pairs(self) -> tuple[Pair, ...]:
        there = ((self.node, self.other),)
        return (*there, (self.other, self.node)) if self.both else there


class Reset(OfNode, frozen=True, tag=True, omit_defaults=True):
    """Its connections to other providers are reset, and made again."""

    def begin(self, world: World) -> None:
        world.reset_links(self.node)


class Stall(OfNode, frozen=True, tag=True, omit_defaults=True):
    """Nothing on its links moves, and then everything at once."""

    def begin(self, world: World) -> None:
        for pair in Isolate(node=self.node).pairs():
            world.network.stalled_ns[pair] = world.now_ns + self.lasts_ns


class Storm(Fault, frozen=True, tag=True, omit_defaults=True):
    """All links are slow, lossy, and reorder what they carry."""

    delay_ns: int = 2 * MS
    jitter_ns: int = MS
    lost: float = 0.0
    doubled: float = 0.0
    ordered: bool = True

    def begin(self, world: World) -> None:
        world.network.set_weather(
            Weather(self.lost, self.doubled, self.delay_ns, self.jitter_ns, self.ordered)
        )

    def end(self, world: World) -> None:
        world.network.calm()


class SlowDisk(OfNode, frozen=True, tag=True, omit_defaults=True):
    """Each write takes so much longer."""

    each_ns: int = 50 * MS

    def begin(self, world: World) -> None:
        world.disks[self.node].slow_ns = self.each_ns

    def end(self, world: World) -> None:
        world.disks[self.node].slow_ns = 0


class Sluggish(OfNode, frozen=True, tag=True, omit_defaults=True):
    """It is alive, answers everybody, and leaves what clients send lying about for so long."""

    each_ns: int = 3000 * MS

    def begin(self, world: World) -> None:
        world.engines[self.node].sluggish_ns = self.each_ns

    def end(self, world: World) -> None:
        world.engines[self.node].brisk()


class FullDisk(OfNode, frozen=True, tag=True, omit_defaults=True):
    """No write succeeds; somebody makes room, and starts the engine anew."""

    def begin(self, world: World) -> None:
        world.disks[self.node].full = True

    def end(self, world: World) -> None:
        world.disks[self.node].full = False
        provider = self.of(world)
        if provider.engine.alive:
            provider.kill("engine")
            provider.start("engine")


class LyingDisk(OfNode, frozen=True, tag=True, omit_defaults=True):
    """An fsync reports success and does nothing."""

    def begin(self, world: World) -> None:
        world.disks[self.node].lying = True

    def end(self, world: World) -> None:
        world.disks[self.node].lying = False
        world.disks[self.node].sync()


class Certify(OfNode, frozen=True, tag=True, omit_defaults=True):
    """A majority of sentinels certifies it for the next epoch, for no reason."""

    def begin(self, world: World) -> None:
        world.certify(self.node)


class HandOver(OfNode, frozen=True, tag=True, omit_defaults=True):
    """An administrator orders each sentinel that the primary hands over to it."""

    def begin(self, world: World) -> None:
        primary = world.primary()
        if primary is not None:
            order = Order(world.serving[primary], self.node)
            for sentinel in world.sentinels.values():
                sentinel.receive("administrator", order)


class Propose(OfNode, frozen=True, tag=True, omit_defaults=True):
    """Clients send it so many commands of so many bytes."""

    count: int = 1
    size_bytes: int = 16

    def begin(self, world: World) -> None:
        for number in range(self.count):
            request = len(world.told) * 1000 + number + 1_000_000_000
            world.propose(self.node, request, b"%d" % request + b"x" * self.size_bytes)


class Replay(OfNode, frozen=True, tag=True, omit_defaults=True):
    """An attacker repeats to `other` what it once heard this engine say to it, over a connection of its own."""

    other: str = "standby"

    def begin(self, world: World) -> None:
        attacks.replay(world, self.node, self.other)


class Forge(OfNode, frozen=True, tag=True, omit_defaults=True):
    """An attacker without keys tells all sentinels that this engine serves, each 20 ms while it lasts."""

    def begin(self, world: World) -> None:
        attacks.forge(world, self.node, until_ns=world.now_ns + self.lasts_ns)


class Betray(OfNode, frozen=True, tag=True, omit_defaults=True):
    """Its sentinel is in an attacker's hands, keys and all, and says what is false; then it is put right."""

    def begin(self, world: World) -> None:
        self.of(world).kill("sentinel")
        attacks.betray(world, self.node, until_ns=world.now_ns + self.lasts_ns)

    def end(self, world: World) -> None:
        self.of(world).start("sentinel")


AnyFault = (
    Kill
    | PowerCut
    | Wipe
    | Rollback
    | Freeze
    | Isolate
    | Cut
    | Reset
    | Stall
    | Storm
    | SlowDisk
    | Sluggish
    | FullDisk
    | LyingDisk
    | Certify
    | HandOver
    | Propose
    | Replay
    | Forge
    | Betray
)
CUTTING: Final = (Isolate, Cut)

"""What tests do by hand to the providers of a simulated world (`trading_stack.simulation`)."""

from __future__ import annotations

from typing import Final

from trading_stack.simulation.disk import Disk
from trading_stack.simulation.network import MS, NODES, Weather
from trading_stack.simulation.provider import Part
from trading_stack.simulation.rules import EVERY_RULE, Rule
from trading_stack.simulation.world import World

CALM: Final = Weather(delay_ns=1 * MS, jitter_ns=1)
WAN: Final = Weather(delay_ns=int(1.5 * MS), jitter_ns=MS // 2)
BY_DEEDS: Final = EVERY_RULE - {Rule.RECOVERABLE}
"""The rules that speak of what was done: for worlds in which a store may lack what it once held."""
DIALS_NS: Final = 5 * MS


def crash(world: World, *nodes: str, part: Part = "engine") -> None:
    for node in nodes:
        world.providers[node].kill(part)


def start(world: World, *nodes: str, part: Part = "engine") -> None:
    """Start what does not run; who runs reaches it within a few milliseconds."""
    for node in nodes:
        world.providers[node].start(part, within_ns=DIALS_NS)


def freeze(world: World, node: str) -> None:
    world.providers[node].freeze("engine")


def thaw(world: World, node: str) -> None:
    world.providers[node].thaw("engine")


def crash_after_writes(world: World, node: str) -> None:
    """Stop an engine once everything that was asked of its store is durable."""
    engine, disk = world.engines[node], world.disks[node]
    if not engine.alive:
        return
    store = engine._store
    for persist in [*store._batch, *store._queue]:
        disk.write(persist)
    disk.sync()
    store._batch, store._queue = [], []
    crash(world, node)


def mend(world: World) -> None:
    """Everything runs, moves and is connected again, in calm weather."""
    world.network.calm()
    for node in NODES:
        if world.engines[node].frozen:
            thaw(world, node)
    start(world, *NODES, part="both" if world.sentinels else "engine")
    world.heal()


def cut_between(world: World, one: str, other: str) -> None:
    world.network.cut |= {(one, other), (other, one)}


def join(world: World, one: str, other: str) -> None:
    """The two reach each other again, over new connections."""
    world.network.cut -= {(one, other), (other, one)}
    world.joins.again([(one, other)])


def wipe(world: World, node: str) -> None:
    """Lose a crashed engine's disk."""
    world.providers[node].replace_disk(world.new_disk())


def back_up(world: World, node: str) -> Disk:
    """A copy of an engine's disk as it is now."""
    return Disk(world.disks[node].written.copy())


def put_back(world: World, node: str, disk: Disk) -> None:
    """Give a crashed engine an older state of its disk."""
    world.providers[node].replace_disk(Disk(disk.written.copy()))


def skip(world: World, for_ns: int) -> None:
    """Let time pass in which nothing happens but that it passes."""
    world.now_ns += for_ns
    world._heap = [(at_ns + for_ns, *rest) for at_ns, *rest in world._heap]  # type: ignore[misc]

"""Clients: commands and reads at times of chance, mostly to who serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trading_stack.simulation.network import NODES
from trading_stack.simulation.schedule import Load

if TYPE_CHECKING:
    from trading_stack.simulation.world import World

SECOND_NS: Final = 1_000_000_000


class Clients:
    """They begin at once, and go on until `stop`."""

    def __init__(self, world: World, load: Load) -> None:
        self._world = world
        self._load = load
        self._requests = 0
        self._stopped = False
        if load.commands_per_s:
            self._next(self._command, load.commands_per_s)
        if load.reads_per_s:
            self._next(self._read, load.reads_per_s)

    def stop(self) -> None:
        self._stopped = True

    def _next(self, do: object, per_s: int) -> None:
        world = self._world
        assert callable(do)
        world.at(world.now_ns + 1 + world.draws.below(2 * SECOND_NS // per_s), do, None, None)

    def _asked(self) -> str:
        world = self._world
        if world.draws.chance(self._load.astray):
            return world.draws.pick(NODES)
        return world.primary() or world.draws.pick(NODES)

    def _command(self, _: None, __: None) -> None:
        if not self._stopped:
            self._requests += 1
            self._world.propose(self._asked(), self._requests)
            self._next(self._command, self._load.commands_per_s)

    def _read(self, _: None, __: None) -> None:
        if not self._stopped:
            self._requests += 1
            self._world.engines[self._asked()].ask_read(self._requests)
            self._next(self._read, self._load.reads_per_s)

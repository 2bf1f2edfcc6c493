"""Connections between engines and between sentinels: who dials whom again, and when that succeeds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trading_stack.simulation.network import NODES, Pair

if TYPE_CHECKING:
    from trading_stack.simulation.engine import EngineNode
    from trading_stack.simulation.sentinel import SentinelNode
    from trading_stack.simulation.world import World


class Joins:
    """A dial that finds its far end dead, frozen or cut off is given up; whatever ends that dials again."""

    def __init__(self, world: World) -> None:
        self._world = world

    def engine(self, name: str, *, within_ns: int) -> None:
        """An engine dials its peers at once, and they dial it within a while, or back when it reaches them."""
        self._both_ways(self._engine_dials, name, within_ns)

    def sentinel(self, name: str, *, within_ns: int) -> None:
        self._both_ways(self._sentinel_dials, name, within_ns)

    def again(self, pairs: Iterable[Pair]) -> None:
        """Connections over these links are made anew, both ways: what was sent over the earlier ones may be lost."""
        world = self._world
        for one, other in dict.fromkeys(way for pair in pairs for way in (pair, pair[::-1])):
            at_ns = world.now_ns + 3 * world.network.delay_ns(one, other)
            world.at(at_ns, self._engine_dials, one, other)
            if world.sentinels:
                world.at(at_ns, self._sentinel_dials, one, other)

    def _both_ways(self, dials: object, name: str, within_ns: int) -> None:
        world = self._world
        assert callable(dials)
        for peer in NODES:
            if peer != name:
                hello_ns = 3 * world.network.delay_ns(name, peer)
                world.at(world.now_ns + hello_ns, dials, name, peer)
                world.at(world.now_ns + hello_ns + world.draws.below(within_ns), dials, peer, name)

    def _engine_dials(self, dialler: str, acceptor: str) -> None:
        world = self._world
        near, far = world.engines[dialler], world.engines[acceptor]
        if self._answers(near, far):
            far.linked.add(dialler)
            near.channels[acceptor].up = True
            near.on_peer_up(acceptor)
            if not far.channels[dialler].up:
                hello_ns = 3 * world.network.delay_ns(acceptor, dialler)
                world.at(world.now_ns + hello_ns, self._dials_back, acceptor, dialler)

    def _dials_back(self, dialler: str, acceptor: str) -> None:
        if not self._world.engines[dialler].channels[acceptor].up:
            self._engine_dials(dialler, acceptor)

    def _sentinel_dials(self, dialler: str, acceptor: str) -> None:
        world = self._world
        near, far = world.sentinels[dialler], world.sentinels[acceptor]
        if self._answers(near, far):
            near.channels[acceptor].up = True
            near.on_peer_up(acceptor)

    def _answers(self, near: EngineNode | SentinelNode, far: EngineNode | SentinelNode) -> bool:
        joined = self._world.network.joined(near.name, far.name)
        return joined and near.alive and far.alive and not near.frozen and not far.frozen

"""Carries out a schedule's actions, at their times or after the events they wait for, and heals everything at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from trading_stack.simulation.faults import CUTTING, Fault, Replay
from trading_stack.simulation.network import NODES, Pair
from trading_stack.simulation.rules import Happening
from trading_stack.simulation.schedule import Action, At, Schedule, When

if TYPE_CHECKING:
    from trading_stack.simulation.world import World


@dataclass(slots=True)
class Waiting:
    """An action, and how many of the events that it waits for were told so far."""

    action: Action
    moment: When
    heard: int = 0


class Nemesis:
    """Strikes until `heal`; counts how often it did, and how often because of an event that was waited for."""

    def __init__(self, world: World, schedule: Schedule) -> None:
        self._world = world
        self._active: dict[int, Fault] = {}
        self.struck = 0
        self.struck_after_events = 0
        self._over = False
        self._waiting: dict[str, list[Waiting]] = {}
        for action in schedule.actions:
            if isinstance(action.moment, At):
                world.at(action.moment.ns, self._strike, action, "")
            else:
                waiting = Waiting(action, action.moment)
                self._waiting.setdefault(action.moment.event, []).append(waiting)
        if self._waiting:
            world.listeners.append(self._hear)
        if any(isinstance(action.fault, Replay) for action in schedule.actions):
            for engine in world.engines.values():
                for channel in engine.channels.values():
                    channel.sent = []

    def _hear(self, event: Happening) -> None:
        waiting = self._waiting.get(event.kind)
        if waiting is None:
            return
        now_ns = self._world.now_ns
        for each in waiting:
            if now_ns < each.moment.from_ns:
                continue
            each.heard += 1
            if each.heard == each.moment.nth:
                teller = event.node.removeprefix("sentinel-")
                self._world.at(now_ns + each.moment.after_ns, self._strike, each.action, teller)

    def _strike(self, action: Action, teller: str) -> None:
        if self._over:
            return
        world, fault = self._world, self._resolved(action.fault, teller)
        self.struck += 1
        self.struck_after_events += isinstance(action.moment, When)
        key = self.struck
        node = str(getattr(fault, "node", "network"))
        world.tell("nemesis", type(fault).__name__, {"node": node, "lasts_ns": fault.lasts_ns})
        self._active[key] = fault
        if isinstance(fault, CUTTING):
            self._cut()
        fault.begin(world)
        if fault.lasts_ns:
            world.at(world.now_ns + fault.lasts_ns, self._end, key, None)

    def _resolved(self, fault: Fault, teller: str) -> Fault:
        """The same fault with the names of providers in place of what they are at this moment."""
        if not hasattr(fault, "node"):
            return fault
        names = {"node": self._name(fault.node, teller)}
        if hasattr(fault, "other"):
            other = self._name(fault.other, teller)
            if other == names["node"]:
                other = NODES[(NODES.index(other) + 1) % len(NODES)]
            names["other"] = other
        return msgspec.structs.replace(fault, **names)

    def _name(self, node: str, teller: str) -> str:
        if node in NODES:
            return node
        primary = self._world.primary()
        if node == "teller":
            return teller if teller in NODES else primary or NODES[0]
        if node == "standby":
            return next(name for name in NODES if name != primary)
        return primary or NODES[0]

    def _end(self, key: int, _: None) -> None:
        fault = self._active.pop(key, None)
        if fault is None:
            return
        if isinstance(fault, CUTTING):
            self._cut()
        fault.end(self._world)

    def _cut(self) -> None:
        """Let exactly what the active faults say be cut; what is no more is joined again."""
        world = self._world
        before = world.network.cut
        cut: set[Pair] = set()
        for fault in self._active.values():
            cut.update(fault.pairs())
        world.network.cut = cut
        for source, target in sorted(cut - before):
            if world.sentinels:
                world.sentinels[target].inboxes[source].drop()
        world.joins.again(sorted(before - cut))

    def heal(self, *, but: str = "") -> None:
        """End all that lasts, strike no more, and start whatever is down or broken; one provider may be left dead."""
        self._over = True
        for key in list(self._active):
            self._end(key, None)
        for name, provider in self._world.providers.items():
            if name == but:
                provider.kill()
                continue
            if provider.engine.alive and provider.engine.replica.view().broken:
                provider.kill("engine")
            provider.thaw()
            provider.start()

"""A cluster in virtual time whose clients speak through gateways, and an administrator who orders handovers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

from outages import WAN

from trading_stack.defects import Defect
from trading_stack.engine.messages import Done, FromEngine, Leading, NotPrimary, Submit
from trading_stack.gateway.router import Effect, Router, Send
from trading_stack.journal import events as j
from trading_stack.sentinel.events import Order
from trading_stack.simulation.engine import EngineNode
from trading_stack.simulation.network import MS, NODES, Channel
from trading_stack.simulation.world import World

DEADLINE_NS = 4000 * MS
TURN_NS = 20 * MS


class Asked(NamedTuple):
    """Who waits at an engine: a gateway's request, on its connection of that engine's life."""

    gateway: str
    life: int
    request: int


@dataclass
class Command:
    """One client's command. `index` is where it was executed, by what it was answered."""

    asked_ns: int
    answered_ns: int | None = None
    index: int | None = None
    unknown: bool = False


class Sent(NamedTuple):
    """What a gateway and an engine say to each other, in which life of the engine."""

    life: int
    said: j.Event | FromEngine


class Gateway:
    """A router with its connections. An engine's crash shows as a reset; what is cut is lost."""

    def __init__(self, world: Cluster, name: str) -> None:
        self.world = world
        self.name = name
        self.router = Router(NODES)
        self._lives = dict.fromkeys(NODES, -1)
        self._channels = {engine: world.channel(name, engine, self._receiver(engine)) for engine in NODES}
        self._turn()

    def submit(self, text: str) -> None:
        world = self.world
        command = world.commands[text] = Command(world.now_ns)
        effects = self.router.submit(
            text.encode(),
            deadline_ns=world.now_ns + DEADLINE_NS,
            answered=partial(self._answered, command),
            now_ns=world.now_ns,
        )
        self._carry_out(effects)

    def _answered(self, command: Command, reply: bytes | None) -> None:
        command.answered_ns = self.world.now_ns
        if reply is None:
            command.unknown = True
        else:
            command.index = int(reply)

    def _receiver(self, name: str) -> Callable[[Sent], None]:
        engine = self.world.engines[name]

        def receive(sent: Sent) -> None:
            if sent.life == engine.life:
                engine.receive(f"gateway-{self.name}", sent.said)  # type: ignore[arg-type]

        return receive

    def _turn(self, *_: None) -> None:
        world = self.world
        for name, engine in world.engines.items():
            linked = engine.alive and not engine.frozen and world.network.reachable(self.name, name)
            if self._lives[name] >= 0 and (not engine.alive or engine.life != self._lives[name]):
                self._lives[name] = -1
                self.router.engine_down(name)
            if self._lives[name] < 0 and linked:
                self._lives[name] = engine.life
                self._carry_out(self.router.engine_up(name, world.now_ns))
                self.hear(name, Sent(engine.life, world.leading[name]))
        self._carry_out(self.router.tick(world.now_ns))
        world.at(world.now_ns + TURN_NS, self._turn, None, None)

    def hear(self, engine: str, sent: Sent) -> None:
        if self._lives[engine] == sent.life:
            self._carry_out(self.router.heard(engine, sent.said, self.world.now_ns))  # type: ignore[arg-type]

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                self._send(effect)
            else:
                effect.answered(effect.reply)

    def _send(self, effect: Send) -> None:
        message, life = effect.message, self._lives[effect.engine]
        asked = Asked(self.name, life, message.request)
        event: j.Event = j.AskReads([asked])
        if isinstance(message, Submit):
            event = j.Propose([(asked, message.command)])
        self._channels[effect.engine].send(Sent(life, event))


class Cluster(World):
    """Engines, sentinels and gateways. A command is executed where it is first found in the log, as by a venue."""

    def __init__(self, seed: int, *, defects: frozenset[Defect] = frozenset()) -> None:
        super().__init__(seed, sentinels=True, weather=WAN, defects=defects, dozing=False)
        self.commands: dict[str, Command] = {}
        self.leading = {node: Leading(0, None) for node in NODES}
        for engine in self.engines.values():
            self._also(engine, j.Apply, self._answer)
            self._also(engine, j.Refer, self._refer)
            self._also(engine, j.Lead, self._lead)
        self.gateways = {node: Gateway(self, node) for node in NODES}
        self._replies = {
            (engine, gateway): self.channel(engine, gateway, partial(self.gateways[gateway].hear, engine))
            for engine in NODES
            for gateway in NODES
        }

    def channel(self, source: str, target: str, receive: Callable[[Sent], None]) -> Channel:
        """One direction between a gateway and an engine."""
        channel = Channel(self.network, (source, target), receive)
        channel.up = True
        return channel

    def _also(self, engine: EngineNode, kind: type[j.Effect], do: Callable[[EngineNode, Any], None]) -> None:
        """Let more come of an engine's effects than the simulation does with them."""
        before = engine._effects[kind]

        def both(effect: j.Effect) -> None:
            before(effect)
            do(engine, effect)

        engine._effects[kind] = both

    def _answer(self, engine: EngineNode, effect: j.Apply) -> None:
        for entry, asked in zip(effect.entries, effect.requests, strict=True):
            if isinstance(asked, Asked):
                index = self._executed(engine, entry.command)
                self._reply(engine, asked, Done(asked.request, entry.index, entry.epoch, b"%d" % index))

    def _refer(self, engine: EngineNode, effect: j.Refer) -> None:
        leading = self.leading[engine.name]
        for asked in effect.requests:
            if isinstance(asked, Asked):
                self._reply(engine, asked, NotPrimary(asked.request, leading.primary, leading.epoch))

    def _lead(self, engine: EngineNode, effect: j.Lead) -> None:
        leading = self.leading[engine.name] = Leading(effect.epoch, effect.primary)
        for gateway in self.gateways:
            self._replies[engine.name, gateway].send(Sent(engine.life, leading))

    def _reply(self, engine: EngineNode, asked: Asked, message: FromEngine) -> None:
        if asked.life == engine.life:
            self._replies[engine.name, asked.gateway].send(Sent(engine.life, message))

    def _executed(self, engine: EngineNode, command: bytes) -> int:
        applied = self.judge.committed[: len(engine.applied)]
        return next(entry.index for entry in applied if entry.command == command)

    # --- what a test does

    def flow(self, *, every_ns: int, until_ns: int) -> None:
        """Commands at a steady rate through all gateways in turn."""
        number = len(self.commands)
        self.gateways[NODES[number % 3]].submit(f"command {number}")
        if self.now_ns + every_ns < until_ns:
            self.at(
                self.now_ns + every_ns, lambda *_: self.flow(every_ns=every_ns, until_ns=until_ns), None, None
            )

    def wish(self, target: str) -> Order:
        """What an administrator would order who sees what any sentinel sees."""
        known = [node.sentinel.leader for node in self.sentinels.values() if node.alive]
        return Order(max((leader.epoch for leader in known if leader is not None), default=0), target)

    def objections(self, target: str, *, at: tuple[str, ...] = NODES) -> dict[str, str | None]:
        """What each live sentinel objects to such an order now."""
        alive = {name: self.sentinels[name] for name in at if self.sentinels[name].alive}
        order = self.wish(target)
        return {
            name: node.sentinel.objection(order, self.clocks[name].local(self.now_ns))
            for name, node in alive.items()
        }

    def order(self, target: str, *, at: tuple[str, ...] = NODES) -> dict[str, str | None]:
        """Order it: those that don't object hear of it within a few milliseconds."""
        order, objections = self.wish(target), self.objections(target, at=at)
        for name, objection in objections.items():
            if objection is None:
                at_ns = self.now_ns + self.draws.below(5 * MS)
                self.at(at_ns, self.sentinels[name].receive, "administrator", order)
        return objections

    # --- what must hold

    def check_end(self) -> None:
        """All replicas agree; every answer was true, and every command was answered."""
        self.judge.check_end()
        where: dict[str, int] = {}
        for entry in self.judge.committed:
            where.setdefault(entry.command.decode(errors="replace"), entry.index)
        for text, command in self.commands.items():
            assert command.index in (None, where.get(text)), (
                f"{text} was answered with {command.index}, and is at {where.get(text)}"
            )

    def errors(self) -> list[str]:
        """The commands whose clients were left without an answer."""
        return [text for text, command in self.commands.items() if command.index is None]

    def told_by(self, who: str, kind: str) -> list[str]:
        """The reasons that somebody gave with this kind of event."""
        return [str(each.fields["reason"]) for each in self.told if (each.node, each.kind) == (who, kind)]

    def gap_ms(self) -> float:
        """The longest time between two answers that followed each other."""
        answered = sorted(each.answered_ns for each in self.commands.values() if each.answered_ns is not None)
        return max(after - before for before, after in pairwise(answered)) / MS


def started(seed: int, *, defects: frozenset[Defect] = frozenset()) -> Cluster:
    """A cluster whose first primary, alpha, has served for a while; nothing is told of how it came to lead."""
    world = Cluster(seed, defects=defects)
    assert world.run(400 * MS, until=lambda: world.primary() is not None), "no primary after a cold start"
    world.run(300 * MS)
    world.told.clear()
    return world

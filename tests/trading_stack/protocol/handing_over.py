"""A cluster in virtual time whose clients speak through gateways, and an administrator who orders handovers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from simulated import MS, NODES, EngineNode, Violation, Weather, World

from trading_stack.defects import Defect
from trading_stack.engine.messages import Done, FromEngine, Leading, NotPrimary, Submit
from trading_stack.gateway.router import Effect, Router, Send
from trading_stack.journal import events as j
from trading_stack.sentinel.events import Order

WAN = Weather(delay_ns=int(1.5 * MS), jitter_ns=MS // 2)
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


class Gateway:
    """A router with its connections. An engine's crash shows as a reset; what is cut is lost."""

    def __init__(self, world: Cluster, name: str) -> None:
        self.world = world
        self.name = name
        self.router = Router(NODES)
        self._lives = dict.fromkeys(NODES, -1)
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

    def _turn(self) -> None:
        world = self.world
        for name, engine in world.engines.items():
            linked = engine.alive and not engine.frozen and world.reachable(self.name, name)
            if self._lives[name] >= 0 and (not engine.alive or engine.life != self._lives[name]):
                self._lives[name] = -1
                self.router.engine_down(name)
            if self._lives[name] < 0 and linked:
                self._lives[name] = engine.life
                self._carry_out(self.router.engine_up(name, world.now_ns))
                self.hear(name, world.leading[name], engine.life)
        self._carry_out(self.router.tick(world.now_ns))
        world.at(TURN_NS, self._turn)

    def hear(self, engine: str, message: FromEngine, life: int) -> None:
        if self._lives[engine] == life:
            self._carry_out(self.router.heard(engine, message, self.world.now_ns))

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                self._send(effect)
            else:
                effect.answered(effect.reply)

    def _send(self, effect: Send) -> None:
        engine, message = self.world.engines[effect.engine], effect.message
        life = self._lives[effect.engine]
        asked = Asked(self.name, life, message.request)
        event: j.Event = j.AskReads([asked])
        if isinstance(message, Submit):
            event = j.Propose([(asked, message.command)])
        self.world.carry(self.name, effect.engine, lambda: engine._do(life, lambda: engine.tell(event)))


class Cluster(World):
    """Engines, sentinels and gateways. A command is executed where it is first found in the log, as by a venue."""

    def __init__(self, seed: int, *, defects: frozenset[Defect] = frozenset()) -> None:
        super().__init__(seed, sentinels=True, weather=WAN, defects=defects)
        self.commands: dict[str, Command] = {}
        self.leading = {node: Leading(0, None) for node in NODES}
        for engine in self.engines.values():
            engine._carry_out = partial(self._of_engine, engine, engine._carry_out)  # type: ignore[method-assign]
        self.gateways = {node: Gateway(self, node) for node in NODES}

    def _of_engine(self, engine: EngineNode, carry_out: Callable[[j.Effect], None], effect: j.Effect) -> None:
        carry_out(effect)
        if isinstance(effect, j.Apply):
            for entry, asked in zip(effect.entries, effect.requests, strict=True):
                if isinstance(asked, Asked):
                    index = self._executed(engine, entry.command)
                    self._tell(engine, asked, Done(asked.request, entry.index, entry.epoch, b"%d" % index))
        elif isinstance(effect, j.Refer):
            for asked in effect.requests:
                if isinstance(asked, Asked):
                    self._refer(engine, asked)
        elif isinstance(effect, j.Lead):
            self.leading[engine.name] = Leading(effect.epoch, effect.primary)
            for gateway in self.gateways.values():
                message, life = self.leading[engine.name], engine.life
                self.carry(engine.name, gateway.name, partial(gateway.hear, engine.name, message, life))

    def _refer(self, engine: EngineNode, asked: Asked) -> None:
        leading = self.leading[engine.name]
        self._tell(engine, asked, NotPrimary(asked.request, leading.primary, leading.epoch))

    def _tell(self, engine: EngineNode, asked: Asked, message: FromEngine) -> None:
        if asked.life == engine.life:
            gateway = self.gateways[asked.gateway]
            self.carry(engine.name, gateway.name, partial(gateway.hear, engine.name, message, engine.life))

    def _executed(self, engine: EngineNode, command: bytes) -> int:
        return next(entry.index for entry in engine.applied if entry.command == command)

    # --- what a test does

    def flow(self, *, every_ns: int, until_ns: int) -> None:
        """Commands at a steady rate through all gateways in turn."""
        number = len(self.commands)
        self.gateways[NODES[number % 3]].submit(f"command {number}")
        if self.now_ns + every_ns < until_ns:
            self.at(every_ns, partial(self.flow, every_ns=every_ns, until_ns=until_ns))

    def wish(self, target: str) -> Order:
        """What an administrator would order who sees what any sentinel sees."""
        known = [node.sentinel.leader for node in self.sentinels.values() if node.alive]
        return Order(max((leader.epoch for leader in known if leader is not None), default=0), target)

    def objections(self, target: str, *, at: tuple[str, ...] = NODES) -> dict[str, str | None]:
        """What each live sentinel objects to such an order now."""
        alive = {name: self.sentinels[name] for name in at if self.sentinels[name].alive}
        order = self.wish(target)
        return {name: node.sentinel.objection(order, self.now_ns) for name, node in alive.items()}

    def order(self, target: str, *, at: tuple[str, ...] = NODES) -> dict[str, str | None]:
        """Order it: those that don't object hear of it within a few milliseconds."""
        order, objections = self.wish(target), self.objections(target, at=at)
        for name, objection in objections.items():
            if objection is None:
                node = self.sentinels[name]
                self.at(self.random.randrange(5 * MS), partial(node.tell, order))
        return objections

    # --- what must hold

    def check_end(self) -> None:
        """All replicas agree; every answer was true, and every command was answered."""
        super().check_end()
        engine = max(self.engines.values(), key=lambda each: len(each.applied))
        where: dict[str, int] = {}
        for entry in engine.applied:
            where.setdefault(entry.command.decode(errors="replace"), entry.index)
        for text, command in self.commands.items():
            if command.index is not None and where.get(text) != command.index:
                raise Violation(f"{text} was answered with {command.index}, and is at {where.get(text)}")

    def errors(self) -> list[str]:
        """The commands whose clients were left without an answer."""
        return [text for text, command in self.commands.items() if command.index is None]

    def told_by(self, who: str, kind: str) -> list[str]:
        """The reasons that somebody gave with this kind of event."""
        return [str(fields["reason"]) for _, name, each, fields in self.told if (name, each) == (who, kind)]

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

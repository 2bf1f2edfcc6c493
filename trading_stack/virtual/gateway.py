"""A gateway in virtual time: order entry and router of the service, between clients and engines."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from harness.stack.simulation import Ears, Line, Machine, Wire
from trading_stack import defects
from trading_stack.defects import Defect
from trading_stack.gateway.band import Band
from trading_stack.gateway.links import ARE_YOU_THERE, TURN_S
from trading_stack.gateway.order_entry import OrderEntry
from trading_stack.gateway.reach import Reach
from trading_stack.gateway.requests import Request
from trading_stack.gateway.router import Effect, Router, Send
from trading_stack.gateway.stall import StallWatch
from trading_stack.market.messages import Follow, MarksFrame
from trading_stack.virtual.addresses import named, port

TURN_NS = round(TURN_S * 1e9)


class Question(NamedTuple):
    """What a client sends: its own number, and the request."""

    number: int
    request: Request


class Answer(NamedTuple):
    """What it is answered: the number, and the venue's own JSON."""

    number: int
    reply: bytes


class GatewayNode:
    """One gateway. Its client connections are those that `clients` dial."""

    def __init__(self, environment: Mapping[str, str], machine: Machine) -> None:
        self._machine = machine
        self._port = port(environment)
        self._engines = named(environment, "ENGINES")
        self._pricing = environment["PRICING"]
        planted = defects.active(environment)
        now_ns = machine.now_ns()
        self._router = Router(tuple(self._engines), repeats_always=Defect.NO_IDEMPOTENCY in planted)
        self._band = Band()
        self._watch = StallWatch(now_ns)
        boot = f"{machine.random.getrandbits(48):012x}"
        self._entry = OrderEntry(self._router, self._band, self._watch, boot=boot, defects=planted)
        self._reach = Reach(tuple(self._engines), now_ns)
        self._lines: dict[str, Line] = {}
        self._clients: dict[Wire, None] = {}

    def start(self) -> None:
        machine = self._machine
        for engine, address in self._engines.items():
            ears = Ears(
                on_message=partial(self._heard, engine),
                on_up=partial(self._engine_up, engine),
                on_down=lambda _, __, engine=engine: self._router.engine_down(engine),  # type: ignore[misc]
            )
            self._lines[engine] = machine.dial(address, ears)
        machine.dial(self._pricing, Ears(on_message=self._on_marks, on_up=lambda wire: wire.send(Follow())))
        machine.listen(
            self._port,
            Ears(
                on_message=self._take,
                on_up=self._welcome,
                on_down=lambda wire, _: self._clients.pop(wire, None),
            ),
        )
        machine.later(TURN_NS, self._turn)

    def unready(self) -> str | None:
        return self._reach.cut_off or self._router.unready()

    def _welcome(self, wire: Wire) -> None:
        if self._reach.cut_off is not None:
            wire.close(self._reach.cut_off)
        else:
            self._clients[wire] = None

    def _take(self, wire: Wire, message: object) -> None:
        if isinstance(message, Question):
            number = message.number
            self._carry_out(
                self._entry.take(
                    message.request,
                    lambda reply: wire.send(Answer(number, reply)),
                    self._machine.now_ns(),
                )
            )

    def _turn(self) -> None:
        self._machine.later(TURN_NS, self._turn)
        now_ns, router = self._machine.now_ns(), self._router
        self._watch.turn(now_ns)
        self._carry_out(router.tick(now_ns))
        leads = (router.epoch, router.primary)
        for engine in self._reach.turn(now_ns, waits_since_ns=router.waits_since_ns, primary=leads):
            self._lines[engine].send(ARE_YOU_THERE)
        if self._reach.cut_off is not None:
            for client in list(self._clients):
                client.close(self._reach.cut_off)

    def _engine_up(self, engine: str, _: Wire) -> None:
        self._carry_out(self._router.engine_up(engine, self._machine.now_ns()))

    def _heard(self, engine: str, _: Wire, message: object) -> None:
        now_ns = self._machine.now_ns()
        self._reach.heard(engine, now_ns)
        self._carry_out(self._router.heard(engine, message, now_ns))  # type: ignore[arg-type]

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                self._lines[effect.engine].send(effect.message)
            else:
                effect.answered(effect.reply)

    def _on_marks(self, _: Wire, message: object) -> None:
        if isinstance(message, MarksFrame):
            self._band.update(
                message.prices,
                index_age_ns=message.index_age_ns,
                surface_age_ns=message.surface_age_ns,
                now_ns=self._machine.now_ns(),
            )

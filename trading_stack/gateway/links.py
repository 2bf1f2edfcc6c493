"""The connections to all engines, and the router's decisions carried out on them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from trading_stack.dial import Client
from trading_stack.engine.messages import FromEngine, Read
from trading_stack.gateway.order_entry import OrderEntry, Reply
from trading_stack.gateway.reach import Reach
from trading_stack.gateway.requests import Request
from trading_stack.gateway.router import Effect, Router, Send
from trading_stack.gateway.stall import StallWatch
from trading_stack.settings import Address
from trading_stack.venue import queries
from trading_stack.wire import Codec, Counters

TURN_S: Final = 0.02  # how exact deadlines and repeats are
ARE_YOU_THERE: Final = Read(0, queries.encode(queries.OrderQuery("", "")))  # no request has the number 0


class EngineLinks:
    """Dials every engine, and stays connected to those that don't lead: the next primary must be one hop away."""

    def __init__(
        self, engines: Mapping[str, Address], router: Router, *, name: str, key: bytes, counters: Counters
    ) -> None:
        self._router = router
        self.reach = Reach(tuple(engines), time.monotonic_ns())
        codec = Codec(name, key, msgspec.msgpack.Decoder(FromEngine), counters=counters)
        self._clients = {engine: self._client(engine, address, codec) for engine, address in engines.items()}

    def start(self) -> None:
        """Begin to dial."""
        for client in self._clients.values():
            client.start()

    async def close(self) -> None:
        """Stop dialling and close all."""
        for client in self._clients.values():
            await client.close()

    def up(self) -> dict[str, bool]:
        """Which engines' applications answer."""
        return {engine: client.up for engine, client in self._clients.items()}

    def take(self, entry: OrderEntry, request: Request, reply: Reply) -> None:
        """Let order entry handle a request, and do what it decides."""
        self._carry_out(entry.take(request, reply, time.monotonic_ns()))

    async def turn(self, watch: StallWatch, let_go: Callable[[str], None]) -> None:
        """Mind deadlines, repeats and freezes, for ever; `let_go` is told, again and again, of being cut off."""
        while True:
            await asyncio.sleep(TURN_S)
            now_ns = time.monotonic_ns()
            watch.turn(now_ns)
            self._carry_out(self._router.tick(now_ns))
            self._look(now_ns)
            if self.reach.cut_off is not None:
                let_go(self.reach.cut_off)

    def _look(self, now_ns: int) -> None:
        router = self._router
        leads = (router.epoch, router.primary)
        for engine in self.reach.turn(now_ns, waits_since_ns=router.waits_since_ns, primary=leads):
            self._clients[engine].send(ARE_YOU_THERE)

    def _client(self, engine: str, address: Address, codec: Codec) -> Client:
        return Client(
            address,
            codec,
            on_message=lambda message: self._heard(engine, message),
            on_up=lambda: self._carry_out(self._router.engine_up(engine, time.monotonic_ns())),
            on_down=lambda _: self._router.engine_down(engine),
        )

    def _heard(self, engine: str, message: FromEngine) -> None:
        now_ns = time.monotonic_ns()
        self.reach.heard(engine, now_ns)
        self._carry_out(self._router.heard(engine, message, now_ns))

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                self._clients[effect.engine].send(effect.message)
            else:
                effect.answered(effect.reply)

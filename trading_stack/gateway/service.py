"""The gateway service of one provider."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from functools import partial
from typing import Final

import msgspec
from aiohttp import web

from trading_stack import defects, keys, running, settings
from trading_stack.admin import health, metrics, serve_admin
from trading_stack.defects import Defect
from trading_stack.events import log
from trading_stack.gateway.band import Band
from trading_stack.gateway.http import application
from trading_stack.gateway.links import EngineLinks
from trading_stack.gateway.order_entry import OrderEntry
from trading_stack.gateway.router import Router
from trading_stack.gateway.stall import StallWatch
from trading_stack.gateway.websocket import Sessions
from trading_stack.market.client import follow_marks
from trading_stack.market.messages import MarksFrame
from trading_stack.wire import Counters

SHUTDOWN_S: Final = 0.1  # whoever still waits then reconnects elsewhere, as after any other end of a gateway


class LastMarks(msgspec.Struct, frozen=True):
    """What `GET /quotes` answers: integers of 1e-8, and the age of the index behind them."""

    provider: str
    marks: dict[str, int]
    index_age_ns: int


class Gateway:
    """The parts of one gateway, put together from its environment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.provider = settings.required(environ, "PROVIDER")
        self.name = f"gateway-{self.provider}"
        self._secret = settings.secret(environ)
        self._pricing = settings.address(environ, "PRICING")
        planted = defects.active(environ)
        engines = settings.addresses(environ, "ENGINES")
        self.router = Router(tuple(engines), repeats_always=Defect.NO_IDEMPOTENCY in planted)
        self.band = Band()
        self.watch = StallWatch(time.monotonic_ns())
        self.entry = OrderEntry(self.router, self.band, self.watch, boot=os.urandom(6).hex(), defects=planted)
        self.counters = Counters()
        key = keys.link_key(self._secret)
        self.links = EngineLinks(engines, self.router, name=self.name, key=key, counters=self.counters)

    async def follow_pricing(self) -> None:
        """Keep the band's marks up to date, for ever."""
        await follow_marks(*self._pricing, self._on_marks, name=self.name, secret=self._secret)

    def unready(self) -> str | None:
        """Why orders can't be routed now, or None."""
        return self.links.reach.cut_off or self.router.unready()

    def quotes(self) -> bytes:
        """The last marks, as JSON."""
        age_ns = self.band.age_ns(time.monotonic_ns())
        return msgspec.json.encode(LastMarks(self.provider, self.band.marks(), age_ns))

    def figures(self) -> dict[str, float]:
        """All metrics by name."""
        return {
            **{f"router_{name}": value for name, value in msgspec.structs.asdict(self.router.counts).items()},
            **{f"entry_{name}": value for name, value in msgspec.structs.asdict(self.entry.counts).items()},
            **{f"wire_{name}": value for name, value in self.counters.values.items()},
            **{f'engine_up{{engine="{engine}"}}': int(up) for engine, up in self.links.up().items()},
            "in_flight": self.router.in_flight,
            "epoch": self.router.epoch,
            "stalls": self.watch.stalls,
            "cut_off": int(self.links.reach.cut_off is not None),
            "marks_age_ns": self.band.age_ns(time.monotonic_ns()),
            "cpu_seconds": time.process_time(),
        }

    def _on_marks(self, frame: MarksFrame) -> None:
        self.band.update(
            frame.prices,
            index_age_ns=frame.index_age_ns,
            surface_age_ns=frame.surface_age_ns,
            now_ns=time.monotonic_ns(),
        )


async def serve(environ: Mapping[str, str]) -> None:
    """Serve until cancelled."""
    gateway = Gateway(environ)
    take = partial(gateway.links.take, gateway.entry)
    sessions = Sessions(take, lambda: gateway.links.reach.cut_off)
    app = application(take, sessions, unready=gateway.unready, quotes=gateway.quotes)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    routes = {"/health": health(gateway.unready), "/metrics": metrics(gateway.figures)}
    admin = await serve_admin(settings.address(environ, "ADMIN"), routes)
    try:
        await web.TCPSite(runner, *settings.address(environ, "LISTEN"), backlog=1024).start()
        gateway.links.start()
        log(f"{gateway.name}: taking orders")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(gateway.follow_pricing())
            tasks.create_task(gateway.links.turn(gateway.watch, sessions.let_go))
    finally:
        admin.close()
        await gateway.links.close()
        await runner.cleanup()


def main(environ: Mapping[str, str]) -> int:
    """Run the gateway until a signal ends it."""
    return running.run(serve(environ))

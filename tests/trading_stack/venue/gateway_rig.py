"""A real gateway and scripted engines on loopback, in one event loop of a thread of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from harness.platforms.ports import Ports
from harness.stack.adapter import Address
from trading_stack import keys, settings
from trading_stack.adapter import TradingStack
from trading_stack.engine.messages import Done, FromGateway, Leading, NotPrimary, Submit
from trading_stack.gateway import service
from trading_stack.instruments import SCALE
from trading_stack.market.messages import Follow, MarksFrame
from trading_stack.venue.machine import Venue
from trading_stack.wire import Callbacks, Codec, Connection, serve

SECRET = b"for tests"
ENGINES = ("alpha", "bravo", "charlie")
PORTS = Ports()
MARKS = {"BTC-PERPETUAL": 50_000 * SCALE}


class Cluster:
    """What all engines of a test share: one journal, one venue, and who leads."""

    def __init__(self) -> None:
        self.venue = Venue(defects=frozenset())
        self.index = 0
        self.epoch = 1
        self.primary: str | None = "alpha"
        self.commands: list[bytes] = []
        self.loses_answers = False  # commands are executed and nobody is told
        self.mute = False  # no engine hears anything
        self.holds: list[Callable[[], None]] | None = None  # answers that wait for `release`

    def apply(self, command: bytes) -> tuple[int, bytes]:
        self.index += 1
        self.commands.append(command)
        return self.index, self.venue.apply(self.index, self.epoch, self.index, command)


class FakeEngine:
    """An engine that executes at once, or says who leads; never two that lead."""

    def __init__(self, name: str, cluster: Cluster) -> None:
        self.name = name
        self.port = PORTS.take()
        self._cluster = cluster
        self.connections: list[Connection] = []

    async def start(self) -> asyncio.Server:
        codec = Codec(f"engine-{self.name}", keys.link_key(SECRET), msgspec.msgpack.Decoder(FromGateway))
        callbacks = Callbacks(on_message=self._heard, on_up=self._up, on_down=self._down)
        return await serve(codec, callbacks, "127.0.0.1", self.port)

    def say_who_leads(self) -> None:
        for connection in self.connections:
            connection.send(Leading(self._cluster.epoch, self._cluster.primary))

    def _up(self, connection: Connection) -> None:
        self.connections.append(connection)
        connection.send(Leading(self._cluster.epoch, self._cluster.primary))

    def _down(self, connection: Connection, _: str) -> None:
        self.connections.remove(connection)

    def _heard(self, connection: Connection, message: FromGateway) -> None:
        cluster = self._cluster
        if cluster.mute:
            return
        if cluster.primary != self.name:
            connection.send(NotPrimary(message.request, cluster.primary, cluster.epoch))
            return
        if isinstance(message, Submit):
            index, result = cluster.apply(message.command)
        else:
            index, result = cluster.index, cluster.venue.read(message.query)
        answer = Done(message.request, index, cluster.epoch, result)
        if cluster.holds is not None:
            cluster.holds.append(lambda: connection.send(answer))
        elif not cluster.loses_answers:
            connection.send(answer)


class Rig:
    """Start with `with`; `do` runs a function inside the loop."""

    def __init__(self) -> None:
        self.cluster = Cluster()
        self.engines = {name: FakeEngine(name, self.cluster) for name in ENGINES}
        self.address = Address("127.0.0.1", PORTS.take())
        self.admin = Address("127.0.0.1", PORTS.take())
        self._pricing = PORTS.take()
        self._followers: list[Connection] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._stop: asyncio.Event | None = None

    def __enter__(self) -> Rig:
        self._thread.start()
        self._gateway = asyncio.run_coroutine_threadsafe(self._run(), self._loop)
        self.wait_until(self._ready)
        self._wait_for_marks(0)
        return self

    def __exit__(self, *_: object) -> None:
        self.do(lambda: self._stop.set() if self._stop else None)
        self._gateway.result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def do(self, work: Callable[[], Any]) -> Any:
        """Call `work` in the loop's thread."""

        async def call() -> Any:
            return work()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(10)

    def lead(self, primary: str | None) -> None:
        """Let another engine lead, in a new epoch, and all say so."""

        def change() -> None:
            self.cluster.epoch += 1
            self.cluster.primary = primary
            for engine in self.engines.values():
                engine.say_who_leads()

        self.do(change)

    def release(self) -> None:
        """Send the answers that were held."""

        def send() -> None:
            held, self.cluster.holds = self.cluster.holds or [], None
            for answer in held:
                answer()

        self.do(send)

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Wait, without the clock of the test, until something holds inside the loop; at most 10 s."""

        async def look() -> None:
            async with asyncio.timeout(10):
                while not holds():  # noqa: ASYNC110  what is waited for has no event of its own
                    await asyncio.sleep(0.005)

        asyncio.run_coroutine_threadsafe(look(), self._loop).result(12)

    def _ready(self) -> bool:
        return self._stop is not None and all(engine.connections for engine in self.engines.values())

    async def _run(self) -> None:
        servers = [await engine.start() for engine in self.engines.values()]
        servers.append(await self._start_pricing())
        gateway = asyncio.get_running_loop().create_task(self._serve_gateway())
        self._stop = asyncio.Event()
        await self._stop.wait()
        gateway.cancel()
        await asyncio.gather(gateway, return_exceptions=True)
        for server in servers:
            server.close()
        for engine in self.engines.values():
            for connection in list(engine.connections):
                connection.close()
        await asyncio.sleep(0.05)

    def _serve_gateway(self) -> Coroutine[Any, Any, None]:
        engines = ",".join(f"{name}=127.0.0.1:{engine.port}" for name, engine in self.engines.items())
        return service.serve(
            {
                "PROVIDER": "alpha",
                "CLUSTER_SECRET": SECRET.decode(),
                "LISTEN": str(settings.Address(*self.address)),
                "ADMIN": str(settings.Address(*self.admin)),
                "ENGINES": engines,
                "PRICING": f"127.0.0.1:{self._pricing}",
            }
        )

    def say_marks(self, *, age_s: float) -> None:
        """Let pricing say the marks again, with another age, and wait until the gateway heard it."""
        age_ns = int(age_s * 1e9)

        def say() -> None:
            for connection in self._followers:
                connection.send(MarksFrame(MARKS, 1, 2, age_ns, age_ns, "hash"))

        self.do(say)
        self._wait_for_marks(age_ns)

    def _wait_for_marks(self, age_ns: int) -> None:
        """Until the gateway holds marks of about that age; asked over its own metrics."""

        def heard() -> bool:
            held_ns = TradingStack().metrics(self.admin, deadline_s=5)["marks_age_ns"]
            return age_ns <= held_ns < age_ns + 10**9

        self.wait_for(heard)

    def wait_for(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds that is asked for outside the loop; at most some seconds."""
        for _ in range(1_000):
            if holds():
                return
            self._thread.join(0.005)
        raise AssertionError("it never held")

    async def _start_pricing(self) -> asyncio.Server:
        def follow(connection: Connection, _: Follow) -> None:
            self._followers.append(connection)
            connection.send(MarksFrame(MARKS, 1, 2, 0, 0, "hash"))

        codec = Codec("pricing-alpha", keys.link_key(SECRET), msgspec.msgpack.Decoder(Follow))
        return await serve(codec, Callbacks(on_message=follow), "127.0.0.1", self._pricing)

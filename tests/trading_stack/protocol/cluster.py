"""Three engines and three sentinels as real processes on loopback, for tests and benchmarks."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from harness.platforms.ports import Ports
from trading_stack import keys
from trading_stack.dial import Client
from trading_stack.engine.messages import Done, FromEngine, Leading, NotPrimary, Read, Submit
from trading_stack.settings import Address
from trading_stack.wire import Codec

PROVIDERS = ("alpha", "bravo", "charlie")
SECRET = "test-secret"
HANGS_S = 60.0
"""Nothing that works takes as long, on however busy a machine: whoever waits longer waits in vain."""


PORTS = Ports()


def free_ports(count: int) -> list[int]:
    """Ports that nobody else is given, not even another run."""
    return [PORTS.take() for _ in range(count)]


@dataclass
class Service:
    """One process of the cluster, with its environment kept so that it can be started again."""

    name: str
    role: str
    environ: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "trading_stack", self.role],
                env={**os.environ, **self.environ},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def get(self, path: str) -> dict[str, Any]:
        """A JSON route of its admin port."""
        with urllib.request.urlopen(f"http://{self.environ['ADMIN']}{path}", timeout=5) as answer:
            decoded: dict[str, Any] = json.load(answer)
            return decoded

    def events(self) -> list[dict[str, object]]:
        """The stack events that it has printed so far."""
        lines = self.log.read_bytes().splitlines()
        return [json.loads(line) for line in lines if line.startswith(b"{")]


@dataclass
class Cluster:
    """The processes by name (`engine-alpha`, `sentinel-bravo`, …)."""

    services: dict[str, Service]
    engines: dict[str, Address]
    started_ns: int = field(default_factory=time.monotonic_ns)

    def events(self, kind: str | None = None) -> list[dict[str, object]]:
        """All stack events in the order in which they happened, each with its `service`."""
        told = [{**event, "service": s.name} for s in self.services.values() for event in s.events()]
        return sorted((e for e in told if kind in (None, e["event"])), key=lambda e: int(str(e["mono_ns"])))

    def client(self, on_message: Callable[[str, object], None]) -> dict[str, Client]:
        """A gateway's connections to all engines, to be started on a running loop."""
        codec = Codec("gateway-test", keys.link_key(SECRET.encode()), msgspec.msgpack.Decoder(FromEngine))

        def connect(engine: str, address: Address) -> Client:
            return Client(address, codec, on_message=lambda message: on_message(engine, message)).start()

        return {engine: connect(engine, address) for engine, address in self.engines.items()}


def _environments(directory: Path, extra: dict[str, str]) -> dict[str, tuple[str, dict[str, str]]]:
    ports = iter(free_ports(12))
    engines = {provider: f"127.0.0.1:{next(ports)}" for provider in PROVIDERS}
    sentinels = {provider: f"127.0.0.1:{next(ports)}" for provider in PROVIDERS}
    found: dict[str, tuple[str, dict[str, str]]] = {}
    for role, addresses in (("engine", engines), ("sentinel", sentinels)):
        for provider, address in addresses.items():
            peers = ",".join(f"{p}={a}" for p, a in addresses.items() if p != provider)
            environ = {
                "PROVIDER": provider,
                "CLUSTER_SECRET": SECRET,
                "LISTEN": address,
                "ADMIN": f"127.0.0.1:{next(ports)}",
                "PEERS": peers,
                "ENGINES": ",".join(f"{p}={a}" for p, a in engines.items()),
                "DATA": str(directory / f"{role}-{provider}"),
                **extra,
            }
            found[f"{role}-{provider}"] = (role, environ)
    return found


@contextmanager
def cluster(directory: Path, **extra: str) -> Iterator[Cluster]:
    """A running cluster; every process is gone when the block ends."""
    environments = _environments(directory, extra)
    services = {
        name: Service(name, role, environ, directory / f"{name}.log")
        for name, (role, environ) in environments.items()
    }
    engines = {
        s.environ["PROVIDER"]: Address(
            s.environ["LISTEN"].split(":")[0], int(s.environ["LISTEN"].split(":")[1])
        )
        for s in services.values()
        if s.role == "engine"
    }
    running = Cluster(services, engines)
    try:
        for service in services.values():
            service.start()
        yield running
    finally:
        for service in services.values():
            if service.process is not None:
                service.signal(signal.SIGCONT)
            service.end()


class Venue:
    """A client that sends each command again, to whoever leads, until it is done."""

    def __init__(self, cluster: Cluster) -> None:
        self.leading: Leading = Leading(0, None)
        self.done: dict[int, Done] = {}
        self.done_ns: dict[int, int] = {}
        self.refused: dict[int, NotPrimary] = {}
        self._open: dict[int, Submit | Read] = {}
        self._clients = cluster.client(self._hear)

    def _hear(self, engine: str, message: object) -> None:
        if isinstance(message, Leading):
            newer = message.epoch > self.leading.epoch
            named = message.epoch == self.leading.epoch and message.primary is not None
            if newer or named:
                self.leading = message
                for each in list(self._open.values()):
                    self._send(each)
        elif isinstance(message, Done):
            self.done[message.request] = message
            self.done_ns.setdefault(message.request, time.monotonic_ns())
            self._open.pop(message.request, None)
        elif isinstance(message, NotPrimary):
            self.refused[message.request] = message

    def tell(self, engine: str, message: Submit | Read) -> None:
        """Send to one engine, whoever leads, and never again."""
        self._clients[engine].send(message)

    def _send(self, message: Submit | Read) -> None:
        if self.leading.primary is not None:
            self._clients[self.leading.primary].send(message)

    def ask(self, message: Submit | Read) -> None:
        """Send, and send again to each new primary until it is answered."""
        self._open[message.request] = message
        self._send(message)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for a state of this client, or fail."""
        async with asyncio.timeout(HANGS_S):
            while not true():  # noqa: ASYNC110 - many kinds of state, one way to wait
                await asyncio.sleep(0.001)

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()


def run(cluster: Cluster, story: Callable[[Venue], Awaitable[None]]) -> None:
    """Run a story against the cluster with a client of its own."""

    async def main() -> None:
        venue = Venue(cluster)
        try:
            await story(venue)
        finally:
            await venue.close()

    asyncio.run(main())

"""Servers, peers and clocks for the tests of the fault proxy."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvloop
from msgspec import Struct

from harness.model.span import Span
from harness.platforms.ports import Ports
from harness.wan.changes import LinkChange, PutToxic, RemoveToxic
from harness.wan.client import WanClient
from harness.wan.errors import WanUnreachable
from harness.wan.messages import ProxyStats
from harness.wan.server import ServerOptions, serving
from harness.wan.timing import NEVER, Timer
from harness.wan.toxics.contract import End, Stream

SERVERS = ("uvloop", "asyncio", "toxiproxy")
PORTS = Ports()
HANGS_S = 60.0
ARRIVES_S = 30.0  # how long bytes that must come are waited for

Pair = tuple[socket.socket, socket.socket]


class FakeTime:
    """A clock that moves when told, and the waker of a timer on it."""

    def __init__(self) -> None:
        self.now = 1_000_000
        self.armed_ns = NEVER
        self.arms = 0
        self.closed = False
        self.failures: list[Any] = []
        self.timer = Timer(self, now_ns=lambda: self.now, waker=lambda loop, call: self)  # type: ignore[arg-type]

    def arm(self, due_ns: int) -> None:
        self.armed_ns = due_ns
        self.arms += 1

    def close(self) -> None:
        self.closed = True

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.failures.append(context["exception"])

    def advance(self, by_ns: int) -> None:
        """Move the clock, ringing each alarm at its time."""
        until = self.now + by_ns
        while self.armed_ns <= until:
            self.now = max(self.now, self.armed_ns)
            self.timer.ring()
        self.now = until


@dataclass
class Recorder:
    """An outlet that keeps what reaches it."""

    time: FakeTime
    pieces: list[tuple[int, bytes]] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)

    def feed(self, data: bytes, at_ns: int) -> None:
        assert not self.ends, "bytes after the end"
        self.pieces.append((at_ns, data))

    def end(self, how: End, at_ns: int) -> None:
        del at_ns
        self.ends.append(how)

    @property
    def data(self) -> bytes:
        return b"".join(data for _, data in self.pieces)


@dataclass
class Source:
    """A valve, or the source behind one, that counts."""

    reasons: set[object] = field(default_factory=set)
    paused: bool = False
    calls: list[str] = field(default_factory=list)

    def block(self, reason: object) -> None:
        self.reasons.add(reason)

    def unblock(self, reason: object) -> None:
        self.reasons.discard(reason)

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def finish_writing(self) -> None:
        self.calls.append("finish_writing")

    def close(self) -> None:
        self.calls.append("close")

    def reset(self) -> None:
        self.calls.append("reset")


class Upstream:
    """A server whose accepted connections the test gets in its hands; with `echo`, it answers by itself."""

    def __init__(self, *, echo: bool = False) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self._accepted: queue.Queue[socket.socket] = queue.Queue()
        self._echo = echo
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def accept(self, timeout_s: float | None = None) -> socket.socket:
        sock = self._accepted.get(timeout=timeout_s or ARRIVES_S)
        sock.settimeout(ARRIVES_S)
        return sock

    def nobody_came(self, within_s: float) -> bool:
        try:
            self._accepted.get(timeout=within_s)
        except queue.Empty:
            return True
        return False

    def close(self) -> None:
        """End it; one that is being accepted right now is closed, too."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # closing alone would not wake who accepts
        self._thread.join(5)
        self.listener.close()
        for sock in self._open:
            sock.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self._open.append(sock)
                if self._echo:
                    threading.Thread(target=self._answer, args=(sock,), daemon=True).start()
                else:
                    self._accepted.put(sock)

    def _answer(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while data := sock.recv(65536):
                sock.sendall(data)


@dataclass
class Server:
    """A running fault proxy of one kind."""

    kind: str
    client: WanClient
    failures: list[Any] = field(default_factory=list)

    @property
    def original(self) -> bool:
        return self.kind == "toxiproxy"


@contextlib.contextmanager
def running(kind: str, *, seed: int = 7) -> Iterator[Server]:
    """A server of that kind; None is never given: a missing binary skips in the fixture."""
    if kind == "toxiproxy":
        with _toxiproxy() as server:
            yield server
        return
    loop = uvloop.new_event_loop() if kind == "uvloop" else asyncio.new_event_loop()
    started: queue.Queue[str] = queue.Queue()
    failures: list[Any] = []
    stop = asyncio.Event()

    async def serve() -> None:
        loop.set_exception_handler(lambda _, context: failures.append(context))
        async with serving(ServerOptions(seed=seed)) as ready:
            started.put(ready.api)
            await stop.wait()

    thread = threading.Thread(
        target=lambda: asyncio.Runner(loop_factory=lambda: loop).run(serve()), daemon=True
    )
    thread.start()
    api = started.get(timeout=HANGS_S)
    try:
        with WanClient(api, timeout_s=ARRIVES_S) as client:
            yield Server(kind, client, failures)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=HANGS_S)
    assert failures == []


def toxiproxy_binary() -> str | None:
    return os.environ.get("TOXIPROXY_SERVER") or shutil.which("toxiproxy-server")


@contextlib.contextmanager
def _toxiproxy() -> Iterator[Server]:
    binary = toxiproxy_binary()
    assert binary is not None
    port = PORTS.take()
    command = [binary, "-host", "127.0.0.1", "-port", str(port), "-proxy-metrics"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            with eventually(
                lambda: WanClient(f"127.0.0.1:{port}", timeout_s=ARRIVES_S), WanUnreachable
            ) as client:
                yield Server("toxiproxy", client)
        finally:
            process.terminate()


@dataclass
class LinkUnderTest:
    """One link, and short ways to change it."""

    name: str
    address: str
    client: WanClient

    def put(
        self, settings: Struct, *, stream: Stream = Stream.UPSTREAM, name: str = "fault", toxicity: float = 1
    ) -> Span:
        return self.client.apply([PutToxic(self.name, name, stream, settings, toxicity)])

    def put_both(self, settings: Struct, name: str = "dark") -> Span:
        """The toxic in both directions, in one step."""
        return self.client.apply(
            [PutToxic(self.name, f"{name}-{stream}", stream, settings) for stream in Stream]
        )

    def remove(self, *names: str) -> Span:
        return self.client.apply([RemoveToxic(self.name, name) for name in names or ("fault",)])

    def remove_both(self, name: str = "dark") -> Span:
        return self.remove(*(f"{name}-{stream}" for stream in Stream))

    def apply(self, *changes: Callable[[str], LinkChange]) -> None:
        self.client.apply([change(self.name) for change in changes])

    def stats(self) -> ProxyStats:
        return self.client.stats([self.name])[self.name]


def open_link(server: Server, upstream: Upstream, name: str) -> Iterator[LinkUnderTest]:
    """A link to an upstream, for the time of one test."""
    yield LinkUnderTest(name, server.client.create_link(name, "127.0.0.1:0", upstream.address), server.client)
    server.client.delete(name)


def eventually(attempt: Callable[[], Any], *errors: type[BaseException]) -> Any:
    """The first result of an attempt that neither raises one of the errors nor is false."""
    until = time.monotonic() + HANGS_S
    while True:
        try:
            result = attempt()
        except errors:
            result = None
        if result or time.monotonic() > until:
            assert result, "it did not come true in time"
            return result
        threading.Event().wait(0.01)


def connect(address: str, *, timeout_s: float | None = None) -> socket.socket:
    host, _, port = address.rpartition(":")
    sock = socket.create_connection((host, int(port)), timeout=timeout_s or ARRIVES_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def receive(sock: socket.socket, count: int) -> bytes:
    """Exactly that many bytes, or fewer at the end of the stream."""
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            break
        data += piece
    return data


def silent(sock: socket.socket, for_s: float = 0.1) -> bool:
    """Whether neither bytes, nor a close, nor a reset arrive."""
    sock.settimeout(for_s)
    try:
        sock.recv(1)
    except TimeoutError:
        return True
    except OSError:
        return False
    finally:
        sock.settimeout(ARRIVES_S)
    return False


def was_reset(sock: socket.socket) -> bool:
    """Whether the next thing that arrives is a reset."""
    try:
        return bool(sock.recv(1)) and False
    except ConnectionResetError:
        return True


def turned_away(address: str) -> type[OSError] | None:
    """How a connection ends that was accepted and leads nowhere: with this error, or with a close."""
    try:
        with connect(address) as sock:
            assert sock.recv(1) == b""
    except OSError as error:
        return type(error)
    return None


def round_trip_s(sock: socket.socket, data: bytes = b"ping") -> float:
    begun = time.perf_counter()
    sock.sendall(data)
    assert receive(sock, len(data)) == data
    return time.perf_counter() - begun


def die(sock: socket.socket) -> None:
    """Close with a reset, as a killed process with unread data does."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()

"""A toy stack for the load's own tests and benchmark: gateways over one in-memory venue, speaking lines of JSON.

A gateway `answers`, is `mute` (takes everything, says nothing: a dark provider behind a proxy) or `holds` orders
(answers pings only: no primary). The adapter is written as a user would write theirs: plain sockets and threads.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import msgspec

from harness.model.instrument import Instrument
from harness.model.operations import (
    CancelOrder,
    Fail,
    Info,
    NewOrder,
    Ok,
    Operation,
    OrderReport,
    OrderState,
    QueryOrder,
    Reply,
    ResolveOrder,
    TimeInForce,
)
from harness.model.stack_event import StackEvent
from harness.stack.adapter import Address

MARKET = [
    Instrument("BTC-PERPETUAL", "perpetual", 50_000_000, 50_000 * 10**8, 1, 30),
    Instrument("BTC-FUTURE", "future", 50_000_000, 50_300 * 10**8, 1, 30),
    Instrument("BTC-50000-C", "option_call", 50_000, 3_000_000, 1, 10),
    Instrument("BTC-40000-P", "option_put", 50_000, 50_000, 1, 10),
]


class Request(msgspec.Struct):
    id: int
    operation: Operation | None = None


class Response(msgspec.Struct):
    id: int
    reply: Reply | None = None


class ToyVenue:
    """Orders by account and id; nothing ever trades. `received` counts how often each new order came in."""

    def __init__(self) -> None:
        self.orders: dict[tuple[str, str], OrderReport] = {}
        self.received: dict[tuple[str, str], int] = {}

    def apply(self, operation: Operation) -> Reply:
        if not isinstance(operation, NewOrder | CancelOrder | QueryOrder | ResolveOrder):
            return Info("the toy has no registers")
        key = (operation.account, operation.client_order_id)
        known = self.orders.get(key)
        match operation:
            case NewOrder():
                self.received[key] = self.received.get(key, 0) + 1
                return Ok(known or self._accept(key, operation))
            case CancelOrder():
                return self._cancel(key, known)
            case QueryOrder():
                return Ok(known) if known else Fail("unknown_order")
            case ResolveOrder():
                closed = OrderReport("", OrderState.REJECTED, 0, 0, never_received=True)
                return Ok(self.orders.setdefault(key, closed))

    def _accept(self, key: tuple[str, str], order: NewOrder) -> OrderReport:
        rests = order.time_in_force is TimeInForce.GOOD_TILL_CANCEL
        state = OrderState.OPEN if rests else OrderState.CANCELLED
        report = OrderReport(f"o{len(self.orders)}", state, 0, order.quantity if rests else 0)
        self.orders[key] = report
        return report

    def _cancel(self, key: tuple[str, str], known: OrderReport | None) -> Reply:
        if known is None or known.state is not OrderState.OPEN:
            return Fail("not_open")
        self.orders[key] = msgspec.structs.replace(known, state=OrderState.CANCELLED, leaves_quantity=0)
        return Ok(self.orders[key])


class ToyGateway:
    """One gateway's server, in the loop of its stack."""

    def __init__(self, venue: ToyVenue) -> None:
        self.mode = "answers"
        self.connects = 0
        self.port = 0
        self._venue = venue
        self._writers: set[asyncio.StreamWriter] = set()
        self._decoder = msgspec.json.Decoder(Request)

    async def serve(self) -> asyncio.Server:
        server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connects += 1
        self._writers.add(writer)
        with suppress(OSError):
            while line := await reader.readline():
                answer = self._answer(self._decoder.decode(line))
                if answer is not None:
                    writer.write(msgspec.json.encode(answer) + b"\n")
        self._writers.discard(writer)
        writer.close()

    def _answer(self, request: Request) -> Response | None:
        if self.mode == "mute":
            return None
        if request.operation is None:
            return Response(request.id)
        if self.mode == "holds":
            return None
        return Response(request.id, self._venue.apply(request.operation))


class ToyStack:
    """Some gateways over one venue, served by a thread."""

    def __init__(self, gateways: int) -> None:
        self.venue = ToyVenue()
        self.gateways = [ToyGateway(self.venue) for _ in range(gateways)]
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def set_mode(self, number: int, mode: str) -> None:
        self.gateways[number].mode = mode

    def cut(self, number: int) -> None:
        self._loop.call_soon_threadsafe(self.gateways[number].cut)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        servers = [await gateway.serve() for gateway in self.gateways]
        self._ready.set()
        await self._stop.wait()
        for server, gateway in zip(servers, self.gateways, strict=True):
            server.close()
            gateway.cut()
        await asyncio.sleep(0.01)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def running(gateways: int = 2) -> Iterator[ToyStack]:
    stack = ToyStack(gateways)
    stack.start()
    try:
        yield stack
    finally:
        stack.stop()


class ToyAdapter:
    """Multiplexes requests over one socket; a thread reads the answers."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._waiting: dict[int, tuple[threading.Event, list[Response]]] = {}
        self._ids = itertools.count(1)
        self._decoder = msgspec.json.Decoder(Response)
        self._alive = False

    def market(self) -> list[Instrument]:
        return MARKET

    def stack_event(self, service: str, line: bytes) -> StackEvent | None:
        if not line.startswith(b"{"):
            return None
        told = json.loads(line)
        return StackEvent(
            service=service, kind=told["event"], mono_ns=told["mono_ns"], epoch=told.get("epoch")
        )

    def connect(self, address: Address, *, deadline_s: float) -> None:
        self._socket = socket.create_connection((address.host, address.port), timeout=deadline_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(None)
        self._alive = True
        threading.Thread(target=self._read, args=(self._socket,), daemon=True).start()

    def invoke(self, operation: Operation, *, deadline_s: float) -> Reply:
        response = self._request(operation, deadline_s)
        if response is None or response.reply is None:
            return Info("no answer" if self._alive else "the connection is closed")
        return response.reply

    def ping(self, *, deadline_s: float) -> bool:
        return self._request(None, deadline_s) is not None

    def close(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()

    def _request(self, operation: Operation | None, deadline_s: float) -> Response | None:
        if not self._alive or self._socket is None:
            return None
        number = next(self._ids)
        answered, answers = self._waiting[number] = (threading.Event(), [])
        try:
            self._socket.sendall(msgspec.json.encode(Request(number, operation)) + b"\n")
            answered.wait(deadline_s)
        except OSError:
            self._alive = False
        finally:
            self._waiting.pop(number, None)
        return answers[0] if answers else None

    def _read(self, connected: socket.socket) -> None:
        with suppress(OSError, ValueError), connected.makefile("rb") as lines:
            for line in lines:
                response = self._decoder.decode(line)
                waiting = self._waiting.get(response.id)
                if waiting is not None:
                    waiting[1].append(response)
                    waiting[0].set()
        self._alive = False
        for answered, _ in list(self._waiting.values()):
            answered.set()


class WithoutMarket(ToyAdapter):
    market = None  # type: ignore[assignment]


class Raising(ToyAdapter):
    """Raises for each cancel: not a declared rejection."""

    def invoke(self, operation: Operation, *, deadline_s: float) -> Reply:
        if isinstance(operation, CancelOrder):
            raise RuntimeError("planted")
        return super().invoke(operation, deadline_s=deadline_s)


class Hanging(ToyAdapter):
    """Ignores its deadline when it cancels."""

    def invoke(self, operation: Operation, *, deadline_s: float) -> Reply:
        if isinstance(operation, CancelOrder):
            threading.Event().wait(3600)
        return super().invoke(operation, deadline_s=deadline_s)


def address(stack: ToyStack, number: int) -> Address:
    return Address("127.0.0.1", stack.gateways[number].port)


def pid_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

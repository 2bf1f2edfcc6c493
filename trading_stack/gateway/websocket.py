"""Order entry over WebSocket: many requests at once on one connection, replies by `id` in any order.

A request is a JSON object with `id` and `op`; its reply is `{"id":…,"reply":…}`, where the reply is the venue's own
JSON.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from trading_stack.gateway.order_entry import Reply
from trading_stack.gateway.replies import malformed
from trading_stack.gateway.requests import Request, decode, number_of

LONGEST_REQUEST_BYTES: Final = 16 << 10
MOST_UNSENT: Final = 50_000

Take = Callable[[Request, Reply], None]


class Session:
    """One client's connection. Replies are queued by whoever has them and written by one task."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._unsent: list[str] = []
        self._wake = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._socket = web.WebSocketResponse(compress=False, max_msg_size=LONGEST_REQUEST_BYTES)

    async def run(self, request: web.Request) -> web.WebSocketResponse:
        """Serve the connection until either end closes it."""
        await self._socket.prepare(request)
        self._transport = request.transport
        writer = asyncio.get_running_loop().create_task(self._write())
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT or message.type is WSMsgType.BINARY:
                    self._handle(message.data)
        finally:
            writer.cancel()
        return self._socket

    def _handle(self, text: str | bytes) -> None:
        try:
            request = decode(text)
        except msgspec.DecodeError as mistake:
            self._reply(number_of(text), malformed(str(mistake)))
            return
        number = request.id
        self._take(request, lambda reply: self._reply(number, reply))

    def _reply(self, number: int, reply: bytes) -> None:
        if len(self._unsent) > MOST_UNSENT and self._transport is not None:
            self._transport.abort()  # a client that doesn't read would fill the gateway's memory
            return
        self._unsent.append(f'{{"id":{number},"reply":{reply.decode()}}}')
        self._wake.set()

    async def let_go(self, why: str) -> None:
        """Close the connection, so that its client looks for another gateway."""
        await self._socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=why.encode())

    async def _write(self) -> None:
        """Write what is queued, for ever."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                unsent, self._unsent = self._unsent, []
                for text in unsent:
                    await self._socket.send_str(text)
        except ConnectionError:  # the client is gone; its orders go on
            return


class Sessions:
    """All open WebSockets of a gateway."""

    def __init__(self, take: Take, cut_off: Callable[[], str | None]) -> None:
        self._take = take
        self._cut_off = cut_off
        self._open: set[Session] = set()
        self._closing: set[asyncio.Task[None]] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one client; none while this gateway is cut off."""
        reason = self._cut_off()
        if reason is not None:
            return web.Response(text=reason, status=503)
        session = Session(self._take)
        self._open.add(session)
        try:
            return await session.run(request)
        finally:
            self._open.discard(session)

    def let_go(self, why: str) -> None:
        """Close every connection that is open now."""
        leaving, self._open = self._open, set()
        for session in leaving:
            task = asyncio.get_running_loop().create_task(session.let_go(why))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

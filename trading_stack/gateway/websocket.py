"""Order entry over WebSocket: many requests at once on one connection, replies by `id` in any order.

A request is a JSON object with `id` and `op`; its reply is `{"id":…,"reply":…}`, where the reply is the venue's own
JSON.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec
from aiohttp import WSMsgType, web

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

"""Order entry over plain HTTP, for people and for clients without WebSocket.

======  =========================================  ==================================================
POST    /orders                                    a new order, its fields as JSON
DELETE  /orders/{account}/{client_order_id}        cancel what is left of an order
GET     /orders/{account}/{client_order_id}        its state
POST    /resolve                                   close an unknown id: `account`, `client_order_id`
GET     /book/{instrument}?depth=10                the best levels
GET     /accounts, /accounts/{account}?skip=0      names; positions and a page of fills
GET     /quotes                                    the last marks of this provider, with their age
GET     /health                                    200 when orders can be routed
GET     /ws                                        the WebSocket
======  =========================================  ==================================================

`?deadline_ms=` says how long the client waits. An outcome is 200 (ok), 422 (refused), or 504 (unknown).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from trading_stack.gateway.replies import malformed
from trading_stack.gateway.requests import Request, decode
from trading_stack.gateway.websocket import Sessions, Take

JSON: Final = "application/json"
_STATUS: Final = {b'{"outcome":"fail"': 422, b'{"outcome":"info"': 504}
_NUMBERS: Final = frozenset({"deadline_ms", "depth", "skip"})

Health = Callable[[], str | None]
Quotes = Callable[[], bytes]


class _Refused(Exception):
    """A request that can't be read; the text is the reply."""


def application(take: Take, sessions: Sessions, *, unready: Health, quotes: Quotes) -> web.Application:
    """The routes of a gateway."""

    async def health(_: web.Request) -> web.Response:
        reason = unready()
        return web.Response(text="ready" if reason is None else reason, status=200 if reason is None else 503)

    async def last_quotes(_: web.Request) -> web.Response:
        return web.Response(body=quotes(), content_type=JSON)

    app = web.Application()
    app.router.add_get("/ws", sessions.serve)
    app.router.add_get("/health", health)
    app.router.add_get("/quotes", last_quotes)
    app.router.add_post("/orders", _route(take, "new"))
    app.router.add_delete("/orders/{account}/{client_order_id}", _route(take, "cancel"))
    app.router.add_get("/orders/{account}/{client_order_id}", _route(take, "query"))
    app.router.add_post("/resolve", _route(take, "resolve"))
    app.router.add_get("/book/{instrument}", _route(take, "book"))
    app.router.add_get("/accounts", _route(take, "accounts"))
    app.router.add_get("/accounts/{account}", _route(take, "account"))
    return app


def _route(take: Take, operation: str) -> Handler:
    """A handler that makes the request `operation` of a body, a path and a query string."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            reply = await _ask(take, await _read(request, operation))
        except _Refused as refused:
            reply = malformed(str(refused))
        return web.Response(body=reply, content_type=JSON, status=_STATUS.get(reply[:17], 200))

    return handle


async def _read(request: web.Request, operation: str) -> Request:
    body = await request.read()
    try:
        fields = msgspec.json.decode(body, type=dict[str, object]) if body else {}
        numbers = {name: int(value) for name, value in request.query.items() if name in _NUMBERS}
        merged = {**fields, **request.match_info, **numbers, "op": operation, "id": 0}
        return decode(msgspec.json.encode(merged))
    except (msgspec.DecodeError, ValueError) as mistake:
        raise _Refused(str(mistake)) from None


async def _ask(take: Take, request: Request) -> bytes:
    future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def reply(result: bytes) -> None:
        if not future.done():  # the client may have gone
            future.set_result(result)

    take(request, reply)
    return await future

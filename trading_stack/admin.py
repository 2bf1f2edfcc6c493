"""A service's own HTTP endpoint: `GET /health`, `GET /metrics` (Prometheus text), JSON routes, and signed commands.

It parses requests by hand: importing a full HTTP library costs a third of a second of CPU a process, and
twenty services start at once.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import parse_qsl, urlsplit

from trading_stack.settings import Address

REQUEST_LIMIT_BYTES: Final = 16 << 10
MARK: Final = b"\r\n\r\n"
REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    503: "Unavailable",
}


@dataclass(frozen=True, slots=True)
class Response:
    """What a route answers; `body` is JSON unless `content_type` says otherwise."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"


Query = Mapping[str, str]
Route = Callable[[Query], "Response | Awaitable[Response]"]
TakeBody = Callable[[bytes], Awaitable[Response]]


def text(body: str, *, status: int = 200) -> Response:
    """A plain answer for people."""
    return Response(body.encode() + b"\n", status, "text/plain; charset=utf-8")


def health(unready: Callable[[], str | None]) -> Route:
    """200 when `unready()` is None, else 503 with the reason that it gives."""

    def answer(_: Query) -> Response:
        reason = unready()
        return text("ready") if reason is None else text(reason, status=503)

    return answer


def metrics(read: Callable[[], Mapping[str, float]]) -> Route:
    """Figures in Prometheus' text format."""

    def answer(_: Query) -> Response:
        lines = "\n".join(f"{name} {value}" for name, value in sorted(read().items()))
        return Response(lines.encode() + b"\n", 200, "text/plain; version=0.0.4")

    return answer


class _Exchange(asyncio.Protocol):
    """One connection: requests one after the other, kept open between them."""

    def __init__(self, routes: Mapping[str, Route], takes: Mapping[str, TakeBody]) -> None:
        self._routes = routes
        self._takes = takes
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._answering is None and _whole(self._received) is not None:
            self._answering = asyncio.get_running_loop().create_task(self._answer_all())
        elif len(self._received) > REQUEST_LIMIT_BYTES and self._transport is not None:
            self._transport.abort()

    async def _answer_all(self) -> None:
        while (whole := _whole(self._received)) is not None:
            head, body = whole
            self._received = self._received[len(head) + len(MARK) + len(body) :]
            self._write(await _answer(head, body, self._routes, self._takes))
            if b"connection: close" in head.lower() and self._transport is not None:
                self._transport.close()
        self._answering = None

    def _write(self, response: Response) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        head = (
            f"HTTP/1.1 {response.status} {REASONS[response.status]}\r\n"
            f"Content-Type: {response.content_type}\r\nContent-Length: {len(response.body)}\r\n\r\n"
        )
        self._transport.write(head.encode() + response.body)


def _whole(received: bytes) -> tuple[bytes, bytes] | None:
    """The head and the body of the first request, once all of it is there."""
    head, mark, rest = received.partition(MARK)
    length = _length(head)
    return (head, rest[:length]) if mark and len(rest) >= length else None


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return int(value)
    return 0


async def _answer(
    head: bytes, body: bytes, routes: Mapping[str, Route], takes: Mapping[str, TakeBody]
) -> Response:
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(words) != 3:
        return text("not an HTTP request", status=400)
    method, target, _ = words
    parts = urlsplit(target)
    if method == "POST" and parts.path in takes:
        return await takes[parts.path](body)
    if method != "GET":
        return text("only GET is served here", status=405)
    route = routes.get(parts.path)
    if route is None:
        return text(f"no route {parts.path}; there are {', '.join(sorted(routes))}", status=404)
    try:
        answer = route(dict(parse_qsl(parts.query)))
        return await answer if inspect.isawaitable(answer) else answer
    except ValueError as mistake:
        return text(str(mistake), status=400)


async def serve_admin(
    address: Address, routes: Mapping[str, Route], takes: Mapping[str, TakeBody] | None = None
) -> asyncio.Server:
    """Serve the routes, by path, on `address`; `takes` are those that are sent something (`POST`)."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: _Exchange(routes, takes or {}), address.host, address.port)

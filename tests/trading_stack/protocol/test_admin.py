"""The services' own HTTP endpoint, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from trading_stack.admin import Query, Response, Route, health, metrics, serve_admin
from trading_stack.settings import Address

pytestmark = pytest.mark.processes


async def _slow(query: Query) -> Response:
    await asyncio.sleep(0)
    return Response(query.get("after", "nothing").encode())


def _mistaken(_: Query) -> Response:
    raise ValueError("no such number")


ROUTES: dict[str, Route] = {
    "/health": health(lambda: None),
    "/ill": health(lambda: "no primary is known"),
    "/metrics": metrics(lambda: {"b_total": 2, 'a{x="1"}': 1.5}),
    "/slow": _slow,
    "/mistake": _mistaken,
}


async def _take(body: bytes) -> Response:
    return Response(f"took {body!r}".encode())


def exchange(
    *requests: bytes, answers: int = 1, split: Callable[[bytes], list[bytes]] = lambda data: [data]
) -> list[str]:
    """What the server answers to requests on one connection."""

    async def main() -> list[str]:
        server = await serve_admin(Address("127.0.0.1", 0), ROUTES, {"/take": _take})
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for piece in split(b"".join(requests)):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        found = []
        for _ in range(answers):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(head.split("Content-Length: ")[1].split("\r\n")[0])
            found.append(head.split("\r\n")[0] + "|" + (await reader.readexactly(length)).decode())
        writer.close()
        server.close()
        return found

    return asyncio.run(main())


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def test_health_is_200_or_503_with_the_reason() -> None:
    assert exchange(get("/health")) == ["HTTP/1.1 200 OK|ready\n"]
    assert exchange(get("/ill")) == ["HTTP/1.1 503 Unavailable|no primary is known\n"]


def test_metrics_are_prometheus_text() -> None:
    assert exchange(get("/metrics")) == ['HTTP/1.1 200 OK|a{x="1"} 1.5\nb_total 2\n']


def test_routes_may_be_slow_and_take_parameters() -> None:
    assert exchange(get("/slow?after=7")) == ["HTTP/1.1 200 OK|7"]


def test_requests_on_one_connection_are_answered_in_order_however_they_are_cut() -> None:
    requests = get("/slow?after=1") + get("/health")
    bytewise = lambda data: [bytes([byte]) for byte in data]  # noqa: E731 - shorter than a name
    for split in (lambda data: [data], bytewise):
        assert exchange(requests, answers=2, split=split) == ["HTTP/1.1 200 OK|1", "HTTP/1.1 200 OK|ready\n"]


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (get("/nothing"), "404 Not Found"),
        (get("/mistake"), "400 Bad Request"),
        (b"POST /health HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
        (b"nonsense\r\n\r\n", "400 Bad Request"),
    ],
)
def test_mistakes_are_told(request_bytes: bytes, status: str) -> None:
    assert exchange(request_bytes)[0].startswith(f"HTTP/1.1 {status}|")


def post(path: str, body: bytes) -> bytes:
    return f"POST {path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def test_what_is_sent_is_taken_whole_however_it_is_cut() -> None:
    requests = post("/take", b"a\r\n\r\nb") + get("/health") + post("/take", b"")
    bytewise = lambda data: [bytes([byte]) for byte in data]  # noqa: E731 - shorter than a name
    for split in (lambda data: [data], bytewise):
        assert exchange(requests, answers=3, split=split) == [
            "HTTP/1.1 200 OK|took b'a\\r\\n\\r\\nb'",
            "HTTP/1.1 200 OK|ready\n",
            "HTTP/1.1 200 OK|took b''",
        ]


def test_nothing_is_taken_where_nothing_is_asked_for() -> None:
    [answer] = exchange(post("/health", b"x"))
    assert answer.startswith("HTTP/1.1 405 Method Not Allowed|")


def test_a_request_that_never_ends_costs_its_connection() -> None:
    async def main() -> bytes:
        server = await serve_admin(Address("127.0.0.1", 0), ROUTES)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"G" * 40_000)
        try:
            return await asyncio.wait_for(reader.read(), 5)
        except ConnectionError:
            return b""
        finally:
            writer.close()
            server.close()

    assert asyncio.run(main()) == b""


def test_the_connection_closes_when_the_client_asks_for_it() -> None:
    async def main() -> bytes:
        server = await serve_admin(Address("127.0.0.1", 0), ROUTES)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n")
        data = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        server.close()
        return data

    assert asyncio.run(main()).endswith(b"ready\n")

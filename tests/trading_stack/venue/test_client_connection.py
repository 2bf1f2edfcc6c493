"""The client's connection before a far end that answers as the test says."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from harness.model.operations import CancelOrder, Info
from harness.stack.adapter import Address
from trading_stack.adapter import TradingStack
from trading_stack.client import Client, ConnectionBroken

pytestmark = pytest.mark.processes

Answer = Callable[[socket.socket], None]


def text(payload: bytes) -> bytes:
    return bytes([0x81, len(payload)]) + payload


@contextmanager
def far_end(answer: Answer) -> Iterator[int]:
    """Accepts one WebSocket, waits for the first frame, then does what the test says."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(4096)
            key = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
            nonce = key.split(b":")[1].strip() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            accept = base64.b64encode(hashlib.sha1(nonce).digest())
            connection.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
            if connection.recv(4096):
                answer(connection)
                connection.recv(4096)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        thread.join(10)
        server.close()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (text(b"no json"), "malformed"),
        (text(b'{"id":"x","reply":1}'), "int"),
        (b"\x88\x00", "closed by the far end"),
        (b"\x01\x01a", "frame of kind"),
    ],
)
def test_what_breaks_the_protocol_ends_the_connection_and_all_that_wait(data: bytes, why: str) -> None:
    with far_end(lambda connection: connection.sendall(data)) as port:
        client = Client("127.0.0.1", port, deadline_s=5)
        with pytest.raises(ConnectionBroken, match=why):
            client.ask({"op": "ping"}, deadline_s=5)
        with pytest.raises(ConnectionBroken, match=why):
            client.ask({"op": "ping"}, deadline_s=5)
        assert client.broken is not None
        client.close()


def test_a_far_end_that_goes_is_noticed() -> None:
    with far_end(lambda connection: connection.shutdown(socket.SHUT_RDWR)) as port:
        client = Client("127.0.0.1", port, deadline_s=5)
        with pytest.raises(ConnectionBroken, match="closed by the far end"):
            client.ask({"op": "ping"}, deadline_s=5)
        client.close()


def test_replies_to_nobody_are_passed_over() -> None:
    answers = text(b'{"id":7,"reply":{}}') + text(b'{"id":1,"reply":{"outcome":"ok"}}')
    with far_end(lambda connection: connection.sendall(answers)) as port:
        client = Client("127.0.0.1", port, deadline_s=5)
        assert client.ask({"op": "ping"}, deadline_s=5) == b'{"outcome":"ok"}'
        client.close()


def test_a_reply_that_is_no_outcome_is_info() -> None:
    with far_end(
        lambda connection: connection.sendall(text(b'{"id":1,"reply":{"outcome":"maybe"}}'))
    ) as port:
        stack = TradingStack()
        stack.connect(Address("127.0.0.1", port), deadline_s=5)
        reply = stack.invoke(CancelOrder("ann", "1"), deadline_s=5)
        assert isinstance(reply, Info)
        assert "can't be read" in reply.reason
        stack.close()


def test_a_far_end_that_does_not_read_cannot_hold_a_sender_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trading_stack.client._POLL_S", 0.05)
    done = threading.Event()

    def wait(_: socket.socket) -> None:
        done.wait(10)

    with far_end(wait) as port:
        client = Client("127.0.0.1", port, deadline_s=5)
        for _ in range(100):
            with pytest.raises((TimeoutError, ConnectionBroken)):
                client.ask({"op": "x" * 1_000_000}, deadline_s=0.001)
        assert "sending failed" in str(client.broken)
        done.set()
        client.close()

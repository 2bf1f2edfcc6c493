from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from harness.platforms.readiness import Question, Readiness, is_whole
from harness.stack.adapter import Address

pytestmark = pytest.mark.processes


@contextmanager
def server(handle: Callable[[socket.socket], None]) -> Iterator[Address]:
    """Answers connections one after the other."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    sock, _ = listening.accept()
                except OSError:
                    return
                with sock:
                    handle(sock)

        thread = threading.Thread(target=serve)
        thread.start()
        yield Address(*listening.getsockname())
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def ask(
    question: Question, *, within_s: float = 3.0, until: str | None = None
) -> tuple[list[str], dict[str, str]]:
    ready: list[str] = []
    with closing(Readiness({"toy": question})) as readiness:
        deadline = time.monotonic() + within_s
        while readiness.waiting and time.monotonic() < deadline:
            ready += readiness.step()
            if until is not None and readiness.waiting.get("toy", "") == until:
                break
        return ready, readiness.waiting


def replying(*answers: bytes, close: bool = True) -> Callable[[socket.socket], None]:
    left = list(answers)

    def handle(sock: socket.socket) -> None:
        sock.recv(4096)
        sock.sendall(left.pop(0) if len(left) > 1 else left[0])
        if not close:
            sock.settimeout(2)
            sock.recv(1)  # until the asker hangs up

    return handle


def test_a_service_is_ready_once_it_says_200() -> None:
    busy = b"HTTP/1.1 503 Unavailable\r\n\r\nstill reading its journal"
    with server(replying(busy, busy, b"HTTP/1.1 200 OK\r\n\r\n")) as address:
        assert ask(Question(address, "/health")) == (["toy"], {})


def test_the_reason_of_one_that_is_not_is_kept() -> None:
    with server(replying(b"HTTP/1.1 503 Unavailable\r\n\r\nno majority\n")) as address:
        ready, waiting = ask(Question(address, "/health"), until="answered 503: no majority")
    assert (ready, waiting) == ([], {"toy": "answered 503: no majority"})


def test_a_server_that_keeps_the_connection_open_is_understood() -> None:
    answer = b"HTTP/1.1 503 Unavailable\r\nContent-Length: 4\r\n\r\nbusy"
    with server(replying(answer, close=False)) as address:
        began = time.monotonic()
        _, waiting = ask(Question(address, "/health"), until="answered 503: busy")
    assert waiting == {"toy": "answered 503: busy"}
    assert time.monotonic() - began < 0.9, "it waited for the connection to close"


def test_nobody_listening_is_a_reason_too() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        address = Address(*listening.getsockname())
    _, waiting = ask(Question(address, "/health"), within_s=0.1)
    assert waiting != {"toy": "not asked yet"}


def test_without_a_health_address_a_connection_is_enough() -> None:
    with server(lambda sock: None) as address:
        assert ask(Question(address, None)) == (["toy"], {})


def test_an_answer_without_a_length_is_whole_when_it_ends() -> None:
    assert not is_whole(b"HTTP/1.1 503 Unavailable\r\n\r\nbusy")
    assert not is_whole(b"HTTP/1.1 503 Unavailable\r\nContent-Length: 9\r\n\r\nbusy")
    assert is_whole(b"x" * 5000)

"""Asks services whether they are ready: one small HTTP GET each, all at once, without a thread a service."""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from harness.stack.adapter import Address

EVERY_S: Final = 0.02
_ANSWER_WITHIN_S: Final = 1.0
_LONGEST_ANSWER_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Question:
    """Where to ask; without a path, a connection that is accepted is answer enough."""

    address: Address
    path: str | None


@dataclass(slots=True)
class _Asked:
    service: str
    question: Question
    next_s: float = 0.0
    sock: socket.socket | None = None
    until_s: float = 0.0
    answer: bytes = b""
    reason: str = "not asked yet"
    sent: bool = field(default=False)


class Readiness:
    """Which of some services are ready, and why the others are not."""

    def __init__(self, questions: Mapping[str, Question]) -> None:
        self._asked = {service: _Asked(service, question) for service, question in questions.items()}
        self._selector = selectors.DefaultSelector()

    @property
    def waiting(self) -> dict[str, str]:
        """The services that are not ready, each with the reason it gave last."""
        return {service: asked.reason for service, asked in self._asked.items()}

    def close(self) -> None:
        """Stop asking."""
        for asked in self._asked.values():
            self._hang_up(asked)
        self._selector.close()

    def step(self) -> Iterator[str]:
        """Ask whom it is time to ask, wait for answers up to one period, and give the services that are ready now."""
        now_s = time.monotonic()
        for asked in self._asked.values():
            if asked.sock is None and asked.next_s <= now_s:
                self._ask(asked, now_s)
            elif asked.sock is not None and asked.until_s <= now_s:
                self._retry(asked, "no answer")
        for key, _ in self._selector.select(EVERY_S):
            asked = key.data
            if self._listen(asked):
                self._hang_up(asked)
                del self._asked[asked.service]
                yield asked.service

    def _ask(self, asked: _Asked, now_s: float) -> None:
        asked.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        asked.sock.settimeout(0)
        asked.until_s, asked.next_s = now_s + _ANSWER_WITHIN_S, now_s + EVERY_S
        asked.answer, asked.sent = b"", False
        asked.sock.connect_ex(asked.question.address)
        self._selector.register(asked.sock, selectors.EVENT_WRITE, asked)

    def _listen(self, asked: _Asked) -> bool:
        assert asked.sock is not None
        try:
            if not asked.sent:
                return self._send(asked, asked.sock)
            data = asked.sock.recv(_LONGEST_ANSWER_BYTES)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            self._retry(asked, error.strerror or str(error))
            return False
        asked.answer += data
        return self._judge(asked, whole=not data or is_whole(asked.answer))

    def _send(self, asked: _Asked, sock: socket.socket) -> bool:
        if error := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, "nobody listens yet")
        if asked.question.path is None:
            return True
        host = f"{asked.question.address}"
        sock.sendall(
            f"GET {asked.question.path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        )
        asked.sent = True
        self._selector.modify(sock, selectors.EVENT_READ, asked)
        return False

    def _judge(self, asked: _Asked, *, whole: bool) -> bool:
        head, _, body = asked.answer.partition(b"\r\n\r\n")
        status = head.split(b" ", 2)[1:2]
        if status == [b"200"]:
            return True
        if whole:
            said = body.decode(errors="replace").strip().splitlines()[:1]
            code = status[0].decode(errors="replace") if status else "nothing"
            self._retry(asked, f"answered {code}" + (f": {said[0]}" if said else ""))
        return False

    def _retry(self, asked: _Asked, reason: str) -> None:
        asked.reason = reason
        self._hang_up(asked)

    def _hang_up(self, asked: _Asked) -> None:
        if asked.sock is not None:
            self._selector.unregister(asked.sock)
            asked.sock.close()
            asked.sock = None


def is_whole(answer: bytes) -> bool:
    r"""Whether an HTTP answer is complete, or too long to wait for: not every server closes when it is asked to.

    >>> is_whole(b"HTTP/1.1 503 Unavailable\r\nContent-Length: 4\r\n\r\nbusy")
    True
    """
    head, end, body = answer.partition(b"\r\n\r\n")
    if len(answer) >= _LONGEST_ANSWER_BYTES:
        return True
    length = re.search(rb"\r\ncontent-length: *([0-9]+)", head, re.IGNORECASE)
    return bool(end) and length is not None and len(body) >= int(length[1])

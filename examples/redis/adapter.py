"""How clients speak to Redis: its protocol (RESP) over plain sockets, which work under gevent."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections import deque
from typing import BinaryIO, TypeAlias

from harness.adapter import (
    Address,
    CompareAndSet,
    Fail,
    Info,
    Moment,
    Ok,
    Operation,
    ReadRegister,
    RegisterKind,
    Reply,
    StackEvent,
    WriteRegister,
)

Answer: TypeAlias = str | int | None

COMPARE_AND_SET = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) return 1 end
return 0
"""
REFUSALS = ("READONLY", "NOREPLICAS", "MASTERDOWN", "LOADING", "MISCONF", "OOM")
"""Errors that Redis answers instead of carrying a command out."""


class RedisError(Exception):
    """An error that Redis answered."""


class Waiting:
    """One command without an answer yet."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.answer: Answer | RedisError | OSError = None


class Redis:
    """One connection. Commands are answered in their order, so many may be open at once."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._sending = threading.Lock()
        self._waiting: deque[Waiting] = deque()
        self._over = False

    def connect(self, address: Address, *, deadline_s: float) -> None:
        self._socket = socket.create_connection(address, timeout=deadline_s)
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self._read, args=(self._socket,), daemon=True).start()
        if not self.ping(deadline_s=deadline_s):
            raise ConnectionError("no answer to PING: nobody leads")

    def ping(self, *, deadline_s: float) -> bool:
        return self._ask("PING", deadline_s=deadline_s) == "PONG"

    def registers(self) -> list[RegisterKind]:
        return list(RegisterKind)

    def invoke(self, operation: Operation, *, deadline_s: float) -> Reply:
        try:
            return self._carry_out(operation, deadline_s)
        except RedisError as error:
            refusal = next((word for word in REFUSALS if word in str(error)), None)
            return Fail(refusal, str(error)) if refusal else Info(str(error))
        except OSError as error:
            return Info(f"{type(error).__name__}: {error}")

    def close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()

    def stack_event(self, service: str, line: bytes) -> StackEvent | None:
        """The gates tell who leads; a store's provider is the last word of its name."""
        if not line.startswith(b'{"primary"'):
            return None
        told = json.loads(line)
        return StackEvent(
            service=told["primary"],
            kind=Moment.PRIMARY_PROMOTED,
            mono_ns=told["mono_ns"],
            provider=told["primary"].rpartition("-")[2],
            epoch=told["epoch"],
        )

    def _carry_out(self, operation: Operation, deadline_s: float) -> Reply:
        match operation:
            case ReadRegister(key=key):
                value = self._ask("GET", key, deadline_s=deadline_s)
                return Ok(value=None if value is None else str(value))
            case WriteRegister(key=key, value=value):
                self._ask("SET", key, value, deadline_s=deadline_s)
                return Ok()
            case CompareAndSet(key=key, expected=None, value=value):
                done = self._ask("SET", key, value, "NX", deadline_s=deadline_s) is not None
            case CompareAndSet(key=key, expected=str(expected), value=value):
                script = ("EVAL", COMPARE_AND_SET, "1", key, expected, value)
                done = self._ask(*script, deadline_s=deadline_s) == 1
            case _:
                return Info("a store has no orders")
        return Ok() if done else Fail("mismatch", "it held another value")

    def _ask(self, *words: str, deadline_s: float) -> Answer:
        """The answer to one command; raises `RedisError`, or `OSError` when none came in time."""
        if self._socket is None:
            raise ConnectionError("not connected")
        waiting = Waiting()
        parts = [f"*{len(words)}\r\n".encode()]
        for word in words:
            data = word.encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
        with self._sending:
            if self._over:
                raise ConnectionError("the connection was closed")
            self._waiting.append(waiting)
            self._socket.sendall(b"".join(parts))
        if not waiting.over.wait(deadline_s):
            raise TimeoutError(f"no answer within {deadline_s:.3f} s")
        if isinstance(waiting.answer, Exception):
            raise waiting.answer
        return waiting.answer

    def _read(self, connected: socket.socket) -> None:
        """Hand each answer to the command that has waited longest."""
        gone = ConnectionError("the connection was closed")
        with contextlib.suppress(OSError, ValueError), connected.makefile("rb") as answers:
            while head := answers.readline():
                answer = self._answer(head.rstrip(), answers)
                waiting = self._waiting.popleft()
                waiting.answer = answer
                waiting.over.set()
        with self._sending:
            self._over = True
        for waiting in self._waiting:
            waiting.answer = gone
            waiting.over.set()

    @staticmethod
    def _answer(head: bytes, answers: BinaryIO) -> Answer | RedisError:
        kind, rest = head[:1], head[1:].decode()
        if kind == b"-":
            return RedisError(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if rest == "-1":
                return None
            text = answers.read(int(rest) + 2)
            if len(text) != int(rest) + 2:
                raise ConnectionError("half an answer")
            return text[:-2].decode()
        return rest

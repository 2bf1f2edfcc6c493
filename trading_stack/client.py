"""A client's end of the gateway's WebSocket: many requests at once, from threads or greenlets alike.

Everything is plain Python sockets and `threading`, so that it works as it stands and under gevent's patches.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any, Final

import msgspec
import websocket

_POLL_S: Final = 1.0  # how long one read or write of the socket may block
_READ_BYTES: Final = 1 << 16
_CANT_CONNECT: Final = (OSError, websocket.WebSocketException, ValueError)


class ConnectionBroken(Exception):
    """The connection is not, or no longer, usable; what was asked on it may or may not have been heard."""


class _Envelope(msgspec.Struct, frozen=True):
    id: int
    reply: msgspec.Raw


class _Waiter:
    """One request that waits; `reply` stays None when the connection broke."""

    __slots__ = ("came", "reply")

    def __init__(self) -> None:
        self.came = threading.Event()
        self.reply: bytes | None = None


class Frames:
    """Cuts what a server sends into the payloads of its messages (RFC 6455, section 5.2).

    The library would read each frame in three pieces, two system calls each. Servers neither mask their frames
    nor, in this protocol, split messages; anything but whole data messages and control frames is an error.
    """

    _WHOLE_DATA: Final = (0x81, 0x82)
    _CONTROL: Final = (0x89, 0x8A)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that `data` completes; raises `ConnectionBroken` at a close or a malformed frame."""
        self._rest += data
        payloads: list[bytes] = []
        while (span := self._span()) is not None:
            start, end = span
            kind, payload = self._rest[0], self._rest[start:end]
            self._rest = self._rest[end:]
            if kind in self._WHOLE_DATA:
                payloads.append(payload)
            elif kind not in self._CONTROL:
                raise ConnectionBroken(
                    "closed by the far end" if kind == 0x88 else f"frame of kind {kind:#x}"
                )
        return payloads

    def _span(self) -> tuple[int, int] | None:
        """Where the payload of the first frame starts and ends, once all of it is there."""
        have = len(self._rest)
        if have < 2:
            return None
        size, start = self._rest[1], 2
        if size > 127:
            raise ConnectionBroken("a masked frame from a server")
        if size > 125:
            start = 4 if size == 126 else 10
            if have < start:
                return None
            size = int.from_bytes(self._rest[2:start], "big")
        return (start, start + size) if have >= start + size else None


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(_Envelope).decode


class Client:
    """One open connection, with a reader of its own that ends with it."""

    def __init__(self, host: str, port: int, *, deadline_s: float) -> None:
        """Connect; raises `OSError` when that doesn't work within the deadline."""
        try:
            self._socket: Any = websocket.create_connection(
                f"ws://{host}:{port}/ws",
                timeout=deadline_s,
                enable_multithread=True,
                skip_utf8_validation=True,
                sockopt=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
            )
        except _CANT_CONNECT as failure:
            raise OSError(f"no connection to {host}:{port}: {failure}") from failure
        self._socket.settimeout(_POLL_S)
        self._lock = threading.Lock()
        self._waiting: dict[int, _Waiter] = {}
        self._numbers = 0
        self._broken: str | None = None
        self._reader = threading.Thread(target=self._read, name=f"replies {host}:{port}", daemon=True)
        self._reader.start()

    @property
    def broken(self) -> str | None:
        """Why the connection can't be used any more, or None."""
        return self._broken

    def ask(self, request: dict[str, object], *, deadline_s: float) -> bytes:
        """Send a request and wait for its reply's JSON.

        Raises `TimeoutError` when none comes in time, and `ConnectionBroken` when none can come.
        """
        waiter = _Waiter()
        with self._lock:
            if self._broken is not None:
                raise ConnectionBroken(self._broken)
            self._numbers += 1
            number = self._numbers
            self._waiting[number] = waiter
        try:
            self._send({"id": number, **request})
            if not waiter.came.wait(deadline_s):
                raise TimeoutError(f"no reply within {deadline_s * 1000:.0f} ms")
        finally:
            with self._lock:
                self._waiting.pop(number, None)
        if waiter.reply is None:
            raise ConnectionBroken(self._broken or "closed")
        return waiter.reply

    def close(self) -> None:
        """Close the connection and end the reader. Safe to call twice."""
        self._break("closed here")
        if self._reader is not threading.current_thread():
            self._reader.join(2 * _POLL_S)

    def _send(self, request: dict[str, object]) -> None:
        try:
            self._socket.send(_encode(request).decode())
        except BaseException as failure:
            # Half a frame may be out, by a killed greenlet, too: nothing can follow it.
            self._break(f"sending failed: {failure}")
            if not isinstance(failure, Exception):
                raise
            raise ConnectionBroken(str(failure)) from failure

    def _read(self) -> None:
        """Read until the connection ends. The reader alone closes the socket: nobody else may while it reads."""
        why = "closed by the far end"
        frames = Frames()
        try:
            while self._broken is None:
                try:
                    data = self._socket.sock.recv(_READ_BYTES)
                except TimeoutError:
                    continue
                if not data:
                    break
                for payload in frames.feed(data):
                    self._take(_decode(payload))
        except Exception as failure:  # whatever it was, nobody reads any more
            why = str(failure) or type(failure).__name__
        self._break(why)
        self._socket.shutdown()

    def _take(self, envelope: _Envelope) -> None:
        with self._lock:
            waiter = self._waiting.pop(envelope.id, None)
        if waiter is not None:  # else it came too late
            waiter.reply = bytes(envelope.reply)
            waiter.came.set()

    def _break(self, why: str) -> None:
        with self._lock:
            if self._broken is None:
                self._broken = why
            waiting = list(self._waiting.values())
            self._waiting.clear()
        with contextlib.suppress(OSError, AttributeError):
            self._socket.sock.shutdown(socket.SHUT_RDWR)  # wakes the reader
        for waiter in waiting:
            waiter.came.set()

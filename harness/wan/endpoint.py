"""One side of a proxied connection, as an asyncio protocol."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from time import monotonic_ns
from typing import Final, cast

from harness.wan.lane import Lane
from harness.wan.toxics.contract import End

_HIGH_WATER_BYTES: Final = 512 * 2**10
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


def reset_on_close(sock: socket.socket) -> None:
    """Let the next close of a socket send a reset and lose what was not sent (socket(7), SO_LINGER)."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)


class Endpoint(asyncio.Protocol):
    """The source of one lane and the sink of the other.

    Lives in three states: not connected yet, connected (`transport` is set), and gone (`gone`).
    """

    __slots__ = ("_at_end", "_on_gone", "_was_reset", "gone", "incoming", "outgoing", "transport")

    outgoing: Lane
    incoming: Lane

    def __init__(self, on_gone: Callable[[], None]) -> None:
        self._on_gone = on_gone
        self._at_end = False
        self._was_reset = False
        self.transport: asyncio.Transport | None = None
        self.gone = False

    def join(self, *, outgoing: Lane, incoming: Lane) -> None:
        """Set the lanes; must come before the connection is made."""
        self.outgoing = outgoing
        self.incoming = incoming

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(
            "asyncio.Transport", transport
        )  # uvloop's transports have no common base with asyncio's
        self.transport = transport
        transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
        if self.gone:
            self._abort(transport)
            return
        if self.outgoing.blocked:
            # uvloop starts reading after this call, whatever was asked for in it
            asyncio.get_running_loop().call_soon(self._pause_if_blocked)
        self.incoming.sink.connected(transport.write)

    def data_received(self, data: bytes) -> None:
        now_ns = monotonic_ns()
        lane = self.outgoing
        counter = lane.counter
        counter.bytes_in += len(data)
        counter.last_in_ns = now_ns
        lane.head.feed(data, now_ns)

    def eof_received(self) -> bool:
        self._at_end = True
        self.outgoing.head.end(End.EOF, monotonic_ns())
        return True  # half-closed: the other direction may have bytes under way

    def pause_writing(self) -> None:
        self.incoming.block(self)

    def resume_writing(self) -> None:
        self.incoming.unblock(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.leave(End.RESET if exc is not None or self._was_reset else End.CLOSE)

    def leave(self, how: End) -> None:
        """This side is gone, or could never be reached: tell the other side, as far as the toxics let it know."""
        self.gone = True
        self.incoming.sink.lost()
        self.incoming.block(self)  # nothing more can be delivered, so nothing more is acknowledged
        self.outgoing.head.end(how, monotonic_ns())
        self._on_gone()

    def pause(self) -> None:
        if self.transport is not None:
            try:
                self.transport.pause_reading()
            except RuntimeError:
                return  # closing: nothing will be read anyway

    def resume(self) -> None:
        if self.transport is not None and not self._at_end and not self.transport.is_closing():
            try:
                self.transport.resume_reading()
            except RuntimeError:
                return

    def finish_writing(self) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        try:
            self.transport.write_eof()
        except (RuntimeError, OSError):
            return
        if self.outgoing.sink.ended is not None:
            self.close()  # each direction has had its end: nothing can come any more

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def reset(self) -> None:
        if self.transport is not None:
            self._was_reset = True
            self._abort(self.transport)

    def _pause_if_blocked(self) -> None:
        if self.outgoing.blocked:
            self.pause()

    def _abort(self, transport: asyncio.Transport) -> None:
        sock = transport.get_extra_info("socket")
        if sock is not None and not transport.is_closing():
            with contextlib.suppress(OSError):  # the kernel closed it before us
                reset_on_close(sock)
        transport.abort()

"""Authenticated frames between services: length-prefixed msgpack of `msgspec` structs over TCP.

A connection opens with a hello from each end: `length, b"TSW1", 16 random bytes, name`. Both nonces and both names
key the connection's two directions, so that nothing recorded elsewhere or earlier can be replayed. Every later frame
is `length (4), sequence (8), MAC (16), payload`, big endian; the MAC is keyed BLAKE2b over all but itself, sequences
rise by one. An empty payload confirms the hello, and later keeps an idle connection alive. A connection is *up* once
the far end has proved by such a frame that its application answered: a TCP connect through a proxy proves nothing.

A frame that is forged, replayed, malformed or too long costs its connection, and is counted.

Why MACs, and not mutual TLS. What failover needs is that nobody can forge, replay or reorder what services say, soon
after a reset and at little cost: here a connection is up one round trip after TCP's own, from one keyed hash a frame
(some 2 µs), in the same loop turn as the read. TLS 1.3 with client certificates takes a round trip more (no early data
for what must not be replayed), two signatures and two chains of certificates an end at each reconnect, record layers
that uvloop copies through memory BIOs, and certificates that expire: a decision that two hosts' clocks must agree on,
and an outage that comes by the calendar. What MACs don't give: frames can be read on the wire (they are no secret among
providers; where they are, put a private network such as WireGuard below), and the key is one for all, so a name in a
hello proves membership alone. What must be one party's own, a sentinel's vote or an administrator's command, is
therefore signed with a key of its own (`trading_stack.keys`, `trading_stack.roster`), whatever it travels over. What
engines say to each other is too much to be signed: an engine signs for the connection at its beginning, and is heard on
that connection alone (`trading_stack.engine.peers`). The frames that follow are bound to it by their MAC, so whoever
holds the secret and also sees and alters what passes between two hosts can still write into their connections: where
that is to be feared, a private network belongs below. Gateways show no key: any member may propose commands and read.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, cast

import msgspec

MAGIC: Final = b"TSW1"
NONCE_BYTES: Final = 16
MAC_BYTES: Final = 16
LENGTH: Final = struct.Struct(">I")
PREFIX: Final = struct.Struct(">IQ")
HEADER_BYTES: Final = PREFIX.size + MAC_BYTES
HELLO_LIMIT_BYTES: Final = 256
KEEPALIVE_S: Final = 0.5
SILENT_KEEPALIVES: Final = 6  # this many in a row without a byte: the connection is dead
HELLO_KEEPALIVES: Final = 3  # a connection that has proved nothing by then ends, however much it says
BACKLOG_LIMIT_BYTES: Final = 64 << 20
CLOSED_THERE: Final = "closed by the far end"

_encode = msgspec.msgpack.Encoder().encode


class FrameRefused(Exception):
    """What arrived can't be trusted or understood; the text is the counter's name."""


@dataclass(slots=True)
class Counters:
    """What happened on all connections of one service, for its metrics."""

    values: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, amount: int = 1) -> None:
        self.values[name] = self.values.get(name, 0) + amount


@dataclass(frozen=True, slots=True)
class Codec:
    """How a service frames: its own name, the shared key, and the messages that it accepts.

    `replay_accepted` and `unauthenticated` are planted defects.
    """

    name: str
    key: bytes
    decoder: msgspec.msgpack.Decoder[Any]
    limit_bytes: int = 8 << 20
    counters: Counters = field(default_factory=Counters)
    replay_accepted: bool = False
    unauthenticated: bool = False


def direction_key(key: bytes, *, dialler: bytes, acceptor: bytes, to_acceptor: bool) -> bytes:
    """The key of one direction of one connection, from both ends' hello payloads."""
    mac = hashlib.blake2b(key=key, digest_size=32, person=b"to-acceptor" if to_acceptor else b"to-dialler")
    mac.update(LENGTH.pack(len(dialler)) + dialler + LENGTH.pack(len(acceptor)) + acceptor)
    return mac.digest()


class Sealer:
    """Makes the frames of one direction."""

    __slots__ = ("_mac", "_sequence")

    def __init__(self, key: bytes) -> None:
        self._mac = hashlib.blake2b(key=key, digest_size=MAC_BYTES)
        self._sequence = 0

    def seal(self, payload: bytes) -> bytes:
        self._sequence += 1
        prefix = PREFIX.pack(len(payload), self._sequence)
        mac = self._mac.copy()
        mac.update(prefix)
        mac.update(payload)
        return prefix + mac.digest() + payload


class Opener:
    """Checks the frames of one direction; raises `FrameRefused` at the first bad one."""

    __slots__ = ("_codec", "_mac", "_sequence")

    def __init__(self, key: bytes, codec: Codec) -> None:
        self._mac = hashlib.blake2b(key=key, digest_size=MAC_BYTES)
        self._codec = codec
        self._sequence = 0

    def open(self, frame: bytes) -> bytes:
        mac = self._mac.copy()
        mac.update(frame[: PREFIX.size])
        mac.update(frame[HEADER_BYTES:])
        if mac.digest() != frame[PREFIX.size : HEADER_BYTES] and not self._codec.unauthenticated:
            raise FrameRefused("frames_forged")
        sequence = PREFIX.unpack_from(frame)[1]
        if sequence != self._sequence + 1 and not self._codec.replay_accepted:
            raise FrameRefused("frames_replayed")
        self._sequence = sequence
        return frame[HEADER_BYTES:]


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What a connection tells its owner, always from the event loop. `on_down` follows only an `on_up`."""

    on_message: Callable[[Connection, Any], None]
    on_up: Callable[[Connection], None] = lambda _: None
    on_down: Callable[[Connection, str], None] = lambda _, __: None


class Connection(asyncio.Protocol):
    """One connection, whichever end dialled. `peer` is the far end's name, to be trusted once `up`.

    `binding` stands for this very connection, the same at both ends: signed, it can't be shown on another.
    """

    def __init__(self, codec: Codec, callbacks: Callbacks, *, dialled: bool) -> None:
        self.up = False
        self.peer = ""
        self.why = CLOSED_THERE
        self.binding = b""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._codec = codec
        self._callbacks = callbacks
        self._dialled = dialled
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._hello = MAGIC + (b"\0" * NONCE_BYTES if codec.replay_accepted else os.urandom(NONCE_BYTES))
        self._hello += codec.name.encode()
        self._sealer: Sealer | None = None
        self._opener: Opener | None = None
        self._received = bytearray()
        self._out: list[bytes] = []
        self._silent_ticks = 0
        self._ticks = 0
        self._heard = False
        self._timer: asyncio.TimerHandle | None = None

    # --- what the owner calls

    def send(self, message: object) -> None:
        """Queue a message; never blocks. What is queued in one turn of the loop leaves in one write."""
        self._send_payload(_encode(message))

    def close(self, why: str = "closed here") -> None:
        """Close at once. Safe to call twice."""
        self.why = why
        if self._transport is not None and not self._transport.is_closing():
            self._transport.abort()

    # --- what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass
        self._transport.write(LENGTH.pack(len(self._hello)) + self._hello)
        self._timer = self._loop.call_later(KEEPALIVE_S, self._tick)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        was_up, self.up = self.up, False
        if self._received and self.why == CLOSED_THERE:
            self._codec.counters.add("frames_truncated")
        if exc is not None:
            self.why = f"reset: {exc}"
        if not self.ended.done():
            self.ended.set_result(None)
        if was_up:
            self._callbacks.on_down(self, self.why)

    def data_received(self, data: bytes) -> None:
        self._heard = True
        self._received += data
        try:
            self._take_frames()
        except FrameRefused as refused:
            self._codec.counters.add(str(refused))
            self.close(str(refused))

    # --- frames

    def _take_frames(self) -> None:
        offset = 0
        while not self._closing():
            end = self._frame_end(offset)
            if end is None:
                break
            frame = bytes(self._received[offset:end])
            offset = end
            self._take(frame)
        del self._received[:offset]

    def _frame_end(self, offset: int) -> int | None:
        have = len(self._received) - offset
        if have < LENGTH.size:
            return None
        (length,) = LENGTH.unpack_from(self._received, offset)
        opener = self._opener
        if length > (HELLO_LIMIT_BYTES if opener is None else self._codec.limit_bytes):
            raise FrameRefused("frames_oversized")
        size: int = length + (LENGTH.size if opener is None else HEADER_BYTES)
        return offset + size if have >= size else None

    def _take(self, frame: bytes) -> None:
        if self._opener is None:
            self._greet(frame[LENGTH.size :])
            return
        payload = self._opener.open(frame)
        if not self.up:
            self._rise()
        if payload:
            self._callbacks.on_message(self, self._decode(payload))

    def _decode(self, payload: bytes) -> object:
        try:
            message: object = self._codec.decoder.decode(payload)
        except (msgspec.DecodeError, ValueError):
            raise FrameRefused("frames_malformed") from None
        return message

    def _greet(self, hello: bytes) -> None:
        if not hello.startswith(MAGIC) or len(hello) < len(MAGIC) + NONCE_BYTES:
            raise FrameRefused("hellos_malformed")
        self.peer = hello[len(MAGIC) + NONCE_BYTES :].decode("utf-8", "replace")
        dialler, acceptor = (self._hello, hello) if self._dialled else (hello, self._hello)
        keys = {
            to_acceptor: direction_key(
                self._codec.key, dialler=dialler, acceptor=acceptor, to_acceptor=to_acceptor
            )
            for to_acceptor in (True, False)
        }
        self.binding = hashlib.blake2b(keys[True], digest_size=32, person=b"binding").digest()
        self._sealer = Sealer(keys[self._dialled])
        self._opener = Opener(keys[not self._dialled], self._codec)
        self._send_payload(b"")

    def _rise(self) -> None:
        self.up = True
        self._codec.counters.add("connections_up")
        self._callbacks.on_up(self)

    # --- writing

    def _send_payload(self, payload: bytes) -> None:
        if self._sealer is None or self._closing():
            return
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(self._sealer.seal(payload))

    def _flush(self) -> None:
        out, self._out = self._out, []
        if self._transport is None or self._closing():  # a write to a closed uvloop transport raises
            return
        self._transport.write(b"".join(out))
        if self._transport.get_write_buffer_size() > BACKLOG_LIMIT_BYTES:
            self._codec.counters.add("backlogs_dropped")
            self.close("its backlog grew too long")

    def _closing(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def _tick(self) -> None:
        """Keep an idle connection alive and end a silent one, by turns of this loop and not by the clock: a frozen
        process that thaws must not take its own absence for its peers' silence."""
        self._silent_ticks = 0 if self._heard else self._silent_ticks + 1
        self._heard = False
        self._ticks += 1
        if self._silent_ticks >= SILENT_KEEPALIVES or (not self.up and self._ticks >= HELLO_KEEPALIVES):
            self.close("silent" if self.up else "no hello in time")
            return
        self._send_payload(b"")
        self._timer = self._loop.call_later(KEEPALIVE_S, self._tick)


async def serve(codec: Codec, callbacks: Callbacks, host: str, port: int) -> asyncio.Server:
    """Accept connections; the owner hears of those alone whose far end proved that it holds the key."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: Connection(codec, callbacks, dialled=False), host, port, backlog=1024
    )

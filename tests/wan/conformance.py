"""What the suite that runs against the embedded proxy and against Toxiproxy knows of each toxic.

Nothing is timed: what should be held back is looked for once a witness, a connection without toxics through the same
proxy, has been there and back several times.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec
import requests
import wan_support
from wan_support import LinkUnderTest, Server, Upstream, connect, open_link, receive, was_reset

from harness.wan.toxics import (
    Bandwidth,
    Latency,
    LimitData,
    Noop,
    ResetPeer,
    Slicer,
    SlowClose,
    Stream,
    Timeout,
)


class Api:
    """Plain HTTP to a proxy server, past every client."""

    def __init__(self, server: Server) -> None:
        self._base = f"http://{server.client.address}"

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> requests.Response:
        data = body if isinstance(body, str | None) else json.dumps(body)
        return requests.request(
            method, self._base + path, data=data, headers=headers, timeout=wan_support.HANGS_S
        )


LONG_MS = 600_000
BEATS = 5


class Witness:
    """A connection through the same proxy that nothing holds up."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def overtakes(self, sink: socket.socket) -> bool:
        """Whether nothing comes at a sink while the witness goes there and back several times."""
        for _ in range(BEATS):
            self._sock.sendall(b"beat")
            assert receive(self._sock, 4) == b"beat"
        return nothing_came(sink)


def open_witness(server: Server, echo: Upstream, name: str) -> Iterator[Witness]:
    for link in open_link(server, echo, name):
        with connect(link.address) as sock:
            yield Witness(sock)


@dataclass(frozen=True)
class Ends:
    """Both ends of one connection, by the direction that a test looks at."""

    source: socket.socket
    sink: socket.socket

    @property
    def back(self) -> Ends:
        return Ends(self.sink, self.source)


@contextlib.contextmanager
def ends(link: LinkUnderTest, upstream: Upstream, stream: Stream) -> Iterator[Ends]:
    """A new connection."""
    with connect(link.address) as near, upstream.accept() as far:
        yield Ends(near, far) if stream is Stream.UPSTREAM else Ends(far, near)


@dataclass(frozen=True)
class Case:
    """A toxic with settings that bite at once, how that is seen, and settings under which everything passes."""

    settings: msgspec.Struct
    bites: Callable[[Ends, Witness], None]
    harmless: msgspec.Struct | None = None
    ends_on_removal: bool = False

    @property
    def name(self) -> str:
        return type(self.settings).__name__


def passes(ends: Ends) -> None:
    """Bytes move."""
    ends.source.sendall(b"through")
    assert receive(ends.sink, 7) == b"through"


def passes_through(sock: socket.socket) -> None:
    """Bytes go to a server that answers, and come back."""
    sock.sendall(b"through")
    assert receive(sock, 7) == b"through"


def refuses(address: str) -> bool:
    """Whether nobody listens at an address."""
    try:
        connect(address).close()
    except ConnectionRefusedError:
        return True
    return False


def closes(ends: Ends) -> None:
    """A close of the source arrives."""
    ends.source.close()
    assert ends.sink.recv(1) == b""


def ended(sock: socket.socket) -> bool:
    """Whether the connection ends, by a close or a reset, without another byte."""
    try:
        return sock.recv(1) == b""
    except ConnectionError:
        return True


def waiting(sock: socket.socket) -> bytes:
    """What can be read at once, without taking it."""
    return b"" if nothing_came(sock) else sock.recv(1_000_000, socket.MSG_PEEK)


def nothing_came(sock: socket.socket) -> bool:
    """Whether neither byte nor end waits at a socket."""
    sock.setblocking(False)
    try:
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except ConnectionError:
        return False
    finally:
        sock.settimeout(wan_support.ARRIVES_S)
    return False


def is_held(ends: Ends, witness: Witness) -> None:
    ends.source.sendall(b"late")
    assert witness.overtakes(ends.sink)


def is_slow(ends: Ends, witness: Witness) -> None:
    ends.source.sendall(b"x" * 100_000)
    assert len(receive(ends.sink, 100)) == 100
    witness.overtakes(ends.sink)
    assert len(waiting(ends.sink)) < 90_000


def close_is_held(ends: Ends, witness: Witness) -> None:
    passes(ends)
    ends.source.close()
    assert witness.overtakes(ends.sink)


def both_end(ends: Ends, witness: Witness) -> None:
    del witness
    with contextlib.suppress(ConnectionError):  # on a busy machine it may have ended already
        ends.source.sendall(b"lost")
    assert ended(ends.sink)
    assert ended(ends.source)


def only_a_slice_comes(ends: Ends, witness: Witness) -> None:
    ends.source.sendall(b"0123456789" * 10)
    assert len(ends.sink.recv(100)) <= 10
    assert witness.overtakes(ends.sink)


def three_bytes_come(ends: Ends, witness: Witness) -> None:
    del witness
    ends.source.sendall(b"hello")
    assert receive(ends.sink, 5) == b"hel"
    assert ended(ends.source)


def was_reset_at_both_ends(ends: Ends) -> bool:
    ends.source.sendall(b"lost")
    return was_reset(ends.sink) and was_reset(ends.source)


SLICES = Slicer(average_size_bytes=10, delay_us=LONG_MS * 1000)
CASES = (
    Case(Latency(latency_ms=LONG_MS), is_held, Latency()),
    Case(Latency(latency_ms=LONG_MS, jitter_ms=1000), is_held, Latency(jitter_ms=1)),
    Case(Bandwidth(rate_kb_per_s=1), is_slow, Bandwidth(rate_kb_per_s=1_000_000)),
    Case(Bandwidth(), is_held, Bandwidth(rate_kb_per_s=1_000_000)),
    Case(SlowClose(delay_ms=LONG_MS), close_is_held, SlowClose()),
    Case(Timeout(), is_held, ends_on_removal=True),
    Case(Timeout(timeout_ms=50), both_end, ends_on_removal=True),
    Case(ResetPeer(), both_end),
    Case(ResetPeer(timeout_ms=50), both_end),
    Case(SLICES, only_a_slice_comes, Slicer(average_size_bytes=1000, size_variation_bytes=100)),
    Case(LimitData(limit_bytes=3), three_bytes_come, LimitData(limit_bytes=1_000_000)),
)
HARMLESS = (Noop(), *(case.harmless for case in CASES if case.harmless is not None))

"""One proxied link: a listening port, its toxics, and the connections through it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import msgspec

from harness.wan.connection import Connection, Runtime, Toxic
from harness.wan.lane import Counter
from harness.wan.listening import Listener, join_address, same_address, split_address
from harness.wan.toxics.contract import Stream
from harness.wan.toxics.gate import Gate, Listening


class Proxy:
    """A link. Every method runs to its end on the event loop, so that changes never interleave."""

    def __init__(self, runtime: Runtime, *, name: str, listen: str, upstream: str) -> None:
        self.runtime = runtime
        self.name = name
        self.listen = listen
        self.upstream_text = upstream
        self.upstream = _dialable(upstream)
        self.enabled = False
        self.counters = {stream: Counter() for stream in Stream}
        self.accepted = 0
        self.severed = 0
        self.failed_dials = 0
        self._listener = Listener(runtime.loop, self._on_accept)
        self._connections: dict[int, Connection] = {}
        self._toxics: list[Toxic] = []
        self._orders = 0

    @property
    def listening(self) -> Listening | None:
        """What a new connection meets; None while the proxy is disabled."""
        return self._listener.state if self.enabled else None

    @property
    def active(self) -> int:
        """How many connections exist."""
        return len(self._connections)

    @property
    def dark(self) -> int:
        """How many connections have a direction that lets nothing through."""
        return sum(connection.dark for connection in self._connections.values())

    def pairs(self) -> Iterator[tuple[int, int]]:
        """The ports of each connection that has both sides: its client's, and ours towards the upstream.

        Whoever looks at the sockets of both ends can tell by them which belong together.
        """
        for connection in self._connections.values():
            if (ports := connection.ports()) is not None:
                yield ports

    def held_bytes(self, stream: Stream) -> int:
        """Bytes that came in, and have neither gone out nor been lost."""
        return sum(connection.held_bytes(stream) for connection in self._connections.values())

    def start(self) -> None:
        """Listen.

        Raises:
            OSError: The address is taken or is none of ours.
        """
        if self.enabled:
            return
        try:
            self.listen = join_address(*self._listener.open(*split_address(self.listen)))
        except OSError as error:
            raise _listen_error(self.listen, error) from error
        self._listener.become(self._wanted())
        self.enabled = True

    def stop(self) -> None:
        """Close every connection and stop listening, but keep the port, lest an outgoing connection takes it."""
        if self.enabled:
            self.enabled = False
            self._listener.become(Listening.REFUSE)
        for connection in list(self._connections.values()):
            connection.abort()

    def close(self) -> None:
        """Stop, and give the port back."""
        self.stop()
        self._listener.close()

    def move(self, *, listen: str, upstream: str) -> None:
        """Listen and dial elsewhere; stops the proxy if that is a change.

        Raises:
            OSError: The address to listen on can't be read.
        """
        if same_address(listen, self.listen) and upstream == self.upstream_text:
            return
        self.close()
        self.listen, self.upstream_text, self.upstream = listen, upstream, _dialable(upstream)

    def toxics(self) -> Iterator[Toxic]:
        """Every toxic, upstream first, each direction in the order of its chain."""
        for stream in Stream:
            yield from (toxic for toxic in self._toxics if toxic.stream is stream)

    def toxic(self, name: str) -> Toxic | None:
        """The toxic of that name, or None."""
        return next((toxic for toxic in self._toxics if toxic.name == name), None)

    def add(self, toxic: Toxic) -> None:
        """Add a toxic, on live connections, too.

        Raises:
            CannotSaturate: A `drop` that this system doesn't let us carry out; nothing has changed.
        """
        if isinstance(toxic.settings, Gate):
            self._listener.drain()  # who has completed the handshake by now counts as established
        self._orders += 1
        toxic.order, toxic.since = self._orders, self.accepted
        self._toxics.append(toxic)
        for connection in list(self._connections.values()):
            connection.add(toxic)
        try:
            self._listener.become(self._wanted())
        except OSError:
            self.remove(toxic)
            raise

    def change(self, toxic: Toxic, *, settings: msgspec.Struct, toxicity: float) -> None:
        """Change a toxic's settings, on live connections, too."""
        toxic.settings, toxic.toxicity = settings, toxicity
        now_ns = time.monotonic_ns()
        for connection in list(self._connections.values()):
            connection.update(toxic, now_ns)

    def remove(self, toxic: Toxic) -> None:
        """Remove a toxic, from live connections, too."""
        # The listener first: who slipped into a saturated queue must meet the toxic, and its end.
        self._listener.become(self._wanted(without=toxic))
        self._toxics.remove(toxic)
        now_ns = time.monotonic_ns()
        for connection in list(self._connections.values()):
            connection.remove(toxic, now_ns)

    def remove_all(self) -> None:
        """Remove every toxic."""
        for toxic in list(self._toxics):
            self.remove(toxic)

    def sever(self) -> int:
        """Reset every connection, on both sides, or as soon as it is lit; returns how many there were."""
        connections = list(self._connections.values())
        for connection in connections:
            connection.sever()
        return len(connections)

    def forget(self, connection: Connection) -> None:
        self._connections.pop(connection.ordinal, None)

    def _wanted(self, *, without: Toxic | None = None) -> Listening:
        others = (toxic.settings for toxic in self._toxics if toxic is not without)
        gates = {settings.listening for settings in others if isinstance(settings, Gate)}
        for state in (Listening.REFUSE, Listening.SATURATE):
            if state in gates:
                return state
        return Listening.OPEN

    def _on_accept(self, sock: socket.socket) -> None:
        connection = Connection(self, self.accepted, sock, self.counters)
        self._connections[self.accepted] = connection
        self.accepted += 1
        connection.start(self._toxics)


def _listen_error(listen: str, error: OSError) -> OSError:
    """The error in Toxiproxy's words."""
    if error.errno is None:
        return OSError(f"listen tcp: {error}")
    if isinstance(error, socket.gaierror):
        return OSError(f"listen tcp: lookup {split_address(listen)[0]}: no such host")
    return OSError(error.errno, f"listen tcp {listen}: bind: {(error.strerror or str(error)).lower()}")


def _dialable(upstream: str) -> tuple[str, int]:
    # As in Toxiproxy, an upstream that can't be dialled is no error until somebody connects.
    try:
        return split_address(upstream)
    except OSError:
        return upstream, 0

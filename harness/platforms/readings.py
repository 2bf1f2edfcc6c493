"""What both ends of every WAN link have received so far, as their own sockets tell it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from harness.faults.contract import Direction
from harness.model.errors import HarnessError
from harness.platforms.sockets import ESTABLISHED, LISTEN, NoSockDiag, SockDiag, Tcp, by_ports
from harness.wan.client import WanClient
from harness.wan.messages import ProxyStats

EVERY_S: Final = 1.0
_KEPT: Final = 4
_BYTES_A_SEGMENT: Final = 64  # where only the proxy counts, and it counts bytes

Received = Mapping[tuple[str, Direction], Mapping[Hashable, int]]


@dataclass(frozen=True, slots=True)
class Reading:
    """Segments with data that each socket has received, by link and the direction in which they travelled.

    `to` is what the target's sockets received, `from` what the source's did. `open` are the connected sockets of each
    link's source. `by` says who counted.
    """

    at_ns: int
    received: Received
    open: Mapping[str, frozenset[Hashable]] = field(default_factory=dict)
    by: str = "its own sockets"

    def since(self, earlier: Reading, link: str, direction: Direction) -> int:
        """Segments received after an earlier reading; a socket that is new since then counts whole."""
        before = earlier.received.get((link, direction), {})
        now = self.received.get((link, direction), {})
        return sum(max(0, count - before.get(key, 0)) for key, count in now.items())


@dataclass(frozen=True, slots=True)
class LinkPorts:
    """Where a link's proxy listens, and where its target does."""

    proxy: int
    target: int


class Readings:
    """Reads now and then, so that what was there before a fault is known without delaying it."""

    def __init__(self, ports: Mapping[str, LinkPorts], api: str) -> None:
        self._ports = ports
        self._by_proxy_port = {each.proxy: link for link, each in ports.items()}
        self._api = api
        self._kept: deque[Reading] = deque(maxlen=_KEPT)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._local = threading.local()

    def start(self) -> None:
        """Begin to read in the background."""
        self._thread = threading.Thread(target=self._run, name="readings", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop reading. Safe to call twice."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(2)

    def before(self, at_ns: int) -> list[Reading]:
        """What was read before a time, oldest first; the last few seconds only."""
        return [reading for reading in tuple(self._kept) if reading.at_ns < at_ns]

    def now(self) -> Reading:
        """Read now.

        Raises:
            HarnessError: The fault proxy does not answer.
        """
        stats = self.stats()
        try:
            with SockDiag() as diag:
                table = diag.table()
        except NoSockDiag:
            return _counted_by_proxy(stats)
        return self._counted_by_kernel(table, stats)

    def stats(self) -> dict[str, ProxyStats]:
        """What the proxy knows of every link; each thread has a client of its own."""
        client: WanClient | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = WanClient(self._api)
        return client.stats()

    def pairs(self, links: Iterable[str]) -> dict[str, list[tuple[Tcp, Tcp]]]:
        """The sockets at both ends of each connection of some links: the source's and the target's.

        Raises:
            NoSockDiag: This system does not tell.
        """
        stats = self.stats()
        with SockDiag() as diag:
            sockets = by_ports(diag.table())
        found: dict[str, list[tuple[Tcp, Tcp]]] = {}
        for link in links:
            ports = self._ports[link]
            ends = [
                (sockets.get((client, ports.proxy)), sockets.get((ports.target, upstream)))
                for client, upstream in stats[link].pairs
            ]
            found[link] = [
                (source, target) for source, target in ends if source is not None and target is not None
            ]
        return found

    def _counted_by_kernel(self, table: list[Tcp], stats: Mapping[str, ProxyStats]) -> Reading:
        received: dict[tuple[str, Direction], dict[Hashable, int]] = {}
        connected: dict[str, set[Hashable]] = {}
        for found in table:
            link = self._by_proxy_port.get(found.remote_port)
            if link is not None and found.state != LISTEN:
                received.setdefault((link, Direction.FROM), {})[found.identity] = found.segments_in
                if found.state == ESTABLISHED and found.bytes_sent:  # not one that fills an accept queue
                    connected.setdefault(link, set()).add(found.identity)
        sockets = by_ports(table)
        for link, stat in stats.items():
            for _, upstream in stat.pairs:
                target = sockets.get((self._ports[link].target, upstream)) if link in self._ports else None
                if target is not None:
                    received.setdefault((link, Direction.TO), {})[target.identity] = target.segments_in
        return Reading(
            time.monotonic_ns(), received, {link: frozenset(keys) for link, keys in connected.items()}
        )

    def _run(self) -> None:
        while not self._stop.wait(0.1 if len(self._kept) < 2 else EVERY_S):
            try:
                self._kept.append(self.now())
            except (HarnessError, OSError):
                continue  # facts will say that there is nothing to compare with


def _counted_by_proxy(stats: Mapping[str, ProxyStats]) -> Reading:
    received: dict[tuple[str, Direction], dict[Hashable, int]] = {}
    for link, stat in stats.items():
        received[link, Direction.TO] = {"proxy": stat.upstream.bytes_out // _BYTES_A_SEGMENT}
        received[link, Direction.FROM] = {"proxy": stat.downstream.bytes_out // _BYTES_A_SEGMENT}
    connected = {link: frozenset(pair for pair in stat.pairs) for link, stat in stats.items()}
    return Reading(time.monotonic_ns(), received, connected, by="the proxy at its far end")

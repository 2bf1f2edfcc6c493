"""One client's connection through a proxy, in both directions."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Protocol

import msgspec

from harness.wan.endpoint import Endpoint, reset_on_close
from harness.wan.lane import Counter, Lane, Sink
from harness.wan.seeds import derive, share
from harness.wan.timing import Timer
from harness.wan.toxics.contract import End, Place, Stream
from harness.wan.toxics.gate import Established, Gate
from harness.wan.toxics.registry import ToxicType


@dataclass(frozen=True, slots=True)
class Runtime:
    """What every proxy of one process shares."""

    loop: asyncio.AbstractEventLoop
    timer: Timer
    seed: int


@dataclass(slots=True)
class Toxic:
    """A toxic on a proxy. Names are unique within a proxy, `order` is the place in its chain."""

    name: str
    kind: ToxicType
    stream: Stream
    toxicity: float
    settings: msgspec.Struct
    order: int = 0
    since: int = 0  # connections with a lower ordinal were established before it


class Owner(Protocol):
    """The proxy that a connection belongs to."""

    name: str
    upstream: tuple[str, int]
    runtime: Runtime
    severed: int  # connections reset on purpose
    failed_dials: int

    def forget(self, connection: Connection) -> None:
        """Both sides are gone."""


class Connection:
    """A client's side, a server's side, and a lane each way."""

    __slots__ = ("_dialled", "_doomed", "_owner", "_sock", "_task", "client", "lanes", "ordinal", "server")

    def __init__(
        self, owner: Owner, ordinal: int, sock: socket.socket, counters: Mapping[Stream, Counter]
    ) -> None:
        self._owner = owner
        self._sock: socket.socket | None = sock
        self._task: asyncio.Task[None] | None = None
        self._dialled = False
        self._doomed = False
        self.ordinal = ordinal
        self.client = Endpoint(self._side_gone)
        self.server = Endpoint(self._side_gone)
        up, down = counters[Stream.UPSTREAM], counters[Stream.DOWNSTREAM]
        upstream = Lane(self.client, Sink(self.server, up), up)
        downstream = Lane(self.server, Sink(self.client, down), down)
        self.client.join(outgoing=upstream, incoming=downstream)
        self.server.join(outgoing=downstream, incoming=upstream)
        self.lanes = {Stream.UPSTREAM: upstream, Stream.DOWNSTREAM: downstream}

    @property
    def dark(self) -> bool:
        """Whether at least one direction lets nothing through."""
        return any(lane.dark for lane in self.lanes.values())

    @property
    def dialled(self) -> bool:
        """Whether the upstream was, or is being, connected."""
        return self._dialled

    def start(self, toxics: Iterable[Toxic]) -> None:
        """Put the toxics in force at work, read from the client, and dial the upstream unless the link is dark."""
        for toxic in toxics:
            if self._affected(toxic):
                self._attach(toxic)
        self._dialled = not self.dark
        if not self._dialled:
            self.lanes[Stream.UPSTREAM].block(self)  # the kernel keeps what the client sends
        self._task = self._owner.runtime.loop.create_task(self._open())

    def add(self, toxic: Toxic) -> None:
        """A toxic was added to the proxy."""
        if self._cut_by(toxic):
            self.sever()
        elif self._affected(toxic):
            self._attach(toxic)

    def update(self, toxic: Toxic, at_ns: int) -> None:
        """A toxic's settings or its toxicity changed."""
        stage, wanted = self.lanes[toxic.stream].stage(toxic.order), self._affected(toxic)
        if self._cut_by(toxic):
            self._doom()
            self.remove(toxic, at_ns)
        elif stage is None and wanted:
            self._attach(toxic)
        elif stage is not None and wanted:
            stage.update(toxic.settings, at_ns)
        else:
            self.remove(toxic, at_ns)

    def remove(self, toxic: Toxic, at_ns: int) -> None:
        """A toxic was removed from the proxy."""
        self.lanes[toxic.stream].remove(toxic.order, at_ns)
        if self.dark:
            return
        if self._doomed:
            self.cut()
        elif not self._dialled and not self.client.gone:
            self._dialled = True
            self.lanes[Stream.UPSTREAM].unblock(self)
            if self._task is None or self._task.done():  # else the task that accepts goes on to dial
                self._task = self._owner.runtime.loop.create_task(self._open())

    def sever(self) -> None:
        """Reset both sides as soon as no direction is dark: at once, usually."""
        if self.dark:
            self._doom()
        else:
            self.cut()

    def cut(self) -> None:
        """Reset both sides now; what is under way is lost."""
        self._owner.severed += 1
        self._stop_opening()
        for lane in self.lanes.values():
            lane.shut()
        self.client.reset()
        self.server.reset()
        self._side_gone()

    def abort(self) -> None:
        """Close both sides now, with a reset only where bytes were left unread, as a disabled Toxiproxy does."""
        self._stop_opening()
        for lane in self.lanes.values():
            lane.shut()
        for side in (self.client, self.server):
            if side.transport is not None:
                side.transport.abort()
        self._side_gone()

    def ports(self) -> tuple[int, int] | None:
        """The client's port and ours towards the upstream; None unless both sides are connected."""
        client, server = self.client.transport, self.server.transport
        if client is None or server is None:
            return None
        peer, own = client.get_extra_info("peername"), server.get_extra_info("sockname")
        return (peer[1], own[1]) if peer and own else None

    def held_bytes(self, stream: Stream) -> int:
        return self.lanes[stream].held_bytes()

    def _affected(self, toxic: Toxic) -> bool:
        settings = toxic.settings
        if (
            isinstance(settings, Gate)
            and self.ordinal < toxic.since
            and settings.established is Established.KEEP
        ):
            return False
        if toxic.toxicity >= 1:
            return True
        drawn = share(
            self._owner.runtime.seed, self._owner.name, self.ordinal, toxic.stream, toxic.name, "toxicity"
        )
        return drawn < toxic.toxicity

    def _cut_by(self, toxic: Toxic) -> bool:
        settings = toxic.settings
        return (
            isinstance(settings, Gate)
            and settings.established is Established.CUT
            and self.ordinal < toxic.since
            and self._affected(toxic)
        )

    def _attach(self, toxic: Toxic) -> None:
        lane = self.lanes[toxic.stream]
        place = Place(self._owner.runtime.timer, lane, partial(self._random, toxic), self._doom)
        stage = toxic.kind.start(toxic.settings, place)
        lane.insert(toxic.order, stage)

    def _random(self, toxic: Toxic) -> Random:
        return Random(  # noqa: S311 - reproducible on purpose
            derive(self._owner.runtime.seed, self._owner.name, self.ordinal, toxic.stream, toxic.name)
        )

    def _doom(self) -> None:
        self._doomed = True
        for lane in self.lanes.values():
            lane.shut()

    async def _open(self) -> None:
        loop = self._owner.runtime.loop
        if self._sock is not None:
            sock, self._sock = self._sock, None
            try:
                await loop.connect_accepted_socket(lambda: self.client, sock)
            except OSError:
                self.client.leave(End.RESET)  # it left between the handshake and now
        if self._dialled and not self.server.gone:
            await self._dial(loop)

    async def _dial(self, loop: asyncio.AbstractEventLoop) -> None:
        host, port = self._owner.upstream
        try:
            await loop.create_connection(lambda: self.server, host, port)
        except OSError:
            self._owner.failed_dials += 1
            if not self.server.gone:
                self.server.leave(End.RESET)

    def _stop_opening(self) -> None:
        # The task that opens goes on, and finds its sides gone: uvloop closes the transport of a cancelled dial
        # without a word to its protocol.
        if self._sock is not None:
            reset_on_close(self._sock)
            self._sock.close()
            self._sock = None
        for side in (self.client, self.server):
            side.gone = side.gone or side.transport is None

    def _side_gone(self) -> None:
        if not self.client.gone or not (self.server.gone or not self._dialled):
            return
        for lane in self.lanes.values():
            lane.discard()
        self._owner.forget(self)

"""The engine's own port: peers' messages, sentinels' certificates, gateways' commands and reads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from trading_stack.engine.heartbeat import HEARTBEAT_NS, heartbeat
from trading_stack.engine.host import Asked, Host
from trading_stack.engine.messages import FromGateway, Leading, Read, Submit
from trading_stack.engine.peers import PREFIX, Peers
from trading_stack.journal import events
from trading_stack.journal.events import Certified, Received
from trading_stack.journal.messages import Message
from trading_stack.journal.store import Store
from trading_stack.sentinel.introductions import Introductions
from trading_stack.sentinel.messages import Grant, HandOver, Heartbeat, Introduction
from trading_stack.wire import Callbacks, Connection

Incoming = Message | FromGateway | Grant | HandOver | Introduction
DECODER: Final = msgspec.msgpack.Decoder(Incoming)
HEARTBEAT_S: Final = HEARTBEAT_NS / 1e9


class Door:
    """Who is connected to this engine, told apart by the names that they gave: `engine-`, `sentinel-`, `gateway-`.

    Certificates are taken from sentinels, and the protocol's messages from engines, that showed their key. A gateway's name
    proves that it belongs to the cluster: any member may read, and propose commands.
    """

    def __init__(
        self,
        host: Host,
        store: Store,
        introductions: Introductions,
        peers: Peers,
        *,
        reads_unconfirmed: bool,
    ) -> None:
        self._host = host
        self._store = store
        self._introductions = introductions
        self._peers = peers
        self._gateways: set[Connection] = set()
        self._sentinels: set[Connection] = set()
        self._messages: dict[type[Any], Callable[[Connection, Any], None]] = {
            Submit: lambda connection, message: host.submit(
                Asked(connection, message.request, time.monotonic_ns()), message.command
            ),
            Read: self._read_own_state if reads_unconfirmed else self._read,
            Grant: self._granted,
            HandOver: self._granted,
            Introduction: self._introduced,
        }
        host.on_leading = self._push

    def callbacks(self) -> Callbacks:
        return Callbacks(on_message=self._on_message, on_up=self._on_up, on_down=self._on_down)

    def _on_message(self, connection: Connection, message: Any) -> None:
        known = self._messages.get(type(message))
        if known is not None:
            known(connection, message)
            return
        peer = self._peers.engine(connection)
        if peer is not None:
            self._host.tell(Received(peer, message))

    def _introduced(self, connection: Connection, message: Introduction) -> None:
        of_an_engine = connection.peer.startswith(PREFIX)
        (self._peers if of_an_engine else self._introductions).hear(connection, message)

    def _read(self, connection: Connection, message: Read) -> None:
        self._host.read(Asked(connection, message.request, time.monotonic_ns(), message.query))

    def _read_own_state(self, connection: Connection, message: Read) -> None:
        """Planted: whoever once led answers from its own state."""
        if self._host.replica.view().serving:
            asked = Asked(connection, message.request, time.monotonic_ns(), message.query)
            self._host.answer_unconfirmed(asked)
        else:
            self._read(connection, message)

    def _granted(self, connection: Connection, message: Grant | HandOver) -> None:
        if self._introductions.sentinel(connection) is not None:
            certificate = message.certificate
            self._host.tell(
                Certified(certificate) if isinstance(message, Grant) else events.HandOver(certificate)
            )

    def _on_up(self, connection: Connection) -> None:
        kind = connection.peer.partition("-")[0]
        if kind == "gateway":
            self._gateways.add(connection)
            connection.send(self._host.leading)
        elif kind == "sentinel":
            self._sentinels.add(connection)
            connection.send(self.heartbeat())
        elif kind == "engine":
            connection.send(self._peers.introduction(connection.binding))
            self._dial_back(connection.peer.removeprefix(PREFIX))

    def _dial_back(self, peer: str) -> None:
        """Answers go over this engine's own connection: a peer that was started again waits for one."""
        client = self._host.peers.get(peer)
        if client is not None:
            client.hasten()

    def _on_down(self, connection: Connection, _: str) -> None:
        self._gateways.discard(connection)
        self._sentinels.discard(connection)
        self._peers.left(connection)

    def _push(self, leading: Leading) -> None:
        for gateway in self._gateways:
            gateway.send(leading)
        self.beat()  # sentinels learn of it at once

    # --- heartbeats

    async def beats(self) -> None:
        """Send heartbeats to all sentinels, for ever."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            self.beat()
            due_s = max(due_s + HEARTBEAT_S, loop.time())
            await asyncio.sleep(due_s - loop.time())

    def beat(self) -> None:
        if self._sentinels:
            said = self.heartbeat()
            for sentinel in self._sentinels:
                sentinel.send(said)

    def heartbeat(self) -> Heartbeat:
        """What this engine says of itself now."""
        view, now_ns = self._host.replica.view(), time.monotonic_ns()
        return heartbeat(
            view,
            now_ns,
            fsynced_ns=self._store.last_fsync_ns,
            linked=self._peers.connected(view.leader),
            figures=self._host.tally.figures(now_ns),
        )

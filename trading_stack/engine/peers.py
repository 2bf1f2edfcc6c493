"""Which connections another engine stands at the far end of, so that no other holder of the secret speaks for it.

Engines make keys and show them as sentinels do (`sentinel.introductions`), but their keys become known in another way,
because a wiped engine must come back without an administrator. Both ends of a connection between engines show their
key. What counts is the key shown at a peer's own address, where this engine dials it: that one is pinned, durably.
Whoever dials this engine under that name is heard once it has shown the pinned key, and not before. Another key shown
at that address is pinned in its place, and told, unless the holder of the pinned one is connected here at that time.
`roster` says what this is worth.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from trading_stack.events import emit, log
from trading_stack.keys import Signer, verified
from trading_stack.roster import Roster, introduction_bytes
from trading_stack.sentinel.introductions import MOST_TOLD, introduction
from trading_stack.sentinel.messages import Introduction
from trading_stack.wire import Connection, Counters

PREFIX: Final = "engine-"
KEY_FILE: Final = "engine.key"
ROSTER_FILE: Final = "engines.json"


class Peers:
    """Judges what engines show. A key that isn't known yet waits, unheard; one that isn't held costs its connection."""

    def __init__(
        self,
        name: str,
        signer: Signer,
        roster: Roster,
        counters: Counters,
        *,
        tell: Callable[..., None] = emit,
    ) -> None:
        self._name = name
        self._signer = signer
        self._roster = roster
        self._counters = counters
        self._tell = tell
        self._shown: dict[str, bytes] = {}
        self._made: dict[Connection, str] = {}
        self._waiting: dict[Connection, tuple[str, bytes]] = {}
        self._told: set[tuple[str, bytes]] = set()

    def introduction(self, binding: bytes) -> Introduction:
        """What this engine says first on the connection with this binding, whichever end dialled."""
        return introduction(self._signer, PREFIX + self._name, binding)

    def engine(self, connection: Connection) -> str | None:
        """Whose key was shown on this connection, which that engine dialled, or None."""
        return self._made.get(connection)

    def connected(self, peer: str | None) -> bool:
        """Whether that engine has dialled this one, and shown its key."""
        return peer in self._made.values()

    # --- connections that this engine dialled

    def answered(self, peer: str, message: Introduction, *, connection: bytes) -> None:
        """What was said at the address of `peer`, on the connection with this binding."""
        if self._held(peer, message, connection):
            self._shown[peer] = message.public
            self._settle(peer)

    def lost(self, peer: str) -> None:
        """Nobody answers at that address any more."""
        self._shown.pop(peer, None)

    # --- connections that others dialled

    def hear(self, connection: Connection, message: Introduction) -> None:
        """Judge what a connection begins with."""
        peer = connection.peer.removeprefix(PREFIX)
        if not self._roster.knows(peer) or not self._held(peer, message, connection.binding):
            self._counters.add("introductions_refused")
            connection.close("it is no engine of this cluster, or can't show its key")
            return
        self._settle(peer)
        pinned = self._roster.pinned(peer)
        if message.public == pinned:
            self._made[connection] = peer
            return
        self._waiting[connection] = (peer, message.public)
        if pinned is not None:
            self._refuse(peer, message.public)

    def left(self, connection: Connection) -> None:
        """That connection is down."""
        self._waiting.pop(connection, None)
        peer = self._made.pop(connection, None)
        if peer is not None:
            self._settle(peer)

    # --- what is known

    def _held(self, peer: str, message: Introduction, connection: bytes) -> bool:
        return verified(message.public, introduction_bytes(PREFIX + peer, connection), message.proof)

    def _settle(self, peer: str) -> None:
        """Pin what is shown at the peer's address, and let whoever waited with that key begin again."""
        public = self._shown.get(peer)
        if public is None or public == self._roster.pinned(peer) or self.connected(peer):
            return
        try:
            self._roster.replace(peer, public)
        except OSError as failure:
            log(f"the key of {PREFIX}{peer} can't be pinned: {failure.strerror or failure}")
            return
        self._tell("key_pinned", engine=peer, reason=f"at its own address: {public.hex()}")
        for connection in [each for each, waits in self._waiting.items() if waits == (peer, public)]:
            del self._waiting[connection]
            connection.close("its key is known now: what it said before was not heard")

    def _refuse(self, peer: str, public: bytes) -> None:
        self._counters.add("introductions_refused")
        if (peer, public) not in self._told and len(self._told) < MOST_TOLD:
            self._told.add((peer, public))
            self._tell("key_refused", engine=peer, reason=f"not the pinned key: {public.hex()}")

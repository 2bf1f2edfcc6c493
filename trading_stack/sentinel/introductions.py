"""Which connections a sentinel stands at the far end of: those on which it showed its key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from weakref import WeakSet

from trading_stack.events import emit, log
from trading_stack.keys import Signer
from trading_stack.roster import Roster, Standing, introduction_bytes
from trading_stack.sentinel.messages import Introduction
from trading_stack.wire import Connection, Counters

PREFIX: Final = "sentinel-"
MOST_TOLD: Final = 100  # whoever tries more keys than that is counted, and told no more


def introduction(signer: Signer, name: str, binding: bytes) -> Introduction:
    """What sentinel `name` says first on the connection with this binding."""
    return Introduction(signer.public, signer.sign(introduction_bytes(name, binding)))


class Introductions:
    """Judges introductions by the roster. A refused one costs its connection, is counted, and is told once a key."""

    def __init__(self, roster: Roster, counters: Counters, *, tell: Callable[..., None] = emit) -> None:
        self._roster = roster
        self._counters = counters
        self._tell = tell
        self._made: WeakSet[Connection] = WeakSet()
        self._told: set[tuple[str, bytes]] = set()

    def sentinel(self, connection: Connection) -> str | None:
        """Whose key was shown on this connection, or None."""
        return connection.peer.removeprefix(PREFIX) if connection in self._made else None

    def expel(self, name: str) -> None:
        """End the connections of a sentinel whose key is another now."""
        for connection in [each for each in self._made if self.sentinel(each) == name]:
            self._made.discard(connection)
            connection.close("its key was replaced")

    def hear(self, connection: Connection, message: Introduction) -> None:
        """Judge what a connection begins with."""
        name = connection.peer.removeprefix(PREFIX) if connection.peer.startswith(PREFIX) else ""
        try:
            standing = self._roster.introduce(
                name, message.public, proof=message.proof, connection=connection.binding
            )
        except OSError as failure:
            log(f"the key of {connection.peer} can't be pinned: {failure.strerror or failure}")
            connection.close("its key can't be pinned")
            return
        if standing is Standing.REFUSED:
            self._refuse(connection, message.public)
            return
        self._made.add(connection)
        if standing is Standing.PINNED:
            self._tell("key_pinned", sentinel=name, reason=f"first contact with {message.public.hex()}")

    def _refuse(self, connection: Connection, public: bytes) -> None:
        self._counters.add("introductions_refused")
        stranger = (connection.peer, public)
        if stranger not in self._told and len(self._told) < MOST_TOLD:
            self._told.add(stranger)
            self._tell(
                "key_refused", sentinel=connection.peer, reason=f"not the pinned key: {public.hex()[:64]}"
            )
        connection.close("its key is not the one that is pinned")

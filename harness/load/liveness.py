"""Whether the far end of a connection is still there: a pure decision over what was heard, and when.

An order that takes long proves nothing: its gateway may hold it while the stack fails over. So the client asks for
a sign of life of its own, and only silence ends a connection. Any answer counts as a sign.
"""

from __future__ import annotations

from enum import Enum, auto

from harness.load.policy import ReconnectPolicy


class Sign(Enum):
    """What a client should do now."""

    WAIT = auto()
    PING = auto()
    GIVE_UP = auto()


class Liveness:
    """One connection's signs of life. Times are monotonic ns, passed in."""

    def __init__(self, policy: ReconnectPolicy, *, now_ns: int, round_trip_ns: int) -> None:
        """`round_trip_ns` is how long the first ping took: a slow link gets the more patience."""
        self._ping_every_ns = policy.ping_every_ns
        self.patience_ns = policy.silent_for_ns + 2 * round_trip_ns
        self._heard_ns = now_ns
        self._pinged_ns: int | None = None
        self._looked_ns = now_ns

    def heard(self, now_ns: int) -> None:
        """Something came from the far end."""
        self._heard_ns = max(self._heard_ns, now_ns)
        self._pinged_ns = None

    def look(self, now_ns: int) -> Sign:
        """Decide; to be called every few tens of milliseconds, after whatever has arrived was read.

        When the last look is long ago, this process was late itself, and its own lag must not pass for the far
        end's silence: the count starts again.
        """
        lagged = now_ns - self._looked_ns > 2 * self._ping_every_ns
        self._looked_ns = now_ns
        if lagged:
            self._heard_ns = max(self._heard_ns, now_ns - self._ping_every_ns)
        silent_ns = now_ns - self._heard_ns
        if self._pinged_ns is not None and silent_ns >= self.patience_ns:
            return Sign.GIVE_UP
        if silent_ns >= self._ping_every_ns and self._may_ping(now_ns):
            self._pinged_ns = now_ns
            return Sign.PING
        return Sign.WAIT

    def _may_ping(self, now_ns: int) -> bool:
        return self._pinged_ns is None or now_ns - self._pinged_ns >= self._ping_every_ns

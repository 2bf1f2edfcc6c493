"""Whether this gateway can still reach the venue, or should let its clients go where they can be served.

A gateway that is cut off holds its clients for nothing: they see a connection that answers, and stay. So when
commands have waited for a while, it asks every engine for a sign of life. If it hears no majority of them, or for
longer than a failover takes not the one that leads, it is cut off, until it hears them again. While commands are
answered it asks nobody.
"""

from __future__ import annotations

from typing import Final

SUSPECT_NS: Final = 150_000_000  # a command may wait that long without anything being wrong
SILENT_NS: Final = 350_000_000  # above a round trip under +100 ms each way, and above a stall of 200 ms
NO_PRIMARY_NS: Final = 1_200_000_000  # a failover takes a quarter of it
ASK_NS: Final = 100_000_000
STALL_NS: Final = 200_000_000  # after standing still, silence is this gateway's own


class Reach:
    """Told what is heard and what waits; tells whom to ask, and why it is cut off."""

    def __init__(self, engines: tuple[str, ...], now_ns: int) -> None:
        self._heard_ns = dict.fromkeys(engines, now_ns)
        self._turned_ns = now_ns
        self._suspected_ns: int | None = None
        self._asked_ns = 0
        self._primary: tuple[int, str | None] = (0, None)
        self._primary_since_ns = now_ns
        self.cut_off: str | None = None

    def heard(self, engine: str, now_ns: int) -> None:
        """An engine said something, whatever it was."""
        self._heard_ns[engine] = now_ns

    def turn(self, now_ns: int, *, waits_since_ns: int | None, primary: tuple[int, str | None]) -> list[str]:
        """Judge again; `waits_since_ns` is when the oldest open command came. Returns the engines to ask."""
        if now_ns - self._turned_ns > STALL_NS:
            self._suspected_ns = None
        self._turned_ns = now_ns
        if primary != self._primary:
            self._primary, self._primary_since_ns = primary, now_ns
        waits = waits_since_ns is not None and now_ns - waits_since_ns >= SUSPECT_NS
        if not waits and self.cut_off is None:
            self._suspected_ns = None
            return []
        if self._suspected_ns is None:
            self._suspected_ns = now_ns
        self.cut_off = self._judge(now_ns, self._suspected_ns)
        if now_ns - self._asked_ns < ASK_NS:
            return []
        self._asked_ns = now_ns
        return list(self._heard_ns)

    def _judge(self, now_ns: int, suspected_ns: int) -> str | None:
        if now_ns - suspected_ns < SILENT_NS:
            return self.cut_off
        heard = [engine for engine, at_ns in self._heard_ns.items() if now_ns - at_ns < SILENT_NS]
        if len(heard) <= len(self._heard_ns) // 2:
            return f"cut off: {len(heard)} of {len(self._heard_ns)} engines answer"
        _, primary = self._primary
        if primary is None or primary in heard:
            return None
        silent_ns = now_ns - max(self._heard_ns[primary], suspected_ns, self._primary_since_ns)
        return f"cut off: the primary, {primary}, does not answer" if silent_ns >= NO_PRIMARY_NS else None

"""Links get slower by a delay that can be moved while it is in force."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from harness.faults.contract import Direction, Fact
from harness.model import undo
from harness.model.errors import HarnessError, HealFailed
from harness.model.span import Span
from harness.platforms.delay_probe import Regime, measure
from harness.platforms.readings import Readings
from harness.platforms.sockets import NoSockDiag
from harness.stack.description import Link
from harness.wan.changes import PutToxic, RemoveToxic
from harness.wan.client import WanClient
from harness.wan.toxics import Latency, Stream

_NUMBERS: Final = itertools.count(1)
_STREAMS: Final = {
    Direction.TO: (Stream.UPSTREAM,),
    Direction.FROM: (Stream.DOWNSTREAM,),
    Direction.BOTH: (Stream.UPSTREAM, Stream.DOWNSTREAM),
}


class Delaying:
    """A latency toxic on each direction named, on top of the baseline's."""

    def __init__(
        self,
        links: Sequence[Link],
        *,
        latency_ms: float,
        jitter_ms: float,
        direction: Direction,
        wan: WanClient,
        readings: Readings,
        stopped: Callable[[], bool],
    ) -> None:
        self._links = {link.name: link for link in links}
        self._latency_ms = latency_ms
        self._jitter_ms = jitter_ms
        self._direction = direction
        self._wan = wan
        self._readings = readings
        self._stopped = stopped
        self._number = next(_NUMBERS)
        self._regimes: list[Regime] = []
        self._lifted = threading.Event()

    @property
    def subjects(self) -> tuple[str, ...]:
        return tuple(self._links)

    @property
    def undo(self) -> tuple[undo.Undo, ...]:
        toxics = tuple((change.link, change.name) for change in self._changes())
        return (undo.RemoveToxics(self._wan.address, toxics),)

    def apply(self) -> Span:
        span = self._wan.apply(self._changes())
        self._regimes.append(Regime(span.first_ns, span.last_ns, self._latency_ms, self._jitter_ms))
        self._lifted.clear()
        return span

    def adjust(self, *, latency_ms: float, jitter_ms: float) -> Span:
        self._latency_ms, self._jitter_ms = latency_ms, jitter_ms
        return self.apply()

    def facts(self) -> list[Fact]:
        """The delay that bytes on these links had, as both ends' sockets tell it; a link without traffic tells nothing."""
        try:
            return measure(
                tuple(self._links.values()),
                self._direction,
                self._readings,
                self._regimes,
                self._lifted.is_set,
            )
        except NoSockDiag as error:
            told = f"no delay could be measured: {error}"
            return [Fact(", ".join(self._links), "far_end", told, convincing=False)]

    def revert(self) -> Span:
        try:
            span = self._wan.apply([RemoveToxic(change.link, change.name) for change in self._changes()])
        except HarnessError as error:
            if self._stopped():
                now_ns = time.monotonic_ns()
                return Span(now_ns, now_ns)
            raise HealFailed(f"{len(self._links)} links: the delay was not taken off: {error}") from error
        self._regimes.append(Regime(span.first_ns, span.last_ns, 0.0, 0.0))
        self._lifted.set()  # facts may still be under way
        return span

    def _changes(self) -> list[PutToxic]:
        settings = Latency(latency_ms=self._latency_ms, jitter_ms=self._jitter_ms)
        return [
            PutToxic(link, f"delay-{self._number}-{stream}", stream, settings)
            for link in self._links
            for stream in _STREAMS[self._direction]
        ]

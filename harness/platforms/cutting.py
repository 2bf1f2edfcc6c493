"""Links fall silent, refuse, or leave handshakes unanswered."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from harness.faults import contract
from harness.faults.contract import Cut, Direction, Fact, NewConnections
from harness.model import undo
from harness.model.errors import EnvironmentUnfit, HarnessError, HealFailed
from harness.model.span import Span
from harness.platforms.handshakes import handshake_facts
from harness.platforms.last_look import LastLook
from harness.platforms.readings import Reading, Readings
from harness.platforms.silence import judge, rate_per_s, silences, watch_for_s
from harness.stack.adapter import Address
from harness.wan.changes import LinkChange, PutToxic, RemoveToxic, Sever
from harness.wan.client import WanClient
from harness.wan.toxics import Drop, Established, Reject, Stall, Stream

_NUMBERS: Final = itertools.count(1)
_STREAMS: Final = {
    Direction.TO: (Stream.UPSTREAM,),
    Direction.FROM: (Stream.DOWNSTREAM,),
    Direction.BOTH: (Stream.UPSTREAM, Stream.DOWNSTREAM),
}
_DIRECTIONS: Final = {Stream.UPSTREAM: Direction.TO, Stream.DOWNSTREAM: Direction.FROM}
_ESTABLISHED: Final = {
    contract.Established.STALL: Established.STALL,
    contract.Established.RESET: Established.CUT,
    contract.Established.KEEP: Established.KEEP,
}
_TOXICS: Final = {NewConnections.DROP: Drop, NewConnections.STALL: Stall, NewConnections.REJECT: Reject}
_LEAST_WATCHED_S: Final = 0.3
_MOST_WATCHED_S: Final = 1.5


class Cutting:
    """Toxics of the fault proxy on each link; lifting them severs what was stalled."""

    def __init__(
        self,
        cuts: Sequence[Cut],
        *,
        wan: WanClient,
        readings: Readings,
        dialled: Mapping[str, Address],
        alive: Callable[[str], bool],
        stopped: Callable[[], bool],
    ) -> None:
        """`dialled` is where each link's proxy listens; `alive` tells whether a service runs.

        `stopped` tells whether the whole site has stopped: then nothing is left to lift.

        Raises:
            EnvironmentUnfit: Established connections shall stall while new ones are allowed, which no proxy can do.
        """
        self._cuts = {cut.link.name: cut for cut in cuts}
        self._wan = wan
        self._readings = readings
        self._dialled = dialled
        self._alive = alive
        self._stopped = stopped
        number = next(_NUMBERS)
        self._changes = tuple(change for cut in cuts for change in _changes(cut, number))
        self._applied_ns = 0
        self._look = LastLook(readings.now)

    @property
    def subjects(self) -> tuple[str, ...]:
        return tuple(self._cuts)

    @property
    def undo(self) -> tuple[undo.Undo, ...]:
        toxics = tuple((change.link, change.name) for change in self._changes if isinstance(change, PutToxic))
        return (undo.RemoveToxics(self._wan.address, toxics),) if toxics else ()

    def apply(self) -> Span:
        span = self._wan.apply(self._changes)
        self._applied_ns = span.last_ns
        self._look.again()
        return span

    def facts(self) -> list[Fact]:
        """Whether the sockets at the receiving ends fell silent, and what a handshake of our own met."""
        start = self._readings.now()
        asked_s = time.monotonic()
        handshakes = list(self._handshakes())
        if self._look.lifted:
            handshakes = []  # they may have been answered because the cut was lifted
        return [*self._silence(start, asked_s), *handshakes]

    def revert(self) -> Span:
        self._look.before_lift()
        undo = [
            RemoveToxic(change.link, change.name) for change in self._changes if isinstance(change, PutToxic)
        ]
        try:
            return self._wan.apply(undo)
        except HarnessError as error:
            if self._stopped():
                now_ns = time.monotonic_ns()
                return Span(now_ns, now_ns)
            raise HealFailed(f"{len(self._cuts)} links: the cut was not lifted: {error}") from error

    def _silence(self, start: Reading, since_s: float) -> Iterator[Fact]:
        watched = {name: self._directions(cut) for name, cut in self._cuts.items()}
        before = self._readings.before(self._applied_ns)
        rates = [rate_per_s(before, link, one) for link, directions in watched.items() for one in directions]
        needed_s = watch_for_s(rates, least_s=_LEAST_WATCHED_S, most_s=_MOST_WATCHED_S)
        end = self._look.after(max(0.0, since_s + needed_s - time.monotonic()))
        if end is None:
            return
        watched_ms = (end.at_ns - start.at_ns) / 1e6
        for link, directions in watched.items():
            seen = silences(before, start, end, link, directions)
            if (fact := judge(link, seen, watched_ms=watched_ms, by=end.by)) is not None:
                yield fact

    def _directions(self, cut: Cut) -> list[Direction]:
        """The directions that must be silent, as far as whoever receives there is alive to tell."""
        if cut.established is contract.Established.KEEP or cut.new is NewConnections.ALLOW:
            return []
        receivers = {Direction.TO: cut.link.target, Direction.FROM: cut.link.source}
        directions = [_DIRECTIONS[stream] for stream in _STREAMS[cut.direction]]
        return [one for one in directions if self._alive(receivers[one])]

    def _handshakes(self) -> Iterator[Fact]:
        for kind in (NewConnections.DROP, NewConnections.REJECT):
            tried = {name: self._dialled[name] for name, cut in self._cuts.items() if cut.new is kind}
            if tried:
                yield from handshake_facts(tried, kind)


def _changes(cut: Cut, number: int) -> Iterator[LinkChange]:
    link = cut.link.name
    if cut.new is NewConnections.ALLOW:
        if cut.established is contract.Established.STALL:
            raise EnvironmentUnfit(
                f"link {link}: connections that exist can't be stalled while new ones are allowed",
                next_step="write `new: stall` or `new: drop`, or `established: reset`",
            )
        if cut.established is contract.Established.RESET:
            yield Sever(link)
        return
    established = _ESTABLISHED[cut.established]
    for stream in _STREAMS[cut.direction]:
        settings: msgspec.Struct = _TOXICS[cut.new](established=established)
        yield PutToxic(link, f"cut-{number}-{stream}", stream, settings)

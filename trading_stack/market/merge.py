"""The feed handler's decisions: many lines in, one ordered stream of frames out. Pure: time is an argument.

A frame is a function of the ticks that are known of its sequence and of nothing else, so that two feed handlers that
know the same ticks make the same frames, in whatever order the ticks came. A frame waits until every live source has
reached its sequence. A source is live while it lags the newest by no more than `LAG_LIMIT` ticks; one that falls
further behind is waited for no longer, and its constituents are missing rather than frozen. When its ticks come after
all, the frames that they complete are made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from trading_stack.instruments import COINS
from trading_stack.market.calendar import surface_sequence
from trading_stack.market.line import KEEP
from trading_stack.market.messages import Frame, PriceTick, SurfaceTick
from trading_stack.market.robust_index import LEAST_CONSTITUENTS

LAG_LIMIT: Final = 5
_SURFACES_KEPT: Final = 16

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Dated:
    """A surface, and when its sequence first arrived here."""

    tick: SurfaceTick
    arrived_ns: int


@dataclass(slots=True)
class _Moment:
    """What is known of one sequence."""

    arrived_ns: int
    told: dict[str, PriceTick] = field(default_factory=dict)


class Merge:
    """Merges the lines of the sources named, in that order."""

    def __init__(self, sources: Sequence[str]) -> None:
        self._newest = dict.fromkeys(sources, -1)
        self._moments: dict[int, _Moment] = {}
        self._surfaces: dict[int, dict[str, Dated]] = {}
        self._reached = -1

    def prices(self, source: str, ticks: Iterable[PriceTick], now_ns: int) -> list[Frame]:
        """Take ticks; the frames that are new or changed by them, in order. Known ticks change nothing."""
        completed = set()
        for tick in ticks:
            moment = self._moments.setdefault(tick.sequence, _Moment(now_ns))
            if source not in moment.told:
                moment.told[source] = tick
                self._newest[source] = max(self._newest[source], tick.sequence)
                if tick.sequence <= self._reached:
                    completed.add(tick.sequence)
        horizon = self._horizon()
        first = max(self._reached + 1, horizon - KEEP)
        completed.update(range(first, horizon + 1))
        self._reached = max(self._reached, horizon)
        frames = [frame for sequence in sorted(completed) if (frame := self._frame(sequence)) is not None]
        self._forget()
        return frames

    def surface(self, source: str, tick: SurfaceTick, now_ns: int) -> None:
        """Take a surface. A known one changes nothing, not its age either."""
        told = self._surfaces.setdefault(tick.sequence, {})
        told.setdefault(source, Dated(tick, now_ns))
        for sequence in sorted(self._surfaces)[:-_SURFACES_KEPT]:
            del self._surfaces[sequence]

    def surface_for(self, sequence: int) -> Dated | None:
        """The newest surface that holds at a price tick: what most sources say of it, and its first arrival."""
        known = [held for held in self._surfaces if held <= surface_sequence(sequence)]
        if not known:
            return None
        told = list(self._surfaces[max(known)].values())
        return Dated(agreed([dated.tick for dated in told]), min(dated.arrived_ns for dated in told))

    def arrived_ns(self, sequence: int) -> int:
        """When the first tick of a sequence came."""
        return self._moments[sequence].arrived_ns

    def everything(self) -> list[Frame]:
        """All frames that are known, in order: what a new follower needs."""
        known = (self._frame(sequence) for sequence in sorted(self._moments) if sequence <= self._reached)
        return [frame for frame in known if frame is not None]

    def _horizon(self) -> int:
        """The newest sequence that all live sources have reached."""
        front = max(self._newest.values())
        return min(newest for newest in self._newest.values() if newest >= front - LAG_LIMIT)

    def _frame(self, sequence: int) -> Frame | None:
        moment = self._moments.get(sequence)
        if moment is None:
            return None
        told = [moment.told[source] for source in self._newest if source in moment.told]
        constituents: dict[str, int] = {}
        for tick in told:
            constituents = tick.constituents | constituents  # of two that tell the same, the first counts
        if any(_of(coin, constituents) < LEAST_CONSTITUENTS for coin in COINS):
            return None
        mids = agreed([tick.mids for tick in told])
        return Frame(sequence, agreed([tick.event_ns for tick in told]), constituents, mids)

    def _forget(self) -> None:
        if len(self._moments) > KEEP + LAG_LIMIT:
            front = max(self._newest.values())
            for sequence in [held for held in self._moments if held <= front - KEEP]:
                del self._moments[sequence]


def agreed(values: Sequence[T]) -> T:
    """What most say; of equally many, the first."""
    return max(values, key=values.count)


def _of(coin: str, constituents: Iterable[str]) -> int:
    return sum(name.startswith(coin + ".") for name in constituents)

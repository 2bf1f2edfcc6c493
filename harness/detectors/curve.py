"""The curve of detection time against mistakes: every kind with every setting, over one trace."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.detectors.contract import Kind
from harness.detectors.intervals import rate_interval
from harness.detectors.quality import NEVER, Deaths, Quality, RealDeaths, judge, suppose_deaths
from harness.detectors.registry import KINDS, Choice
from harness.detectors.timeline import Timeline, make_timeline
from harness.detectors.trace import HOUR_NS, Distinct, Trace
from harness.model.shares import Interval, bounded_by_worst, median_ranks, share_interval

SUPPOSED_EVERY_NS: Final = 1_000_000_000
"""Where a trace tells of no death: one supposed death a second, so that two of them share few heartbeats."""
SOONER_NS: Final = 1_000_000
"""Less than a millisecond sooner is no difference worth a change."""


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """One setting of one detector, with its quality over one trace. `NEVER` stands for deaths that were not noticed.

    What several watchers saw is in every figure as often, but proves no more than once: intervals go by what is `distinct`.
    """

    choice: Choice
    quality: Quality
    distinct: Distinct

    @property
    def seen(self) -> int:
        """How often deaths were seen, by all watchers."""
        return len(self.quality.detection_ns)

    @property
    def median_ns(self) -> int:
        """The time of detection that half of the deaths did not exceed."""
        times = self.quality.detection_ns
        return int(times[(len(times) - 1) // 2]) if len(times) else NEVER

    @property
    def median_between_ns(self) -> tuple[int, int] | None:
        """Between which the median lies with 95 % confidence; None with fewer than six deaths.

        As if all watchers of a death had seen the same: the ranks of deaths, each of as many times as saw it on average.
        """
        times, deaths = self.quality.detection_ns, self.distinct.deaths
        ranks = median_ranks(deaths)
        if ranks is None:
            return None
        low = ranks[0] * len(times) // deaths
        high = math.ceil((ranks[1] + 1) * len(times) / deaths) - 1
        return int(times[low]), int(times[high])

    @property
    def worst_ns(self) -> int:
        times = self.quality.detection_ns
        return int(times[-1]) if len(times) else NEVER

    @property
    def worst_bounds(self) -> float:
        """The share of all deaths that the worst bounds, with 95 % confidence."""
        return bounded_by_worst(self.distinct.deaths)

    @property
    def rate(self) -> Interval:
        """Mistakes an hour, with 95 % confidence; widened where mistakes come in clusters, or from several watchers."""
        quality, distinct = self.quality, self.distinct
        if not quality.mistakes:
            return rate_interval(0, distinct.watched_ns / HOUR_NS)
        return rate_interval(quality.mistakes, quality.hours, spread=quality.spread * distinct.watchers)

    @property
    def missed(self) -> Interval:
        """The share of deaths that go unnoticed while they are watched, with 95 % confidence."""
        deaths = self.distinct.deaths
        missed = self.quality.missed * deaths / self.seen if self.seen else 0.0
        least, most = share_interval(math.floor(missed), deaths), share_interval(math.ceil(missed), deaths)
        return Interval(least.low, most.high)

    def beats(self, other: Point) -> bool:
        """Whether nothing speaks for the other: no sooner at the median or at worst, nor fewer mistakes; and it is worse."""
        if self.median_ns > other.median_ns or self.worst_ns > other.worst_ns:
            return False
        mistakes, others = self.quality.mistakes, other.quality.mistakes
        return mistakes < others or (mistakes == others and other.median_ns - self.median_ns >= SOONER_NS)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """All points over one trace, by kind and rising setting; `shipped` is one of the same trace, in no order.

    `deaths` are counted once each, `seen` as often as some watcher saw one.
    """

    trace: Trace
    deaths: int
    seen: int
    supposed: bool
    points: tuple[Point, ...]
    shipped: Point | None

    @property
    def hours(self) -> float:
        """For how long all watchers watched the living."""
        return self.trace.watched_ns / HOUR_NS

    @property
    def distinct_hours(self) -> float:
        """For how long senders were watched while they lived, by however many."""
        return self.trace.distinct.watched_ns / HOUR_NS

    @property
    def front(self) -> tuple[Point, ...]:
        """The points that no other beats."""
        return tuple(point for point in self.points if not beaten_by(point, self.points))

    def of(self, kind: Kind) -> tuple[Point, ...]:
        return tuple(point for point in self.points if point.choice.kind.name == kind.name)

    def soonest(self, kind: Kind, *, most_per_h: float) -> Point | None:
        """The setting that detects soonest with at most so many mistakes an hour; None where all made more."""
        able = [point for point in self.of(kind) if point.quality.rate_per_h <= most_per_h]
        return min(able, key=lambda point: (point.median_ns, point.worst_ns), default=None)


def beaten_by(point: Point, points: Iterable[Point]) -> list[Point]:
    """Those that beat a point, the one with the fewest mistakes first, then the soonest."""
    better = [other for other in points if other.beats(point)]
    return sorted(better, key=lambda other: (other.quality.mistakes, other.median_ns))


def measure(trace: Trace, *, shipped: Choice | None, seed: int, kinds: Sequence[Kind] = KINDS) -> Curve:
    """Every kind with each of its settings, and the shipped one, over one trace."""
    timeline = make_timeline(trace)
    deaths: Deaths = RealDeaths(timeline)
    if not deaths.count:
        deaths = suppose_deaths(timeline, every_ns=SUPPOSED_EVERY_NS, seed=seed)
    distinct = _distinct(trace, deaths)
    points = [
        point
        for kind in kinds
        for point in _points(kind, kind.settings(trace.heartbeat_ns), timeline, deaths, distinct)
    ]
    at = (
        _points(shipped.kind, (shipped.setting,), timeline, deaths, distinct)[0]
        if shipped is not None
        else None
    )
    return Curve(trace, distinct.deaths, deaths.count, deaths.supposed, tuple(points), at)


def _distinct(trace: Trace, deaths: Deaths) -> Distinct:
    """What a trace tells of; of supposed deaths as large a share as of its time is distinct."""
    distinct = trace.distinct
    if not deaths.supposed:
        return distinct
    return replace(distinct, deaths=deaths.count * distinct.watched_ns // max(1, trace.watched_ns))


def _points(
    kind: Kind, settings: Sequence[float], timeline: Timeline, deaths: Deaths, distinct: Distinct
) -> list[Point]:
    over = kind.over(timeline)
    return [
        Point(Choice(kind, setting), judge(timeline, over(setting), deaths), distinct) for setting in settings
    ]

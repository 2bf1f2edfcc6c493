"""What faults do to the links of a simulated world: cutting, slowing, losing, resetting; each proved by what arrived."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

from harness.faults.contract import Cut, Direction, Established, Fact, NewConnections
from harness.model.span import Span
from harness.model.undo import Undo
from harness.platforms.sim.delays import Added, Meter
from harness.platforms.sim.lanes import Lane, Road
from harness.platforms.sim.losses import Loss
from harness.platforms.sim.world import World
from harness.stack.description import Link

_NUMBERS: Final = itertools.count(1)
SEVERED: Final = "reset: the stalled connection was severed"
ENOUGH_LOSSES: Final = 12
"""Where so many are expected, none at all comes about once in 160,000 times: it is then no accident."""


class Cutting:
    """Links fall silent; lifting severs what was stalled."""

    undo: tuple[Undo, ...] = ()

    def __init__(self, world: World, cuts: Sequence[Cut]) -> None:
        self.subjects = tuple(cut.link.name for cut in cuts)
        self._world = world
        self._cuts = tuple(cuts)
        self._number = next(_NUMBERS)
        self._before: dict[str, list[tuple[str, Lane, int, int]]] = {}
        self._after: dict[str, list[tuple[int, int]]] = {}

    def apply(self) -> Span:
        for cut in self._cuts:
            road = self._world.road(cut.link)
            if cut.new is not NewConnections.ALLOW:
                road.refusing[self._number] = cut.new
            if cut.established is Established.RESET:
                self._world.sever(cut.link, "reset: connection reset by peer")
            if cut.established is Established.STALL:
                self._silence(road, cut)
        return self._world.instant()

    def facts(self) -> list[Fact]:
        return [fact for cut in self._cuts if (fact := self._fact(cut.link)) is not None]

    def revert(self) -> Span:
        for cut in self._cuts:
            road = self._world.road(cut.link)
            if road.refusing.pop(self._number, None) is None and cut.link.name not in self._before:
                continue
            watched = self._before.get(cut.link.name, [])
            self._after.setdefault(cut.link.name, [(lane.sent, lane.arrived) for _, lane, _, _ in watched])
            for _, lane, _, _ in watched:
                lane.silent_for.discard(self._number)
            if watched:
                self._world.sever(cut.link, SEVERED)
            road.let_go(SEVERED)
        return self._world.instant()

    def _silence(self, road: Road, cut: Cut) -> None:
        lanes = [("to", road.to)] * (cut.direction is not Direction.FROM)
        lanes += [("from", road.back)] * (cut.direction is not Direction.TO)
        self._before[cut.link.name] = [(way, lane, lane.sent, lane.arrived) for way, lane in lanes]
        for _, lane in lanes:
            self._world.hush(road, lane, self._number)

    def _fact(self, link: Link) -> Fact | None:
        watched = self._before.get(link.name, [])
        after = self._after.get(link.name, [(lane.sent, lane.arrived) for _, lane, _, _ in watched])
        tried = sum(now[0] - sent for (_, _, sent, _), now in zip(watched, after, strict=True))
        came = sum(now[1] - arrived for (_, _, _, arrived), now in zip(watched, after, strict=True))
        if not tried and not came:
            return None
        told = f"{tried} messages were sent into the cut, {came} arrived"
        return Fact(link.name, "far_end", told, convincing=came == 0)


class Delaying:
    """Messages take longer, by an amount that can be moved."""

    undo: tuple[Undo, ...] = ()

    def __init__(
        self,
        world: World,
        links: Sequence[Link],
        *,
        latency_ms: float,
        jitter_ms: float,
        direction: Direction,
    ) -> None:
        self.subjects = tuple(link.name for link in links)
        self._world = world
        self._lanes = _lanes(world, links, direction)
        self._number = next(_NUMBERS)
        self._added = Added.of_ms(latency_ms, jitter_ms)
        self._most_ms = latency_ms
        self._meters: list[Meter] = []

    def apply(self) -> Span:
        span = self._world.instant()
        self._meters = [Meter() for _ in self._lanes]
        for (_, _, lane), meter in zip(self._lanes, self._meters, strict=True):
            lane.meters[self._number] = meter
        self._put(self._added)
        return span

    def adjust(self, *, latency_ms: float, jitter_ms: float) -> Span:
        moved = Added.of_ms(latency_ms, jitter_ms)
        self._most_ms = max(self._most_ms, latency_ms)
        self._put(moved)
        return self._world.instant()

    def facts(self) -> list[Fact]:
        facts = (self._fact(*one) for one in zip(self._lanes, self._meters, strict=False))
        return [fact for fact in facts if fact is not None]

    def revert(self) -> Span:
        for _, _, lane in self._lanes:
            lane.added.pop(self._number, None)
            lane.meters.pop(self._number, None)
        return self._world.instant()

    def _put(self, added: Added) -> None:
        for _, _, lane in self._lanes:
            lane.added[self._number] = added

    def _fact(self, where: tuple[str, Direction, Lane], meter: Meter) -> Fact | None:
        name, way, lane = where
        if not meter.arrived:
            return None
        most_ms = max(0, meter.most_ns - lane.base_ns) / 1e6
        mean_ms = max(0.0, meter.delay_ns / meter.arrived - lane.base_ns) / 1e6
        told = (
            f"{meter.arrived} messages ({way}) took {mean_ms:.1f} ms more than the baseline on average, "
            f"{most_ms:.1f} ms at most"
        )
        return Fact(
            name,
            "far_end",
            told,
            convincing=most_ms >= 0.5 * self._most_ms,
            asked=self._most_ms,
            measured=most_ms,
            unit="ms",
        )


class Losing:
    """Packets are lost, and sent again."""

    undo: tuple[Undo, ...] = ()

    def __init__(self, world: World, links: Sequence[Link], *, share: float, direction: Direction) -> None:
        self.subjects = tuple(link.name for link in links)
        self._world = world
        self._number = next(_NUMBERS)
        self._share = share
        self._lanes = _lanes(world, links, direction)
        self._losses: list[Loss] = []

    def apply(self) -> Span:
        self._losses = [Loss(self._share) for _ in self._lanes]
        for (_, _, lane), loss in zip(self._lanes, self._losses, strict=True):
            lane.losses[self._number] = loss
        return self._world.instant()

    def facts(self) -> list[Fact]:
        facts = (self._fact(*one) for one in zip(self._lanes, self._losses, strict=False))
        return [fact for fact in facts if fact is not None]

    def revert(self) -> Span:
        for _, _, lane in self._lanes:
            lane.losses.pop(self._number, None)
        return self._world.instant()

    def _fact(self, where: tuple[str, Direction, Lane], loss: Loss) -> Fact | None:
        name, way, _ = where
        if not loss.sent or (not loss.lost and loss.sent * self._share < ENOUGH_LOSSES):
            return None  # too little was sent for one to be missed
        told = f"{loss.lost} of {loss.sent} packets ({way}) were lost and had to be sent again"
        return Fact(
            name,
            "far_end",
            told,
            convincing=loss.lost > 0,
            asked=100 * self._share,
            measured=100 * loss.lost / loss.sent,
            unit="%",
        )


class Resetting:
    """Established connections are reset once; new ones work."""

    undo: tuple[Undo, ...] = ()

    def __init__(self, world: World, links: Sequence[Link]) -> None:
        self.subjects = tuple(link.name for link in links)
        self._world = world
        self._links = tuple(links)
        self._severed: dict[str, int] = {}

    def apply(self) -> Span:
        for link in self._links:
            self._severed[link.name] = self._world.sever(link, "reset: connection reset by peer")
        return self._world.instant()

    def facts(self) -> list[Fact]:
        return [
            Fact(name, "far_end", f"all {count} connections are gone", convincing=True)
            for name, count in self._severed.items()
            if count
        ]

    def revert(self) -> Span:
        return self._world.instant()


def _lanes(world: World, links: Sequence[Link], direction: Direction) -> list[tuple[str, Direction, Lane]]:
    """The lanes of links in a direction, each with its link's name and its way."""
    return [
        (link.name, way, lane)
        for link in links
        for way, lane in ((Direction.TO, world.road(link).to), (Direction.FROM, world.road(link).back))
        if direction in (way, Direction.BOTH)
    ]

"""Established connections are reset once; new ones work."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

from harness.faults.contract import Fact
from harness.model.span import Span
from harness.model.undo import Undo
from harness.platforms.readings import Reading, Readings
from harness.stack.description import Link
from harness.wan.changes import Sever
from harness.wan.client import WanClient

_AGAIN_WITHIN_S: Final = 1.0
_GLANCE_S: Final = 0.1


class Resetting:
    """Severs each link in the fault proxy: both ends see a reset. There is nothing to undo."""

    def __init__(self, links: Sequence[Link], *, wan: WanClient, readings: Readings) -> None:
        self._links = tuple(link.name for link in links)
        self._wan = wan
        self._readings = readings
        self._applied_ns = 0

    @property
    def subjects(self) -> tuple[str, ...]:
        return self._links

    @property
    def undo(self) -> tuple[Undo, ...]:
        return ()

    def apply(self) -> Span:
        span = self._wan.apply([Sever(link) for link in self._links])
        self._applied_ns = span.first_ns
        return span

    def facts(self) -> list[Fact]:
        """Whether the connections that there were are gone, and whether others came in their place."""
        before = self._readings.before(self._applied_ns)
        if not before:
            return []
        until = time.monotonic() + _AGAIN_WITHIN_S
        while True:
            now = self._readings.now()
            if time.monotonic() >= until or all(now.open.get(link) for link in self._links):
                return list(judge_reset(self._links, before[-1], now))
            time.sleep(_GLANCE_S)

    def revert(self) -> Span:
        now_ns = time.monotonic_ns()
        return Span(now_ns, now_ns)


def judge_reset(links: Sequence[str], before: Reading, now: Reading) -> Iterator[Fact]:
    """One fact a link that had connections: they must all be gone."""
    for link in links:
        had, has = before.open.get(link, frozenset()), now.open.get(link, frozenset())
        if not had:
            continue
        if left := had & has:
            told = f"{len(left)} of {len(had)} connections are still there ({now.by})"
            yield Fact(link, "far_end", told, convincing=False)
        else:
            told = f"all {len(had)} connections are gone, {len(has)} new ones came ({now.by})"
            yield Fact(link, "far_end", told, convincing=True)

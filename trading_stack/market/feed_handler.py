"""The feed handler of one provider without its sockets: what it hears, what it asks for again, what it passes on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from trading_stack.market.freshness import INDEX_LIMIT_NS
from trading_stack.market.line import Line
from trading_stack.market.merge import Merge
from trading_stack.market.messages import (
    FRAME_CHUNK,
    Channel,
    Frame,
    FromSource,
    Live,
    Missed,
    Past,
    PriceTick,
    Resend,
    Subscribe,
    SurfaceTick,
)

Passed: TypeAlias = Past | Live


class FeedHandler:
    """Hears some sources and keeps what followers have still to be told. Times are the local monotonic clock's."""

    def __init__(self, sources: Sequence[str]) -> None:
        self._merge = Merge(sources)
        self._lines = {(source, channel): Line() for source in sources for channel in Channel}
        self._untold: dict[int, Frame] = {}
        self._newest: Frame | None = None

    @property
    def gaps(self) -> int:
        """How many gaps in sequences were heard."""
        return sum(line.gaps for line in self._lines.values())

    def subscription(self, source: str) -> Subscribe:
        """What to ask a source for on a new connection."""
        return Subscribe(
            prices_after=self._lines[source, Channel.PRICES].resume_after(),
            surface_after=self._lines[source, Channel.SURFACE].resume_after(),
        )

    def hear(self, source: str, message: FromSource, now_ns: int) -> list[Resend]:
        """Take what a source said; what to ask it for again."""
        if isinstance(message, Missed):
            prices, surfaces = message.prices, message.surfaces
        elif isinstance(message, PriceTick):
            prices, surfaces = [message], []
        else:
            prices, surfaces = [], [message]
        gaps = self._note(source, Channel.PRICES, prices) + self._note(source, Channel.SURFACE, surfaces)
        for surface in surfaces:
            self._merge.surface(source, surface, now_ns)
        if prices:
            self._untold.update(
                (frame.sequence, frame) for frame in self._merge.prices(source, prices, now_ns)
            )
        return gaps

    def news(self, now_ns: int) -> list[Passed]:
        """What followers have to be told since the last call; to be called once everything at hand was heard."""
        frames = [self._untold[sequence] for sequence in sorted(self._untold)]
        self._untold.clear()
        if not frames:
            return []
        if self._newest is not None and frames[-1].sequence <= self._newest.sequence:
            if frames[-1].sequence == self._newest.sequence:
                self._newest = frames[-1]  # corrected, and not to be repeated as it was
            return list(_past(frames))
        self._newest = frames[-1]
        return [*_past(frames[:-1]), self._live(frames[-1], now_ns)]

    def repeat(self, now_ns: int) -> list[Passed]:
        """The newest frame again, with its age of now: it shows that the feed lives."""
        return [] if self._newest is None else [self._live(self._newest, now_ns)]

    def welcome(self, now_ns: int) -> list[Passed]:
        """What a new follower has to be told first: the moving averages' past, and the newest frame."""
        if self._newest is None:
            return []
        newest = self._newest
        past = [frame for frame in self._merge.everything() if frame.sequence < newest.sequence]
        return [*_past(past), self._live(newest, now_ns)]

    def unready(self, now_ns: int) -> str | None:
        """Why nobody should rely on this feed now; None when it is ready."""
        if self._newest is None:
            return "no prices yet"
        live = self._live(self._newest, now_ns)
        if live.surface is None:
            return "no surface yet"
        if live.prices_age_ns > INDEX_LIMIT_NS:
            return f"prices are {live.prices_age_ns / 1e9:.1f} s old"
        return None

    def _note(self, source: str, channel: Channel, ticks: Iterable[PriceTick | SurfaceTick]) -> list[Resend]:
        line = self._lines[source, channel]
        gaps = [gap for tick in ticks if (gap := line.hear(tick.sequence)) is not None]
        return [Resend(channel, first, last) for first, last in gaps]

    def _live(self, frame: Frame, now_ns: int) -> Live:
        surface = self._merge.surface_for(frame.sequence)
        return Live(
            frames=[frame],
            surface=None if surface is None else surface.tick,
            prices_age_ns=now_ns - self._merge.arrived_ns(frame.sequence),
            surface_age_ns=0 if surface is None else now_ns - surface.arrived_ns,
        )


def _past(frames: Sequence[Frame]) -> Iterable[Past]:
    for start in range(0, len(frames), FRAME_CHUNK):
        yield Past(list(frames[start : start + FRAME_CHUNK]))
